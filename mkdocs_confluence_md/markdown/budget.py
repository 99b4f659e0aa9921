"""The time that a page may take. Pure, but for its clock and its timer."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mkdocs_confluence_md.errors import RenderingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

BUDGET = "time that the page may take"
"""The name of a `Budget` in what markdown-it hands from rule to rule."""

MOST_SECONDS = 30.0
_STEPS = 200
"""Steps between two looks at the clock."""


class Budget:
    """Ends a page that takes too long.

    Args:
        seconds: Of processor time.
        clock: Returns the processor time of this thread, in seconds.
    """

    def __init__(
        self, seconds: float = MOST_SECONDS, *, clock: Callable[[], float] = time.thread_time
    ) -> None:
        self._seconds = seconds
        self._clock = clock
        self._end = clock() + seconds
        self._steps = 0

    def spend(self, steps: int = 1) -> None:
        """Take steps: words, blocks or elements.

        Raises:
            RenderingError: The time is over.
        """
        self._steps += steps
        if self._steps < _STEPS:
            return
        self._steps = 0
        if self._clock() > self._end:
            raise RenderingError(
                f"The page takes more than {self._seconds:g} seconds to render.",
                "Divide it, or take out of it what repeats many thousand times.",
            )


class InterruptedRenderingError(BaseException):
    """What was rendered took too long. Not an `Exception`: extensions catch these, and go on."""


@contextmanager
def interrupt_after(seconds: float) -> Iterator[None]:
    """Interrupt what takes longer, also one search with a regular expression.

    It needs the main thread, in which MkDocs renders, and a timer, which Windows does not have:
    without these, nothing is interrupted.

    Args:
        seconds: Of the process's time in Python, and not of waiting.

    Raises:
        InterruptedRenderingError: It took longer.
    """
    if not _can_interrupt():
        yield
        return
    signal.signal(signal.SIGVTALRM, _interrupt)
    signal.setitimer(signal.ITIMER_VIRTUAL, max(seconds, _SHORTEST_SECONDS))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, signal.SIG_DFL)


# Of the timer: it counts in ticks of the system.
_SHORTEST_SECONDS = 0.01


def _can_interrupt() -> bool:
    return (
        threading.current_thread() is threading.main_thread()
        and hasattr(signal, "setitimer")
        # Somebody else may use it.
        and signal.getsignal(signal.SIGVTALRM) == signal.SIG_DFL
    )


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise InterruptedRenderingError
