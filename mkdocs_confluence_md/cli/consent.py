"""A person consents in the browser: the address to open, the callback, the exchange of its code."""

from __future__ import annotations

import errno
import html
import queue
import secrets
import socket
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hmac import compare_digest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from string import Template
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

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
from mkdocs_confluence_md.confluence.exporter import complete_address
from mkdocs_confluence_md.confluence.responses import SCOPES
from mkdocs_confluence_md.errors import CredentialsError, SettingError, TokenFileError
from mkdocs_confluence_md.network.client import make_client, send_request
from mkdocs_confluence_md.network.urls import ENVIRONMENT_IDS, make_namespace

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from mkdocs_confluence_md.auth.environment import Environment
    from mkdocs_confluence_md.auth.token_store import SignInStore
    from mkdocs_confluence_md.network.urls import ApiAddress

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
    store: SignInStore,
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
    store: SignInStore,
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
    with store.locked():
        granted = sign_in = exchange_code(login, code, clock=clock)
        if not granted.refresh_token:
            sign_in = _keep_refresh_token(sign_in, store, key)
        store.save(key, sign_in)
    check_refresh_token(granted)
    return sign_in


def exchange_code(login: Login, code: str, *, clock: Callable[[], float] = time.time) -> SignIn:
    """Exchange the code for tokens, and keep them nowhere; arguments as `finish_login`.

    Raises:
        ConfluenceError: The code or the client was refused, or there was no answer.
    """
    with make_client() as client:
        now = clock()
        request = make_code_request(login.client, code, login.redirect_uri)
        try:
            grant = read_grant(send_request(client, request), now=now)
        except GrantRefusedError as refusal:
            raise _explain_refusal(refusal) from None
    return _make_sign_in(login, grant, now)


def check_refresh_token(sign_in: SignIn) -> None:
    """Refuse a sign-in that ends with its access token.

    Raises:
        SettingError: It has no refresh token.
    """
    if not sign_in.refresh_token:
        raise SettingError(
            "The sign-in came without a refresh token, so it ends in an hour.",
            "Run the command again, and accept everything that the browser asks for.",
        )


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


def _keep_refresh_token(sign_in: SignIn, store: SignInStore, key: str) -> SignIn:
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


CALLBACK_PATH = "/callback"
HTTP_PORT = 80
"""Browsers leave this one out of the address."""

# How long the browser is kept waiting for the outcome, before the page says "look there".
_OUTCOME_SECONDS = 90.0
# A browser opens connections that it may never use.
_SILENT_SECONDS = 20.0

_PAGE = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light dark }
body { display: grid; font: 1.1rem/1.6 system-ui, sans-serif; margin: 0; min-height: 90vh;
  place-items: center }
main { border: 1px solid #8884; border-radius: 1rem; margin: 1rem; max-width: 30rem;
  padding: 1rem 2.5rem 1.5rem }
h1 { font-size: 1.5rem }
</style>
</head>
<body><main><h1>$title</h1><p>$text</p></main></body>
</html>
""")


@dataclass
class Callback:
    """What the browser brought, and the page that it is waiting for."""

    query: dict[str, str]
    pages: queue.Queue[tuple[str, str]] = field(default_factory=queue.Queue)
    """Title and text of the page."""
    delivered: threading.Event = field(default_factory=threading.Event)

    def answer(self, title: str, text: str) -> None:
        """Show the person a page, and wait until it has left."""
        self.pages.put((title, text))
        self.delivered.wait(_SILENT_SECONDS)


class CallbackListener:
    """Listens on one loopback port until it is closed; a context manager.

    Args:
        port: The port of the registered callback.
        state: What a callback must carry; any other is refused and explained.
        report: Is told, from another thread, why a request was refused.

    Raises:
        SettingError: The port is taken.
    """

    def __init__(self, port: int, state: str, *, report: Callable[[str], None]) -> None:
        self.report = report
        self._callbacks: queue.Queue[Callback] = queue.Queue()
        self._lock = threading.Lock()
        self._taken = False
        self._servers = _listen(port, self, state)
        self._threads = [
            threading.Thread(target=server.serve_forever, args=(0.05,), name="confluence-md-login")
            for server in self._servers
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for server, thread in zip(self._servers, self._threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()

    def wait(self, seconds: float) -> Callback:
        """Return the one request that has the right state.

        Raises:
            CredentialsError: There was none in time.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            # In short steps, because on Windows a wait cannot be interrupted.
            with suppress(queue.Empty):
                return self._callbacks.get(timeout=0.2)
        raise CredentialsError(
            f"No answer came from the browser within {seconds:.0f} s.",
            "Run the command again and accept. If the browser showed an error, compare the client "
            "ID and the callback of your integration; without a browser, use --paste.",
        )

    def take(self, query: dict[str, str]) -> Callback | None:
        """Accept a callback; None if there was one before."""
        with self._lock:
            if self._taken:
                return None
            self._taken = True
        callback = Callback(query)
        self._callbacks.put(callback)
        return callback


def make_redirect_uri(port: int) -> str:
    """Return the callback as it must be registered, to the letter."""
    return f"http://localhost:{port}{CALLBACK_PATH}"


def read_query(text: str) -> dict[str, str]:
    """Return the fields of a URL's query, the first of each name."""
    return {name: values[0] for name, values in parse_qs(text).items()}


def _listen(port: int, listener: CallbackListener, state: str) -> list[_Server]:
    """Listen on both loopback addresses: a browser may take either for `localhost`."""
    handler = _make_handler(port, listener, state)
    servers: list[_Server] = []
    try:
        servers.append(_Server(("127.0.0.1", port), handler))
        if _has_ipv6_loopback():
            servers.append(_Server6(("::1", port), handler))
    except OSError as error:
        for server in servers:
            server.server_close()
        taken = error.errno == errno.EADDRINUSE
        reason = "another program uses it" if taken else (error.strerror or str(error))
        raise SettingError(
            f"Port {port} of this machine cannot be opened: {reason}.",
            "End the program that uses it; or register a callback with another port for your "
            "integration, and name that with --port; or use --paste.",
        ) from error
    return servers


def _has_ipv6_loopback() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as trial:
            trial.bind(("::1", 0))
    except OSError:
        return False
    return True


def _make_handler(port: int, listener: CallbackListener, state: str) -> type[_Handler]:
    hosts = {f"{host}:{port}" for host in ("localhost", "127.0.0.1", "[::1]")}
    if port == HTTP_PORT:
        hosts |= {"localhost", "127.0.0.1", "[::1]"}

    class Handler(_Handler):
        def do_GET(self) -> None:
            path, _, query_text = self.path.partition("?")
            query = read_query(query_text)
            if self.headers.get("Host", "").lower() not in hosts:
                self.refuse(403, "This request was sent to another host name.")
            elif path != CALLBACK_PATH:
                self.show(404, "Nothing here", "This address only receives sign-ins.")
            elif not compare_digest(query.get("state", "").encode(), state.encode()):
                self.refuse(400, "This answer belongs to another sign-in (its state is wrong).")
            elif (callback := listener.take(query)) is None:
                self.refuse(400, "This answer has already been received.")
            else:
                self.wait_and_show(callback)

        def refuse(self, status: int, reason: str) -> None:
            listener.report(reason)
            advice = "Go back to the terminal and use the address that it shows."
            self.show(status, "Not signed in", f"{reason} {advice}")

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Elsewhere: take a port of which old connections are still closing. On Windows: share it with
    # a program that listens on it.
    allow_reuse_address = sys.platform != "win32"

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a browser that has gone away: `http.server` would print a traceback."""


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(BaseHTTPRequestHandler):
    timeout = _SILENT_SECONDS

    def wait_and_show(self, callback: Callback) -> None:
        """Keep the browser waiting until it can be told how the sign-in went."""
        try:
            title, text = callback.pages.get(timeout=_OUTCOME_SECONDS)
        except queue.Empty:
            title, text = "Almost there", "Go back to the terminal to see how the sign-in went."
        try:
            self.show(200, title, text)
        finally:
            callback.delivered.set()

    def show(self, status: int, title: str, text: str) -> None:
        """Answer with a page."""
        page = _PAGE.substitute(title=html.escape(title), text=html.escape(text)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(page)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401  http.server's signature
        """Log nothing: the request line has the code."""
