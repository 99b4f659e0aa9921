"""Confluence Cloud's REST API below `/wiki`, and the gateway that leads to it.

Version 2 as `api.md` has it (documented, or seen in public clients), version 1 as it still answers:
searches, with headers that say that they are deprecated, and downloads. Its other calls are gone.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, urlencode

from standin.messages import Answer, json_answer
from standin.rest import render

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from standin.faults import Faults, Route
    from standin.messages import Request
    from standin.pages import Pages
    from standin.records import Hierarchy, PageRecord

MOST_RESULTS = 250
DEFAULT_RESULTS = 25
DEEPEST = 10
"""That one call looks below a page, according to two public clients."""
DEFAULT_DEPTH = 2

TokenKind = Literal["classic", "scoped", "service account"]
"""Which API token the account has, which decides where it works.

- `classic`: HTTP Basic, at the site.
- `scoped`: HTTP Basic, at the gateway only.
- `service account`: Bearer, without an e-mail, at the gateway only.
"""

_GATEWAY = re.compile(r"/ex/confluence/([^/]+)(?=/wiki/)")
_PAGES = "/wiki/api/v2/pages"
_SPACES = "/wiki/api/v2/spaces"
_USERS = "/wiki/api/v2/users-bulk"
_SEARCH = "/wiki/rest/api/content/search"
_BELOW = re.compile(
    r"/wiki/api/v2/(page|folder|whiteboard|database)s/([0-9]+)/(descendants|direct-children)"
)
_FOLDER = re.compile(r"/wiki/api/v2/(folder|whiteboard|database)s/([0-9]+)")
_PAGE = re.compile(r"/wiki/api/v2/pages/([0-9]+)")
_SPACE_PAGES = re.compile(r"/wiki/api/v2/spaces/([0-9]+)/pages")
_REMOVED = re.compile(r"/wiki/rest/api/(?:content(?:/[0-9]+)?|space(?:/[^/]+)?)")
_ATTACHMENTS = re.compile(r"/wiki/api/v2/pages/(\d+)/attachments")
_DOWNLOAD = re.compile(r"/wiki/rest/api/content/(\d+)/child/attachment/(att\d+)/download")
_MEDIA = re.compile(r"/media/(\d+)/(att\d+)")
_CONDITION = re.compile(
    r"""\s*(?:(ancestor|id|type)\s*=\s*(\w+)|(space)\s*=\s*"([^"]*)"|(id)\s+in\s*\(([\d,\s]*)\))\s*""",
    re.IGNORECASE,
)


def is_cloud(request: Request) -> bool:
    """Return True if a request is for this API, or for a file that it led to."""
    path = _strip_gateway(request.path)
    if request.method == "POST":
        return path == _USERS
    return request.method == "GET" and path.startswith(("/wiki/", "/media/"))


def find_route(request: Request) -> Route:
    """Name the kind of a request for which `is_cloud` is true."""
    path = _strip_gateway(request.path)
    exact: dict[str, Route] = {
        _PAGES: "versions",
        _SPACES: "spaces",
        _USERS: "users",
        _SEARCH: "search",
    }
    if path in exact:
        return exact[path]
    if below := _BELOW.fullmatch(path):
        return "descendants" if below[3] == "descendants" else "children"
    forms: dict[re.Pattern[str], Route] = {
        _FOLDER: "folders",
        _SPACE_PAGES: "space_pages",
        _MEDIA: "media",
    }
    return next((forms[form] for form in forms if form.fullmatch(path)), "rest")


def _strip_gateway(path: str) -> str:
    return _GATEWAY.sub("", path, count=1)


class ConfluenceCloud:
    """Answers to those who have an account.

    Args:
        pages: What is in Confluence.
        faults: Say which pages the account may not see.
    """

    def __init__(self, pages: Pages, faults: Faults, cloud_id: str) -> None:
        self._pages = pages
        self._faults = faults
        self._cloud_id = cloud_id
        self.email = "jane@example.com"
        self.api_token = f"ATATT3x{secrets.token_urlsafe(24)}"
        self.token_kind: TokenKind = "classic"
        """Which API token the account has."""
        self.is_custom_domain = False
        """Whether the site's address is a custom domain, which has no API."""
        self._signature = secrets.token_urlsafe(12)

    def answer(self, request: Request) -> Answer:
        """Answer a request for which `is_cloud` is true."""
        if address := _MEDIA.fullmatch(request.path):
            return self._send_media(request, address[1], address[2])
        gateway = _GATEWAY.match(request.path)
        if self.is_custom_domain and not gateway:
            return _refuse(404, "There is no API here")
        if gateway and gateway[1] != self._cloud_id:
            return _refuse(404, "No such site")
        if refusal := self._refuse_caller(request, at_gateway=gateway is not None):
            return refusal
        return self._answer_path(request, _strip_gateway(request.path))

    def _answer_path(self, request: Request, path: str) -> Answer:
        lists = {
            _PAGES: self._list_pages,
            _SPACES: self._list_spaces,
            _USERS: self._list_users,
            _SEARCH: self._search,
        }
        if answer := lists.get(path):
            return answer(request)
        if below := _BELOW.fullmatch(path):
            return self._list_below(request, below[2], direct=below[3] == "direct-children")
        if space := _SPACE_PAGES.fullmatch(path):
            return self._list_space_pages(request, space[1])
        if _REMOVED.fullmatch(path):
            return json_answer(410, {"message": "This deprecated endpoint has been removed."})
        return self._describe(path) or self._answer_about_files(request)

    def _describe(self, path: str) -> Answer | None:
        if page := _PAGE.fullmatch(path):
            return self._describe_page(page[1])
        folder = _FOLDER.fullmatch(path)
        return self._describe_folder(folder[1], folder[2]) if folder else None

    def _answer_about_files(self, request: Request) -> Answer:
        path = _strip_gateway(request.path)
        if address := _ATTACHMENTS.fullmatch(path):
            return self._list_attachments(request, address[1])
        if address := _DOWNLOAD.fullmatch(path):
            return self._redirect(request, address[1], address[2])
        return _refuse(404, f"No route for {request.path}")

    def is_visible(self, record: PageRecord) -> bool:
        """Tell whether the account may see a page."""
        return record.page_id not in self._faults.denied | self._faults.missing

    def _refuse_caller(self, request: Request, *, at_gateway: bool) -> Answer | None:
        """Refuse whoever has no account, or whose token does not work here."""
        if request.headers.get("Authorization", "") != self._authorization():
            message = {"code": 401, "message": "Basic authentication with an API token failed"}
            return json_answer(401, message, {"WWW-Authenticate": 'Basic realm="Confluence"'})
        if at_gateway == (self.token_kind == "classic"):
            message = {"code": 401, "message": "Unauthorized"}
            return json_answer(401, message, {"x-failure-category": "FAILURE_CLIENT_AUTH_MISMATCH"})
        return None

    def _authorization(self) -> str:
        if self.token_kind == "service account":
            return f"Bearer {self.api_token}"
        return f"Basic {base64.b64encode(f'{self.email}:{self.api_token}'.encode()).decode()}"

    # Version 2

    def _list_pages(self, request: Request) -> Answer:
        wanted = request.query_fields().get("id", "").split(",")
        if len(wanted) > MOST_RESULTS or not all(each.isdigit() for each in wanted):
            return _refuse(400, f"id takes up to {MOST_RESULTS} numbers")
        hierarchy = self._pages.snapshot()
        found = [hierarchy.records[each] for each in sorted(set(wanted), key=int)
                 if each in hierarchy.records]  # fmt: skip
        seen = [each for each in found if each.kind == "page" and self.is_visible(each)]
        return _page_v2(request, [self._describe_v2(each, hierarchy) for each in seen])

    def _describe_v2(self, record: PageRecord, hierarchy: Hierarchy) -> dict[str, object]:
        above = hierarchy.records.get(record.parent)
        author = record.author.account_id
        return {
            "id": record.page_id,
            "status": "current",
            "title": record.title,
            "spaceId": self._pages.spaces[record.space].space_id,
            "parentId": record.parent or None,
            "parentType": above.kind if above else None,
            "position": record.position if record.position >= 0 else None,
            "authorId": author,
            "version": {
                "number": record.version,
                "createdAt": record.changed_at,
                "authorId": author,
                "message": "",
                "minorEdit": False,
            },
            "_links": {"webui": f"/spaces/{record.space}/pages/{record.page_id}"},
        }

    def _list_below(self, request: Request, content_id: str, *, direct: bool) -> Answer:
        hierarchy = self._pages.snapshot()
        root = hierarchy.records.get(content_id)
        depth = 1 if direct else int(request.query_fields().get("depth", DEFAULT_DEPTH))
        if not 1 <= depth <= DEEPEST:
            return _refuse(400, f"depth is from 1 to {DEEPEST}")
        if root is None or not self.is_visible(root):
            return _refuse(404, f"No content {content_id}")
        return _page_v2(request, list(self._describe_below(hierarchy, content_id, depth)))

    def _describe_below(
        self, hierarchy: Hierarchy, content_id: str, depth: int, level: int = 1
    ) -> Iterator[dict[str, object]]:
        for record in hierarchy.children(content_id):
            if self.is_visible(record):
                yield {
                    "id": record.page_id,
                    "status": "current",
                    "title": record.title,
                    "type": record.kind,
                    "parentId": content_id,
                    "depth": level,
                    "childPosition": record.position if record.position >= 0 else None,
                }
                if level < depth:
                    yield from self._describe_below(hierarchy, record.page_id, depth, level + 1)

    def _describe_folder(self, kind: str, content_id: str) -> Answer:
        hierarchy = self._pages.snapshot()
        record = hierarchy.records.get(content_id)
        if record is None or record.kind != kind:
            return _refuse(404, f"No {kind} {content_id}")
        return json_answer(200, {**self._describe_v2(record, hierarchy), "type": kind})

    def _list_space_pages(self, request: Request, space_id: str) -> Answer:
        keys = [key for key, space in self._pages.spaces.items() if space.space_id == space_id]
        if not keys:
            return _refuse(404, f"No space {space_id}")
        # Without `depth=all`, only what is at the top.
        is_whole = request.query_fields().get("depth") == "all"
        hierarchy = self._pages.snapshot()
        found = [
            self._describe_v2(record, hierarchy)
            for record in hierarchy.records.values()
            if record.space in keys and record.kind == "page" and self.is_visible(record)
            if is_whole or not record.parent
        ]
        return _page_v2(request, found)

    def _list_users(self, request: Request) -> Answer:
        wanted = (request.json() or {}).get("accountIds")
        if not isinstance(wanted, list) or len(wanted) > MOST_RESULTS:
            return _refuse(400, "accountIds is a list")
        authors = {each.author for each in self._pages.snapshot().records.values()}
        found = sorted(each for each in authors if each.account_id in wanted)
        results = [{"accountId": each.account_id, "displayName": each.name} for each in found]
        return json_answer(200, {"results": results})

    def _describe_page(self, page_id: str) -> Answer:
        hierarchy = self._pages.snapshot()
        record = hierarchy.records.get(page_id)
        if record is None or record.kind != "page" or not self.is_visible(record):
            return _refuse(404, f"No page {page_id}")
        body = {"view": {"representation": "view", "value": render(record.markdown)}}
        return json_answer(200, {**self._describe_v2(record, hierarchy), "body": body})

    def _list_spaces(self, request: Request) -> Answer:
        hierarchy = self._pages.snapshot()
        keys = request.query_fields().get("keys", "").split(",")
        found = [space for key, space in self._pages.spaces.items() if key in keys]
        results = [
            {
                "id": space.space_id,
                "key": space.key,
                "name": space.name,
                "type": "global",
                "homepageId": self._pages.find_home(space.key, hierarchy) or None,
            }
            for space in found
        ]
        return _page_v2(request, results)

    def _list_attachments(self, request: Request, page_id: str) -> Answer:
        record = self._pages.snapshot().records.get(page_id)
        if record is None or not self.is_visible(record):
            return _refuse(404, f"No page {page_id}")
        results = [
            {
                "id": _name_attachment(name),
                "status": "current",
                "title": name,
                "pageId": page_id,
                "fileSize": len(content),
                "mediaType": "application/octet-stream",
                "version": {"number": 1 + zlib.crc32(content), "createdAt": record.changed_at},
                "downloadLink": f"/download/attachments/{page_id}/{quote(name)}",
            }
            for name, content in self._pages.read_attachments(page_id).items()
        ]
        return _page_v2(request, results)

    # Version 1

    def _search(self, request: Request) -> Answer:
        fields = request.query_fields()
        hierarchy = self._pages.snapshot()
        conditions = _read_cql(fields.get("cql", ""))
        if conditions is None:
            return _refuse(400, "Could not parse cql")
        found = [each for each in hierarchy.records.values()
                 if self.is_visible(each) and _fits(each, conditions)]  # fmt: skip
        # In an order that is neither the tree's nor the alphabet's, because none is promised.
        found.sort(key=lambda each: zlib.crc32(each.page_id.encode()))
        start, limit = _read_window(request)
        expand = fields.get("expand", "").split(",")
        results = [_describe_v1(each, expand, hierarchy) for each in found[start : start + limit]]
        links = {"base": f"{_origin(request)}/wiki", "context": "/wiki"}
        if start + limit < len(found):
            following = urlencode(
                {**fields, "next": "true", "limit": limit, "cursor": start + limit}
            )
            links["next"] = f"{_SEARCH.removeprefix('/wiki')}?{following}"
        totals = {"start": start, "limit": limit, "size": len(results)}
        deprecated = {"Deprecation": "true", "Warning": '299 - "Deprecated API"'}
        return json_answer(200, {"results": results, **totals, "_links": links}, deprecated)

    def _redirect(self, request: Request, page_id: str, attachment_id: str) -> Answer:
        if self._find_attachment(page_id, attachment_id) is None:
            return _refuse(404, f"No attachment {attachment_id}")
        # Another origin than any that a test gives as the site.
        port = request.headers.get("Host", "").rpartition(":")[2]
        location = (
            f"http://localhost:{port}/media/{page_id}/{attachment_id}?token={self._signature}"
        )
        return Answer(302, headers={"Location": location})

    def _send_media(self, request: Request, page_id: str, attachment_id: str) -> Answer:
        if "Authorization" in request.headers:
            return _refuse(400, "Only one auth mechanism allowed")
        content = self._find_attachment(page_id, attachment_id)
        if content is None or request.query_fields().get("token") != self._signature:
            return _refuse(403, "The signature is not valid")
        return Answer(200, content, "application/octet-stream")

    def _find_attachment(self, page_id: str, attachment_id: str) -> bytes | None:
        files = self._pages.read_attachments(page_id)
        return {_name_attachment(name): files[name] for name in files}.get(attachment_id)


def requested_page(request: Request) -> str:
    """Return the ID of the page whose files are asked for, or an empty string."""
    for address in _ATTACHMENTS, _DOWNLOAD, _MEDIA:
        if match := address.fullmatch(_strip_gateway(request.path)):
            return match[1]
    return ""


def _describe_v1(
    record: PageRecord, expand: Sequence[str], hierarchy: Hierarchy
) -> dict[str, object]:
    description: dict[str, object] = {
        "id": record.page_id,
        "type": record.kind,
        "status": "current",
        "title": record.title,
        "extensions": {"position": record.position if record.position >= 0 else "none"},
    }
    if "version" in expand:
        author = {"type": "known", "accountId": record.author.account_id,
                  "displayName": record.author.name}  # fmt: skip
        version = {"number": record.version, "when": record.changed_at, "by": author}
        description["version"] = version
    if "metadata.labels" in expand:
        labels = [{"prefix": "global", "name": each, "label": each} for each in record.labels]
        description["metadata"] = {"labels": {"results": labels, "size": len(labels)}}
    if "ancestors" in expand:
        description["ancestors"] = [
            {"id": each.page_id, "type": each.kind, "title": each.title}
            for each in hierarchy.ancestors(record.page_id)
        ]
    return description


def _read_cql(cql: str) -> list[tuple[str, str]] | None:
    conditions = []
    for part in re.split(r"\s+and\s+", cql, flags=re.IGNORECASE):
        match = _CONDITION.fullmatch(part)
        if match is None:
            return None
        name, value = (text for text in match.groups() if text is not None)
        conditions.append((name.lower(), value))
    return conditions


def _fits(record: PageRecord, conditions: list[tuple[str, str]]) -> bool:
    def fits(name: str, value: str) -> bool:
        if name == "ancestor":  # seen to find nothing
            return False
        if name == "id":
            return record.page_id in _split_ids(value)
        return value == (record.space if name == "space" else record.kind)

    return all(fits(name, value) for name, value in conditions)


@lru_cache(maxsize=16)
def _split_ids(value: str) -> frozenset[str]:
    return frozenset(re.split(r"[,\s]+", value))


def _page_v2(request: Request, results: list[dict[str, Any]]) -> Answer:
    """Answer with as many results as are asked for, and the address of the others."""
    start, limit = _read_window(request)
    if limit > MOST_RESULTS:
        return _refuse(400, f"limit is at most {MOST_RESULTS}")
    links = {"base": f"{_origin(request)}/wiki"}
    if start + limit < len(results):
        fields = {**request.query_fields(), "cursor": start + limit}
        # Relative to the site, also at the gateway (seen).
        links["next"] = f"{_strip_gateway(request.path)}?{urlencode(fields)}"
    return json_answer(200, {"results": results[start : start + limit], "_links": links})


def _read_window(request: Request) -> tuple[int, int]:
    fields = request.query_fields()
    limit = int(fields.get("limit", DEFAULT_RESULTS))
    # Version 1 takes a larger limit for what it can do, version 2 refuses it.
    is_search = _strip_gateway(request.path) == _SEARCH
    limit = min(limit, MOST_RESULTS) if is_search else limit
    return int(fields.get("cursor", "0")), limit


def _origin(request: Request) -> str:
    return f"http://{request.headers.get('Host', '')}"


def _name_attachment(name: str) -> str:
    return f"att{zlib.crc32(name.encode())}"


def _refuse(status: int, message: str) -> Answer:
    content = {"errors": [{"status": status, "title": message}], "message": message}
    return Answer(status, json.dumps(content).encode())
