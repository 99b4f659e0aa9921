"""The progress bar: on a terminal, while it is worth a look, and gone without a trace."""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING

import pytest

from clocks import Clock
from mkdocs_confluence_md.site.pages import ProgressBar

if TYPE_CHECKING:
    from collections.abc import Iterator


class Terminal(io.StringIO):
    """A terminal that remembers what is on its last line."""

    def isatty(self) -> bool:
        return True

    def last_line(self) -> str:
        text = self.getvalue().rpartition("\n")[2].rpartition("\x1b[2K")[2]
        return text.rpartition("\r")[2].replace("\x1b[?25l", "").replace("\x1b[?25h", "").rstrip()


@pytest.fixture
def clock() -> Clock:
    return Clock(100.0)


@pytest.fixture
def terminal() -> Terminal:
    return Terminal()


@pytest.fixture
def log(terminal: Terminal) -> Iterator[logging.Logger]:
    """Let messages go to the terminal, as MkDocs does."""
    logger, handler = logging.getLogger("mkdocs"), logging.StreamHandler(terminal)
    logger.addHandler(handler)
    yield logger
    assert handler.filters == []
    logger.removeHandler(handler)


def test_it_is_shown_while_more_than_a_second_is_left(clock: Clock, terminal: Terminal) -> None:
    bar = ProgressBar(terminal, clock=clock)
    clock.now += 2
    bar.show(20, 100)  # 8 seconds

    assert terminal.last_line().startswith("Fetching from Confluence  [")
    assert "20/100" in terminal.last_line()
    clock.now += 7
    bar.show(91, 100)  # 0.9 seconds
    assert terminal.last_line() == ""


def test_a_quick_build_never_sees_it(clock: Clock, terminal: Terminal) -> None:
    bar = ProgressBar(terminal, clock=clock)
    for done in range(100):
        clock.now += 0.009
        bar.show(done, 100)
    bar.clear()

    assert terminal.getvalue() == ""


def test_before_the_first_page_it_is_shown_after_a_second(clock: Clock, terminal: Terminal) -> None:
    bar = ProgressBar(terminal, clock=clock)
    bar.show(0, 3)
    assert terminal.getvalue() == ""
    clock.now += 1.1
    bar.show(0, 3)

    assert "0/3" in terminal.last_line()


def test_it_is_never_shown_where_there_is_no_terminal(clock: Clock) -> None:
    stream = io.StringIO()
    bar = ProgressBar(stream, clock=clock)
    clock.now += 60
    bar.show(1, 100)
    bar.clear()

    assert stream.getvalue() == ""


def test_a_message_has_a_line_of_its_own(
    clock: Clock, terminal: Terminal, log: logging.Logger
) -> None:
    bar = ProgressBar(terminal, clock=clock)
    clock.now += 2
    bar.show(20, 100)
    log.warning("Something is wrong.")

    assert "\x1b[2K\x1b[?25hSomething is wrong.\n" in terminal.getvalue()
    clock.now += 1
    bar.show(21, 100)
    assert "21/100" in terminal.last_line()
    bar.clear()


def test_another_build_begins_anew(clock: Clock, terminal: Terminal) -> None:
    bar = ProgressBar(terminal, clock=clock)
    clock.now += 2
    bar.show(20, 100)
    bar.begin()
    assert terminal.last_line() == ""

    clock.now += 0.5
    bar.show(0, 50)
    assert terminal.last_line() == ""
    clock.now += 1
    bar.show(10, 50)
    assert "10/50" in terminal.last_line()
