"""List page trees and spaces by version 2 of Confluence's REST API.

A page's descendants come with folders and their titles, at most ten levels a call; the pages of a
space come without folders, which are requested one by one.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

from mkdocs_confluence_md.confluence.models import (
    BATCH,
    V2,
    arrange,
    outline_space,
    outline_tree,
    parse_page_entry,
    read_descendant,
    read_folder,
    read_home,
    read_listed_page,
    read_name,
)
from mkdocs_confluence_md.confluence.refs import SpaceRef
from mkdocs_confluence_md.errors import (
    AnswerError,
    CredentialsError,
    FailureError,
    MissingError,
    NotFoundError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from mkdocs_confluence_md.confluence.models import ListedContent, Listing, TreePage
    from mkdocs_confluence_md.confluence.refs import TreeRef
    from mkdocs_confluence_md.confluence.rest import ConfluenceRest

_DEEPEST = 10
"""How many levels one request for descendants tells, according to two public clients."""

_FOLDERS = frozenset({"folder", "whiteboard", "database", "embed"})
"""What pages may be below, besides pages."""


def list_pages(rest: ConfluenceRest, ref: TreeRef | SpaceRef) -> Listing:
    """Return a page with all its descendants, or all pages of a space.

    Raises:
        MissingError: There is no such page or space.
        ConfluenceError: As `ConfluenceRest.describe_pages`.
    """
    if isinstance(ref, SpaceRef):
        rest.spaces.pop(ref.key, None)
        rest.folders.clear()
        return _list_space(rest, ref.key)
    root = rest.describe_pages([ref.page_id]).get(ref.page_id)
    if root is None:
        _check_absence(rest, ref.page_id)
        raise MissingError(
            f"Page {ref.page_id} does not exist, or the account may not see it, says {rest.host}.",
            "Compare the ID with the page's address in Confluence, and open it there as the "
            "account of CONFLUENCE_MD_EMAIL.",
        )
    return outline_tree(root, _list_below(rest, ref.page_id))


def list_again(rest: ConfluenceRest, ref: TreeRef | SpaceRef) -> tuple[TreePage, ...]:
    """Return what is right below a page, or at the top of a space, with all that is below.

    It does not look at the page or the space itself, which saves a request.

    Raises:
        ConfluenceError: As `list_pages`.
    """
    if isinstance(ref, SpaceRef):
        return _list_space(rest, ref.key).tree.roots
    return arrange(_list_below(rest, ref.page_id), ref.page_id)


def _check_absence(rest: ConfluenceRest, page_id: str) -> None:
    """Make sure that a page that is missing in a list is not there at all.

    Raises:
        FailureError: It is there all the same.
    """
    try:
        has_children(rest, page_id)
    except NotFoundError:
        return
    raise make_contradiction(f"page {page_id}")


def make_contradiction(name: str) -> FailureError:
    """Return the error for a list that is empty although there are pages."""
    return FailureError(
        f"Confluence's REST API lists no pages of the {name}, although it exists.",
        "Report it with the file that `confluence-md check --report FILE` writes.",
    )


def has_children(rest: ConfluenceRest, page_id: str) -> bool:
    """Return True if there is anything right below a page.

    Raises:
        ConfluenceError: As `list_pages`.
    """
    return any(rest.list_entries(f"{V2}/pages/{page_id}/direct-children?limit=1"))


def _list_below(rest: ConfluenceRest, page_id: str) -> list[ListedContent]:
    """Return all descendants of a page: the deepest of each answer are asked for theirs."""
    found: dict[str, ListedContent] = {}
    asked = [("page", page_id)]
    while asked:
        kind, content_id = asked.pop()
        query = f"depth={_DEEPEST}&limit={BATCH}"
        entries = rest.list_entries(f"{V2}/{kind}s/{content_id}/descendants?{query}")
        for content, level in _read_levels(entries, content_id):
            if content.content_id not in found and content.content_id != page_id:
                found[content.content_id] = content
                if level >= _DEEPEST and content.kind in _FOLDERS | {"page"}:
                    asked.append((content.kind, content.content_id))
    return list(found.values())


def _read_levels(
    entries: Iterable[Mapping[str, Any]], content_id: str
) -> Iterator[tuple[ListedContent, int]]:
    """Yield descendants with their depth, which older answers do not tell (CONFCLOUD-81371)."""
    levels = {content_id: 0}
    for entry in entries:
        content, depth = read_descendant(entry), entry.get("depth")
        level = depth if isinstance(depth, int) else levels.get(content.parent_id, 0) + 1
        levels[content.content_id] = level
        yield content, level


def _list_space(rest: ConfluenceRest, key: str) -> Listing:
    space = rest.spaces.get(key) or _find_space(rest, key)
    rest.spaces[key] = space
    query = f"depth=all&limit={BATCH}&status=current"
    entries = list(rest.list_entries(f"{V2}/spaces/{space['id']}/pages?{query}"))
    pages = [read_listed_page(entry) for entry in entries]
    facts = {each.page_id: each for each in map(parse_page_entry, entries)}
    home = read_home(space)
    contents = [*pages, *_find_folders(rest, pages, home)]
    return outline_space(read_name(space), home, contents, facts)


def _find_space(rest: ConfluenceRest, key: str) -> Mapping[str, Any]:
    for space in rest.list_entries(f"{V2}/spaces?keys={quote(key, safe='')}"):
        if space.get("key") == key:
            return space
    raise MissingError(
        f"Space {key} does not exist, or the account may not see it, says {rest.host}.",
        "Compare the key with the addresses of the space's pages in Confluence, and open one "
        "there as the account of CONFLUENCE_MD_EMAIL.",
    )


def _find_folders(
    rest: ConfluenceRest, pages: list[ListedContent], home: str
) -> list[ListedContent]:
    """Return the folders that a list of pages leaves out; what is below an unknown one moves up."""
    found: dict[str, ListedContent | None] = {}
    wanted = [(page.parent_kind, page.parent_id) for page in pages]
    while wanted:
        kind, content_id = wanted.pop()
        if kind not in _FOLDERS or not content_id or content_id in found:
            continue
        if content_id not in rest.folders:
            folder = _read_folder(rest, kind, content_id)
            # A token may lack the scope for folders alone, which leaves those among descendants.
            if folder is None and home:
                rest.folders |= _list_folders(rest, home)
                home = ""
            rest.folders[content_id] = folder or rest.folders.get(content_id)
        found[content_id] = known = rest.folders[content_id]
        if known:
            wanted.append((known.parent_kind, known.parent_id))
    return list(filter(None, found.values()))


def _read_folder(rest: ConfluenceRest, kind: str, content_id: str) -> ListedContent | None:
    with suppress(AnswerError, CredentialsError):
        return read_folder(rest.read(f"{V2}/{kind}s/{content_id}"), kind)
    return None


def _list_folders(rest: ConfluenceRest, page_id: str) -> dict[str, ListedContent | None]:
    with suppress(AnswerError, CredentialsError):
        return {each.content_id: each for each in _list_below(rest, page_id) if not each.is_page}
    return {}
