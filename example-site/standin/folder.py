"""Pages as files in a folder: which there are, what is above each, and in which space it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from standin.records import SPACE_KEY, SpaceRecord

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PAGE = re.compile(r"([0-9]+)(?:[- ].*)?")
_SPACE = re.compile(r"([A-Z][A-Z0-9]*) (.+)")


@dataclass(frozen=True)
class PageFile:
    """The file of a page."""

    page_id: str
    path: Path
    parent: str
    """The ID of the page in whose folder it is; empty right in the folder of a space."""
    space: str

    @property
    def changed_at(self) -> str:
        """When it was last written."""
        changed = datetime.fromtimestamp(self.path.stat().st_mtime, UTC)
        return changed.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def find_pages(folder: Path) -> dict[str, PageFile]:
    """Return the files of all pages, by ID and in the order of their IDs.

    A page is `{id}.md`, `{id}-anything.md` or `{id} Anything.md`. Those in a folder that is named
    in the same way are below the page with that ID. A folder `{KEY} {Name}` is a space. Of the
    pages right in a space, the one with the lowest ID is its home page, and above the others.
    """
    found = sorted(_walk(folder, "", SPACE_KEY), key=lambda each: int(each.page_id))
    homes: dict[str, str] = {}
    pages = {}
    for each in found:
        home = each.parent or homes.setdefault(each.space, each.page_id)
        parent = home if home != each.page_id else ""
        pages[each.page_id] = PageFile(each.page_id, each.path, parent, each.space)
    return pages


def find_spaces(folder: Path) -> dict[str, SpaceRecord]:
    """Return the spaces that have a folder of their own, by key."""
    names = (_SPACE.fullmatch(path.name) for path in folder.iterdir() if path.is_dir())
    return {name[1]: SpaceRecord(name[1], name[2]) for name in names if name}


def find_page(folder: Path, page_id: str) -> Path | None:
    """Return the file of a page."""
    # The ID comes from a request: only digits may become part of a path or a pattern.
    if not is_id(page_id):
        return None
    exact = folder / f"{page_id}.md"
    if exact.is_file():
        return exact
    if named := min(folder.glob(f"{page_id}[- ]*.md"), default=None):
        return named
    page = find_pages(folder).get(page_id)
    return page.path if page else None


def is_id(text: str) -> bool:
    """Tell whether a text is the ID of a page."""
    return text.isascii() and text.isdigit()


def _walk(folder: Path, parent: str, space: str) -> Iterator[PageFile]:
    for path in sorted(folder.iterdir()):
        page = _PAGE.fullmatch(path.stem if path.suffix == ".md" else path.name)
        if page and path.suffix == ".md":
            yield PageFile(page[1], path, parent, space)
        elif page and path.is_dir():
            yield from _walk(path, page[1], space)
        elif not parent and (key := _SPACE.fullmatch(path.name)) and path.is_dir():
            yield from _walk(path, "", key[1])
