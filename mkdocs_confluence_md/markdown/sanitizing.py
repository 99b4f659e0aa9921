"""Sanitize HTML: take out what a browser, or a theme's scripts, would act on. Pure.

A whole page is sanitized, and not only the HTML that its author wrote: Markdown's extensions turn
what an author writes into attributes and addresses, too. What the usual extensions make of a page
passes: tabs, task lists, footnotes, code with line numbers, icons, diagrams, formulas.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from functools import cache

import nh3

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


def sanitize(html: str) -> str:
    """Take scripts, handlers, frames, forms, style sheets and `javascript:` out of HTML."""
    return _break_formulas(_FIELD.sub("", _make_cleaner().clean(limit_open_tags(html))))


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
_QUOTED = re.compile(r""""[^"]*"|'[^']*'""")
_VOID_TAGS = {
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr",
}  # fmt: skip
# The next one of them, or the end of what is around them, ends them.
_TAGS_THAT_END_THEMSELVES = {
    "caption", "colgroup", "dd", "dt", "li", "option", "p", "tbody", "td", "tfoot", "th", "thead",
    "tr",
}  # fmt: skip
# Those that were not ended are begun again in each block that follows, as HTML wants it.
_FORMATTING_TAGS = {
    "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u",
}  # fmt: skip
# Tags in these are text.
_RAW_TEXT_TAGS = {
    "iframe", "noembed", "noframes", "plaintext", "script", "style", "textarea", "title", "xmp",
}  # fmt: skip
_DEEPEST = 500
"""Elements within each other: in Chromium there are about as many at most."""
_LONGEST_TAG = 20_000
"""Characters, without what is in quotation marks: each attribute is compared with all others."""
_MOST_COPIED = 20
"""Characters of tags that are begun again, for each character of a page."""
_ALWAYS_COPIED = 1_000_000


def limit_open_tags(html: str) -> str:
    """Make text of the tags that a page leaves open so often that sanitizing it would not end soon.

    A parser of HTML looks at all elements that are open for each tag (html5ever's `in_scope`), and
    copies formatting that was not ended into each block behind it: the square of a page's length.
    Browsers have limits, too.
    """
    limiter = _TagLimiter(_MOST_COPIED * len(html) + _ALWAYS_COPIED)
    position = 0
    while token := _TOKEN.search(html, position):
        position = token.end()
        if token[2]:
            name = token[2].lower()
            limiter.add(name, token)
            if name in _RAW_TEXT_TAGS and not token[1] and not limiter.is_in_drawing:
                end = re.compile(f"</{name}", re.IGNORECASE).search(html, position)
                position = end.start() if end else len(html)
    parts, done = [], 0
    for place, new in sorted(limiter.finish().items()):
        parts += [html[done:place], new]
        done = place + 1
    return "".join([*parts, html[done:]])


class _TagLimiter:
    """Finds tags that are better read as text, and the signs that make them so.

    Args:
        copied: How many characters of formatting tags may be begun again.
    """

    def __init__(self, copied: int) -> None:
        self._copied = copied
        self._open: list[str] = []
        """The names of the elements that are open, but for formatting."""
        self._too_deep: Counter[str] = Counter()
        """Those that were made text, and not ended."""
        self._formatting: defaultdict[str, list[tuple[int, int, int]]] = defaultdict(list)
        """What is open, by name: where it is, its length, and how many tags were begun before."""
        self._begun = 0
        self._changes: dict[int, str] = {}
        """What single signs become, by where they are."""

    @property
    def is_in_drawing(self) -> bool:
        """Whether tags are those of XML, which may end themselves."""
        return "svg" in self._open or "math" in self._open

    def add(self, name: str, tag: re.Match[str]) -> None:
        """Read the next tag."""
        if len(tag[3]) > _LONGEST_TAG and len(_QUOTED.sub("", tag[3])) > _LONGEST_TAG:
            self._make_text(*(tag.start() + found.start() for found in re.finditer("<", tag[0])))
        elif self._has_no_depth(name):
            self._begun += not tag[1]
        elif name in _FORMATTING_TAGS:
            self._add_formatting(name, tag)
        elif tag[1]:
            self._end(name, tag.start())
        elif tag[3].endswith("/") and self.is_in_drawing:
            # A parser may have left the drawing already.
            self._changes[tag.end() - 1] = f"></{tag[2]}"
        else:
            self._begin(name, tag.start())

    def finish(self) -> dict[int, str]:
        """Return what single signs become, by where they are."""
        left = [each for tags in self._formatting.values() for each in tags]
        # The last ones first: the fewest tags follow them.
        for tag in sorted(left, reverse=True):
            self._end_formatting(tag, None)
        return self._changes

    def _has_no_depth(self, name: str) -> bool:
        is_text = name in _RAW_TEXT_TAGS and not self.is_in_drawing
        return is_text or name in _VOID_TAGS or name in _TAGS_THAT_END_THEMSELVES

    def _make_text(self, *places: int) -> None:
        self._changes |= dict.fromkeys(places, "&lt;")

    def _begin(self, name: str, place: int) -> None:
        self._begun += 1
        if len(self._open) < _DEEPEST:
            self._open.append(name)
        else:
            self._too_deep[name] += 1
            self._make_text(place)

    def _end(self, name: str, place: int) -> None:
        if self._too_deep[name]:
            self._too_deep[name] -= 1
            self._make_text(place)
        elif name in self._open:
            while self._open.pop() != name:
                pass

    def _add_formatting(self, name: str, tag: re.Match[str]) -> None:
        is_open = self._formatting[name]
        if is_open and (tag[1] or name == "a"):
            self._end_formatting(is_open.pop(), tag.start() if tag[1] else None)
        if not tag[1]:
            is_open.append((tag.start(), len(tag[0]), self._begun))
            self._begun += 1

    def _end_formatting(self, begin: tuple[int, int, int], end: int | None) -> None:
        place, length, before = begin
        copied = length * (self._begun - before - 1)
        if copied <= self._copied:
            self._copied -= copied
        else:
            self._make_text(*([place] if end is None else [place, end]))
