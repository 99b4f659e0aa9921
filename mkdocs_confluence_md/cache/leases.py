"""Leases: of many machines that need the same export at the same time, only one makes it.

A lease is a key of the server that machines share, with a short life that its holder renews. A
holder that dies loses it; one that cannot have the export says so, and those who waited for it ask
Confluence themselves, all at once instead of one after the other.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mkdocs_confluence_md.errors import HeldElsewhereError
from mkdocs_confluence_md.network.shared_store import KEY_PREFIX, LEASE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import redis

    from mkdocs_confluence_md.network.shared_store import OptionalStore

_POLL_SECONDS = 0.2
_RENEWALS_A_LEASE = 4
# For a few polls of those who wait.
_FAILED_SECONDS = 2.0
_FAILED = b"failed"
_TOKEN_BYTES = 16
# More than an export takes with all its tries. What is there for longer is not a lease of ours.
_LONGEST_WAIT_SECONDS = 180.0

_RENEW = """
for _, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[1] then redis.call('PEXPIRE', key, ARGV[2]) end
end
"""
_RELEASE = """
for _, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[1] then
    if ARGV[2] == '' then redis.call('DEL', key)
    else redis.call('SET', key, ARGV[2], 'PX', ARGV[3]) end
  end
end
"""


def name_lease(key: str) -> str:
    """Name the lease for a copy, by the copy's local key, as the server knows it."""
    return f"{KEY_PREFIX}lease:{hashlib.sha256(key.encode()).hexdigest()}"


class Leases:
    """The leases of this process, and those that it waits for. Safe to use from many threads.

    One thread renews and polls all of them. While the server cannot be used, every lease is given:
    each machine works for itself then.

    Args:
        store: The server.
        seconds: The life of a lease.
        longest_wait: Seconds after which a lease does not count any more, though it lives on.
    """

    def __init__(
        self,
        store: OptionalStore,
        *,
        seconds: float = LEASE_SECONDS,
        longest_wait: float = _LONGEST_WAIT_SECONDS,
    ) -> None:
        self._longest_wait = longest_wait
        self._waiting_since: dict[str, float] = {}
        """By the name of the lease: when this build has begun to wait for it."""
        self._store = store
        self._milliseconds = int(seconds * 1000)
        self._longest_milliseconds = int(max(seconds, LEASE_SECONDS) * 1000)
        self._renewal_seconds = seconds / _RENEWALS_A_LEASE
        self._token = secrets.token_hex(_TOKEN_BYTES).encode()
        self._changed = threading.Condition()
        self._held: set[str] = set()
        self._dropped: set[str] = set()
        """What was held until the server failed: it may still be able to release it."""
        self._waiting: dict[str, list[tuple[Callable[[], object], Callable[[], object]]]] = {}
        self._alone: set[str] = set()
        """What another machine could not have: no lease is needed for it in this build."""
        self._build = 0
        self._thread: threading.Thread | None = None
        self._is_closed = False

    @contextmanager
    def hold(self, key: str, *, patiently: bool = False) -> Iterator[None]:
        """Hold the lease for the copy with a local key; an error says that there is no copy.

        Args:
            key: Of the copy.
            patiently: Wait in this thread while another machine has it.

        Raises:
            HeldElsewhereError: Another machine has it, or the build is over.
        """
        name = name_lease(key)
        build = self._build
        while not self._take(name):
            if not patiently:
                raise HeldElsewhereError(name)
            ended = threading.Event()
            self.wait(name, ended.set, ended.set)
            ended.wait()
            if build != self._build or self._is_closed:
                raise HeldElsewhereError(name)
        try:
            yield
        except BaseException:
            self._release([name], _FAILED)
            raise
        self._release([name])

    def give_up(self, key: str) -> None:
        """Tell others that what this process holds the lease for will not be in the store."""
        self._release([name_lease(key)], _FAILED)

    def wait(
        self, name: str, resume: Callable[[], object], cancel: Callable[[], object] = bool
    ) -> None:
        """Call something when a lease has ended, or cannot be asked for.

        Args:
            name: Of the lease.
            resume: Called from another thread. It must not wait for anything.
            cancel: Called in its place if the build ends first.
        """
        with self._changed:
            is_over = self._is_closed
            if not is_over:
                self._waiting.setdefault(name, []).append((resume, cancel))
                self._waiting_since.setdefault(name, time.monotonic())
                self._start()
        if is_over:
            cancel()

    def cancel(self) -> None:
        """Wait for nothing any more: the build is over."""
        with self._changed:
            self._build += 1
            self._alone.clear()
            self._waiting_since.clear()
            waiting, self._waiting = self._waiting, {}
        for _, cancel in (each for pairs in waiting.values() for each in pairs):
            cancel()

    def close(self) -> None:
        """Release what is held, and end the thread."""
        self.cancel()
        with self._changed:
            self._is_closed = True
            held = list(self._held)
            self._changed.notify_all()
        if held:
            self._release(held)

    def _take(self, name: str) -> bool:
        """Return True if this process may make the export."""
        if name in self._alone or not self._store.is_usable:
            return True

        def take(client: redis.Redis) -> bool:
            if client.set(name, self._token, px=self._milliseconds, nx=True):
                return True
            # A lease that does not expire, or late, is not one of ours.
            left = client.pttl(name)
            if left == -1 or left > self._longest_milliseconds:
                self._alone.add(name)
            return False

        is_ours = self._store.attempt(take)
        if name in self._alone:
            return True
        if is_ours:
            with self._changed:
                self._held.add(name)
                self._start()
        return is_ours is not False

    def _release(self, names: list[str], mark: bytes = b"") -> None:
        with self._changed:
            ours = [name for name in names if name in self._held]
            self._held.difference_update(ours)
            if not self._store.is_usable:
                self._dropped.update(ours)
                return
        if ours:
            arguments: list[bytes | int] = [self._token, mark, int(_FAILED_SECONDS * 1000)]
            self._run(_RELEASE, ours, arguments)

    def _run(
        self,
        script: str,
        names: list[str],
        arguments: list[bytes | int],
        *,
        is_last: bool = False,
    ) -> None:
        def run(client: redis.Redis) -> None:
            client.register_script(script)(keys=names, args=arguments)

        self._store.attempt(run, is_last=is_last)

    def _start(self) -> None:
        """Have the thread look after what there is; the lock is held."""
        if self._thread is None and not self._is_closed:
            self._thread = threading.Thread(
                target=self._watch, name="confluence-md-leases", daemon=True
            )
            self._thread.start()
        self._changed.notify_all()

    def _watch(self) -> None:
        while not self._is_closed:
            try:
                self._look_after_all()
            except Exception:  # noqa: BLE001  without this thread, what waits would wait for ever
                self._store.is_usable = False

    def _look_after_all(self) -> None:
        """Renew and poll until the end."""
        renewed_at = time.monotonic()
        while True:
            with self._changed:
                while not (self._held or self._dropped or self._waiting or self._is_closed):
                    self._changed.wait()
                    renewed_at = time.monotonic()
                if self._is_closed:
                    return
                if not (self._waiting or self._dropped):
                    # What is waited for next is polled a little later at most.
                    self._changed.wait(min(_POLL_SECONDS * 5, self._renewal_seconds))
                if not self._store.is_usable:
                    self._dropped |= self._held
                    self._held.clear()
                held, awaited, dropped = [*self._held], [*self._waiting], [*self._dropped]
                self._dropped.clear()
            if dropped and not self._is_closed:
                # It may be out of memory and still do this, so that others need not wait.
                self._run(_RELEASE, dropped, [self._token, b"", 0], is_last=True)
            if time.monotonic() - renewed_at >= self._renewal_seconds:
                renewed_at = time.monotonic()
                if held:
                    self._run(_RENEW, held, [self._token, self._milliseconds])
            if awaited:
                self._poll(awaited)
                time.sleep(_POLL_SECONDS)

    def _poll(self, names: list[str]) -> None:
        def read(client: redis.Redis) -> dict[str, bytes | None]:
            # An answer of another shape is a failure of the server, so it is looked at here.
            return {
                name: value if isinstance(value, bytes) else None
                for name, value in zip(names, client.mget(names), strict=True)
            }

        states = self._store.attempt(read) or dict.fromkeys(names)
        before = time.monotonic() - self._longest_wait
        with self._changed:
            useless = [
                name
                for name, value in states.items()
                if (value is not None and len(value) != len(self._token))
                or self._waiting_since.get(name, before) < before
            ]
            self._alone.update(useless)
        for name in {*useless, *(name for name, value in states.items() if value is None)}:
            with self._changed:
                resumed = self._waiting.pop(name, [])
            for resume, _ in resumed:
                resume()
