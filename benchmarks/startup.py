"""What a start costs: the command, and small builds that need nothing from Confluence.

`python -m benchmarks.startup` prints how long `confluence-md --version` takes beside
`mkdocs --version`, and a site with one local page beside the same site with the plugin: without a
page from Confluence, and with one that is fresh in the cache. All of them run in turns, after one
run of each that nobody counts, which also fills the cache.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import yaml

from benchmarks.confluence import Confluence
from benchmarks.contestants import Job, Plugin
from benchmarks.measuring import Run
from benchmarks.sites import Content, id_of
from benchmarks.table import format_table, median_ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

# What each may take, in times of MkDocs without the plugin.
VERSION = 1.3
WITHOUT_PAGES = 1.1
ONE_FRESH_PAGE = 1.6

OPTIONS = {
    "site": "acme.atlassian.net",
    "cloud_id": "11111111-2222-3333-4444-555555555555",
    "max_age": "forever",
}


@dataclass(frozen=True)
class Start:
    """A command that is measured."""

    title: str
    command: Sequence[str]
    environment: dict[str, str]
    allowed: float = 0.0
    """In times of the last start before it that has 0 here, and is MkDocs without the plugin."""
    runs: list[Run] = field(default_factory=list)

    def measure(self) -> None:
        """Run the command once."""
        begin = time.perf_counter()
        subprocess.run(self.command, env=self.environment, stdout=subprocess.DEVNULL, check=True)
        self.runs.append(Run(time.perf_counter() - begin))


def main() -> None:
    """Measure, print, and with `--check` exit with 1 if a start takes longer than is allowed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.startup", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--theme", action="append", help="instead of mkdocs and material")
    parser.add_argument("--check", action="store_true", help="exit with 1 if one takes too long")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        root, content = Path(folder), Content(1)
        content.write(root / "confluence")
        with Confluence(root / "confluence") as confluence:
            starts = make_starts(root, confluence, arguments.theme or ["mkdocs", "material"])
            for start in starts:
                start.measure()
                start.runs.clear()
            confluence.forget()
            for _ in range(arguments.runs):
                for start in starts:
                    start.measure()
                print(".", end="", file=sys.stderr, flush=True)
            print(file=sys.stderr)
            if requests := confluence.stats()["requests"]:
                sys.exit(f"{requests} requests, and none was needed")
    rows = describe(starts)
    print(format_table(["start", "seconds", "ratio", "allowed", "holds"], rows))
    if arguments.check and any(row[-1] == "**no**" for row in rows):
        sys.exit(1)


def make_starts(root: Path, confluence: Confluence, themes: Sequence[str]) -> list[Start]:
    """Write the sites, and return all commands in the order in which they run."""
    plugin = Plugin()
    # For its environment, which has the sign-in.
    environment = plugin.environment(Job(root / "job", Content(1), confluence, ""))
    starts = [
        Start("`mkdocs --version`", plugin.mkdocs("--version"), environment),
        Start(
            "`confluence-md --version`",
            [str(plugin.bin_dir / "confluence-md"), "--version"],
            environment,
            VERSION,
        ),
    ]
    for theme in themes:
        page = f"confluence:{id_of(0)}"
        sites: list[tuple[str, list[Any], list[str], float]] = [
            ("without the plugin", [], [], 0.0),
            ("with it, no page from Confluence", [{"confluence-md": OPTIONS}], [], WITHOUT_PAGES),
            ("with it, one fresh page", [{"confluence-md": OPTIONS}], [page], ONE_FRESH_PAGE),
        ]
        for number, (title, plugins, nav, allowed) in enumerate(sites):
            config = write_site(root / f"{theme}-{number}", theme, plugins, nav)
            command = plugin.mkdocs("build", "--quiet", "--strict", "-f", str(config))
            starts.append(Start(f"{theme}, {title}", command, environment, allowed))
    return starts


def write_site(root: Path, theme: str, plugins: list[Any], nav: list[str]) -> Path:
    """Write a site with one local page, and return the path of its configuration."""
    config = {
        "site_name": "Benchmark",
        "theme": {"name": theme},
        "plugins": ["search", *plugins],
        "nav": ["index.md", *nav],
    }
    (root / "docs").mkdir(parents=True)
    (root / "docs" / "index.md").write_text("# Home\n\nA paragraph.\n", encoding="utf-8")
    path = root / "mkdocs.yml"
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return path


def describe(starts: Sequence[Start]) -> list[list[str]]:
    """Return the rows of the table."""
    rows = []
    floor: list[Run] = []
    for start in starts:
        seconds = f"{median(run.seconds for run in start.runs):.3f}"
        if not start.allowed:
            floor = start.runs
            rows.append([start.title, seconds, "1", "", ""])
            continue
        ratio = median_ratio(start.runs, floor)
        holds = "yes" if ratio <= start.allowed else "**no**"
        rows.append([start.title, seconds, f"{ratio:.2f}", f"{start.allowed:.2f}", holds])
    return rows


if __name__ == "__main__":
    main()
