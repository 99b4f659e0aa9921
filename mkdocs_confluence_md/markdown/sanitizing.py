"""Sanitize HTML: take out what a browser, or a theme's scripts, would act on. Pure.

A whole page is sanitized, and not only the HTML that its author wrote: Markdown's extensions turn
what an author writes into attributes and addresses, too. What the usual extensions make of a page
passes: tabs, task lists, footnotes, code with line numbers, icons, diagrams, formulas.
"""

from __future__ import annotations

import re
from functools import cache

import nh3

from mkdocs_confluence_md.markdown.cost import divide_html, takes_long_to_parse
from mkdocs_confluence_md.markdown.html import LATE_ATTRIBUTE
from mkdocs_confluence_md.text import break_formulas

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


_PART = 500
"""Characters of a part of a page that takes too long as a whole."""


def sanitize(html: str) -> str:
    """Take scripts, handlers, frames, forms, style sheets and `javascript:` out of HTML."""
    clean = _make_cleaner().clean
    parts = divide_html(html, _PART) if takes_long_to_parse(html) else [html]
    return _break_formulas(_FIELD.sub("", "".join(map(clean, parts))))


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
