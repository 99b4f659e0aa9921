"""What becomes of builds when the server that they share fails in the middle of them."""

from __future__ import annotations

import re
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from machines import build_all, hash_site, make_machine, set_limits
from redis_servers import FaultyProxy, RedisServer, RefusingServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from standin import StandIn

COUNT = 2


@pytest.fixture
def pages() -> dict[str, str]:
    """Return more pages than a machine asks for at once."""
    return {str(number): f"# Page {number}\n\nText.\n" for number in range(101, 113)}


PASSWORD = "open-sesame-to-the-store"


@dataclass
class Store:
    """A server that is to fail, and the way to it."""

    server: RedisServer
    proxy: FaultyProxy
    until_the_end: ExitStack

    @property
    def url(self) -> str:
        """What `CONFLUENCE_MD_STORE` is set to."""
        return f"redis://:{PASSWORD}@127.0.0.1:{self.proxy.port}"


@pytest.fixture
def store(redis_server: RedisServer) -> Iterator[Store]:
    with ExitStack() as until_the_end:
        proxy = until_the_end.enter_context(FaultyProxy(redis_server.port))
        yield Store(redis_server, proxy, until_the_end)


def killed(store: Store) -> None:
    store.server.kill()


def restarted_empty(store: Store) -> None:
    store.server.kill()
    store.server.start()


def read_only(store: Store) -> None:
    with store.server.client() as client:
        client.replicaof("127.0.0.1", "1")


def slow(store: Store) -> None:
    store.proxy.delay = 5.0


def out_of_memory(store: Store) -> None:
    with store.server.client() as client:
        client.config_set("maxmemory", "1mb")


def answers_with_errors(store: Store) -> None:
    store.server.kill()
    store.until_the_end.enter_context(RefusingServer(store.server.port))


LINE = re.compile(
    r"^INFO    -  confluence-md: The store at 127\.0\.0\.1:[0-9]+ cannot be used: [^\n]+\. "
    r"This build goes on without it\. Look whether CONFLUENCE_MD_STORE is right and the server is "
    r"up\.$",
    re.MULTILINE,
)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (killed, "[Cc]onnection"),
        (restarted_empty, ""),
        (read_only, "read only replica"),
        (slow, "[Tt]imeout|timed out"),
        (out_of_memory, "memory"),
        (answers_with_errors, "this server has other plans"),
    ],
)
def test_a_server_that_fails_in_mid_build_costs_a_line_and_no_page(
    tmp_path: Path, standin: StandIn, store: Store, fault: Callable[[Store], None], reason: str
) -> None:
    standin.faults.latency = 0.2
    standin.faults.after_exports(4, lambda: fault(store))
    machines = [make_machine(tmp_path / f"m{n}", standin, store.url) for n in range(COUNT)]
    for machine in machines:
        set_limits(machine, lease=3.0, answer=3.0 if fault is slow else 30.0)

    built = build_all(machines, strict=True)

    assert [each.exit_code for each in built] == [0] * COUNT
    assert len({hash_site(each.site_dir) for each in built}) == 1
    assert set(standin.exports()) == set(standin.pages.ids())
    for each in built:
        assert each.messages() == ""
        assert "Traceback" not in each.log
        assert PASSWORD not in each.log
        lines = LINE.findall(each.log)
        if fault is restarted_empty and not lines:
            continue  # it was there again before anything was asked
        assert len(lines) == 1, each.log
        assert re.search(reason, lines[0])


def test_a_server_that_was_never_there_costs_a_line_and_no_page(
    tmp_path: Path, standin: StandIn, pages: dict[str, str], redis_server: RedisServer
) -> None:
    redis_server.kill()
    machine = make_machine(tmp_path / "m", standin, redis_server.url)

    built = machine.build(strict=True)

    assert built.exit_code == 0, built.log
    assert built.messages() == ""
    assert len(LINE.findall(built.log)) == 1
    assert sorted(standin.exports()) == sorted(pages)


def test_offline_does_not_ask_the_server(
    tmp_path: Path, standin: StandIn, redis_server: RedisServer
) -> None:
    machine = make_machine(tmp_path / "m", standin, redis_server.url)
    assert machine.build().messages() == ""
    redis_server.kill()
    machine.environment["CONFLUENCE_MD_OFFLINE"] = "1"

    assert machine.build().messages() == ""


def test_while_confluence_is_out_no_machine_waits_for_another(
    tmp_path: Path, standin: StandIn, redis_server: RedisServer
) -> None:
    standin.faults.answer(503)
    options = {"on_error": "placeholder"}
    machines = [
        make_machine(tmp_path / f"m{n}", standin, redis_server.url, options=options)
        for n in range(3)
    ]
    for machine in machines:
        machine.lose_patience(page=1.0, build=5.0)
        set_limits(machine, lease=60.0)
    begin = time.monotonic()

    built = build_all(machines)

    assert [each.exit_code for each in built] == [0] * 3
    assert all("12 pages" in each.log for each in built)
    # One after the other, they would have waited for each page of each other.
    assert time.monotonic() - begin < 60
