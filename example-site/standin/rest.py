"""Confluence's own REST API, version 1, as far as tools that export a space use it.

All pages are in one space. The one with the lowest ID is its home page, and the others are below
that. Credentials are not looked at: nothing of this project signs in here.
"""

from __future__ import annotations

import re
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlencode

from markdown import markdown

from standin.messages import Answer, json_answer
from standin.records import SPACE_KEY, split_title

if TYPE_CHECKING:
    from standin.messages import Request
    from standin.pages import Pages

MAX_RESULTS = 250

_BODIES = ("view", "export_view", "storage")
_CONTENT = re.compile(r"/rest/api/content/(\d+)")
_ATTACHMENTS = re.compile(r"/rest/api/content/(\d+)/child/attachment")
_DOWNLOAD = re.compile(r"/download/attachments/(\d+)/([^/]+)")
_CODE = re.compile(r'<pre><code(?: class="language-(\w+)")?>(.*?)\n?</code></pre>', re.DOTALL)


def is_rest(request: Request) -> bool:
    """Tell whether a request is one of Confluence's own REST API, or of a download."""
    return request.method == "GET" and request.path.startswith(("/rest/api/", "/download/"))


def requested_content(request: Request) -> str:
    """Return the ID of the page whose content is asked for, or an empty string."""
    address = _CONTENT.fullmatch(request.path)
    return address[1] if address else ""


class ConfluenceRest:
    """Answers for the space, its pages, their attachments, and searches."""

    def __init__(self, pages: Pages) -> None:
        """Answer with `pages`."""
        self._pages = pages

    def answer(self, request: Request) -> Answer:
        """Answer a request for which `is_rest` is true."""
        if address := _CONTENT.fullmatch(request.path):
            return self._content(request, address[1])
        if address := _ATTACHMENTS.fullmatch(request.path):
            return self._attachments(address[1])
        if address := _DOWNLOAD.fullmatch(request.path):
            return self._download(address[1], unquote(address[2]))
        if request.path.endswith("/search"):
            return self._search(request)
        return self._spaces(request.path)

    def _spaces(self, path: str) -> Answer:
        answers = {
            "/rest/api/space": {"results": [self._space()], "size": 1},
            f"/rest/api/space/{SPACE_KEY}": self._space(),
        }
        return json_answer(200, answers[path]) if path in answers else _not_found(path)

    def _space(self) -> dict[str, object]:
        homepage = {"id": self._homepage(), "type": "page"}
        return {"key": SPACE_KEY, "name": "Documentation", "type": "global", "homepage": homepage}

    def _homepage(self) -> str:
        return min(self._pages.ids(), key=int, default="")

    def _content(self, request: Request, page_id: str) -> Answer:
        text = self._pages.read(page_id)
        if text is None:
            return _not_found(f"page {page_id}")
        title, body = split_title(text, page_id)
        bodies = {
            name: {"value": render(body), "representation": name}
            for name in _BODIES
            if f"body.{name}" in request.query_fields().get("expand", "")
        }
        base = f"http://{request.headers.get('Host', '')}"
        links = {"base": base, "webui": f"/spaces/{SPACE_KEY}/pages/{page_id}/{quote(title)}"}
        return json_answer(200, {**self._describe(page_id, text), "body": bodies, "_links": links})

    def _describe(self, page_id: str, text: str) -> dict[str, object]:
        homepage = self._homepage()
        above = [] if page_id == homepage else [{"id": homepage, "title": "", **_IN_SPACE}]
        return {
            "id": page_id,
            "type": "page",
            "status": "current",
            "title": split_title(text, page_id)[0],
            "ancestors": above,
            # Nothing is kept of earlier versions, so the number is one of the text itself.
            "version": {"number": zlib.crc32(text.encode()), "when": "2025-01-01T00:00:00.000Z"},
            "metadata": {"labels": {"results": []}, "properties": {}},
            **_IN_SPACE,
        }

    def _search(self, request: Request) -> Answer:
        fields = request.query_fields()
        found = self._find(fields.get("cql", ""))
        start = int(fields.get("start", "0"))
        limit = min(int(fields.get("limit", "25")), MAX_RESULTS)
        results = [self._describe(each, self._pages.read(each) or "")
                   for each in found[start : start + limit]]  # fmt: skip
        following = urlencode({**fields, "start": start + limit, "limit": limit})
        links = {"next": f"{request.path}?{following}"} if 0 < limit < len(found) - start else {}
        totals = {"size": len(results), "start": start, "limit": limit, "totalSize": len(found)}
        return json_answer(200, {"results": results, **totals, "_links": links})

    def _find(self, cql: str) -> list[str]:
        found = sorted(self._pages.ids(), key=int)
        if below := re.search(r"ancestor\s*=\s*(\d+)", cql):
            return found[1:] if below[1] == self._homepage() else []
        if among := re.search(r"id in \(([\d,]*)\)", cql):
            return [each for each in found if each in among[1].split(",")]
        return found

    def _attachments(self, page_id: str) -> Answer:
        results = [
            {
                "id": f"att{zlib.crc32(name.encode())}",
                "type": "attachment",
                "title": name,
                "version": {"number": zlib.crc32(content)},
                "extensions": {"fileSize": len(content), "fileId": name},
                "container": {"id": page_id, "title": "", "ancestors": [], **_IN_SPACE},
                "_links": {"download": f"/download/attachments/{page_id}/{quote(name)}"},
                **_IN_SPACE,
            }
            for name, content in self._pages.read_attachments(page_id).items()
        ]
        return json_answer(200, {"results": results, "size": len(results)})

    def _download(self, page_id: str, name: str) -> Answer:
        content = self._pages.read_attachments(page_id).get(name)
        if content is None:
            return _not_found(f"attachment {name}")
        return Answer(200, content, "application/octet-stream")


_IN_SPACE = {"_expandable": {"space": f"/rest/api/space/{SPACE_KEY}"}}


@lru_cache(maxsize=4096)
def render(text: str) -> str:
    """Return the body that Confluence would show for a Markdown text; each text is rendered once.

    What it costs to render is Confluence's to pay, not to be measured with whoever asks.
    """
    html = markdown(text, extensions=["tables", "fenced_code"])
    return _CODE.sub(_as_code_macro, html)


def _as_code_macro(block: re.Match[str]) -> str:
    brush = f"brush: {block[1] or 'text'}; gutter: false; theme: Confluence"
    return f'<pre data-syntaxhighlighter-params="{brush}">{block[2]}</pre>'


def _not_found(what: str) -> Answer:
    return json_answer(404, {"statusCode": 404, "message": f"No content found for {what}"})
