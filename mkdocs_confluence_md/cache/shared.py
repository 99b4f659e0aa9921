"""Copies that many machines share: the cache's second level, in Redis or Valkey.

The values are those of the local level, so that the same policy judges them. Each is compressed if
that pays, and sealed with a key from the client secret, under the name that it has here: who reads
the server's memory has no text, and a value of somebody else's, or under another name, is a miss.
CacheControl's `RedisCache` is not used because it asks for one key at a time, which for a site of
2,000 pages is 2,000 round trips, and because it can neither seal nor renew.

A value expires some time after its last use, so that the server's memory has a bound; one with
`maxmemory` may evict it earlier.
"""

from __future__ import annotations

import hashlib
import struct
import time
import zlib
from functools import cached_property
from operator import methodcaller
from typing import TYPE_CHECKING

from mkdocs_confluence_md.network.shared_store import KEY_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import redis

    from mkdocs_confluence_md.auth.sealing import Seal
    from mkdocs_confluence_md.network.shared_store import OptionalStore
    from mkdocs_confluence_md.network.spooling import Content, Spool

TTL_SECONDS = 30 * 86400
"""Since a value was written, or was read a day or more after that."""

LARGEST_SHARED_BYTES = 4_000_000
"""A larger file may take longer than an answer is waited for, and the server would not be used any
more; each machine has its own copy of it."""

_KEYS_A_TRIP = 100
_RENEWAL_SECONDS = 86400.0
# Whether it is compressed, and when it was written, in seconds since the epoch.
_HEADER = struct.Struct(">?d")
# More than any value has: what is larger was not written by this project.
_LARGEST_TEXT_BYTES = 100_000_000


def name_copy(key: str) -> str:
    """Name the copy with a local key as the server knows it: it shows neither site nor page."""
    return f"{KEY_PREFIX}copy:{hashlib.sha256(key.encode()).hexdigest()}"


class SharedCopies:
    """Values by local key. Safe to use from many threads.

    A server that cannot be used is an empty one.

    Args:
        store: The server.
        make_seal: Makes what values are sealed with; called when it is needed first.
        clock: Returns seconds since the epoch.
    """

    def __init__(
        self,
        store: OptionalStore,
        make_seal: Callable[[], Seal],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._make_seal = make_seal
        self._clock = clock

    @cached_property
    def _seal(self) -> Seal:
        return self._make_seal()

    def read(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the values that there are and that are ours, a round trip for many of them."""
        found: dict[str, bytes] = {}
        old: list[str] = []
        wanted = list(keys)
        for start in range(0, len(wanted), _KEYS_A_TRIP):
            some = wanted[start : start + _KEYS_A_TRIP]
            values = self._store.attempt(methodcaller("mget", [name_copy(key) for key in some]))
            for key, sealed in zip(some, values or [], strict=False):
                opened = self._open(key, sealed) if sealed else None
                if opened is None:
                    continue
                found[key], written_at = opened
                if self._clock() - written_at >= _RENEWAL_SECONDS:
                    old.append(name_copy(key))
        if old:
            self._renew(old)
        return found

    def write(self, key: str, value: bytes) -> bool:
        """Write a value; return True if it is there, and False if it is too large."""
        if len(value) > LARGEST_SHARED_BYTES:
            return False
        name, sealed = name_copy(key), self._close(key, value)
        return bool(self._store.attempt(lambda client: client.set(name, sealed, ex=TTL_SECONDS)))

    def write_file(self, key: str, content: bytes | Content | Spool) -> bool:
        """Do the same with a value that may be in a file."""
        if isinstance(content, bytes):
            return self.write(key, content)
        return content.size <= LARGEST_SHARED_BYTES and self.write(key, content.read())

    def begin_build(self) -> None:
        """Ask a server again that could not be used in an earlier build."""
        self._store.begin_build()

    def close(self) -> None:
        """Close the connections."""
        self._store.close()

    def remove(self, keys: Iterable[str]) -> None:
        """Remove values."""
        names = [name_copy(key) for key in keys]
        self._store.attempt(lambda client: client.delete(*names))

    def _renew(self, names: Iterable[str]) -> None:
        def expire_all(client: redis.Redis) -> None:
            with client.pipeline(transaction=False) as pipeline:
                for name in names:
                    pipeline.expire(name, TTL_SECONDS)
                pipeline.execute()

        self._store.attempt(expire_all)

    def _close(self, key: str, value: bytes) -> bytes:
        packed = zlib.compress(value, 1)
        is_packed = len(packed) < len(value)
        content = packed if is_packed else value
        return self._seal.close(_HEADER.pack(is_packed, self._clock()) + content, key)

    def _open(self, key: str, sealed: bytes) -> tuple[bytes, float] | None:
        """Return a value, and when it was written; None if it is not one of ours."""
        plain = self._seal.open(sealed, key)
        if plain is None or len(plain) < _HEADER.size:
            return None
        is_packed, written_at = _HEADER.unpack_from(plain)
        content = plain[_HEADER.size :]
        if not is_packed:
            return content, written_at
        try:
            reader = zlib.decompressobj()
            value = reader.decompress(content, _LARGEST_TEXT_BYTES)
        except zlib.error:
            return None
        return (value, written_at) if reader.eof else None
