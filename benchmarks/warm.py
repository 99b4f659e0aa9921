"""What pages from Confluence cost when nothing is to be fetched, against the same pages as files.

`python -m benchmarks.warm` writes one site three times: with pages from Confluence, with the same
Markdown as local files, and with local files that have a line of front matter each. Then it

- builds each site several times, in turns, after one build that nobody counts: it fills the cache;
- serves the sites side by side, edits a local page of each several times, in turns, and reads how
  long MkDocs says that the rebuild took.

It prints medians and ratios of wall time and of processor time, and the least processor time, which
other work on the machine disturbs least. It needs Linux, which tells how much processor time a
server has used.
"""

from __future__ import annotations

import argparse
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.confluence import Confluence
from benchmarks.contestants import Contestant, Job, LocalFiles, Plugin
from benchmarks.peers import OWN_BIN
from benchmarks.sites import Content

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFLUENCE, LOCAL, FRONT_MATTER = "Confluence", "local files", "local files, front matter"
BUILT = re.compile(r"Documentation built in ([\d.]+) seconds")
PATIENCE_SECONDS = 600.0


class HeadedFiles(LocalFiles):
    """Local files that have a line of front matter each."""

    def write(self, job: Job) -> None:
        """Write the pages, then what heads them."""
        super().write(job)
        for path in (job.root / "docs" / "pages").iterdir():
            path.write_text(f"---\nowner: Jane\n---\n\n{path.read_text()}")


CONTESTANTS = {CONFLUENCE: Plugin(), LOCAL: LocalFiles(), FRONT_MATTER: HeadedFiles()}


@dataclass(frozen=True)
class Cost:
    """What a build took."""

    wall: float
    processor: float
    memory: float = 0.0
    """At most, in MB; 0 where it is not known."""


@dataclass
class Site:
    """One of the sites that are compared."""

    name: str
    root: Path
    variables: dict[str, str]
    """The environment of its builds."""
    builds: list[Cost] = field(default_factory=list)
    rebuilds: list[Cost] = field(default_factory=list)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.warm", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--pages", type=int, default=500)
    parser.add_argument("--runs", type=int, default=5, help="counted builds of each site")
    parser.add_argument("--edits", type=int, default=5, help="counted rebuilds of each site")
    parser.add_argument("--theme", default="material")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        root, content = Path(folder), Content(arguments.pages)
        content.write(root / "confluence")
        with Confluence(root / "confluence") as confluence:
            sites = [
                write_site(name, contestant, Job(root / name, content, confluence, arguments.theme))
                for name, contestant in CONTESTANTS.items()
            ]
            measure_build(sites[0])
            confluence.forget()
            measure_builds(sites, arguments.runs)
            if arguments.edits:
                measure_rebuilds(sites, arguments.edits)
            requests = confluence.stats()["requests"]
    print(f"{arguments.pages} pages, theme {arguments.theme}, {arguments.runs} builds, "
          f"{arguments.edits} rebuilds, {requests} requests")  # fmt: skip
    report("warm build", {site.name: site.builds for site in sites})
    if arguments.edits:
        report("rebuild after an edit", {site.name: site.rebuilds for site in sites})


def write_site(name: str, contestant: Contestant, job: Job) -> Site:
    """Write one site."""
    job.root.mkdir()
    contestant.write(job)
    return Site(name, job.root, contestant.environment(job))


def measure_builds(sites: list[Site], runs: int) -> None:
    """Build all sites in turns."""
    for site in sites[1:]:
        measure_build(site)
    for _ in range(runs):
        for site in sites:
            site.builds.append(measure_build(site))


def measure_build(site: Site) -> Cost:
    """Build a site in a process of its own."""
    command = [str(OWN_BIN / "mkdocs"), "build", "--quiet", "-f", str(site.root / "mkdocs.yml")]
    start = time.perf_counter()
    process = subprocess.Popen(command, env=site.variables)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"the build of {site.name} failed")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def measure_rebuilds(sites: list[Site], edits: int) -> None:
    """Serve all sites, and edit the home page of each in turns."""
    with ExitStack() as stack:
        processes = [stack.enter_context(serving(site)) for site in sites]
        for edit in range(edits + 1):
            for site, process in zip(sites, processes, strict=True):
                cost = measure_rebuild(site, process, f"# Home\n\nEdit {edit}.\n")
                if edit:  # the first rebuild fills what is kept between rebuilds
                    site.rebuilds.append(cost)


def measure_rebuild(site: Site, process: subprocess.Popen[bytes], text: str) -> Cost:
    """Edit the home page and wait until the site is built."""
    before, count = processor_seconds(process), len(read_builds(site))
    (site.root / "docs" / "index.md").write_text(text)
    wall = wait_for_build(site, count + 1)
    return Cost(wall, processor_seconds(process) - before)


@contextmanager
def serving(site: Site) -> Iterator[subprocess.Popen[bytes]]:
    """Run `mkdocs serve`, once the first build is done."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    config = str(site.root / "mkdocs.yml")
    command = [str(OWN_BIN / "mkdocs"), "serve", "-f", config, "-a", address]
    with (site.root / "serve.log").open("w") as log:
        process = subprocess.Popen(command, env=site.variables, stdout=log, stderr=log)
    try:
        wait_for_build(site, 1)
        yield process
    finally:
        process.terminate()  # an interrupt would be ignored by what a shell started behind itself
        process.wait()


def read_builds(site: Site) -> list[float]:
    """Read how long each build took, from the server's log."""
    return [float(seconds) for seconds in BUILT.findall((site.root / "serve.log").read_text())]


def wait_for_build(site: Site, number: int) -> float:
    """Wait until a server has built so many times; return the seconds that the last one took."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(builds := read_builds(site)) < number:
        if time.monotonic() > deadline:
            sys.exit(f"the server of {site.name} built nothing")
        time.sleep(0.05)
    return builds[-1]


def processor_seconds(process: subprocess.Popen[bytes]) -> float:
    """Return the processor time that a running process has used, in it and in the kernel."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def report(title: str, costs: dict[str, list[Cost]]) -> None:
    """Print medians and the least processor time, and ratios to the local files."""
    floor, least_floor = median_cost(costs[LOCAL]), find_least(costs[LOCAL])
    print(f"\n{title}")
    for name, all_costs in costs.items():
        cost = median_cost(all_costs)
        wall = f"{cost.wall:7.2f} s = {cost.wall / floor.wall:.3f} x"
        processor = f"{cost.processor:7.2f} s = {cost.processor / floor.processor:.3f} x"
        least = f"least {find_least(all_costs) / least_floor:.3f} x"
        memory = f", {cost.memory:.0f} MB" if cost.memory else ""
        print(f"  {name:26}{wall}; processor {processor}, {least}{memory}")


def find_least(costs: list[Cost]) -> float:
    """Return the least processor time."""
    return min(cost.processor for cost in costs)


def median_cost(costs: list[Cost]) -> Cost:
    """Return the medians of builds."""
    return Cost(
        median(cost.wall for cost in costs),
        median(cost.processor for cost in costs),
        median(cost.memory for cost in costs),
    )


if __name__ == "__main__":
    main()
