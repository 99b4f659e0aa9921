"""The stand-in's trees of pages, exported whole, and what its REST API says of them."""

from __future__ import annotations

import base64
import io
import ssl
import zipfile
from typing import TYPE_CHECKING, Any, get_args

import httpx
import pytest

from standin import Account, PageRecord, SpaceRecord
from standin.bundles import TreeLayout
from standin.oauth import APP_ID

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from standin import StandIn
    from standin.cloud import TokenKind

PRODUCTION = "796457c9-9c03-4382-b44f-d19571068ece"
OTTO = Account("557058:otto", "Otto")


@pytest.fixture
def pages() -> dict[str, str]:
    return {}


@pytest.fixture
def client(standin: StandIn) -> Iterator[httpx.Client]:
    # Loading the certificates takes longer than most of these tests.
    no_certificates = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    variables = standin.rest_environment()
    with httpx.Client(
        base_url=standin.url,
        auth=(variables["CONFLUENCE_MD_EMAIL"], variables["CONFLUENCE_MD_API_TOKEN"]),
        trust_env=False,
        timeout=5,
        verify=no_certificates,
    ) as opened:
        yield opened


@pytest.fixture
def tree(standin: StandIn) -> None:
    """Fill a space: two pages of one title, a slash, an emoji, a folder, and another order."""
    standin.pages.add_space(SpaceRecord("ENG", "Engineering", home="1"))
    standin.pages.add(
        PageRecord("1", "Root\n", title="Root", space="ENG", labels=("b", "a")),
        PageRecord("4", "Last\n", title="Last", parent="1", space="ENG", position=9),
        PageRecord("2", "Same 1\n", title="Same", parent="1", space="ENG", position=1),
        PageRecord("3", "Same 2\n", title="same", parent="1", space="ENG", position=2),
        PageRecord("5", "Slash\n", title="A/B", parent="2", space="ENG", author=OTTO),
        PageRecord("6", title="Drawer", parent="2", space="ENG", kind="folder"),
        PageRecord("7", "Rocket\n", title="🚀", parent="6", space="ENG"),
    )
    standin.pages.attachments["5"] = {"plan.png": b"five"}
    standin.pages.attachments["2"] = {"plan.png": b"two"}


def export_tree(standin: StandIn, **fields: object) -> httpx.Response:
    url = f"{standin.url}/svc/confluence/{standin.cloud_id}/apps/{APP_ID}_{PRODUCTION}/bulkExport"
    headers = {"Authorization": f"Bearer {standin.oauth.issue_access_token()}"}
    no_certificates = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with httpx.Client(trust_env=False, verify=no_certificates) as client:
        return client.post(url, json=fields, headers=headers)


def unpack(answer: httpx.Response) -> dict[str, str]:
    archive = zipfile.ZipFile(io.BytesIO(base64.b64decode(answer.json()["zipBase64"])))
    return {name: archive.read(name).decode() for name in archive.namelist()}


def results(answer: httpx.Response) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


# Exports of trees

LAYOUTS: dict[TreeLayout, list[str]] = {
    "beside": [
        "Root.md",
        "Root/Same.md",
        "Root/Same/A-B.md",
        "Root/Same/Drawer/🚀.md",
        "Root/same (2).md",
        "Root/Last.md",
    ],
    "index": [
        "Root/index.md",
        "Root/Same/index.md",
        "Root/Same/A-B.md",
        "Root/Same/Drawer/🚀.md",
        "Root/same (2).md",
        "Root/Last.md",
    ],
    "inside": [
        "Root/Root.md",
        "Root/Same/Same.md",
        "Root/Same/A-B.md",
        "Root/Same/Drawer/🚀.md",
        "Root/same (2).md",
        "Root/Last.md",
    ],
    "flat": ["Root.md", "Same.md", "A-B.md", "🚀.md", "same (2).md", "Last.md"],
}


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize("layout", get_args(TreeLayout))
def test_a_tree_is_an_archive_in_confluences_order(standin: StandIn, layout: TreeLayout) -> None:
    standin.pages.tree_layout = layout
    answer = export_tree(standin, pageId="1", bulkExport=True)

    assert list(unpack(answer)) == LAYOUTS[layout]
    assert list(unpack(answer).values())[:2] == ["Root\n", "Same 1\n"]
    assert answer.json()["pageCount"] == 6
    assert standin.tree_exports() == ["1"]


@pytest.mark.usefixtures("tree")
def test_a_space_is_exported_whole_and_may_be_in_a_folder(standin: StandIn) -> None:
    standin.pages.add(PageRecord("8", "Elsewhere\n", space="OPS"))
    standin.pages.tree_folder = "Engineering"
    answer = export_tree(standin, spaceKey="ENG")

    assert next(iter(unpack(answer))) == "Engineering/Root.md"
    assert (answer.json()["spaceKey"], answer.json()["pageId"]) == ("ENG", None)
    assert list(unpack(export_tree(standin, spaceKey="OPS"))) == ["Engineering/Page 8.md"]
    assert export_tree(standin, spaceKey="NONE").status_code == 404
    assert standin.tree_exports() == ["ENG", "OPS", "NONE"]


@pytest.mark.usefixtures("tree")
def test_a_trees_attachments_are_beside_their_pages(standin: StandIn) -> None:
    files = unpack(export_tree(standin, pageId="2", bulkExport=True, includeAttachments=True))

    assert list(files) == [
        "Same.md", "plan.png", "Same/A-B.md", "Same/plan.png", "Same/Drawer/🚀.md",
    ]  # fmt: skip
    standin.pages.tree_layout, standin.pages.layout = "flat", "nested"
    files = unpack(export_tree(standin, pageId="2", bulkExport=True, includeAttachments=True))
    assert files["attachments/5/plan.png"] == "five"
    standin.pages.layout = "flat"
    files = unpack(export_tree(standin, pageId="2", bulkExport=True, includeAttachments=True))
    assert (files["plan.png"], files["plan (2).png"]) == ("two", "five")


def test_a_tree_is_cut_at_its_limit(standin: StandIn) -> None:
    standin.pages.add(*(PageRecord(str(number), "Text\n") for number in range(1, 121)))

    assert export_tree(standin, spaceKey="DOCS").json()["pageCount"] == 50
    assert len(unpack(export_tree(standin, spaceKey="DOCS", maxPages=100))) == 100
    for wrong in 101, 0, "7":
        assert export_tree(standin, spaceKey="DOCS", maxPages=wrong).status_code == 400


@pytest.mark.usefixtures("tree")
def test_pages_that_may_not_be_seen_are_left_out(standin: StandIn) -> None:
    standin.faults.denied.add("2")

    assert "Root/Same.md" not in unpack(export_tree(standin, pageId="1", bulkExport=True))
    assert export_tree(standin, pageId="2", bulkExport=True).status_code == 403
    assert export_tree(standin, pageId="9", bulkExport=True).status_code == 404


@pytest.mark.usefixtures("tree")
def test_archives_can_be_bad(standin: StandIn) -> None:
    whole = base64.b64decode(export_tree(standin, spaceKey="ENG").json()["zipBase64"])
    bad = {}
    for fault in "truncated", "no-zip", "no-base64", "refused":
        standin.faults.archive_fault = fault
        bad[fault] = export_tree(standin, spaceKey="ENG").json()

    assert base64.b64decode(bad["truncated"]["zipBase64"]) == whole[: len(whole) // 2]
    assert base64.b64decode(bad["no-zip"]["zipBase64"]) == b"This is no archive."
    assert "%" in bad["no-base64"]["zipBase64"]
    assert bad["refused"] == {"success": False, "message": "The export failed"}


@pytest.mark.usefixtures("tree")
def test_a_tree_can_be_too_large_with_its_attachments(standin: StandIn) -> None:
    standin.faults.large_tree_status = 504
    wanted = {"includeAttachments": True}

    assert export_tree(standin, pageId="1", bulkExport=True, **wanted).status_code == 504
    assert export_tree(standin, pageId="1", bulkExport=True).status_code == 200
    assert export_tree(standin, pageId="5", bulkExport=False, **wanted).status_code == 200


@pytest.mark.usefixtures("tree")
def test_a_trees_archive_can_be_anything(standin: StandIn) -> None:
    standin.pages.tree_archives["ENG"] = b"mine"

    content = export_tree(standin, spaceKey="ENG").json()["zipBase64"]
    assert base64.b64decode(content) == b"mine"


# The REST API


@pytest.mark.usefixtures("tree")
def test_the_api_wants_credentials(client: httpx.Client, standin: StandIn) -> None:
    for path in "api/v2/pages?id=1", "rest/api/content/search?cql=id=1", "api/v2/nothing":
        for auth in None, ("jane@example.com", "wrong"):
            client.auth = auth  # type: ignore[assignment]  # httpx makes one of them
            assert client.get(f"/wiki/{path}").status_code == 401
    assert standin.rest_requests()[0] == "/wiki/api/v2/pages?id=1"


@pytest.mark.usefixtures("tree")
def test_pages_by_id(client: httpx.Client, standin: StandIn) -> None:
    standin.faults.denied.add("3")
    answer = client.get("/wiki/api/v2/pages?id=5,3,1,6,999&limit=250")
    first, second = results(answer)

    assert (first["id"], first["title"], first["parentId"]) == ("1", "Root", None)
    assert first["spaceId"] == results(client.get("/wiki/api/v2/spaces?keys=ENG"))[0]["id"]
    assert (second["id"], second["parentId"], second["position"]) == ("5", "2", None)
    assert second["version"]["number"] == 1
    assert second["version"]["createdAt"] == "2025-01-01T00:00:00.000Z"
    assert second["version"]["authorId"] == "557058:otto"
    standin.pages.edit("5", "New\n", title="New", author=Account("1:eva", "Eva"))
    [changed] = results(client.get("/wiki/api/v2/pages?id=5"))
    assert changed["version"]["createdAt"] == "2025-01-01T01:00:00.000Z"
    assert (changed["version"]["number"], changed["version"]["authorId"]) == (2, "1:eva")
    assert (changed["title"], standin.pages.read("5")) == ("New", "New\n")


def test_pages_by_id_have_limits(client: httpx.Client, standin: StandIn) -> None:
    ids = [str(number) for number in range(1, 252)]
    standin.pages.add(*(PageRecord(each, "Text\n") for each in ids))

    def get(count: int, limit: str = "") -> httpx.Response:
        return client.get(f"/wiki/api/v2/pages?id={','.join(ids[:count])}{limit}")

    assert len(results(get(250, "&limit=250"))) == 250
    assert [get(251).status_code, get(2, "&limit=251").status_code] == [400, 400]
    assert client.get("/wiki/api/v2/pages?id=x").status_code == 400
    first = get(30)
    assert len(results(first)) == 25
    assert len(results(client.get(first.json()["_links"]["next"]))) == 5


@pytest.mark.usefixtures("tree")
def test_a_search(client: httpx.Client) -> None:
    def search(cql: str, limit: int = 250) -> httpx.Response:
        expand = "version,metadata.labels,ancestors"
        return client.get(
            "/wiki/rest/api/content/search",
            params={"cql": cql, "expand": expand, "limit": str(limit)},
        )

    # As real sites were seen to answer.
    assert results(search("ancestor=1")) == []
    answer = search('space="ENG"')
    assert (answer.headers["Deprecation"], answer.headers["Warning"][:3]) == ("true", "299")
    found = {each["id"]: each for each in results(answer)}
    assert list(found) != sorted(found)
    assert found["5"]["version"]["by"]["displayName"] == "Otto"
    assert found["4"]["extensions"]["position"] == 9
    assert (found["6"]["type"], found["5"]["type"]) == ("folder", "page")
    [root] = results(search("id in (1,999)"))
    assert [each["name"] for each in root["metadata"]["labels"]["results"]] == ["b", "a"]
    assert len(results(search('space="ENG" and type=page'))) == 6
    assert search("nonsense").status_code == 400
    first = search('space = "ENG"', limit=5).json()
    following = first["_links"]["context"] + first["_links"]["next"]
    assert len(first["results"]) + len(results(client.get(following))) == 7


@pytest.mark.parametrize("path", ["content", "content/1", "space", "space/ENG"])
def test_the_rest_of_version_1_is_gone(client: httpx.Client, path: str) -> None:
    answer = client.get(f"/wiki/rest/api/{path}")

    assert answer.status_code == 410
    assert answer.json()["message"] == "This deprecated endpoint has been removed."


@pytest.mark.usefixtures("tree")
def test_descendants(client: httpx.Client, standin: StandIn) -> None:
    def below(query: str) -> list[tuple[str, str, str, int]]:
        answer = client.get(f"/wiki/api/v2/pages/1/descendants?{query}")
        return [(each["id"], each["type"], each["parentId"], each["depth"])
                for each in results(answer)]  # fmt: skip

    assert max(depth for *_, depth in below("")) == 2
    whole = below("depth=10&limit=250")
    assert {page_id for page_id, *_ in whole} == {"2", "3", "4", "5", "6", "7"}
    assert ("6", "folder", "2", 2) in whole
    assert ("7", "page", "6", 3) in whole
    assert client.get("/wiki/api/v2/pages/1/descendants?depth=11").status_code == 400
    assert client.get("/wiki/api/v2/pages/99/descendants").status_code == 404
    children = results(client.get("/wiki/api/v2/folders/6/direct-children"))
    assert [each["id"] for each in children] == ["7"]
    folder = client.get("/wiki/api/v2/folders/6").json()
    assert (folder["title"], folder["parentId"], folder["parentType"]) == ("Drawer", "2", "page")
    standin.faults.missing.add("2")
    assert {page_id for page_id, *_ in below("depth=10")} == {"3", "4"}


@pytest.mark.usefixtures("tree")
def test_the_pages_of_a_space(client: httpx.Client) -> None:
    [space] = results(client.get("/wiki/api/v2/spaces?keys=ENG"))
    path = f"/wiki/api/v2/spaces/{space['id']}/pages"

    assert [each["id"] for each in results(client.get(path))] == ["1"]
    whole = results(client.get(f"{path}?depth=all&limit=250"))
    assert sorted(each["id"] for each in whole) == ["1", "2", "3", "4", "5", "7"]
    [below] = [each for each in whole if each["id"] == "7"]
    assert (below["parentId"], below["parentType"]) == ("6", "folder")
    assert client.get("/wiki/api/v2/spaces/1/pages").status_code == 404


@pytest.mark.usefixtures("tree")
def test_names_of_accounts(client: httpx.Client) -> None:
    wanted = {"accountIds": ["557058:otto", "nobody"]}
    answer = client.post("/wiki/api/v2/users-bulk", json=wanted)

    assert answer.json()["results"] == [{"accountId": "557058:otto", "displayName": "Otto"}]
    assert client.post("/wiki/api/v2/users-bulk", json={}).status_code == 400


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(
    ("kind", "site", "gateway"),
    [("classic", 200, 401), ("scoped", 401, 200), ("service account", 401, 200)],
)
def test_where_a_token_works(
    client: httpx.Client, standin: StandIn, kind: TokenKind, site: int, gateway: int
) -> None:
    standin.cloud.token_kind = kind
    if kind == "service account":
        client.auth = None  # type: ignore[assignment]  # httpx takes it
        client.headers["Authorization"] = f"Bearer {standin.cloud.api_token}"
    path = "/wiki/api/v2/pages?id=1"

    assert client.get(path).status_code == site
    at_gateway = client.get(f"/ex/confluence/{standin.cloud_id}{path}")
    assert at_gateway.status_code == gateway
    assert client.get(f"/ex/confluence/other{path}").status_code == 404
    if kind == "scoped":
        refused = client.get(path)
        assert refused.headers["x-failure-category"] == "FAILURE_CLIENT_AUTH_MISMATCH"
    standin.cloud.is_custom_domain = True
    assert client.get(path).status_code == 404


def test_lists_at_the_gateway_go_on_relative_to_the_site(
    client: httpx.Client, standin: StandIn
) -> None:
    standin.cloud.token_kind = "scoped"
    standin.pages.add(*(PageRecord(str(each), "Text\n") for each in range(1, 31)))
    ids = ",".join(str(each) for each in range(1, 31))
    first = client.get(f"/ex/confluence/{standin.cloud_id}/wiki/api/v2/pages?id={ids}")

    assert first.json()["_links"]["next"].startswith("/wiki/api/v2/pages?")


@pytest.mark.usefixtures("tree")
def test_spaces(client: httpx.Client, standin: StandIn) -> None:
    standin.pages.add(PageRecord("8", "Elsewhere\n", space="OPS"))
    [space] = results(client.get("/wiki/api/v2/spaces?keys=ENG"))
    [other] = results(client.get("/wiki/api/v2/spaces?keys=OPS"))

    assert (space["key"], space["name"], space["homepageId"]) == ("ENG", "Engineering", "1")
    assert (other["name"], other["homepageId"]) == ("OPS", "8")
    assert results(client.get("/wiki/api/v2/spaces?keys=NONE")) == []


@pytest.mark.usefixtures("tree")
def test_attachments_are_on_another_host(client: httpx.Client, standin: StandIn) -> None:
    [found] = results(client.get("/wiki/api/v2/pages/5/attachments"))
    download = f"/wiki/rest/api/content/5/child/attachment/{found['id']}/download"
    answer = client.get(download)

    assert (found["title"], found["fileSize"]) == ("plan.png", 4)
    location = answer.headers["Location"]
    assert (answer.status_code, httpx.URL(location).host) == (302, "localhost")
    assert client.get(location).status_code == 400
    client.auth = None  # type: ignore[assignment]  # httpx makes one of it
    assert client.get(location).content == b"five"
    assert client.get(location.partition("?")[0]).status_code == 403
    assert client.get("/wiki/api/v2/pages/5/attachments").status_code == 401
    assert {record.page_id for record in standin.requests} == {"5"}


def test_no_such_files(client: httpx.Client) -> None:
    assert client.get("/wiki/api/v2/pages/9/attachments").status_code == 404
    assert client.get("/wiki/rest/api/content/9/child/attachment/att1/download").status_code == 404
    assert client.get("/wiki/api/v2/nothing").status_code == 404


@pytest.mark.usefixtures("tree")
def test_faults_of_the_api(client: httpx.Client, standin: StandIn) -> None:
    paths = "/wiki/api/v2/pages?id=1", "/wiki/rest/api/content/search?cql=id=1"
    standin.faults.answer(429, route="search", times=1)
    assert [client.get(path).status_code for path in paths] == [200, 429]
    standin.faults.answer(503, route="rest", times=2)
    assert [client.get(path).status_code for path in paths] == [503, 503]
    assert [client.get(path).status_code for path in paths] == [200, 200]


# Editing


def test_plain_pages_have_versions(client: httpx.Client, standin: StandIn,
                                   pages: dict[str, str]) -> None:  # fmt: skip
    def version(page_id: str) -> int:
        [page] = results(client.get(f"/wiki/api/v2/pages?id={page_id}"))
        number: int = page["version"]["number"]
        return number

    pages.update({"12": "# Twelve\n", "13": "# Thirteen\n"})
    assert (version("12"), version("12")) == (1, 1)
    pages["12"] = "# Twelve, changed\n"
    assert version("12") == 2
    standin.pages.edit("13", "# Thirteen\n")
    assert version("13") == 2
    assert standin.wait_for_requests("/wiki/api/v2/pages", 4, timeout=0)
    assert not standin.wait_for_requests("/wiki/api/v2/pages", 5, timeout=0)


def test_pages_of_a_folder_are_edited_there(standin: StandIn, tmp_path: Path) -> None:
    (tmp_path / "12 A page.md").write_text("# Old\n")
    standin.pages.source = tmp_path
    before = standin.pages.snapshot().records["12"]
    standin.pages.edit("12", "# New\n")
    after = standin.pages.snapshot().records["12"]

    assert (tmp_path / "12 A page.md").read_text() == "# New\n"
    assert (before.title, after.title) == ("Old", "New")
    assert before.version != after.version


def test_pages_are_added_and_removed(standin: StandIn) -> None:
    standin.pages.add(PageRecord("1", "Above\n"), PageRecord("2", "Below\n", parent="1"))
    standin.pages.remove("1")

    assert (standin.pages.read("1"), standin.pages.read("2")) == (None, "Below\n")
    assert [each.page_id for each in standin.pages.snapshot().tops("DOCS")] == ["2"]
    with pytest.raises(KeyError):
        standin.pages.edit("1", "There is none.\n")


def test_pages_change_from_another_process(client: httpx.Client, standin: StandIn) -> None:
    page = {"page_id": "1", "markdown": "Text\n", "title": "One", "author": ["557058:otto", "Otto"]}
    assert client.post("/_standin/pages", json=page).status_code == 200
    changed = {"page_id": "1", "markdown": "New\n"}
    assert client.post("/_standin/pages", json=changed).status_code == 200

    record = standin.pages.snapshot().records["1"]
    assert (record.markdown, record.title, record.author, record.version) == (
        "New\n", "One", OTTO, 2,
    )  # fmt: skip
    for wrong in {}, {"page_id": "1", "nothing": ""}:
        assert client.post("/_standin/pages", json=wrong).status_code == 400
