"""`confluence-md check --report`: each call of a build, once, and nothing of any page."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from standin import Account, PageRecord, SpaceRecord

if TYPE_CHECKING:
    from projects import Project
    from standin import StandIn
    from standin.cloud import TokenKind

NAV: list[Any] = [{"My title": "confluence:101"}, {"A tree": "confluence:8000001/"},
                  {"A space": "confluence:space/SECRETKEY"}]  # fmt: skip
TEXT = "# Zebrafish heading\n\nSome *Zebrafish* text, ![Zebrafish](zebrafish.png)\n"


@pytest.fixture
def project(project: Project, standin: StandIn) -> Project:
    otto = Account("557058:zebrafish", "Zebrafish Otto")
    standin.pages.add_space(SpaceRecord("SECRETKEY", "Zebrafish space", home="8000001"))
    standin.pages.add(
        PageRecord("8000001", TEXT, title="Zebrafish root", space="SECRETKEY", author=otto),
        PageRecord("8000002", TEXT, title="Zebrafish child", parent="8000001", space="SECRETKEY",
                   labels=("zebrafish-label",)),
    )  # fmt: skip
    standin.pages.attachments["101"] = {"zebrafish.png": b"PNG"}
    project.configure(NAV, site=standin.url)
    return project


def run(project: Project) -> tuple[int, str, str, dict[str, Any]]:
    code, out, messages = project.run("check", "--report", "report.json")
    return code, out, messages, json.loads((project.root / "report.json").read_text("utf-8"))


def calls(report: dict[str, Any]) -> list[str]:
    return [f"{call['call'].rpartition('/')[2]} {call['status']}" for call in report["calls"]]


def find_strings(standin: StandIn) -> set[str]:
    """Return each string of the stand-in's pages, and all that tells who and where it is."""
    records = standin.pages.snapshot().records.values()
    texts = [
        text
        for each in records
        for text in (each.markdown, each.title, each.page_id, each.space, each.author.name,
                     each.author.account_id, *each.labels)
    ]  # fmt: skip
    words = {word for text in texts for word in re.split(r"[^\w:-]+", text) if len(word) > 3}
    return {*words, *(line for text in texts for line in text.splitlines() if len(line) > 3),
            "zebrafish", "127.0.0.1", standin.url.rpartition(":")[2], standin.cloud_id,
            standin.cloud.email, standin.cloud.api_token, standin.client_id,
            *standin.oauth.secrets(), "My title", "secretkey"}  # fmt: skip


# Words that the format itself has.
FORMAT = {"text", "page", "title", "heading", "list", "space", "version"}


@pytest.mark.parametrize("kind", ["classic", "scoped", "service account", None])
def test_a_report_has_nothing_of_any_page(
    project: Project, standin: StandIn, kind: TokenKind | None
) -> None:
    if kind:
        standin.cloud.token_kind = kind
        project.environment |= standin.rest_environment()
    code, out, messages, report = run(project)

    assert code == 0
    assert messages == (
        "The report is in report.json. It has no text, title, address, ID or token; read it, and "
        "attach it to an issue.\n"
    )
    written = json.dumps(report, ensure_ascii=False).lower()
    words = set(re.split(r"[^\w:-]+", written))
    for string in {string.lower() for string in find_strings(standin)} - FORMAT:
        is_word = re.fullmatch(r"\w+", string) is not None
        assert string not in (words if is_word else written)
    assert "zebrafish" not in written + out.lower()


def test_each_call_is_made_once(project: Project, standin: StandIn) -> None:
    project.environment |= standin.rest_environment()
    code, out, _, report = run(project)

    assert code == 0
    assert calls(report) == [
        "tenant_info 200", "pages 200", "descendants 200", "spaces 200", "pages 200", "pages 200",
        "users-bulk 200", "search 200", "token 200", "singleExport 200", "bulkExport 200",
        "bulkExport 200", "bulkExport 200",
    ]  # fmt: skip
    assert out.startswith("CALL                   OUTCOME\nbase URL               ok\n")
    scopes = next(call["scopes"] for call in report["calls"] if "scopes" in call)
    assert "{this app, production}:export:markdown:custom" in scopes
    archive = report["calls"][-1]["body"]["shape"]["zipBase64"]["base64"]
    assert archive["layout"] == ["page-1.md", "page-1/page-2.md"]


def test_without_credentials_for_the_rest_api_only_the_exporter_is_asked(
    project: Project, standin: StandIn
) -> None:
    _, _, _, report = run(project)

    assert calls(report) == ["tenant_info 200", "token 200", "singleExport 200",
                             "bulkExport 200", "bulkExport 200", "bulkExport 200"]  # fmt: skip
    assert report["REST credentials"] == "none"
    assert standin.exports() == ["101"]


def test_an_answer_that_surprises_is_in_the_report(project: Project, standin: StandIn) -> None:
    standin.faults.answer(200, body={"pages": 3, "note": "Zebrafish"})
    standin.faults.answer(
        403, route="bulk", body="<!doctype html>Zebrafish", content_type="text/html"
    )
    code, _, messages, report = run(project)

    assert code == 1
    assert "singleExport: The answer of" in messages
    assert "has no Markdown in it" in messages
    single = next(call for call in report["calls"] if call["call"].endswith("singleExport"))
    assert single["body"]["shape"] == {"pages": "number", "note": "text"}
    assert report["calls"][-1]["body"]["kind"] == "web page"
    assert {"step": "bulkExport of a tree", "outcome": "AnswerError"} in report["steps"]
    assert "zebrafish" not in json.dumps(report).lower()


def test_what_is_wrong_in_the_configuration_is_told_instead(
    project: Project, standin: StandIn
) -> None:
    project.configure(NAV, site=standin.url, gateway="wrong")
    code, _, messages = project.run("check", "--report", "report.json")

    assert code == 1
    assert "gateway" in messages
    assert not (project.root / "report.json").exists()


def test_a_file_that_cannot_be_written_is_named(project: Project) -> None:
    code, _, messages = project.run("check", "--report", "nowhere/report.json")

    assert code == 1
    assert messages == (
        "Error: nowhere/report.json cannot be written: No such file or directory. "
        "Name another file.\n"
    )


def test_the_outcome_as_json(project: Project) -> None:
    code, out, _ = project.run("check", "--report", "report.json", "--json")

    assert code == 0
    told = json.loads(out)
    assert told["ok"]
    assert told["report"] == "report.json"
    assert {"call": "singleExport", "outcome": "ok"} in told["calls"]


@pytest.mark.parametrize("by", ["option", "variable"])
def test_offline_nothing_is_asked(project: Project, standin: StandIn, by: str) -> None:
    if by == "variable":
        project.environment["CONFLUENCE_MD_OFFLINE"] = "1"
    else:
        project.configure(NAV, options={"site": standin.url, "offline": True})
    code, _, messages = project.run("check", "--report", "report.json")

    assert code == 1
    assert messages.endswith(
        "Error: The report needs the network, but the build is offline. Remove the "
        "option `offline` and the variable CONFLUENCE_MD_OFFLINE for the report.\n"
    )
    assert standin.requests == []
    assert not (project.root / "report.json").exists()
