"""Rewrite the links and images of Markdown, and change nothing else. Pure.

A page's text is changed only where an address is. The result is parsed again: it must have the
structure of the text before, with the new addresses.

A local page is written in the Markdown of its own site, which only that site's extensions can
parse. The addresses are known from the build, so they are searched for in the text, where an
address of a link can be, but not in code.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mkdocs_confluence_md.confluence.attachments import change_tags
from mkdocs_confluence_md.markdown.context import Destination, shows_address
from mkdocs_confluence_md.markdown.html import Dropped, LinkChanger, change_links
from mkdocs_confluence_md.markdown.parser import Grammar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    from markdown_it.token import Token

    Find: TypeAlias = "Callable[[str], Destination | None]"
    Edit: TypeAlias = "tuple[int, int, str]"
    """Start, end, and what stands there from now on."""
    from markdown_it.rules_core import StateCore
    from markdown_it.rules_inline import StateInline

    Rule = Callable[[StateInline, bool], bool]

_WATCHED = {
    "link": "link_open",
    "image": "image",
    "sized_image": "image",
    "autolink": "link_open",
    "html_inline": "html_inline",
    "bare_www": "link_open",
    "bare_url": "link_open",
}
"""The rules that read addresses, and the token that each makes."""

_LINE_END = re.compile(r"\r\n?|\n")
_DEFINED = re.compile(r"(?<!\\)\]:[\s>]*")
_SPAN = "span"


@dataclass(frozen=True)
class Spot:
    """A span of the page, as positions in its text."""

    token: Token
    """A link's opening, an image, or HTML."""
    start: int
    end: int
    address: tuple[int, int] | None = None
    """The span of the address; None if it is in a definition elsewhere, or is all there is."""
    label: tuple[int, int] | None = None
    """Where the text of a link stands, if that has brackets around it."""
    text: str = ""
    """The text of a link that is nothing but text."""


@dataclass(frozen=True)
class Definition:
    """The address of a reference: `[label]: address`."""

    href: str
    start: int
    end: int


@dataclass(frozen=True)
class Located:
    """All that was found."""

    tokens: tuple[Token, ...]
    """The page as it was read."""
    spots: tuple[Spot, ...]
    definitions: tuple[Definition, ...]
    lost: int
    """How many addresses could not be found again."""


@dataclass(frozen=True)
class _Span:
    """Positions in the text of a paragraph."""

    start: int
    end: int
    address: tuple[int, int] | None = None
    label: tuple[int, int] | None = None
    refers: bool = False
    """Whether the address is that of a definition."""


class Locator(Grammar):
    """The grammar of a page, which notes positions while it reads.

    Args:
        repairs: Whether the forms of exporters are repaired, but for what `repair_text` does.
    """

    def __init__(self, *, repairs: bool = True) -> None:
        super().__init__(repairs=repairs)
        for rule in list(self.inline.ruler.__rules__):
            if rule.name in _WATCHED:
                self.inline.ruler.at(rule.name, _watch(rule.fn, _WATCHED[rule.name]))
        # Before panels change what paragraphs say.
        self.core.ruler.after("inline", "locate", _keep_paragraphs)

    def locate(self, text: str) -> Located:
        """Find the addresses of a page."""
        env: dict[str, Any] = {}
        tokens = self.parse(text, env)
        page = _Page(text)
        spots = [page.locate_block(token) for token in tokens if token.type == "html_block"]
        for paragraph, content, children in env.get("paragraphs", []):
            spots += page.locate_paragraph(paragraph, content, children)
        found = tuple(spot for spot in spots if spot)
        definitions = [
            page.locate_definition(self, reference)
            for reference in env.get("references", {}).values()
        ]
        known = tuple(definition for definition in definitions if definition)
        lost = len(spots) - len(found) + len(definitions) - len(known)
        return Located(tuple(tokens), found, known, lost)


def read_link(children: Sequence[Token], place: int) -> str:
    """Return the text of a link that opens here; empty if there is more in it than text."""
    words: list[str] = []
    for token in children[place + 1 :]:
        if token.type == "link_close":
            return "".join(words)
        if token.type not in {"text", "text_special"}:
            break
        words.append(token.content)
    return ""


def refers(token: Token) -> bool:
    """Return True if a link or an image has its address from a definition."""
    span: _Span | None = token.meta.get(_SPAN)
    return span is None or span.refers


def _watch(rule: Rule, token_type: str) -> Rule:
    def watched(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  markdown-it's signature
        start, count = state.pos, len(state.tokens)
        if not rule(state, silent):
            return False
        if not silent:
            made = state.tokens[count:]
            place = next(place for place, token in enumerate(made) if token.type == token_type)
            token = made[place]
            if token.type == "link_open" and state.src[start] not in "[<":
                # A bare address is recognized behind its beginning.
                start = state.pos - len(made[place + 1].content)
            token.meta[_SPAN] = _read_span(state, start, token)
        return True

    return watched


def _read_span(state: StateInline, start: int, token: Token) -> _Span:
    opening = start + (token.type == "image")
    if token.type == "html_inline" or state.src[opening] != "[":
        return _Span(start, state.pos)
    end = state.pos
    closing = state.md.helpers.parseLinkLabel(state, opening)
    label = (opening + 1, closing)
    if state.src[closing + 1 : closing + 2] != "(":
        return _Span(start, end, None, label, refers=True)
    begin = closing + 2
    while begin < end and state.src[begin].isspace():
        begin += 1
    result = state.md.helpers.parseLinkDestination(state.src, begin, end)
    href = token.attrs.get("src" if token.type == "image" else "href")
    if not result.ok or state.md.normalizeLink(result.str) != href:
        return _Span(start, end, None, label, refers=True)
    return _Span(start, end, (begin, result.pos), label)


def _keep_paragraphs(state: StateCore) -> None:
    state.env["paragraphs"] = [
        (token, token.content, list(token.children or []))
        for token in state.tokens
        if token.type == "inline"
    ]


class _Page:
    """The lines of a page."""

    def __init__(self, text: str) -> None:
        self._text = text
        ends = [match.span() for match in _LINE_END.finditer(text)]
        self._starts = [0, *(end for _, end in ends)]
        self._ends = [*(start for start, _ in ends), len(text)]
        self._read_up_to: dict[int, int] = {}
        """Where the next cell of a table begins, by the line of its row."""

    def locate_block(self, token: Token) -> Spot | None:
        if token.map is None:
            return None
        first, behind = token.map
        return Spot(token, self._starts[first], self._ends[min(behind, len(self._ends)) - 1])

    def locate_paragraph(
        self, paragraph: Token, content: str, children: Sequence[Token]
    ) -> Iterator[Spot | None]:
        """Yield the inline content of a paragraph, a heading or a cell; None if it is not found."""
        spans = [(place, token) for place, token in enumerate(children) if _SPAN in token.meta]
        # A row's cells are looked for one after the other, also those without addresses.
        positions = self._align(paragraph, content)
        for place, token in spans:
            yield _make_spot(token, positions, read_link(children, place))

    def locate_definition(self, parser: Grammar, reference: dict[str, Any]) -> Definition | None:
        first, behind = reference["map"]
        start, end = self._starts[first], self._ends[min(behind, len(self._ends)) - 1]
        match = _DEFINED.search(self._text, start, end)
        if match is None:
            return None
        result = parser.helpers.parseLinkDestination(self._text, match.end(), end)
        if not result.ok or parser.normalizeLink(result.str) != reference["href"]:
            return None
        return Definition(reference["href"], match.end(), result.pos)

    def _align(self, paragraph: Token, content: str) -> list[int | None]:
        """Return where in the page each character of a paragraph stands."""
        positions: list[int | None] = []
        first = paragraph.map[0] if paragraph.map else 0
        for number, line in enumerate(content.split("\n"), first):
            positions += self._align_line(number, line)
            positions.append(self._ends[number] if number < len(self._ends) else None)
        # The end of a cell is not the end of its row.
        if content and positions[-2] is not None:
            positions[-1] = positions[-2] + 1
        return positions

    def _align_line(self, number: int, line: str) -> Sequence[int | None]:
        piece = line.strip()
        nowhere: list[int | None] = [None] * len(line)
        if not piece or number >= len(self._starts):
            return nowhere
        start = max(self._starts[number], self._read_up_to.get(number, 0))
        found = _find(piece, self._text, start, self._ends[number])
        if not found:
            return nowhere
        self._read_up_to[number] = found[-1] + 1
        indent = len(line) - len(line.lstrip())
        return [*nowhere[:indent], *found, *nowhere[indent + len(piece) :]]


def _find(piece: str, text: str, start: int, end: int) -> list[int]:
    """Find a piece of a line, in which cells of tables have `|` without its backslash."""
    at = text.find(piece, start, end)
    if at >= 0:
        return list(range(at, at + len(piece)))
    if "|" not in piece:
        return []
    pattern = re.escape(piece).replace(r"\|", r"\\?\|")
    match = re.compile(pattern).search(text, start, end)
    positions: list[int] = []
    at = match.start() if match else end
    for char in piece if match else "":
        at += char == "|" and text[at] == "\\"
        positions.append(at)
        at += 1
    return positions


def _make_spot(token: Token, positions: Sequence[int | None], text: str) -> Spot | None:
    span: _Span = token.meta[_SPAN]
    start, end = positions[span.start], _end_of(positions, span.end)
    address = _map_range(positions, span.address)
    lost = span.address is not None and address is None
    if start is None or end is None or lost:
        return None
    return Spot(token, start, end, address, _map_range(positions, span.label), text)


def _end_of(positions: Sequence[int | None], end: int) -> int | None:
    """Return the position behind a character, which may be the last one of its line."""
    last = positions[end - 1]
    return None if last is None else last + 1


def _map_range(
    positions: Sequence[int | None], span: tuple[int, int] | None
) -> tuple[int, int] | None:
    if span is None:
        return None
    start, end = positions[span[0]], _end_of(positions, span[1])
    if span[0] == span[1]:
        end = start
    return None if start is None or end is None else (start, end)


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
        repairs: Whether the forms of exporters are repaired.
    """

    def __init__(self, show_missing: Callable[[str], str], *, repairs: bool = True) -> None:
        self._locator = Locator(repairs=repairs)
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
