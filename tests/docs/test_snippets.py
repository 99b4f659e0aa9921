"""What the README and the documentation tell people to run, run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from places import ROOT
from snippets import Follower, find_snippets

if TYPE_CHECKING:
    from pathlib import Path

    from standin import StandIn

PAGES = {
    str(path.relative_to(ROOT)): find_snippets(path.read_text(encoding="utf-8"))
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}
BEGIN = ["README.md", "docs/own.md", "docs/tutorial.md"]
"""Those that begin with nothing; others need a site and a sign-in."""
RUN = [path for path, snippets in PAGES.items() if any(each.language == "sh" for each in snippets)]


@pytest.fixture
def pages() -> dict[str, str]:
    return {
        "123456": "# Deploy runbook\n\nRoll out.\n\n## Roll back\n\nRoll back.\n",
        "201819180": "# Drain a node\n\nDrain.\n",
        "123456000": "# Another page\n\nText.\n",
    }


@pytest.fixture
def follower(tmp_path: Path, standin: StandIn) -> Follower:
    directory = tmp_path / "work"
    directory.mkdir()
    return Follower(directory, standin)


@pytest.mark.parametrize("path", BEGIN)
def test_a_beginner_follows_it_to_the_letter(path: str, follower: Follower) -> None:
    assert follower.follow(PAGES[path]) >= 3


@pytest.mark.parametrize("path", sorted(set(RUN) - set(BEGIN)))
def test_who_has_a_first_page_follows_it(path: str, follower: Follower) -> None:
    follower.follow(PAGES["docs/own.md"])

    assert follower.follow(PAGES[path]) > 0


def test_no_command_has_a_prompt_or_its_output_in_its_block() -> None:
    for path, snippets in PAGES.items():
        assert not [each for each in snippets if each.language == "console"], path
        for each in snippets:
            assert not each.text.startswith("$ "), path
