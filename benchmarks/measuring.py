"""One build of one contestant, measured from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.sites import read_site

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmarks.contestants import Contestant, Job

ENDLESS = "no end within"


@dataclass(frozen=True)
class Run:
    """What was seen of a build."""

    seconds: float
    requests: int = 0
    peak: int = 0
    """The most requests in flight at once."""
    problem: str = ""
    """What is wrong with the outcome, in a few words; nothing if the site is right."""

    @property
    def is_endless(self) -> bool:
        """Whether the build was given up."""
        return self.problem.startswith(ENDLESS)


def measure_build(contestant: Contestant, job: Job, time_limit: float = 600.0) -> Run:
    """Run the commands of a build for at most `time_limit` seconds, and look at the site."""
    job.confluence.forget()
    start = time.perf_counter()
    environment, problem = contestant.environment(job), ""
    for command in contestant.commands(job):
        remaining = start + time_limit - time.perf_counter()
        problem = problem or run_command(command, job.root, environment, remaining)
    if problem == ENDLESS:
        problem = f"{ENDLESS} {time_limit:.0f} s"
    seconds = time.perf_counter() - start
    stats = job.confluence.stats()
    problem = problem or job.content.find_problem(read_site(job.root / "site"))
    return Run(seconds, stats["requests"], stats["peak_requests"], problem)


def run_command(
    command: list[str], root: Path, environment: Mapping[str, str], time_limit: float
) -> str:
    """Run a command, with its output in `build.log`; return how it failed, if it did."""
    with (root / "build.log").open("a", encoding="utf-8") as log:
        # In a session of its own: whatever it has started can be ended with it.
        process = subprocess.Popen(
            command, cwd=root, env=environment, stdin=subprocess.DEVNULL,
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            exit_code = process.wait(max(time_limit, 0))
        except subprocess.TimeoutExpired:
            return ENDLESS
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    return f"exit {exit_code}" if exit_code else ""
