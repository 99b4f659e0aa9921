"""Real Redis servers on free ports, and a proxy that puts faults between them and their clients."""

from __future__ import annotations

import os
import shutil
import socket
import socketserver
import subprocess
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import pytest

from processes import find_free_port

if TYPE_CHECKING:
    from pathlib import Path

    import redis

_START_SECONDS = 30.0
_CHUNK = 65_536


class RedisServer:
    """A server that keeps nothing on disk; a context manager.

    Args:
        directory: Where it runs.
        settings: Of its configuration, like `maxmemory 3mb`.
        url: Of its port, with a user who may look whether it answers.
    """

    def __init__(self, directory: Path, *settings: str, url: str = "") -> None:
        self._program = shutil.which("redis-server") or ""
        if not self._program and not os.environ.get("CI"):
            pytest.skip("redis-server is not installed")
        self.url = url or f"redis://127.0.0.1:{find_free_port()}"
        self.port = int(self.url.rpartition(":")[2])
        self._directory = directory
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, with nothing in it, and wait until it answers."""
        from redis.exceptions import ConnectionError as NotYetError  # noqa: PLC0415  an extra

        settings = [
            f"port {self.port}",
            "bind 127.0.0.1",
            'save ""',
            "repl-diskless-sync-delay 0",
            *self._settings,
        ]
        words = [word for each in settings for word in f"--{each}".split(" ", 1)]
        self._process = subprocess.Popen(
            [self._program, *words], cwd=self._directory, stdout=subprocess.DEVNULL
        )
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            with suppress(NotYetError), self.client() as client:
                client.ping()
                return
            time.sleep(0.01)
        raise TimeoutError

    def kill(self) -> None:
        """End it at once."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def client(self) -> redis.Redis:
        """Return a client that may do anything, unless the server has users."""
        import redis  # noqa: PLC0415  an extra, which the tests of the wheel do without

        return redis.Redis.from_url(self.url)

    def wait_for_data(self) -> None:
        """Wait until there is something in it, as in a replica that has just begun."""
        with self.client() as client:
            while not client.dbsize():
                time.sleep(0.01)

    def read_all(self) -> bytes:
        """Return all names and values that are in it, of all types."""
        parts: list[bytes] = []
        with self.client() as client:
            for name in client.scan_iter(count=1000):
                match client.type(name):
                    case b"hash":
                        values = [part for item in client.hgetall(name).items() for part in item]
                    case b"list":
                        values = client.lrange(name, 0, -1)
                    case _:
                        values = [client.get(name) or b""]
                parts += [name, *values]
        return b"\n".join(parts)


class FaultyProxy:
    """Forwards connections to a server, and lets them go wrong; a context manager.

    Args:
        port: Of the server.
    """

    def __init__(self, port: int) -> None:
        self.delay = 0.0
        """Seconds by which answers come later."""
        self.answer: bytes | None = None
        """What is answered to everything, instead of asking the server."""
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}"
        self._open: list[socket.socket] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """End all connections."""
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._open.clear()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self._target))
                except ConnectionRefusedError:
                    client.close()
                    continue
                self._open += [client, server]
                for source, sink, faulty in ((client, server, False), (server, client, True)):
                    threading.Thread(
                        target=self._forward, args=(source, sink, faulty), daemon=True
                    ).start()

    def _forward(self, source: socket.socket, sink: socket.socket, faulty: bool) -> None:  # noqa: FBT001  of a thread
        with suppress(OSError):
            while data := source.recv(_CHUNK):
                if faulty:
                    time.sleep(self.delay)
                elif self.answer is not None:
                    source.sendall(self.answer)
                    continue
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)


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
