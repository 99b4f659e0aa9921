"""Atlassian's OAuth 2.0 (3LO): requests to the authorization server, and its answers.

The client is confidential: it has a secret; PKCE is not documented and not used. Refresh tokens
rotate: each can be used once, and an answer brings the next one.
Source: https://developer.atlassian.com/cloud/confluence/oauth-2-3lo-apps/
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import httpx

from mkdocs_confluence_md.auth.sign_ins import REFRESH_TOKEN_SECONDS
from mkdocs_confluence_md.auth.trust import is_token
from mkdocs_confluence_md.errors import FailureError
from mkdocs_confluence_md.network.client import (
    STATUS_PAGE,
    USER_AGENT,
    host_and_port,
    read_json_object,
)
from mkdocs_confluence_md.network.redaction import remember_secrets
from mkdocs_confluence_md.network.retries import GRANT, ONLY_ONCE

if TYPE_CHECKING:
    from collections.abc import Sequence

OFFLINE_SCOPE = "offline_access"

# Atlassian's documented life of an access token, for an answer that does not tell.
_USUAL_LIFE_SECONDS = 3600.0


@dataclass(frozen=True)
class Client:
    """An OAuth 2.0 integration, as the developer console made it."""

    client_id: str
    client_secret: str = field(repr=False)
    auth_url: str
    """The authorization server's origin."""


@dataclass(frozen=True)
class Grant:
    """Tokens as the authorization server gave them."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    """Empty where the answer has none: the one that was used stays valid."""
    expires_at: float
    """When the access token expires, in seconds since the epoch."""
    scope: str
    """As granted, separated by spaces; empty where the answer does not tell."""


WRONG_CLIENT = frozenset({"invalid_client", "unauthorized_client", "access_denied"})
"""Error codes for a wrong client ID or secret; the last one is Atlassian's."""


class GrantRefusedError(Exception):
    """The authorization server refused a token request for good.

    Args:
        error: The code of RFC 6749, section 5.2, such as `invalid_grant`, or of Atlassian's own,
            such as `access_denied` for a wrong client secret.
        where: Names the server and its status, for a message.
    """

    def __init__(self, error: str, where: str) -> None:
        super().__init__(error, where)
        self.error = error
        self.where = where


def make_authorize_url(  # noqa: PLR0913  the request has that many parameters
    auth_url: str,
    *,
    client_id: str,
    redirect_uri: str,
    state: str,
    scopes: Sequence[str],
    namespace: str,
) -> str:
    """Return the address at which a person consents.

    The developer console generates one too, but that one lacks scopes and `sns`.

    Args:
        auth_url: The authorization server's origin.
        client_id: Who asks.
        redirect_uri: Equal to the registered callback, to the letter.
        state: Comes back with the answer.
        scopes: What is asked for.
        namespace: `{appId}.{envId}` of the Forge app; without it, its custom scope is dropped.
    """
    query = {
        "audience": "api.atlassian.com",
        "client_id": client_id,
        "scope": " ".join(scopes),
        "redirect_uri": redirect_uri,
        "state": state,
        "response_type": "code",
        "prompt": "consent",
        "sns": namespace,
    }
    return f"{auth_url}/authorize?{urlencode(query)}"


def make_refresh_request(client: Client, refresh_token: str) -> httpx.Request:
    """Make the request that exchanges a refresh token for an access token and the next one.

    It may be sent again where its answer was lost: for ten minutes, a refresh token that was used
    is accepted once more, and later it would end the chain.
    """
    fields = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    return _make_token_request(client, fields)


def make_code_request(client: Client, code: str, redirect_uri: str) -> httpx.Request:
    """Make the request that exchanges the code of a callback, which can be used once."""
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    request = _make_token_request(client, fields)
    request.extensions[ONLY_ONCE] = True
    return request


def read_grant(response: httpx.Response, *, now: float) -> Grant:
    """Read the answer to a token request.

    Args:
        response: The whole answer.
        now: Seconds since the epoch.

    Raises:
        GrantRefusedError: 400, 401 or 403 with an error code: no later try will do better.
        FailureError: There is no usable answer.
    """
    answer = read_json_object(response)
    host = host_and_port(response.request)
    error = str(answer.get("error"))
    if response.status_code in (400, 401, 403) and re.fullmatch(r"[a-z_]{1,40}", error):
        # The server's description is not shown: it may repeat what it was sent.
        where = f"the authorization server {host} ({response.status_code} {error})"
        raise GrantRefusedError(error, where)
    access_token = answer.get("access_token")
    refresh_token = answer.get("refresh_token") or ""
    usable = is_token(access_token) and (is_token(refresh_token) or not refresh_token)
    if response.status_code != httpx.codes.OK or not usable:
        raise FailureError(
            f"The authorization server {host} answered {response.status_code} without a token.",
            f"Try again later; {STATUS_PAGE}",
        )
    life: Any = answer.get("expires_in")
    scope = answer.get("scope")
    return Grant(
        access_token=str(access_token),
        refresh_token=str(refresh_token),
        expires_at=now
        + (
            life
            if (isinstance(life, int | float) and 0 < life < REFRESH_TOKEN_SECONDS)
            else _USUAL_LIFE_SECONDS
        ),
        scope=" ".join(map(str, scope)) if isinstance(scope, list) else str(scope or ""),
    )


def _make_token_request(client: Client, fields: dict[str, str]) -> httpx.Request:
    remember_secrets(client.client_secret, fields.get("refresh_token", ""))
    credentials = {"client_id": client.client_id, "client_secret": client.client_secret}
    return httpx.Request(
        "POST",
        f"{client.auth_url}/oauth/token",
        headers={"User-Agent": USER_AGENT, "Accept": "application/json"},
        json={**fields, **credentials},
        extensions={GRANT: True},
    )
