"""Watching: what changes in Confluence is built anew, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from browsing import NEEDS_CHROMIUM, browsing
from mkdocs_confluence_md.errors import FailureError
from projects import STEADY
from serving import serving, wait_for_log
from standin import PageRecord
from watching import TINY_SECONDS, V2, Watched, wait_for_questions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from projects import Project
    from standin import StandIn
    from standin.faults import ConnectionFault

NAV = [{"Deploy": "confluence:101"}, {"Roll back": "confluence:102"}]


def test_a_changed_page_is_news_once(standin: StandIn, watched: Watched) -> None:
    watched.build("101", "102")
    watched.start()
    before = watched.touched()
    wait_for_questions(standin, 20)
    assert (watched.news, watched.touched()) == ([], before)

    standin.pages.edit("101", "# Deploy\n\nEdited.\n")
    assert watched.wait_for_news() == "Changed in Confluence: “Deploy” (page 101)"
    wait_for_questions(standin, 3)
    assert len(watched.news) == 1
    assert watched.touched() > before
    assert watched.build("101", "102")[0] == "# Deploy\n\nEdited.\n"
    assert standin.exports() in (["101", "102", "101"], ["102", "101", "101"])
    wait_for_questions(standin, 3)
    assert len(watched.news) == 1


def test_what_cannot_be_exported_is_news_once(standin: StandIn, watched: Watched) -> None:
    watched.build("101")
    watched.start()
    standin.faults.answer(503)
    standin.pages.edit("101", "# Deploy\n\nEdited.\n")
    watched.wait_for_news()
    assert "Edited" not in watched.build("101")[0]  # the last good copy
    wait_for_questions(standin, 5)
    assert len(watched.news) == 1
    standin.faults.clear()
    assert "Edited" in watched.build("101")[0]


def test_the_pages_of_the_last_build_are_watched(standin: StandIn, watched: Watched) -> None:
    watched.build("101")
    watched.start()
    watched.build("102", "104")
    wait_for_questions(standin, 2)
    standin.pages.edit("101", "# Deploy\n\nEdited.\n")
    wait_for_questions(standin, 2)
    standin.pages.edit("104", "# On-call\n\nEdited.\n")

    assert watched.wait_for_news() == "Changed in Confluence: “On-call” (page 104)"
    assert standin.requests[-1].query == "id=102,104&limit=250"
    watched.build()
    wait_until_quiet(standin)


def wait_until_quiet(standin: StandIn) -> None:
    """Show that nothing is asked any more: at most what was on its way arrives."""
    count = len(standin.requests)
    assert not standin.wait_for_requests("", count + 2, timeout=20 * TINY_SECONDS)


def test_one_request_an_interval_is_about_250_pages(standin: StandIn, watched: Watched) -> None:
    ids = [str(number) for number in range(1, 301)]
    standin.pages.add(*(PageRecord(each, "# A page\n") for each in ids))
    watched.build(*ids)
    standin.clear()
    watched.start()
    wait_for_questions(standin, 4)
    watched.watching.close()

    counts = [request.query.count(",") + 1 for request in standin.requests]
    assert counts[:4] == [250, 50, 250, 50]


@pytest.mark.parametrize(
    "break_it",
    [
        lambda standin: standin.faults.answer(401, route="rest"),
        lambda standin: standin.faults.answer(429, route="rest", headers={"Retry-After": "3600"}),
        lambda standin: standin.faults.answer(503, route="rest"),
        lambda standin: standin.faults.answer(200, route="rest", body="nonsense"),
        lambda standin: standin.faults.connection("cut", route="rest"),
    ],
    ids=["wrong token", "quota", "503", "nonsense", "cut"],
)
def test_failures_are_told_once_and_it_goes_on(
    standin: StandIn, watched: Watched, break_it: Callable[[StandIn], None]
) -> None:
    watched.build("101")
    watched.start()
    break_it(standin)
    assert "Confluence did not say what has changed; it is asked again." in watched.wait_for_news()
    wait_for_questions(standin, 5)
    assert len(watched.news) == 1
    standin.pages.edit("101", "# Deploy\n\nEdited.\n")
    standin.faults.clear()
    assert watched.wait_for_news() == "Changed in Confluence: “Deploy” (page 101)"


@pytest.mark.parametrize("watched", [replace(STEADY, silence=3.0, answer=3.0)], indirect=True)
@pytest.mark.parametrize("kind", ["hang", "trickle"])
def test_an_answer_that_never_comes_holds_nothing_up(
    standin: StandIn, watched: Watched, kind: ConnectionFault
) -> None:
    watched.build("101")
    standin.faults.connection(kind, route="rest", times=1)
    watched.start()
    watched.wait_for_news()
    wait_for_questions(standin, 2)
    assert len(watched.news) == 1


class OtherSource:
    """Something else that may change."""

    def __init__(self) -> None:
        self.asked = 0
        self.closed = False

    def find_news(self) -> str:
        self.asked += 1
        if self.asked == 1:
            message = "a mistake"
            raise ValueError(message)
        return "Moved in Confluence" if self.asked == 2 else ""

    def close(self) -> None:
        self.closed = True


def test_sources_take_turns(standin: StandIn, watched: Watched) -> None:
    other = OtherSource()
    watched.build("101")
    watched.start()
    watched.watching.follow(watched.library, [other])
    assert "Something unexpected happened: ValueError" in watched.wait_for_news()
    assert watched.wait_for_news() == "Moved in Confluence"
    standin.clear()
    before = other.asked
    wait_for_questions(standin, 5)
    assert 4 <= other.asked - before <= 6
    watched.watching.close()
    assert other.closed


class FailingSource:
    """Something that never answers."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def find_news(self) -> str:
        raise FailureError(self._reason, "Try again later.")

    def close(self) -> None:
        """Do nothing."""


def test_each_failure_is_told_once_whoever_else_answers(standin: StandIn, watched: Watched) -> None:
    watched.build("101")
    watched.start()
    failing = [FailingSource("Gone."), FailingSource("Gone."), FailingSource("Lost.")]
    watched.watching.follow(watched.library, failing)
    told = [watched.wait_for_news(), watched.wait_for_news()]
    wait_for_questions(standin, 8)

    assert [("Gone." in text, "Lost." in text) for text in told] == [(True, False), (False, True)]
    assert watched.news == told


def test_a_marker_that_cannot_be_made(watched: Watched, tmp_path: Path) -> None:
    watched.build("101")
    (tmp_path / "file").touch()
    marker = tmp_path / "file/changed"

    assert watched.watching.try_to_start(watched.library, marker, TINY_SECONDS) == (
        f"`watch` does not work: {marker} cannot be written (File exists)."
    )
    assert not watched.watching.is_on


# In a running `mkdocs serve`


@pytest.fixture
def served(project: Project, standin: StandIn) -> Project:
    project.environment |= standin.rest_environment()
    project.watch_seconds = TINY_SECONDS
    project.configure(NAV, site=standin.url)
    return project


def test_idle_intervals_cause_no_rebuild(standin: StandIn, served: Project) -> None:
    log = served.root / "serve.log"
    with serving(served) as server:
        server.wait_for("deploy/", "Roll out")
        wait_for_questions(standin, 20)
        served.write("docs/index.md", "# Home, edited\n")
        server.wait_for("", "Home, edited")
        wait_for_questions(standin, 20)

    assert log.read_text().count("Building documentation") == 2
    assert "Traceback" not in log.read_text()
    assert standin.exports() in (["101", "102"], ["102", "101"])


@pytest.mark.parametrize("host", ["mkdocs", "properdocs"])
def test_an_edit_in_confluence_is_built(standin: StandIn, served: Project, host: str) -> None:
    log = served.root / "serve.log"
    served.configure(NAV, site=standin.url, theme="material")
    with serving(served, host) as server:
        server.wait_for("deploy/", "Roll out")
        standin.pages.edit("101", "# Deploy\n\nEdited by a colleague.\n")
        server.wait_for("deploy/", "Edited by a colleague.")
        wait_for_questions(standin, 20)
        served.configure([{"On-call": "confluence:104"}], site=standin.url, theme="material")
        server.wait_for("on-call/", "<li>one")
        wait_for_questions(standin, 2)
        standin.pages.edit("104", "# On-call\n\nEdited, too.\n")
        server.wait_for("on-call/", "Edited, too.")

    text = log.read_text()
    assert text.count("Building documentation") == 4
    assert "INFO    -  confluence-md: Changed in Confluence: “Deploy” (page 101)" in text
    assert standin.exports()[2:] == ["101", "104", "104"]


def test_a_page_is_built_within_two_intervals(standin: StandIn, served: Project) -> None:
    served.watch_seconds = 3.0
    served.configure(NAV, site=standin.url)
    with serving(served) as server:
        server.wait_for("deploy/", "Roll out")
        wait_for_questions(standin, 1)
        before = len(standin.requests)
        standin.pages.edit("101", "# Deploy\n\nEdited by a colleague.\n")
        server.wait_for("deploy/", "Edited by a colleague.")

    asked = [request.path for request in standin.requests[before:]]
    assert asked.count(V2) <= 2


def test_watching_without_credentials_is_one_warning(standin: StandIn, project: Project) -> None:
    project.watch_seconds = TINY_SECONDS
    project.configure(NAV, site=standin.url)
    log = project.root / "serve.log"
    with serving(project) as server:
        server.wait_for("deploy/", "Roll out")
        project.write("docs/index.md", "# Home, edited\n")
        server.wait_for("", "Home, edited")

    assert [line for line in log.read_text().splitlines() if line.startswith("WARNING")] == [
        "WARNING -  confluence-md: `watch` needs an account that may ask Confluence what has "
        "changed: set CONFLUENCE_MD_EMAIL and CONFLUENCE_MD_API_TOKEN, and the option `site`. "
        "Until then, only local edits are noticed."
    ]
    assert standin.rest_requests() == []


def test_offline_and_in_a_build_nothing_is_watched(standin: StandIn, served: Project) -> None:
    built = served.build()
    assert (built.messages(), built.exit_code) == ("", 0)
    served.configure(NAV, site=standin.url, offline=True)
    standin.clear()
    log = served.root / "serve.log"
    with serving(served) as server:
        server.wait_for("deploy/", "Roll out")

    assert "WARNING" not in log.read_text()
    assert standin.requests == []


@NEEDS_CHROMIUM
def test_a_browser_sees_an_edit_in_confluence(standin: StandIn, served: Project) -> None:
    served.configure(NAV, site=standin.url, theme="material")
    with serving(served) as server, browsing() as browser:
        server.wait_for("deploy/", "Roll out")
        page = browser.new_page()
        page.goto(f"{server.url}/deploy/")
        assert "Roll out" in page.inner_text("article")
        wait_for_log(served.root / "serve.log", "Browser connected")
        standin.pages.edit("101", "# Deploy\n\nEdited by a colleague.\n")
        page.get_by_text("Edited by a colleague.").wait_for(timeout=30_000)
        browser.close()
