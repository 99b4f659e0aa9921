"""Hold large answers and attachments in temporary files, so that many do not fill the memory.

A site may have gigabytes of attachments. Only so much is in memory at any time, and there is a
limit for all of them together.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import threading
import weakref
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from mkdocs_confluence_md.errors import FailureError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MEMORY_BYTES = 1_000_000
"""What has no more than this stays in memory."""
TEMPORARY_PREFIX = "confluence-md-"
_CHUNK_BYTES = 131_072


class Spool:
    """Bytes, in a temporary file if there are many. Safe to use from many threads.

    Only this user may read the file (0600). It has no name where the system can do without one,
    and is gone with this object.

    Args:
        chunks: The bytes, which may raise anything but an `OSError`.

    Raises:
        FailureError: There is no room for a temporary file.
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.size = 0
        """In bytes."""
        # Not by `with`: the file stays open.
        self._file = tempfile.SpooledTemporaryFile(MEMORY_BYTES, prefix=TEMPORARY_PREFIX)  # noqa: SIM115
        self._lock = threading.Lock()
        self._finish = weakref.finalize(self, _close, self._file)
        try:
            for chunk in chunks:
                self.size += self._file.write(chunk)
            self._file.flush()
        except OSError as error:
            self.close()
            raise describe_no_room("An answer", error) from None
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[bytes]:
        """Yield all of it, in chunks of some 100 kB."""
        for position in range(0, self.size, _CHUNK_BYTES):
            yield self.read_at(position, _CHUNK_BYTES)

    def close(self) -> None:
        """Remove the file now."""
        self._finish()

    def read(self) -> bytes:
        """Return all of it."""
        return self.read_at(0, self.size)

    def read_at(self, position: int, size: int) -> bytes:
        """Return as many bytes from a position on, or as there are."""
        with self._lock:
            self._file.seek(position)
            return self._file.read(size)


def describe_no_room(what: str, error: OSError) -> FailureError:
    """Describe that something could not be written to a temporary file."""
    return FailureError(
        f"{what} could not be written to {tempfile.gettempdir()}: {error.strerror or error}.",
        "Free some space there, or set TMPDIR to a directory that has more.",
    )


def _close(file: IO[bytes]) -> None:
    with suppress(OSError):  # what could not be written is not missed
        file.close()


CONTENTS_MEMORY_BYTES = 300_000_000
TOTAL_BYTES = 2_000_000_000


def make_digest(content: bytes | Spool) -> str:
    """Name a content."""
    digest = hashlib.sha256()
    for chunk in [content] if isinstance(content, bytes) else content:
        digest.update(chunk)
    return digest.hexdigest()


class NoRoomError(Exception):
    """With one more attachment, there would be too much in all."""


@dataclass(frozen=True, eq=False)
class Content:
    """What an attachment has in it. Gone, with its file, once no object refers to it."""

    digest: str
    size: int
    """In bytes."""
    path: str = ""
    """Of the temporary file; empty if it is in memory."""
    data: bytes = field(default=b"", repr=False)
    """If it is in memory."""

    def read(self) -> bytes:
        """Return all of it."""
        return Path(self.path).read_bytes() if self.path else self.data


class Contents:
    """The contents of all attachments of a site. Safe to use from many threads.

    Args:
        memory_bytes: How much of them is in memory; the rest is in temporary files.
        total_bytes: How much there may be.
    """

    def __init__(
        self, *, memory_bytes: int = CONTENTS_MEMORY_BYTES, total_bytes: int = TOTAL_BYTES
    ) -> None:
        self._memory_bytes = memory_bytes
        self._total_bytes = total_bytes
        self._in_memory = self._in_all = 0
        self._contents: weakref.WeakValueDictionary[str, Content] = weakref.WeakValueDictionary()
        # Python may collect garbage, and so give room back, while this thread takes some.
        self._lock = threading.RLock()

    def find(self, digest: str) -> Content | None:
        """Return a content that is held already."""
        with self._lock:
            return self._contents.get(digest)

    def hold(self, chunks: Iterable[bytes], size: int) -> Content:
        """Take a content.

        Args:
            chunks: The content, which may raise anything but an `OSError`. No more than a chunk
                is in memory if there is no room for all of it.
            size: In bytes.

        Raises:
            NoRoomError: There would be too much in all.
            FailureError: There is no room for a temporary file.
        """
        give_back, is_in_memory = self._take_room(size)
        try:
            content = _keep_in_memory(chunks) if is_in_memory else _write_file(chunks)
        except BaseException:
            give_back()
            raise
        with self._lock:
            known = self._contents.setdefault(content.digest, content)
        weakref.finalize(content, give_back)
        return known

    def _take_room(self, size: int) -> tuple[Callable[[], None], bool]:
        """Return what gives the room back, and whether it is in memory."""
        with self._lock:
            if self._in_all + size > self._total_bytes:
                raise NoRoomError
            in_memory = size if self._in_memory + size <= self._memory_bytes else 0
            self._in_all += size
            self._in_memory += in_memory
        return partial(self._give_back, size, in_memory), bool(in_memory or not size)

    def _give_back(self, size: int, in_memory: int) -> None:
        with self._lock:
            self._in_all -= size
            self._in_memory -= in_memory


def _keep_in_memory(chunks: Iterable[bytes]) -> Content:
    buffer = io.BytesIO()  # which needs no room for the chunks besides
    buffer.writelines(chunks)
    data = buffer.getvalue()
    return Content(make_digest(data), len(data), data=data)


def _write_file(chunks: Iterable[bytes]) -> Content:
    digest, size, path = hashlib.sha256(), 0, ""
    try:
        descriptor, path = tempfile.mkstemp(prefix=TEMPORARY_PREFIX)
        with os.fdopen(descriptor, "wb") as file:
            for chunk in chunks:
                digest.update(chunk)
                size += file.write(chunk)
    except OSError as error:
        _remove(path)
        raise describe_no_room("An attachment", error) from None
    except BaseException:
        _remove(path)
        raise
    content = Content(digest.hexdigest(), size, path)
    weakref.finalize(content, _remove, path)
    return content


def _remove(path: str) -> None:
    with suppress(OSError):  # a file that is left is in a directory for such files
        os.remove(path)  # noqa: PTH107  `Path` does not work any more when Python ends
