"""Fixtures of builds that are watched."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from projects import STEADY
from watching import Watched

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from standin import StandIn


@pytest.fixture
def watched(standin: StandIn, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Watched]:
    """Watch with all patience, or with that of a test whose answers never come."""
    watched = Watched(standin, tmp_path, getattr(request, "param", STEADY))
    yield watched
    standin.stop()  # frees what still hangs
    watched.watching.close()
    watched.library.close()
    assert not [each for each in threading.enumerate() if each.name == "confluence-md-watch"]
