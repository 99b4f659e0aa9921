"""What a conforming writer writes is not repaired."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from conforming import DOCUMENTS
from mkdocs_confluence_md.markdown.extension import ConfluenceExtension
from mkdocs_confluence_md.markdown.repairs.lists import repair_text
from rendering import make_markdown

REPAIRED, PLAIN = ConfluenceExtension(), ConfluenceExtension(repairs=False)
WITH, WITHOUT = make_markdown(REPAIRED), make_markdown(PLAIN)


@given(DOCUMENTS)
@settings(max_examples=200)  # 2,000 of them: `make fidelity`
def test_no_repair_changes_what_is_valid(document: str) -> None:
    REPAIRED.repairs.clear()

    assert WITH.reset().convert(document) == WITHOUT.reset().convert(document)
    assert not REPAIRED.repairs


_LINES = st.sampled_from(
    ["1. a", "2. b", "  - c", "  1. d", "    - e", "- f", "```", "> g", "> 1. h", ">   - i", "text",
     "| j | k |", "|---|---|", "", "  text", "    text", "[![l](m.png)", "](n)", "<div>", "# o"]
)  # fmt: skip


@given(st.lists(_LINES, max_size=12).map("\n".join))
def test_what_is_repaired_stays_as_it_is(text: str) -> None:
    repaired = repair_text(text, {})

    assert repair_text(repaired, {}) == repaired
