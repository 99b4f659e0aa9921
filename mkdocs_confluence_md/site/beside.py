"""Where the files of a page land: in a folder of the page's own name, beside it. Pure."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mkdocs_confluence_md.site.filenames import add_mark, fold, make_safe_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass
class Shelves:
    """Which places in the site are taken; whoever comes first has them, local files before all."""

    _files: set[str] = field(default_factory=set)
    _folders: set[str] = field(default_factory=set)

    def take(self, uris: Iterable[str]) -> None:
        """Take places, by destination."""
        for uri in uris:
            slot = fold(uri)
            self._files.add(slot)
            self._folders.update(_folders_of(slot))

    def is_free(self, uri: str) -> bool:
        """Tell whether a file may be here: no other one, and no folder, and all folders folders."""
        slot = fold(uri)
        return slot not in self._files | self._folders and self._files.isdisjoint(_folders_of(slot))


def place_files(page_uri: str, names: Mapping[str, str], shelves: Shelves) -> dict[str, str]:
    """Give each file of a page a place, and take it.

    Args:
        page_uri: The page's `src_uri`: the files of `a/deploy.md`, and of `a/deploy/index.md`,
            are in `a/deploy/`.
        names: Each file's name, whatever it is, by what tells the file from others (its digest).
        shelves: What is taken.

    Returns:
        The `src_uri` of each file.
    """
    placed = {}
    # In the order of names, so that it does not matter in which order a page refers to them.
    for identity, name in sorted(names.items(), key=lambda item: (item[1], item[0])):
        folder = page_uri.removesuffix(".md").removesuffix("/index")
        safe_name = make_safe_name(name)
        while not shelves.is_free(f"{folder}/-"):
            folder = f"{folder}-files"
        while not shelves.is_free(f"{folder}/{safe_name}"):
            safe_name = add_mark(safe_name, identity)
        placed[identity] = f"{folder}/{safe_name}"
        shelves.take([placed[identity]])
    return placed


def _folders_of(slot: str) -> Iterable[str]:
    while slot := posixpath.dirname(slot):
        yield slot
