"""The database of the cache: DiskCache with bytes only, opened safely and repaired if damaged.

One thread does all the work, because an SQLite connection belongs to the thread that opened it.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import stat
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import diskcache
import filelock

from mkdocs_confluence_md.cache.records import CacheEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mkdocs_confluence_md.network.spooling import Content, Spool

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

# What SQLite and the system say of it.
_READ_ONLY = re.compile(r"read-?only|permission denied|unable to open", re.IGNORECASE)
_FULL = re.compile(r"no space left|disk is full|quota exceeded", re.IGNORECASE)

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
    SELECT key, CAST(ifnull(size, 0) + ifnull(length(value), 0) AS INTEGER),
           min(max(CAST(ifnull(store_time, 0) AS REAL), 0.0), 1e11),
           min(max(CAST(ifnull(access_time, 0) AS REAL), 0.0), 1e11),
           CASE WHEN key LIKE 'latest %' THEN ifnull(CAST(value AS TEXT), '') ELSE '' END
    FROM Cache WHERE raw = 1 AND typeof(key) = 'text'
"""
_VOLUME = "SELECT CAST(ifnull(sum(value), 0) AS INTEGER) FROM Settings WHERE key = 'size'"


class DamagedError(Exception):
    """The database is not one of ours, or not any more."""


class UnsafeEntryError(Exception):
    """An entry is of a kind that this project never writes."""


class BytesDisk(diskcache.Disk):  # type: ignore[misc]  # DiskCache has no types
    """A `Disk` whose keys are text and whose values are bytes.

    DiskCache unpickles what a row calls a pickle, so that write access to the cache file is enough
    to run code (CVE-2025-69872). It also reads and removes whatever file a row names. This one
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

    def list_entries(self) -> list[CacheEntry]:
        """Return what there is, without reading it."""
        return [CacheEntry(*row) for row in self._sql(_LIST)]

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


_T = TypeVar("_T")

# A write takes milliseconds; a process that holds the database this long is stuck.
LOCK_SECONDS = 15.0

_STORE_ERRORS = (
    sqlite3.Error,
    diskcache.Timeout,
    DamagedError,
    OSError,
    NotImplementedError,  # from a file system without locks
)


class Store:
    """Values by key. Safe to use from many threads, and by many processes.

    An SQLite connection belongs to the thread that opened it, so one thread of the store's own
    does all the work: one connection, opened once, and writes in the background.

    A database that is damaged is set aside, and an empty one takes its place. A store that cannot
    be used is an empty one.

    Args:
        directory: Where the files are; created when it is needed first.
        warn: Is told once, in a sentence, what is wrong.
        lock_seconds: How long to wait for another process.
    """

    def __init__(
        self,
        directory: Path,
        warn: Callable[[str], None],
        *,
        lock_seconds: float = LOCK_SECONDS,
    ) -> None:
        self._directory = CacheDirectory(directory, lock_seconds=lock_seconds)
        self._warn = warn
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="confluence-md-cache")
        self._disk: ExportDisk | None = None
        self._usable = True
        self._warned = False

    @property
    def directory(self) -> CacheDirectory:
        """Where the files are."""
        return self._directory

    def read(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the values that there are, in one go."""
        wanted = list(keys)
        if not wanted:
            return {}
        return self.do(lambda disk: disk.read(wanted, self.complain_of_entry)) or {}

    def write(self, values: Mapping[str, bytes | Content | Spool]) -> None:
        """Write values in the background."""
        self._submit(lambda disk: disk.write(values))

    def remove(self, keys: Iterable[str]) -> None:
        """Remove values in the background."""
        gone = list(keys)
        self._submit(lambda disk: disk.remove(gone))

    def do(self, operation: Callable[[ExportDisk], _T]) -> _T | None:
        """Do something with the disk, in its thread; None if it cannot be used."""
        return self._submit(operation).result()

    def close(self, finish: Callable[[ExportDisk], None] | None = None) -> None:
        """Wait for the last write and close the files; closing twice does no harm.

        Args:
            finish: What is left to do, if the store was used at all.
        """
        if self._usable:
            self._thread.submit(self._finish, finish).result()
            self._usable = False
        self._thread.shutdown()

    def complain_of_entry(self, error: Exception) -> None:
        """Say that an entry is damaged; the next export replaces it."""
        self._warn_once(f"The cache in {self._directory.path} is damaged ({error}); what cannot "
                        "be read is exported again.")  # fmt: skip

    def _submit(self, operation: Callable[[ExportDisk], _T]) -> Future[_T | None]:
        return self._thread.submit(self._attempt, operation)

    def _attempt(self, operation: Callable[[ExportDisk], _T]) -> _T | None:
        if not self._usable:
            return None
        try:
            try:
                return self._run(operation)
            except (sqlite3.Error, DamagedError) as error:
                if not is_damage(error):
                    raise
                self._repair(error)
                return self._run(operation)
        except _STORE_ERRORS as error:
            self._give_up(error)
            return None

    def _run(self, operation: Callable[[ExportDisk], _T]) -> _T:
        try:
            return operation(self._open())
        except UnicodeError as error:  # SQLite repeats damaged names in what it says
            raise DamagedError("a name in it is not text") from error

    def _open(self) -> ExportDisk:
        if self._disk is None:
            self._disk = self._directory.open()
        return self._disk

    def _repair(self, error: Exception) -> None:
        self._close()
        self._directory.set_aside()
        self._warn_once(
            f"The cache in {self._directory.path} was damaged ({error}). Its database is now "
            f"{SET_ASIDE}; pages are exported again into a new one."
        )

    def _give_up(self, error: Exception) -> None:
        self._usable = False
        self._close()
        # DiskCache's Timeout says nothing, and hides the error that does.
        reason = str(error) or str(error.__context__ or type(error).__name__)
        self._warn_once(
            f"The cache in {self._directory.path} cannot be used ({reason}), so this build "
            f"works without it. {self._advise(reason)}"
        )

    def _advise(self, reason: str) -> str:
        path = self._directory.path
        # Path's raises where it may not look.
        existing = next(each for each in (path, *path.parents) if os.path.exists(each))  # noqa: PTH110
        if not os.access(existing, os.W_OK) or _READ_ONLY.search(reason):
            return "Name a directory that can be written, with the option `cache_dir`."
        if _FULL.search(reason):
            return "Make room on its disk."
        return "If this persists, delete the directory."

    def _warn_once(self, text: str) -> None:
        if not self._warned:
            self._warned = True
            self._warn(text)

    def _finish(self, finish: Callable[[ExportDisk], None] | None) -> None:
        if finish and self._disk is not None:
            self._attempt(finish)
        self._close()

    def _close(self) -> None:
        if self._disk is not None:
            self._disk.close()
            self._disk = None


DATABASE = "cache.db"
SET_ASIDE = "cache.db.damaged"
# The database, and the files that SQLite keeps next to it.
_SUFFIXES = ("", "-wal", "-shm")
_LOCK = "cache.lock"
_IGNORE = ".gitignore"
SITE_FOLDERS = ("pages", "attachments")
"""Where `SiteFiles` are."""
_SITE_FILE = re.compile(r".*-[0-9a-f]{16}(?:\.[^/.]*)?|\.[^/]{8}", re.DOTALL)
"""What they are called; the latter while they are written."""

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

_SETTING_NAMES = {*diskcache.DEFAULT_SETTINGS, *diskcache.core.METADATA}

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
        """Return True if there is a cache."""
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
                    self.remove_value_files()  # only the database knew their keys
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
        self.remove_site_files(lambda _path, _status: True)

    def make_folder(self, name: str) -> None:
        """Make a folder (0700), and the directory itself, if they are not there.

        Raises:
            OSError: It cannot be made, or the directory is not a cache's.
        """
        self._make()
        folder = self.path / name
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.is_symlink():
            raise OSError(f"its {name} is a link")
        make_private(folder)

    def remove_site_files(self, is_unwanted: Callable[[Path, os.stat_result], bool]) -> None:
        """Remove files of sites; what does not look like one stays."""
        for folder in map(self.path.joinpath, SITE_FOLDERS):
            if folder.is_symlink() or not folder.is_dir():
                continue
            for file in folder.iterdir():
                with suppress(OSError):  # another build has removed it
                    if _SITE_FILE.fullmatch(file.name) and is_unwanted(file, file.lstat()):
                        file.unlink()
            with suppress(OSError):  # there are others in it
                folder.rmdir()

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
            ours = {_IGNORE, *SITE_FOLDERS}
            others = [each.name for each in self.path.iterdir() if each.name not in ours]
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
            if (columns and not columns >= _COLUMNS) or settings - _SETTING_NAMES:
                raise DamagedError("its tables are of another kind")
            connection.execute("ROLLBACK")

    def _identify(self) -> tuple[int, int] | None:
        try:
            status = os.stat(self.path / DATABASE)  # noqa: PTH116  one call
        except OSError:
            return None
        return status.st_dev, status.st_ino


def make_private(path: Path) -> None:
    """Make a directory or a file private to this user, if it exists.

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
    """Return True if an error is about the database itself, so that a new one would not have it."""
    if isinstance(error, sqlite3.Error):
        return str(error) not in _CIRCUMSTANCES
    return isinstance(error, DamagedError)


def _first_column(connection: sqlite3.Connection, query: str) -> set[object]:
    return {row[0] for row in connection.execute(query)}
