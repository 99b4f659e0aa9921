"""Authentication: an `httpx.Auth` that adds the access token and refreshes it once for all threads.

A refresh is part of the authentication flow (yield the token request, then the original again),
so that proxies, TLS settings, time-outs and test transports apply to it too.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from mkdocs_confluence_md.auth.oauth import (
    WRONG_CLIENT,
    Client,
    GrantRefusedError,
    make_refresh_request,
    read_grant,
)
from mkdocs_confluence_md.auth.sign_ins import (
    Account,
    ChainAccount,
    TokenAccount,
    find_account,
    find_login,
)
from mkdocs_confluence_md.errors import (
    ConfluenceError,
    CredentialsError,
    FailureError,
    StoreError,
)
from mkdocs_confluence_md.network.client import STATUS_PAGE, host_and_port
from mkdocs_confluence_md.network.redaction import remember_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from mkdocs_confluence_md.auth.environment import Environment
    from mkdocs_confluence_md.auth.sign_ins import Chain
    from mkdocs_confluence_md.auth.token_store import SignIn, SignInStore
    from mkdocs_confluence_md.auth.trust import TrustRule

    Flow = Generator[httpx.Request, httpx.Response, None]

# A token that expires while its request is on the way would cost a second request.
_EXPIRY_MARGIN_SECONDS = 60.0
_FUTILE_SECONDS = 60.0
# Of a link that a store has not taken, between two tries.
_SAVE_AGAIN_SECONDS = 5.0


class TokenAuth(Account, httpx.Auth):
    """What all kinds of sign-in share."""

    def _add_token(self, request: httpx.Request, token: str) -> None:
        self.check_trust(str(request.url))
        remember_secrets(token)
        request.headers["Authorization"] = f"Bearer {token}"

    def close(self) -> None:
        """End the use of the sign-in."""


class AccessTokenAuth(TokenAccount, TokenAuth):
    """A bearer token used as it is, never refreshed."""

    def auth_flow(self, request: httpx.Request) -> Flow:
        """Add the token."""
        self._add_token(request, self.token)
        yield request


class RefreshTokenAuth(ChainAccount, TokenAuth):
    """The access tokens of a chain, refreshed once for all threads and processes.

    Args:
        chain: Where its current link is kept.
        trust: Which hosts may receive a token.
        clock: Returns seconds since the epoch.
    """

    def __init__(
        self, chain: Chain, *, trust: TrustRule, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(chain, trust=trust)
        self._clock = clock
        self.warn: Callable[[str], None] | None = None
        """Is told at the end of a link that a store has not taken. Without it, the request that
        brought the link fails."""
        self._lock = threading.Lock()
        self._unsaved: tuple[SignIn, SignIn] | None = None
        """A link of the chain that could not be saved, and the one that it replaces."""
        self._save_again_at = 0.0
        self._failures: list[ConfluenceError] = []
        """Refreshes that failed: each thread that waited for one of them fails, too."""
        self._futile: tuple[str, float] = ("", 0.0)
        """A token that was refused right after its refresh, and when: for a while, another
        refresh would not help."""
        self._refused: tuple[str, CredentialsError] | None = None
        """A refresh token that the server refused for good, and the error that says so."""

    def sync_auth_flow(self, request: httpx.Request) -> Flow:
        """Add a valid token; after a 401 that a new token may cure, refresh and try once more."""
        self.check_trust(str(request.url))
        sign_in = self._load()
        if sign_in is None:
            raise self._nobody_is_signed_in(request)
        if not self._is_valid(sign_in):
            sign_in = yield from self._refresh(request, refused_token="")
        elif self._unsaved:
            self._save_again()
        self._add_token(request, sign_in.access_token)
        response = yield request
        if response.status_code != httpx.codes.UNAUTHORIZED or lacks_scope(response):
            return
        futile_token, since = self._futile
        if sign_in.access_token == futile_token and self._clock() < since + _FUTILE_SECONDS:
            return
        sign_in = yield from self._refresh(request, refused_token=sign_in.access_token)
        self._add_token(request, sign_in.access_token)
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED:
            self._futile = sign_in.access_token, self._clock()

    def close(self) -> None:
        """Try a last time to save a link that a store has not taken."""
        if self._unsaved and self.warn:
            try:
                self._save()
            except StoreError as error:
                self.warn(str(error))

    def _save_again(self) -> None:
        """Try again to save a link; other threads do not wait for it."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            if self._clock() >= self._save_again_at:
                with suppress(StoreError):
                    self._save()
                self._save_again_at = self._clock() + _SAVE_AGAIN_SECONDS
        finally:
            self._lock.release()

    def _save(self) -> None:
        """Save the link that is not saved yet, if there is one."""
        if self._unsaved:
            unsaved, replaced = self._unsaved
            self.chain.save(unsaved, replaces=replaced)
            self._unsaved = None

    def _is_valid(self, sign_in: SignIn) -> bool:
        life = sign_in.expires_at - sign_in.refreshed_at
        margin = min(_EXPIRY_MARGIN_SECONDS, life / 10)
        return bool(sign_in.access_token) and self._clock() < sign_in.expires_at - margin

    def _refresh(
        self, request: httpx.Request, *, refused_token: str
    ) -> Generator[httpx.Request, httpx.Response, SignIn]:
        """Get a new access token, unless another thread or process already did.

        Args:
            request: The request that waits for the token.
            refused_token: An access token that is of no use although it has not expired.
        """
        failures_before = len(self._failures)
        with self._lock:
            if len(self._failures) > failures_before:
                raise self._failures[-1].copy()
            newest = self._sign_in
            if newest and newest.access_token != refused_token and self._is_valid(newest):
                return newest  # another thread's; where it is stored may not be reachable any more
            try:
                with self.chain.store.locked():
                    sign_in = self._reload(request)
                    if sign_in.access_token == refused_token or not self._is_valid(sign_in):
                        sign_in = yield from self._rotate(sign_in, request)
            except ConfluenceError as error:
                self._failures.append(error)
                raise
            except GeneratorExit:  # the client had no answer to the token request
                host = urlsplit(sign_in.auth_url).netloc
                self._failures.append(
                    FailureError(
                        f"The authorization server {host} did not answer.",
                        f"Try again later; {STATUS_PAGE}",
                    )
                )
                raise
            self._sign_in = sign_in
            return sign_in

    def _reload(self, request: httpx.Request) -> SignIn:
        self._save()  # the reason why it was not may have gone away
        sign_in = self.chain.load()
        if sign_in is None:  # logged out by another process
            raise self._nobody_is_signed_in(request)
        return sign_in

    def _rotate(
        self, sign_in: SignIn, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, SignIn]:
        try:
            return (yield from self._use(sign_in))
        except GrantRefusedError as refusal:
            # Somebody who does not share our lock may have rotated it.
            newer = self._reload(request)
            if newer.refresh_token == sign_in.refresh_token:
                raise self._remember_refusal(sign_in, refusal) from None
        if self._is_valid(newer):
            return newer
        try:
            return (yield from self._use(newer))
        except GrantRefusedError as refusal:
            raise self._remember_refusal(newer, refusal) from None

    def _use(self, sign_in: SignIn) -> Generator[httpx.Request, httpx.Response, SignIn]:
        """Use a refresh token, which brings the next one."""
        if self._refused and self._refused[0] == sign_in.refresh_token:
            raise self._refused[1].copy()
        if not sign_in.refresh_token:
            what = "The sign-in came without a refresh token, and its access token has expired."
            raise CredentialsError(what, self.chain.how_to_renew())
        self.check_trust(sign_in.auth_url)
        client = Client(sign_in.client_id, sign_in.client_secret, sign_in.auth_url)
        response = yield make_refresh_request(client, sign_in.refresh_token)
        response.read()
        now = self._clock()
        grant = read_grant(response, now=now)
        newer = replace(
            sign_in,
            refresh_token=grant.refresh_token or sign_in.refresh_token,
            access_token=grant.access_token,
            expires_at=grant.expires_at,
            refreshed_at=now,
            scope=grant.scope or sign_in.scope,
        )
        # Stored before anybody uses the access token: the old refresh token is used up. Where
        # that fails, this process at least still knows the new one.
        self._unsaved = newer, sign_in
        try:
            self._save()
        except StoreError:
            # A build need not fail for it: the access token is valid for an hour.
            if self.warn is None:
                raise
            self._save_again_at = now + _SAVE_AGAIN_SECONDS
        return newer

    def _remember_refusal(self, sign_in: SignIn, refusal: GrantRefusedError) -> CredentialsError:
        if refusal.error == "invalid_grant":
            what = f"The refresh token is no longer valid, says {refusal.where}."
            error = CredentialsError(what, self.chain.how_to_renew())
        elif refusal.error in WRONG_CLIENT:
            what = f"The client ID or the client secret is wrong, says {refusal.where}."
            error = CredentialsError(what, self.chain.how_to_correct_client())
        else:
            what = f"The sign-in was refused by {refusal.where}."
            error = CredentialsError(what, self.chain.how_to_renew())
        self._refused = sign_in.refresh_token, error
        return error.copy()

    def _nobody_is_signed_in(self, request: httpx.Request) -> CredentialsError:
        return self.chain.explain_absence(host_and_port(request))


def make_auth(
    environment: Environment,
    *,
    site: str = "",
    base_url: str = "",
    clock: Callable[[], float] = time.time,
) -> TokenAuth:
    """Choose the sign-in, as `find_account`.

    Args:
        environment: The variables.
        site: The origin of the site that a login must be for.
        base_url: Tells the cloud ID of the site, where its origin is not known.
        clock: Returns seconds since the epoch.

    Raises:
        SettingError: CONFLUENCE_MD_AUTH_URL may not receive tokens (it is plain http).
    """
    account = find_account(environment, site=site, base_url=base_url)
    if isinstance(account, TokenAccount):
        return AccessTokenAuth(account.token, account.trust)
    return RefreshTokenAuth(account.chain, trust=account.trust, clock=clock)


def make_login_auth(
    store: SignInStore,
    environment: Environment,
    *,
    site: str,
    clock: Callable[[], float] = time.time,
) -> RefreshTokenAuth:
    """Return the sign-in of `confluence-md login` for a site.

    Args:
        store: The token file.
        environment: Says which hosts are trusted, and may replace the authorization server.
        site: The site's origin.
        clock: Returns seconds since the epoch.
    """
    account = find_login(store, environment, site=site)
    return RefreshTokenAuth(account.chain, trust=account.trust, clock=clock)


def lacks_scope(response: httpx.Response) -> bool:
    """Tell the 401 of a missing scope, which no refresh can cure, from that of an expired token."""
    # Read in any case: a refresh may need this answer's connection.
    response.read()
    failure = response.headers.get("x-failure-category", "")
    return failure == "FAILURE_CLIENT_SCOPE_CHECK" or b"scope does not match" in response.content
