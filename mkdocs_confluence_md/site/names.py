"""Names of exported files → the pages whose titles they are made of. Pure.

An exporter makes a name of a title: it leaves out what is no letter or digit, sometimes all that is
not ASCII, and sometimes puts a number in front.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from unicodedata import normalize

from mkdocs_confluence_md.confluence.content import reduce_title

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mkdocs_confluence_md.site.paths import PlacedPage

_NUMBER = re.compile(r"[0-9]{1,3}[-_. ]+")
_SHORTEST = 3
"""Letters that a title must have kept to be known by them."""


class NamedPages:
    """The pages of a site, to be found by the names of their files.

    Args:
        titles: The pages with all titles that are known of them.
    """

    def __init__(self, titles: Iterable[tuple[PlacedPage, Iterable[str]]]) -> None:
        self._whole: dict[str, dict[str, PlacedPage]] = {}
        self._worn: dict[str, dict[str, PlacedPage]] = {}
        """By the letters that are left of a title when all others are lost."""
        for page, names in titles:
            for title in names:
                self._whole.setdefault(reduce_title(title), {})[page.src_uri] = page
                for worn in _wear(title):
                    self._worn.setdefault(worn, {})[page.src_uri] = page

    def find(self, name: str, place: PlacedPage) -> PlacedPage | None:
        """Return the page that a name means, if it is only one.

        Args:
            name: Of a file, without its ending.
            place: The page that has the link; pages of its tree come first.
        """
        for key in dict.fromkeys(map(reduce_title, (name, _NUMBER.sub("", name, count=1)))):
            for known in (self._whole, self._worn):
                if key and (found := known.get(key)):
                    return _choose(found, place)
        return None


def _choose(found: Mapping[str, PlacedPage], place: PlacedPage) -> PlacedPage | None:
    near = [page for page in found.values() if place.tree and page.tree == place.tree]
    candidates: Sequence[PlacedPage] = near or list(found.values())
    return candidates[0] if len(candidates) == 1 else None


def _wear(title: str) -> set[str]:
    """Return what may be left of a title that has letters outside of ASCII."""
    if title.isascii():
        return set()
    left = {
        reduce_title(text.encode("ascii", "ignore").decode())
        for text in (title, normalize("NFKD", title), normalize("NFKD", title.casefold()))
    }
    return {text for text in left if len(text) >= _SHORTEST and text.isalnum()}
