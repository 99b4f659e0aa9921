"""Links that wait until all pages of a site have been rendered: to headings, and by titles."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from mkdocs.utils import get_relative_url

from mkdocs_confluence_md.markdown.anchors import Anchors, read_anchors
from mkdocs_confluence_md.markdown.context import Destination, write_fragment
from mkdocs_confluence_md.markdown.html import Dropped, LinkChanger
from mkdocs_confluence_md.markdown.link_targets import Inside, Nowhere
from mkdocs_confluence_md.site.names import NamedPages

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

    from mkdocs_confluence_md.markdown.context import Place
    from mkdocs_confluence_md.markdown.link_targets import Named
    from mkdocs_confluence_md.site.paths import PlacedPage

_LATE_LINK = re.compile(
    r'(?P<name>href\s*=\s*)"(?P<path>[^"?]*)\?confluence-link=(?P<number>[0-9]+)"'
    r"(?P<rest>(?P<tag>[^<>]*>)(?P<text>[^<]*)(?=</a>))?",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\?confluence-link=([0-9]+)")
_HEADING = re.compile(r"<h1\b[^<>]*>(.*?)</h1>", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True)
class LateLink:
    """A link that is finished when all pages of the site have been rendered."""

    place: Place
    target: Inside | Named
    text: str
    """The link's text where that is nothing but the address; otherwise empty."""
    address: str
    """As the page has it."""
    path: str
    """Of the page that it leads to; empty within a page, and where that is not known yet."""
    raw: bool


@dataclass(frozen=True)
class _FoundLink:
    """A late link with the page that it leads to."""

    link: LateLink
    target: Inside
    path: str
    url: str = ""
    """Of the page that it leads to, where the HTML does not have it yet."""


class Finisher:
    """Writes what only the finished pages tell: the IDs of headings, and titles.

    Args:
        late_links: By number.
        pages: All pages from Confluence, by `src_uri`.
    """

    def __init__(self, late_links: Sequence[LateLink], pages: Mapping[str, PlacedPage]) -> None:
        self._pages = pages
        self._anchors: dict[str, Anchors] = {}
        self._named: NamedPages | None = None
        self._found = [self._find_target(link) for link in late_links]
        self.unmatched: list[tuple[LateLink, Inside]] = []
        """Links whose anchors mean no heading."""
        self.destinations: dict[int, Destination] = {}
        """Where the links led, by number."""

    def finish(self, content: str) -> str:
        """Return a page's HTML with its late links as they should be."""
        numbers = {int(match[1]) for match in _NUMBER.finditer(content)}
        lost = {n for n in numbers if n < len(self._found) and self._found[n] is None}
        if lost:
            content = LinkChanger(lambda address: _drop(address, lost)).run(content)
            self.destinations |= {n: Destination("", is_dropped=True) for n in lost}
        return _LATE_LINK.sub(self._finish_link, content)

    def _find_target(self, link: LateLink) -> _FoundLink | None:
        if isinstance(link.target, Inside):
            return _FoundLink(link, link.target, link.path)
        here, files = link.place.file, link.place.files
        if self._named is None:
            self._named = NamedPages(_list_titles(self._pages.values(), files))
        page = self._named.find(link.target.name, self._pages[here.src_uri])
        if page is None:
            return None
        target = Inside(page, link.target.anchor, "", Nowhere())
        file = files.src_uris[page.src_uri]
        if file == here:
            return _FoundLink(link, target, "")
        path = quote(get_relative_url(file.src_uri, here.src_uri))
        return _FoundLink(link, target, path, file.url_relative_to(here))

    def _finish_link(self, match: re.Match[str]) -> str:
        number = int(match["number"])
        if number >= len(self._found):  # not one of ours: somebody wrote about them
            return match[0]
        found = self._found[number]
        if found is None:  # it could not be dropped
            return match["rest"] or ""
        anchor_id = (self._find_anchor_id(found) or "") if found.target.anchor else ""
        fragment = f"#{html.escape(anchor_id)}" if anchor_id else ""
        # An empty address would load the page again.
        address = f"{match['path'] or html.escape(found.url)}{fragment}" or "#"
        path = f"{found.path}{write_fragment(anchor_id)}" or "#"
        title = _find_title(found) if found.link.text else ""
        self.destinations[number] = Destination(path, html.unescape(address), title)
        return f'{match["name"]}"{address}"{_finish_text(found, match)}'

    def _find_anchor_id(self, found: _FoundLink) -> str | None:
        page, target = _find_page(found), found.target
        uri = target.page.src_uri
        if uri not in self._anchors:
            self._anchors[uri] = read_anchors((page and page.content) or "")
        own_title = html.unescape(str(page.meta.get("title", ""))) if page else ""
        titles = (target.title, _find_title(found), target.page.known_title, own_title)
        anchor_id = self._anchors[uri].find(target.anchor, titles)
        if anchor_id is None:
            self.unmatched.append((found.link, target))
        return anchor_id


def _finish_text(found: _FoundLink, match: re.Match[str]) -> str:
    title = _find_title(found) if found.link.text else ""
    if not title or html.unescape(match["text"] or "") != found.link.text:
        return match["rest"] or ""
    return f"{match['tag']}{html.escape(title, quote=False)}"


def _drop(address: str, lost: Container[int]) -> Dropped | None:
    match = _NUMBER.fullmatch(address)
    return Dropped() if match and int(match[1]) in lost else None


def _list_titles(
    pages: Iterable[PlacedPage], files: Files
) -> Iterator[tuple[PlacedPage, set[str]]]:
    """Yield the pages with all titles that are known of them when they have been rendered."""
    for placed in pages:
        file = files.src_uris.get(placed.src_uri)
        if file and file.page:
            yield placed, {placed.own_title, *map(html.unescape, _read_titles(placed, file.page))}


def _read_titles(placed: PlacedPage, page: Page) -> Iterator[str]:
    yield placed.title
    yield str(page.title or "")
    yield from (str(page.meta.get(name, "")) for name in ("title", "confluence_title"))
    if match := _HEADING.search(page.content or ""):
        yield re.sub(r"<[^<>]*>", "", match[1])


def _find_page(found: _FoundLink) -> Page | None:
    file = found.link.place.files.src_uris.get(found.target.page.src_uri)
    return file.page if file else None


def _find_title(found: _FoundLink) -> str:
    """Return the title that the site shows for the target, as text: to MkDocs titles are HTML."""
    page = _find_page(found)
    return html.unescape(str(page.title or "")) if page else ""
