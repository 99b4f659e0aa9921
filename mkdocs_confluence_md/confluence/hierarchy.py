"""The tree that folders tell, completed by the parents that pages name. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mkdocs_confluence_md.confluence.trees import TreePage

_DEEPEST = 100
_TOP = -1


def place_below_parents(
    roots: tuple[TreePage, ...], parents: Mapping[str, str]
) -> tuple[TreePage, ...]:
    """Put pages below the parents that they name.

    Folders say more than names do, so a page only moves to a parent that is below the one that it
    has by its folder. In a folder without subfolders this is true for every parent.

    Args:
        roots: The pages at the top, as the folders tell.
        parents: The ID of a page's parent, by the path of the page.
    """
    return _Hierarchy(roots, parents).build() if any(parents.values()) else roots


class _Hierarchy:
    """The pages, numbered in the order of the tree."""

    def __init__(self, roots: tuple[TreePage, ...], parents: Mapping[str, str]) -> None:
        self._pages: list[TreePage] = []
        self._folder_parents: list[int] = []
        self._ends: list[int] = []
        """The number behind that of the last page below each."""
        for root in roots:
            self._number(root, _TOP)
        self._parents = list(self._folder_parents)
        numbers: dict[str, int] = {}
        for number, page in enumerate(self._pages):
            numbers.setdefault(page.page_id, number)
        for number, page in enumerate(self._pages):
            named = parents.get(page.path, "") if page.path else ""
            parent = numbers.get(named, _TOP) if named else _TOP
            if parent != _TOP and self._may_move(number, parent):
                self._parents[number] = parent

    def build(self) -> tuple[TreePage, ...]:
        """Return the pages at the top, with all below them."""
        below: dict[int, list[int]] = {}
        for number, parent in enumerate(self._parents):
            below.setdefault(parent, []).append(number)
        self._limit_depth(below)

        def make(number: int) -> TreePage:
            children = tuple(map(make, sorted(below.get(number, ()))))
            return replace(self._pages[number], children=children)

        return tuple(map(make, sorted(below.get(_TOP, ()))))

    def _number(self, page: TreePage, parent: int) -> None:
        number = len(self._pages)
        self._pages.append(page)
        self._folder_parents.append(parent)
        self._ends.append(number)
        for child in page.children:
            self._number(child, number)
        self._ends[number] = len(self._pages)

    def _may_move(self, number: int, parent: int) -> bool:
        above = self._folder_parents[number]
        is_below = above == _TOP or above < parent < self._ends[above]
        return is_below and not self._pages[parent].is_folder and not self._leads_to(parent, number)

    def _leads_to(self, number: int, wanted: int) -> bool:
        """Return True if a page is another one, or below it."""
        while number not in (wanted, _TOP):
            number = self._parents[number]
        return number == wanted

    def _limit_depth(self, below: dict[int, list[int]]) -> None:
        """Leave pages where folders have them that would be deeper than Confluence allows."""
        level = list(below.get(_TOP, ()))
        for _ in range(_DEEPEST):
            level = [child for number in level for child in below.get(number, ())]
        while level:
            following = [child for number in level for child in below.pop(number, ())]
            for number in following:
                below.setdefault(self._folder_parents[number], []).append(number)
            level = following
