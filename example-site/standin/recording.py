"""What the stand-in remembers of the requests it got."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from standin.messages import Headers

if TYPE_CHECKING:
    from standin.messages import Request


@dataclass
class RecordedRequest:
    """A request and what became of it."""

    method: str
    path: str
    """Without the query."""
    query: str = ""
    page_id: str = ""
    """The page whose text or files are asked for; empty when the request is for anything else."""
    headers: Headers = field(default_factory=Headers)
    """As sent, `Authorization` included; names in any case."""
    is_export: bool = False
    """Whether it is a `singleExport`."""
    status: int = 0
    """0 until the answer is sent, and for good when it was not sent whole."""
    started: float = 0.0
    """`time.monotonic()` on arrival."""
    content: dict[str, object] = field(default_factory=dict)
    """The JSON object in its body, if that was one."""
    finished: float = 0.0
    """`time.monotonic()` just before the end of the answer leaves; 0.0 until then."""


class Recorder:
    """The requests so far, and how many of them were in flight at once."""

    def __init__(self) -> None:
        """Start with nothing recorded."""
        self.requests: list[RecordedRequest] = []
        self.peak_requests = 0
        self.peak_exports = 0
        self._requests_in_flight = 0
        self._exports_in_flight = 0
        self._changed = threading.Condition(threading.RLock())

    def arrive(self, request: Request, *, is_export: bool, page_id: str) -> RecordedRequest:
        """Record a request on arrival."""
        record = RecordedRequest(
            request.method,
            request.path,
            request.query,
            page_id,
            request.headers,
            is_export,
            started=time.monotonic(),
            content=request.json() or {},
        )
        with self._changed:
            self.requests.append(record)
            self._requests_in_flight += 1
            self.peak_requests = max(self.peak_requests, self._requests_in_flight)
            if is_export:
                self._exports_in_flight += 1
                self.peak_exports = max(self.peak_exports, self._exports_in_flight)
            self._changed.notify_all()
        return record

    def finish(self, record: RecordedRequest, status: int) -> None:
        """Complete a record; call it before the client can see the end of the answer."""
        with self._changed:
            record.status = status
            record.finished = time.monotonic()
            self._requests_in_flight -= 1
            if record.is_export:
                self._exports_in_flight -= 1

    def exports(self) -> list[RecordedRequest]:
        """Return the exports in order of arrival."""
        with self._changed:
            return [record for record in self.requests if record.is_export]

    def wait_for_exports(self, count: int, timeout: float) -> bool:
        """Wait until `count` exports have arrived; tell whether they did in `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(
                lambda: sum(record.is_export for record in self.requests) >= count, timeout
            )

    def count(self, path: str) -> int:
        """Return how many requests have arrived whose path ends so."""
        with self._changed:
            return sum(record.path.endswith(path) for record in self.requests)

    def wait_for_requests(self, path: str, count: int, timeout: float) -> bool:
        """Wait until so many requests have arrived whose path ends so."""
        with self._changed:
            return self._changed.wait_for(lambda: self.count(path) >= count, timeout)

    def clear(self) -> None:
        """Forget the requests and the peaks; those in flight still count as such."""
        with self._changed:
            self.requests.clear()
            self.peak_requests = self._requests_in_flight
            self.peak_exports = self._exports_in_flight

    def stats(self) -> dict[str, object]:
        """Return the figures that a benchmark in another process asks for."""
        exports = self.exports()
        finished = [record.finished for record in exports if record.finished]
        return {
            "requests": len(self.requests),
            "peak_requests": self.peak_requests,
            "exports": len(exports),
            "peak_exports": self.peak_exports,
            "first_export_started": exports[0].started if exports else None,
            "last_export_finished": max(finished, default=None),
        }
