"""Where things are in the repository."""

from __future__ import annotations

from pathlib import Path

SUPPORT = Path(__file__).resolve().parent
TESTS = SUPPORT.parent
ROOT = TESTS.parent
DOCS = ROOT / "docs"
EXAMPLE = ROOT / "example-site"
GADGETS = ROOT / ".cache/gadgets"
RECORDED = SUPPORT / "recorded"
SPECIFICATION = SUPPORT / "commonmark/spec-0.31.2.json"
