"""Sending a request until there is an answer, or until another try is not worth its time.

httpx-retries tries again, below authentication: a retry carries the token that is there. What a
try teaches is shared by all requests to the same service (`throttling.py`).
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import httpx
from httpx_retries import Retry, RetryTransport

from mkdocs_confluence_md.errors import TooLargeError
from mkdocs_confluence_md.network.spooling import Spool
from mkdocs_confluence_md.network.throttling import BuildOverError, OutageError, Trouble

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from mkdocs_confluence_md.network.throttling import Service, Traffic

ONLY_ONCE = "mkdocs_confluence_md.only_once"
"""The extension of a request that must not arrive twice."""

LARGE = "mkdocs_confluence_md.large"
"""The extension of a request whose answer is large; its value names what is in it.

Each of these is a service of its own: files that are too large for the app, or too slow, say
nothing of whether pages can be had.
"""

SERVICE = "mkdocs_confluence_md.service"
"""The extension of a request that is not an export; its value names the service."""

_SPOOL = "mkdocs_confluence_md.spool"
"""The extension of a large answer; its value is the `Spool` that has the body."""

# An answer of over about 5 MB may fail (seen); one that is larger by far is no page.
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
# What the answer to one request may tell about another. Not its trace ID, for example.
_SHARED_HEADERS = ("content-type", "retry-after")
# These are about a body that has been decoded since.
_ENCODING_HEADERS = ("content-encoding", "content-length", "transfer-encoding")


class SlowAnswerError(httpx.ReadTimeout):
    """An answer that never was silent for long, but took too long as a whole."""


class PatientTransport(RetryTransport):
    """Sends requests through a client, and tries again.

    A client and not a transport, because only a client reads the environment's proxies.

    Args:
        client: Does the sending; it has neither authentication nor retries.
        traffic: What requests share.
    """

    def __init__(self, client: httpx.Client, traffic: Traffic) -> None:
        super().__init__(_OneTry(client, traffic))
        self._client = client
        self._traffic = traffic

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and return an answer that has been read whole."""
        request.extensions["retry"] = _Tries(request, self._traffic)
        # Also for a request that authentication made, which has no time-outs of its own.
        request.extensions["timeout"] = self._client.timeout.as_dict()
        try:
            return super().handle_request(request)
        except OutageError as outage:
            return _repeat(outage.outcome, request)
        except BuildOverError:
            raise httpx.ConnectError("the build is over", request=request) from None

    def close(self) -> None:
        """Let nobody wait any longer, and close the connections."""
        self._traffic.begin_build()
        self._client.close()


class _Tries(Retry):
    """Asks the service whether another try is worth its time; one object a request."""

    def __init__(self, request: httpx.Request, traffic: Traffic) -> None:
        # A 500 of an export is about its page; of all others, it is about the service.
        is_bearer = request.headers.get("Authorization", "").startswith("Bearer ")
        is_export = is_bearer and SERVICE not in request.extensions
        too_busy = _TOO_BUSY if is_export else (500, *_TOO_BUSY)
        super().__init__(
            allowed_methods=("GET", "POST"),
            status_forcelist=too_busy,
            retry_on_exceptions=_RETRIED_ERRORS,
            # The number of attempts is 1 when it is first asked.
            backoff_factor=traffic.patience.first_wait / 2,
            backoff_jitter=0.5,
        )
        self.service: Service = traffic.service(_name_service(request))
        self.request = traffic.make_request(is_about_page=is_export)
        self._only_once = ONLY_ONCE in request.extensions
        self._goes_on = True
        self._is_throttled = False
        self._asked_to_wait = 0.0

    def is_exhausted(self) -> bool:
        """Tell whether this was the last try."""
        return not self._goes_on

    def increment(self) -> Self:
        """Count a try; the object is one request's own, so it is not copied."""
        self.attempts_made += 1
        return self

    def sleep(self, response: httpx.Response | Exception) -> None:
        """Wait for the next try; after a 429 everybody waits, so this try waits for its turn."""
        del response
        if not self._is_throttled:
            self.service.rest(self.request, max(self.backoff_strategy(), self._asked_to_wait))

    def note_error(self, error: httpx.RequestError) -> None:
        """Take note of a try without an answer."""
        trouble = find_trouble(error)
        arrived = trouble not in (Trouble.UNREACHABLE, Trouble.UNTRUSTED)
        self._note_failure(trouble, error, arrived=arrived)

    def note_answer(self, response: httpx.Response) -> None:
        """Take note of a try with an answer."""
        if not self.is_retryable_status_code(response.status_code):
            self.service.answered()
            return
        self._is_throttled = response.status_code == httpx.codes.TOO_MANY_REQUESTS
        trouble = Trouble.THROTTLED if self._is_throttled else Trouble.UNAVAILABLE
        wait = self._read_wait(response)
        self._note_failure(trouble, response, arrived=not self._is_throttled, asked_to_wait=wait)

    def _note_failure(
        self, trouble: Trouble, outcome: object, *, arrived: bool, asked_to_wait: float = 0.0
    ) -> None:
        self._asked_to_wait = asked_to_wait
        goes_on = self.service.failed(
            self.request, trouble, asked_to_wait=asked_to_wait, outcome=outcome
        )
        self._goes_on = goes_on and not (arrived and self._only_once)

    def _read_wait(self, response: httpx.Response) -> float:
        try:
            return self.parse_retry_after(response.headers["retry-after"])
        except (KeyError, ValueError, OverflowError):
            return 0.0


class _OneTry(httpx.BaseTransport):
    """Sends a request once and reads the whole answer, so that one that breaks off is retried."""

    def __init__(self, client: httpx.Client, traffic: Traffic) -> None:
        self._client = client
        self._traffic = traffic

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        tries: _Tries = request.extensions["retry"]
        with tries.service.turn(tries.request):
            try:
                response = self._send(request)
            except _RETRIED_ERRORS as error:
                tries.note_error(error)
                raise
            tries.note_answer(response)
            return response

    def _send(self, request: httpx.Request) -> httpx.Response:
        large, patience = LARGE in request.extensions, self._traffic.patience
        seconds = patience.large_answer if large else patience.answer
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
        size = 0
        for chunk in response.iter_bytes():
            size += len(chunk)
            if size > most:
                raise TooLargeError(
                    f"The answer of {response.url.netloc.decode('ascii')} is larger than "
                    f"{most // 1_000_000} MB.",
                    "Divide the page in Confluence.",
                )
            if self._traffic.clock() > until:
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
    # Nobody promises that it does not repeat its own request's token, which may be another one.
    token = outcome.request.headers.get("Authorization", "").partition(" ")[2].encode()
    content = outcome.content.replace(token, "…".encode()) if token else outcome.content
    return httpx.Response(outcome.status_code, headers=headers, content=content, request=request)
