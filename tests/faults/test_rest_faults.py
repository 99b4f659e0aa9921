"""Everything that goes wrong with Confluence's own REST API: it never ends a build.

It is a helper. Without it a tree is as it was listed last, or exported as a whole, and pages are
exported although they may not have changed; one warning says so.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

import faults
from standin import PageRecord, SpaceRecord

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from projects import Project
    from standin import StandIn
    from standin.faults import Route

    Fault: TypeAlias = Callable[["Project", "StandIn", "Route"], None]

NAVS: dict[str, list[Any]] = {
    "tree": [{"Handbook": "confluence:10/"}],
    "space": [{"Handbook": "confluence:space/ENG"}],
}
PAGES: list[Any] = [{"Handbook": "confluence:10"}, {"Deploy": "confluence:11"}]
OLD, NEW = "Roll out as in spring", "Roll out the new version"
EMPTY: dict[str, object] = {"results": []}


def answer(status: int, **fields: Any) -> Fault:  # noqa: ANN401  as the original
    return lambda _, standin, route: standin.faults.answer(status, route=route, **fields)


def connection(kind: Any, **seconds: float) -> Fault:  # noqa: ANN401  the same
    """Break connections; what hangs is waited for so long, and so are exports, which come."""

    def happen(project: Project, standin: StandIn, route: Route) -> None:
        project.lose_patience(**seconds)
        standin.faults.connection(kind, route=route)

    return happen


FAULTS: dict[str, Fault] = {
    "hang in body": connection("hang-in-body", silence=3.0),
    "trickle": connection("trickle", answer=3.0),
    "reset in body": connection("cut-in-body"),
    "short body": connection("short-body"),
    "web page": answer(200, body=faults.LOGIN_PAGE, content_type="text/html"),
    "picture": answer(200, body=faults.PNG, content_type="image/png"),
    "empty body": answer(200, body=""),
    "no list": answer(200, body={"results": "none"}),
    "20 MB": answer(200, body=b"x" * 20_000_000),
    "invalid UTF-8": answer(200, body=b'{"results": [{"title": "\xdc"}]}'),
    "empty list": answer(200, body=EMPTY),
    "400": answer(400),
    "401": answer(401),
    "403": answer(403),
    "404": answer(404),
    "410": answer(410, body={"message": "This deprecated endpoint has been removed."}),
    "429": answer(429),
    "429 for an hour": answer(429, headers=faults.HOUR),
    "500": answer(500),
    "502": answer(502),
    "503": answer(503),
    "504": answer(504),
}
CALLS: dict[str, list[Route]] = {
    "tree": ["rest", "versions", "descendants"],
    "space": ["rest", "spaces", "space_pages"],
}
"""The calls that list a tree or a space; `rest` is all calls at once."""
EACH_CALL = ["empty list", "401", "403", "410", "500", "hang in body"]
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
    standin.pages.add_space(SpaceRecord("ENG", "Engineering", home="10"))
    standin.pages.add(
        PageRecord("10", f"# Handbook\n\n{OLD}.\n", title="Handbook", space="ENG"),
        PageRecord("11", f"# Deploy\n\n{OLD}.\n", title="Deploy", parent="10", space="ENG"),
    )
    project.environment |= standin.rest_environment()
    return project


def configure(project: Project, standin: StandIn, nav: list[Any], **options: object) -> None:
    given = {"site": standin.url, "cloud_id": standin.cloud_id, "max_age": 0, **options}
    project.configure(nav, options=given)


def change(standin: StandIn) -> None:
    for page_id, title in (("10", "Handbook"), ("11", "Deploy")):
        standin.pages.edit(page_id, f"# {title}\n\n{NEW}.\n")


def count(kind: str, log: str) -> int:
    assert "Traceback" not in log
    return len(re.findall(rf"^{kind} ", log, re.MULTILINE))


def each_case(of: str) -> list[tuple[str, Route]]:
    whole: list[tuple[str, Route]] = [(name, "rest") for name in FAULTS]
    return whole + [(name, call) for name in EACH_CALL for call in CALLS[of][1:]]


CASES = [(of, name, call) for of in NAVS for name, call in each_case(of)]


@pytest.mark.parametrize(("of", "name", "call"), CASES)
@pytest.mark.parametrize("is_listed", [True, False], ids=["listed before", "never listed"])
def test_a_tree_that_cannot_be_listed(  # noqa: PLR0913, PLR0917  a table
    project: Project,
    standin: StandIn,
    of: str,
    name: str,
    call: Route,
    is_listed: bool,  # noqa: FBT001  pytest passes it by name
) -> None:
    configure(project, standin, NAVS[of])
    if is_listed:
        project.warm_up()
        change(standin)
    FAULTS[name](project, standin, call)

    built = project.build(strict=False)

    assert built.exit_code == 0
    assert (count("WARNING", built.log), count("ERROR", built.log)) == (1, 0)
    assert "trees are as last listed, or exported as a whole" in built.log
    assert ("CONFLUENCE_MD_API_TOKEN" in built.log) == (name in ("401", "403"))
    texts = [path.read_text() for path in built.site_dir.glob("handbook/**/index.html")]
    assert sum((NEW if is_listed else OLD) in text for text in texts) == 2


@pytest.mark.parametrize("name", FAULTS)
def test_pages_are_exported_as_without_it(project: Project, standin: StandIn, name: str) -> None:
    configure(project, standin, PAGES)
    project.warm_up()
    change(standin)
    FAULTS[name](project, standin, "rest")

    built = project.build(strict=False)

    assert built.exit_code == 0
    # Pages that the account may not see are not in a list either.
    assert count("WARNING", built.log) == (name != "empty list")
    assert NEW in built.page("handbook")
    assert NEW in built.page("deploy")


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_site_that_is_not_there(project: Project, standin: StandIn, name: str) -> None:
    port = standin.url.rpartition(":")[2]
    site = ELSEWHERE[name].replace("PORT", port)
    project.environment["CONFLUENCE_MD_TRUSTED_HOSTS"] = "confluence.atlassian.net.invalid"
    for nav in (PAGES, *NAVS.values()):
        configure(project, standin, nav, site=site)

        built = project.build(strict=False)

        assert built.exit_code == 0
        assert count("WARNING", built.log) == 1
        assert OLD in built.page("handbook")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("99/", "Page 99 does not exist, or the account may not see it, says 127.0.0.1."),
        ("space/NONE", "There is no such space, or the account may not see it (HOST answers 404)."),
    ],
)
def test_what_does_not_exist_is_an_error(
    project: Project, standin: StandIn, target: str, message: str
) -> None:
    configure(project, standin, [{"Handbook": f"confluence:{target}"}])

    built = project.build(strict=False)

    assert built.exit_code == 1
    assert message in built.log.replace(standin.url.removeprefix("http://"), "HOST")
    assert (count("WARNING", built.log), count("ERROR", built.log)) == (0, 1)


def test_a_tree_that_really_is_empty_now_is_believed(project: Project, standin: StandIn) -> None:
    configure(project, standin, NAVS["tree"])
    assert (project.warm_up().site_dir / "handbook/deploy").exists()
    standin.pages.remove("11")

    built = project.build()

    assert (built.messages(), built.exit_code) == ("", 0)
    assert not (built.site_dir / "handbook/deploy").exists()


def test_offline_nothing_is_asked(project: Project, standin: StandIn) -> None:
    configure(project, standin, NAVS["tree"])
    project.warm_up()
    standin.clear()
    configure(project, standin, NAVS["tree"], offline=True)

    built = project.build()

    assert built.exit_code == 0
    assert OLD in built.page("handbook/deploy")
    assert standin.requests == []
