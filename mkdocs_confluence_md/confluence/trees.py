"""A page with all its descendants, or a whole space, as a tree of pages. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class TreePage:
    """A page with those below it; or a folder, which only holds pages."""

    title: str
    """As in Confluence, so not a safe one."""
    page_id: str = ""
    """Empty where it is not known: an export of a whole tree tells no IDs."""
    path: str = ""
    """Of the page in the export of the tree; empty for a page that is exported by itself."""
    children: tuple[TreePage, ...] = ()
    """In the order of Confluence."""

    @property
    def is_folder(self) -> bool:
        """Whether there is no page, but only those below."""
        return not self.page_id and not self.path

    def walk(self) -> Iterator[TreePage]:
        """Yield this page and all below it, each before its children."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True)
class Tree:
    """What a `TreeRef` or a `SpaceRef` stands for."""

    title: str
    """Of the page at its root, or of the space; empty where it is not known."""
    roots: tuple[TreePage, ...] = ()
    """One, for a page with its descendants."""

    def walk(self) -> Iterator[TreePage]:
        """Yield all pages and folders, each before its children."""
        for root in self.roots:
            yield from root.walk()
