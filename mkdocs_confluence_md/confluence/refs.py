"""Parse references to Confluence pages, trees and spaces. Pure.

The forms of URLs are those that Confluence Cloud shows in the address bar and in its share dialog.
All of them are parsed offline, tiny links (`/wiki/x/CODE`) included.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import SplitResult, parse_qs, unquote, unquote_plus, urlsplit

SCHEME = "confluence:"
_TITLE = SCHEME.removesuffix(":")


@dataclass(frozen=True)
class PageRef:
    """One page."""

    page_id: str
    """Decimal digits; more than 32 bits, so never a number."""
    host: str = ""
    """The host that a pasted URL names, in lower case; empty for a bare ID."""
    title: str = field(default="", compare=False)
    """What a pasted URL spells: the title when it was copied, without some of its punctuation."""


@dataclass(frozen=True)
class TreeRef:
    """A page and all its descendants: `confluence:ID/`."""

    page_id: str

    @property
    def name(self) -> str:
        """What it is called in a sentence."""
        return f"tree of page {self.page_id}"

    @property
    def target(self) -> str:
        """What stands behind the scheme in `nav`."""
        return f"{self.page_id}/"


@dataclass(frozen=True)
class SpaceRef:
    """All pages of a space: `confluence:space/KEY`."""

    key: str

    @property
    def name(self) -> str:
        """What it is called in a sentence."""
        return f"space {self.key}"

    @property
    def target(self) -> str:
        """What stands behind the scheme in `nav`."""
        return f"space/{self.key}"


@dataclass(frozen=True)
class Complaint:
    """Why a text is not a valid reference, and what to write instead."""

    entry: str
    """The text as it was written."""
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"'{self.entry}': {self.reason} {self.remedy}"


Reference: TypeAlias = PageRef | TreeRef | SpaceRef

_ID = re.compile(r"[0-9]+")
# mkdocs-multirepo-plugin joins a folder and an entry by `pathlib`, mkdocs-monorepo-plugin by "/".
_IN_FOLDER = re.compile(rf"(?:[^\s:/]+/)+({SCHEME}.*)", re.DOTALL | re.IGNORECASE)
_ID_IN_FOLDER = re.compile(r"(?:(?!\.{1,2}/)[^\s:/]+/)+([0-9]+/?)")
_LOST_SLASH = re.compile(r"(?<=https:)/(?!/)", re.IGNORECASE)
_SPACE_KEY = re.compile(r"~?[A-Za-z0-9._:-]+")
_TINY_CODE = re.compile(r"[A-Za-z0-9_-]{1,11}")
_PAGE_PATH = re.compile(
    r"/wiki(?:/spaces/[^/]+)?/pages/(?:edit[a-z0-9-]*/)?([0-9]+)(?:/(.*))?", re.DOTALL
)
_TITLE_PATH = re.compile(r"/wiki/display/[^/]+/(.*)", re.DOTALL)
_ACTION_PATH = re.compile(r"/wiki/pages/[a-z]+\.action")
_OVERVIEW_PATH = re.compile(r"/wiki/spaces/[^/]+/overview/?")
_TINY_PATH = re.compile(r"/wiki/x/([^/]*)/?")
_SPACE_PATH = re.compile(r"/wiki/spaces/([^/]+)(?:/(?:overview|pages))?/?")

_URL_WITHOUT_SCHEME = re.compile(
    r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::[0-9]+)?/(?:wiki|l)/"
    r"|[A-Za-z0-9-]+\.atlassian\.net/(?:spaces|pages|display|x)/",
    re.IGNORECASE,
)

GATEWAY_PATH = re.compile(r"^/ex/confluence/[^/]+(?=/)")
"""What Atlassian's gateway puts before a site's own paths."""

_WITHOUT_CONTEXT = re.compile(
    r"((?:https?://[^/?#\s]*)?)"
    r"(?=/(?:spaces|display|x|download|rest/api)/|/pages/(?:[a-z]+\.action|edit[a-z0-9-]*/|[0-9]))",
    re.IGNORECASE,
)

_PASTE_PAGE = (
    "Open the page in Confluence and paste its address, like "
    "https://acme.atlassian.net/wiki/spaces/ENG/pages/123456/Title, or write confluence:123456."
)
_NOT_PAGES = (
    (re.compile(r"/wiki(?:/spaces/[^/]+)?/blog(?:/.*)?"), "this is a blog post, not a page."),
    (re.compile(r"/wiki(?:/spaces/[^/]+)?/folder(?:/.*)?"), "this is a folder, not a page."),
    (
        re.compile(r"/wiki(?:/spaces/[^/]+)?/whiteboard(?:/.*)?"),
        "this is a whiteboard, not a page.",
    ),
    (re.compile(r"/wiki(?:/spaces/[^/]+)?/database(?:/.*)?"), "this is a database, not a page."),
    (re.compile(r"/wiki/display/.*"), "an address with /display/ has a title but no page ID."),
    (
        re.compile(r"(?:/wiki)?/l/cp/.*"),
        "a share link with /l/cp/ can only be resolved by Confluence.",
    ),
)


def has_scheme(text: str) -> bool:
    """Return True if a text is meant as a reference: `confluence:…`."""
    return text.strip().lower().startswith(SCHEME)


def may_refer(text: str) -> bool:
    """Return True if a text may have a reference in it, or the address of a page. Quick."""
    lowered = text.lower()
    return _TITLE in lowered or "/wiki/" in lowered or ".atlassian.net/" in lowered


_SIGNS = ("/wiki", "/l/cp/", "/spaces/", "/pages/", "/display/", "/x/", ".atlassian.", ".atl-paas.")


def may_be_ours(text: str) -> bool:
    """Return True if a link, or HTML with links, may have to do with Confluence. Quick."""
    return any(sign in text for sign in _SIGNS) or SCHEME in text.lower()


def parse_nav_entry(title: str | None, value: str) -> Reference | Complaint | None:
    """Read one entry of `nav`; None means that it is none of ours.

    Args:
        title: The entry's key, None for a bare string.
        value: The entry's text. Plugins that bring several repositories together put a folder
            before it, as they do with paths.
    """
    if match := _IN_FOLDER.fullmatch(value):
        found = parse_reference(_LOST_SLASH.sub("//", match[1]))
        return None if isinstance(found, Complaint) else found  # a file may be called so
    if has_scheme(value):
        return parse_reference(value)
    if title != _TITLE:
        return None
    match = _ID_IN_FOLDER.fullmatch(value)
    text = match[1] if match else value.strip()
    # `confluence: notes.md` is a local file that happens to have this title. So only an ID, a
    # URL, and what can be nothing else than a slip in an ID (nothing, a negative number) is ours.
    if re.fullmatch(r"-?[0-9]*/?", text) or is_confluence_url(text):
        return parse_reference(text if match else value)
    return None


def parse_reference(text: str) -> Reference | Complaint:
    """Read `confluence:…`, or what stands behind that scheme: an ID, a URL, a tree, a space."""
    entry = text.strip()
    target = entry[len(SCHEME) :].strip() if has_scheme(entry) else entry
    if not target:
        return Complaint(text, "the page ID is missing.", "Write confluence:123456.")
    if _ID.fullmatch(target):
        return PageRef(target)
    if _URL_WITHOUT_SCHEME.match(target):
        target = f"https://{target}"
    if target.lower().startswith(("http://", "https://")):
        return _parse_url(text, target)
    if target.startswith("space/"):
        return _parse_space(text, target.removeprefix("space/").rstrip("/"))
    if target.endswith("/") and _ID.fullmatch(target[:-1]):
        return TreeRef(target[:-1])
    return Complaint(
        text, "this is neither a page ID (only digits) nor the address of a page.", _PASTE_PAGE
    )


def is_confluence_url(text: str) -> bool:
    """Return True if a text is the URL of something in Confluence Cloud, on whatever host."""
    url = _split_url(text)
    if url is None or url.scheme.lower() not in ("http", "https") or not url.hostname:
        return False
    if url.hostname.endswith(".atlassian.net"):
        url = urlsplit(add_context(text))
        return url.path == "/wiki" or url.path.startswith(("/wiki/", "/l/cp/"))
    # A custom domain: sure only of the forms that lead to something.
    path = unquote(url.path)
    return _page_id_in_url(url) is not None or any(form.fullmatch(path) for form, _ in _NOT_PAGES)


def decode_tiny_code(code: str) -> str | None:
    """Decode the code of a tiny link (`/wiki/x/CODE`) into a page ID; None if it is none.

    The code is the ID as 8 little-endian bytes in base64, with `/` and `+` replaced and
    the trailing zeros (`A`) cut off.
    """
    if not _TINY_CODE.fullmatch(code):
        return None
    base64_text = code.replace("-", "/").replace("_", "+").ljust(11, "A") + "="
    number = int.from_bytes(base64.b64decode(base64_text), "little")
    return str(number) if number else None


def without_gateway(url: SplitResult) -> str:
    """Return the path of a URL; without what the API's gateway puts before the site's own."""
    is_gateway = (url.hostname or "").lower() == "api.atlassian.com"
    return GATEWAY_PATH.sub("", url.path) if is_gateway else url.path


def add_context(address: str) -> str:
    """Return an address in Confluence with the `/wiki` that some forms leave out.

    Args:
        address: A URL on a host of Confluence, or a path from its root.
    """
    match = _WITHOUT_CONTEXT.match(address)
    return f"{match[1]}/wiki{address[match.end(1) :]}" if match else address


def title_in_url(text: str) -> str:
    """Return the title that the address of a page spells; empty where it has none.

    It was the title when the address was copied, without some of its punctuation.
    """
    url = _split_url(add_context(text))
    path = unquote_plus(url.path) if url else ""
    match = _PAGE_PATH.fullmatch(path) or _TITLE_PATH.fullmatch(path)
    return (match[match.re.groups] or "") if match else ""


def space_in_path(path: str) -> str:
    """Return the key of the space whose overview has a path; empty if none has."""
    match = _SPACE_PATH.fullmatch(path)
    return match[1] if match and _SPACE_KEY.fullmatch(match[1]) else ""


def space_url(site: str, key: str) -> str:
    """Return the address of a space, below the site's origin."""
    return f"{site}/wiki/spaces/{key}"


def view_url(site: str, page_id: str) -> str:
    """Return the address of a page for readers, below the site's origin."""
    return f"{site}/wiki/pages/viewpage.action?pageId={page_id}"


def editor_url(site: str, page_id: str) -> str:
    """Return the address of a page's editor.

    This form does without the word "edit", because themes make the link of a "view source" button
    by replacing that word.
    """
    return f"{site}/wiki/pages/resumedraft.action?draftId={page_id}"


def _split_url(text: str) -> SplitResult | None:
    try:
        url = urlsplit(text)
        url.port  # noqa: B018  reading it is what checks it
    except ValueError:  # for instance an unclosed bracket in the host
        return None
    return url


def _parse_space(entry: str, key: str) -> SpaceRef | Complaint:
    if _SPACE_KEY.fullmatch(key):
        return SpaceRef(key)
    return Complaint(
        entry,
        "this is not a valid space key.",
        "Write the key that follows /wiki/spaces/ in the address of the space: "
        "confluence:space/ENG.",
    )


def _parse_url(entry: str, text: str) -> PageRef | Complaint:
    url = _split_url(text)
    if url is None or not url.hostname:
        return Complaint(entry, "this is not a valid URL.", _PASTE_PAGE)
    if url.hostname.endswith(".atlassian.net"):
        url = urlsplit(add_context(text))
    page_id = _page_id_in_url(url)
    if page_id is not None:
        return PageRef(page_id, url.hostname or "", title_in_url(text).strip())
    return Complaint(entry, *_explain_url(unquote(url.path)))


def _page_id_in_url(url: SplitResult) -> str | None:
    path = unquote(url.path)
    if match := _PAGE_PATH.fullmatch(path):
        return match[1]
    if match := _TINY_PATH.fullmatch(path):
        return decode_tiny_code(match[1])
    if _ACTION_PATH.fullmatch(path):
        return _query_id(url.query, "pageId", "draftId")
    if _OVERVIEW_PATH.fullmatch(path):
        return _query_id(url.query, "homepageId")
    return None


def _query_id(query: str, *names: str) -> str | None:
    values = parse_qs(query)
    candidates = (value for name in names for value in values.get(name, []))
    return next((value for value in candidates if _ID.fullmatch(value)), None)


def _explain_url(path: str) -> tuple[str, str]:
    """Say why the path of a URL leads to no page, and what to write instead."""
    for form, reason in _NOT_PAGES:
        if form.fullmatch(path):
            return reason, _PASTE_PAGE
    if _TINY_PATH.fullmatch(path):
        return "the code of this short link cannot be decoded.", _PASTE_PAGE
    if key := space_in_path(path):
        return (
            "this is the address of a space, not of a page.",
            f"Write confluence:space/{key} for all of its pages, or paste the address of one page.",
        )
    if _ACTION_PATH.fullmatch(path):
        return "this address has no page ID in its query.", _PASTE_PAGE
    return "this is not the address of a Confluence Cloud page.", _PASTE_PAGE
