"""Pages of hostile authors in a browser: no script of theirs runs, whatever the site loads."""

from __future__ import annotations

import re
import threading
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from browsing import NEEDS_CHROMIUM, QuietHandler, browsing
from gadgets import HTML, TEXTS, TITLES
from places import GADGETS
from projects import Project
from standin import PageRecord, StandIn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import BrowserContext, Page


pytestmark = [
    NEEDS_CHROMIUM,
    pytest.mark.skipif(not (GADGETS / "mermaid").is_dir(), reason="run: make gadgets"),
]


def batched(numbers: list[int]) -> Iterator[list[int]]:
    for first in range(0, len(numbers), 6):
        yield numbers[first : first + 6]


ATTACKS = dict(enumerate([*HTML.items(), *TITLES.items(), *TEXTS.items()], 1000))
NUMBERS = {name: number for number, (name, _) in ATTACKS.items()}
# HTML may swallow what comes after it, and a page has one title.
ALONE = [[number] for number, (name, _) in ATTACKS.items() if name not in TEXTS]
PAGES = [*ALONE, *([*group] for group in batched([NUMBERS[name] for name in TEXTS]))]

# What a reader's mouse and keyboard do, without leaving the page.
TOUCH = """
() => {
  addEventListener("click", event => event.preventDefault(), {capture: true})
  const links = element => ["href", "xlink:href", "action", "formaction", "data", "src"]
    .map(name => element.getAttribute(name) ?? "")
    .filter(value => /^[\\s\\0-\\x1f]*java/i.test(value))
  const found = []
  const touch = root => {
    for (const element of root.querySelectorAll("*")) {
      found.push(...links(element).filter(value => !element.closest("head")))
      for (const name of ["mouseenter", "mouseover", "mousemove", "focus", "focusin", "click"])
        element.dispatchEvent(new MouseEvent(name, {bubbles: true, cancelable: true}))
      if (element.shadowRoot) touch(element.shadowRoot)
    }
  }
  touch(document.documentElement)
  return found
}
"""
MERMAID = re.compile(r"https://unpkg\.com/mermaid@[0-9.]+/dist/mermaid\.min\.js")
MATHJAX = "window.MathJax = {tex: {inlineMath: [['$', '$'], ['\\\\(', '\\\\)']]}}\n"
KATEX = """
addEventListener("load", () => renderMathInElement(document.body, {
  throwOnError: false,
  delimiters: [{left: "$$", right: "$$", display: true}, {left: "$", right: "$", display: false},
               {left: "\\\\(", right: "\\\\)", display: false}],
}))
"""
SCRIPTS = {
    "mathjax": ["mathjax.js", "/gadgets/mathjax/es5/tex-chtml.js"],
    "katex": [
        "/gadgets/katex/dist/katex.min.js",
        "/gadgets/katex/dist/contrib/auto-render.min.js",
        "katex.js",
    ],
}
FEATURES = ["content.tooltips", "content.code.annotate", "content.code.copy", "search.suggest",
            "search.highlight", "navigation.footer", "navigation.tabs", "toc.follow"]  # fmt: skip


class Handler(QuietHandler):
    """Serves a site, and below `/gadgets/` what sites load from elsewhere."""

    def translate_path(self, path: str) -> str:
        """Return where a file is."""
        root, _, rest = path.removeprefix("/").partition("/")
        if root == "gadgets":
            return str(GADGETS / rest)
        return super().translate_path(path)


@contextmanager
def serving(directory: Path) -> Iterator[str]:
    handler = partial(Handler, directory=str(directory))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[BrowserContext]:
    with browsing() as browser:
        yield browser


def write_records() -> Iterator[PageRecord]:
    for numbers in PAGES:
        attacks = [ATTACKS[each][1].replace("CANARY", f"canary({each})") for each in numbers]
        is_title = ATTACKS[numbers[0]][0] in TITLES
        title, *rest = attacks if is_title else ["Page", *attacks]
        body = "\n\n".join([f"# {title}", "Searched text.", *rest, "End."])
        yield PageRecord(str(numbers[0]), f"{body}\n")


def build(root: Path, theme: str, math: str, raw_html: str) -> Path:
    """Build a site with a page for each attack."""
    options = {"raw_html": raw_html, "page_path": "{id}"}
    with StandIn({}) as standin:
        standin.pages.add(*write_records())
        project = Project(root, standin.environment())
        project.write("docs/mathjax.js", MATHJAX)
        project.write("docs/katex.js", KATEX)
        fence = {"name": "mermaid", "class": "mermaid"}
        project.configure(
            [f"confluence:{numbers[0]}" for numbers in PAGES],
            theme=theme,
            settings={
                "theme": {"name": theme, **({"features": FEATURES} if theme == "material" else {})},
                "plugins": [
                    "search",
                    {"confluence-md": {"site": standin.url, **options}},
                ],
                "markdown_extensions": [
                    "attr_list",
                    "footnotes",
                    "toc",
                    {"pymdownx.superfences": {"custom_fences": [fence]}},
                ],
                "extra_javascript": SCRIPTS[math],
            },
        )
        built = project.build(strict=False)
    assert built.exit_code == 0, built.log
    for bundle in built.site_dir.glob("assets/javascripts/bundle*.js"):
        text, count = MERMAID.subn("/gadgets/mermaid/dist/mermaid.min.js", bundle.read_text())
        assert count == 1
        bundle.write_text(text)
    return built.site_dir


class Reader:
    """Looks at pages as a reader does, and knows which scripts ran."""

    def __init__(self, browser: BrowserContext, url: str) -> None:
        self.ran: set[int] = set()
        self._url = url
        self._tab = browser.new_page()
        self._tab.expose_function("canary", self._note)
        self._tab.on("dialog", lambda dialog: dialog.dismiss())

    def read(self, path: str) -> Page:
        """Open a page, wait for what its scripts draw, and touch all of it."""
        tab = self._tab
        tab.goto(f"{self._url}/{path}", wait_until="load")
        tab.evaluate("window.MathJax?.startup?.promise")
        tab.wait_for_function("!document.querySelector('pre.mermaid') || !window.__md_get")
        for link in tab.evaluate(TOUCH):
            self.ran |= {number for number in ATTACKS if f"canary({number})" in link}
            self.ran |= {-1} if "canary(" not in link else set()
        return tab

    def search(self, theme: str) -> None:
        """Search for what all pages have, and touch the results."""
        if theme == "material":
            tab = self.read("?q=searched")
            tab.wait_for_selector(".md-search-result__item")
        else:
            tab = self.read("search.html?q=searched")
            tab.wait_for_selector("#mkdocs-search-results article")
        tab.evaluate(TOUCH)

    def close(self) -> None:
        self._tab.close()

    def _note(self, number: int) -> None:
        self.ran.add(number)


def find_paths(site: Path) -> list[str]:
    return sorted(str(each.parent.relative_to(site)) + "/" for each in site.glob("**/index.html"))


@pytest.mark.parametrize(
    ("theme", "math"), [("material", "mathjax"), ("material", "katex"), ("readthedocs", "mathjax")]
)
def test_no_script_of_an_author_runs(
    browser: BrowserContext, tmp_path: Path, theme: str, math: str
) -> None:
    site = build(tmp_path / "project", theme, math, "strip")
    with serving(site) as url, ExitStack() as stack:
        reader = Reader(browser, url)
        stack.callback(reader.close)
        for path in find_paths(site):
            reader.read(path)
        reader.search(theme)

    assert {ATTACKS.get(number, number) for number in reader.ran} == set()


def test_without_strip_scripts_run_and_are_seen(browser: BrowserContext, tmp_path: Path) -> None:
    """So that the test above could fail."""
    names = ("script", "handler", "svg", "link", "frame")
    expected = {NUMBERS[name] for name in names}
    site = build(tmp_path / "project", "material", "mathjax", "keep")
    with serving(site) as url, ExitStack() as stack:
        reader = Reader(browser, url)
        stack.callback(reader.close)
        for path in find_paths(site):
            if path.strip("/") in map(str, expected):
                reader.read(path)

    assert reader.ran >= expected
