"""The exporter's REST API behind both of its gateways."""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from typing import TYPE_CHECKING, Literal

from standin.messages import TEXT, Answer, failure, json_answer
from standin.oauth import APP_ID, EXPORT_SCOPES

if TYPE_CHECKING:
    from collections.abc import Container

    from standin.faults import Faults
    from standin.messages import Request
    from standin.oauth import OAuthService
    from standin.pages import Pages

ENVIRONMENT_IDS = frozenset(
    {
        "796457c9-9c03-4382-b44f-d19571068ece",
        "73c9d7be-47c5-479a-b08d-14fb79453df8",
        "08a10a13-932b-47bb-b760-0cc1e93d4a50",
    }
)

ROUTES = frozenset({"export", "bulk"})
DEFAULT_PAGES = 50
MOST_PAGES = 100

_PATH = re.compile(
    r"/(?:svc/confluence/(?P<cloud>[^/]+)|gateway/api/svc/confluence)"
    r"/apps/(?P<app>[^/_]+)_(?P<environment>[^/_]+)/(?P<call>singleExport|bulkExport)"
)


def find_route(request: Request) -> Literal["export", "bulk"] | None:
    """Tell whether a request is a `singleExport` or a `bulkExport`, to whichever app."""
    address = _PATH.fullmatch(request.path) if request.method == "POST" else None
    if address is None:
        return None
    return "export" if address["call"] == "singleExport" else "bulk"


def requested_page(request: Request) -> str:
    """Return the page ID in the body, or an empty string."""
    page_id = (request.json() or {}).get("pageId")
    return page_id if isinstance(page_id, str) else ""


def requested_tree(request: Request) -> str:
    """Return the root's ID or the space's key, if it is a tree that is asked for."""
    fields = request.json() or {}
    if page_id := requested_page(request):
        return page_id if fields.get("bulkExport") is True else ""
    space = fields.get("spaceKey")
    return space if isinstance(space, str) else ""


class Exporter:
    """Answers `singleExport` and `bulkExport`."""

    def __init__(self, *, cloud_id: str, pages: Pages, oauth: OAuthService, faults: Faults) -> None:
        """Export `pages` of the site `cloud_id` to holders of a token of `oauth`."""
        self._cloud_id = cloud_id
        self._pages = pages
        self._oauth = oauth
        self._faults = faults

    def export(self, request: Request) -> Answer:
        """Answer an export, or say why not."""
        refusal = self._refuse_caller(request) or self._refuse_address(request)
        return refusal or self._page(request)

    def _refuse_caller(self, request: Request) -> Answer | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        scopes = self._oauth.scopes_of(token) if scheme.lower() == "bearer" else None
        if scopes is None or self._faults.take_unauthorized():
            return json_answer(401, {"code": 401, "message": "Unauthorized"})
        if self._faults.missing_scope or not scopes >= EXPORT_SCOPES:
            return json_answer(
                401,
                {"code": 401, "message": "Unauthorized; scope does not match"},
                {"x-failure-category": "FAILURE_CLIENT_SCOPE_CHECK"},
            )
        return None

    def _refuse_address(self, request: Request) -> Answer | None:
        address = _PATH.fullmatch(request.path)
        if (
            address is None
            or address["cloud"] not in {None, self._cloud_id}
            or address["app"] != APP_ID
            or address["environment"] not in ENVIRONMENT_IDS
        ):
            return failure(404, "App not found")
        if self._faults.app_disabled:
            return failure(403, "App REST APIs are disabled")
        return None

    def _page(self, request: Request) -> Answer:
        page_id = requested_page(request)
        if find_route(request) == "bulk" and requested_tree(request):
            return self._tree(request)
        if not page_id:
            return failure(400, "pageId is required")
        if page_id in self._faults.denied:
            return failure(403, f"You may not see page {page_id}")
        markdown = None if page_id in self._faults.missing else self._pages.read(page_id)
        if markdown is None:
            return failure(404, f"Page {page_id} not found")
        if find_route(request) == "bulk":
            return self._archive(request, page_id, markdown)
        return self._markdown(request, markdown.encode())

    def _archive(self, request: Request, page_id: str, markdown: str) -> Answer:
        wanted = (request.json() or {}).get("includeAttachments") is True
        attachments = self._pages.read_attachments(page_id) if wanted else {}
        return self._bulk(request, self._pages.pack(page_id, markdown, attachments), 1)

    def _tree(self, request: Request) -> Answer:
        fields = request.json() or {}
        page_id, tree = requested_page(request), requested_tree(request)
        limit = fields.get("maxPages", DEFAULT_PAGES)
        if not isinstance(limit, int) or not 1 <= limit <= MOST_PAGES:
            return failure(400, f"maxPages is a number from 1 to {MOST_PAGES}")
        hierarchy = self._pages.snapshot()
        known: Container[str] = hierarchy.records if page_id else self._pages.spaces
        if page_id in self._faults.denied:
            return failure(403, f"You may not see page {page_id}")
        if tree not in known or page_id in self._faults.missing:
            return failure(404, f"{'Page' if page_id else 'Space'} {tree} not found")
        with_attachments = fields.get("includeAttachments") is True
        if with_attachments and self._faults.large_tree_status:
            return failure(self._faults.large_tree_status, "Invocation failed")
        hidden = self._faults.denied | self._faults.missing
        content, count = self._pages.pack_tree(
            hierarchy,
            [hierarchy.records[tree]] if page_id else hierarchy.tops(tree),
            limit=limit,
            with_attachments=with_attachments,
            is_visible=lambda record: record.page_id not in hidden,
        )
        return self._bulk(request, self._pages.tree_archives.get(tree, content), count)

    def _bulk(self, request: Request, content: bytes, count: int) -> Answer:
        fault = self._faults.archive_fault
        if fault == "refused":
            return json_answer(200, {"success": False, "message": "The export failed"})
        if fault == "truncated":
            content = content[: len(content) // 2]
        if fault == "no-zip":
            content = b"This is no archive."
        encoded = base64.b64encode(content).decode()
        page_id, space = requested_page(request), (request.json() or {}).get("spaceKey")
        return json_answer(
            200,
            {
                "success": True,
                "exportId": str(uuid.uuid5(uuid.NAMESPACE_OID, page_id or str(space))),
                "spaceKey": space,
                "pageId": page_id or None,
                "pageCount": count,
                "zipBase64": f"{encoded[:-5]}%{encoded[-4:]}" if fault == "no-base64" else encoded,
            },
        )

    def _markdown(self, request: Request, content: bytes) -> Answer:
        if not self._faults.etags:
            return Answer(200, content, TEXT)
        etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        known = request.headers.get("If-None-Match", "").split(",")
        if etag in (each.strip().removeprefix("W/") for each in known):
            return Answer(304, headers={"ETag": etag})
        return Answer(200, content, TEXT, {"ETag": etag})
