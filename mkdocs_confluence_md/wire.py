"""The wire: one kind of HTTP client for everything, and the words for its failures."""

from __future__ import annotations

from typing import Any

import httpx

from mkdocs_confluence_md import __version__
from mkdocs_confluence_md.errors import FailureError

USER_AGENT = f"mkdocs-confluence-md/{__version__}"

# An export is one handler call, which the platform ends after 25 seconds. Waiting for a free
# connection is no failure.
TIMEOUT = httpx.Timeout(60.0, connect=10.0, pool=None)

STATUS_PAGE = "https://status.atlassian.com says whether it is a known problem."


def make_client(*, concurrency: int = 1) -> httpx.Client:
    """Make a client with pooled connections, as many as there may be requests in flight.

    It follows no redirect: a token must not travel to another host.
    """
    limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    return httpx.Client(timeout=TIMEOUT, headers={"User-Agent": USER_AGENT}, limits=limits)


def send(
    client: httpx.Client, request: httpx.Request, *, auth: httpx.Auth | None = None
) -> httpx.Response:
    """Send a request and return the whole answer, whatever its status.

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
        raise FailureError(
            f"{host} cannot be reached: {_first_line(error)}.",
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
