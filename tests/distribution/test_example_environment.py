"""What `make site` installs: what the example site needs, and little else."""

from __future__ import annotations

import os
import subprocess

from places import ROOT

ENVIRONMENT = ROOT / ".cache/example"
MOST_BYTES = 100_000_000


def make(*arguments: str) -> str:
    """Run `make` as in a terminal of its own, and return what it said."""
    clean = {name: value for name, value in os.environ.items()
             if "CONFLUENCE" not in name and name not in {"MAKEFLAGS", "MAKELEVEL"}}  # fmt: skip
    finished = subprocess.run(
        ["/usr/bin/env", "make", *arguments],
        cwd=ROOT,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_make_site_and_make_serve_need_nothing_of_the_tests() -> None:
    for target in "site", "serve":
        assert ".venv" not in make("--dry-run", "--always-make", target)


def test_make_site_installs_less_than_100_megabytes() -> None:
    make(str(ENVIRONMENT.relative_to(ROOT) / "installed"))

    # As `du` counts: in blocks, of which the smallest icon takes one.
    size = sum(path.lstat().st_blocks * 512 for path in ENVIRONMENT.rglob("*"))
    assert size < MOST_BYTES
    assert (ENVIRONMENT / "bin/mkdocs").is_file()
