"""The size limit: who goes first, and who stays whatever happens."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from mkdocs_confluence_md.cache.policy import ExportCache, choose_what_goes
from mkdocs_confluence_md.cache.records import (
    AttachmentManifest,
    CacheEntry,
    KeptFile,
    attachments_resource,
    copy_key,
    latest_key,
    page_resource,
    write_manifest,
)
from mkdocs_confluence_md.network.spooling import make_digest

if TYPE_CHECKING:
    from pathlib import Path

BASE = "https://api.example/svc"
CLOUD_ID = "https://acme.atlassian.net/_edge/tenant_info"
LARGE, SMALL = "x" * 100_000, "y" * 10_000


def resource(number: int) -> str:
    return page_resource(BASE, str(number))


def entry(number: int, size: int, used_at: float) -> CacheEntry:
    return CacheEntry(copy_key(resource(number), "a"), size, 0.0, used_at)


def alias(number: int) -> CacheEntry:
    target = copy_key(resource(number), "a")
    return CacheEntry(latest_key(resource(number)), 0, 0.0, 0.0, target)


def test_the_least_recently_used_go_with_their_aliases() -> None:
    entries = [entry(1, 40, 3.0), entry(2, 40, 1.0), entry(3, 40, 2.0), alias(1), alias(2)]

    assert choose_what_goes(entries, [], 120) == []
    assert choose_what_goes(entries, [], 100) == [entries[1].key, entries[4].key]
    assert set(choose_what_goes(entries, [], 50)) == {
        each.key for each in (entries[1], entries[2], entries[4])
    }


def test_what_is_wanted_stays_and_so_does_what_its_alias_leads_to() -> None:
    entries = [entry(1, 40, 1.0), entry(2, 40, 2.0), entry(3, 40, 3.0), alias(1)]

    assert choose_what_goes(entries, [alias(1).key], 100) == [entries[1].key]
    assert choose_what_goes(entries, [each.key for each in entries], 10) == []


def test_what_is_no_page_stays() -> None:
    assert choose_what_goes([CacheEntry(copy_key(CLOUD_ID, ""), 100, 0.0, 0.0)], [], 10) == []


def open_cache(directory: Path, limit: int) -> ExportCache:
    return ExportCache(directory, warn=pytest.fail, limit=limit)


def use(directory: Path, numbers: list[int], limit: int) -> list[bool]:
    """Look pages up, as a build does, and tell which there were."""
    with closing(open_cache(directory, limit)) as cache:
        return [bool(copy) for _, copy in cache.look_up(map(resource, numbers), "a", 60)]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return a cache of six pages that were last used long ago, the first ones last."""
    directory = tmp_path / "cache"
    with closing(open_cache(directory, 10**9)) as cache:
        for number in range(6):
            cache.keep(resource(number), "a", LARGE if number % 2 else SMALL, {})
        cache.keep(CLOUD_ID, "", "1", {})
    with closing(sqlite3.connect(directory / "cache.db")) as database, database:
        database.execute("UPDATE Cache SET access_time = 1000.5 - rowid")
    return directory


def test_a_build_makes_room_but_spares_its_own_pages(directory: Path) -> None:
    assert use(directory, [5], 10**9) == [True]
    assert len(list(directory.glob("??/??/*.val"))) == 3

    assert use(directory, [4], 250_000) == [True]

    assert use(directory, list(range(6)), 10**9) == [True, True, False, False, True, True]
    assert len(list(directory.glob("??/??/*.val"))) == 2
    assert use(directory, [0, 1, 4, 5], 1) == [True] * 4
    assert use(directory, [5, 4], 1) == [True] * 2
    assert use(directory, list(range(6)), 10**9) == [False] * 4 + [True] * 2
    with closing(open_cache(directory, 10**9)) as cache:
        assert cache.find(CLOUD_ID, "", 60)
        assert cache.find(resource(1), None, 60) is None
        assert cache.find(resource(5), None, 60)


def test_below_the_limit_a_build_writes_once_a_day(directory: Path) -> None:
    def times() -> list[float]:
        with closing(sqlite3.connect(directory / "cache.db")) as database:
            return [row[0] for row in database.execute("SELECT access_time FROM Cache")]

    use(directory, [1, 2], 10**9)
    first = times()
    use(directory, [1, 2], 10**9)

    assert times() == first
    assert len([time for time in first if time > 2000]) == 4  # with their aliases


def keep_attachment(cache: ExportCache, number: int, content: bytes) -> str:
    """Keep a page with one attachment, and return the attachment's digest."""
    digest = make_digest(content)
    manifest = AttachmentManifest({"a.png": KeptFile("a.png", digest, len(content))})
    cache.keep(resource(number), "a", SMALL, {})
    cache.keep_files({digest: content})
    cache.keep(attachments_resource(BASE, str(number)), "a", write_manifest(manifest), {})
    return digest


@pytest.mark.parametrize("account", ["a", None])
def test_attachments_go_but_never_those_of_the_builds_own_pages(
    tmp_path: Path, account: str | None
) -> None:
    with closing(open_cache(tmp_path, 10**9)) as cache:
        digests = [keep_attachment(cache, number, bytes([number]) * 100_000) for number in range(3)]
    with closing(open_cache(tmp_path, 1)) as cache:
        # Nobody asks for the attachments: the page may have failed.
        list(cache.look_up([resource(1)], account, 60))

    with closing(open_cache(tmp_path, 10**9)) as cache:
        assert set(cache.read_files(digests)) == {digests[1]}
        assert cache.find(attachments_resource(BASE, "1"), "a", 60)
        assert cache.find(attachments_resource(BASE, "0"), "a", 60) is None
