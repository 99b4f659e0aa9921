"""Which places in the site are taken, and by which pages: whoever comes first has them. Pure."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mkdocs_confluence_md.confluence.refs import PageRef, SpaceRef, TreeRef


@dataclass(frozen=True)
class PlacedPage:
    """A Confluence page with its place in the site."""

    ref: PageRef
    """Its ID is empty where nobody tells it: the export of a whole tree has none."""
    title: str
    """As in `nav`; empty where `nav` gives none."""
    src_uri: str
    """The path that MkDocs sees, relative to `docs_dir`, with `/` and `.md`."""
    tree: TreeRef | SpaceRef | None = None
    """The entry of `nav` that brings it with all the others of its tree; None for one page."""
    path: str = ""
    """Of the page in the export of its tree; empty for a page that is exported by itself."""
    own_title: str = ""
    """As in Confluence, so not a safe one; empty where it shows only when the page is read."""

    @property
    def known_title(self) -> str:
        """What a person would call it; empty where that is not known."""
        return self.title or self.own_title


@dataclass(frozen=True)
class LocalFileConflict:
    """A local file already has the path that a page would get; the page moved aside."""

    page: PlacedPage
    wanted: str
    """The `src_uri` that the page would have had."""


class Slots:
    """The destinations in the site.

    Args:
        local_uris: The destinations (`dest_uri`) of the files that the site already has.
        use_directory_urls: MkDocs' option.
    """

    def __init__(self, local_uris: Iterable[str], *, use_directory_urls: bool) -> None:
        self._local = {_reduce(uri) for uri in local_uris}
        self._taken: set[str] = set()
        self._use_directory_urls = use_directory_urls

    def allocate(self, wanted: str, mark: str, *, index: bool = False) -> str:
        """Take a place, and return its path (without `.md`).

        Args:
            wanted: The path that is best.
            mark: Put behind it as often as it takes to find a free one.
            index: The page is the index page of a folder of this path.
        """
        path, ending = wanted, "/index" if index else ""
        while self._slot_of(path + ending) in self._taken | self._local:
            path = f"{path}-{mark}"
        self._taken.add(self._slot_of(path + ending))
        return path + ending

    def is_local(self, path: str) -> bool:
        """Tell whether a local file has a place."""
        return self._slot_of(path) in self._local

    def _slot_of(self, path: str) -> str:
        """Return the slot of a page with a path (without `.md`), by MkDocs' rules.

        So `a.md` and `a/index.md` are the same, and `a/readme.md` is not: only `README` is.
        """
        if path.rpartition("/")[2] == "index" or not self._use_directory_urls:
            return _reduce(f"{path}.html")
        return _reduce(f"{path}/index.html")


def _reduce(dest_uri: str) -> str:
    """Reduce a destination to what must be unique: some file systems ignore case and form."""
    return unicodedata.normalize("NFC", dest_uri).casefold()
