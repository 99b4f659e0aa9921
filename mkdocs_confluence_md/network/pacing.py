"""How fast requests may be sent to one service. Pure: it is told the time, and waits for nobody.

The platform allows a user 1,200 calls a minute (Forge's documented limit). When it answers 429 all
the same, somebody else uses the account too, and everybody slows down at once: fewer requests in
flight, and a pause. Both end when answers come again.
"""

from __future__ import annotations

from collections import deque

_MOST_A_MINUTE = 1200
# A little over a minute: requests may travel at different speeds.
_MINUTE_SECONDS = 61.0

# Two requests a second, at worst, are a tenth of what the platform allows.
_LEAST_IN_FLIGHT = 2
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 1.0


class Pace:
    """How many requests may be in flight, and when the next one may be sent.

    All times are seconds of one clock, which only has to move forward.

    Args:
        most_in_flight: Requests in flight while all is well.
        most_a_minute: Requests within any minute.
    """

    def __init__(self, most_in_flight: int, *, most_a_minute: int = _MOST_A_MINUTE) -> None:
        self._most_in_flight = most_in_flight
        self._sent: deque[float] = deque(maxlen=most_a_minute)
        self._in_flight = 0
        self._limit = most_in_flight
        self._slowed_at = float("-inf")
        self._answers = 0
        """Since the limit changed."""
        self._pauses = 0
        """In a row, without an answer between them."""
        self._paused_until = float("-inf")

    @property
    def limit(self) -> int:
        """How many requests may be in flight at present."""
        return self._limit

    def delay(self, now: float) -> float:
        """Return in how many seconds a request may be sent: 0 is now, `inf` is after an answer."""
        if self._in_flight >= self._limit:
            return float("inf")
        is_full = len(self._sent) == self._sent.maxlen
        minute_ends = self._sent[0] + _MINUTE_SECONDS if is_full else now
        return max(0.0, minute_ends - now, self._paused_until - now)

    def send(self, now: float) -> None:
        """Count a request that is being sent."""
        self._sent.append(now)
        self._in_flight += 1

    def end(self) -> None:
        """Count a request that is no longer in flight, whatever became of it."""
        self._in_flight -= 1

    def answered(self) -> None:
        """Count an answer that is not a 429: after enough of them, one more may be in flight."""
        self._pauses = 0
        self._answers += 1
        if self._answers >= self._limit < self._most_in_flight:
            self._limit += 1
            self._answers = 0

    def slow_down(self, now: float, *, sent: float, jitter: float = 0.0) -> None:
        """Take note of a 429: halve what may be in flight, and pause.

        Args:
            now: The time of the answer.
            sent: When its request was sent: a burst of answers to what was sent before the last
                slowing down is one reason, not many.
            jitter: From 0 to 1: shortens the pause by up to a half, so that several builds do not
                come back at the same time.
        """
        if sent <= self._slowed_at:
            return
        self._slowed_at = now
        self._answers = 0
        self._limit = min(self._limit, max(_LEAST_IN_FLIGHT, self._limit // 2))
        pause = min(_FIRST_PAUSE_SECONDS * 2.0**self._pauses, _LONGEST_PAUSE_SECONDS)
        self._pauses += 1
        self.pause(now, pause * (1 - jitter / 2))

    def pause(self, now: float, seconds: float) -> float:
        """Send nothing for a time; return how many seconds that adds to the pause there was."""
        longer = max(0.0, now + seconds - max(now, self._paused_until))
        self._paused_until = max(self._paused_until, now + seconds)
        return longer
