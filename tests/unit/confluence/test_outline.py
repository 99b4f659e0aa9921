"""A list of pages in no order becomes a tree; no list can make it endless, or lose a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_confluence_md.confluence.models import (
    ListedContent,
    PageFacts,
    outline_space,
    outline_tree,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mkdocs_confluence_md.confluence.models import TreePage

ROOT = PageFacts("1", "Root")


def page(
    page_id: str,
    parent: str = "",
    *,
    position: int | None = None,
    title: str = "",
    kind: str = "page",
) -> ListedContent:
    title = title or f"Title {page_id}"
    return ListedContent(page_id, title, kind, parent, position=position)


def draw(pages: Iterable[TreePage], depth: int = 0) -> list[str]:
    """Write a tree as an indented list; a folder is in brackets."""
    lines = []
    for each in pages:
        lines += ["  " * depth + (f"[{each.title}]" if each.is_folder else each.page_id)]
        lines += draw(each.children, depth + 1)
    return lines


def test_pages_are_below_their_parents_in_confluences_order() -> None:
    listing = outline_tree(
        ROOT,
        [page("5", "3"), page("3", "1", position=7), page("2", "1", position=300), page("4", "3")],
    )

    assert draw(listing.tree.roots) == ["1", "  3", "    4", "    5", "  2"]
    assert listing.tree.title == "Root"
    assert list(listing.facts) == ["1"]


def test_without_positions_titles_decide() -> None:
    listed = [page("2", "1", title="b"), page("3", "1", title="A"),
              page("4", "1", title="C", position=1)]  # fmt: skip

    assert draw(outline_tree(ROOT, listed).tree.roots) == ["1", "  4", "  3", "  2"]


def test_folders_with_pages_are_sections_and_what_has_an_unknown_parent_is_at_the_top() -> None:
    folder = page("6", "1", title="Drawer", position=1, kind="folder")
    empty = page("8", "1", position=0, kind="whiteboard")
    listed = [page("7", "6"), page("4", "3"), page("2", "1", position=2), folder, empty]

    assert draw(outline_tree(ROOT, listed).tree.roots) == ["1", "  [Drawer]", "    7", "  2", "  4"]


def test_a_space_begins_with_its_home_page() -> None:
    listed = [page("2", position=1), page("3", position=2)]
    listing = outline_space("Engineering", "3", listed, {})

    assert (listing.tree.title, draw(listing.tree.roots)) == ("Engineering", ["3", "2"])


@pytest.mark.parametrize(
    "listed",
    [
        [page("2", "3"), page("3", "2")],
        [page("2", "2")],
        [page("2", "3"), page("3", "4"), page("4", "2"), page("5", "3")],
        [page("2", "1"), page("2", "3"), page("1")],
    ],
)
def test_circles_and_doubles_lose_nothing(listed: list[ListedContent]) -> None:
    listing = outline_tree(ROOT, listed)

    ids = [each.page_id for each in listing.tree.walk() if not each.is_folder]
    assert sorted(ids) == sorted({each.content_id for each in listed} | {"1"})


IDS = st.sampled_from(list("123456789"))


@given(st.lists(st.tuples(IDS, IDS | st.just(""), st.none() | st.integers(0, 3))))
def test_each_page_of_any_list_is_in_the_tree_once(
    listed: list[tuple[str, str, int | None]],
) -> None:
    listing = outline_tree(
        ROOT, [page(page_id, parent, position=position) for page_id, parent, position in listed]
    )

    ids = [each.page_id for each in listing.tree.walk() if not each.is_folder]
    assert sorted(ids) == sorted({"1", *(page_id for page_id, _, _ in listed)})
