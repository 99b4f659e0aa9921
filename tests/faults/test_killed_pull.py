"""`confluence-md pull`, killed at random steps: what is there is always a whole site."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

from places import SUPPORT
from processes import AT_START
from pulling import DEPLOY, NAV, configure

if TYPE_CHECKING:
    from projects import Project

PULLER = str(SUPPORT / "puller.py")
TIMES = 30


def test_the_command_killed_at_random_steps_leaves_the_old_site_or_the_new_one(
    site: Project, pages: dict[str, str]
) -> None:
    pages["101"] = DEPLOY.replace("![gone](no.png)", "")
    for name, nav in {"alpha": NAV, "omega": [*NAV[:1], {"Postmortem": "confluence:104"}]}.items():
        configure(site, nav, theme="mkdocs")
        text = (site.root / "mkdocs.yml").read_text()
        (site.root / f"{name}.yml").write_text(f"{text}\nsite_description: {name}\n")
    directory = site.root / "apart" / "snapshot"

    temporary = site.root / "temporary"
    temporary.mkdir()
    finished = subprocess.run(
        [sys.executable, PULLER, str(directory), str(TIMES), "alpha.yml", "omega.yml"],
        cwd=site.root,
        # Nobody removes what a killed build had in the system's temporary directory.
        env={**site.environment, **AT_START, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert finished.returncode == 0, finished.stderr
    results = json.loads(finished.stdout)["results"]
    assert len(results) == TIMES
    # How many steps a pull takes depends on what its threads have done meanwhile.
    assert sum(killed for killed, *_ in results) > TIMES // 2
    assert Counter(there for _, there, _, _ in results).keys() == {"old", "new"}
    # The next pull works, and tidies up.
    assert all((whole, left) == (True, []) for _, _, whole, left in results)
