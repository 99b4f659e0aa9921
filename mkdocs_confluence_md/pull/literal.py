"""Addresses in the text of a local page, replaced where they are those of links. Pure.

A local page is written in the Markdown of its own site, which only that site's extensions can
read. What they found is known from the build: the addresses. So these are looked for in the text,
where an address of a link can stand, but not in code.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from mkdocs_confluence_md.markdown.html import change_links

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mkdocs_confluence_md.markdown.trail import Destination

_CODE = re.compile(
    r"^(?P<indent>[ \t>]*)(?P<fence>`{3,}|~{3,})[^\n]*\n(?:.*?\n)??[ \t>]*(?P=fence)[ \t]*$"
    r"|(?<![`\\])(?P<ticks>`+)(?!`)(?:(?!\n\s*\n).)+?(?<!`)(?P=ticks)(?!`)",
    re.DOTALL | re.MULTILINE,
)


def replace_addresses(
    text: str,
    destinations: Mapping[str, Destination],
    find_raw: Callable[[str], str | None],
) -> tuple[str, list[str]]:
    """Replace addresses in a local page.

    Args:
        text: The page's Markdown.
        destinations: Where the addresses of its links lead.
        find_raw: Gets an address in raw HTML, and returns the new one; None for one that stays.

    Returns:
        The text, and those addresses that were not found in it.
    """
    pieces = list(_split(text))
    found: set[str] = set()
    # The longest first: one may be the beginning of another.
    for address in sorted(destinations, key=len, reverse=True):
        destination = destinations[address]
        for place, (is_code, piece) in enumerate(pieces):
            if not is_code:
                changed = _replace(piece, address, destination)
                found.update([address] if changed != piece else [])
                pieces[place] = (False, changed)
    changed = "".join(
        piece if is_code else change_links(piece, find_raw) for is_code, piece in pieces
    )
    return changed, [address for address in destinations if address not in found]


def _split(text: str) -> Iterator[tuple[bool, str]]:
    end = 0
    for match in _CODE.finditer(text):
        yield False, text[end : match.start()]
        yield True, match[0]
        end = match.end()
    yield False, text[end:]


def _replace(text: str, address: str, destination: Destination) -> str:
    new = destination.address
    for written in dict.fromkeys((address, html.escape(address, quote=False))):
        form = re.escape(written)
        text = re.sub(
            rf"(?P<before>\]\(\s*|\]:[ \t]*)(?P<opened><?){form}(?P<closed>>?)(?=[\s)]|\Z)",
            lambda match: match["before"] + new,
            text,
        )
        title = destination.title or written
        text = re.sub(rf"<{form}>", lambda _: f"[{title}]({new})", text)  # noqa: B023  used at once
    return text
