"""What is measured: scenarios, the sizes and latencies they are measured at, and how."""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.confluence import Confluence
from benchmarks.contestants import Job, LocalFiles, Plugin
from benchmarks.measuring import measure_build
from benchmarks.serving import measure_rebuilds
from benchmarks.sites import Content, id_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.contestants import Contestant, Copies
    from benchmarks.measuring import Run

REFUSAL = {"status": 429, "headers": {"Retry-After": "1"}}
"""How Confluence refuses a request: `Retry-After` is whole seconds there."""

Results = dict[str, list["Run"]]
"""The runs of each contestant by its name, in order of the rounds."""


@dataclass(frozen=True)
class Scenario:
    """What happens to Confluence and to the site before the build that is measured."""

    title: str
    copies: Copies = "fresh"
    warm: bool = False
    """Whether there was a build before."""
    changing: bool = False
    """Whether a page has changed since."""
    etags: bool = False
    asks_for_versions: bool = False
    """Whether the plugin has credentials for Confluence's own REST API."""
    refusals: int = 0
    """How many of the first requests for the text of a page are answered with 429."""
    down: bool = False
    serving: bool = False
    only: frozenset[str] = frozenset()
    """The contestants for which it differs from another scenario; empty for all of them."""


SCENARIOS = {
    "cold": Scenario("cold"),
    "unchanged": Scenario("unchanged", warm=True),
    "changed": Scenario("one page changed", "checked", warm=True, changing=True),
    "changed-etags": Scenario(
        "one page changed, with ETags",
        "checked",
        warm=True,
        changing=True,
        etags=True,
        only=frozenset({LocalFiles.name, Plugin.name}),
    ),
    "changed-versions": Scenario(
        "one page changed, with REST credentials",
        "checked",
        warm=True,
        changing=True,
        asks_for_versions=True,
        only=frozenset({LocalFiles.name, Plugin.name}),
    ),
    "throttled": Scenario("cold, 30 x 429", refusals=30),
    "down": Scenario("Confluence down, copies expired", "expired", warm=True, down=True),
    "serve": Scenario("local edit under serve", serving=True),
}


@dataclass(frozen=True)
class Cell:
    """A scenario at one size and one latency."""

    scenario: str
    pages: int
    latency: int
    """Milliseconds that each request takes."""
    other_latency: int | None = None
    """Milliseconds that requests take that are not for pages, if they differ."""
    slowing: int = 0
    """Milliseconds that a request takes longer for each one that is in flight with it."""

    @property
    def time_limit(self) -> float:
        """Seconds after which a build is given up: more than any that comes to an end needs."""
        return 30.0 + self.pages


def measure_cell(
    cell: Cell, contestants: Sequence[Contestant], *, runs: int, theme: str
) -> Results:
    """Measure a cell: each round has one run of each contestant, so that noise hits all alike."""
    scenario = SCENARIOS[cell.scenario]
    present = [
        each
        for each in contestants
        if (not scenario.only or each.name in scenario.only)
        and (each.serves or not scenario.serving)
    ]
    content = Content(cell.pages)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        root = Path(folder)
        content.write(root / "confluence")
        with Confluence(root / "confluence") as confluence:
            confluence.warm_up(map(id_of, range(cell.pages)))
            job = Job(root, content, confluence, theme, scenario.copies, scenario.asks_for_versions)
            lanes = [Lane(each, replace(job, root=root / each.name), cell) for each in present]
            measure = measure_rebuilds if scenario.serving else _measure_builds
            measure(lanes, runs)
            return {lane.contestant.name: lane.runs for lane in lanes}


class Lane:
    """A contestant at work on its site, in one cell."""

    def __init__(self, contestant: Contestant, job: Job, cell: Cell) -> None:
        """Begin with nothing."""
        self.contestant = contestant
        self.job = job
        self.scenario = SCENARIOS[cell.scenario]
        self.runs: list[Run] = []
        self._cell = cell

    def begin(self) -> None:
        """Write the project anew, without what earlier builds left; build it if that is due."""
        shutil.rmtree(self.job.root, ignore_errors=True)
        self.job.root.mkdir()
        self.contestant.write(self.job)
        if self.scenario.warm:
            # Without latency: how this build fares is not the question.
            self.job.confluence.set_faults(etags=self.scenario.etags)
            self._build()

    def set_faults(self) -> None:
        """Let Confluence behave as in the scenario."""
        latency, other = self._cell.latency / 1000, self._cell.other_latency
        refusal = {**REFUSAL, "route": self.contestant.route, "times": self.scenario.refusals}
        self.job.confluence.set_faults(
            latency=latency,
            slowing=self._cell.slowing / 1000,
            other_latency=latency if other is None else other / 1000,
            etags=self.scenario.etags,
            answers=[refusal] if self.scenario.refusals else [],
        )

    def run(self) -> None:
        """Build once, unless it is known by now that there would be no end to it."""
        if any(run.is_endless for run in self.runs):
            return
        if not self.scenario.warm:
            self.begin()
        self.set_faults()
        self.runs.append(self._build())
        print(".", end="", file=sys.stderr, flush=True)

    def _build(self) -> Run:
        return measure_build(self.contestant, self.job, self._cell.time_limit)


def _measure_builds(lanes: Sequence[Lane], runs: int) -> None:
    scenario, job = lanes[0].scenario, lanes[0].job
    if scenario.warm:
        for lane in lanes:
            lane.begin()
    if scenario.down:
        job.confluence.stop()
    for number in range(runs):
        if scenario.changing:
            _change_page(lanes, number % job.content.count)
        for lane in lanes:
            lane.run()


def _change_page(lanes: Sequence[Lane], number: int) -> None:
    content = lanes[0].job.content
    content.change(number)
    content.write_page(lanes[0].job.root.parent / "confluence", number)
    for lane in lanes:
        lane.contestant.take_change(lane.job, number)
