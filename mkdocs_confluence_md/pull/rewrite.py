"""Markdown whose links and images lead to files, and which is otherwise the same. Pure.

The text is changed where an address stands and nowhere else, to the letter. What comes of it is
read again: it must have the structure of the text before, with the new addresses.

Addresses in the text of a local page, replaced where they are those of links.

A local page is written in the Markdown of its own site, which only that site's extensions can
read. What they found is known from the build: the addresses. So these are looked for in the text,
where an address of a link can stand, but not in code.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING
from urllib.parse import quote

from mkdocs_confluence_md.confluence.attachments import change_tags
from mkdocs_confluence_md.markdown.context import Destination, shows_address
from mkdocs_confluence_md.markdown.html import Dropped, LinkChanger, change_links
from mkdocs_confluence_md.pull.locate import Locator, read_link, refers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    from markdown_it.token import Token

    from mkdocs_confluence_md.pull.locate import Located, Spot

    Find: TypeAlias = "Callable[[str], Destination | None]"
    Edit: TypeAlias = "tuple[int, int, str]"
    """Start, end, and what stands there from now on."""


_ENTITY = re.compile(r"&(?=(?:#[0-9]+|#x[0-9a-f]+|[0-9a-z]+);)", re.IGNORECASE)
_NEEDS_BRACKETS = re.compile(r"[\s()<>\\]")
_NOT_IN_BRACKETS = re.compile(r"[\s<>\\]")
_MARKUP = re.compile(r"[\\`*_\[\]<>~|&:@!]")
_MEANING = {"label", "checked"}
_TARGETS = {"link_open": "href", "image": "src"}


@dataclass(frozen=True)
class Rewritten:
    """A page's Markdown with addresses of files."""

    text: str
    complete: bool
    """Whether all addresses are what they should be. If not, the text is as it was."""


class Rewriter:
    """Rewrites pages, one after the other.

    Args:
        show_missing: Writes the HTML for the name of a picture that is missing.
    """

    def __init__(self, show_missing: Callable[[str], str]) -> None:
        self._locator = Locator()
        self._show_missing = show_missing

    def rewrite(self, text: str, find: Find, find_raw: Find) -> Rewritten:
        """Change the addresses of a page.

        Args:
            text: Its Markdown.
            find: Returns where an address leads; None for one that stays.
            find_raw: The same for addresses in raw HTML.
        """
        change = _Change(find, find_raw, self._show_missing, self._locator.normalizeLink)
        located = self._locator.locate(text)
        changed = _apply(text, change.list_edits(text, located))
        if change.expect(located.tokens) == _join_texts(
            map(_describe, _flatten(self._locator.parse(changed)))
        ):
            return Rewritten(changed, complete=True)
        return Rewritten(text, complete=False)


class _Change:
    """What is to be changed, in the text and in its structure."""

    def __init__(
        self,
        find: Find,
        find_raw: Find,
        show_missing: Callable[[str], str],
        normalize: Callable[[str], str],
    ) -> None:
        self._find = find
        self._find_raw = find_raw
        self._show_missing = show_missing
        self._normalize = normalize

    def list_edits(self, text: str, located: Located) -> Iterator[Edit]:
        changer = LinkChanger(self._change_link)
        for definition in located.definitions:
            destination = self._find_target(definition.href)
            if destination and destination.address:
                yield definition.start, definition.end, _write_address(destination.address)
        for spot in sorted(located.spots, key=lambda spot: spot.start):
            source = text[spot.start : spot.end]
            if spot.token.type in _TARGETS:
                yield from self._edit_target(spot, source)
            elif (changed := self._change_html(source, changer)) != source:
                yield spot.start, spot.end, changed

    def expect(self, tokens: Sequence[Token]) -> list[str]:
        """Describe the structure that the changed text must have."""
        flat = list(_flatten(tokens))
        lines: list[tuple[str, str]] = []
        in_title = is_dropped = False
        changer = LinkChanger(self._change_link)
        for place, token in enumerate(flat):
            in_title = in_title and token.type != "link_close"
            if is_dropped and token.type == "link_close":
                is_dropped = False
                continue
            if in_title:
                continue
            if token.type.startswith("html_"):
                lines.append((token.type, self._change_html(token.content, changer)))
                continue
            destination = self._find_target_of(token)
            if destination and destination.is_dropped and token.type == "link_open":
                is_dropped = True
                title = _find_title(token, destination, read_link(flat, place))
                in_title = bool(title)
                lines += [("text", title)] * in_title
                continue
            if destination and destination.missing:
                lines += _describe_html(self._show_missing(destination.missing))
                continue
            lines.append(
                _describe(token, self._normalize(destination.address) if destination else "")
            )
            if destination and token.type == "link_open":
                title = _find_title(token, destination, read_link(flat, place))
                in_title = bool(title)
                lines += [("text", title)] * in_title
        return _join_texts(lines)

    def _edit_target(self, spot: Spot, source: str) -> Iterator[Edit]:
        destination = self._find_target_of(spot.token)
        if destination is None:
            return
        if destination.is_dropped and spot.token.type == "link_open":
            yield from _drop_link(spot, source, _find_title(spot.token, destination, spot.text))
            return
        if destination.missing:
            yield spot.start, spot.end, _write_html(self._show_missing(destination.missing))
            return
        title = _find_title(spot.token, destination, spot.text)
        address = _write_address(destination.address)
        if spot.address:
            yield *spot.address, address
            if title and spot.label:
                yield *spot.label, _write_text(title)
        elif not refers(spot.token):  # an address that is its own text
            text = title or source.removeprefix("<").removesuffix(">")
            yield spot.start, spot.end, f"[{_write_text(text)}]({address})"

    def _find_target_of(self, token: Token) -> Destination | None:
        attribute = _TARGETS.get(token.type)
        if attribute is None:
            return None
        destination = self._find_target(str(token.attrs.get(attribute, "")))
        if destination is None or destination.address:
            return destination
        is_image = token.type == "image"
        is_other = not destination.missing if is_image else not destination.is_dropped
        return None if is_other else destination

    def _find_target(self, href: str) -> Destination | None:
        # As the site's pipeline reads what the tree has: see `elements.py` and `context.py`.
        return self._find(html.unescape(_ENTITY.sub("&amp;", href)))

    def _change_html(self, source: str, changer: LinkChanger) -> str:
        def change_tag(tag: str, address: str) -> str | None:
            destination = self._find_raw(address)
            if destination is None:
                return None
            is_missing = destination.missing and tag == "img"
            missing = self._show_missing(destination.missing) if is_missing else None
            return destination.address or missing

        return changer.run(change_tags(source, change_tag))

    def _change_link(self, address: str) -> str | Dropped | None:
        destination = self._find_raw(address)
        if destination and destination.is_dropped:
            return Dropped()
        return destination.address or None if destination else None


def _find_title(token: Token, destination: Destination, text: str) -> str:
    """Return the title that a link gets in the place of its address."""
    bare = text and shows_address(text, str(token.attrs["href"]))
    # The text of a reference may also be its label.
    return destination.title if bare and not refers(token) else ""


def _drop_link(spot: Spot, source: str, title: str) -> Iterator[Edit]:
    """Leave only the text of a link."""
    if spot.label and not title:
        start, end = spot.label
        yield spot.start, start, ""
        yield end, spot.end, ""
    elif spot.label or not refers(spot.token):
        text = title or source.removeprefix("<").removesuffix(">")
        yield spot.start, spot.end, _write_text(text)


def _apply(text: str, edits: Iterable[Edit]) -> str:
    parts, done = [], 0
    for start, end, new in sorted(edits):
        if start >= done:
            parts += [text[done:start], new]
            done = end
    return "".join([*parts, text[done:]])


def _write_address(address: str) -> str:
    address = _ENTITY.sub("&amp;", address)
    if not _NEEDS_BRACKETS.search(address):
        return address
    return f"<{re.sub(_NOT_IN_BRACKETS, _encode, address)}>"


def _encode(match: re.Match[str]) -> str:
    return quote(match[0])


def _write_text(text: str) -> str:
    """Write a text so that it is nothing but text."""
    return _MARKUP.sub(r"\\\g<0>", text)


def _write_html(source: str) -> str:
    """Write an element so that the text in it is nothing but text."""
    opening, text, closing = _split_html(source)
    return f"{opening}{_write_text(html.unescape(text))}{closing}"


def _describe_html(source: str) -> list[tuple[str, str]]:
    opening, text, closing = _split_html(source)
    return [("html_inline", opening), ("text", html.unescape(text)), ("html_inline", closing)]


def _split_html(source: str) -> tuple[str, str, str]:
    opening, bracket, rest = source.partition(">")
    text, slash, closing = rest.partition("</")
    return opening + bracket, text, slash + closing


def _flatten(tokens: Iterable[Token]) -> Iterator[Token]:
    for token in tokens:
        if token.type == "inline":
            yield from token.children or []
        else:
            yield token


def _describe(token: Token, address: str = "") -> tuple[str, str]:
    """Say what a reader gets of a token, with another address."""
    if token.type in {"text", "html_inline", "html_block"}:
        return token.type, token.content
    attributes = dict(token.attrs)
    if address:
        attributes[_TARGETS[token.type]] = address
    children = _join_texts(map(_describe, token.children or []))
    meta = {name: value for name, value in token.meta.items() if name in _MEANING}
    return token.type, repr(
        (token.tag, sorted(attributes.items()), token.content * (not children), children, meta)
    )


def _join_texts(lines: Iterable[tuple[str, str]]) -> list[str]:
    """Write the lines; where one text ends and the next begins means nothing."""
    joined: list[str] = []
    for is_text, group in groupby(lines, key=lambda line: line[0] == "text"):
        contents = [content if is_text else f"{kind} {content}" for kind, content in group]
        joined += ["".join(contents)] if is_text else contents
    return joined


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
