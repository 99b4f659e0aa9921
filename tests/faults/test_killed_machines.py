"""Machines that are killed in the middle of an export: others go on when the lease has ended."""

from __future__ import annotations

import random
import time
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from machines import hash_site, make_machine, set_limits, start_build

if TYPE_CHECKING:
    from pathlib import Path

    from redis_servers import RedisServer
    from standin import StandIn

COUNT = 3
LEASE = 5.0
SLACK = 20.0
"""Seconds that a busy machine may take for what it does at once otherwise."""


@pytest.fixture
def pages() -> dict[str, str]:
    """Return more pages than a machine asks for at once."""
    return {str(number): f"# Page {number}\n\nText.\n" for number in range(101, 121)}


@pytest.mark.parametrize("seed", range(3))
def test_pages_of_a_machine_that_was_killed_wait_no_longer_than_its_lease(
    tmp_path: Path, standin: StandIn, redis_server: RedisServer, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311  any moment will do
    standin.faults.latency = 0.3
    machines = [make_machine(tmp_path / f"m{n}", standin, redis_server.url) for n in range(COUNT)]
    with ExitStack() as running:
        for machine in machines:
            set_limits(machine, lease=LEASE)
        victim, *others = [running.enter_context(start_build(each)) for each in machines]
        assert standin.wait_for_exports(chance.randint(1, 8), 60)
        time.sleep(chance.uniform(0, 0.3))
        victim.kill()
        killed_at = time.monotonic()

        assert [each.wait(120) for each in others] == [0] * len(others)

    sites = {hash_site(machine.root / "site") for machine in machines[1:]}
    assert len(sites) == 1
    # A machine that is killed while it sends asks for no page.
    counts = Counter(filter(None, standin.exports()))
    assert counts.keys() == set(standin.pages.ids())
    assert set(counts.values()) <= {1, 2}
    started = [each.started for each in standin.requests if each.is_export]
    assert max(started) - killed_at < LEASE + SLACK
