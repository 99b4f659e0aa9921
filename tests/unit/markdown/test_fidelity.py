"""The text reads as its specification says. `make fidelity` shows the same through real builds."""

from __future__ import annotations

import re
from importlib.metadata import version

import pytest

from gfm import EXAMPLES, read_as_github
from mkdocs_confluence_md.markdown.extension import ConfluenceExtension
from rendering import make_markdown
from specification import KNOWN_DIFFERENCES, OTHER_SECTIONS, SPECIFIED
from structure import read_structure

# With markdown-it-py before 4.1, which other plugins want, a few more are read differently.
IS_OLD_PARSER = tuple(map(int, version("markdown-it-py").split(".")[:2])) < (4, 1)
OLD_DIFFERENCES = {354, 625, 626} if IS_OLD_PARSER else set()


class Pages:
    """Renders text after text with one pipeline, which is quicker than one for each."""

    def __init__(self) -> None:
        self._markdown = make_markdown(ConfluenceExtension())

    def render(self, text: str) -> str:
        return self._markdown.reset().convert(text)


@pytest.fixture(scope="module")
def pages() -> Pages:
    return Pages()


def test_the_examples_of_the_specification_have_the_specified_structure(pages: Pages) -> None:
    different = {
        example["example"]
        for example in SPECIFIED
        if read_structure(pages.render(example["markdown"])) != read_structure(example["html"])
    }

    assert different == KNOWN_DIFFERENCES.keys() | OLD_DIFFERENCES


def test_the_known_differences_are_less_than_one_in_a_hundred() -> None:
    counted = [each for each in SPECIFIED if each["section"] not in OTHER_SECTIONS]

    assert len(SPECIFIED) == 652
    assert len(counted) == 571
    assert len(KNOWN_DIFFERENCES) / len(counted) < 0.01


@pytest.mark.parametrize("text", EXAMPLES, ids=range(1, len(EXAMPLES) + 1))
def test_extensions_read_as_on_github(pages: Pages, text: str) -> None:
    if IS_OLD_PARSER and re.search(r"(?<!~)(~|~~~)\b", text):
        pytest.skip("a strike-through needs two tildes")
    assert read_structure(pages.render(text)) == read_as_github(text)
