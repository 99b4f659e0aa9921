"""What the README, the tutorial and the how-to pages tell people to do, done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from places import ROOT
from readme import find_sections
from snippets import Follower, find_snippets

if TYPE_CHECKING:
    from pathlib import Path

    from standin import StandIn

HOW_TO = ["images.md", "serving.md", "outages.md", "changes.md", "offline.md", "moving.md"]
"""Pages whose commands need nothing but a site; that of CI needs a CI."""


@pytest.fixture
def pages() -> dict[str, str]:
    return {"123456": "# Deploy runbook\n\nRoll out.\n\n## Roll back\n\nRoll back.\n"}


@pytest.fixture
def follower(tmp_path: Path, standin: StandIn) -> Follower:
    directory = tmp_path / "work"
    (directory / "docs").mkdir(parents=True)
    (directory / "docs/index.md").write_text("# Home\n", encoding="utf-8")
    return Follower(directory, standin)


def follow(follower: Follower, path: str) -> int:
    return follower.follow(find_snippets((ROOT / path).read_text(encoding="utf-8")))


@pytest.mark.parametrize(("path", "least"), [("README.md", 4), ("docs/tutorial.md", 12)])
def test_a_beginner_follows_it_to_the_letter(path: str, least: int, follower: Follower) -> None:
    assert follow(follower, path) >= least


@pytest.mark.parametrize("path", HOW_TO)
def test_who_has_made_a_quick_start_follows_a_how_to_page(path: str, follower: Follower) -> None:
    start = find_sections((ROOT / "README.md").read_text(encoding="utf-8"))["Quick start"]
    follower.follow(find_snippets(start))

    assert follow(follower, f"docs/{path}") > 0
