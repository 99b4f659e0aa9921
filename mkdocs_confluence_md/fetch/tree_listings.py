"""Trees of pages as Confluence's own REST API lists them: whole, whatever their size, with IDs.

The pages themselves are exported one by one, so that only those are that have changed. The API is a
helper, which never ends a build: where it does not answer, or its answer contradicts itself, a tree
is as it was listed last, or exported as a whole. Each page is still exported as the account of the
exporter, so no reader sees more than that account may.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mkdocs_confluence_md.cache.entries import listing_resource, read_listing, write_listing
from mkdocs_confluence_md.confluence.listing import has_children, list_pages, make_contradiction
from mkdocs_confluence_md.confluence.refs import SpaceRef, TreeRef
from mkdocs_confluence_md.errors import ConfluenceError, MissingError
from mkdocs_confluence_md.fetch.results import FetchedTree, Origin

if TYPE_CHECKING:
    from mkdocs_confluence_md.cache.exports import ExportCache
    from mkdocs_confluence_md.confluence.models import Tree
    from mkdocs_confluence_md.confluence.outline import Listing
    from mkdocs_confluence_md.confluence.rest import ConfluenceRest
    from mkdocs_confluence_md.fetch.base_url import BaseUrlFinder
    from mkdocs_confluence_md.fetch.trees import TreeExports
    from mkdocs_confluence_md.fetch.versions import Versions


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
