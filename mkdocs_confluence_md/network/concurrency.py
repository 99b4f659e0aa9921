"""A limit of the requests in flight that adapts to how the service answers. Pure.

It is not documented how many requests the app answers at once, and a function of the platform takes
one to three seconds: with few requests in flight a first build is slow, with many it may be
throttled or slow the service down. So the limit is measured, as TCP measures a network: it doubles
with each round of answers until the first sign of trouble, then grows by one a round, and is cut by
a factor when there is trouble again. Trouble is a 429, no answer, or answers that take longer than
before. More are of no use than the answers take at the rate that the platform allows (Little's
law): a thread that only waits for its turn slows those down that have something to do.

Times are seconds of one clock, which only has to move forward.
"""

from __future__ import annotations

from math import ceil

MOST_IN_FLIGHT = 64
"""However fast the service is."""
FIRST_LIMIT = 8
"""To begin with. Only a 429 reduces the limit below it: pages may be slow because they are long."""
_MOST_UNANSWERED = 24
"""Until something is heard: a first answer takes seconds, and a 429 does not."""
LEAST_IN_FLIGHT = 2
"""At worst: two requests a second are a tenth of what the platform allows."""

# With room for answers that take longer than others: the platform allows 20 a second.
_USEFUL_A_SECOND = 30
# A round's time per answer is the median of so many: pages differ in length.
_SAMPLES = 8
# Times per answer, as multiples of the shortest one, above which the limit stays, or is reduced.
_SLOWER = 2.0
_FAR_SLOWER = 3.0
# A difference that is smaller is this machine's, which renders at the same time.
_NOISE_SECONDS = 0.1
# The platform ends an export after 25 seconds.
_TOO_SLOW_SECONDS = 10.0
# The shortest time grows, so that a service that has become slower is not distrusted forever.
_FORGETTING = 1.05
_CEILING_SECONDS = 60.0


class AdaptiveLimit:
    """How many requests may be in flight to a service.

    Args:
        most: A cap.
        learned: The limit that an earlier build ended with, if one is known.
    """

    def __init__(self, most: int, *, learned: int | None = None) -> None:
        self._most = most
        self._floor = min(FIRST_LIMIT, most)
        first = self._floor if learned is None else min(max(learned, LEAST_IN_FLIGHT), most)
        self._limit = first
        # A small build ends before there is trouble, so what it learned must not be the end of it.
        self._is_starting = first >= self._floor
        is_new = min(max(_MOST_UNANSWERED, first), most)
        self._unanswered: int | None = is_new if self._is_starting else first
        """The limit until something is heard; None from then on."""
        self._may_grow = True
        self._answers = 0
        """Since the limit changed."""
        self._slowed_at = float("-inf")
        self._failed_at = float("-inf")
        self._ceiling = most
        """Below the limit at which the last 429 came."""
        self._peaks = (0, 0)
        """Most requests in flight, in the last round and in this one."""
        self._round_began = float("-inf")
        self._samples: list[float] = []
        self._shortest: float | None = None
        self._usual = 0.0
        """Seconds for an answer in the last round."""
        self._has_learned = False

    @property
    def limit(self) -> int:
        """How many requests may be in flight at present."""
        return self._limit if self._unanswered is None else self._unanswered

    @property
    def threads(self) -> int:
        """How many threads have something to do: some look up or store while others wait.

        Until something is heard, they are as many more than those that have sent: if answers are
        quick, few threads are enough.
        """
        if self._unanswered is None:
            return self._limit + FIRST_LIMIT
        return min(self._unanswered, FIRST_LIMIT + max(self._peaks))

    @property
    def learned(self) -> int | None:
        """The limit for a next build to begin with; None before there was a whole round."""
        return self._limit if self._has_learned else None

    def sent(self, in_flight: int) -> None:
        """Take note of a request that is sent.

        Args:
            in_flight: How many are in flight with it.
        """
        self._peaks = (self._peaks[0], max(self._peaks[1], in_flight))

    def answered(self, now: float, *, sent: float) -> None:
        """Take note of an answer that is not a 429.

        Args:
            now: The time of the answer.
            sent: When its request was sent.
        """
        useful = max(FIRST_LIMIT, ceil(_USEFUL_A_SECOND * max(now - sent, self._usual)))
        self._hear(useful)
        self._answers += 1
        if now - self._slowed_at > _CEILING_SECONDS:
            self._ceiling = self._most
        if sent >= self._round_began:
            self._samples.append(now - sent)
            if len(self._samples) >= _SAMPLES:
                self._end_round(now)
        # What was not in flight teaches nothing, so the limit stays near what was.
        reached = 2 * max(self._peaks) if any(self._peaks) else self._most
        most = min(self._ceiling, reached, useful)
        is_quick = self._compare(now - sent) <= _SLOWER
        is_time = (self._is_starting and is_quick) or self._answers >= self._limit
        if self._may_grow and is_time and self._limit < most:
            self._limit += 1
            self._answers = 0

    def throttled(self, now: float, *, sent: float) -> bool:
        """Take note of a 429: halve the limit.

        Args:
            now: The time of the answer.
            sent: When its request was sent: a burst of answers to what was sent before the last
                reduction is one reason, not many.

        Returns:
            Whether it counts.
        """
        if sent <= self._slowed_at:
            return False
        self._hear()
        used = min(self._limit, max(self._peaks) or self._limit)
        self._slowed_at = now
        self._has_learned = True
        self._ceiling = max(self._limit_floor(), used - 1)
        self._reduce(now, used // 2, self._limit_floor())
        return True

    def failed(self, now: float, *, sent: float) -> None:
        """Take note of a 5xx, or of no answer in time: halve the limit, as for slow answers.

        Args:
            now: When that was known.
            sent: When the request was sent: of those that were in flight together, one counts.
        """
        if sent > self._failed_at:
            self._hear()
            self._failed_at = now
            self._reduce(now, self._limit // 2, self._floor)

    def _limit_floor(self) -> int:
        return min(LEAST_IN_FLIGHT, self._most)

    def _hear(self, most: int = MOST_IN_FLIGHT) -> None:
        """Count as the limit what is in flight when something is heard first, up to a number."""
        if self._unanswered is not None:
            self._limit = min(self._unanswered, max(self._limit, min(most, max(self._peaks))))
            self._unanswered = None

    def _end_round(self, now: float) -> None:
        seconds = sorted(self._samples)[_SAMPLES // 2]
        ratio = self._compare(seconds)
        self._usual = seconds
        self._shortest = min(seconds, (self._shortest or seconds) * _FORGETTING)
        self._has_learned = True
        self._may_grow = ratio <= _SLOWER and seconds <= _TOO_SLOW_SECONDS
        self._is_starting = self._is_starting and self._may_grow
        if ratio > _FAR_SLOWER or seconds > _TOO_SLOW_SECONDS:
            factor = min(0.75, max(0.5, _SLOWER / ratio))
            self._reduce(now, int(self._limit * factor), self._floor)
        else:
            self._begin_round(now)

    def _compare(self, seconds: float) -> float:
        """Return a time per answer as a multiple of the shortest one."""
        if not self._shortest or seconds <= self._shortest + _NOISE_SECONDS:
            return 1.0
        return seconds / self._shortest

    def _reduce(self, now: float, limit: int, least: int) -> None:
        self._limit = min(self._limit, max(least, limit))
        self._is_starting = False
        self._answers = 0
        self._begin_round(now)

    def _begin_round(self, now: float) -> None:
        self._round_began = now
        self._samples = []
        self._peaks = (self._peaks[1], 0)
