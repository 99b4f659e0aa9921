"""What hangs together in the export of a tree: paths of its pages → a tree. Pure.

How the exporter lays pages out is not documented. So everything that people do with files is
understood: `Parent.md` beside `Parent/`, `index.md`, `README.md` or `Parent.md` in it, all pages in
one folder, and a folder around everything. No IDs are promised either; those that show are taken.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from unicodedata import normalize
from urllib.parse import unquote

from mkdocs_confluence_md.references import PageRef, SpaceRef, TreeRef, parse_reference
from mkdocs_confluence_md.source import read_front_matter
from mkdocs_confluence_md.titles import read_title
from mkdocs_confluence_md.trees import Tree, TreePage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Node = tuple[str, ...]
"""Where a page or a folder is: the names of the folders, and its own."""

_DEEPEST = 50
_INDEXES = ("index", "README")
_ATTACHMENT_FOLDERS = frozenset({"attachments", "_attachments", "attachment", "assets", "files"})
_ID_NAMES = ("confluence_id", "page_id", "pageId", "id")
_URL_NAMES = ("url", "source", "link")
_ID = re.compile(r"[0-9]{1,20}")
# Shorter ones may be anything: years, counts, chapters.
_LONG_ID = re.compile(r"[0-9]{5,20}")
_ID_IN_NAME = re.compile(
    r"(?P<first>[0-9]{5,20})(?:[\s._-]+(?P<after>.*))?|"
    r"(?P<before>.*?)[\s._-]*(?:[\s._-]|(?P<bracket>[(\[]))(?P<last>[0-9]{5,20})(?(bracket)[)\]])",
    re.DOTALL,
)


def read_tree(texts: Mapping[str, str], ref: TreeRef | SpaceRef, page_count: int = 0) -> Tree:
    """Read a tree from its pages.

    Args:
        texts: The Markdown of each page, by path, as exported.
        ref: What was exported.
        page_count: How many pages there are said to be; 0 if nobody says it.
    """
    paths = _choose_pages(list(texts), page_count)
    names = _Names(paths, ref)
    pages = {path: _read_page(path, texts[path], names) for path in paths}
    roots = _Layout(paths, names).list_pages(pages)
    if isinstance(ref, TreeRef):
        roots = _find_root(roots, ref.page_id)
    title = roots[0].title if len(roots) == 1 else ""
    return Tree(title, _drop_equal_ids(roots))


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
    chosen = [path for path in paths if not _is_among_attachments(path)]
    return chosen if 0 < page_count <= len(chosen) < len(paths) else paths


def _is_among_attachments(path: str) -> bool:
    return any(folder.lower() in _ATTACHMENT_FOLDERS for folder in path.split("/")[:-1])


class _Names:
    """What names of files and folders say: titles, and IDs where all files have one."""

    def __init__(self, paths: Iterable[str], ref: TreeRef | SpaceRef) -> None:
        ids = {path: _split_id(_name_page(path))[1] for path in paths}
        unique = all(ids.values()) and len(set(ids.values())) == len(ids)
        # Numbers that all have may also be dates.
        trusted = unique and (isinstance(ref, SpaceRef) or ref.page_id in ids.values())
        self.ids = ids if trusted else {}

    def read(self, name: str) -> str:
        """Return what a name says besides an ID."""
        plain = _decode(name)
        return (_split_id(plain)[0] if self.ids else "") or plain


def _name_page(path: str) -> str:
    """Return the name that may tell something: that of the folder, of an index page."""
    *folders, stem = path[: -len(".md")].split("/")
    return _decode(folders[-1] if folders and stem in _INDEXES else stem)


def _split_id(name: str) -> tuple[str, str]:
    """Separate an ID from a name; it is empty if there is none."""
    match = _ID_IN_NAME.fullmatch(name)
    if match is None:
        return name, ""
    return (match["after"] or match["before"] or "").strip(), match["first"] or match["last"]


def _decode(name: str) -> str:
    return normalize("NFC", unquote(name)).strip() or "Untitled"


@dataclass(frozen=True)
class _Layout:
    """Which page is below which."""

    paths: Sequence[str]
    names: _Names

    def list_pages(self, pages: Mapping[str, TreePage]) -> tuple[TreePage, ...]:
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
                page = pages[own[node]]
                return replace(page, title=page.title or self._name(node), children=children)
            return TreePage(self.names.read(node[-1]) if node else "", children=children)

        top = make(())
        while top.is_folder and len(top.children) == 1 and top.children[0].is_folder:
            top = top.children[0]  # it only is around everything
        return top.children if top.is_folder else (top,)

    def _name(self, node: Node) -> str:
        """Return what the name of a page says: that of its folder, if it stands for one."""
        return self.names.read(node[-1].partition("\0")[0] if node else _INDEXES[0])

    def _find_own_pages(self) -> dict[Node, str]:
        """Say of each page, and of each folder that has one, which file it is."""
        own: dict[Node, str] = {}
        for path in self.paths:
            node = _find_node(path)
            own[node if node not in own else (*node[:-1], f"{node[-1]}\0{path}")] = path
        folders = {node[:depth] for node in own for depth in range(len(node))}
        leaves: dict[Node, list[Node]] = {}
        for node in own:
            if node and node not in folders:
                leaves.setdefault(node[:-1], []).append(node)
        for folder in sorted(folders, key=len, reverse=True):
            if folder not in own and (page := self._find_page_of(folder, leaves)):
                leaves[page[:-1]].remove(page)
                own[folder] = own.pop(page)
        return own

    def _find_page_of(self, folder: Node, leaves: Mapping[Node, Sequence[Node]]) -> Node:
        """Find the page that stands for a folder; empty if there is none."""
        inside = leaves.get(folder, ())
        found = [[node for node in inside if node[-1] in _INDEXES]]
        if folder:
            name, beside = self.names.read(folder[-1]), leaves.get(folder[:-1], ())
            found.insert(0, [node for node in beside if self.names.read(node[-1]) == name])
            found.append([node for node in inside if self.names.read(node[-1]) == name])
        return next((nodes[0] for nodes in found if len(nodes) == 1), ())


def _find_node(path: str) -> Node:
    names = [_decode(name) for name in path[: -len(".md")].split("/")]
    # Nobody has pages that deep, and an archive may say anything.
    return (*names[: _DEEPEST - 1], names[-1]) if len(names) > _DEEPEST else tuple(names)


def _read_page(path: str, text: str, names: _Names) -> TreePage:
    page_id = _read_id(text) or names.ids.get(path, "")
    return TreePage(read_title(text), page_id, path)


def _read_id(text: str) -> str:
    """Return the page ID that a page's front matter tells, in whatever way; or nothing."""
    meta, _ = read_front_matter(text)
    for name in _ID_NAMES:
        form = _LONG_ID if name == "id" else _ID
        if not isinstance(meta.get(name), bool) and form.fullmatch(str(meta.get(name, ""))):
            return str(meta[name])
    urls = [meta[name] for name in _URL_NAMES if isinstance(meta.get(name), str)]
    found = (parse_reference(url) for url in urls if "://" in url)
    return next((each.page_id for each in found if isinstance(each, PageRef)), "")


def _find_root(pages: tuple[TreePage, ...], page_id: str) -> tuple[TreePage, ...]:
    """Put all pages below the one that was asked for: by its ID, or else the first of them."""
    candidates = [page for page in pages if not page.is_folder]
    if not candidates:
        return pages
    same = (page for page in candidates if page.page_id == page_id)
    root = next(same, candidates[0])
    others = tuple(page for page in pages if page is not root)
    return (replace(root, page_id=page_id, children=(*root.children, *others)),)


def _drop_equal_ids(roots: tuple[TreePage, ...]) -> tuple[TreePage, ...]:
    """Believe the first page that has an ID."""
    seen: set[str] = set()

    def check(page: TreePage) -> TreePage:
        page_id = "" if page.page_id in seen else page.page_id
        seen.add(page.page_id)
        return replace(page, page_id=page_id, children=tuple(map(check, page.children)))

    return tuple(map(check, roots))
