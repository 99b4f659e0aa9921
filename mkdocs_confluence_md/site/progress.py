"""A progress bar on a terminal, while more than a second of fetching is left; otherwise nothing.

It is drawn by the thread that waits for pages, which has nothing else to do then.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from collections.abc import Callable

_WORTH_SHOWING_SECONDS = 1.0
# The first pages say little about the others.
_WORTH_AN_ESTIMATE_SECONDS = 0.3
_CLEAR_LINE = "\r\x1b[2K"
_SHOW_CURSOR = "\x1b[?25h"  # click hides it while it draws


class ProgressBar:
    """Shows how many pages are there, on one line of a terminal that it leaves empty.

    Args:
        stream: Where messages go; nothing is drawn if it is no terminal.
        clock: Returns seconds; it only has to move forward.
    """

    def __init__(self, stream: TextIO, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._begin = clock()
        self.is_visible = stream.isatty()
        """Whether anything is drawn."""
        self._bar: Any = None  # click does not export its type
        self._handlers: list[logging.Handler] = []

    def begin(self, *, visible: bool = True) -> None:
        """Begin to count the time, for a new build; `visible` tells whether it may be seen."""
        self.clear()
        self._begin = self._clock()
        self.is_visible = visible and self._stream.isatty()

    def show(self, done: int, total: int) -> None:
        """Draw how far it is, if that takes more than a second yet."""
        if not self.is_visible:
            return
        if self._estimate_seconds(done, total) <= _WORTH_SHOWING_SECONDS:
            self.clear()
            return
        if self._bar is None or self._bar.length != total:
            self._draw_new(total)
        self._bar.update(done - self._bar.pos)
        self._bar.render_progress()
        self._stream.flush()

    def clear(self) -> None:
        """Leave the line empty."""
        self._erase()
        self._bar = None
        for handler in self._handlers:
            handler.removeFilter(self._make_room)
        self._handlers = []

    def _estimate_seconds(self, done: int, total: int) -> float:
        """Estimate how long the rest takes: as long as it took so far, where none is there yet."""
        seconds = self._clock() - self._begin
        if seconds < _WORTH_AN_ESTIMATE_SECONDS:
            return 0.0
        return seconds / done * (total - done) if done else seconds

    def _draw_new(self, total: int) -> None:
        self.clear()
        self._bar = click.progressbar(
            length=total, label="Fetching from Confluence", file=self._stream, show_pos=True
        )
        # MkDocs' own handler writes to the same terminal.
        self._handlers = list(logging.getLogger("mkdocs").handlers)
        for handler in self._handlers:
            handler.addFilter(self._make_room)

    def _make_room(self, _record: logging.LogRecord) -> bool:
        """Clear the line for a message; the bar comes back below it."""
        self._erase()
        return True

    def _erase(self) -> None:
        if self._bar is not None:
            self._stream.write(_CLEAR_LINE + _SHOW_CURSOR)
            self._stream.flush()
