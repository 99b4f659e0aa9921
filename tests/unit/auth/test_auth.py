"""Signing in: which token goes where, and when it is refreshed."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

from clocks import Clock
from mkdocs_confluence_md.auth.environment import read_environment
from mkdocs_confluence_md.auth.token_refresh import RefreshTokenAuth, TokenAuth, make_auth
from mkdocs_confluence_md.auth.token_store import SignIn, TokenStore
from mkdocs_confluence_md.auth.trust import TrustRule
from mkdocs_confluence_md.errors import CredentialsError, FailureError, SettingError, TokenFileError
from mkdocs_confluence_md.network.client import make_client
from mkdocs_confluence_md.network.throttling import Traffic
from projects import CALM, STEADY

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from mkdocs_confluence_md.auth.token_store import SignInStore
    from standin import StandIn

    Flow = Generator[httpx.Request, httpx.Response, None]

APP = "apps/0def1d4f-1593-4dd0-99a3-a098b3959067_796457c9-9c03-4382-b44f-d19571068ece"


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    return tmp_path / "config" / "tokens.json"


@pytest.fixture
def sign_in(standin: StandIn, token_file: Path) -> Callable[..., TokenAuth]:
    """Return a function that makes the sign-in of another process with the same variables."""
    variables = {**standin.environment(), "CONFLUENCE_MD_TOKEN_FILE": str(token_file)}

    def make(clock: Callable[[], float] = time.time, **changed: str) -> TokenAuth:
        changes = {f"CONFLUENCE_MD_{name}": value for name, value in changed.items()}
        return make_auth(read_environment({**variables, **changes}), clock=clock)

    return make


def export(standin: StandIn, auth: TokenAuth, *, page_id: str = "101") -> int:
    """Ask for an export and return the status."""
    url = f"{standin.url}/gateway/api/svc/confluence/{APP}/singleExport"
    with httpx.Client(auth=auth) as client:
        return client.post(url, json={"pageId": page_id}).status_code


def test_sixteen_threads_that_meet_an_expired_token_refresh_it_once(
    standin: StandIn, sign_in: Callable[..., TokenAuth]
) -> None:
    auth = sign_in()
    assert export(standin, auth) == 200
    standin.oauth.expire_access_tokens()
    start = threading.Barrier(16)

    def meet(_: int) -> int:
        start.wait()
        return export(standin, auth)

    with ThreadPoolExecutor(16) as threads:
        statuses = list(threads.map(meet, range(16)))

    assert statuses == [200] * 16
    assert (standin.oauth.refreshes, standin.oauth.reuses) == (2, 0)


def test_sixteen_threads_without_a_token_sign_in_once(
    standin: StandIn, sign_in: Callable[..., TokenAuth]
) -> None:
    auth = sign_in()
    start = threading.Barrier(16)

    def meet(_: int) -> int:
        start.wait()
        return export(standin, auth)

    with ThreadPoolExecutor(16) as threads:
        assert list(threads.map(meet, range(16))) == [200] * 16

    assert (standin.oauth.refreshes, standin.oauth.reuses) == (1, 0)


def test_a_token_is_refreshed_shortly_before_it_expires(
    standin: StandIn, sign_in: Callable[..., TokenAuth]
) -> None:
    clock = Clock(time.time())
    auth = sign_in(clock)
    export(standin, auth)

    clock.now += 3600 - 61
    export(standin, auth)
    assert standin.oauth.refreshes == 1

    clock.now += 2
    export(standin, auth)
    assert standin.oauth.refreshes == 2
    assert [r.status for r in standin.requests if r.is_export] == [200, 200, 200]


def test_the_next_build_goes_on_with_the_chain_that_the_seed_began(
    standin: StandIn, sign_in: Callable[..., TokenAuth]
) -> None:
    for _ in range(3):
        assert export(standin, sign_in()) == 200
        standin.oauth.expire_access_tokens()

    assert (standin.oauth.refreshes, standin.oauth.reuses) == (3, 0)


def test_a_valid_token_of_an_earlier_build_needs_no_refresh(
    standin: StandIn, sign_in: Callable[..., TokenAuth]
) -> None:
    export(standin, sign_in())
    export(standin, sign_in())

    assert standin.oauth.refreshes == 1


def test_another_seed_begins_another_chain_and_the_old_one_is_kept(
    standin: StandIn, sign_in: Callable[..., TokenAuth], token_file: Path
) -> None:
    export(standin, sign_in())
    standin.oauth.revoke_all()
    new_seed = standin.oauth.issue_refresh_token()

    assert export(standin, sign_in(REFRESH_TOKEN=new_seed)) == 200

    assert len(json.loads(token_file.read_text())["sign_ins"]) == 2
    with pytest.raises(CredentialsError, match="no longer valid"):
        export(standin, sign_in())


def test_the_rotated_token_is_on_disk_before_the_access_token_is_used(
    standin: StandIn, sign_in: Callable[..., TokenAuth], token_file: Path
) -> None:
    # The export never gets its answer, as when the process is killed right there.
    standin.faults.connection("cut", times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        export(standin, sign_in())
    saved = token_file.read_text()

    used = next(r for r in standin.requests if r.is_export).headers["authorization"]
    assert used.removeprefix("Bearer ") in saved
    assert export(standin, sign_in()) == 200
    assert standin.oauth.reuses == 0


def test_the_token_file_is_for_its_owner_alone_and_holds_no_seed(
    standin: StandIn, sign_in: Callable[..., TokenAuth], token_file: Path
) -> None:
    seed = standin.oauth.issue_refresh_token()
    export(standin, sign_in(REFRESH_TOKEN=seed))

    assert token_file.stat().st_mode & 0o777 == 0o600
    assert token_file.parent.stat().st_mode & 0o777 == 0o700
    assert seed not in token_file.read_text()
    assert standin.client_secret not in token_file.read_text()
    assert {path.name for path in token_file.parent.iterdir()} <= {
        "tokens.json",
        "tokens.json.lock",
    }


def test_a_401_is_answered_with_one_refresh_and_one_more_try(
    standin: StandIn, sign_in: Callable[..., TokenAuth]
) -> None:
    auth = sign_in()
    export(standin, auth)
    standin.faults.unauthorized_times = 1

    assert export(standin, auth) == 200
    assert standin.oauth.refreshes == 2


def test_a_401_that_a_new_token_does_not_cure_costs_one_refresh_in_all(
    standin: StandIn, sign_in: Callable[..., TokenAuth]
) -> None:
    auth = sign_in()
    standin.faults.unauthorized_times = 1000

    assert [export(standin, auth) for _ in range(5)] == [401] * 5
    assert standin.oauth.refreshes == 2  # the sign-in, and one more


def test_a_missing_scope_is_no_reason_to_refresh(
    standin: StandIn, sign_in: Callable[..., TokenAuth]
) -> None:
    auth = sign_in()
    standin.faults.missing_scope = True

    assert export(standin, auth) == 401
    assert standin.oauth.refreshes == 1


def test_a_refused_refresh_token_is_presented_once(
    standin: StandIn, sign_in: Callable[..., TokenAuth]
) -> None:
    auth = sign_in(REFRESH_TOKEN="unknown")

    for _ in range(3):
        with pytest.raises(CredentialsError, match="no longer valid"):
            export(standin, auth)

    assert [request.path for request in standin.requests] == ["/oauth/token"]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_failing_authorization_server_is_asked_again_the_next_time(
    standin: StandIn, sign_in: Callable[..., TokenAuth], status: int
) -> None:
    auth = sign_in()
    standin.faults.answer(status, route="token", times=1)

    with pytest.raises(FailureError, match=f"answered {status} without a token"):
        export(standin, auth)
    assert export(standin, auth) == 200


@pytest.mark.parametrize("body", ["<html>", "[]", "{}", '{"access_token": 5}', ""])
def test_an_answer_without_a_token_is_a_failure(
    standin: StandIn, sign_in: Callable[..., TokenAuth], body: str
) -> None:
    standin.faults.answer(200, route="token", body=body, times=1)

    with pytest.raises(FailureError, match="answered 200 without a token"):
        export(standin, sign_in())


def test_an_answer_without_a_new_refresh_token_means_to_keep_the_old_one(
    standin: StandIn, sign_in: Callable[..., TokenAuth]
) -> None:
    access_token = standin.oauth.issue_access_token()
    standin.faults.answer(
        200, route="token", body={"access_token": access_token, "expires_in": 30}, times=1
    )
    clock = Clock(time.time())

    assert export(standin, sign_in(clock)) == 200
    clock.now += 30
    assert export(standin, sign_in(clock)) == 200
    assert (standin.oauth.refreshes, standin.oauth.reuses) == (1, 0)


def test_a_token_with_a_short_life_serves_more_than_one_request(
    standin: StandIn, sign_in: Callable[..., TokenAuth]
) -> None:
    standin.oauth.access_token_seconds = 30
    auth = sign_in()

    assert [export(standin, auth) for _ in range(5)] == [200] * 5
    assert standin.oauth.refreshes == 1


def test_a_token_revoked_right_after_its_refresh_is_tried_again_later(
    standin: StandIn, sign_in: Callable[..., TokenAuth]
) -> None:
    clock = Clock(time.time())
    auth = sign_in(clock)
    standin.faults.unauthorized_times = 3
    assert [export(standin, auth), export(standin, auth)] == [401, 401]

    clock.now += 61
    assert export(standin, auth) == 200


def test_a_failing_refresh_fails_for_everybody_who_waited_for_it(
    standin: StandIn, sign_in: Callable[..., TokenAuth]
) -> None:
    standin.faults.connection("hang", route="token")
    auth = sign_in()
    url = f"{standin.url}/gateway/api/svc/confluence/{APP}/singleExport"
    start = threading.Barrier(8)

    def ask(client: httpx.Client) -> str:
        start.wait()
        try:
            client.post(url, json={"pageId": "101"}, auth=auth)
        except (httpx.ReadTimeout, FailureError) as error:
            return type(error).__name__
        return "answered"

    # Long enough for all of them to come meanwhile.
    patience = replace(CALM, answer=2.0, token=2.0)
    with make_client(Traffic(8, patience)) as client, ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(ask, [client] * 8))

    # One had the time-out itself. Nobody began another one before that was known.
    assert sorted(outcomes) == ["FailureError"] * 7 + ["ReadTimeout"]
    assert [request.path for request in standin.requests] == ["/oauth/token"] * 2


def test_a_token_answer_that_is_lost_is_asked_for_again_at_once(
    standin: StandIn, sign_in: Callable[..., TokenAuth]
) -> None:
    # In ten minutes the used refresh token would no longer be forgiven, and the chain would end.
    standin.faults.connection("cut-in-body", route="token", times=1)

    with make_client(Traffic(1, STEADY)) as client:
        url = f"{standin.url}/gateway/api/svc/confluence/{APP}/singleExport"
        assert client.post(url, json={"pageId": "101"}, auth=sign_in()).status_code == 200
    assert export(standin, sign_in()) == 200
    assert standin.oauth.reuses == 1


def test_a_token_that_comes_late_is_waited_for(
    standin: StandIn, sign_in: Callable[..., TokenAuth]
) -> None:
    patience = replace(CALM, silence=1.0)
    standin.faults.other_latency = 2 * patience.silence
    auth = sign_in()

    with make_client(Traffic(1, patience)) as client:
        url = f"{standin.url}/gateway/api/svc/confluence/{APP}/singleExport"
        assert client.post(url, json={"pageId": "101"}, auth=auth).status_code == 200
    assert standin.oauth.reuses == 0


def test_an_access_token_that_no_header_can_carry_is_never_shown(
    standin: StandIn, sign_in: Callable[..., TokenAuth], token_file: Path
) -> None:
    standin.faults.answer(200, route="token", body={"access_token": "SECRET-token\n"}, times=1)
    with pytest.raises(FailureError, match="answered 200 without a token"):
        export(standin, sign_in())

    export(standin, sign_in())
    text = json.loads(token_file.read_text())
    for entry in text["sign_ins"].values():
        entry["access_token"] = "SECRET-token\n"
    token_file.write_text(json.dumps(text))
    with pytest.raises(TokenFileError, match="is damaged") as caught:
        export(standin, sign_in())
    assert "SECRET" not in str(caught.value)


def test_a_hanging_authorization_server_is_given_up_like_any_other(
    standin: StandIn, sign_in: Callable[..., TokenAuth]
) -> None:
    standin.faults.connection("hang", route="token")
    url = f"{standin.url}/gateway/api/svc/confluence/{APP}/singleExport"

    patience = replace(STEADY, answer=0.5, token=0.5)
    with make_client(Traffic(1, patience)) as client, pytest.raises(httpx.ReadTimeout):
        client.post(url, json={"pageId": "101"}, auth=sign_in())


def test_an_access_token_is_used_as_it_is_and_wins(
    standin: StandIn, sign_in: Callable[..., TokenAuth], token_file: Path
) -> None:
    token = standin.oauth.issue_access_token()
    auth = sign_in(ACCESS_TOKEN=token)

    assert export(standin, auth) == 200
    assert standin.oauth.refreshes == 0
    assert not token_file.exists()


def test_the_account_is_known_by_the_subject_of_the_token_and_stays_the_same(
    standin: StandIn, sign_in: Callable[..., TokenAuth]
) -> None:
    first, other = (
        standin.oauth.issue_access_token(account=account) for account in ("jane", "john")
    )
    again = standin.oauth.issue_access_token(account="jane")

    accounts = [sign_in(ACCESS_TOKEN=token).account() for token in (first, again, other)]

    assert accounts[0] == accounts[1] != accounts[2]
    assert "jane" not in str(accounts)
    assert sign_in(ACCESS_TOKEN="opaque").account()


def test_without_credentials_there_is_no_account_and_no_request(
    standin: StandIn, token_file: Path
) -> None:
    variables = {"CONFLUENCE_MD_TOKEN_FILE": str(token_file), "CONFLUENCE_MD_API_URL": standin.url}
    auth = make_auth(read_environment(variables))

    assert auth.account() is None
    with pytest.raises(CredentialsError, match="You are not signed in to"):
        export(standin, auth)
    assert standin.requests == []


def test_a_token_goes_to_no_host_that_the_environment_does_not_trust(
    standin: StandIn, sign_in: Callable[..., TokenAuth]
) -> None:
    sent: list[httpx.Request] = []

    def record(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200)

    auth = sign_in(ACCESS_TOKEN=standin.oauth.issue_access_token())
    with httpx.Client(auth=auth, transport=httpx.MockTransport(record)) as client:
        with pytest.raises(SettingError, match=r"^No token is sent to https://evil.example: "):
            client.post("https://evil.example/singleExport")
        client.post("https://acme.atlassian.net/singleExport")

    assert [request.url.host for request in sent] == ["acme.atlassian.net"]


def test_a_plain_http_authorization_server_is_refused(sign_in: Callable[..., TokenAuth]) -> None:
    with pytest.raises(SettingError, match="would send the token in clear text"):
        sign_in(AUTH_URL="http://auth.example")


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"version": 2, "sign_ins": {}}', '{"version": 1}']
)
def test_a_damaged_token_file_is_reported_and_left_as_it_is(
    standin: StandIn, sign_in: Callable[..., TokenAuth], token_file: Path, content: str
) -> None:
    token_file.parent.mkdir()
    token_file.write_text(content)

    with pytest.raises(TokenFileError) as caught:
        export(standin, sign_in())

    assert str(caught.value) == (
        f"The token file {token_file} is damaged, or was written by a newer "
        "version. Move it away, and sign in again. It was not changed."
    )
    assert token_file.read_text() == content
    assert standin.requests == []


def test_a_token_file_in_an_impossible_place_is_reported_before_anything_is_asked(
    standin: StandIn, sign_in: Callable[..., TokenAuth], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(TokenFileError, match=r"Not a directory\. Set CONFLUENCE_MD_TOKEN_FILE to"):
        export(standin, sign_in(TOKEN_FILE=str(tmp_path / "file" / "tokens.json")))
    assert standin.requests == []


def test_no_secret_is_in_the_representation_of_anything(
    standin: StandIn, token_file: Path, sign_in: Callable[..., TokenAuth]
) -> None:
    environment = read_environment(standin.environment())
    auth = sign_in()
    export(standin, auth)
    assert isinstance(auth, RefreshTokenAuth)

    texts = f"{environment!r} {replace(environment, access_token='x-secret')!r} {vars(auth)!r}"

    assert token_file.exists()
    assert not [secret for secret in [*standin.oauth.secrets(), "x-secret"] if secret in texts]


class HandMadeChain:
    """A chain that is kept in memory, and can be told not to save."""

    def __init__(self, tmp_path: Path, auth_url: str = "https://auth.atlassian.com") -> None:
        self.store: SignInStore = TokenStore(tmp_path / "tokens.json", find_vault=lambda: None)
        self.current = SignIn("client", "first", client_secret="hush", auth_url=auth_url)
        self.fails = False

    def load(self) -> SignIn | None:
        return self.current

    def save(self, sign_in: SignIn, *, replaces: SignIn) -> None:
        del replaces
        if self.fails:
            raise TokenFileError("It cannot be written.", "Make room.")
        self.current = sign_in

    def find_new_start(self) -> str:
        return ""

    def name(self) -> str:
        return "hand-made"

    def explain_absence(self, host: str) -> CredentialsError:
        return CredentialsError(f"You are not signed in to {host}.", "Sign in.")

    def how_to_renew(self) -> str:
        return "Sign in again."

    def how_to_correct_client(self) -> str:
        return "Correct it."


def begin(
    chain: HandMadeChain,
) -> tuple[RefreshTokenAuth, Generator[httpx.Request, httpx.Response, None]]:
    """Begin a request that needs a token."""
    auth = RefreshTokenAuth(chain, trust=TrustRule())
    return auth, auth.sync_auth_flow(
        httpx.Request("POST", "https://api.atlassian.com/singleExport")
    )


def answer(request: httpx.Request, status: int, **fields: object) -> httpx.Response:
    return httpx.Response(status, json=fields, request=request)


def sent_token(request: httpx.Request) -> str:
    return str(json.loads(request.content)["refresh_token"])


def test_after_invalid_grant_the_file_is_read_once_more(tmp_path: Path) -> None:
    chain = HandMadeChain(tmp_path)
    _, flow = begin(chain)
    request = next(flow)
    assert sent_token(request) == "first"
    # Somebody without our lock has rotated it meanwhile: another machine, a restored cache.
    chain.current = replace(chain.current, refresh_token="second")

    request = flow.send(answer(request, 403, error="invalid_grant"))
    assert sent_token(request) == "second"

    with pytest.raises(CredentialsError, match=r"no longer valid.*Sign in again\."):
        flow.send(answer(request, 403, error="invalid_grant"))


def test_after_invalid_grant_a_valid_token_in_the_file_is_simply_used(tmp_path: Path) -> None:
    chain = HandMadeChain(tmp_path)
    _, flow = begin(chain)
    request = next(flow)
    chain.current = replace(
        chain.current, refresh_token="second", access_token="valid", expires_at=time.time() + 3600
    )

    request = flow.send(answer(request, 403, error="invalid_grant"))

    assert request.url.path == "/singleExport"
    assert request.headers["Authorization"] == "Bearer valid"


def test_a_token_that_could_not_be_saved_is_not_forgotten(tmp_path: Path) -> None:
    chain = HandMadeChain(tmp_path)
    chain.fails = True
    auth, flow = begin(chain)
    with pytest.raises(TokenFileError):
        flow.send(answer(next(flow), 200, access_token="a", refresh_token="second"))
    chain.fails = False

    flow = auth.sync_auth_flow(httpx.Request("POST", "https://api.atlassian.com/singleExport"))
    next(flow)

    assert chain.current.refresh_token == "second"


def test_no_refresh_token_is_sent_to_a_server_that_is_not_trusted(tmp_path: Path) -> None:
    _, flow = begin(HandMadeChain(tmp_path, auth_url="https://auth.evil.example"))

    with pytest.raises(SettingError, match=r"^No token is sent to https://auth.evil.example: "):
        next(flow)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refusal_without_a_code_is_somebody_elses(tmp_path: Path, status: int) -> None:
    _, flow = begin(HandMadeChain(tmp_path))
    request = next(flow)

    with pytest.raises(FailureError, match=f"answered {status} without a token"):
        flow.send(httpx.Response(status, html="<h1>Proxy</h1>", request=request))


def test_another_refusal_is_not_blamed_on_the_client(tmp_path: Path) -> None:
    _, flow = begin(HandMadeChain(tmp_path))

    with pytest.raises(CredentialsError, match=r"refused by the auth.* \(400 invalid_request\)"):
        flow.send(answer(next(flow), 400, error="invalid_request"))


def test_chains_that_have_expired_are_forgotten(
    standin: StandIn, sign_in: Callable[..., TokenAuth], token_file: Path
) -> None:
    clock = Clock(time.time())
    export(standin, sign_in(clock))
    clock.now += 91 * 86400
    export(standin, sign_in(clock, REFRESH_TOKEN=standin.oauth.issue_refresh_token()))

    assert len(json.loads(token_file.read_text())["sign_ins"]) == 1


@pytest.mark.parametrize("days", [0, 91])
def test_a_dead_chain_whose_secrets_are_gone_does_not_stop_a_living_one(
    standin: StandIn, sign_in: Callable[..., TokenAuth], token_file: Path, days: int
) -> None:
    clock = Clock(time.time())
    export(standin, sign_in(clock))
    content = json.loads(token_file.read_text())
    [dead] = content["sign_ins"].values()
    content["sign_ins"] = {"environment of a keyring": {**dead, "keyring": "1-gone"}}
    token_file.write_text(json.dumps(content))
    clock.now += days * 86400

    assert export(standin, sign_in(clock, REFRESH_TOKEN=standin.oauth.issue_refresh_token())) == 200
