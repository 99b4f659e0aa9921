"""Leases: one of many machines makes an export, and one that dies loses it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from mkdocs_confluence_md.cache.leases import Leases, name_lease
from mkdocs_confluence_md.errors import HeldElsewhereError
from mkdocs_confluence_md.network.shared_store import OptionalStore, SharedStore
from redis_servers import FaultyProxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from redis_servers import RedisServer

KEY = "https://api.example/svc/singleExport?pageId=101&account=jane"
NAME = name_lease(KEY)
PATIENCE = 30.0
"""Seconds for what comes at once on a machine that has nothing else to do."""


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def machine(redis_server: RedisServer, warnings: list[str]) -> Iterator[Callable[..., Leases]]:
    """Return a function that makes the leases of one more machine."""
    made = []

    def make(seconds: float = 60.0, longest_wait: float = 180.0, url: str = "") -> Leases:
        shared = SharedStore(url or redis_server.url, answer_seconds=30.0)
        store = OptionalStore(shared, warnings.append)
        leases = Leases(store, seconds=seconds, longest_wait=longest_wait)
        made.append(leases)
        return leases

    yield make
    for leases in made:
        leases.close()


def wait_for(leases: Leases) -> threading.Event:
    """Return an event that is set when the lease has ended."""
    ended = threading.Event()
    leases.wait(NAME, ended.set)
    return ended


def test_one_holds_a_lease_and_the_others_are_told_when_it_ends(
    machine: Callable[..., Leases],
) -> None:
    a, b = machine(), machine()
    with a.hold(KEY):
        with pytest.raises(HeldElsewhereError, match=NAME), b.hold(KEY):
            pass
        ended = wait_for(b)
        assert not ended.wait(0.5)

    assert ended.wait(PATIENCE)
    with b.hold(KEY):
        pass


def test_another_key_is_another_lease(machine: Callable[..., Leases]) -> None:
    with machine().hold(KEY), machine().hold(KEY + "2"):
        pass


def test_a_lease_is_renewed_for_as_long_as_it_is_held(
    machine: Callable[..., Leases], redis_server: RedisServer
) -> None:
    with machine(seconds=8.0).hold(KEY), redis_server.client() as client:
        assert client.pttl(NAME) <= 8000
        client.pexpire(NAME, 60_000)
        deadline = time.monotonic() + PATIENCE

        while client.pttl(NAME) > 8000:
            assert time.monotonic() < deadline
            time.sleep(0.05)

        assert client.exists(NAME)


def test_a_machine_that_dies_loses_its_lease(
    machine: Callable[..., Leases], redis_server: RedisServer
) -> None:
    with redis_server.client() as client:
        client.set(NAME, b"0" * 32, px=500)
    b = machine()
    ended = wait_for(b)

    assert ended.wait(PATIENCE)
    with b.hold(KEY):
        pass


def test_one_that_has_lost_its_lease_does_not_end_that_of_another(
    machine: Callable[..., Leases], redis_server: RedisServer
) -> None:
    with redis_server.client() as client:
        with machine().hold(KEY):
            client.set(NAME, b"of another")

        assert client.get(NAME) == b"of another"


def test_after_an_error_all_others_go_on_at_once(
    machine: Callable[..., Leases], redis_server: RedisServer
) -> None:
    a, b, c = machine(), machine(), machine()
    told = []

    def fail() -> None:
        with a.hold(KEY):
            told.extend([wait_for(b), wait_for(c)])
            raise ValueError("not there")

    with pytest.raises(ValueError, match="not there"):
        fail()

    assert all(event.wait(PATIENCE) for event in told)
    with b.hold(KEY), c.hold(KEY):
        pass
    with redis_server.client() as client:
        assert 0 < client.pttl(NAME) <= 2000 or not client.exists(NAME)


def test_one_whose_export_is_too_large_to_share_says_so(machine: Callable[..., Leases]) -> None:
    a, b = machine(), machine()
    with a.hold(KEY):
        ended = wait_for(b)
        a.give_up(KEY)
        assert ended.wait(PATIENCE)
        with b.hold(KEY):
            pass


@pytest.mark.parametrize("kind", ["list", "endless", "long"])
def test_a_lease_that_is_not_one_of_ours_is_not_waited_for(
    machine: Callable[..., Leases], redis_server: RedisServer, kind: str
) -> None:
    with redis_server.client() as client:
        if kind == "list":
            client.lpush(NAME, b"x")
        else:
            client.set(NAME, b"0" * 32, ex=3600 if kind == "long" else None)

    with machine().hold(KEY):  # which raises if it is to be waited for
        pass


@pytest.mark.parametrize("kind", ["text", "list", "endless"])
def test_what_somebody_else_has_put_there_stops_nothing_for_good(
    machine: Callable[..., Leases], redis_server: RedisServer, kind: str
) -> None:
    with redis_server.client() as client:
        if kind == "list":
            client.lpush(NAME, b"x")
        else:
            client.set(NAME, b"mine!" if kind == "text" else b"0" * 32)
    b = machine(longest_wait=1.0)

    with b.hold(KEY, patiently=True):
        pass


def test_who_has_patience_waits(machine: Callable[..., Leases]) -> None:
    a, b = machine(), machine()
    order = []

    def export() -> None:
        with b.hold(KEY, patiently=True):
            order.append("b")

    with a.hold(KEY):
        thread = threading.Thread(target=export)
        thread.start()
        time.sleep(0.3)
        order.append("a")
    thread.join(PATIENCE)

    assert order == ["a", "b"]


def test_what_waits_ends_with_the_build(machine: Callable[..., Leases]) -> None:
    a, b = machine(), machine()
    outcome = []

    def export() -> None:
        try:
            with b.hold(KEY, patiently=True):
                outcome.append("held")
        except HeldElsewhereError:
            outcome.append("over")

    with a.hold(KEY):
        ended = wait_for(b)
        thread = threading.Thread(target=export)
        thread.start()
        time.sleep(0.3)
        b.cancel()
        thread.join(PATIENCE)

    assert outcome == ["over"]
    assert not ended.wait(0.5)


def test_a_machine_that_ends_gives_its_leases_back(
    machine: Callable[..., Leases], redis_server: RedisServer
) -> None:
    a = machine()
    hold = a.hold(KEY)
    hold.__enter__()

    a.close()

    with redis_server.client() as client:
        assert not client.exists(NAME)


def test_without_the_server_each_machine_works_for_itself(
    machine: Callable[..., Leases], redis_server: RedisServer, warnings: list[str]
) -> None:
    a, b = machine(), machine()
    with a.hold(KEY):
        ended = wait_for(b)
        redis_server.kill()
        assert ended.wait(PATIENCE)
        with b.hold(KEY):
            pass

    assert len(warnings) == 2  # one a machine


@pytest.mark.parametrize(
    "answer", [b"+OK\r\n", b":5\r\n", b"*1\r\n:5\r\n", b"*2\r\n$1\r\na\r\n$1\r\nb\r\n"]
)
def test_an_answer_of_another_shape_ends_the_wait(
    machine: Callable[..., Leases], redis_server: RedisServer, answer: bytes
) -> None:
    with FaultyProxy(redis_server.port) as proxy, machine().hold(KEY):
        b = machine(url=proxy.url)
        ended = wait_for(b)
        assert not ended.wait(0.3)

        proxy.answer = answer

        assert ended.wait(PATIENCE)


def test_what_fails_when_it_goes_on_does_not_stop_the_others(
    machine: Callable[..., Leases],
) -> None:
    a, b = machine(), machine()
    with a.hold(KEY), a.hold(KEY + "2"):

        def fail() -> None:
            raise RuntimeError("the threads have ended")

        b.wait(NAME, fail)
        ended = threading.Event()
        b.wait(name_lease(KEY + "2"), ended.set)
        time.sleep(0.3)

    assert ended.wait(PATIENCE)


def test_a_server_that_has_no_memory_left_still_releases_what_is_held(
    machine: Callable[..., Leases], redis_server: RedisServer
) -> None:
    a = machine()
    with a.hold(KEY), redis_server.client() as client:
        client.config_set("maxmemory", "1")
        with a.hold(KEY + "2"):  # which takes memory
            pass
        deadline = time.monotonic() + PATIENCE
        while client.exists(NAME):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_nothing_is_waited_for_after_the_end(machine: Callable[..., Leases]) -> None:
    a, b = machine(), machine()
    b.close()

    with a.hold(KEY), pytest.raises(HeldElsewhereError), b.hold(KEY, patiently=True):
        pass
