"""Which Markdown a page from Confluence is written in: CommonMark, GFM, and panels. Pure.

The result is a list of markdown-it's tokens, whose tags and attributes are those of the page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import mdurl
from markdown_it import MarkdownIt
from markdown_it.rules_block import paragraph
from markdown_it.token import Token
from mdit_py_plugins.container import container_plugin
from mdit_py_plugins.footnote import footnote_plugin

from mkdocs_confluence_md.markdown.admonitions import is_panel_name, mark_panels
from mkdocs_confluence_md.markdown.autolinks import autolinks_plugin

if TYPE_CHECKING:
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_core import StateCore

_DEEPEST_BLOCK = 60
"""How deep quotations and lists nest, in markdown-it's levels; whatever is deeper is paragraphs."""


class Grammar(MarkdownIt):
    """The parser; one serves any number of pages."""

    def __init__(self) -> None:
        super().__init__("commonmark")
        # At this limit markdown-it drops text; `_stop_nesting` acts before, and drops none.
        self.options["maxNesting"] = 2 * _DEEPEST_BLOCK
        self.options["strikethrough_single_tilde"] = True
        self.options["tasklists"] = True
        self.enable(["table", "strikethrough"])
        self.use(footnote_plugin, inline=False, move_to_end=False)
        self.use(autolinks_plugin)
        self.use(container_plugin, "panel", validate=_opens_panel)
        self.block.ruler.before("table", "stop_nesting", _stop_nesting)
        # While it still shows what was escaped: `\[!NOTE]` is no alert.
        self.core.ruler.before("text_join", "panels", _find_panels)
        self.core.ruler.push("checkboxes", _place_checkboxes)

    def normalizeLink(self, url: str) -> str:  # noqa: N802  markdown-it's name
        """Percent-encode an address and leave it at that: hosts stay as they are written."""
        return mdurl.encode(url)

    def normalizeLinkText(self, url: str) -> str:  # noqa: N802  the same
        """Show an address as it is written."""
        return url

    def validateLink(self, url: str) -> bool:  # noqa: N802  the same
        """Take every link for one: `elements.py` knows which lead nowhere good."""
        del url
        return True


def _opens_panel(info: str, markup: str) -> bool:
    del markup
    return is_panel_name(info)


def _stop_nesting(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001  markdown-it's signature
    return state.level >= _DEEPEST_BLOCK and paragraph(state, start, end, silent)


def _find_panels(state: StateCore) -> None:
    state.tokens = mark_panels(state.tokens)


def _place_checkboxes(state: StateCore) -> None:
    """Put the checkbox of a task before its text, where readers and style sheets expect it."""
    placed = []
    boxes: list[Token] = []
    for token in state.tokens:
        if token.type == "inline" and token.children is not None and boxes:
            token.children[:0] = boxes
            boxes = []
        elif token.type == "list_item_close":
            placed += boxes
            boxes = []
        placed.append(token)
        if token.type == "list_item_open" and "checked" in token.meta:
            boxes.append(Token("checkbox", "", 0, meta=token.meta))
    state.tokens = placed
