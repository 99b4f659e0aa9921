"""The pace: what holds whatever happens, and what a 429 changes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mkdocs_confluence_md.network.throttling import Pace, Rate

SECONDS = st.floats(0, 100)
JITTER = st.floats(0, 1)


class AnyTraffic(RuleBasedStateMachine):
    """Requests that come, end and are throttled in any order and at any time."""

    @initialize(
        most=st.integers(1, 64),
        most_a_minute=st.integers(1, 40),
        learned=st.none() | st.integers(-1, 99),
    )
    def begin(self, most: int, most_a_minute: int, learned: int | None) -> None:
        self.pace = Pace(most, rate=Rate(most_a_minute), learned=learned)
        self.most, self.most_a_minute = most, most_a_minute
        self.now = 0.0
        self.sent: list[float] = []
        self.in_flight: list[float] = []

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def send_as_soon_as_allowed(self) -> None:
        while 0 < (delay := self.pace.delay(self.now)) < math.inf:
            # Where the difference is lost in rounding, the clock still moves.
            self.now = max(self.now + delay, math.nextafter(self.now, math.inf))
        if delay == 0:
            self.pace.send(self.now)
            self.sent.append(self.now)
            self.in_flight.append(self.now)
            assert len(self.in_flight) <= self.pace.limit

    @precondition(lambda self: self.in_flight)
    @rule()
    def an_answer_comes(self) -> None:
        self.pace.answered(self.now, sent=self.in_flight.pop(0))
        self.pace.end()

    @precondition(lambda self: self.in_flight)
    @rule(jitter=JITTER)
    def a_429_comes(self, jitter: float) -> None:
        self.pace.slow_down(self.now, sent=self.in_flight.pop(), jitter=jitter)
        self.pace.end()

    @precondition(lambda self: self.in_flight)
    @rule()
    def no_answer_comes(self) -> None:
        self.in_flight.pop()
        self.pace.end()

    @rule(seconds=SECONDS)
    def the_service_asks_to_wait(self, seconds: float) -> None:
        self.pace.pause(self.now, seconds)

    @invariant()
    def no_minute_has_more_requests_than_allowed(self) -> None:
        for first, one_too_many in zip(self.sent, self.sent[self.most_a_minute :], strict=False):
            assert one_too_many - first > 60

    @invariant()
    def the_limit_has_bounds(self) -> None:
        assert min(2, self.most) <= self.pace.limit <= self.most

    @invariant()
    def somebody_may_always_hope(self) -> None:
        delay = self.pace.delay(self.now)
        assert delay >= 0
        assert delay < math.inf or self.in_flight


TestAnyTraffic = AnyTraffic.TestCase


@given(
    most=st.integers(4, 32), answers=st.lists(st.floats(2, 50), min_size=1).map(sorted), at=JITTER
)
def test_a_burst_of_429s_counts_once(most: int, answers: list[float], at: float) -> None:
    pace = make_pace(most)
    limit = pace.limit
    for now in answers:
        pace.slow_down(now, sent=at)

    assert pace.limit == limit // 2


def make_pace(most: int) -> Pace:
    """Return a pace that has heard of the service."""
    pace = Pace(most, learned=min(most, 8))
    pace.answered(0.0, sent=0.0)
    return pace


def throttle(pace: Pace, times: int) -> None:
    """Let requests be answered with 429, each sent after the answer to the last one."""
    for now in range(1, times + 1):
        pace.slow_down(float(now), sent=float(now))


@pytest.mark.parametrize(
    ("most", "times", "limit"),
    [(8, 1, 4), (8, 2, 2), (8, 9, 2), (3, 1, 2), (2, 5, 2), (1, 5, 1), (64, 1, 4)],
)
def test_each_429_after_another_halves_what_may_be_in_flight(
    most: int, times: int, limit: int
) -> None:
    pace = make_pace(most)
    throttle(pace, times)

    assert pace.limit == limit


@given(most=st.integers(1, 64), times=st.integers(0, 10))
def test_enough_answers_and_a_minute_end_the_slowing_down(most: int, times: int) -> None:
    pace = make_pace(most)
    throttle(pace, times)
    for _ in range(most * most + 1):
        pace.send(100.0)
        pace.answered(103.0, sent=100.0)

    assert pace.limit == most


def test_one_more_is_in_flight_after_as_many_answers_as_may_be_in_flight() -> None:
    pace = make_pace(8)
    throttle(pace, 2)
    limits = []
    for _ in range(5):
        pace.answered(100.0, sent=100.0)
        limits.append(pace.limit)

    assert limits == [2, 3, 3, 3, 4]


@given(jitter=JITTER)
def test_a_429_is_followed_by_a_pause_that_jitter_shortens(jitter: float) -> None:
    pace = Pace(8)
    pace.slow_down(10.0, sent=9.0, jitter=jitter)

    assert 0.25 <= pace.delay(10.0) <= 0.5


def test_pauses_grow_until_an_answer_comes() -> None:
    pace, pauses = Pace(8), []
    for now in (0.0, 10.0, 20.0):
        pace.slow_down(now, sent=now)
        pauses.append(pace.delay(now))
    pace.answered(30.0, sent=30.0)
    pace.slow_down(30.0, sent=30.0)

    assert [*pauses, pace.delay(30.0)] == [0.5, 1.0, 1.0, 0.5]


def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    pace = Pace(8)
    assert pace.pause(0.0, 60.0) == 60.0
    assert pace.pause(0.0, 1.0) == 0.0
    assert pace.pause(20.0, 50.0) == 10.0

    assert pace.delay(20.0) == 50.0


def test_who_waits_for_an_answer_waits_without_end() -> None:
    pace = Pace(1)
    pace.send(0.0)
    assert pace.delay(1000.0) == math.inf

    pace.end()
    assert pace.delay(1000.0) == 0.0
