"""The cache: what is fresh, what is kept, and what a damaged one does."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from mkdocs_confluence_md.cache.policy import ExportCache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PAGE = "https://api.example/svc/singleExport?pageId=101"
FOREVER = float("inf")


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


def find_fresh(cache: ExportCache, max_age: float, account: str | None = "jane") -> str | None:
    """Return the text of a copy that is fresh."""
    copy = cache.find(PAGE, account, max_age)
    return copy.text if copy and copy.fresh else None


def keep(cache: ExportCache, text: str = "# Text\n", **headers: str) -> None:
    cache.keep(PAGE, "jane", text, headers)


def test_a_copy_is_fresh_for_as_long_as_the_option_says(
    open_cache: Callable[..., ExportCache],
) -> None:
    earlier = open_cache(seconds_ago=100)
    keep(earlier)
    earlier.close()

    assert {age: find_fresh(open_cache(), age) for age in (0, 99, 900, FOREVER)} == {
        0: None,
        99: None,
        900: "# Text\n",
        FOREVER: "# Text\n",
    }


def test_a_copy_from_an_earlier_build_is_found(open_cache: Callable[..., ExportCache]) -> None:
    cache = open_cache()
    keep(cache, "# Ünïcode ☃\r\n")
    cache.close()

    assert find_fresh(open_cache(), 60) == "# Ünïcode ☃\r\n"


def test_a_large_copy_is_kept_too(open_cache: Callable[..., ExportCache]) -> None:
    cache = open_cache()
    keep(cache, "x" * 5_000_000)
    cache.close()

    assert find_fresh(open_cache(), 60) == "x" * 5_000_000


def test_the_last_good_copy_survives_its_freshness(open_cache: Callable[..., ExportCache]) -> None:
    earlier = open_cache(seconds_ago=10**8)
    keep(earlier)
    earlier.close()

    for _ in range(3):
        copy = open_cache().find(PAGE, "jane", 60)

        assert copy is not None
        assert not copy.fresh
        assert copy.text == "# Text\n"
        assert 10**8 <= copy.age < 10**8 + 60


def test_a_server_cannot_make_a_copy_fresher_or_forbid_it(
    open_cache: Callable[..., ExportCache],
) -> None:
    cache = open_cache(seconds_ago=100)
    keep(cache, **{"cache-control": "no-store, max-age=9999", "date": "garbage", "vary": "*"})
    cache.close()

    assert find_fresh(open_cache(), 99) is None
    assert find_fresh(open_cache(), 900) == "# Text\n"


def test_a_copy_that_is_not_fresh_brings_the_validators_of_its_answer(
    open_cache: Callable[..., ExportCache],
) -> None:
    cache = open_cache()
    keep(cache, etag='"1"', **{"last-modified": "Mon, 23 Nov 2026 08:00:00 GMT"})
    cache.close()

    copy = open_cache().find(PAGE, "jane", 0)

    assert copy is not None
    assert copy.validators == {
        "If-None-Match": '"1"',
        "If-Modified-Since": "Mon, 23 Nov 2026 08:00:00 GMT",
    }


@pytest.mark.parametrize("again", [False, True])
def test_accounts_do_not_see_each_others_copies_but_nobody_sees_the_latest(
    open_cache: Callable[..., ExportCache], *, again: bool
) -> None:
    cache = open_cache()
    cache.keep(PAGE, "jane", "for Jane", {})
    assert find_fresh(cache, 60, None) == "for Jane"
    cache.keep(PAGE, "john", "for John", {})
    if again:
        cache.close()
        cache = open_cache()

    assert {who: find_fresh(cache, 60, who) for who in ("jane", "john", "eve", None)} == {
        "jane": "for Jane",
        "john": "for John",
        "eve": None,
        None: "for John",
    }


def test_what_was_read_or_kept_is_not_read_again_while_it_is_fresh(
    open_cache: Callable[..., ExportCache], tmp_path: Path
) -> None:
    cache = open_cache()
    keep(cache)
    cache.close()
    now = time.time()
    cache = ExportCache(tmp_path / "cache", warn=pytest.fail, clock=lambda: now)
    assert find_fresh(cache, 60) == "# Text\n"
    other = open_cache()
    keep(other, "# Another\n")
    other.close()

    assert find_fresh(cache, 60) == "# Text\n"
    now += 61
    assert find_fresh(cache, 90) == "# Text\n"
    assert find_fresh(cache, 60) == "# Another\n"
    cache.close()


def test_many_copies_are_looked_up_at_once_and_in_order(
    open_cache: Callable[..., ExportCache],
) -> None:
    cache = open_cache()
    resources = [f"{PAGE}{number}" for number in range(2000)]
    for number, resource in enumerate(resources[::2]):
        cache.keep(resource, "jane", f"# {number}\n", {})
    cache.close()

    for account in ("jane", None):
        found = list(open_cache().look_up(resources, account, 60))

        assert [resource for resource, _ in found] == resources
        assert [copy.text if copy else None for _, copy in found[:4]] == [
            "# 0\n", None, "# 1\n", None,
        ]  # fmt: skip


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


def test_a_cache_in_an_impossible_place_is_a_miss_and_one_warning(
    open_cache: Callable[..., ExportCache], tmp_path: Path, warnings: list[str]
) -> None:
    (tmp_path / "cache").write_text("a file")
    cache = open_cache()

    assert cache.find(PAGE, "jane", 60) is None
    keep(cache)
    assert len(warnings) == 1


# Limits


def test_limits_are_remembered_for_a_day(open_cache: Callable[..., ExportCache]) -> None:
    for limits, seconds_ago in (({"old": 3}, 90_000), ({"exports": 40}, 3600), ({"files": 2}, 0)):
        cache = open_cache(seconds_ago=seconds_ago)
        cache.note_limits(limits)
        cache.close()

    assert open_cache().find_limits() == {"exports": 40, "files": 2}


def test_the_limits_of_many_services_are_not_kept(open_cache: Callable[..., ExportCache]) -> None:
    cache = open_cache()
    cache.note_limits({str(number): number for number in range(100)})
    cache.close()

    assert open_cache().find_limits() == {str(number): number for number in range(84, 100)}


@pytest.mark.parametrize(
    "value",
    [
        b"", b"\xff", b"[]", b"3", b"{", b'{"a": 3}', b'{"a": ["3", 1.0]}', b'{"a": [3, "1"]}',
        b'{"a": [3]}', b'{"a": [3, 1e999]}', b'{"a": [3, NaN]}', b"[" * 100_000,
    ],
)  # fmt: skip
def test_damaged_limits_are_ignored(
    open_cache: Callable[..., ExportCache], warnings: list[str], value: bytes
) -> None:
    cache = open_cache()
    cache._store.write({"limits": value})  # noqa: SLF001  as another program would

    assert cache.find_limits() == {}
    cache.note_limits({"exports": 8})
    assert cache.find_limits() == {"exports": 8}
    assert warnings == []
