"""What `nav` says in the place of a tree: a section with its pages. Pure.

A page with children is the index page of its section. Its URL is the same as without them, and
themes can show it as the section itself.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from mkdocs_confluence_md.confluence.refs import PageRef, SpaceRef, TreeRef
from mkdocs_confluence_md.site.inert import escape_text
from mkdocs_confluence_md.site.paths import LONGEST_SLUG, join_sections, make_path, make_slug
from mkdocs_confluence_md.site.slots import LocalFileConflict, PlacedPage, Slots

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mkdocs_confluence_md.confluence.trees import Tree, TreePage

# Operating systems allow paths of about 4,000 bytes, and somebody's home directory is in front.
_LONGEST_PATH_BYTES = 1500


PathInTree: TypeAlias = "tuple[TreeRef | SpaceRef, str]"
"""Which page of which export."""

Twins: TypeAlias = "Mapping[PathInTree, PathInTree]"


@dataclass(frozen=True)
class Plot:
    """A place in `nav` for a tree."""

    ref: TreeRef | SpaceRef
    tree: Tree
    title: str
    """As in `nav`; empty where `nav` gives none."""
    section: str
    """The path of the section of `nav` where it stands."""
    items: list[Any] = field(default_factory=list)
    """What stands in the section; filled when all pages that are declared have their places."""

    @property
    def section_title(self) -> str:
        """The section's title, for `nav`: to MkDocs titles are HTML."""
        return self.title or escape_title(self.tree.title or name_tree(self.ref))


class _Sprout(NamedTuple):
    """A page of a tree that wants a place."""

    page: TreePage
    section: str
    title: str
    is_index: bool

    @property
    def rank(self) -> tuple[int, str]:
        """What the order of places follows from: it stays when pages are moved or reordered.

        The shorter first: a page that is added has the higher ID, or a number behind its name.
        """
        identity = self.page.path or self.page.page_id or self.page.title
        return len(identity), identity


class Planter:
    """Gives the pages of trees their places.

    Args:
        page_path: The option.
        slots: Which places are taken.
        pages: The pages that have a place already, by ID; those of trees are added.
        twins: Pages of trees that are in an earlier tree, too, without an ID that would show it.
    """

    def __init__(
        self, page_path: str, slots: Slots, pages: dict[str, PlacedPage], twins: Twins
    ) -> None:
        self._page_path = page_path
        self._slots = slots
        self._pages = pages
        self._twins = twins
        self.added: list[PlacedPage] = []
        self.conflicts: list[LocalFileConflict] = []
        self.by_path: dict[PathInTree, PlacedPage] = {}
        """Each page of an export, also one that has its place elsewhere in `nav`."""

    def plant(self, plot: Plot) -> None:
        """Place a tree, and fill its section of `nav`.

        Places are given from the root down, and among pages of one level in an order of their own.
        So a page that wants the place of another one gets the same as in the last build, in
        whatever order they come.
        """
        placed: dict[int, PlacedPage] = {}
        level = self._begin(plot)
        while level:
            below: list[_Sprout] = []
            for sprout in sorted(level, key=lambda each: each.rank):
                inner = self._place(plot, sprout, placed)
                below += [_sprout(child, inner) for child in sprout.page.children]
            level = below
        roots = plot.tree.roots
        if len(roots) == 1:
            plot.items.extend(_list_section(roots[0], placed))
        else:
            plot.items.extend(item for root in roots for item in _list_page(root, placed))

    def _begin(self, plot: Plot) -> list[_Sprout]:
        roots = plot.tree.roots
        title = plot.title or plot.tree.title or name_tree(plot.ref)
        if len(roots) == 1:
            return [_Sprout(roots[0], plot.section, plot.title or roots[0].title, is_index=True)]
        section = join_sections(plot.section, make_slug(title))
        return [_sprout(root, section) for root in roots]

    def _place(self, plot: Plot, sprout: _Sprout, placed: dict[int, PlacedPage]) -> str:
        """Place a page, unless it has a place already; return the path of the section below it."""
        page, section = sprout.page, sprout.section
        known = self._find_known(plot.ref, page)
        if page.is_folder or known:
            if known and page.path:
                self.by_path[plot.ref, page.path] = known
            return join_sections(section, make_slug(sprout.title))
        new, folder = self._allocate(plot, sprout)
        placed[id(page)] = new
        self.added.append(new)
        if page.page_id:
            self._pages[page.page_id] = new
        if page.path:
            self.by_path[plot.ref, page.path] = new
        return folder

    def _find_known(self, ref: TreeRef | SpaceRef, page: TreePage) -> PlacedPage | None:
        if page.page_id:
            return self._pages.get(page.page_id)
        # The same tree may stand in `nav` twice.
        twin = self._twins.get((ref, page.path), (ref, page.path))
        return self.by_path.get(twin)

    def _allocate(self, plot: Plot, sprout: _Sprout) -> tuple[PlacedPage, str]:
        page = sprout.page
        mark = page.page_id[:LONGEST_SLUG] or _make_mark(page.path or page.title)
        wanted = make_path(
            self._page_path,
            section=sprout.section,
            title=sprout.title,
            page_id=page.page_id,
            otherwise=f"page-{mark}",
        )
        if len(wanted.encode()) > _LONGEST_PATH_BYTES:
            wanted = join_sections(plot.section, f"page-{mark}")
        path = self._slots.allocate(wanted, mark, index=sprout.is_index)
        new = PlacedPage(PageRef(page.page_id), "", f"{path}.md", plot.ref, page.path, page.title)
        best = f"{wanted}/index" if sprout.is_index else wanted
        if self._slots.is_local(best):
            self.conflicts.append(LocalFileConflict(new, f"{best}.md"))
        # What is below a page that had to move aside moves with it.
        moved = path[len(wanted) :] if not sprout.is_index else path[len(wanted) : -len("/index")]
        slug = make_slug(sprout.title) or page.page_id[:LONGEST_SLUG] or f"page-{mark}"
        return new, join_sections(sprout.section, slug + moved)


def _sprout(page: TreePage, section: str) -> _Sprout:
    return _Sprout(page, section, page.title, is_index=bool(page.children))


def _list_page(page: TreePage, placed: dict[int, PlacedPage]) -> list[Any]:
    """Return what stands in `nav` for a page and those below it: one item, or none."""
    items = _list_section(page, placed)
    below = len(items) > (id(page) in placed)
    return [{escape_title(page.title): items}] if below else items


def _list_section(page: TreePage, placed: dict[int, PlacedPage]) -> list[Any]:
    """Return a page and those below it."""
    # Without titles of their own, so that each is titled by its front matter.
    own = [placed[id(page)].src_uri] if id(page) in placed else []
    return [*own, *(item for child in page.children for item in _list_page(child, placed))]


def name_tree(ref: TreeRef | SpaceRef) -> str:
    """Name a tree by what `nav` says of it."""
    return ref.key if isinstance(ref, SpaceRef) else f"Page {ref.page_id}"


def escape_title(title: str) -> str:
    """Turn a title from Confluence into one for `nav`, which themes print as HTML."""
    return escape_text(title.strip()) or "…"


def _make_mark(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:6]
