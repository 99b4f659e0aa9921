"""What Confluence says of a page besides its text. Pure.

A page with all its descendants, or a whole space, as a tree of pages.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


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

    def walk(self) -> Iterator[TreePage]:
        """Yield all pages and folders, each before its children."""
        for root in self.roots:
            yield from root.walk()
