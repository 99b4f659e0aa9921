"""The cache's directory: made, checked before it is used, and mended when it is damaged."""

from __future__ import annotations

import os
import re
import sqlite3
import stat
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import diskcache
import filelock

from mkdocs_confluence_md.cache.disk import VALUE_FILE, DamagedError, ExportDisk

if TYPE_CHECKING:
    from pathlib import Path

DATABASE = "cache.db"
SET_ASIDE = "cache.db.damaged"
# The database, and what SQLite keeps beside it.
_SUFFIXES = ("", "-wal", "-shm")
_LOCK = "cache.lock"
_IGNORE = ".gitignore"

_COLUMNS = {
    "key",
    "raw",
    "store_time",
    "expire_time",
    "access_time",
    "access_count",
    "tag",
    "size",
    "mode",
    "filename",
    "value",
}
_SCHEMA = (
    r"CREATE TABLE (?:Cache|Settings) \([\w ,]+\)",
    r"CREATE (?:UNIQUE )?INDEX Cache_\w+ ON Cache ?\([\w ,]+\)",
    (
        r"CREATE TRIGGER Settings_\w+ AFTER (?:INSERT|UPDATE|DELETE) ON Cache FOR EACH ROW BEGIN "
        r"UPDATE Settings SET value = value [-+] (?:1|NEW\.size|OLD\.size|NEW\.size - OLD\.size) "
        r"WHERE key = \"(?:count|size)\"; END"
    ),
    "",  # an index that SQLite makes for itself
)
"""What DiskCache makes: no expression calls a function, and no trigger runs anything else."""

_OF_DISKCACHE = re.compile("|".join(_SCHEMA))

_SETTINGS = {*diskcache.DEFAULT_SETTINGS, *diskcache.core.METADATA}

# What SQLite says of the machine, of rights and of other processes: nothing is wrong with the
# database then. All else that it says is about the database.
_CIRCUMSTANCES = {
    "access permission denied",
    "attempt to write a readonly database",
    "database is locked",
    "database or disk is full",
    "database table is locked",
    "disk I/O error",
    "interrupted",
    "large file support is disabled",
    "locking protocol",
    "not authorized",
    "out of memory",
    "query aborted",
    "unable to open database file",
}


class CacheDirectory:
    """A directory with a database, shared with other processes that use it at the same time.

    They use the database as SQLite provides for; making it and setting it aside is for one at a
    time. Who has it open while it is set aside goes on with the old file, which SQLite allows.

    Args:
        path: Where it is.
        lock_seconds: How long to wait for another process.
    """

    def __init__(self, path: Path, *, lock_seconds: float) -> None:
        self.path = path
        self._lock_seconds = lock_seconds
        self._lock = filelock.FileLock(path / _LOCK, timeout=lock_seconds, mode=0o600)
        self._opened: tuple[int, int] | None = None
        """Which file was opened last; its name may be another one's since."""

    def exists(self) -> bool:
        """Tell whether there is a cache."""
        return (self.path / DATABASE).exists()

    def open(self) -> ExportDisk:
        """Open the database; make it, and the directory (0700), if there is none.

        Raises:
            DamagedError, sqlite3.Error: The database is damaged; `is_damage` tells it from:
            OSError, sqlite3.Error, diskcache.Timeout: It cannot be used here and now.
        """
        self._make()
        with self._lock:
            try:
                if not self.exists():
                    self.remove_value_files()  # nobody knows any more what they are
                self._check()
                return ExportDisk(self.path, lock_seconds=self._lock_seconds)
            finally:
                self._opened = self._identify()

    def set_aside(self) -> None:
        """Make room for another database, unless another process has done so already.

        Values that were files are removed, because only the database knew what they are.

        Raises:
            OSError: It cannot be moved.
        """
        with self._lock:
            if self._identify() != self._opened:
                return
            for suffix in _SUFFIXES:
                with suppress(FileNotFoundError):
                    (self.path / f"{DATABASE}{suffix}").replace(self.path / f"{SET_ASIDE}{suffix}")
            self.remove_value_files()

    def remove_leftovers(self) -> None:
        """Remove what was set aside, and the values of which no database knows any more."""
        for suffix in _SUFFIXES:
            (self.path / f"{SET_ASIDE}{suffix}").unlink(missing_ok=True)
        self.remove_value_files()

    def remove_value_files(self) -> None:
        """Remove all values that are files; what does not look like one stays."""
        for file in self.path.glob("??/??/*.val"):
            folders = file.parent, file.parent.parent
            if not VALUE_FILE.fullmatch(file.relative_to(self.path).as_posix()):
                continue
            if not any(folder.is_symlink() for folder in folders):
                file.unlink(missing_ok=True)
                with suppress(OSError):  # there are others in it
                    for folder in folders:
                        folder.rmdir()

    def _make(self) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_cache = any((self.path / name).exists() for name in (DATABASE, SET_ASIDE, _LOCK))
        if not is_cache:
            others = [each.name for each in self.path.iterdir() if each.name != _IGNORE]
            # Another process may be making it, just now.
            if others and not self.exists():
                raise OSError(f"it has {others[0]} in it, which is not a cache's")
        # Only now: a directory of somebody else's must stay as it is.
        make_private(self.path)
        self._ignore()
        if is_cache:
            for suffix in _SUFFIXES:
                make_private(self.path / f"{DATABASE}{suffix}")

    def _ignore(self) -> None:
        """Let Git ignore the directory, as pytest's does: exports are not for commits."""
        ignore = self.path / _IGNORE
        if not os.path.lexists(ignore):
            ignore.write_text("*\n", encoding="utf-8")

    def _check(self) -> None:
        """Look at the database before DiskCache does, which trusts it.

        Raises:
            DamagedError: Its tables are not DiskCache's.
            OSError: It is another program's.
        """
        path = self.path / DATABASE
        if not path.exists():
            return
        connection = sqlite3.connect(path, timeout=self._lock_seconds, isolation_level=None)
        with closing(connection):
            # If another process holds it, this is where to find out: DiskCache waits a minute.
            connection.execute("BEGIN IMMEDIATE")
            # What the schema has may call no function that does more than compute.
            connection.execute("PRAGMA trusted_schema = OFF")
            tables = _first_column(connection, "SELECT name FROM sqlite_master WHERE type='table'")
            if tables and not tables & {"Cache", "Settings"}:
                raise OSError(f"its {DATABASE} is another program's")
            for statement in _first_column(connection, "SELECT sql FROM sqlite_master"):
                if not _OF_DISKCACHE.fullmatch(" ".join(str(statement or "").split())):
                    raise DamagedError("its schema is of another kind")
            columns = _first_column(connection, "SELECT name FROM pragma_table_info('Cache')")
            settings = _first_column(connection, "SELECT key FROM Settings"
                                     if "Settings" in tables else "SELECT 1 WHERE 0")  # fmt: skip
            if (columns and not columns >= _COLUMNS) or settings - _SETTINGS:
                raise DamagedError("its tables are of another kind")
            connection.execute("ROLLBACK")

    def _identify(self) -> tuple[int, int] | None:
        try:
            status = os.stat(self.path / DATABASE)  # noqa: PTH116  one call
        except OSError:
            return None
        return status.st_dev, status.st_ino


def make_private(path: Path) -> None:
    """Let nobody else read a directory or a file, if it is there.

    Raises:
        OSError: It is another user's, or a link in the place of a file.
    """
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    if stat.S_ISLNK(status.st_mode):
        if not path.is_dir():
            raise OSError(f"its {path.name} is a link")
        status = path.stat()
    if not hasattr(os, "getuid"):  # Windows, which keeps users apart by their directories
        return
    if status.st_uid != os.getuid():
        raise OSError("it belongs to another user")
    wanted = 0o700 if stat.S_ISDIR(status.st_mode) else 0o600
    if stat.S_IMODE(status.st_mode) & 0o077:
        path.chmod(wanted)


def is_damage(error: Exception) -> bool:
    """Tell whether an error is the database's fault, which another one does not have."""
    if isinstance(error, sqlite3.Error):
        return str(error) not in _CIRCUMSTANCES
    return isinstance(error, DamagedError)


def _first_column(connection: sqlite3.Connection, query: str) -> set[object]:
    return {row[0] for row in connection.execute(query)}
