"""The benchmarks: their arithmetic, and that they run. How fast anything is, is not tested."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks.__main__ import FULL, QUICK, USUAL, parse_arguments, select_cells
from benchmarks.contestants import Plugin
from benchmarks.measuring import Run, run_command
from benchmarks.scenarios import Cell, measure_cell
from benchmarks.serving import stop
from benchmarks.sites import Content, read_site
from benchmarks.table import describe_runs, find_problem, format_row, format_table, median_ratio
from benchmarks.targets import TARGETS, format_verdicts, judge
from places import ROOT

if TYPE_CHECKING:
    from pathlib import Path

FLOOR = [Run(1.0), Run(2.0), Run(4.0)]


def rows_of(table: str) -> dict[str, list[str]]:
    """Return the rows of a Markdown table by their first cell, in which no scenario has a bar."""
    cells = [[each.strip() for each in line.strip("|").split("|")] for line in table.splitlines()]
    return {row[0]: row[1:] for row in cells[2:]}


# Ratios


def test_a_ratio_is_the_median_of_those_of_each_round() -> None:
    # The ratio of the medians would be 1.5: the second round was slow for both.
    assert median_ratio([Run(3.0), Run(4.0), Run(2.0)], FLOOR) == 2.0


def test_a_problem_is_told_and_how_often() -> None:
    failed, empty = Run(1.0, problem="exit 1"), Run(1.0, problem="2 pages empty")

    assert find_problem(FLOOR) == ""
    assert find_problem([failed, failed]) == "exit 1"
    assert find_problem([failed, Run(1.0), empty]) == (
        "exit 1 (1 of 3 runs); 2 pages empty (1 of 3 runs)"
    )


def test_a_cell_has_the_ratio_the_requests_and_the_peak() -> None:
    runs = [Run(2.0, 20, 3), Run(4.0, 21, 8), Run(8.0, 30, 7)]

    assert describe_runs(runs, FLOOR) == "2.00 (21 / 8)"
    assert describe_runs(runs, []) == "4.00 s (21 / 8)"
    assert describe_runs(FLOOR, FLOOR) == "1.00 (0)"
    assert describe_runs([], FLOOR) == "–"  # noqa: RUF001  the dash of the table


def test_a_time_is_no_merit_of_a_build_that_failed() -> None:
    given_up = [Run(0.1, 20, 1, "no end within 50 s")]

    assert given_up[0].is_endless
    assert describe_runs(given_up, FLOOR) == "**no end within 50 s** (20 / 1)"


def test_a_row_and_a_table() -> None:
    row = format_row(["cold"], {"ours": FLOOR, "local": FLOOR}, ["local", "ours", "other"], "local")

    assert row == ["cold", "2.00 s", "1.00 (0)", "–"]  # noqa: RUF001  the dash of the table
    assert format_table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"


# Targets


@pytest.mark.parametrize(
    ("ours", "holds"),
    [
        (Run(1.05), "yes"),
        (Run(1.06), "**no**"),
        (Run(1.0, requests=1, peak=1), "**no**"),
        (Run(1.0, problem="exit 1"), "exit 1"),
    ],
)
def test_a_warm_build_is_compared_with_local_files(ours: Run, holds: str) -> None:
    verdict = judge(TARGETS["warm"].at(3), {"confluence-md": [ours], "local": [Run(1.0)]})

    assert verdict.holds == (holds == "yes")
    [row] = rows_of(format_verdicts([verdict])).values()
    assert row == [
        "3", "0 ms", f"{ours.seconds:.3f}", "1.05", f"{ours.requests}, none allowed", holds
    ]  # fmt: skip


@pytest.mark.parametrize(("rendering", "ratio"), [(1.0, 1.2), (8.0, 0.75)])
def test_a_cold_build_is_compared_with_the_longer_of_fetching_and_rendering(
    rendering: float, ratio: float
) -> None:
    results = {"confluence-md": [Run(6.0, 201, 8)], "local": [Run(rendering)]}

    # 200 pages, 8 at once, 200 ms each.
    assert judge(TARGETS["cold"], results).ratio == pytest.approx(ratio)


# Contents


def test_a_site_is_compared_with_its_content(tmp_path: Path) -> None:
    content = Content(5)
    for number in range(4):
        page = tmp_path / f"pages/{1000 + number}/index.html"
        page.parent.mkdir(parents=True)
        page.write_text(content.text(number) if number else "<h1>Page 0</h1>")
    content.change(2)
    content.change(3)

    assert content.find_problem(read_site(tmp_path)) == "1 page missing, 1 page empty, 2 pages old"


def test_a_command_that_does_not_end_is_ended(tmp_path: Path) -> None:
    def run(code: str, time_limit: float) -> str:
        return run_command([sys.executable, "-c", code], tmp_path, {}, time_limit)

    assert run("import time; time.sleep(600)", 0.1) == "no end within"
    assert run("raise SystemExit(3)", 60) == "exit 3"
    assert run("print('well')", 60) == ""
    assert (tmp_path / "build.log").read_text() == "well\n"


# The command


def test_cells_are_the_usual_ones_or_those_that_are_named() -> None:
    def select(*words: str) -> list[Cell]:
        return select_cells(parse_arguments(words))

    assert select() == USUAL
    assert select("--quick") == QUICK
    assert select("--full") == FULL
    assert select("--scenario", "cold", "--pages", "3", "--pages", "4") == [
        Cell("cold", 3, 50),
        Cell("cold", 4, 50),
    ]
    assert len(select("--latency", "0")) == len({cell.scenario for cell in FULL})


def test_it_measures_us_and_local_files() -> None:
    scenarios = [f"--scenario={name}" for name in ("cold", "down", "serve")]
    contestants = ["--contestant=local", "--contestant=confluence-md"]
    finished = subprocess.run(
        [sys.executable, "-m", "benchmarks", *scenarios, *contestants,
         "--pages=3", "--latency=0", "--runs=1", "--theme=mkdocs"],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert finished.returncode == 0, finished.stderr
    rows = rows_of(finished.stdout.partition("\n\n")[2])
    traffic = {name: row[3].partition(" ")[2] for name, row in rows.items()}
    assert set(traffic) == {"cold", "Confluence down, copies expired", "local edit under serve"}
    assert traffic.pop("cold") in {f"(4 / {peak})" for peak in (1, 2, 3)}
    assert set(traffic.values()) == {"(0)"}
    assert "**" not in finished.stdout


def test_starts_are_measured_beside_mkdocs() -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "benchmarks.startup", "--runs=1", "--theme=mkdocs"],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert finished.returncode == 0, finished.stderr
    allowed = {name: row[2] for name, row in rows_of(finished.stdout).items()}
    assert allowed == {
        "`mkdocs --version`": "",
        "`confluence-md --version`": "1.30",
        "mkdocs, without the plugin": "",
        "mkdocs, with it, no page from Confluence": "1.10",
        "mkdocs, with it, one fresh page": "1.60",
    }


def test_first_builds_are_measured_at_each_latency() -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "benchmarks.cold", "--runs=1", "--theme=mkdocs", "--pages=3",
         "--latency=0", "--latency=10"],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert finished.returncode == 0, finished.stderr
    assert list(rows_of(finished.stdout)) == ["0", "0.01"]
    assert finished.stdout.count("(4 / ") == 4  # the token and the pages, with and without `auto`


def test_cold_builds_use_a_refresh_token_once() -> None:
    results = measure_cell(Cell("cold", 2, 0), [Plugin()], runs=2, theme="mkdocs")

    assert [run.problem for run in results[Plugin.name]] == ["", ""]
    assert [run.requests for run in results[Plugin.name]] == [3, 2]


def test_a_server_that_ignores_ctrl_c_is_stopped_by_force() -> None:
    code = (
        "import signal, time; signal.signal(2, signal.SIG_IGN); print(flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()

        stop(process, patience=0.1)

    assert process.returncode == -signal.SIGKILL
