"""What Confluence says of a page besides its text. Pure."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from functools import cache


@dataclass(frozen=True)
class PageFacts:
    """What Confluence's own REST API says of a page.

    Every field but the first may be empty: not every call tells everything.
    """

    page_id: str
    title: str = ""
    version: int = 0
    """Counts the changes of title and text, from 1; 0 where it is not known."""
    changed_at: str = ""
    """When this version was made, in ISO 8601."""
    author_id: str = ""
    """Of the account that made this version."""
    author: str = ""
    """That account's name."""
    labels: tuple[str, ...] | None = None
    """None where they are not known."""

    @property
    def is_detailed(self) -> bool:
        """Whether labels and the author's name are known, as far as there are any."""
        return self.labels is not None


_TYPES = {each.name: type(each.default) for each in fields(PageFacts) if each.name != "labels"}
_TYPES["page_id"] = str


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
    if {name: type(value) for name, value in told.items()} != _TYPES:
        return None
    if labels is None:
        return PageFacts(**told)
    if isinstance(labels, list) and all(isinstance(label, str) for label in labels):
        return PageFacts(**told, labels=tuple(labels))
    return None
