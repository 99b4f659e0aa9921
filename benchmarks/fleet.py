"""A simulation of many CI runners a day, with and without a store that they share.

`python -m benchmarks.fleet` (`make fleet`) has a clock of its own and no network: it takes seconds
for a day. It uses the project's rate limit as the platform's, its rule of leases (who comes first
exports, all others wait for the copy), and the bytes that it would write of a page.
"""

from __future__ import annotations

import argparse
import heapq
import math
import random
import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, cast

from benchmarks.table import format_table
from mkdocs_confluence_md.auth.sealing import Seal
from mkdocs_confluence_md.cache.controller import write_copy
from mkdocs_confluence_md.cache.records import copy_key, page_resource
from mkdocs_confluence_md.cache.shared import SharedCopies
from mkdocs_confluence_md.network.shared_rate import USER_CALLS
from mkdocs_confluence_md.network.throttling import Rate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mkdocs_confluence_md.network.shared_store import OptionalStore

SHARES = (0.01, 0.1, 1.0)
HEAD = ["changed", "store", "exports", "minutes at the limit", "median", "longest", "memory"]
# What Redis 7 needs for a name, a value and a TTL besides their bytes (`MEMORY USAGE`).
KEY_OVERHEAD_BYTES = 110
ASSUMPTIONS = """\
Assumptions:
- {runners} builds a day begin at random times within {hours:g} hours, each from an empty directory.
- All are of one site with {pages:,} pages, as one user, who may send {calls:,} requests a minute;
  they wait as long as that takes.
- An export takes {latency:g} s, and a build has {in_flight} in flight at most.
- A page that changes does so once, at a random time of these hours.
- The store is empty in the morning. With an API token, a build knows which copies are still good;
  without one, a copy is good for {max_age:g} minutes.
- Times are those of fetching pages: questions for versions, and attachments, are not counted.
- A page has {size:,} bytes of random words, which shrink less than prose.
"""


@dataclass(frozen=True)
class Fleet:
    """The builds of a day."""

    runners: int = 500
    pages: int = 2000
    hours: float = 10.0
    """In which they begin."""
    latency: float = 1.0
    """Seconds an export takes."""
    in_flight: int = 64
    """Exports of a build at once."""
    max_age: float = 900.0
    """Seconds for which a copy is good where nothing else is known."""


@dataclass(frozen=True)
class Day:
    """What became of the builds."""

    exports: int
    full_minutes: int
    """In which requests had to wait for the rate limit."""
    seconds: list[float]
    """That each build took to fetch all its pages."""


@dataclass
class _Runner:
    begin: float
    pages: list[int]
    """Left to export, last first."""
    end: float = 0.0


def simulate(
    fleet: Fleet, changed: float, *, shared: bool, knows_versions: bool = True, seed: int = 24
) -> Day:
    """Simulate a day.

    Args:
        fleet: The builds.
        changed: The share of pages that change, from 0 to 1.
        shared: Whether there is a store.
        knows_versions: Whether builds know which copies are still good.
        seed: Of the random numbers.
    """
    chance = random.Random(seed)  # noqa: S311  a simulation
    hours = fleet.hours * 3600
    begins = sorted(chance.uniform(0, hours) for _ in range(fleet.runners))
    changing = chance.sample(range(fleet.pages), round(fleet.pages * changed))
    changes = {page: chance.uniform(0, hours) for page in changing}

    def find_oldest(page: int, begin: float) -> float:
        """Return when a copy must have been exported at the earliest to be good for a build."""
        if not knows_versions:
            return begin - fleet.max_age
        change = changes.get(page, math.inf)
        return change if change <= begin else -math.inf

    copies: dict[int, tuple[float, float]] = {}
    """Of each page in the store, or being exported: when that began and when it ends."""
    rate = Rate(USER_CALLS)
    runners = [_Runner(begin, list(range(fleet.pages)), begin) for begin in begins]
    # Each entry is a free place of a runner for one more export.
    places = [(each.begin, number) for number, each in enumerate(runners)] * fleet.in_flight
    heapq.heapify(places)
    exports = 0
    full_minutes: set[int] = set()
    while places:
        now, number = heapq.heappop(places)
        runner = runners[number]
        while runner.pages:
            page = runner.pages.pop()
            asked_at, there_at = copies.get(page, (-math.inf, -math.inf))
            if not shared or page not in copies or asked_at < find_oldest(page, runner.begin):
                break
            # It is there, or another one has the lease.
            runner.end = max(runner.end, there_at)
        else:
            continue
        sent_at = now + rate.delay(now, evenly=False)
        rate.send(sent_at)
        exports += 1
        if sent_at > now:
            full_minutes |= set(range(int(now // 60), int(sent_at // 60) + 1))
        there_at = sent_at + fleet.latency
        copies[page] = sent_at, there_at
        runner.end = max(runner.end, there_at)
        heapq.heappush(places, (there_at, number))
    return Day(exports, len(full_minutes), [each.end - each.begin for each in runners])


class _Collector:
    """Takes what would be written to a store, as the client that it would be written with."""

    def __init__(self) -> None:
        self.size = 0

    def attempt(self, operation: Callable[[Any], Any], **_: object) -> Any:  # noqa: ANN401  a client's answer
        return operation(self)

    def set(self, name: str, value: bytes, **_: object) -> bool:
        self.size += len(name) + len(value) + KEY_OVERHEAD_BYTES
        return True


def measure_memory(texts: Iterator[str]) -> int:
    """Return how many bytes copies of pages take in a store."""
    collector = _Collector()
    copies = SharedCopies(cast("OptionalStore", collector), lambda: Seal("a secret", "copies"))
    for number, text in enumerate(texts):
        base_url = "https://api.atlassian.com/svc/confluence/11111111-2222-3333-4444-555555555555"
        key = copy_key(page_resource(base_url, str(number)), "0123456789abcdef")
        for name, value in write_copy(key, text, {}, time.time).items():
            copies.write(name, value)
    return collector.size


WORDS = "deploy service cluster the of a region rolls out after check alert owner is on"


def write_pages(count: int) -> Iterator[str]:
    """Yield pages of about 4 kB."""
    chance = random.Random(1)  # noqa: S311  the same pages each time
    for number in range(1001, 1001 + count):
        lines = [" ".join(chance.choices(WORDS.split(), k=14)) + "." for _ in range(50)]
        yield f"# Page {number}\n\n" + "\n\n".join(lines) + "\n"


def make_report(fleet: Fleet) -> str:
    """Return the table, with what it assumes."""
    sample = min(fleet.pages, 200)
    memory = measure_memory(write_pages(sample)) / sample * fleet.pages
    rows = [_make_row("any", "no", simulate(fleet, 0.0, shared=False), 0.0)]
    blind = simulate(fleet, 0.0, shared=True, knows_versions=False)
    rows.append(_make_row("any", "yes, no API token", blind, memory))
    for changed in SHARES:
        day = simulate(fleet, changed, shared=True)
        rows.append(_make_row(f"{changed:.0%}", "yes", day, memory))
    assumptions = ASSUMPTIONS.format(
        runners=fleet.runners,
        hours=fleet.hours,
        pages=fleet.pages,
        calls=USER_CALLS,
        latency=fleet.latency,
        in_flight=fleet.in_flight,
        max_age=fleet.max_age / 60,
        size=len(next(write_pages(1))),
    )
    return f"{assumptions}\n{format_table(HEAD, rows)}"


def _make_row(changed: str, store: str, day: Day, memory: float) -> list[str]:
    return [
        changed,
        store,
        f"{day.exports:,}",
        str(day.full_minutes),
        f"{median(day.seconds):,.0f} s",
        f"{max(day.seconds):,.0f} s",
        f"{memory / 1e6:.1f} MB" if memory else "",
    ]


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fleet", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--runners", type=int, default=Fleet.runners, help="builds a day")
    parser.add_argument("--pages", type=int, default=Fleet.pages)
    parser.add_argument("--hours", type=float, default=Fleet.hours)
    arguments = parser.parse_args()
    print(make_report(Fleet(arguments.runners, arguments.pages, arguments.hours)))


if __name__ == "__main__":
    main()
