"""How well fetching keeps to its limit, and how much of it hides behind rendering.

`python -m benchmarks.concurrency` builds a site of 200 Confluence pages from a stand-in that
takes 100 ms a request, in a process of its own. It prints, as medians of five runs side by side:

- the most exports that were in flight at once, which `concurrency` limits;
- the time from the first export's arrival to the last one's answer, against the ideal
  `pages / concurrency * latency`;
- the time of a whole cold build, against the longer of fetching (ideal) and a warm build, which
  renders the same pages and makes no request.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.confluence import Confluence
from benchmarks.contestants import Job, Plugin
from benchmarks.measuring import measure_build
from benchmarks.sites import Content

if TYPE_CHECKING:
    from benchmarks.measuring import Run


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.concurrency",
        description=__doc__.splitlines()[0] if __doc__ else "",
    )
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--latency", type=float, default=0.1, help="seconds a request")
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--theme", default="material")
    arguments = parser.parse_args()

    ideal = arguments.pages / arguments.concurrency * arguments.latency
    results = [measure(arguments) for _ in range(arguments.runs)]
    peaks = [result["peak"] for result in results]
    fetching = median(result["fetching"] for result in results)
    cold = median(result["cold"] for result in results)
    warm = median(result["warm"] for result in results)

    print(f"{arguments.pages} pages, {arguments.latency * 1000:.0f} ms a request, concurrency "
          f"{arguments.concurrency}, theme {arguments.theme}, {arguments.runs} runs")  # fmt: skip
    print(f"exports in flight at most   {max(peaks):.0f}")
    print(f"fetching, first to last     {fetching:.2f} s = {fetching / ideal:.2f} x the ideal "
          f"{ideal:.2f} s")  # fmt: skip
    print(f"warm build (no request)     {warm:.2f} s")
    print(f"cold build                  {cold:.2f} s = {cold / max(ideal, warm):.2f} x the longer "
          f"of fetching and warm, {cold / (ideal + warm):.2f} x their sum")  # fmt: skip


def measure(arguments: argparse.Namespace) -> dict[str, float]:
    """Build a new site twice: cold, then warm."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        root, content = Path(folder), Content(arguments.pages)
        content.write(root / "confluence")
        with Confluence(root / "confluence") as confluence:
            confluence.set_faults(latency=arguments.latency, other_latency=arguments.latency)
            job = Job(root / "site", content, confluence, arguments.theme)
            job.root.mkdir()
            plugin = Plugin(concurrency=arguments.concurrency)
            plugin.write(job)
            cold = measure_build(plugin, job)
            stats = confluence.stats()
            warm = measure_build(plugin, job)
    _check(cold, warm)
    fetching = stats["last_export_finished"] - stats["first_export_started"]
    return {
        "peak": stats["peak_exports"],
        "fetching": fetching,
        "cold": cold.seconds,
        "warm": warm.seconds,
    }


def _check(cold: Run, warm: Run) -> None:
    if cold.problem or warm.problem or warm.requests:
        sys.exit(f"not what was to be measured: {cold}, then {warm}")


if __name__ == "__main__":
    main()
