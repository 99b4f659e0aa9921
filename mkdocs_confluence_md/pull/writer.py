"""Compare a pulled site with its directory, and write it without touching other files."""

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
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from mkdocs_confluence_md.errors import SnapshotError
from mkdocs_confluence_md.fetch.snapshot import (
    MANIFEST,
    has_link,
    has_manifest,
    keep_times,
    read_snapshot_manifest,
    write_snapshot_manifest,
)
from mkdocs_confluence_md.network.spooling import make_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from mkdocs_confluence_md.fetch.snapshot import SnapshotManifest, SnapshotPage
    from mkdocs_confluence_md.pull.puller import PulledSite


_MOST_NAMES = 20


@dataclass(frozen=True)
class Difference:
    """One thing in a directory that is not as a pull would write it."""

    what: str
    """`new`, `changed` or `gone`."""
    path: str
    """Of a page in the site, or of another file in the directory."""
    page: SnapshotPage | None = None


class SnapshotWriter:
    """Compares and writes one directory.

    Args:
        directory: Where the pulled site is, or will be.
    """

    def __init__(self, directory: Path, swapped: SwappedDirectory | None = None) -> None:
        self.directory = directory
        self._swapped = swapped or SwappedDirectory(directory)
        self._before: SnapshotManifest | None = None

    def open(self, *, tidy: bool = True) -> None:
        """Read what is there.

        Args:
            tidy: Remove what killed processes left first.

        Raises:
            SnapshotError: It cannot be read.
        """
        try:
            if tidy:
                self._swapped.recover()
            self._before = (
                read_snapshot_manifest(self.directory) if has_manifest(self.directory) else None
            )
        except OSError as error:
            raise _explain(error) from None
        except SnapshotError as error:
            raise SnapshotError(error.what, f"Remove {self.directory}, and pull again.") from None

    def check_changes(self) -> None:
        """Refuse to lose what somebody has changed.

        Raises:
            SnapshotError: With the names of the files.
        """
        if self._before is None:
            return
        if changed := list(self._list_changed(self._before.files)):
            raise SnapshotError(
                f"In {self.directory}, files have been changed since they were pulled: "
                f"{_enumerate(changed)}.",
                "Make the changes in Confluence, or in the site that is pulled, and delete these "
                "files; or pull into another directory.",
            )

    def compare(self, site: PulledSite) -> list[Difference]:
        """Return what is not as it should be."""
        before = self._before
        old_files = before.files if before else {}
        files = {path: make_digest(content) for path, content in site.files.items()}
        differing = {path for path in files if files[path] != old_files.get(path)}
        differing |= set(self._list_changed(old_files)) | (old_files.keys() - files.keys())
        differing |= {path for path in old_files if not os.path.lexists(self.directory / path)}
        pages = {page.src_uri: page for page in [*(before.pages if before else ()), *site.pages]}
        found = []
        for page in pages.values():
            paths = {page.export, f"docs/{page.src_uri}"}
            paths |= {file.path for file in (page.files or {}).values()}
            if own := paths & differing:
                found.append(
                    Difference(_compare(page.export, old_files, files), page.src_uri, page)
                )
            differing -= own
        return found + [
            Difference(_compare(path, old_files, files), path) for path in sorted(differing)
        ]

    def write(self, site: PulledSite, now: float) -> bool:
        """Write a site as a whole; return whether anything was written.

        Raises:
            SnapshotError: It cannot be written, or would be in the place of something else.
        """
        manifest = keep_times(site.make_manifest(now), self._before)
        if manifest == self._before and not self.compare(site):
            return False
        try:
            self._check_places(site.files)
            with self._swapped.replaced(self._carry_over) as new:
                self._write_files(new, site.files, manifest.files)
                (new / MANIFEST).write_bytes(write_snapshot_manifest(manifest))
        except OSError as error:
            raise _explain(error) from None
        self._before = manifest
        return True

    def _list_changed(self, files: Mapping[str, str]) -> Iterator[str]:
        for path, digest in files.items():
            file = self.directory / path
            if has_link(self.directory, path) or (file.exists() and not file.is_file()):
                yield path  # whatever it is, it is not read
            elif file.is_file() and make_digest(file.read_bytes()) != digest:
                yield path

    def _check_places(self, paths: Iterable[str]) -> None:
        wanted = {*paths, MANIFEST}
        folders = {str(folder) for path in wanted for folder in Path(path).parents}
        taken = [
            path
            for path in self._list_foreign(self.directory)
            if path in wanted | folders or not wanted.isdisjoint(map(str, Path(path).parents))
        ]
        if taken:
            raise SnapshotError(
                f"In {self.directory}, files that were not pulled are in the way: "
                f"{_enumerate(taken)}.",
                "Move them away, or pull into another directory.",
            )

    def _write_files(
        self, new: Path, files: Mapping[str, bytes], digests: Mapping[str, str]
    ) -> None:
        before = self._before.files if self._before else {}
        for path, content in files.items():
            target = new / path
            target.parent.mkdir(parents=True, exist_ok=True)
            # What stays the same stays the same file, whose date tells other programs so.
            if digests[path] != before.get(path) or not _link(self.directory / path, target):
                target.write_bytes(content)

    def _list_foreign(self, directory: Path) -> Iterator[str]:
        """Yield what was not pulled, as paths: files, links, and empty folders."""
        ours = {*self._before.files, MANIFEST} if self._before else set()
        for folder, folders, names in os.walk(directory):
            here = Path(folder)
            links = [name for name in folders if (here / name).is_symlink()]
            for name in [*names, *links]:
                path = (here / name).relative_to(directory).as_posix()
                if path not in ours:
                    yield path
            if not folders and not names and here != directory:
                yield here.relative_to(directory).as_posix()

    def _carry_over(self, old: Path, new: Path) -> None:
        """Take what was not pulled along into the new directory."""
        for path in self._list_foreign(old):
            source, target = old / path, new / path
            if source.is_dir() and not source.is_symlink():
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            if os.path.lexists(target):
                if os.path.samestat(source.lstat(), target.lstat()) or source.is_symlink():
                    continue
                target.unlink()
            if source.is_symlink():
                target.symlink_to(source.readlink())
            elif not _link(source, target):
                shutil.copy2(source, target)


def _compare(path: str, before: Mapping[str, str], after: Mapping[str, str]) -> str:
    if path not in before:
        return "new"
    return "changed" if path in after else "gone"


def _link(source: Path, target: Path) -> bool:
    try:
        target.hardlink_to(source)
    except OSError:  # not every file system has hard links
        return False
    return True


def _explain(error: OSError) -> SnapshotError:
    return SnapshotError(
        f"{error.filename or 'The directory'} cannot be read or written: {error.strerror}.",
        "Check the directory, its owner and the free space on its disk. Files were not changed.",
    )


def _enumerate(paths: list[str]) -> str:
    more = len(paths) - _MOST_NAMES
    return ", ".join(paths[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


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
        """Remove staging directories of killed processes next to the directory, and nothing else.

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
    """Exchange two directories in one system call; return False where there is none.

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
    """Return True if a staging directory is abandoned: a process that uses it holds its lock."""
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
    # The next process removes what cannot be removed now.
    with suppress(OSError):
        shutil.rmtree(workplace)
