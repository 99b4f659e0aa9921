"""The first-level heading of a page, and what may stand before it. Pure.

Exporters write comments, anchors and breadcrumbs before the heading. They are not text, so the
heading is still the page's title.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLANKS = re.compile(r"\s*")
_HEADING = re.compile(r"#[ \t]+\S[^\n]*|\S[^\n]*\n=+[ \t]*(?:\n|\Z)")
_COMMENT = re.compile(r"<!--.*?-->[ \t]*(?:\n|\Z)", re.DOTALL)
_ANCHOR = re.compile(
    r"""(?:<a[ \t]+(?:id|name)=(?:"[^"<>\n]*"|'[^'<>\n]*')[ \t]*></a>[ \t]*)+(?:\n|\Z)""",
    re.IGNORECASE,
)
_LINK = (
    r"\[(?:[^\[\]\\\n]|\\[^\n])*\]"
    r"""\((?:<[^<>\n]*>|[^()\s<>]*(?:\([^()\s<>]*\)[^()\s<>]*)*)(?:[ \t]+"[^"\n]*")?\)"""
)
_BREADCRUMB = re.compile(rf"{_LINK}(?:[ \t]*(?:\\?>|&gt;|/|»|›)[ \t]*{_LINK})*[ \t]*(?:\n|\Z)")  # noqa: RUF001  as they are written
_MOST_LINES = 10
"""Before a heading: with more it is not the page's title."""


def find_heading(body: str) -> str:
    """Return the Markdown of the first-level heading with which a text begins; or nothing.

    Comments, anchors and a breadcrumb may stand before it.
    """
    start = _find_start(body)
    match = _HEADING.match(body, start)
    return match[0].strip() if match else ""


def begins_with_heading(body: str) -> bool:
    """Return True if nothing stands before the heading, so that MkDocs finds it, too."""
    return _HEADING.match(body, _skip_blanks(body, 0)) is not None


def find_comments(body: str) -> list[str]:
    """Return the comments at the beginning of a text: before its heading, and right behind it."""
    start = _find_start(body)
    comments = [piece for piece in _split_opening(body, 0) if piece.startswith("<!--")]
    heading = _HEADING.match(body, start)
    after = _split_opening(body, heading.end()) if heading else ()
    return comments + [piece for piece in after if piece.startswith("<!--")]


def skip_heading(body: str) -> str:
    """Return what is behind the heading of a text; all of a text without one."""
    match = _HEADING.match(body, _find_start(body))
    return body[match.end() :] if match else body


def _find_start(body: str) -> int:
    """Return where the heading begins, or where the text does if there is none."""
    position = 0
    for piece in _split_opening(body, 0):
        position = _skip_blanks(body, position) + len(piece)
    return _skip_blanks(body, position)


def _split_opening(body: str, position: int) -> Iterator[str]:
    """Yield the comments, anchors and breadcrumbs that follow one another."""
    for _ in range(_MOST_LINES):
        position = _skip_blanks(body, position)
        match = _COMMENT.match(body, position)
        if match is None and not _HEADING.match(body, position):
            match = _ANCHOR.match(body, position) or _BREADCRUMB.match(body, position)
        if match is None:
            return
        yield match[0]
        position = match.end()


def _skip_blanks(body: str, position: int) -> int:
    match = _BLANKS.match(body, position)
    return match.end() if match else position
