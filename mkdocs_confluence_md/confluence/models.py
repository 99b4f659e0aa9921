"""What Confluence says of a page besides its text. Pure."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cache


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
