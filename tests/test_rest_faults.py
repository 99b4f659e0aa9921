"""Everything that goes wrong with Confluence's own REST API, for a tree and for declared pages.

A tree is listed there: without a list there is no tree, and the last good list stands in. Pages
that are declared do without: what it would have said of them is missed, and told once.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

import faults
from standin import PageRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from projects import Project
    from standin import StandIn

TREE: list[Any] = [{"Handbook": "confluence:10/"}]
PAGES: list[Any] = [{"Handbook": "confluence:10"}, {"Deploy": "confluence:11"}]
OLD, NEW = "Roll out as in spring", "Roll out the new version"


def answer(status: int, **fields: Any) -> Callable[[StandIn], None]:  # noqa: ANN401  as the original
    return lambda standin: standin.faults.answer(status, route="rest", **fields)


def connection(kind: Any) -> Callable[[StandIn], None]:  # noqa: ANN401  the same
    return lambda standin: standin.faults.connection(kind, route="rest")


FAILURES = {
    "hang in body": connection("hang-in-body"),
    "trickle": connection("trickle"),
    "reset in body": connection("cut-in-body"),
    "short body": connection("short-body"),
    "web page": answer(200, body=faults.LOGIN_PAGE, content_type="text/html"),
    "picture": answer(200, body=faults.PNG, content_type="image/png"),
    "empty body": answer(200, body=""),
    "no list": answer(200, body={"results": "none"}),
    "20 MB": answer(200, body=b"x" * 20_000_000),
    "invalid UTF-8": answer(200, body=b'{"results": [{"title": "\xdc"}]}'),
    "429": answer(429),
    "429 for an hour": answer(429, headers=faults.HOUR),
    "500": answer(500),
    "502": answer(502),
    "503": answer(503),
    "504": answer(504),
}
REFUSALS = {"401": answer(401), "403": answer(403), "404": answer(404), "410": answer(410)}
"""Answers: access may have been taken away, so no list from earlier stands in."""
FAULTS = FAILURES | REFUSALS
ELSEWHERE = {
    "refused": "http://127.0.0.1:1",
    "DNS failure": "https://confluence.atlassian.net.invalid",
    "TLS failure": "https://127.0.0.1:PORT",
}
"""Where the site is said to be: the exporter is asked at another address, and answers."""


@pytest.fixture
def pages() -> dict[str, str]:
    return {}


@pytest.fixture
def project(project: Project, standin: StandIn) -> Project:
    standin.pages.add(
        PageRecord("10", f"# Our handbook\n\n{OLD}.\n", title="Our handbook"),
        PageRecord("11", f"# Deploy\n\n{OLD}.\n", title="Deploy", parent="10"),
    )
    project.environment |= standin.rest_environment()
    return project


def configure(project: Project, standin: StandIn, nav: list[Any], **options: object) -> None:
    given = {"site": standin.url, "cloud_id": standin.cloud_id, "max_age": 0, **options}
    project.configure(nav, options=given)


def change(standin: StandIn) -> None:
    for page_id, title in (("10", "Our handbook"), ("11", "Deploy")):
        standin.pages.edit(page_id, f"# {title}\n\n{NEW}.\n")


def count(kind: str, log: str) -> int:
    assert "Traceback" not in log
    return len(re.findall(rf"^{kind} ", log, re.MULTILINE))


@pytest.mark.parametrize("name", FAULTS)
def test_a_tree_that_cannot_be_listed(project: Project, standin: StandIn, name: str) -> None:
    configure(project, standin, TREE)
    assert project.build().exit_code == 0
    change(standin)
    FAULTS[name](standin)

    built = project.build(strict=False)

    if name in REFUSALS:
        assert built.exit_code == 1
        assert "1 tree could not be fetched from Confluence." in built.log
        assert f"“Handbook” (tree of page 10) {standin.url}/wiki/pages/" in built.log
        assert ("CONFLUENCE_MD_EMAIL" in built.log) == (name in ("401", "403"))
    else:
        assert built.exit_code == 0
        assert "The pages of the tree of page 10 could not be listed; a list from" in built.log
        assert NEW in built.page("handbook")
        assert NEW in built.page("handbook/deploy")
    assert count("ERROR", built.log) == (name in REFUSALS)


@pytest.mark.parametrize("name", FAILURES)
def test_a_tree_that_was_never_listed(project: Project, standin: StandIn, name: str) -> None:
    configure(project, standin, TREE)
    FAILURES[name](standin)

    built = project.build(strict=False)

    assert built.exit_code == 1
    assert count("ERROR", built.log) == 1
    assert "1 tree could not be fetched from Confluence." in built.log


@pytest.mark.parametrize("name", FAULTS)
def test_pages_are_exported_as_without_it(project: Project, standin: StandIn, name: str) -> None:
    configure(project, standin, PAGES)
    assert project.build().exit_code == 0
    change(standin)
    FAULTS[name](standin)

    built = project.build(strict=False)

    assert built.exit_code == 0
    assert count("WARNING", built.log) == 1
    assert NEW in built.page("handbook")
    assert NEW in built.page("deploy")


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_site_that_is_not_there(project: Project, standin: StandIn, name: str) -> None:
    port = standin.url.rpartition(":")[2]
    site = ELSEWHERE[name].replace("PORT", port)
    project.environment["CONFLUENCE_MD_TRUSTED_HOSTS"] = "confluence.atlassian.net.invalid"
    configure(project, standin, PAGES, site=site)

    built = project.build(strict=False)

    assert built.exit_code == 0
    assert count("WARNING", built.log) == 1
    assert OLD in built.page("handbook")

    configure(project, standin, TREE, site=site)
    assert project.build(strict=False).exit_code == 1


def test_offline_nobody_is_asked(project: Project, standin: StandIn) -> None:
    configure(project, standin, TREE)
    assert project.build().exit_code == 0
    standin.clear()
    configure(project, standin, TREE, offline=True)

    built = project.build()

    assert built.exit_code == 0
    assert OLD in built.page("handbook/deploy")
    assert standin.requests == []


@pytest.mark.parametrize("name", FAULTS)
def test_a_placeholder_says_that_there_is_no_list(
    project: Project, standin: StandIn, name: str
) -> None:
    configure(project, standin, TREE, on_error="placeholder")
    FAULTS[name](standin)

    built = project.build(strict=False)

    assert built.exit_code == 0
    assert count("WARNING", built.log) == 1
    assert "1 tree could not be fetched from Confluence." in built.log
    assert "<strong>Tree of page 10 could not be fetched.</strong>" in built.page("handbook")
