"""A real Redis on a free port, started and ended by tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest
import redis

from processes import find_free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Self

PASSWORD = "open-sesame-to-the-store"


class RedisServer:
    """A server that keeps nothing on the disk, as a context manager.

    Args:
        directory: Where it runs.
        arguments: Of `redis-server`, besides.
    """

    def __init__(self, directory: Path, *arguments: str) -> None:
        self._directory = directory
        self._arguments = arguments
        self.port = find_free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What `CONFLUENCE_MD_STORE` is set to."""
        return f"redis://:{PASSWORD}@127.0.0.1:{self.port}"

    @property
    def client(self) -> redis.Redis:
        """A client of a test's own."""
        return redis.Redis.from_url(self.url)

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        command += ["--appendonly", "no", "--requirepass", PASSWORD, *self._arguments]
        self._process = subprocess.Popen(
            command, cwd=self._directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 30
        with self.client as client:
            while time.monotonic() < deadline:
                with suppress(redis.exceptions.ConnectionError):
                    client.ping()
                    return
                time.sleep(0.01)
        raise TimeoutError("redis-server does not answer")

    def stop(self) -> None:
        """Kill it."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def dump(self) -> bytes:
        """Return all names and values that it has."""
        with self.client as client:
            parts = []
            for name in client.scan_iter(count=1000):
                kind = client.type(name)
                value = client.lrange(name, 0, -1) if kind == b"list" else [client.get(name) or b""]
                parts += [name, *value]
        return b"\n".join(parts)

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()


@contextmanager
def run_redis(directory: Path, *arguments: str) -> Iterator[RedisServer]:
    """Run a server; skip the test where none is installed, but not in CI."""
    if shutil.which("redis-server") is None and not os.environ.get("CI"):
        pytest.skip("redis-server is not installed")
    with RedisServer(directory, *arguments) as server:
        yield server
