"""Fetch trees of pages: from the cache, or by one export of all their pages."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mkdocs_confluence_md.cache.records import (
    TreeManifest,
    listing_resource,
    read_listing,
    read_tree_manifest,
    tree_resource,
    write_listing,
    write_manifest,
)
from mkdocs_confluence_md.confluence.archive import (
    ArchiveProblem,
    Limits,
    Problem,
    pack,
    read_archive,
)
from mkdocs_confluence_md.confluence.content import redact_tokens
from mkdocs_confluence_md.confluence.listing import has_children, list_pages, make_contradiction
from mkdocs_confluence_md.confluence.refs import SpaceRef, TreeRef
from mkdocs_confluence_md.confluence.responses import DIVIDE_TREE
from mkdocs_confluence_md.errors import (
    ConfluenceError,
    FailureError,
    MissingError,
    NoAccessError,
    TooLargeError,
)
from mkdocs_confluence_md.fetch.results import FetchedTree, Origin, TreeExport
from mkdocs_confluence_md.fetch.threads import describe_absence
from mkdocs_confluence_md.network.spooling import Spool, make_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mkdocs_confluence_md.cache.policy import ExportCache
    from mkdocs_confluence_md.confluence.archive import Archive, ArchiveEntry
    from mkdocs_confluence_md.confluence.models import Listing, Tree
    from mkdocs_confluence_md.confluence.rest import ConfluenceRest
    from mkdocs_confluence_md.fetch.fetcher import AnyExporter, BaseUrlFinder
    from mkdocs_confluence_md.fetch.versions import Versions


# It takes the app's 25 seconds several times to find out that a tree is too large, so that is not
# done in each build.
_SECONDS_TOO_LARGE = 86400.0


@dataclass(frozen=True)
class _Kept:
    """What the cache has."""

    manifest: TreeManifest
    export: TreeExport
    age: float
    fresh: bool


class TreeExports:
    """Finds trees. Safe to use from many threads.

    Args:
        exporter: Asked for what the cache does not have.
        cache: Asked first.
        base_urls: Where the exporter is.
        max_age: Seconds for which a copy counts as fresh; `inf` is forever.
        offline: Take the last good copy whatever its age, and never use the network.
        attachments: Have the attachments of all pages in the export.
        limits: What an export may be.
        clock: Returns seconds since the epoch.
    """

    def __init__(  # noqa: PLR0913  it has that many settings
        self,
        exporter: AnyExporter,
        cache: ExportCache,
        base_urls: BaseUrlFinder,
        *,
        max_age: float,
        offline: bool,
        attachments: bool,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._exporter = exporter
        self._cache = cache
        self._base_urls = base_urls
        self._max_age = float("inf") if offline else max_age
        self._offline = offline
        self._attachments = attachments
        self._limits = limits or Limits()
        self._clock = clock
        self._one_in_memory = threading.Lock()
        """Held while a whole archive is in memory."""
        self._opened: dict[TreeRef | SpaceRef, TreeExport] = {}
        """The last export of each tree: it is not unpacked again while it stays the same."""

    def fetch(self, ref: TreeRef | SpaceRef) -> FetchedTree:
        """Return a tree; asks for an export if it must.

        Raises:
            ConfluenceError: It could not be fetched.
        """
        resource = tree_resource(self._base_urls.find(), ref)
        account = self._base_urls.find_account()
        kept = self._find_kept(ref, resource, account)
        if kept and (self._offline or self._is_enough(kept)):
            return FetchedTree(Origin.CACHE, kept.export, age=kept.age)
        if self._offline:
            raise describe_absence(f"the {ref.name}")
        now = self._clock()
        try:
            with self._cache.hold_lease(resource, account, patiently=True):
                if self._cache.leases:  # another machine may have exported it just now
                    kept = self._find_kept(ref, resource, account, since=now) or kept
                if kept and self._is_enough(kept):
                    return FetchedTree(Origin.CACHE, kept.export, age=kept.age)
                return self._export(ref, resource, kept)
        except NoAccessError:
            account = self._exporter.auth.account()
            self._cache.forget(resource, account)
            self._cache.note_account(account)
            raise
        except FailureError as error:
            if self._exporter.auth.account() != account:  # the export was the sign-in
                kept = self._find_kept(ref, resource, self._exporter.auth.account())
            if kept is None:
                raise
            return FetchedTree(Origin.STALE, kept.export, age=kept.age, error=error)

    def _is_enough(self, kept: _Kept) -> bool:
        """Return True if there is nothing left to export."""
        return kept.fresh and (
            not self._attachments
            or kept.manifest.has_attachments
            or self._is_too_large(kept.manifest)
        )

    def _is_too_large(self, manifest: TreeManifest) -> bool:
        """Return True if asking for attachments is known to be of no use."""
        return self._clock() - manifest.too_large_at < _SECONDS_TOO_LARGE

    def _find_kept(
        self,
        ref: TreeRef | SpaceRef,
        resource: str,
        account: str | None,
        *,
        since: float = math.inf,
    ) -> _Kept | None:
        copy = self._cache.find(resource, account, self._max_age, since=since)
        manifest = read_tree_manifest(copy.text) if copy else None
        if copy is None or manifest is None:
            return None
        export = self._opened.get(ref)
        if export is None or export.digest != manifest.digest:
            with self._one_in_memory:
                content = self._cache.read_files([manifest.digest]).get(manifest.digest, b"")
                if make_digest(content) != manifest.digest:  # damaged, or gone
                    return None
                try:
                    export = self._open(ref, content, manifest)
                except FailureError:  # kept by a version with other limits
                    return None
        return _Kept(manifest, export, copy.age, copy.fresh)

    def _export(self, ref: TreeRef | SpaceRef, resource: str, kept: _Kept | None) -> FetchedTree:
        too_large_at = kept.manifest.too_large_at if kept else 0.0
        if not self._attachments or (kept and self._is_too_large(kept.manifest)):
            export, manifest, content = self._ask(ref, attachments=False)
        else:
            too_large_at = 0.0
            try:
                export, manifest, content = self._ask(ref, attachments=True)
            except TooLargeError:
                export, manifest, content = self._ask(ref, attachments=False)
                too_large_at = self._clock()
        # The archive first: a manifest must never name an archive that is not there.
        if not kept or kept.export.digest != export.digest:
            is_shared = self._cache.keep_files({export.digest: content})
            if not is_shared:
                self._cache.give_up_lease(resource, self._exporter.auth.account())
        manifest = replace(manifest, too_large_at=too_large_at)
        account = self._exporter.auth.account()
        self._cache.keep(resource, account, write_manifest(manifest), {})
        self._cache.note_account(account)
        self._base_urls.keep()
        return FetchedTree(Origin.EXPORTED, export)

    def _ask(
        self, ref: TreeRef | SpaceRef, *, attachments: bool
    ) -> tuple[TreeExport, TreeManifest, Spool]:
        content, count = self._exporter.export_tree(
            self._base_urls.find(), ref, attachments=attachments
        )
        manifest = TreeManifest(make_digest(content), count, attachments)
        export = self._open(ref, content, manifest)
        if any(
            export.archive.read(entry) != export.texts[entry.path].encode()
            for entry in export.archive.pages
        ):
            problems = tuple((each.problem.name, each.name) for each in export.archive.problems)
            with self._one_in_memory:
                content = Spool([pack(export.archive, export.texts)])
            manifest = replace(manifest, digest=make_digest(content), problems=problems)
            export = self._open(ref, content, manifest)
        return export, manifest, content

    def _open(
        self, ref: TreeRef | SpaceRef, content: bytes | Spool, manifest: TreeManifest
    ) -> TreeExport:
        """Look into an archive, and remember what is in it."""
        export = self._opened[ref] = open_export(ref, content, manifest, self._limits)
        return export


def open_export(
    ref: TreeRef | SpaceRef, content: bytes | Spool, manifest: TreeManifest, limits: Limits
) -> TreeExport:
    """Look into the archive of a tree.

    Raises:
        FailureError: The export is incomplete.
    """
    archive = read_archive(content, limits)
    if ArchiveProblem(Problem.TOO_MANY) in archive.problems:
        raise TooLargeError(f"The export of the {ref.name} has too many files.", DIVIDE_TREE)
    if ArchiveProblem(Problem.UNREADABLE) in archive.problems:
        raise _describe_damage(ref)
    if manifest.problems:  # it is not as it was exported
        archive = replace(archive, problems=tuple(_read_problems(manifest)))
    texts = {entry.path: _read_text(archive, entry, ref) for entry in archive.pages}
    if not texts:
        raise FailureError(
            f"The export of the {ref.name} has no pages in it.",
            "Check in Confluence that the account of the sign-in may see them.",
        )
    return TreeExport(
        manifest.digest, archive, texts, manifest.page_count, manifest.has_attachments
    )


def _read_text(archive: Archive, entry: ArchiveEntry, ref: TreeRef | SpaceRef) -> str:
    content = archive.read(entry)
    if isinstance(content, ArchiveProblem):
        raise _describe_damage(ref)
    try:
        return redact_tokens(content.decode())
    except UnicodeDecodeError:
        raise FailureError(
            f"The export of the {ref.name} has a page that is not readable text.",
            "Try again later, or report it to the app's support.",
            f"“{entry.path}”",
        ) from None


def _read_problems(manifest: TreeManifest) -> Iterator[ArchiveProblem]:
    for problem, name in manifest.problems:
        if problem in Problem.__members__:
            yield ArchiveProblem(Problem[problem], name)


def _describe_damage(ref: TreeRef | SpaceRef) -> FailureError:
    return FailureError(
        f"The export of the {ref.name} is not a ZIP archive, or is damaged.",
        "Try again later, or export it by hand in Confluence to see whether the app can read it.",
    )


class TreeListings:
    """Finds trees: listed where there is an account for that, and else exported as a whole.

    Safe to use from many threads.

    Args:
        versions: Has the account, and tells what went wrong; None without an account.
        exports: Finds trees that are not listed.
        cache: Asked first.
        base_urls: Where the exporter is, which is part of the names in the cache.
        max_age: Seconds for which a copy counts as fresh; `inf` is forever.
        offline: Take the last good copy whatever its age, and never use the network.
    """

    def __init__(  # noqa: PLR0913  it has that many settings
        self,
        versions: Versions | None,
        exports: TreeExports,
        cache: ExportCache,
        base_urls: BaseUrlFinder,
        *,
        max_age: float,
        offline: bool,
    ) -> None:
        self._versions = versions
        self._exports = exports
        self._cache = cache
        self._base_urls = base_urls
        self._max_age = float("inf") if offline else max_age
        self._offline = offline
        self.outdated: set[TreeRef | SpaceRef] = set()
        """Trees that are known to have changed, so that copies are not enough."""

    def fetch(self, ref: TreeRef | SpaceRef) -> FetchedTree:
        """Return a tree.

        Raises:
            ConfluenceError: It could not be fetched.
        """
        if self._versions is None and not self._offline:
            return self._exports.fetch(ref)
        resource = listing_resource(self._base_urls.find(), ref)
        account = self._versions.rest.account if self._versions else None
        copy = self._cache.find(resource, account, self._max_age)
        last = read_listing(copy.text) if copy else None
        if copy and last and copy.fresh and ref not in self.outdated:
            return FetchedTree(Origin.CACHE, listed=last)
        if self._versions is None:
            return self._exports.fetch(ref)
        try:
            listing = _list_pages(self._versions.rest, ref, last)
        except ConfluenceError as error:
            return self._do_without(self._versions, ref, error, last)
        self.outdated.discard(ref)
        self._cache.keep(resource, account, write_listing(listing.tree), {})
        return FetchedTree(Origin.EXPORTED, listed=listing.tree, facts=listing.facts)

    def _do_without(
        self, versions: Versions, ref: TreeRef | SpaceRef, error: ConfluenceError, last: Tree | None
    ) -> FetchedTree:
        """Return the tree as it was listed last, or else its export."""
        # Of a page, it is certain that it is not there; of a space, the exporter has the say.
        if isinstance(error, MissingError) and isinstance(ref, TreeRef):
            self._cache.forget(listing_resource(self._base_urls.find(), ref), versions.rest.account)
            raise error
        tree = FetchedTree(Origin.CACHE, listed=last) if last else self._exports.fetch(ref)
        versions.report(error)
        return tree


def _list_pages(rest: ConfluenceRest, ref: TreeRef | SpaceRef, last: Tree | None) -> Listing:
    """List a tree; a list without pages is believed only if nothing contradicts it.

    Raises:
        ConfluenceError: As `list_pages`, or the answers contradict each other.
    """
    listing = list_pages(rest, ref)
    if isinstance(ref, SpaceRef):
        is_believable = any(page.page_id for page in listing.tree.walk())
    else:
        is_believable = not listing.is_empty or not _has_pages(rest, ref.page_id, last)
    if not is_believable:
        raise make_contradiction(ref.name)
    return listing


def _has_pages(rest: ConfluenceRest, page_id: str, last: Tree | None) -> bool:
    """Return True if a page has others below it, or still has those that it had."""
    if has_children(rest, page_id):
        return True
    before = {page.page_id for page in last.walk() if page.page_id} if last else set()
    parents = rest.find_parents(before - {page_id})
    return any(parent in before | {page_id} for parent in parents.values())
