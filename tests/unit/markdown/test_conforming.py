"""What a conforming writer writes is not repaired."""

from __future__ import annotations

from hypothesis import given, settings

from conforming import DOCUMENTS
from mkdocs_confluence_md.markdown.extension import ConfluenceExtension
from rendering import make_markdown

REPAIRED, PLAIN = ConfluenceExtension(), ConfluenceExtension(repairs=False)
WITH, WITHOUT = make_markdown(REPAIRED), make_markdown(PLAIN)


@given(DOCUMENTS)
@settings(max_examples=200)  # 2,000 of them: `make fidelity`
def test_no_repair_changes_what_is_valid(document: str) -> None:
    REPAIRED.repairs.clear()

    assert WITH.reset().convert(document) == WITHOUT.reset().convert(document)
    assert not REPAIRED.repairs
