"""Put pages in the place of links in a finished navigation that refer to Confluence.

Plugins that make a navigation of their own (awesome-nav, awesome-pages) read entries from files
that only they know. What they cannot find they take for the address of another site.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from mkdocs.structure.nav import Link, Section
from mkdocs.structure.pages import Page

from mkdocs_confluence_md.confluence.refs import parse_nav_entry
from mkdocs_confluence_md.site.nav import NavLink
from mkdocs_confluence_md.site.paths import join_sections, make_slug

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.nav import Navigation

    from mkdocs_confluence_md.site.nav import Nav


@dataclass(frozen=True)
class ReferenceLink:
    """A link of the navigation that is a reference."""

    entry: NavLink
    link: Link
    siblings: list[Any]

    def replace(self, items: Iterable[Any]) -> None:
        """Put items in its place."""
        place = self.siblings.index(self.link)
        self.siblings[place : place + 1] = items


def find_reference_links(items: list[Any], section: str = "") -> Iterator[ReferenceLink]:
    """Yield the links among items, and below them, that are references.

    Args:
        items: Of a section of the navigation.
        section: The path of that section.
    """
    for item in items:
        if isinstance(item, Link):
            if parse_nav_entry(item.title, item.url) is not None:
                yield ReferenceLink(NavLink(item.title, item.url, section), item, items)
        elif item.children:
            inner = join_sections(section, make_slug(str(item.title or "")))
            yield from find_reference_links(item.children, inner)


def make_items(data: Nav, files: Files, config: MkDocsConfig) -> list[Any]:
    """Make items of the navigation, as MkDocs makes them of `nav`.

    Args:
        data: A part of `nav` in which each text is the path of a page.
        files: Of the site.
        config: MkDocs'.
    """
    if isinstance(data, list):
        return [item for each in data for item in make_items(each, files, config)]
    if isinstance(data, str):
        return list(_find_page(None, data, files, config))
    items: list[Any] = []
    for title, value in data.items():
        if isinstance(value, str):
            items += _find_page(title, value, files, config)
        else:
            items.append(Section(title, make_items(value, files, config)))
    return items


def _find_page(
    title: str | None, src_uri: str, files: Files, config: MkDocsConfig
) -> Iterator[Page]:
    file = files.src_uris.get(src_uri)
    if file is None:  # another plugin has taken it out of the site
        return
    page = file.page or Page(title, file, config)
    if title is not None:
        page.title = title
    yield page


def relink(nav: Navigation) -> None:
    """Make the pages of a navigation those that are in its items, each linked with the next."""
    nav.pages = list(_walk(nav.items))
    for page in nav.pages[:1]:
        page.previous_page = None
    for before, after in pairwise(nav.pages):
        before.next_page, after.previous_page = after, before
    for page in nav.pages[-1:]:
        page.next_page = None


def _walk(items: Iterable[Any]) -> Iterator[Page]:
    for item in items:
        if isinstance(item, Page):
            yield item
        for child in item.children or ():
            child.parent = item
        yield from _walk(item.children or ())
