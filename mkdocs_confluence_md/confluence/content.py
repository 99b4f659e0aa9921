"""The title that a page has of itself, as text. Pure."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING
from unicodedata import normalize

from markdown_it import MarkdownIt

from mkdocs_confluence_md.confluence.front_matter import read_front_matter
from mkdocs_confluence_md.confluence.headings import begins_with_heading, find_heading

if TYPE_CHECKING:
    from markdown_it.token import Token

_LOST_NAME = re.compile(
    r"(?:[a-z]{1,20}[ _-])?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    re.IGNORECASE,
)


def read_title(markdown: str) -> str:
    """Return the title in a page's front matter, or else its first heading; empty without both."""
    meta, body = read_front_matter(markdown)
    title = meta.get("title")
    own = " ".join(str(title).split()) if isinstance(title, str | int | float) else ""
    return own or _read_heading(find_heading(body))


def read_hidden_title(markdown: str) -> str:
    """Return the title of a page whose heading MkDocs does not find: something is before it."""
    _, body = read_front_matter(markdown)
    return "" if begins_with_heading(body) else _read_heading(find_heading(body))


def is_lost_name(name: str) -> bool:
    """Return True for the name of a file that an exporter could not make of a title.

    It has a random UUID instead, like `page-0f8f…`.
    """
    return _LOST_NAME.fullmatch(name) is not None


def reduce_title(title: str) -> str:
    """Reduce a title to letters and digits: addresses and names have it without some of the rest.

    A title without any is reduced to itself.
    """
    plain = normalize("NFKC", title)
    return re.sub(r"[\W_]+", "", plain).casefold() or plain.strip()


def _read_heading(text: str) -> str:
    """Read a heading as it will look: without the marks of its Markdown."""
    tokens = _make_parser().parse(text) if text else []
    inline = next((token for token in tokens if token.type == "inline"), None)
    return re.sub(r"\s+", " ", _read_text(inline)).strip() if inline else ""


def _read_text(token: Token) -> str:
    if token.type in ("softbreak", "hardbreak"):
        return " "
    if token.children:
        return "".join(map(_read_text, token.children))
    return token.content if token.type in ("inline", "text", "code_inline") else ""


@cache
def _make_parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("strikethrough")
