"""Trees of pages as Confluence's own REST API lists them: whole, whatever their size, with IDs.

The pages themselves are exported one by one, so that only those are that have changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mkdocs_confluence_md.errors import FailureError
from mkdocs_confluence_md.fetched import FetchedTree, Origin
from mkdocs_confluence_md.keys import listing_resource
from mkdocs_confluence_md.manifest import read_listing, write_listing
from mkdocs_confluence_md.references import SpaceRef, TreeRef

if TYPE_CHECKING:
    from mkdocs_confluence_md.base_url import BaseUrlFinder
    from mkdocs_confluence_md.cache import ExportCache
    from mkdocs_confluence_md.outline import Listing
    from mkdocs_confluence_md.rest import ConfluenceRest
    from mkdocs_confluence_md.tree_exports import TreeExports


class TreeListings:
    """Finds trees: listed where somebody may ask for that, and else exported as a whole.

    Safe to use from many threads.

    Args:
        rest: Lists trees; None if nobody may ask.
        exports: Finds those that are not listed.
        cache: Asked first.
        base_urls: Where the exporter is, which is part of the names in the cache.
        max_age: Seconds for which a copy counts as fresh; `inf` is forever.
        offline: Take the last good copy whatever its age, and never use the network.
    """

    def __init__(  # noqa: PLR0913  it has that many settings
        self,
        rest: ConfluenceRest | None,
        exports: TreeExports,
        cache: ExportCache,
        base_urls: BaseUrlFinder,
        *,
        max_age: float,
        offline: bool,
    ) -> None:
        self._rest = rest
        self._exports = exports
        self._cache = cache
        self._base_urls = base_urls
        self._max_age = float("inf") if offline else max_age
        self._offline = offline
        self.outdated: set[TreeRef | SpaceRef] = set()
        """Trees of which somebody knows that they have changed, so that copies are not enough."""

    def fetch(self, ref: TreeRef | SpaceRef) -> FetchedTree:
        """Return a tree.

        Raises:
            ConfluenceError: It cannot be had.
        """
        if self._rest is None and not self._offline:
            return self._exports.fetch(ref)
        resource = listing_resource(self._base_urls.find(), ref)
        account = self._rest.account if self._rest else None
        copy = self._cache.find(resource, account, self._max_age)
        tree = read_listing(copy.text) if copy else None
        if copy and tree and copy.fresh and ref not in self.outdated:
            return FetchedTree(Origin.CACHE, listed=tree)
        if self._rest is None:
            return self._exports.fetch(ref)
        try:
            listing = _ask(self._rest, ref)
        except FailureError as error:
            if copy is None or tree is None:
                raise
            return FetchedTree(Origin.STALE, listed=tree, age=copy.age, error=error)
        self.outdated.discard(ref)
        self._cache.keep(resource, account, write_listing(listing.tree), {})
        return FetchedTree(Origin.EXPORTED, listed=listing.tree, facts=listing.facts)


def _ask(rest: ConfluenceRest, ref: TreeRef | SpaceRef) -> Listing:
    if isinstance(ref, SpaceRef):
        return rest.list_space(ref.key)
    return rest.list_tree(ref.page_id)
