"""Match anchors of Confluence's editors with the headings of a built page. Pure.

The new editor makes `#Heading-Text` of a heading, the old one `#PageTitle-HeadingText`, and both
add `.1` to the second of two equal headings. The IDs of a built page are different, so anchors and
headings are both reduced to what they have in common, and compared.
"""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from unicodedata import normalize
from urllib.parse import quote, unquote

from markdown.extensions.toc import unique
from mkdocs.utils import get_relative_url

from mkdocs_confluence_md.confluence.content import reduce_title
from mkdocs_confluence_md.markdown.context import Destination, write_fragment
from mkdocs_confluence_md.markdown.html import LATE_ATTRIBUTE, LinkDropper
from mkdocs_confluence_md.markdown.link_targets import Inside, Nowhere

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

    from mkdocs_confluence_md.markdown.context import Place
    from mkdocs_confluence_md.markdown.link_targets import Named
    from mkdocs_confluence_md.site.paths import PlacedPage

    Reduction = Callable[[str], str]


_HEADING_TAG = re.compile(r"h[1-6]")
_COUNTED = re.compile(r"(.+)\.([1-9][0-9]{0,3})", re.DOTALL)
# The old editor puts this before an anchor that would begin with a digit.
_OLD_PREFIX = "id-"


class Anchors:
    """What can be linked to in a page.

    Args:
        ids: All IDs of the page.
        headings: The ID and the text of each heading, in order.
        title: The title that the page has as a heading.
    """

    def __init__(
        self, ids: Iterable[str], headings: Sequence[tuple[str, str]], title: str = ""
    ) -> None:
        self._ids = frozenset(ids)
        self.title = title
        # Strict first, or "C" and "C++" would be the same heading.
        self._readings = [
            (reduce, _group(headings, reduce)) for reduce in (_drop_blanks, _drop_punctuation)
        ]

    def find(self, anchor: str, titles: Iterable[str]) -> str | None:
        """Return the ID that an anchor means; None if nothing matches.

        Args:
            anchor: What follows `#` in an address of Confluence.
            titles: Other titles the page has or had: the old editor puts one before the heading.
        """
        text = unquote(anchor)
        if text in self._ids:
            return text
        titles = (*titles, self.title)
        for reduce, ids_by_key in self._readings:
            for name, number in _read_count(text):
                for key in _make_keys(name, titles, reduce):
                    ids = ids_by_key.get(key, ())
                    if number < len(ids):
                        return ids[number]
        return None


def read_anchors(text: str) -> Anchors:
    """Find the IDs and the headings in a page's HTML."""
    reader = _Reader()
    try:
        reader.feed(text)
        reader.close()
    except AssertionError:  # what Python's parser says to some broken declarations: `<![x`
        pass
    title = next((heading.text for heading in reader.headings if heading.tag == "h1"), "")
    headings = [(heading.anchor_id, heading.text) for heading in reader.headings]
    return Anchors(reader.ids, headings, title)


def predict_anchors(titles: Sequence[tuple[str, str]], make_id: Callable[[str], str]) -> Anchors:
    """Return what can be linked to in a page that has not been rendered yet.

    Args:
        titles: The tag and the text of each heading, in order.
        make_id: Makes the ID of a heading, as the site does.
    """
    ids: set[str] = set()
    headings = [(unique(make_id(text), ids), text) for _, text in titles]
    title = next((text for tag, text in titles if tag == "h1"), "")
    return Anchors(ids, headings, title)


def _read_count(text: str) -> Iterator[tuple[str, int]]:
    """Yield what a heading may be called, and how many of the same name stand before it."""
    yield text, 0
    if match := _COUNTED.fullmatch(text):
        yield match[1], int(match[2])


def _make_keys(name: str, titles: Sequence[str], reduce: Reduction) -> Iterator[str]:
    key = reduce(name)
    yield key
    for title in map(reduce, titles):
        for prefix in (title, reduce(_OLD_PREFIX) + title):
            if title and key.startswith(prefix):
                yield key[len(prefix) :]


def _group(headings: Sequence[tuple[str, str]], reduce: Reduction) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for anchor_id, text in headings:
        if key := reduce(text):
            groups.setdefault(key, []).append(anchor_id)
    return groups


def _drop_blanks(text: str) -> str:
    return re.sub(r"[\s-]+", "", _fold(text))


def _drop_punctuation(text: str) -> str:
    # Letters, digits, and the marks without which some scripts lose their vowels.
    return "".join(char for char in _fold(text) if unicodedata.category(char)[0] in "LNM")


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


class _Heading:
    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.anchor_id = ""
        self.own_text = ""
        self.permalink_text = ""

    @property
    def text(self) -> str:
        # A heading may also be a link to itself as a whole.
        return self.own_text.strip() or self.permalink_text


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.headings: list[_Heading] = []
        self._heading: _Heading | None = None
        self._in_permalink = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        anchor_id = attributes.get("id") or (attributes.get("name") if tag == "a" else None) or ""
        if anchor_id:
            self.ids.add(anchor_id)
        if _HEADING_TAG.fullmatch(tag):
            self._heading = _Heading(tag)
        if self._heading is None:
            return
        self._heading.anchor_id = self._heading.anchor_id or anchor_id
        if tag == "a":
            self._in_permalink = attributes.get("href") == f"#{self._heading.anchor_id}"

    def handle_data(self, data: str) -> None:
        if self._heading is None:
            return
        if self._in_permalink:
            self._heading.permalink_text += data
        else:
            self._heading.own_text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._in_permalink = False
        if self._heading is not None and tag == self._heading.tag:
            if self._heading.anchor_id:
                self.headings.append(self._heading)
            self._heading = None


_MARK = re.compile(rf'\s{LATE_ATTRIBUTE}="([0-9]{{1,9}})"')
_HREF = re.compile(r'(?<=\s)(href\s*=\s*)"([^"]*)"', re.IGNORECASE)
_HEADING = re.compile(r"<h1\b[^<>]*>(.*?)</h1>", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True)
class LateLink:
    """A link that is finished when all pages of the site have been rendered."""

    place: Place
    target: Inside | Named
    text: str
    """The link's text where that is nothing but the address, or a guess; otherwise empty."""
    address: str
    """As the page has it."""
    path: str
    """Of the page that it leads to; empty within a page, and where that is not known yet."""
    raw: bool
    fragment: str = ""
    """What it has until it is finished: a guess."""


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
        numbers = {int(match[1]) for match in _MARK.finditer(content)}
        lost = {n for n in numbers if n < len(self._found) and self._found[n] is None}
        if lost:
            content = LinkDropper(lost).run(content)
            self.destinations |= {n: Destination("", is_dropped=True) for n in lost}
        return "".join(self._finish_links(content))

    def _finish_links(self, content: str) -> Iterator[str]:
        done = 0
        for match in _MARK.finditer(content):
            start, end = content.rfind("<", done, match.start()), content.find(">", match.end()) + 1
            number = int(match[1])
            # Somebody may have written about such links, or in such a way that it is not certain
            # which tag the number is of.
            if start >= 0 and end and number < len(self._found):
                tag = _MARK.sub("", content[start:end], count=1)
                text_end = content.find("<", end)
                is_plain = text_end >= 0 and content.startswith("</a>", text_end)
                text = content[end:text_end] if is_plain else None
                yield content[done:start]
                yield from self._finish_link(tag, text, number)
                done = end if text is None else text_end
        yield content[done:]

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

    def _finish_link(self, tag: str, text: str | None, number: int) -> Iterator[str]:
        """Yield a tag as it should be, and the text behind it, if it has no other tags in it."""
        found, href = self._found[number], _HREF.search(tag)
        if found is None or href is None:  # it could not be dropped
            yield tag + (text or "")
            return
        anchor_id = (self._find_anchor_id(found) or "") if found.target.anchor else ""
        fragment = f"#{html.escape(anchor_id)}" if anchor_id else ""
        page_url = html.escape(found.url) or href[2].partition("#")[0]
        # An empty address would load the page again.
        address = f"{page_url}{fragment}" or "#"
        path = f"{found.path}{write_fragment(anchor_id)}" or "#"
        title = _find_title(found) if found.link.text else ""
        self.destinations[number] = Destination(path, html.unescape(address), title)
        yield f'{tag[: href.start()]}{href[1]}"{address}"{tag[href.end() :]}'
        if text is not None:
            is_bare = title and html.unescape(text) == found.link.text
            yield html.escape(title, quote=False) if is_bare else text

    def _find_anchor_id(self, found: _FoundLink) -> str | None:
        page, target = _find_page(found), found.target
        if page and page.content is None:  # with `--dirty`, unless it has changed
            return None
        uri = target.page.src_uri
        if uri not in self._anchors:
            self._anchors[uri] = read_anchors((page and page.content) or "")
        own_title = html.unescape(str(page.meta.get("title", ""))) if page else ""
        titles = (target.title, _find_title(found), target.page.known_title, own_title)
        anchor_id = self._anchors[uri].find(target.anchor, titles)
        if anchor_id is None:
            self.unmatched.append((found.link, target))
        return anchor_id


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


_ORDINAL = re.compile(r"[0-9]{1,3}[-_. ]+")
_SHORTEST = 3
"""Letters that a title must have kept to be known by them."""


class NamedPages:
    """The pages of a site, to be found by the names of their files.

    Args:
        titles: The pages with all titles that are known of them.
    """

    def __init__(self, titles: Iterable[tuple[PlacedPage, Iterable[str]]]) -> None:
        self._whole: dict[str, dict[str, PlacedPage]] = {}
        self._worn: dict[str, dict[str, PlacedPage]] = {}
        """By the letters that are left of a title when all others are lost."""
        for page, names in titles:
            for title in names:
                self._whole.setdefault(reduce_title(title), {})[page.src_uri] = page
                for worn in _wear(title):
                    self._worn.setdefault(worn, {})[page.src_uri] = page

    def find(self, name: str, place: PlacedPage) -> PlacedPage | None:
        """Return the page that a name means, if it is only one.

        Args:
            name: Of a file, without its ending.
            place: The page that has the link; pages of its tree come first.
        """
        for key in dict.fromkeys(map(reduce_title, (name, _ORDINAL.sub("", name, count=1)))):
            for known in (self._whole, self._worn):
                if key and (found := known.get(key)):
                    return _choose(found, place)
        return None


def _choose(found: Mapping[str, PlacedPage], place: PlacedPage) -> PlacedPage | None:
    near = [page for page in found.values() if place.tree and page.tree == place.tree]
    candidates: Sequence[PlacedPage] = near or list(found.values())
    return candidates[0] if len(candidates) == 1 else None


def _wear(title: str) -> set[str]:
    """Return what may be left of a title that has letters outside of ASCII."""
    if title.isascii():
        return set()
    left = {
        reduce_title(text.encode("ascii", "ignore").decode())
        for text in (title, normalize("NFKD", title), normalize("NFKD", title.casefold()))
    }
    return {text for text in left if len(text) >= _SHORTEST and text.isalnum()}
