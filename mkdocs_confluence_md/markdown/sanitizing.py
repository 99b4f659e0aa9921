"""Sanitize HTML: take out what a browser, or a theme's scripts, would act on. Pure.

A whole page is sanitized, and not only the HTML that its author wrote: Markdown's extensions turn
what an author writes into attributes and addresses, too. What the usual extensions make of a page
passes: tabs, task lists, footnotes, code with line numbers, icons, diagrams, formulas.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import nh3

from mkdocs_confluence_md.markdown.html import LATE_ATTRIBUTE
from mkdocs_confluence_md.text import break_formulas

if TYPE_CHECKING:
    from collections.abc import Iterator

_MORE_TAGS = {
    "address", "audio", "input", "label", "main", "meter", "picture", "progress", "section",
    "source", "svg", "path", "tfoot", "track", "video",
}  # fmt: skip
_MORE_ATTRIBUTES = {
    "*": {
        "align", "class", "data-lang", "data-linenos", "data-tabs", "data-title", "dir", "hidden",
        "id", "lang", "role", "style", "title",
    },
    "a": {LATE_ATTRIBUTE, "download", "name", "rel", "target"},
    "audio": {"controls", "loop", "muted", "preload", "src"},
    "details": {"open"},
    "img": {"loading"},
    "input": {"checked", "disabled"},
    "label": {"for"},
    "li": {"value"},
    "meter": {"max", "min", "value"},
    "ol": {"reversed", "type"},
    "path": {"d", "fill"},
    "progress": {"max", "value"},
    "source": {"media", "src", "type"},
    "svg": {"fill", "height", "viewbox", "viewBox", "width", "xmlns"},
    "time": {"datetime"},
    "video": {"controls", "height", "loop", "muted", "poster", "preload", "src", "width"},
}  # fmt: skip
# Of tables, and of text to which Confluence gives a colour; nothing that moves it over other text.
_STYLES = {"background-color", "color", "text-align", "vertical-align", "width"}


# What Material's scripts and toggles act on; what its extensions number is harmless.
# A label that looks like a tag is harmless, too.
_OF_THEMES = re.compile(r"__(?!codelineno-|span-|tabbed_)|data-md|md-(?!tag\Z)")
_ENTITY = re.compile(r"&(?=[#A-Za-z])")
_NAMES = ("id", "name", "for")

# The only field that is a part of a text is the box of a task.
_FIELD = re.compile(r'<input(?![^>]*\stype="checkbox")[^>]*>')

# A tag and the text after it.
_PIECE = re.compile(r'(<(?:"[^"]*"|[^">])*>|\A)([^<]*)')
_CODE_TAG = re.compile(r"<(/?)(?:code|pre)\b")
_MATH_CLASS = re.compile(r'class="[^"]*(?:math|matex|jax|katex|\btex(?!t))', re.IGNORECASE)


_PART = 1_000
"""Characters of a part of a page that takes too long as a whole."""


def sanitize(html: str) -> str:
    """Take scripts, handlers, frames, forms, style sheets and `javascript:` out of HTML."""
    clean = _make_cleaner().clean
    parts = _divide(html) if takes_long(html) else [html]
    return _break_formulas(_FIELD.sub("", "".join(map(clean, parts))))


def _divide(html: str) -> list[str]:
    """Divide a text, at ends of lines or of tags if there are any; what is in two parts, ends."""
    parts, done = [], 0
    while len(html) - done > _PART:
        end = done + _PART
        end = html.rfind("\n", done, end) + 1 or html.rfind(">", done, end) + 1 or end
        parts.append(html[done:end])
        done = end
    return [*parts, html[done:]]


def _break_formulas(clean: str) -> str:
    """Take formulas apart, but not a Windows path in code that merely looks like one.

    MathJax leaves code alone, unless a class tells it not to.

    Args:
        clean: As `nh3` writes it: names are lower case, values are between `"`.
    """
    if "\\" not in clean:
        return clean
    parts, open_tags, is_math = [], 0, False
    for tag, text in _PIECE.findall(clean):
        if match := _CODE_TAG.match(tag):
            open_tags += -1 if match[1] else 1
        if tag and not open_tags:
            is_math = False
        is_math = is_math or bool(open_tags and _MATH_CLASS.search(tag))
        parts += [tag, text if open_tags and not is_math else break_formulas(text)]
    return "".join(parts)


def make_plain_title(text: str) -> str:
    """Return a `title` that is text in any theme: Material's tooltips show it as HTML."""
    text = text.replace("<", "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}")
    return _ENTITY.sub("\N{FULLWIDTH AMPERSAND}", text)


def _filter_attribute(tag: str, name: str, value: str) -> str | None:
    """Return the value of an attribute; None to leave the attribute out."""
    del tag
    if name in _NAMES:
        return None if _OF_THEMES.match(value.strip()) else value
    if name == "class":
        return " ".join(each for each in value.split() if not _OF_THEMES.match(each))
    return make_plain_title(value) if name in ("title", "data-title") else value


@cache
def _make_cleaner() -> nh3.Cleaner:
    attributes = {tag: set(names) for tag, names in nh3.ALLOWED_ATTRIBUTES.items()}
    for tag, names in _MORE_ATTRIBUTES.items():
        attributes.setdefault(tag, set()).update(names)
    return nh3.Cleaner(
        # MathJax reads on over `<wbr>`, so a command with one in it would not be found.
        tags=(nh3.ALLOWED_TAGS | _MORE_TAGS) - {"wbr"},
        attributes=attributes,
        tag_attribute_values={"input": {"type": {"checkbox"}}},
        attribute_filter=_filter_attribute,
        filter_style_properties=_STYLES,
        generic_attribute_prefixes={"aria-"},
        # Links are as they are on other pages of the site.
        link_rel=None,
    )


# As HTML is split into tokens, but for what a browser does with a tag that never ends.
_TOKEN = re.compile(
    r"""<(?:
        !--(?:-?>|.*?(?:--!?>|\Z))                    # a comment
        |(/?)([a-zA-Z][^\s/>]*)                       # a tag
        ((?:
            [\s/]++
            |(?:=[^\s/>=]*+|[^\s/>=]++)               # an attribute
             (?:\s*+=\s*+(?:"[^"]*"|'[^']*'|(?!["'>])[^\s>]++)?)?
        )*+)
        |[!?/][^>]*                                  # what a browser takes for a comment
    )""",
    re.DOTALL | re.VERBOSE,
)
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
"""Characters, of which none take long."""
_SHORT_TEXT = 5_000
"""Characters of a text or a tag, in which any signs are harmless."""
_MOST_STEPS = 100
"""For each character of a page."""
_STEPS_OF_ANY_PAGE = 5_000_000
_ESCAPED = re.compile("[&\N{NO-BREAK SPACE}]")
_QUOTED = re.compile(r""""[^"]*"|'[^']*'""")


def takes_long(html: str) -> bool:
    """Return True if a parser of HTML may take the square of a text's length for it.

    For each tag, it looks at the elements that are open; it copies formatting that was not ended
    into each block behind it, and puts what is between the cells of a table before the table; it
    compares attributes with each other; and html5ever copies what is behind a sign that it escapes.
    All of that is harmless but for pages on which there is much of it.
    """
    if len(html) < _SHORT:
        return False
    limit = _MOST_STEPS * len(html) + _STEPS_OF_ANY_PAGE
    return any(steps > limit for steps in _StepCounter(html).count())


class _StepCounter:
    """Counts the steps of a parser, rather too many than too few.

    An end counts only if it is that of the last element that was begun: what a parser does with any
    other is more than can be told here.
    """

    def __init__(self, html: str) -> None:
        self._html = html
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
        self._steps = 0

    def count(self) -> Iterator[int]:
        """Yield how many steps there are up to each tag, and in the end."""
        position = 0
        while token := _TOKEN.search(self._html, position):
            self._read_text(position, token.start())
            position = token.end()
            if name := (token[2] or "").lower():
                self._read_tag(name, token)
                if name in _RAW_TEXT_TAGS and not token[1] and not self._foreign:
                    end = re.compile(f"</{name}", re.IGNORECASE).search(self._html, position)
                    begin, position = position, end.start() if end else len(self._html)
                    self._read_text(begin, position)
            yield self._steps
        self._read_text(position, len(self._html))
        yield self._steps

    def _read_text(self, start: int, end: int) -> None:
        self._count_escaped(start, end)
        if self._tables and self._html[start:end].removeprefix(">").strip():
            self._put_before_table()

    def _count_escaped(self, start: int, end: int) -> None:
        if end - start > _SHORT_TEXT:
            escaped = len(_ESCAPED.findall(self._html, start, end))
            self._steps += escaped * (end - start) // 8

    def _read_tag(self, name: str, tag: re.Match[str]) -> None:
        self._tags += 1
        self._steps += len(self._open) + self._copied
        attributes = len(tag[3])
        if attributes > _SHORT_TEXT:
            self._count_escaped(*tag.span(3))
            self._steps += (len(_QUOTED.sub("", tag[3])) // 4) ** 2
        self._is_uncertain |= name in _TAGS_THAT_IGNORE_OTHERS
        cell = self._cell
        if name in _CELL_TAGS or name in _ROW_TAGS:
            self._cell = None
            self._read_table(name, is_end=bool(tag[1]))
        elif not tag[1] or name in _TAGS_THAT_ENDS_BEGIN:
            self._put_before_table()
        if not tag[1] or name in _TAGS_THAT_ENDS_BEGIN:
            self._has_left_foreign |= name in _TAGS_THAT_END_FOREIGN_ONES
        if tag[1]:
            self._end(name, cell)
        elif not self._is_empty(name, tag[3]):
            self._begin(name, len(tag[0]) if name in _FORMATTING_TAGS else 0)

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
