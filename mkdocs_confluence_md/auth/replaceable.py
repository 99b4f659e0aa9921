"""A file that is replaced as a whole: a reader, or a crash, finds the old one or the new one."""

from __future__ import annotations

import glob
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path

# On Windows a file cannot be replaced while somebody reads it, which takes milliseconds.
_TRIES = 100
_PAUSE_SECONDS = 0.02


class ReplaceableFile:
    """A file of mode 0600 at a path. Whoever uses it keeps others from writing.

    The new file is written beside the old one, into room that was taken beforehand, so that a full
    disk is found before it does harm.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reserved: Path | None = None
        self._written: Path | None = None

    def reserve(self, size: int) -> None:
        """Take room for the next file, in bytes.

        Raises:
            OSError: There is none.
        """
        self._reserved = self._make_temporary_file(size)

    def replace(self, text: str) -> None:
        """Write the new file; it is on disk before this returns.

        Raises:
            OSError: It cannot be written, or not take the old one's place: see `find_written`.
        """
        target = self._reserved or self._make_temporary_file(0)
        with target.open("r+", encoding="utf-8") as file:
            file.write(text)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
        self._reserved, self._written = None, target
        _rename(target, self._path)
        self._written = None
        _sync_directory(self._path.parent)

    def find_written(self) -> Path | None:
        """Return the new file that could not take the old one's place; None if there is none."""
        return self._written

    def release(self) -> None:
        """Remove what is left beside the file, also by a process that was killed.

        A file that could not take its place is left where it is.
        """
        pattern = f"{glob.escape(str(self._path))}.new-*"
        for name in glob.glob(pattern):  # noqa: PTH207  Path's cannot escape
            if Path(name) != self._written:
                with suppress(OSError):  # somebody else's, in a directory for all
                    Path(name).unlink()
        self._reserved = self._written = None

    def _make_temporary_file(self, size: int) -> Path:
        descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=f"{self._path.name}.new-")
        with os.fdopen(descriptor, "wb") as file:
            file.write(b" " * size)
            file.flush()
            os.fsync(file.fileno())
        return Path(name)


def _rename(source: Path, target: Path) -> None:
    for _ in range(_TRIES if os.name == "nt" else 0):
        with suppress(PermissionError):
            source.replace(target)
            return
        time.sleep(_PAUSE_SECONDS)
    source.replace(target)


def _sync_directory(directory: Path) -> None:
    """Make a rename last, where the system can: Windows opens no directories."""
    if os.name == "nt":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
