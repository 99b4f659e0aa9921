"""Where each Confluence page lands in the site. Pure: `nav` in, `nav` with paths out.

A page's path follows from `mkdocs.yml` alone, so that URLs stay the same from build to build; only
a local file that already has the path makes a difference, and that is reported.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field, replace
from string import Formatter
from typing import TYPE_CHECKING, Any, TypeAlias

from slugify import slugify

from mkdocs_confluence_md.references import Complaint, PageRef, Reference, parse_nav_entry

if TYPE_CHECKING:
    from collections.abc import Iterable

Nav: TypeAlias = "list[Any] | dict[str, Any] | str"
"""What MkDocs' option `nav` holds: lists, one-item mappings and texts, at any depth."""

FIELDS = frozenset({"section", "title", "id"})
"""What may stand in braces in the option `page_path`."""

# File systems allow 255 bytes a name; a character has up to 4 in UTF-8, and an ID may follow.
_LONGEST_SLUG = 55


@dataclass(frozen=True)
class PlacedPage:
    """A Confluence page with its place in the site."""

    ref: PageRef
    title: str
    """As in `nav`; empty where `nav` gives none."""
    src_uri: str
    """The path that MkDocs sees, relative to `docs_dir`, with `/` and `.md`."""


@dataclass(frozen=True)
class LocalFileConflict:
    """A local file already has the path that a page would get; the page moved aside."""

    page: PlacedPage
    wanted: str
    """The `src_uri` that the page would have had."""


@dataclass(frozen=True)
class Placement:
    """The whole result."""

    nav: Nav
    """`nav` with a path in the place of each reference."""
    pages: tuple[PlacedPage, ...]
    """Each page once, in the order of `nav`."""
    complaints: tuple[Complaint, ...]
    """Entries that cannot be placed; they stand in `nav` as they were."""
    conflicts: tuple[LocalFileConflict, ...]


def place(
    nav: Nav,
    *,
    page_path: str,
    local_uris: Iterable[str],
    site_host: str = "",
    use_directory_urls: bool = True,
) -> Placement:
    """Find the references in `nav` and give each page a path.

    Args:
        nav: As MkDocs validated it. It is not changed.
        page_path: The option: a path with fields from `FIELDS`.
        local_uris: The destinations (`dest_uri`) of the files that the site already has.
        site_host: The Confluence site's host, empty where it is not known: a URL of another
            site is complained of, because its ID would name a different page here.
        use_directory_urls: MkDocs' option.
    """
    local_slots = {_slot(uri) for uri in local_uris}
    placer = _Placer(page_path, site_host, local_slots, use_directory_urls)
    placed = placer.walk(nav, title=None, section="")
    return Placement(
        placed, tuple(placer.pages.values()), tuple(placer.complaints), tuple(placer.conflicts)
    )


def check_page_path(page_path: str) -> str | None:
    """Say what is wrong with a value of the option `page_path`; None if nothing is."""
    try:
        parts = list(Formatter().parse(page_path))
    except ValueError as error:
        return f"cannot be read: {error}."
    names = {name for _, name, _, _ in parts if name is not None}
    plain = all(not spec and not conversion for _, _, spec, conversion in parts)
    if not names <= FIELDS or not plain:
        return "may contain the fields {section}, {title} and {id}, and no others."
    if not names & {"title", "id"}:
        return "must contain {title} or {id}, so that pages can be told apart."
    literal = "".join(text for text, *_ in parts)
    misplaced = re.search(r"\\|:|\.\.", literal) or page_path.startswith("/")
    if misplaced or not page_path.isprintable():
        return "must be a path below docs_dir, with / between folders."
    return None


def make_slug(text: str) -> str:
    """Turn a title into a path segment that people can read; may be empty (only emoji, say)."""
    return slugify(text, allow_unicode=True, max_length=_LONGEST_SLUG, word_boundary=True)


@dataclass
class _Placer:
    page_path: str
    site_host: str
    local_slots: set[str]
    use_directory_urls: bool
    pages: dict[str, PlacedPage] = field(default_factory=dict)
    complaints: list[Complaint] = field(default_factory=list)
    conflicts: list[LocalFileConflict] = field(default_factory=list)
    taken_slots: set[str] = field(default_factory=set)

    def walk(self, item: Any, *, title: str | None, section: str) -> Any:  # noqa: ANN401  as Nav
        """Copy a part of `nav`, with paths for references."""
        if isinstance(item, list):
            return [self.walk(child, title=None, section=section) for child in item]
        if isinstance(item, dict):
            return self._walk_mapping(item, section)
        page = self._place_entry(title, item, section)
        return page.src_uri if page else item

    def _walk_mapping(self, item: dict[str, Any], section: str) -> Any:  # noqa: ANN401  as Nav
        copy: dict[str, Any] = {}
        for title, value in item.items():
            if not isinstance(value, str):
                inner = "/".join(filter(None, (section, make_slug(str(title)))))
                copy[title] = self.walk(value, title=None, section=inner)
            elif page := self._place_entry(title, value, section):
                # `confluence: "123"` has no title: the page names itself.
                if title == "confluence" and len(item) == 1:
                    return page.src_uri
                copy[title] = page.src_uri
            else:
                copy[title] = value
        return copy

    def _place_entry(self, title: str | None, value: Any, section: str) -> PlacedPage | None:  # noqa: ANN401  as Nav
        reference = parse_nav_entry(title, value) if isinstance(value, str) else None
        if reference is None:
            return None
        if complaint := self._find_complaint(value, reference):
            entry = value if title is None else f"{title}: {value}"
            self.complaints.append(replace(complaint, entry=entry))
            return None
        assert isinstance(reference, PageRef)  # noqa: S101  for the type checker
        own_title = "" if title in (None, "confluence") else str(title).strip()
        known = self.pages.get(reference.page_id)
        return known or self._allocate(reference, own_title, section)

    def _find_complaint(self, entry: str, reference: Reference | Complaint) -> Complaint | None:
        if isinstance(reference, Complaint):
            return reference
        if not isinstance(reference, PageRef):
            return Complaint(
                entry,
                "whole trees and spaces are not supported yet.",
                "List the pages one by one, as confluence:123456.",
            )
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

    def _allocate(self, ref: PageRef, title: str, section: str) -> PlacedPage:
        wanted = self._make_path(ref, title, section)
        path = wanted
        while self._is_taken(path):
            path = f"{path}-{ref.page_id[:_LONGEST_SLUG]}"
        page = PlacedPage(ref, title, f"{path}.md")
        if self._slot_of(wanted) in self.local_slots:
            self.conflicts.append(LocalFileConflict(page, f"{wanted}.md"))
        self.taken_slots.add(self._slot_of(path))
        self.pages[ref.page_id] = page
        return page

    def _is_taken(self, path: str) -> bool:
        slot = self._slot_of(path)
        return slot in self.taken_slots or slot in self.local_slots

    def _slot_of(self, path: str) -> str:
        """Return the slot of a page with a path (without `.md`), by MkDocs' rules.

        So `a.md` and `a/index.md` are the same, and `a/readme.md` is not: only `README` is.
        """
        if path.rpartition("/")[2] == "index" or not self.use_directory_urls:
            return _slot(f"{path}.html")
        return _slot(f"{path}/index.html")

    def _make_path(self, ref: PageRef, title: str, section: str) -> str:
        # No ID is that long; a file's name may not be.
        short_id = ref.page_id[:_LONGEST_SLUG]
        path = self.page_path.removesuffix(".md").format(
            section=section, title=make_slug(title) or short_id, id=short_id
        )
        return "/".join(segment for segment in path.split("/") if segment not in ("", "."))


def is_atlassian(host: str) -> bool:
    """Tell whether a host is surely Confluence Cloud's."""
    # A site may also have a custom domain, which may well be the same site.
    return host.endswith(".atlassian.net")


def _slot(dest_uri: str) -> str:
    """Reduce a destination to what must be unique: some file systems ignore case and form."""
    return unicodedata.normalize("NFC", dest_uri).casefold()
