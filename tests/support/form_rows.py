"""The table of forms: what exporters write, and what a page should have instead of it.

The rows are in `forms/*.yml`, one file for each construct. A row has

- `form`: its name;
- `source`: who writes it: N is Narva's exporter 3.5.0, R the reference exporter (both of the
  conformance corpus), a number is that of a public converter's file, and "specification" is for
  rows that must stay as they are specified;
- `markdown`: a text in that form;
- `html`: the structure that it should have;
- `kinds`: how often which kind of repair is counted for it; left out, at least one is.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from structure import read_structure

FORMS = Path(__file__).parent / "forms"


@dataclass(frozen=True)
class Form:
    """A row."""

    construct: str
    name: str
    source: str
    markdown: str
    html: str
    kinds: dict[str, int] | None

    @property
    def structure(self) -> list[str]:
        """The lines of the structure that a page should have."""
        return read_structure(self.html, whole=True)

    def __str__(self) -> str:
        return f"{self.construct}: {self.name}"


def read_forms() -> list[Form]:
    """Return all rows."""
    return [
        Form(
            path.stem.replace("_", " "),
            row["form"],
            row["source"],
            row["markdown"],
            row["html"],
            row.get("kinds"),
        )
        for path in sorted(FORMS.glob("*.yml"))
        for row in yaml.safe_load(path.read_text(encoding="utf-8"))
    ]
