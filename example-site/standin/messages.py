"""Requests and answers, free of sockets."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar, overload
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"

Default = TypeVar("Default")


class Headers(dict[str, str]):
    """Headers by name, in any case.

    A test that says `"Authorization" not in request.headers` must not pass because
    the client happens to write the name in small letters.
    """

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        """Keep `items` under their names in small letters; the last of a name wins."""
        super().__init__((name.lower(), value) for name, value in items)

    def __getitem__(self, name: str) -> str:
        """Return the value of a header."""
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        """Tell whether a header was sent."""
        return isinstance(name, str) and super().__contains__(name.lower())

    @overload
    def get(self, name: str, default: None = None, /) -> str | None: ...
    @overload
    def get(self, name: str, default: str, /) -> str: ...
    @overload
    def get(self, name: str, default: Default, /) -> str | Default: ...
    def get(self, name: str, default: object = None, /) -> object:
        """Return the value of a header, or `default`."""
        return super().get(name.lower(), default)


@dataclass(frozen=True)
class Request:
    """A request as it arrived."""

    method: str
    path: str
    query: str = ""
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    def json(self) -> dict[str, object] | None:
        """Return the JSON object in the body, or None when it is anything else."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return None
        return value if isinstance(value, dict) else None

    def query_fields(self) -> dict[str, str]:
        """Return the fields of the query."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    def form_fields(self) -> dict[str, str]:
        """Return the fields of a submitted HTML form."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


@dataclass(frozen=True)
class Answer:
    """An answer before it is sent; length and date are added on the way out."""

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_body(self) -> bool:
        """Whether HTTP allows this status a body."""
        return self.status not in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}


def json_answer(
    status: int, content: Mapping[str, object], headers: Mapping[str, str] | None = None
) -> Answer:
    """Return an answer with `content` as JSON."""
    return Answer(status, json.dumps(content).encode(), JSON, headers or {})


def failure(status: int, message: str) -> Answer:
    """Return a failure in the words of the exporter."""
    return json_answer(status, {"success": False, "message": message})
