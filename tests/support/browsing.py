"""Pages in Chromium."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import BrowserContext

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

NEEDS_CHROMIUM = pytest.mark.skipif(
    not CHROMIUM and not os.environ.get("CI"), reason="there is no Chromium on this machine"
)


ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    # Nothing here may depend on the rest of the web. A route of Playwright's could keep it out,
    # too, but would also take the browser's cache away.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


@contextmanager
def browsing() -> Iterator[BrowserContext]:
    """Start Chromium, whose tabs share a cache, as those of a reader do."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  only where there is a browser

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser.new_context()
        browser.close()


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files without a word; they do not change."""

    def end_headers(self) -> None:
        """Let the browser keep what it has, and what it made of scripts."""
        self.send_header("Cache-Control", "max-age=3600")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's name
        """Say nothing."""
