"""A handbook from Confluence in a browser: from page to page, and back up to the site."""

from __future__ import annotations

import threading
from functools import partial
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from browsing import NEEDS_CHROMIUM, QuietHandler, browsing
from forests import ROOT, SITE, fill, in_order
from projects import Project
from standin import StandIn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

PATH = "Array.from(document.querySelectorAll('.md-path__link'), link => link.textContent.trim())"
FEATURES = ["navigation.path", "navigation.footer"]


pytestmark = NEEDS_CHROMIUM


@pytest.fixture(
    scope="module", params=[["navigation.indexes", *FEATURES], FEATURES], ids=["indexes", "plain"]
)
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, list[str]]]:
    """Build a site with the handbook, and serve it; also return the titles of its pages."""
    with StandIn({}) as standin:
        titles = in_order(fill(standin))
        project = Project(
            tmp_path_factory.mktemp("trees"),
            {**standin.environment(), "CONFLUENCE_MD_API_URL": standin.url},
        )
        project.configure(
            [{"Handbook": f"confluence:{ROOT}/"}],
            options={"site": SITE, "cloud_id": standin.cloud_id},
            settings={"theme": {"name": "material", "features": request.param, "font": False}},
        )
        built = project.build()
    assert (built.messages(), built.exit_code) == ("", 0)
    handler = partial(QuietHandler, directory=str(built.site_dir))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", titles
        server.shutdown()


@pytest.fixture
def tab(site: tuple[str, list[str]]) -> Iterator[Page]:
    with browsing() as browser:
        opened = browser.new_page()
        opened.goto(site[0], wait_until="load")
        yield opened


def heading(tab: Page) -> str:
    """Return the page's heading without the sign of its permalink."""
    return str(tab.evaluate("document.querySelector('h1').firstChild.textContent.trim()"))


def test_the_links_to_the_next_and_the_last_page_lead_through_all_of_them(
    tab: Page, site: tuple[str, list[str]]
) -> None:
    seen = []
    while tab.locator(".md-footer__link--next").count():
        tab.locator(".md-footer__link--next").click()
        tab.wait_for_load_state("load")
        seen.append(heading(tab))
    assert seen == site[1]

    back = [seen[-1]]
    while tab.locator(".md-footer__link--prev").count():
        tab.locator(".md-footer__link--prev").click()
        tab.wait_for_load_state("load")
        back.append(heading(tab))
    assert back == [*reversed(seen), "Home"]


def test_breadcrumbs_lead_up(tab: Page, site: tuple[str, list[str]]) -> None:
    tab.goto(f"{site[0]}handbook/operate-run/nights/notes/", wait_until="load")

    assert tab.evaluate(PATH) == ["Home", "Handbook", "Operate & <run>", "Nights"]
    # A theme without index pages leads to a section's first page, which it is.
    for name, title in (("Operate & <run>", "Operate & <run>"), ("Handbook", "Our handbook")):
        tab.locator(".md-path__link", has_text=name).click()
        tab.wait_for_load_state("load")
        assert heading(tab) == title
