"""What Confluence's REST API says of pages: its JSON, read with care. Pure.

A field that is missing, or of another type, is not known; an entry without an ID is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mkdocs_confluence_md.facts import PageFacts
from mkdocs_confluence_md.outline import Ancestor, ListedPage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def read_results(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the entries of an answer, of either version of the API."""
    return [entry for entry in _read_list(answer, "results") if _read_id(entry)]


def find_next_link(answer: Mapping[str, Any]) -> str:
    """Return where an answer goes on, as it says it; empty if it does not."""
    return _read_text(_read_object(answer, "_links"), "next")


def read_facts(entry: Mapping[str, Any]) -> PageFacts:
    """Read a page from version 2 of the API."""
    version = _read_object(entry, "version")
    return PageFacts(
        _read_id(entry),
        title=_read_text(entry, "title"),
        version=_read_number(version, "number") or 0,
        changed_at=_read_text(version, "createdAt"),
        author_id=_read_text(version, "authorId"),
    )


def read_listed_page(entry: Mapping[str, Any]) -> ListedPage:
    """Read a page, or what else is found, from a search, which is of version 1."""
    version = _read_object(entry, "version")
    author = _read_object(version, "by")
    facts = PageFacts(
        _read_id(entry),
        title=_read_text(entry, "title"),
        version=_read_number(version, "number") or 0,
        changed_at=_read_text(version, "when"),
        author_id=_read_text(author, "accountId"),
        author=_read_text(author, "displayName"),
        labels=_read_labels(entry),
    )
    ancestors = [
        Ancestor(_read_id(ancestor), _read_text(ancestor, "title"))
        for ancestor in _read_list(entry, "ancestors")
        if _read_id(ancestor)
    ]
    position = _read_number(_read_object(entry, "extensions"), "position")
    return ListedPage(facts, tuple(ancestors), position, is_page=entry.get("type") == "page")


def read_home(entry: Mapping[str, Any]) -> str:
    """Return the ID of a space's home page; empty if it has none."""
    home = entry.get("homepageId")
    return str(home) if isinstance(home, str | int) else ""


def read_name(entry: Mapping[str, Any]) -> str:
    """Return the name of a space."""
    return _read_text(entry, "name")


def _read_labels(entry: Mapping[str, Any]) -> tuple[str, ...] | None:
    labels = _read_object(_read_object(entry, "metadata"), "labels")
    if not isinstance(labels.get("results"), list):
        return None
    return tuple(sorted({name for name in _read_names(labels) if name}))


def _read_names(labels: Mapping[str, Any]) -> Iterator[str]:
    for label in _read_list(labels, "results"):
        # Those of a person or of a team are nobody else's business.
        if label.get("prefix", "global") == "global":
            yield _read_text(label, "name")


def _read_id(entry: Mapping[str, Any]) -> str:
    """Return an ID, which becomes a part of URLs; empty if it could not."""
    value = entry.get("id")
    text = str(value) if isinstance(value, str | int) else ""
    return text if text.isascii() and text.isdigit() else ""


def _read_text(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    return value if isinstance(value, str) else ""


def _read_number(entry: Mapping[str, Any], name: str) -> int | None:
    value = entry.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _read_object(entry: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = entry.get(name)
    return value if isinstance(value, dict) else {}


def _read_list(entry: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = entry.get(name)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
