"""Chains of rotating refresh tokens: how each began, and where its current tokens are stored.

Each refresh token can be used once and brings the next one. A chain begins with a refresh token of
the environment (CI), or with `confluence-md login` (people). Both are in the token file.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from mkdocs_confluence_md.auth.oauth import REFRESH_TOKEN_SECONDS
from mkdocs_confluence_md.auth.token_store import SignIn
from mkdocs_confluence_md.errors import CredentialsError, TokenFileError

if TYPE_CHECKING:
    from mkdocs_confluence_md.auth.environment import ClientCredentials
    from mkdocs_confluence_md.auth.token_store import TokenStore

_LOGIN_PREFIX = "login "
_ENVIRONMENT_PREFIX = "environment "


class Chain(Protocol):
    """What authentication needs of a chain."""

    store: TokenStore
    """Its lock is the chain's."""

    def load(self) -> SignIn | None:
        """Return the current link; None without a sign-in."""

    def save(self, sign_in: SignIn) -> None:
        """Replace the current link; on disk before this returns."""

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

    def __init__(self, credentials: ClientCredentials, store: TokenStore, auth_url: str) -> None:
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
        stored = self.store.load(self._key)
        return replace(stored, client_secret=self._seed.client_secret) if stored else self._seed

    def save(self, sign_in: SignIn) -> None:
        """Replace the current link; the client secret stays in the environment."""
        self.store.save(self._key, replace(sign_in, client_secret=""))
        self._forget_expired_chains(sign_in.refreshed_at)

    def is_in_keyring(self) -> bool:
        """Return True if the tokens are in the system's keyring."""
        return self.store.is_in_keyring(self._key)

    def _forget_expired_chains(self, now: float) -> None:
        for key, entry in self.store.read_public().items():
            refreshed_at = entry.get("refreshed_at") or now
            if key.startswith(_ENVIRONMENT_PREFIX) and refreshed_at < now - REFRESH_TOKEN_SECONDS:
                # Tidying up must not fail a sign-in.
                with suppress(TokenFileError):
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
        self, store: TokenStore, *, site: str, cloud_id: str = "", auth_url: str = ""
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

    def save(self, sign_in: SignIn) -> None:
        """Replace the current link."""
        self.store.save(login_key(sign_in.site), sign_in)

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


def login_keys(store: TokenStore, site: str = "") -> list[str]:
    """Return the keys of the logins in the token file: of one site, or of all."""
    keys = [key for key in store.list_keys() if key.startswith(_LOGIN_PREFIX)]
    return [key for key in keys if not site or key == login_key(site)]


def login_site(key: str) -> str:
    """Return the origin of the site that the key of a login is for."""
    return key.removeprefix(_LOGIN_PREFIX)


def environment_keys(store: TokenStore) -> list[str]:
    """Return the keys of all chains that refresh tokens of the environment began."""
    return [key for key in store.list_keys() if key.startswith(_ENVIRONMENT_PREFIX)]


def site_argument(site: str) -> str:
    """Write a site's origin as people do: without https://."""
    parts = urlsplit(site)
    return parts.netloc if parts.scheme == "https" else site


def hash_text(text: str) -> str:
    """Return 16 digits that stand for a text without telling it."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
