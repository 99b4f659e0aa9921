"""Many builds at once, each with its own empty directory, with and without a store that they share.

`python -m benchmarks.machines` (`make machines`) builds one site on several machines at once, which
are processes here, from the stand-in, and prints a table: exports, refreshes of the sign-in, and
seconds. `--kills 50` kills one of eight builds in the middle of an export, so many times, and
prints how long its pages waited; `--a-minute 60` lowers the rate limit, and prints the most
requests that the stand-in saw in a minute. It needs Debian's `redis-server`.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.fleet import write_pages
from benchmarks.table import format_table
from machines import hash_site, make_machine, set_limits, start_build
from mkdocs_confluence_md.auth.shared_token_store import SharedTokenStore
from mkdocs_confluence_md.network.shared_store import KEY_PREFIX, LEASE_SECONDS, SharedStore
from projects import keep_login, make_login
from redis_servers import RedisServer
from standin import StandIn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from projects import Project

HEAD = ["", "exports", "refreshes", "first site", "last site", "failed", "sites"]
KILLED_MACHINES, KILLED_PAGES = 8, 24
MINUTE_SECONDS = 60.0
PATIENCE_SECONDS = 1200.0


@dataclass(frozen=True)
class Outcome:
    """What was seen of builds at once."""

    exports: int
    refreshes: int
    seconds: Sequence[float]
    """From the start until each site was there, shortest first."""
    failed: int
    sites: int
    """Different ones."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.machines", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--machines", type=int, default=20)
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--latency", type=int, default=1000, help="milliseconds an answer")
    parser.add_argument("--kills", type=int, default=0, help="kill so many builds instead")
    parser.add_argument("--a-minute", type=int, default=0, help="so many requests instead")
    parser.add_argument(
        "--chain", action="store_true", help="one expired sign-in in the store, for all machines"
    )
    arguments = parser.parse_args()

    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="machines-")))
        if arguments.kills:
            print_kills(root, arguments.kills)
        elif arguments.a_minute:
            print_rate(root, arguments)
        else:
            print_builds(root, arguments)


def print_builds(root: Path, arguments: argparse.Namespace) -> None:
    """Print a table: all machines without a store, and with one."""
    rows = []
    for name in ("without a store", "with a store", "once more, from empty directories"):
        if name != "once more, from empty directories":
            stack = ExitStack()
            standin, server = stack.enter_context(
                serve(root / name, arguments.pages, arguments.latency / 1000)
            )
        url = "" if name == "without a store" else server.url
        is_chain = bool(arguments.chain and url)
        if is_chain:
            store = SharedTokenStore(SharedStore(url), standin.client_secret)
            keep_login(store, make_login(standin))
        machines = []
        for number in range(arguments.machines):
            machine = make_machine(root / name / f"m{number}", standin, url)
            if is_chain or not url:
                del machine.environment["CONFLUENCE_MD_ACCESS_TOKEN"]
                machine.environment |= standin.environment()
            if is_chain:
                del machine.environment["CONFLUENCE_MD_REFRESH_TOKEN"]
            machines.append(machine)
        standin.clear()
        outcome = build_all(standin, machines)
        rows.append(make_row(name, outcome))
        if url and name == "with a store":
            with server.client() as client:
                names = list(client.scan_iter(f"{KEY_PREFIX}copy:*", count=1000))
                used = sum(client.memory_usage(each) for each in names) / len(names)
            text = len(next(write_pages(1)))
            print(f"a page of {text:,} bytes takes {used:,.0f} in the store", file=sys.stderr)
        else:
            stack.close()
    print(format_table(HEAD, rows))


def make_row(name: str, outcome: Outcome) -> list[str]:
    """Return a row of the table."""
    return [
        name,
        f"{outcome.exports:,}",
        str(outcome.refreshes),
        f"{outcome.seconds[0]:.1f} s" if outcome.seconds else "",
        f"{outcome.seconds[-1]:.1f} s" if outcome.seconds else "",
        str(outcome.failed),
        str(outcome.sites),
    ]


def build_all(standin: StandIn, machines: Sequence[Project]) -> Outcome:
    """Build on all machines at once."""
    begin = time.monotonic()
    with ExitStack() as stack:
        builds = [stack.enter_context(start_build(machine)) for machine in machines]
        seconds: dict[int, float] = {}
        while len(seconds) < len(builds) and time.monotonic() < begin + PATIENCE_SECONDS:
            for number, build in enumerate(builds):
                if number not in seconds and build.poll() is not None:
                    seconds[number] = time.monotonic() - begin
            time.sleep(0.05)
        failed = [number for number, build in enumerate(builds) if build.poll() != 0]
    for number in failed[:1]:
        print((machines[number].root / "log.txt").read_text()[-2000:], file=sys.stderr)
    sites = {hash_site(machine.root / "site") for machine in machines}
    refreshes = sum(request.path.endswith("/oauth/token") for request in standin.requests)
    return Outcome(
        len(standin.exports()), refreshes, sorted(seconds.values()), len(failed), len(sites)
    )


def print_kills(root: Path, kills: int) -> None:
    """Kill a build in the middle of an export, again and again, and print what became of it."""
    chance = random.Random(24)  # noqa: S311  any moment will do
    waits: list[float] = []
    again = failed = 0
    for number in range(kills):
        folder = root / str(number)
        with serve(folder, KILLED_PAGES, 0.5) as (standin, server), ExitStack() as stack:
            machines = [
                make_machine(folder / f"m{each}", standin, server.url)
                for each in range(KILLED_MACHINES)
            ]
            for machine in machines:
                set_limits(machine, lease=LEASE_SECONDS)
            builds = [stack.enter_context(start_build(machine)) for machine in machines]
            standin.wait_for_exports(chance.randint(1, KILLED_PAGES - 4), 60)
            time.sleep(chance.uniform(0, 0.5))
            victim = chance.randrange(KILLED_MACHINES)
            builds[victim].kill()
            killed_at = time.monotonic()
            others = [build for each, build in enumerate(builds) if each != victim]
            failed += sum(build.wait(PATIENCE_SECONDS) != 0 for build in others)
            exports = [each for each in standin.requests if each.is_export]
            first = {each.page_id: each for each in reversed(exports)}
            late = [each for each in exports if each is not first[each.page_id]]
            again += len(late)
            waits += [each.started - killed_at for each in late]
        print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    print(
        f"{kills} builds killed of {KILLED_MACHINES} at once: {failed} of the others failed; "
        f"{again} exports were made again, at most {max(waits, default=0.0):.1f} s after the kill "
        f"(the lease has {LEASE_SECONDS:g} s)"
    )


def print_rate(root: Path, arguments: argparse.Namespace) -> None:
    """Lower the rate limit, and print the most requests that came in any minute."""
    count = min(arguments.machines, 8)
    with serve(root, arguments.pages, 0.1) as (standin, server):
        machines = [make_machine(root / f"m{n}", standin, server.url) for n in range(count)]
        for machine in machines:
            set_limits(machine, calls=arguments.a_minute)
        outcome = build_all(standin, machines)
        times = sorted(each.started for each in standin.requests if each.is_export)
    most = max(sum(start <= moment < start + MINUTE_SECONDS for moment in times) for start in times)
    print(
        f"{count} machines, {arguments.a_minute} requests a minute: {outcome.exports} exports in "
        f"{outcome.seconds[-1]:.0f} s, at most {most} in any minute; {outcome.failed} failed"
    )


@contextmanager
def serve(root: Path, pages: int, latency: float) -> Iterator[tuple[StandIn, RedisServer]]:
    """Run the stand-in with some pages, and an empty Redis."""
    root.mkdir(parents=True, exist_ok=True)
    texts = {str(number): text for number, text in enumerate(write_pages(pages), start=1001)}
    with StandIn(texts) as standin, RedisServer(root) as server:
        standin.faults.latency = latency
        yield standin, server


if __name__ == "__main__":
    main()
