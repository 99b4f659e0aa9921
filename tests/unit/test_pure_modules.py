"""Modules that say that they are pure, and are."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import mkdocs_confluence_md

PACKAGE = Path(mkdocs_confluence_md.__file__).parent
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")}
PURE = [path for path, tree in TREES.items() if "Pure." in (ast.get_docstring(tree) or "")]
IMPURE = {"time", "os", "logging", "socket", "subprocess", "threading", "tempfile", "httpx"}


def test_there_are_such_modules() -> None:
    assert len(PURE) > 12


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_pure_module_does_no_io_and_reads_no_clock(path: Path) -> None:
    imported = set()
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Import):
            imported |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])

    assert imported & IMPURE == set()
