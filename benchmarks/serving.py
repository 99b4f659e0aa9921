"""Rebuilds under `mkdocs serve`, after an edit of a local page."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import httpx

from benchmarks.measuring import Run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchmarks.scenarios import Lane

BUILT = re.compile(r"Documentation built in ([\d.]+) seconds")
PATIENCE_SECONDS = 600.0
STOP_SECONDS = 10.0


class Server:
    """A running `mkdocs serve`, and what it says of its builds."""

    def __init__(self, lane: Lane, url: str, process: subprocess.Popen[bytes], log: Path) -> None:
        """Watch the server at `url`, which writes to `log`."""
        self.lane = lane
        # One for all pages: a client takes longer to make than a page to get.
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=PATIENCE_SECONDS)
        self._process = process
        self._log = log
        self._builds = 0

    def wait_for_build(self) -> float:
        """Wait for the next build, and return the seconds that MkDocs says it took."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            times = BUILT.findall(self._log.read_text(encoding="utf-8"))
            if len(times) > self._builds:
                self._builds += 1
                return float(times[self._builds - 1])
            time.sleep(0.02)
        raise RuntimeError(self._log.read_text(encoding="utf-8")[-2000:])

    def read(self, path: str) -> str | None:
        """Return a page as it is served."""
        response = self._client.get(path)
        return response.text if response.is_success else None

    def measure_rebuild(self, number: int) -> Run:
        """Edit the home page, and wait until it is served."""
        job, text = self.lane.job, f"Edited {number + 1} times."
        job.confluence.forget()
        (job.root / "docs" / "index.md").write_text(f"# Home\n\n{text}\n", encoding="utf-8")
        seconds, stats = self.wait_for_build(), job.confluence.stats()
        problem = "" if text in (self.read("") or "") else "edit not served"
        problem = problem or job.content.find_problem(self.read)
        return Run(seconds, stats["requests"], stats["peak_requests"], problem)


def measure_rebuilds(lanes: Sequence[Lane], runs: int) -> None:
    """Serve all sites at once, and edit them in turn."""
    with ExitStack() as stack:
        servers = []
        for lane in lanes:
            lane.begin()
            lane.set_faults()
            servers.append(stack.enter_context(_serve(lane)))
        for number in range(runs):
            for server in servers:
                server.lane.runs.append(server.measure_rebuild(number))
                print(".", end="", file=sys.stderr, flush=True)


@contextmanager
def _serve(lane: Lane) -> Iterator[Server]:
    """Start a server, wait for its first build, and stop it in the end."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    root, path = lane.job.root, lane.job.root / "serve.log"
    with path.open("wb") as log:
        process = subprocess.Popen(
            lane.contestant.mkdocs("serve", "--dev-addr", address),
            cwd=root, env=lane.contestant.environment(lane.job), stdout=log, stderr=log,
        )  # fmt: skip
        try:
            server = Server(lane, f"http://{address}", process, path)
            server.wait_for_build()
            yield server
        finally:
            stop(process)


def stop(process: subprocess.Popen[bytes], patience: float = STOP_SECONDS) -> None:
    """Stop a server as a person would; or by force, where a shell lets Ctrl-C be ignored."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
