"""A pulled directory is the old one or the new one, whenever somebody looks."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from mkdocs_confluence_md.swapping import SwappedDirectory, exchange_names

PULLER = str(Path(__file__).parent / "puller.py")


def kill(directory: Path, *arguments: str) -> list[tuple[bool, str, bool, list[str]]]:
    finished = subprocess.run(
        [sys.executable, "-W", "error", PULLER, str(directory), "50", *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    told = json.loads(finished.stdout)
    assert told["steps"] > 200
    assert [killed for killed, *_ in told["results"]] == [True] * 50
    return [tuple(result) for result in told["results"]]


def test_a_pull_killed_at_any_step_leaves_the_old_directory_or_the_new_one(tmp_path: Path) -> None:
    results = kill(tmp_path / "snapshot")

    assert Counter(there for _, there, _, _ in results).keys() == {"old", "new"}
    # The next pull works, and tidies up.
    assert all((whole, left) == (True, []) for _, _, whole, left in results)


def test_without_an_exchange_the_next_pull_puts_the_old_directory_back(tmp_path: Path) -> None:
    results = kill(tmp_path / "snapshot", "apart")

    assert Counter(there for _, there, _, _ in results).keys() <= {"old", "new", "nothing"}
    assert all((whole, left) == (True, []) for _, _, whole, left in results)


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def nothing(old: Path, new: Path) -> None:
    del old, new


def test_what_was_moved_away_and_not_replaced_comes_back(tmp_path: Path) -> None:
    workplace = tmp_path / ".a[b].new-x1"
    (workplace / "old").mkdir(parents=True)
    (workplace / "old/page.md").write_text("old")
    (workplace / "new").mkdir()
    (tmp_path / ".a[b].newer").mkdir()

    SwappedDirectory(tmp_path / "a[b]").recover()

    assert (tmp_path / "a[b]/page.md").read_text() == "old"
    assert names(tmp_path) == [".a[b].newer", "a[b]"]


def test_what_another_process_works_at_is_left_alone(tmp_path: Path) -> None:
    directory = SwappedDirectory(tmp_path / "snapshot")

    with directory.replaced(nothing) as new:
        (new / "page.md").write_text("new")
        SwappedDirectory(tmp_path / "snapshot").recover()

    assert names(tmp_path) == ["snapshot"]
    assert (tmp_path / "snapshot/page.md").read_text() == "new"


def test_after_an_error_nothing_has_changed(tmp_path: Path) -> None:
    (tmp_path / "snapshot").mkdir()
    (tmp_path / "snapshot/page.md").write_text("old")

    with (
        pytest.raises(OSError, match="disk"),
        SwappedDirectory(tmp_path / "snapshot").replaced(nothing),
    ):
        raise OSError("the disk is full")

    assert names(tmp_path) == ["snapshot"]
    assert (tmp_path / "snapshot/page.md").read_text() == "old"


def test_two_directories_change_places_in_one_step(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()

    if not exchange_names(tmp_path / "one", tmp_path / "other"):
        pytest.skip("this system or file system has no such step")

    assert names(tmp_path / "one") == ["other"]
    assert names(tmp_path / "other") == ["one"]
    with pytest.raises(OSError, match="nowhere"):
        exchange_names(tmp_path / "one", tmp_path / "nowhere")
