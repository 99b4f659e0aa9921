"""The wire: proxies, certificates, and URLs that are none."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from projects import Project
    from standin import StandIn

ONE = [{"Deploy": "confluence:101"}]


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[str]]]:
    """Run a proxy that answers nothing; return its URL and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            asked.append(f"{self.command} {self.path}")
            self.send_error(502)

        do_GET = do_POST = do_CONNECT  # noqa: N815  http.server's names

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_is_reached_without_a_proxy_which_would_see_the_token(
    project: Project, standin: StandIn, proxy: tuple[str, list[str]], host: str
) -> None:
    url, asked = proxy
    project.environment |= {"HTTP_PROXY": url, "HTTPS_PROXY": url, "ALL_PROXY": url}
    site = standin.url.replace("127.0.0.1", host)
    project.environment["CONFLUENCE_MD_API_URL"] = site
    project.environment["CONFLUENCE_MD_AUTH_URL"] = site
    project.configure(ONE, site=site)

    assert project.build().exit_code == 0
    assert asked == []


def test_other_hosts_are_reached_through_the_proxy(
    project: Project, proxy: tuple[str, list[str]]
) -> None:
    url, asked = proxy
    project.environment = {"HTTPS_PROXY": url, "CONFLUENCE_MD_ACCESS_TOKEN": "token"}
    project.configure(ONE, site="acme.atlassian.net")

    built = project.build()

    assert set(asked) == {"CONNECT acme.atlassian.net:443"}
    assert "acme.atlassian.net cannot be reached: 502" in built.messages()


@pytest.mark.parametrize(
    "variables",
    [
        {"ALL_PROXY": "socks5://127.0.0.1:1"},
        {"HTTPS_PROXY": "ftp://127.0.0.1:1"},
        {"HTTPS_PROXY": "ftp://me:hush@127.0.0.1:1"},
        {"SSL_CERT_FILE": "/nonexistent"},
    ],
)
def test_settings_of_the_connection_that_cannot_be_used_are_named(
    project: Project, variables: dict[str, str]
) -> None:
    project.environment |= variables
    project.configure(ONE, site="acme.atlassian.net", cloud_id="x")

    built = project.build()

    assert built.exit_code == 1
    assert "Traceback" not in built.log
    assert "The connection cannot be set up" in built.messages()
    assert "Check the environment variables HTTP_PROXY, HTTPS_PROXY" in built.messages()
    assert "hush" not in built.log


@pytest.mark.parametrize(
    "site", ["xn--a.atlassian.net", "ⓔvil.atlassian.net", "a..atlassian.net", ".atlassian.net"]
)
@pytest.mark.parametrize("cloud_id", [None, "x"])
def test_a_host_that_is_none_is_a_message(
    project: Project, site: str, cloud_id: str | None
) -> None:
    options = {"cloud_id": cloud_id} if cloud_id else {"gateway": "site"}
    project.environment = {
        "CONFLUENCE_MD_ACCESS_TOKEN": "token", "CONFLUENCE_MD_API_URL": "http://127.0.0.1:1"
    }  # fmt: skip
    project.configure(ONE, site=site, options=options)

    built = project.build()

    assert built.exit_code == 1
    assert "Traceback" not in built.log
    assert "ERROR" in built.messages()
