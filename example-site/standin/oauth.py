"""Atlassian's OAuth 2.0 as far as the project uses it: codes, tokens and their rotation."""

from __future__ import annotations

import base64
import json
import math
import secrets
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

EXPORT_SCOPES = frozenset({"export:markdown:custom", "read:forge-app:confluence"})
OFFLINE_SCOPE = "offline_access"
ALL_SCOPES = EXPORT_SCOPES | {OFFLINE_SCOPE}

APP_ID = "0def1d4f-1593-4dd0-99a3-a098b3959067"
NAMESPACE = f"{APP_ID}.796457c9-9c03-4382-b44f-d19571068ece"
"""Of the app's production environment."""
CUSTOM_SCOPE_SUFFIX = ":custom"

ScopeForm = Literal["namespaced", "plain", "absent"]
"""How token answers name the scopes that were granted.

- `namespaced`: custom scopes as `{appId}.{envId}:export:markdown:custom` (seen in two logs of real
  answers: ids 29093290093 and 66540196197 of api.md).
- `plain`: as they were asked for.
- `absent`: there is no field `scope`.
"""

LEEWAY_SECONDS = 10 * 60
"""How long the reuse of a rotated refresh token is forgiven."""
UNUSED_SECONDS = 90 * 24 * 60 * 60
"""How long an unused refresh token lives."""


class OAuthError(Exception):
    """A refusal of the token endpoint."""

    def __init__(self, status: int, error: str, description: str) -> None:
        """Refuse with an HTTP status and the two fields of the answer."""
        super().__init__(description)
        self.status = status
        self.error = error
        self.description = description


@dataclass(eq=False)
class _Chain:
    """All refresh tokens that descend from one sign-in."""

    account: str
    scopes: frozenset[str]
    namespace: str
    revoked: bool = False


@dataclass(eq=False)
class _RefreshToken:
    chain: _Chain
    issued: float
    rotated: float | None = None


@dataclass(eq=False)
class _AccessToken:
    scopes: frozenset[str]
    expires: float


@dataclass(eq=False)
class _Code:
    chain: _Chain
    redirect_uri: str
    used: bool = False


class OAuthService:
    """The tokens of one client, safe to use from several threads."""

    def __init__(self, *, clock: Callable[[], float], account: str) -> None:
        """Issue tokens for `account`; `clock` gives seconds since the epoch."""
        self.client_id = f"stand-in-client-{secrets.token_hex(8)}"
        self.client_secret = f"stand-in-secret-{secrets.token_urlsafe(24)}"
        self.app_name = "Confluence MD for MkDocs"
        """The name that the consent page shows."""
        self.callback = "http://localhost:8765/callback"
        """The registered callback, compared to the letter."""
        self.access_token_seconds = 3600
        """How long access tokens live."""
        self.scope_form: ScopeForm = "namespaced"
        """How token answers name scopes."""
        self.granted_namespace = ""
        """The app and the environment whose custom scopes are granted, whatever is asked for."""
        self.refreshes = 0
        """How many refreshes succeeded."""
        self.reuses = 0
        """How often a rotated refresh token was presented, forgiven or not."""
        self._clock = clock
        self._account = account
        self._lock = threading.RLock()
        self._codes: dict[str, _Code] = {}
        self._access_tokens: dict[str, _AccessToken] = {}
        self._refresh_tokens: dict[str, _RefreshToken] = {}

    def issue_code(
        self, scopes: Collection[str], redirect_uri: str, namespace: str = NAMESPACE
    ) -> str:
        """Return an authorization code for what a person has consented to."""
        code = f"stand-in-code-{secrets.token_urlsafe(16)}"
        with self._lock:
            chain = self._new_chain(scopes, None, namespace)
            self._codes[code] = _Code(chain, redirect_uri)
        return code

    def issue_refresh_token(
        self, scopes: Collection[str] = ALL_SCOPES, account: str | None = None
    ) -> str:
        """Return the first refresh token of a new chain."""
        with self._lock:
            return self._add_refresh_token(self._new_chain(scopes, account))

    def issue_access_token(
        self,
        scopes: Collection[str] = ALL_SCOPES,
        account: str | None = None,
        expires_in: float | None = None,
    ) -> str:
        """Return an access token; it lives `access_token_seconds` unless told otherwise."""
        with self._lock:
            seconds = self.access_token_seconds if expires_in is None else expires_in
            return self._add_access_token(self._new_chain(scopes, account), seconds)

    def redeem_code(self, code: str, redirect_uri: str) -> dict[str, object]:
        """Exchange a code for tokens, once."""
        with self._lock:
            known = self._codes.get(code)
            if known is None or known.used:
                raise OAuthError(403, "invalid_grant", "Invalid authorization code")
            if known.redirect_uri != redirect_uri:
                raise OAuthError(403, "invalid_grant", "The redirect URI does not match.")
            known.used = True
            return self._grant(known.chain)

    def refresh(self, token: str) -> dict[str, object]:
        """Exchange a refresh token for an access token and the next refresh token."""
        with self._lock:
            known = self._refresh_tokens.get(token)
            if known is None or not self._is_usable(known):
                description = "Unknown or invalid refresh token."
                raise OAuthError(403, "invalid_grant", description)
            if known.rotated is None:
                known.rotated = self._clock()
            self.refreshes += 1
            return self._grant(known.chain)

    def scopes_of(self, access_token: str) -> frozenset[str] | None:
        """Return the scopes of an access token, or None when it is unknown or expired."""
        with self._lock:
            known = self._access_tokens.get(access_token)
            return known.scopes if known and self._clock() < known.expires else None

    def expire_access_tokens(self) -> None:
        """Refuse all access tokens issued so far."""
        with self._lock:
            for token in self._access_tokens.values():
                token.expires = -math.inf

    def revoke_all(self) -> None:
        """Refuse everything issued so far: a person must sign in again."""
        with self._lock:
            self.expire_access_tokens()
            for code in self._codes.values():
                code.used = True
            for token in self._refresh_tokens.values():
                token.chain.revoked = True

    def secrets(self) -> list[str]:
        """Return every secret there ever was, to look for where none may be."""
        with self._lock:
            return [self.client_secret, *self._codes, *self._access_tokens, *self._refresh_tokens]

    def _is_usable(self, token: _RefreshToken) -> bool:
        now = self._clock()
        if token.rotated is not None:
            self.reuses += 1
            if now - token.rotated > LEEWAY_SECONDS:
                token.chain.revoked = True
        return not token.chain.revoked and now - token.issued <= UNUSED_SECONDS

    def _grant(self, chain: _Chain) -> dict[str, object]:
        seconds = self.access_token_seconds
        answer: dict[str, object] = {
            "access_token": self._add_access_token(chain, seconds),
            "expires_in": seconds,
            "token_type": "Bearer",
        }
        if self.scope_form != "absent":
            answer["scope"] = self._name_scopes(chain)
        if OFFLINE_SCOPE in chain.scopes:
            answer["refresh_token"] = self._add_refresh_token(chain)
        return answer

    def _name_scopes(self, chain: _Chain) -> str:
        namespace = self.granted_namespace or chain.namespace
        return " ".join(
            f"{namespace}:{scope}"
            if self.scope_form == "namespaced" and scope.endswith(CUSTOM_SCOPE_SUFFIX)
            else scope
            for scope in sorted(chain.scopes)
        )

    def _new_chain(
        self, scopes: Collection[str], account: str | None, namespace: str = NAMESPACE
    ) -> _Chain:
        return _Chain(account or self._account, frozenset(scopes), namespace)

    def _add_refresh_token(self, chain: _Chain) -> str:
        token = f"stand-in-refresh-{secrets.token_urlsafe(24)}"
        self._refresh_tokens[token] = _RefreshToken(chain, self._clock())
        return token

    def _add_access_token(self, chain: _Chain, seconds: float) -> str:
        now = self._clock()
        header = {"alg": "RS256", "typ": "JWT"}
        payload = {
            "jti": f"stand-in-{secrets.token_hex(16)}",
            "sub": chain.account,
            "iat": int(now),
            "exp": int(now + seconds),
            "client_id": self.client_id,
            "scope": self._name_scopes(chain),
        }
        parts = json.dumps(header).encode(), json.dumps(payload).encode(), secrets.token_bytes(32)
        token = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
        self._access_tokens[token] = _AccessToken(chain.scopes, now + seconds)
        return token
