"""What goes when the cache has grown too large: the least recently used. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mkdocs_confluence_md.cache.entries import (
    is_alias,
    is_file,
    read_attachments_copy,
    read_page_copy,
    read_tree_copy,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

# Below the limit, so that not every build that adds a page has to make room again.
_GOAL = 0.9


@dataclass(frozen=True)
class Entry:
    """What the cache's table says of one value."""

    key: str
    size: int
    """Of the value, in bytes."""
    stored_at: float
    """Seconds since the epoch."""
    used_at: float
    """Seconds since the epoch, to about a day."""
    target: str = ""
    """The key that an alias leads to."""


def choose_what_goes(entries: Sequence[Entry], wanted: Collection[str], limit: int) -> list[str]:
    """Return the keys to remove so that what stays fits.

    Only copies of pages, of their attachments and of trees go, and the aliases that lead to them:
    all else is small, and a cloud ID would have to be looked up again.

    Args:
        entries: All that there is.
        wanted: Keys of what must stay; what a wanted alias leads to stays with it.
        limit: Bytes of values.
    """
    total = sum(entry.size for entry in entries)
    if total <= limit:
        return []
    excess = total - limit * _GOAL
    aliases = [entry for entry in entries if is_alias(entry.key)]
    kept = {*wanted, *(alias.target for alias in aliases if alias.key in wanted)}
    going: set[str] = set()
    for entry in sorted(entries, key=lambda entry: entry.used_at):
        if excess <= 0:
            break
        if entry.key not in kept and _may_go(entry.key):
            going.add(entry.key)
            excess -= entry.size
    return [*going, *(alias.key for alias in aliases if alias.target in going)]


def _may_go(key: str) -> bool:
    copies = (read_page_copy, read_attachments_copy, read_tree_copy)
    return is_file(key) or any(read(key) for read in copies)
