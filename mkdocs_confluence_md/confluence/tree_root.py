"""Which page in the export of a tree is its root, and which file is only an index. Pure.

An export does not tell its root. Where its folders do not tell it either, IDs, titles and links do.

The tree that folders tell, completed by the parents that pages name.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from mkdocs_confluence_md.confluence.content import read_ids, read_title, reduce_title, skip_heading
from mkdocs_confluence_md.confluence.front_matter import read_front_matter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mkdocs_confluence_md.confluence.models import TreePage


INDEX_NAMES = ("index", "README")
"""How a page may be called that stands for its folder."""

EXTRA_NAMES = ("summary", "_index", "readme", "index")
"""In lower case, how a file may be called that lists the pages of an export."""
_LINK = re.compile(r"\]\(\s*<?(?P<path>[^()\s<>]*(?:\([^()\s<>]*\)[^()\s<>]*)*)")
_COMMENT = re.compile(r"\s*<!--")
_MOST_CANDIDATES = 200
"""Whose links are followed: a whole export has fewer pages."""


@dataclass(frozen=True)
class KnownRoot:
    """What Confluence tells of the root of a tree elsewhere; each is empty where it does not."""

    title: str = ""
    text: str = ""
    """The page's Markdown."""


def name_path(path: str) -> str:
    """Return the name of a page: that of its folder if it stands for the folder."""
    *folders, name = re.sub(r"\.md$", "", path, flags=re.IGNORECASE).split("/")
    return folders[-1] if folders and name in INDEX_NAMES else name


# Indexes


def leave_out_indexes(
    paths: list[str], texts: Mapping[str, str], page_count: int, known: KnownRoot
) -> list[str]:
    """Leave out files that exporters add: tables of contents, which are not pages.

    Args:
        paths: Of what may be pages.
        texts: The Markdown of each.
        page_count: How many pages there are said to be; 0 if it is not said.
        known: What is known of the root, which may look like an index.
    """
    extra = len(paths) - page_count if page_count else 1
    found = _find_indexes(paths, texts, is_counted=page_count > 0, known=known)
    left_out = set(found[: max(extra, 0)])
    return [path for path in paths if path not in left_out]


def _find_indexes(
    paths: list[str], texts: Mapping[str, str], *, is_counted: bool, known: KnownRoot
) -> list[str]:
    top = min((path.count("/") for path in paths), default=0)
    stems = {path: posixpath.splitext(path)[0].rpartition("/")[2] for path in paths}
    named = [path for path in paths if stems[path].lower() in EXTRA_NAMES]
    # Below, there are pages that stand for their folders, so this one does too.
    inner = {stems[path] for path in named if path.count("/") > top}
    outer = [path for path in named if path.count("/") == top and stems[path] not in inner]
    outer.sort(key=lambda path: EXTRA_NAMES.index(stems[path].lower()))
    # Without a count it may be the root with a list of its children, unless there is another root.
    tops = sum(path.count("/") == top for path in paths)
    if not is_counted and tops != 2:  # noqa: PLR2004  the index, and the root
        return []
    return [path for path in outer
            if _is_index(path, paths, texts, needs_all=not is_counted)
            and not _is_known(path, texts, known)]  # fmt: skip


def _is_index(
    path: str, paths: Sequence[str], texts: Mapping[str, str], *, needs_all: bool
) -> bool:
    """Return True if a text is mostly links to the other pages.

    Args:
        path: Of the file.
        paths: Of all files.
        texts: Their Markdown.
        needs_all: No page may be missing.
    """
    if read_ids(texts[path]).own:
        return False
    others = {reduce_title(name_path(unquote(other))) for other in paths if other != path}
    lines = list(filter(_says_something, _read_text(texts[path]).split("\n")))
    linked = [_find_names(line) & others for line in lines]
    return 2 * len(list(filter(None, linked))) > len(lines) and (
        not needs_all or set().union(*linked) == others
    )


def _says_something(line: str) -> bool:
    is_empty = not line.strip(" \t\r-*_=")
    return not (is_empty or line.startswith("#") or _COMMENT.match(line))


def _is_known(path: str, texts: Mapping[str, str], known: KnownRoot) -> bool:
    """Return True if a file is the root, by all that is known of that."""
    if known.text.strip() and known.text.strip() == texts[path].strip():
        return True
    if not known.title:
        return False
    titled = [each for each in texts if _has_title(known, read_title(texts[each]), each)]
    return titled == [path]


def _has_title(known: KnownRoot, title: str, path: str) -> bool:
    wanted = reduce_title(known.title)
    names = (title, name_path(unquote(path)))
    return bool(wanted) and wanted in map(reduce_title, names)


def _read_text(markdown: str) -> str:
    """Return what is behind a page's heading; a breadcrumb before it tells nothing."""
    return skip_heading(read_front_matter(markdown)[1])


def _find_names(text: str) -> set[str]:
    """Return the names of the pages to which a text links."""
    paths = (match["path"].partition("#")[0] for match in _LINK.finditer(text))
    found = {reduce_title(name_path(unquote(path).rstrip("/"))) for path in paths if "://" not in path}  # fmt: skip  # noqa: E501  one line to read
    return found - {""}


# The root


@dataclass(frozen=True)
class RootFinder:
    """Finds the root among the pages at the top.

    Args:
        page_id: Of the root.
        texts: The Markdown of all pages, by path.
        parents: The ID of a page's parent, by the path of the page.
        known: What is known of the root.
    """

    page_id: str
    texts: Mapping[str, str]
    parents: Mapping[str, str]
    known: KnownRoot

    def find(self, pages: Sequence[TreePage]) -> TreePage:
        """Return the root; the first of them, where nothing tells which one it is."""
        rules: tuple[Callable[[list[TreePage]], list[TreePage]], ...] = (
            self._find_by_id,
            self._drop_others,
            self._find_by_text,
            self._find_by_title,
            self._find_by_links,
            self._find_by_children,
        )
        candidates = list(pages)
        for rule in rules:
            if len(candidates) > 1:
                candidates = rule(candidates) or candidates
        return candidates[0]

    def _find_by_id(self, pages: list[TreePage]) -> list[TreePage]:
        return [page for page in pages if page.page_id == self.page_id][:1]

    def _drop_others(self, pages: list[TreePage]) -> list[TreePage]:
        """Leave out pages with another ID, and those that are below the root."""
        return [
            page
            for page in pages
            if not page.page_id and self.parents.get(page.path) != self.page_id
        ]

    def _find_by_text(self, pages: list[TreePage]) -> list[TreePage]:
        wanted = self.known.text.strip()
        return [page for page in pages if wanted and self.texts[page.path].strip() == wanted]

    def _find_by_title(self, pages: list[TreePage]) -> list[TreePage]:
        return [page for page in pages if _has_title(self.known, page.title, page.path)]

    def _find_by_links(self, pages: list[TreePage]) -> list[TreePage]:
        """Return the page from which links lead to the most others, if it is more than half."""
        if len(pages) > _MOST_CANDIDATES:
            return []
        names = [{reduce_title(name_path(unquote(page.path)))} - {""} for page in pages]
        targets = [_find_names(_read_text(self.texts[page.path])) for page in pages]
        linked = [{to for to, name in enumerate(names) if name & found and to != number}
                  for number, found in enumerate(targets)]  # fmt: skip
        ranks = [(len(_follow(linked, number)), len(found)) for number, found in enumerate(linked)]
        best = max(ranks)
        found = [page for page, rank in zip(pages, ranks, strict=True) if rank == best]
        return found if len(found) == 1 and 2 * best[0] > len(pages) - 1 else []

    def _find_by_children(self, pages: list[TreePage]) -> list[TreePage]:
        """Return the only page with others below it, if the order tells nothing."""
        paths = [page.path for page in pages]
        parents = [page for page in pages if page.children]
        below = sum(len(list(page.walk())) - 1 for page in parents)
        is_sorted = paths == sorted(paths, key=str.casefold) or paths == sorted(paths)
        tells = is_sorted and len(parents) == 1 and below >= len(pages)
        return parents if tells else []


def _follow(linked: Sequence[set[int]], start: int) -> set[int]:
    """Return the pages to which links lead from one, directly or not."""
    seen, waiting = {start}, [start]
    while waiting:
        new = linked[waiting.pop()] - seen
        seen |= new
        waiting += new
    return seen - {start}


def make_root(pages: tuple[TreePage, ...], finder: RootFinder) -> tuple[TreePage, ...]:
    """Put all pages below the root."""
    candidates = [page for page in pages if not page.is_folder]
    if not candidates:
        return pages
    root = finder.find(candidates)
    others = tuple(page for page in pages if page is not root)
    return (replace(root, page_id=finder.page_id, children=(*root.children, *others)),)


_DEEPEST = 100
_TOP = -1


def place_below_parents(
    roots: tuple[TreePage, ...], parents: Mapping[str, str]
) -> tuple[TreePage, ...]:
    """Put pages below the parents that they name.

    Folders say more than names do, so a page only moves to a parent that is below the one that it
    has by its folder. In a folder without subfolders this is true for every parent.

    Args:
        roots: The pages at the top, as the folders tell.
        parents: The ID of a page's parent, by the path of the page.
    """
    return _Hierarchy(roots, parents).build() if any(parents.values()) else roots


class _Hierarchy:
    """The pages, numbered in the order of the tree."""

    def __init__(self, roots: tuple[TreePage, ...], parents: Mapping[str, str]) -> None:
        self._pages: list[TreePage] = []
        self._folder_parents: list[int] = []
        self._ends: list[int] = []
        """The number behind that of the last page below each."""
        for root in roots:
            self._number(root, _TOP)
        self._parents = list(self._folder_parents)
        numbers: dict[str, int] = {}
        for number, page in enumerate(self._pages):
            numbers.setdefault(page.page_id, number)
        for number, page in enumerate(self._pages):
            named = parents.get(page.path, "") if page.path else ""
            parent = numbers.get(named, _TOP) if named else _TOP
            if parent != _TOP and self._may_move(number, parent):
                self._parents[number] = parent

    def build(self) -> tuple[TreePage, ...]:
        """Return the pages at the top, with all below them."""
        below: dict[int, list[int]] = {}
        for number, parent in enumerate(self._parents):
            below.setdefault(parent, []).append(number)
        self._limit_depth(below)

        def make(number: int) -> TreePage:
            children = tuple(map(make, sorted(below.get(number, ()))))
            return replace(self._pages[number], children=children)

        return tuple(map(make, sorted(below.get(_TOP, ()))))

    def _number(self, page: TreePage, parent: int) -> None:
        number = len(self._pages)
        self._pages.append(page)
        self._folder_parents.append(parent)
        self._ends.append(number)
        for child in page.children:
            self._number(child, number)
        self._ends[number] = len(self._pages)

    def _may_move(self, number: int, parent: int) -> bool:
        above = self._folder_parents[number]
        is_below = above == _TOP or above < parent < self._ends[above]
        return is_below and not self._pages[parent].is_folder and not self._leads_to(parent, number)

    def _leads_to(self, number: int, wanted: int) -> bool:
        """Return True if a page is another one, or below it."""
        while number not in (wanted, _TOP):
            number = self._parents[number]
        return number == wanted

    def _limit_depth(self, below: dict[int, list[int]]) -> None:
        """Leave pages where folders have them that would be deeper than Confluence allows."""
        level = list(below.get(_TOP, ()))
        for _ in range(_DEEPEST):
            level = [child for number in level for child in below.get(number, ())]
        while level:
            following = [child for number in level for child in below.pop(number, ())]
            for number in following:
                below.setdefault(self._folder_parents[number], []).append(number)
            level = following
