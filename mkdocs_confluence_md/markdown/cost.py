"""Tell of HTML that would take other programs the square of its length. Pure.

What they do is counted in steps, rather too many than too few. Pages that are as usual have few of
them, however long they are.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# As HTML is split into tokens, but for what a browser does with a tag that never ends.
_NAMED = r"""
    (?P<end>/?)(?P<name>[a-zA-Z][^\s/>]*)
    (?P<attributes>(?:
        [\s/]++
        |(?:=[^\s/>=]*+|[^\s/>=]++)(?:\s*+=\s*+(?:"[^"]*"|'[^']*'|(?!["'>])[^\s>]++)?)?
    )*+)
"""
_COMMENT = r"!--(?:-?>|.*?(?:--!?>|\Z))|[!?/][^>]*"
_TAG = re.compile(f"<(?:{_NAMED})", re.DOTALL | re.VERBOSE)
_TOKEN = re.compile(f"<(?:{_NAMED}|{_COMMENT})", re.DOTALL | re.VERBOSE)
_VOID_TAGS = {
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr",
}  # fmt: skip
# Those that were not ended are begun again in each block that follows, as HTML wants it.
_FORMATTING_TAGS = {
    "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u",
}  # fmt: skip
# Tags in these are text.
_RAW_TEXT_TAGS = {
    "iframe", "noembed", "noframes", "plaintext", "script", "style", "textarea", "title", "xmp",
}  # fmt: skip
# Their tags are those of XML, and other rules hold in them.
_FOREIGN_TAGS = {"math", "svg", "template"}
# With these, a drawing or a formula ends.
_TAGS_THAT_END_FOREIGN_ONES = {
    "b", "big", "blockquote", "body", "br", "center", "code", "dd", "div", "dl", "dt", "em",
    "embed", "font", "h1", "h2", "h3", "h4", "h5", "h6", "head", "hr", "i", "img", "li", "listing",
    "menu", "meta", "nobr", "ol", "p", "pre", "ruby", "s", "small", "span", "strike", "strong",
    "sub", "sup", "table", "tt", "u", "ul", "var",
}  # fmt: skip
_TAGS_THAT_ENDS_BEGIN = {"br", "p"}
_TAGS_THAT_IGNORE_OTHERS = {"frameset", "select", "template"}
# What is in a table and in none of these, a parser puts before the table.
_CELL_TAGS = {"caption", "td", "th"}
_ROW_TAGS = {"colgroup", "table", "tbody", "tfoot", "thead", "tr"}
_SHORT = 20_000
"""Characters, of which none take a parser long."""
_FEW_TAGS = 500
"""So many take an index no time."""
_SHORT_TEXT = 5_000
"""Characters of a text or a tag, in which any signs are harmless."""
_STEPS_OF_ANY_PAGE = 5_000_000
_PARSER_STEPS = 100
"""For each character of a page; 10 ns each."""
_INDEX_STEPS = 10
"""For each character of a page; 15 ns each."""
_ESCAPED = re.compile("[&\N{NO-BREAK SPACE}]")
_QUOTED = re.compile(r""""[^"]*"|'[^']*'""")


def takes_long_to_parse(html: str) -> bool:
    """Return True if a parser of HTML may take the square of a text's length for it.

    For each tag, it looks at the elements that are open; it copies formatting that was not ended
    into each block behind it, and puts what is between the cells of a table before the table; it
    compares attributes with each other; and html5ever copies what is behind a sign that it escapes.
    All of that is harmless but for pages on which there is much of it.
    """
    if len(html) < _SHORT:
        return False
    limit = _PARSER_STEPS * len(html) + _STEPS_OF_ANY_PAGE
    return any(steps > limit for steps in _ParserSteps(html).count())


def takes_long_to_index(html: str) -> bool:
    """Return True if Material's search may take the square of a text's length for it.

    For each tag and text, it looks at all elements that are open, and for the end of a paragraph,
    an item or a piece of code at all texts before the first one in its section.
    """
    if html.count("<") < _FEW_TAGS:
        return False
    limit = _INDEX_STEPS * len(html) + _STEPS_OF_ANY_PAGE
    return any(steps > limit for steps in _IndexSteps(html).count())


class _Steps(ABC):
    """Counts steps.

    Where programs differ in what is text, as in comments and in a `textarea`, tags that begin
    something count, and those that end something do not.
    """

    def __init__(self, html: str) -> None:
        self._html = html
        self._steps = 0

    def count(self) -> Iterator[int]:
        """Yield how many steps there are up to each tag, and in the end."""
        position = text_end = 0
        while token := (_TAG if position < text_end else _TOKEN).search(self._html, position):
            self._read_text(position, token.start())
            position = token.end()
            name = (token["name"] or "").lower()
            is_in_text = token.start() < text_end
            if is_in_text:
                position = min(position, text_end)
            elif name in _RAW_TEXT_TAGS and not token["end"]:
                end = re.compile(f"</{name}", re.IGNORECASE).search(self._html, position)
                text_end = end.start() if end else len(self._html)
            elif not name:
                position, text_end = token.start() + 1, token.end()
            if name and not (is_in_text and token["end"]):
                self._read_tag(name, token["attributes"], is_end=bool(token["end"]))
            yield self._steps
        self._read_text(position, len(self._html))
        yield self._steps

    @abstractmethod
    def _read_text(self, start: int, end: int) -> None:
        """Count the steps of a text; it may begin with the end of a tag."""

    @abstractmethod
    def _read_tag(self, name: str, attributes: str, *, is_end: bool) -> None:
        """Count the steps of a tag."""


class _ParserSteps(_Steps):
    """Counts those of a parser that follows HTML's rules.

    An end counts only if it is that of the last element that was begun: what a parser does with any
    other is more than can be told here.
    """

    def __init__(self, html: str) -> None:
        super().__init__(html)
        self._open: list[tuple[str, int]] = []
        """The elements that may be open, and how long the tag of each is if it is formatting."""
        self._copied = 0
        """The length of the open ones."""
        self._tables: list[bool] = []
        """Whether a cell is open, for each table that is."""
        self._cell: int | None = None
        """Which one of the open elements is a cell, if it is certain that it has not ended."""
        self._is_uncertain = False
        """Whether tables may have ended before their ends."""
        self._foreign = 0
        """How many elements with other rules may be open."""
        self._has_left_foreign = False
        """Whether they may have ended."""
        self._tags = 0

    def _read_text(self, start: int, end: int) -> None:
        text = self._html[start:end]
        self._count_escaped(text)
        if self._tables and text.removeprefix(">").strip():
            self._put_before_table()

    def _count_escaped(self, text: str) -> None:
        if len(text) > _SHORT_TEXT:
            self._steps += len(_ESCAPED.findall(text)) * len(text) // 8

    def _read_tag(self, name: str, attributes: str, *, is_end: bool) -> None:
        self._tags += 1
        self._steps += len(self._open) + self._copied
        if len(attributes) > _SHORT_TEXT:
            self._count_escaped(attributes)
            self._steps += (len(_QUOTED.sub("", attributes)) // 4) ** 2
        self._is_uncertain |= name in _TAGS_THAT_IGNORE_OTHERS
        cell = self._cell
        begins = not is_end or name in _TAGS_THAT_ENDS_BEGIN
        if name in _CELL_TAGS or name in _ROW_TAGS:
            self._cell = None
            self._read_table(name, is_end=is_end)
        elif begins:
            self._put_before_table()
        self._has_left_foreign |= begins and name in _TAGS_THAT_END_FOREIGN_ONES
        if is_end:
            self._end(name, cell)
        elif not self._is_empty(name, attributes):
            length = len(name) + len(attributes)
            self._begin(name, length if name in _FORMATTING_TAGS else 0)

    def _is_empty(self, name: str, attributes: str) -> bool:
        if self._foreign:
            return attributes.endswith("/") and not self._has_left_foreign
        return name in _VOID_TAGS

    def _read_table(self, name: str, *, is_end: bool) -> None:
        if name == "table":
            if not is_end:
                self._is_uncertain |= self._put_before_table()
                self._tables.append(False)
            elif self._tables and not self._foreign:
                self._tables.pop()
        elif self._tables:
            begins_cell = name in _CELL_TAGS and not is_end and not self._foreign
            self._tables[-1] = begins_cell
            if begins_cell and not self._is_uncertain:
                self._cell = len(self._open)

    def _put_before_table(self) -> bool:
        if not self._tables or self._tables[-1]:
            return False
        self._steps += self._tags
        return True

    def _begin(self, name: str, copied: int) -> None:
        self._open.append((name, copied))
        self._copied += copied
        self._has_left_foreign &= self._foreign > 0
        self._foreign += name in _FOREIGN_TAGS

    def _end(self, name: str, cell: int | None) -> None:
        count = 0
        if cell is not None and self._open[cell][0] == name and not self._foreign:
            count = len(self._open) - cell
        elif self._open and self._open[-1][0] == name:
            count = 1
        for _ in range(count):
            ended, copied = self._open.pop()
            self._copied -= copied
            self._foreign -= ended in _FOREIGN_TAGS


# Of these, Material's search keeps the tags.
_INDEXED_TAGS = {"code", "li", "ol", "p", "pre", "sub", "sup", "ul"}
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_USUAL_DEPTH = 20
_DEPTH_STEPS = 15
"""For each element that is open."""


@dataclass
class _Section:
    depth: float = 0
    texts: int = 0
    last: int = 0
    """The number of the last text that is not blank."""
    first: dict[str, int] = field(default_factory=dict)
    """The number of the first tag of each name."""


class _IndexSteps(_Steps):
    """Counts those of Material's search, as its `Parser` goes on (material/plugins/search)."""

    def __init__(self, html: str) -> None:
        super().__init__(html)
        self._open: list[str] = []
        self._sections = [_Section()]
        self._section = self._sections[0]

    def _read_text(self, start: int, end: int) -> None:
        text = self._html[start:end].removeprefix(">")
        if text:
            self._count_depth(2)
            self._section.texts += 1
            if not text.isspace():
                self._section.last = self._section.texts

    def _read_tag(self, name: str, attributes: str, *, is_end: bool) -> None:
        self._count_depth(1)
        if is_end:
            if self._open and self._open[-1] == name:
                self._end(name)
        elif name not in _VOID_TAGS and not attributes.endswith("/"):
            self._begin(name, attributes)

    def _count_depth(self, times: int) -> None:
        self._steps += times * _DEPTH_STEPS * max(0, len(self._open) - _USUAL_DEPTH)

    def _begin(self, name: str, attributes: str) -> None:
        self._open.append(name)
        if name in _HEADINGS and "id" in attributes.lower():
            self._section = _Section(len(self._open))
            self._sections.append(self._section)
        if name in _INDEXED_TAGS:
            self._section.texts += 1
            self._section.first.setdefault(name, self._section.texts)

    def _end(self, name: str) -> None:
        if self._section.depth > len(self._open):
            for section in reversed(self._sections):
                self._steps += 3
                if section.depth <= len(self._open):
                    self._section.depth = float("inf")
                    self._section = section
                    break
        self._open.pop()
        section = self._section
        if name in _INDEXED_TAGS:
            first = section.first.get(name, section.texts)
            self._steps += first
            if section.last <= first:
                section.texts = first - 1
                section.first.pop(name, None)
            else:
                section.texts += 1
                section.last = section.texts
