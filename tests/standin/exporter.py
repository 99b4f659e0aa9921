"""The exporter's REST API behind both of its gateways."""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from typing import TYPE_CHECKING, Literal

from standin.messages import TEXT, Answer, failure, json_answer
from standin.oauth import EXPORT_SCOPES

if TYPE_CHECKING:
    from standin.faults import Faults
    from standin.messages import Request
    from standin.oauth import OAuthService
    from standin.pages import Pages

APP_ID = "0def1d4f-1593-4dd0-99a3-a098b3959067"
ENVIRONMENT_IDS = frozenset(
    {
        "796457c9-9c03-4382-b44f-d19571068ece",
        "73c9d7be-47c5-479a-b08d-14fb79453df8",
        "08a10a13-932b-47bb-b760-0cc1e93d4a50",
    }
)

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
        fields = request.json() or {}
        if fields.get("bulkExport") or fields.get("spaceKey"):
            return failure(400, "The stand-in exports one page at a time")
        wanted = fields.get("includeAttachments") is True
        attachments = self._pages.read_attachments(page_id) if wanted else {}
        content = self._pages.pack(page_id, markdown, attachments)
        return json_answer(
            200,
            {
                "success": True,
                "exportId": str(uuid.uuid5(uuid.NAMESPACE_OID, page_id)),
                "spaceKey": None,
                "pageId": page_id,
                "pageCount": 1,
                "zipBase64": base64.b64encode(content).decode(),
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
