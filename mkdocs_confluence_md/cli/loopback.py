"""The listener that receives the authorization code from the browser, on loopback only."""

from __future__ import annotations

import errno
import html
import queue
import socket
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from hmac import compare_digest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from string import Template
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from mkdocs_confluence_md.errors import CredentialsError, SettingError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

CALLBACK_PATH = "/callback"
HTTP_PORT = 80
"""Browsers leave this one out of the address."""

# How long the browser is kept waiting for the outcome, before the page says "look there".
_OUTCOME_SECONDS = 90.0
# A browser opens connections that it may never use.
_SILENT_SECONDS = 20.0

_PAGE = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light dark }
body { display: grid; font: 1.1rem/1.6 system-ui, sans-serif; margin: 0; min-height: 90vh;
  place-items: center }
main { border: 1px solid #8884; border-radius: 1rem; margin: 1rem; max-width: 30rem;
  padding: 1rem 2.5rem 1.5rem }
h1 { font-size: 1.5rem }
</style>
</head>
<body><main><h1>$title</h1><p>$text</p></main></body>
</html>
""")


@dataclass
class Callback:
    """What the browser brought, and the page that it is waiting for."""

    query: dict[str, str]
    pages: queue.Queue[tuple[str, str]] = field(default_factory=queue.Queue)
    """Title and text of the page."""
    delivered: threading.Event = field(default_factory=threading.Event)

    def answer(self, title: str, text: str) -> None:
        """Show the person a page, and wait until it has left."""
        self.pages.put((title, text))
        self.delivered.wait(_SILENT_SECONDS)


class CallbackListener:
    """Listens on one loopback port until it is closed; a context manager.

    Args:
        port: The port of the registered callback.
        state: What a callback must carry; any other is refused and explained.
        report: Is told, from another thread, why a request was refused.

    Raises:
        SettingError: The port is taken.
    """

    def __init__(self, port: int, state: str, *, report: Callable[[str], None]) -> None:
        self.report = report
        self._callbacks: queue.Queue[Callback] = queue.Queue()
        self._lock = threading.Lock()
        self._taken = False
        self._servers = _listen(port, self, state)
        self._threads = [
            threading.Thread(target=server.serve_forever, args=(0.05,), name="confluence-md-login")
            for server in self._servers
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for server, thread in zip(self._servers, self._threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()

    def wait(self, seconds: float) -> Callback:
        """Return the one request that has the right state.

        Raises:
            CredentialsError: There was none in time.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            # In short steps, because on Windows a wait cannot be interrupted.
            with suppress(queue.Empty):
                return self._callbacks.get(timeout=0.2)
        raise CredentialsError(
            f"No answer came from the browser within {seconds:.0f} s.",
            "Run the command again, and accept in the browser; on a machine without one, "
            "use --paste.",
        )

    def take(self, query: dict[str, str]) -> Callback | None:
        """Accept a callback; None if there was one before."""
        with self._lock:
            if self._taken:
                return None
            self._taken = True
        callback = Callback(query)
        self._callbacks.put(callback)
        return callback


def make_redirect_uri(port: int) -> str:
    """Return the callback as it must be registered, to the letter."""
    return f"http://localhost:{port}{CALLBACK_PATH}"


def read_query(text: str) -> dict[str, str]:
    """Return the fields of a URL's query, the first of each name."""
    return {name: values[0] for name, values in parse_qs(text).items()}


def _listen(port: int, listener: CallbackListener, state: str) -> list[_Server]:
    """Listen on both loopback addresses: a browser may take either for `localhost`."""
    handler = _make_handler(port, listener, state)
    servers: list[_Server] = []
    try:
        servers.append(_Server(("127.0.0.1", port), handler))
        if _has_ipv6_loopback():
            servers.append(_Server6(("::1", port), handler))
    except OSError as error:
        for server in servers:
            server.server_close()
        taken = error.errno == errno.EADDRINUSE
        reason = "another program uses it" if taken else (error.strerror or str(error))
        raise SettingError(
            f"Port {port} of this machine cannot be listened on: {reason}.",
            "End that program; or register a callback with another port for your integration "
            "and name it with --port; or use --paste.",
        ) from error
    return servers


def _has_ipv6_loopback() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as trial:
            trial.bind(("::1", 0))
    except OSError:
        return False
    return True


def _make_handler(port: int, listener: CallbackListener, state: str) -> type[_Handler]:
    hosts = {f"{host}:{port}" for host in ("localhost", "127.0.0.1", "[::1]")}
    if port == HTTP_PORT:
        hosts |= {"localhost", "127.0.0.1", "[::1]"}

    class Handler(_Handler):
        def do_GET(self) -> None:
            path, _, query_text = self.path.partition("?")
            query = read_query(query_text)
            if self.headers.get("Host", "").lower() not in hosts:
                self.refuse(403, "This request was sent to another host name.")
            elif path != CALLBACK_PATH:
                self.show(404, "Nothing here", "This address only receives sign-ins.")
            elif not compare_digest(query.get("state", "").encode(), state.encode()):
                self.refuse(400, "This answer belongs to another sign-in (its state is wrong).")
            elif (callback := listener.take(query)) is None:
                self.refuse(400, "This answer has already been received.")
            else:
                self.wait_and_show(callback)

        def refuse(self, status: int, reason: str) -> None:
            listener.report(reason)
            advice = "Go back to the terminal and use the address that it shows."
            self.show(status, "Not signed in", f"{reason} {advice}")

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Elsewhere: take a port of which old connections are still closing. On Windows: share it with
    # a program that listens on it.
    allow_reuse_address = sys.platform != "win32"

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a browser that has gone away: `http.server` would print a traceback."""


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(BaseHTTPRequestHandler):
    timeout = _SILENT_SECONDS

    def wait_and_show(self, callback: Callback) -> None:
        """Keep the browser waiting until it can be told how the sign-in went."""
        try:
            title, text = callback.pages.get(timeout=_OUTCOME_SECONDS)
        except queue.Empty:
            title, text = "Almost there", "Go back to the terminal to see how the sign-in went."
        try:
            self.show(200, title, text)
        finally:
            callback.delivered.set()

    def show(self, status: int, title: str, text: str) -> None:
        """Answer with a page."""
        page = _PAGE.substitute(title=html.escape(title), text=html.escape(text)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(page)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401  http.server's signature
        """Log nothing: the request line has the code."""
