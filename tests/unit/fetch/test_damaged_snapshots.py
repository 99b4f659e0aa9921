"""Snapshots whose manifest says what no pull has written: an error that says so, and no other."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from mkdocs_confluence_md.errors import SnapshotError
from mkdocs_confluence_md.fetch.snapshot import (
    MANIFEST,
    Snapshot,
    SnapshotFile,
    SnapshotManifest,
    SnapshotPage,
    read_snapshot_manifest,
    write_snapshot_manifest,
)
from mkdocs_confluence_md.network.spooling import Contents, make_digest

if TYPE_CHECKING:
    from pathlib import Path

TIME = "2026-01-01T00:00:00Z"
PICTURE = b"\x89PNG\r\n\x1a\n"
PAGE = SnapshotPage(
    "101", "Deploy", "deploy.md", "", "", TIME, "", "docs/a.png",
    {"a.png": SnapshotFile("a.png", "docs/a.png")},
)  # fmt: skip
VALID = SnapshotManifest(TIME, (PAGE,), {"docs/a.png": make_digest(PICTURE)})


def write(directory: Path, manifest: SnapshotManifest) -> dict[str, Any]:
    (directory / "docs").mkdir()
    (directory / "docs/a.png").write_bytes(PICTURE)
    (directory / MANIFEST).write_bytes(write_snapshot_manifest(manifest))
    fields: dict[str, Any] = json.loads((directory / MANIFEST).read_bytes())
    return fields


@pytest.mark.parametrize(
    "page",
    [
        {"files": ["a.png"]},
        {"files": []},
        {"version": float("inf")},
        {"export": "a\0b"},
        {"export": "\ud800"},
        {"export": "n" * 300},
        {"export": "a/" * 3000 + "b"},
        {"files": {"a.png": {"name": "a.png", "path": "a\0b"}}},
    ],
)
def test_a_page_of_another_shape_is_damage(tmp_path: Path, page: dict[str, object]) -> None:
    fields = write(tmp_path, VALID)
    fields["pages"][0] |= page
    (tmp_path / MANIFEST).write_text(json.dumps(fields))

    with pytest.raises(SnapshotError, match="is damaged, or was written by another version"):
        read_snapshot_manifest(tmp_path)


@pytest.mark.parametrize("pulled", [None, "yesterday", 5])
def test_a_time_that_is_none_is_damage(tmp_path: Path, pulled: object) -> None:
    fields = write(tmp_path, VALID)
    (tmp_path / MANIFEST).write_text(json.dumps({**fields, "pulled": pulled}))

    with pytest.raises(SnapshotError, match="is damaged, or was written by another version"):
        read_snapshot_manifest(tmp_path)


def test_a_page_that_is_not_text_is_damage(tmp_path: Path) -> None:
    write(tmp_path, VALID)
    snapshot = Snapshot(tmp_path, Contents())
    snapshot.open()

    with pytest.raises(SnapshotError, match="is damaged, or was written by another version"):
        snapshot.fetch_page("101")


def test_a_page_without_files_is_not(tmp_path: Path) -> None:
    write(tmp_path, replace(VALID, pages=(replace(PAGE, files={}), replace(PAGE, files=None))))

    assert [page.files for page in read_snapshot_manifest(tmp_path).pages] == [{}, None]
