"""A library with a snapshot behind it: the last good copy, where the cache has none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mkdocs_confluence_md.errors import ConfluenceError, FailureError, SnapshotError
from mkdocs_confluence_md.fetch.results import FetchedPage, FetchedTree, Origin

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mkdocs_confluence_md.cache.contents import Contents
    from mkdocs_confluence_md.confluence.attachments import Reference
    from mkdocs_confluence_md.confluence.models import PageFacts, Tree
    from mkdocs_confluence_md.confluence.refs import SpaceRef, TreeRef
    from mkdocs_confluence_md.confluence.rest import ConfluenceRest
    from mkdocs_confluence_md.fetch.fetcher import Library, Tell
    from mkdocs_confluence_md.fetch.results import Assets
    from mkdocs_confluence_md.fetch.snapshot import SnapshotLibrary


class BackedLibrary:
    """A library whose last good copies are also those of a snapshot.

    They take the place of what could not be had, as copies in the cache would: not of what
    Confluence refuses.
    """

    def __init__(self, library: Library, snapshot: SnapshotLibrary) -> None:
        self._library = library
        self._snapshot = snapshot
        self._wanted: dict[str, None] = {}

    @property
    def offline(self) -> bool:
        """Whether nobody is ever asked."""
        return self._library.offline

    @property
    def contents(self) -> Contents:
        """Holds the attachments of the site."""
        return self._library.contents

    def start(self, page_ids: Iterable[str], trees: Iterable[TreeRef | SpaceRef] = ()) -> None:
        """Begin a build."""
        trees = list(trees)
        self._wanted = dict.fromkeys(page_ids)
        self._snapshot.start(self._wanted, trees)
        self._library.start(self._wanted, trees)

    def add_trees(self, trees: Iterable[TreeRef | SpaceRef]) -> None:
        """Want more trees for the same build."""
        trees = list(trees)
        self._snapshot.add_trees(trees)
        self._library.add_trees(trees)

    def add(self, page_ids: Iterable[str], facts: Mapping[str, PageFacts] | None = None) -> None:
        """Want more pages for the same build."""
        more = list(page_ids)
        self._wanted |= dict.fromkeys(more)
        self._snapshot.add(more)
        self._library.add(more, facts)

    def add_files(
        self, page_id: str, references: Mapping[str, Reference], *, is_copy: bool
    ) -> None:
        """Want the attachments of a page that came without them in a tree."""
        self._snapshot.add_files(page_id, references, is_copy=is_copy)
        self._library.add_files(page_id, references, is_copy=is_copy)

    def wait_for_files(self, page_id: str, tell: Tell | None = None) -> Assets:
        """Return what `add_files` asked for, from Confluence or from the snapshot."""
        found = self._library.wait_for_files(page_id, tell)
        if not isinstance(found.error, FailureError):
            return found
        try:
            kept = self._snapshot.wait_for_files(page_id)
        except SnapshotError:  # the page says what is missing, and why
            return found
        age = max(found.age, kept.age) if kept.files.keys() - found.files.keys() else found.age
        return replace(found, files={**kept.files, **found.files}, age=age)

    def wait_for_trees(
        self, tell: Tell | None = None
    ) -> dict[TreeRef | SpaceRef, FetchedTree | ConfluenceError]:
        """Return each tree, or why neither has it."""
        found = self._library.wait_for_trees(tell)
        return {ref: self._back_tree(ref, each) for ref, each in found.items()}

    def wait_for(self, page_id: str, tell: Tell | None = None) -> FetchedPage:
        """Return a page, from Confluence or from the snapshot.

        Raises:
            ConfluenceError: Neither has it.
        """
        try:
            return self._library.wait_for(page_id, tell)
        except FailureError as error:
            if not self._snapshot.has(page_id):
                raise
            return self._stand_in(page_id, error)

    def wait_for_errors(self, tell: Tell | None = None) -> dict[str, ConfluenceError]:
        """Wait for all pages and return what went wrong, by page ID."""
        found = map(self._find_error, self._library.wait_for_errors(tell))
        return {page_id: error for page_id, error in found if error}

    def wait_for_pages(self, tell: Tell | None = None) -> list[FetchedPage]:
        """Wait for all pages and return those that there are."""
        errors = self.wait_for_errors(tell)
        return [self.wait_for(page_id) for page_id in self._wanted if page_id not in errors]

    def find_facts(self) -> dict[str, PageFacts | None]:
        """Return what is known of the pages of this build, by page ID; None where nothing is."""
        return self._library.find_facts()

    def make_hasty_rest(self) -> ConfluenceRest | None:
        """Make a client that asks Confluence itself; None if nobody may, or can."""
        return self._library.make_hasty_rest()

    def expire(self, facts: Mapping[str, PageFacts]) -> None:
        """Let the next build export pages that have changed, whatever `max_age` says."""
        self._library.expire(facts)

    def find_listed_trees(self) -> dict[TreeRef | SpaceRef, Tree]:
        """Return those trees of this build that were listed page by page."""
        return self._library.find_listed_trees()

    def expire_tree(self, ref: TreeRef | SpaceRef) -> None:
        """Let the next build list a tree that has changed, whatever `max_age` says."""
        self._library.expire_tree(ref)

    def cancel(self) -> None:
        """Let nobody wait for the pages that are not there yet."""
        self._library.cancel()

    def close(self) -> None:
        """End the threads and close the connections and the cache."""
        self._library.close()

    def _find_error(self, page_id: str) -> tuple[str, ConfluenceError | None]:
        try:
            self.wait_for(page_id)
        except ConfluenceError as error:
            return page_id, error
        return page_id, None

    def _back_tree(
        self, ref: TreeRef | SpaceRef, found: FetchedTree | ConfluenceError
    ) -> FetchedTree | ConfluenceError:
        if not isinstance(found, FailureError) or not self._snapshot.has_tree(ref):
            return found
        kept = self._snapshot.find_tree(ref)
        if isinstance(kept, ConfluenceError):
            return _describe_damage(found, kept)
        return replace(kept, origin=Origin.STALE, error=found)

    def _stand_in(self, page_id: str, error: FailureError) -> FetchedPage:
        try:
            page = self._snapshot.wait_for(page_id)
        except SnapshotError as damage:
            raise _describe_damage(error, damage) from None
        return replace(page, origin=Origin.STALE, error=error)


def _describe_damage(error: FailureError, damage: ConfluenceError) -> FailureError:
    return FailureError(
        error.what, f"{error.remedy} Nor is its copy of use. {damage}", error.detail
    )
