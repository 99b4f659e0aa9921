"""The forms in which exporters write otherwise than Markdown is specified, and how often they do.

A form is repaired only where the specified reading would leave junk or lose structure: text that
is valid and means what it says stays as it is. The other modules of this package have the
repairs; each notes here what it repaired.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import MutableMapping

Env: TypeAlias = "MutableMapping[str, Any]"
"""What markdown-it hands from rule to rule while it reads one page."""

KINDS = {
    "lists": "items that are not indented as far as the text above them",
    "blocks in lists": "code, tables and quotations that are not indented as their items are",
    "emphasis": "blanks inside of the marks of bold, italic or deleted text",
    "panels": "panels in a form of their own",
    "expands": "expands in a form of their own",
    "icons": "pictures that belong to Confluence: icons, arrows and emoji",
    "macros": "macros that were not exported",
    "contents": "tables of contents and lists of children that the site has itself",
    "emoji": "names of emoji: `:rocket:`",
    "formulas": "formulas",
    "linked pictures": "links that blank lines tear from their pictures",
    "picture sizes": "sizes behind the addresses of pictures",
    "storage XML": "tags of Confluence's storage format",
    "code in cells": "fences of code in the cells of tables",
    "lists in cells": "lists in the cells of tables",
    "files": "pictures of files that are no pictures",
    "anchors": "anchors before headings",
    "statuses": "status macros",
    "dates": "dates as numbers or tags",
    "mentions": "mentions without a name",
    "tildes": "tildes inside of words",
}
"""What is repaired: its name in reports, and what it is."""

_COUNTS = "repairs"
_MACROS = "unexported macros"


def note_repair(env: Env, kind: str, number: int = 1) -> None:
    """Note that a form was repaired.

    Args:
        env: Of the page.
        kind: One of `KINDS`.
        number: How often.
    """
    if number:
        env.setdefault(_COUNTS, Counter())[kind] += number


def count_repairs(env: Env) -> Counter[str]:
    """Return what was repaired in a page, by kind."""
    return Counter(env.get(_COUNTS, {}))


def note_macro(env: Env, name: str) -> None:
    """Note the name of a macro of which the export has nothing but a placeholder."""
    env.setdefault(_MACROS, []).append(name)


def pack_notes(env: Env) -> list[Any]:
    """Return what was noted of a page, as `unpack_notes` takes it."""
    return [dict(env.get(_COUNTS, {})), env.get(_MACROS, [])]


def _is_name(name: object) -> bool:
    return isinstance(name, str)


def unpack_notes(env: Env, notes: list[Any]) -> None:
    """Note all of that again.

    Raises:
        ValueError: Somebody else has written it.
    """
    counts, macros = notes
    are_numbers = all(type(number) is int and number > 0 for number in counts.values())
    if not (are_numbers and counts.keys() <= KINDS.keys() and all(map(_is_name, macros))):
        raise ValueError("these are no notes of a page")
    for kind, number in counts.items():
        note_repair(env, kind, number)
    for name in macros:
        note_macro(env, name)


def list_macros(env: Env) -> list[str]:
    """Return the names of the macros that were not exported, each once."""
    return list(dict.fromkeys(env.get(_MACROS, ())))
