"""Who is signed in, and chains of rotating refresh tokens: how each began, and where it is stored.

Each refresh token can be used once and brings the next one. A chain begins with a refresh token of
the environment (CI), or with `confluence-md login` (people). Both are in the token file, or on the
server that machines share. Whose copies count is known from there, without asking Atlassian.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from mkdocs_confluence_md.auth.environment import ATLASSIAN_AUTH
from mkdocs_confluence_md.auth.token_store import SignIn, TokenStore, default_token_file
from mkdocs_confluence_md.errors import CredentialsError, SealError, StoreError, TokenFileError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mkdocs_confluence_md.auth.environment import ClientCredentials, Environment
    from mkdocs_confluence_md.auth.token_store import SignInStore
    from mkdocs_confluence_md.auth.trust import TrustRule

REFRESH_TOKEN_SECONDS = 90 * 86400.0
"""A refresh token that is not used for so long expires."""

_LOGIN_PREFIX = "login "
_ENVIRONMENT_PREFIX = "environment "


class Chain(Protocol):
    """What authentication needs of a chain."""

    store: SignInStore
    """Its lock is the chain's."""

    def load(self) -> SignIn | None:
        """Return the current link; None without a sign-in."""

    def save(self, sign_in: SignIn, *, replaces: SignIn) -> None:
        """Store the next link, which replaces the one whose refresh token was used."""

    def find_new_start(self) -> str:
        """Say why the chain does not go on from where it is stored; empty if it does."""

    def name(self) -> str:
        """Name the chain for cache keys, before an access token tells the account."""

    def explain_absence(self, host: str) -> CredentialsError:
        """Make the error for a request to a host without a sign-in."""

    def how_to_renew(self) -> str:
        """Say what a person must do when the refresh token is no longer valid."""

    def how_to_correct_client(self) -> str:
        """Say what a person must do when client ID or client secret are wrong."""


class EnvironmentChain:
    """A chain that a refresh token of the environment began.

    That token only seeds it. The token file remembers which seed a chain grew from, so that the
    next build with the same (by then used) seed goes on with the current link, and another seed
    begins another chain.
    """

    def __init__(self, credentials: ClientCredentials, store: SignInStore, auth_url: str) -> None:
        self.store = store
        self._seed = SignIn(
            credentials.client_id,
            credentials.refresh_token,
            client_secret=credentials.client_secret,
            auth_url=auth_url,
        )
        seed = hash_text(credentials.refresh_token)
        self._key = f"{_ENVIRONMENT_PREFIX}{auth_url} {credentials.client_id} {seed}"

    def load(self) -> SignIn:
        """Return the current link; the seed, before its first use."""
        stored = None
        with suppress(SealError):  # the secret was replaced, as `find_new_start` says
            stored = self.store.load(self._key)
        return replace(stored, client_secret=self._seed.client_secret) if stored else self._seed

    def find_new_start(self) -> str:
        """Say that the client secret was replaced; a token file is sealed with it in CI."""
        if isinstance(self.store, TokenStore):
            try:
                self.store.load(self._key)
            except SealError as error:
                return f"{error.what} The sign-in begins anew, with CONFLUENCE_MD_REFRESH_TOKEN."
            except TokenFileError:
                pass  # who needs a token says so
        return ""

    def save(self, sign_in: SignIn, *, replaces: SignIn) -> None:
        """Store the next link; the client secret stays in the environment."""
        self.store.save(self._key, replace(sign_in, client_secret=""), replaces=replaces)
        self._forget_expired_chains(sign_in.refreshed_at)

    def describe_place(self) -> str:
        """Name where the tokens are, for people."""
        return self.store.describe_place(self._key)

    def _forget_expired_chains(self, now: float) -> None:
        with suppress(StoreError, TokenFileError):  # tidying up must not fail a sign-in
            for key, entry in self.store.read_public().items():
                if not key.startswith(_ENVIRONMENT_PREFIX):
                    continue
                refreshed_at = entry.get("refreshed_at") or now
                # `load` says so of those that are used and damaged.
                is_number = isinstance(refreshed_at, int | float)
                if is_number and refreshed_at < now - REFRESH_TOKEN_SECONDS:
                    with suppress(StoreError, TokenFileError):  # that of one only
                        self.store.remove(key)

    def name(self) -> str:
        """Name the chain by its seed's hash."""
        return self._key

    def explain_absence(self, host: str) -> CredentialsError:
        """Name the variable, although there always is a seed."""
        return CredentialsError(f"You are not signed in to {host}.", self.how_to_renew())

    def how_to_renew(self) -> str:
        """Name the variable."""
        return (
            "Sign in again (confluence-md login), or put a new refresh token into "
            "CONFLUENCE_MD_REFRESH_TOKEN."
        )

    def how_to_correct_client(self) -> str:
        """Name the variables."""
        return (
            "Compare CONFLUENCE_MD_CLIENT_ID and CONFLUENCE_MD_CLIENT_SECRET with the settings of "
            "your OAuth 2.0 integration on https://developer.atlassian.com/console/myapps/."
        )


class LoginChain:
    """The chain of `confluence-md login` for a site.

    Args:
        store: The token file.
        site: The site's origin; empty where only its cloud ID is known.
        cloud_id: The site's cloud ID; empty where the origin is known.
        auth_url: Replaces the authorization server of the login; empty to keep it.
    """

    def __init__(
        self, store: SignInStore, *, site: str, cloud_id: str = "", auth_url: str = ""
    ) -> None:
        self.store = store
        self._site = site
        self._cloud_id = cloud_id
        self._auth_url = auth_url

    def load(self) -> SignIn | None:
        """Return the current link; None if there is no sign-in to the site."""
        key = self._find_key()
        stored = self.store.load(key) if key else None
        return replace(stored, auth_url=self._auth_url or stored.auth_url) if stored else None

    def save(self, sign_in: SignIn, *, replaces: SignIn) -> None:
        """Store the next link."""
        self.store.save(login_key(sign_in.site), sign_in, replaces=replaces)

    def find_new_start(self) -> str:
        """Return nothing: only a new login begins anew."""
        return ""

    def name(self) -> str:
        """Name the chain by its site."""
        return login_key(self._site)

    def explain_absence(self, host: str) -> CredentialsError:
        """Name the command, and what CI needs instead."""
        return CredentialsError(
            f"You are not signed in to {site_argument(self._site) or host}.",
            f"Run `{self._command()}`; in CI, set CONFLUENCE_MD_CLIENT_ID, "
            "CONFLUENCE_MD_CLIENT_SECRET and CONFLUENCE_MD_REFRESH_TOKEN, or "
            "CONFLUENCE_MD_ACCESS_TOKEN.",
        )

    def how_to_renew(self) -> str:
        """Name the command."""
        return f"Sign in again: {self._command()}"

    def how_to_correct_client(self) -> str:
        """Name the command: the integration has changed since the login."""
        return self.how_to_renew()

    def _find_key(self) -> str | None:
        if self._site:
            return login_key(self._site)
        entries = self.store.read_public()
        logins = (key for key in entries if key.startswith(_LOGIN_PREFIX))
        return next((key for key in logins if entries[key].get("cloud_id") == self._cloud_id), None)

    def _command(self) -> str:
        site = f" --site {site_argument(self._site)}" if self._site else ""
        return f"confluence-md login{site}"


def login_key(site: str) -> str:
    """Return the key of the login for a site, given by its origin."""
    return f"{_LOGIN_PREFIX}{site}"


def login_keys(store: SignInStore, site: str = "") -> list[str]:
    """Return the keys of the logins in the token file: of one site, or of all."""
    keys = [key for key in store.list_keys() if key.startswith(_LOGIN_PREFIX)]
    return [key for key in keys if not site or key == login_key(site)]


def login_site(key: str) -> str:
    """Return the origin of the site that the key of a login is for."""
    return key.removeprefix(_LOGIN_PREFIX)


def environment_keys(store: SignInStore) -> list[str]:
    """Return the keys of all chains that refresh tokens of the environment began."""
    return [key for key in store.list_keys() if key.startswith(_ENVIRONMENT_PREFIX)]


def site_argument(site: str) -> str:
    """Write a site's origin as people do: without https://."""
    parts = urlsplit(site)
    return parts.netloc if parts.scheme == "https" else site


def hash_text(text: str) -> str:
    """Return 16 digits that stand for a text without telling it."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_subject(token: str) -> str:
    """Return `sub`, the account ID, of a JWT; empty if there is none.

    Nothing is verified: the account ID only names things.
    """
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims["sub"])
    except (IndexError, KeyError, TypeError, ValueError, RecursionError):
        return ""


class Account:
    """Whose cache entries are ours, and which hosts may receive the token.

    Args:
        trust: Which hosts may.
    """

    def __init__(self, trust: TrustRule) -> None:
        self.trust = trust

    def account(self) -> str | None:
        """Name the account for cache keys, as a hash; None without a sign-in."""
        raise NotImplementedError

    def identity(self) -> str | None:
        """Return the same, but None where no token has told yet who is signed in."""
        return self.account()

    def check_trust(self, url: str) -> None:
        """Refuse a URL that may not receive a token.

        Raises:
            SettingError: The trust rule of `trust.py` forbids it.
        """
        self.trust.check(url)


class TokenAccount(Account):
    """The account of an access token."""

    def __init__(self, token: str, trust: TrustRule) -> None:
        super().__init__(trust)
        self.token = token

    def account(self) -> str | None:
        """Return the hash of the token's subject; of the token, where it names none."""
        return hash_text(read_subject(self.token) or self.token)


class ChainAccount(Account):
    """The account of a chain.

    Args:
        chain: Where its current link is kept.
        trust: Which hosts may receive a token.
    """

    def __init__(self, chain: Chain, *, trust: TrustRule) -> None:
        super().__init__(trust)
        self.chain = chain
        self.last_known: Callable[[], str | None] = lambda: None
        """Names the account that was used last, for a store that cannot be read."""
        self.is_elsewhere = False
        """Whether the sign-in is in a store that is not to be asked: then the account that was used
        last counts before a sign-in on this machine."""
        self._sign_in: SignIn | None = None

    def account(self) -> str | None:
        """Return the hash of the last access token's subject, of the chain's name before that.

        Raises:
            StoreError: The store cannot be read, and no account is known from an earlier build.
        """
        if self.is_elsewhere and (known := self.last_known()):
            return known
        try:
            sign_in = self._load()
        except StoreError:
            if known := self.last_known():
                return known
            raise
        if sign_in is None:
            return None
        return hash_text(read_subject(sign_in.access_token) or self.chain.name())

    def identity(self) -> str | None:
        """Return the hash of the last access token's subject; None before there is one."""
        if self.is_elsewhere and (known := self.last_known()):
            return known
        sign_in = self._load()
        subject = read_subject(sign_in.access_token) if sign_in else ""
        return hash_text(subject) if subject else None

    def _load(self) -> SignIn | None:
        # Other threads may replace it meanwhile, so it is read once.
        sign_in = self._sign_in
        if sign_in is None:
            self._sign_in = sign_in = self.chain.load()
        return sign_in


def find_account(
    environment: Environment, *, site: str = "", base_url: str = ""
) -> TokenAccount | ChainAccount:
    """Choose the sign-in: an access token, then a chain of the environment, then a login.

    Args:
        environment: The variables.
        site: The origin of the site that a login must be for.
        base_url: Tells the cloud ID of the site, where its origin is not known.

    Raises:
        SettingError: CONFLUENCE_MD_AUTH_URL may not receive tokens (it is plain http).
    """
    if environment.access_token:
        return TokenAccount(environment.access_token, environment.trust)
    store = open_store(environment)
    if environment.credentials is None:
        in_path = re.match(r"/svc/confluence/([^/]+)/", urlsplit(base_url).path)
        cloud_id = in_path[1] if in_path else ""
        return find_login(store, environment, site=site, cloud_id=cloud_id)
    chain = EnvironmentChain(environment.credentials, store, environment.auth_url)
    account = ChainAccount(chain, trust=environment.trust)
    account.check_trust(environment.auth_url)
    return account


def find_login(
    store: SignInStore, environment: Environment, *, site: str, cloud_id: str = ""
) -> ChainAccount:
    """Return the account of `confluence-md login` for a site.

    Args:
        store: The token file.
        environment: Says which hosts are trusted, and may replace the authorization server.
        site: The origin of the site; empty where only its cloud ID is known.
        cloud_id: Of the site, where its origin is not known.
    """
    auth_url = environment.auth_url if environment.auth_url != ATLASSIAN_AUTH else ""
    chain = LoginChain(store, site=site, cloud_id=cloud_id, auth_url=auth_url)
    # There are only tokens if a person has signed in to just this host and port.
    return ChainAccount(chain, trust=environment.trust.with_loopback(site))


def open_store(environment: Environment) -> SignInStore:
    """Return the server that the environment names, or else its token file, or the usual one."""
    if environment.store_url:
        # Needed only where machines share a server.
        from mkdocs_confluence_md.auth.shared_token_store import SharedTokenStore  # noqa: PLC0415
        from mkdocs_confluence_md.network.shared_store import SharedStore  # noqa: PLC0415

        return SharedTokenStore(SharedStore(environment.store_url), environment.client_secret)
    return TokenStore(
        environment.token_file or default_token_file(),
        client_secret=environment.client_secret,
        is_sealed=environment.is_ci,
    )
