"""Pages in Chromium."""

from __future__ import annotations

import os
import shutil
from http.server import SimpleHTTPRequestHandler

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

NEEDS_CHROMIUM = pytest.mark.skipif(
    not CHROMIUM and not os.environ.get("CI"), reason="there is no Chromium on this machine"
)


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files without a word."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's name
        """Say nothing."""
