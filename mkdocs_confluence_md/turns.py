"""Quick turns: threads share the interpreter in small slices while pages are being fetched.

CPython lets a thread that computes keep the interpreter for 5 ms after another one wants it. A
thread that fetches wants it several times an export (sent, received, stored), so beside a
rendering main thread an export of 100 ms took 170 ms; `benchmarks/concurrency.py` measures it.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Future

_QUICK_SECONDS = 0.0005

_lock = threading.Lock()
_running = 0
_usual_seconds = 0.0


def take_quick_turns(futures: Iterable[Future[str]]) -> None:
    """Shorten the slices of this process until all of the futures are done."""
    for future in futures:
        _begin()
        future.add_done_callback(_end)


def _begin() -> None:
    global _running, _usual_seconds  # noqa: PLW0603  the interval is the process's, too
    with _lock:
        if _running == 0:
            _usual_seconds = sys.getswitchinterval()
            sys.setswitchinterval(min(_usual_seconds, _QUICK_SECONDS))
        _running += 1


def _end(_: Future[str]) -> None:
    global _running  # noqa: PLW0603  as above
    with _lock:
        _running -= 1
        if _running == 0:
            sys.setswitchinterval(_usual_seconds)
