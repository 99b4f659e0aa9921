"""What a build asks of a library, whichever it is: of Confluence, of a snapshot, or of both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mkdocs_confluence_md.cache.contents import Contents
    from mkdocs_confluence_md.confluence.attachments import Reference
    from mkdocs_confluence_md.confluence.models import PageFacts, Tree
    from mkdocs_confluence_md.confluence.refs import SpaceRef, TreeRef
    from mkdocs_confluence_md.confluence.rest import ConfluenceRest
    from mkdocs_confluence_md.errors import ConfluenceError
    from mkdocs_confluence_md.fetch.fetcher import Tell
    from mkdocs_confluence_md.fetch.results import Assets, FetchedPage, FetchedTree


class AnyLibrary(Protocol):
    """Has the pages and trees of a site. `Library` says what each of these does."""

    @property
    def offline(self) -> bool:
        """Whether nobody is ever asked."""

    @property
    def contents(self) -> Contents:
        """Holds the attachments of the site."""

    def start(self, page_ids: Iterable[str], trees: Iterable[TreeRef | SpaceRef] = ()) -> None:
        """Begin a build."""

    def add_trees(self, trees: Iterable[TreeRef | SpaceRef]) -> None:
        """Want more trees for the same build."""

    def add(self, page_ids: Iterable[str], facts: Mapping[str, PageFacts] | None = None) -> None:
        """Want more pages for the same build."""

    def add_files(
        self, page_id: str, references: Mapping[str, Reference], *, is_copy: bool
    ) -> None:
        """Want the attachments of a page that came without them in a tree."""

    def wait_for_files(self, page_id: str, tell: Tell | None = None) -> Assets:
        """Return what `add_files` asked for."""

    def wait_for_trees(
        self, tell: Tell | None = None
    ) -> dict[TreeRef | SpaceRef, FetchedTree | ConfluenceError]:
        """Return each tree, or why it cannot be had."""

    def wait_for(self, page_id: str, tell: Tell | None = None) -> FetchedPage:
        """Return a page."""

    def wait_for_errors(self, tell: Tell | None = None) -> dict[str, ConfluenceError]:
        """Return what went wrong with pages, by ID."""

    def wait_for_pages(self, tell: Tell | None = None) -> list[FetchedPage]:
        """Return the pages that there are."""

    def find_facts(self) -> dict[str, PageFacts | None]:
        """Return what is known of the pages of this build, by page ID; None where nothing is."""

    def make_hasty_rest(self) -> ConfluenceRest | None:
        """Make a client that asks Confluence itself; None if nobody may, or can."""

    def expire(self, facts: Mapping[str, PageFacts]) -> None:
        """Let the next build export pages that have changed."""

    def find_listed_trees(self) -> dict[TreeRef | SpaceRef, Tree]:
        """Return those trees of this build that were listed page by page."""

    def expire_tree(self, ref: TreeRef | SpaceRef) -> None:
        """Let the next build list a tree that has changed."""

    def cancel(self) -> None:
        """Let nobody wait for what is not there yet."""

    def close(self) -> None:
        """Close what is open."""
