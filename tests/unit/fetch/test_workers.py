"""The threads that fetch: how many there are, and what they hold on to."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from contextlib import closing

from mkdocs_confluence_md.fetch.threads import Workers

PATIENCE_SECONDS = 20


class Result:
    """What a task returns, and what a weak reference can tell of."""


def count_threads() -> int:
    return sum(thread.name == "tested" for thread in threading.enumerate())


def test_a_thread_that_waits_keeps_nothing_of_what_it_did() -> None:
    with closing(Workers(1, name="tested")) as workers:
        result = weakref.ref(workers.submit(Result).result(PATIENCE_SECONDS))

        deadline = time.monotonic() + PATIENCE_SECONDS
        while result() is not None and time.monotonic() < deadline:
            time.sleep(0.01)
            gc.collect()
        assert result() is None


def test_there_are_as_many_threads_as_tasks_at_once_and_no_more() -> None:
    with closing(Workers(3, name="tested")) as workers:
        for _ in range(5):
            workers.submit(Result).result(PATIENCE_SECONDS)
        assert count_threads() == 1

        go_on = threading.Event()
        tasks = [workers.submit(go_on.wait) for _ in range(5)]
        assert count_threads() == 3
        go_on.set()
        assert all(task.result(PATIENCE_SECONDS) for task in tasks)
