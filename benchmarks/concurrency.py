"""How well fetching keeps to its limit, and how much of it hides behind rendering.

`python benchmarks/concurrency.py` builds a site of 200 Confluence pages from a stand-in that
takes 100 ms an export, in a process of its own. It prints, as medians of five runs side by side:

- the most exports that were in flight at once, which `concurrency` limits;
- the time from the first export's arrival to the last one's answer, against the ideal
  `pages / concurrency * latency`;
- the time of a whole cold build, against the longer of fetching (ideal) and a warm build, which
  renders the same pages and makes no request.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import httpx
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PAGE = """# Page {number}

A paragraph with **bold** text, `code` and a [link](https://example.com/{number}).

{sections}
"""
SECTION = """## Section {section}

- One item
- Another item, with a longer text that goes on for a while

| Column | Another |
| --- | --- |
| a | b |

```python
print("section {section}")
```

"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--latency", type=float, default=0.1, help="seconds an export")
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

    print(f"{arguments.pages} pages, {arguments.latency * 1000:.0f} ms an export, concurrency "
          f"{arguments.concurrency}, theme {arguments.theme}, {arguments.runs} runs")  # fmt: skip
    print(f"exports in flight at most   {max(peaks)}")
    print(f"fetching, first to last     {fetching:.2f} s = {fetching / ideal:.2f} x the ideal "
          f"{ideal:.2f} s")  # fmt: skip
    print(f"warm build (no request)     {warm:.2f} s")
    print(f"cold build                  {cold:.2f} s = {cold / max(ideal, warm):.2f} x the longer "
          f"of fetching and warm, {cold / (ideal + warm):.2f} x their sum")  # fmt: skip


def measure(arguments: argparse.Namespace) -> dict[str, float]:
    """Build a new site twice: cold, then warm."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_site(root, arguments)
        with serve_pages(root / "confluence", arguments.latency) as (url, variables):
            variables["CONFLUENCE_MD_TOKEN_FILE"] = str(root / "tokens.json")
            cold = build(root, variables)
            stats = httpx.get(f"{url}/_standin/stats").json()
            httpx.post(f"{url}/_standin/clear")
            warm = build(root, variables)
            again = httpx.get(f"{url}/_standin/stats").json()
    if stats["exports"] != arguments.pages or again["requests"]:
        sys.exit(f"not what was to be measured: {stats}, then {again}")
    fetching = stats["last_export_finished"] - stats["first_export_started"]
    return {"peak": stats["peak_exports"], "fetching": fetching, "cold": cold, "warm": warm}


def write_site(root: Path, arguments: argparse.Namespace) -> None:
    """Write `mkdocs.yml`, a home page, and the pages of Confluence."""
    (root / "docs").mkdir()
    (root / "docs" / "index.md").write_text("# Home\n")
    (root / "confluence").mkdir()
    sections = "".join(SECTION.format(section=number) for number in range(6))
    for number in range(arguments.pages):
        text = PAGE.format(number=number, sections=sections)
        (root / "confluence" / f"{1000 + number}.md").write_text(text)
    config: dict[str, Any] = {
        "site_name": "Benchmark",
        "theme": {"name": arguments.theme},
        "markdown_extensions": ["tables", "toc", "pymdownx.superfences", "pymdownx.highlight"],
        "plugins": [
            "search",
            {
                "confluence-md": {
                    "site": "acme.atlassian.net",
                    "cloud_id": "11111111-2222-3333-4444-555555555555",
                    "concurrency": arguments.concurrency,
                }
            },
        ],
        "nav": ["index.md"]
        + [{f"Page {number}": f"confluence:{1000 + number}"} for number in range(arguments.pages)],
    }
    (root / "mkdocs.yml").write_text(yaml.safe_dump(config))


@contextmanager
def serve_pages(folder: Path, latency: float) -> Iterator[tuple[str, dict[str, str]]]:
    """Run the stand-in in a process of its own, so that it does not share our interpreter."""
    command = [
        sys.executable, "-m", "standin", str(folder), "--port", "0", "--latency", str(latency),
    ]  # fmt: skip
    with subprocess.Popen(command, cwd=ROOT / "tests", stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        announcement = json.loads(server.stdout.readline())
        try:
            yield announcement["url"], announcement["environment"]
        finally:
            server.terminate()


def build(root: Path, variables: dict[str, str]) -> float:
    """Run `mkdocs build` and return its wall time in seconds."""
    start = time.perf_counter()
    subprocess.run(
        [str(BIN / "mkdocs"), "build", "--quiet", "-f", str(root / "mkdocs.yml")],
        check=True,
        env={**os.environ, **variables, "NO_MKDOCS_2_WARNING": "1"},
    )
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
