"""A page is looked through for what may need a repair, and nothing is missed by that."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from form_rows import read_forms
from mkdocs_confluence_md.markdown import parser
from mkdocs_confluence_md.markdown.parser import Grammar
from mkdocs_confluence_md.markdown.repairs import lists
from mkdocs_confluence_md.markdown.repairs.kinds import count_repairs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markdown_it.token import Token

    from form_rows import Form

GRAMMAR = Grammar()
FORMS = read_forms()
EVERYTHING = re.compile("")
EAGER = [(EVERYTHING, repair) for _, repair in parser._REPAIRS]  # noqa: SLF001  those of the parser
LINES = sorted({line for form in FORMS for line in form.markdown.split("\n")})
# Of which some are often beside each other in a list.
BLOCKS = ["1. Step", "2. Step", "- item", "   more", "```", "```sh", "~~~", "> quoted", "| a |"]
PAGES = st.lists(st.sampled_from(LINES) | st.sampled_from(BLOCKS) | st.just(""), max_size=20).map(
    "\n".join
)


def read(text: str) -> tuple[list[Token], Mapping[str, int]]:
    env: dict[str, Any] = {}
    return GRAMMAR.parse(text, env), count_repairs(env)


def read_without_looking(text: str) -> tuple[list[Token], Mapping[str, int]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parser, "_REPAIRS", EAGER)
        patch.setattr(parser, "PICTURE_SIGN", EVERYTHING)
        patch.setattr(lists, "_SIGN", EVERYTHING)
        return read(text)


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_no_form_is_missed(form: Form) -> None:
    assert read(form.markdown) == read_without_looking(form.markdown)


@given(PAGES)
def test_no_mixture_of_forms_is_missed(text: str) -> None:
    assert read(text) == read_without_looking(text)
