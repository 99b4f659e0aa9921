"""The documentation, built once for all tests of it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from places import ROOT
from processes import unmeasured
from projects import BIN

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the documentation, without anything that this machine's environment says."""
    site_dir = tmp_path_factory.mktemp("site")
    clean = {name: value for name, value in unmeasured().items() if "CONFLUENCE" not in name}
    command = [str(BIN / "mkdocs"), "build", "--strict", "-f", str(ROOT / "mkdocs.yml"),
               "-d", str(site_dir)]  # fmt: skip
    finished = subprocess.run(
        command, env=clean, capture_output=True, text=True, timeout=120, check=False
    )
    assert finished.returncode == 0, finished.stderr
    return site_dir
