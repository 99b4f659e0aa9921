"""Sign in: a person consents in the browser, and the tokens go into the token file."""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mkdocs_confluence_md.auth.oauth import (
    OFFLINE_SCOPE,
    WRONG_CLIENT,
    Client,
    Grant,
    GrantRefusedError,
    make_authorize_url,
    make_code_request,
    read_grant,
)
from mkdocs_confluence_md.auth.sign_ins import login_key, site_argument
from mkdocs_confluence_md.auth.token_refresh import make_login_auth
from mkdocs_confluence_md.auth.token_store import SignIn
from mkdocs_confluence_md.cli.loopback import read_query
from mkdocs_confluence_md.confluence.exporter import (
    ENVIRONMENT_IDS,
    complete_address,
    make_namespace,
)
from mkdocs_confluence_md.confluence.responses import SCOPES
from mkdocs_confluence_md.errors import CredentialsError, SettingError, TokenFileError
from mkdocs_confluence_md.network.client import make_client, send_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from mkdocs_confluence_md.auth.environment import Environment
    from mkdocs_confluence_md.auth.token_store import TokenStore
    from mkdocs_confluence_md.confluence.exporter import ApiAddress

ALL_SCOPES = (*SCOPES, OFFLINE_SCOPE)


@dataclass(frozen=True)
class Login:
    """A sign-in that has begun."""

    address: ApiAddress
    client: Client
    redirect_uri: str
    state: str

    def authorize_url(self) -> str:
        """Return the address at which the person consents."""
        return make_authorize_url(
            self.client.auth_url,
            client_id=self.client.client_id,
            redirect_uri=self.redirect_uri,
            state=self.state,
            scopes=ALL_SCOPES,
            namespace=make_namespace(self.address.environment),
        )

    def read_pasted(self, text: str) -> dict[str, str]:
        """Return the fields of the address that the browser ended up on.

        Raises:
            CredentialsError: It is not the answer to this sign-in.
        """
        text = text.strip()
        query = read_query(text.partition("#")[0].rpartition("?")[2])
        if query.get("state") != self.state:
            raise CredentialsError(
                "This is not the answer to this sign-in: its state is missing or wrong.",
                "Open the address above, accept, and paste the whole address that the browser "
                f"then shows; it begins with {self.redirect_uri}.",
            )
        return query


def begin_login(
    address: ApiAddress,
    client: Client,
    redirect_uri: str,
    *,
    environment: Environment,
    store: TokenStore,
) -> Login:
    """Begin a sign-in, after everything that could go wrong without the person was tried.

    Args:
        address: Of the site; completed with its cloud ID.
        client: The OAuth 2.0 integration.
        redirect_uri: Its registered callback.
        environment: Says which hosts may receive a token.
        store: Where the tokens will be kept.

    Raises:
        ConfluenceError: The tokens cannot be kept, a host is not trusted, or the site does not
            tell its cloud ID.
    """
    with store.locked():
        pass
    auth = make_login_auth(store, environment, site=address.site)
    auth.check_trust(client.auth_url)
    address = complete_address(address, auth)
    auth.check_trust(address.make_base_url())
    return Login(address, client, redirect_uri, secrets.token_urlsafe(24))


def read_code(query: dict[str, str]) -> str:
    """Return the authorization code of a callback.

    Raises:
        CredentialsError: The person declined, or there is no code.
    """
    error = query.get("error", "")
    if error == "access_denied":
        raise CredentialsError(
            "Consent was denied in the browser.",
            "Run the command again and choose Accept; without it, no page can be exported.",
        )
    if error or not query.get("code"):
        shown = f" (“{error[:100]}”)" if error.isprintable() and error else ""
        raise CredentialsError(
            f"The authorization server sent no code{shown}.",
            "Compare the callback and the scopes of your OAuth 2.0 integration with what the "
            "documentation says, and run the command again.",
        )
    return query["code"]


def finish_login(
    login: Login,
    code: str,
    *,
    store: TokenStore,
    clock: Callable[[], float] = time.time,
) -> SignIn:
    """Exchange the code for tokens and keep them.

    Args:
        login: What began with `begin_login`; its address has the cloud ID, where that is needed.
        code: Can be used once.
        store: Where the tokens are kept.
        clock: Returns seconds since the epoch.

    Raises:
        SettingError: The tokens were kept, but no refresh token is among them.
        ConfluenceError: The code or the client was refused, there was no answer, or the tokens
            cannot be kept.
    """
    key = login_key(login.address.site)
    # Locked around the exchange: where the tokens cannot be kept, the code is not used up.
    with store.locked(), make_client() as client:
        now = clock()
        request = make_code_request(login.client, code, login.redirect_uri)
        try:
            grant = read_grant(send_request(client, request), now=now)
        except GrantRefusedError as refusal:
            raise _explain_refusal(refusal) from None
        sign_in = _make_sign_in(login, grant, now)
        if not sign_in.refresh_token:
            sign_in = _keep_refresh_token(sign_in, store, key)
        store.save(key, sign_in)
    if not grant.refresh_token:
        raise SettingError(
            "The sign-in came without a refresh token, so it ends in an hour.",
            "Run the command again, and accept everything that the browser asks for.",
        )
    return sign_in


def find_scope_problems(scope: str, environment: str) -> list[str]:
    """Return what is doubtful about the scopes that were granted, as sentences.

    Custom scopes were seen both as they are asked for and behind the app's namespace, as
    `{appId}.{envId}:export:markdown:custom`. Whether they suffice is for the API to say.

    Args:
        scope: As the token response has it, separated by spaces; empty if it says nothing.
        environment: Of the app, which the sign-in is for.
    """
    granted = scope.split()
    # Not `offline_access`: there is a refresh token, or the sign-in would have ended.
    wanted = {name: {name, f"{make_namespace(environment)}:{name}"} for name in SCOPES}
    missing = [name for name in SCOPES if granted and wanted[name].isdisjoint(granted)]
    return [_explain_scope(name, granted, environment) for name in missing]


def _explain_scope(name: str, granted: list[str], environment: str) -> str:
    """Say that a scope is missing, or for which app or environment it was granted instead."""
    namespaces = {f"{make_namespace(each)}:{name}": each for each in ENVIRONMENT_IDS}
    for each in granted:
        if each in namespaces:
            return (
                f"{name} was granted for the app's environment {namespaces[each]}, and this "
                f"sign-in is for {environment}: see the option `environment`."
            )
        if each.endswith(f":{name}") and each.isprintable():
            app = each.removesuffix(f":{name}")[:100]
            return (
                f"{name} was granted for another app ({app}): add “Markdown Exporter for "
                "Confluence” to the permissions of your OAuth 2.0 integration."
            )
    return (
        f"The authorization server does not say that {name} was granted. If the API refuses it, "
        "add it to the permissions of your OAuth 2.0 integration, and sign in again."
    )


def _keep_refresh_token(sign_in: SignIn, store: TokenStore, key: str) -> SignIn:
    """Complete a sign-in that has no refresh token with that of an earlier one."""
    with suppress(TokenFileError):
        if earlier := store.load(key):
            return replace(
                sign_in,
                client_id=earlier.client_id,
                client_secret=earlier.client_secret,
                auth_url=earlier.auth_url,
                refresh_token=earlier.refresh_token,
                refreshed_at=earlier.refreshed_at,
            )
    return sign_in


def describe_settings(address: ApiAddress) -> str:
    """Return what to write into `mkdocs.yml` for a site."""
    lines = ["plugins:", "  - confluence-md:", f"      site: {site_argument(address.site)}"]
    if address.environment != "production":
        lines.append(f"      environment: {address.environment}")
    if address.gateway != "api":
        lines.append(f"      gateway: {address.gateway}")
    return "\n".join(lines)


def _make_sign_in(login: Login, grant: Grant, now: float) -> SignIn:
    return SignIn(
        client_id=login.client.client_id,
        client_secret=login.client.client_secret,
        refresh_token=grant.refresh_token,
        access_token=grant.access_token,
        expires_at=grant.expires_at,
        refreshed_at=now,
        scope=grant.scope,
        auth_url=login.client.auth_url,
        site=login.address.site,
        cloud_id=login.address.cloud_id,
        environment=login.address.environment,
        gateway=login.address.gateway,
    )


def _explain_refusal(refusal: GrantRefusedError) -> CredentialsError:
    if refusal.error == "invalid_grant":
        return CredentialsError(
            f"The code was used already, or is too old, says {refusal.where}.",
            "Run the command again and accept in the browser once more.",
        )
    if refusal.error not in WRONG_CLIENT:
        return CredentialsError(
            f"The sign-in was refused by {refusal.where}.",
            "Compare the callback of your OAuth 2.0 integration with the documentation, and run "
            "the command again.",
        )
    return CredentialsError(
        f"The client ID or the client secret is wrong, says {refusal.where}.",
        "Copy both from the settings of your OAuth 2.0 integration on "
        "https://developer.atlassian.com/console/myapps/, and run the command again.",
    )
