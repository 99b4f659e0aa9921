"""The adaptive limit: what always holds, and how it does against simulated servers."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mkdocs_confluence_md.network.concurrency import FIRST_LIMIT, MOST_IN_FLIGHT, AdaptiveLimit
from mkdocs_confluence_md.network.throttling import Pace
from queueing import FixedPace, Outcome, Server, simulate

if TYPE_CHECKING:
    from collections.abc import Callable

PAGES = 200
A_SECOND = 20
LATENCIES = [0.05, 0.2, 0.4, 1.0, 2.0, 4.0]
NUMBERS = [1, 2, 4, 8, 12, 16, 24, 32, 48, 64]


class AnyAnswers(RuleBasedStateMachine):
    """Answers in any order and after any time."""

    @initialize(most=st.integers(1, 64), learned=st.none() | st.integers(-5, 100))
    def begin(self, most: int, learned: int | None) -> None:
        self.limit, self.most = AdaptiveLimit(most, learned=learned), most
        self.now = 0.0
        self.sent: list[float] = []

    @rule(seconds=st.floats(0, 100))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(count=st.integers(1, 64))
    def requests_are_sent(self, count: int) -> None:
        for _ in range(count):
            if len(self.sent) < self.limit.limit:
                self.sent.append(self.now)
                self.limit.sent(len(self.sent))

    @precondition(lambda self: self.sent)
    @rule(count=st.integers(1, 64), last=st.booleans())
    def answers_come(self, count: int, *, last: bool) -> None:
        before = self.limit.limit
        for _ in range(min(count, len(self.sent))):
            self.limit.answered(self.now, sent=self.sent.pop(-1 if last else 0))
        assert self.limit.limit <= before + count

    @precondition(lambda self: self.sent)
    @rule()
    def a_429_comes(self) -> None:
        before = self.limit.limit
        self.limit.throttled(self.now, sent=self.sent.pop())
        assert self.limit.limit <= before

    @precondition(lambda self: self.sent)
    @rule()
    def no_answer_comes(self) -> None:
        before = self.limit.limit
        self.limit.failed(self.now, sent=self.sent.pop())
        assert self.limit.limit <= before

    @invariant()
    def it_has_bounds(self) -> None:
        assert min(2, self.most) <= self.limit.limit <= self.most
        assert self.limit.learned is None or 1 <= self.limit.learned <= self.most


TestAnyAnswers = AnyAnswers.TestCase


@given(most=st.integers(1, 64), seconds=st.lists(st.floats(0, 60), max_size=99))
def test_slow_answers_alone_leave_as_many_as_there_were_to_begin_with(
    most: int, seconds: list[float]
) -> None:
    limit = AdaptiveLimit(most)
    for number, each in enumerate(seconds):
        now = 100.0 * (number + 1)
        limit.sent(1)
        limit.answered(now, sent=now - each)
        assert limit.limit >= min(FIRST_LIMIT, most)


@given(numbers=st.lists(st.floats(0.5, 1.5), min_size=1, max_size=300))
def test_it_learns_nothing_that_was_not_in_flight(numbers: list[float]) -> None:
    limit = AdaptiveLimit(MOST_IN_FLIGHT)
    for number, seconds in enumerate(numbers):
        limit.sent(3)
        limit.answered(number + seconds, sent=float(number))

    assert limit.limit == FIRST_LIMIT


@pytest.mark.parametrize(("seconds", "expected"), [(0.05, 8), (0.2, 8), (0.4, 12), (2.0, 13)])
def test_a_quick_first_answer_leaves_eight(seconds: float, expected: int) -> None:
    limit = AdaptiveLimit(64)
    for in_flight in range(1, 14):
        limit.sent(in_flight)
    limit.answered(seconds, sent=0.0)
    assert limit.limit - expected in (0, 1)  # it may grow by one with each answer


def test_threads_come_with_the_requests_that_are_sent() -> None:
    limit = AdaptiveLimit(64)
    found = [limit.threads]
    for in_flight in range(1, 25):
        limit.sent(in_flight)
        found.append(limit.threads)
    assert found == [*range(8, 25), *[24] * 8]

    limit.answered(0.05, sent=0.0)
    assert limit.threads == 16


def test_failures_halve_it_once_for_all_that_were_in_flight_and_not_below_eight() -> None:
    limit, limits = AdaptiveLimit(64, learned=40), []
    limit.answered(1.0, sent=0.0)
    for now, sent in [(2.0, 1.0), (2.5, 1.5), (4.0, 3.0), (6.0, 5.0)]:
        limit.failed(now, sent=sent)
        limits.append(limit.limit)

    assert limits == [20, 20, 10, 8]


def test_what_a_small_build_learned_does_not_hold_a_large_one_up() -> None:
    def server() -> Server:
        return Server(lambda _in_flight, _number: 2.0)

    learned = simulate(Pace(64), server(), 8).learned
    assert learned is not None
    assert fetch(server, learned=learned).seconds <= fetch(server).seconds + 1e-6


def fetch(server: Callable[[], Server], *, learned: int | None = None, most: int = 64) -> Outcome:
    return simulate(Pace(most, learned=learned), server(), PAGES)


def fetch_with_eight(server: Callable[[], Server]) -> Outcome:
    return simulate(FixedPace(FIRST_LIMIT), server(), PAGES)


def count_most_a_second(sent: list[float]) -> int:
    return max(sum(begin <= each < begin + 1 for each in sent) for begin in sent)


@pytest.mark.parametrize("seconds", LATENCIES)
def test_a_steady_server_is_asked_as_fast_as_the_platform_allows(seconds: float) -> None:
    def server() -> Server:
        return Server(lambda _in_flight, _number: seconds)

    eight, found = fetch_with_eight(server), fetch(server)
    again = fetch(server, learned=found.learned)

    ideal = max(PAGES / A_SECOND, PAGES / MOST_IN_FLIGHT * seconds) + seconds
    assert found.seconds <= min(1.15 * ideal, eight.seconds + 1e-6)
    assert again.seconds <= found.seconds + 1e-6


@pytest.mark.parametrize("seconds", LATENCIES)
def test_more_than_eight_are_in_flight_only_below_twenty_a_second(seconds: float) -> None:
    found = fetch(lambda: Server(lambda _in_flight, _number: seconds))

    if found.peak > FIRST_LIMIT and seconds >= FIRST_LIMIT / A_SECOND:
        # A bucket of a second, and what comes into it during that second.
        assert count_most_a_second(found.sent) <= 2 * A_SECOND
    assert found.peak <= max(MOST_IN_FLIGHT, FIRST_LIMIT)


def test_few_more_than_eight_are_in_flight_where_eight_bring_enough() -> None:
    found = fetch(lambda: Server(lambda _in_flight, _number: 0.2))

    assert found.peak <= 12


@given(seconds=st.lists(st.floats(0.01, 9), min_size=64, max_size=300))
def test_no_more_are_in_flight_than_the_longest_answer_has_use_for(seconds: list[float]) -> None:
    found = simulate(Pace(64, learned=8), Server(lambda _, number: seconds[number]), len(seconds))

    assert found.peak <= max(FIRST_LIMIT, 30 * max(seconds) + 1)


@pytest.mark.parametrize("most", NUMBERS)
def test_a_number_caps_it(most: int) -> None:
    found = fetch(lambda: Server(lambda _in_flight, _number: 2.0), most=most)

    assert found.peak <= most


@pytest.mark.parametrize("seed", range(20))
def test_pages_that_take_one_to_three_seconds_are_no_sign_of_trouble(seed: int) -> None:
    generator = random.Random(seed)  # noqa: S311  not a secret
    times = [generator.uniform(1, 3) for _ in range(PAGES)]
    found = fetch(lambda: Server(lambda _in_flight, number: times[number]))

    assert found.seconds <= 1.25 * (PAGES / A_SECOND + 2)


SLOWING: dict[str, Callable[[int, int], float]] = {
    "0.1 s for each in flight": lambda in_flight, _: 0.1 * in_flight,
    "0.25 s for each in flight": lambda in_flight, _: 0.25 * in_flight,
    "0.5 s for each in flight": lambda in_flight, _: 0.5 * in_flight,
    "1 s, from 16 for each in flight": lambda in_flight, _: max(1.0, in_flight / 16),
    "1 s, from 4 for each in flight": lambda in_flight, _: max(1.0, in_flight / 4),
    "square, from 32": lambda in_flight, _: 2 * (1 + (in_flight / 32) ** 2),
    "square, from 16": lambda in_flight, _: 1 + (in_flight / 16) ** 2,
}


@pytest.mark.parametrize("name", SLOWING)
def test_a_server_that_slows_down_is_asked_about_as_well_as_with_the_best_number(name: str) -> None:
    def server() -> Server:
        return Server(SLOWING[name])

    best = min(simulate(FixedPace(number), server(), PAGES).seconds for number in NUMBERS)

    assert fetch(server).seconds <= 1.2 * best


def test_a_server_that_breaks_down_is_left_with_few_requests() -> None:
    def server() -> Server:
        return Server(lambda in_flight, _number: 0.5 * (1 + (in_flight / 4) ** 2))

    found = fetch(server)

    assert found.peak <= 32
    assert found.learned is not None
    assert found.learned <= 12


@pytest.mark.parametrize("a_second", [5, 20, 50])
@pytest.mark.parametrize("seconds", LATENCIES)
def test_a_server_that_throttles_refuses_no_more_than_with_eight(
    a_second: int, seconds: float
) -> None:
    def server() -> Server:
        return Server(lambda _in_flight, _number: seconds, a_second)

    eight, found = fetch_with_eight(server), fetch(server)
    again = fetch(server, learned=found.learned)

    assert max(found.refusals, again.refusals) <= eight.refusals
    assert max(found.seconds, again.seconds) <= 1.05 * eight.seconds


@given(
    seconds=st.floats(0.01, 5),
    a_second=st.integers(2, 100),
    slope=st.floats(0, 0.2),
    most=st.integers(1, 64),
    learned=st.none() | st.integers(1, 64),
)
def test_all_pages_come_in_the_end(
    seconds: float, a_second: int, slope: float, most: int, learned: int | None
) -> None:
    server = Server(lambda in_flight, _number: seconds + slope * in_flight, a_second)
    found = simulate(Pace(most, learned=learned), server, 100)

    assert len(found.sent) == 100 + found.refusals
    assert found.peak <= most
    assert all(now <= later for now, later in pairwise(found.sent))
