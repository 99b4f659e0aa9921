"""The client of Confluence's REST API: what it asks, what it reads, and what it never does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from clients import make_rest_client
from mkdocs_confluence_md.auth.environment import read_environment
from mkdocs_confluence_md.confluence.listing import list_again, list_pages
from mkdocs_confluence_md.confluence.models import (
    ListedContent,
    PageFacts,
    parse_page_entry,
    read_descendant,
    read_details,
    read_results,
)
from mkdocs_confluence_md.confluence.refs import SpaceRef, TreeRef
from mkdocs_confluence_md.confluence.rest import GivenCloudId, NoMemory
from mkdocs_confluence_md.errors import (
    AnswerError,
    ConfluenceError,
    CredentialsError,
    FailureError,
    MissingError,
    SettingError,
)
from mkdocs_confluence_md.fetch.versions import make_rest
from mkdocs_confluence_md.network.urls import ApiAddress
from projects import STEADY
from standin import Account, PageRecord, SpaceRecord, StandIn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mkdocs_confluence_md.confluence.models import TreePage
    from mkdocs_confluence_md.confluence.rest import ConfluenceRest
    from standin.cloud import TokenKind

OTTO = Account("557058:otto", "Otto")
EMPTY: dict[str, object] = {"results": []}


@pytest.fixture
def pages() -> dict[str, str]:
    return {}


@pytest.fixture
def client(standin: StandIn) -> Iterator[ConfluenceRest]:
    client = make_rest_client(standin)
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


def test_labels_and_names(client: ConfluenceRest, standin: StandIn) -> None:
    fill(standin)

    labels = client.find_labels(["2", "4"])
    assert labels["4"] == PageFacts("4", author_id="557058:otto", author="Otto", labels=())
    assert labels["2"].labels == ("a", "b")
    assert client.find_names(["557058:otto", "nobody"]) == {"557058:otto": "Otto"}


def test_a_request_is_about_250_pages_at_most(client: ConfluenceRest, standin: StandIn) -> None:
    ids = [str(number) for number in range(1, 601)]
    standin.pages.add(*(PageRecord(each, "Text\n") for each in ids))

    assert sorted(client.describe_pages(ids)) == sorted(ids)
    assert len(standin.requests) == 3
    assert sorted(client.find_labels(ids)) == sorted(ids)
    assert len(standin.requests) == 6
    assert client.describe_pages([]) == {}
    assert len(standin.requests) == 6


# Trees and spaces


def draw(listing_roots: tuple[TreePage, ...]) -> list[tuple[str, str]]:
    return [(each.title, each.page_id) for root in listing_roots for each in root.walk()]


def test_a_tree_is_listed_with_its_folders(client: ConfluenceRest, standin: StandIn) -> None:
    fill(standin)
    listing = list_pages(client, TreeRef("1"))

    below = [("Drawer", ""), ("Four", "4"), ("Two", "2")]
    assert draw(listing.tree.roots) == [("Root", "1"), *below]
    assert listing.facts["1"].version == 1
    assert len(standin.requests) == 2
    assert draw(list_again(client, TreeRef("1"))) == below


def test_a_space_is_listed_with_its_folders(client: ConfluenceRest, standin: StandIn) -> None:
    fill(standin)
    listing = list_pages(client, SpaceRef("ENG"))

    assert listing.tree.title == "Engineering"
    assert draw(listing.tree.roots) == [
        ("Root", "1"), ("Drawer", ""), ("Four", "4"), ("Two", "2"), ("About", "5")
    ]  # fmt: skip
    assert sorted(listing.facts) == ["1", "2", "4", "5"]
    assert len(standin.requests) == 3  # the space, its pages, the folder
    standin.clear()
    assert list_again(client, SpaceRef("ENG")) == listing.tree.roots
    assert len(standin.requests) == 1


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_folder_that_may_not_be_read_by_itself_is_found_among_the_descendants(
    client: ConfluenceRest, standin: StandIn, status: int
) -> None:
    fill(standin)
    standin.faults.answer(status, route="folders")
    listing = list_pages(client, SpaceRef("ENG"))
    assert ("Drawer", "") in draw(listing.tree.roots)

    standin.faults.answer(status, route="descendants")
    other = make_rest_client(standin)
    # What is below it moves up.
    assert draw(list_pages(other, SpaceRef("ENG")).tree.roots)[-1] == ("Four", "4")
    other.close()


def test_folders_that_may_not_be_read_are_looked_for_once(
    client: ConfluenceRest, standin: StandIn
) -> None:
    fill(standin)
    for number in range(50, 55):
        standin.pages.add(
            PageRecord(str(number), title="Hidden", parent="1", space="ENG", kind="folder"),
            PageRecord(f"{number}0", "Text\n", parent=str(number), space="ENG"),
        )
    standin.faults.answer(403, route="folders")
    standin.faults.answer(403, route="descendants")
    list_pages(client, SpaceRef("ENG"))
    assert sum("descendants" in path for path in standin.rest_requests()) == 1

    standin.clear()
    list_again(client, SpaceRef("ENG"))
    assert len(standin.rest_requests()) == 1


def test_a_large_tree_is_listed_to_its_end(client: ConfluenceRest, standin: StandIn) -> None:
    children = [PageRecord(str(number), "Text\n", parent="1") for number in range(2, 602)]
    standin.pages.add(PageRecord("1", "Root\n"), *children)
    listing = list_pages(client, TreeRef("1"))

    order = [each.page_id for each in listing.tree.walk()]
    assert sorted(order, key=int) == [str(number) for number in range(1, 602)]
    assert len(standin.requests) == 4


def test_a_deep_tree_is_listed_to_its_end(client: ConfluenceRest, standin: StandIn) -> None:
    records = [PageRecord(str(number), "Text\n", parent=str(number - 1) if number > 1 else "")
               for number in range(1, 27)]  # fmt: skip
    records[11].kind = "folder"
    standin.pages.add(*records)
    listing = list_pages(client, TreeRef("1"))

    walked = [each.page_id for each in listing.tree.walk()]
    assert walked == [str(number) if number != 12 else "" for number in range(1, 27)]
    asked = [path for path in standin.rest_requests() if "descendants" in path]
    assert [path.partition("?")[0].split("/")[-2] for path in asked] == ["1", "11", "21"]


def test_descendants_without_a_depth_are_counted(client: ConfluenceRest, standin: StandIn) -> None:
    chain = [{"id": str(number), "title": "T", "type": "page", "parentId": str(number - 1)}
             for number in range(2, 12)]  # fmt: skip
    standin.pages.add(PageRecord("1", "Root\n"), PageRecord("11", "Deep\n"),
                      PageRecord("12", "Deeper\n", parent="11"))  # fmt: skip
    standin.faults.answer(200, route="descendants", times=1, body={"results": chain})

    ids = [each.page_id for each in list_pages(client, TreeRef("1")).tree.walk()]
    assert ids == [str(number) for number in range(1, 13)]


@pytest.mark.parametrize(
    ("ref", "name"), [(TreeRef("99"), "Page 99"), (SpaceRef("NONE"), "Space NONE")]
)
def test_what_does_not_exist(client: ConfluenceRest, ref: TreeRef | SpaceRef, name: str) -> None:
    with pytest.raises(MissingError, match=f"{name} does not exist, or the account may not see it"):
        list_pages(client, ref)


def test_the_key_of_a_space_is_nothing_but_a_value(
    client: ConfluenceRest, standin: StandIn
) -> None:
    key = "E&keys=SECRET/../x"
    standin.pages.add(PageRecord("8", "Text\n", space=key))
    list_pages(client, SpaceRef(key))

    assert standin.requests[0].query == "keys=E%26keys%3DSECRET%2F..%2Fx"


# Where the API is


@pytest.mark.parametrize("kind", ["classic", "scoped", "service account"])
@pytest.mark.parametrize("is_custom_domain", [False, True])
def test_where_a_token_works_is_found_out_once(
    standin: StandIn,
    kind: TokenKind,
    is_custom_domain: bool,  # noqa: FBT001  pytest passes it by name
) -> None:
    if kind == "classic" and is_custom_domain:
        pytest.skip("a classic token works at the site's own address only")
    standin.cloud.token_kind = kind
    standin.cloud.is_custom_domain = is_custom_domain
    ids = [str(number) for number in range(1, 1001)]
    standin.pages.add(*(PageRecord(each, "Text\n") for each in ids))
    memory = NoMemory()
    site = "https://docs.acme.example" if is_custom_domain and kind == "scoped" else ""
    client = make_rest_client(standin, site, memory)
    assert len(client.describe_pages(ids)) == 1000
    client.close()
    found_out = len(standin.requests) - 4
    standin.clear()
    client = make_rest_client(standin, site, memory)
    assert len(client.describe_pages(ids)) == 1000
    client.close()

    assert found_out == (kind == "scoped" and not is_custom_domain)
    assert len(standin.requests) == 4


def test_a_token_of_another_kind_is_noticed(standin: StandIn) -> None:
    standin.pages.add(PageRecord("1", "Text\n"))
    memory = NoMemory()
    for kind in "scoped", "classic", "scoped":
        standin.cloud.token_kind = kind
        client = make_rest_client(standin, memory=memory)
        assert list(client.describe_pages(["1"])) == ["1"]
        client.close()


def test_a_list_at_the_gateway_goes_on_there(standin: StandIn) -> None:
    standin.cloud.token_kind = "scoped"
    standin.pages.add(PageRecord("1", "Root\n"))
    standin.pages.add(*(PageRecord(str(each), "T\n", parent="1") for each in range(2, 602)))
    client = make_rest_client(standin)
    assert len(list(list_pages(client, TreeRef("1")).tree.walk())) == 601
    client.close()

    gateway = f"/ex/confluence/{standin.cloud_id}/wiki/"
    first, *others = standin.rest_requests()
    assert first.startswith("/wiki/")
    assert all(path.startswith(gateway) for path in others)


# Refusals and failures


@pytest.mark.parametrize("status", [401, 403])
def test_wrong_credentials_are_named_and_not_shown(standin: StandIn, status: int) -> None:
    secrets = {"EMAIL": "eve@example.com", "API_TOKEN": "not-the-token"}
    said = "eve@example.com:not-the-token, really?"
    standin.faults.answer(status, route="versions", body={"message": said})
    client = make_rest_client(standin, changed=secrets)
    with pytest.raises(CredentialsError) as caught:
        client.describe_pages(["1"])
    client.close()

    text = caught.value.full_text()
    host = standin.url.removeprefix("http://")
    assert f"does not accept the account's API token ({host} answers {status})" in text
    assert "CONFLUENCE_MD_EMAIL and CONFLUENCE_MD_API_TOKEN" in text
    assert not [secret for secret in secrets.values() if secret in text]
    assert "“…:…, really?”" in text
    assert "the token's expiry date and scopes" in text


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
    assert all(request.path.endswith("/wiki/api/v2/pages") for request in standin.requests)


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"results": 7}', "nonsense"])
def test_answers_that_are_none(client: ConfluenceRest, standin: StandIn, body: str) -> None:
    standin.faults.answer(200, route="versions", body=body)
    with pytest.raises(FailureError, match="is not a list of pages"):
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
        standin.faults.answer(200, route="versions", times=1, body=body)
        with pytest.raises(FailureError, match="continues on another host"):
            client.describe_pages(["1"])
    assert all("localhost" not in request.headers["Host"] for request in standin.requests)


@pytest.mark.parametrize("link", ["{site}/wiki{path}", "/wiki{path}", "{path}", "{gateway}{path}",
                                  "/ex/confluence/other/wiki{path}"])  # fmt: skip
def test_each_form_of_a_link_to_the_rest_of_a_list_is_followed(
    client: ConfluenceRest, standin: StandIn, link: str
) -> None:
    fill(standin)
    gateway = f"{standin.url}/ex/confluence/{standin.cloud_id}/wiki"
    following = link.format(site=standin.url, gateway=gateway, path="/api/v2/pages?id=2")
    body = {"results": [{"id": "1", "type": "page"}], "_links": {"next": following}}
    standin.faults.answer(200, route="versions", times=1, body=body)

    assert sorted(client.describe_pages(["1", "2"])) == ["1", "2"]


def test_an_empty_part_of_a_list_does_not_end_it(client: ConfluenceRest, standin: StandIn) -> None:
    fill(standin)
    body = {"results": [], "_links": {"next": "/wiki/api/v2/pages?id=2"}}
    standin.faults.answer(200, route="versions", times=1, body=body)

    assert list(client.describe_pages(["1", "2"])) == ["2"]


def test_a_list_of_nothing_but_empty_parts_is_a_failure(
    client: ConfluenceRest, standin: StandIn
) -> None:
    for number in range(40):
        body = {"results": [], "_links": {"next": f"/wiki/api/v2/pages?cursor={number}"}}
        standin.faults.answer(200, route="versions", times=1, body=body)

    with pytest.raises(FailureError, match="does not end, and has no entries"):
        client.describe_pages(["1"])
    assert len(standin.requests) < 30


@pytest.mark.parametrize("link", ["//[bad/wiki/x", "https://[::1/wiki", "https://x:y/wiki"])
def test_a_link_that_is_no_url_is_a_failure(
    client: ConfluenceRest, standin: StandIn, link: str
) -> None:
    body = {"results": [{"id": "1"}], "_links": {"next": link}}
    standin.faults.answer(200, route="versions", body=body)

    with pytest.raises(FailureError, match="continues on another host"):
        client.describe_pages(["1"])


def test_only_a_404_proves_that_a_page_does_not_exist(
    client: ConfluenceRest, standin: StandIn
) -> None:
    for status in (400, 401, 403, 410):
        standin.faults.answer(200, route="versions", times=1, body=EMPTY)
        standin.faults.answer(status, route="children", times=1)
        with pytest.raises(ConfluenceError) as caught:
            list_pages(client, TreeRef("99"))
        assert not isinstance(caught.value, MissingError), status


def test_a_missing_scope_for_one_call_does_not_decide_for_the_others(standin: StandIn) -> None:
    standin.cloud.token_kind = "service account"
    fill(standin)
    lacking = {"code": 401, "message": "Unauthorized; scope does not match"}
    standin.faults.answer(
        401, route="spaces", body=lacking,
        headers={"x-failure-category": "FAILURE_CLIENT_SCOPE_CHECK"},
    )  # fmt: skip
    client = make_rest_client(standin)
    with pytest.raises(CredentialsError, match="lacks a scope") as caught:
        list_pages(client, SpaceRef("ENG"))
    assert "scope does not match" in caught.value.detail
    assert list(client.describe_pages(["1"])) == ["1"]
    client.close()


@pytest.mark.parametrize(
    "answer",
    [{"status": 403}, {"status": 302}, {"status": 404},
     {"status": 200, "body": "<!doctype html>", "content_type": "text/html"}],
    ids=["403", "302", "404", "web page"],
)  # fmt: skip
def test_a_site_without_an_api_leads_to_the_gateway(
    standin: StandIn, answer: dict[str, Any]
) -> None:
    standin.cloud.token_kind = "scoped"
    fill(standin)
    standin.faults.answer(**answer, route="versions", times=1)
    client = make_rest_client(standin)

    assert list(client.describe_pages(["1"])) == ["1"]
    assert list(client.describe_pages(["2"])) == ["2"]
    assert len(standin.requests) == 3
    client.close()


def test_a_list_that_repeats_itself_ends(client: ConfluenceRest, standin: StandIn) -> None:
    body = {"results": [{"id": "1"}], "_links": {"next": "/wiki/api/v2/pages?id=1"}}
    standin.faults.answer(200, route="versions", body=body)

    assert list(client.describe_pages(["1"])) == ["1"]
    assert len(standin.requests) == 2


class UnknownCloudId(GivenCloudId):
    """A cloud ID that is not known."""

    def find_cloud_id(self) -> str:
        raise FailureError("Nothing answers there.", "Try again later.")


@pytest.mark.parametrize("is_known", [True, False], ids=["cloud ID", "no cloud ID"])
def test_a_host_that_only_mkdocs_yml_names_gets_no_credentials(
    standin: StandIn,
    is_known: bool,  # noqa: FBT001  pytest passes it by name
) -> None:
    variables = {**standin.rest_environment(), "CONFLUENCE_MD_API_URL": "http://127.0.0.1:1"}
    known = GivenCloudId(standin.cloud_id) if is_known else UnknownCloudId("")
    address = ApiAddress("https://wiki.example")
    client = make_rest(read_environment(variables), address, known, NoMemory(), STEADY)
    assert client
    text = (
        "127.0.0.1:1 cannot be reached"
        if is_known
        else "wiki.example is neither a host of Atlassian's"
    )
    with pytest.raises(FailureError if is_known else SettingError, match=re.escape(text)):
        client.describe_pages(["1"])
    client.close()


# Reading


def test_what_is_not_as_expected_is_not_known() -> None:
    odd = [{"id": 7}, {"id": "8/../9"}, {"id": True}, {}, "x", {"id": "1", "title": 3}]
    assert [entry["id"] for entry in read_results({"results": odd})] == [7, "1"]
    assert parse_page_entry({"id": 7, "version": [], "title": None}) == PageFacts("7")
    page = read_details(
        {
            "id": "1",
            "metadata": {"labels": {"results": [{"name": "b"}, {"name": 5}, {"name": "b"},
                                                {"name": "mine", "prefix": "my"}]}},
        }
    )  # fmt: skip
    assert page == PageFacts("1", labels=("b",))
    entry = {"id": "1", "type": 7, "parentId": "../2", "childPosition": "none"}
    assert read_descendant(entry) == ListedContent("1", "")
