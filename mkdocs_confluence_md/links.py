"""Links to Confluence, in any page of the site: a Python-Markdown extension.

A link to a page of the site becomes a relative path to a `.md` file, which MkDocs checks and turns
into a URL as it does with any other link. Raw HTML gets the URL at once: MkDocs leaves that alone.

Which heading of another page an anchor means is known only when that page has been rendered, and
some are rendered later. So such a link carries a number in its query, which is replaced when all
pages are there. Should anything read the HTML before that, the link works, and leads to the page.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor
from mkdocs.utils import get_relative_url

from mkdocs_confluence_md.anchors import Anchors, read_anchors
from mkdocs_confluence_md.pipeline import Place, find_place, join, read_text
from mkdocs_confluence_md.references import Complaint
from mkdocs_confluence_md.reports import describe_page
from mkdocs_confluence_md.tags import change_links
from mkdocs_confluence_md.targets import Inside, LinkMap, Outside, may_be_ours

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from xml.etree.ElementTree import Element

    from markdown import Markdown
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import File
    from mkdocs.structure.pages import Page

    from mkdocs_confluence_md.placement import PlacedPage

LINK_CLASS = "confluence-link"
"""The class of links that leave the site for Confluence."""

# After the table of contents (5), which gives headings their IDs and must not be confused by other
# link texts, and before the title (1) and the links of MkDocs (0).
_PRIORITY = 4

_LATE_LINK = re.compile(
    r'(?P<name>href\s*=\s*)"(?P<path>[^"?]*)\?confluence-link=(?P<number>[0-9]+)"'
    r"(?P<rest>(?P<tag>[^<>]*>)(?P<text>[^<]*)(?=</a>))?",
    re.IGNORECASE,
)

# Links within a page in raw HTML. What extensions make, like line numbers of code, begins with __.
_LINK_IN_PAGE = re.compile(r"""href\s*=\s*["']?#(?!__)""", re.IGNORECASE)


@dataclass(frozen=True)
class _LateLink:
    place: Place
    target: Inside
    text: str
    """The link's text where that is nothing but the address; otherwise empty."""


class LinkExtension(Extension):
    """One for all pages and builds, because `mkdocs serve` builds again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.begin((), "")

    def join(self, config: MkDocsConfig) -> None:
        """Have all pages of a site rendered with this extension."""
        join(self, config)

    def begin(self, pages: Iterable[PlacedPage], site: str) -> None:
        """Begin a build with these pages from Confluence, and this site (an origin, or empty)."""
        pages = tuple(pages)
        self.link_map = LinkMap(pages, site)
        self.pages = {page.src_uri: page for page in pages}
        self._late_links: list[_LateLink] = []
        self._problems: list[str] = []
        self._told: set[str] = set()

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802  Python-Markdown's name
        """Have the links of a page looked at."""
        md.treeprocessors.register(_LinkTreeprocessor(md, self), "confluence-links", _PRIORITY)

    def take_problems(self) -> list[str]:
        """Return what is wrong with links and has not been told yet."""
        news = [problem for problem in dict.fromkeys(self._problems) if problem not in self._told]
        self._told.update(news)
        self._problems = []
        return news

    def complain(self, place: Place | None, complaint: Complaint) -> None:
        """Keep a complaint, to be told with the page where the link stands."""
        self._problems.append(_write_line(f"{self._describe(place)} links to {complaint}"))

    def add_late_link(self, place: Place, target: Inside, text: str) -> str:
        """Keep a link that is finished when all pages are there; return the query to give it."""
        self._late_links.append(_LateLink(place, target, text))
        return f"?confluence-link={len(self._late_links) - 1}"

    def finish(self) -> list[str]:
        """Finish the links that had to wait until all pages were rendered.

        Returns:
            A message for each anchor that means no heading: its link leads to the top of the page.
        """
        finisher = _Finisher(self._late_links)
        for file in dict.fromkeys(link.place.file for link in self._late_links):
            if file.page and file.page.content:
                file.page.content = finisher.finish(file.page.content)
        messages = (
            f"{self._describe(link.place)} links to '#{link.target.anchor}' in "
            f"{_describe(link.target.page)}, which has no such heading. The link leads to the top "
            "of the page."
            for link in finisher.unmatched
        )
        return list(dict.fromkeys(map(_write_line, messages)))

    def _describe(self, place: Place | None) -> str:
        if place is None:
            return "A text"
        page = self.pages.get(place.file.src_uri)
        return _describe(page) if page else place.file.src_uri


class _LinkTreeprocessor(Treeprocessor):
    def __init__(self, md: Markdown, links: LinkExtension) -> None:
        super().__init__(md)
        self._links = links

    def run(self, root: Element) -> None:
        _LinkWriter(self._links, self.md, root).write()


class _LinkWriter:
    """Rewrites the links of one text."""

    def __init__(self, links: LinkExtension, md: Markdown, root: Element) -> None:
        self._links, self._md, self._root = links, md, root
        self._place = find_place(md)
        self._page = links.pages.get(self._place.file.src_uri) if self._place else None
        self._ids: frozenset[str] | None = None

    def write(self) -> None:
        for element in self._root.iter("a"):
            if self._may_be_ours(element.get("href") or ""):
                self._write_element(element)
        blocks = self._md.htmlStash.rawHtmlBlocks
        for number, block in enumerate(blocks):
            # An extension may keep an element there, which is in the tree as well.
            if isinstance(block, str) and self._may_have_links(block):
                blocks[number] = change_links(block, self._change_raw_link)

    def _may_be_ours(self, address: str) -> bool:
        return may_be_ours(address) or (self._page is not None and address.startswith("#"))

    def _may_have_links(self, block: str) -> bool:
        in_page = self._page is not None and _LINK_IN_PAGE.search(block) is not None
        return in_page or may_be_ours(block)

    def _write_element(self, element: Element) -> None:
        address = read_text(element.get("href"))
        target = self._find_target(address)
        if isinstance(target, Inside):
            text = "" if len(element) else read_text(element.text)
            bare = _reduce_address(text) == _reduce_address(address)
            element.set("href", self._link_inside(target, text=text if bare else ""))
        elif target:
            if target.url != address:
                element.set("href", target.url)
            element.set("class", f"{element.get('class', '')} {LINK_CLASS}".strip())

    def _change_raw_link(self, address: str) -> str | None:
        target = self._find_target(address)
        if isinstance(target, Inside):
            return self._link_inside(target, raw=True)
        # Most links that leave the site are right as they are, and stay as the author wrote them.
        return target.url if target and target.url != address else None

    def _find_target(self, address: str) -> Inside | Outside | None:
        if address.startswith("#") and address[1:] in self._find_ids():
            return None
        target = self._links.link_map.find_target(address, self._page)
        if isinstance(target, Inside) and self._find_file(target) is None:
            target = target.otherwise
        if isinstance(target, Complaint):
            self._links.complain(self._place, target)
            return None
        return target

    def _find_ids(self) -> frozenset[str]:
        """Return the IDs of the tree: links to them are made by the site's own extensions."""
        if self._ids is None:
            self._ids = frozenset(element.get("id", "") for element in self._root.iter())
        return self._ids

    def _find_file(self, target: Inside) -> File | None:
        """Find the file of a page, which another plugin may have taken out of the site."""
        return self._place.files.src_uris.get(target.page.src_uri) if self._place else None

    def _link_inside(self, target: Inside, *, text: str = "", raw: bool = False) -> str:
        place, file = self._place, self._find_file(target)
        assert place  # noqa: S101  for the type checker: without a place there is no file
        assert file  # noqa: S101  the same
        late = bool(target.anchor or text)
        query = self._links.add_late_link(place, target, text) if late else ""
        if late and file == place.file:
            return query
        if raw:
            return f"{file.url_relative_to(place.file)}{query}"
        return f"{quote(get_relative_url(file.src_uri, place.file.src_uri))}{query}"


class _Finisher:
    """Writes what only the finished pages tell: the IDs of headings, and titles."""

    def __init__(self, late_links: Sequence[_LateLink]) -> None:
        self._late_links = late_links
        self._anchors: dict[str, Anchors] = {}
        self.unmatched: list[_LateLink] = []
        """Links whose anchors mean no heading."""

    def finish(self, content: str) -> str:
        """Return a page's HTML with its late links as they should be."""
        return _LATE_LINK.sub(self._finish_link, content)

    def _finish_link(self, match: re.Match[str]) -> str:
        number = int(match["number"])
        if number >= len(self._late_links):  # not one of ours: somebody wrote about them
            return match[0]
        link = self._late_links[number]
        fragment = self._find_fragment(link) if link.target.anchor else ""
        # An empty address would load the page again.
        address = f"{match['path']}{fragment}" or "#"
        return f'{match["name"]}"{address}"{self._finish_text(link, match)}'

    def _find_fragment(self, link: _LateLink) -> str:
        page = _find_page(link)
        uri = link.target.page.src_uri
        if uri not in self._anchors:
            self._anchors[uri] = read_anchors((page and page.content) or "")
        titles = (link.target.title, _find_title(link), link.target.page.title)
        anchor_id = self._anchors[uri].find(link.target.anchor, titles)
        if anchor_id is None:
            self.unmatched.append(link)
            return ""
        return f"#{html.escape(anchor_id)}"

    def _finish_text(self, link: _LateLink, match: re.Match[str]) -> str:
        title = _find_title(link) if link.text else ""
        if not title or html.unescape(match["text"] or "") != link.text:
            return match["rest"] or ""
        return f"{match['tag']}{html.escape(title, quote=False)}"


def _find_page(link: _LateLink) -> Page | None:
    file = link.place.files.src_uris.get(link.target.page.src_uri)
    return file.page if file else None


def _find_title(link: _LateLink) -> str:
    """Return the title that the site shows for the target, as text: to MkDocs titles are HTML."""
    page = _find_page(link)
    return html.unescape(str(page.title or "")) if page else ""


def _describe(page: PlacedPage) -> str:
    return describe_page(page.title, page.ref.page_id)


def _reduce_address(text: str) -> str:
    """Reduce an address to what it has in common with a text that shows it."""
    return re.sub(r"^https?://", "", unquote(text), flags=re.IGNORECASE)


def _write_line(text: str) -> str:
    """Keep what somebody wrote in Confluence from looking like more than one line of a log."""
    return "".join(char if char.isprintable() else " " for char in text)
