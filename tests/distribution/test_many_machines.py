"""The benchmarks of many machines: the arithmetic of the simulation, and that they run."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks.fleet import (
    KEY_OVERHEAD_BYTES,
    Fleet,
    make_report,
    measure_memory,
    simulate,
    write_pages,
)
from mkdocs_confluence_md.cache.shared import name_copy
from places import ROOT, SUPPORT

if TYPE_CHECKING:
    from redis_servers import RedisServer

SMALL = Fleet(runners=20, pages=100, hours=1.0)


def test_without_a_store_each_build_exports_all_pages() -> None:
    day = simulate(SMALL, 0.5, shared=False)

    assert day.exports == 2000
    assert len(day.seconds) == 20


@pytest.mark.parametrize(("changed", "most"), [(0.0, 100), (0.1, 110), (1.0, 200)])
def test_with_a_store_each_version_of_a_page_is_exported_once(changed: float, most: int) -> None:
    day = simulate(SMALL, changed, shared=True)

    # Nothing exports what changes after the last build has begun.
    assert 100 <= day.exports <= most
    assert day.exports > 0.9 * most


def test_builds_at_once_wait_for_each_other() -> None:
    day = simulate(Fleet(runners=20, pages=100, hours=0.0), 0.0, shared=True)

    assert day.exports == 100
    assert day.full_minutes == 0
    assert max(day.seconds) == pytest.approx(1.0)


def test_without_an_api_token_copies_are_good_for_a_while() -> None:
    day = simulate(SMALL, 0.0, shared=True, knows_versions=False)

    # Of an hour, four quarters.
    assert 300 <= day.exports <= 400


def test_the_limit_of_the_platform_makes_builds_wait() -> None:
    fleet = Fleet(runners=1, pages=3000)

    day = simulate(fleet, 0.0, shared=False)

    # 1,200 at once, and as many after each window of 61 seconds.
    assert 122 < day.seconds[0] < 145
    assert day.full_minutes >= 2


def test_the_memory_of_a_page_is_about_what_a_server_says(redis_server: RedisServer) -> None:
    name, value = name_copy("https://api.example/x"), bytes(1200)
    with redis_server.client() as client:
        client.set(name, value, ex=1000)
        used = client.memory_usage(name)

    # A server rounds up to what it can allocate.
    assert len(name) + len(value) < used < len(name) + len(value) + 3 * KEY_OVERHEAD_BYTES
    assert 1000 < measure_memory(write_pages(1)) < 2000


def test_the_report_says_what_it_assumes() -> None:
    report = make_report(SMALL)

    assert "20 builds a day" in report
    assert "| any | no | 2,000 |" in report
    assert len(report.split("\n\n")[-1].splitlines()) == 7


def test_builds_at_once_are_measured(redis_server: RedisServer) -> None:
    redis_server.kill()  # it is only looked whether there is one
    finished = subprocess.run(
        [sys.executable, "-m", "benchmarks.machines", "--machines=2", "--pages=4", "--latency=10"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{SUPPORT}:{ROOT / 'example-site'}"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert finished.returncode == 0, finished.stderr
    rows = [[cell.strip() for cell in row.split("|")] for row in finished.stdout.splitlines()[2:]]
    assert [row[2:4] + row[6:8] for row in rows] == [
        ["8", "2", "0", "1"],
        ["4", "0", "0", "1"],
        ["0", "0", "0", "1"],
    ]
