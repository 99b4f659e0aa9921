"""Builds on several machines, which share one Redis."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from exporters import PNG
from machines import build_all, hash_site, make_machine, set_limits

if TYPE_CHECKING:
    from pathlib import Path

    from projects import Project
    from redis_servers import RedisServer
    from standin import StandIn

COUNT = 4


@pytest.fixture
def pages() -> dict[str, str]:
    """Return more pages than a machine asks for at once."""
    return {str(number): f"# Page {number}\n\nText.\n" for number in range(101, 121)}


def has_text(machine: Project, text: str) -> bool:
    """Return True if a page of the site that was built has a text."""
    return any(text in path.read_text() for path in (machine.root / "site").rglob("*.html"))


def test_machines_that_build_at_once_export_each_page_once(
    tmp_path: Path, standin: StandIn, redis_server: RedisServer
) -> None:
    standin.faults.latency = 0.1
    machines = [make_machine(tmp_path / f"m{n}", standin, redis_server.url) for n in range(COUNT)]

    built = build_all(machines)

    assert [(each.exit_code, each.messages()) for each in built] == [(0, "")] * COUNT
    assert sorted(standin.exports()) == sorted(standin.pages.ids())
    assert len({hash_site(each.site_dir) for each in built}) == 1


def test_a_machine_that_builds_later_exports_nothing(
    tmp_path: Path, standin: StandIn, redis_server: RedisServer
) -> None:
    standin.pages.attachments = {"101": {"a.png": b"png"}}
    standin.pages.edit("101", "# One\n\n![a](a.png)\n")
    first, second = (make_machine(tmp_path / name, standin, redis_server.url) for name in "ab")
    assert first.build().messages() == ""
    standin.clear()

    built = second.build()

    assert built.messages() == ""
    assert standin.requests == []
    assert "20 from the cache" in built.log
    assert [path.read_bytes() for path in built.site_dir.rglob("a*.png")] == [b"png"]
    dump = redis_server.read_all()
    for secret in ("CLIENT_SECRET", "ACCESS_TOKEN"):
        assert second.environment[f"CONFLUENCE_MD_{secret}"].encode() not in dump


LEAST_RIGHTS = (
    "~confluence-md:1:* resetchannels -@all +mget +set +del +expire +pttl +evalsha +script|load "
    "+get +pexpire +lindex +lpush +ltrim"
)
"""Of a user of the server, as `ACL SETUSER` has them, for copies, leases and the rate limit."""


def test_a_user_of_the_server_needs_few_rights(
    tmp_path: Path, standin: StandIn, redis_server: RedisServer
) -> None:
    with redis_server.client() as client:
        client.execute_command("ACL SETUSER", "docs", "on", ">secret", *LEAST_RIGHTS.split())
    url = f"redis://docs:secret@127.0.0.1:{redis_server.port}"
    machines = [make_machine(tmp_path / f"m{n}", standin, url) for n in range(2)]
    for machine in machines:
        set_limits(machine, calls=15, seconds=1, lease=1.0)

    built = build_all(machines)

    assert [(each.exit_code, each.messages()) for each in built] == [(0, "")] * 2
    assert sorted(standin.exports()) == sorted(standin.pages.ids())


def test_machines_that_build_at_once_export_a_tree_once(
    tmp_path: Path, standin: StandIn, redis_server: RedisServer
) -> None:
    standin.faults.latency = 0.5
    nav = [{"Handbook": "confluence:101/"}]
    machines = [
        make_machine(tmp_path / f"m{n}", standin, redis_server.url, nav=nav) for n in range(3)
    ]

    built = build_all(machines)

    assert [(each.exit_code, each.messages()) for each in built] == [(0, "")] * 3
    assert standin.tree_exports() == ["101"]
    assert len({hash_site(each.site_dir) for each in built}) == 1


def test_attachments_are_exported_once(
    tmp_path: Path, standin: StandIn, redis_server: RedisServer
) -> None:
    standin.faults.latency = 0.2
    ids = sorted(standin.pages.ids())[:5]
    standin.pages.attachments = {each: {"a.png": PNG} for each in ids}
    for each in ids:
        standin.pages.edit(each, f"# Page {each}\n\n![a](a.png)\n")
    machines = [make_machine(tmp_path / f"m{n}", standin, redis_server.url) for n in range(3)]

    built = build_all(machines)

    assert [(each.exit_code, each.messages()) for each in built] == [(0, "")] * 3
    assert sorted(standin.bulk_exports()) == ids
    assert sorted(standin.exports()) == sorted(standin.pages.ids())


def test_with_no_age_a_build_takes_only_what_is_newer_than_its_start(
    tmp_path: Path, standin: StandIn, redis_server: RedisServer
) -> None:
    options = {"max_age": "0"}
    first, second = (
        make_machine(tmp_path / name, standin, redis_server.url, options=options) for name in "ab"
    )
    assert first.build().messages() == ""
    standin.pages.edit("101", "# Edited\n")

    assert second.build().messages() == ""

    assert set(Counter(standin.exports()).values()) == {2}
    assert has_text(second, "Edited")


def test_pages_that_may_not_be_seen_are_errors_on_each_machine(
    tmp_path: Path, standin: StandIn, redis_server: RedisServer
) -> None:
    standin.faults.latency = 0.5
    standin.faults.denied = {"105"}
    options = {"on_error": "placeholder"}
    machines = [
        make_machine(tmp_path / f"m{n}", standin, redis_server.url, options=options)
        for n in range(3)
    ]

    built = build_all(machines)

    assert [each.exit_code for each in built] == [0] * 3
    assert all("105" in each.messages() for each in built)
    assert Counter(standin.exports())["105"] == 3


def test_only_pages_that_have_changed_are_exported_by_one_of_the_machines(
    tmp_path: Path, standin: StandIn, redis_server: RedisServer
) -> None:
    options = {"max_age": "0"}
    machines = [
        make_machine(tmp_path / f"m{n}", standin, redis_server.url, options=options)
        for n in range(COUNT)
    ]
    for machine in machines:
        machine.environment |= standin.rest_environment()
    assert machines[0].build().messages() == ""
    standin.clear()
    standin.pages.edit("101", "# Edited\n")
    standin.faults.latency = 1.0

    built = build_all(machines)

    assert [(each.exit_code, each.messages()) for each in built] == [(0, "")] * COUNT
    assert standin.exports() == ["101"]
    assert all(has_text(machine, "Edited") for machine in machines)


def test_all_machines_together_send_no_more_than_a_user_may(
    tmp_path: Path, standin: StandIn, redis_server: RedisServer
) -> None:
    calls, seconds = 8, 3
    machines = [make_machine(tmp_path / f"m{n}", standin, redis_server.url) for n in range(COUNT)]
    for machine in machines:
        set_limits(machine, calls=calls, seconds=seconds)

    begin = time.monotonic()

    built = build_all(machines)

    assert [(each.exit_code, each.messages()) for each in built] == [(0, "")] * COUNT
    times = [each.started for each in standin.requests if each.is_export]
    assert len(times) == len(standin.pages.ids())
    # Of twenty, eight go at once, and eight in each window.
    assert max(times) - begin >= 2 * seconds
