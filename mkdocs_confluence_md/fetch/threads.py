"""Worker threads that fetch while the main thread renders, and that do not delay its exit.

CPython lets a thread that computes keep the interpreter for 5 ms after another one wants it. A
thread that fetches wants it several times an export (sent, received, stored), so next to a
rendering main thread an export of 100 ms took 125 to 170 ms; `benchmarks/concurrency.py` measures
it. So the interpreter's switch interval is shorter while there is work.

`ThreadPoolExecutor` is not used because Python waits for its threads at exit: one export that hangs
would keep an interrupted build from ending for a minute.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from mkdocs_confluence_md.errors import ConfluenceError, FailureError, HeldElsewhereError

if TYPE_CHECKING:
    from collections.abc import Callable


_T = TypeVar("_T")

_QUICK_SECONDS = 0.0005
_PATIENCE_SECONDS = 1.0

_lock = threading.Lock()
_working = 0
_usual_seconds = 0.0


class Late(Generic[_T]):
    """Something that is made when a thread needs it first: it takes long to load, or to make.

    Args:
        make: Makes it.
    """

    def __init__(self, make: Callable[[], _T]) -> None:
        self._make = make
        self._making = threading.Lock()
        self._is_over = False
        self.made: _T | None = None
        """None until it is needed."""

    def get(self) -> _T:
        """Return it.

        Raises:
            RuntimeError: It was not made before `stop`.
        """
        with self._making:
            if self.made is None:
                if self._is_over:
                    raise RuntimeError("nothing is made any more")
                self.made = self._make()
            return self.made

    def stop(self) -> _T | None:
        """Return it if it was made, also just now; from now on it is not made any more.

        So a thread that was left behind begins nothing that would never end.
        """
        with self._making:
            self._is_over = True
            return self.made


class Workers:
    """A number of threads, started when there is something to do.

    Args:
        count: How many there are at most.
        name: Of each.
        wanted: How many would have something to do at present; None if that is always the most.
    """

    def __init__(self, count: int, *, name: str, wanted: Callable[[], int] | None = None) -> None:
        self._count = count
        self._wanted = wanted
        self._name = name
        self._lock = threading.Lock()
        self._is_closed = False
        self._tasks: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None]
        self._tasks = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._unfinished: set[Future[Any]] = set()

    def submit(self, task: Callable[[], _T]) -> Future[_T]:
        """Do a task when a thread is free; tasks begin in the order in which they came."""
        future: Future[_T] = Future()
        self._unfinished.add(future)
        _begin_work()
        future.add_done_callback(self._finish)
        self._tasks.put((future, task))
        self.start_threads()
        return future

    def start_threads(self) -> None:
        """Start what is wanted by now: threads that only wait for their turn slow others down."""
        wanted = self._wanted() if self._wanted else self._count
        with self._lock:
            most = 0 if self._is_closed else min(self._count, wanted, len(self._unfinished))
            while len(self._threads) < most:
                thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                thread.start()
                self._threads.append(thread)

    def close(self) -> None:
        """Begin no more tasks, and end the threads; those that hang are not waited for long."""
        with self._lock:
            self._is_closed = True
            threads = list(self._threads)
        for future in list(self._unfinished):
            future.cancel()
        for _ in threads:
            self._tasks.put(None)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _work(self) -> None:
        while item := self._tasks.get():
            _do(*item)
            # While this thread waits for more, what it did must not keep a build's pages alive.
            del item

    def _finish(self, future: Future[Any]) -> None:
        self._unfinished.discard(future)
        _end_work()
        if self._wanted:
            self.start_threads()  # more may be wanted by now


def _do(future: Future[Any], task: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(task())
    except BaseException as error:  # noqa: BLE001  the thread that waits must see it
        future.set_exception(error)


def _begin_work() -> None:
    global _working, _usual_seconds  # noqa: PLW0603  the interval is the process's, too
    with _lock:
        if _working == 0:
            _usual_seconds = sys.getswitchinterval()
            sys.setswitchinterval(min(_usual_seconds, _QUICK_SECONDS))
        _working += 1


def _end_work() -> None:
    global _working  # noqa: PLW0603  as above
    with _lock:
        _working -= 1
        if _working == 0:
            sys.setswitchinterval(_usual_seconds)


def deliver(future: Future[_T], find: Callable[[], _T]) -> None:
    """Resolve a future with a result or a `ConfluenceError`, unless it was cancelled.

    Raises:
        HeldElsewhereError: Another machine is about to have the result: deliver it later.
    """
    if not future.running() and not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(find())
    except HeldElsewhereError:
        raise
    except ConfluenceError as error:
        future.set_exception(error)
    except Exception as error:  # noqa: BLE001  the last net: it must not hide other pages' errors
        future.set_exception(explain_unexpected(error))


def deliver_error(future: Future[_T], error: Exception) -> None:
    """Say what went wrong with all; each thread raises an error of its own."""

    def fail() -> _T:
        raise error.copy() if isinstance(error, ConfluenceError) else error

    deliver(future, fail)


def describe_absence(what: str = "this page") -> FailureError:
    """Say that something is not in the cache, and that nothing else may be asked."""
    return FailureError(
        f"The cache has no copy of {what}, and `offline` is on.",
        "Build once with the network, or turn the option `offline` (or the environment "
        "variable CONFLUENCE_MD_OFFLINE) off.",
    )


def explain_unexpected(error: Exception) -> FailureError:
    """Say that an error is none of those that are foreseen."""
    return FailureError(
        f"Something unexpected happened: {_locate(error)}.",
        "This is a bug in mkdocs-confluence-md. Please report it.",
    )


def _locate(error: Exception) -> str:
    """Name an error and the line that raised it; its text may hold anything, so it is left out."""
    traceback = error.__traceback__
    while traceback and traceback.tb_next:
        traceback = traceback.tb_next
    if traceback is None:
        return type(error).__name__
    file = Path(traceback.tb_frame.f_code.co_filename).name
    return f"{type(error).__name__} in {file}, line {traceback.tb_lineno}"
