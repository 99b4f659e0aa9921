"""A page that takes too long ends, and nothing else does."""

from __future__ import annotations

import re
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING

import pytest

from mkdocs_confluence_md.errors import RenderingError
from mkdocs_confluence_md.markdown.budget import Budget, InterruptedRenderingError, interrupt_after
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


def test_code_that_takes_its_lexer_too_long_is_shown_without_colours() -> None:
    """Pygments' lexer takes the square of its length: half a minute for this, and a second here."""
    names = "_" * 25_000

    html = render(f"```gnuplot\n{names}\n```\n\n```yaml\nname: text\n```\n")

    assert f'<pre><code class="language-gnuplot">{names}\n</code></pre>' in html
    assert '<span class="nt">name</span>' in html


def search_long() -> None:
    """Search with an expression that takes 2 ** 40 steps."""
    re.match("(a|a)*b", "a" * 40)


def test_what_takes_too_long_is_interrupted() -> None:
    with pytest.raises(InterruptedRenderingError), interrupt_after(0):
        search_long()

    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0, 0)


def test_what_catches_everything_is_interrupted_again() -> None:
    def search_twice() -> None:
        with suppress(BaseException):
            search_long()
        search_long()

    with pytest.raises(InterruptedRenderingError), interrupt_after(0):
        search_twice()


def test_what_is_within_another_is_interrupted_with_it() -> None:
    with pytest.raises(InterruptedRenderingError), interrupt_after(0), interrupt_after(1e9):
        search_long()


def test_a_signal_that_comes_late_does_no_harm() -> None:
    with interrupt_after(1e9):
        pass

    signal.raise_signal(signal.SIGVTALRM)


def test_what_others_do_with_the_timer_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGVTALRM, lambda number, _: heard.append(number))
    try:
        with interrupt_after(0):
            signal.setitimer(signal.ITIMER_VIRTUAL, 0.01)
            while not heard:
                pass
    finally:
        signal.signal(signal.SIGVTALRM, before)

    monkeypatch.delattr(signal, "setitimer")  # as on Windows
    with interrupt_after(0):
        assert signal.getsignal(signal.SIGVTALRM) == before


def test_other_threads_are_not_interrupted() -> None:
    def work() -> bool:
        with interrupt_after(0):
            return signal.getitimer(signal.ITIMER_VIRTUAL) == (0, 0)

    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(work).result()
