"""A `mkdocs serve` that runs while a test looks at it."""

from __future__ import annotations

import signal
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from processes import find_free_port
from projects import BIN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from projects import Project

PATIENCE_SECONDS = 30.0


class Server:
    """A running `mkdocs serve`."""

    def __init__(self, url: str) -> None:
        self.url = url

    def wait_for(self, path: str, text: str) -> None:
        """Wait until a page has a text."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                if text in httpx.get(f"{self.url}/{path}").text:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        pytest.fail(f"{path} never had {text!r}")


def wait_for_log(log: Path, message: str) -> None:
    """Wait until the server has logged a message."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while message not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


@contextmanager
def serving(project: Project, host: str = "mkdocs") -> Iterator[Server]:
    """Run the server, and stop it as a person would."""
    address = f"127.0.0.1:{find_free_port()}"
    with (project.root / "serve.log").open("w") as log:
        command = [str(BIN / host), "serve", "-f", "mkdocs.yml", "-a", address]
        process = subprocess.Popen(
            command, cwd=project.root, env=project.variables(), stdout=log, stderr=log
        )
        try:
            yield Server(f"http://{address}")
            assert process.poll() is None
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE_SECONDS) == 0
