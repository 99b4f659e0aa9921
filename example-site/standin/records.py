"""What the stand-in's Confluence knows of pages and spaces, and how pages hang together."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

SPACE_KEY = "DOCS"
"""Of the space in which all pages are that name no other one."""

Kind = Literal["page", "folder", "whiteboard", "database"]

_HEADING = re.compile(r"\s*# (.+)\n?")
_FIRST_CHANGE = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, order=True)
class Account:
    """Somebody who writes pages."""

    account_id: str
    name: str


JANE = Account("557058:jane", "Jane Doe")


@dataclass
class PageRecord:
    """A page, or what else Confluence has in a tree of pages."""

    page_id: str
    markdown: str = ""
    """To the letter what `singleExport` answers."""
    title: str = ""
    """Where it is empty, the text's first heading serves, or the ID."""
    parent: str = ""
    """The ID of what is above it; empty at the top of its space."""
    space: str = SPACE_KEY
    labels: tuple[str, ...] = ()
    author: Account = JANE
    """Who made this version."""
    position: int = -1
    """Among those with the same parent; below 0, the order of adding counts."""
    version: int = 1
    changed_at: str = ""
    """When this version was made; where it is empty, an hour for each version before it."""
    kind: Kind = "page"

    def __post_init__(self) -> None:
        self.title = self.title or _find_title(self.markdown, self.page_id)
        self.changed_at = self.changed_at or date_version(self.version)


@dataclass(frozen=True)
class SpaceRecord:
    """A space."""

    key: str
    name: str
    home: str = ""
    """The ID of its home page; where it is empty, its first page without a parent."""

    @property
    def space_id(self) -> str:
        """The number that version 2 of the REST API has for it."""
        return str(int.from_bytes(self.key.encode()[:5], "big"))


@dataclass
class Hierarchy:
    """All pages at one moment, and which is below which."""

    records: Mapping[str, PageRecord]
    _below: dict[tuple[str, str], list[PageRecord]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Dictionaries keep the order of adding, and sorting keeps it among equals.
        for record in sorted(self.records.values(), key=lambda each: max(each.position, 0)):
            parent = record.parent if record.parent in self.records else ""
            self._below.setdefault((record.space if not parent else "", parent), []).append(record)

    def children(self, page_id: str) -> list[PageRecord]:
        """Return what is right below a page, in Confluence's order."""
        return self._below.get(("", page_id), [])

    def tops(self, space: str) -> list[PageRecord]:
        """Return what has nothing above it in a space."""
        return self._below.get((space, ""), [])

    def walk(self, records: Iterable[PageRecord]) -> Iterator[PageRecord]:
        """Yield all of them and all below, each before its children."""
        for record in records:
            yield record
            yield from self.walk(self.children(record.page_id))

    def ancestors(self, page_id: str) -> list[PageRecord]:
        """Return what is above a page, the root first."""
        above: list[PageRecord] = []
        record = self.records.get(self.records[page_id].parent)
        while record and record not in above:
            above.insert(0, record)
            record = self.records.get(record.parent)
        return above


def date_version(number: int) -> str:
    """Return when a version was made, unless a record says something else."""
    # A number made from a text would be after the end of all calendars.
    hours = min(number - 1, 10_000)
    return (_FIRST_CHANGE + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def split_title(text: str, page_id: str) -> tuple[str, str]:
    """Return title and body: in Confluence the title is no part of the body."""
    heading = _HEADING.match(text)
    return (heading[1].strip(), text[heading.end() :]) if heading else (f"Page {page_id}", text)


def _find_title(text: str, page_id: str) -> str:
    return split_title(text, page_id)[0]
