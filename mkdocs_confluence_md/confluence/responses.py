"""Parse the body of a response: Markdown, an object, an error or a web page. Pure.

The content decides, never the label: the content type of a Forge app's answer is not specified.
Atlassian's sample handler sets none, another public app labels everything `application/json` and
answers errors as RFC 9457, and the exporter's vendor writes errors of another app as
`{"body": "Error: …"}`. So an error is recognized wherever one of these forms has it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

_MARKDOWN_FIELDS = ("markdown", "content", "body", "text")
_ENVELOPE_FIELDS = ("data", "result")
_STATUS_FIELDS = ("statusCode", "status", "code")
_MESSAGE_FIELDS = ("detail", "message", "errorMessage", "error_description", "reason")
_LEAST_ERROR_STATUS = 400
_LARGEST_STATUS = 599
_LONGEST_WORDS = 200
_DEEPEST = 4
"""Envelopes in envelopes: Forge's, the app's, JSON text in either."""

_WEB_PAGE = re.compile(r"[\ufeff\s]*<(?:!doctype|html)\b", re.IGNORECASE)
_FAILURES = ("fail", "failed", "failure", "error")
"""Values of a field `status`, as in JSend."""


@dataclass(frozen=True)
class BodyError:
    """An error that the body of a response describes."""

    words: str
    """The service's own, in one line; empty where it has none."""
    status: int = 0
    """The HTTP status that the body states, from 400; 0 where it states none."""


@dataclass(frozen=True)
class Body:
    """What the body of a response says."""

    markdown: str | None = None
    """None where there is no Markdown in it."""
    objects: tuple[Mapping[str, Any], ...] = ()
    """Its JSON object, then those in the envelope fields of that."""
    error: BodyError | None = None
    is_web_page: bool = False

    @property
    def is_understood(self) -> bool:
        """Whether it says anything that a page, an error or a web page would."""
        return self.markdown is not None or self.error is not None or self.is_web_page

    def find(self, name: str) -> Any:  # noqa: ANN401  JSON can be anything
        """Return the value of a field, wherever it is; None if there is no such field."""
        return next((each[name] for each in self.objects if name in each), None)


def parse_body(text: str) -> Body:
    """Parse a body, through all envelopes."""
    return _parse_text(text, _DEEPEST)


def is_web_page(text: str) -> bool:
    """Return True if a text begins as HTML documents do."""
    return _WEB_PAGE.match(text) is not None


def find_words(text: str) -> str:
    """Return what the body of an error says, in one line; empty if it says nothing readable."""
    value = parse_json(text)
    if isinstance(value, Mapping):
        return _find_words(value)
    words = value if isinstance(value, str) else text
    return "" if words.lstrip("\ufeff \t\r\n").startswith("<") else _write_line(words)


def parse_json(text: str) -> Any:  # noqa: ANN401  JSON can be anything
    """Return the JSON object or string that a text is; None if it is neither."""
    stripped = text.strip("\ufeff \t\r\n")
    if not stripped.startswith(("{", '"')):
        return None
    try:
        return json.loads(stripped)
    except (ValueError, RecursionError):
        return None


def _parse_text(text: str, depth: int, *, is_inner: bool = False) -> Body:
    """Parse a text.

    Args:
        text: Of a body, or of a string in it.
        depth: How many more envelopes may be around the content.
        is_inner: It was a JSON string.
    """
    text = text.removeprefix("\ufeff")
    if is_web_page(text):
        return Body(is_web_page=True)
    if is_inner and text.lstrip().startswith("Error:"):
        return Body(error=BodyError(_write_line(text)))
    # A handler that returns nothing is answered for with a JSON null.
    if text.strip() == "null":
        return Body(markdown="")
    value = parse_json(text)
    if value is None:
        return Body(markdown=text)
    if depth == 0:
        return Body()
    return _parse_value(value, depth - 1)


def _parse_value(value: object, depth: int) -> Body:
    if isinstance(value, str):
        return _parse_text(value, depth, is_inner=True)
    return _parse_object(value, depth) if isinstance(value, Mapping) else Body()


def _parse_object(fields: Mapping[str, Any], depth: int) -> Body:
    status = _find_status(fields)
    if status or _has_failed(fields):
        return Body(objects=(fields,), error=BodyError(_find_words(fields), status))
    content = _parse_content(fields, depth)
    # Beside what was exported all the same, errors are remarks about it.
    is_whole = fields.get("success") is True and (
        content.markdown is not None or content.find("zipBase64") is not None
    )
    if _has_remark(fields) and not is_whole:
        return Body(objects=(fields,), error=BodyError(_find_words(fields)))
    return content


def _parse_content(fields: Mapping[str, Any], depth: int) -> Body:
    """Find the content of an object: its Markdown, or what is in an envelope."""
    markdown = fields.get("markdown")
    if isinstance(markdown, str):
        inner = parse_json(markdown)
        failed = _parse_object(inner, 0) if isinstance(inner, Mapping) else Body()
        return failed if failed.error else Body(markdown, (fields,))
    objects = [fields]
    for name in (*_MARKDOWN_FIELDS, *_ENVELOPE_FIELDS) if depth else ():
        inner = _parse_value(fields.get(name), depth - 1)
        if inner.is_understood:
            return replace(inner, objects=(fields, *inner.objects))
        objects += inner.objects
    return Body(objects=tuple(objects))


def _has_failed(fields: Mapping[str, Any]) -> bool:
    """Return True if an object says outright that something failed."""
    body, status = fields.get("body"), fields.get("status")
    return (
        fields.get("success") in (False, "false")
        or fields.get("ok") is False
        or (isinstance(status, str) and status.lower() in _FAILURES)
        or (isinstance(body, str) and body.lstrip().startswith("Error:"))
    )


def _has_remark(fields: Mapping[str, Any]) -> bool:
    """Return True if there is an error field, or the `detail` of RFC 9457."""
    errors = ("error", "errors", "errorMessage")
    return any(fields.get(name) for name in errors) or (
        isinstance(fields.get("detail"), str) and not isinstance(fields.get("content"), str)
    )


def _find_status(fields: Mapping[str, Any]) -> int:
    errors = fields.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    for each in (fields, fields.get("error"), first):
        if isinstance(each, Mapping):
            statuses = (_read_status(each.get(name)) for name in _STATUS_FIELDS)
            if status := next(filter(None, statuses), 0):
                return status
    return 0


def _read_status(value: object) -> int:
    """Return a status of an error; 0 for anything else."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    status = int(text) if re.fullmatch(r"[0-9]{3}", text) else 0
    return status if _LEAST_ERROR_STATUS <= status <= _LARGEST_STATUS else 0


def _find_words(fields: Mapping[str, Any]) -> str:
    """Return the words of an error, wherever they are known to be."""
    title = fields.get("title")
    for name in _MESSAGE_FIELDS:
        if words := _write_line(fields.get(name)):
            return f"{_write_line(title)}: {words}" if _write_line(title) else words
    if words := _write_line(title):
        return words
    errors = fields.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else errors
    for each in (fields.get("error"), first, *map(fields.get, ("body", *_ENVELOPE_FIELDS))):
        if words := _find_inner_words(each):
            return words
    return ""


def _find_inner_words(value: object) -> str:
    value = parse_json(value) or value if isinstance(value, str) else value
    if isinstance(value, Mapping):
        return _find_words({name: each for name, each in value.items() if isinstance(each, str)})
    return "" if isinstance(value, str) and is_web_page(value) else _write_line(value)


def _write_line(value: object) -> str:
    """Write a text in one line, without anything that a terminal would obey."""
    if not isinstance(value, str):
        return ""
    words = " ".join(value[: 10 * _LONGEST_WORDS].split())
    return "".join(each for each in words if each.isprintable())[:_LONGEST_WORDS]
