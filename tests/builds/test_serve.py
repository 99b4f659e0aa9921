"""`mkdocs serve`: one library for the whole session, and nothing that ends the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from serving import serving, wait_for_log

if TYPE_CHECKING:
    from projects import Project
    from standin import StandIn

NAV = [{"Deploy": "confluence:101"}]


@pytest.mark.parametrize("host", ["mkdocs", "properdocs"])
def test_an_edit_of_a_local_page_makes_no_request(
    project: Project, standin: StandIn, host: str
) -> None:
    project.configure(NAV, site=standin.url, theme="material")
    with serving(project, host) as server:
        server.wait_for("deploy/", "Roll out")
        project.write("docs/index.md", "# Home, edited\n")
        server.wait_for("", "Home, edited")
        server.wait_for("deploy/", "Roll out")

    assert standin.exports() == ["101"]
    assert "Traceback" not in (project.root / "serve.log").read_text()


COUNT_YAML = """
import logging, sys, yaml

def counting(function):
    def counted(*arguments, **options):
        if sys._getframe(1).f_globals["__name__"].startswith("mkdocs_confluence_md"):
            logging.getLogger("mkdocs.hooks").info(f"{function.__name__} called")
        return function(*arguments, **options)
    return counted

if not hasattr(yaml, "counted"):  # hooks are loaded again for each build
    yaml.counted = True
    yaml.load, yaml.dump = counting(yaml.load), counting(yaml.dump)
"""


def test_a_rebuild_reads_and_writes_no_front_matter_again(
    project: Project, standin: StandIn, pages: dict[str, str]
) -> None:
    pages["101"] = "---\ndescription: Kept\n---\nRoll out\n"
    project.write("hooks.py", COUNT_YAML)
    project.configure(NAV, site=standin.url, settings={"hooks": ["hooks.py"]})
    log = project.root / "serve.log"
    with serving(project) as server:
        server.wait_for("deploy/", "Roll out")
        first = log.read_text()
        project.write("docs/index.md", "# Home, edited\n")
        server.wait_for("", "Home, edited")
        server.wait_for("deploy/", "Roll out")

    assert first.count("INFO    -  load called") == first.count("dump called") == 1
    assert "called" not in log.read_text().removeprefix(first)


def test_a_mistake_in_nav_or_options_is_reported_and_the_server_goes_on(
    project: Project, standin: StandIn
) -> None:
    project.configure(NAV, site=standin.url)
    log = project.root / "serve.log"
    with serving(project) as server:
        server.wait_for("deploy/", "Roll out")
        for mistake, message in (
            ({"nav": [{"Deploy": "confluence:abc"}]}, "nav has entries that are not Conf"),
            ({"nav": NAV, "base_url": "https://evil.example"}, "No token is sent to https://evil"),
            ({"nav": NAV, "cache_dir": "docs/x"}, "The option `cache_dir` is"),
            ({"nav": [{"Deploy": "confluence:999"}]}, "1 page could not be fetched"),
        ):
            project.configure(**{"site": standin.url, **mistake})  # type: ignore[arg-type]  # a table of keywords
            wait_for_log(log, message)
        project.configure([{"Runbook": "confluence:101"}], site=standin.url)
        server.wait_for("runbook/", "Roll out")

    assert "Traceback" not in log.read_text()
    assert standin.exports() == ["101", "999"]


def test_a_sign_in_that_ends_is_reported_and_the_server_goes_on(
    project: Project, standin: StandIn
) -> None:
    project.configure(NAV, site=standin.url, max_age=0)
    log = project.root / "serve.log"
    with serving(project) as server:
        server.wait_for("deploy/", "Roll out")
        standin.oauth.expire_access_tokens()
        project.write("docs/index.md", "# Home, edited\n")
        server.wait_for("", "Home, edited")  # a refresh is nothing that anybody notices
        standin.oauth.revoke_all()
        project.write("docs/index.md", "# Home, edited again\n")
        wait_for_log(log, "The refresh token is no longer valid")
        project.configure(NAV, site=standin.url)  # the copy is fresh now
        server.wait_for("", "edited again")

    assert "Traceback" not in log.read_text()


def test_each_rebuild_finishes_the_links_again(project: Project, standin: StandIn) -> None:
    link = "[x](confluence:101#Deploy)"
    project.write("docs/index.md", f"# Home\n\n{link} first\n")
    project.configure(NAV, site=standin.url)
    with serving(project) as server:
        for text in ("first", "second", "third"):
            project.write("docs/index.md", f"# Home\n\n{link} {text}\n")
            server.wait_for("", f'<p><a href="deploy/#deploy">x</a> {text}')
