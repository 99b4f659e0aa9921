"""`python -m benchmarks.targets`: what is promised of the speed, and whether it holds here."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.contestants import LocalFiles, Plugin
from benchmarks.scenarios import Cell, measure_cell
from benchmarks.table import find_problem, format_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.measuring import Run
    from benchmarks.scenarios import Results

CONCURRENCY = 8
"""Exports in flight at this latency, with the default of the option, which the builds have."""


@dataclass(frozen=True)
class Target:
    """A promise: a ratio that is allowed, and whether any request is."""

    title: str
    cell: Cell
    allowed: float
    ideal: Callable[[Cell, Run], float]
    """From the cell and the same build of local files to seconds that are no promise of ours."""
    silent: bool = True
    """Whether there must be no request."""

    def at(self, pages: int | None) -> Target:
        """Return the same promise for another number of pages."""
        return replace(self, cell=replace(self.cell, pages=pages)) if pages else self


@dataclass(frozen=True)
class Verdict:
    """What was measured of a target."""

    target: Target
    ratio: float
    requests: int
    problem: str

    @property
    def holds(self) -> bool:
        """Whether the promise was kept."""
        is_silent = not (self.target.silent and self.requests)
        return not self.problem and is_silent and self.ratio <= self.target.allowed


def of_local_files(_cell: Cell, local: Run) -> float:
    """Return the time of the same pages as local files."""
    return local.seconds


def of_fetching_or_rendering(cell: Cell, local: Run) -> float:
    """Return the longer of fetching at the limit and of rendering, which can go on meanwhile."""
    return max(cell.pages / CONCURRENCY * cell.latency / 1000, local.seconds)


def of_fetching_and_rendering(cell: Cell, local: Run) -> float:
    """Return what both take one after the other.

    MkDocs renders no template before it has read the last page, so all of it can never go on at
    the same time.
    """
    return cell.pages / CONCURRENCY * cell.latency / 1000 + local.seconds


TARGETS = {
    "warm": Target(
        "warm build / local files", Cell("unchanged", 1000, 0), 1.05, of_local_files
    ),
    "cold": Target(
        "cold build / max(fetching at the limit, rendering)",
        Cell("cold", 200, 200),
        1.10,
        of_fetching_or_rendering,
        silent=False,
    ),
    "cold-sum": Target(
        "cold build / (fetching at the limit + rendering)",
        Cell("cold", 200, 200),
        1.00,
        of_fetching_and_rendering,
        silent=False,
    ),
    "serve": Target(
        "rebuild under serve / local files", Cell("serve", 1000, 0), 1.03, of_local_files
    ),
}  # fmt: skip


def main() -> None:
    """Measure, print, and with `--check` exit with 1 if a promise is not kept."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.targets", description=__doc__)
    parser.add_argument("--target", action="append", choices=TARGETS)
    parser.add_argument("--pages", type=int, help="instead of the number that is promised")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--theme", default="material")
    parser.add_argument("--check", action="store_true", help="exit with 1 if one does not hold")
    arguments = parser.parse_args()

    contestants = [LocalFiles(), Plugin()]
    verdicts = []
    for name in arguments.target or TARGETS:
        target = TARGETS[name].at(arguments.pages)
        print(f"{target.title}, {target.cell.pages} pages ", end="", file=sys.stderr, flush=True)
        results = measure_cell(target.cell, contestants, runs=arguments.runs, theme=arguments.theme)
        print(file=sys.stderr)
        verdicts.append(judge(target, results))
    print(format_verdicts(verdicts))
    if arguments.check and not all(verdict.holds for verdict in verdicts):
        sys.exit(1)


def judge(target: Target, results: Results) -> Verdict:
    """Compare the rounds with what is promised."""
    ours, local = results[Plugin.name], results[LocalFiles.name]
    problem = find_problem(ours) or find_problem(local)
    # A build that was given up ends its row, and then the rounds do not match.
    rounds = zip(ours, local, strict=not problem)
    return Verdict(
        target,
        median(run.seconds / target.ideal(target.cell, other) for run, other in rounds),
        max(run.requests for run in ours),
        problem,
    )


def format_verdicts(verdicts: Sequence[Verdict]) -> str:
    """Return a Markdown table."""
    rows = [
        (
            verdict.target.title,
            str(verdict.target.cell.pages),
            f"{verdict.target.cell.latency} ms",
            f"{verdict.ratio:.3f}",
            f"{verdict.target.allowed:.2f}",
            str(verdict.requests) + (", none allowed" if verdict.target.silent else ""),
            verdict.problem or ("yes" if verdict.holds else "**no**"),
        )
        for verdict in verdicts
    ]
    head = ["target", "pages", "latency", "measured", "allowed", "requests", "holds"]
    return format_table(head, rows)


if __name__ == "__main__":
    main()
