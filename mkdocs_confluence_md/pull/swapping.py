"""A directory that is replaced as a whole: whoever looks finds the old one or the new one.

The new one is made beside it and takes its place in one step, which Linux and macOS have (an
exchange of two names). Where there is no such step, the old one is moved away first, and a process
that is killed right then leaves it to the next one to move it back.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import secrets
import shutil
import stat
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_CURRENT_DIRECTORY = {"linux": -100, "darwin": -2}
_CALLS = {"linux": "renameat2", "darwin": "renameatx_np"}
_EXCHANGE = 2
"""The same number on both systems."""
_NOT_THERE = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM}

_NEW, _OLD, _LOCK = "new", "old", "lock"
_FOLDER, _FILE = stat.S_IFDIR, stat.S_IFREG
_MODE = 0o700
_NAME_BYTES = 8


class SwappedDirectory:
    """A directory at a path.

    Args:
        path: Where it is, or will be.
        exchange: Exchanges two directories in one step; returns whether it could.
    """

    def __init__(self, path: Path, *, exchange: Callable[[Path, Path], bool] | None = None) -> None:
        # A link on the way to it stays a link.
        self.path = path.resolve()
        self._exchange = exchange or exchange_names

    def recover(self) -> None:
        """Remove what killed processes left beside the directory, and nothing else.

        Where one of them was about to replace it, the directory is what it was before.
        """
        for workplace in self._list_workplaces():
            with _locked(workplace) as is_ours:
                if not is_ours:
                    continue
                if (workplace / _OLD).is_dir() and not self.path.exists():
                    (workplace / _OLD).rename(self.path)
                _remove(workplace)

    @contextmanager
    def replaced(self, carry_over: Callable[[Path, Path], None]) -> Iterator[Path]:
        """Give a new, empty directory, which takes the place of the old one in the end.

        After an error the old one is where it was.

        Args:
            carry_over: Gets the old and the new directory, and takes along what belongs to others;
                once before they change places, and again for what came meanwhile.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        workplace = self.path.with_name(f"{self._prefix}{secrets.token_hex(_NAME_BYTES)}")
        workplace.mkdir(mode=_MODE)
        lock = FileLock(workplace / _LOCK)
        try:
            with lock:
                new = workplace / _NEW
                new.mkdir()
                if self.path.is_dir():
                    shutil.copymode(self.path, new)
                yield new
                if self.path.is_dir():
                    carry_over(self.path, new)
                if old := self._swap(workplace):
                    carry_over(old, self.path)
        finally:
            _remove(workplace)

    @property
    def _prefix(self) -> str:
        return f".{self.path.name}.new-"

    def _list_workplaces(self) -> list[Path]:
        name = re.compile(f"{re.escape(self._prefix)}[0-9a-f]{{{2 * _NAME_BYTES}}}")
        parent = self.path.parent
        named = (
            [path for path in parent.iterdir() if name.fullmatch(path.name)]
            if parent.is_dir()
            else []
        )
        return sorted(filter(_is_workplace, named))

    def _swap(self, workplace: Path) -> Path | None:
        """Put the new directory in its place; return where the old one is now."""
        new, old = workplace / _NEW, workplace / _OLD
        if not self.path.exists():
            new.rename(self.path)
            return None
        if self._exchange(new, self.path):
            return new
        self.path.rename(old)
        new.rename(self.path)
        return old


def exchange_names(one: Path, other: Path) -> bool:
    """Let two directories change places in one step; return False where there is no such step.

    Raises:
        OSError: There is such a step, and it failed.
    """
    call = _find_call()
    if call is None:
        return False
    here = _CURRENT_DIRECTORY[sys.platform]
    if call(here, os.fsencode(one), here, os.fsencode(other), _EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _NOT_THERE:
        return False
    raise OSError(number, os.strerror(number), str(one), None, str(other))


def _find_call() -> Callable[[int, bytes, int, bytes, int], int] | None:
    if sys.platform not in _CALLS:
        return None
    library = ctypes.CDLL(None, use_errno=True)
    call = getattr(library, _CALLS[sys.platform], None)
    if call is not None:
        call.argtypes = [
            ctypes.c_int,
            ctypes.c_char_p,
            ctypes.c_int,
            ctypes.c_char_p,
            ctypes.c_uint,
        ]
        call.restype = ctypes.c_int
    return call


def _is_workplace(path: Path) -> bool:
    """Return True if a directory was made here: by its owner, its mode, and what is in it."""
    try:
        status = path.lstat()
        inner = {each.name: each.lstat().st_mode for each in path.iterdir()}
    except OSError:
        return False
    if not stat.S_ISDIR(status.st_mode):
        return False
    if os.name != "nt" and (status.st_uid, stat.S_IMODE(status.st_mode)) != (os.getuid(), _MODE):
        return False
    folders = all(map(stat.S_ISDIR, (inner.pop(name, _FOLDER) for name in (_NEW, _OLD))))
    return folders and stat.S_ISREG(inner.pop(_LOCK, _FILE)) and not inner


@contextmanager
def _locked(workplace: Path) -> Iterator[bool]:
    """Say whether a workplace is nobody's: whoever works in it holds its lock."""
    lock = FileLock(workplace / _LOCK)
    try:
        lock.acquire(blocking=False)
    except (Timeout, OSError):
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _remove(workplace: Path) -> None:
    # What cannot be removed now can be by the next process, and is in nobody's way.
    with suppress(OSError):
        shutil.rmtree(workplace)
