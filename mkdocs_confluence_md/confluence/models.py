"""Page metadata, and trees of pages. Pure."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


@dataclass(frozen=True)
class PageFacts:
    """What Confluence's own REST API says of a page.

    Every field but the first may be unknown, because no call tells everything.
    """

    page_id: str
    title: str = ""
    """Empty where it is not known."""
    version: int = 0
    """Counts the changes of title and text, from 1; 0 where it is not known."""
    changed_at: str = ""
    """When this version was made, in ISO 8601; empty where it is not known."""
    author_id: str = ""
    """Of the account that made this version; empty where it is not known."""
    author: str | None = None
    """That account's name; empty where it has none, None where it is not known."""
    labels: tuple[str, ...] | None = None
    """None where they are not known."""


_TYPES: dict[str, tuple[type, ...]] = {
    "page_id": (str,),
    "title": (str,),
    "version": (int,),
    "changed_at": (str,),
    "author_id": (str,),
    "author": (str, type(None)),
}


def write_facts(facts: PageFacts | None) -> str:
    """Write facts in one line of ASCII, as a header's value; nothing for none."""
    return json.dumps(asdict(facts)) if facts else ""


# Remembered, because `mkdocs serve` looks up each page again after each edit of any page.
@cache
def read_facts(text: str) -> PageFacts | None:
    """Read what `write_facts` wrote; None if it is anything else."""
    try:
        told = json.loads(text)
        labels = told.pop("labels")
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return None
    if told.keys() != _TYPES.keys():
        return None
    if any(type(value) not in _TYPES[name] for name, value in told.items()):
        return None
    if labels is None:
        return PageFacts(**told)
    if isinstance(labels, list) and all(isinstance(label, str) for label in labels):
        return PageFacts(**told, labels=tuple(labels))
    return None


@dataclass(frozen=True)
class TreePage:
    """A page with those below it; or a folder, which only holds pages."""

    title: str
    """As in Confluence, so not a safe one."""
    page_id: str = ""
    """Empty where it is not known: an export of a whole tree tells no IDs."""
    path: str = ""
    """Of the page in the export of the tree; empty for a page that is exported by itself."""
    children: tuple[TreePage, ...] = ()
    """In the order of Confluence."""

    @property
    def is_folder(self) -> bool:
        """Whether there is no page, but only those below."""
        return not self.page_id and not self.path

    def walk(self) -> Iterator[TreePage]:
        """Yield this page and all below it, each before its children."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True)
class Tree:
    """What a `TreeRef` or a `SpaceRef` stands for."""

    title: str
    """Of the page at its root, or of the space; empty where it is not known."""
    roots: tuple[TreePage, ...] = ()
    """One, for a page with its descendants."""
    is_root_certain: bool = True
    """Whether more than a likeness says which page of an export is the root."""
    tells_ids: bool = False
    """Whether all pages of an export tell their IDs: then the exporter does so, and no author."""

    def walk(self) -> Iterator[TreePage]:
        """Yield all pages and folders, each before its children."""
        for root in self.roots:
            yield from root.walk()


def read_results(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the entries of an answer, of either version of the API."""
    return [entry for entry in _read_list(answer, "results") if _read_id(entry)]


def find_next_link(answer: Mapping[str, Any]) -> str:
    """Return where an answer goes on, as it says it; empty if it does not."""
    return _read_text(_read_object(answer, "_links"), "next")


def parse_page_entry(entry: Mapping[str, Any]) -> PageFacts:
    """Read a page of `pages?id=…` or `spaces/{id}/pages`."""
    version = _read_object(entry, "version")
    return PageFacts(
        _read_id(entry),
        title=_read_text(entry, "title"),
        version=_read_number(version, "number") or 0,
        changed_at=_read_text(version, "createdAt"),
        author_id=_read_text(version, "authorId"),
    )


def read_details(entry: Mapping[str, Any]) -> PageFacts:
    """Read labels and the author of a page from a search, which is of version 1."""
    author = _read_object(_read_object(entry, "version"), "by")
    return PageFacts(
        _read_id(entry),
        author_id=_read_text(author, "accountId"),
        author=_read_text(author, "displayName") or None,
        labels=_read_labels(entry),
    )


def read_listed_page(entry: Mapping[str, Any]) -> ListedContent:
    """Read a page of `spaces/{id}/pages`."""
    return ListedContent(
        _read_id(entry),
        _read_text(entry, "title"),
        parent_id=read_parent_id(entry),
        parent_kind=_read_text(entry, "parentType"),
        position=_read_number(entry, "position"),
    )


def read_descendant(entry: Mapping[str, Any]) -> ListedContent:
    """Read an entry of `…/descendants`: a page, a folder, or something else that has pages."""
    return ListedContent(
        _read_id(entry),
        _read_text(entry, "title"),
        kind=_read_text(entry, "type") or "page",
        parent_id=read_parent_id(entry),
        position=_read_number(entry, "childPosition"),
    )


def read_folder(entry: Mapping[str, Any], kind: str) -> ListedContent:
    """Read a folder, or something else that has pages, which was asked for by its ID."""
    return ListedContent(
        _read_id(entry),
        _read_text(entry, "title"),
        kind=kind,
        parent_id=read_parent_id(entry),
        parent_kind=_read_text(entry, "parentType"),
        position=_read_number(entry, "position"),
    )


def read_parent_id(entry: Mapping[str, Any]) -> str:
    """Return the ID of what is above a page; empty at the top of its space."""
    return _read_id({"id": entry.get("parentId")})


def read_home(entry: Mapping[str, Any]) -> str:
    """Return the ID of a space's home page; empty if it has none."""
    return _read_id({"id": entry.get("homepageId")})


def read_name(entry: Mapping[str, Any]) -> str:
    """Return the name of a space."""
    return _read_text(entry, "name")


def read_user_names(answer: Mapping[str, Any]) -> dict[str, str]:
    """Return names by account ID, of an answer of `users-bulk`."""
    return {
        account_id: _read_text(entry, "displayName") or _read_text(entry, "publicName")
        for entry in _read_list(answer, "results")
        if (account_id := _read_text(entry, "accountId"))
    }


def _read_labels(entry: Mapping[str, Any]) -> tuple[str, ...] | None:
    labels = _read_object(_read_object(entry, "metadata"), "labels")
    if not isinstance(labels.get("results"), list):
        return None
    return tuple(sorted({name for name in _read_names(labels) if name}))


def _read_names(labels: Mapping[str, Any]) -> Iterator[str]:
    for label in _read_list(labels, "results"):
        # Those of a person or of a team are private.
        if label.get("prefix", "global") == "global":
            yield _read_text(label, "name")


def _read_id(entry: Mapping[str, Any]) -> str:
    """Return an ID, which becomes a part of URLs; empty if it could not."""
    value = entry.get("id")
    text = str(value) if isinstance(value, str | int) else ""
    return text if text.isascii() and text.isdigit() else ""


def _read_text(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    # JSON can hold halves of characters, which no file can.
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _read_number(entry: Mapping[str, Any], name: str) -> int | None:
    value = entry.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _read_object(entry: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = entry.get(name)
    return value if isinstance(value, dict) else {}


def _read_list(entry: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = entry.get(name)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


_TOP = ""


@dataclass(frozen=True)
class ListedContent:
    """A page, or something else that may have pages below it, with its place in the tree."""

    content_id: str
    title: str
    kind: str = "page"
    """As Confluence calls it: `page`, `folder`, `whiteboard`, `database`, …"""
    parent_id: str = _TOP
    """Of what is above it; empty at the top of its space."""
    parent_kind: str = ""
    """Empty where it is not known."""
    position: int | None = None
    """Among those with the same parent; None where they have never been arranged by hand."""

    @property
    def is_page(self) -> bool:
        """Whether it is a page; everything else is a folder in the site."""
        return self.kind == "page"


@dataclass(frozen=True)
class Listing:
    """A tree with what its listing says of its pages, so that they are not asked for again."""

    tree: Tree
    facts: Mapping[str, PageFacts] = field(default_factory=dict)
    """By page ID."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing below its roots."""
        return not any(root.children for root in self.tree.roots)


def outline_tree(root: PageFacts, below: Iterable[ListedContent]) -> Listing:
    """Arrange a page's descendants below it."""
    page = TreePage(root.title, root.page_id, children=arrange(below, root.page_id))
    return Listing(Tree(root.title, (page,)), {root.page_id: root})


def outline_space(
    name: str, home: str, listed: Iterable[ListedContent], facts: Mapping[str, PageFacts]
) -> Listing:
    """Arrange all pages of a space; the home page comes first, whatever its position says."""
    roots = sorted(arrange(listed), key=lambda page: page.page_id != home)
    return Listing(Tree(name, tuple(roots)), facts)


def arrange(listed: Iterable[ListedContent], root_id: str = _TOP) -> tuple[TreePage, ...]:
    """Return what is at the top, or right below the root, with all that is below.

    What has a parent that is not listed is at the top: this account may not see that one.
    """
    # What is listed twice is one page.
    contents = {each.content_id: each for each in listed if each.content_id != root_id}
    below: dict[str, list[ListedContent]] = {}
    for content in contents.values():
        parent = content.parent_id if _is_reachable(content, contents) else _TOP
        below.setdefault(parent if parent in contents else _TOP, []).append(content)
    return tuple(_arrange(below, _TOP))


def _is_reachable(content: ListedContent, contents: Mapping[str, ListedContent]) -> bool:
    """Return False if what is above it leads back to it."""
    seen = {content.content_id}
    above = content.parent_id
    while above in contents and above not in seen:
        seen.add(above)
        above = contents[above].parent_id
    return above != content.content_id


def _arrange(below: Mapping[str, list[ListedContent]], parent: str) -> Iterator[TreePage]:
    for content in sorted(below.get(parent, []), key=_order):
        children = tuple(_arrange(below, content.content_id))
        if content.is_page:
            yield TreePage(content.title, content.content_id, children=children)
        elif children:
            yield TreePage(content.title, children=children)


def _order(content: ListedContent) -> tuple[bool, int, str, str]:
    """Return the sort key: by position, else, as in Confluence, by title."""
    position = content.position
    return position is None, position or 0, content.title.casefold(), content.content_id


MOST_PAGES = 100
"""That one export may have."""


@dataclass(frozen=True)
class Export:
    """An answer of the API that is worth keeping."""

    markdown: str
    headers: Mapping[str, str]
    """The answer's headers, for the cache."""
    not_modified: bool = False
    """The copy whose validators were sent is still good; there is no Markdown then."""


V2 = "/wiki/api/v2"
BATCH = 250
"""How many pages one request can be about (documented)."""


def divide(page_ids: Iterable[str]) -> Iterator[list[str]]:
    """Divide pages into as many as one request can be about."""
    ids = list(page_ids)
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]


def is_unchanged(kept: PageFacts | None, now: PageFacts | None) -> bool:
    """Return True if a page has the version with which a copy of it was kept."""
    return bool(kept and now and kept.version and kept.version == now.version)
