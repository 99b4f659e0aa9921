"""Builds on several machines at once, which share one Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from machines import build_all, hash_site, make_machine

if TYPE_CHECKING:
    from pathlib import Path

    from servers import RedisServer
    from standin import StandIn

COUNT = 4


def test_machines_that_build_at_once_export_each_page_once(
    tmp_path: Path, standin: StandIn, pages: dict[str, str], redis_server: RedisServer
) -> None:
    pages |= {str(number): f"# Page {number}\n\nText.\n" for number in range(200, 215)}
    standin.faults.latency = 0.1
    machines = [make_machine(tmp_path / f"m{n}", standin, redis_server.url) for n in range(COUNT)]

    built = build_all(machines)

    assert [(each.exit_code, each.messages()) for each in built] == [(0, "")] * COUNT
    assert sorted(standin.exports()) == sorted(pages)
    assert len({hash_site(each) for each in built}) == 1
