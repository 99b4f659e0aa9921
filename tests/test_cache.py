"""The cache: what is fresh, what is kept, and what a damaged one does."""

from __future__ import annotations

import pickle
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from mkdocs_confluence_md.cache import ExportCache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PAGE = "https://api.example/svc/singleExport?pageId=101"
FOREVER = float("inf")


class Exploit:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        """Tell pickle to open the file for writing."""
        return open, (self.path, "w")


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def open_cache(tmp_path: Path, warnings: list[str]) -> Iterator[Callable[..., ExportCache]]:
    """Return a function that opens the cache of one directory, some seconds ago if wanted."""
    opened = []

    def open_again(*, seconds_ago: float = 0.0) -> ExportCache:
        cache = ExportCache(
            tmp_path / "cache", warn=warnings.append, clock=lambda: time.time() - seconds_ago
        )
        opened.append(cache)
        return cache

    yield open_again
    for cache in opened:
        cache.close()


def keep(cache: ExportCache, text: str = "# Text\n", **headers: str) -> None:
    cache.keep(PAGE, "jane", text, headers)


def test_a_copy_is_fresh_for_as_long_as_the_option_says(
    open_cache: Callable[..., ExportCache],
) -> None:
    cache = open_cache(seconds_ago=100)
    keep(cache)

    found = {age: cache.find_fresh(PAGE, "jane", age) for age in (0, 99, 900, FOREVER)}

    assert {age: copy.text if copy else None for age, copy in found.items()} == {
        0: None,
        99: None,
        900: "# Text\n",
        FOREVER: "# Text\n",
    }


def test_a_copy_from_an_earlier_build_is_found(open_cache: Callable[..., ExportCache]) -> None:
    cache = open_cache()
    keep(cache, "# Ünïcode ☃\r\n")
    cache.close()

    copy = open_cache().find_fresh(PAGE, "jane", 60)

    assert copy is not None
    assert copy.text == "# Ünïcode ☃\r\n"


def test_a_large_copy_is_kept_too(open_cache: Callable[..., ExportCache]) -> None:
    cache = open_cache()
    keep(cache, "x" * 5_000_000)

    copy = cache.find_fresh(PAGE, "jane", 60)

    assert copy is not None
    assert len(copy.text) == 5_000_000


def test_the_last_good_copy_survives_its_freshness(open_cache: Callable[..., ExportCache]) -> None:
    cache = open_cache(seconds_ago=10**8)
    keep(cache)

    assert cache.find_fresh(PAGE, "jane", 60) is None
    assert cache.find_fresh(PAGE, "jane", 60) is None
    assert cache.find_last_good(PAGE, "jane") is not None


def test_a_server_cannot_make_a_copy_fresher_or_forbid_it(
    open_cache: Callable[..., ExportCache],
) -> None:
    cache = open_cache(seconds_ago=100)
    keep(cache, **{"cache-control": "no-store, max-age=9999", "date": "garbage", "vary": "*"})

    assert cache.find_fresh(PAGE, "jane", 99) is None
    assert cache.find_fresh(PAGE, "jane", 900) is not None


def test_validators_are_those_of_the_answer(open_cache: Callable[..., ExportCache]) -> None:
    cache = open_cache()
    assert cache.find_validators(PAGE, "jane") == {}
    keep(cache, etag='"1"', **{"last-modified": "Mon, 23 Nov 2026 08:00:00 GMT"})

    assert cache.find_validators(PAGE, "jane") == {
        "If-None-Match": '"1"',
        "If-Modified-Since": "Mon, 23 Nov 2026 08:00:00 GMT",
    }


def test_accounts_do_not_see_each_others_copies_but_nobody_sees_the_latest(
    open_cache: Callable[..., ExportCache],
) -> None:
    cache = open_cache()
    cache.keep(PAGE, "jane", "for Jane", {})
    cache.keep(PAGE, "john", "for John", {})

    found = {who: cache.find_fresh(PAGE, who, 60) for who in ("jane", "john", "eve", None)}

    assert {who: copy.text if copy else None for who, copy in found.items()} == {
        "jane": "for Jane",
        "john": "for John",
        "eve": None,
        None: "for John",
    }


def test_the_directory_is_private_and_ignored_by_git(
    open_cache: Callable[..., ExportCache], tmp_path: Path
) -> None:
    cache = open_cache()
    keep(cache)
    cache.close()

    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "cache" / ".gitignore").read_text() == "*\n"


def test_nothing_is_created_before_it_is_needed(
    open_cache: Callable[..., ExportCache], tmp_path: Path
) -> None:
    open_cache().close()

    assert not (tmp_path / "cache").exists()


def damage(directory: Path, statement: str, *values: object) -> None:
    """Change the database as somebody with access to the file could."""
    with closing(sqlite3.connect(directory / "cache.db")) as database, database:
        assert database.execute(statement, values).rowcount > 0


def test_a_pickle_is_never_loaded(
    open_cache: Callable[..., ExportCache], tmp_path: Path, warnings: list[str]
) -> None:
    cache = open_cache()
    keep(cache)
    cache.close()
    exploit = pickle.dumps(Exploit(str(tmp_path / "executed")))
    damage(tmp_path / "cache", "UPDATE Cache SET mode = 4, value = ?", exploit)

    assert open_cache().find_fresh(PAGE, "jane", 60) is None
    assert not (tmp_path / "executed").exists()
    assert len(warnings) == 1


def test_no_file_outside_the_directory_is_read(
    open_cache: Callable[..., ExportCache], tmp_path: Path
) -> None:
    cache = open_cache()
    keep(cache)
    cache.close()
    (tmp_path / "secret").write_bytes(b"cc=4,secret")
    damage(tmp_path / "cache", "UPDATE Cache SET mode = 2, filename = '../secret'")

    assert open_cache().find_fresh(PAGE, "jane", 60) is None


@pytest.mark.parametrize(
    "value", [b"", b"garbage", b"cc=4,", b"cc=4,\xc1", b"cc=4,\x80", b"cc=4,\x81\xa1a\x01", "text"]
)
def test_a_value_that_makes_no_sense_is_a_miss(
    open_cache: Callable[..., ExportCache],
    tmp_path: Path,
    value: object,
    caplog: pytest.LogCaptureFixture,
) -> None:
    cache = open_cache()
    keep(cache)
    cache.close()
    damage(tmp_path / "cache", "UPDATE Cache SET value = ?", value)

    cache = open_cache()
    assert cache.find_fresh(PAGE, "jane", 60) is None
    assert cache.find_validators(PAGE, "jane") == {}
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("content", [b"", b"garbage" * 1000])
def test_a_damaged_database_is_a_miss_and_one_warning(
    open_cache: Callable[..., ExportCache], tmp_path: Path, warnings: list[str], content: bytes
) -> None:
    cache = open_cache()
    keep(cache)
    cache.close()
    (tmp_path / "cache" / "cache.db").write_bytes(content)

    cache = open_cache()
    assert cache.find_fresh(PAGE, "jane", 60) is None
    keep(cache)
    cache.find_fresh(PAGE, "jane", 60)

    assert len(warnings) <= 1
    if content:
        assert warnings == [
            f"The cache in {tmp_path / 'cache'} cannot be used (file is not a database); this "
            "build does without it. If that stays so, delete the directory."
        ]


def test_a_cache_in_an_impossible_place_is_a_miss_and_one_warning(
    open_cache: Callable[..., ExportCache], tmp_path: Path, warnings: list[str]
) -> None:
    (tmp_path / "cache").write_text("a file")
    cache = open_cache()

    assert cache.find_fresh(PAGE, "jane", 60) is None
    keep(cache)
    assert len(warnings) == 1
