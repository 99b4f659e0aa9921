"""Pages as a search lists them, in no order → a tree in Confluence's order. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mkdocs_confluence_md.trees import Tree, TreePage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mkdocs_confluence_md.facts import PageFacts

_TOP = ""


@dataclass(frozen=True)
class Ancestor:
    """What is above a page: another page, or a folder."""

    content_id: str
    title: str


@dataclass(frozen=True)
class ListedPage:
    """A page, or what else a search lists, with its place in the tree."""

    facts: PageFacts
    ancestors: tuple[Ancestor, ...] = ()
    """The topmost first."""
    position: int | None = None
    """Among those with the same parent; None where nobody has ever moved any of them."""
    is_page: bool = True
    """Else it is a folder, a whiteboard or a database."""


@dataclass(frozen=True)
class Listing:
    """A tree with what its listing says of its pages, so that nobody has to ask again."""

    tree: Tree
    facts: Mapping[str, PageFacts]
    """By page ID."""


def outline_tree(root: PageFacts, below: Iterable[ListedPage]) -> Listing:
    """Arrange a page's descendants below it."""
    outline = _Outline(below, root.page_id)
    page = TreePage(root.title, root.page_id, children=outline.arrange())
    return Listing(Tree(root.title, (page,)), {root.page_id: root, **outline.facts})


def outline_space(name: str, home: str, listed: Iterable[ListedPage]) -> Listing:
    """Arrange all pages of a space; the home page comes first, whatever its position says."""
    outline = _Outline(listed, _TOP)
    roots = sorted(outline.arrange(), key=lambda page: page.page_id != home)
    return Listing(Tree(name, tuple(roots)), outline.facts)


def arrange(listed: Iterable[ListedPage], root_id: str = _TOP) -> tuple[TreePage, ...]:
    """Arrange pages as both do: what is at the top, or right below the root."""
    return _Outline(listed, root_id).arrange()


class _Outline:
    """The tree in the making.

    A page is where its own ancestors say, wherever others have it. What is above a page and not
    listed is a folder, or a page that this account may not see: it becomes a folder.
    """

    def __init__(self, listed: Iterable[ListedPage], root_id: str) -> None:
        self._root_id = root_id
        # A page that is listed twice is one page.
        self._listed = {page.facts.page_id: page for page in listed
                        if page.facts.page_id != root_id}  # fmt: skip
        self.facts = {page_id: page.facts for page_id, page in self._listed.items() if page.is_page}
        self._titles = {page_id: page.facts.title for page_id, page in self._listed.items()}
        self._parents: dict[str, str] = {}
        for page_id, page in self._listed.items():
            above = self._find_above(page)
            self._parents[page_id] = above[-1].content_id if above else _TOP
        for page in self._listed.values():
            self._add_ancestors(self._find_above(page))

    def arrange(self) -> tuple[TreePage, ...]:
        """Return what is at the top, with all that is below."""
        below: dict[str, list[str]] = {}
        for content_id in self._titles:
            parent = _TOP if self._is_in_circle(content_id) else self._parents[content_id]
            below.setdefault(parent, []).append(content_id)
        return tuple(self._arrange(below, _TOP))

    def _find_above(self, page: ListedPage) -> list[Ancestor]:
        """Return a page's ancestors below the root of the tree."""
        ids = [ancestor.content_id for ancestor in page.ancestors]
        start = ids.index(self._root_id) + 1 if self._root_id in ids else 0
        return [each for each in page.ancestors[start:] if each.content_id != page.facts.page_id]

    def _add_ancestors(self, above: list[Ancestor]) -> None:
        parent = _TOP
        for ancestor in above:
            self._titles.setdefault(ancestor.content_id, ancestor.title)
            self._parents.setdefault(ancestor.content_id, parent)
            parent = ancestor.content_id

    def _is_in_circle(self, content_id: str) -> bool:
        """Tell whether what is above it leads back to it."""
        seen, above = {content_id}, self._parents[content_id]
        while above != _TOP and above not in seen:
            seen.add(above)
            above = self._parents[above]
        return above == content_id

    def _arrange(self, below: Mapping[str, list[str]], parent: str) -> Iterator[TreePage]:
        for content_id in sorted(below.get(parent, []), key=self._order):
            children = tuple(self._arrange(below, content_id))
            if content_id in self.facts:
                yield TreePage(self._titles[content_id], content_id, children=children)
            elif children:
                yield TreePage(self._titles[content_id], children=children)

    def _order(self, content_id: str) -> tuple[bool, int, str, str]:
        """Return the sort key: by position, else, as in Confluence, by title."""
        page = self._listed.get(content_id)
        position = page.position if page else None
        return position is None, position or 0, self._titles[content_id].casefold(), content_id
