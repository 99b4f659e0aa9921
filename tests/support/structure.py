"""What a reader gets of HTML: tags, nesting, text and targets, without what only styles it.

Two pieces of HTML with the same structure look the same on a page. Left out are

- what highlighting adds: `span`, links to lines, the `div` around code (a language that Pygments
  knows is kept);
- what the table of contents adds: IDs and permalinks;
- the tooltips of footnotes' links back;
- the titles of notes and warnings, which are `panel`s here;
- where exactly in its list item the checkbox of a task stands;
- white space that a browser does not show, and blank lines around code.
"""

from __future__ import annotations

import re
from functools import cache
from html.parser import HTMLParser
from urllib.parse import quote, unquote

from pygments.lexers import get_lexer_by_name
from pygments.lexers.special import TextLexer
from pygments.util import ClassNotFound

_BLOCKS = {
    "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "div", "dl",
    "dt", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header",
    "hr", "iframe", "li", "main", "nav", "ol", "p", "panel", "pre", "section", "summary", "table",
    "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
}  # fmt: skip
_EMPTY = {"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
_KEPT = {"alt", "checked", "href", "open", "src", "start", "title"}
_OURS = {"arithmatex", "confluence-date", "confluence-source", "confluence-status"}
"""Classes that are shown where the whole structure is wanted."""


def read_structure(html: str, *, whole: bool = False) -> list[str]:
    """Return one line for each tag and each text.

    Args:
        html: A page, or a part of one.
        whole: Also the titles of panels, their kinds, and the classes, widths and heights that are
            not of highlighting.
    """
    reader = _Reader(whole=whole)
    reader.feed(html)
    reader.close()
    return reader.finish()


class _Reader(HTMLParser):
    """Collects lines; tags that only style leave none."""

    def __init__(self, *, whole: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.whole = whole
        self.lines: list[str] = []
        self.text = ""
        self.open: list[tuple[str, bool]] = []
        self.language = ""
        self.hidden = 0
        """How many elements are open whose text is not the page's."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        classes = attributes.get("class", "").split()
        line_link = attributes.get("id", "").startswith("__codelineno")
        hidden = {"headerlink", "filename"} | (set() if self.whole else {"admonition-title"})
        if line_link or hidden & set(classes):
            self.hidden += 1
        is_ours = self.whole and (_OURS & set(classes) or _OURS & attributes.keys())
        styles = (tag == "span" and not is_ours) or {"highlight", "codehilite"} & set(classes)
        if styles or self.hidden:
            self._note_language(classes)
            self._push(tag, shown=False)
            return
        if "footnote-backref" in classes:
            attributes.pop("title", None)
        if "admonition" in classes:
            tag = "panel"
        if tag == "label" or (tag == "input" and attributes.get("type") == "checkbox"):
            self._note_task(attributes)
            self._push(tag, shown=False)
            return
        if tag == "pre" and not self.language:
            self._note_language(classes)
        if tag == "code":
            self._note_language(classes)
            attributes["language"], self.language = self.language, ""
        self._flush(around=tag)
        of_panel = tag == "panel" or (tag == "details" and classes)
        shown = " ".join(classes) if self.whole and (is_ours or of_panel) else ""
        name = f"{tag}.{shown}" if shown else tag
        size = _describe_more(tag, attributes) if self.whole else ""
        self.lines.append(f"<{name}{_describe(attributes)}{size}>")
        self._push(tag, shown=True)

    def handle_endtag(self, tag: str) -> None:
        if tag == "div" and "panel" in [name for name, _ in self.open]:
            tag = self._find_innermost("div", "panel")
        if tag not in [name for name, _ in self.open]:
            if tag not in _EMPTY:
                self._flush(around=tag)
                self.lines.append(f"</{tag}>")
            return
        while self.open:
            name, shown = self.open.pop()
            if shown:
                self._flush(around=name)
                self.lines.append(f"</{name}>")
            elif self.hidden:
                self.hidden -= 1
            if name == tag:
                return

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.text += data

    def handle_comment(self, data: str) -> None:
        self._flush(around="!")
        self.lines.append(f"<!--{data.strip()}-->")

    def finish(self) -> list[str]:
        self._flush(around="body")
        return self.lines

    def _find_innermost(self, *tags: str) -> str:
        return next(name for name, _ in reversed(self.open) if name in tags)

    def _push(self, tag: str, *, shown: bool) -> None:
        if tag not in _EMPTY:
            self.open.append((tag, shown))

    def _note_language(self, classes: list[str]) -> None:
        for name in classes:
            if name.startswith("language-"):
                self.language = _name_language(name.removeprefix("language-"))

    def _note_task(self, attributes: dict[str, str]) -> None:
        item = next((place for place in reversed(range(len(self.lines)))
                     if self.lines[place] == "<li>"), None)  # fmt: skip
        if attributes.get("type") and item is not None:
            self.lines[item] = "<li done>" if "checked" in attributes else "<li to do>"

    def _flush(self, around: str) -> None:
        in_code_block = any(name == "pre" for name, _ in self.open)
        text, self.text = self.text, ""
        text = text.strip("\n") if in_code_block else re.sub(r"[ \t\r\n\f]+", " ", text)
        before = re.split("[ .]", self.lines[-1].strip("</>"))[0] if self.lines else "body"
        if not in_code_block:
            if before in _BLOCKS or before == "br":
                text = text.lstrip(" ")
            if around in _BLOCKS or around == "br":
                text = text.rstrip(" ")
        if text:
            self.lines.append(f"  {text}")


@cache
def _name_language(name: str) -> str:
    """Return one name for each language; empty for plain text, and what nothing highlights."""
    try:
        lexer = get_lexer_by_name(name)
    except ClassNotFound:
        return ""
    return lexer.name if not isinstance(lexer, TextLexer) else ""


def _describe_more(tag: str, attributes: dict[str, str]) -> str:
    # The table of contents gives each heading an ID.
    names = ("width", "height", "id") if tag == "a" else ("width", "height")
    return "".join(f" {name}={attributes[name]!r}" for name in names if name in attributes)


def _describe(attributes: dict[str, str]) -> str:
    described = ""
    for name in sorted(attributes):
        value = attributes[name]
        if name in {"href", "src"}:
            described += f" {name}={quote(unquote(value), safe='/:?#&=%@+,;')!r}"
        elif name in _KEPT:
            described += f" {name}={value!r}"
        elif name == "align" or (name == "style" and "text-align" in value):
            described += f" align={value.removeprefix('text-align:').strip(' ;')!r}"
        elif name == "language" and value:
            described += f" language={value!r}"
    return described
