"""CacheControl, which judges the copies in the cache and writes them.

It is handed values that were read, and hands back what is to be stored: it never touches the store.
"""

from __future__ import annotations

import io
import logging
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, cast

from cachecontrol.cache import BaseCache
from cachecontrol.controller import CacheController
from cachecontrol.heuristics import BaseHeuristic
from cachecontrol.serialize import Serializer
from urllib3 import HTTPResponse

from mkdocs_confluence_md.cache.records import (
    FOREVER_SECONDS,
    LIFE,
    count_seconds,
    make_cached,
    read_date,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from requests import PreparedRequest

    from mkdocs_confluence_md.cache.records import Cached

# What CacheControl logs of an entry would be a second message about it, in its own words.
logging.getLogger("cachecontrol").addHandler(logging.NullHandler())


@dataclass(frozen=True)
class CacheRequest:
    """The part of a request that CacheControl looks at."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)


class MaxAge(BaseHeuristic):
    """Let an answer be stored, whatever its headers say of its life.

    How old a copy may be is asked when it is read, so that a changed option counts at once.
    The date is ours: with one clock, a server's wrong one makes nothing fresh or stale.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock

    def update_headers(self, response: HTTPResponse) -> dict[str, str]:  # noqa: ARG002  the same life for all
        """Give the answer a date and a life, which CacheControl needs to store it."""
        return {"date": formatdate(self._clock(), usegmt=True), "cache-control": LIFE}

    def warning(self, response: HTTPResponse) -> str | None:
        """Add no `Warning` header: the life is what the user asked for."""


class _Rows(BaseCache):
    """Values that were read, or are to be written, as CacheControl wants them."""

    def __init__(self, values: Mapping[str, bytes]) -> None:
        self.values = dict(values)

    def get(self, key: str) -> bytes | None:
        """Return a value."""
        return self.values.get(key)

    def set(self, key: str, value: bytes, expires: object = None) -> None:  # noqa: ARG002  the last good copy does not expire
        """Take a value."""
        self.values[key] = value

    def delete(self, key: str) -> None:
        """Keep the value: it is the last good copy."""


@dataclass(frozen=True)
class _Answer:
    """As much of a response as CacheControl looks at: a whole one takes as long as the rest."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _AnswerSerializer(Serializer):
    """CacheControl's format, read into answers."""

    def prepare_response(self, request: object, cached: Mapping[str, Any], *_: object) -> Any:  # noqa: ANN401, ARG002  CacheControl wants a response
        """Take what was deserialized."""
        answer = cached["response"]
        return _Answer(answer["status"], answer["headers"], answer["body"])


class Judge:
    """CacheControl's view of values that were read."""

    def __init__(self, values: Mapping[str, bytes]) -> None:
        self._controller = CacheController(_Rows(values), serializer=_AnswerSerializer())

    def judge(self, key: str, max_age: float, clock: Callable[[], float]) -> Cached | None:
        """Return a copy, fresh or not; None if it makes no sense.

        Raises:
            Exception: Any, because CacheControl trusts what it deserializes.
        """
        return self._find_fresh(key, max_age, clock) or self._find_stale(key, clock)

    def _find_fresh(self, key: str, max_age: float, clock: Callable[[], float]) -> Cached | None:
        answer = self._ask(key, max_age)
        return _read(answer, clock(), fresh=True) if answer else None

    def _find_stale(self, key: str, clock: Callable[[], float]) -> Cached | None:
        answer = self._ask(key, FOREVER_SECONDS)
        if answer is None:
            return None
        validators = self._controller.conditional_headers(_as_requests(CacheRequest(key)))
        return replace(_read(answer, clock(), fresh=False), validators=validators)

    def _ask(self, key: str, max_age: float) -> _Answer | None:
        request = CacheRequest(key, {"cache-control": f"max-age={count_seconds(max_age)}"})
        return cast("_Answer", self._controller.cached_request(_as_requests(request))) or None


def _read(answer: _Answer, now: float, *, fresh: bool) -> Cached:
    date = read_date(answer.headers["date"])
    return make_cached(answer.body.decode(), answer.headers, date, now, fresh=fresh)


def write_copy(
    key: str, text: str, headers: Mapping[str, str], clock: Callable[[], float]
) -> dict[str, bytes]:
    """Return the value to store for a copy, by its key."""
    body = text.encode()
    response = MaxAge(clock).apply(
        HTTPResponse(io.BytesIO(body), headers=headers, status=200, preload_content=False)
    )
    rows = _Rows({})
    controller = CacheController(rows, status_codes=(200,))
    controller.cache_response(_as_requests(CacheRequest(key)), response, body)
    return rows.values


def _as_requests(request: CacheRequest) -> PreparedRequest:
    # CacheControl's types speak of requests, its code only of `url` and `headers`.
    return cast("PreparedRequest", request)
