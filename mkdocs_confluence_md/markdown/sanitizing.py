"""HTML without anything that a browser would run. Pure.

A whole page goes through it, and not only the HTML that its author wrote: Markdown's extensions
turn what an author writes into attributes and addresses, too. What the usual extensions make of
a page passes: tabs, task lists, footnotes, code with line numbers, icons, diagrams, formulas.
"""

from __future__ import annotations

import re
from functools import cache

import nh3

from mkdocs_confluence_md.site.inert import break_formulas

_MORE_TAGS = {
    "address", "audio", "input", "label", "main", "meter", "picture", "progress", "section",
    "source", "svg", "path", "tfoot", "track", "video",
}  # fmt: skip
_MORE_ATTRIBUTES = {
    "*": {
        "align", "class", "data-lang", "data-linenos", "data-tabs", "data-title", "dir", "hidden",
        "id", "lang", "role", "style", "title",
    },
    "a": {"download", "name", "rel", "target"},
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
_OF_THEMES = re.compile(r"__(?!codelineno-|span-|tabbed_)|data-md|md-")
_ENTITY = re.compile(r"&(?=[#A-Za-z])")
_NAMES = ("id", "name", "for")

# The only field that is a part of a text is the box of a task.
_FIELD = re.compile(r'<input(?![^>]*\stype="checkbox")[^>]*>')


def sanitize(html: str) -> str:
    """Take scripts, handlers, frames, forms, style sheets and `javascript:` out of HTML."""
    clean = _FIELD.sub("", _make_cleaner().clean(html))
    return break_formulas(clean)


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
