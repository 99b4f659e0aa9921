"""Freshness and storage of exports: CacheControl's policy over a DiskCache.

CacheControl decides what is fresh, what can be revalidated and how an answer is serialized; the
heuristic here gives every answer the life that the option `max_age` asks for. It never sees an
`Authorization` header. DiskCache keeps the answers, and keeps the last good one even when
CacheControl would delete it, so that a site can still be built while Confluence is down.
"""

from __future__ import annotations

import io
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import diskcache
from cachecontrol.cache import BaseCache
from cachecontrol.controller import CacheController
from cachecontrol.heuristics import BaseHeuristic
from urllib3 import HTTPResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from requests import PreparedRequest

T = TypeVar("T")

# CacheControl counts in whole seconds; this is "forever" in a build's terms: about 30 years.
_FOREVER_SECONDS = 10**9
_KEPT_HEADERS = ("etag", "last-modified")
# What DiskCache and SQLite raise for a damaged database, a full disk or a forbidden folder.
_STORE_ERRORS = (sqlite3.Error, diskcache.Timeout, OSError)


@dataclass(frozen=True)
class CacheRequest:
    """The part of a request that CacheControl looks at."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cached:
    """A copy from the cache."""

    text: str
    headers: Mapping[str, str]
    age: float
    """Seconds since it was exported, or confirmed."""


class UnsafeEntryError(Exception):
    """An entry is of a kind that this project never writes."""


class BytesDisk(diskcache.Disk):  # type: ignore[misc]  # DiskCache has no types
    """A `Disk` whose keys are text and whose values are bytes.

    DiskCache unpickles what a row calls a pickle, so that whoever can write to the cache file
    can run code (CVE-2025-69872). This one never reads or writes a pickle.
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

    def fetch(self, mode: int, filename: str | None, value: object, read: bool) -> bytes:  # noqa: FBT001  DiskCache's signature
        """Read bytes from the row, or from a file inside the cache directory."""
        if mode == diskcache.core.MODE_RAW and isinstance(value, bytes):
            return value
        if mode == diskcache.core.MODE_BINARY and filename is not None:
            root = Path(self._directory).resolve()
            if root in (root / filename).resolve().parents:
                return cast("bytes", super().fetch(mode, filename, value, read))
        raise UnsafeEntryError("a value is not bytes")


class MaxAge(BaseHeuristic):
    """Let an answer be stored, whatever its headers say of its life.

    How old a copy may be is asked when it is read, so that a changed option counts at once.
    The date is ours: with one clock, a server's wrong one makes nothing fresh or stale.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock

    def update_headers(self, response: HTTPResponse) -> dict[str, str]:  # noqa: ARG002  the same life for all
        """Give the answer a date and an `Expires`, which CacheControl needs to store it."""
        now = formatdate(self._clock(), usegmt=True)
        return {"date": now, "expires": now}

    def warning(self, response: HTTPResponse) -> str | None:
        """Add no `Warning` header: the life is what the user asked for."""


class ExportCache:
    """The exports that are kept, by resource and account. Safe to use from many threads.

    A resource is a URL, without any secret. A cache that cannot be used is an empty one: it
    answers with misses, and says once why.

    Args:
        directory: Where the files are; created (0700) when it is needed first.
        warn: Is told, in a sentence, if the cache is of no use.
        clock: Returns seconds since the epoch.
    """

    def __init__(
        self,
        directory: Path,
        *,
        warn: Callable[[str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = _Store(directory, warn)
        self._controller = CacheController(self._store, status_codes=(200,))
        self._heuristic = MaxAge(clock)
        self._clock = clock

    def find_fresh(self, resource: str, account: str | None, max_age: float) -> Cached | None:
        """Return a copy younger than `max_age` seconds (`inf`: whatever its age).

        Args:
            resource: What was exported.
            account: Whose copy; None for the latest, whoever made it.
            max_age: Seconds; with 0 nothing is fresh.
        """
        url = self._choose_url(resource, account)
        seconds = int(min(max_age, _FOREVER_SECONDS))
        request = CacheRequest(url, {"cache-control": f"max-age={seconds}"})
        try:
            response = self._controller.cached_request(_as_requests(request))
            return self._read(response) if response else None
        except Exception as error:  # noqa: BLE001  CacheControl trusts what it deserializes
            self._store.complain_of_entry(error)
            return None

    def find_last_good(self, resource: str, account: str | None) -> Cached | None:
        """Return the copy whatever its age."""
        return self.find_fresh(resource, account, float("inf"))

    def find_validators(self, resource: str, account: str | None) -> dict[str, str]:
        """Return the conditional headers for asking whether the copy is still good."""
        request = CacheRequest(self._choose_url(resource, account))
        try:
            return self._controller.conditional_headers(_as_requests(request))
        except Exception as error:  # noqa: BLE001  CacheControl trusts what it deserializes
            self._store.complain_of_entry(error)
            return {}

    def keep(
        self, resource: str, account: str | None, text: str, headers: Mapping[str, str]
    ) -> None:
        """Keep a copy; it is the latest of its resource from now on."""
        body = text.encode()
        kept = {name: headers[name] for name in _KEPT_HEADERS if name in headers}
        response = self._heuristic.apply(
            HTTPResponse(io.BytesIO(body), headers=kept, status=200, preload_content=False)
        )
        url = _url_of(resource, account)
        self._controller.cache_response(_as_requests(CacheRequest(url)), response, body)
        self._store.set(_latest_key(resource), url.encode())

    def close(self) -> None:
        """Write what is to be written and close the files."""
        self._store.close()

    def _read(self, response: HTTPResponse) -> Cached:
        headers = dict(response.headers)
        age = self._clock() - parsedate_to_datetime(headers["date"]).timestamp()
        return Cached(response.read(decode_content=False).decode(), headers, max(0.0, age))

    def _choose_url(self, resource: str, account: str | None) -> str:
        latest = None if account is not None else self._store.get(_latest_key(resource))
        return latest.decode("utf-8", "replace") if latest else _url_of(resource, account)


class _DiskCache(diskcache.Cache):  # type: ignore[misc]  # DiskCache has no types
    """A DiskCache that closes its file when that turns out to be damaged."""

    def __init__(self, directory: str, **settings: object) -> None:
        try:
            super().__init__(directory, **settings)
        except Exception as error:
            self.close()
            if isinstance(error, TypeError | ValueError):  # settings that make no sense
                raise OSError(str(error)) from error
            raise


class _Store(BaseCache):
    """CacheControl's interface over a DiskCache.

    An SQLite connection belongs to the thread that opened it, so one thread of the store's own
    does all the work: one connection, opened once, and writes that nobody waits for.
    """

    def __init__(self, directory: Path, warn: Callable[[str], None]) -> None:
        self._directory = directory
        self._warn = warn
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="confluence-md-cache")
        self._cache: Any = None
        self._usable = True
        self._warned = False

    def get(self, key: str) -> bytes | None:
        """Return a value; None if there is none, or none that can be read."""
        return self._thread.submit(self._try, lambda cache: cache.get(key)).result()

    def set(self, key: str, value: bytes, expires: object = None) -> None:  # noqa: ARG002  the last good copy does not expire
        """Store a value in the background."""
        self._thread.submit(self._try, lambda cache: cache.set(key, value))

    def delete(self, key: str) -> None:
        """Keep the value: it is the last good copy."""

    def close(self) -> None:
        """Wait for the last write and close the files; closing twice does no harm."""
        if self._usable:
            self._thread.submit(self._close).result()
            self._usable = False
        self._thread.shutdown()

    def complain_of_entry(self, error: Exception) -> None:
        """Say that an entry is damaged; the next export replaces it."""
        self._warn_once(f"The cache in {self._directory} is damaged ({error}); what cannot be "
                        "read is exported again.")  # fmt: skip

    def _try(self, operation: Callable[[Any], T]) -> T | None:
        if not self._usable:
            return None
        try:
            if self._cache is None:
                self._cache = self._open()
            return operation(self._cache)
        except UnsafeEntryError as error:
            self.complain_of_entry(error)
        except _STORE_ERRORS as error:
            self._usable = False
            self._close()
            self._warn_once(
                f"The cache in {self._directory} cannot be used ({error}); this build does "
                "without it. If that stays so, delete the directory."
            )
        return None

    def _warn_once(self, text: str) -> None:
        if not self._warned:
            self._warned = True
            self._warn(text)

    def _open(self) -> Any:  # noqa: ANN401  DiskCache has no types
        ignore = self._directory / ".gitignore"
        if not self._directory.exists():
            self._directory.mkdir(mode=0o700, parents=True)
            # Nobody wants exports in a commit: a cache that ignores itself, as pytest's does.
            ignore.write_text("*\n", encoding="utf-8")
        elif not (self._directory / "cache.db").exists():
            others = [path.name for path in self._directory.iterdir() if path != ignore]
            if others:
                raise OSError(f"it has {others[0]} in it, which is not a cache's")
        # Nothing is ever evicted: each copy may be the last good one.
        return _DiskCache(
            str(self._directory), disk=BytesDisk, eviction_policy="none", cull_limit=0
        )

    def _close(self) -> None:
        if self._cache is not None:
            self._cache.close()
            self._cache = None


def _url_of(resource: str, account: str | None) -> str:
    return f"{resource}{'&' if '?' in resource else '?'}account={account or ''}"


def _latest_key(resource: str) -> str:
    return f"latest {resource}"


def _as_requests(request: CacheRequest) -> PreparedRequest:
    # CacheControl's types speak of requests, its code only of `url` and `headers`.
    return cast("PreparedRequest", request)
