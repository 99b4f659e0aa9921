"""What it costs to find that all pages are fresh: `python -m benchmarks.lookup`.

It prints the processor time of a build's look-ups, without rendering: from the store, as a build
does, and once more in the same process, as `mkdocs serve` does.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from statistics import median

from mkdocs_confluence_md.auth.token_refresh import AccessTokenAuth
from mkdocs_confluence_md.auth.trust import TrustRule
from mkdocs_confluence_md.cache.policy import ExportCache
from mkdocs_confluence_md.cache.records import page_resource
from mkdocs_confluence_md.confluence.exporter import Exporter
from mkdocs_confluence_md.fetch.fetcher import ConfluenceSource, Fetcher
from mkdocs_confluence_md.network.urls import ApiAddress

ADDRESS = ApiAddress("https://acme.atlassian.net", gateway="site")
TEXT = "# Page\n\n" + "A paragraph of text.\n\n" * 150


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    page_ids = [str(100_000_000 + number) for number in range(arguments.pages)]
    auth = AccessTokenAuth("token", TrustRule())

    with tempfile.TemporaryDirectory() as folder:
        with closing(open_cache(folder)) as cache:
            for page_id in page_ids:
                resource = page_resource(ADDRESS.make_base_url(), page_id)
                cache.keep(resource, auth.account(), TEXT, {"etag": '"1"'})
        first, again = [], []
        for _ in range(arguments.runs):
            exporter = Exporter(ADDRESS, auth, concurrency=8)
            source = ConfluenceSource(exporter, open_cache(folder), max_age=900.0)
            library = Fetcher(source, threads=16)
            with closing(library):
                first.append(look_up(library, page_ids))
                again.append(look_up(library, page_ids))

    print(f"{arguments.pages} fresh pages, medians of {arguments.runs} runs")
    print(f"from the store       {median(first):.3f} s of processor time")
    print(f"in the same process  {median(again):.3f} s of processor time")


def open_cache(folder: str) -> ExportCache:
    """Open the cache; a warning would make the numbers worthless."""
    return ExportCache(Path(folder) / "cache", warn=sys.exit)


def look_up(library: Fetcher, page_ids: list[str]) -> float:
    """Begin a build, wait for its pages and return the processor time in seconds."""
    start = time.process_time()
    library.start(page_ids)
    assert len(library.wait_for_pages()) == len(page_ids)
    return time.process_time() - start


if __name__ == "__main__":
    main()
