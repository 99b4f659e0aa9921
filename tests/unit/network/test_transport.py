"""Tries over real HTTP: what is sent again, how often, and what is read."""

from __future__ import annotations

import gzip
import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from email.utils import formatdate
from functools import partial
from typing import TYPE_CHECKING

import httpx
import pytest

from listener import Listener
from mkdocs_confluence_md.errors import FailureError
from mkdocs_confluence_md.network.client import make_client
from mkdocs_confluence_md.network.retries import EXPORT, ONLY_ONCE, SlowAnswerError
from mkdocs_confluence_md.network.throttling import Traffic
from mkdocs_confluence_md.network.urls import ApiAddress
from processes import find_free_port
from projects import CALM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from standin import StandIn
    from standin.faults import ConnectionFault
    from standin.recording import RecordedRequest

# What never comes is waited for, and so is what comes late.
SHORT = replace(CALM, silence=2.0)
PATIENCE = {"hang": SHORT, "hang-in-body": SHORT}


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with closing(make_client(Traffic(4, CALM))) as opened:
        yield opened


@pytest.fixture
def export(standin: StandIn, client: httpx.Client) -> Callable[..., httpx.Response]:
    """Return a function that exports a page."""
    url = f"{ApiAddress(standin.url, gateway='site').make_base_url()}/singleExport"
    valid_token = standin.oauth.issue_access_token()

    def export_page(
        page_id: str = "101", by: httpx.Client = client, token: str = valid_token
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        extensions = {EXPORT: True}
        return by.post(url, json={"pageId": page_id}, headers=headers, extensions=extensions)

    return export_page


def make_token_request(standin: StandIn, *, only_once: bool = False) -> httpx.Request:
    fields = {
        "grant_type": "refresh_token",
        "refresh_token": standin.oauth.issue_refresh_token(),
        "client_id": standin.client_id,
        "client_secret": standin.client_secret,
    }
    request = httpx.Request("POST", f"{standin.url}/oauth/token", json=fields)
    if only_once:
        request.extensions[ONLY_ONCE] = True
    return request


# Tries


@pytest.mark.parametrize("kind", ["cut", "cut-in-body", "short-body", "hang", "hang-in-body"])
def test_an_answer_that_is_lost_is_asked_for_again(
    standin: StandIn, export: Callable[..., httpx.Response], kind: ConnectionFault
) -> None:
    standin.faults.connection(kind, times=1)

    with make_client(Traffic(1, PATIENCE.get(kind, CALM))) as client:
        assert export(by=client).text.startswith("# Deploy")
    assert standin.exports() == ["101", "101"]


@pytest.mark.parametrize(
    ("kind", "tries"),
    [("cut", 5), ("cut-in-body", 5), ("short-body", 5), ("hang", 2), ("hang-in-body", 2)],
)
def test_how_often_an_answer_that_is_always_lost_is_asked_for(
    standin: StandIn, export: Callable[..., httpx.Response], kind: ConnectionFault, tries: int
) -> None:
    standin.faults.connection(kind)

    patience = PATIENCE.get(kind, CALM)
    with make_client(Traffic(1, patience)) as client, pytest.raises(httpx.TransportError):
        export(by=client)
    assert len(standin.exports()) == tries


@pytest.mark.parametrize(
    ("status", "tries"),
    [(200, 1), (302, 1), (400, 1), (401, 1), (403, 1), (404, 1), (500, 1),
     (502, 5), (503, 5), (504, 5)],
)  # fmt: skip
def test_how_often_a_status_is_asked_for(
    standin: StandIn, export: Callable[..., httpx.Response], status: int, tries: int
) -> None:
    standin.faults.answer(status)

    assert export().status_code == status
    assert len(standin.exports()) == tries


def test_a_500_is_a_pages_own_but_one_of_the_token_route_may_pass(
    standin: StandIn, client: httpx.Client
) -> None:
    standin.faults.answer(500, route="token", times=2)

    assert client.send(make_token_request(standin)).status_code == 200
    assert len(standin.requests) == 3


@pytest.mark.parametrize("kind", ["cut", "cut-in-body", "short-body", "hang"])
def test_what_must_not_arrive_twice_is_not_sent_again_when_its_answer_is_lost(
    standin: StandIn, kind: ConnectionFault
) -> None:
    standin.faults.connection(kind, route="token")

    patience = replace(PATIENCE.get(kind, CALM), token=2.0)
    with make_client(Traffic(1, patience)) as client, pytest.raises(httpx.TransportError):
        client.send(make_token_request(standin, only_once=True))
    assert len(standin.requests) == 1


@pytest.mark.parametrize(("status", "requests"), [(500, 1), (503, 1), (429, 2)])
def test_what_must_not_arrive_twice_is_sent_again_only_where_it_was_not_looked_at(
    standin: StandIn, client: httpx.Client, status: int, requests: int
) -> None:
    standin.faults.answer(status, route="token", times=1)

    client.send(make_token_request(standin, only_once=True))

    assert len(standin.requests) == requests


def test_what_must_not_arrive_twice_is_sent_again_when_it_cannot_have_arrived(
    client: httpx.Client,
) -> None:
    with Listener() as listener:
        request = httpx.Request("POST", f"https://{listener.address}/oauth/token")
        request.extensions[ONLY_ONCE] = True
        with pytest.raises(httpx.ConnectError):
            client.send(request)

        assert listener.count() == 5


# Outages


def request_pages(
    request: Callable[[str], object], pages: Sequence[str]
) -> list[BaseException | None]:
    """Make a request a page from 16 threads, and return what each raised."""
    with ThreadPoolExecutor(16) as pool:
        futures = [pool.submit(request, page) for page in pages]
        return [future.exception() for future in futures]


PAGES = [str(number) for number in range(200)]


def test_a_dead_host_is_found_out_once_and_not_for_each_page() -> None:
    with Listener() as listener, closing(make_client(Traffic(16, CALM))) as client:
        errors = request_pages(lambda page: client.get(f"https://{listener.address}/{page}"), PAGES)

        assert {type(error) for error in errors} == {httpx.ConnectError}
        # Those that are in flight at first, each as often as a request is tried.
        assert listener.count() <= 16 * 5


def test_a_refused_port_is_an_error_for_each_page_that_names_the_reason() -> None:
    port = find_free_port()
    with closing(make_client(Traffic(16, CALM))) as client:
        errors = request_pages(lambda page: client.get(f"http://127.0.0.1:{port}/{page}"), PAGES)

    assert {str(error) for error in errors} == {"[Errno 111] Connection refused"}
    assert len({id(error) for error in errors}) == len(PAGES)


def test_a_service_that_fails_for_every_page_is_asked_for_few_of_them(
    standin: StandIn, export: Callable[..., httpx.Response]
) -> None:
    standin.faults.answer(503)

    request_pages(export, PAGES)

    # What 16 threads begin with, and two more: the third that is given up shows that it is no
    # page's own trouble.
    assert len(standin.exports()) <= (16 + 2) * 5


def test_what_is_told_to_other_pages_is_not_about_one_page(
    standin: StandIn, export: Callable[..., httpx.Response]
) -> None:
    headers = {"Retry-After": "3600", "Set-Cookie": "a=b", "atl-traceid": "abc"}
    standin.faults.answer(429, headers=headers, body="# Later, OLD-TOKEN")

    first, second = export("101", token="OLD-TOKEN"), export("102", token="NEW-TOKEN")

    assert standin.exports() == ["101"]
    assert (first.status_code, first.text) == (429, "# Later, OLD-TOKEN")
    assert (second.status_code, second.text) == (429, "# Later, …")
    assert set(second.headers) == {"content-type", "retry-after", "content-length"}


# Waiting


def test_retry_after_in_seconds(standin: StandIn, export: Callable[..., httpx.Response]) -> None:
    standin.faults.answer(429, times=1, headers={"Retry-After": "1"})

    assert export().status_code == 200
    first, second = standin.requests
    assert second.started - first.started >= 1.0


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_as_a_date(
    standin: StandIn, export: Callable[..., httpx.Response], status: int
) -> None:
    due = int(time.time()) + 1
    headers = {"Retry-After": formatdate(due, usegmt=True)}
    standin.faults.answer(status, times=1, headers=headers)

    assert export().status_code == 200
    assert len(standin.exports()) == 2
    assert time.time() >= due


@pytest.mark.parametrize(
    "value", ["soon", "-5", "1.5", "", "²", "0", "Thu, 01 Jan 1970 00:00:00 GMT", "99, 99 Foo"]
)
def test_a_retry_after_that_is_none_or_over_is_no_reason_to_wait(
    standin: StandIn, export: Callable[..., httpx.Response], value: str
) -> None:
    standin.faults.answer(503, times=1, headers={"Retry-After": value})

    assert export().status_code == 200
    assert len(standin.exports()) == 2


@pytest.mark.parametrize(
    "value", ["3600", "9" * 20, "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"], ids=lambda v: v[:20]
)
@pytest.mark.parametrize("status", [429, 503])
def test_a_retry_after_that_is_longer_than_anybody_waits_ends_the_tries(
    standin: StandIn, export: Callable[..., httpx.Response], status: int, value: str
) -> None:
    standin.faults.answer(status, headers={"Retry-After": value})

    assert export().status_code == status
    assert standin.exports() == ["101"]


def find_peak(records: Sequence[RecordedRequest]) -> int:
    """Return how many of some requests were in flight at once."""
    return max(
        sum(other.started <= each.started < other.finished for other in records) for each in records
    )


def test_pages_arrive_all_and_slower_when_the_service_wants_it_slower(
    standin: StandIn, pages: dict[str, str], export: Callable[..., httpx.Response]
) -> None:
    pages |= {page: f"# Page {page}\n" for page in PAGES[:40]}
    standin.faults.answer(429, times=30)
    standin.faults.latency = 0.01
    with closing(make_client(Traffic(16, CALM))) as client:
        errors = request_pages(partial(export, by=client), PAGES[:40])

    assert set(errors) == {None}
    assert len(standin.exports()) == 40 + 30
    answered = [record for record in standin.requests if record.status == 200]
    # After three slowings two are in flight; forty answers make that nine at most.
    assert find_peak(answered) <= 9


def test_who_waits_for_another_try_does_not_outlive_the_build(
    standin: StandIn, export: Callable[..., httpx.Response]
) -> None:
    standin.faults.answer(503)
    traffic = Traffic(1, replace(CALM, first_wait=3600.0))
    with closing(make_client(traffic)) as client, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(export, by=client)
        assert standin.wait_for_exports(1)
        traffic.begin_build()

        assert str(waiting.exception(10)) == "the build is over"
    assert standin.exports() == ["101"]


# What is read


@pytest.mark.parametrize("encoding", [None, "gzip"])
def test_an_answer_that_is_too_large_is_refused_however_small_it_travels(
    standin: StandIn, export: Callable[..., httpx.Response], encoding: str | None
) -> None:
    body = bytes(20_000_000)
    packed = gzip.compress(body) if encoding else body
    headers = {"Content-Encoding": encoding} if encoding else {}
    standin.faults.answer(200, body=packed, headers=headers)

    with pytest.raises(FailureError, match="is larger than 16 MB"):
        export()
    assert len(standin.exports()) == 1


def test_an_answer_that_travels_small_is_read(
    standin: StandIn, export: Callable[..., httpx.Response]
) -> None:
    text = "# Grüße\n" * 1000
    packed = gzip.compress(text.encode())
    standin.faults.answer(200, body=packed, headers={"Content-Encoding": "gzip"})

    assert export().text == text


def test_an_answer_that_cannot_be_unpacked_is_asked_for_again(
    standin: StandIn, export: Callable[..., httpx.Response]
) -> None:
    standin.faults.answer(200, body="# No", headers={"Content-Encoding": "gzip"}, times=1)

    assert export().text.startswith("# Deploy")


def test_an_answer_that_is_there_is_read_by_a_process_that_was_too_busy_for_it(
    standin: StandIn, export: Callable[..., httpx.Response]
) -> None:
    moments = itertools.count(step=70.0)

    with make_client(Traffic(1, CALM, clock=lambda: next(moments))) as client:
        assert export(by=client).text.startswith("# Deploy")
    assert len(standin.exports()) == 1


def test_an_answer_that_trickles_without_end_ends(
    standin: StandIn, export: Callable[..., httpx.Response]
) -> None:
    standin.faults.connection("trickle")

    patience = replace(CALM, answer=1.0)
    with (
        make_client(Traffic(1, patience)) as client,
        pytest.raises(SlowAnswerError, match="within 1 seconds"),
    ):
        export(by=client)
    assert len(standin.exports()) == 2
