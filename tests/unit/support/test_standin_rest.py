"""The stand-in for Confluence's own REST API, for plain Markdown, and its controls."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import httpx
import pytest

from standin.pages import Pages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from standin import StandIn

CODE = """# Code

```python
print("<a>")
```

```
as it is
```
"""


@pytest.fixture
def pages() -> dict[str, str]:
    return {"12": "# Two & more\n\nSome *text*.\n", "101": "No heading.\n", "3": CODE}


@pytest.fixture
def client(standin: StandIn) -> Iterator[httpx.Client]:
    # Loading the certificates takes longer than most of these tests.
    no_certificates = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with httpx.Client(
        base_url=standin.url, trust_env=False, timeout=5, verify=no_certificates
    ) as opened:
        yield opened


def search(client: httpx.Client, cql: str, **fields: object) -> list[str]:
    answer = client.get("/rest/api/content/search", params={"cql": cql, **fields}).json()  # type: ignore[dict-item]  # numbers
    return [result["id"] for result in answer["results"]]


# Spaces and pages


def test_space(client: httpx.Client) -> None:
    space = client.get("/rest/api/space/DOCS?expand=homepage").json()

    assert (space["key"], space["homepage"]["id"]) == ("DOCS", "3")
    assert client.get("/rest/api/space?limit=1").json()["results"] == [space]
    assert client.get("/rest/api/space/ELSE").status_code == 404
    assert client.get("/rest/api/elsewhere").status_code == 404


def test_content_has_the_bodies_that_are_asked_for(client: httpx.Client, standin: StandIn) -> None:
    page = client.get("/rest/api/content/12?expand=body.view,body.storage,ancestors").json()

    assert page["title"] == "Two & more"
    assert page["body"]["view"]["value"] == "<p>Some <em>text</em>.</p>"
    assert set(page["body"]) == {"view", "storage"}
    assert [each["id"] for each in page["ancestors"]] == ["3"]
    assert page["_expandable"]["space"] == "/rest/api/space/DOCS"
    assert page["_links"]["base"] == standin.url
    assert page["_links"]["webui"] == "/spaces/DOCS/pages/12/Two%20%26%20more"


def test_content_without_a_heading_and_without_a_page(client: httpx.Client) -> None:
    page = client.get("/rest/api/content/101?expand=body.export_view").json()

    assert page["title"] == "Page 101"
    assert page["body"]["export_view"]["value"] == "<p>No heading.</p>"
    assert client.get("/rest/api/content/999").status_code == 404
    assert client.get("/rest/api/content/3").json()["ancestors"] == []


def test_code_is_as_its_macro_shows_it(client: httpx.Client) -> None:
    html = client.get("/rest/api/content/3?expand=body.view").json()["body"]["view"]["value"]

    assert [line.partition(">")[2] for line in html.split("\n")] == [
        "print(&quot;&lt;a&gt;&quot;)</pre>",
        "as it is</pre>",
    ]
    assert '<pre data-syntaxhighlighter-params="brush: python; gutter: false;' in html
    assert '<pre data-syntaxhighlighter-params="brush: text; gutter: false;' in html


def test_a_changed_page_has_another_version(client: httpx.Client, pages: dict[str, str]) -> None:
    def version() -> int:
        number: int = client.get("/rest/api/content/12").json()["version"]["number"]
        return number

    first = version()
    assert version() == first
    pages["12"] += "More.\n"
    assert version() != first


# Searches


def test_search_by_space_ancestor_and_id(client: httpx.Client) -> None:
    assert search(client, 'type=page AND space="DOCS"') == ["3", "12", "101"]
    assert search(client, "type=page AND ancestor=3") == ["12", "101"]
    assert search(client, "type=page AND ancestor=12") == []
    assert search(client, "id in (101,999)") == ["101"]
    total = client.get("/rest/api/search", params={"cql": "type=page", "limit": 0}).json()
    assert (total["totalSize"], total["results"], total["_links"]) == (3, [], {})


def test_search_goes_on_at_its_next_link(client: httpx.Client) -> None:
    first = client.get("/rest/api/content/search", params={"cql": "type=page", "limit": 2}).json()
    second = client.get(first["_links"]["next"]).json()

    assert [each["id"] for each in first["results"] + second["results"]] == ["3", "12", "101"]
    assert second["_links"] == {}


# Attachments


def test_attachments_are_files_beside_the_pages(client: httpx.Client, standin: StandIn,
                                                tmp_path: Path) -> None:  # fmt: skip
    (tmp_path / "attachments/12").mkdir(parents=True)
    (tmp_path / "attachments/12/a plan.png").write_bytes(b"PNG")
    standin.pages.source = tmp_path
    [found] = client.get("/rest/api/content/12/child/attachment").json()["results"]

    assert found["title"] == "a plan.png"
    assert client.get(found["_links"]["download"]).content == b"PNG"
    assert client.get("/download/attachments/12/none.png").status_code == 404


def test_pages_of_a_mapping_have_no_attachments(client: httpx.Client) -> None:
    answer = client.get("/rest/api/content/12/child/attachment").json()

    assert answer == {"results": [], "size": 0}


def test_ids_of_a_folder(tmp_path: Path) -> None:
    for name in "12.md", "13-a.md", "14 A title.md", "x.md", "15.txt", "16x.md":
        (tmp_path / name).touch()

    assert sorted(Pages(tmp_path).ids()) == ["12", "13", "14"]


# Plain Markdown


def test_plain_markdown(client: httpx.Client, pages: dict[str, str]) -> None:
    answer = client.get("/pages/12.md")

    assert answer.text == pages["12"]
    assert answer.headers["Content-Type"] == "text/markdown; charset=utf-8"
    assert client.get("/pages/999.md").status_code == 404
    assert client.post("/pages/12.md").status_code == 404


# Records and controls


def test_requests_are_recorded_with_their_page(client: httpx.Client, standin: StandIn) -> None:
    for path in "/rest/api/content/12", "/pages/101.md", "/rest/api/space":
        client.get(path)

    assert [record.page_id for record in standin.requests] == ["12", "101", ""]
    assert (standin.peak_requests, standin.peak_exports, standin.exports()) == (1, 0, [])


def test_pages_and_other_requests_take_their_time(client: httpx.Client, standin: StandIn) -> None:
    client.post("/_standin/faults", json={"latency": 0.1, "other_latency": 0.2})
    for path in "/rest/api/content/12", "/pages/12.md", "/rest/api/space":
        client.get(path)

    took = [record.finished - record.started for record in standin.requests]
    assert all(seconds >= least for seconds, least in zip(took, (0.1, 0.1, 0.2), strict=True))


def test_faults_from_another_process_replace_those_before(
    client: httpx.Client, standin: StandIn
) -> None:
    standin.faults.missing.add("12")
    answer = {"status": 429, "route": "markdown", "times": 1, "headers": {"Retry-After": "1"}}
    client.post("/_standin/faults", json={"etags": True, "answers": [answer]})

    assert standin.faults.etags
    assert standin.faults.missing == set()
    refused = client.get("/pages/12.md")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert client.get("/pages/12.md").status_code == 200
    client.post("/_standin/faults", json={})
    assert not standin.faults.etags


@pytest.mark.parametrize("wrong", [{"laziness": 1}, {"answers": [{"state": 429}]}])
def test_faults_that_do_not_exist_are_refused(
    client: httpx.Client, wrong: dict[str, object]
) -> None:
    assert client.post("/_standin/faults", json=wrong).status_code == 400
