"""The pages of the stand-in's Confluence."""

from __future__ import annotations

import io
import threading
import zipfile
import zlib
from collections.abc import MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote, quote_plus

from standin.bundles import Bundle, TreeLayout
from standin.folder import find_page, find_pages, find_spaces, is_id
from standin.records import SPACE_KEY, Hierarchy, PageRecord, SpaceRecord, date_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from standin.records import Account

Layout = Literal["flat", "nested", "encoded", "plus"]
"""Where attachments are in an archive, of which nothing is documented.

- `flat`: beside the page.
- `nested`: in `attachments/{page ID}/`, in the folder of the page, which has a title.
- `encoded`: beside the page, with names as in URLs.
- `plus`: the same, with `+` for a blank, as Confluence writes them in addresses.
"""


class Pages:
    """Markdown by page ID, from a folder or from a mapping, and pages with all that can be said.

    Of the former nothing is kept: a changed file or mapping is a changed page. The one with the
    lowest ID is the home page of their space, and the others are below it, but for those that a
    folder has in folders (`find_pages`). The latter are added.
    """

    def __init__(self, source: Path | Mapping[str, str]) -> None:
        """Read from `source`.

        A folder holds files as `find_pages` has them.
        """
        self.source = source
        self.attachments: dict[str, dict[str, bytes]] = {}
        """By page ID and file name, besides those in the folder `attachments/{page ID}/`."""
        self.archives: dict[str, bytes] = {}
        """What is exported with a page's attachments, instead of an archive of them."""
        self.layout: Layout = "flat"
        self.tree_archives: dict[str, bytes] = {}
        """What is exported of a whole tree, instead of an archive of it; by page ID or space."""
        self.tree_layout: TreeLayout = "beside"
        self.tree_folder = ""
        """A folder around all of an exported tree; empty for none."""
        self.spaces = {SPACE_KEY: SpaceRecord(SPACE_KEY, "Documentation")}
        if isinstance(source, Path):
            self.spaces |= find_spaces(source)
        self._lock = threading.RLock()
        self._records: dict[str, PageRecord] = {}
        self._versions: dict[str, tuple[str, int]] = {}
        """The text and the number of the version in which a page of a mapping was last seen."""

    def add(self, *records: PageRecord) -> None:
        """Add pages, or put others in the place of those with the same IDs."""
        with self._lock:
            self._records.update({record.page_id: record for record in records})
            for record in records:
                self.spaces.setdefault(record.space, SpaceRecord(record.space, record.space))

    def add_space(self, space: SpaceRecord) -> None:
        """Add a space, or say more of one."""
        self.spaces[space.key] = space

    def remove(self, page_id: str) -> None:
        """Take a page away that was added; those below it are at the top of their space then."""
        with self._lock:
            del self._records[page_id]

    def edit(
        self, page_id: str, markdown: str, *, title: str = "", author: Account | None = None
    ) -> None:
        """Make a new version of a page, as somebody does in the editor.

        Title and author stay as they are where none are given; only pages that were added have
        an author of their own.

        Raises:
            KeyError: There is no such page.
        """
        with self._lock:
            record = self._records.get(page_id) or self.snapshot().records[page_id]
            record.markdown, record.title = markdown, title or record.title
            record.author = author or record.author
            record.version += 1
            record.changed_at = date_version(record.version)
            if page_id not in self._records:
                self._write(page_id, record)

    def _write(self, page_id: str, record: PageRecord) -> None:
        if isinstance(self.source, Path):
            path = find_page(self.source, page_id)
            assert path is not None
            path.write_bytes(record.markdown.encode())
        else:
            assert isinstance(self.source, MutableMapping)
            self.source[page_id] = record.markdown
            self._versions[page_id] = record.markdown, record.version

    def snapshot(self) -> Hierarchy:
        """Return all pages as they are now."""
        with self._lock:
            source = self.source
            plain = _read_folder(source) if isinstance(source, Path) else self._read_mapping(source)
            records = {record.page_id: record for record in plain}
            return Hierarchy({**records, **self._records})

    def _read_mapping(self, source: Mapping[str, str]) -> Iterator[PageRecord]:
        plain = sorted(source, key=int)
        for page_id in plain:
            text, parent = source.get(page_id, ""), "" if page_id == plain[0] else plain[0]
            yield PageRecord(page_id, text, parent=parent, version=self._number(page_id, text))

    def find_home(self, key: str, hierarchy: Hierarchy) -> str:
        """Return the ID of a space's home page; empty if it has none."""
        tops = hierarchy.tops(key)
        return self.spaces[key].home or (tops[0].page_id if tops else "")

    def read(self, page_id: str) -> str | None:
        """Return the Markdown of a page to the letter, or None when there is no such page."""
        record = self._records.get(page_id)
        if record and record.kind == "page":
            return record.markdown
        return None if record else self._read_plain(page_id)

    def _read_plain(self, page_id: str) -> str | None:
        if not isinstance(self.source, Path):
            return self.source.get(page_id)
        path = find_page(self.source, page_id)
        return path.read_bytes().decode() if path else None

    def ids(self) -> list[str]:
        """Return the IDs of all pages, in no order."""
        added = [each.page_id for each in list(self._records.values()) if each.kind == "page"]
        plain = find_pages(self.source) if isinstance(self.source, Path) else self.source
        return list({*plain, *added})

    def _number(self, page_id: str, text: str) -> int:
        seen, number = self._versions.get(page_id, (text, 1))
        self._versions[page_id] = text, number if seen == text else number + 1
        return self._versions[page_id][1]

    def read_attachments(self, page_id: str) -> dict[str, bytes]:
        """Return the attachments of a page, by name."""
        folder = self.source / "attachments" / page_id if isinstance(self.source, Path) else None
        files = sorted(folder.iterdir()) if folder and is_id(page_id) and folder.is_dir() else []
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

    def pack_tree(
        self,
        hierarchy: Hierarchy,
        roots: Iterable[PageRecord],
        *,
        limit: int,
        with_attachments: bool,
        is_visible: Callable[[PageRecord], bool],
    ) -> tuple[bytes, int]:
        """Make the archive of pages and all below them; return it and how many pages it has."""

        def find_files(page_id: str) -> dict[str, bytes]:
            files = self.read_attachments(page_id) if with_attachments else {}
            return {self._name_entry(page_id, name): files[name] for name in files}

        bundle = Bundle(hierarchy, self.tree_layout, limit, is_visible, find_files)
        content = bundle.pack(roots, f"{self.tree_folder}/" if self.tree_folder else "")
        return content, bundle.count

    def _name_entry(self, page_id: str, name: str) -> str:
        return {
            "flat": name,
            "nested": f"attachments/{page_id}/{name}",
            "encoded": quote(name),
            "plus": quote_plus(name),
        }[self.layout]


def _read_folder(folder: Path) -> Iterator[PageRecord]:
    for position, (page_id, page) in enumerate(find_pages(folder).items()):
        # Text mode would rewrite the line endings.
        content = page.path.read_bytes()
        yield PageRecord(
            page_id,
            content.decode(),
            parent=page.parent,
            space=page.space,
            position=position,
            # A folder outlives the stand-in, so what was counted would not do.
            version=zlib.crc32(content),
            changed_at=page.changed_at,
        )
