"""What pages from Confluence cost when nothing is to be fetched, against the same pages as files.

`python benchmarks/warm.py` writes one site three times: with pages from Confluence, with the same
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

import httpx
import yaml

from concurrency import BIN, build, serve_pages, write_site

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFLUENCE, LOCAL, FRONT_MATTER = "Confluence", "local files", "local files, front matter"
BUILT = re.compile(r"Documentation built in ([\d.]+) seconds")
PATIENCE_SECONDS = 600.0


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
    builds: list[Cost] = field(default_factory=list)
    rebuilds: list[Cost] = field(default_factory=list)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pages", type=int, default=500)
    parser.add_argument("--runs", type=int, default=5, help="counted builds of each site")
    parser.add_argument("--edits", type=int, default=5, help="counted rebuilds of each site")
    parser.add_argument("--theme", default="material")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "made").mkdir()
        write_site(root / "made", argparse.Namespace(**vars(arguments), concurrency=8))
        with serve_pages(root / "made" / "confluence", 0) as (url, variables):
            sites = write_sites(root, variables)
            build(sites[0].root, sites[0].variables)
            httpx.post(f"{url}/_standin/clear")
            measure_builds(sites, arguments.runs)
            if arguments.edits:
                measure_rebuilds(sites, arguments.edits)
            requests = httpx.get(f"{url}/_standin/stats").json()["requests"]
    print(f"{arguments.pages} pages, theme {arguments.theme}, {arguments.runs} builds, "
          f"{arguments.edits} rebuilds, {requests} requests")  # fmt: skip
    report("warm build", {site.name: site.builds for site in sites})
    if arguments.edits:
        report("rebuild after an edit", {site.name: site.rebuilds for site in sites})


def write_sites(root: Path, variables: dict[str, str]) -> list[Site]:
    """Write the same pages as pages from Confluence, as files, and as files with front matter."""
    made = root / "made"
    config = yaml.safe_load((made / "mkdocs.yml").read_text())
    variables = {**variables, "CONFLUENCE_MD_TOKEN_FILE": str(root / "tokens.json")}
    # Forever, so that a long measurement does not outlive the copies.
    config["plugins"][1]["confluence-md"]["max_age"] = "forever"
    local_config = {**config, "plugins": ["search"], "nav": ["index.md"]}
    plain, headed = {"index.md": "# Home\n"}, {"index.md": "# Home\n"}
    for entry in config["nav"][1:]:
        [(title, reference)] = entry.items()
        page_id = reference.removeprefix("confluence:")
        local_config["nav"].append({title: f"{page_id}.md"})
        plain[f"{page_id}.md"] = (made / "confluence" / f"{page_id}.md").read_text()
        headed[f"{page_id}.md"] = f"---\nowner: Jane\n---\n\n{plain[f'{page_id}.md']}"
    return [
        write_files(root / "confluence", CONFLUENCE, config, {"index.md": "# Home\n"}, variables),
        write_files(root / "plain", LOCAL, local_config, plain, {}),
        write_files(root / "headed", FRONT_MATTER, local_config, headed, {}),
    ]


def write_files(
    root: Path, name: str, config: object, files: dict[str, str], variables: dict[str, str]
) -> Site:
    """Write one site."""
    (root / "docs").mkdir(parents=True)
    (root / "mkdocs.yml").write_text(yaml.safe_dump(config))
    for path, text in files.items():
        (root / "docs" / path).write_text(text)
    return Site(name, root, variables)


def measure_builds(sites: list[Site], runs: int) -> None:
    """Build all sites in turns."""
    for site in sites[1:]:
        build(site.root, site.variables)
    for _ in range(runs):
        for site in sites:
            site.builds.append(measure_build(site))


def measure_build(site: Site) -> Cost:
    """Build a site in a process of its own."""
    command = [str(BIN / "mkdocs"), "build", "--quiet", "-f", str(site.root / "mkdocs.yml")]
    start = time.perf_counter()
    process = subprocess.Popen(command, env=make_environment(site))
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
    command = [str(BIN / "mkdocs"), "serve", "-f", config, "-a", address]
    with (site.root / "serve.log").open("w") as log:
        process = subprocess.Popen(command, env=make_environment(site), stdout=log, stderr=log)
    try:
        wait_for_build(site, 1)
        yield process
    finally:
        process.terminate()  # an interrupt would be ignored by what a shell started behind itself
        process.wait()


def make_environment(site: Site) -> dict[str, str]:
    """Return the environment of a command, without the theme's advertisement."""
    return {**os.environ, **site.variables, "NO_MKDOCS_2_WARNING": "1"}


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
