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
from urllib.parse import quote

from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor
from mkdocs.utils import get_relative_url

from mkdocs_confluence_md.anchors import Anchors, read_anchors
from mkdocs_confluence_md.pipeline import Place, find_place, join, read_text
from mkdocs_confluence_md.references import Complaint
from mkdocs_confluence_md.reports import describe_placed
from mkdocs_confluence_md.tags import change_links
from mkdocs_confluence_md.targets import Inside, LinkMap, Outside, is_relative, may_be_ours
from mkdocs_confluence_md.trail import Destination, Trail, shows_address, write_fragment

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from xml.etree.ElementTree import Element

    from markdown import Markdown
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import File
    from mkdocs.structure.pages import Page

    from mkdocs_confluence_md.slots import PlacedPage
    from mkdocs_confluence_md.targets import Trees

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
    address: str
    """As the page has it."""
    path: str
    """Of the page that it leads to; empty within a page."""
    raw: bool


class LinkExtension(Extension):
    """One for all pages and builds, because `mkdocs serve` builds again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.begin((), "")

    def join(self, config: MkDocsConfig) -> None:
        """Have all pages of a site rendered with this extension."""
        join(self, config)

    def begin(self, pages: Iterable[PlacedPage], site: str, trees: Trees | None = None) -> None:
        """Begin a build with these pages from Confluence, and this site (an origin, or empty)."""
        pages = tuple(pages)
        self.link_map = LinkMap(pages, site, trees)
        self.pages = {page.src_uri: page for page in pages}
        self.trail = Trail()
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

    def add_late_link(self, link: _LateLink) -> str:
        """Keep a link that is finished when all pages are there; return the query to give it."""
        self._late_links.append(link)
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
        for number, destination in finisher.destinations.items():
            link = self._late_links[number]
            self.note(link.place, link.address, destination, raw=link.raw)
        messages = (
            f"{self._describe(link.place)} links to '#{link.target.anchor}' in "
            f"{describe_placed(link.target.page)}, which has no such heading. The link leads to "
            "the top of the page."
            for link in finisher.unmatched
        )
        return list(dict.fromkeys(map(_write_line, messages)))

    def note(
        self, place: Place | None, address: str, destination: Destination, *, raw: bool
    ) -> None:
        """Note where a link led; a text that is no page of the site is forgotten."""
        if place:
            self.trail.note(place.file.src_uri, address, destination, raw=raw)

    def _describe(self, place: Place | None) -> str:
        if place is None:
            return "A text"
        page = self.pages.get(place.file.src_uri)
        return describe_placed(page) if page else place.file.src_uri


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
        if may_be_ours(address) or self._page is None:
            return may_be_ours(address)
        return address.startswith("#") or (bool(self._page.path) and is_relative(address))

    def _may_have_links(self, block: str) -> bool:
        if may_be_ours(block) or self._page is None:
            return may_be_ours(block)
        in_tree = bool(self._page.path) and "href" in block.lower()
        return in_tree or _LINK_IN_PAGE.search(block) is not None

    def _write_element(self, element: Element) -> None:
        address = read_text(element.get("href"))
        target = self._find_target(address, read_text("".join(element.itertext())))
        if isinstance(target, Inside):
            text = "" if len(element) else read_text(element.text)
            bare = shows_address(text, address)
            element.set("href", self._link_inside(target, address, text=text if bare else ""))
        elif target:
            if target.url != address:
                element.set("href", target.url)
                self._links.note(self._place, address, Destination(target.url), raw=False)
            element.set("class", f"{element.get('class', '')} {LINK_CLASS}".strip())

    def _change_raw_link(self, address: str) -> str | None:
        target = self._find_target(address)
        if isinstance(target, Inside):
            return self._link_inside(target, address, raw=True)
        # Most links that leave the site are right as they are, and stay as the author wrote them.
        if target is None or target.url == address:
            return None
        self._links.note(self._place, address, Destination(target.url), raw=True)
        return target.url

    def _find_target(self, address: str, text: str = "") -> Inside | Outside | None:
        if address.startswith("#") and address[1:] in self._find_ids():
            return None
        target = self._links.link_map.find_target(address, self._page, text)
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

    def _link_inside(
        self, target: Inside, address: str, *, text: str = "", raw: bool = False
    ) -> str:
        place, file = self._place, self._find_file(target)
        assert place  # noqa: S101  for the type checker: without a place there is no file
        assert file  # noqa: S101  the same
        path = quote(get_relative_url(file.src_uri, place.file.src_uri))
        url = file.url_relative_to(place.file) if raw else ""
        self._links.note(place, address, Destination(path, url), raw=raw)
        if not target.anchor and not text:
            return url or path
        if file == place.file:
            path = url = ""
        link = _LateLink(place, target, text, address, path, raw)
        return f"{url or path}{self._links.add_late_link(link)}"


class _Finisher:
    """Writes what only the finished pages tell: the IDs of headings, and titles."""

    def __init__(self, late_links: Sequence[_LateLink]) -> None:
        self._late_links = late_links
        self._anchors: dict[str, Anchors] = {}
        self.unmatched: list[_LateLink] = []
        """Links whose anchors mean no heading."""
        self.destinations: dict[int, Destination] = {}
        """Where those links led that were found, by number."""

    def finish(self, content: str) -> str:
        """Return a page's HTML with its late links as they should be."""
        return _LATE_LINK.sub(self._finish_link, content)

    def _finish_link(self, match: re.Match[str]) -> str:
        number = int(match["number"])
        if number >= len(self._late_links):  # not one of ours: somebody wrote about them
            return match[0]
        link = self._late_links[number]
        anchor_id = (self._find_anchor_id(link) or "") if link.target.anchor else ""
        fragment = f"#{html.escape(anchor_id)}" if anchor_id else ""
        # An empty address would load the page again.
        address = f"{match['path']}{fragment}" or "#"
        path = f"{link.path}{write_fragment(anchor_id)}" or "#"
        title = _find_title(link) if link.text else ""
        self.destinations[number] = Destination(path, html.unescape(address), title)
        return f'{match["name"]}"{address}"{self._finish_text(link, match)}'

    def _find_anchor_id(self, link: _LateLink) -> str | None:
        page = _find_page(link)
        uri = link.target.page.src_uri
        if uri not in self._anchors:
            self._anchors[uri] = read_anchors((page and page.content) or "")
        own_title = html.unescape(str(page.meta.get("title", ""))) if page else ""
        titles = (link.target.title, _find_title(link), link.target.page.known_title, own_title)
        anchor_id = self._anchors[uri].find(link.target.anchor, titles)
        if anchor_id is None:
            self.unmatched.append(link)
        return anchor_id

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


def _write_line(text: str) -> str:
    """Keep what somebody wrote in Confluence from looking like more than one line of a log."""
    return "".join(char if char.isprintable() else " " for char in text)
