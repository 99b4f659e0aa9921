"""The client of Confluence's REST API: what it asks, what it reads, and what it never does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mkdocs_confluence_md.descriptions import read_facts, read_listed_page, read_results
from mkdocs_confluence_md.environment import RestCredentials
from mkdocs_confluence_md.errors import (
    AnswerError,
    ConfluenceError,
    CredentialsError,
    FailureError,
    SettingError,
)
from mkdocs_confluence_md.facts import PageFacts
from mkdocs_confluence_md.rest import ConfluenceRest
from mkdocs_confluence_md.trust import TrustRule
from projects import IMPATIENT
from standin import Account, PageRecord, SpaceRecord, StandIn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OTTO = Account("557058:otto", "Otto")
EMPTY: dict[str, object] = {"results": []}


def make_client(standin: StandIn, site: str = "", **changed: str) -> ConfluenceRest:
    variables = standin.rest_environment()
    credentials = RestCredentials(
        changed.get("email", variables["CONFLUENCE_MD_EMAIL"]),
        changed.get("api_token", variables["CONFLUENCE_MD_API_TOKEN"]),
    )
    return ConfluenceRest(site or standin.url, credentials, TrustRule(), patience=IMPATIENT)


@pytest.fixture
def pages() -> dict[str, str]:
    return {}


@pytest.fixture
def client(standin: StandIn) -> Iterator[ConfluenceRest]:
    client = make_client(standin)
    yield client
    client.close()


def fill(standin: StandIn) -> None:
    standin.pages.add_space(SpaceRecord("ENG", "Engineering", home="1"))
    standin.pages.add(
        PageRecord("1", "Root\n", title="Root", space="ENG"),
        PageRecord("2", "Two\n", title="Two", parent="1", space="ENG", labels=("b", "a")),
        PageRecord("3", title="Drawer", parent="1", space="ENG", kind="folder"),
        PageRecord("4", "Four\n", title="Four", parent="3", space="ENG", author=OTTO, version=3),
        PageRecord("5", "Top\n", title="About", space="ENG"),
    )


def test_pages_are_described(client: ConfluenceRest, standin: StandIn) -> None:
    fill(standin)
    standin.faults.denied.add("2")

    assert client.describe_pages(["4", "2", "99", "3"]) == {
        "4": PageFacts("4", "Four", 3, "2025-01-01T02:00:00.000Z", "557058:otto"),
    }
    assert standin.rest_requests() == ["/wiki/api/v2/pages?id=4,2,99,3&limit=250"]


def test_pages_are_described_in_detail(client: ConfluenceRest, standin: StandIn) -> None:
    fill(standin)
    facts = client.describe_in_detail(["2", "4"])

    changed = "2025-01-01T02:00:00.000Z"
    assert facts["4"] == PageFacts("4", "Four", 3, changed, "557058:otto", "Otto", ())
    assert facts["2"].labels == ("a", "b")


def test_a_request_is_about_250_pages_at_most(client: ConfluenceRest, standin: StandIn) -> None:
    ids = [str(number) for number in range(1, 601)]
    standin.pages.add(*(PageRecord(each, "Text\n") for each in ids))

    assert sorted(client.describe_pages(ids)) == sorted(ids)
    assert len(standin.requests) == 3
    assert sorted(client.describe_in_detail(ids)) == sorted(ids)
    assert len(standin.requests) == 6
    assert client.describe_pages([]) == {}
    assert len(standin.requests) == 6


def test_a_tree_is_listed_with_all_that_is_known(client: ConfluenceRest, standin: StandIn) -> None:
    fill(standin)
    listing = client.list_tree("1")

    [root] = listing.tree.roots
    assert [(each.title, each.page_id) for each in root.walk()] == [
        ("Root", "1"),
        ("Drawer", ""),
        ("Four", "4"),
        ("Two", "2"),
    ]
    assert listing.facts["2"].labels == ("a", "b")
    assert listing.facts["1"].version == 1
    assert len(standin.requests) == 2


def test_a_space_is_listed(client: ConfluenceRest, standin: StandIn) -> None:
    fill(standin)
    listing = client.list_space("ENG")

    assert listing.tree.title == "Engineering"
    assert [each.page_id for each in listing.tree.roots] == ["1", "5"]
    assert sorted(listing.facts) == ["1", "2", "4", "5"]
    assert len(standin.requests) == 2


def test_a_large_tree_is_listed_to_its_end(client: ConfluenceRest, standin: StandIn) -> None:
    children = [PageRecord(str(number), "Text\n", parent="1") for number in range(2, 602)]
    standin.pages.add(PageRecord("1", "Root\n"), *children)
    listing = client.list_tree("1")

    order = [each.page_id for each in listing.tree.walk()]
    assert sorted(order, key=int) == [str(number) for number in range(1, 602)]
    assert len(standin.requests) == 4


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda client: client.list_tree("99"), "page 99"),
        (lambda client: client.list_space("NONE"), "space NONE"),
    ],
)
def test_what_there_is_not(
    client: ConfluenceRest, call: Callable[[ConfluenceRest], object], name: str
) -> None:
    with pytest.raises(AnswerError, match=f"There is no {name}, or the account may not see it"):
        call(client)


def test_the_key_of_a_space_is_nothing_but_a_value(
    client: ConfluenceRest, standin: StandIn
) -> None:
    key = 'E" or space="SECRET\\'
    standin.pages.add(PageRecord("8", "Text\n", space=key))
    standin.faults.answer(200, route="search", body=EMPTY)
    client.list_space(key)

    cql = standin.requests[-1].query
    assert "%22E%5C%22%20or%20space%3D%5C%22SECRET%5C%5C%22" in cql.replace("+", "%20")


# Refusals and failures


@pytest.mark.parametrize("status", [401, 403])
def test_wrong_credentials_are_named_and_not_shown(standin: StandIn, status: int) -> None:
    secrets = {"email": "eve@example.com", "api_token": "not-the-token"}
    said = "eve@example.com:not-the-token, really?"
    standin.faults.answer(status, route="versions", body={"message": said})
    client = make_client(standin, **secrets)
    with pytest.raises(CredentialsError) as caught:
        client.describe_pages(["1"])
    client.close()

    text = caught.value.full_text()
    host = standin.url.removeprefix("http://")
    assert f"does not accept the account's API token ({host} answers {status})" in text
    assert "CONFLUENCE_MD_EMAIL and CONFLUENCE_MD_API_TOKEN" in text
    assert not [secret for secret in secrets.values() if secret in text]
    assert "“…:…, really?”" in text
    assert len(standin.requests) == 1


@pytest.mark.parametrize(
    ("status", "kind", "text"),
    [
        (404, AnswerError, "refused to answer"),
        (400, AnswerError, "refused to answer"),
        (302, FailureError, "refused to answer"),
        (429, FailureError, "receives too many requests"),
        (503, FailureError, "failed to answer (503)"),
    ],
)
def test_other_refusals(
    client: ConfluenceRest, standin: StandIn, status: int, kind: type[ConfluenceError], text: str
) -> None:
    headers = {"Location": f"{standin.url.replace('127.0.0.1', 'localhost')}/media/1/att1"}
    standin.faults.answer(status, route="rest", headers=headers)
    with pytest.raises(kind) as caught:
        client.describe_pages(["1"])

    assert text in str(caught.value)
    assert all(request.path == "/wiki/api/v2/pages" for request in standin.requests)


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"results": 7}', "nonsense"])
def test_answers_that_are_none(client: ConfluenceRest, standin: StandIn, body: str) -> None:
    standin.faults.answer(200, route="versions", body=body)
    with pytest.raises(FailureError, match="is no list of pages"):
        client.describe_pages(["1"])


def test_a_web_page_in_place_of_an_answer(client: ConfluenceRest, standin: StandIn) -> None:
    standin.faults.answer(200, route="versions", body="<html>", content_type="text/html")
    with pytest.raises(FailureError, match="with a web page instead of JSON"):
        client.describe_pages(["1"])


def test_a_failure_that_passes_is_tried_again(client: ConfluenceRest, standin: StandIn) -> None:
    fill(standin)
    standin.faults.answer(500, route="versions", times=1)
    standin.faults.connection("cut", route="versions", times=1)

    assert list(client.describe_pages(["1"])) == ["1"]
    assert len(standin.requests) == 3


# Where it goes


def test_a_list_goes_on_at_the_same_host_only(client: ConfluenceRest, standin: StandIn) -> None:
    entry = {"id": "1", "type": "page", "title": "One"}
    elsewhere = standin.url.replace("127.0.0.1", "localhost")
    for link in f"{elsewhere}/wiki/api/v2/pages?id=1", "wiki/other", "@example.com/wiki":
        body = {"results": [entry], "_links": {"next": link}}
        standin.faults.answer(200, route="search", times=1, body=body)
        with pytest.raises(FailureError, match="goes on at another address"):
            client.describe_in_detail(["1"])
    assert all("localhost" not in request.headers["Host"] for request in standin.requests)


def test_a_whole_address_of_the_same_host_is_followed(
    client: ConfluenceRest, standin: StandIn
) -> None:
    fill(standin)
    link = f"{standin.url}/wiki/rest/api/content/search?cql=id=2"
    body = {"results": [{"id": "1", "type": "page"}], "_links": {"next": link}}
    standin.faults.answer(200, route="search", times=1, body=body)

    assert sorted(client.describe_in_detail(["1", "2"])) == ["1", "2"]


def test_a_list_that_repeats_itself_ends(client: ConfluenceRest, standin: StandIn) -> None:
    body = {"results": [{"id": "1"}], "_links": {"next": "/rest/api/content/search?cql=id=1"}}
    standin.faults.answer(200, route="search", body=body)

    assert list(client.describe_in_detail(["1"])) == ["1"]
    assert len(standin.requests) == 2


def test_a_host_that_only_mkdocs_yml_names_gets_no_credentials(standin: StandIn) -> None:
    client = make_client(standin, site="https://wiki.example")
    with pytest.raises(SettingError, match=r"wiki\.example is neither Atlassian's nor trusted"):
        client.describe_pages(["1"])
    client.close()


# Reading


def test_what_is_not_as_expected_is_not_known() -> None:
    odd = [{"id": 7}, {"id": "8/../9"}, {"id": True}, {}, "x", {"id": "1", "title": 3}]
    assert [entry["id"] for entry in read_results({"results": odd})] == [7, "1"]
    assert read_facts({"id": 7, "version": [], "title": None}) == PageFacts("7")
    page = read_listed_page(
        {
            "id": "1",
            "ancestors": [{"id": "2"}, {"title": "No ID"}, 3],
            "metadata": {"labels": {"results": [{"name": "b"}, {"name": 5}, {"name": "b"},
                                                {"name": "mine", "prefix": "my"}]}},
            "extensions": {"position": "none"},
        }
    )  # fmt: skip
    assert page.facts == PageFacts("1", labels=("b",))
    assert [each.content_id for each in page.ancestors] == ["2"]
    assert (page.position, page.is_page) == (None, False)
