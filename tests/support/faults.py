"""What can go wrong with a build, each as a function that makes it happen to a scene."""

from __future__ import annotations

import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import trustme

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenes import Scene
    from standin.faults import ArchiveFault

    Fault = Callable[[Scene], None]

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
LOGIN_PAGE = "<!DOCTYPE html><title>Guest network</title><h1>Log in to the guest network</h1>"
HOUR = {"Retry-After": "3600"}


# No connection


def refused(scene: Scene) -> None:
    scene.standin.stop()


def dns_failure(scene: Scene) -> None:
    scene.move_to("https://confluence.invalid")


def tls_failure(scene: Scene) -> None:
    """Let a server that knows no TLS be asked for it."""
    scene.move_to(scene.standin.url.replace("http:", "https:"))


def untrusted_certificate(scene: Scene) -> None:
    """Answer with a certificate of an authority that only its own network knows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    scene.until_the_end.enter_context(server)
    # The client leaves in the middle of the handshake, which is what it should do.
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    scene.until_the_end.callback(server.shutdown)
    scene.move_to(f"https://127.0.0.1:{server.server_port}")


def hang_at_connect(scene: Scene) -> None:
    """Keep the port, but let nobody in: Linux ignores whoever comes to a full queue."""
    scene.project.lose_patience(connect=0.5)
    scene.standin.stop()
    address = "127.0.0.1", urlsplit(scene.standin.url).port
    queue = scene.until_the_end.enter_context(socket.socket())
    queue.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    queue.bind(address)
    queue.listen(0)
    for _ in range(4):
        waiting = scene.until_the_end.enter_context(socket.socket())
        waiting.setblocking(False)  # noqa: FBT003  the socket module's signature
        waiting.connect_ex(address)


# No whole answer


def hang_in_body(scene: Scene) -> None:
    scene.project.lose_patience(silence=0.5)
    scene.standin.faults.connection("hang-in-body")


def endless_trickle(scene: Scene) -> None:
    # A byte may come late, too.
    scene.project.lose_patience(answer=1.0, large_answer=3.0)
    scene.standin.faults.connection("trickle")


def reset_in_body(scene: Scene) -> None:
    scene.standin.faults.connection("cut-in-body")


def short_body(scene: Scene) -> None:
    scene.standin.faults.connection("short-body")


# No page


def web_page(scene: Scene) -> None:
    scene.standin.faults.answer(200, body=LOGIN_PAGE, content_type="text/html")


def picture(scene: Scene) -> None:
    scene.standin.faults.answer(200, body=PNG, content_type="image/png")


def empty_body(scene: Scene) -> None:
    scene.standin.faults.answer(200, body="")


def body_of_20_megabytes(scene: Scene) -> None:
    scene.standin.faults.answer(200, body=b"# Log\n" + b"x" * 20_000_000)


def invalid_utf8(scene: Scene) -> None:
    scene.standin.faults.answer(200, body="# Überblick\n".encode("latin-1"))


# Not now


def throttled(scene: Scene) -> None:
    scene.standin.faults.answer(429)


def throttled_for_a_second(scene: Scene) -> None:
    scene.standin.faults.answer(429, headers={"Retry-After": "1"})


def throttled_for_an_hour(scene: Scene) -> None:
    scene.standin.faults.answer(429, headers=HOUR)


def status_500(scene: Scene) -> None:
    scene.standin.faults.answer(500)


def status_502(scene: Scene) -> None:
    scene.standin.faults.answer(502)


def status_503(scene: Scene) -> None:
    scene.standin.faults.answer(503)


def status_504(scene: Scene) -> None:
    scene.standin.faults.answer(504)


# No sign-in, from the second page on


def token_expires(scene: Scene) -> None:
    scene.standin.faults.after_exports(1, scene.standin.oauth.expire_access_tokens)


def fixed_token_expires(scene: Scene) -> None:
    """Let a token expire that nobody can refresh."""
    token = scene.standin.oauth.issue_access_token()
    scene.project.environment["CONFLUENCE_MD_ACCESS_TOKEN"] = token
    token_expires(scene)


def token_is_revoked(scene: Scene) -> None:
    scene.standin.faults.after_exports(1, scene.standin.oauth.revoke_all)


# The same for whole trees, and for the attachments of a page


def hit_archives(scene: Scene, fault: Fault | ArchiveFault) -> None:
    """Let a fault of the exports of pages hit those in archives instead."""
    switches = scene.standin.faults
    if isinstance(fault, str):
        switches.archive_fault = fault
        return
    answer, connection = switches.answer, switches.connection

    def answer_archive(*arguments: Any, **fields: Any) -> None:  # noqa: ANN401  as the original
        answer(*arguments, route="bulk", **fields)

    def break_archive(kind: Any) -> None:  # noqa: ANN401  the same
        connection(kind, route="bulk")

    switches.answer = answer_archive  # type: ignore[method-assign]
    switches.connection = break_archive  # type: ignore[method-assign, assignment]
    fault(scene)
