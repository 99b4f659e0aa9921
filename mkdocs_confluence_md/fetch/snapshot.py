"""Pages and trees from a snapshot: instead of those of Confluence, or where these fail.

It gives what an export gave: a build from it renders exactly what a build with Confluence would
have rendered when it was pulled.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from mkdocs_confluence_md.cache.contents import NoRoomError
from mkdocs_confluence_md.cache.entries import TreeManifest
from mkdocs_confluence_md.confluence.archive import Limits, Problem
from mkdocs_confluence_md.confluence.media import redact_tokens
from mkdocs_confluence_md.errors import ConfluenceError, FailureError, SnapshotError
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
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mkdocs_confluence_md.cache.contents import Contents
    from mkdocs_confluence_md.confluence.attachments import Reference
    from mkdocs_confluence_md.confluence.refs import SpaceRef, TreeRef
    from mkdocs_confluence_md.fetch.snapshot_format import SnapshotFile

_PULL_ONLINE = "Pull it where Confluence can be reached: confluence-md pull DIR."


class Snapshot:
    """The pages and trees of a snapshot. Safe to use from many threads between two `open`.

    Args:
        directory: Where it is.
        contents: Holds attachments.
        attachments: Whether the files that pages refer to are wanted.
        clock: Returns seconds since the epoch.
    """

    def __init__(
        self,
        directory: Path,
        contents: Contents,
        *,
        attachments: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._directory = directory
        self._contents = contents
        self._attachments = attachments
        self._clock = clock
        self._manifest = Manifest("", ())

    def open(self) -> None:
        """Read what is in it, which may have changed since the last build.

        Raises:
            SnapshotError: It cannot be read.
        """
        self._manifest = read_manifest(self._directory)

    def fetch_page(self, page_id: str) -> FetchedPage:
        """Return a page.

        Raises:
            SnapshotError: It is not in the snapshot, or not as it was pulled.
        """
        page = self._manifest.find_page(page_id)
        if page is None:
            raise SnapshotError(
                f"The snapshot in {self._directory} does not have this page.", _PULL_ONLINE
            )
        markdown = read_file(self._directory, page.export, self._manifest).decode()
        assets = None
        if page.files is not None and self._attachments:
            assets = self._read_files(page.files)
            assets = replace(assets, problems=(*page.problems, *assets.problems))
        return FetchedPage(
            redact_tokens(markdown),
            Origin.CACHE,
            age=self._find_age(page.exported),
            assets=assets,
            facts=page.facts,
            etag=page.etag,
        )

    def fetch_tree(self, ref: TreeRef | SpaceRef) -> FetchedTree:
        """Return a tree.

        Raises:
            SnapshotError: It is not in the snapshot, or not as it was pulled.
        """
        tree = self._manifest.find_tree(ref.target)
        if tree is None:
            raise SnapshotError(
                f"The snapshot in {self._directory} does not have the {ref.name}.", _PULL_ONLINE
            )
        age = self._find_age(tree.exported)
        if tree.listed:
            return FetchedTree(Origin.CACHE, listed=tree.listed, age=age)
        content = read_file(self._directory, tree.archive, self._manifest)
        digest = self._manifest.files[tree.archive]
        known = TreeManifest(digest, tree.page_count, tree.has_attachments, problems=tree.problems)
        return FetchedTree(Origin.CACHE, open_export(ref, content, known, Limits()), age=age)

    def fetch_files(self, page_id: str, references: Mapping[str, Reference]) -> Assets:
        """Return the attachments of a page that came without them in a tree.

        Raises:
            SnapshotError: One is not as it was pulled.
        """
        files: dict[str, SnapshotFile] = {}
        for key, reference in references.items():
            # An address with an ID in it means the same on each page.
            pages = [
                page for page in self._manifest.pages if reference.owner or page.page_id == page_id
            ]
            found = (page.files[key] for page in pages if page.files and key in page.files)
            if file := next(found, None):
                files[key] = file
        return replace(self._read_files(files), age=self._find_age(self._manifest.pulled))

    def replace_page(self, page_id: str, error: FailureError) -> FetchedPage:
        """Return the copy of a page that could not be fetched.

        Raises:
            FailureError: There is none, or it is damaged.
        """
        if self._manifest.find_page(page_id) is None:
            raise error
        try:
            page = self.fetch_page(page_id)
        except SnapshotError as damage:
            raise _add_damage(error, damage) from None
        return replace(page, origin=Origin.STALE, error=error)

    def replace_tree(self, ref: TreeRef | SpaceRef, error: FailureError) -> FetchedTree:
        """Return the copy of a tree that could not be fetched.

        Raises:
            FailureError: There is none, or it is damaged.
        """
        if self._manifest.find_tree(ref.target) is None:
            raise error
        try:
            tree = self.fetch_tree(ref)
        except ConfluenceError as damage:
            raise _add_damage(error, damage) from None
        return replace(tree, origin=Origin.STALE, error=error)

    def complete_files(
        self, page_id: str, references: Mapping[str, Reference], found: Assets
    ) -> Assets:
        """Return the attachments that were found, with copies of those that could not be fetched.

        What is missing and why is said of the page, so a damaged copy is no error.
        """
        if not isinstance(found.error, FailureError):
            return found
        try:
            kept = self.fetch_files(page_id, references)
        except SnapshotError:
            return found
        age = max(found.age, kept.age) if kept.files.keys() - found.files.keys() else found.age
        return replace(found, files={**kept.files, **found.files}, age=age)

    def describe(self, count: int, reason: str) -> str:
        """Say in one line what a build was made from, and why from nothing else."""
        pages = "1 page" if count == 1 else f"{count} pages"
        return (
            f"{pages} from the snapshot in {self._directory}, pulled at "
            f"{show_time(self._manifest.pulled)}: {reason}, so no network was used"
        )

    def _find_age(self, moment: str) -> float:
        return max(0.0, self._clock() - read_time(moment))

    def _read_files(self, files: Mapping[str, SnapshotFile]) -> Assets:
        held: dict[str, Asset] = {}
        problems: dict[tuple[str, str], None] = {}
        for key, file in files.items():
            data = read_file(self._directory, file.path, self._manifest)
            try:
                held[key] = Asset(file.name, self._contents.hold([data], len(data)))
            except NoRoomError:
                problems[Problem.NO_ROOM.value, file.name] = None
        return Assets(held, tuple(problems))


def _add_damage(error: FailureError, damage: ConfluenceError) -> FailureError:
    return FailureError(
        error.what, f"{error.remedy} Nor is its copy of use. {damage}", error.detail
    )
