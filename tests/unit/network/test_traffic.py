"""What requests share: tries, budgets, outages, and ends of waiting. Tests move the clock."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import pytest

from clocks import Clock
from mkdocs_confluence_md.network.throttling import (
    BuildOverError,
    OutageError,
    Pace,
    Patience,
    Rate,
    Request,
    Service,
    Traffic,
    Trouble,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONNECTIONS = 4
PATIENCE = Patience(longest_wait=60.0, page=90.0, build=120.0)


@pytest.fixture
def clock() -> Clock:
    return Clock(1000.0)


@pytest.fixture
def traffic(clock: Clock) -> Traffic:
    return Traffic(CONNECTIONS, PATIENCE, clock)


@pytest.fixture
def service(traffic: Traffic) -> Service:
    return traffic.service("exports")


@pytest.fixture
def give_up(clock: Clock, traffic: Traffic, service: Service) -> Callable[..., Request]:
    """Return a function that lets a request fail until another try is not worth its time."""

    def try_in_vain(
        trouble: Trouble,
        *,
        seconds: float = 2.0,
        asked_to_wait: float = 0.0,
        outcome: object = None,
    ) -> Request:
        request, goes_on = traffic.make_request(), True
        while goes_on:
            with service.turn(request):
                clock.now += seconds
                goes_on = service.failed(
                    request, trouble, asked_to_wait=asked_to_wait, outcome=outcome
                )
            clock.now += asked_to_wait + 1
        return request

    return try_in_vain


def answer(traffic: Traffic, service: Service) -> None:
    request = traffic.make_request()
    with service.turn(request):
        service.answered(request)


# Tries


@pytest.mark.parametrize(
    ("trouble", "tries"),
    [
        (Trouble.UNREACHABLE, 5),
        (Trouble.UNTRUSTED, 1),
        (Trouble.SILENT, 2),
        (Trouble.BROKEN, 5),
        (Trouble.UNAVAILABLE, 5),
        (Trouble.THROTTLED, 31),  # each takes three seconds, for as long as a page may take
    ],
)
def test_how_often_a_request_is_tried(
    give_up: Callable[..., Request], trouble: Trouble, tries: int
) -> None:
    assert give_up(trouble).tries == tries


@pytest.mark.parametrize("trouble", [each for each in Trouble if each is not Trouble.UNTRUSTED])
def test_no_try_begins_when_a_page_has_taken_too_long(
    give_up: Callable[..., Request], trouble: Trouble
) -> None:
    assert give_up(trouble, seconds=46.0).tries == 2


@pytest.mark.parametrize(
    ("asked_to_wait", "tries"),
    [(1.0, 23), (20.0, 4), (60.0, 2), (61.0, 1), (3600.0, 1), (float("inf"), 1)],
)
def test_a_service_is_given_the_time_that_it_asks_for_but_not_without_end(
    give_up: Callable[..., Request], asked_to_wait: float, tries: int
) -> None:
    assert give_up(Trouble.THROTTLED, asked_to_wait=asked_to_wait).tries == tries


def test_a_service_that_asks_to_wait_is_asked_nothing_before(
    clock: Clock, traffic: Traffic, service: Service
) -> None:
    request = traffic.make_request()
    with service.turn(request):
        service.failed(request, Trouble.THROTTLED, asked_to_wait=30.0, outcome=None)
    sent = threading.Event()

    def send() -> None:
        answer(traffic, service)
        sent.set()

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    assert not sent.wait(0.05)

    clock.now += 30.0
    with service.turn(traffic.make_request()):
        pass  # its end wakes who waits
    assert sent.wait(10)


def test_a_build_gives_up_when_it_has_lost_too_much_time_although_some_answers_come(
    traffic: Traffic, service: Service, give_up: Callable[..., Request]
) -> None:
    tries = []
    for _ in range(7):
        answer(traffic, service)
        tries.append(give_up(Trouble.UNAVAILABLE, seconds=16.0).tries)

    # Five tries of 16 seconds are 80, of 480 for four connections.
    assert tries == [5, 5, 5, 5, 5, 5, 1]
    with pytest.raises(OutageError):
        answer(traffic, service)


# Outages


@pytest.mark.parametrize("trouble", [Trouble.UNREACHABLE, Trouble.UNTRUSTED, Trouble.THROTTLED])
def test_what_concerns_every_page_is_found_out_once_and_told_to_all(
    traffic: Traffic, service: Service, give_up: Callable[..., Request], trouble: Trouble
) -> None:
    outcome = object()
    give_up(trouble, outcome=outcome)

    for _ in range(3):
        request = traffic.make_request()
        with pytest.raises(OutageError) as outage, service.turn(request):
            pass
        assert outage.value.outcome is outcome
        assert request.tries == 0


@pytest.mark.parametrize("trouble", [Trouble.BROKEN, Trouble.UNAVAILABLE])
def test_what_may_be_one_pages_alone_is_an_outage_after_three_pages(
    give_up: Callable[..., Request], trouble: Trouble
) -> None:
    tries = [give_up(trouble).tries for _ in range(3)]

    assert tries[0] > 1
    assert len(set(tries)) == 1
    with pytest.raises(OutageError):
        give_up(trouble)


def test_silence_is_an_outage_after_three_tries_of_whichever_pages(
    give_up: Callable[..., Request],
) -> None:
    assert give_up(Trouble.SILENT).tries == 2
    assert give_up(Trouble.SILENT).tries == 1
    with pytest.raises(OutageError):
        give_up(Trouble.SILENT)


def test_a_request_that_is_about_no_page_concerns_them_all(
    traffic: Traffic, service: Service
) -> None:
    request = traffic.make_request(is_about_page=False)
    for _ in range(5):
        with service.turn(request):
            goes_on = service.failed(request, Trouble.BROKEN, asked_to_wait=0.0, outcome=None)

    assert not goes_on
    with pytest.raises(OutageError):
        answer(traffic, service)


def test_waiting_in_line_is_no_time_of_a_page(
    clock: Clock, traffic: Traffic, service: Service
) -> None:
    request = traffic.make_request()
    clock.now += 1000.0  # for example behind other pages' pauses
    with service.turn(request):
        assert service.failed(request, Trouble.THROTTLED, asked_to_wait=40.0, outcome=None)


def test_pauses_of_all_count_for_all_although_each_page_gets_its_answer(
    clock: Clock, traffic: Traffic, service: Service
) -> None:
    pauses = []
    for _ in range(4):
        request = traffic.make_request()
        with service.turn(request):
            goes_on = service.failed(request, Trouble.THROTTLED, asked_to_wait=50.0, outcome=None)
        if not goes_on:
            break
        pauses.append(50.0)
        clock.now += 50.0
        answer(traffic, service)

    # Two minutes are what a build may lose; the third pause would make it more.
    assert pauses == [50.0, 50.0]
    with pytest.raises(OutageError):
        answer(traffic, service)


def test_an_answer_between_pages_that_fail_shows_that_it_is_no_outage(
    traffic: Traffic, service: Service, give_up: Callable[..., Request]
) -> None:
    for _ in range(4):
        give_up(Trouble.BROKEN)
        give_up(Trouble.BROKEN)
        answer(traffic, service)

    assert give_up(Trouble.BROKEN).tries == 5


@pytest.mark.parametrize("trouble", list(Trouble))
def test_a_request_during_which_others_were_answered_shows_no_outage(
    clock: Clock, traffic: Traffic, service: Service, trouble: Trouble
) -> None:
    request = traffic.make_request()
    with service.turn(request):
        clock.now += 100.0
        answer(traffic, service)
        assert not service.failed(request, trouble, asked_to_wait=0.0, outcome=None)
    clock.now += 1.0

    answer(traffic, service)


def test_an_outage_of_one_service_is_none_of_another(
    traffic: Traffic, give_up: Callable[..., Request]
) -> None:
    give_up(Trouble.UNREACHABLE)

    answer(traffic, traffic.service("tokens"))


def test_a_service_is_known_by_its_name(traffic: Traffic, service: Service) -> None:
    assert traffic.service("exports") is service
    assert traffic.service("tokens") is not service


# Builds


@pytest.mark.parametrize("trouble", [Trouble.UNREACHABLE, Trouble.UNAVAILABLE])
def test_an_outage_of_the_last_build_is_looked_at_once_in_the_next(
    traffic: Traffic, give_up: Callable[..., Request], trouble: Trouble
) -> None:
    give_up(Trouble.UNREACHABLE)
    for _ in range(2):
        traffic.begin_build()

        assert give_up(trouble).tries == 1
        with pytest.raises(OutageError):
            give_up(trouble)


def test_an_answer_brings_the_patience_back(
    traffic: Traffic, service: Service, give_up: Callable[..., Request]
) -> None:
    give_up(Trouble.UNREACHABLE)
    traffic.begin_build()
    answer(traffic, service)

    assert give_up(Trouble.UNREACHABLE).tries == 5


def test_the_time_that_one_build_lost_is_not_held_against_the_next(
    traffic: Traffic, service: Service, give_up: Callable[..., Request]
) -> None:
    for _ in range(5):
        for _ in range(2):
            answer(traffic, service)
            give_up(Trouble.UNAVAILABLE, seconds=40.0)
        traffic.begin_build()

    assert give_up(Trouble.UNAVAILABLE).tries == 5


# What is learned


def test_what_was_learned_of_a_service_is_where_the_next_build_begins(clock: Clock) -> None:
    traffic = Traffic(64, PATIENCE, clock)
    for _ in range(4):
        with ExitStack() as turns:
            requests = [traffic.make_request() for _ in range(8)]
            for request in requests:
                turns.enter_context(traffic.service("exports").turn(request))
            clock.now += 1.0
            for request in requests:
                traffic.service("exports").answered(request)
    answer(traffic, traffic.service("tokens"))
    learned = traffic.find_learned()

    assert learned == {"exports": 16}
    following = Traffic(64, PATIENCE, clock, learned=learned)
    for _ in range(8):
        answer(following, following.service("exports"))
    assert following.find_learned() == learned


@pytest.mark.parametrize("trouble", [Trouble.SILENT, Trouble.UNAVAILABLE, Trouble.THROTTLED])
def test_a_service_in_trouble_is_asked_for_less_in_the_next_build(
    clock: Clock, trouble: Trouble
) -> None:
    traffic = Traffic(64, PATIENCE, clock, learned={"exports": 40})
    service = traffic.service("exports")
    answer(traffic, service)
    for _ in range(8):
        answer(traffic, service)
    request = traffic.make_request()
    with service.turn(request):
        service.failed(request, trouble, asked_to_wait=0.0, outcome=None)

    assert 0 < traffic.find_learned()["exports"] <= 20


def test_all_services_of_a_client_share_the_minute(clock: Clock) -> None:
    rate = Rate(10)
    paces = [Pace(64, rate=rate) for _ in range(2)]
    for number in range(10):
        assert paces[number % 2].delay(clock.now) == 0.0
        paces[number % 2].send(clock.now)
        paces[number % 2].end()

    assert [pace.delay(clock.now) > 60 for pace in paces] == [True, True]


# Waiting


def run_in_thread(wait: Callable[[], object]) -> tuple[threading.Thread, list[BaseException]]:
    """Run in a thread, which has begun when this returns; return also what it raises."""
    begun, raised = threading.Event(), list[BaseException]()

    def run() -> None:
        begun.set()
        try:
            wait()
        except (BuildOverError, OutageError) as error:
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert begun.wait(10)
    return thread, raised


def take_turn(service: Service, request: Request) -> None:
    with service.turn(request):
        pass


@pytest.fixture
def full(traffic: Traffic, service: Service) -> Iterator[list[Request]]:
    """Fill all connections; return the requests in flight."""
    requests = [traffic.make_request() for _ in range(CONNECTIONS)]
    with ExitStack() as in_flight:
        for request in requests:
            in_flight.enter_context(service.turn(request))
        yield requests


WAITS: list[Callable[[Service, Request], None]] = [
    lambda service, request: service.rest(request, 3600.0),
    take_turn,
]


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize("wait", WAITS, ids=["rest", "turn"])
def test_the_end_of_a_build_wakes_whoever_waits(
    traffic: Traffic, service: Service, wait: Callable[[Service, Request], None]
) -> None:
    thread, raised = run_in_thread(partial(wait, service, traffic.make_request()))
    traffic.begin_build()
    thread.join(10)

    assert [type(error) for error in raised] == [BuildOverError]


@pytest.mark.parametrize("wait", WAITS, ids=["rest", "turn"])
def test_an_outage_wakes_whoever_waits(
    traffic: Traffic,
    service: Service,
    full: list[Request],
    wait: Callable[[Service, Request], None],
) -> None:
    thread, raised = run_in_thread(partial(wait, service, traffic.make_request()))
    service.failed(full[0], Trouble.UNTRUSTED, asked_to_wait=0.0, outcome="why")
    thread.join(10)

    assert [error.outcome for error in raised if isinstance(error, OutageError)] == ["why"]


def test_who_waits_for_a_connection_gets_the_next_that_is_free(
    traffic: Traffic, service: Service
) -> None:
    with ExitStack() as others:
        for _ in range(CONNECTIONS - 1):
            others.enter_context(service.turn(traffic.make_request()))
        with service.turn(traffic.make_request()):
            thread, raised = run_in_thread(partial(take_turn, service, traffic.make_request()))
            assert thread.is_alive()
        thread.join(10)

        assert not thread.is_alive()
        assert raised == []


def test_a_request_of_an_earlier_build_is_not_sent(traffic: Traffic, service: Service) -> None:
    request = traffic.make_request()
    traffic.begin_build()

    with pytest.raises(BuildOverError), service.turn(request):
        pass
    answer(traffic, service)


def test_requests_of_a_new_build_are_woken_although_one_of_the_last_waited_by_the_clock(
    clock: Clock, traffic: Traffic, service: Service
) -> None:
    request = traffic.make_request()
    with service.turn(request):
        service.failed(request, Trouble.THROTTLED, asked_to_wait=30.0, outcome=None)
    old, ended = run_in_thread(partial(take_turn, service, traffic.make_request()))
    traffic.begin_build()
    threads = [run_in_thread(partial(take_turn, service, traffic.make_request())) for _ in range(3)]
    old.join(10)
    clock.now += 30.0
    take_turn(service, traffic.make_request())  # its end wakes one, and each the next one
    for thread, _ in threads:
        thread.join(10)

    assert [type(each) for each in ended] == [BuildOverError]
    assert not any(thread.is_alive() for thread, _ in threads)
