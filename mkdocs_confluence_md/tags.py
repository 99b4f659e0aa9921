"""Links in HTML that an author wrote: an address is changed where it stands. Pure.

Everything else, every blank and every quotation mark, stays as the author wrote it.
"""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# A value in quotation marks is taken as a whole, so that no address is found inside of it.
_ATTRIBUTE = re.compile(r"""([^\s"'<>/=]+)\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+)""")


def change_links(text: str, change: Callable[[str], str | None]) -> str:
    """Replace addresses of links in HTML.

    Args:
        text: HTML, whole or the piece of it that Python-Markdown keeps aside.
        change: Gets an address, as a browser would read it, and returns the new one; None leaves
            the link alone.
    """
    parts, done = [], 0
    for start, end, address in _find_addresses(text):
        new_address = change(address)
        if new_address is not None:
            parts += [text[done:start], f'"{html.escape(new_address)}"']
            done = end
    return "".join([*parts, text[done:]])


def _find_addresses(text: str) -> list[tuple[int, int, str]]:
    finder = _LinkFinder(text)
    try:
        finder.feed(text)
        finder.close()
    except AssertionError:  # what Python's parser says to some broken declarations: `<![x`
        return []
    return finder.addresses


class _LinkFinder(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[tuple[int, int, str]] = []
        """Start and end of each value, with its quotation marks, and what it says."""
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = next((value for name, value in attrs if name == "href"), None)
        if tag != "a" or not address:
            return
        source = self.get_starttag_text() or ""
        for match in _ATTRIBUTE.finditer(source, len("<a")):
            if match[1].lower() == "href":
                self._add(match, address)
                return

    def _add(self, match: re.Match[str], address: str) -> None:
        # Two readings of a broken tag may differ; then it is better left alone.
        if html.unescape(match[2].strip("\"'")) == address:
            line, column = self.getpos()
            tag_start = self._line_starts[line - 1] + column
            start, end = match.span(2)
            self.addresses.append((tag_start + start, tag_start + end, address))
