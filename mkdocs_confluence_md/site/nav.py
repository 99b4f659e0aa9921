"""Place the pages that `nav` refers to: `nav` with references in, `nav` with paths out. Pure.

A page's path follows from `mkdocs.yml` alone, so that URLs stay the same from build to build; only
a local file that already has the path makes a difference, and that is reported.

A tree becomes a section. A page with children is the index page of its section: its URL is the same
as without them, and themes can show it as the section itself.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from mkdocs_confluence_md.confluence.refs import (
    Complaint,
    PageRef,
    Reference,
    SpaceRef,
    TreeRef,
    is_confluence_url,
    parse_nav_entry,
    parse_reference,
)
from mkdocs_confluence_md.site.paths import (
    LONGEST_SLUG,
    LocalFileConflict,
    PlacedPage,
    Slots,
    join_sections,
    make_path,
    make_slug,
)
from mkdocs_confluence_md.text import escape_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from mkdocs_confluence_md.confluence.models import Tree, TreePage


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
    """The items of the section; filled when all declared pages have their places."""

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


@dataclass(frozen=True)
class Earlier:
    """What was placed when `nav` was read before, in the same build: it stays where it is."""

    pages: tuple[PlacedPage, ...] = ()
    by_path: Mapping[PathInTree, PlacedPage] = field(default_factory=dict)


class Planter:
    """Gives the pages of trees their places.

    Args:
        page_path: The option.
        slots: Which places are taken.
        pages: The pages that have a place already, by ID; those of trees are added.
        twins: Pages of trees that are in an earlier tree, too, without an ID that would show it.
        earlier: Pages that got their places when `nav` was read before.
        is_left_out: Returns True for the path of a page that the site leaves out.
    """

    def __init__(  # noqa: PLR0913  what is known when declared pages have their places
        self,
        page_path: str,
        slots: Slots,
        pages: dict[str, PlacedPage],
        *,
        twins: Twins,
        earlier: Earlier,
        is_left_out: Callable[[str], bool],
    ) -> None:
        self._is_left_out = is_left_out
        self._page_path = page_path
        self._slots = slots
        self._pages = pages
        self._twins = twins
        self._unlisted = set(earlier.pages)
        self.added: list[PlacedPage] = []
        self.conflicts: list[LocalFileConflict] = []
        self.by_path: dict[PathInTree, PlacedPage] = dict(earlier.by_path)
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
            if known and known.tree == plot.ref and known in self._unlisted:
                self._unlisted.remove(known)
                placed[id(page)] = known
            return join_sections(section, make_slug(sprout.title))
        new, folder = self._allocate(plot, sprout)
        if self._is_left_out(new.src_uri):
            return folder
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
        mark = (
            page.page_id[:LONGEST_SLUG]
            or hashlib.sha256((page.path or page.title).encode("utf-8", "replace")).hexdigest()[:6]
        )
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
    """Return the item of `nav` for a page and those below it; one, or none."""
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


Nav: TypeAlias = "list[Any] | dict[str, Any] | str"
"""What MkDocs' option `nav` holds: lists, one-item mappings and texts, at any depth."""


@dataclass(frozen=True)
class NavLink:
    """An entry of some section, for a `nav` that is given piece by piece."""

    title: str | None
    value: str
    section: str
    """The path of the section, as `join_sections` makes it."""


@dataclass(frozen=True)
class Placement:
    """The whole result."""

    nav: Nav
    """`nav` with a path in the place of each reference, and a section in that of each tree."""
    pages: tuple[PlacedPage, ...]
    """Each page once, in the order of `nav`."""
    complaints: tuple[Complaint, ...]
    """Entries that cannot be placed; they stand in `nav` as they were."""
    conflicts: tuple[LocalFileConflict, ...]
    trees: Mapping[TreeRef | SpaceRef, str] = field(default_factory=dict)
    """Each tree that `nav` refers to, with its title there, or an empty one.

    Those that are not known stand in `nav` as they were."""
    by_path: Mapping[tuple[TreeRef | SpaceRef, str], PlacedPage] = field(default_factory=dict)
    """The pages of trees, by tree and path in its export, wherever they have their place."""
    addresses: tuple[str, ...] = ()
    """Of pages of the site in Confluence that `nav` links to, without `confluence:` before them."""


def place(  # noqa: PLR0913  the site's options
    nav: Nav,
    *,
    page_path: str,
    local_uris: Iterable[str],
    site_host: str = "",
    use_directory_urls: bool = True,
    trees: Mapping[TreeRef | SpaceRef, Tree] | None = None,
    twins: Twins | None = None,
    earlier: Earlier | None = None,
    is_left_out: Callable[[str], bool] = lambda _: False,
) -> Placement:
    """Find the references in `nav` and give each page a path.

    Args:
        nav: As MkDocs validated it, or a list of `NavLink`. It is not changed.
        page_path: The option: a path with fields.
        local_uris: The destinations (`dest_uri`) of the files that the site already has.
        site_host: The Confluence site's host, empty where it is not known: a URL of another
            site is complained of, because its ID would name a different page here.
        use_directory_urls: MkDocs' option.
        trees: What is known of the trees that `nav` refers to.
        twins: Which of their pages are in an earlier tree, too.
        earlier: What has a place already; it is in the result, too.
        is_left_out: Returns True for the path of a page that the site leaves out of trees.
    """
    earlier = earlier or Earlier()
    slots = Slots(local_uris, use_directory_urls=use_directory_urls)
    slots.take(page.src_uri.removesuffix(".md") for page in earlier.pages)
    placer = _Placer(page_path, site_host, slots, trees or {})
    placer.pages |= {page.ref.page_id: page for page in earlier.pages if page.ref.page_id}
    placed = placer.walk(nav, title=None, section="")
    # Pages that are declared come first, so that their places follow from `mkdocs.yml` alone.
    planter = Planter(
        page_path,
        slots,
        placer.pages,
        twins=twins or {},
        earlier=earlier,
        is_left_out=is_left_out,
    )
    declared = list(dict.fromkeys((*earlier.pages, *placer.pages.values())))
    for plot in placer.plots:
        planter.plant(plot)
    empty = {id(plot.items) for plot in placer.plots if not plot.items}
    placed = _drop_empty(placed, empty) if empty else placed
    pages = [*declared, *planter.added]
    if planter.added:
        order = {uri: number for number, uri in enumerate(_find_uris(placed))}
        pages.sort(key=lambda page: order.get(page.src_uri, len(order)))
    return Placement(
        placed,
        tuple(pages),
        tuple(placer.complaints),
        (*placer.conflicts, *planter.conflicts),
        placer.trees,
        planter.by_path,
        tuple(placer.addresses),
    )


@dataclass
class _Placer:
    """Gives the pages that are declared their places, and remembers where trees belong."""

    page_path: str
    site_host: str
    slots: Slots
    known_trees: Mapping[TreeRef | SpaceRef, Tree]
    pages: dict[str, PlacedPage] = field(default_factory=dict)
    complaints: list[Complaint] = field(default_factory=list)
    conflicts: list[LocalFileConflict] = field(default_factory=list)
    trees: dict[TreeRef | SpaceRef, str] = field(default_factory=dict)
    plots: list[Plot] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)

    def walk(self, item: Any, *, title: str | None, section: str) -> Any:  # noqa: ANN401  as Nav
        """Copy a part of `nav`, with paths for references."""
        if isinstance(item, list):
            return [self.walk(child, title=None, section=section) for child in item]
        if isinstance(item, dict):
            return self._walk_mapping(item, section)
        if isinstance(item, NavLink):
            entry = item.value if item.title is None else {item.title: item.value}
            return [self.walk(entry, title=None, section=item.section)]
        found = self._place_entry(title, item, section)
        return _write_bare(found) if found else item

    def _walk_mapping(self, item: dict[str, Any], section: str) -> Any:  # noqa: ANN401  as Nav
        copy: dict[str, Any] = {}
        for title, value in item.items():
            if not isinstance(value, str):
                inner = join_sections(section, make_slug(str(title)))
                copy[title] = self.walk(value, title=None, section=inner)
                continue
            found = self._place_entry(title, value, section)
            # `confluence: "123"` has no title: the page names itself.
            if found and not _is_title(title) and len(item) == 1:
                return _write_bare(found)
            if isinstance(found, Plot):
                copy[title] = found.items
            else:
                copy[title] = found.src_uri if found else value
        return copy

    def _place_entry(self, title: str | None, value: Any, section: str) -> PlacedPage | Plot | None:  # noqa: ANN401  as Nav
        reference = parse_nav_entry(title, value) if isinstance(value, str) else None
        if reference is None:
            self._look_for_address(value)
            return None
        if complaint := self._find_complaint(value, reference):
            entry = value if title is None else f"{title}: {value}"
            self.complaints.append(replace(complaint, entry=entry))
            return None
        own_title = str(title).strip() if _is_title(title) else ""
        if isinstance(reference, TreeRef | SpaceRef):
            return self._reserve(reference, own_title, section)
        assert isinstance(reference, PageRef)  # noqa: S101  for the type checker
        known = self.pages.get(reference.page_id)
        return known or self._allocate(reference, own_title, section)

    def _look_for_address(self, value: object) -> None:
        if isinstance(value, str) and is_confluence_url(value):
            found = parse_reference(value)
            if isinstance(found, PageRef) and found.host in (self.site_host or found.host, ""):
                self.addresses.append(value.strip())

    def _find_complaint(self, entry: str, reference: Reference | Complaint) -> Complaint | None:
        if isinstance(reference, Complaint):
            return reference
        if not isinstance(reference, PageRef):
            return None
        if complaint := find_foreign(entry, reference, self.site_host):
            return complaint
        if is_atlassian(reference.host):
            self.site_host = self.site_host or reference.host
        return None

    def _reserve(self, ref: TreeRef | SpaceRef, title: str, section: str) -> Plot | None:
        self.trees.setdefault(ref, title)
        if ref not in self.known_trees:
            return None
        self.plots.append(Plot(ref, self.known_trees[ref], title, section))
        return self.plots[-1]

    def _allocate(self, ref: PageRef, title: str, section: str) -> PlacedPage:
        short_id = ref.page_id[:LONGEST_SLUG]
        named = title or ref.title
        wanted = make_path(
            self.page_path, section=section, title=named, page_id=ref.page_id, otherwise=short_id
        )
        src_uri = f"{self.slots.allocate(wanted, short_id)}.md"
        page = PlacedPage(ref, title, src_uri, own_title=ref.title)
        if self.slots.is_local(wanted):
            self.conflicts.append(LocalFileConflict(page, f"{wanted}.md"))
        self.pages[ref.page_id] = page
        return page


def find_foreign(entry: str, reference: PageRef, site_host: str) -> Complaint | None:
    """Return what is wrong with a page of another site than this one's; None if it is not."""
    both = is_atlassian(reference.host) and is_atlassian(site_host)
    if not both or reference.host == site_host:
        return None
    return Complaint(
        entry,
        f"this page is not on {site_host}.",
        f"Use a page of {site_host}, or change the option `site`.",
    )


def is_atlassian(host: str) -> bool:
    """Return True if a host is surely Confluence Cloud's."""
    # A site may also have a custom domain, which may well be the same site.
    return host.endswith(".atlassian.net")


def _is_title(title: str | None) -> bool:
    """Return True if the key of an entry is a title: plugins may repeat a reference as its key."""
    return title not in (None, "confluence") and parse_nav_entry(None, str(title)) is None


def _write_bare(found: PlacedPage | Plot) -> Any:  # noqa: ANN401  as Nav
    """Write an entry that has no title of its own."""
    return {found.section_title: found.items} if isinstance(found, Plot) else found.src_uri


def _drop_empty(item: Any, empty: set[int]) -> Any:  # noqa: ANN401  as Nav
    """Copy `nav` without the sections of trees whose pages all stand elsewhere."""
    if isinstance(item, list) and id(item) not in empty:
        kept = (_drop_empty(child, empty) for child in item)
        return [child for child in kept if child != {}]
    if isinstance(item, dict):
        return {
            title: _drop_empty(value, empty)
            for title, value in item.items()
            if id(value) not in empty
        }
    return item


def _find_uris(item: Any) -> Iterator[str]:  # noqa: ANN401  as Nav
    if isinstance(item, list | dict):
        for child in item.values() if isinstance(item, dict) else item:
            yield from _find_uris(child)
    elif isinstance(item, str):
        yield item
