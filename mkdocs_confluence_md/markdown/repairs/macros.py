"""Repair what exporters write for macros that Markdown has nothing for. Pure.

Such macros are placeholders in text (`[Extension: roadmap]`) or pictures of the editor. A page has
the macro's name and a link to Confluence instead. Where the title of an expand is marked, it
becomes bold: where the expand ends is not known.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from markdown_it.token import Token

from mkdocs_confluence_md.markdown.admonitions import make_text
from mkdocs_confluence_md.markdown.repairs.kinds import note_macro, note_repair

if TYPE_CHECKING:
    from mkdocs_confluence_md.markdown.repairs.kinds import Env

_PLACEHOLDER = re.compile(r"\[(?:Extension|macro): ?(?P<name>[^\[\]\s][^\[\]\n]{0,80})\]")
_EXPAND = "[Expand: "
_SEEN_IN_CONFLUENCE = ", see it in Confluence"


# The content of these is on another page; of all others, what was exported follows the comment.
_INCLUDE = re.compile(r"\s*<!-- confluence-macro: (?P<name>(?:excerpt-)?include)\b[^<>]*-->\s*")


def repair_macros(tokens: list[Token], env: Env) -> list[Token]:
    """Replace paragraphs that are nothing but a macro's placeholder, and comments like that."""
    tokens = [each for token in tokens for each in _replace_comment(token, env)]
    for opening, inline in pairwise(tokens):
        words = inline.children or []
        if opening.type != "paragraph_open" or not words or not words[0].content.startswith("["):
            continue
        line, rest = split_first_line(words)
        if is_plain(line) and (match := _PLACEHOLDER.fullmatch(read_plainly(line))):
            if not is_contents(match["name"]):
                inline.children = [*make_source_link(match["name"], env), *_break_before(rest)]
        elif title := _find_expand_title(line):
            inline.children = [*make_bold(title), *_break_before(rest)]
            note_repair(env, "expands")
    return tokens


def _replace_comment(token: Token, env: Env) -> list[Token]:
    match = _INCLUDE.fullmatch(token.content) if token.type == "html_block" else None
    if match is None:
        return [token]
    return [
        Token("paragraph_open", "p", 1),
        Token("inline", "", 0, children=make_source_link(match["name"], env)),
        Token("paragraph_close", "p", -1),
    ]


def make_source_link(name: str, env: Env, *, in_link: bool = False) -> list[Token]:
    """Name a macro that was not exported, and lead to where it is.

    Args:
        name: Empty if it is not known.
        env: Of the page.
        in_link: Whether the text is that of a link already.
    """
    note_repair(env, "macros")
    if name:
        note_macro(env, name)
    words = [
        Token("em_open", "em", 1),
        Token("text", "", 0, content=name or "Macro"),
        Token("em_close", "em", -1),
    ]
    if in_link:
        return words
    return [
        Token("source_link_open", "", 1),
        *words,
        Token("text", "", 0, content=_SEEN_IN_CONFLUENCE),
        Token("source_link_close", "", -1),
    ]


def make_bold(words: list[Token]) -> list[Token]:
    """Make words bold, unless some of them are."""
    if not words or any(word.type == "strong_open" for word in words):
        return words
    return [Token("strong_open", "strong", 1), *words, Token("strong_close", "strong", -1)]


def is_contents(name: str) -> bool:
    """Return True if a macro of this name lists what the site's navigation lists."""
    return re.sub(r"[\s_-]", "", name.lower()) in {
        "toc", "toczone", "tableofcontents", "children", "childrendisplay", "childpages",
        "pagetree",
    }  # fmt: skip


def split_first_line(words: list[Token]) -> tuple[list[Token], list[Token]]:
    """Separate the words of the first line from those behind it."""
    end = next(
        (place for place, word in enumerate(words) if word.type in {"softbreak", "hardbreak"}),
        len(words),
    )
    return words[:end], words[end + 1 :]


def is_plain(words: list[Token]) -> bool:
    """Return True if the words are text in which nothing is escaped."""
    return all(word.type == "text" for word in words)


def read_plainly(words: list[Token]) -> str:
    """Return the text of words, without blanks at its ends."""
    return "".join(word.content for word in words).strip()


def _find_expand_title(line: list[Token]) -> list[Token]:
    """Return the title in `[Expand: A title]`; empty if the line is something else."""
    if not line or line[0].type != "text" or line[-1].type != "text":
        return []
    if not line[0].content.startswith(_EXPAND) or not line[-1].content.rstrip().endswith("]"):
        return []
    if len(line) == 1:
        title = line[0].content.rstrip()[len(_EXPAND) : -1]
        return [] if {"[", "]"} & {*title} else make_text(title)
    return [
        *make_text(line[0].content[len(_EXPAND) :]),
        *line[1:-1],
        *make_text(line[-1].content.rstrip()[:-1]),
    ]


def _break_before(rest: list[Token]) -> list[Token]:
    return [Token("hardbreak", "br", 0), *rest] if rest else []
