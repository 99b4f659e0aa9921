"""Repair what exporters make of macros: expands, placeholders, icons, tables of contents. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it.token import Token

    from mkdocs_confluence_md.markdown.repairs import Env


def repair_pictures(tokens: list[Token], env: Env) -> list[Token]:
    """Replace the pictures that belong to Confluence; before panels are recognized."""
    del env
    return tokens


def repair_macros(tokens: list[Token], env: Env) -> list[Token]:
    """Repair what macros left; after panels were recognized."""
    del env
    return tokens
