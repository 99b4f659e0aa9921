"""Repair what exporters write within a paragraph: emphasis, emoji, statuses, dates. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it.rules_core import StateCore
    from markdown_it.token import Token

    from mkdocs_confluence_md.markdown.repairs import Env


def repair_emphasis(state: StateCore) -> None:
    """Read a paragraph once more where blanks keep marks from being emphasis."""
    del state


def repair_words(tokens: list[Token], env: Env) -> list[Token]:
    """Repair words; after panels were recognized, and before escaped characters become text."""
    del env
    return tokens
