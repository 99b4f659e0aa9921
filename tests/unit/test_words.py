"""Docstrings and comments are written in the field's words, without riddles and old idioms."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import mkdocs_confluence_md

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(mkdocs_confluence_md.__file__).parent
UNWANTED = re.compile(
    r"\bnobody\b|\bwhoever\b|\btell whether\b|\bstands in\b|\bbeside\b|\bcannot be fetched\b"
    # "There is no answer" and "no longer" are plain English.
    r"|(?<!there )\b(?:is|are) no (?!longer\b)",
    re.IGNORECASE,
)


def read_prose(path: Path) -> Iterator[tuple[int, str]]:
    """Yield docstrings, also those of attributes, and comments, each with its line."""
    source = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield node.lineno, node.value.value
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


@pytest.mark.parametrize(
    ("text", "is_unwanted"),
    [
        ("Tell whether it is there.", True),
        ("This is no page.", True),
        ("There is no page.", False),
        ("It is no longer there.", False),
    ],
)
def test_what_is_unwanted(text: str, *, is_unwanted: bool) -> None:
    assert bool(UNWANTED.search(text)) == is_unwanted


def test_docstrings_and_comments_are_plain_english() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{line}: {text}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for line, text in read_prose(path)
        if UNWANTED.search(" ".join(text.split()))
    ]

    assert found == []
