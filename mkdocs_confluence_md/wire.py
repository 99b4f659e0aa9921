"""The wire: one kind of HTTP client for everything, and the words for its failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from mkdocs_confluence_md import __version__
from mkdocs_confluence_md.errors import FailureError, SettingError
from mkdocs_confluence_md.trust import LOOPBACK_HOSTS, url_host

if TYPE_CHECKING:
    from collections.abc import Mapping

USER_AGENT = f"mkdocs-confluence-md/{__version__}"

# An export is one handler call, which the platform ends after 25 seconds. Waiting for a free
# connection is no failure.
TIMEOUT = httpx.Timeout(60.0, connect=10.0, pool=None)

STATUS_PAGE = "https://status.atlassian.com says whether it is a known problem."


def make_client(*, concurrency: int = 1) -> httpx.Client:
    """Make a client with pooled connections, as many as there may be requests in flight.

    It follows no redirect, because a token must not travel to another host; and it reaches
    loopback without a proxy, because plain http is allowed there, and only there.

    Raises:
        SettingError: The environment's settings for proxies or certificates cannot be used.
    """
    limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    try:
        ssl_context = httpx.create_ssl_context()
        direct = httpx.HTTPTransport(verify=ssl_context, limits=limits)
        return httpx.Client(
            timeout=TIMEOUT,
            headers={"User-Agent": USER_AGENT},
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


def send(  # noqa: PLR0913  a request has that many parts
    client: httpx.Client,
    method: str,
    url: str,
    *,
    json: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    auth: httpx.Auth | None = None,
) -> httpx.Response:
    """Send a request and return the whole answer, whatever its status.

    Raises:
        FailureError: There was no answer.
        SettingError: The URL is none.
    """
    try:
        request = client.build_request(method, url, json=json, headers=headers)
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
        return client.send(request, auth=auth)
    except httpx.TimeoutException as error:
        seconds = TIMEOUT.connect if isinstance(error, httpx.ConnectTimeout) else TIMEOUT.read
        raise FailureError(
            f"{host_and_port(error.request)} did not answer within {seconds:.0f} seconds.",
            f"Try again later; {STATUS_PAGE}",
        ) from None
    except httpx.HTTPError as error:
        host = host_and_port(error.request)
        # What breaks the protocol on our side may be quoted whole, a token with it.
        ours = isinstance(error, httpx.LocalProtocolError)
        reason = "the request could not be sent" if ours else _first_line(error)
        raise FailureError(
            f"{host} cannot be reached: {reason}.",
            f"Check the network, the proxy settings and the name {host}.",
        ) from None


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
    return lines[0].rstrip(".") if lines else type(error).__name__
