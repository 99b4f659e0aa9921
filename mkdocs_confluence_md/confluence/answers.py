"""Read the responses of both REST APIs, and turn refusals into the errors to raise.

Documented is Markdown as plain text, a ZIP archive in the field `zipBase64` of an object, that a
handler fails with a 5xx and a trace ID, and limits. The forms of the 401, 403 and 429 were seen on
real sites. How a body is understood is described in `responses.py`.
"""

from __future__ import annotations

import base64
import re
import threading
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import httpx

from mkdocs_confluence_md.auth.flow import lacks_scope
from mkdocs_confluence_md.confluence.media import redact_tokens
from mkdocs_confluence_md.confluence.responses import Body, find_words, is_web_page, parse_body
from mkdocs_confluence_md.errors import (
    AnswerError,
    ConfluenceError,
    CredentialsError,
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

SCOPES = ("export:markdown:custom", "read:forge-app:confluence")
DIVIDE_TREE = "Name parts of it in nav instead, each as confluence:ID/."
_NEWER_VERSION = "check for a newer version of mkdocs-confluence-md: the API may have changed."
_REPORT_ADVICE = (
    "Check for a newer version of mkdocs-confluence-md: the API may have changed. If there is "
    "none, report it with the file that `confluence-md check --report FILE` writes."
)
REST_SCOPES = "read:page:confluence, read:space:confluence and read:hierarchical-content:confluence"

_NO_ACCESS = (403, 404, 410)
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
            return _decode_zip(_load(response, spool), explain)
        except ConfluenceError as error:
            # Its frames have the answer, and it may be kept.
            raise error.with_traceback(None) from None


def _load(response: httpx.Response, spool: Spool) -> httpx.Response:
    """Return a response with its body in memory."""
    return httpx.Response(
        response.status_code,
        headers=response.headers,
        content=spool.read(),
        request=response.request,
    )


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


def _decode(response: httpx.Response) -> str | None:
    """Return the body as text: UTF-8, or else what its label says; None if it is neither."""
    with suppress(UnicodeDecodeError):
        return response.content.decode("utf-8-sig")
    with suppress(UnicodeDecodeError, LookupError):
        return response.content.decode(response.charset_encoding or "utf-8")
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
        advice = "Divide the page in Confluence."
        return TooLargeError(f"The {what} is too large to be exported {where}.", advice, detail)
    if stated in _REFUSALS or not response.is_redirect:
        cause, advice = _REFUSALS.get(stated, _OTHER_REFUSAL)
        texts = (text.format(thing=thing, name=name, where=where) for text in (cause, advice))
        # A web page is somebody's on the way, who does not know what an account may see.
        is_web = is_web_page(_decode(response) or "")
        kind = NoAccessError if stated in _NO_ACCESS and not is_web else AnswerError
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
        "Compare the {name} with the {thing}'s address in Confluence, and open it there as the "
        "account that the token belongs to. If everything fails so, the app may not be installed "
        "on the site, or `cloud_id`, `environment` or `base_url` may be wrong."
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
        "A site admin renews it in Confluence, where apps are managed.",
    ),
    403: (
        "Access is denied {where}.",
        (
            "Either the account may not see the {thing}, or App REST APIs are turned off: a site "
            "admin turns them on in the settings of the app."
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
        f"The answer of {host_and_port(response.request)} is no list of pages.",
        f"Try again later, and {_NEWER_VERSION}",
        _detail(response),
    )


def is_elsewhere(response: httpx.Response) -> bool:
    """Return True if Confluence's REST API may be somewhere else, for the token that was sent."""
    refused = response.status_code in (401, 403, 404) and not lacks_scope(response)
    is_page = response.status_code == httpx.codes.OK and parse_body(response.text).is_web_page
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
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return CredentialsError(
            f"Confluence's REST API does not accept the account's API token {where}.",
            "Compare CONFLUENCE_MD_EMAIL and CONFLUENCE_MD_API_TOKEN with the account's tokens on "
            "https://id.atlassian.com/manage-profile/security/api-tokens: each ends after a year "
            f"at most, and one with scopes needs {REST_SCOPES}.",
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
