"""Parse the body of a response: Markdown, an object, an error or a web page.

The content decides, never the label: the content type of a Forge app's answer is not specified.
Atlassian's sample handler sets none, another public app labels everything `application/json` and
answers errors as RFC 9457, and the exporter's vendor writes errors of another app as
`{"body": "Error: …"}`. So an error is recognized wherever one of these forms has it.
"""

from __future__ import annotations

import base64
import codecs
import json
import re
import threading
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import httpx

from mkdocs_confluence_md.auth.token_refresh import lacks_scope
from mkdocs_confluence_md.confluence.content import redact_tokens
from mkdocs_confluence_md.errors import (
    AnswerError,
    ConfluenceError,
    CredentialsError,
    DeniedError,
    EmptyError,
    FailureError,
    NoAccessError,
    NotFoundError,
    TooLargeError,
)
from mkdocs_confluence_md.network.client import STATUS_PAGE, host_and_port
from mkdocs_confluence_md.network.redaction import HIDDEN, hide_secrets
from mkdocs_confluence_md.network.retries import read_spool
from mkdocs_confluence_md.network.spooling import Spool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
    # Errors in an answer that has an export as well are only remarks about it.
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


SCOPES = ("export:markdown:custom", "read:forge-app:confluence")
DIVIDE_TREE = "Name parts of it in nav instead, each as confluence:ID/."
_NEWER_VERSION = "check for a newer version of mkdocs-confluence-md: the API may have changed."
_REPORT_ADVICE = (
    "Check for a newer version of mkdocs-confluence-md: the API may have changed. If you "
    "have the newest, report it with the file that `confluence-md check --report FILE` writes."
)
REST_SCOPES = "read:page:confluence, read:space:confluence and read:hierarchical-content:confluence"

_NO_ACCESS = {403: DeniedError, 404: NoAccessError, 410: NoAccessError}
_PERHAPS_TOO_LARGE = (500, 502, 504)
_MOMENTARY = (408, 425, 429)
_SUPPORT_HEADERS = ("x-failure-category", "ratelimit-reason", "atl-traceid", "atl-request-id")
"""What says why, and the IDs that Atlassian's support asks for."""

_ZIP_SIGNATURE = b"PK\x03\x04"
_CHUNK_DIGITS = 1_000_000
"""A multiple of 4, which are 3 bytes."""

_one_in_memory = threading.Lock()
"""Held while a large answer is in memory, several times for a moment."""


def read_markdown(response: httpx.Response) -> str:
    """Return the Markdown of a successful export.

    Raises:
        AnswerError: The body says that the export failed.
        CredentialsError: The body says that the sign-in was refused.
        FailureError: The body is empty, damaged, or neither Markdown nor an error.
    """
    body = _read_body(response, "Markdown")
    if body.error:
        raise explain_refusal(response, status=body.error.status)
    host = host_and_port(response.request)
    if body.markdown is None:
        raise FailureError(
            f"The answer of {host} has no Markdown in it.", _REPORT_ADVICE, _detail(response)
        )
    # JSON can hold halves of characters, which no file can.
    markdown = body.markdown.encode("utf-8", "replace").decode()
    if not markdown.strip():
        raise EmptyError(
            f"The answer of {host} is empty.",
            "Try again later; a page that really is empty needs some text in Confluence.",
            _detail(response),
        )
    return markdown


def read_zip(
    response: httpx.Response, explain: Callable[..., ConfluenceError]
) -> tuple[Spool, int]:
    """Return the ZIP archive of a successful export, which is not looked into.

    Args:
        response: With the status 200.
        explain: As `explain_refusal`, of what was exported.

    Returns:
        The archive, and how many pages are said to be in it; 0 if nothing is said.

    Raises:
        AnswerError: The body says that the export failed.
        CredentialsError: The body says that the sign-in was refused.
        FailureError: The body is damaged, or neither an archive nor an error.
    """
    spool = read_spool(response)
    if spool.read_at(0, len(_ZIP_SIGNATURE)) == _ZIP_SIGNATURE:
        return spool, 0
    with _one_in_memory, closing(spool):
        try:
            return _decode_zip(
                httpx.Response(
                    response.status_code,
                    headers=response.headers,
                    content=spool.read(),
                    request=response.request,
                ),
                explain,
            )
        except ConfluenceError as error:
            # Its frames have the answer, and it may be kept.
            raise error.with_traceback(None) from None


def _decode_zip(
    response: httpx.Response, explain: Callable[..., ConfluenceError]
) -> tuple[Spool, int]:
    """Return the ZIP archive in an object; arguments and errors as `read_zip`."""
    # Bytes that are not text are not an archive either: they would begin with its signature.
    body = _read_body(response, "an export") if _decode(response) is not None else Body()
    if body.error:
        raise explain(response, status=body.error.status)
    archive = _decode_base64(body.find("zipBase64") or body.markdown)
    if archive is None:
        raise FailureError(
            f"The answer of {host_and_port(response.request)} has no ZIP archive in it.",
            f"Try again later, and {_NEWER_VERSION}",
            _detail(response),
        )
    count = str(body.find("pageCount"))
    return archive, int(count) if re.fullmatch(r"[0-9]{1,6}", count) else 0


def _decode_base64(encoded: object) -> Spool | None:
    """Return what is encoded; None if it is nothing, or not base64."""
    text = str(encoded or "")
    prefix = re.match(r"data:[^,]{0,100},", text)
    # A regular expression would need seconds for all of it.
    digits = "".join(text[prefix.end() if prefix else 0 :].split()).rstrip("=")
    if not digits or "=" in digits:
        return None
    try:
        return Spool(_decode_chunks(digits))
    except ValueError:
        return None


def _decode_chunks(digits: str) -> Iterator[bytes]:
    for start in range(0, len(digits), _CHUNK_DIGITS):
        chunk = digits[start : start + _CHUNK_DIGITS]
        yield base64.b64decode(chunk + "=" * (-len(chunk) % 4), validate=True)


def _read_body(response: httpx.Response, wanted: str) -> Body:
    """Return the body of a response, which must not be a web page.

    Raises:
        FailureError: It is one, or is not text.
    """
    host = host_and_port(response.request)
    text = _decode(response)
    if text is None:
        raise FailureError(
            f"The answer of {host} is not readable text.",
            "Try again later, or report the trace ID to the app's support.",
            _detail(response),
        )
    body = parse_body(text)
    if body.is_web_page:
        # Not Confluence's answer but somebody's on the way to it, so it takes no access away.
        raise FailureError(
            f"{host} answered with a web page instead of {wanted}.",
            "Check the options `site` and `base_url`; a proxy may also want you to log in.",
            _detail(response),
        )
    return body


# They are for source code and names of hosts, and no service sends them.
_CODECS_OF_PYTHON = {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"}


def _decode(response: httpx.Response) -> str | None:
    """Return the body as text: UTF-8, or else what its label says; None if it is neither."""
    with suppress(UnicodeDecodeError):
        return response.content.decode("utf-8-sig")
    # Some codecs are none of texts, and some raise other errors than that of bytes.
    with suppress(LookupError, ValueError):
        codec = codecs.lookup(response.charset_encoding or "utf-8")
        if codec.name not in _CODECS_OF_PYTHON:
            return response.content.decode(codec.name)
    return None


def explain_refusal(
    response: httpx.Response, *, what: str = "page", space: bool = False, status: int = 0
) -> AnswerError | CredentialsError | FailureError:
    """Turn a refusal of the exporter into the error to raise.

    Args:
        response: The refusal.
        what: Should have been exported.
        space: It is a space.
        status: As the body states it, where that is not the response's own.
    """
    thing, name = ("space", "space key") if space else ("page", "page ID")
    stated = status or response.status_code
    detail = _detail(response)
    host = host_and_port(response.request)
    where = f"({host} answers {stated})"
    if stated == httpx.codes.OK:
        return AnswerError(
            f"The app could not export the {what}, says {host}.",
            "Export it by hand in Confluence to see whether the app can read it.",
            detail,
        )
    if stated == httpx.codes.UNAUTHORIZED:
        return _explain_unauthorized(response, where, detail)
    if stated in _MOMENTARY or stated >= httpx.codes.INTERNAL_SERVER_ERROR:
        return describe_failure(response, stated)
    if stated == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
        advice = "Split the page in Confluence."
        return TooLargeError(f"The {what} is too large to be exported {where}.", advice, detail)
    if stated in _REFUSALS or not response.is_redirect:
        cause, advice = _REFUSALS.get(stated, _OTHER_REFUSAL)
        texts = (text.format(thing=thing, name=name, where=where) for text in (cause, advice))
        # A web page is somebody's on the way, who does not know what an account may see.
        is_web = is_web_page(_decode(response) or "")
        kind = AnswerError if is_web else _NO_ACCESS.get(stated, AnswerError)
        return kind(next(texts), next(texts), detail)
    # A redirect is somebody's on the way to Confluence, like a network that wants a login first.
    cause, advice = _OTHER_REFUSAL
    return FailureError(cause.format(where=where), advice, detail)


_OTHER_REFUSAL = (
    "The export was refused {where}.",
    "Check the options `site`, `environment`, `gateway` and `base_url`.",
)
_NO_SUCH_PAGE = (
    "There is no such {thing}, or the account may not see it {where}.",
    (
        "Compare the {name} with the {thing}'s address, and open it as this account. "
        "If all pages fail, check `cloud_id`, `environment`, `base_url`, and that the app is "
        "installed."
    ),
)
_REFUSALS = {
    400: (
        "The export was refused {where}.",
        (
            "Compare the {name} with the {thing}'s address in Confluence. If it is right, check "
            "for a newer version of mkdocs-confluence-md: the API may have changed."
        ),
    ),
    402: (
        "The app has no valid licence on this site {where}.",
        "Ask a site admin to renew it in Confluence, where apps are managed.",
    ),
    403: (
        "Access is denied {where}.",
        (
            "Either the account may not see the {thing}, or App REST APIs are turned off: ask a "
            "site admin to turn them on in the settings of the app."
        ),
    ),
    404: _NO_SUCH_PAGE,
    410: _NO_SUCH_PAGE,
}
"""Cause and remedy by status."""


def _explain_unauthorized(response: httpx.Response, where: str, detail: str) -> CredentialsError:
    if lacks_scope(response):
        return CredentialsError(
            f"The token lacks a scope that the export needs {where}.",
            f"Sign in again with the scopes {' '.join(SCOPES)} offline_access.",
            detail,
        )
    return CredentialsError(
        f"The access token has expired or was revoked {where}.",
        "Get a new one and put it into CONFLUENCE_MD_ACCESS_TOKEN, or sign in again.",
        detail,
    )


def explain_tree_refusal(
    response: httpx.Response, *, what: str, space: bool, status: int = 0
) -> AnswerError | CredentialsError | FailureError:
    """Turn a refusal to export a tree into the error to raise; arguments as `explain_refusal`."""
    error = explain_refusal(response, what=what, space=space, status=status)
    stated = status or response.status_code
    if stated == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
        return TooLargeError(error.what, DIVIDE_TREE, error.detail)
    if stated in _PERHAPS_TOO_LARGE:
        return TooLargeError(error.what, error.remedy, error.detail)
    return error


def refuse_web_page(response: httpx.Response) -> None:
    """Refuse a response that is a web page, whatever its status.

    Raises:
        FailureError: It is one.
    """
    _read_body(response, "an answer of the app")


def read_rest_answer(response: httpx.Response) -> dict[str, Any]:
    """Return what Confluence's own REST API answers.

    Raises:
        FailureError: It is not an answer of that API.
    """
    body = _read_body(response, "JSON")
    fields = dict(body.objects[0]) if body.objects else {}
    if isinstance(fields.get("results"), list) or fields.get("id"):
        return fields
    raise FailureError(
        f"The answer of {host_and_port(response.request)} is not a list of pages.",
        f"Try again later, and {_NEWER_VERSION}",
        _detail(response),
    )


def is_elsewhere(response: httpx.Response) -> bool:
    """Return True if Confluence's REST API may be somewhere else, for the token that was sent."""
    refused = response.status_code in (401, 403, 404) and not lacks_scope(response)
    text = _decode(response) or ""
    is_page = response.status_code == httpx.codes.OK and parse_body(text).is_web_page
    return refused or is_page or response.is_redirect


def knows_token(response: httpx.Response) -> bool:
    """Return True if a response shows that the token is known where it was sent."""
    return response.status_code == httpx.codes.OK or lacks_scope(response)


def is_mismatch(response: httpx.Response) -> bool:
    """Return True if a token is refused only because it belongs elsewhere (seen)."""
    category: str = response.headers.get("x-failure-category", "")
    return category == "FAILURE_CLIENT_AUTH_MISMATCH"


def explain_rest_refusal(
    response: httpx.Response,
) -> AnswerError | CredentialsError | FailureError:
    """Turn a refusal of Confluence's own REST API into the error to raise."""
    status, detail = response.status_code, _detail(response)
    where = f"({host_and_port(response.request)} answers {status})"
    if status == httpx.codes.OK:
        return FailureError(
            f"{host_and_port(response.request)} answered with a web page instead of JSON.",
            "Check the option `site`; a proxy may also want you to log in.",
            detail,
        )
    if lacks_scope(response):
        return CredentialsError(
            f"The account's API token lacks a scope {where}.",
            f"Make a token with the scopes {REST_SCOPES} on "
            "https://id.atlassian.com/manage-profile/security/api-tokens.",
            detail,
        )
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return CredentialsError(
            f"Confluence's REST API does not accept the account's API token {where}.",
            "Check CONFLUENCE_MD_EMAIL and CONFLUENCE_MD_API_TOKEN, and the token's expiry date "
            "and scopes, on https://id.atlassian.com/manage-profile/security/api-tokens.",
            detail,
        )
    if status in _MOMENTARY or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return describe_failure(response)
    what = f"Confluence's REST API refused to answer {where}."
    if status in (httpx.codes.GONE, httpx.codes.BAD_REQUEST):
        return AnswerError(what, f"Try again later, and {_NEWER_VERSION}", detail)
    kind = FailureError if response.is_redirect else AnswerError
    kind = NotFoundError if status == httpx.codes.NOT_FOUND else kind
    advice = "Check the option `site`; a proxy may also want you to log in."
    return kind(what, advice, detail)


def describe_failure(response: httpx.Response, status: int = 0) -> FailureError:
    """Describe a 429 or a 5xx: a later try may do better."""
    status = status or response.status_code
    host, detail = host_and_port(response.request), _detail(response)
    if status == httpx.codes.TOO_MANY_REQUESTS:
        wait = response.headers.get("retry-after", "")
        unit = "second" if wait == "1" else "seconds"
        hint = f" and asks to wait {wait} {unit}" if wait.isdigit() else ""
        return FailureError(
            f"{host} receives too many requests{hint} ({status}).",
            "Try again later; a longer `max_age` or a lower `concurrency` asks for less.",
            detail,
        )
    return FailureError(
        f"{host} failed to answer ({status}).", f"Try again later; {STATUS_PAGE}", detail
    )


def _detail(response: httpx.Response) -> str:
    """Return the service's own explanation, and what Atlassian's support asks for."""
    text = redact_tokens(response.content.decode("utf-8", "replace"))
    secrets = _find_secrets(response.request)
    # Before words are cut, or half of a secret would be left.
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    if response.status_code == httpx.codes.OK:
        # Whatever is not an error may be a page, which is not for logs.
        body = parse_body(text)
        words = body.error.words if body.error else ""
        if not body.is_understood:
            words = find_words(text) if body.objects else ""
    else:
        words = find_words(text)
    parts = [f"“{hide_secrets(words, secrets)}”"] if words else []
    headers = (name for name in _SUPPORT_HEADERS if name in response.headers)
    parts += [
        f"[{name}: {hide_secrets(response.headers[name], secrets)[:100]}]" for name in headers
    ]
    # Nothing that a terminal would obey.
    return "".join(character for character in " ".join(parts) if character.isprintable())


def _find_secrets(request: httpx.Request) -> list[str]:
    """Return what a request was authorized with, in all forms in which it could be repeated."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    secrets = [value]
    if scheme == "Basic":
        name, _, password = base64.b64decode(value).decode().partition(":")
        secrets += [password, name]
    return [secret for secret in secrets if secret]
