"""What other plugins of a site are told of pages from Confluence, and what is hidden from them.

They are told by their own options and fields. Git knows nothing of such pages, so plugins that show
its dates and authors leave them alone, and get the dates that Confluence has. Directives are hidden
while other plugins have a page's text.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

from mkdocs.structure.nav import Link, Section
from mkdocs.structure.pages import Page

from mkdocs_confluence_md.confluence.refs import parse_nav_entry
from mkdocs_confluence_md.site.nav import NavLink
from mkdocs_confluence_md.site.paths import join_sections, make_slug

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, MutableMapping

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.plugins import BasePlugin
    from mkdocs.structure.files import Files
    from mkdocs.structure.nav import Navigation

    from mkdocs_confluence_md.site.nav import Nav

_REVISION_DATE = "git-revision-date-localized"
_READERS_OF_GIT = (_REVISION_DATE, "git-authors", "git-committers")
_DOCUMENT_DATES = "document-dates"
# They keep what they see of files and pages when they see it first.
_EARLY = {"blog", "htmlproofer", "print-site"}
_NOON = 12


def want_all_early(config: MkDocsConfig) -> bool:
    """Return True if a plugin wants all pages and files before the first page is rendered."""
    return not _EARLY.isdisjoint(name.rpartition("/")[2] for name in config.plugins)


def exempt_from_git(config: MkDocsConfig, src_uris: Iterable[str]) -> None:
    """Have plugins that ask Git for dates and authors leave pages out, by their option `exclude`.

    Args:
        config: Has the plugins.
        src_uris: Of the pages.
    """
    wanted = list(src_uris)
    for plugin in _find(config, _READERS_OF_GIT):
        excluded = plugin.config.get("exclude")
        if isinstance(excluded, list):
            known = set(excluded)
            # In place, because they may keep the list itself.
            excluded += [src_uri for src_uri in wanted if src_uri not in known]


def show_date(config: MkDocsConfig, meta: MutableMapping[str, Any]) -> None:
    """Add the date of a page under the names under which plugins that show dates look for it."""
    changed = meta.get("revision_date")
    if not isinstance(changed, date):
        return
    for plugin in _find(config, (_REVISION_DATE,)):
        meta.setdefault("git_revision_date_localized", _write_date(plugin, changed))
    if _DOCUMENT_DATES in config.plugins:
        meta.setdefault("updated", changed)


def _write_date(plugin: BasePlugin[Any], day: date) -> str:
    """Write a date as mkdocs-git-revision-date-localized-plugin does, if it still does it so."""
    noon = datetime(day.year, day.month, day.day, _NOON, tzinfo=UTC).timestamp()
    with suppress(Exception):
        forms = plugin.util.get_date_formats_for_timestamp(  # type: ignore[attr-defined]  # its own
            int(noon), locale=plugin.config["locale"], add_spans=True
        )
        return str(forms[plugin.config["type"]])
    return day.isoformat()


def resolve_redirects(
    config: MkDocsConfig, files: Files, resolve: Callable[[str], str | None]
) -> None:
    """Let redirects lead to pages from Confluence.

    Args:
        config: Has the plugin.
        files: Of the site.
        resolve: Returns the path of a page, or a URL, for a reference; None for anything else.
    """
    for plugin in _find(config, ("redirects",)):
        targets = plugin.config.get("redirect_maps", {})
        found = {old: resolve(str(new)) for old, new in targets.items()}
        if changed := {old: new for old, new in found.items() if new is not None}:
            targets.update(changed)
            if hasattr(plugin, "doc_pages"):  # it has looked at the files when some were not there
                plugin.on_files(files, config=config)


def _find(config: MkDocsConfig, names: Iterable[str]) -> list[BasePlugin[Any]]:
    return [config.plugins[name] for name in names if name in config.plugins]


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


_FIRST_MARK = 0xE000
_LAST_MARK = 0xF8FF
"""Unicode's private use area: no exporter writes these, and no plugin gives them a meaning."""

_PUNCTUATION = r"[!-/:-@\[-`{-~]"
# What stands between letters in ordinary words: well-known, don't, 10:30, a/b, file.md.
_IN_WORDS = r"['\-._/:,]"
_TOUCHING = re.compile(
    rf"{_PUNCTUATION}(?={_PUNCTUATION})"
    rf"|(?!{_IN_WORDS}){_PUNCTUATION}(?=[^\W_])"
    rf"|(?<![^\W_]){_IN_WORDS}(?=[^\W_])"
)
# The second row of a table, and what begins a heading: plugins know both by these.
_MARKUP = re.compile(r"^([ \t]*\|(?:[ \t]*:?-+:?[ \t]*\|)+[ \t]*$|#{1,6}(?=[ \t]))", re.MULTILINE)


def choose_mark(text: str) -> str:
    """Return a character that a text does not have, or two if it has all of them."""
    characters = list(map(chr, range(_FIRST_MARK, _LAST_MARK + 1)))
    pairs = (first + second for first in characters for second in characters)
    # No text is long enough for all pairs, of which there are 41 million.
    return next(mark for mark in chain(characters, pairs) if mark not in text)


def break_directives(text: str, mark: str) -> str:
    """Return a text in which no punctuation touches other punctuation, or the start of a word.

    But for what can be nothing but a table or a heading.

    Args:
        text: What was written in Confluence.
        mark: As `choose_mark` returns it for this text.
    """
    pieces = _MARKUP.split(text)
    pieces[::2] = [_TOUCHING.sub(rf"\g<0>{mark}", piece) for piece in pieces[::2]]
    return "".join(pieces)


def mend_directives(text: str, mark: str) -> str:
    """Return the text that `break_directives` was given, with what others have added to it."""
    return text.replace(mark, "") if mark else text


_EVENT = "page_markdown"


class Directives:
    """Breaks the directives in pages from Confluence while other plugins have them.

    Args:
        owner: The plugin whose pages they are.
        config: Has the plugins.
        trusted: The names, as in `plugins`, of those that see live directives.
    """

    def __init__(
        self, owner: BasePlugin[Any], config: MkDocsConfig, trusted: Collection[str]
    ) -> None:
        self._marks: dict[str, str] = {}
        """The mark in each page, by `src_uri`."""
        self._trusted = frozenset(trusted)
        handlers = config.plugins.events[_EVENT]
        plugins = {id(plugin): name for name, plugin in config.plugins.items()}
        others = [each for each in handlers if getattr(each, "__self__", None) is not owner]
        # Without any, there is nothing to protect a page from.
        self._is_needed = bool(others)
        for number, handler in enumerate(handlers):
            name = plugins.get(id(getattr(handler, "__self__", None)), "")
            if name in self._trusted:
                handlers[number] = self._trust(handler)

    def hide(self, markdown: str, page: Page) -> str | None:
        """Return a page's text as others see it; None if it is as it was."""
        if "macros" in self._trusted:
            page.meta.pop("render_macros", None)
        if not self._is_needed:
            return None
        mark = self._marks[page.file.src_uri] = choose_mark(markdown)
        # MkDocs sets it when all have had their turn; some look at it before.
        page.markdown = break_directives(markdown, mark)
        return page.markdown

    def show(self, markdown: str, page: Page) -> str:
        """Return a page's text as it was, with what others have added."""
        return mend_directives(markdown, self._marks.get(page.file.src_uri, ""))

    def _trust(self, handler: Callable[..., str | None]) -> Callable[..., str | None]:
        """Return a handler that sees the text as it was written."""

        def call(markdown: str, *, page: Page, **others: Any) -> str | None:  # noqa: ANN401  MkDocs'
            mark = self._marks.get(page.file.src_uri, "")
            if not mark:
                return handler(markdown, page=page, **others)
            live = mend_directives(markdown, mark)
            result = handler(live, page=page, **others)
            return break_directives(live if result is None else result, mark)

        return call
