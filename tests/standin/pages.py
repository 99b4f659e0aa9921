"""The pages of the stand-in's Confluence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


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


def _find_file(folder: Path, page_id: str) -> Path | None:
    # The ID comes from a request: only digits may become part of a path or a pattern.
    if not (page_id.isascii() and page_id.isdigit()):
        return None
    exact = folder / f"{page_id}.md"
    if exact.is_file():
        return exact
    return min(folder.glob(f"{page_id}[- ]*.md"), default=None)
