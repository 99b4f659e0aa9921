"""Our extension in MkDocs' Markdown pipeline: the page that is rendered, and its links.

Where the links and images of each page led is known only in a build. `pull` writes it into the
Markdown, for builds without this plugin.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, unquote

from markdown import Extension
from markdown.treeprocessors import Treeprocessor, UnescapeTreeprocessor

from mkdocs_confluence_md.confluence.refs import may_be_ours

if TYPE_CHECKING:
    from collections.abc import Callable
    from xml.etree.ElementTree import Element

    from markdown import Markdown
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import File, Files

    from mkdocs_confluence_md.errors import RenderingError
    from mkdocs_confluence_md.markdown.anchors import Anchors
    from mkdocs_confluence_md.markdown.attachments import AttachedFiles
    from mkdocs_confluence_md.markdown.links import SiteLinks
    from mkdocs_confluence_md.site.paths import PlacedPage


_UNESCAPE = UnescapeTreeprocessor()


@dataclass(frozen=True)
class Place:
    """Where a text stands: what MkDocs' own handling of links knows."""

    file: File
    files: Files


class RenderedSite(Protocol):
    """The site whose pages are rendered."""

    @property
    def links(self) -> SiteLinks:
        """The links of all pages, also of local files."""

    @property
    def attached(self) -> AttachedFiles:
        """The attachments of pages from Confluence."""

    def predict_anchors(self, page: PlacedPage, make_id: Callable[[str], str]) -> Anchors | None:
        """Return what can be linked to in a page from Confluence; None while it is not there."""

    def guess_named(self, name: str, place: PlacedPage) -> PlacedPage | None:
        """Return the page that the name of a file means, among those that are there already."""

    def give_up(self, place: Place, error: RenderingError) -> str:
        """Return what is shown in place of a page that cannot be rendered; or end the build."""

    def find_source(self, place: Place) -> str:
        """Return where a page is in Confluence, or the tree that it belongs to; else nothing."""

    def is_source(self, text: str, place: Place | None) -> bool:
        """Return True if a text is that of a page from Confluence.

        Args:
            text: That is converted.
            place: The page that MkDocs renders; None if a plugin converts a text by itself.
        """


def join(extension: Extension, config: MkDocsConfig) -> None:
    """Have all pages of a site rendered with an extension."""
    extensions: list[object] = config.markdown_extensions  # type: ignore[assignment]  # names only, says MkDocs
    if extension not in extensions:  # a configuration may be built twice
        extensions.append(extension)


SOURCE_CLASS = "confluence-source"
"""The class of links from a page of the site to where it is in Confluence."""

LINK_PROCESSOR = "confluence-links"
# After the table of contents (5), which gives headings their IDs and must not be confused by other
# link texts, and before the title (1) and the links of MkDocs (0).
LINK_PRIORITY = 4


class LinkWatch(Extension):
    """Finds the first link of a site that may lead to Confluence, and has it rewritten.

    What rewrites links is loaded then. Once `find_site` was called, the extension of the site is
    in the configuration, and its processor has the place of this one's in all other pages.

    Args:
        find_site: Returns the site whose pages are rendered.
    """

    def __init__(self, find_site: Callable[[], RenderedSite]) -> None:
        super().__init__()
        self._find_site = find_site

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802  Python-Markdown's name
        """Look at the links of a page."""
        watch = _LinkWatcher(md, self._find_site)
        md.treeprocessors.register(watch, LINK_PROCESSOR, LINK_PRIORITY)


class _LinkWatcher(Treeprocessor):
    def __init__(self, md: Markdown, find_site: Callable[[], RenderedSite]) -> None:
        super().__init__(md)
        self._find_site = find_site

    def run(self, root: Element) -> None:
        """Rewrite the links of a page, if it has any that may be ours."""
        links = (element.get("href") or "" for element in root.iter("a"))
        blocks = (block for block in self.md.htmlStash.rawHtmlBlocks if isinstance(block, str))
        if any(map(_may_leave_for_confluence, chain(links, blocks))):
            from mkdocs_confluence_md.markdown.links import LinkProcessor  # noqa: PLC0415  large

            LinkProcessor(self.md, self._find_site()).run(root)


def _may_leave_for_confluence(text: str) -> bool:
    # In a local file, only a whole address and a reference lead there.
    return ":" in text and may_be_ours(text)


def find_place(md: Markdown) -> Place | None:
    """Find out which page is rendered, from MkDocs' own treatment of links.

    None for a text that other plugins render for themselves: a path to a `.md` file would not
    become a URL there, and it is not known what it is relative to.
    """
    if "relpath" not in md.treeprocessors:
        return None
    own = md.treeprocessors["relpath"]
    file, files = getattr(own, "file", None), getattr(own, "files", None)
    return Place(file, files) if file and files else None


def read_text(text: str | None) -> str:
    """Return what a text of the tree says: some of it is kept there in another form."""
    return html.unescape(_UNESCAPE.unescape(text or ""))


# None of these ends an address in Markdown, or begins anything else there.
_SAFE_IN_FRAGMENT = "!$'+,-./:;=?@_~"


@dataclass(frozen=True)
class Destination:
    """What an address became."""

    address: str
    """A path relative to the page's file, or a URL; empty where there is nothing to lead to."""
    url: str = ""
    """In raw HTML: the URL, relative to the page's own."""
    title: str = ""
    """Of the page that it leads to, for a link whose text is the address."""
    missing: str = ""
    """The name of a picture that is not there."""
    is_dropped: bool = False
    """Whether only the text of a link remains, or its title where the text is the address."""


class Trail:
    """The destinations in all pages of a build.

    Addresses in raw HTML are noted apart: MkDocs leaves them alone, so they must be URLs there.
    """

    def __init__(self) -> None:
        self._destinations: dict[tuple[str, bool, str], Destination] = {}

    def note(self, src_uri: str, address: str, destination: Destination, *, raw: bool) -> None:
        """Note where an address of a page led.

        Args:
            src_uri: Of the page.
            address: As it is in the page, without the escaping of HTML and Markdown.
            destination: Where it led.
            raw: Whether the address is in HTML that an author wrote.
        """
        known = self._destinations.get((src_uri, raw, address))
        if known and known.title and not destination.title:
            destination = replace(destination, title=known.title)
        self._destinations[src_uri, raw, address] = destination

    def find(self, src_uri: str, address: str, *, raw: bool) -> Destination | None:
        """Return where an address led; None if it was left as it is."""
        return self._destinations.get((src_uri, raw, address))

    def list_addresses(self, src_uri: str, *, raw: bool) -> list[str]:
        """Return the addresses of a page that became others."""
        return [
            address
            for page, in_raw, address in self._destinations
            if (page, in_raw) == (src_uri, raw)
        ]


def write_fragment(anchor_id: str) -> str:
    """Write the ID of a heading so that it can stand in an address of Markdown."""
    return "#" + "".join(map(_write_character, anchor_id)) if anchor_id else ""


def _write_character(char: str) -> str:
    # MkDocs compares IDs as they are written, so letters of any script stay letters.
    plain = char.isprintable() and not char.isascii()
    return char if plain else quote(char, safe=_SAFE_IN_FRAGMENT)


def shows_address(text: str, address: str) -> bool:
    """Return True if a text is nothing but an address, as far as people care."""
    return _reduce_address(text) == _reduce_address(address)


def _reduce_address(text: str) -> str:
    return re.sub(r"^https?://", "", unquote(text), flags=re.IGNORECASE)
