"""markdown-it's tokens → the element tree that the site's Markdown pipeline goes on with.

All text in it is `AtomicString`, which that pipeline takes as it is. What some of its parts would
still read as theirs is escaped in the pipeline's own way, as if its writer had put a backslash.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from markdown.util import ETX, STX, AtomicString
from markdown_it.common.utils import unescapeAll

from mkdocs_confluence_md.markdown.admonitions import style_html
from mkdocs_confluence_md.markdown.html import make_plain_title

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from markdown_it.token import Token

    from mkdocs_confluence_md.markdown.markup import SiteMarkup

_DEEPEST = 150
"""How many elements may be within each other: serializers recurse."""

# Python-Markdown leaves what looks like an entity as it is; here, each is meant literally.
_ENTITY = re.compile(r"&(?=(?:#[0-9]+|#x[0-9a-f]+|[0-9a-z]+);)", re.IGNORECASE)
# These begin attribute lists, tasks and the marker of the table of contents.
_MARK = re.compile(r"[{\[]")
_HARMFUL = re.compile(
    r"(?:javascript|vbscript|data(?!:image/(?:gif|png|jpeg|webp);)):", re.IGNORECASE
)


def build_tree(tokens: Sequence[Token], markup: SiteMarkup) -> ET.Element:
    """Return a `div` with the page's elements."""
    builder = _Builder(markup)
    builder.add(tokens)
    return builder.finish()


class _Builder:
    """Adds token by token to the element that is open."""

    def __init__(self, markup: SiteMarkup) -> None:
        self._markup = markup
        self._root = ET.Element("div")
        self._open = [self._root]
        self._special: dict[str, Callable[[Token], None]] = {
            "inline": self._add_children,
            "text": lambda token: self._add_text(_escape(token.content)),
            "softbreak": lambda _: self._add_text("\n"),
            "code_inline": self._add_code,
            "fence": lambda token: self._add_block(token.content, unescapeAll(token.info)),
            "code_block": lambda token: self._add_block(token.content, ""),
            "html_block": self._add_html_block,
            "html_inline": lambda token: self._add_text(markup.keep_html(token.content)),
            "image": self._add_image,
            "checkbox": self._add_checkbox,
            "footnote_ref": self._add_reference,
            "footnote_reference_open": self._open_footnote,
            "list_item_open": self._open_list_item,
        }

    def add(self, tokens: Sequence[Token]) -> None:
        for token in tokens:
            special = self._special.get(token.type)
            if special:
                special(token)
            elif token.nesting > 0:
                self._open_element(token)
            elif token.nesting < 0:
                self._open.pop()
            else:
                self._append(token.tag, token.attrs)

    def finish(self) -> ET.Element:
        section = self._markup.footnotes.make_section()
        if section is not None:
            self._root.append(section)
        return self._root

    def _open_element(self, token: Token) -> None:
        parent = self._open[-1]
        if token.hidden or not token.tag or len(self._open) > _DEEPEST or _is_harmful(token):
            # Its content stands in the element around it.
            self._open.append(parent)
        else:
            tag = "del" if token.type == "s_open" else token.tag
            self._open.append(self._append(tag, token.attrs))

    def _append(self, tag: str, attributes: dict[str, str | int | float]) -> ET.Element:
        named = (self._name_attribute(name, str(value)) for name, value in attributes.items())
        return ET.SubElement(self._open[-1], tag, dict(named))

    def _name_attribute(self, name: str, value: str) -> tuple[str, str]:
        if name == "style":
            return self._markup.align_cell(value)
        if name == "title":
            value = make_plain_title(value)
        return name, _ENTITY.sub("&amp;", value)

    def _add_children(self, token: Token) -> None:
        self.add(token.children or [])

    def _add_text(self, text: str) -> None:
        parent = self._open[-1]
        if len(parent):
            parent[-1].tail = AtomicString((parent[-1].tail or "") + text)
        else:
            parent.text = AtomicString((parent.text or "") + text)

    def _add_code(self, token: Token) -> None:
        code = self._append("code", {})
        code.text = AtomicString(_ENTITY.sub("&amp;", token.content))

    def _add_block(self, code: str, info: str) -> None:
        paragraph = self._append("p", {})
        paragraph.text = AtomicString(self._markup.show_code(code, info))

    def _add_html_block(self, token: Token) -> None:
        # Beside the elements, not in one: it may open what comes later, and close it there.
        html = style_html(token.content.strip("\n"))
        self._add_text(f"\n{self._markup.keep_html(html)}\n")

    def _add_image(self, token: Token) -> None:
        alt = "".join(_read_plainly(token.children or []))
        if _is_harmful(token):
            self._add_text(_escape(alt))
        else:
            self._append("img", {**token.attrs, "alt": alt})

    def _add_checkbox(self, token: Token) -> None:
        self._add_text(self._markup.show_checkbox(checked=token.meta["checked"]))

    def _add_reference(self, token: Token) -> None:
        self._open[-1].append(self._markup.footnotes.refer_to(token.meta["label"]))

    def _open_footnote(self, token: Token) -> None:
        self._open.append(self._markup.footnotes.define(token.meta["label"]))

    def _open_list_item(self, token: Token) -> None:
        if "checked" in token.meta:
            self._open[-1].set("class", "task-list")
        self._open_element(token)


def _is_harmful(token: Token) -> bool:
    """Tell whether a link or an image would run what its writer wants."""
    target = str(token.attrs.get("href", token.attrs.get("src", "")))
    return _HARMFUL.match(target) is not None


def _escape(text: str) -> str:
    return _MARK.sub(lambda mark: f"{STX}{ord(mark[0])}{ETX}", _ENTITY.sub("&amp;", text))


def _read_plainly(tokens: Sequence[Token]) -> list[str]:
    """Return the text of an image's description without its markup."""
    words = []
    for token in tokens:
        if token.type in {"softbreak", "hardbreak"}:
            words.append(" ")
        elif token.children:
            words += _read_plainly(token.children)
        else:
            words.append(token.content)
    return words
