"""How long a first build takes, from services that answer quickly and slowly.

`python -m benchmarks.cold` (`make cold`) builds a site of 200 Confluence pages from the stand-in at
several latencies: with `concurrency: auto`, with 8, and the same pages as local files, in turns. It
prints the medians, and the longer of fetching as fast as the platform allows and of rendering.

With `--slowing`, the service takes longer the more it is asked at once, and `auto` is compared with
numbers from 2 to 64.
"""

from __future__ import annotations

import argparse
import sys
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.contestants import LocalFiles, Plugin
from benchmarks.scenarios import Cell, measure_cell
from benchmarks.table import describe_floor, describe_traffic, find_problem, format_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.measuring import Run
    from benchmarks.scenarios import Results

A_SECOND = 20
"""Requests that the platform allows, on average over a minute."""
LATENCIES = [50, 200, 1000, 2000, 4000]
OTHER_LATENCY = 100
"""Milliseconds for a token, which is not from the app."""
AUTO, EIGHT = "auto", "8"
NUMBERS = [2, 4, 8, 16, 32, 64]
"""Of requests in flight, for `auto` to be as good as the best of."""
HEAD = ["seconds an answer", "local files", "auto", "8", "ideal", "auto / ideal", "auto / 8"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.cold", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--latency", type=int, action="append", help="milliseconds an answer")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--theme", default="material")
    parser.add_argument("--slowing", type=int, help="milliseconds for each request in flight")
    arguments = parser.parse_args()

    if arguments.slowing is not None:
        latency = (arguments.latency or [0])[0]
        cell = Cell("cold", arguments.pages, latency, OTHER_LATENCY, arguments.slowing)
        numbers = [Plugin(concurrency=number, name=str(number)) for number in NUMBERS]
        results = measure_cell(
            cell, [Plugin(name=AUTO), *numbers], runs=arguments.runs, theme=arguments.theme
        )
        print(file=sys.stderr)
        print(compare_with_best(results))
        return
    contestants = [LocalFiles(), Plugin(name=AUTO), Plugin(concurrency=8, name=EIGHT)]
    rows = []
    for latency in arguments.latency or LATENCIES:
        cell = Cell("cold", arguments.pages, latency, min(latency, OTHER_LATENCY))
        results = measure_cell(cell, contestants, runs=arguments.runs, theme=arguments.theme)
        rows.append(make_row(cell, results))
    print(file=sys.stderr)
    print(format_table(HEAD, rows))


def compare_with_best(results: Results) -> str:
    """Return a table of all numbers, and how much longer `auto` takes than the best of them."""
    medians = {name: median(run.seconds for run in runs) for name, runs in results.items()}
    auto = medians.pop(AUTO)
    best = min(medians, key=medians.__getitem__)
    rows = [[name, _describe(runs)] for name, runs in results.items()]
    ratio = f"auto takes {auto / medians[best]:.2f} x of {best}, the best number"
    return f"{format_table(['in flight', 'seconds'], rows)}\n\n{ratio}"


def make_row(cell: Cell, results: Results) -> list[str]:
    """Return a row of the table."""
    local, auto, eight = (results[name] for name in (LocalFiles.name, AUTO, EIGHT))
    seconds = cell.latency / 1000
    rounds = list(zip(local, auto, eight, strict=True))
    ideals = [max(cell.pages / A_SECOND + seconds, floor.seconds) for floor, _, _ in rounds]
    ratios = [run.seconds / ideal for (_, run, _), ideal in zip(rounds, ideals, strict=True)]
    return [
        f"{seconds:g}",
        describe_floor(local),
        _describe(auto),
        _describe(eight),
        f"{median(ideals):.2f} s",
        f"{median(ratios):.2f}",
        f"{median(run.seconds / other.seconds for _, run, other in rounds):.2f}",
    ]


def _describe(runs: Sequence[Run]) -> str:
    seconds = median(run.seconds for run in runs)
    return find_problem(runs) or f"{seconds:.2f} s ({describe_traffic(runs)})"


if __name__ == "__main__":
    main()
