"""Results of fetching: pages, attachments and trees."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from mkdocs_confluence_md.cache.records import FACTS_HEADER
from mkdocs_confluence_md.confluence.models import PageFacts, read_facts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mkdocs_confluence_md.cache.records import Cached
    from mkdocs_confluence_md.confluence.archive import Archive
    from mkdocs_confluence_md.confluence.attachments import Reference
    from mkdocs_confluence_md.confluence.models import Tree
    from mkdocs_confluence_md.errors import ConfluenceError, FailureError
    from mkdocs_confluence_md.network.spooling import Content


class Origin(Enum):
    """Where a page came from."""

    CACHE = "from the cache"
    """A fresh copy, without any request."""
    CONFIRMED = "confirmed"
    """A copy that the server said is still good."""
    EXPORTED = "exported"
    STALE = "stale"
    """The last good copy, because there was no answer."""


@dataclass(frozen=True)
class Asset:
    """A file for the site."""

    name: str
    """As it is in Confluence: not a safe one."""
    content: Content


@dataclass(frozen=True)
class Assets:
    """The files that a page refers to, as far as they can be had."""

    files: Mapping[str, Asset] = field(default_factory=dict)
    """By the key of the reference."""
    problems: tuple[tuple[str, str], ...] = ()
    """What was wrong with the export, each with the name that has the problem."""
    error: ConfluenceError | None = None
    """Why there are none, or only copies from earlier."""
    age: float = 0.0
    """Of copies from earlier, in seconds."""


@dataclass(frozen=True)
class FetchedPage:
    """A page as it goes into the site."""

    markdown: str
    origin: Origin
    seconds: float = 0.0
    """From the start of fetching for this build until the page was there."""
    age: float = 0.0
    """Of a copy, in seconds."""
    error: FailureError | None = None
    """Why a copy is stale."""
    assets: Assets | None = None
    """The files that it refers to; None if it refers to none, or they are not wanted."""
    facts: PageFacts | None = None
    """What else Confluence says of it; None where it was not asked."""
    etag: str = ""
    """What the server calls this version of the page, if anything."""


@dataclass(frozen=True)
class WantedPage:
    """A page, and what the cache has of it."""

    page_id: str
    base_url: str
    resource: str
    account: str | None
    copy: Cached | None
    references: Mapping[str, Reference] = field(default_factory=dict)
    """To attachments, in the copy."""
    now: PageFacts | None = None
    """What Confluence has just said of the page."""
    wanted_at: float = 0.0
    """Since when, in seconds since the epoch: a copy of another machine may be newer."""
    was_put_off: bool = False
    """Whether another machine was about to export it."""

    @property
    def is_at_hand(self) -> bool:
        """Whether nothing else has to be looked for."""
        return bool(self.copy and self.copy.fresh and not self.references)

    @property
    def kept(self) -> PageFacts | None:
        """What was kept with the copy."""
        return read_facts(self.copy.headers.get(FACTS_HEADER, "")) if self.copy else None


@dataclass(frozen=True)
class TreeExport:
    """All pages of a tree in one archive."""

    digest: str
    """Of the archive's content."""
    archive: Archive
    texts: Mapping[str, str]
    """The Markdown of its pages by path, in the order of the archive."""
    page_count: int
    """As the exporter says it."""
    has_attachments: bool
    """Whether the attachments of the pages are in it."""


@dataclass(frozen=True)
class FetchedTree:
    """A tree: an export of all its pages, or a list of pages that are exported one by one."""

    origin: Origin
    export: TreeExport | None = None
    listed: Tree | None = None
    """With the IDs of all pages; None for an export."""
    facts: Mapping[str, PageFacts] = field(default_factory=dict)
    """What has just been said of listed pages, by ID."""
    seconds: float = 0.0
    """From the start of fetching for this build until the tree was there."""
    age: float = 0.0
    """Of a copy, in seconds."""
    error: FailureError | None = None
    """Why a copy is stale."""
