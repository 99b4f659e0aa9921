"""The rate limit of many machines: one moving window in Redis or Valkey, by `limits`.

The platform counts the calls of a user, and those of an installation of the app, wherever they come
from. `throttling.py` has the limit of this process; this one comes on top. A pause that a 429 asks
for is a key with that life, which all look at every fifth of a second while they send.

The windows are those of the machines' clocks, so these must be right to about a second. A server
that cannot be used leaves each machine to its own limit.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mkdocs_confluence_md.network.shared_store import KEY_PREFIX, hash_name

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis
    from limits import RateLimitItem
    from limits.strategies import MovingWindowRateLimiter

    from mkdocs_confluence_md.network.shared_store import OptionalStore

USER_CALLS = 1200
"""That the platform allows a user in a minute."""

INSTALLATION_CALLS = 5000
"""That the platform allows an installation of the app in a minute."""

WINDOW_SECONDS = 61
"""A little over a minute: requests may travel at different speeds."""

# A look takes a trip to the server, so not each request looks.
_LOOK_SECONDS = 0.2
# What is full may become free earlier than is known here.
_SHORTEST_WAIT_SECONDS = 0.02
# More than a service may ask for (`Patience.longest_wait`).
_LONGEST_PAUSE_SECONDS = 60.0


class SharedRate:
    """When this process may send the next request. Safe to use from many threads.

    Args:
        store: The server.
        account: Returns a name of the user, without any secret; None while it is not known.
        installation: What the app is installed on.
        user_calls: How many calls a user has within a window.
        installation_calls: How many calls an installation has within a window.
        window_seconds: Of the window.
        clock: Returns seconds since the epoch.
    """

    def __init__(  # noqa: PLR0913  it has that many settings
        self,
        store: OptionalStore,
        *,
        account: Callable[[], str | None],
        installation: str,
        user_calls: int = USER_CALLS,
        installation_calls: int = INSTALLATION_CALLS,
        window_seconds: int = WINDOW_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._account = account
        self._installation = hash_name(installation)
        self._calls = {"user": user_calls, "installation": installation_calls}
        self._window_seconds = window_seconds
        self._clock = clock
        self._limiter: MovingWindowRateLimiter | None = None
        self._refused_last = "user"
        self._looked_at = float("-inf")
        """When a pause was looked for last, by the clock."""
        self._paused_until = float("-inf")

    def count(self) -> float:
        """Count a request that is about to be sent, if it may be.

        Returns:
            0 if it may be, and otherwise in how many seconds it can be tried again. What makes no
            sense does not count: somebody else may have written it, or a clock is wrong.
        """
        return self._store.attempt(self._count) or 0.0

    def pause(self, seconds: float) -> None:
        """Let no machine send anything for this account for a time, unless it pauses longer."""
        name = self._name_pause()
        milliseconds = int(min(seconds, _LONGEST_PAUSE_SECONDS) * 1000)

        def prolong(client: redis.Redis) -> None:
            if client.pttl(name) < milliseconds:
                client.set(name, b"", px=milliseconds)

        if milliseconds > 0:
            self._store.attempt(prolong)

    def _count(self, client: redis.Redis) -> float:
        if seconds := self._find_pause(client):
            return seconds
        limiter = self._make_limiter(client)
        names = {"user": self._name_account(), "installation": self._installation}
        # What refused last comes first: a call that one allows and the other refuses is counted by
        # the first all the same, and waiting for the one would use up the other.
        for kind in sorted(names, key=lambda each: each != self._refused_last):
            item, name = self._make_item(kind), names[kind]
            if not limiter.hit(item, name):
                self._refused_last = kind
                seconds = limiter.get_window_stats(item, name).reset_time - self._clock()
                if seconds <= self._window_seconds + 1:
                    return max(seconds, _SHORTEST_WAIT_SECONDS)
        return 0.0

    def _find_pause(self, client: redis.Redis) -> float:
        """Return how many seconds a pause still takes; 0 without one."""
        now = self._clock()
        # A clock may be set back.
        if not 0 <= now - self._looked_at < _LOOK_SECONDS:
            self._looked_at = now
            remaining = client.pttl(self._name_pause()) / 1000
            is_pause = 0 < remaining <= _LONGEST_PAUSE_SECONDS
            self._paused_until = now + remaining if is_pause else float("-inf")
        remaining = self._paused_until - now
        return max(remaining, _SHORTEST_WAIT_SECONDS) if remaining > 0 else 0.0

    def _make_item(self, kind: str) -> RateLimitItem:
        from limits import RateLimitItemPerSecond  # noqa: PLC0415  an extra

        return RateLimitItemPerSecond(self._calls[kind], self._window_seconds, namespace=kind)

    def _make_limiter(self, client: redis.Redis) -> MovingWindowRateLimiter:
        if self._limiter is None:
            from limits.storage import RedisStorage  # noqa: PLC0415  an extra
            from limits.strategies import MovingWindowRateLimiter  # noqa: PLC0415

            # The pool brings the address, the password and the time-outs.
            storage = RedisStorage(
                "redis://",
                connection_pool=client.connection_pool,
                key_prefix=f"{KEY_PREFIX}rate",
            )
            self._limiter = MovingWindowRateLimiter(storage)
        return self._limiter

    def _name_account(self) -> str:
        return hash_name(self._account() or "")

    def _name_pause(self) -> str:
        return f"{KEY_PREFIX}pause:{self._name_account()}"
