"""HTTP transport with retries.

It is below authentication: a retry carries the token that is there. What a try teaches is shared by
all requests to the same service (`throttling.py`).
"""

from __future__ import annotations

import random
import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import httpx

from mkdocs_confluence_md.errors import TooLargeError
from mkdocs_confluence_md.network.concurrency import FIRST_LIMIT
from mkdocs_confluence_md.network.spooling import Spool
from mkdocs_confluence_md.network.throttling import BuildOverError, OutageError, Trouble

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from mkdocs_confluence_md.network.throttling import Traffic

EXPORT = "mkdocs_confluence_md.export"
"""The extension of a request for an export: a 500 is about its page, of others about the service.
"""

ONLY_ONCE = "mkdocs_confluence_md.only_once"
"""The extension of a request that must not arrive twice."""

GRANT = "mkdocs_confluence_md.grant"
"""The extension of a request for a token, which is waited for as long as `Patience.token` says."""

LARGE = "mkdocs_confluence_md.large"
"""The extension of a request whose answer is large; its value names what is in it.

Each of these is a service of its own: files that are too large for the app, or too slow, say
nothing of whether pages can be had.
"""

SERVICE = "mkdocs_confluence_md.service"
"""The extension of a request that is not an export; its value names the service."""

_SPOOL = "mkdocs_confluence_md.spool"
"""The extension of a large answer; its value is the `Spool` that has the body."""

# An answer of over about 5 MB may fail (seen); one that is larger by far is not a page.
_LARGEST_ANSWER_BYTES = 16_000_000
_LARGEST_FILES_BYTES = 100_000_000

_TOO_BUSY = (408, 425, 429, 502, 503, 504)
_RETRIED_ERRORS = (
    httpx.TimeoutException,
    httpx.NetworkError,
    httpx.ProxyError,
    httpx.RemoteProtocolError,
    httpx.DecodingError,
)
# With these, a request did not arrive.
_NOT_ARRIVED = (Trouble.UNREACHABLE, Trouble.UNTRUSTED, Trouble.THROTTLED)
# What has arrived is read, however late: this process may have been too busy to read it.
_MOST_LATE_PARTS = 8
# What the answer to one request may tell about another. Not its trace ID, for example.
_SHARED_HEADERS = ("content-type", "retry-after")
# These are about a body that has been decoded since.
_ENCODING_HEADERS = ("content-encoding", "content-length", "transfer-encoding")


class SlowAnswerError(httpx.ReadTimeout):
    """An answer that never was silent for long, but took too long as a whole."""


class PatientTransport(httpx.BaseTransport):
    """Sends requests through a client, and retries.

    A client and not a transport, because only a client reads the environment's proxies.

    Args:
        client: Does the sending; it has neither authentication nor retries.
        traffic: What requests share.
    """

    def __init__(self, client: httpx.Client, traffic: Traffic) -> None:
        self._client = client
        self._traffic = traffic

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and return an answer that has been read whole."""
        # Also for a request that authentication made, which has no time-outs of its own.
        request.extensions["timeout"] = self._client.timeout.as_dict()
        if GRANT in request.extensions:
            request.extensions["timeout"]["read"] = self._traffic.patience.token
        try:
            return self._send_patiently(request)
        except OutageError as outage:
            return _repeat(outage.outcome, request)
        except BuildOverError:
            raise httpx.ConnectError("the build is over", request=request) from None

    def close(self) -> None:
        """Cancel what waits for another try, and close the connections."""
        self._traffic.begin_build()
        self._client.close()

    def _send_patiently(self, request: httpx.Request) -> httpx.Response:
        """Send a request until there is an answer, or another try is not worth its time."""
        is_export = EXPORT in request.extensions
        too_busy = _TOO_BUSY if is_export else (500, *_TOO_BUSY)
        # Archives are large, and slow to make.
        most = FIRST_LIMIT if LARGE in request.extensions else None
        service = self._traffic.service(_name_service(request), most=most)
        tries = self._traffic.make_request(is_about_page=is_export)
        while True:
            with service.turn(tries):
                outcome, trouble = self._try(request, too_busy)
                wait = _read_wait(outcome) if isinstance(outcome, httpx.Response) else 0.0
                if trouble is None:
                    service.answered(tries)
                    is_last = True
                else:
                    is_last = not service.failed(
                        tries, trouble, asked_to_wait=wait, outcome=outcome
                    )
                    if trouble is Trouble.THROTTLED:
                        service.share_pause()
            if is_last or (trouble not in _NOT_ARRIVED and ONLY_ONCE in request.extensions):
                if isinstance(outcome, httpx.Response):
                    return outcome
                raise outcome
            # After a 429 all requests wait, so this one waits for its turn.
            if trouble is not Trouble.THROTTLED:
                backoff = self._traffic.patience.first_wait * 2.0 ** (tries.tries - 1)
                jitter = random.uniform(0.5, 1)  # noqa: S311  nothing is gained by guessing it
                service.rest(tries, max(backoff * jitter, wait))

    def _try(
        self, request: httpx.Request, too_busy: Collection[int]
    ) -> tuple[httpx.Response | httpx.RequestError, Trouble | None]:
        """Send a request once; its answer is read whole, so that one that breaks off is retried.

        Returns:
            The answer or the error, and what is wrong with it.
        """
        try:
            response = self._send(request)
        except _RETRIED_ERRORS as error:
            return error, find_trouble(error)
        if response.status_code not in too_busy:
            return response, None
        is_throttled = response.status_code == httpx.codes.TOO_MANY_REQUESTS
        return response, Trouble.THROTTLED if is_throttled else Trouble.UNAVAILABLE

    def _send(self, request: httpx.Request) -> httpx.Response:
        large, patience = LARGE in request.extensions, self._traffic.patience
        seconds = patience.large_answer if large else patience.answer
        if GRANT in request.extensions:
            seconds = max(seconds, patience.token)
        until = self._traffic.clock() + seconds
        response = self._client.send(request, stream=True)
        try:
            # A refusal is not large.
            large = large and response.status_code == httpx.codes.OK
            most = _LARGEST_FILES_BYTES if large else _LARGEST_ANSWER_BYTES
            chunks = self._read(response, most, seconds, until)
            body: Spool | bytes = Spool(chunks) if large else b"".join(chunks)
        finally:
            response.close()
        headers = response.headers.copy()
        for name in _ENCODING_HEADERS:
            headers.pop(name, None)
        if isinstance(body, bytes):
            return httpx.Response(
                response.status_code, headers=headers, content=body, request=request
            )
        return httpx.Response(
            response.status_code,
            headers=headers,
            stream=_SpoolStream(body),
            request=request,
            extensions={_SPOOL: body},
        )

    def _read(
        self, response: httpx.Response, most: int, seconds: float, until: float
    ) -> Iterator[bytes]:
        size = late = 0
        for chunk in response.iter_bytes():
            size += len(chunk)
            if size > most:
                raise TooLargeError(
                    f"The answer of {response.url.netloc.decode('ascii')} is larger than "
                    f"{most // 1_000_000} MB.",
                    "Split the page in Confluence.",
                )
            now = self._traffic.clock()
            late += now > until
            if late > _MOST_LATE_PARTS or now > until + seconds:
                raise SlowAnswerError(f"within {seconds:g} seconds", request=response.request)
            yield chunk


class _SpoolStream(httpx.SyncByteStream):
    """The body of a large answer, for what reads it as that of any other."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._spool)


def read_spool(response: httpx.Response) -> Spool:
    """Return the body of an answer, which is not in memory if the answer is large."""
    return response.extensions.get(_SPOOL) or Spool([response.content])


def find_trouble(error: Exception) -> Trouble:
    """Tell why a request has no answer."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Trouble.UNTRUSTED
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.TimeoutException):
        return Trouble.SILENT
    if isinstance(error, httpx.ConnectError | httpx.ProxyError):
        return Trouble.UNREACHABLE
    return Trouble.BROKEN


def _read_wait(response: httpx.Response) -> float:
    """Return for how many seconds a service asks to wait: RFC 9110, section 10.2.3."""
    stated = response.headers.get("retry-after", "").strip()
    if stated.isascii() and stated.isdigit():
        return float(stated)
    try:
        moment = parsedate_to_datetime(stated)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError):
        return 0.0


def _name_service(request: httpx.Request) -> str:
    """Name what a request asks: for a page's export, it is the API's base URL."""
    if name := request.extensions.get(SERVICE):
        return str(name)
    url = str(request.url.copy_with(query=None, fragment=None))
    if content := request.extensions.get(LARGE):
        return f"{url} {content}"
    return url.rpartition("/")[0]


def _repeat(outcome: object, request: httpx.Request) -> httpx.Response:
    """Let a request end as another one did."""
    if isinstance(outcome, httpx.RequestError):
        raise type(outcome)(str(outcome), request=request) from outcome
    assert isinstance(outcome, httpx.Response)  # noqa: S101  nothing else is noted
    headers = {name: outcome.headers[name] for name in _SHARED_HEADERS if name in outcome.headers}
    # It may repeat the token of its own request, which may be another one.
    token = outcome.request.headers.get("Authorization", "").partition(" ")[2].encode()
    content = outcome.content.replace(token, "…".encode()) if token else outcome.content
    return httpx.Response(outcome.status_code, headers=headers, content=content, request=request)
