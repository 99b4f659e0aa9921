"""The pages and attachments of a site as files, for plugins that open what `abs_src_path` names.

They are next to the database, so not below `docs_dir`, and are written only when their content is
another one: `mkdocs build --dirty` looks at their times.
"""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import stat
import tempfile
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from mkdocs_confluence_md.cache.store import LOCK_SECONDS, SITE_FOLDERS, CacheDirectory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_PAGES, _ATTACHMENTS = SITE_FOLDERS
_LONGEST_STEM_BYTES = 80
_MARK_SECONDS = 86400.0
_KEEP_SECONDS = 7 * 86400.0
# A link that somebody has put there must not be followed, and a pipe not waited for.
_READ_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class SiteFiles:
    """The files of a build. What other builds use is left to them for a week.

    Args:
        directory: The cache's; created (0700) by `open`.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = CacheDirectory(directory, lock_seconds=LOCK_SECONDS)
        self._used: set[Path] = set()
        self.is_open = False
        """Files can be written."""

    def open(self) -> None:
        """Make the folders, if that is possible; the cache itself says why it is not."""
        if not self.is_open:
            with suppress(OSError):
                for name in SITE_FOLDERS:
                    self._directory.make_folder(name)
                self.is_open = True

    def find_page(self, src_uri: str) -> Path:
        """Return the path of a page's file."""
        name = _make_name(posixpath.basename(src_uri), _hash(src_uri.encode()))
        return self._directory.path / _PAGES / name

    def find_written(self, src_uri: str) -> Path | None:
        """Return the path of a page's file if this build has written it, or found it as it is."""
        path = self.find_page(src_uri)
        return path if path in self._used else None

    def write_page(self, src_uri: str, source: str) -> bool:
        """Write a page's file, unless it has that source already; return True if it has it now."""
        path, data = self.find_page(src_uri), source.encode(errors="replace")
        return self._write(path, lambda: data, is_there=lambda: _read(path) == data)

    def write_attachment(
        self, name: str, digest: str, size: int, read: Callable[[], bytes]
    ) -> Path | None:
        """Write the file of an attachment, unless it is there; None if that is not possible.

        Args:
            name: A safe one.
            digest: The SHA-256 of its content.
            size: In bytes.
            read: Returns its content.
        """
        path = self._directory.path / _ATTACHMENTS / _make_name(name, digest[:16])
        is_written = self._write(path, read, is_there=lambda: _measure(path) == size)
        return path if is_written else None

    def read_paths(self, site: str) -> dict[str, list[str]]:
        """Return where the pages of a site were, as `write_paths` was told.

        Args:
            site: What tells it from others that share the directory.
        """
        try:
            found = json.loads(_read(self._find_paths(site)) or b"{}")
        except ValueError:
            return {}
        entries = found.items() if isinstance(found, dict) else ()
        return {
            page_id: [path for path in paths if isinstance(path, str)]
            for page_id, paths in entries
            if isinstance(paths, list)
        }

    def write_paths(self, site: str, paths: Mapping[str, list[str]]) -> None:
        """Remember where the pages of a site are, and were."""
        path, data = self._find_paths(site), json.dumps(paths).encode()
        self._write(path, lambda: data, is_there=lambda: _read(path) == data)

    def _find_paths(self, site: str) -> Path:
        return self._directory.path / _PAGES / _make_name("paths.json", _hash(site.encode()))

    def remove_page(self, src_uri: str) -> None:
        """Remove a page's file: it must not be shown any more."""
        with suppress(OSError):
            self.find_page(src_uri).unlink()

    def remove_unused(self) -> None:
        """Remove files that no build has used for a week."""
        if self.is_open:
            self._directory.remove_site_files(
                lambda path, status: (
                    path not in self._used and status.st_mtime < time.time() - _KEEP_SECONDS
                )
            )

    def _write(
        self, path: Path, read: Callable[[], bytes], *, is_there: Callable[[], bool]
    ) -> bool:
        if not self.is_open:
            return False
        try:
            if is_there():
                _mark(path)
            else:
                _replace(path, read())
        except OSError:
            return False
        self._used.add(path)
        return True


def _make_name(name: str, digest: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    short = (stem or suffix).encode()[:_LONGEST_STEM_BYTES].decode(errors="ignore")
    return f"{short}-{digest}{dot + suffix if stem else ''}"


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _read(path: Path) -> bytes | None:
    try:
        descriptor = os.open(path, _READ_FLAGS)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file.read() if stat.S_ISREG(os.fstat(descriptor).st_mode) else None


def _measure(path: Path) -> int | None:
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _mark(path: Path) -> None:
    """Let a file's time show that it is used; once a day, because it is a change for `--dirty`."""
    if path.lstat().st_mtime < time.time() - _MARK_SECONDS:
        os.utime(path, follow_symlinks=False)


def _replace(path: Path, data: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=".", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.replace(temporary, path)  # noqa: PTH105  a text, from `tempfile`
    except BaseException:
        with suppress(OSError):
            os.remove(temporary)  # noqa: PTH107  the same
        raise
