"""A page that takes too long ends, and nothing else does."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest

from mkdocs_confluence_md.errors import RenderingError
from mkdocs_confluence_md.markdown.budget import Budget
from mkdocs_confluence_md.markdown.extension import ConfluenceExtension
from rendering import TextSite, make_markdown, render

if TYPE_CHECKING:
    from collections.abc import Iterator


class TickingClock:
    """Goes on by a second each time that it is looked at."""

    def __init__(self) -> None:
        self._seconds: Iterator[int] = count()

    def __call__(self) -> float:
        """Return the time."""
        return float(next(self._seconds))


@pytest.mark.parametrize("text", ["a\n\n", "*a* ", "- a\n", "| a | b |\n|---|---|\n", "[a](b) "])
def test_a_page_ends_when_its_time_is_over(text: str) -> None:
    extension = ConfluenceExtension()
    extension.make_budget = lambda: Budget(30, clock=TickingClock())
    markdown = make_markdown(extension)

    with pytest.raises(RenderingError, match="more than 30 seconds"):
        markdown.convert(text * 20_000)

    assert make_markdown(extension).convert("short") == "<p>short</p>"


def test_within_its_time_a_page_is_rendered() -> None:
    assert render("*a* " * 2_000).count("<em>") == 2_000


def test_a_site_without_that_page_says_so_to_its_author() -> None:
    text = "*a* " * 20_000
    extension = ConfluenceExtension(TextSite(text))
    extension.make_budget = lambda: Budget(30, clock=TickingClock())

    with pytest.raises(RenderingError):
        make_markdown(extension).convert(text)


def test_a_page_has_a_thousand_headings_and_the_rest_are_paragraphs() -> None:
    markdown = make_markdown(ConfluenceExtension())

    html = markdown.convert("## *Step* one\n\ntext\n\n" * 1002)

    assert html.count("<h2") == 1000
    assert html.count("<p><strong><em>Step</em> one</strong></p>") == 2
    assert html.count("<p>text</p>") == 1002
