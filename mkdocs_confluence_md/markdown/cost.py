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
    from collections.abc import Callable, Iterator

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
# What is in these is shown nowhere.
_HIDDEN_TAGS = {"script", "style"}
# Their tags are those of XML, and other rules hold in them.
_FOREIGN_TAGS = {"math", "svg"}
# What is in these is HTML again.
_TAGS_OF_HTML_IN_FOREIGN_ONES = {
    "annotation-xml", "desc", "foreignobject", "mi", "mn", "mo", "ms", "mtext", "title",
}  # fmt: skip
# With these, a drawing or a formula ends.
_TAGS_THAT_END_FOREIGN_ONES = {
    "b", "big", "blockquote", "body", "br", "center", "code", "dd", "div", "dl", "dt", "em",
    "embed", "font", "h1", "h2", "h3", "h4", "h5", "h6", "head", "hr", "i", "img", "li", "listing",
    "menu", "meta", "nobr", "ol", "p", "pre", "ruby", "s", "small", "span", "strike", "strong",
    "sub", "sup", "table", "tt", "u", "ul", "var",
}  # fmt: skip
# Those of them that have no end.
_ALWAYS_VOID_TAGS = {"br", "embed", "hr", "img", "meta"}
_TAGS_THAT_ENDS_BEGIN = {"br", "p"}
# Those that a tag ends if they are the last ones that were begun.
_CELLS, _TERMS = {"td", "th"}, {"dd", "dt"}
_ROW_GROUPS = {"tbody", "tfoot", "thead"}
_ENDED_BY = {
    **{name: {name} for name in ("li", "option", "p")},
    **dict.fromkeys(_TERMS, _TERMS),
    **dict.fromkeys(_CELLS, _CELLS),
    "tr": _CELLS | {"tr"},
    **dict.fromkeys(_ROW_GROUPS, _CELLS | {"tr"} | _ROW_GROUPS),
}
# What else HTML has rules for.
_SPECIAL_TAGS = {
    "address", "applet", "article", "aside", "base", "basefont", "bgsound", "blockquote", "body",
    "button", "caption", "center", "col", "colgroup", "dd", "details", "dir", "div", "dl", "dt",
    "embed", "fieldset", "figcaption", "figure", "footer", "form", "frame", "frameset", "h1", "h2",
    "h3", "h4", "h5", "h6", "head", "header", "hgroup", "hr", "html", "iframe", "li", "link",
    "listing", "main", "marquee", "math", "menu", "meta", "nav", "noembed", "noframes", "noscript",
    "object", "ol", "p", "param", "plaintext", "pre", "script", "search", "section", "select",
    "source", "style", "summary", "svg", "table", "tbody", "td", "template", "textarea", "tfoot",
    "th", "thead", "title", "tr", "track", "ul", "xmp",
}  # fmt: skip
# With the end of one of these, all in it ends that HTML has no rules for.
_BLOCK_TAGS = {
    "blockquote", "dd", "details", "div", "dt", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "li",
    "p", "section", "summary", "td", "th",
}  # fmt: skip
_TAGS_THAT_IGNORE_OTHERS = {"frameset", "select", "template"}
# What is in a table and in none of these, a parser puts before the table.
_CELL_TAGS = _CELLS | {"caption"}
_ROW_TAGS = _ROW_GROUPS | {"colgroup", "table", "tr"}
_SHORT = 20_000
"""Characters, of which none take a parser long."""
_FEW_TAGS = 900
"""So many take an index no time."""
_SHORT_TEXT = 5_000
"""Characters of a text or a tag, in which any signs are harmless."""
_STEPS_OF_ANY_PAGE = 1_000_000
_PARSER_STEPS = 50
"""For each character of a page. A step takes about 30 ns."""
_STEPS_OF_ANY_INDEX = 10_000_000
_INDEX_STEPS = 50
"""For each character of a page. A step takes about 15 ns."""
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
    limit = _INDEX_STEPS * len(html) + _STEPS_OF_ANY_INDEX
    return any(steps > limit for steps in _IndexSteps(html).count())


def divide_html(html: str, size: int) -> list[str]:
    """Divide HTML between tags, without what a browser does not show: comments and scripts.

    Args:
        html: What takes long to parse as a whole.
        size: Of a part at most, in characters, but for a long tag.
    """
    parts: list[str] = []
    part: list[str] = []
    length = 0
    for piece in _read_pieces(html, size):
        if length + len(piece) > size or (length > size // 2 and piece.startswith("\n")):
            parts.append("".join(part))
            part, length = [], 0
        part.append(piece)
        length += len(piece)
    return [*parts, "".join(part)]


def _read_pieces(html: str, size: int) -> Iterator[str]:
    """Yield tags, and the texts between them, divided."""
    position = 0
    while token := _TOKEN.search(html, position):
        yield from _divide_text(html[position : token.start()], size)
        name = (token["name"] or "").lower()
        position = token.end() + (html[token.end() : token.end() + 1] == ">")
        if name in _HIDDEN_TAGS and not token["end"]:
            position = _find_end(html, name, position)
        elif name:
            attributes = token["attributes"]
            long = len(attributes) > _SHORT_TEXT and len(attributes) > size
            yield f"<{token['end']}{name}>" if long else f"{token[0]}>"
    yield from _divide_text(html[position:], size)


def _find_end(html: str, name: str, position: int) -> int:
    """Return where the text of an element ends in which tags are text."""
    end = re.compile(f"</{name}", re.IGNORECASE).search(html, position)
    return end.start() if end else len(html)


def _divide_text(text: str, size: int) -> Iterator[str]:
    # Before a sign that may begin a reference to another, and before a line.
    for piece in re.split("(?=[&\n])", text):
        yield from (piece[place : place + size] for place in range(0, len(piece), size))


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
                text_end = _find_end(self._html, name, position)
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


@dataclass(frozen=True)
class _Element:
    name: str
    copied: int
    """The length of its tag, if it is formatting."""
    is_foreign: bool


class _ParserSteps(_Steps):
    """Counts those of a parser that follows HTML's rules.

    An end counts if it is that of the last element that was begun, or if it is certain that it ends
    what is in its element, too: what a parser does with any other is more than can be told here.
    """

    def __init__(self, html: str) -> None:
        super().__init__(html)
        self._open: list[_Element] = []
        """The elements that may be open."""
        self._copied = 0
        """The length of the tags of formatting that may be open."""
        self._tables: list[bool] = []
        """Whether a cell is open, for each table that is."""
        self._block: int | None = None
        """Which one of the open elements is a block, if it is certain that it has not ended."""
        self._is_uncertain = False
        """Whether tags may have been ignored."""
        self._foreign = 0
        """How many elements with other rules may be open."""
        self._has_left_foreign = False
        """Whether they may have ended, or have HTML in them."""
        self._tags = 0

    def _read_text(self, start: int, end: int) -> None:
        text = self._html[start:end]
        self._count_escaped(text)
        if self._tables and text.removeprefix(">").strip():
            self._put_before_table()

    def _count_escaped(self, text: str) -> None:
        if len(text) > _SHORT_TEXT:
            self._steps += len(_ESCAPED.findall(text)) * len(text) // 2000

    def _read_tag(self, name: str, attributes: str, *, is_end: bool) -> None:
        self._tags += 1
        self._steps += len(self._open) + self._copied
        if len(attributes) > _SHORT_TEXT:
            self._count_escaped(attributes)
            self._steps += (len(_QUOTED.sub("", attributes)) // 4) ** 2
        begins = not is_end or name in _TAGS_THAT_ENDS_BEGIN
        if name in _CELL_TAGS or name in _ROW_TAGS:
            self._read_table(name, is_end=is_end)
        elif begins:
            self._put_before_table()
        if begins and self._foreign:
            self._has_left_foreign |= name in _TAGS_THAT_END_FOREIGN_ONES
            self._has_left_foreign |= name in _TAGS_OF_HTML_IN_FOREIGN_ONES
        block = self._block
        if name in _SPECIAL_TAGS:
            self._block = None
        if is_end:
            self._end(name, block)
        elif not self._is_empty(name, attributes):
            self._begin(name, len(name) + len(attributes))

    def _is_empty(self, name: str, attributes: str) -> bool:
        if self._foreign:
            is_empty = attributes.endswith("/") and not self._has_left_foreign
            return is_empty or name in _ALWAYS_VOID_TAGS
        return name in _VOID_TAGS

    def _read_table(self, name: str, *, is_end: bool) -> None:
        if name == "table":
            if not is_end:
                self._is_uncertain |= self._put_before_table()
                self._tables.append(False)
            elif self._tables and not self._foreign:
                self._tables.pop()
        elif self._tables:
            self._tables[-1] = name in _CELL_TAGS and not is_end and not self._foreign

    def _put_before_table(self) -> bool:
        if not self._tables or self._tables[-1]:
            return False
        self._steps += self._tags
        return True

    def _begin(self, name: str, length: int) -> None:
        is_known = not self._foreign and not self._is_uncertain
        # Outside of a table, a parser ignores its rows and cells.
        if not self._tables and (name in _CELL_TAGS or name in _ROW_TAGS):
            is_known = False
        if is_known:
            while self._open and self._open[-1].name in _ENDED_BY.get(name, ()):
                self._drop(len(self._open) - 1)
            if name in _BLOCK_TAGS:
                self._block = len(self._open)
        self._is_uncertain |= name in _TAGS_THAT_IGNORE_OTHERS
        copied = length if name in _FORMATTING_TAGS else 0
        is_foreign = name in _FOREIGN_TAGS or (name == "template" and bool(self._tables))
        self._open.append(_Element(name, copied, is_foreign))
        self._copied += copied
        self._has_left_foreign &= self._foreign > 0
        self._foreign += is_foreign

    def _end(self, name: str, block: int | None) -> None:
        last = len(self._open) - 1
        if block is not None and self._open[block].name == name and not self._foreign:
            self._drop(block, ends_formatting=name in _CELL_TAGS)
        elif name in _FOREIGN_TAGS and self._foreign and not self._has_left_foreign:
            self._drop(self._find_last(name, lambda _: True))
        elif last >= 0 and self._open[last].name == name:
            self._drop(last)
        elif name in _FORMATTING_TAGS:
            place = self._find_last(name, lambda element: element.copied > 0)
            if place <= last:
                self._copied -= self._open.pop(place).copied

    def _find_last(self, name: str, may_be_behind: Callable[[_Element], bool]) -> int:
        """Return where the last element of a name is; behind the last element if it is nowhere."""
        for place in range(len(self._open) - 1, -1, -1):
            self._steps += 1
            if self._open[place].name == name:
                return place
            if not may_be_behind(self._open[place]):
                break
        return len(self._open)

    def _drop(self, place: int, *, ends_formatting: bool = True) -> None:
        """Forget an element, and what is in it; formatting may be begun again."""
        for element in self._open[place:]:
            self._copied -= element.copied * ends_formatting
            self._foreign -= element.is_foreign
        del self._open[place:]


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
