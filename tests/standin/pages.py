"""The pages of the stand-in's Confluence."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


_FILE_NAME = re.compile(r"([0-9]+)(?:[- ].*)?\.md")


class Pages:
    """Markdown by page ID, from a folder or from a mapping.

    Nothing is kept: a changed file or mapping is a changed page.
    """

    def __init__(self, source: Path | Mapping[str, str]) -> None:
        """Read from `source`.

        A folder holds files named `{id}.md`, `{id}-anything.md` or `{id} Anything.md`.
        """
        self.source = source

    def read(self, page_id: str) -> str | None:
        """Return the Markdown of a page to the letter, or None when there is no such page."""
        if not isinstance(self.source, Path):
            return self.source.get(page_id)
        path = _find_file(self.source, page_id)
        # Text mode would rewrite the line endings.
        return path.read_bytes().decode() if path else None

    def ids(self) -> list[str]:
        """Return the IDs of all pages, in no order."""
        if not isinstance(self.source, Path):
            return list(self.source)
        names = (_FILE_NAME.fullmatch(path.name) for path in self.source.iterdir())
        return list({name[1] for name in names if name})

    def attachments(self, page_id: str) -> list[Path]:
        """Return the files in `attachments/{id}` of the folder; a mapping has none."""
        if not isinstance(self.source, Path) or not _is_id(page_id):
            return []
        return sorted((self.source / "attachments" / page_id).glob("*"))


def _find_file(folder: Path, page_id: str) -> Path | None:
    # The ID comes from a request: only digits may become part of a path or a pattern.
    if not _is_id(page_id):
        return None
    exact = folder / f"{page_id}.md"
    if exact.is_file():
        return exact
    return min(folder.glob(f"{page_id}[- ]*.md"), default=None)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit()
