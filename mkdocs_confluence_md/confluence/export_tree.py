"""Reconstruct a page tree from the paths of an exported archive. Pure.

How the exporter lays pages out is not documented. So everything that people do with files is
understood: `Parent.md` next to `Parent/`, `index.md`, `README.md` or `Parent.md` in it, all pages
in one folder, and a folder around everything. IDs are not promised either; those that are there
are used.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from unicodedata import combining, normalize
from urllib.parse import unquote

from mkdocs_confluence_md.confluence.content import (
    is_lost_name,
    read_front_matter,
    read_ids,
    read_title,
    reduce_title,
    skip_heading,
)
from mkdocs_confluence_md.confluence.models import Tree, TreePage
from mkdocs_confluence_md.confluence.refs import SpaceRef, TreeRef

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence


Node = tuple[str, ...]
"""Where a page or a folder is: the names of the folders, and its own."""

_DEEPEST = 50
_ATTACHMENT_FOLDERS = frozenset({"attachments", "_attachments", "attachment", "assets", "files"})
_UNTITLED = "Untitled"
_LOST = "\0"
_ID_IN_NAME = re.compile(
    r"(?P<first>[0-9]{5,20})(?:[\s._-]+(?P<after>.*))?|"
    r"(?P<before>.*?)[\s._-]*(?:[\s._-]|(?P<bracket>[(\[]))(?P<last>[0-9]{5,20})(?(bracket)[)\]])",
    re.DOTALL,
)


def read_tree(
    texts: Mapping[str, str],
    ref: TreeRef | SpaceRef,
    page_count: int = 0,
    known_root: KnownRoot | None = None,
) -> Tree:
    """Read a tree from its pages.

    Args:
        texts: The Markdown of each page, by path, as exported.
        ref: What was exported.
        page_count: How many pages the answer says there are; 0 if it says nothing.
        known_root: What is known of the root of the tree, other than its ID.
    """
    known = known_root or KnownRoot()
    paths = _choose_pages(list(texts), page_count)
    chosen = leave_out_indexes(paths, texts, page_count, known)
    # What looks like an index may be the root.
    is_certain = len(chosen) == len(paths)
    paths = chosen
    names = _Names(paths, ref)
    ids = {path: read_ids(texts[path]) for path in paths}
    pages = {
        path: TreePage(read_title(texts[path]), ids[path].own or names.ids.get(path, ""), path)
        for path in paths
    }
    parents = {path: ids[path].parent for path in paths}
    roots = place_below_parents(_Layout(paths, names, pages).list_pages(), parents)
    if isinstance(ref, TreeRef):
        alone = roots[0] if len(roots) == 1 and not roots[0].is_folder else None
        is_complete = is_certain and (not page_count or len(texts) >= page_count)
        is_certain = any(page.page_id == ref.page_id for page in roots) or bool(
            is_complete and alone and not alone.page_id and parents.get(alone.path) != ref.page_id
        )
        roots = make_root(roots, RootFinder(ref.page_id, texts, parents, known))
    told = {page.page_id for page in pages.values()} - {""}
    roots = _complete(roots)
    title = roots[0].title if len(roots) == 1 else ""
    return Tree(title, roots, is_root_certain=is_certain, tells_ids=len(told) == len(pages))


def recognise(tree: Tree, texts: Mapping[str, str], known: Mapping[str, str]) -> Tree:
    """Give pages without an ID that of the page that has the same text.

    Args:
        tree: As `read_tree` returns it.
        texts: The Markdown of its pages, by path.
        known: The Markdown of pages by ID.
    """
    present = {page.page_id for page in tree.walk()}
    ids = {page_id: text.strip() for page_id, text in known.items() if page_id not in present}
    unknown = [page.path for page in tree.walk() if page.path and not page.page_id]
    counts = Counter(texts[path].strip() for path in unknown)
    counts.update(ids.values())
    # Twice: once here, and once there. More often, it tells nothing.
    found = {text: page_id for page_id, text in ids.items() if text and counts[text] == 2}  # noqa: PLR2004

    def identify(page: TreePage) -> TreePage:
        children = tuple(map(identify, page.children))
        text = texts[page.path].strip() if page.path and not page.page_id else ""
        return replace(page, page_id=found.get(text) or page.page_id, children=children)

    return replace(tree, roots=tuple(map(identify, tree.roots)))


def find_twins(
    earlier: Tree, later: Tree, texts: Mapping[str, str], later_texts: Mapping[str, str]
) -> dict[str, str]:
    """Find the pages that two exports have in common, without knowing their IDs.

    Only trees that have one page in common for certain are compared: others may have pages of the
    same title and text, made from a template.

    Returns:
        The path of a page in the earlier tree, by its path in the later one.
    """
    ids = {page.page_id for page in earlier.walk() if page.page_id}
    if ids.isdisjoint(page.page_id for page in later.walk()):
        return {}
    ours, theirs = _sort_by_text(earlier, texts), _sort_by_text(later, later_texts)
    return {
        paths[0]: ours[key][0]
        for key, paths in theirs.items()
        if len(paths) == len(ours.get(key, ())) == 1
    }


def _sort_by_text(tree: Tree, texts: Mapping[str, str]) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for page in tree.walk():
        text = texts[page.path].strip() if page.path and not page.page_id else ""
        if text:
            found.setdefault((page.title, text), []).append(page.path)
    return found


def _choose_pages(paths: list[str], page_count: int) -> list[str]:
    """Leave out Markdown that is attached to pages, where it shows."""
    chosen = [
        path
        for path in paths
        if not any(folder.lower() in _ATTACHMENT_FOLDERS for folder in path.split("/")[:-1])
    ]
    return chosen if 0 < page_count <= len(chosen) < len(paths) else paths


class _Names:
    """What names of files and folders say: titles, and IDs where all files have one."""

    def __init__(self, paths: Iterable[str], ref: TreeRef | SpaceRef) -> None:
        ids = {path: _split_id(_name_page(path))[1] for path in paths}
        unique = all(ids.values()) and len(set(ids.values())) == len(ids)
        # Numbers that all have may also be dates.
        trusted = unique and (isinstance(ref, SpaceRef) or ref.page_id in ids.values())
        self.ids = ids if trusted else {}

    def read(self, name: str) -> str:
        """Return what a name says besides an ID; nothing if the exporter lost the title."""
        plain = _decode(name)
        if is_lost_name(plain):
            return ""
        return (_split_id(plain)[0] if self.ids else "") or plain


def _name_page(path: str) -> str:
    """Return the name that may tell something: that of the folder, of an index page."""
    *folders, stem = path[: -len(".md")].split("/")
    return _decode(folders[-1] if folders and stem in INDEX_NAMES else stem)


def _split_id(name: str) -> tuple[str, str]:
    """Separate an ID from a name; it is empty if there is none."""
    match = None if is_lost_name(name) else _ID_IN_NAME.fullmatch(name)
    if match is None:
        return name, ""
    return (match["after"] or match["before"] or "").strip(), match["first"] or match["last"]


def _decode(name: str) -> str:
    return normalize("NFC", unquote(name)).strip() or _UNTITLED


@dataclass(frozen=True)
class _Layout:
    """Which page is below which."""

    paths: Sequence[str]
    names: _Names
    pages: Mapping[str, TreePage]

    def list_pages(self) -> tuple[TreePage, ...]:
        """Return the pages at the top, with all below them, in the order of the export."""
        own = self._find_own_pages()
        order = {path: number for number, path in enumerate(self.paths)}
        below: dict[Node, dict[Node, int]] = {}
        for node, path in own.items():
            # A folder comes where the first of its pages comes, unless it is a page itself.
            for depth in range(1, len(node) + 1):
                siblings = below.setdefault(node[: depth - 1], {})
                siblings.setdefault(node[:depth], order[path])
                siblings[node[:depth]] = min(siblings[node[:depth]], order[path])
        for node, path in own.items():
            if node:
                below[node[:-1]][node] = order[path]

        def make(node: Node) -> TreePage:
            siblings = below.get(node, {})
            children = tuple(make(child) for child in sorted(siblings, key=siblings.__getitem__))
            if node in own:
                page = self.pages[own[node]]
                title = page.title or self._name(node, page.path)
                return replace(page, title=title, children=children)
            return TreePage(self.names.read(node[-1]) if node else "", children=children)

        top = make(())
        while top.is_folder and len(top.children) == 1 and top.children[0].is_folder:
            top = top.children[0]  # it only is around everything
        return top.children if top.is_folder else (top,)

    def _name(self, node: Node, path: str) -> str:
        """Return what the name of a page says, or that of its folder, if it stands for one."""
        folder = self.names.read(node[-1].partition("\0")[0]) if node else INDEX_NAMES[0]
        stem = path[: -len(".md")].rpartition("/")[2]
        return folder if stem in INDEX_NAMES else self.names.read(stem) or folder

    def _find_own_pages(self) -> dict[Node, str]:
        """Say of each page, and of each folder that has one, which file it is."""
        own: dict[Node, str] = {}
        for path in self.paths:
            node = _find_node(path)
            own[node if node not in own else (*node[:-1], f"{node[-1]}\0{path}")] = path
        folders = {node[:depth] for node in own for depth in range(len(node))}
        leaves = _Leaves(self)
        for node in own:
            if node and node not in folders:
                leaves.add(node, self.pages[own[node]].title)
        for find in (leaves.find_page_of, leaves.find_page_like):
            for folder in sorted(folders, key=len, reverse=True):
                if folder not in own and (page := find(folder)):
                    leaves.remove(page)
                    own[folder] = own.pop(page)
        return own

    def list_forms(self, name: str) -> list[str]:
        """Return a name in the forms in which it is compared, the strictest first."""
        plain = self.names.read(name)
        if not plain:  # each time that an exporter loses a name, it makes up another
            return [name, _LOST]
        return [
            plain,
            reduce_title(plain),
            reduce_title("".join(each for each in normalize("NFKD", plain) if not combining(each))),
            _drop_other_letters(plain),
        ]


class _Leaves:
    """The pages that stand for no folder yet, by their folders and the forms of their names."""

    def __init__(self, layout: _Layout) -> None:
        self._layout = layout
        self._keys: dict[Node, set[tuple[Node, int, str]]] = {}
        self._found: dict[tuple[Node, int, str], list[Node]] = {}

    def add(self, node: Node, title: str) -> None:
        """Add a page; looser forms may also be those of its title."""
        *_, name = node
        forms = list(enumerate(self._layout.list_forms(name)))
        forms += list(enumerate(self._layout.list_forms(title)))[1:] if title else []
        self._keys[node] = {(node[:-1], number, form) for number, form in forms if form}
        for key in self._keys[node]:
            self._found.setdefault(key, []).append(node)

    def remove(self, node: Node) -> None:
        """Forget a page that stands for a folder."""
        for key in self._keys.pop(node):
            self._found[key].remove(node)

    def find_page_of(self, folder: Node) -> Node:
        """Find the page that stands for a folder; empty if there is none."""
        name = self._layout.list_forms(folder[-1])[0] if folder else ""
        beside = self._find_all(folder[:-1], 0, name) if folder else []
        named = (self._find_all(folder, 0, each) for each in INDEX_NAMES)
        indexes = [node for nodes in named for node in nodes if node[-1] in INDEX_NAMES]
        found = (beside, indexes, self._find_all(folder, 0, name))
        return next((nodes[0] for nodes in found if len(nodes) == 1), ())

    def find_page_like(self, folder: Node) -> Node:
        """Find the page next to a folder that has its name with or without some characters."""
        forms = enumerate(self._layout.list_forms(folder[-1]) if folder else ())
        found = (self._find_all(folder[:-1], number, form) for number, form in forms if number)
        return next((nodes[0] for nodes in found if len(nodes) == 1), ())

    def _find_all(self, folder: Node, number: int, form: str) -> list[Node]:
        return self._found.get((folder, number, form), [])


def _drop_other_letters(name: str) -> str:
    """Reduce a name to ASCII; to nothing if it would lose most of it, or all but numbers."""
    whole = reduce_title(name)
    kept = "".join(filter(str.isascii, whole))
    return kept if 2 * len(kept) > len(whole) and not kept.isdigit() else ""


def _find_node(path: str) -> Node:
    names = [_decode(name) for name in path[: -len(".md")].split("/")]
    # No real tree is that deep, and an archive may say anything.
    return (*names[: _DEEPEST - 1], names[-1]) if len(names) > _DEEPEST else tuple(names)


def _complete(roots: tuple[TreePage, ...]) -> tuple[TreePage, ...]:
    """Believe the first page that has an ID, and give each page a title."""
    seen: set[str] = set()

    def check(page: TreePage) -> TreePage:
        page_id = "" if page.page_id in seen else page.page_id
        seen.add(page.page_id)
        title = page.title or (f"Page {page_id}" if page_id else _UNTITLED)
        return replace(
            page, title=title, page_id=page_id, children=tuple(map(check, page.children))
        )

    return tuple(map(check, roots))


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


_MOST_ROUNDS = 100
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
        for _ in range(_MOST_ROUNDS):
            level = [child for number in level for child in below.get(number, ())]
        while level:
            following = [child for number in level for child in below.pop(number, ())]
            for number in following:
                below.setdefault(self._folder_parents[number], []).append(number)
            level = following
