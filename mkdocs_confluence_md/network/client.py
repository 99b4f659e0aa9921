"""Make HTTP clients with our settings, and explain their failures."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpx

from mkdocs_confluence_md import __version__
from mkdocs_confluence_md.errors import FailureError, SettingError
from mkdocs_confluence_md.network.retries import (
    LARGE,
    PatientTransport,
    SlowAnswerError,
    find_trouble,
)
from mkdocs_confluence_md.network.throttling import AT_A_TERMINAL, Traffic, Trouble
from mkdocs_confluence_md.network.urls import LOOPBACK_HOSTS, url_host

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

USER_AGENT = f"mkdocs-confluence-md/{__version__}"

# Lines of Python's source tell users nothing, and counts of bytes would keep pages that have the
# same cause from being told of together.
_MEANINGLESS = r" \((?:_ssl\.c:[0-9]+|received [0-9]+ bytes, expected [0-9]+)\)"

# What OpenSSL says of an answer in plain http.
_PLAIN = re.compile(r"WRONG_VERSION_NUMBER|RECORD_LAYER_FAILURE|HTTP_REQUEST", re.IGNORECASE)

STATUS_PAGE = "https://status.atlassian.com says whether it is a known problem."


def make_client(
    traffic: Traffic | None = None, observe: Callable[[httpx.Response], None] | None = None
) -> httpx.Client:
    """Make a client that tries again, with as many connections as there may be requests in flight.

    It follows no redirect, because a token must not travel to another host; and it reaches
    loopback without a proxy, because plain http is allowed there, and only there.

    Args:
        traffic: What its requests share; without one, it is for a command at a terminal.
        observe: Is told of each response, those of the authorization server included.

    Raises:
        SettingError: The environment's settings for proxies or certificates cannot be used.
    """
    traffic = traffic or Traffic(1, AT_A_TERMINAL)
    patience = traffic.patience
    limits = httpx.Limits(
        max_connections=traffic.connections, max_keepalive_connections=traffic.connections
    )
    try:
        ssl_context = httpx.create_ssl_context()
        direct = httpx.HTTPTransport(verify=ssl_context, limits=limits)
        sender = httpx.Client(
            # Waiting for a free connection is not a failure.
            timeout=httpx.Timeout(patience.silence, connect=patience.connect, pool=None),
            limits=limits,
            verify=ssl_context,
            mounts={f"all://{url_host(host)}": direct for host in LOOPBACK_HOSTS},
        )
    except (ImportError, ValueError, OSError) as error:
        # A proxy's URL may hold a password.
        reason = "" if "@" in str(error) else f": {_first_line(error)}"
        raise SettingError(
            f"The connection cannot be set up{reason}.",
            "Check the environment variables HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and "
            "SSL_CERT_DIR.",
        ) from None
    transport = PatientTransport(sender, traffic)
    return httpx.Client(
        headers={"User-Agent": USER_AGENT},
        transport=transport,
        trust_env=False,
        event_hooks={"response": [observe] if observe else []},
    )


def send(  # noqa: PLR0913  a request has that many parts
    client: httpx.Client,
    method: str,
    url: str,
    *,
    json: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
    auth: httpx.Auth | None = None,
    extensions: Mapping[str, object] | None = None,
) -> httpx.Response:
    """Send a request and return the whole answer, whatever its status.

    A large answer (`retries.LARGE`) is not in memory: see `retries.read_spool`.

    Raises:
        FailureError: There was no answer.
        SettingError: The URL is none.
    """
    try:
        request = client.build_request(method, url, json=json, headers=headers)
        request.extensions.update(extensions or {})
        return send_request(client, request, auth=auth)
    except (httpx.InvalidURL, UnicodeError):
        raise SettingError(
            f"{url!r} is not a URL that can be requested.",
            "Correct the options `site` and `base_url`.",
        ) from None


def send_request(
    client: httpx.Client, request: httpx.Request, *, auth: httpx.Auth | None = None
) -> httpx.Response:
    """Send a request that is there already.

    Raises:
        FailureError: There was no answer.
    """
    try:
        return client.send(request, auth=auth, stream=LARGE in request.extensions)
    except httpx.RequestError as error:
        raise _explain(error) from None


def _explain(error: httpx.RequestError) -> FailureError:
    host = host_and_port(error.request)
    trouble = find_trouble(error)
    if isinstance(error, SlowAnswerError):
        return FailureError(
            f"The answer of {host} did not arrive completely {error}.",
            f"Try again later; {STATUS_PAGE}",
        )
    if trouble is Trouble.SILENT:
        timeouts = error.request.extensions["timeout"]
        seconds = timeouts["connect" if isinstance(error, httpx.ConnectTimeout) else "read"]
        return FailureError(
            f"{host} did not answer within {seconds:g} seconds.", f"Try again later; {STATUS_PAGE}"
        )
    if trouble is Trouble.UNTRUSTED:
        return FailureError(
            f"{host} shows a certificate that this machine does not trust.",
            "If a proxy in your network decrypts TLS, set the environment variable SSL_CERT_FILE "
            "to the file of its certificate authority.",
        )
    if _PLAIN.search(str(error)):
        return FailureError(
            f"{host} does not use https on this port.",
            "Correct the port of the address, or write http:// if it is one of this machine.",
        )
    # What breaks the protocol on our side may be quoted whole, a token with it.
    ours = isinstance(error, httpx.LocalProtocolError)
    reason = "the request could not be sent" if ours else _first_line(error)
    if trouble is Trouble.BROKEN and not ours:
        return FailureError(
            f"The answer of {host} did not arrive completely: {reason}.",
            f"Check the network and the proxy settings; {STATUS_PAGE}",
        )
    return FailureError(
        f"{host} cannot be reached: {reason}.",
        f"Check the network, the proxy settings and the name {host}.",
    )


def host_and_port(request: httpx.Request) -> str:
    """Name the server of a request for a message."""
    return request.url.netloc.decode("ascii")


def read_json_object(response: httpx.Response) -> dict[str, Any]:
    """Return the body as a JSON object; empty if it is anything else."""
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    line = re.sub(_MEANINGLESS, "", lines[0]) if lines else ""
    return line.rstrip(".") or type(error).__name__
