"""What the REST APIs answer, the exporter's and Confluence's own: what reads an answer is here.

Documented is Markdown as plain text, a ZIP archive in the field `zipBase64` of an object, that a
handler fails with a 5xx and a trace ID, and limits.
The forms of the 401, 403 and 429 were seen on real sites. JSON with Markdown in it is a guess.
"""

from __future__ import annotations

import base64
from typing import Any

import httpx

from mkdocs_confluence_md.auth import lacks_scope
from mkdocs_confluence_md.errors import (
    AnswerError,
    CredentialsError,
    EmptyError,
    FailureError,
    TooLargeError,
)
from mkdocs_confluence_md.media import redact_tokens
from mkdocs_confluence_md.wire import STATUS_PAGE, host_and_port, read_json_object

SCOPES = ("export:markdown:custom", "read:forge-app:confluence")
DIVIDE_TREE = "Name parts of it in nav instead, each as confluence:ID/."
_WEB_PAGES = ("text/html", "application/xhtml+xml")
_PERHAPS_TOO_LARGE = (500, 502, 504)
_MOMENTARY = (408, 425, 429)
_TRACE_HEADERS = ("atl-traceid", "atl-request-id")


def read_markdown(response: httpx.Response) -> str:
    """Return the Markdown of a successful export.

    Documented is plain text; JSON with the Markdown in it is understood too.

    Raises:
        AnswerError: The answer says that the export failed.
        FailureError: The answer is empty, damaged or no export at all.
    """
    kind = _read_kind(response, "Markdown")
    host, detail = host_and_port(response.request), _detail(response)
    try:
        text = response.content.decode(response.charset_encoding or "utf-8")
    except (UnicodeDecodeError, LookupError):
        raise FailureError(
            f"The answer of {host} is not readable text.",
            "Try again later, or report the trace ID to the app's support.",
            detail,
        ) from None
    markdown = _read_json_markdown(response) if kind == "application/json" else text
    # JSON can hold halves of characters, which no file can.
    markdown = markdown.encode("utf-8", "replace").decode()
    if not markdown.strip():
        raise EmptyError(
            f"The answer of {host} is empty.",
            "Try again later; a page that really is empty needs some text in Confluence.",
            detail,
        )
    return markdown


def read_zip(response: httpx.Response, what: str = "page's attachments") -> bytes:
    """Return the ZIP archive of a successful export; whether it is one, nobody has looked.

    Args:
        response: With the status 200.
        what: Is exported.

    Raises:
        AnswerError: The answer says that the export failed.
        FailureError: The answer is damaged or no export at all.
    """
    _read_kind(response, "an export")
    host, detail = host_and_port(response.request), _detail(response)
    fields = read_json_object(response)
    if fields.get("success") is False:
        raise AnswerError(
            f"The app could not export the {what}, says {host}.",
            "Export it by hand in Confluence to see whether the app can read it.",
            detail,
        )
    try:
        return base64.b64decode(fields["zipBase64"], validate=True)
    except (KeyError, TypeError, ValueError):
        raise FailureError(
            f"The answer of {host} has no ZIP archive in it.",
            "Try again later, and check for a newer version of mkdocs-confluence-md: the API may "
            "have changed.",
            detail,
        ) from None


def read_page_count(response: httpx.Response) -> int:
    """Return how many pages an export says that it has; 0 if it says nothing."""
    count = read_json_object(response).get("pageCount")
    return count if isinstance(count, int) and not isinstance(count, bool) else 0


def _read_kind(response: httpx.Response, wanted: str) -> str:
    """Return the answer's content type, which must not be that of a web page.

    Raises:
        FailureError: It is.
    """
    kind: str = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in _WEB_PAGES:
        # Not Confluence's answer but somebody's on the way to it, so it takes no access away.
        raise FailureError(
            f"{host_and_port(response.request)} answered with a web page instead of {wanted}.",
            "Check the options `site` and `base_url`; a proxy may also want you to log in.",
            _detail(response),
        )
    return kind


def _read_json_markdown(response: httpx.Response) -> str:
    try:
        answer: Any = response.json()
    except (ValueError, RecursionError):
        answer = None
    if isinstance(answer, str):
        return answer
    fields = answer if isinstance(answer, dict) else {}
    if fields.get("success") is False:
        raise AnswerError(
            f"The app could not export the page, says {host_and_port(response.request)}.",
            "Export the page by hand in Confluence to see whether the app can read it.",
            _detail(response),
        )
    for name in ("markdown", "content", "body"):
        if isinstance(fields.get(name), str):
            return str(fields[name])
    raise FailureError(
        f"The answer of {host_and_port(response.request)} has no Markdown in it.",
        "Check for a newer version of mkdocs-confluence-md: the API may have changed.",
        _detail(response),
    )


def explain_refusal(
    response: httpx.Response, *, space: bool = False
) -> AnswerError | CredentialsError | FailureError:
    """Turn an answer that is no export into the error to raise: of a page, or of a space."""
    what, name = ("space", "space key") if space else ("page", "page ID")
    status, detail = response.status_code, _detail(response)
    where = f"({host_and_port(response.request)} answers {status})"
    if status == httpx.codes.UNAUTHORIZED and lacks_scope(response):
        return CredentialsError(
            f"The token lacks a scope that the export needs {where}.",
            f"Sign in again with the scopes {' '.join(SCOPES)} offline_access.",
            detail,
        )
    if status == httpx.codes.UNAUTHORIZED:
        return CredentialsError(
            f"The access token has expired or was revoked {where}.",
            "Get a new one and put it into CONFLUENCE_MD_ACCESS_TOKEN, or sign in again.",
            detail,
        )
    if status == httpx.codes.FORBIDDEN:
        return AnswerError(
            f"Access is denied {where}.",
            f"Either the account may not see the {what}, or App REST APIs are turned off: a "
            "site admin turns them on in the settings of the app.",
            detail,
        )
    if status in (httpx.codes.NOT_FOUND, httpx.codes.GONE):
        return AnswerError(
            f"There is no such {what}, or the account may not see it {where}.",
            f"Compare the {name} with the {what}'s address in Confluence, and open it "
            "there as the account that the token belongs to. If everything fails so, the app may "
            "not be installed on the site, or `cloud_id`, `environment` or `base_url` may be "
            "wrong.",
            detail,
        )
    if status in _MOMENTARY or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return describe_failure(response)
    # A redirect is somebody's on the way to Confluence, like a network that wants a login first.
    kind = FailureError if response.is_redirect else AnswerError
    return kind(
        f"The export was refused {where}.",
        "Check the options `site`, `environment`, `gateway` and `base_url`.",
        detail,
    )


def explain_tree_refusal(
    response: httpx.Response, *, space: bool
) -> AnswerError | CredentialsError | FailureError:
    """Turn an answer that is no export of a tree into the error to raise."""
    error = explain_refusal(response, space=space)
    if response.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
        host = host_and_port(response.request)
        return TooLargeError(f"The export is too large ({host} answers 413).", DIVIDE_TREE)
    if response.status_code in _PERHAPS_TOO_LARGE:
        return TooLargeError(error.what, error.remedy, error.detail)
    return error


def read_rest_answer(response: httpx.Response) -> dict[str, Any]:
    """Return what Confluence's own REST API answers.

    Raises:
        FailureError: It is no answer of that API.
    """
    _read_kind(response, "JSON")
    fields = read_json_object(response)
    if isinstance(fields.get("results"), list):
        return fields
    raise FailureError(
        f"The answer of {host_and_port(response.request)} is no list of pages.",
        "Try again later, and check for a newer version of mkdocs-confluence-md: the API may have "
        "changed.",
        _detail(response),
    )


def explain_rest_refusal(
    response: httpx.Response,
) -> AnswerError | CredentialsError | FailureError:
    """Turn a refusal of Confluence's own REST API into the error to raise."""
    status, detail = response.status_code, _detail(response)
    where = f"({host_and_port(response.request)} answers {status})"
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return CredentialsError(
            f"Confluence's REST API does not accept the account's API token {where}.",
            "Compare CONFLUENCE_MD_EMAIL and CONFLUENCE_MD_API_TOKEN with the account and its "
            "tokens on https://id.atlassian.com/manage-profile/security/api-tokens.",
            detail,
        )
    if status in _MOMENTARY or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return describe_failure(response)
    kind = FailureError if response.is_redirect else AnswerError
    return kind(
        f"Confluence's REST API refused to answer {where}.",
        "Check the option `site`; a proxy may also want you to log in.",
        detail,
    )


def describe_failure(response: httpx.Response) -> FailureError:
    """Describe a 429 or a 5xx: a later try may do better."""
    status, host, detail = response.status_code, host_and_port(response.request), _detail(response)
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
    """Return the service's own explanation, and the IDs that Atlassian's support asks for."""
    answer = read_json_object(response)
    texts = (answer.get(name) for name in ("message", "error", "errorMessage"))
    words = next((" ".join(text.split()) for text in texts if isinstance(text, str)), "")
    # Nobody promises that a service does not repeat the token that it complains of.
    for secret in _find_secrets(response.request):
        words = words.replace(secret, "…")
    words = redact_tokens(words)
    parts = [f"“{words[:200]}”"] if words else []
    traces = (name for name in _TRACE_HEADERS if name in response.headers)
    parts += [f"[{name}: {response.headers[name][:100]}]" for name in traces]
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
