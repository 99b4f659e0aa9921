"""Sign-ins on a server: stored, sealed, locked, fenced, and in the way of every fault."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from mkdocs_confluence_md.auth.environment import ClientCredentials
from mkdocs_confluence_md.auth.sealing import Seal
from mkdocs_confluence_md.auth.shared_token_store import SharedTokenStore
from mkdocs_confluence_md.auth.sign_ins import EnvironmentChain
from mkdocs_confluence_md.auth.token_store import SignIn
from mkdocs_confluence_md.errors import StoreError
from mkdocs_confluence_md.network.shared_store import SharedStore
from redis_servers import FaultyProxy, RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET = "the-client-secret-of-jane"
KEY = "login https://acme.example"
JANE = SignIn("client", "jane-refresh-1", "jane-access-1", SECRET, site="https://acme.example",
              refreshed_at=1_000.0, expires_at=2_000.0)  # fmt: skip
NEXT = replace(JANE, refresh_token="jane-refresh-2", access_token="jane-access-2")
OTHER = replace(JANE, refresh_token="other-refresh", access_token="other-access")


def open_at(url: str, secret: str = SECRET, *, lease: float = 10.0) -> SharedTokenStore:
    return SharedTokenStore(SharedStore(url), secret, lease=lease, patience=0.0)


@pytest.fixture
def store(redis_server: RedisServer) -> SharedTokenStore:
    """Return a store in which Jane is signed in."""
    store = open_at(redis_server.url)
    with store.locked():
        store.save(KEY, JANE)
    return store


@pytest.fixture
def proxy(redis_server: RedisServer) -> Iterator[FaultyProxy]:
    with FaultyProxy(redis_server.port) as proxy:
        yield proxy


def test_several_sites_stay_apart_and_one_can_be_removed(store: SharedTokenStore) -> None:
    with store.locked():
        store.save("two", OTHER)
        store.save(KEY, NEXT, replaces=JANE)

    assert store.list_keys() == [KEY, "two"]
    assert (store.load(KEY), store.load("two"), store.load("three")) == (NEXT, OTHER, None)
    with store.locked():
        store.remove(KEY)
    assert store.list_keys() == ["two"]
    assert store.load(KEY) is None


def test_another_machine_reads_what_one_has_saved(
    store: SharedTokenStore, redis_server: RedisServer
) -> None:
    del store
    other = open_at(redis_server.url)

    assert other.load(KEY) == JANE
    assert other.read_public()[KEY]["site"] == "https://acme.example"
    assert (
        other.read_public()[KEY]
        .keys()
        .isdisjoint({"refresh_token", "access_token", "client_secret"})
    )


def test_another_client_secret_opens_nothing_and_harms_nothing(
    store: SharedTokenStore, redis_server: RedisServer
) -> None:
    other = open_at(redis_server.url, "another-client-secret")
    with other.locked():
        other.save(KEY, OTHER)

    assert other.list_keys() == [KEY]
    assert store.load(KEY) == JANE


def test_a_reader_of_all_of_it_finds_no_secret_and_no_site(
    store: SharedTokenStore, redis_server: RedisServer
) -> None:
    with store.locked():
        store.save(KEY, NEXT, replaces=JANE)
        content = redis_server.read_all()

    assert b"sign-in-lock" in content
    for secret in (SECRET, "jane-refresh", "jane-access", "acme.example", "client"):
        assert secret.encode() not in content


def test_who_used_an_older_refresh_token_overwrites_nothing(
    store: SharedTokenStore, redis_server: RedisServer
) -> None:
    late = open_at(redis_server.url)
    assert late.load(KEY) == JANE  # and then it is stopped for longer than its lock lives
    store.save(KEY, NEXT, replaces=JANE)

    late.save(KEY, OTHER, replaces=JANE)

    assert (late.load(KEY), store.load(KEY)) == (NEXT, NEXT)


def test_the_first_of_two_that_used_a_seed_wins(redis_server: RedisServer) -> None:
    seed = SignIn("client", "seed")
    first, second = open_at(redis_server.url), open_at(redis_server.url)
    first.save("environment", NEXT, replaces=seed)
    second.save("environment", OTHER, replaces=seed)

    assert second.load("environment") == NEXT


def test_who_is_signed_out_meanwhile_stays_signed_out(
    store: SharedTokenStore, redis_server: RedisServer
) -> None:
    late = open_at(redis_server.url)
    assert late.load(KEY) == JANE
    store.remove(KEY)

    late.save(KEY, NEXT, replaces=JANE)

    assert (store.load(KEY), late.load(KEY)) == (None, None)
    late.save(KEY, OTHER)  # a new sign-in
    assert store.load(KEY) == OTHER


def test_a_seed_begins_anew_where_its_chain_was_removed(store: SharedTokenStore) -> None:
    store.remove(KEY)
    store.save(KEY, NEXT, replaces=SignIn("client", "seed"))

    assert store.load(KEY) == NEXT


def test_what_a_server_has_lost_is_put_back_with_the_next_refresh(
    store: SharedTokenStore, redis_server: RedisServer
) -> None:
    redis_server.kill()
    redis_server.start()

    assert open_at(redis_server.url).load(KEY) is None
    assert store.load(KEY) == JANE
    with store.locked():
        store.save(KEY, NEXT, replaces=JANE)
    assert open_at(redis_server.url).load(KEY) == NEXT


@pytest.mark.parametrize("value", [b"", b"poison", b"\0" * 200, b"removed-", b"\xff" * 64])
def test_a_poisoned_sign_in_counts_as_none_and_is_replaced(
    store: SharedTokenStore, redis_server: RedisServer, value: bytes
) -> None:
    with redis_server.client() as client:
        [name] = client.keys("confluence-md:1:sign-ins:*")
        [field] = client.hkeys(name)
        client.hset(name, field, value)
        client.hset(name, "another field", value)
    fresh = open_at(redis_server.url)

    assert (fresh.load(KEY), fresh.list_keys()) == (None, [])
    assert store.load(KEY) == JANE  # it has not forgotten what it read before
    with store.locked():
        store.save(KEY, NEXT, replaces=JANE)
    assert fresh.load(KEY) == NEXT


def test_a_sign_in_moved_to_another_name_or_with_another_digest_counts_as_none(
    store: SharedTokenStore, redis_server: RedisServer
) -> None:
    with store.locked():
        store.save("two", OTHER)
    with redis_server.client() as client:
        [name] = client.keys("confluence-md:1:sign-ins:*")
        (one, first), (two, second) = client.hgetall(name).items()
        client.hset(name, mapping={one: second, two: b"0" * 64 + second[64:]})
    del first

    assert open_at(redis_server.url).list_keys() == []


@pytest.mark.parametrize(
    "content",
    [b"{", b"[]", b"{}", b'{"key": 1}', b'{"key": "x", "client_id": "id", "refresh_token": 1}'],
)
def test_a_sign_in_of_another_version_counts_as_none(
    store: SharedTokenStore, redis_server: RedisServer, content: bytes
) -> None:
    del store
    with redis_server.client() as client:
        [name] = (key.decode() for key in client.keys("confluence-md:1:sign-ins:*"))
        [field] = (key.decode() for key in client.hkeys(name))
        digest = "0" * 64
        sealed = Seal(SECRET, "tokens").close(content, f"{name} {field} {digest}")
        client.hset(name, field, digest.encode() + sealed)

    assert open_at(redis_server.url).load(KEY) is None


@pytest.mark.parametrize("kind", ["string", "list"])
def test_a_key_of_another_type_counts_as_none_and_is_replaced(
    store: SharedTokenStore, redis_server: RedisServer, kind: str
) -> None:
    with redis_server.client() as client:
        [name] = client.keys("confluence-md:1:sign-ins:*")
        client.delete(name)
        client.set(name, b"x") if kind == "string" else client.lpush(name, b"x")
    fresh = open_at(redis_server.url)

    assert (fresh.load(KEY), fresh.list_keys()) == (None, [])
    with fresh.locked():
        fresh.save(KEY, JANE)
    assert store.load(KEY) == JANE


def test_a_lock_outlives_its_lease_while_it_is_held(redis_server: RedisServer) -> None:
    store, other = (open_at(redis_server.url, lease=3.0) for _ in range(2))
    order = []

    def wait() -> None:
        with other.locked():
            order.append("other")

    with store.locked():
        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(5.0)
        order.append("holder")
    waiting.join()

    assert order == ["holder", "other"]


def test_the_lock_of_the_dead_expires(redis_server: RedisServer) -> None:
    store = open_at(redis_server.url, lease=0.5)
    dead = SharedStore(redis_server.url)
    with store.locked(), redis_server.client() as client:
        [name] = client.keys("confluence-md:1:sign-in-lock:*")
    dead.do(lambda client: client.set(name, "of another process", px=500))

    with store.locked():
        pass


def test_a_lock_that_is_never_released_is_said(redis_server: RedisServer) -> None:
    store = SharedTokenStore(SharedStore(redis_server.url), SECRET, wait=0.0)
    holder = open_at(redis_server.url)

    with holder.locked():
        failure = find_failure(store)

    assert failure == (
        f"Another process has kept the store at 127.0.0.1:{redis_server.port} locked for too "
        "long. End that process, or try again later."
    )


def find_failure(store: SharedTokenStore) -> str:
    """Return why a refresh would not be begun."""
    with pytest.raises(StoreError) as caught, store.locked():
        pytest.fail("this is where a token would be asked for")
    return str(caught.value)


def test_a_server_that_is_down_is_found_before_a_token_is_asked_for(
    store: SharedTokenStore, redis_server: RedisServer
) -> None:
    redis_server.kill()

    failure = find_failure(store)

    assert failure.startswith(f"The store at 127.0.0.1:{redis_server.port} cannot be used: ")
    assert "Connection refused" in failure


def test_a_read_only_replica_is_found_before_a_token_is_asked_for(
    store: SharedTokenStore, redis_server: RedisServer, tmp_path: Path
) -> None:
    with RedisServer(tmp_path, f"replicaof 127.0.0.1 {redis_server.port}") as replica:
        assert "read only replica" in find_failure(open_at(replica.url))
    assert store.load(KEY) == JANE


def test_a_server_without_memory_is_found_before_a_token_is_asked_for(
    store: SharedTokenStore, redis_server: RedisServer
) -> None:
    with redis_server.client() as client:
        client.config_set("maxmemory", "1")

    assert "used memory > 'maxmemory'" in find_failure(store)
    assert store.load(KEY) == JANE


def test_memory_that_is_used_up_meanwhile_does_not_lose_the_token(
    store: SharedTokenStore, redis_server: RedisServer
) -> None:
    with store.locked(), redis_server.client() as client:
        client.config_set("maxmemory", "1")
        store.save(KEY, NEXT, replaces=JANE)

    assert open_at(redis_server.url).load(KEY) == NEXT


def test_a_server_that_answers_with_errors_is_found_before_a_token_is_asked_for(
    store: SharedTokenStore, proxy: FaultyProxy
) -> None:
    for answer, expected in ((b"-ERR out of order\r\n", "out of order"), (b"HTTP/1.1 400\r\n", "")):
        proxy.answer = answer
        assert expected in find_failure(open_at(proxy.url))
        with pytest.raises(StoreError):
            open_at(proxy.url).load(KEY)
    assert store.load(KEY) == JANE


def test_a_slow_server_is_waited_for_once(store: SharedTokenStore, proxy: FaultyProxy) -> None:
    slow = open_at(proxy.url)
    proxy.delay = 60.0
    find_failure(slow)
    with pytest.raises(StoreError):
        slow.load(KEY)
    since = time.monotonic()

    for _ in range(50):
        with pytest.raises(StoreError, match="cannot be used: Timeout"):
            slow.load(KEY)

    assert time.monotonic() - since < 3.0
    assert store.load(KEY) == JANE


def test_a_token_is_saved_at_a_server_that_comes_back(
    store: SharedTokenStore, redis_server: RedisServer
) -> None:
    del store
    waits = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            redis_server.start()

    saving = SharedTokenStore(SharedStore(redis_server.url), SECRET, sleep=sleep)
    with saving.locked():
        redis_server.kill()
        saving.save(KEY, NEXT, replaces=JANE)

    assert open_at(redis_server.url).load(KEY) == NEXT
    assert len(waits) >= 2


def test_a_token_that_cannot_be_saved_is_said(
    store: SharedTokenStore, redis_server: RedisServer
) -> None:
    with store.locked():
        redis_server.kill()
        with pytest.raises(StoreError) as caught:
            store.save(KEY, NEXT, replaces=JANE)

    assert str(caught.value) == (
        f"The store at 127.0.0.1:{redis_server.port} did not take the new refresh token. "
        "A build within ten minutes goes on all the same; later, sign in again."
    )
    assert "jane" not in caught.value.full_text()


def test_a_token_that_was_saved_is_saved_although_nothing_can_be_tidied_up(
    store: SharedTokenStore, redis_server: RedisServer
) -> None:
    chain = EnvironmentChain(
        ClientCredentials("client", SECRET, "seed"), store, "https://auth.atlassian.com"
    )
    with redis_server.client() as client:
        client.execute_command("ACL", "SETUSER", "default", "-hgetall")

    chain.save(NEXT, replaces=chain.load())

    assert open_at(redis_server.url).load(chain.name()) == NEXT


@pytest.mark.parametrize("kind", ["endless", "long", "list"])
def test_a_lock_that_is_not_one_of_ours_stops_no_refresh(
    redis_server: RedisServer, kind: str
) -> None:
    store = SharedTokenStore(SharedStore(redis_server.url), SECRET, wait=1.0)
    with store.locked(), redis_server.client() as client:
        [name] = client.keys("confluence-md:1:sign-in-lock:*")
    with redis_server.client() as client:
        if kind == "list":
            client.lpush(name, b"x")
        else:
            client.set(name, b"x", ex=3600 if kind == "long" else None)

    with store.locked():
        store.save(KEY, JANE)

    assert store.load(KEY) == JANE


def test_a_lock_that_was_waited_for_in_vain_is_not_waited_for_again_at_once(
    store: SharedTokenStore, redis_server: RedisServer
) -> None:
    waits = SharedTokenStore(SharedStore(redis_server.url), SECRET, wait=0.2, clock=lambda: 0.0)
    held = "has kept the store at .* locked for too long"
    with store.locked(), pytest.raises(StoreError, match=held), waits.locked():
        pass
    with pytest.raises(StoreError, match=held), waits.locked():  # though it is free
        pass
