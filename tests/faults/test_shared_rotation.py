"""A chain that machines share survives threads, processes, crashes, and faults of its server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import httpx
import pytest

from clocks import Clock
from mkdocs_confluence_md.auth.environment import read_environment
from mkdocs_confluence_md.auth.shared_token_store import SharedTokenStore
from mkdocs_confluence_md.auth.sign_ins import find_login
from mkdocs_confluence_md.auth.token_refresh import RefreshTokenAuth, make_auth
from mkdocs_confluence_md.errors import StoreError
from mkdocs_confluence_md.network.shared_store import SharedStore
from mkdocs_confluence_md.network.urls import ApiAddress
from places import SUPPORT
from processes import race
from projects import keep_login, make_login
from redis_servers import FaultyProxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mkdocs_confluence_md.auth.environment import Environment
    from mkdocs_confluence_md.auth.token_refresh import TokenAuth
    from redis_servers import RedisServer
    from standin import StandIn

REFRESHER = str(SUPPORT / "refresher.py")
CRASHES = int(os.environ.get("CRASHES", "12"))
"""How often a process is killed; `CRASHES=50` takes a few minutes."""
ROUNDS = CRASHES if "CRASHES" in os.environ else 3


def start(url: str, standin: StandIn, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", REFRESHER, arguments[0], url, standin.url, *arguments[1:]],
        env={**os.environ, "CONFLUENCE_MD_CLIENT_SECRET": standin.client_secret},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def store(standin: StandIn, redis_server: RedisServer) -> SharedTokenStore:
    """Return a server with a login whose access token has expired."""
    store = SharedTokenStore(SharedStore(redis_server.url), standin.client_secret, patience=0.0)
    keep_login(store, make_login(standin))
    return store


@pytest.mark.usefixtures("store")
def test_eight_machines_with_eight_threads_refresh_an_expired_token_once(
    standin: StandIn, redis_server: RedisServer
) -> None:
    processes = [start(redis_server.url, standin, "race", "8") for _ in range(8)]

    answers = race(processes)

    assert [json.loads(answer) for answer in answers] == [[200] * 8] * 8
    assert (standin.oauth.refreshes, standin.oauth.reuses) == (1, 0)
    content = redis_server.read_all()
    assert not [each for each in standin.oauth.secrets() if each.encode() in content]


@pytest.mark.usefixtures("store")
def test_a_machine_that_dies_at_any_step_of_a_refresh_does_not_lose_the_chain(
    standin: StandIn, redis_server: RedisServer
) -> None:
    process = start(redis_server.url, standin, "crash", str(CRASHES))

    told = json.loads(process.communicate(timeout=600)[0])

    assert told["steps"] > 100
    assert told["results"] == [{"killed": True, "intact": True, "then": 200}] * CRASHES
    standin.oauth.reuses = 0  # of a token that was lost between answer and save, and forgiven


@pytest.mark.usefixtures("store")
def test_one_of_eight_machines_that_dies_keeps_the_others_waiting_for_a_moment_only(
    standin: StandIn, redis_server: RedisServer
) -> None:
    process = start(redis_server.url, standin, "crowd", str(ROUNDS))

    told = json.loads(process.communicate(timeout=1200)[0])

    assert [each["others"] for each in told] == [[200] * 7] * ROUNDS
    assert {each["first"] for each in told} <= {-signal.SIGKILL, 200}
    # The lease of a second, and a busy machine; a lock that does not expire takes three minutes.
    assert max(each["seconds"] for each in told) < 60
    standin.oauth.reuses = 0  # of tokens that were lost between answer and save, and forgiven


def make_environment(standin: StandIn, url: str, **variables: str) -> Environment:
    return read_environment(
        {
            "CONFLUENCE_MD_STORE": url,
            "CONFLUENCE_MD_CLIENT_ID": standin.client_id,
            "CONFLUENCE_MD_CLIENT_SECRET": standin.client_secret,
            "CONFLUENCE_MD_AUTH_URL": standin.url,
            "CONFLUENCE_MD_API_URL": standin.url,
            **variables,
        }
    )


def make_shared_auth(standin: StandIn, url: str, **variables: str) -> TokenAuth:
    """Return the sign-in of one more machine."""
    return make_auth(make_environment(standin, url, **variables), site=standin.url)


def ask(standin: StandIn, auth: TokenAuth) -> int:
    """Export a page; return the status."""
    with httpx.Client(auth=auth, timeout=60.0) as client:
        return client.post(export_url(standin), json={"pageId": "101"}).status_code


def export_url(standin: StandIn) -> str:
    return f"{ApiAddress(standin.url, gateway='site').make_base_url()}/singleExport"


def seed(standin: StandIn) -> str:
    return standin.oauth.issue_refresh_token()


def test_a_seed_that_all_jobs_have_begins_one_chain(
    standin: StandIn, redis_server: RedisServer
) -> None:
    token = seed(standin)
    jobs = [
        make_shared_auth(standin, redis_server.url, CONFLUENCE_MD_REFRESH_TOKEN=token)
        for _ in range(3)
    ]

    assert [ask(standin, job) for job in jobs] == [200] * 3
    standin.oauth.expire_access_tokens()
    assert [ask(standin, job) for job in jobs] == [200] * 3
    assert (standin.oauth.refreshes, standin.oauth.reuses) == (2, 0)


@pytest.mark.usefixtures("store")
def test_a_valid_token_in_memory_is_used_while_the_server_is_down(
    standin: StandIn, redis_server: RedisServer
) -> None:
    auth = make_shared_auth(standin, redis_server.url)
    assert ask(standin, auth) == 200
    redis_server.kill()

    assert ask(standin, auth) == 200
    assert standin.oauth.refreshes == 1


def test_a_valid_token_needs_no_lock(
    standin: StandIn, redis_server: RedisServer, store: SharedTokenStore
) -> None:
    assert ask(standin, make_shared_auth(standin, redis_server.url)) == 200
    with store.locked():
        assert ask(standin, make_shared_auth(standin, redis_server.url)) == 200

    assert standin.oauth.refreshes == 1


@pytest.mark.usefixtures("store")
def test_an_expired_token_is_not_refreshed_while_the_server_is_down(
    standin: StandIn, redis_server: RedisServer
) -> None:
    auth = make_shared_auth(standin, redis_server.url)
    assert ask(standin, auth) == 200
    redis_server.kill()
    standin.oauth.expire_access_tokens()

    with pytest.raises(StoreError, match="Connection refused"):
        ask(standin, auth)

    assert standin.oauth.refreshes == 1
    redis_server.start()


@pytest.mark.parametrize("kind", ["login", "seed"])
def test_a_server_that_has_lost_everything_gets_the_chain_back(
    standin: StandIn, redis_server: RedisServer, store: SharedTokenStore, kind: str
) -> None:
    variables = {"CONFLUENCE_MD_REFRESH_TOKEN": seed(standin)} if kind == "seed" else {}
    auth = make_shared_auth(standin, redis_server.url, **variables)
    assert ask(standin, auth) == 200
    redis_server.kill()
    redis_server.start()
    standin.oauth.expire_access_tokens()

    assert ask(standin, auth) == 200

    del store
    other = make_shared_auth(standin, redis_server.url, **variables)
    assert ask(standin, other) == 200
    assert (standin.oauth.refreshes, standin.oauth.reuses) == (2, 0)


def kill(server: RedisServer, proxy: FaultyProxy) -> Callable[[], None]:
    server.kill()
    proxy.cut()
    return server.start


def empty(server: RedisServer, proxy: FaultyProxy) -> Callable[[], None]:
    kill(server, proxy)()
    return lambda: None


def make_read_only(server: RedisServer, proxy: FaultyProxy) -> Callable[[], None]:
    del proxy
    with server.client() as client:
        client.replicaof("127.0.0.1", "1")

    def undo() -> None:
        with server.client() as client:
            client.replicaof("no", "one")

    return undo


def fill(server: RedisServer, proxy: FaultyProxy) -> Callable[[], None]:
    del proxy
    with server.client() as client:
        client.config_set("maxmemory", "1")

    def undo() -> None:
        with server.client() as client:
            client.config_set("maxmemory", "0")

    return undo


def slow_down(server: RedisServer, proxy: FaultyProxy) -> Callable[[], None]:
    del server
    proxy.delay = 5.0

    def undo() -> None:
        proxy.delay = 0.0

    return undo


def answer_with_errors(server: RedisServer, proxy: FaultyProxy) -> Callable[[], None]:
    del server
    proxy.answer = b"-ERR out of order\r\n"

    def undo() -> None:
        proxy.answer = None

    return undo


@pytest.fixture
def proxy(redis_server: RedisServer) -> Iterator[FaultyProxy]:
    with FaultyProxy(redis_server.port) as proxy:
        yield proxy


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("fault", "is_saved"),
    [
        (kill, False),
        (empty, True),
        (make_read_only, False),
        (fill, True),
        (slow_down, False),
        (answer_with_errors, False),
    ],
)
def test_a_fault_between_answer_and_save_loses_no_chain(
    standin: StandIn,
    redis_server: RedisServer,
    proxy: FaultyProxy,
    fault: Callable[[RedisServer, FaultyProxy], Callable[[], None]],
    is_saved: bool,  # noqa: FBT001  a table
) -> None:
    store = SharedTokenStore(SharedStore(proxy.url), standin.client_secret, patience=0.0, lease=1.0)
    account = find_login(store, make_environment(standin, proxy.url), site=standin.url)
    auth = RefreshTokenAuth(account.chain, trust=account.trust)
    flow = auth.sync_auth_flow(httpx.Request("POST", export_url(standin)))
    request = next(flow)
    with httpx.Client() as client:
        answer = client.send(request)
    undo = fault(redis_server, proxy)

    if is_saved:
        assert flow.send(answer).headers["Authorization"].startswith("Bearer ")
        flow.close()
        undo()
    else:
        with pytest.raises(StoreError, match="did not take the new refresh token"):
            flow.send(answer)
        undo()
        # Not at once, so that a build does not wait for each page anew.
        wait_until(lambda: ask(standin, auth) == 200)

    assert ask(standin, make_shared_auth(standin, redis_server.url)) == 200
    assert (standin.oauth.refreshes, standin.oauth.reuses) == (1, 0)


@pytest.mark.parametrize("is_repaired", [True, False])
def test_a_build_goes_on_with_a_token_that_could_not_be_saved(
    standin: StandIn,
    redis_server: RedisServer,
    store: SharedTokenStore,
    is_repaired: bool,  # noqa: FBT001  a table
) -> None:
    account = find_login(store, make_environment(standin, redis_server.url), site=standin.url)
    clock, warnings = Clock(time.time()), list[str]()
    auth = RefreshTokenAuth(account.chain, trust=account.trust, clock=clock)
    auth.warn = warnings.append
    flow = auth.sync_auth_flow(httpx.Request("POST", export_url(standin)))
    request = next(flow)
    with httpx.Client() as client:
        answer = client.send(request)
    redis_server.kill()

    assert flow.send(answer).headers["Authorization"].startswith("Bearer ")
    flow.close()
    assert ask(standin, auth) == 200
    if is_repaired:
        redis_server.start()
        clock.now += 10
        assert ask(standin, auth) == 200
        assert ask(standin, make_shared_auth(standin, redis_server.url)) == 200
    auth.close()

    assert (standin.oauth.refreshes, standin.oauth.reuses) == (1, 0)
    assert bool(warnings) != is_repaired
    assert all("did not take the new refresh token" in each for each in warnings)


def test_a_token_that_could_not_be_saved_is_saved_at_the_end(
    standin: StandIn, redis_server: RedisServer, store: SharedTokenStore
) -> None:
    account = find_login(store, make_environment(standin, redis_server.url), site=standin.url)
    auth = RefreshTokenAuth(account.chain, trust=account.trust)
    auth.warn = pytest.fail
    flow = auth.sync_auth_flow(httpx.Request("POST", export_url(standin)))
    request = next(flow)
    with httpx.Client() as client:
        answer = client.send(request)
    redis_server.kill()
    flow.send(answer)
    flow.close()
    redis_server.start()

    auth.close()

    assert ask(standin, make_shared_auth(standin, redis_server.url)) == 200
    assert (standin.oauth.refreshes, standin.oauth.reuses) == (1, 0)


def wait_until(works: Callable[[], bool]) -> None:
    """Try again until it works: the server is left alone for a few seconds after it has failed."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with suppress(StoreError):
            assert works()
            return
        time.sleep(0.1)
    pytest.fail("the server is not used again")
