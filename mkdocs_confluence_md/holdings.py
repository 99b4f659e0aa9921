"""What a cache holds: told to people and machines, and removed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from mkdocs_confluence_md.keys import PageCopy, read_page_copy
from mkdocs_confluence_md.reports import describe_age, describe_size

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from mkdocs_confluence_md.limit import Entry
    from mkdocs_confluence_md.store import Store

_ACCOUNT_DIGITS = 8


@dataclass(frozen=True)
class Holding:
    """A copy of a page."""

    page: PageCopy
    entry: Entry


def find_holdings(store: Store) -> list[Holding]:
    """Return the copies of pages, newest first; none, and nothing is made, without a cache."""
    found = [
        Holding(page, entry)
        for entry in _list_entries(store)
        if (page := read_page_copy(entry.key))
    ]
    return sorted(found, key=lambda each: (-each.entry.stored_at, each.page.page_id))


def remove_pages(store: Store, page_ids: Collection[str]) -> list[Holding]:
    """Remove all copies of pages, whoever exported them; return what was removed."""
    going = [each for each in find_holdings(store) if each.page.page_id in page_ids]
    keys = {each.entry.key for each in going}
    keys |= {entry.key for entry in _list_entries(store) if entry.target in keys}
    if going:
        store.do(lambda disk: disk.remove(keys))
    return going


def remove_all(store: Store) -> list[Holding]:
    """Remove everything that the cache keeps, and what a repair or a killed build left behind."""
    going = find_holdings(store)
    if store.directory.exists():
        store.do(lambda disk: disk.clear())
        store.do(lambda _: store.directory.remove_leftovers())
    return going


def as_table(holdings: Sequence[Holding], now: float) -> str:
    """Write a table for a person, with columns as wide as they must be."""
    rows = [("PAGE", "HOST", "ACCOUNT", "SIZE", "AGE"), *(_as_row(each, now) for each in holdings)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join(lines)


def as_json(holdings: Sequence[Holding], directory: str) -> str:
    """Write what there is for machines; times as ISO 8601, in UTC."""
    copies = [
        {
            "page_id": each.page.page_id,
            "base_url": each.page.base_url,
            "account": each.page.account,
            "size": each.entry.size,
            "exported_at": _as_time(each.entry.stored_at),
        }
        for each in holdings
    ]
    total = measure(holdings)
    return json.dumps({"directory": directory, "size": total, "copies": copies}, indent=2)


def summarize(holdings: Sequence[Holding]) -> str:
    """Say how many copies there are, and how large they are."""
    count = "1 copy" if len(holdings) == 1 else f"{len(holdings)} copies"
    return f"{count}, {describe_size(measure(holdings))}"


def measure(holdings: Sequence[Holding]) -> int:
    """Return the size of copies in bytes."""
    return sum(each.entry.size for each in holdings)


def _as_row(holding: Holding, now: float) -> tuple[str, ...]:
    page, entry = holding.page, holding.entry
    age = f"{describe_age(max(0.0, now - entry.stored_at))} ago"
    account = page.account[:_ACCOUNT_DIGITS] or "-"
    return page.page_id, page.host, account, describe_size(entry.size), age


def _as_time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")


def _list_entries(store: Store) -> list[Entry]:
    if not store.directory.exists():
        return []
    return store.do(lambda disk: disk.list_entries()) or []
