"""The threads that fetch: how many there are, what they hold on to, and what they make late."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from contextlib import closing
from functools import partial

import pytest

from mkdocs_confluence_md.fetch.threads import Late, Workers

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


def test_threads_are_started_as_more_are_wanted() -> None:
    wanted = 1
    with closing(Workers(3, name="tested", wanted=lambda: wanted)) as workers:
        gates = [threading.Event() for _ in range(6)]
        tasks = [workers.submit(partial(gate.wait, PATIENCE_SECONDS)) for gate in gates]
        assert count_threads() == 1

        wanted = 2
        gates[0].set()
        assert tasks[0].result(PATIENCE_SECONDS)
        tasks.append(workers.submit(lambda: True))
        assert count_threads() == 2

        wanted = 9
        gates[1].set()
        gates[2].set()
        assert tasks[2].result(PATIENCE_SECONDS)
        tasks.append(workers.submit(lambda: True))
        assert count_threads() == 3
        for gate in gates:
            gate.set()
        assert all(task.result(PATIENCE_SECONDS) for task in tasks)


def test_what_is_made_late_is_made_once_for_all_threads() -> None:
    made: list[Result] = []

    def make() -> Result:
        time.sleep(0.01)  # so that others come meanwhile
        made.append(Result())
        return made[-1]

    late = Late(make)
    assert late.made is None
    with closing(Workers(3, name="tested")) as workers:
        tasks = [workers.submit(late.get) for _ in range(9)]
        found = {task.result(PATIENCE_SECONDS) for task in tasks}

    assert found == set(made) == {late.made}
    assert len(made) == 1


def test_what_could_not_be_made_is_tried_again() -> None:
    obstacles = ["no"]

    def make() -> str:
        if obstacles:
            raise ValueError(obstacles[0])
        return "yes"

    late = Late(make)
    with pytest.raises(ValueError, match="no"):
        late.get()
    obstacles.clear()
    assert late.get() == "yes"


def test_nothing_is_made_after_the_end() -> None:
    late, other = Late(Result), Late(Result)
    result = late.get()

    assert late.stop() is late.get() is result
    assert other.stop() is None
    with pytest.raises(RuntimeError):
        other.get()
