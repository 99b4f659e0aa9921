"""The time that a page may take. Pure, but for its clock."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mkdocs_confluence_md.errors import RenderingError

if TYPE_CHECKING:
    from collections.abc import Callable

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
