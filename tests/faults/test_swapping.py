"""A pulled directory is the old one or the new one, whenever somebody looks."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from mkdocs_confluence_md.pull.writer import SwappedDirectory, exchange_names
from places import SUPPORT

if TYPE_CHECKING:
    from pathlib import Path

PULLER = str(SUPPORT / "puller.py")


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


def make_workplace(path: Path, mode: int = 0o700) -> Path:
    path.mkdir()
    path.chmod(mode)
    (path / "old").mkdir()
    (path / "old/page.md").write_text("old")
    return path


def test_what_was_moved_away_and_not_replaced_comes_back(tmp_path: Path) -> None:
    workplace = make_workplace(tmp_path / ".a[b].new-0123456789abcdef")
    (workplace / "new").mkdir()
    (tmp_path / ".a[b].newer").mkdir()

    SwappedDirectory(tmp_path / "a[b]").recover()

    assert (tmp_path / "a[b]/page.md").read_text() == "old"
    assert names(tmp_path) == [".a[b].newer", "a[b]"]


@pytest.mark.parametrize("name", [".a.new-notes", ".a.new-0123456789abcdef0", ".b.new-" + "0" * 16])
def test_a_directory_of_another_name_is_left_alone(tmp_path: Path, name: str) -> None:
    make_workplace(tmp_path / name)

    SwappedDirectory(tmp_path / "a").recover()

    assert names(tmp_path) == [name]
    assert names(tmp_path / name) == ["old"]


@pytest.mark.parametrize("other", ["mode", "file", "link", "lock", "old", "owner"])
def test_a_directory_that_was_not_made_here_is_left_alone(
    tmp_path: Path, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = make_workplace(tmp_path / "outside")
    (outside / "file").write_text("mine")
    path = tmp_path / "here" / f".a.new-{'0' * 16}"
    path.parent.mkdir()
    if other == "link":
        path.symlink_to(outside)
    else:
        make_workplace(path, 0o755 if other == "mode" else 0o700)
    if other == "file":
        (path / "notes.txt").write_text("mine")
    if other == "lock":
        (path / "lock").symlink_to(outside / "file")
    if other == "old":
        (path / "old/page.md").unlink()
        (path / "old").rmdir()
        (path / "old").symlink_to(outside / "old")
    if other == "owner":
        monkeypatch.setattr("os.getuid", lambda: path.stat().st_uid + 1)
    before = snapshot(tmp_path)

    SwappedDirectory(path.parent / "a").recover()

    assert snapshot(tmp_path) == before


def snapshot(directory: Path) -> list[tuple[str, str]]:
    return sorted(
        (str(path), path.read_text() if path.is_file() else "") for path in directory.rglob("*")
    )


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
