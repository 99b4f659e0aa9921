"""What Confluence's REST API says of pages: its JSON, read with care. Pure.

A field that is missing, or of another type, is not known; an entry without an ID is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mkdocs_confluence_md.confluence.models import PageFacts
from mkdocs_confluence_md.confluence.outline import ListedContent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def read_results(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the entries of an answer, of either version of the API."""
    return [entry for entry in _read_list(answer, "results") if _read_id(entry)]


def find_next_link(answer: Mapping[str, Any]) -> str:
    """Return where an answer goes on, as it says it; empty if it does not."""
    return _read_text(_read_object(answer, "_links"), "next")


def read_facts(entry: Mapping[str, Any]) -> PageFacts:
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
