"""The rate limit that machines share: a moving window in Redis."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from mkdocs_confluence_md.network.shared_rate import SharedRate
from mkdocs_confluence_md.network.shared_store import OptionalStore, SharedStore
from mkdocs_confluence_md.network.throttling import Patience, Traffic, Trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from redis_servers import RedisServer


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def machine(redis_server: RedisServer, warnings: list[str]) -> Iterator[Callable[..., SharedRate]]:
    """Return a function that makes the rate limit of one more machine."""
    stores = []

    def make(
        account: str | None = "jane",
        installation: str = "https://acme",
        *,
        user_calls: int = 5,
        window_seconds: int = 30,
        clock: Callable[[], float] = time.time,
    ) -> SharedRate:
        store = OptionalStore(SharedStore(redis_server.url, answer_seconds=30.0), warnings.append)
        stores.append(store)
        return SharedRate(
            store,
            account=lambda: account,
            installation=installation,
            user_calls=user_calls,
            installation_calls=8,
            window_seconds=window_seconds,
            clock=clock,
        )

    yield make
    for store in stores:
        store.close()


def count_calls(rate: SharedRate, tries: int = 10) -> int:
    """Return how many of some requests may be sent at once."""
    return sum(rate.count() == 0 for _ in range(tries))


def test_machines_of_a_user_share_the_calls_of_a_window(
    machine: Callable[..., SharedRate],
) -> None:
    a, b = machine(), machine()

    assert count_calls(a, 3) == 3
    assert count_calls(b) == 2
    assert 20 < a.count() <= 30


def test_users_share_those_of_the_installation(machine: Callable[..., SharedRate]) -> None:
    assert count_calls(machine()) == 5
    assert count_calls(machine("john")) == 3
    assert count_calls(machine("john", "https://other", user_calls=20)) == 8


def test_waiting_for_the_installation_does_not_use_up_the_calls_of_the_user(
    machine: Callable[..., SharedRate],
) -> None:
    assert count_calls(machine("jane", user_calls=8)) == 8
    john = machine("john", user_calls=5)

    assert count_calls(john, 20) == 0

    assert count_calls(machine("john", "https://other", user_calls=5)) >= 4


def test_a_window_moves(machine: Callable[..., SharedRate]) -> None:
    a, b = machine(user_calls=3, window_seconds=1), machine(user_calls=3, window_seconds=1)
    times: list[float] = []
    lock = threading.Lock()
    begin = time.time()

    def send(rate: SharedRate) -> None:
        for _ in range(4):
            while seconds := rate.count():
                time.sleep(seconds)
            with lock:
                times.append(time.time())

    threads = [threading.Thread(target=send, args=[rate]) for rate in (a, b)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    # Of eight, three go at once, and three in each window.
    assert max(times) - begin >= 2.0


def test_a_pause_of_one_is_one_of_all(machine: Callable[..., SharedRate]) -> None:
    a, b = machine(), machine()

    a.pause(20.0)
    a.pause(0.0)
    b.pause(10.0)

    assert 10 < b.count() <= 20
    assert machine("john").count() == 0


def test_a_429_to_one_machine_slows_another(machine: Callable[..., SharedRate]) -> None:
    traffic = Traffic(2, Patience(), shared_rate=machine())
    service, request = traffic.service("export"), traffic.make_request()
    with service.turn(request):
        assert service.failed(request, Trouble.THROTTLED, asked_to_wait=40.0, outcome=None)

        service.share_pause()

    assert 0 < machine().count() <= 40


def test_threads_do_not_wait_for_each_others_answers(
    machine: Callable[..., SharedRate], monkeypatch: pytest.MonkeyPatch
) -> None:
    rate = machine()
    all_ask = threading.Barrier(3, timeout=30.0)
    monkeypatch.setattr(rate, "count", lambda: 0.0 * all_ask.wait())
    traffic = Traffic(3, Patience(), shared_rate=rate)

    def send(_: int) -> bool:
        with traffic.service("export").turn(traffic.make_request()):
            return True

    with ThreadPoolExecutor(3) as threads:
        assert all(threads.map(send, range(3)))


def test_of_requests_in_a_row_few_look_for_a_pause(
    machine: Callable[..., SharedRate], redis_server: RedisServer
) -> None:
    now = 1_000.0
    rate = machine(clock=lambda: now)
    count_calls(rate, 5)
    now += 0.3
    rate.count()

    with redis_server.client() as client:
        assert client.info("commandstats")["cmdstat_pttl"]["calls"] == 2


def test_what_is_not_an_export_is_not_counted(machine: Callable[..., SharedRate]) -> None:
    rate = machine(user_calls=1)
    traffic = Traffic(2, Patience(), shared_rate=rate)
    for _ in range(3):
        with traffic.service("token").turn(traffic.make_request(is_about_page=False)):
            pass

    assert rate.count() == 0


def test_without_the_server_each_machine_has_its_own_limit(
    machine: Callable[..., SharedRate], redis_server: RedisServer, warnings: list[str]
) -> None:
    rate = machine()
    redis_server.kill()

    assert count_calls(rate, 20) == 20
    rate.pause(10.0)
    assert rate.count() == 0
    assert len(warnings) == 1


def test_what_somebody_else_has_put_there_stops_nothing(
    machine: Callable[..., SharedRate], redis_server: RedisServer
) -> None:
    rate = machine(user_calls=1)
    assert rate.count() == 0
    with redis_server.client() as client:
        [window] = client.scan_iter("confluence-md:1:rate:*user*")
        client.lset(window, 0, str(time.time() + 10_000))
        rate.pause(10.0)
        [pause] = client.scan_iter("confluence-md:1:pause:*")
        client.set(pause, b"", ex=10_000)

    assert rate.count() == 0
    assert machine(user_calls=1).count() == 0


def test_the_server_is_not_told_who_the_user_is(
    machine: Callable[..., SharedRate], redis_server: RedisServer
) -> None:
    rate = machine("557058:jane")
    rate.count()
    rate.pause(10.0)

    names = redis_server.read_all()

    assert b"confluence-md:1:rate" in names
    assert b"confluence-md:1:pause" in names
    assert b"jane" not in names
    assert b"acme" not in names
