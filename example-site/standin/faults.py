"""Switches that make the stand-in misbehave."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal, get_args

from standin.messages import JSON, TEXT, Answer

if TYPE_CHECKING:
    from collections.abc import Callable

ConnectionFault = Literal["hang", "hang-in-body", "trickle", "cut", "cut-in-body", "short-body"]
"""What happens to an answer on the wire.

The request has been carried out by then; what is lost is the answer. So a token
request that is cut has rotated the refresh token.

- `hang`: nothing is sent until the client leaves or the server stops.
- `hang-in-body`: the same, after half of the body.
- `trickle`: a body that comes a byte at a time, and never ends.
- `cut`: the connection is closed before the first byte.
- `cut-in-body`: the connection is reset after half of the body.
- `short-body`: the connection is closed in good order after half of the body.
"""

Route = Literal[
    "export",
    "bulk",
    "token",
    "tenant_info",
    "authorize",
    "content",
    "rest",
    "versions",
    "descendants",
    "children",
    "folders",
    "spaces",
    "space_pages",
    "users",
    "search",
    "media",
    "markdown",
    "unknown",
]
REST_ROUTES = frozenset(
    {"rest", "versions", "descendants", "children", "folders", "spaces", "space_pages", "users",
     "search"}
)  # fmt: skip
"""A fault of `rest` is one of all of them."""
PAGE_ROUTES = frozenset({"export", "content", "markdown"})
"""Where the text of a page comes from: the exporter, Confluence's own REST API, a plain file."""

ArchiveFault = Literal["truncated", "no-zip", "no-base64", "refused"]
"""What is wrong with the archives of exports, in answers that are whole and have the status 200.

- `truncated`: half of the archive.
- `no-zip`: something else than an archive.
- `no-base64`: with a character that is not in the alphabet.
- `refused`: `"success": false`, and no archive.
"""

Body = str | bytes | Mapping[str, object] | None


@dataclass
class _Fault:
    route: Route
    effect: Answer | ConnectionFault
    page_id: str | None
    times: int | None

    def matches(self, route: Route, page_id: str) -> bool:
        is_of_route = self.route == route or (self.route == "rest" and route in REST_ROUTES)
        return is_of_route and self.page_id in {None, page_id}


class Faults:
    """Everything that can be made to go wrong, changeable at any time.

    Registered faults (`answer`, `connection`) come before any
    other check, in the order of registration: the first that fits is used.
    `times` is how often it is used, None is always.
    """

    def __init__(self) -> None:
        """Start without faults."""
        self._lock = threading.Lock()
        self._gate = threading.Event()
        self._queue: list[_Fault] = []
        self._in_flight = 0
        self.lost_token_answers = 0
        """How many token requests were carried out and got no answer."""
        self._reset()

    def _reset(self) -> None:
        self.latency = 0.0
        """Seconds that each export takes, and each other way to the text of a page."""
        self.slowing = 0.0
        """Seconds that each export takes longer for every one that is in flight with it."""
        self.other_latency = 0.0
        """Seconds that each request takes that is for anything but the text of a page."""
        self.page_latency: dict[str, float] = {}
        """Seconds that the export of a page takes, instead of `latency`."""
        self.missing: set[str] = set()
        """Pages answered with 404."""
        self.denied: set[str] = set()
        """Pages answered with 403."""
        self.app_disabled = False
        """Whether an admin has switched the App REST APIs off."""
        self.missing_scope = False
        """Whether every token lacks the exporter's scope."""
        self.unauthorized_times = 0
        """How many of the next exports are answered with a plain 401."""
        self.etags = False
        """Whether exports have an `ETag`, and a matching `If-None-Match` is answered with 304."""
        self.archive_fault: ArchiveFault | None = None
        """What is wrong with each archive."""
        self.large_tree_status = 0
        """What an export of a whole tree with attachments is answered with, as if it were large."""
        self._queue.clear()
        self._later: tuple[int, Callable[[], None]] | None = None
        self._gate.set()

    def clear(self) -> None:
        """End all faults and let held exports go on; a hanging request keeps hanging."""
        with self._lock:
            self._reset()

    def hold(self) -> None:
        """Keep exports waiting from now on, until `release`."""
        self._gate.clear()

    def release(self) -> None:
        """Let held exports go on."""
        self._gate.set()

    def answer(  # noqa: PLR0913 - an answer has that many parts
        self,
        status: int,
        *,
        route: Route = "export",
        page_id: str | None = None,
        times: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: Body = None,
        content_type: str | None = None,
    ) -> None:
        """Answer requests of a route (exports: of one page, or of all) with this instead.

        A mapping is sent as JSON. Without a body, an error gets one in JSON.
        """
        canned = _make_answer(status, headers, body, content_type)
        self._add(route, canned, page_id, times)

    def connection(
        self,
        kind: ConnectionFault,
        *,
        route: Route = "export",
        page_id: str | None = None,
        times: int | None = None,
    ) -> None:
        """Break the connection of requests of a route (exports: of one page, or of all)."""
        self._add(route, kind, page_id, times)

    def take(self, route: Route, page_id: str) -> Answer | ConnectionFault | None:
        """Return the fault for a request, and count it as used."""
        with self._lock:
            fault = next((each for each in self._queue if each.matches(route, page_id)), None)
            if fault is None:
                return None
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self._queue.remove(fault)
            if route == "token" and isinstance(fault.effect, str):
                self.lost_token_answers += 1
            return fault.effect

    def after_exports(self, count: int, happens: Callable[[], None]) -> None:
        """Let something happen in the middle of a build: after so many exports, of whatever."""
        with self._lock:
            self._later = count, happens

    def count_export(self) -> None:
        """Count an export whose answer is about to leave."""
        with self._lock:
            if self._later is None:
                return
            count, happens = self._later
            self._later = (count - 1, happens) if count > 1 else None
        if count == 1:
            happens()

    def take_unauthorized(self) -> bool:
        """Tell whether this export is to be refused, and count it."""
        with self._lock:
            if self.unauthorized_times <= 0:
                return False
            self.unauthorized_times -= 1
            return True

    def wait(self, route: Route, page_id: str, stopping: threading.Event) -> None:
        """Take the time that a request takes, less when the server is stopping."""
        if route not in PAGE_ROUTES:
            stopping.wait(self.other_latency)
            return
        with self._lock:
            self._in_flight += 1
            seconds = self.page_latency.get(page_id, self.latency) + self.slowing * self._in_flight
        stopping.wait(seconds)
        self._gate.wait()
        with self._lock:
            self._in_flight -= 1

    def _add(
        self,
        route: Route,
        effect: Answer | ConnectionFault,
        page_id: str | None,
        times: int | None,
    ) -> None:
        if isinstance(effect, str) and effect not in get_args(ConnectionFault):
            message = f"no such connection fault: {effect!r}"
            raise ValueError(message)
        if times is not None and times < 1:
            message = f"a fault happens at least once, not {times} times"
            raise ValueError(message)
        with self._lock:
            self._queue.append(_Fault(route, effect, page_id, times))


def _make_answer(
    status: int, headers: Mapping[str, str] | None, body: Body, content_type: str | None
) -> Answer:
    if body is None and status >= HTTPStatus.BAD_REQUEST:
        body = {"code": status, "message": _phrase(status)}
    if isinstance(body, Mapping):
        content, default_type = json.dumps(body).encode(), JSON
    else:
        content, default_type = body.encode() if isinstance(body, str) else body or b"", TEXT
    return Answer(status, content, content_type or default_type, headers or {})


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
