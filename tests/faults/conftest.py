"""Projects that give up soon: here, answers hang."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from projects import IMPATIENT, Project

if TYPE_CHECKING:
    from pathlib import Path

    from standin import StandIn


@pytest.fixture
def project(tmp_path: Path, standin: StandIn) -> Project:
    """Return an empty project whose environment has the credentials of the stand-in."""
    return Project(tmp_path / "project", standin.environment(), patience=IMPATIENT)
