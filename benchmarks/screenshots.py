"""The pictures of the documentation: `python -m benchmarks.screenshots`, or `make screenshot`.

Each is of a real build, in Chromium. Mermaid comes from `make gadgets`, so that no picture depends
on the web.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import yaml
from playwright.sync_api import Browser, Page, Route, ViewportSize, sync_playwright

from browsing import CHROMIUM

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
EXAMPLE = ROOT / "example-site"
MERMAID = ROOT / ".cache/gadgets/mermaid/dist/mermaid.min.js"
EVERYTHING = "185204999-everything-a-page-can-have.md"

DESKTOP = (1280, 800)
PHONE = (390, 844)
HALF = (640, 1240)


@dataclass(frozen=True)
class Shot:
    """A picture."""

    name: str
    site: Literal["docs", "example"]
    path: str
    size: tuple[int, int] = DESKTOP
    dark: bool = False


SHOTS = [
    Shot("home", "docs", ""),
    Shot("home-dark", "docs", "", dark=True),
    Shot("home-phone", "docs", "", PHONE),
    Shot("start", "docs", "start/"),
    Shot("start-phone-dark", "docs", "start/", PHONE, dark=True),
    Shot("how-to", "docs", "trees/"),
    Shot("how-to-dark", "docs", "trees/", dark=True),
    Shot("reference", "docs", "options/"),
    Shot("reference-phone", "docs", "options/", PHONE),
    Shot("example-home", "example", ""),
    Shot("example-home-dark", "example", "", dark=True),
    Shot("example-site", "example", "runbooks/database-failover/"),
    Shot("example-site-phone", "example", "runbooks/database-failover/", PHONE),
]

_SIDES = """\
<!DOCTYPE html>
<meta charset="utf-8">
<style>
body { background: #fff; display: grid; font: 600 22px system-ui, sans-serif; gap: 0 24px;
  grid-template-columns: 640px 640px; margin: 0; padding: 20px; width: 1304px }
p { margin: 0 0 12px } p + p { color: #2e7d32 } p:first-child { color: #b71c1c }
img { border: 1px solid #bbb; border-radius: 6px; width: 640px }
</style>
<p>The export as a local file</p><p>The same export through this plugin</p>
<img src="LEFT"><img src="RIGHT">
"""


class _Handler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serve(directory: Path) -> Iterator[str]:
    """Serve a directory, and yield its address."""
    with ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(_Handler, directory=str(directory))
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def build(config_file: Path, site_dir: Path) -> None:
    """Build a site, also one that a strict build would refuse."""
    options: list[str | Path] = ["-q", "-f", config_file, "-d", site_dir]
    command = [sys.executable, "-m", "mkdocs", "build", *options]
    subprocess.run(command, check=True)


def write_local_copy(directory: Path) -> Path:
    """Write a site that has the export as a local file, with the settings of the example."""
    settings = yaml.unsafe_load((EXAMPLE / "mkdocs.yml").read_text(encoding="utf-8"))
    settings |= {"plugins": ["search"], "nav": ["index.md"], "edit_uri": ""}
    del settings["hooks"]
    (directory / "docs").mkdir()
    shutil.copy(EXAMPLE / "confluence" / EVERYTHING, directory / "docs/index.md")
    config_file = directory / "mkdocs.yml"
    config_file.write_text(yaml.dump(settings), encoding="utf-8")
    return config_file


@contextmanager
def open_page(
    browser: Browser, address: str, size: tuple[int, int], *, dark: bool
) -> Iterator[Page]:
    """Open a page as a reader with light or dark colours does."""
    page = browser.new_page(
        viewport=ViewportSize(width=size[0], height=size[1]),
        color_scheme="dark" if dark else "light",
    )
    page.route("https://unpkg.com/**", _answer_with_mermaid)
    page.goto(address, wait_until="networkidle")
    yield page
    page.close()


def _answer_with_mermaid(route: Route) -> None:
    if MERMAID.exists():
        route.fulfill(path=MERMAID, content_type="text/javascript")
    else:
        route.abort()


def shoot_sides(browser: Browser, local: str, example: str, directory: Path) -> None:
    """Take the same export twice, next to each other."""
    sides = {"LEFT": local, "RIGHT": f"{example}runbooks/everything-a-page-can-have/"}
    html = _SIDES
    for name, address in sides.items():
        with open_page(browser, address, HALF, dark=False) as page:
            page.add_style_tag(
                content=".md-header, .md-sidebar, .md-top { display: none !important }"
            )
            page.evaluate("document.querySelector('h2').scrollIntoView()")
            page.wait_for_timeout(500)
            page.screenshot(path=directory / f"{name}.png")
        html = html.replace(name, f"{name}.png")
    (directory / "sides.html").write_text(html, encoding="utf-8")
    with serve(directory) as address:
        page = browser.new_page(viewport=ViewportSize(width=1344, height=600))
        page.goto(f"{address}sides.html", wait_until="networkidle")
        page.screenshot(path=IMAGES / "side-by-side.png", full_page=True)
        page.close()


def main() -> None:
    """Build the sites, and take all pictures."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        directory = Path(name)
        sites = {"docs": directory / "docs-site", "example": directory / "example-site"}
        build(EXAMPLE / "mkdocs.yml", sites["example"])
        copy = directory / "copy"
        copy.mkdir()
        build(write_local_copy(copy), directory / "local")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        with serve(directory / "local") as local, serve(sites["example"]) as example:
            shoot_sides(browser, local, example, directory)
            for shot in (each for each in SHOTS if each.site == "example"):
                take(browser, example, shot)
            with open_page(
                browser, f"{example}runbooks/everything-a-page-can-have/", DESKTOP, dark=False
            ) as page:
                page.screenshot(path=IMAGES / "everything.png", full_page=True)
        # The documentation shows the pictures of the example.
        build(ROOT / "mkdocs.yml", sites["docs"])
        with serve(sites["docs"]) as docs:
            for shot in (each for each in SHOTS if each.site == "docs"):
                take(browser, docs, shot)
        browser.close()
    print(f"{len(SHOTS) + 2} pictures are in {IMAGES.relative_to(ROOT)}: look at them.")


def take(browser: Browser, address: str, shot: Shot) -> None:
    """Take a picture of what a reader sees first."""
    with open_page(browser, f"{address}{shot.path}", shot.size, dark=shot.dark) as page:
        page.screenshot(path=IMAGES / f"{shot.name}.png")


if __name__ == "__main__":
    main()
