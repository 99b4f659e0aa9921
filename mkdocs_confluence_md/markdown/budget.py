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


_TICK_SECONDS = 0.01
# Code may catch anything, so what goes on although it was interrupted is interrupted again.
_AGAIN_SECONDS = 0.1

_deadline: float | None = None
"""The processor time of the main thread at which it is interrupted; None if it is not."""


@contextmanager
def interrupt_after(seconds: float) -> Iterator[None]:
    """Interrupt what takes longer, also one search with a regular expression.

    It needs the main thread, in which MkDocs renders, and a timer, which Windows does not have:
    without these, nothing is interrupted. The same holds for what is interrupted already.

    Args:
        seconds: Of this thread's processor time.

    Raises:
        InterruptedRenderingError: It took longer.
    """
    global _deadline  # noqa: PLW0603  a process has one such timer
    if not _can_interrupt():
        yield
        return
    # It stays, so that a signal that comes late does no harm.
    signal.signal(signal.SIGVTALRM, _interrupt)
    _deadline = time.thread_time() + seconds
    signal.setitimer(signal.ITIMER_VIRTUAL, _TICK_SECONDS, _TICK_SECONDS)
    try:
        try:
            yield
        finally:
            _deadline = None
    finally:  # also if the time was over at that moment
        _deadline = None
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _can_interrupt() -> bool:
    return (
        threading.current_thread() is threading.main_thread()
        and hasattr(signal, "setitimer")
        and _deadline is None
        # Somebody else may use it.
        and signal.getsignal(signal.SIGVTALRM) in {signal.SIG_DFL, _interrupt}
    )


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    global _deadline  # noqa: PLW0603  as above
    now = time.thread_time()
    if _deadline is not None and now >= _deadline:
        _deadline = now + _AGAIN_SECONDS
        raise InterruptedRenderingError
