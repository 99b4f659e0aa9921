"""What templates see of the metadata that `make_source` adds to pages from Confluence.

A theme looks for icons and more in the metadata of each page in `nav`, for each page that it
renders; where there is no metadata, as for most local files, it does not look. So while a page's
template is rendered, the additions are in the metadata of that page only: otherwise a site of
1,000 pages would take a quarter longer than the same site of local files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mkdocs_confluence_md.site.source import ADDED_NAMES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from mkdocs.structure.pages import Page


class Additions:
    """The additions of all pages of a build, in their metadata or put aside.

    Args:
        src_uris: Of the pages from Confluence.
    """

    def __init__(self, src_uris: Collection[str]) -> None:
        self._src_uris = src_uris
        self._aside: dict[str, tuple[Page, dict[str, Any]]] = {}
        self._own: dict[str, Collection[str]] = {}

    def spare(self, src_uri: str, names: Collection[str]) -> None:
        """Leave to a page what it states itself, under names under which others have additions."""
        if names:
            self._own[src_uri] = names

    def show_only(self, page: Page, pages: Iterable[Page]) -> None:
        """Let a page's template see the additions of that page only.

        Args:
            page: Whose template is rendered next.
            pages: All pages that it may look at.
        """
        if self._src_uris and not self._aside:  # the first page that is rendered
            for each in pages:
                self.hide(each)
        self._put_back(page.file.src_uri)

    def hide(self, page: Page) -> None:
        """Put a page's additions aside."""
        if page.file.src_uri in self._src_uris:
            page.title = page.title  # which may come from the metadata
            own = self._own.get(page.file.src_uri, ())
            names = [name for name in ADDED_NAMES if name in page.meta and name not in own]
            additions = {name: page.meta.pop(name) for name in names}
            self._aside[page.file.src_uri] = (page, additions)

    def show_all(self) -> None:
        """Make the metadata of all pages whole again."""
        for src_uri in list(self._aside):
            self._put_back(src_uri)

    def _put_back(self, src_uri: str) -> None:
        if src_uri in self._aside:
            page, additions = self._aside.pop(src_uri)
            page.meta.update(additions)
