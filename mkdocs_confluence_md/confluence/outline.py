"""Pages as Confluence's REST API lists them, in no order → a tree in Confluence's order. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mkdocs_confluence_md.confluence.models import Tree, TreePage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mkdocs_confluence_md.confluence.models import PageFacts

_TOP = ""


@dataclass(frozen=True)
class ListedContent:
    """A page, or something else that may have pages below it, with its place in the tree."""

    content_id: str
    title: str
    kind: str = "page"
    """As Confluence calls it: `page`, `folder`, `whiteboard`, `database`, …"""
    parent_id: str = _TOP
    """Of what is above it; empty at the top of its space."""
    parent_kind: str = ""
    """Empty where it is not known."""
    position: int | None = None
    """Among those with the same parent; None where they have never been arranged by hand."""

    @property
    def is_page(self) -> bool:
        """Whether it is a page; everything else is a folder in the site."""
        return self.kind == "page"


@dataclass(frozen=True)
class Listing:
    """A tree with what its listing says of its pages, so that they are not asked for again."""

    tree: Tree
    facts: Mapping[str, PageFacts] = field(default_factory=dict)
    """By page ID."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing below its roots."""
        return not any(root.children for root in self.tree.roots)


def outline_tree(root: PageFacts, below: Iterable[ListedContent]) -> Listing:
    """Arrange a page's descendants below it."""
    page = TreePage(root.title, root.page_id, children=arrange(below, root.page_id))
    return Listing(Tree(root.title, (page,)), {root.page_id: root})


def outline_space(
    name: str, home: str, listed: Iterable[ListedContent], facts: Mapping[str, PageFacts]
) -> Listing:
    """Arrange all pages of a space; the home page comes first, whatever its position says."""
    roots = sorted(arrange(listed), key=lambda page: page.page_id != home)
    return Listing(Tree(name, tuple(roots)), facts)


def arrange(listed: Iterable[ListedContent], root_id: str = _TOP) -> tuple[TreePage, ...]:
    """Return what is at the top, or right below the root, with all that is below.

    What has a parent that is not listed is at the top: this account may not see that one.
    """
    # What is listed twice is one page.
    contents = {each.content_id: each for each in listed if each.content_id != root_id}
    below: dict[str, list[ListedContent]] = {}
    for content in contents.values():
        parent = content.parent_id if _is_reachable(content, contents) else _TOP
        below.setdefault(parent if parent in contents else _TOP, []).append(content)
    return tuple(_arrange(below, _TOP))


def _is_reachable(content: ListedContent, contents: Mapping[str, ListedContent]) -> bool:
    """Return False if what is above it leads back to it."""
    seen = {content.content_id}
    above = content.parent_id
    while above in contents and above not in seen:
        seen.add(above)
        above = contents[above].parent_id
    return above != content.content_id


def _arrange(below: Mapping[str, list[ListedContent]], parent: str) -> Iterator[TreePage]:
    for content in sorted(below.get(parent, []), key=_order):
        children = tuple(_arrange(below, content.content_id))
        if content.is_page:
            yield TreePage(content.title, content.content_id, children=children)
        elif children:
            yield TreePage(content.title, children=children)


def _order(content: ListedContent) -> tuple[bool, int, str, str]:
    """Return the sort key: by position, else, as in Confluence, by title."""
    position = content.position
    return position is None, position or 0, content.title.casefold(), content.content_id
