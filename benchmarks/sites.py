"""The one content that all contestants build, and whether a site has it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from benchmarks import every_build

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

FIRST_ID = 1000
PAGES_IN_A_SECTION = 20
# What the theme offers for sites of this size: without it, each page carries all of the navigation.
FEATURES = {"material": ["navigation.prune"]}
PAGE = """# {title}

{first_sentence}

A paragraph with **bold** text, `code` and a [link](https://example.com/{number}).

{sections}
{last_sentence}
"""
SECTION = """## Section {section}

- One item
- Another item, with a longer text that goes on for a while

| Column | Another |
| --- | --- |
| a | b |

```python
print("section {section}")
```

"""
SECTIONS = "".join(SECTION.format(section=number) for number in range(3))


@dataclass
class Content:
    """Pages of Confluence, and how often each has been changed."""

    count: int
    editions: dict[int, int] = field(default_factory=dict)

    def change(self, number: int) -> None:
        """Begin another edition of a page."""
        self.editions[number] = self.editions.get(number, 0) + 1

    def text(self, number: int) -> str:
        """Return the Markdown of a page."""
        return PAGE.format(
            title=title_of(number),
            number=number,
            first_sentence=self.first_sentence(number),
            last_sentence=last_sentence(number),
            sections=SECTIONS,
        )

    def first_sentence(self, number: int) -> str:
        """Return what only this edition of this page says."""
        return f"This is edition {self.editions.get(number, 0)} of runbook {number}."

    def write(self, folder: Path) -> None:
        """Write all pages as `{id}.md`."""
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(self.count):
            self.write_page(folder, number)

    def write_page(self, folder: Path, number: int) -> None:
        """Write one page as `{id}.md`."""
        (folder / f"{id_of(number)}.md").write_text(self.text(number), encoding="utf-8")

    def find_problem(self, read: Callable[[str], str | None]) -> str:
        """Say how a site differs from this content, in a few words; nothing if it does not.

        `read` returns the HTML at a path of the site, or None where there is none.
        """
        states = [self._state_of(read(f"pages/{id_of(n)}/"), n) for n in range(self.count)]
        counts = {state: states.count(state) for state in ("missing", "empty", "old")}
        return ", ".join(
            f"{count} {'page' if count == 1 else 'pages'} {state}"
            for state, count in counts.items()
            if count
        )

    def _state_of(self, html: str | None, number: int) -> str:
        if html is None:
            return "missing"
        if last_sentence(number) not in html:
            return "empty"
        return "right" if self.first_sentence(number) in html else "old"


def id_of(number: int) -> str:
    """Return the ID of a page in Confluence."""
    return str(FIRST_ID + number)


def title_of(number: int) -> str:
    """Return the title of a page."""
    return f"Page {number}"


def last_sentence(number: int) -> str:
    """Return what is at the end of a page, in any edition."""
    return f"Here ends runbook {number}."


def read_site(site_dir: Path) -> Callable[[str], str | None]:
    """Return a function that reads the pages of a site that was built."""

    def read(path: str) -> str | None:
        file = site_dir / path / "index.html"
        return file.read_text(encoding="utf-8") if file.is_file() else None

    return read


def write_config(
    root: Path, references: Sequence[str], *, theme: str, plugins: Sequence[Any] = ()
) -> None:
    """Write `mkdocs.yml` and a home page. `references` are the pages' values in `nav`."""
    entries = [{title_of(number): each} for number, each in enumerate(references)]
    sections = [
        {f"Pages from {start}": entries[start : start + PAGES_IN_A_SECTION]}
        for start in range(0, len(entries), PAGES_IN_A_SECTION)
    ]
    config = {
        "site_name": "Benchmark",
        "theme": {"name": theme, "features": FEATURES.get(theme, [])},
        "markdown_extensions": ["tables", "toc", "pymdownx.superfences", "pymdownx.highlight"],
        "plugins": ["search", *plugins],
        "nav": ["index.md", *sections],
        "hooks": [every_build.__file__],
    }
    (root / "docs").mkdir(parents=True, exist_ok=True)
    (root / "docs" / "index.md").write_text("# Home\n", encoding="utf-8")
    (root / "mkdocs.yml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
