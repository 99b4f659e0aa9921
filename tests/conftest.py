"""Fixtures: a stand-in that plays Confluence, and a project that is signed in to it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from projects import PAGES, Project
from pulling import DEPLOY, SITE, configure
from servers import RedisServer, run_redis
from standin import StandIn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


# Nobody's real keyring: tests that want one bring their own. Processes that tests start inherit it.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"

# How long an example takes depends on what else the machine does.
settings.register_profile("project", deadline=None)
settings.load_profile("project")


def pytest_xdist_auto_num_workers() -> int:
    """Run more tests at once than there are processors: half of the time they wait for a server."""
    return 2 * (os.cpu_count() or 1)


@pytest.fixture
def pages() -> dict[str, str]:
    """Return what is in Confluence: Markdown by page ID, to be changed at any time."""
    return dict(PAGES)


@pytest.fixture
def standin(pages: dict[str, str]) -> Iterator[StandIn]:
    """Serve the pages, anew for each test."""
    with StandIn(pages) as server:
        yield server
    assert server.oauth.reuses <= server.faults.lost_token_answers, "a refresh token was used twice"


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """Run an empty Redis of this test's own."""
    with run_redis(tmp_path) as server:
        yield server


@pytest.fixture
def project(tmp_path: Path, standin: StandIn) -> Project:
    """Return an empty project whose environment has the credentials of the stand-in."""
    return Project(tmp_path / "project", standin.environment())


@pytest.fixture
def without_redirects(project: Project) -> None:
    """Leave no pages in the site but those of Confluence and local ones."""
    project.options["redirects"] = False


@pytest.fixture
def site(project: Project, standin: StandIn, pages: dict[str, str]) -> Project:
    """Return a project with links, attachments and local pages."""
    pages["101"] = DEPLOY
    pages["102"] = "# Roll back\n\n## Über uns\n\n[Deploy](confluence:101#second-step)\n"
    standin.pages.attachments = {"101": {"a b.png": b"png", "report.pdf": b"pdf"}}
    project.write(
        "docs/guides/local.md",
        f"# Local\n\n[Deploy](confluence:101#Second-step), <{SITE}/wiki/x/ZgAAAA>, [r]\n\n"
        '`[no](confluence:101)` <a href="confluence:103">raw</a>\n\n'
        "```\n[no](confluence:101)\n```\n\n[r]: confluence:104\n",
    )
    configure(project)
    return project
