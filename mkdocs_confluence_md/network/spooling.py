"""Large answers: in a temporary file, so that many of them at once do not fill the memory."""

from __future__ import annotations

import tempfile
import threading
import weakref
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from mkdocs_confluence_md.errors import FailureError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MEMORY_BYTES = 1_000_000
"""What has no more than this stays in memory."""
PREFIX = "confluence-md-"
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
        self._file = tempfile.SpooledTemporaryFile(MEMORY_BYTES, prefix=PREFIX)  # noqa: SIM115
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
        "Free some space there, or let TMPDIR name a directory that has more.",
    )


def _close(file: IO[bytes]) -> None:
    with suppress(OSError):  # what could not be written is not missed
        file.close()
