"""Confluence is down, and the site is still built: from the last good copies, with one warning."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from mkdocs_confluence_md.cache.policy import ExportCache
from mkdocs_confluence_md.errors import FailureError
from mkdocs_confluence_md.fetch.results import FetchedPage, Origin
from mkdocs_confluence_md.site.messages import report_pages, report_stale_pages
from mkdocs_confluence_md.text import describe_age

if TYPE_CHECKING:
    from collections.abc import Callable

    from projects import Project
    from standin import StandIn

NAV = [{"Deploy": "confluence:101"}, {"Roll back": "confluence:102"}]


def refuse(standin: StandIn) -> None:
    standin.stop()


def fail_to_answer(standin: StandIn) -> None:
    standin.faults.answer(503)


def throttle(standin: StandIn) -> None:
    standin.faults.answer(429, headers={"Retry-After": "3600"})


def cut(standin: StandIn) -> None:
    standin.faults.connection("cut-in-body")


def send_nothing(standin: StandIn) -> None:
    standin.faults.answer(200, body="")


def lose_the_authorization_server(standin: StandIn) -> None:
    standin.oauth.expire_access_tokens()
    standin.faults.answer(500, route="token")


def prepare(project: Project, standin: StandIn) -> None:
    """Build once while all is well, with copies that are not fresh a moment later."""
    project.configure(NAV, site=standin.url, max_age=0)
    project.warm_up()


@pytest.mark.parametrize(
    "happens",
    [refuse, fail_to_answer, throttle, cut, send_nothing, lose_the_authorization_server],
)
def test_the_last_good_copies_are_used_with_one_warning(
    project: Project, standin: StandIn, happens: Callable[[StandIn], None]
) -> None:
    prepare(project, standin)
    happens(standin)

    built = project.build(strict=False)

    assert built.exit_code == 0
    assert "Roll out" in built.page("deploy")
    assert built.messages().startswith(
        "WARNING -  confluence-md: 2 of 2 pages from Confluence could not be fetched; copies from "
        "up to a minute ago are used instead. "
    )
    assert built.messages().count("WARNING") == 1


def test_under_strict_the_warning_fails_the_build(project: Project, standin: StandIn) -> None:
    prepare(project, standin)
    standin.faults.answer(503)

    assert project.build().exit_code == 1


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_an_answer_that_says_no_is_believed(
    project: Project, standin: StandIn, status: int
) -> None:
    prepare(project, standin)
    standin.faults.answer(status)

    built = project.build(strict=False)

    assert built.exit_code == 1
    assert "2 pages could not be fetched from Confluence." in built.messages()


def test_a_page_without_a_copy_still_fails(project: Project, standin: StandIn) -> None:
    prepare(project, standin)
    project.configure([*NAV, {"New": "confluence:104"}], site=standin.url, max_age=0)
    standin.faults.answer(503)

    built = project.build(strict=False)

    assert built.exit_code == 1
    assert "1 page could not be fetched from Confluence." in built.messages()
    assert "“New” (page 104)" in built.messages()


def test_another_accounts_copy_is_not_used(project: Project, standin: StandIn) -> None:
    prepare(project, standin)
    project.environment["CONFLUENCE_MD_ACCESS_TOKEN"] = standin.oauth.issue_access_token(
        account="557058:john"
    )
    standin.faults.answer(503)

    assert project.build(strict=False).exit_code == 1


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "a minute"),
        (59.9, "a minute"),
        (60, "1 minute"),
        (3599, "59 minutes"),
        (3600, "1 hour"),
        (86399, "23 hours"),
        (86400, "1 day"),
        (10 * 86400, "10 days"),
    ],
)
def test_ages_are_told_in_words(seconds: float, words: str) -> None:
    assert describe_age(seconds) == words


def make_page(origin: Origin, age: float = 0.0) -> FetchedPage:
    error = FailureError("HOST failed to answer (503).", "Try again later.")
    return FetchedPage("x" * 600, origin, 1.25, age, error if origin is Origin.STALE else None)


def test_one_stale_page_is_told_of_in_the_singular() -> None:
    pages = [make_page(Origin.STALE, 7200.0), *[make_page(Origin.CACHE)] * 11]

    assert report_stale_pages(pages) == (
        "1 of 12 pages from Confluence could not be fetched; a copy from 2 hours ago is used "
        "instead. HOST failed to answer (503). Try again later."
    )


def test_a_build_says_in_one_line_where_its_pages_came_from() -> None:
    assert report_pages([make_page(Origin.EXPORTED)]) == (
        "1 page from Confluence: 1 exported; 600 B in 1.2 seconds"
    )
    pages = [make_page(origin) for origin in Origin] + [make_page(Origin.CACHE)] * 2000
    assert report_pages(pages) == (
        "2004 pages from Confluence: 2001 from the cache, 1 confirmed, 1 exported, 1 stale; "
        "1.2 MB in 1.2 seconds"
    )


def test_a_build_prints_that_line(project: Project, standin: StandIn) -> None:
    project.configure(NAV, site=standin.url)
    cold, warm = project.build(), project.build()

    assert "INFO    -  confluence-md: 2 pages from Confluence: 2 exported; 77 B in" in cold.log
    assert "INFO    -  confluence-md: 2 pages from Confluence: 2 from the cache; 77 B" in warm.log


def test_copies_stand_in_when_only_the_sign_in_tells_whose_they_are(
    project: Project, standin: StandIn
) -> None:
    # As in CI, where the cache was kept and the token file was lost.
    prepare(project, standin)
    project.token_file.unlink()
    project.environment = standin.environment()
    standin.faults.answer(503)

    built = project.build(strict=False)

    assert built.exit_code == 0
    assert "2 of 2 pages from Confluence could not be fetched" in built.messages()


@pytest.mark.parametrize("answer", [(404, "{}"), (429, "{}"), (503, "{}"), (200, "<html>")])
def test_an_old_cloud_id_is_good_enough_while_there_is_no_other(
    project: Project, standin: StandIn, answer: tuple[int, str]
) -> None:
    project.configure(NAV, site=standin.url, gateway="api")
    project.warm_up()
    age_cloud_id(project, standin.url)
    status, body = answer
    standin.faults.answer(status, route="tenant_info", body=body)

    assert project.build().exit_code == 0


def test_an_old_cloud_id_that_is_still_right_is_not_asked_for_again(
    project: Project, standin: StandIn
) -> None:
    project.configure(NAV, site=standin.url, gateway="api")
    project.warm_up()
    age_cloud_id(project, standin.url)
    project.warm_up()
    asked = len(standin.requests)

    project.build()

    assert len(standin.requests) == asked


def age_cloud_id(project: Project, site: str) -> None:
    """Make the copy of a site's cloud ID 31 days old, and leave the others alone."""
    directory = project.root / ".cache/plugin/confluence-md"
    with closing(ExportCache(directory, warn=pytest.fail)) as cache:
        copy = cache.find(f"{site}/_edge/tenant_info", "", float("inf"))
    assert copy is not None
    then = time.time() - 31 * 86400
    with closing(ExportCache(directory, warn=pytest.fail, clock=lambda: then)) as cache:
        cache.keep(f"{site}/_edge/tenant_info", "", copy.text, {})
