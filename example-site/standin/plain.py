"""Pages as plain Markdown files at `/pages/{id}.md`, for tools that include a URL."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from standin.messages import Answer, failure

if TYPE_CHECKING:
    from standin.messages import Request
    from standin.pages import Pages

MARKDOWN = "text/markdown; charset=utf-8"

_PATH = re.compile(r"/pages/(\d+)\.md")


def requested_markdown(request: Request) -> str:
    """Return the ID of the page whose file is asked for, or an empty string."""
    address = _PATH.fullmatch(request.path) if request.method == "GET" else None
    return address[1] if address else ""


class PlainPages:
    """Answers for the files."""

    def __init__(self, pages: Pages) -> None:
        """Answer with `pages`."""
        self._pages = pages

    def answer(self, request: Request) -> Answer:
        """Answer a request for which `requested_markdown` has a page."""
        page_id = requested_markdown(request)
        text = self._pages.read(page_id)
        if text is None:
            return failure(404, f"Page {page_id} not found")
        return Answer(200, text.encode(), MARKDOWN)
