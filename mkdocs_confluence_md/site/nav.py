"""Where each Confluence page lands in the site. Pure: `nav` in, `nav` with paths out.

A page's path follows from `mkdocs.yml` alone, so that URLs stay the same from build to build; only
a local file that already has the path makes a difference, and that is reported.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from mkdocs_confluence_md.confluence.refs import (
    Complaint,
    PageRef,
    Reference,
    SpaceRef,
    TreeRef,
    parse_nav_entry,
)
from mkdocs_confluence_md.site.paths import LONGEST_SLUG, join_sections, make_path, make_slug
from mkdocs_confluence_md.site.sections import Planter, Plot
from mkdocs_confluence_md.site.slots import LocalFileConflict, PlacedPage, Slots

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mkdocs_confluence_md.confluence.trees import Tree
    from mkdocs_confluence_md.site.sections import Twins

Nav: TypeAlias = "list[Any] | dict[str, Any] | str"
"""What MkDocs' option `nav` holds: lists, one-item mappings and texts, at any depth."""


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


def place(  # noqa: PLR0913  the site's options
    nav: Nav,
    *,
    page_path: str,
    local_uris: Iterable[str],
    site_host: str = "",
    use_directory_urls: bool = True,
    trees: Mapping[TreeRef | SpaceRef, Tree] | None = None,
    twins: Twins | None = None,
) -> Placement:
    """Find the references in `nav` and give each page a path.

    Args:
        nav: As MkDocs validated it. It is not changed.
        page_path: The option: a path with fields.
        local_uris: The destinations (`dest_uri`) of the files that the site already has.
        site_host: The Confluence site's host, empty where it is not known: a URL of another
            site is complained of, because its ID would name a different page here.
        use_directory_urls: MkDocs' option.
        trees: What is known of the trees that `nav` refers to.
        twins: Which of their pages are in an earlier tree, too.
    """
    slots = Slots(local_uris, use_directory_urls=use_directory_urls)
    placer = _Placer(page_path, site_host, slots, trees or {})
    placed = placer.walk(nav, title=None, section="")
    # Pages that are declared come first, so that their places follow from `mkdocs.yml` alone.
    planter = Planter(page_path, slots, placer.pages, twins or {})
    declared = list(placer.pages.values())
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

    def walk(self, item: Any, *, title: str | None, section: str) -> Any:  # noqa: ANN401  as Nav
        """Copy a part of `nav`, with paths for references."""
        if isinstance(item, list):
            return [self.walk(child, title=None, section=section) for child in item]
        if isinstance(item, dict):
            return self._walk_mapping(item, section)
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
            if found and title == "confluence" and len(item) == 1:
                return _write_bare(found)
            if isinstance(found, Plot):
                copy[title] = found.items
            else:
                copy[title] = found.src_uri if found else value
        return copy

    def _place_entry(self, title: str | None, value: Any, section: str) -> PlacedPage | Plot | None:  # noqa: ANN401  as Nav
        reference = parse_nav_entry(title, value) if isinstance(value, str) else None
        if reference is None:
            return None
        if complaint := self._find_complaint(value, reference):
            entry = value if title is None else f"{title}: {value}"
            self.complaints.append(replace(complaint, entry=entry))
            return None
        own_title = "" if title in (None, "confluence") else str(title).strip()
        if isinstance(reference, TreeRef | SpaceRef):
            return self._reserve(reference, own_title, section)
        assert isinstance(reference, PageRef)  # noqa: S101  for the type checker
        known = self.pages.get(reference.page_id)
        return known or self._allocate(reference, own_title, section)

    def _find_complaint(self, entry: str, reference: Reference | Complaint) -> Complaint | None:
        if isinstance(reference, Complaint):
            return reference
        if not isinstance(reference, PageRef):
            return None
        if not is_atlassian(reference.host) or reference.host == self.site_host:
            return None
        if is_atlassian(self.site_host):
            return Complaint(
                entry,
                f"this page is in another site than {self.site_host}.",
                f"Use a page of {self.site_host}, or change the option `site`.",
            )
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
        wanted = make_path(
            self.page_path, section=section, title=title, page_id=ref.page_id, otherwise=short_id
        )
        page = PlacedPage(ref, title, f"{self.slots.allocate(wanted, short_id)}.md")
        if self.slots.is_local(wanted):
            self.conflicts.append(LocalFileConflict(page, f"{wanted}.md"))
        self.pages[ref.page_id] = page
        return page


def is_atlassian(host: str) -> bool:
    """Tell whether a host is surely Confluence Cloud's."""
    # A site may also have a custom domain, which may well be the same site.
    return host.endswith(".atlassian.net")


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
