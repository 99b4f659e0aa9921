"""A real Redis on a free port, started and ended by tests."""

from __future__ import annotations

import os
import shutil
import socket
import socketserver
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from functools import partial
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


class SlowProxy:
    """A way to a server that can be made slow, as a context manager.

    Args:
        port: Of the server.
    """

    def __init__(self, port: int) -> None:
        self._server_port = port
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._open: list[socket.socket] = []
        self.port: int = self._socket.getsockname()[1]
        self.delay = 0.0
        """Seconds that each answer takes longer."""

    def __enter__(self) -> Self:
        """Start."""
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        for each in [self._socket, *self._open]:
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                here, _ = self._socket.accept()
                self._open.append(here)
                try:
                    there = socket.create_connection(("127.0.0.1", self._server_port))
                except OSError:
                    here.close()
                    continue
                self._open.append(there)
                for source, target, is_answer in ((here, there, False), (there, here, True)):
                    pump = partial(self._pump, source, target, is_answer=is_answer)
                    threading.Thread(target=pump, daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, *, is_answer: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if is_answer and self.delay:
                    time.sleep(self.delay)
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)


class RefusingServer:
    """A server that has the same answer to everything, as a context manager.

    Args:
        port: Where it listens.
        answer: An error, or anything else.
    """

    def __init__(self, port: int, answer: bytes = b"-ERR this server has other plans\r\n") -> None:
        self._port = port
        self._answer = answer

    def __enter__(self) -> Self:
        """Start."""
        self._server = _Refusals(("127.0.0.1", self._port), _Refusal)
        self._server.answer = self._answer
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()


class _Refusals(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    answer = b""

    def handle_error(self, *_: object) -> None:
        """Leave out that a client has gone."""


class _Refusal(socketserver.StreamRequestHandler):
    server: _Refusals

    def handle(self) -> None:
        """Answer each command: an array of texts, each on a line of its own."""
        while line := self.rfile.readline():
            for _ in range(2 * int(line[1:])):
                self.rfile.readline()
            self.wfile.write(self.server.answer)
