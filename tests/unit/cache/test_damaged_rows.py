"""Rows of the cache that another program, or a bad disk, has changed: none ends a build."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from mkdocs_confluence_md.cache.policy import ExportCache
from mkdocs_confluence_md.cache.records import read_manifest
from mkdocs_confluence_md.cache.store import DATABASE, Store
from mkdocs_confluence_md.cli.cache import as_table, describe_holdings, find_holdings

if TYPE_CHECKING:
    from pathlib import Path

PAGE = "https://api.example/svc/singleExport?pageId=101"


def ignore(_: str) -> None:
    """Take a warning."""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return a cache with a page in it."""
    with closing(ExportCache(tmp_path, warn=pytest.fail)) as cache:
        cache.keep(PAGE, "0a", "# Text\n", {})
    return tmp_path


def change(directory: Path, statement: str) -> None:
    with closing(sqlite3.connect(directory / DATABASE)) as connection:
        connection.execute(statement)
        connection.commit()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE Cache SET store_time = NULL, access_time = NULL",
        "UPDATE Cache SET store_time = 9e999, access_time = 9e999",
        "UPDATE Cache SET store_time = -9e999, access_time = -9e999",
        "UPDATE Cache SET store_time = 'x', access_time = 'x'",
        "UPDATE Cache SET size = NULL, value = NULL",
        "UPDATE Settings SET value = NULL",
        "UPDATE Settings SET value = 'x'",
        "DELETE FROM Settings WHERE key = 'size'",
    ],
)
def test_whatever_a_row_says_the_cache_can_be_shown_and_tidied(
    directory: Path, statement: str
) -> None:
    change(directory, statement)

    with closing(Store(directory, ignore)) as store:
        holdings = find_holdings(store)
        assert as_table(holdings, 2e9)
        assert describe_holdings(holdings, "")["copies"] is not None
    with closing(ExportCache(directory, warn=ignore, limit=1)) as cache:
        cache.find(PAGE, "0a", 900.0)


def test_a_schema_that_is_not_text_is_damage(directory: Path) -> None:
    path = directory / DATABASE
    path.write_bytes(path.read_bytes().replace(b" ON Cache(", b" ON \x80ache("))
    warnings: list[str] = []

    with closing(ExportCache(directory, warn=warnings.append)) as cache:
        assert cache.find(PAGE, "0a", 900.0) is None

    [warning] = warnings
    assert f"The cache in {directory} was damaged (a name in it is not text)." in warning


def test_a_file_of_endless_size_is_none_of_ours() -> None:
    text = '{"files": {"a": {"name": "a", "digest": "x", "size": Infinity}}, "problems": []}'

    assert read_manifest(text) is None
