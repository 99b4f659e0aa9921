"""`confluence-md status` and `logout`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from mkdocs_confluence_md.auth.sign_ins import login_key
from mkdocs_confluence_md.auth.token_store import TokenStore
from projects import keep_login, make_login

if TYPE_CHECKING:
    from pathlib import Path

    from mkdocs_confluence_md.auth.token_store import SignIn
    from projects import Project
    from standin import StandIn


@pytest.fixture
def store(project: Project) -> TokenStore:
    """Return the token file of a project without variables."""
    project.environment = {}
    return TokenStore(project.token_file, find_vault=lambda: None)


def sign_in(standin: StandIn, store: TokenStore, **changed: object) -> SignIn:
    """Sign in to the stand-in, with an access token that has expired."""
    entry = make_login(standin, **changed)
    keep_login(store, entry)
    return entry


def run(project: Project, *arguments: str, **variables: str) -> tuple[int, str, str]:
    """Run the command; return exit code, standard output and standard error."""
    return project.run(*arguments, **variables)


def without_times(text: str) -> str:
    return re.sub(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", "TIME", text)


def test_status_shows_a_login_that_works(
    project: Project, standin: StandIn, store: TokenStore
) -> None:
    sign_in(standin, store)

    code, out, messages = run(project, "status")

    assert (code, messages) == (0, "")
    assert without_times(out) == (
        f"{standin.url}\n"
        "  source         login\n"
        "  account        557058:stand-in\n"
        "  scopes         export:markdown:custom offline_access read:forge-app:confluence\n"
        "  access token   until TIME\n"
        "  refresh token  until TIME, and longer with each use\n"
        f"  kept in        {project.token_file}\n"
        f"  base URL       {standin.url}/gateway/api/svc/confluence/apps/"
        "0def1d4f-1593-4dd0-99a3-a098b3959067_796457c9-9c03-4382-b44f-d19571068ece\n"
        "  API            answers\n"
    )


def test_status_keeps_a_sign_in_alive(
    project: Project, standin: StandIn, store: TokenStore
) -> None:
    before = sign_in(standin, store)

    code, out, _ = run(project, "status", "--json")

    [told] = json.loads(out)["sign_ins"]
    after = store.load(login_key(standin.url))
    assert (code, json.loads(out)["ok"], told["ok"], told["problem"]) == (0, True, True, "")
    assert after is not None
    assert after.refresh_token != before.refresh_token
    assert after.refreshed_at > before.refreshed_at
    assert told["refresh_token_expires_at"] > "2026"
    assert standin.exports() == [""]  # one call, and no page was exported
    assert [request.status for request in standin.requests if request.is_export] == [400]


def test_json_holds_no_secret(project: Project, standin: StandIn, store: TokenStore) -> None:
    sign_in(standin, store)

    outputs = [run(project, "status", "--json"), run(project, "status")]

    assert not [secret for secret in standin.oauth.secrets() if secret in str(outputs)]


def test_status_says_what_is_wrong_and_fails(
    project: Project, standin: StandIn, store: TokenStore
) -> None:
    sign_in(standin, store)
    sign_in(standin, store, site="https://other.atlassian.net", refresh_token="long-gone",
            access_token="", cloud_id="x", gateway="api")  # fmt: skip
    project.environment = {"CONFLUENCE_MD_API_URL": standin.url}

    code, out, _ = run(project, "status", "--json")

    good, bad = json.loads(out)["sign_ins"]
    assert code == 1
    assert good["ok"]
    assert not bad["ok"]
    assert bad["problem"].endswith("Sign in again: confluence-md login --site other.atlassian.net")


def test_status_of_nobody(project: Project, store: TokenStore) -> None:
    assert not store.path.exists()
    assert run(project, "status") == (1, "", "You are not signed in. Run: confluence-md login\n")
    code, out, _ = run(project, "status", "--json", "--site", "acme.atlassian.net")
    assert (code, json.loads(out)) == (1, {"schema": 1, "ok": False, "sign_ins": []})


def test_status_of_the_environment(project: Project, standin: StandIn, store: TokenStore) -> None:
    project.environment = standin.environment()

    code, out, _ = run(project, "status", "--json", "--site", standin.url)
    again, _, _ = run(project, "status", "--site", standin.url)

    [told] = json.loads(out)["sign_ins"]
    assert (code, again) == (0, 0)
    assert told["source"] == "environment"
    assert told["account"] == "557058:stand-in"
    assert told["kept_in"] == str(store.path)
    assert (standin.oauth.refreshes, standin.oauth.reuses) == (1, 0)


def test_status_of_an_access_token(project: Project, standin: StandIn, store: TokenStore) -> None:
    del store
    token = standin.oauth.issue_access_token(account="557058:jane")
    variables = {"CONFLUENCE_MD_ACCESS_TOKEN": token, "CONFLUENCE_MD_API_URL": standin.url}

    code, out, _ = run(project, "status", "--site", standin.url, **variables)

    assert code == 0
    assert "  source         access token\n  account        557058:jane\n" in out
    standin.oauth.expire_access_tokens()
    code, out, _ = run(project, "status", "--site", standin.url, **variables)
    assert code == 1
    assert "  API            The access token has expired or was revoked" in out


def test_credentials_of_the_environment_need_a_site(project: Project, standin: StandIn) -> None:
    project.environment = standin.environment()

    assert run(project, "status") == (
        1,
        "",
        "Error: The environment variables have credentials, but do not say for which site. "
        "Name it: confluence-md status --site acme.atlassian.net\n",
    )


def test_a_damaged_token_file_is_reported(project: Project, store: TokenStore) -> None:
    store.path.parent.mkdir()
    store.path.write_text("{")

    for command in ("status", "logout"):
        code, _, messages = run(project, command)
        assert code == 1
        assert messages.startswith(f"Error: The token file {store.path} is damaged")
    assert store.path.read_text() == "{"


def test_logout_forgets_the_tokens(project: Project, standin: StandIn, store: TokenStore) -> None:
    entry = sign_in(standin, store)

    code, out, messages = run(project, "logout")

    assert (code, out) == (0, "")
    assert messages.startswith(f"Signed out of {standin.url}.\n")
    assert entry.refresh_token not in store.path.read_text()
    assert run(project, "logout") == (
        1, "", "Error: You are not signed in to any site. See: confluence-md status\n"
    )  # fmt: skip


def test_logout_asks_which_of_several_sites(
    project: Project, standin: StandIn, store: TokenStore
) -> None:
    sign_in(standin, store)
    sign_in(standin, store, site="https://acme.atlassian.net")

    assert run(project, "logout") == (
        1,
        "",
        f"Error: You are signed in to several sites: {standin.url}, acme.atlassian.net. Name one "
        "with --site, or use --all.\n",
    )
    assert run(project, "logout", "--site", "acme.atlassian.net")[0] == 0
    assert store.list_keys() == [login_key(standin.url)]
    sign_in(standin, store, site="https://acme.atlassian.net")
    assert run(project, "logout", "--all")[0] == 0
    assert store.list_keys() == []


def test_a_login_is_for_its_own_site_only(
    project: Project, standin: StandIn, store: TokenStore, tmp_path: Path
) -> None:
    del tmp_path
    sign_in(standin, store, site="https://other.atlassian.net")
    project.configure([{"Deploy": "confluence:101"}], site=standin.url, gateway="site")

    built = project.build()

    assert f"You are not signed in to {standin.url}." in built.messages()
    assert f"Run `confluence-md login --site {standin.url}`" in built.messages()
    assert standin.requests == []


def test_a_login_is_found_by_the_cloud_id_of_a_base_url(
    project: Project, standin: StandIn, store: TokenStore
) -> None:
    sign_in(standin, store, cloud_id=standin.cloud_id)
    app = "0def1d4f-1593-4dd0-99a3-a098b3959067_796457c9-9c03-4382-b44f-d19571068ece"
    base_url = f"{standin.url}/svc/confluence/{standin.cloud_id}/apps/{app}"
    project.configure([{"Deploy": "confluence:101"}], base_url=base_url)
    project.environment = {"CONFLUENCE_MD_API_URL": standin.url}

    assert project.build().exit_code == 0


def test_the_environment_wins_over_a_login(
    project: Project, standin: StandIn, store: TokenStore
) -> None:
    sign_in(standin, store, refresh_token="long-gone")
    project.environment = standin.environment()
    project.configure([{"Deploy": "confluence:101"}], site=standin.url, gateway="site")

    assert project.build().exit_code == 0


@pytest.mark.parametrize("command", ["login", "status", "logout"])
def test_help_has_an_example(project: Project, command: str) -> None:
    code, out, _ = run(project, command, "--help")

    assert code == 0
    assert f"Example: confluence-md {command}" in out


def test_logout_of_everything_forgets_the_chains_of_the_environment_too(
    project: Project, standin: StandIn, store: TokenStore
) -> None:
    sign_in(standin, store)
    project.environment = standin.environment()
    run(project, "status", "--site", standin.url)
    assert len(store.list_keys()) == 2

    assert run(project, "logout", "--all")[0] == 0
    assert store.list_keys() == []


def test_json_is_json_when_the_token_file_is_damaged(project: Project, store: TokenStore) -> None:
    store.path.parent.mkdir()
    store.path.write_text("{")

    code, out, _ = run(project, "status", "--json")

    told = json.loads(out)
    assert (code, told["ok"], told["sign_ins"]) == (1, False, [])
    assert "is damaged" in told["problem"]


@pytest.mark.parametrize(
    ("status", "fine"),
    [(200, True), (400, True), (404, True), (422, True), (500, True),
     (401, False), (403, False), (429, False), (502, False), (503, False)],
)  # fmt: skip
def test_an_api_that_refuses_an_empty_request_in_its_own_way_answers(
    project: Project, standin: StandIn, store: TokenStore, status: int, *, fine: bool
) -> None:
    sign_in(standin, store)
    standin.faults.answer(status)

    assert run(project, "status")[0] == (0 if fine else 1)
