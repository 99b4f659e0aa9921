"""Rewrite links in raw HTML, and sanitize HTML. Pure.

A link is changed where it stands; every other blank and quotation mark stays as it was written.

A whole page is sanitized, and not only the HTML that its author wrote: Markdown's extensions turn
what an author writes into attributes and addresses, too. What the usual extensions make of a page
passes: tabs, task lists, footnotes, code with line numbers, icons, diagrams, formulas.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from typing import TYPE_CHECKING, TypeAlias

import nh3

from mkdocs_confluence_md.text import break_formulas

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


def sanitize(html: str) -> str:
    """Take scripts, handlers, frames, forms, style sheets and `javascript:` out of HTML."""
    return _break_formulas(_FIELD.sub("", _make_cleaner().clean(html)))


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
