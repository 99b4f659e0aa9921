"""Pages and trees from a snapshot: instead of those of Confluence, or where these cannot be had.

A snapshot is read as a library is, page by page, and gives what an export gave: so a build from it
renders exactly what a build with Confluence would have rendered when it was pulled.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from mkdocs_confluence_md.cache.contents import Contents, NoRoomError
from mkdocs_confluence_md.cache.entries import TreeManifest
from mkdocs_confluence_md.confluence.archive import Limits, Problem
from mkdocs_confluence_md.confluence.media import redact_tokens
from mkdocs_confluence_md.errors import ConfluenceError, SnapshotError
from mkdocs_confluence_md.fetch.results import Asset, Assets, FetchedPage, FetchedTree, Origin
from mkdocs_confluence_md.fetch.snapshot_format import (
    Manifest,
    read_file,
    read_manifest,
    read_time,
    show_time,
)
from mkdocs_confluence_md.fetch.trees import open_export

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from mkdocs_confluence_md.confluence.attachments import Reference
    from mkdocs_confluence_md.confluence.models import PageFacts, Tree
    from mkdocs_confluence_md.confluence.refs import SpaceRef, TreeRef
    from mkdocs_confluence_md.fetch.fetcher import Tell
    from mkdocs_confluence_md.fetch.results import TreeExport
    from mkdocs_confluence_md.fetch.snapshot_format import SnapshotFile, SnapshotPage, SnapshotTree

_PULL_ONLINE = "Pull it where Confluence can be reached: confluence-md pull DIR."


class SnapshotLibrary:
    """The pages and trees of a snapshot.

    Args:
        directory: Where it is.
        reason: Why pages come from there alone, for a line of the log; empty if they do not.
        attachments: Whether the files that pages refer to are wanted.
        clock: Returns seconds since the epoch.
        contents: Holds attachments; made where it is not given.
    """

    offline = True

    def __init__(
        self,
        directory: Path,
        *,
        reason: str = "",
        attachments: bool = True,
        clock: Callable[[], float] = time.time,
        contents: Contents | None = None,
    ) -> None:
        self.contents = contents or Contents()
        self._directory = directory
        self._reason = reason
        self._attachments = attachments
        self._clock = clock
        self._manifest: Manifest | None = None
        self._wanted: dict[str, None] = {}
        self._wanted_trees: dict[TreeRef | SpaceRef, None] = {}
        self._references: dict[str, Mapping[str, Reference]] = {}
        """Of pages that came without their attachments, by the ID of the page that has these."""
        self._read: dict[str, FetchedPage] = {}
        """The pages of this build."""

    def start(self, page_ids: Iterable[str], trees: Iterable[TreeRef | SpaceRef] = ()) -> None:
        """Begin a build; the snapshot may be another one since the last.

        Raises:
            SnapshotError: It cannot be read.
        """
        self._manifest = read_manifest(self._directory)
        self._wanted, self._wanted_trees = dict.fromkeys(page_ids), dict.fromkeys(trees)
        self._read, self._references = {}, {}

    def add_trees(self, trees: Iterable[TreeRef | SpaceRef]) -> None:
        """Want more trees for the same build."""
        self._manifest = self._manifest or read_manifest(self._directory)
        self._wanted_trees |= dict.fromkeys(trees)

    def add(self, page_ids: Iterable[str], facts: Mapping[str, PageFacts] | None = None) -> None:
        """Want more pages for the same build."""
        del facts
        self._manifest = self._manifest or read_manifest(self._directory)
        self._wanted |= dict.fromkeys(page_ids)

    def add_files(
        self, page_id: str, references: Mapping[str, Reference], *, is_copy: bool
    ) -> None:
        """Want the attachments of a page that came without them in a tree."""
        del is_copy
        self._references[page_id] = references

    def wait_for_files(self, page_id: str, tell: Tell | None = None) -> Assets:
        """Return the attachments of a page that came without them in a tree."""
        del tell
        manifest = self._manifest or read_manifest(self._directory)
        files: dict[str, SnapshotFile] = {}
        for key, reference in self._references[page_id].items():
            # An address with an ID in it means the same on each page.
            pages = [page for page in manifest.pages if reference.owner or page.page_id == page_id]
            found = (page.files[key] for page in pages if page.files and key in page.files)
            if file := next(found, None):
                files[key] = file
        return replace(self._read_files(files, manifest), age=self._find_age(manifest.pulled))

    def wait_for_trees(
        self, tell: Tell | None = None
    ) -> dict[TreeRef | SpaceRef, FetchedTree | ConfluenceError]:
        """Return each tree, or why it cannot be had."""
        del tell
        return {ref: self.find_tree(ref) for ref in self._wanted_trees}

    def has_tree(self, ref: TreeRef | SpaceRef) -> bool:
        """Tell whether a tree is in the snapshot."""
        return bool(self._manifest and self._manifest.find_tree(ref.target))

    def find_tree(self, ref: TreeRef | SpaceRef) -> FetchedTree | ConfluenceError:
        """Return a tree, or why it cannot be had."""
        tree = self._manifest.find_tree(ref.target) if self._manifest else None
        if tree is None or self._manifest is None:
            return SnapshotError(
                f"The snapshot in {self._directory} does not have the {ref.name}.", _PULL_ONLINE
            )
        age = self._find_age(tree.exported)
        if tree.listed:
            return FetchedTree(Origin.CACHE, listed=tree.listed, age=age)
        try:
            export = self._open_tree(ref, tree, self._manifest)
        except ConfluenceError as error:
            return error
        return FetchedTree(Origin.CACHE, export, age=age)

    def has(self, page_id: str) -> bool:
        """Tell whether a page is in the snapshot."""
        return self._find(page_id) is not None

    def wait_for(self, page_id: str, tell: Tell | None = None) -> FetchedPage:
        """Return a page.

        Raises:
            SnapshotError: It is not in the snapshot, or not as it was pulled.
        """
        del tell
        if page_id not in self._read:
            self._read[page_id] = self._read_page(page_id)
        return self._read[page_id]

    def wait_for_errors(self, tell: Tell | None = None) -> dict[str, ConfluenceError]:
        """Return what is wrong with pages, by ID."""
        del tell
        return {page_id: error for page_id in self._wanted if (error := self._find_error(page_id))}

    def wait_for_pages(self, tell: Tell | None = None) -> list[FetchedPage]:
        """Return the pages that there are."""
        del tell
        wanted = (page_id for page_id in self._wanted if not self._find_error(page_id))
        return [self.wait_for(page_id) for page_id in wanted]

    def find_facts(self) -> dict[str, PageFacts | None]:
        """Return nothing: what is in a snapshot does not change while it is served."""
        return {}

    def make_hasty_rest(self) -> None:
        """Return nothing: nobody is asked."""

    def expire(self, facts: Mapping[str, PageFacts]) -> None:
        """Do nothing: nobody tells of changes."""

    def find_listed_trees(self) -> dict[TreeRef | SpaceRef, Tree]:
        """Return nothing, for the same reason."""
        return {}

    def expire_tree(self, ref: TreeRef | SpaceRef) -> None:
        """Do nothing: nobody tells of changes."""

    def cancel(self) -> None:
        """Do nothing: nobody waits for a file."""

    def close(self) -> None:
        """Do nothing: nothing is open."""

    def describe(self, count: int) -> str:
        """Say in one line what a build was made from."""
        pulled = self._manifest.pulled if self._manifest else ""
        pages = "1 page" if count == 1 else f"{count} pages"
        return (
            f"{pages} from the snapshot in {self._directory}, pulled at {show_time(pulled)}: "
            f"{self._reason}, so no network was used"
        )

    def _read_page(self, page_id: str) -> FetchedPage:
        page = self._find(page_id)
        if page is None or self._manifest is None:
            raise SnapshotError(
                f"The snapshot in {self._directory} does not have this page.", _PULL_ONLINE
            )
        markdown = read_file(self._directory, page.export, self._manifest).decode()
        return FetchedPage(
            redact_tokens(markdown),
            Origin.CACHE,
            age=self._find_age(page.exported),
            assets=self._read_assets(page, self._manifest),
            facts=page.facts,
            etag=page.etag,
        )

    def _open_tree(
        self, ref: TreeRef | SpaceRef, tree: SnapshotTree, manifest: Manifest
    ) -> TreeExport:
        content = read_file(self._directory, tree.archive, manifest)
        digest = manifest.files[tree.archive]
        known = TreeManifest(digest, tree.page_count, tree.has_attachments, problems=tree.problems)
        return open_export(ref, content, known, Limits())

    def _find_age(self, moment: str) -> float:
        return max(0.0, self._clock() - read_time(moment))

    def _find(self, page_id: str) -> SnapshotPage | None:
        return self._manifest.find_page(page_id) if self._manifest else None

    def _find_error(self, page_id: str) -> ConfluenceError | None:
        try:
            self.wait_for(page_id)
        except SnapshotError as error:
            return error
        return None

    def _read_assets(self, page: SnapshotPage, manifest: Manifest) -> Assets | None:
        if page.files is None or not self._attachments:
            return None
        found = self._read_files(page.files, manifest)
        return replace(found, problems=(*page.problems, *found.problems))

    def _read_files(self, files: Mapping[str, SnapshotFile], manifest: Manifest) -> Assets:
        held: dict[str, Asset] = {}
        problems: dict[tuple[str, str], None] = {}
        for key, file in files.items():
            data = read_file(self._directory, file.path, manifest)
            try:
                held[key] = Asset(file.name, self.contents.hold([data], len(data)))
            except NoRoomError:
                problems[Problem.NO_ROOM.value, file.name] = None
        return Assets(held, tuple(problems))
