"""The pages of the stand-in's Confluence."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Mapping

Layout = Literal["flat", "nested", "encoded", "plus"]
"""Where attachments are in an archive, of which nothing is documented.

- `flat`: beside the page.
- `nested`: in `attachments/{page ID}/`, in the folder of the page, which has a title.
- `encoded`: beside the page, with names as in URLs.
- `plus`: the same, with `+` for a blank, as Confluence writes them in addresses.
"""

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
        self.attachments: dict[str, dict[str, bytes]] = {}
        """By page ID and file name, besides those in the folder `attachments/{page ID}/`."""
        self.archives: dict[str, bytes] = {}
        """What is exported with a page's attachments, instead of an archive of them."""
        self.layout: Layout = "flat"

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

    def read_attachments(self, page_id: str) -> dict[str, bytes]:
        """Return the attachments of a page, by name."""
        folder = self.source / "attachments" / page_id if isinstance(self.source, Path) else None
        files = sorted(folder.iterdir()) if folder and _is_id(page_id) and folder.is_dir() else []
        return {
            **{file.name: file.read_bytes() for file in files},
            **self.attachments.get(page_id, {}),
        }

    def pack(self, page_id: str, markdown: str, attachments: Mapping[str, bytes]) -> bytes:
        """Make the archive of a page."""
        if page_id in self.archives:
            return self.archives[page_id]
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            top = "A space/A page/" if self.layout == "nested" else ""
            archive.writestr(f"{top}{page_id}.md", markdown)
            for name, content in attachments.items():
                archive.writestr(top + self._name_entry(page_id, name), content)
        return buffer.getvalue()

    def _name_entry(self, page_id: str, name: str) -> str:
        return {
            "flat": name,
            "nested": f"attachments/{page_id}/{name}",
            "encoded": quote(name),
            "plus": quote_plus(name),
        }[self.layout]


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
