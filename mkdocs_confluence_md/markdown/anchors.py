"""Anchors of Confluence's editors, and the headings of a built page that they mean. Pure.

The new editor makes `#Heading-Text` of a heading, the old one `#PageTitle-HeadingText`, and both
add `.1` to the second of two equal headings. The IDs of a built page are other ones, so anchors and
headings are both reduced to what they have in common, and compared.
"""

from __future__ import annotations

import re
import unicodedata
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

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
        self._title = title
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
        titles = (*titles, self._title)
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
