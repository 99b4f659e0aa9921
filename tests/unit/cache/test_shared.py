"""Copies that two machines share: each has its own directory, and both have one Redis."""

from __future__ import annotations

import os
import struct
import time
import zlib
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import pytest

from clocks import Clock
from mkdocs_confluence_md.auth.sealing import Seal
from mkdocs_confluence_md.cache.leases import Leases
from mkdocs_confluence_md.cache.policy import ExportCache
from mkdocs_confluence_md.cache.records import copy_key, file_key
from mkdocs_confluence_md.cache.shared import (
    LARGEST_SHARED_BYTES,
    TTL_SECONDS,
    SharedCopies,
    name_copy,
)
from mkdocs_confluence_md.network.shared_store import OptionalStore, SharedStore
from mkdocs_confluence_md.network.spooling import Spool, make_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from redis_servers import RedisServer

SECRET = "client-secret-of-the-integration"
PAGE = "https://api.example/svc/singleExport?pageId=101"
OTHER = "https://api.example/svc/singleExport?pageId=102"
NAME = name_copy(copy_key(PAGE, "jane"))
DAY = 86400.0


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def clock() -> Clock:
    """Return a clock at the beginning of a second, as dates are."""
    return Clock(float(int(time.time())))


@pytest.fixture
def machine(
    tmp_path: Path, redis_server: RedisServer, warnings: list[str], clock: Clock
) -> Iterator[Callable[..., ExportCache]]:
    """Return a function that opens the cache of a machine, by its name."""
    opened = []

    def open_cache(name: str, secret: str = SECRET) -> ExportCache:
        store = OptionalStore(SharedStore(redis_server.url, answer_seconds=30.0), warnings.append)
        shared = SharedCopies(store, partial(Seal, secret, "copies"), clock=clock)
        cache = ExportCache(
            tmp_path / name, warn=pytest.fail, clock=clock, shared=shared, leases=Leases(store)
        )
        opened.append(cache)
        return cache

    yield open_cache
    for cache in opened:
        cache.close()


def find_text(cache: ExportCache, resource: str = PAGE, account: str = "jane") -> str | None:
    """Return the text of a copy that is fresh for an hour."""
    copy = cache.find(resource, account, 3600.0)
    return copy.text if copy and copy.fresh else None


def test_what_one_machine_keeps_all_others_have(machine: Callable[..., ExportCache]) -> None:
    machine("a").keep(PAGE, "jane", "# Text\n", {"etag": '"1"'})

    copy = machine("b").find(PAGE, "jane", 3600.0)

    assert copy
    assert (copy.text, copy.headers, copy.fresh) == ("# Text\n", {"etag": '"1"'}, True)


def test_a_copy_from_another_machine_stays_here(
    machine: Callable[..., ExportCache], redis_server: RedisServer, warnings: list[str]
) -> None:
    machine("a").keep(PAGE, "jane", "# Text\n", {})
    with closing(machine("b")) as cache:
        assert find_text(cache) == "# Text\n"
    redis_server.kill()

    cache = machine("b")

    assert find_text(cache) == "# Text\n"
    assert cache.find(PAGE, None, 3600.0)  # the latest of any account, as `offline` asks for
    assert warnings == []  # the server was not asked


def test_the_copy_that_is_newer_wins(machine: Callable[..., ExportCache], clock: Clock) -> None:
    a, b = machine("a"), machine("b")
    clock.now -= 5000
    a.keep(PAGE, "jane", "old", {})
    assert find_text(b) is None
    clock.now += 5000
    a.keep(PAGE, "jane", "new", {})

    assert find_text(b) == "new"


def test_an_old_shared_copy_does_not_replace_a_newer_one(
    machine: Callable[..., ExportCache], redis_server: RedisServer, clock: Clock
) -> None:
    a = machine("a")
    clock.now -= 5100
    a.keep(PAGE, "jane", "old", {})
    with redis_server.client() as client:
        old = client.get(NAME)
        clock.now += 100
        with closing(machine("b")) as b:
            b.keep(PAGE, "jane", "new", {})
        client.set(NAME, old)
    clock.now += 5000

    copy = machine("b").find(PAGE, "jane", 3600.0)

    assert copy
    assert (copy.text, copy.fresh, copy.age) == ("new", False, 5000)


def test_copies_are_those_of_one_account(machine: Callable[..., ExportCache]) -> None:
    machine("a").keep(PAGE, "jane", "# Text\n", {})

    assert machine("b").find(PAGE, "john", 3600.0) is None


def test_what_an_account_may_not_see_any_more_is_gone_for_all(
    machine: Callable[..., ExportCache],
) -> None:
    a = machine("a")
    a.keep(PAGE, "jane", "# Text\n", {})

    machine("b").forget(PAGE, "jane")

    assert machine("c").find(PAGE, "jane", 3600.0) is None


def test_attachments_are_shared_by_their_content(
    machine: Callable[..., ExportCache], redis_server: RedisServer
) -> None:
    small, large = os.urandom(1000), b"x" * (LARGEST_SHARED_BYTES + 1)
    digests = {make_digest(content): content for content in (small, large)}
    a = machine("a")
    assert a.keep_files({make_digest(small): Spool([small])})
    assert not a.keep_files({make_digest(large): Spool([large])})

    found = machine("b").read_files(digests)

    assert found == {make_digest(small): small}
    redis_server.kill()
    assert machine("b").read_files(digests) == found


def test_a_file_that_a_slow_connection_would_not_take_in_time_is_not_shared(
    machine: Callable[..., ExportCache],
) -> None:
    megabytes = 3 * 20 / 8  # of an answer that is waited for three seconds, at 20 MBit/s
    content = os.urandom(int(megabytes * 1_000_000))

    is_shared = machine("a").keep_files({make_digest(content): content})

    assert not is_shared


def test_many_pages_take_few_round_trips(
    machine: Callable[..., ExportCache], redis_server: RedisServer
) -> None:
    resources = [f"https://api.example/svc/singleExport?pageId={number}" for number in range(250)]
    a = machine("a")
    for resource in resources:
        a.keep(resource, "jane", resource, {})
    b = machine("b")
    with redis_server.client() as client:
        client.config_resetstat()
        found = {each: copy.text for each, copy in b.look_up(resources, "jane", 60.0) if copy}
        calls = {name: counts["calls"] for name, counts in client.info("commandstats").items()}

    assert found == {resource: resource for resource in resources}
    assert calls["cmdstat_mget"] == 3
    assert "cmdstat_get" not in calls


def test_a_reader_of_the_server_finds_no_text_and_no_name(
    machine: Callable[..., ExportCache], redis_server: RedisServer
) -> None:
    a = machine("a")
    a.keep(PAGE, "jane", "# The secret plan\n", {})
    a.keep_files({make_digest(b"secret file"): b"secret file"})

    dump = redis_server.read_all()

    assert len(dump) > 200
    for word in (b"secret", b"plan", b"jane", b"101", b"api.example", SECRET.encode()):
        assert word not in dump


@pytest.mark.parametrize(
    "damage", ["foreign", "cut", "swapped", "text", "empty", "pickle", "other"]
)
def test_a_value_that_somebody_else_wrote_is_a_miss(
    machine: Callable[..., ExportCache], redis_server: RedisServer, damage: str, warnings: list[str]
) -> None:
    a = machine("a")
    a.keep(PAGE, "jane", "# Text\n", {})
    a.keep(OTHER, "jane", "# Other\n", {})
    machine("z", "another-secret").keep("https://x/?pageId=1", "jane", "# Evil\n", {})
    digest = make_digest(b"file")
    a.keep_files({digest: b"file"})
    other = name_copy(copy_key(OTHER, "jane"))
    with redis_server.client() as client:
        good = client.get(NAME)
        values = {
            "foreign": client.get(name_copy(copy_key("https://x/?pageId=1", "jane"))),
            "cut": good[:-1],
            "swapped": client.get(other),
            "text": b"# Evil\n",
            "empty": b"",
            "pickle": b"cos\nsystem\n(S'touch /tmp/b-pwned'\ntR.",
            "other": good[:12],
        }
        for name in (NAME, name_copy(file_key(digest))):
            client.set(name, values[damage])

    b = machine("b")

    assert b.find(PAGE, "jane", 3600.0) is None
    assert b.read_files([digest]) == {}
    assert find_text(b, OTHER) == "# Other\n"
    assert warnings == []


def test_a_list_in_the_place_of_a_value_is_a_miss(
    machine: Callable[..., ExportCache], redis_server: RedisServer, warnings: list[str]
) -> None:
    with redis_server.client() as client:
        client.lpush(NAME, b"x")

    assert machine("b").find(PAGE, "jane", 3600.0) is None
    assert warnings == []


def test_a_value_of_this_project_that_packs_gigabytes_is_a_miss(
    machine: Callable[..., ExportCache], redis_server: RedisServer
) -> None:
    """A seal tells who wrote a value, and not that it is small."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1_000_000)) for _ in range(150)) + packer.flush()
    plain = struct.pack(">?d", True, time.time()) + packed  # noqa: FBT003
    key = copy_key(PAGE, "jane")
    with redis_server.client() as client:
        client.set(NAME, Seal(SECRET, "copies").close(plain, key))

    assert machine("b").find(PAGE, "jane", 3600.0) is None


def test_a_value_expires_a_month_after_its_last_use(
    machine: Callable[..., ExportCache], redis_server: RedisServer, clock: Clock
) -> None:
    machine("a").keep(PAGE, "jane", "# Text\n", {})
    with redis_server.client() as client:
        assert TTL_SECONDS - 60 < client.ttl(NAME) <= TTL_SECONDS
        client.expire(NAME, 1000)
        clock.now += DAY - 1
        machine("b").find(PAGE, "jane", 3600.0)
        assert client.ttl(NAME) <= 1000
        clock.now += 1

        machine("c").find(PAGE, "jane", 3600.0)

        assert TTL_SECONDS - 60 < client.ttl(NAME) <= TTL_SECONDS


def test_a_copy_from_the_future_is_not_fresh_for_longer(
    machine: Callable[..., ExportCache], clock: Clock
) -> None:
    clock.now += 4000
    machine("a").keep(PAGE, "jane", "# Text\n", {})
    clock.now -= 4000

    assert machine("b").find(PAGE, "jane", 3600.0) is None


def test_a_server_that_cannot_be_used_is_told_of_once_in_a_build(
    machine: Callable[..., ExportCache], redis_server: RedisServer, warnings: list[str]
) -> None:
    cache = machine("a")
    redis_server.kill()

    cache.keep(PAGE, "jane", "# Text\n", {})
    cache.keep(OTHER, "jane", "# Text\n", {})

    assert find_text(cache) == "# Text\n"
    [warning] = warnings
    assert warning.startswith(f"The store at 127.0.0.1:{redis_server.port} cannot be used: ")
    assert "This build goes on without it." in warning
    assert "sesame" not in warning
    redis_server.start()
    cache.begin_build()
    cache.keep(PAGE, "jane", "# Newer\n", {})
    assert find_text(machine("b")) == "# Newer\n"
    assert len(warnings) == 1
