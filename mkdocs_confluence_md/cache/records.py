"""Keys and records of the cache, written and parsed. Pure.

A copy of a page is kept for each account that exported it, and an alias leads to the latest of any
account. The same holds for the manifest of a page's attachments and for trees; the files
themselves, and the archives of trees, are stored once by their content (SHA-256).
"""

from __future__ import annotations

import calendar
import json
import re
from dataclasses import asdict, dataclass, field
from email.utils import parsedate
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mkdocs_confluence_md.confluence.models import Tree, TreePage
from mkdocs_confluence_md.confluence.refs import SpaceRef, TreeRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True)
class KeptFile:
    """A file that the cache keeps."""

    name: str
    """For a person, so as it is in Confluence: not a safe one."""
    digest: str
    """SHA-256 of its content, in hexadecimal digits."""
    size: int


@dataclass(frozen=True)
class AttachmentManifest:
    """What one export said of the attachments of a page."""

    files: Mapping[str, KeptFile] = field(default_factory=dict)
    """By the key of the reference."""
    missing: tuple[str, ...] = ()
    """Keys of references to what is not in the export."""
    problems: tuple[tuple[str, str], ...] = ()
    """What was wrong with the export, each with the name that has the problem."""

    def covers(self, keys: Iterable[str]) -> bool:
        """Return True if it has an answer for each reference."""
        return self.files.keys() | set(self.missing) >= set(keys)

    @property
    def digests(self) -> set[str]:
        """Those of all its files."""
        return {file.digest for file in self.files.values()}


@dataclass(frozen=True)
class TreeManifest:
    """What the cache keeps of an export of a tree, besides its archive."""

    digest: str
    """SHA-256 of the archive, in hexadecimal digits."""
    page_count: int
    """As the exporter says it."""
    has_attachments: bool
    too_large_at: float = 0.0
    """When it turned out to be too large with attachments, in seconds since the epoch, or 0."""
    problems: tuple[tuple[str, str], ...] = ()
    """What was wrong with the archive before it was packed anew, each with the name that has it."""


def write_manifest(manifest: AttachmentManifest | TreeManifest) -> str:
    """Write a manifest as text."""
    return json.dumps(asdict(manifest), ensure_ascii=False)


def read_manifest(text: str) -> AttachmentManifest | None:
    """Read a manifest; None if it is none of ours."""
    try:
        fields: Any = json.loads(text)
        files = {str(key): _read_file(file) for key, file in fields["files"].items()}
        problems = tuple((str(what), str(name)) for what, name in fields["problems"])
        return AttachmentManifest(files, tuple(map(str, fields["missing"])), problems)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None


def read_tree_manifest(text: str) -> TreeManifest | None:
    """Read a tree's manifest; None if it is none of ours."""
    try:
        fields: Any = json.loads(text)
        return TreeManifest(
            str(fields["digest"]),
            int(fields["page_count"]),
            bool(fields["has_attachments"]),
            float(fields["too_large_at"]),
            tuple((str(problem), str(name)) for problem, name in fields.get("problems", ())),
        )
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None


def write_listing(tree: Tree) -> str:
    """Write a tree as text."""
    return json.dumps(asdict(tree), ensure_ascii=False)


def read_listing(text: str) -> Tree | None:
    """Read a tree; None if it is none."""
    try:
        fields: Any = json.loads(text)
        return Tree(str(fields["title"]), tuple(map(_read_page, fields["roots"])))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _read_page(fields: Mapping[str, Any]) -> TreePage:
    children = tuple(map(_read_page, fields["children"]))
    return TreePage(str(fields["title"]), str(fields["page_id"]), "", children)


def _read_file(fields: Mapping[str, Any]) -> KeptFile:
    return KeptFile(str(fields["name"]), str(fields["digest"]), int(fields["size"]))


_LATEST = "latest "
_FILE = "file sha256:"
_COPY = re.compile(
    r"(https?://[^\s?#]+)/(singleExport|bulkExport)\?pageId=([0-9]+)&account=([0-9a-f]*)"
)
_TREE_COPY = re.compile(
    r"(https?://[^\s?#]+)/(?:bulkExport|listing)\?(tree|space)=([^\s?#&]+)&account=([0-9a-f]*)"
)


@dataclass(frozen=True)
class PageCopy:
    """Which page or tree a copy is of, and whose it is."""

    base_url: str
    """Of the API that exported it."""
    page_id: str
    """Empty for a tree."""
    account: str
    """A hash of the account; empty if it was not known."""
    tree: TreeRef | SpaceRef | None = None

    @property
    def target(self) -> str:
        """What stands for it behind the scheme in `nav`."""
        return self.tree.target if self.tree else self.page_id

    @property
    def host(self) -> str:
        """The host that exported it."""
        return urlsplit(self.base_url).netloc


def page_resource(base_url: str, page_id: str) -> str:
    """Return the name of a page's export, for any account."""
    return f"{base_url}/singleExport?pageId={page_id}"


def attachments_resource(base_url: str, page_id: str) -> str:
    """Return the name of the export of a page's attachments, for any account."""
    return f"{base_url}/bulkExport?pageId={page_id}"


def tree_resource(base_url: str, ref: TreeRef | SpaceRef) -> str:
    """Return the name of a tree's export, for any account."""
    query = f"space={ref.key}" if isinstance(ref, SpaceRef) else f"tree={ref.page_id}"
    return f"{base_url}/bulkExport?{query}"


def listing_resource(base_url: str, ref: TreeRef | SpaceRef) -> str:
    """Name what Confluence's own REST API lists of a tree whose pages are exported from there."""
    return tree_resource(base_url, ref).replace("/bulkExport?", "/listing?")


def file_key(digest: str) -> str:
    """Name a file by its content."""
    return f"{_FILE}{digest}"


def is_file(key: str) -> bool:
    """Return True if a key is that of a file."""
    return key.startswith(_FILE)


def copy_key(resource: str, account: str | None) -> str:
    """Name an account's copy of a resource, as a URL, because CacheControl wants one.

    It is the one that CacheControl makes of it.
    """
    scheme, slashes, rest = resource.partition("://")
    host = re.split("[/?]", rest, maxsplit=1)[0]
    path = rest.removeprefix(host)
    path = path if path.startswith("/") else f"/{path}"
    mark = "&" if "?" in path else "?"
    return f"{scheme.lower()}{slashes}{host.lower()}{path}{mark}account={account or ''}"


def latest_key(resource: str) -> str:
    """Name the alias that leads to the latest copy of a resource."""
    return f"{_LATEST}{resource}"


def is_alias(key: str) -> bool:
    """Return True if a key is that of an alias."""
    return key.startswith(_LATEST)


def read_page_copy(key: str) -> PageCopy | None:
    """Read the key of a page's copy; None if it is another one's, like a cloud ID's."""
    return _read_copy(key, "singleExport")


def read_attachments_copy(key: str) -> PageCopy | None:
    """Read the key of what is known of a page's attachments; None if it is another one's."""
    return _read_copy(key, "bulkExport")


def read_tree_copy(key: str) -> PageCopy | None:
    """Read the key of a tree's copy; None if it is another one's."""
    match = _TREE_COPY.fullmatch(key)
    if match is None:
        return None
    tree = TreeRef(match[3]) if match[2] == "tree" else SpaceRef(match[3])
    return PageCopy(match[1], "", match[4], tree)


def name_attachments_of(key: str) -> str:
    """Turn the key of a page's copy, or of its alias, into that of its attachments."""
    return key.replace("/singleExport?pageId=", "/bulkExport?pageId=")


def _read_copy(key: str, call: str) -> PageCopy | None:
    match = _COPY.fullmatch(key)
    if match is None or match[2] != call:
        return None
    return PageCopy(match[1], match[3], match[4])


@dataclass(frozen=True)
class Cached:
    """A copy from the cache."""

    text: str
    headers: Mapping[str, str]
    """Those that are worth keeping."""
    date: float
    """When it was exported, or confirmed, in seconds since the epoch."""
    age: float
    """Seconds since then."""
    fresh: bool
    """It is younger than was asked for."""
    validators: Mapping[str, str] = field(default_factory=dict)
    """The conditional headers for asking whether a copy that is not fresh is still good."""


FACTS_HEADER = "x-confluence-facts"
"""What is kept with a page's copy besides the answer: what else Confluence says of the page."""

_KEPT_HEADERS = ("etag", "last-modified", FACTS_HEADER)

LIFE = "max-age=1"
"""What is stored of an answer's life: how old it may be is asked when it is read."""

# CacheControl counts in whole seconds; this is "forever" in a build's terms: about 30 years.
FOREVER_SECONDS = 10**9


def keep_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return those headers of an answer that are worth keeping."""
    return {name: headers[name] for name in _KEPT_HEADERS if name in headers}


def count_seconds(max_age: float) -> int:
    """Return a duration as CacheControl counts it."""
    return int(min(max_age, FOREVER_SECONDS))


def read_date(header: str) -> int:
    """Return the seconds since the epoch that the header of an answer stands for.

    Raises:
        ValueError, TypeError: It is not a date.
    """
    return calendar.timegm(parsedate(header) or ())


def make_cached(
    text: str, headers: Mapping[str, str], date: float, now: float, *, fresh: bool
) -> Cached:
    """Return the copy that an answer is."""
    return Cached(text, keep_headers(headers), date, max(0.0, now - date), fresh)


@dataclass(frozen=True)
class CacheEntry:
    """What the cache's table says of one value."""

    key: str
    size: int
    """Of the value, in bytes."""
    stored_at: float
    """Seconds since the epoch."""
    used_at: float
    """Seconds since the epoch, to about a day."""
    target: str = ""
    """The key that an alias leads to."""
