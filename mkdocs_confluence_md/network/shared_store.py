"""The connection to a Redis or Valkey server that several machines share.

What is kept there is a matter of those who use it: tokens in `auth/`, copies in `cache/`, and the
rate limit in this package. Without `CONFLUENCE_MD_STORE`, nothing of this is imported.
"""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote, urlsplit

from mkdocs_confluence_md.errors import SettingError, StoreError
from mkdocs_confluence_md.network.redaction import hide_secrets, remember_secrets

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis

_T = TypeVar("_T")

KEY_PREFIX = "confluence-md:1:"
"""All keys begin with it, so that a server can be shared with others, and an ACL can name them."""

# A server that answers later is of no use: an export takes about as long.
_CONNECT_SECONDS = 2.0
_ANSWER_SECONDS = 3.0
_MOST_REASON_CHARACTERS = 200


class SharedStore:
    """A server, connected to when it is needed first. Safe to use from many threads.

    Args:
        url: `redis://` or `rediss://`, with a password or without. It is never shown.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        parts = urlsplit(url)
        self.host = f"{parts.hostname}:{parts.port or 6379}"
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
        from redis.exceptions import RedisError  # noqa: PLC0415  an extra

        try:
            return operation(client)
        except (RedisError, OSError) as error:
            raise self._explain(error) from None

    def close(self) -> None:
        """Close all connections; another use opens them again."""
        with self._lock:
            if self._client:
                self._client.close()
                self._client = None

    def _open(self) -> redis.Redis:
        with self._lock:
            if self._client is None:
                self._client = _connect(self._url)
                # Who has a sign-in need not know that it is on a server, and closes nothing.
                weakref.finalize(self, self._client.close)
            return self._client

    def _explain(self, error: Exception) -> StoreError:
        reason = " ".join(str(error).split()) or type(error).__name__
        reason = hide_secrets(reason, [self._password])[:_MOST_REASON_CHARACTERS]
        return StoreError(
            f"The store at {self.host} cannot be used: {reason.rstrip('.')}.",
            "Look whether CONFLUENCE_MD_STORE is right and the server is up.",
        )


def _connect(url: str) -> redis.Redis:
    try:
        import redis  # noqa: PLC0415  an extra, and slow
        from redis.backoff import NoBackoff  # noqa: PLC0415
        from redis.retry import Retry  # noqa: PLC0415
    except ImportError:
        raise SettingError(
            "CONFLUENCE_MD_STORE is set, but the package redis is not installed.",
            'Install it: pip install "mkdocs-confluence-md[redis]".',
        ) from None
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=_CONNECT_SECONDS,
        socket_timeout=_ANSWER_SECONDS,
        # Once, because a server closes connections that are idle.
        retry=Retry(NoBackoff(), 1),
    )
