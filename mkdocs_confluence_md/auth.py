"""OAuth 2.0 for our requests: an `httpx.Auth` adds the token and refreshes it once, whoever asks.

A refresh is part of the authentication flow (yield the token request, then the original again),
so that proxies, TLS settings, time-outs and test transports apply to it too.
Facts about Atlassian's tokens: https://developer.atlassian.com/cloud/confluence/oauth-2-3lo-apps/
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from typing import TYPE_CHECKING, Any

import httpx

from mkdocs_confluence_md import __version__
from mkdocs_confluence_md.errors import CredentialsError, FailureError, SettingError
from mkdocs_confluence_md.tokens import Tokens, TokenStore, default_token_file
from mkdocs_confluence_md.trust import origin_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from mkdocs_confluence_md.environment import ClientCredentials, Environment
    from mkdocs_confluence_md.trust import TrustRule

    Flow = Generator[httpx.Request, httpx.Response, None]

USER_AGENT = f"mkdocs-confluence-md/{__version__}"

# A token that expires while its request is on the way would cost a second request.
_EXPIRY_MARGIN_SECONDS = 60.0
# Atlassian's documented life of an access token, for an answer that does not tell.
_USUAL_LIFE_SECONDS = 3600.0


class TokenAuth(httpx.Auth):
    """What all kinds of sign-in share: the trust rule, and whose cache entries are ours."""

    def __init__(self, trust: TrustRule) -> None:
        self._trust = trust

    def account(self) -> str | None:
        """Name the account for cache keys, as a hash; None if nobody is signed in."""
        raise NotImplementedError

    def check_trust(self, url: str) -> None:
        """Refuse a URL that may not receive a token.

        Raises:
            SettingError: The trust rule of `trust.py` forbids it.
        """
        if objection := self._trust.find_objection(url):
            raise SettingError(
                f"No token is sent to {origin_of(url)}: {objection}.",
                "Correct the option `site` or `base_url`. A host of your own needs https, and "
                "must be named in the environment variable CONFLUENCE_MD_TRUSTED_HOSTS.",
            )

    def _add_token(self, request: httpx.Request, token: str) -> None:
        self.check_trust(str(request.url))
        request.headers["Authorization"] = f"Bearer {token}"


class NoAuth(TokenAuth):
    """Nobody is signed in: what is fresh in the cache is all there is."""

    def account(self) -> str | None:
        """Return None: any account's copy will do."""
        return None

    def sync_auth_flow(self, request: httpx.Request) -> Flow:
        """Refuse, with the remedy."""
        raise CredentialsError(
            f"There are no credentials for {host_and_port(request)}.",
            "Set CONFLUENCE_MD_ACCESS_TOKEN, or CONFLUENCE_MD_CLIENT_ID, "
            "CONFLUENCE_MD_CLIENT_SECRET and CONFLUENCE_MD_REFRESH_TOKEN.",
        )
        yield request  # makes this a generator, as httpx expects


class AccessTokenAuth(TokenAuth):
    """A bearer token used as it is, never refreshed."""

    def __init__(self, token: str, trust: TrustRule) -> None:
        super().__init__(trust)
        self._token = token

    def account(self) -> str | None:
        """Return the hash of the token's subject; of the token, where it names none."""
        return _hash(_read_subject(self._token) or self._token)

    def auth_flow(self, request: httpx.Request) -> Flow:
        """Add the token."""
        self._add_token(request, self._token)
        yield request


class RefreshTokenAuth(TokenAuth):
    """Client credentials and a chain of refresh tokens, each of which can be used once.

    The refresh token of the environment only seeds the chain. The token file remembers the
    chain under its seed, so that the next build with the same (now used) seed goes on with the
    current token, and another seed starts another chain.

    Args:
        credentials: Client ID, client secret and seed.
        store: Where the chain is kept.
        auth_url: The authorization server.
        trust: Which hosts may receive the access token.
        clock: Returns seconds since the epoch.
    """

    def __init__(
        self,
        credentials: ClientCredentials,
        store: TokenStore,
        *,
        auth_url: str,
        trust: TrustRule,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(trust)
        self._credentials = credentials
        self._store = store
        self._token_url = f"{auth_url}/oauth/token"
        self._clock = clock
        seed = _hash(credentials.refresh_token)
        self._key = f"{auth_url} {credentials.client_id} seed {seed}"
        self._lock = threading.Lock()
        self._tokens: Tokens | None = None
        self._futile_token = ""
        """A token that was refused right after its refresh: another refresh would not help."""
        self._refused: tuple[str, str, str] | None = None
        """A refresh token that the server refused for good, and its complaint and remedy."""
        self.check_trust(self._token_url)

    def account(self) -> str | None:
        """Return the hash of the subject of the last access token, of the seed before that."""
        tokens = self._load()
        return _hash(_read_subject(tokens.access_token) or self._key)

    def sync_auth_flow(self, request: httpx.Request) -> Flow:
        """Add a valid token; after a 401 that a new token may cure, refresh and try once more."""
        self.check_trust(str(request.url))
        tokens = self._load()
        if not self._is_valid(tokens):
            tokens = yield from self._refresh(request, refused_token="")
        self._add_token(request, tokens.access_token)
        response = yield request
        if response.status_code != httpx.codes.UNAUTHORIZED or lacks_scope(response):
            return
        if tokens.access_token == self._futile_token:
            return
        tokens = yield from self._refresh(request, refused_token=tokens.access_token)
        self._add_token(request, tokens.access_token)
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED:
            self._futile_token = tokens.access_token

    def _load(self) -> Tokens:
        if self._tokens is None:
            seed = Tokens(refresh_token=self._credentials.refresh_token)
            self._tokens = self._store.load(self._key) or seed
        return self._tokens

    def _is_valid(self, tokens: Tokens) -> bool:
        expires_at = tokens.expires_at - _EXPIRY_MARGIN_SECONDS
        return bool(tokens.access_token) and self._clock() < expires_at

    def _refresh(
        self, request: httpx.Request, *, refused_token: str
    ) -> Generator[httpx.Request, httpx.Response, Tokens]:
        """Get new tokens, unless another thread or process already did.

        Args:
            request: The request that waits for the token; its time-outs are used.
            refused_token: An access token that is of no use although it has not expired.
        """
        with self._lock, self._store.locked():
            self._tokens = None
            tokens = self._load()
            if tokens.access_token != refused_token and self._is_valid(tokens):
                return tokens
            if self._refused and self._refused[0] == tokens.refresh_token:
                raise CredentialsError(*self._refused[1:])
            response = yield self._make_token_request(tokens, request)
            response.read()
            tokens = self._read_tokens(response, tokens)
            # On disk before anybody uses the access token: the old refresh token is used up.
            self._store.save(self._key, tokens)
            self._tokens = tokens
            return tokens

    def _make_token_request(self, tokens: Tokens, request: httpx.Request) -> httpx.Request:
        return httpx.Request(
            "POST",
            self._token_url,
            headers={"User-Agent": USER_AGENT, "Accept": "application/json"},
            json={
                "grant_type": "refresh_token",
                "client_id": self._credentials.client_id,
                "client_secret": self._credentials.client_secret,
                "refresh_token": tokens.refresh_token,
            },
            # Without this, a request that no client has built has no time-out at all.
            extensions={"timeout": request.extensions.get("timeout", {})},
        )

    def _read_tokens(self, response: httpx.Response, old: Tokens) -> Tokens:
        answer = read_json_object(response)
        if response.status_code in (400, 401, 403):
            self._refused = (old.refresh_token, *_explain_refusal(response, answer))
            raise CredentialsError(*self._refused[1:])
        access_token = answer.get("access_token")
        if response.status_code != httpx.codes.OK or not isinstance(access_token, str):
            raise FailureError(
                f"The authorization server {host_and_port(response.request)} answered "
                f"{response.status_code} without a token.",
                "Try again later; https://status.atlassian.com says whether it is a known problem.",
            )
        return Tokens(
            # No new refresh token in the answer means: keep the old one.
            refresh_token=str(answer.get("refresh_token") or old.refresh_token),
            access_token=access_token,
            expires_at=self._clock() + _to_seconds(answer.get("expires_in")),
            scope=str(answer.get("scope") or old.scope),
        )


def make_auth(environment: Environment, *, clock: Callable[[], float] = time.time) -> TokenAuth:
    """Choose the sign-in that the environment asks for; an access token wins.

    Raises:
        SettingError: CONFLUENCE_MD_AUTH_URL may not receive tokens (it is plain http).
    """
    if environment.access_token:
        return AccessTokenAuth(environment.access_token, environment.trust)
    if environment.credentials is None:
        return NoAuth(environment.trust)
    return RefreshTokenAuth(
        environment.credentials,
        TokenStore(environment.token_file or default_token_file()),
        auth_url=environment.auth_url,
        trust=environment.trust,
        clock=clock,
    )


def lacks_scope(response: httpx.Response) -> bool:
    """Tell the 401 of a missing scope, which no refresh can cure, from that of an expired token."""
    # Read in any case: a refresh may need this answer's connection.
    response.read()
    failure = response.headers.get("x-failure-category", "")
    return failure == "FAILURE_CLIENT_SCOPE_CHECK" or b"scope does not match" in response.content


def read_json_object(response: httpx.Response) -> dict[str, Any]:
    """Return the body as a JSON object; empty if it is anything else."""
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def host_and_port(request: httpx.Request) -> str:
    """Name the server of a request for a message."""
    return request.url.netloc.decode("ascii")


def _explain_refusal(response: httpx.Response, answer: dict[str, Any]) -> tuple[str, str]:
    """Say why the token request was refused: `error` is one of RFC 6749, section 5.2.

    The server's description is not shown: nobody promises that it does not repeat a secret.
    """
    where = f"the authorization server {host_and_port(response.request)} ({response.status_code})"
    if answer.get("error") == "invalid_grant":
        return (
            f"The refresh token is no longer valid, says {where}.",
            "Sign in again and put the new refresh token into CONFLUENCE_MD_REFRESH_TOKEN.",
        )
    remedy = (
        "Compare CONFLUENCE_MD_CLIENT_ID and CONFLUENCE_MD_CLIENT_SECRET with the settings of "
        "your OAuth 2.0 integration on https://developer.atlassian.com/console/myapps/."
    )
    return f"The client ID or the client secret is wrong, says {where}.", remedy


def _to_seconds(value: object) -> float:
    return float(value) if isinstance(value, int | float) else _USUAL_LIFE_SECONDS


def _read_subject(token: str) -> str:
    """Return `sub` of a JWT without verifying it: it only names a cache entry. Empty if none."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims["sub"])
    except (IndexError, KeyError, TypeError, ValueError):
        return ""


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
