"""What the copy buttons of the documentation put into the clipboard is what the tests run."""

from __future__ import annotations

import threading
from functools import partial
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, sync_playwright

from browsing import CHROMIUM, NEEDS_CHROMIUM, QuietHandler
from places import ROOT
from snippets import find_snippets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = NEEDS_CHROMIUM

SOURCES = {
    path.stem: find_snippets(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "docs").glob("*.md"))
}
WITH_COMMANDS = [
    name for name, snippets in SOURCES.items() if any(each.language == "sh" for each in snippets)
]
# Blocks in tabs are copied, too, whichever tab is open.
_CLICK = """block => {
    const button = block.querySelector("button.md-clipboard, .md-code__button[data-md-type=copy]")
    button.click()
}"""


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    handler = partial(QuietHandler, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def page(address: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context()
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
        yield context.new_page()
        browser.close()


@pytest.mark.parametrize("name", WITH_COMMANDS)
def test_each_block_of_commands_is_copied_as_it_is_written(
    name: str, page: Page, address: str
) -> None:
    page.goto(f"{address}/{'' if name == 'index' else f'{name}/'}")
    page.wait_for_selector("button.md-clipboard, .md-code__button", state="attached")

    copied = []
    for block in page.query_selector_all(".language-sh"):
        page.evaluate("navigator.clipboard.writeText('nothing yet')")
        block.evaluate(_CLICK)
        page.wait_for_function("async () => await navigator.clipboard.readText() !== 'nothing yet'")
        copied.append(page.evaluate("navigator.clipboard.readText()"))

    written = [each.text for each in SOURCES[name] if each.language == "sh"]
    assert [each.strip() for each in copied] == [each.strip() for each in written]


def test_output_has_no_copy_button(page: Page, address: str) -> None:
    page.goto(f"{address}/own/")
    page.wait_for_selector("button.md-clipboard, .md-code__button", state="attached")

    buttons = "block => block.querySelectorAll('button').length"
    outputs = page.query_selector_all(".language-text.no-copy")
    assert outputs
    assert [each.evaluate(buttons) for each in outputs] == [0] * len(outputs)
