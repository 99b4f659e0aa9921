"""The store of the cache: one thread that does all the work, and one warning when it cannot."""

from __future__ import annotations

import sqlite3
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import diskcache

from mkdocs_confluence_md.cache.directory import SET_ASIDE, CacheDirectory, is_damage
from mkdocs_confluence_md.cache.disk import DamagedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from mkdocs_confluence_md.cache.contents import Content
    from mkdocs_confluence_md.cache.disk import ExportDisk
    from mkdocs_confluence_md.network.spooling import Spool

T = TypeVar("T")

# Others write for some milliseconds each; whoever holds the database this long is stuck.
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
    does all the work: one connection, opened once, and writes that nobody waits for.

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

    def do(self, operation: Callable[[ExportDisk], T]) -> T | None:
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

    def _submit(self, operation: Callable[[ExportDisk], T]) -> Future[T | None]:
        return self._thread.submit(self._attempt, operation)

    def _attempt(self, operation: Callable[[ExportDisk], T]) -> T | None:
        if not self._usable:
            return None
        try:
            try:
                return operation(self._open())
            except (sqlite3.Error, DamagedError) as error:
                if not is_damage(error):
                    raise
                self._repair(error)
                return operation(self._open())
        except _STORE_ERRORS as error:
            self._give_up(error)
            return None

    def _open(self) -> ExportDisk:
        if self._disk is None:
            self._disk = self._directory.open()
        return self._disk

    def _repair(self, error: Exception) -> None:
        self._close()
        self._directory.set_aside()
        self._warn_once(
            f"The cache in {self._directory.path} was damaged ({error}). Its database is now "
            f"{SET_ASIDE}, and an empty one takes its place: what was in it is exported again."
        )

    def _give_up(self, error: Exception) -> None:
        self._usable = False
        self._close()
        # DiskCache's Timeout says nothing, and hides the error that does.
        reason = str(error) or str(error.__context__ or type(error).__name__)
        self._warn_once(
            f"The cache in {self._directory.path} cannot be used ({reason}); this build does "
            "without it. If that stays so, delete the directory."
        )

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
