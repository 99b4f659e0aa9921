"""`confluence-md login`, `status`, `logout` and `ci` with a server that machines share."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import httpx
import pytest

from consenting import consent
from mkdocs_confluence_md.auth.shared_token_store import SharedTokenStore
from mkdocs_confluence_md.network.shared_store import SharedStore
from processes import find_free_port
from projects import BIN, Project, keep_login, make_login

if TYPE_CHECKING:
    from redis_servers import RedisServer
    from standin import StandIn


@pytest.fixture
def project(project: Project, standin: StandIn, redis_server: RedisServer) -> Project:
    """Return a project whose environment has the server and the client, and no refresh token."""
    del project.environment["CONFLUENCE_MD_REFRESH_TOKEN"]
    project.environment["CONFLUENCE_MD_STORE"] = redis_server.url
    project.configure(["confluence:101"], site=standin.url, gateway="site")
    return project


@pytest.fixture
def store(standin: StandIn, redis_server: RedisServer) -> SharedTokenStore:
    """Return the server, with a login whose access token has expired."""
    store = SharedTokenStore(SharedStore(redis_server.url), standin.client_secret)
    keep_login(store, make_login(standin))
    return store


def name_of(server: RedisServer) -> str:
    return f"the store at 127.0.0.1:{server.port}"


def test_a_login_on_one_machine_is_there_for_all(
    project: Project, standin: StandIn, redis_server: RedisServer
) -> None:
    port = find_free_port()
    standin.oauth.callback = f"http://localhost:{port}/callback"
    with subprocess.Popen(
        [BIN / "confluence-md", "login", "--no-browser", "--port", str(port)],
        cwd=project.root,
        env=project.variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        httpx.get(consent(process.stdout.readline().strip()), timeout=30)
        _, messages = process.communicate(timeout=30)

    assert process.returncode == 0, messages
    assert f"The tokens are in {name_of(redis_server)}." in messages
    assert not project.token_file.parent.exists()
    assert project.build().exit_code == 0
    content = redis_server.read_all()
    assert not [each for each in standin.oauth.secrets() if each.encode() in content]


@pytest.mark.usefixtures("store")
def test_status_says_where_a_sign_in_is_and_that_it_answers(
    project: Project, redis_server: RedisServer
) -> None:
    code, out, messages = project.run("status")

    assert (code, messages) == (0, "")
    assert f"  kept in        {name_of(redis_server)}, which answers\n" in out
    assert re.search(r"access token   until 20\d\d-", out)
    assert "  API            answers" in out


@pytest.mark.usefixtures("store")
def test_status_and_logout_say_what_is_wrong_with_a_server(
    project: Project, redis_server: RedisServer
) -> None:
    redis_server.kill()

    for command in ("status", "logout"):
        code, _, messages = project.run(command)
        assert code == 1
        assert messages.startswith(f"Error: T{name_of(redis_server)[1:]} cannot be used: ")


def test_logout_forgets_a_login_for_all_machines(
    project: Project, standin: StandIn, store: SharedTokenStore
) -> None:
    code, _, messages = project.run("logout")

    assert (code, store.list_keys()) == (0, [])
    assert f"Signed out of {standin.url}." in messages
    assert project.run("status")[0] == 1


def test_status_of_a_refresh_token_of_the_environment(
    project: Project, standin: StandIn, redis_server: RedisServer
) -> None:
    project.environment["CONFLUENCE_MD_REFRESH_TOKEN"] = standin.oauth.issue_refresh_token()

    code, out, _ = project.run("status")

    assert code == 0, out
    assert "  source         environment\n" in out
    assert f"  kept in        {name_of(redis_server)}, which answers\n" in out
    assert project.run("logout", "--all")[0] == 0


def test_without_the_client_secret_nothing_is_begun(project: Project) -> None:
    del project.environment["CONFLUENCE_MD_CLIENT_SECRET"]

    code, _, messages = project.run("login")

    assert code == 1
    assert messages.startswith(
        "Error: CONFLUENCE_MD_STORE is set without CONFLUENCE_MD_CLIENT_SECRET, with which "
        "everything in it is sealed."
    )


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("targets", [["101"], []])
def test_what_is_cleared_is_exported_anew(
    project: Project, standin: StandIn, redis_server: RedisServer, targets: list[str]
) -> None:
    assert project.build().exit_code == 0
    standin.clear()

    code, _, messages = project.run("cache", "clear", *targets)

    assert code == 0
    assert f"Removed from {name_of(redis_server)} what other machines would read" in messages
    assert project.build().exit_code == 0
    assert standin.exports() == ["101"]


@pytest.mark.usefixtures("store")
def test_nothing_is_cleared_while_the_server_cannot_be_used(
    project: Project, redis_server: RedisServer
) -> None:
    assert project.build().exit_code == 0
    redis_server.kill()

    code, _, messages = project.run("cache", "clear", "101")

    assert code == 1
    assert messages.startswith(f"Error: T{name_of(redis_server)[1:]} cannot be used: ")
    assert project.build().exit_code == 0
