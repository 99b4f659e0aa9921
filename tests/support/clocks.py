"""A clock that stands still until a test moves it."""

from __future__ import annotations


class Clock:
    """Seconds, moved by hand."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the time."""
        return self.now
