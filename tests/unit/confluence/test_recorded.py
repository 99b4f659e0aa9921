"""Answers in `recorded/`, one file each: what becomes of them, from the wire to the page."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import pytest

from clients import make_rest_client
from mkdocs_confluence_md.auth.environment import read_environment
from mkdocs_confluence_md.auth.oauth import GrantRefusedError, read_grant
from mkdocs_confluence_md.auth.token_refresh import make_auth
from mkdocs_confluence_md.cache.policy import ExportCache
from mkdocs_confluence_md.cli.consent import find_scope_problems
from mkdocs_confluence_md.confluence.archive import read_archive
from mkdocs_confluence_md.confluence.exporter import Exporter
from mkdocs_confluence_md.confluence.listing import list_again
from mkdocs_confluence_md.confluence.refs import TreeRef
from mkdocs_confluence_md.errors import ConfluenceError, FailureError
from mkdocs_confluence_md.fetch.fetcher import ConfluenceSource, Fetcher
from mkdocs_confluence_md.fetch.results import Origin
from mkdocs_confluence_md.network.urls import ApiAddress
from places import RECORDED
from projects import STEADY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from standin import StandIn
    from standin.faults import Route

COPY = "# Deploy\n\nThe last good copy.\n"
LABELS = ["text/plain", "application/json", "text/html; charset=utf-8", "application/octet-stream"]


@dataclass(frozen=True)
class Recorded:
    """An answer, and what is expected of it."""

    source: str
    outcome: str
    words: str
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def label(self) -> str:
        return self.headers.get("content-type", "")


def read(path: Path) -> Recorded:
    head, _, body = path.read_bytes().partition(b"\n\n")
    source, expect, status, *headers = head.decode().splitlines()
    outcome, _, words = expect.removeprefix("# Expect: ").partition(": ")
    fields = dict(line.split(": ", 1) for line in headers)
    code = int(status.split()[1])
    return Recorded(source.removeprefix("# Source: "), outcome, words, code, fields, body)


def load(call: str) -> dict[str, Recorded]:
    return {path.stem: read(path) for path in sorted((RECORDED / call).glob("*.http"))}


SINGLE, BULK = load("singleExport"), load("bulkExport")
PAGES, DESCENDANTS, TOKENS = load("pages"), load("descendants"), load("token")
PAGE = SINGLE["plain-text"].body.decode()


def answer(standin: StandIn, route: Route, recorded: Recorded, label: str | None = None) -> None:
    headers = {name: value for name, value in recorded.headers.items() if name != "content-type"}
    content_type = recorded.label if label is None else label
    standin.faults.answer(recorded.status, route=route, headers=headers, body=recorded.body,
                          content_type=content_type or "application/octet-stream")  # fmt: skip


@pytest.fixture
def pages() -> dict[str, str]:
    return {"101": COPY}


@pytest.fixture
def exporter(standin: StandIn) -> Iterator[Exporter]:
    token = {
        "CONFLUENCE_MD_ACCESS_TOKEN": standin.oauth.issue_access_token(),
        "CONFLUENCE_MD_API_URL": standin.url,
    }
    address = ApiAddress(standin.url, gateway="site")
    auth = make_auth(read_environment(token))
    with closing(Exporter(address, auth, concurrency=1, patience=STEADY)) as opened:
        yield opened


@pytest.fixture
def library(exporter: Exporter, tmp_path: Path) -> Iterator[Fetcher]:
    """Return a library that has a copy of the page, which is no longer fresh."""
    cache = ExportCache(tmp_path / "cache", warn=pytest.fail)
    source = ConfluenceSource(exporter, cache, max_age=0.0)
    with closing(Fetcher(source, threads=1)) as opened:
        opened.start(["101"])
        assert opened.wait_for("101").markdown == COPY
        yield opened


def test_each_answer_says_where_it_is_from() -> None:
    for recorded in (*SINGLE.values(), *BULK.values(), *PAGES.values(), *TOKENS.values()):
        assert recorded.source
    outcomes = [recorded.outcome for recorded in SINGLE.values()]
    assert min(outcomes.count(each) for each in ("page", "error", "outage")) >= 10


def expect_page(library: Fetcher, recorded: Recorded) -> None:
    """Fetch the page, and see that what is published is what is expected."""
    library.start(["101"])
    if recorded.outcome == "error":
        error = library.wait_for_errors()["101"]
        assert not isinstance(error, FailureError)
        assert recorded.words in error.detail
        return
    page = library.wait_for("101")
    if recorded.outcome == "outage":
        assert (page.origin, page.markdown) == (Origin.STALE, COPY)
        assert page.error
        assert recorded.words in page.error.detail
        return
    assert page.origin is Origin.EXPORTED
    text = PAGE if recorded.outcome == "page" else recorded.words
    assert page.markdown.strip() == text.strip()


@pytest.mark.parametrize("name", SINGLE)
def test_an_export(standin: StandIn, library: Fetcher, name: str) -> None:
    answer(standin, "export", SINGLE[name])

    expect_page(library, SINGLE[name])


# What is in Latin-1 can only be read with its label.
LABELLED = {name: each for name, each in SINGLE.items() if name != "latin-1"}


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("name", LABELLED)
def test_the_label_of_an_export_says_nothing(
    standin: StandIn, library: Fetcher, name: str, label: str
) -> None:
    answer(standin, "export", LABELLED[name], label)

    expect_page(library, LABELLED[name])


@pytest.mark.parametrize("name", BULK)
def test_an_export_as_an_archive(standin: StandIn, exporter: Exporter, name: str) -> None:
    recorded = BULK[name]
    answer(standin, "bulk", recorded)
    base_url = exporter.address.make_base_url()
    if recorded.outcome == "page":
        content, _ = exporter.export_tree(base_url, TreeRef("101"), attachments=True)
        archive = read_archive(content)
        assert [archive.read(entry) for entry in archive.pages] == [PAGE.encode()]
        again = exporter.export_archive(base_url, "101", attachments=True)
        assert again.read() == content.read()
        return
    with pytest.raises(ConfluenceError) as caught:
        exporter.export_tree(base_url, TreeRef("101"), attachments=True)
    assert isinstance(caught.value, FailureError) == (recorded.outcome == "outage")
    assert recorded.words in caught.value.detail


@pytest.mark.parametrize("name", PAGES)
def test_pages_of_the_rest_api(standin: StandIn, name: str) -> None:
    recorded = PAGES[name]
    answer(standin, "versions", recorded)
    with closing(make_rest_client(standin)) as client:
        if recorded.outcome == "facts":
            facts = client.describe_pages(["101"]).values()
            found = [f"{each.title} {each.version}" for each in facts]
            assert found == ([] if recorded.words == "none" else [recorded.words])
            return
        with pytest.raises(ConfluenceError) as caught:
            client.describe_pages(["101"])
    assert isinstance(caught.value, FailureError) == (recorded.outcome == "outage")
    assert recorded.words in caught.value.detail


@pytest.mark.parametrize("name", DESCENDANTS)
def test_descendants(standin: StandIn, name: str) -> None:
    answer(standin, "descendants", DESCENDANTS[name])
    with closing(make_rest_client(standin)) as client:
        pages = [page for root in list_again(client, TreeRef("101")) for page in root.walk()]

    assert len(pages) == len(DESCENDANTS[name].words.split())
    ids = {page.page_id for page in pages if not page.is_folder}
    assert ids <= set(DESCENDANTS[name].words.split())


@pytest.mark.parametrize("name", TOKENS)
def test_tokens(name: str) -> None:
    recorded = TOKENS[name]
    request = httpx.Request("POST", "https://auth.atlassian.com/oauth/token")
    response = httpx.Response(
        recorded.status, headers=recorded.headers, content=recorded.body, request=request
    )
    if recorded.outcome == "refused":
        with pytest.raises(GrantRefusedError) as caught:
            read_grant(response, now=0.0)
        assert caught.value.error == recorded.words
        return
    grant = read_grant(response, now=0.0)
    assert grant.access_token == "recorded-access"
    problems = find_scope_problems(grant.scope, "production")
    assert bool(problems) == (recorded.outcome == "tokens, doubtful")
    assert recorded.words in "".join(problems)


def test_scopes_may_come_as_a_list() -> None:
    request = httpx.Request("POST", "https://auth.atlassian.com/oauth/token")
    scopes = ["export:markdown:custom", "read:forge-app:confluence"]
    response = httpx.Response(200, json={"access_token": "x", "scope": scopes}, request=request)

    grant = read_grant(response, now=0.0)
    assert find_scope_problems(grant.scope, "production") == []
