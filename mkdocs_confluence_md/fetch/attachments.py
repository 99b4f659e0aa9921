"""Fetch the attachments of a page: from the cache, or by one more export.

Their age is limited by `max_age` like a page's, but counted separately: attachments are replaced
without a new version of the page. Of an archive, only the files that the page refers to are used.
"""

from __future__ import annotations

import math
import threading
import time
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING

from mkdocs_confluence_md.cache.records import (
    AttachmentManifest,
    KeptFile,
    attachments_resource,
    read_manifest,
    write_manifest,
)
from mkdocs_confluence_md.confluence.archive import (
    ArchiveProblem,
    DamagedEntryError,
    Limits,
    Problem,
    read_archive,
)
from mkdocs_confluence_md.confluence.attachments import find_file
from mkdocs_confluence_md.errors import ConfluenceError, FailureError, NoAccessError
from mkdocs_confluence_md.fetch.results import Asset, Assets
from mkdocs_confluence_md.network.spooling import NoRoomError, make_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from mkdocs_confluence_md.cache.policy import ExportCache
    from mkdocs_confluence_md.confluence.archive import Archive, ArchiveEntry
    from mkdocs_confluence_md.confluence.attachments import Reference
    from mkdocs_confluence_md.fetch.fetcher import AnyExporter
    from mkdocs_confluence_md.network.spooling import Content, Contents

    Find = Callable[[Reference, Sequence[str]], str | None]


def unpack(  # noqa: PLR0913  what is where, and what is wanted of it
    archive: Archive,
    contents: Contents,
    candidates: Iterable[ArchiveEntry],
    references: Mapping[str, Reference],
    find: Find,
    *,
    problems: Iterable[ArchiveProblem] = (),
) -> Assets:
    """Unpack what a page refers to.

    Args:
        archive: Where the files are.
        contents: Holds what is unpacked.
        candidates: Which of its entries may be meant.
        references: Of the page, by key.
        find: Returns the path that is meant by a reference, of all those that there are.
        problems: What is wrong with the archive.
    """
    entries = {entry.path: entry for entry in candidates}
    files: dict[str, Asset] = {}
    found = list(problems)
    read = cache(partial(_hold, archive, contents))
    for key, reference in references.items():
        path = find(reference, list(entries))
        content = read(entries[path]) if path else None
        if isinstance(content, ArchiveProblem):
            found.append(content)
        elif path and content is not None:
            files[key] = Asset(_choose_name(reference.path, path), content)
    told = dict.fromkeys((problem.problem.value, problem.name) for problem in found)
    return Assets(files, tuple(told))


def _hold(archive: Archive, contents: Contents, entry: ArchiveEntry) -> Content | ArchiveProblem:
    try:
        return contents.hold(archive.unpack(entry), archive.measure(entry))
    except DamagedEntryError:
        return ArchiveProblem(Problem.DAMAGED, entry.path)
    except NoRoomError:
        return ArchiveProblem(Problem.NO_ROOM, entry.path)


def _choose_name(wanted: str, found: str) -> str:
    """Return the name of a file as a page has it, unless it says less than the archive's."""
    name, other = _name_of(wanted), _name_of(found)
    return other if "." in other and "." not in name else name or other


def _name_of(path: str) -> str:
    return path.rpartition("/")[2]


@dataclass(frozen=True)
class _Kept:
    """What the cache has."""

    manifest: AttachmentManifest
    contents: Mapping[str, Content]
    """By digest; whatever is damaged or gone is not there."""
    too_many: frozenset[str]
    """The digests of those that are one too many for the site."""
    age: float
    fresh: bool

    def answers(self, references: Mapping[str, Reference]) -> bool:
        """Return True if there is nothing left to fetch."""
        complete = self.contents.keys() | self.too_many >= self.manifest.digests
        return self.fresh and complete and self.manifest.covers(references)


class AssetFetcher:
    """Finds the files that pages refer to. Safe to use from many threads.

    Args:
        exporter: Asked for what the cache does not have.
        cache: Asked first.
        contents: Holds the files.
        max_age: Seconds for which a copy counts as fresh.
        limits: What an export may be.
    """

    def __init__(
        self,
        exporter: AnyExporter,
        cache: ExportCache,
        contents: Contents,
        *,
        max_age: float,
        limits: Limits | None = None,
    ) -> None:
        self._exporter = exporter
        self._cache = cache
        self._contents = contents
        self._reading = threading.Lock()
        self._max_age = max_age
        self._limits = limits or Limits()

    def fetch(self, base_url: str, page_id: str, references: Mapping[str, Reference]) -> Assets:
        """Return the files of a page that was just fetched; asks for an export if it must.

        What could not be fetched is not an error: the page is built without it.
        """
        resource = attachments_resource(base_url, page_id)
        kept = self._find_kept(resource, self._exporter.auth.account())
        if kept and kept.answers(references):
            return _choose(kept, references)
        now = time.time()
        try:
            account = self._exporter.auth.account()
            with self._cache.hold_lease(resource, account, patiently=True):
                if self._cache.leases:  # another machine may have exported them just now
                    kept = self._find_kept(resource, account, since=now) or kept
                if kept and kept.answers(references):
                    return _choose(kept, references)
                return self._export(base_url, page_id, references, kept)
        except FailureError as error:
            if kept is None:
                return Assets(error=error)
            return replace(_choose(kept, references), error=error, age=kept.age)
        except ConfluenceError as error:
            if isinstance(error, NoAccessError):
                self._cache.forget(resource, self._exporter.auth.account())
            return Assets(error=error)

    def recall(
        self, base_url: str, page_id: str, account: str | None, references: Mapping[str, Reference]
    ) -> Assets:
        """Return what the cache has, whatever its age, for a page that is a copy itself."""
        kept = self._find_kept(attachments_resource(base_url, page_id), account)
        return (
            _choose(kept, references)
            if kept
            else Assets(
                error=FailureError(
                    "The cache has no copy of them.",
                    "Build once with the network while Confluence answers.",
                )
            )
        )

    def _find_kept(
        self, resource: str, account: str | None, *, since: float = math.inf
    ) -> _Kept | None:
        copy = self._cache.find(resource, account, self._max_age, since=since)
        manifest = read_manifest(copy.text) if copy else None
        if copy is None or manifest is None:
            return None
        found: dict[str, Content] = {}
        too_many = set()
        for digest in manifest.digests:
            try:
                content = self._contents.find(digest) or self._hold_kept(digest)
            except NoRoomError:
                too_many.add(digest)
                continue
            found |= {digest: content} if content else {}
        return _Kept(manifest, found, frozenset(too_many), copy.age, copy.fresh)

    def _hold_kept(self, digest: str) -> Content | None:
        """Read a file from the cache; None if it is not there as it was kept."""
        with self._reading:  # one file at a time in memory
            data = self._cache.read_files([digest]).get(digest, b"")
            return self._contents.hold([data], len(data)) if make_digest(data) == digest else None

    def _export(
        self,
        base_url: str,
        page_id: str,
        references: Mapping[str, Reference],
        kept: _Kept | None,
    ) -> Assets:
        with closing(self._exporter.export_archive(base_url, page_id, attachments=True)) as content:
            archive = read_archive(content, self._limits)
            if ArchiveProblem(Problem.UNREADABLE) in archive.problems:
                raise FailureError(
                    "The export of the page's attachments is not a ZIP archive, or is damaged.",
                    "Try again later, or export the page by hand in Confluence to see whether the "
                    "app can read it.",
                )
            assets = _unpack(archive, self._contents, page_id, references)
        known = kept.contents if kept else {}
        self._keep(attachments_resource(base_url, page_id), assets, references, known)
        return assets

    def _keep(
        self,
        resource: str,
        assets: Assets,
        references: Mapping[str, Reference],
        known: Mapping[str, Content],
    ) -> None:
        contents = {asset.content.digest: asset.content for asset in assets.files.values()}
        files = {
            key: KeptFile(asset.name, asset.content.digest, asset.content.size)
            for key, asset in assets.files.items()
        }
        missing = tuple(key for key in references if key not in files)
        manifest = AttachmentManifest(files, missing, assets.problems)
        # The files first: a manifest must never name a file that is not there.
        new = {each: contents[each] for each in contents if each not in known}
        account = self._exporter.auth.account()
        if not self._cache.keep_files(new):
            self._cache.give_up_lease(resource, account)
        self._cache.keep(resource, account, write_manifest(manifest), {})


def _choose(kept: _Kept, references: Mapping[str, Reference]) -> Assets:
    files = {
        key: Asset(file.name, kept.contents[file.digest])
        for key, file in kept.manifest.files.items()
        if key in references and file.digest in kept.contents
    }
    names = {file.name for file in kept.manifest.files.values() if file.digest in kept.too_many}
    too_many = tuple((Problem.NO_ROOM.value, name) for name in sorted(names))
    return Assets(files, tuple(dict.fromkeys((*kept.manifest.problems, *too_many))))


def _unpack(
    archive: Archive, contents: Contents, page_id: str, references: Mapping[str, Reference]
) -> Assets:
    """Unpack what a page refers to, and nothing else."""
    # Somebody may have attached Markdown: then not all of it is the page.
    candidates = archive.entries if len(archive.pages) > 1 else archive.assets
    folder = archive.pages[0].path.rpartition("/")[0] if archive.pages else ""
    find = partial(find_file, folder=folder, page_id=page_id)
    return unpack(archive, contents, candidates, references, find, problems=archive.problems)
