"""Repair anchors that exporters write in a paragraph of their own before each heading. Pure."""

from __future__ import annotations

import html
import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

from markdown.extensions.toc import slugify
from markdown_it.token import Token

from mkdocs_confluence_md.markdown.repairs.kinds import note_repair

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mkdocs_confluence_md.markdown.repairs.kinds import Env

_ANCHOR = re.compile(
    r"""<a\s+(?:id|name)\s*=\s*(["'])(?P<name>[^"'<>\s]+)\1\s*/?>""", re.IGNORECASE
)


def repair_anchors(tokens: list[Token], env: Env) -> list[Token]:
    """Move such anchors into their headings, and drop those that the headings get anyway."""
    if not any(token.type == "inline" and token.content.startswith("<a ") for token in tokens):
        return tokens
    taken = set(list_slugs(tokens))
    repaired: list[Token] = []
    waiting: list[Token] = []
    skipped = 0
    for position, token in enumerate(tokens):
        if position < skipped:
            continue
        if token.type == "paragraph_open" and read_anchor_ids(tokens[position + 1]):
            waiting += tokens[position : position + 3]
            skipped = position + 3
            continue
        if waiting and token.type == "heading_open":
            tokens[position + 1].children = [
                *_move(waiting, taken, env),
                *(tokens[position + 1].children or []),
            ]
        else:
            repaired += waiting
        waiting = []
        repaired.append(token)
    return repaired + waiting


def read_anchor_ids(inline: Token) -> list[str]:
    """Return the names of anchors if a paragraph has nothing else; otherwise none."""
    names = []
    for word in inline.children or []:
        match = _ANCHOR.fullmatch(word.content) if word.type == "html_inline" else None
        if match:
            names.append(html.unescape(match["name"]))
        elif not _is_empty(word):
            return []
    return names


def _is_empty(word: Token) -> bool:
    """Return True for what stands between anchors: their ends, and blanks."""
    content = word.content.strip().lower()
    return (
        word.type == "softbreak"
        or (word.type == "text" and not content)
        or (word.type == "html_inline" and content == "</a>")
    )


def list_slugs(tokens: list[Token]) -> Iterator[str]:
    """Yield the ID that each heading gets where a site sets nothing else."""
    counts: Counter[str] = Counter()
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            slug = slugify(read_heading(inline), "-")
            yield f"{slug}_{counts[slug]}" if slug in counts else slug
            counts[slug] += 1


def read_heading(inline: Token) -> str:
    """Return the text of a heading."""
    words = inline.children or []
    return "".join(" " if "break" in word.type else _read_word(word) for word in words).strip()


def _read_word(word: Token) -> str:
    return word.content if word.type in {"text", "text_special", "code_inline"} else ""


def _move(paragraphs: list[Token], taken: set[str], env: Env) -> Iterator[Token]:
    for inline in paragraphs[1::3]:
        note_repair(env, "anchors")
        for name in read_anchor_ids(inline):
            if name not in taken:
                taken.add(name)
                yield Token("html_inline", "", 0, content=f'<a id="{html.escape(name)}"></a>')
