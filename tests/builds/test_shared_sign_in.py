"""Builds whose sign-in is on a server that machines share, and what they say when it fails."""

from __future__ import annotations

import base64
import threading
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from mkdocs_confluence_md.auth.shared_token_store import SharedTokenStore
from mkdocs_confluence_md.auth.token_store import TokenStore
from mkdocs_confluence_md.network.shared_store import SharedStore
from projects import Project, keep_login, make_login
from redis_servers import FaultyProxy, RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from projects import Built
    from standin import StandIn

NAV = [{"Deploy": "confluence:101"}, {"Roll back": "confluence:102"}]


def make_machine(root: Path, standin: StandIn, url: str, **variables: str) -> Project:
    """Return a project on a machine of its own, with nothing but three variables."""
    names = ("API_URL", "AUTH_URL", "CLIENT_ID", "CLIENT_SECRET")
    environment = {
        f"CONFLUENCE_MD_{name}": standin.environment()[f"CONFLUENCE_MD_{name}"] for name in names
    }
    project = Project(root, {**environment, "CONFLUENCE_MD_STORE": url, **variables})
    project.configure(NAV, site=standin.url, gateway="site")
    return project


@pytest.fixture
def machine(tmp_path: Path, standin: StandIn, redis_server: RedisServer) -> Project:
    return make_machine(tmp_path / "machine", standin, redis_server.url)


@pytest.fixture
def signed_in(standin: StandIn, redis_server: RedisServer) -> None:
    """Put a login whose access token has expired onto the server."""
    store = SharedTokenStore(SharedStore(redis_server.url), standin.client_secret)
    keep_login(store, make_login(standin))


@pytest.mark.usefixtures("signed_in")
def test_a_login_on_the_server_is_used_and_nothing_is_kept_on_the_machine(
    machine: Project, standin: StandIn
) -> None:
    built = machine.build()

    assert built.exit_code == 0, built.log
    assert "Roll out the" in built.page("deploy")
    assert standin.oauth.refreshes == 1
    assert not machine.token_file.parent.exists()


@pytest.mark.usefixtures("signed_in")
def test_several_machines_refresh_an_expired_token_once(
    tmp_path: Path, standin: StandIn, redis_server: RedisServer
) -> None:
    machines = [
        make_machine(tmp_path / str(number), standin, redis_server.url) for number in range(4)
    ]
    built: list[Built] = []
    threads = [
        threading.Thread(target=lambda each=each: built.append(each.build())) for each in machines
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [each.exit_code for each in built] == [0] * 4, built
    assert (standin.oauth.refreshes, standin.oauth.reuses) == (1, 0)


def test_a_refresh_token_of_the_environment_begins_the_chain_of_all(
    tmp_path: Path, standin: StandIn, redis_server: RedisServer
) -> None:
    token = {"CONFLUENCE_MD_REFRESH_TOKEN": standin.oauth.issue_refresh_token()}
    for number in range(2):
        machine = make_machine(tmp_path / str(number), standin, redis_server.url, **token)
        machine.configure(NAV, site=standin.url, gateway="site", max_age=0)
        assert machine.build().exit_code == 0
        standin.oauth.expire_access_tokens()

    assert (standin.oauth.refreshes, standin.oauth.reuses) == (2, 0)


def test_without_a_login_a_build_says_what_to_do(machine: Project, standin: StandIn) -> None:
    built = machine.build(strict=False)

    assert built.exit_code == 1
    assert f"You are not signed in to {standin.url}." in built.log


@pytest.fixture
def proxy(redis_server: RedisServer) -> Iterator[FaultyProxy]:
    with FaultyProxy(redis_server.port) as proxy:
        yield proxy


FAULTS = {
    "down": "Connection refused",
    "read-only": "read only replica",
    "full": "used memory > 'maxmemory'",
    "errors": "out of order",
    "slow": "Timeout",
    "empty": "You are not signed in to ",
    "wrong password": "invalid username-password pair",
}
"""What a build says while the server is so; it has an expired token, and must not refresh it."""


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize("on_error", ["fail", "placeholder"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_that_fails_is_named_and_nothing_is_refreshed(  # noqa: PLR0913, PLR0917  fixtures
    machine: Project,
    standin: StandIn,
    redis_server: RedisServer,
    proxy: FaultyProxy,
    tmp_path: Path,
    fault: str,
    on_error: str,
) -> None:
    with ExitStack() as until_the_end:
        if fault == "down":
            redis_server.kill()
        elif fault == "read-only":
            server = RedisServer(tmp_path, f"replicaof 127.0.0.1 {redis_server.port}")
            until_the_end.enter_context(server)
            server.wait_for_data()
            machine.environment["CONFLUENCE_MD_STORE"] = server.url
        elif fault == "full":
            with redis_server.client() as client:
                client.config_set("maxmemory", "1")
        elif fault == "empty":
            redis_server.kill()
            redis_server.start()
        elif fault == "wrong password":
            machine.environment["CONFLUENCE_MD_STORE"] = (
                f"redis://someone:a-wrong-password@127.0.0.1:{redis_server.port}"
            )
        else:
            proxy.delay = 5.0 if fault == "slow" else 0.0
            proxy.answer = b"-ERR out of order\r\n" if fault == "errors" else None
            machine.environment["CONFLUENCE_MD_STORE"] = proxy.url
        machine.configure(NAV, site=standin.url, gateway="site", on_error=on_error)

        built = machine.build(strict=False)

    assert built.exit_code == (1 if on_error == "fail" else 0), built.log
    assert FAULTS[fault] in built.log
    assert "Traceback" not in built.log
    assert "a-wrong-password" not in built.log
    assert standin.oauth.refreshes == 0
    if on_error == "placeholder":
        assert "could not be fetched" in built.page("deploy")


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize("max_age", ["1h", 0])
def test_while_the_server_is_down_a_build_has_the_copies_of_its_own_cache(
    machine: Project, standin: StandIn, redis_server: RedisServer, max_age: str | int
) -> None:
    assert machine.build().exit_code == 0
    machine.configure(NAV, site=standin.url, gateway="site", max_age=max_age)
    redis_server.kill()

    built = machine.build(strict=False)

    assert built.exit_code == 0, built.log
    assert "Roll out the" in built.page("deploy")
    assert ("copies from up to" in built.messages()) == (max_age == 0)


@pytest.mark.usefixtures("signed_in")
def test_offline_asks_no_server(machine: Project, redis_server: RedisServer) -> None:
    assert machine.build().exit_code == 0
    redis_server.kill()
    machine.environment["CONFLUENCE_MD_OFFLINE"] = "1"

    built = machine.build()

    assert built.exit_code == 0, built.log
    assert "Roll out the" in built.page("deploy")


@pytest.mark.usefixtures("signed_in")
def test_offline_an_earlier_login_on_the_machine_does_not_hide_the_copies(
    machine: Project, standin: StandIn, redis_server: RedisServer
) -> None:
    assert machine.build().exit_code == 0
    redis_server.kill()
    subject = base64.urlsafe_b64encode(b'{"sub": "another account"}').decode().rstrip("=")
    login = replace(make_login(standin), access_token=f"x.{subject}.x")
    keep_login(TokenStore(machine.token_file), login)
    machine.environment["CONFLUENCE_MD_OFFLINE"] = "1"

    built = machine.build()

    assert built.exit_code == 0, built.log
    assert "Roll out the" in built.page("deploy")


SAVE_TO_A_SERVER_THAT_ENDS = """
import contextlib, redis
from mkdocs_confluence_md.auth.shared_token_store import SharedTokenStore

save = SharedTokenStore.save

def end_and_save(self, *arguments, **named):
    with contextlib.suppress(redis.ConnectionError):
        redis.Redis(port=PORT).shutdown(nosave=True)
    save(self, *arguments, **named)

SharedTokenStore.save = end_and_save
SharedTokenStore.__init__.__kwdefaults__.update(patience=0.0)
"""


@pytest.mark.usefixtures("signed_in")
def test_a_server_that_fails_right_after_a_refresh_costs_a_warning_and_no_page(
    machine: Project, standin: StandIn, redis_server: RedisServer
) -> None:
    hook = machine.root / "impatient.py"
    code = SAVE_TO_A_SERVER_THAT_ENDS.replace("PORT", str(redis_server.port))
    hook.write_text(hook.read_text(encoding="utf-8") + code, encoding="utf-8")

    built = machine.build(strict=False)

    assert built.exit_code == 0, built.log
    assert "Roll out the" in built.page("deploy")
    assert built.log.count("did not take the new refresh token") == 1
    assert standin.oauth.refreshes == 1


@pytest.mark.usefixtures("signed_in")
def test_a_snapshot_has_the_pages_while_the_server_is_down(
    machine: Project, standin: StandIn, redis_server: RedisServer
) -> None:
    assert machine.run("pull", "snapshot")[0] == 0
    redis_server.kill()
    machine.configure(NAV, site=standin.url, gateway="site", max_age=0, snapshot="snapshot")

    built = machine.build(strict=False)

    assert built.exit_code == 0, built.log
    assert "Roll out the" in built.page("deploy")
    assert "Connection refused" in built.messages()


@pytest.mark.usefixtures("signed_in")
def test_check_says_what_is_wrong_with_the_server(
    machine: Project, redis_server: RedisServer
) -> None:
    redis_server.kill()

    code, out, messages = machine.run("check")

    assert code == 1
    assert f"The store at 127.0.0.1:{redis_server.port} cannot be used: " in out + messages


def test_a_package_that_is_missing_is_named(machine: Project, standin: StandIn) -> None:
    machine.write("redis/__init__.py", "raise ImportError")
    machine.environment["PYTHONPATH"] = str(machine.root)

    machine.configure(NAV, theme="material", site=standin.url, gateway="site")

    # Of the hosts, this one starts a process that has imported nothing yet.
    built = machine.build(host="properdocs", strict=False)

    assert built.exit_code == 1
    assert "CONFLUENCE_MD_STORE is set, but the package redis is not installed." in built.log
    assert 'pip install "mkdocs-confluence-md[redis]"' in built.log
