"""DiskCache with bytes only, and with what it lacks: reading, marking and removing in one go."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import diskcache

from mkdocs_confluence_md.cache.limit import Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mkdocs_confluence_md.cache.contents import Content
    from mkdocs_confluence_md.network.spooling import Spool

# What DiskCache names the files of values that are too large for the database.
VALUE_FILE = re.compile(r"[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{28}\.val")

# All of them, so that those in the database, which DiskCache would obey, do not count.
_SETTINGS = {
    **diskcache.DEFAULT_SETTINGS,
    "eviction_policy": "none",
    "cull_limit": 0,
    # A mapped file that somebody truncates ends the process, by SIGBUS.
    "sqlite_mmap_size": 0,
}

# "Least recently used" is a matter of days; so a build that is run again writes nothing.
_MARK_SECONDS = 86400.0

# Table-valued, so that one statement takes any number of keys.
_AMONG_KEYS = "raw = 1 AND key IN (SELECT value FROM json_each(?))"
_READ = f"SELECT key, mode, filename, value FROM Cache WHERE {_AMONG_KEYS}"  # noqa: S608  a constant
_MARK = f"UPDATE Cache SET access_time = ? WHERE {_AMONG_KEYS} AND access_time < ?"  # noqa: S608  the same
_UNMARKED = f"SELECT 1 FROM Cache WHERE {_AMONG_KEYS} AND access_time < ? LIMIT 1"  # noqa: S608  the same
_FILES = f"SELECT filename FROM Cache WHERE {_AMONG_KEYS}"  # noqa: S608  the same
_REMOVE = f"DELETE FROM Cache WHERE {_AMONG_KEYS}"  # noqa: S608  the same
# Small values are in the table, and DiskCache counts only the others. The types are made sure of,
# because somebody may have written to the file.
_LIST = """
    SELECT key, CAST(size + ifnull(length(value), 0) AS INTEGER),
           CAST(store_time AS REAL), CAST(access_time AS REAL),
           CASE WHEN key LIKE 'latest %' THEN CAST(value AS TEXT) ELSE '' END
    FROM Cache WHERE raw = 1 AND typeof(key) = 'text'
"""
_VOLUME = "SELECT CAST(value AS INTEGER) FROM Settings WHERE key = 'size'"


class DamagedError(Exception):
    """The database is not one of ours, or not any more."""


class UnsafeEntryError(Exception):
    """An entry is of a kind that this project never writes."""


class BytesDisk(diskcache.Disk):  # type: ignore[misc]  # DiskCache has no types
    """A `Disk` whose keys are text and whose values are bytes.

    DiskCache unpickles what a row calls a pickle, so that whoever can write to the cache file
    can run code (CVE-2025-69872). It also reads and removes whatever file a row names. This one
    never reads or writes a pickle, and touches only files that are values.
    """

    def put(self, key: object) -> tuple[object, bool]:
        """Accept text only: DiskCache would pickle anything else."""
        if not isinstance(key, str):
            raise TypeError(f"a cache key must be text, not {type(key).__name__}")
        return key, True

    def get(self, key: object, raw: bool) -> object:  # noqa: FBT001  DiskCache's signature
        """Refuse a key that is not stored as it is."""
        if not raw or not isinstance(key, str):
            raise UnsafeEntryError("a key is not text")
        return key

    def store(self, value: object, read: bool, key: object = None) -> Any:  # noqa: ANN401, FBT001  DiskCache's signature
        """Accept bytes only: DiskCache would pickle anything else."""
        if not isinstance(value, bytes):
            raise TypeError(f"a cache value must be bytes, not {type(value).__name__}")
        return super().store(value, read, key=key)

    def fetch(self, mode: int, filename: object, value: object, read: bool) -> bytes:  # noqa: FBT001  DiskCache's signature
        """Read bytes from the row, or from a file inside the cache directory.

        Raises:
            UnsafeEntryError: The row is none of ours.
            OSError: The file cannot be read.
        """
        if mode == diskcache.core.MODE_RAW and isinstance(value, bytes):
            return value
        if mode == diskcache.core.MODE_BINARY and _is_value_file(filename):
            root = Path(self._directory).resolve()
            path = (root / str(filename)).resolve(strict=True)
            # Links may lead anywhere, and reading a pipe would never end.
            if path.is_file() and root in path.parents:
                return cast("bytes", super().fetch(mode, filename, value, read))
        raise UnsafeEntryError("a value is not bytes")

    def remove(self, file_path: object) -> None:
        """Remove the file of a value, and no other."""
        if _is_value_file(file_path):
            super().remove(file_path)

    def _write(self, full_path: str, *arguments: Any, **more: Any) -> Any:  # noqa: ANN401  DiskCache's signature
        try:
            return super()._write(full_path, *arguments, **more)
        except OSError:
            # On a full disk, half a value would only take the room that is missing.
            with suppress(OSError):
                os.remove(full_path)  # noqa: PTH107  a text, from DiskCache
            raise


class ExportDisk(diskcache.Cache):  # type: ignore[misc]  # DiskCache has no types
    """A DiskCache of bytes that evicts nothing by itself: each copy may be the last good one.

    It belongs to the thread that opened it.

    Args:
        directory: Where its files are.
        lock_seconds: How long to wait while another process writes.
    """

    def __init__(self, directory: Path, *, lock_seconds: float) -> None:
        try:
            super().__init__(str(directory), timeout=lock_seconds, disk=BytesDisk, **_SETTINGS)
        except Exception as error:
            self.close()
            if isinstance(error, sqlite3.Error | diskcache.Timeout | OSError):
                raise
            raise DamagedError(f"it has settings that make no sense: {error}") from error

    def read(self, keys: Iterable[str], complain: Callable[[Exception], None]) -> dict[str, bytes]:
        """Read values, by one statement; those that there are not, or cannot be read, are left out.

        Args:
            keys: Which.
            complain: Is told of each that is damaged.
        """
        found = {}
        for key, mode, filename, value in self._sql(_READ, (_as_json(keys),)):
            # A file that is gone was replaced by another process just now, or is lost.
            with suppress(OSError):
                try:
                    found[key] = self._disk.fetch(mode, filename, value, read=False)
                except UnsafeEntryError as error:
                    complain(error)
        return found

    def write(self, values: Mapping[str, bytes | Content | Spool]) -> None:
        """Write values, each whole or not at all."""
        # One transaction each: DiskCache removes the files of old values when an inner
        # transaction ends, which for an outer one that fails would be too early.
        for key, value in values.items():
            self.set(key, value if isinstance(value, bytes) else value.read())

    def remove(self, keys: Iterable[str]) -> None:
        """Remove values."""
        among = (_as_json(keys),)
        with self._transact() as (sql, clean_up):
            for (filename,) in sql(_FILES, among).fetchall():
                clean_up(filename)
            sql(_REMOVE, among)

    def mark_used(self, keys: Iterable[str], now: float) -> None:
        """Remember that values were used; one statement, once a day."""
        among, before = _as_json(keys), now - _MARK_SECONDS
        if self._sql(_UNMARKED, (among, before)).fetchone():
            with self._transact() as (sql, _):
                sql(_MARK, (now, among, before))

    def list_entries(self) -> list[Entry]:
        """Return what there is, without reading it."""
        return [Entry(*row) for row in self._sql(_LIST)]

    def measure(self) -> int:
        """Return about how many bytes it takes on the disk: never less than its values. Quick."""
        ((pages,),) = self._sql("PRAGMA page_count")
        ((page_size,),) = self._sql("PRAGMA page_size")
        ((files,),) = self._sql(_VOLUME)
        return int(pages * page_size + files)


def _is_value_file(name: object) -> bool:
    return isinstance(name, str) and VALUE_FILE.fullmatch(Path(name).as_posix()) is not None


def _as_json(keys: Iterable[str]) -> str:
    return json.dumps(list(keys))
