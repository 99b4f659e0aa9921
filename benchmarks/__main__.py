"""`python -m benchmarks`: this plugin beside everything else, as a table in Markdown."""

from __future__ import annotations

import argparse
import os
import sys
import time
from itertools import product
from typing import TYPE_CHECKING

from benchmarks.contestants import CONTESTANTS, LocalFiles
from benchmarks.scenarios import SCENARIOS, Cell, measure_cell
from benchmarks.table import format_row, format_table

if TYPE_CHECKING:
    from collections.abc import Sequence

LATENCIES = (0, 50, 200)
# A selection that takes about a quarter of an hour on two idle cores. Tools that fetch one page
# after the other need minutes for each build of the larger cells; `--full` has those as well.
USUAL = [
    Cell("cold", 20, 0),
    Cell("cold", 20, 200),
    Cell("cold", 200, 50),
    *(Cell(name, 20, 50) for name in ("unchanged", "changed", "changed-etags", "changed-versions")),
    Cell("throttled", 20, 50),
    Cell("down", 20, 50),
    Cell("serve", 200, 0),
]
# One cell of each kind.
QUICK = [Cell(name, 20, 50) for name in ("cold", "changed", "throttled", "serve")]
BUILDS = ("cold", "unchanged", "changed", "changed-etags", "changed-versions", "throttled")
FULL = [
    *(Cell(*each) for each in product(BUILDS, (20, 200), LATENCIES)),
    # Without a server, and where nearly nobody asks one, latency makes no difference.
    *(Cell(*each) for each in product(("down", "serve"), (20, 200), (50,))),
    *(Cell(name, 2000, 50) for name in SCENARIOS if name not in {"throttled", "down"}),
]


def main() -> None:
    """Measure, and print."""
    arguments = parse_arguments(sys.argv[1:])
    cells = select_cells(arguments)
    runs = arguments.runs or (1 if arguments.quick else 5)
    columns = arguments.contestant or list(CONTESTANTS)
    contestants = [CONTESTANTS[name]() for name in columns]
    rows = []
    for cell in cells:
        start = time.monotonic()
        print(f"{describe_cell(cell)} ", end="", file=sys.stderr, flush=True)
        results = measure_cell(cell, contestants, runs=runs, theme=arguments.theme)
        print(f" {time.monotonic() - start:.0f} s", file=sys.stderr)
        name = (SCENARIOS[cell.scenario].title, str(cell.pages), f"{cell.latency} ms")
        rows.append(format_row(name, results, columns, LocalFiles.name))
    titles = [contestant.title for contestant in contestants]
    print(describe_measurement(runs, arguments.theme), end="\n\n")
    print(format_table(["scenario", "pages", "latency", *titles], rows))


def parse_arguments(words: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--scenario", action="append", choices=SCENARIOS)
    parser.add_argument("--pages", action="append", type=int)
    parser.add_argument("--latency", action="append", type=int, help="milliseconds a request")
    parser.add_argument("--contestant", action="append", choices=CONTESTANTS)
    parser.add_argument("--runs", type=int, help="5, with --quick 1")
    parser.add_argument("--theme", default="material")
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--quick", action="store_true", help="only see that it works")
    extent.add_argument("--full", action="store_true", help="everything; takes hours")
    return parser.parse_args(words)


def select_cells(arguments: argparse.Namespace) -> list[Cell]:
    """Return the cells that were asked for: the usual ones, or a product of what is named."""
    if arguments.scenario or arguments.pages or arguments.latency is not None:
        named = (
            arguments.scenario or SCENARIOS,
            arguments.pages or (20,),
            arguments.latency or (50,),
        )
        return [Cell(*each) for each in product(*named)]
    if arguments.quick:
        return QUICK
    return FULL if arguments.full else USUAL


def describe_cell(cell: Cell) -> str:
    """Return a cell in words."""
    return f"{SCENARIOS[cell.scenario].title}, {cell.pages} pages, {cell.latency} ms"


def describe_measurement(runs: int, theme: str) -> str:
    """Say how the table is to be read."""
    return (
        f"Wall time as a multiple of local files (medians of {runs}, theme {theme}, "
        f"{os.cpu_count()} cores); in parentheses: requests / most of them at once."
    )


if __name__ == "__main__":
    main()
