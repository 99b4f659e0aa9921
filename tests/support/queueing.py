"""A client and servers in simulated time, to see how a pace fetches pages.

Nothing here waits, and nothing reads a clock.
"""

from __future__ import annotations

import heapq
import itertools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mkdocs_confluence_md.network.throttling import Pace

REFUSAL_SECONDS = 0.05
"""After which a 429 comes: it needs no function."""


@dataclass
class Server:
    """A server whose answers take a time that depends on what is in flight."""

    seconds: Callable[[int, int], float]
    """From how many requests are in flight, and the number of this one."""
    most_a_second: float = math.inf
    """What is refused beyond it: a bucket of the requests of a second."""
    _allowance: float = field(init=False)
    _counted_at: float = 0.0

    def __post_init__(self) -> None:
        """Begin with a full bucket."""
        self._allowance = self.most_a_second

    def admit(self, now: float) -> bool:
        """Count a request; return False if it is refused."""
        if math.isinf(self.most_a_second):
            return True
        more = (now - self._counted_at) * self.most_a_second
        self._allowance = min(self.most_a_second, self._allowance + more)
        self._counted_at = now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True


@dataclass
class Outcome:
    """What was seen of a simulation."""

    seconds: float
    refusals: int
    peak: int
    """The most requests in flight."""
    sent: list[float]
    """When each request was sent."""
    learned: int | None


class FixedPace:
    """A number of requests in flight that does not change, except by what answers of 429 say.

    Args:
        most: The number.
        adapts: Whether a 429 halves it, as in the builds before it adapted to anything else.
    """

    def __init__(self, most: int, *, adapts: bool = True) -> None:
        self.most, self.limit, self.adapts = most, most, adapts
        self.in_flight = self.answers = self.pauses = 0
        self.slowed_at = self.paused_until = -math.inf
        self.learned = None

    def delay(self, now: float) -> float:
        """Return in how many seconds a request may be sent."""
        return math.inf if self.in_flight >= self.limit else max(0.0, self.paused_until - now)

    def send(self, _now: float) -> None:
        """Count a request."""
        self.in_flight += 1

    def end(self) -> None:
        """Count the end of a request."""
        self.in_flight -= 1

    def answered(self, _now: float, *, sent: float) -> None:
        """Allow one more after as many answers as may be in flight."""
        del sent
        self.pauses, self.answers = 0, self.answers + 1
        if self.answers >= self.limit < self.most:
            self.limit, self.answers = self.limit + 1, 0

    def slow_down(self, now: float, *, sent: float) -> None:
        """Halve the number, and pause."""
        if sent > self.slowed_at and self.adapts:
            self.slowed_at, self.answers = now, 0
            self.limit = min(self.limit, max(2, self.limit // 2))
            self.pause(now, min(0.5 * 2.0**self.pauses, 1.0))
            self.pauses += 1

    def pause(self, now: float, seconds: float) -> None:
        """Send nothing for a time."""
        self.paused_until = max(self.paused_until, now + seconds)


def simulate(pace: Pace | FixedPace, server: Server, pages: int = 200) -> Outcome:
    """Fetch pages; what is refused is asked for again, after the second that `Retry-After` says."""
    now, left, refusals, peak, numbers = 0.0, pages, 0, 0, itertools.count()
    in_flight: list[tuple[float, int, float, bool]] = []
    sent: list[float] = []
    while left or in_flight:
        delay = pace.delay(now) if left else math.inf
        if delay <= 0:
            number = next(numbers)
            pace.send(now)
            sent.append(now)
            left -= 1
            admitted = server.admit(now)
            working = 1 + sum(each[3] for each in in_flight)
            seconds = server.seconds(working, number) if admitted else REFUSAL_SECONDS
            heapq.heappush(in_flight, (now + seconds, number, now, admitted))
            peak = max(peak, len(in_flight))
            continue
        if not in_flight or now + delay < in_flight[0][0]:
            now = max(now + delay, math.nextafter(now, math.inf))
            continue
        now, _, begin, admitted = heapq.heappop(in_flight)
        if admitted:
            pace.answered(now, sent=begin)
        else:
            pace.slow_down(now, sent=begin)
            pace.pause(now, 1.0)
            refusals += 1
            left += 1
        pace.end()
    return Outcome(now, refusals, peak, sent, pace.learned)
