"""The connection to a Redis or Valkey server that several machines share.

What is kept there is a matter of those who use it: tokens in `auth/`, copies in `cache/`, and the
rate limit in this package. Without `CONFLUENCE_MD_STORE`, nothing of this is imported.
"""

from __future__ import annotations

import hashlib
import threading
import weakref
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote, urlsplit

from mkdocs_confluence_md.errors import ConfluenceError, SettingError, StoreError
from mkdocs_confluence_md.network.redaction import hide_secrets, remember_secrets

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis

_T = TypeVar("_T")

KEY_PREFIX = "confluence-md:1:"
"""All keys begin with it, so that a server can be shared with others, and an ACL can name them."""

LEASE_SECONDS = 10.0
"""How long a lock or a lease of a machine that has died keeps the others waiting."""

_CONNECT_SECONDS = 2.0
# A server that answers later is of no use: an export takes about as long.
_ANSWER_SECONDS = 3.0
# A build has many threads, and a server that hundreds of builds share allows 10,000 in all.
_MOST_CONNECTIONS = 8
_MOST_REASON_CHARACTERS = 200


def hash_name(name: str) -> str:
    """Return 32 digits that are in a key in place of a name, which they do not tell."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


class SharedStore:
    """A server, connected to when it is needed first. Safe to use from many threads.

    Args:
        url: `redis://` or `rediss://`, with a password or without. It is never shown.
        answer_seconds: How long an answer is waited for.
    """

    def __init__(self, url: str, *, answer_seconds: float = _ANSWER_SECONDS) -> None:
        self._url = url
        self._answer_seconds = answer_seconds
        parts = urlsplit(url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        self.host = f"{host}:{parts.port or 6379}"
        """Of the server, as messages name it."""
        self._password = unquote(parts.password or "")
        remember_secrets(self._password)
        self._lock = threading.Lock()
        self._client: redis.Redis | None = None

    def do(self, operation: Callable[[redis.Redis], _T]) -> _T:
        """Do something with the client, which has a pool of connections.

        Raises:
            StoreError: The server cannot be reached, is too slow, or refuses.
            SettingError: The extra `redis` is not installed.
        """
        client = self._open()
        try:
            return operation(client)
        except ConfluenceError:
            raise
        except Exception as error:  # noqa: BLE001  answers that are not Redis' bring errors of any kind
            # As does another thread that closes the connection that is being read.
            raise self._explain(error) from None

    def close(self) -> None:
        """Close all connections; another use opens them again."""
        with self._lock:
            client, self._client = self._client, None
        if client:
            client.close()

    def _open(self) -> redis.Redis:
        with self._lock:
            if self._client is None:
                self._client = _connect(self._url, self._answer_seconds)
                # Who has a sign-in need not know that it is on a server, and closes nothing.
                weakref.finalize(self, self._client.close)
            return self._client

    def _explain(self, error: Exception) -> StoreError:
        reason = " ".join(str(error).split()) or type(error).__name__
        if reason.startswith("No connection available"):  # what redis-py says then
            reason = "Timeout, all connections wait for an answer"
        reason = hide_secrets(reason, [self._password])[:_MOST_REASON_CHARACTERS]
        return StoreError(
            f"The store at {self.host} cannot be used: {reason.rstrip('.')}.",
            "Look whether CONFLUENCE_MD_STORE is right and the server is up.",
        )


def _connect(url: str, answer_seconds: float) -> redis.Redis:
    try:
        import redis  # noqa: PLC0415  an extra, and slow
        from redis.backoff import NoBackoff  # noqa: PLC0415  the same
        from redis.retry import Retry  # noqa: PLC0415  the same
    except ImportError:
        raise _explain_absence("redis") from None

    pool = redis.BlockingConnectionPool.from_url(
        url,
        max_connections=_MOST_CONNECTIONS,
        timeout=answer_seconds,
        socket_connect_timeout=_CONNECT_SECONDS,
        socket_timeout=answer_seconds,
        # Once, because a server closes connections that are idle. Not after a time-out: one that
        # is slow will be slow again, and may have done already what it was asked for.
        retry=Retry(NoBackoff(), 1, (redis.exceptions.ConnectionError,)),
    )
    return redis.Redis.from_pool(pool)


def check_extra() -> None:
    """Make sure that the extra `redis` is installed, without loading it.

    Raises:
        SettingError: A package of it is missing.
    """
    for package in ("redis", "limits"):
        if find_spec(package) is None:
            raise _explain_absence(package)


def _explain_absence(package: str) -> SettingError:
    return SettingError(
        f"CONFLUENCE_MD_STORE is set, but the package {package} is not installed.",
        'Install it: pip install "mkdocs-confluence-md[redis]".',
    )


class OptionalStore:
    """A store that a build can do without. Safe to use from many threads.

    After its first failure, of which one line tells, it is left alone for the rest of the build:
    a server that is slow or away would otherwise cost seconds for each page.

    Args:
        store: The connection.
        inform: Is told what is wrong. It is not a warning: the site is complete, and with
            `--strict` a warning would fail the build.
    """

    def __init__(self, store: SharedStore, inform: Callable[[str], None]) -> None:
        self._store = store
        self._inform = inform
        self._failing = threading.Lock()
        self.is_usable = True
        """Whether it is still asked in this build."""

    def attempt(
        self, operation: Callable[[redis.Redis], _T], *, is_last: bool = False
    ) -> _T | None:
        """Do something with the client; None if the store cannot be used in this build.

        Args:
            operation: What to do.
            is_last: It is worth a try even if the store has failed.
        """
        if not self.is_usable and not is_last:
            return None
        try:
            return self._store.do(operation)
        except StoreError as error:
            with self._failing:
                is_first, self.is_usable = self.is_usable, False
            if is_first:
                self._inform(f"{error.what} This build goes on without it. {error.remedy}")
            return None

    def begin_build(self) -> None:
        """Ask it again."""
        self.is_usable = True

    def close(self) -> None:
        """Close all connections; what is still under way fails in silence."""
        self.is_usable = False
        self._store.close()
