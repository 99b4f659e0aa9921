"""Repair tables of contents and lists of children, which the site has itself. Pure."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import unquote

from mkdocs_confluence_md.markdown.repairs.anchors import list_slugs, read_anchor_ids, read_heading
from mkdocs_confluence_md.markdown.repairs.kinds import note_repair
from mkdocs_confluence_md.markdown.repairs.macros import is_contents

if TYPE_CHECKING:
    from markdown_it.token import Token

    from mkdocs_confluence_md.markdown.repairs.kinds import Env

_MARKER = re.compile(
    r"\[TOC\]|\[\[_?TOC_?\]\]|\{(?:toc|children)(?::[^{}\n]*)?\}"
    r"|\[(?:Extension|macro): ?(?P<name>[^\[\]\n]+)\]",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[\d.]*")
_LIST = re.compile(r"(?:bullet|ordered)_list_(?:open|close)|list_item_(?:open|close)")
_TITLES = {
    "contents", "in this page", "on this page", "table of content", "table of contents", "toc",
    "auf dieser seite", "inhalt", "inhaltsverzeichnis",
    "sommaire", "table des matières",
    "contenido", "tabla de contenido", "tabla de contenidos", "índice",
    "indice", "sommario",
    "inhoud", "inhoudsopgave",
    "conteúdo", "sumário",
    "spis treści", "содержание", "оглавление",
    "目次", "目录", "目錄", "목차",
}  # fmt: skip
"""What stands over tables of contents."""


def repair_contents(tokens: list[Token], env: Env) -> list[Token]:
    """Drop markers, and lists of the page's own headings below a title that says so."""
    repaired: list[Token] = []
    headings: set[str] | None = None
    skipped = 0
    # How many of the tokens before are a title of such a list that goes with it, or -1.
    title = -1
    for position, token in enumerate(tokens):
        if position < skipped:
            continue
        # Without its only paragraph, an item would be a bullet by itself.
        in_item = position > 0 and tokens[position - 1].type == "list_item_open"
        is_paragraph = token.type == "paragraph_open" and not in_item
        if is_paragraph and _is_marker(tokens[position + 1]):
            note_repair(env, "contents")
            skipped, title = position + 3, 0
            if _is_empty_section(repaired, tokens[skipped : skipped + 1]):
                del repaired[-len(_HEADING) :]
            continue
        if token.type in {"bullet_list_open", "ordered_list_open"} and title >= 0:
            if headings is None:
                headings = _list_headings(tokens)
            if end := _find_end(tokens, position, headings):
                note_repair(env, "contents")
                if _is_empty_section(repaired, tokens[end : end + 1]):
                    title = len(_HEADING)
                del repaired[len(repaired) - title :]
                skipped, title = end, -1
                continue
        title = _read_title(tokens, position, title)
        repaired.append(token)
    return repaired


_HEADING = ("heading_open", "inline", "heading_close")


def _is_empty_section(before: list[Token], following: list[Token]) -> bool:
    """Return True if a heading that says nothing else would have nothing below it."""
    if tuple(token.type for token in before[-3:]) != _HEADING:
        return False
    is_end = not following or following[0].type == "heading_open"
    return is_end and read_heading(before[-2]).casefold().rstrip(" :") in _TITLES


def _read_title(tokens: list[Token], position: int, title: int) -> int:
    token = tokens[position]
    if token.type == "inline":
        opening = tokens[position - 1].type
        is_title = token.level == 1 and _says_contents(read_heading(token))
        return {"heading_open": 0, "paragraph_open": 3}.get(opening, -1) if is_title else -1
    return title if token.type in {"heading_close", "paragraph_close"} else -1


def _says_contents(text: str) -> bool:
    text = text.casefold().rstrip(" :")
    number, _, name = text.partition(" ")
    # `C6.6 Table of contents`
    return text in _TITLES or (any(map(str.isdigit, number)) and name.strip() in _TITLES)


def _is_marker(inline: Token) -> bool:
    match = _MARKER.fullmatch(inline.content.strip())
    if match is None or (match["name"] and not is_contents(match["name"])):
        return False
    kinds = {word.type for word in inline.children or []}
    return kinds <= {"text", "em_open", "em_close"}


def _list_headings(tokens: list[Token]) -> set[str]:
    """Return all that a link to one of the page's headings may say or lead to."""
    names = {f"#{slug}" for slug in list_slugs(tokens)}
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            names.add(_reduce(read_heading(inline)))
        elif opening.type == "paragraph_open":
            names.update(f"#{name}" for name in read_anchor_ids(inline))
    return names - {""}


def _reduce(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(filter(str.isalnum, folded))


def _find_end(tokens: list[Token], start: int, headings: set[str]) -> int:
    """Return where a list ends that has only links to the headings; 0 if it has others."""
    depth = 0
    for position in range(start, len(tokens)):
        token = tokens[position]
        if token.type == "inline":
            if not _is_entry(token, headings):
                return 0
        elif token.type.endswith(("_list_open", "_list_close")):
            depth += token.nesting
            if not depth:
                return position + 1
        elif not (_LIST.fullmatch(token.type) or token.type.startswith("paragraph_")):
            return 0
    return 0


def _is_entry(inline: Token, headings: set[str]) -> bool:
    words = [word for word in inline.children or [] if word.type != "text" or word.content.strip()]
    if words and words[0].type == "text" and _NUMBER.fullmatch(words[0].content.strip()):
        words = words[1:]
    kinds = [word.type for word in words]
    if kinds.count("link_open") != 1 or (kinds[0], kinds[-1]) != ("link_open", "link_close"):
        return False
    anchor = str(words[0].attrs.get("href", ""))
    if not anchor.startswith("#"):
        return False
    text = _reduce("".join(word.content for word in words[1:-1]))
    return unquote(anchor) in headings or text in headings
