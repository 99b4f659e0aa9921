"""The stand-in's faults and pages, changed from another process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from standin.records import Account, PageRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from standin.faults import Faults
    from standin.pages import Pages

SWITCHES = frozenset(
    {
        "latency",
        "slowing",
        "other_latency",
        "etags",
        "app_disabled",
        "missing_scope",
        "archive_fault",
        "large_tree_status",
    }
)


def set_faults(faults: Faults, wanted: Mapping[str, Any]) -> None:
    """Put `wanted` in place of all faults so far.

    `{"etags": true, "answers": [{"status": 429, "times": 30}]}`: switches by name, and the
    arguments of each call of `Faults.answer`.

    Raises:
        TypeError: An argument of an answer is none.
        ValueError: A switch is none.
    """
    unknown = set(wanted) - SWITCHES - {"answers"}
    if unknown:
        message = f"no such faults: {', '.join(sorted(unknown))}"
        raise ValueError(message)
    faults.clear()
    for name in SWITCHES & set(wanted):
        setattr(faults, name, wanted[name])
    for arguments in wanted.get("answers", []):
        faults.answer(**arguments)


def change_page(pages: Pages, wanted: Mapping[str, Any]) -> None:
    """Edit the page `page_id`, if there is one, or add it.

    `{"page_id": "101", "markdown": "# New text"}`; to add one, all fields of a `PageRecord`, with
    `author` as a list of the account's ID and its name.

    Raises:
        TypeError: A field is none.
        KeyError: There is no `page_id`.
    """
    fields = dict(wanted)
    if "author" in fields:
        fields["author"] = Account(*fields["author"])
    if fields["page_id"] in pages.ids():
        pages.edit(**fields)
    else:
        pages.add(PageRecord(**fields))
