"""The archives of whole trees of pages, of whose layout nothing is documented."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from standin.records import Hierarchy, PageRecord

TreeLayout = Literal["beside", "index", "inside", "flat"]
"""Where a page is that has others below it.

- `beside`: `Parent.md`, and the folder `Parent` with its children.
- `index`: `Parent/index.md`, beside its children.
- `inside`: `Parent/Parent.md`, beside its children.
- `flat`: all pages are in one folder, and nothing tells who is below whom.
"""

_FORBIDDEN = re.compile(r'[/\\:*?"<>|\x00-\x1f]')


@dataclass
class Bundle:
    """An archive in the making: pages in Confluence's order, each with its files."""

    hierarchy: Hierarchy
    layout: TreeLayout
    limit: int
    """Of pages."""
    is_visible: Callable[[PageRecord], bool]
    find_files: Callable[[str], Mapping[str, bytes]]
    """The attachments of a page, by their path from the page's folder."""
    count: int = 0
    """Of pages so far."""
    _entries: dict[str, bytes] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=set)

    def pack(self, records: Iterable[PageRecord], folder: str) -> bytes:
        """Return the archive of pages and all below them, in `folder` (empty, or with a slash)."""
        self._add(records, folder)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in self._entries.items():
                archive.writestr(name, content)
        return buffer.getvalue()

    def _add(self, records: Iterable[PageRecord], folder: str) -> None:
        for record in records:
            children = self.hierarchy.children(record.page_id)
            name = self._take(folder, _FORBIDDEN.sub("-", record.title).strip() or "Untitled")
            below = folder if self.layout == "flat" else f"{folder}{name}/"
            if record.kind == "page" and self.is_visible(record) and self.count < self.limit:
                self.count += 1
                path = self._name_page(folder, name, is_leaf=not children)
                self._entries[path] = record.markdown.encode()
                beside = path[: path.rfind("/") + 1]
                for file, content in self.find_files(record.page_id).items():
                    # Two pages in a folder may each have a file of the same name.
                    stem, dot, suffix = file.rpartition(".")
                    name = self._take(beside, stem or suffix, dot + suffix if stem else "")
                    self._entries[beside + name] = content
            self._add(children, below)

    def _name_page(self, folder: str, name: str, *, is_leaf: bool) -> str:
        if is_leaf or self.layout in {"beside", "flat"}:
            return f"{folder}{name}.md"
        return f"{folder}{name}/{'index' if self.layout == 'index' else name}.md"

    def _take(self, folder: str, stem: str, suffix: str = "") -> str:
        """Return a name with the first number that nothing else has in that folder."""
        names = (stem if number == 1 else f"{stem} ({number})" for number in count(1))
        free = next(each for each in names
                    if f"{folder}{each}{suffix}".casefold() not in self._taken)  # fmt: skip
        self._taken.add(f"{folder}{free}{suffix}".casefold())
        return f"{free}{suffix}"
