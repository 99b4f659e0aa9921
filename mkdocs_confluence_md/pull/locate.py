"""Where exactly the addresses of links and images stand in a page's Markdown. Pure.

markdown-it tells of a token which lines it is on, and no more. So its rules for links are watched:
what one has read is noted with the token, as positions in the text of its paragraph, and that text
is found again in the lines of the page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mkdocs_confluence_md.markdown.parser import Grammar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from markdown_it.rules_core import StateCore
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

    Rule = Callable[[StateInline, bool], bool]

_WATCHED = {
    "link": "link_open",
    "image": "image",
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
    """Where one thing stands in the page, as positions in its text."""

    token: Token
    """A link's opening, an image, or HTML."""
    start: int
    end: int
    address: tuple[int, int] | None = None
    """Where the address stands; None where it stands in a definition elsewhere, or is all."""
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
    """The grammar of a page, which notes positions while it reads."""

    def __init__(self) -> None:
        super().__init__()
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
    """Tell whether a link or an image has its address from a definition."""
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
        """Yield what stands in a paragraph, a heading or a cell; None for what is not found."""
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
