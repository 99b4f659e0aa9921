"""What a build knows of its pages from Confluence, for whoever keeps them elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mkdocs_confluence_md.confluence.refs import SpaceRef, TreeRef
    from mkdocs_confluence_md.fetch.results import FetchedTree
    from mkdocs_confluence_md.markdown.attached import AttachedFiles
    from mkdocs_confluence_md.markdown.context import Trail
    from mkdocs_confluence_md.site.pages import Reader
    from mkdocs_confluence_md.site.paths import PlacedPage


class Inside(NamedTuple):
    """The rooms of a build that has just ended."""

    pages: Mapping[str, PlacedPage]
    """By `src_uri`."""
    reader: Reader | None
    """None where there are no pages."""
    trees: Mapping[TreeRef | SpaceRef, FetchedTree]
    trail: Trail
    """Where links led."""
    attached: AttachedFiles
