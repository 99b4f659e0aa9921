"""Sign-ins in the server that machines share: one chain of refresh tokens for all of them.

A hash has one field per sign-in. Its value is a digest of the current refresh token, and the whole
sign-in sealed with a key from the client secret, which itself is never stored. The names of hash
and fields are hashes, too: who reads the server learns neither a token nor the name of a site.

One machine at a time refreshes, under a lock that expires by itself when its holder dies. A holder
that was stopped for longer than that would overwrite what its successor has saved, so `save`
compares the digest with that of the refresh token that was used, on the server, in one step.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from mkdocs_confluence_md.auth.sealing import Seal
from mkdocs_confluence_md.auth.token_store import SECRETS, SignIn, check_sign_in
from mkdocs_confluence_md.errors import StoreError
from mkdocs_confluence_md.network.shared_store import KEY_PREFIX, LEASE_SECONDS, hash_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import redis
    from redis.lock import Lock

    from mkdocs_confluence_md.network.shared_store import SharedStore

_T = TypeVar("_T")

# The holder of the lock waits for two answers of the authorization server at most.
_LOCK_SECONDS = 180.0
# A refresh token that was used is accepted again for ten minutes, so there is time to save the
# next one; but threads wait meanwhile, as does CI.
_SAVE_SECONDS = 30.0
_SAVE_PAUSE_SECONDS = 0.5
# All pages of a build ask at about the same time, and each would wait for the same time-out.
_FAILURE_SECONDS = 5.0

_DIGEST_CHARACTERS = 64
_REMOVED = b"removed"

# A server that is out of memory still replaces an entry: a refresh token that was just received
# must not be lost. The lock, which comes first, is refused there, so this is for the last moment.
# With "trial", nothing is saved, but everything that saving needs has been tried.
_SAVE_SCRIPT = """\
#!lua flags=allow-oom
local kind = redis.call('TYPE', KEYS[1])['ok']
if kind ~= 'hash' and kind ~= 'none' then
  redis.call('DEL', KEYS[1])
end
local current = redis.call('HGET', KEYS[1], ARGV[1])
if ARGV[4] == 'trial' then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
  redis.call('HDEL', KEYS[1], ARGV[1])
  return false
end
if ARGV[4] == 'compare' and current and current ~= ARGV[3]
    and string.sub(current, 1, 64) ~= ARGV[3] then
  return current
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return false
"""

# A lock that does not expire, or late, is not one of ours, and would stop all refreshes.
_DISCARD_SCRIPT = """
local left = redis.call('PTTL', KEYS[1])
if left == -1 or left > tonumber(ARGV[1]) then redis.call('DEL', KEYS[1]) end
"""


class SharedTokenStore:
    """Sign-ins in a server; nothing is sent to it before that is needed.

    Args:
        store: The server.
        client_secret: Of the OAuth 2.0 integration: sign-ins are sealed with it.
        lease: Seconds after which a lock expires that is not renewed.
        wait: Seconds that the lock is waited for.
        patience: Seconds that saving is tried for.
        clock: Returns seconds, from any point in time.
        sleep: Waits for seconds.
    """

    def __init__(  # noqa: PLR0913  its times are for tests to choose
        self,
        store: SharedStore,
        client_secret: str,
        *,
        lease: float = LEASE_SECONDS,
        wait: float = _LOCK_SECONDS,
        patience: float = _SAVE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._client_secret = client_secret
        self._lease = lease
        self._wait = wait
        self._patience = patience
        self._clock = clock
        self._sleep = sleep
        self._is_patient = True
        """Whether saving has not been tried in vain: one try is enough after that."""
        self._mutex = threading.Lock()
        self._failures: dict[str, tuple[float, StoreError]] = {}
        """When reading or writing failed last, and how: a full server can still be read."""
        self._latest: dict[str, SignIn] = {}
        """As read or saved last: they outlive a server that has lost its data."""

    def describe_place(self, key: str) -> str:
        """Name the server; it is the same for all sign-ins."""
        del key
        return f"the store at {self._store.host}"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other threads, processes and machines out, and make sure that `save` can work.

        Raises:
            StoreError: The server cannot be reached, or not be written, so that a new refresh
                token would be lost: better not to ask for one.
        """
        lock = self._try(self._acquire, "write")
        done = threading.Event()
        renewal = threading.Thread(
            target=self._renew, args=(lock, done), name="confluence-md-lock", daemon=True
        )
        try:
            renewal.start()
            self._try(lambda client: self._run_script(client, "trial", b"x", b"", "trial"), "write")
            yield
        finally:
            done.set()
            # It expires by itself where that fails, or has expired already.
            with suppress(StoreError):
                self._store.do(lambda _: lock.release())

    def list_keys(self) -> list[str]:
        """Return the keys of all sign-ins.

        Raises:
            StoreError: The server cannot be read.
        """
        return list(self._read_all())

    def read_public(self) -> dict[str, dict[str, Any]]:
        """Return the fields of all sign-ins that are not secret, by key.

        Raises:
            StoreError: The server cannot be read.
        """
        return {
            key: {name: value for name, value in asdict(each).items() if name not in SECRETS}
            for key, each in self._read_all().items()
        }

    def load(self, key: str) -> SignIn | None:
        """Return a sign-in, None if there is none that can be opened.

        Where the server has lost it, it is the last one that this process has seen.

        Raises:
            StoreError: The server cannot be read.
        """
        field = hash_name(key)
        value = self._try(lambda client: _read(lambda: client.hget(self._hash, field)))
        if value == _REMOVED:
            self._latest.pop(key, None)
            return None
        if found := self._open(field, value):
            self._latest[key] = found[1]
        return self._latest.get(key)

    def save(self, key: str, sign_in: SignIn, *, replaces: SignIn | None = None) -> None:
        """Store a sign-in, unless there is a newer one than the one that it replaces.

        Args:
            key: Of the sign-in.
            sign_in: The next link of its chain.
            replaces: The link whose refresh token was used; None for a new chain.

        Raises:
            StoreError: The server did not take it, although it was asked for a while.
        """
        field, value = hash_name(key), self._close(key, sign_in)
        expected = _digest(replaces.refresh_token).encode() if replaces else b""
        mode = "compare" if replaces else "replace"
        is_new = replaces is None or not replaces.refreshed_at
        while (current := self._insist(field, value, expected, mode)) not in (None, value):
            is_removed = current == _REMOVED
            if (is_removed and not is_new) or self._open(field, current):
                return  # a newer link, or none that should be
            # A value that was not sealed with the client secret must not block the chain.
            expected = current
        self._latest[key] = replace(sign_in, client_secret=self._client_secret)

    def remove(self, key: str) -> None:
        """Forget a sign-in. Call it locked.

        A mark is left in its place, for processes that would take its absence for a loss.

        Raises:
            StoreError: The server cannot be written.
        """
        field = hash_name(key)
        self._try(lambda client: self._run_script(client, field, _REMOVED, b"", "replace"), "write")
        self._latest.pop(key, None)

    @cached_property
    def _seal(self) -> Seal:
        return Seal(self._client_secret, "tokens")

    @cached_property
    def _hash(self) -> str:
        """Name the key of the hash: another client secret has another one."""
        return f"{KEY_PREFIX}sign-ins:{self._seal.name}"

    def _try(self, operation: Callable[[redis.Redis], _T], kind: str = "read") -> _T:
        """Do something with the server, but not right after the same kind of thing has failed."""
        with self._mutex:
            since, failure = self._failures.get(kind, (0.0, None))
            if failure and self._clock() < since + _FAILURE_SECONDS:
                raise failure.copy()
        try:
            return self._store.do(operation)
        except StoreError as error:
            with self._mutex:
                self._failures[kind] = self._clock(), error
            raise

    def _acquire(self, client: redis.Redis) -> Lock:
        name = f"{KEY_PREFIX}sign-in-lock:{self._seal.name}"
        # Not thread-local: another thread renews it.
        lock: Lock = client.lock(name, timeout=self._lease, thread_local=False)
        if lock.acquire(blocking=False):
            return lock
        longest = int(max(self._lease, LEASE_SECONDS) * 1000)
        client.register_script(_DISCARD_SCRIPT)(keys=[name], args=[longest])
        if lock.acquire(blocking_timeout=self._wait):
            return lock
        raise StoreError(
            f"Another process has kept {self.describe_place('')} locked for too long.",
            "End that process, or try again later.",
        )

    def _renew(self, lock: Lock, done: threading.Event) -> None:
        """Keep a lock from expiring, as long as its holder may need it."""
        end = self._clock() + _LOCK_SECONDS
        while not done.wait(self._lease / 3) and self._clock() < end:
            # Perhaps the next time; and what another one holds is not renewed.
            with suppress(StoreError):
                self._store.do(lambda _: lock.reacquire())

    def _insist(self, field: str, value: bytes, expected: bytes, mode: str) -> bytes | None:
        """Save a value, also at a server that fails for a moment; return what is there instead."""
        end = self._clock() + (self._patience if self._is_patient else 0.0)
        while True:
            try:
                current = self._store.do(
                    lambda client: self._run_script(client, field, value, expected, mode)
                )
            except StoreError as error:
                if self._clock() >= end:
                    self._is_patient = False
                    raise StoreError(
                        f"The store at {self._store.host} did not take the new refresh token.",
                        "A build within ten minutes goes on all the same; later, sign in again.",
                        error.what,
                    ) from None
            else:
                self._is_patient = True
                return current
            self._sleep(_SAVE_PAUSE_SECONDS)

    def _run_script(
        self, client: redis.Redis, field: str, value: bytes, expected: bytes, mode: str
    ) -> bytes | None:
        script = client.register_script(_SAVE_SCRIPT)
        current = script(keys=[self._hash], args=[field, value, expected, mode])
        return current if isinstance(current, bytes) else None

    def _read_all(self) -> dict[str, SignIn]:
        values = self._try(lambda client: _read(lambda: client.hgetall(self._hash)))
        items = values.items() if isinstance(values, dict) else ()
        opened = (self._open(_as_text(field), value) for field, value in items)
        return dict(sorted(each for each in opened if each))

    def _close(self, key: str, sign_in: SignIn) -> bytes:
        digest = _digest(sign_in.refresh_token)
        content = json.dumps({"key": key, **asdict(replace(sign_in, client_secret=""))})
        name = f"{self._hash} {hash_name(key)} {digest}"
        return digest.encode() + self._seal.close(content.encode(), name)

    def _open(self, field: str, value: object) -> tuple[str, SignIn] | None:
        """Return key and sign-in of a value; None for what was not written by `save`."""
        if not isinstance(value, bytes):
            return None
        digest, sealed = value[:_DIGEST_CHARACTERS], value[_DIGEST_CHARACTERS:]
        content = self._seal.open(sealed, f"{self._hash} {field} {_as_text(digest)}")
        if content is None:
            return None
        try:
            known = {each.name for each in fields(SignIn)}
            entry = json.loads(content)
            sign_in = SignIn(**{name: entry[name] for name in known & entry.keys()})
            return entry["key"], check_sign_in(replace(sign_in, client_secret=self._client_secret))
        except (KeyError, TypeError, ValueError, AttributeError):
            return None


def _read(read: Callable[[], _T]) -> _T | None:
    """Read a value; one of another type is as good as none."""
    from redis.exceptions import ResponseError  # noqa: PLC0415  an extra

    try:
        return read()
    except ResponseError as error:
        if str(error).startswith("WRONGTYPE"):
            return None
        raise


def _digest(refresh_token: str) -> str:
    """Return what tells refresh tokens apart: they are random, so it gives nothing away."""
    return hashlib.sha256(f"confluence-md {refresh_token}".encode()).hexdigest()


def _as_text(value: object) -> str:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
