"""Read ZIP archives of untrusted origin: bytes in, entries and problems out.

Nothing is ever written under a name that the archive gives. Names that lead out of a folder, links,
zip bombs and more than 10,000 entries are refused, each with a problem that says so.

Archives of trees are repacked without times and compression before they are cached, so that the
same files make the same bytes.
"""

from __future__ import annotations

import io
import re
import stat
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property, partial
from typing import TYPE_CHECKING
from unicodedata import category, normalize

from mkdocs_confluence_md.network.spooling import Spool

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


_DRIVE = re.compile(r"[A-Za-z]:")
_LONGEST_NAME_BYTES = 255
"""That any usual file system allows."""
_READ_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
# A short text of zeros is harmless, so it does not count as a zip bomb.
_BOMB_BYTES = 1_000_000
_CHUNK_BYTES = 131_072
_ENTRY_BYTES = 1_000
"""That a directory of an archive needs for an entry, and more: a name has up to 255 bytes."""


@dataclass(frozen=True)
class Limits:
    """How much an archive may be."""

    entries: int = 2_000
    file_bytes: int = 100_000_000
    """Of one file, unpacked."""
    total_bytes: int = 400_000_000
    """Of all files, unpacked."""
    ratio: int = 200
    """Unpacked to packed. Text is about 10, and 1,000 is all that the format can do."""


class DamagedEntryError(Exception):
    """A file of an archive cannot be unpacked."""


class Problem(Enum):
    """What is wrong with an archive, or with an entry."""

    UNREADABLE = "it is not a ZIP archive, or is damaged"
    TOO_MANY = "it has too many entries"
    OUTSIDE = "the name leads out of its folder"
    NUL = "the name has a NUL character in it"
    NO_FILE = "it is a link or a device, not a file"
    BOMB = "it may be a zip bomb (compression ratio)"
    TOO_LARGE = "it is too large"
    LOCKED = "it is encrypted, or packed in an unusual way"
    DAMAGED = "it is damaged"
    DUPLICATE = "there is another file of that name, which is taken"
    TOO_LONG = "the name is too long, and is cut"
    NO_ROOM = "all attachments of the site would have more than 2 GB"
    DISGUISED = "the name has invisible characters in it, which are left out"

    @property
    def is_refusal(self) -> bool:
        """Whether the entry cannot be used."""
        return self not in (Problem.TOO_LONG, Problem.DISGUISED)


@dataclass(frozen=True)
class ArchiveProblem:
    """A problem, and which entry has it."""

    problem: Problem
    name: str = ""
    """As the archive has it; empty where the problem is that of the archive."""


@dataclass(frozen=True)
class ArchiveEntry:
    """A file in an archive."""

    path: str
    """With `/` between folders, and no way out."""
    number: int
    """In the archive: names may be there twice."""

    @property
    def is_page(self) -> bool:
        """Whether it is Markdown, which in an export is a page."""
        return self.path.lower().endswith(".md")


@dataclass(frozen=True)
class Archive:
    """What is in an archive."""

    entries: tuple[ArchiveEntry, ...] = ()
    problems: tuple[ArchiveProblem, ...] = ()
    _zip: zipfile.ZipFile | None = field(default=None, repr=False, compare=False)

    @cached_property
    def pages(self) -> tuple[ArchiveEntry, ...]:
        """The Markdown files."""
        return tuple(entry for entry in self.entries if entry.is_page)

    @cached_property
    def assets(self) -> tuple[ArchiveEntry, ...]:
        """All other files."""
        return tuple(entry for entry in self.entries if not entry.is_page)

    def read(self, entry: ArchiveEntry) -> bytes | ArchiveProblem:
        """Unpack a file; never more than the archive said before that it is."""
        try:
            return b"".join(self.unpack(entry))
        except DamagedEntryError:
            return ArchiveProblem(Problem.DAMAGED, entry.path)

    def unpack(self, entry: ArchiveEntry) -> Iterator[bytes]:
        """Unpack a file in chunks of some 100 kB, and no more than the archive said that it is.

        Raises:
            DamagedEntryError: It cannot be unpacked.
        """
        try:
            with self._open().open(self._open().infolist()[entry.number]) as file:
                yield from iter(partial(file.read, _CHUNK_BYTES), b"")
        except Exception as error:  # damage makes `zipfile` raise whatever it stumbles over
            raise DamagedEntryError(entry.path) from error

    def measure(self, entry: ArchiveEntry) -> int:
        """Return the size of a file, unpacked, in bytes."""
        return self._open().infolist()[entry.number].file_size

    def _open(self) -> zipfile.ZipFile:
        assert self._zip is not None  # noqa: S101  there are no entries without it
        return self._zip


def read_archive(data: bytes | Spool, limits: Limits | None = None) -> Archive:
    """Find out what is in an archive, without unpacking any of it.

    Args:
        data: The archive, which is put on disk if it is large: it is needed until its last file
            has been unpacked.
        limits: What is more than these is a problem.

    Raises:
        FailureError: There is no room for a temporary file.
    """
    limits = limits or Limits()
    spool = Spool([data]) if isinstance(data, bytes) else data
    try:
        reader = _Reader(spool, limits.entries * _ENTRY_BYTES)
        unpacker = zipfile.ZipFile(reader)
        reader.stop_refusing()
    except _TooMuchError:
        return Archive(problems=(ArchiveProblem(Problem.TOO_MANY),))
    except Exception:  # noqa: BLE001  as above
        return Archive(problems=(ArchiveProblem(Problem.UNREADABLE),))
    infos = unpacker.infolist()
    if len(infos) > limits.entries:
        return Archive(problems=(ArchiveProblem(Problem.TOO_MANY),))
    examiner = _Examiner(limits)
    entries = tuple(examiner.examine(infos))
    return Archive(entries, tuple(dict.fromkeys(examiner.problems)), unpacker)


class _TooMuchError(Exception):
    """The archive's directory is larger than it may be."""


class _Reader:
    """Refuses to read a directory of millions of entries, which `zipfile` does in one go."""

    def __init__(self, spool: Spool, most: int) -> None:
        self._spool = spool
        self._position = 0
        self._most: float = most

    def read(self, size: int = -1, /) -> bytes:
        if size > self._most:
            raise _TooMuchError
        size = size if size >= 0 else self._spool.size
        data = self._spool.read_at(self._position, size)
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._spool.size}
        self._position = max(0, start[whence] + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def seekable(self) -> bool:
        return True

    def stop_refusing(self) -> None:
        """Let large files be read: the directory has been."""
        self._most = float("inf")


class _Examiner:
    """Looks at the entries of an archive, one after the other."""

    def __init__(self, limits: Limits) -> None:
        self.problems: list[ArchiveProblem] = []
        self._limits = limits
        self._total = 0

    def examine(self, infos: list[zipfile.ZipInfo]) -> Iterator[ArchiveEntry]:
        """Yield the files that may be unpacked. Of two with one name it is the last, as in tar."""
        names = Counter(_read_path(info) for info in infos)
        for number, info in enumerate(infos):
            path = _read_path(info)
            problems = list(self._find_problems(info, path))
            names[path] -= 1
            if names[path] and not _is_folder(info):
                problems.append(Problem.DUPLICATE)
            self.problems += [ArchiveProblem(problem, info.orig_filename) for problem in problems]
            if not _is_folder(info) and not any(problem.is_refusal for problem in problems):
                self._total += info.file_size
                yield ArchiveEntry(path, number)

    def _find_problems(self, info: zipfile.ZipInfo, path: str) -> Iterator[Problem]:
        # `zipfile` cuts names at a NUL, and other programs do not.
        if "\0" in info.orig_filename:
            yield Problem.NUL
        elif path.startswith("/") or bool(_DRIVE.match(path)) or ".." in path.split("/"):
            yield Problem.OUTSIDE
        if not _is_plain(info):
            yield Problem.NO_FILE
        if info.flag_bits & _ENCRYPTED or info.compress_type not in _READ_COMPRESSIONS:
            yield Problem.LOCKED
        if problem := self._weigh(info):
            yield problem
        yield from find_name_problems(path)

    def _weigh(self, info: zipfile.ZipInfo) -> Problem | None:
        """Judge a file by the sizes that are declared: `zipfile` unpacks no more than these."""
        size, packed = info.file_size, max(info.compress_size, 1)
        if size > _BOMB_BYTES and size / packed > self._limits.ratio:
            return Problem.BOMB
        if size > self._limits.file_bytes or self._total + size > self._limits.total_bytes:
            return Problem.TOO_LARGE
        return None


def find_name_problems(path: str) -> Iterable[Problem]:
    """Say what is wrong with a name that is only changed for it."""
    segments = path.split("/")
    if any(len(segment.encode("utf-8", "replace")) > _LONGEST_NAME_BYTES for segment in segments):
        yield Problem.TOO_LONG
    if any(category(character) in ("Cc", "Cf") for character in path.replace("\0", "")):
        yield Problem.DISGUISED


def _read_path(info: zipfile.ZipInfo) -> str:
    # Some programs on Windows write backslashes.
    return normalize("NFC", info.orig_filename.replace("\\", "/"))


def _is_plain(info: zipfile.ZipInfo) -> bool:
    kind = stat.S_IFMT(info.external_attr >> 16)
    return kind in (0, stat.S_IFREG) or (kind == stat.S_IFDIR and _is_folder(info))


def _is_folder(info: zipfile.ZipInfo) -> bool:
    """Return True for what has no content, and for what has no name, which nothing refers to."""
    return not info.filename or info.filename.endswith("/")


_PLAIN_FILE = 0o100644 << 16
_UNIX = 3


def pack(archive: Archive, texts: Mapping[str, str]) -> bytes:
    """Pack the files of an archive that are of use, in their order.

    Args:
        archive: Where they are.
        texts: What is packed instead of the files with these paths.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as target:
        for entry in archive.entries:
            text = texts.get(entry.path)
            content = archive.read(entry) if text is None else text.encode()
            if isinstance(content, ArchiveProblem):
                continue
            info = zipfile.ZipInfo(entry.path)  # its time is that of the first archives
            info.external_attr, info.create_system = _PLAIN_FILE, _UNIX
            target.writestr(info, content)
    return packed.getvalue()
