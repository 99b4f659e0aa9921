"""The example site in a browser: what its readers see of pages from Confluence."""

from __future__ import annotations

import re
import subprocess
import threading
from dataclasses import dataclass, field
from functools import partial
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urldefrag

import pytest

from browsing import NEEDS_CHROMIUM, QuietHandler, browsing
from places import EXAMPLE
from processes import unmeasured
from projects import BIN
from standin.folder import find_pages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import BrowserContext, ConsoleMessage

pytestmark = NEEDS_CHROMIUM


EXPORTS = {page_id: page.path for page_id, page in find_pages(EXAMPLE / "confluence").items()}


# The page's own content, without the buttons and the line that lead to Confluence on purpose.
LOOK = """
() => {
  const all = selector => Array.from(document.querySelectorAll(`article ${selector}`))
  return {
    ids: Array.from(document.querySelectorAll("[id]"), element => element.id),
    links: all("a[href]:not(.md-content__button, .confluence-source a)").map(link => link.href),
    images: Array.from(document.images, image => [image.src, image.naturalWidth]),
    panels: all(":is(.admonition, details)").map(panel => ({
      title: panel.firstElementChild.textContent.trim(),
      framed: getComputedStyle(panel).borderLeftWidth !== "0px",
    })),
    quotations: all("blockquote").map(quotation => quotation.textContent.trim()),
    items: all("li.task-list-item, li.task-list").length,
    boxes: all("li :is(input[type=checkbox])").map(box => box.checked),
    edit: document.querySelector("a.md-content__button[rel=edit]")?.href ?? "",
    view: document.querySelector("a.md-content__button:not([rel])")?.href ?? "",
    source: document.querySelector(".confluence-source a")?.href ?? "",
  }
}
"""


@dataclass
class Seen:
    """A page as the browser shows it."""

    url: str
    looks: dict[str, Any]
    complaints: list[str] = field(default_factory=list)
    """Errors on the console, and in scripts."""

    @property
    def page_id(self) -> str:
        """The page's ID in Confluence; empty for a local page."""
        found = re.search(r"atlassian\.net/.*?([0-9]+)$", str(self.looks["edit"]))
        return found[1] if found else ""

    @property
    def export(self) -> str:
        """The page as it is exported, without its code."""
        text = EXPORTS[self.page_id].read_text(encoding="utf-8") if self.page_id else ""
        return re.sub(r"^( *)```.*?^\1```$", "", text, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def site_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Build the example site and serve it."""
    directory = tmp_path_factory.mktemp("site")
    clean = {name: value for name, value in unmeasured().items() if "CONFLUENCE" not in name}
    config = str(EXAMPLE / "mkdocs.yml")
    command = [str(BIN / "mkdocs"), "build", "-q", "--strict", "-f", config, "-d", str(directory)]
    subprocess.run(command, env=clean, check=True, timeout=120)
    handler = partial(QuietHandler, directory=str(directory))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def seen(site_url: str) -> dict[str, Seen]:
    """Look at every page of the site, by URL."""
    with browsing() as browser:
        pages, waiting = dict[str, Seen](), [site_url]
        while waiting:
            url = waiting.pop()
            if url not in pages:
                pages[url], found = look_at(browser, url, site_url)
                waiting += found
    return pages


def look_at(browser: BrowserContext, url: str, site_url: str) -> tuple[Seen, list[str]]:
    """Open a page; also return where the site's navigation leads from there."""
    tab = browser.new_page()
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type == "error" and message.location["url"].startswith(site_url):
            complaints.append(message.text)

    tab.on("console", listen)
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    answer = tab.goto(url, wait_until="load")
    assert answer is not None
    assert answer.ok, url
    looks = tab.evaluate(LOOK)
    hrefs = tab.evaluate("Array.from(document.querySelectorAll('nav a[href]'), link => link.href)")
    tab.close()
    found = [urldefrag(href).url for href in hrefs if href.startswith(site_url)]
    return Seen(url, looks, complaints), found


def test_all_pages_are_there(seen: dict[str, Seen]) -> None:
    assert {page.page_id for page in seen.values()} == {"", *EXPORTS}


def test_buttons_and_the_last_line_lead_to_the_page_in_confluence(seen: dict[str, Seen]) -> None:
    for page in seen.values():
        view = f"https://northwind.atlassian.net/wiki/pages/viewpage.action?pageId={page.page_id}"
        if page.page_id:
            assert page.looks["view"] == page.looks["source"] == view
        else:
            assert "/raw/" in page.looks["view"] or not page.looks["edit"], page.url
            assert page.looks["source"] == ""


def test_links_between_pages_stay_in_the_site_and_lead_to_something(
    seen: dict[str, Seen], site_url: str
) -> None:
    between = 0
    astray = []
    for page in seen.values():
        for link in page.looks["links"]:
            target, anchor = urldefrag(link)
            if target in seen:
                between += target != page.url
                ids = seen[target].looks["ids"]
                astray += [(page.url, link)] * (bool(anchor) and unquote(anchor) not in ids)
            elif target.startswith(site_url):
                is_file = re.search(r"\.(?:csv|png|svg|pdf)$", target)
                astray += [] if is_file else [(page.url, link)]
            elif re.search(r"northwind\.atlassian\.net|^confluence:", target):
                astray.append((page.url, link))

    assert astray == []
    assert between >= sum(page.export.count("](https://northwind") for page in seen.values()) // 2


def test_every_image_loads(seen: dict[str, Seen]) -> None:
    widths = {
        str(src).rpartition("/")[2]: width
        for page in seen.values()
        for src, width in page.looks["images"]
    }

    pictures = {"traffic-switch.png", "Failover-zones.svg", "drain.svg", "first-release.svg"}
    assert pictures <= widths.keys()
    assert all(widths.values()), widths


def test_every_panel_is_one_and_no_quotation(seen: dict[str, Seen]) -> None:
    for page in seen.values():
        alerts = re.findall(r"^[ >]*> \[!\w+\]", page.export, re.MULTILINE)
        panels = page.looks["panels"]
        assert len(panels) >= len(alerts) + page.export.count("<details"), page.url
        assert all(panel["title"] and panel["framed"] for panel in panels), page.url
        assert [text for text in page.looks["quotations"] if text.startswith("[!")] == []


def test_every_task_has_a_box(seen: dict[str, Seen]) -> None:
    boxes = 0
    for page in seen.values():
        if page.page_id:
            tasks = re.findall(r"^[ >]*(?:[-*+]|[0-9]+\.) \[([ x])\] ", page.export, re.MULTILINE)
            assert page.looks["boxes"] == [task == "x" for task in tasks], page.url
            assert page.looks["items"] == len(tasks), page.url
            boxes += len(tasks)
    assert boxes > 0


def test_the_browser_has_nothing_to_complain_of(seen: dict[str, Seen]) -> None:
    # Material fetches Mermaid from elsewhere, where these tests do not go.
    complaints = [each for page in seen.values() for each in page.complaints]
    assert [each for each in complaints if "unpkg.com/mermaid" not in each] == []
