"""Runs → ratios → the table. Pure."""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmarks.measuring import Run

ABSENT = "–"  # noqa: RUF001  a dash, as in the README's tables


def median_ratio(runs: Sequence[Run], floor: Sequence[Run]) -> float:
    """Return the median of the ratios of each round: what both runs of a round saw cancels out."""
    pairs = zip(runs, floor, strict=True)
    return median(run.seconds / other.seconds for run, other in pairs)


def find_problem(runs: Sequence[Run]) -> str:
    """Say what was wrong with the outcome, and how often if not always; nothing if all was well."""
    counts = Counter(run.problem for run in runs if run.problem)
    return "; ".join(
        problem if count == len(runs) else f"{problem} ({count} of {len(runs)} runs)"
        for problem, count in counts.items()
    )


def describe_traffic(runs: Sequence[Run]) -> str:
    """Say how many requests there were, and how many at once; nothing if there were none."""
    requests = round(median(run.requests for run in runs))
    peak = max(run.peak for run in runs)
    return f"{requests} / {peak}" if requests else "0"


def describe_runs(runs: Sequence[Run], floor: Sequence[Run]) -> str:
    """Return a cell of the table: the time, or what was wrong, and the requests."""
    if not runs:
        return ABSENT
    return f"{_describe_outcome(runs, floor)} ({describe_traffic(runs)})"


def _describe_outcome(runs: Sequence[Run], floor: Sequence[Run]) -> str:
    if problem := find_problem(runs):
        return f"**{problem}**"
    if not floor:
        return f"{median(run.seconds for run in runs):.2f} s"
    return f"{median_ratio(runs, floor):.2f}"


def describe_floor(runs: Sequence[Run]) -> str:
    """Return the cell of the floor, which all others are multiples of."""
    if not runs:
        return ABSENT
    return find_problem(runs) or f"{median(run.seconds for run in runs):.2f} s"


def format_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def format_row(
    name: Sequence[str], results: Mapping[str, Sequence[Run]], columns: Sequence[str], floor: str
) -> list[str]:
    """Return a row: its name, and a cell for each contestant in `columns`."""
    runs = results.get(floor, ())
    cells = [
        describe_floor(runs) if column == floor else describe_runs(results.get(column, ()), runs)
        for column in columns
    ]
    return [*name, *cells]
