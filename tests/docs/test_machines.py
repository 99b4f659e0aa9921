"""What the documentation says of servers that machines share: rights, settings, TLS."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import redis
import trustme

from mkdocs_confluence_md.auth.shared_token_store import SharedTokenStore
from mkdocs_confluence_md.errors import StoreError
from mkdocs_confluence_md.network.shared_store import SharedStore
from places import DOCS
from processes import find_free_port
from projects import keep_login, make_login
from redis_servers import RedisServer
from snippets import find_snippets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from projects import Project
    from standin import StandIn

FILES = {each.title: each.text for each in find_snippets((DOCS / "store.md").read_text("utf-8"))}
PASSWORD = "a-password-of-the-server"


@pytest.fixture
def project(project: Project, standin: StandIn) -> Project:
    """Return a project without a refresh token of its own."""
    del project.environment["CONFLUENCE_MD_REFRESH_TOKEN"]
    project.configure(["confluence:101"], site=standin.url, gateway="site", max_age=0)
    return project


def sign_in(standin: StandIn, url: str) -> None:
    """Sign in as a machine does that has the rights of a URL."""
    keep_login(SharedTokenStore(SharedStore(url), standin.client_secret), make_login(standin))


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[RedisServer]:
    """Run a server as the documentation says, with its user and nobody else."""
    (tmp_path / "users.acl").write_text(
        f"user default off\n{FILES['users.acl'].replace('PASSWORD', PASSWORD)}"
    )
    settings = FILES["redis.conf"].splitlines()
    port = find_free_port()
    url = f"redis://confluence-md:{PASSWORD}@127.0.0.1:{port}"
    with RedisServer(tmp_path, f"aclfile {tmp_path}/users.acl", *settings, url=url) as server:
        yield server


def test_the_least_rights_are_enough_for_all_there_is(
    project: Project, standin: StandIn, limited: RedisServer
) -> None:
    project.environment["CONFLUENCE_MD_STORE"] = limited.url
    sign_in(standin, limited.url)

    for _ in range(2):
        built = project.build()
        assert built.exit_code == 0, built.log
        standin.oauth.expire_access_tokens()
    code, out, messages = project.run("status")
    assert code == 0, out + messages
    assert PASSWORD not in out + messages
    assert project.run("logout")[0] == 0
    assert standin.oauth.refreshes == 3


def test_the_least_rights_are_no_more_than_that(limited: RedisServer) -> None:
    with limited.client() as client:
        for forbidden in (("GET", "another-key"), ("KEYS", "*"), ("FLUSHALL",), ("ACL", "LIST")):
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command(*forbidden)


def test_a_right_that_is_missing_is_found_before_a_token_is_asked_for(
    standin: StandIn, redis_server: RedisServer
) -> None:
    given = re.sub(r" \+hset", "", FILES["users.acl"]).replace("PASSWORD", PASSWORD).split()[2:]
    with redis_server.client() as client:
        client.execute_command("ACL", "SETUSER", "confluence-md", *given)
    url = redis_server.url.replace("//", f"//confluence-md:{PASSWORD}@")

    with pytest.raises(StoreError, match="cannot be used") as caught:
        sign_in(standin, url)

    assert PASSWORD not in caught.value.full_text()


@pytest.mark.parametrize("by", ["ssl_ca_certs", "SSL_CERT_FILE"])
def test_tls_with_a_ca_of_its_own(
    project: Project, tmp_path: Path, by: str, standin: StandIn
) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    certificate.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    certificate.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    port, tls_port = find_free_port(), find_free_port()
    settings = [
        f"tls-port {tls_port}", f"tls-cert-file {tmp_path}/cert.pem", "tls-auth-clients no",
        f"tls-key-file {tmp_path}/key.pem", f"tls-ca-cert-file {tmp_path}/ca.pem",
    ]  # fmt: skip
    with RedisServer(tmp_path, *settings, url=f"redis://127.0.0.1:{port}") as server:
        sign_in(standin, server.url)
        url = f"rediss://127.0.0.1:{tls_port}"
        project.environment["CONFLUENCE_MD_STORE"] = url
        unknown = project.run("status")
        if by == "SSL_CERT_FILE":
            project.environment[by] = str(tmp_path / "ca.pem")
        else:
            project.environment["CONFLUENCE_MD_STORE"] = f"{url}?{by}={tmp_path}/ca.pem"
        known = project.run("status")

    assert unknown[0] == 1
    assert "certificate verify failed" in unknown[2]
    assert known[0] == 0, known
