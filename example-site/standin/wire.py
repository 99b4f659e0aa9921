"""HTTP on sockets: reading requests, sending answers, and failing to."""

from __future__ import annotations

import contextlib
import logging
import secrets
import socket
import struct
import sys
import threading
from dataclasses import replace
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from standin import exporter
from standin.messages import Answer, Headers, Request, json_answer
from standin.routes import requested_page

if TYPE_CHECKING:
    from collections.abc import Callable

    from standin.faults import ConnectionFault
    from standin.routes import Services

    Connection = socket.socket | tuple[bytes, socket.socket]  # the latter for UDP alone

_log = logging.getLogger("standin")

_TRICKLE_SECONDS = 0.02
"""Between two bytes: sooner than any client gives up waiting for the next one."""
_ENDLESS_BYTES = 10**12


class Handler(BaseHTTPRequestHandler):
    """Serves one connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    # Without these two, each answer on a kept connection waits 40 ms for an acknowledgement.
    disable_nagle_algorithm = True
    wbufsize = -1

    def handle_any(self) -> None:
        """Read, record and answer one request."""
        request = self._read_request()
        if request is None:
            self.close_connection = True
            self._send(json_answer(411, {"code": 411, "message": "Content-Length is required"}))
            return
        control = self.server.services.control(request)
        if control is not None:
            self._send(control)
            return
        self._answer(request)

    # The base class looks for a method of this name per HTTP method.
    do_GET = do_HEAD = do_POST = do_PUT = handle_any  # noqa: N815
    do_PATCH = do_DELETE = do_OPTIONS = handle_any  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Log quietly."""
        _log.debug(format, *args)

    def _read_request(self) -> Request | None:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal():
            return None
        parts = urlsplit(self.path)
        headers = Headers(self.headers.items())
        body = self.rfile.read(int(length))
        return Request(self.command, parts.path, parts.query, headers, body)

    def _answer(self, request: Request) -> None:
        services = self.server.services
        is_export = exporter.find_route(request) == "export"
        page_id = requested_page(request)
        record = services.recorder.arrive(request, is_export=is_export, page_id=page_id)
        status = 0
        kind: ConnectionFault | None = "cut"
        try:
            answer, kind = services.respond(request)
            if services.stopping.is_set():
                kind = "cut"
            if kind is None:
                status = answer.status
            elif kind == "trickle":
                self._trickle(answer)
            elif kind.startswith("hang"):
                self._hang(answer, kind)
        finally:
            # Before the answer ends: whoever has it may look at the record at once.
            services.recorder.finish(record, status)
        if kind is None:
            self._send(answer)
        else:
            self._break(answer, kind)

    def _send(self, answer: Answer) -> None:
        self._send_head(answer)
        if answer.has_body and self.command != "HEAD":
            self.wfile.write(answer.body)
        self.wfile.flush()

    def _send_head(self, answer: Answer) -> None:
        self.log_request(answer.status)
        self.send_response_only(answer.status)
        headers = {
            "Date": formatdate(self.server.clock(), usegmt=True),
            "atl-traceid": secrets.token_hex(16),
        }
        if answer.has_body:
            headers["Content-Type"] = answer.content_type
            headers["Content-Length"] = str(len(answer.body))
        if self.close_connection:
            headers["Connection"] = "close"
        for name, value in (headers | dict(answer.headers)).items():
            self.send_header(name, value)
        self.end_headers()

    def _send_half(self, answer: Answer) -> None:
        self._send_head(answer)
        self.wfile.write(answer.body[: len(answer.body) // 2])
        self.wfile.flush()

    def _hang(self, answer: Answer, kind: ConnectionFault) -> None:
        if kind == "hang-in-body":
            self._send_half(answer)
        # Ends when the client leaves, or when the server stops and shuts the connection down.
        self.rfile.read()

    def _trickle(self, answer: Answer) -> None:
        length = {"Content-Length": str(_ENDLESS_BYTES)}
        self._send_head(replace(answer, headers={**answer.headers, **length}))
        # Ends like a hang: whoever leaves makes the next byte fail.
        with contextlib.suppress(ConnectionError):
            while not self.server.services.stopping.wait(_TRICKLE_SECONDS):
                self.wfile.write(b".")
                self.wfile.flush()

    def _break(self, answer: Answer, kind: ConnectionFault) -> None:
        self.close_connection = True
        if kind in {"cut-in-body", "short-body"}:
            self._send_half(answer)
        if kind == "cut-in-body":
            # With no time to linger, closing is a reset. Closing the socket object
            # would wait for the two files made from it.
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            socket.close(self.connection.detach())


class Server(ThreadingHTTPServer):
    """A server that ends all its connections and threads when it is closed."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], services: Services, clock: Callable[[], float]
    ) -> None:
        """Listen on `address`."""
        self.services = services
        self.clock = clock
        self._connections: dict[threading.Thread, socket.socket] = {}
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        """Bind without looking up the host's full name, which may ask the network."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def process_request(self, request: Connection, client_address: tuple[str, int]) -> None:
        """Serve a connection in a thread that `close_connections` knows."""
        thread = threading.Thread(
            target=self.process_request_thread,
            args=(request, client_address),
            name=f"standin-{client_address[1]}",
            daemon=True,
        )
        self._connections[thread] = cast("socket.socket", request)
        thread.start()

    def process_request_thread(self, request: Connection, client_address: tuple[str, int]) -> None:
        """Serve a connection to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            del self._connections[threading.current_thread()]

    def handle_error(self, request: Connection, client_address: tuple[str, int]) -> None:
        """Report a failure, unless it is only that the client has left."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def close_connections(self) -> None:
        """End all connections and wait for their threads; call it after `shutdown`."""
        open_connections = list(self._connections.items())
        for _, connection in open_connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        # Only now, or the last requests would race for an answer.
        self.services.stop_waiting()
        for thread, _ in open_connections:
            thread.join()
