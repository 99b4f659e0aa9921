"""Words are repaired once, in text only, and text without forms stays as it is."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_confluence_md.markdown.parser import Grammar
from mkdocs_confluence_md.markdown.repairs.emoji_names import find_emoji
from mkdocs_confluence_md.markdown.repairs.emphasis import move_blanks
from mkdocs_confluence_md.markdown.repairs.kinds import count_repairs
from mkdocs_confluence_md.markdown.repairs.words import repair_words

if TYPE_CHECKING:
    from markdown_it.token import Token

REPAIRING, LITERAL = Grammar(), Grammar(repairs=False)

PIECES = st.sampled_from(
    [
        *("word", "Two words", "x", "3", " ", "  ", "\n", ":", ".", ",", "`", "``", "\\"),
        *("*", "**", "***", "~", "~~", "_", "[", "](/x)", "](<", "<b>", "<code>", "</code>"),
        *(":rocket:", "::x::", ":a:", "{status:DONE}", "{status:colour=Red|title=x}"),
        *(":status[x]", '{color="red"}', "@undefined", "1798675200000", "Due: "),
        *('<time datetime="2026-12-31"></time>', '<time datetime="2026-12-31"/>', "[^1]"),
    ]
)
MARKED = st.lists(PIECES, max_size=25).map("".join)


def parse(grammar: Grammar, text: str) -> tuple[list[Token], dict[str, Any]]:
    env: dict[str, Any] = {}
    return grammar.parse(f"{text}\n\n[^1]: A note\n", env), env


def read_words(tokens: list[Token]) -> list[Token]:
    return [word for token in tokens for word in [token, *(token.children or ())]]


@given(MARKED)
def test_blanks_move_once(text: str) -> None:
    once, moved = move_blanks(text)

    assert move_blanks(once) == (once, 0)
    assert moved or once == text
    assert re.sub(r"\s", "", once) == re.sub(r"\s", "", text)


@given(MARKED)
def test_words_are_repaired_once(text: str) -> None:
    # When all is read, nothing shows any more what was escaped.
    tokens, _ = parse(REPAIRING, text.replace("\\", ""))
    before = [token.as_dict() for token in tokens]
    again: dict[str, Any] = {}

    tokens = repair_words(tokens, again)

    assert [token.as_dict() for token in tokens] == before
    assert not count_repairs(again)


@given(MARKED)
def test_code_never_changes(text: str) -> None:
    def read_code(grammar: Grammar) -> list[str]:
        kinds = {"code_inline", "code_block", "fence"}
        return [word.content for word in read_words(parse(grammar, text)[0]) if word.type in kinds]

    assert read_code(REPAIRING) == read_code(LITERAL)


@given(MARKED)
def test_addresses_never_change(text: str) -> None:
    def read_addresses(grammar: Grammar) -> list[object]:
        return [
            word.attrs[name]
            for word in read_words(parse(grammar, text)[0])
            for name in ("href", "src")
            if name in word.attrs
        ]

    assert read_addresses(REPAIRING) == read_addresses(LITERAL)


@given(MARKED)
def test_footnotes_are_counted_as_without_repairs(text: str) -> None:
    _, repaired = parse(REPAIRING, text)
    _, literal = parse(LITERAL, text)

    assert repaired.get("footnotes") == literal.get("footnotes")


@given(st.text(st.characters(exclude_characters="*~:{@<0123456789", exclude_categories=["Cs"])))
def test_text_without_marks_never_changes(text: str) -> None:
    tokens, env = parse(REPAIRING, text)
    literal, _ = parse(LITERAL, text)

    assert not count_repairs(env)
    assert [token.as_dict() for token in tokens] == [token.as_dict() for token in literal]


def test_footnotes_keep_their_numbers() -> None:
    text = "A[^1] **note: **here[^1]\n\nand here[^1]"

    references = [
        word for word in read_words(parse(REPAIRING, text)[0]) if word.type == "footnote_ref"
    ]

    assert [word.meta["subId"] for word in references] == [0, 1, 2]


def test_a_paragraph_has_the_text_that_was_read() -> None:
    tokens, _ = parse(REPAIRING, "**Note: **text")

    assert tokens[1].content == "**Note:** text"


@pytest.mark.parametrize(
    ("form", "sign"),
    [
        (":check_mark:", "✅"),
        ("::rocket::", "🚀"),
        (":thumbsup::skin-tone-2:", "👍🏻"),
        (":rocket::unknown:", None),
        (":30:", None),
        ("", None),
    ],
)
def test_emoji_are_found_by_their_names(form: str, sign: str | None) -> None:
    assert find_emoji(form) == sign


def test_names_of_emoji_are_read_only_where_there_are_some() -> None:
    code = (
        "import sys\n"
        "from mkdocs_confluence_md.markdown.parser import Grammar\n"
        "Grammar().parse('12:30:45 **Note: **text :check_mark:', {})\n"
        "assert 'emoji' not in sys.modules\n"
        "Grammar().parse(':rocket:', {})\n"
        "assert 'emoji' in sys.modules\n"
    )

    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "piece",
    [
        "**Note: **text ",
        "** x** ",
        "**a **b *c *d ~~e ~~f ",
        "`a `` b ``` ",
        '](x "t ',
        "https://",
        ":a::b:",
        "::",
        ":status[a]{x ",
        "{status:",
        "date: 1798675200000 ",
        '<time datetime="2026-12-31"/> ',
        "<code> ",
        "~a~b ",
        "[^1] **b: **c ",
        "**a          ",
        "aaaaaaaaaa1 *",
    ],
)
def test_the_time_grows_with_the_text_only(piece: str) -> None:
    # With its square, each would take minutes; `make pathological` measures it.
    parse(REPAIRING, piece * 8_000)
