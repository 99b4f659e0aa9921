"""The connection to a server that machines share, and what is said when it fails."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from mkdocs_confluence_md.errors import CredentialsError, StoreError
from mkdocs_confluence_md.network.shared_store import OptionalStore, SharedStore
from processes import find_free_port
from redis_servers import RefusingServer

if TYPE_CHECKING:
    import redis

    from redis_servers import RedisServer

PASSWORD = "a-password-of-the-store"


def ping(client: redis.Redis) -> bool:
    """Ask whether the server is there."""
    return bool(client.ping())


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("redis://cache.example.com", "cache.example.com:6379"),
        ("redis://:secret@[::1]:6380/1", "[::1]:6380"),
    ],
)
def test_a_server_is_named_by_host_and_port(url: str, host: str) -> None:
    assert SharedStore(url).host == host


@pytest.mark.parametrize(
    "answer",
    [
        b"-ERR no\r\n",
        f"-ERR you are not {PASSWORD}\r\n".encode(),
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b":one\r\n",
        b"$x\r\n",
        b"*-7\r\n",
        b"$-1\r\n" * 3,
        b"\xff\xfe\r\n",
        b"-\xff\r\n",
    ],
)
def test_an_answer_that_makes_no_sense_is_an_error_without_the_password(answer: bytes) -> None:
    port = find_free_port()
    store = SharedStore(f"redis://:{PASSWORD}@127.0.0.1:{port}", answer_seconds=30.0)
    with RefusingServer(port, answer), pytest.raises(StoreError) as caught:
        store.do(lambda client: client.mget(["a"])[0])
    store.close()

    assert caught.value.what.startswith(f"The store at 127.0.0.1:{port} cannot be used: ")
    assert PASSWORD not in str(caught.value)


def test_a_wrong_password_is_an_error_that_does_not_show_it(redis_server: RedisServer) -> None:
    with redis_server.client() as client:
        client.config_set("requirepass", "another-password")
    store = SharedStore(f"redis://:{PASSWORD}@127.0.0.1:{redis_server.port}")

    with pytest.raises(StoreError, match=r"password|WRONGPASS") as caught:
        store.do(ping)

    assert PASSWORD not in str(caught.value)
    store.close()


def test_what_an_operation_says_itself_is_passed_on(redis_server: RedisServer) -> None:
    store = SharedStore(redis_server.url)

    def refuse(_: redis.Redis) -> None:
        raise CredentialsError("You are not signed in.", "Sign in.")

    with pytest.raises(CredentialsError):
        store.do(refuse)
    store.close()


def test_a_connection_that_the_server_has_closed_is_opened_again(
    redis_server: RedisServer,
) -> None:
    store = SharedStore(redis_server.url)
    assert store.do(ping)
    redis_server.kill()
    redis_server.start()

    assert store.do(ping)
    store.close()


def test_a_build_does_without_a_store_after_its_first_failure(redis_server: RedisServer) -> None:
    warnings: list[str] = []
    store = OptionalStore(SharedStore(redis_server.url), warnings.append)
    assert store.attempt(ping)
    redis_server.kill()
    assert store.attempt(ping) is None
    redis_server.start()

    assert store.attempt(ping) is None
    assert store.attempt(ping, is_last=True)
    store.begin_build()
    assert store.attempt(ping)
    store.close()
    assert len(warnings) == 1


def test_many_threads_share_few_connections(redis_server: RedisServer) -> None:
    store = SharedStore(redis_server.url, answer_seconds=30.0)
    with redis_server.client() as client, ThreadPoolExecutor(40) as threads:
        assert all(threads.map(lambda _: store.do(ping), range(400)))
        connected = client.info("clients")["connected_clients"]
        store.close()

    assert 1 < connected <= 9
