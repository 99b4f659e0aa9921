"""The stand-in's faults, set from another process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from standin.faults import Faults

SWITCHES = frozenset({"latency", "other_latency", "etags", "app_disabled", "missing_scope"})


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
