"""Whatever is written in Confluence: no word of it is lost, and no build fails of it."""

from __future__ import annotations

import html as html_library
import re
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_confluence_md.markdown import parser
from mkdocs_confluence_md.markdown.extension import ConfluenceExtension
from mkdocs_confluence_md.markdown.parser import Grammar
from rendering import make_markdown
from strategies import BLOCKS, MARKUP

if TYPE_CHECKING:
    from markdown_it.rules_block import StateBlock

MARKDOWN = make_markdown(ConfluenceExtension())


def render(text: str) -> str:
    return MARKDOWN.reset().convert(text)


@given(BLOCKS)
def test_no_word_is_lost(text: str) -> None:
    shown = html_library.unescape(re.sub(r"<[^>]*>", "", render(text)))
    for word in set(re.findall(r"word\d+x", re.sub(r"\]\(/word\d+x\)", "]", text))):
        assert shown.count(word) >= text.count(word) - text.count(f"(/{word})"), text


@given(MARKUP)
def test_no_markup_is_too_odd(text: str) -> None:
    html = render(text)

    assert "\x02" not in html
    assert "\x03" not in html


@given(st.text())
def test_no_text_is_too_odd(text: str) -> None:
    render(text)


@given(st.binary(), st.sampled_from(["utf-8", "latin-1", "utf-16"]))
def test_no_bytes_are_too_odd(data: bytes, encoding: str) -> None:
    render(data.decode(encoding, errors="replace"))
    render(data.decode("utf-8", errors="surrogateescape"))


@pytest.mark.parametrize(
    "text",
    [
        ">" * 3000 + " the text",
        "- 1. a\n\t> the text\n",
        "- " * 3000 + "the text",
        "".join(f"{'  ' * depth}- the text {depth}\n" for depth in range(300)),
        "".join(f"{'>' * depth} the text {depth}\n" for depth in range(1, 300)),
        "*" * 5000 + "the text" + "*" * 5000,
        "**a *b " * 1000 + "the text" + "* **" * 1000,
        "[" * 5000 + "the text" + "](/x)" * 5000,
        "![" * 2000 + "the text" + "](/x)" * 2000,
        "[^1]: " * 300 + "the text",
        ":::note\n" * 500 + "the text\n",
        "> [!NOTE]\n" + "> " * 500 + "the text",
        "~~a " * 2000 + "the text",
        "the text " + "http://a.b/" + ")" * 20_000,
        "the text " + "a" * 50_000 + "@",
        "the text " + "www." * 10_000,
        "the text " + "`" * 20_000,
        "the text " + "<" * 20_000,
        "| a |\n|---|\n" + "| the text |\n" * 2000,
    ],
    ids=lambda text: text[:8].strip(),
)
def test_nothing_is_too_deep_or_too_long(text: str) -> None:
    assert "the text" in render(text)


@pytest.mark.parametrize(
    "text", ["> | a |\n> | - |\n> | b |\n>", "- | a |\n  | - |\n  | b |\n-", "> a\n>"]
)
def test_the_last_line_needs_no_end(text: str) -> None:
    assert render(text) == render(f"{text}\n")


# Quotations, which are looked for in few lines first

PREFIXES = st.sampled_from(["> ", ">", "> > ", "", "  ", "    ", "- ", "1. ", "> - ", "> 1. "])
CONTENTS = st.sampled_from([
    "a", "# a", "---", "```", "<div>", "<!--", "-->", "[a]: b", "[a]", "|a|", "|-|",
    "- [x] a", "[^a]: b", "[^a]", "", "[!NOTE]", "    a", "~~~panel", ":::",
])  # fmt: skip
LINES = st.lists(st.tuples(PREFIXES, CONTENTS).map("".join), max_size=40).map("\n".join)
GRAMMAR = Grammar()


@given(LINES)
def test_a_quotation_is_the_same_however_little_is_looked_at_first(text: str) -> None:
    found = []
    for number in (1, 1_000_000):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(parser, "_FIRST_RUNS", number)
            found.append([token.as_dict() for token in GRAMMAR.parse(text)])

    assert found[0] == found[1]


@pytest.mark.parametrize(
    "piece", ["> # a\nb\n", "> ---\nb\n", "> [a]: b\nc\n", ">     a\nb\n", "> > # a\nb\n"]
)
def test_no_quotation_looks_through_all_those_behind_it(piece: str) -> None:
    grammar, looks = Grammar(), []
    rule = next(each for each in grammar.block.ruler.__rules__ if each.name == "hr")
    read_rule = rule.fn

    def count(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001  markdown-it's signature
        looks.append(1)
        return bool(read_rule(state, start, end, silent))

    grammar.block.ruler.at("hr", count, {"alt": rule.alt})
    counts = []
    for number in (100, 200, 400):
        looks.clear()
        grammar.parse(piece * number)
        counts.append(len(looks))

    assert all(later <= 2.2 * before for before, later in pairwise(counts)), counts


@pytest.mark.parametrize(("number", "is_kept"), [(5, True), (500, False)])
def test_many_tags_that_never_end_are_text(number: int, is_kept: bool) -> None:  # noqa: FBT001  a parameter
    html = render("<b>x</b>\n\n" + "<div " * number)

    assert ("<div" in html) is is_kept
    assert html.count("div") == number
    assert "<b>x</b>" in html


def test_code_behind_very_many_blocks_of_it_has_no_colours() -> None:
    html = render("```python\nx = 1\n```\n\n" * 2_001)

    assert html.count("x") >= 2_001
    assert html.rpartition("<pre")[2].count("<span") == 0
