"""The title that a page has of itself, as text. Pure."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from mkdocs_confluence_md.grammar import Grammar
from mkdocs_confluence_md.source import find_heading, read_front_matter

if TYPE_CHECKING:
    from markdown_it.token import Token


def read_title(markdown: str) -> str:
    """Return the title in a page's front matter, or else its first heading; empty without both."""
    meta, body = read_front_matter(markdown)
    title = meta.get("title")
    own = " ".join(str(title).split()) if isinstance(title, str | int | float) else ""
    return own or _read_heading(find_heading(body))


def _read_heading(text: str) -> str:
    """Read a heading as it will look: without the marks of its Markdown."""
    tokens = _make_grammar().parse(text) if text else []
    inline = next((token for token in tokens if token.type == "inline"), None)
    return re.sub(r"\s+", " ", _read_text(inline)).strip() if inline else ""


def _read_text(token: Token) -> str:
    if token.type in ("softbreak", "hardbreak"):
        return " "
    if token.children:
        return "".join(map(_read_text, token.children))
    return token.content if token.type in ("inline", "text", "code_inline") else ""


@cache
def _make_grammar() -> Grammar:
    return Grammar()
