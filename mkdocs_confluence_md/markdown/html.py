"""Rewrite links in raw HTML. Pure.

A link is changed where it stands; every other blank and quotation mark stays as it was written.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator


# A value in quotation marks is taken as a whole, so that no address is found inside of it.
_ATTRIBUTE = re.compile(r"""([^\s"'<>/=]+)\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+)""")


@dataclass(frozen=True)
class Dropped:
    """What a link becomes that leads nowhere: its text alone."""


NewLink: TypeAlias = "str | tuple[str, int | None] | Dropped | None"

LATE_ATTRIBUTE = "data-confluence-link"
"""The number of a link that is finished when all pages of the site have been rendered."""


def read_number(text: str) -> int:
    """Read the number of a link, which an author may have written; -1 if it is not one."""
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else -1


class LinkChanger:
    """Replaces addresses of links in HTML, piece by piece in the order of a page.

    Args:
        change: Gets an address, as a browser would read it, and returns the new one, maybe with
            a number for the link; None leaves the link alone, and `Dropped` takes it away around
            its text.
    """

    def __init__(self, change: Callable[[str], NewLink]) -> None:
        self._change = change
        self.is_open = False
        """Whether a link was taken away whose end is still to come."""

    def run(self, text: str) -> str:
        """Return a piece of HTML with other addresses."""
        parts, done = [], 0
        for tag in _find_tags(text):
            for start, end, new in self._edit(tag):
                parts += [text[done:start], new]
                done = end
        return "".join([*parts, text[done:]])

    def _edit(self, tag: _Tag) -> Iterator[tuple[int, int, str]]:
        if tag.is_end:
            if self.is_open:
                yield tag.start, tag.end, "</span>"
            self.is_open = False
            return
        new = self._ask(tag)
        self.is_open = isinstance(new, Dropped)
        if isinstance(new, Dropped):
            yield tag.start, tag.end, "<span>"
        elif new is not None:
            address, number = new if isinstance(new, tuple) else (new, None)
            mark = "" if number is None else f' {LATE_ATTRIBUTE}="{number}"'
            yield *tag.value, f'"{html.escape(address)}"{mark}'

    def _ask(self, tag: _Tag) -> NewLink:
        return self._change(tag.address) if tag.address else None


class LinkDropper(LinkChanger):
    """Takes away links by their numbers.

    Args:
        numbers: Which of the links that have numbers.
    """

    def __init__(self, numbers: Container[int]) -> None:
        super().__init__(lambda _address: None)
        self._numbers = numbers

    def _ask(self, tag: _Tag) -> NewLink:
        is_lost = read_number(tag.number) in self._numbers
        return Dropped() if is_lost else None


def change_links(text: str, change: Callable[[str], NewLink]) -> str:
    """Replace addresses of links in HTML.

    Args:
        text: HTML, whole or the piece of it that Python-Markdown keeps aside.
        change: As for `LinkChanger`.
    """
    return LinkChanger(change).run(text)


@dataclass(frozen=True)
class _Tag:
    start: int
    end: int
    address: str = ""
    """Empty where it has none, or it is not certain where it stands."""
    value: tuple[int, int] = (0, 0)
    """Where the address stands, with its quotation marks."""
    number: str = ""
    is_end: bool = False


def _find_tags(text: str) -> list[_Tag]:
    finder = _LinkFinder(text)
    try:
        finder.feed(text)
        finder.close()
    except AssertionError:  # what Python's parser says to some broken declarations: `<![x`
        return []
    return finder.tags


class _LinkFinder(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[_Tag] = []
        """The beginnings and ends of links."""
        self._text = text
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "a":
            return
        source, start = self.get_starttag_text() or "", self._find_start()
        address = next((value for name, value in attrs if name == "href"), None) or ""
        value = _find_value(source, address) if address else None
        where = (start + value[0], start + value[1]) if value else (0, 0)
        number = next((value for name, value in attrs if name == LATE_ATTRIBUTE), None) or ""
        end = start + len(source)
        self.tags.append(_Tag(start, end, address if value else "", where, number))

    def handle_endtag(self, tag: str) -> None:
        start = self._find_start()
        if tag == "a" and self._text.startswith("</", start):  # and not `<a/>`
            end = self._text.find(">", start) + 1
            self.tags += [_Tag(start, end, is_end=True)] if end else []

    def _find_start(self) -> int:
        line, column = self.getpos()
        return self._line_starts[line - 1] + column


def _find_value(source: str, address: str) -> tuple[int, int] | None:
    for match in _ATTRIBUTE.finditer(source, len("<a")):
        if match[1].lower() == "href":
            # Two readings of a broken tag may differ; then it is better left alone.
            same = html.unescape(match[2].strip("\"'")) == address
            return match.span(2) if same else None
    return None
