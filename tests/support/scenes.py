"""What a build with a fault needs: pages, a project that is signed in, and copies from earlier."""

from __future__ import annotations

import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from mkdocs_confluence_md.auth.environment import read_environment
from mkdocs_confluence_md.auth.token_refresh import make_auth
from mkdocs_confluence_md.auth.token_store import TokenStore
from mkdocs_confluence_md.cache.policy import ExportCache
from mkdocs_confluence_md.cache.records import page_resource
from mkdocs_confluence_md.network.urls import ApiAddress
from projects import Project, keep_login, make_login

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import ExitStack
    from pathlib import Path

    from standin import StandIn

SITE = "https://acme.atlassian.net"
CLOUD_ID = "11111111-2222-3333-4444-555555555555"


@dataclass(frozen=True)
class Page:
    """A page of the site, and how it looks in Confluence and in a copy from earlier."""

    title: str
    page_id: str
    path: str
    live: str
    copy: str

    @property
    def old_markdown(self) -> str:
        """Return the text of the copy."""
        return f"# {self.title}\n\n{self.copy}.\n"


DEPLOY = Page("Deploy", "101", "deploy", "Roll out the <em>new</em>", "Roll out as in spring")
ROLL_BACK = Page("Roll back", "102", "roll-back", "Roll back to the old", "Roll back as in spring")
BOTH = (DEPLOY, ROLL_BACK)
THREE_HOURS = 3 * 3600 + 60
NAV = [{page.title: f"confluence:{page.page_id}"} for page in BOTH]


@dataclass
class Scene:
    """A project that is signed in, and the service that it fetches from."""

    project: Project
    standin: StandIn
    until_the_end: ExitStack

    def configure(self, **options: object) -> None:
        """Write `mkdocs.yml`."""
        self.project.configure(NAV, site=SITE, cloud_id=CLOUD_ID, options=options)

    def move_to(self, url: str) -> None:
        """Let the project fetch from another address."""
        self.project.environment["CONFLUENCE_MD_API_URL"] = url


@dataclass(frozen=True)
class Shelf:
    """Where a project's cache keeps what an account exported."""

    cache: ExportCache
    base_url: str
    account: str | None

    def keep(self, resource: str, text: str) -> None:
        """Keep a copy."""
        self.cache.keep(resource, self.account, text, {})


def make_scene(root: Path, standin: StandIn, until_the_end: ExitStack) -> Scene:
    """Make a project with a login whose access token is good for an hour."""
    now = time.time()
    project = Project(root, {"CONFLUENCE_MD_API_URL": standin.url})
    login = make_login(
        standin,
        site=SITE,
        access_token=standin.oauth.issue_access_token(),
        expires_at=now + 3600,
        refreshed_at=now,
    )
    keep_login(TokenStore(project.token_file, find_vault=lambda: None), login)
    return Scene(project, standin, until_the_end)


@contextmanager
def fill_cache(project: Project, age: float = THREE_HOURS) -> Iterator[Shelf]:
    """Open a project's cache as a build would have so many seconds ago, from where it is now."""
    environment = read_environment(project.variables())
    address = ApiAddress(SITE, cloud_id=CLOUD_ID, api_url=environment.api_url)
    account = make_auth(environment, site=SITE).account()
    then = time.time() - age
    cache = ExportCache(
        project.root / ".cache/plugin/confluence-md", warn=pytest.fail, clock=lambda: then
    )
    with closing(cache):
        yield Shelf(cache, address.make_base_url(), account)


def keep_copies(project: Project) -> None:
    """Keep copies of the pages as an export three hours ago would have."""
    with fill_cache(project) as shelf:
        for page in BOTH:
            shelf.keep(page_resource(shelf.base_url, page.page_id), page.old_markdown)
