"""The REST API of the Forge app "Markdown Exporter for Confluence".

Everything that parses an answer of the API is here. Facts and their sources: the app's
documentation for paths, bodies and IDs; the 401, 403 and 429 forms were seen on real sites.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from mkdocs_confluence_md.auth import (
    USER_AGENT,
    TokenAuth,
    host_and_port,
    lacks_scope,
    read_json_object,
)
from mkdocs_confluence_md.environment import ATLASSIAN_API
from mkdocs_confluence_md.errors import AnswerError, CredentialsError, FailureError, SettingError

if TYPE_CHECKING:
    from collections.abc import Mapping

APP_ID = "0def1d4f-1593-4dd0-99a3-a098b3959067"
ENVIRONMENT_IDS = {
    "production": "796457c9-9c03-4382-b44f-d19571068ece",
    "staging": "73c9d7be-47c5-479a-b08d-14fb79453df8",
    "dev": "08a10a13-932b-47bb-b760-0cc1e93d4a50",
}
SCOPES = ("export:markdown:custom", "read:forge-app:confluence")

# An export is one handler call, which the platform ends after 25 seconds.
# Waiting for a free connection is no failure.
TIMEOUT = httpx.Timeout(60.0, connect=10.0, pool=None)

_TRACE_HEADERS = ("atl-traceid", "atl-request-id")
_STATUS_PAGE = "https://status.atlassian.com says whether it is a known problem."


@dataclass(frozen=True)
class ApiAddress:
    """Where the API is, as the options and the environment say."""

    site: str = ""
    """The site's origin, like `https://acme.atlassian.net`; empty if not given."""
    cloud_id: str = ""
    """Looked up where it is empty and needed."""
    environment: str = "production"
    """A key of `ENVIRONMENT_IDS`."""
    gateway: str = "api"
    """Which of the two formats of the base URL: `api` or `site`."""
    base_url: str = ""
    """Replaces all of the above."""
    api_url: str = ATLASSIAN_API
    """The origin of the format `api`."""

    def needs_cloud_id(self) -> bool:
        """Tell whether the base URL can only be made with a cloud ID from the site."""
        return not self.base_url and self.gateway == "api" and not self.cloud_id

    def make_base_url(self, cloud_id: str = "") -> str:
        """Return the API's base URL, without a slash at its end."""
        if self.base_url:
            return self.base_url
        app = f"apps/{APP_ID}_{ENVIRONMENT_IDS[self.environment]}"
        if self.gateway == "site":
            return f"{self.site}/gateway/api/svc/confluence/{app}"
        return f"{self.api_url}/svc/confluence/{self.cloud_id or cloud_id}/{app}"

    def check(self) -> None:
        """Refuse an address that leads nowhere.

        Raises:
            SettingError: The option `site` is missing.
        """
        if not self.site and not self.base_url and (self.gateway == "site" or not self.cloud_id):
            raise SettingError(
                "The option `site` of the plugin confluence-md is missing in mkdocs.yml.",
                "Write the host of your Confluence site there: `site: acme.atlassian.net`.",
            )

    def find_site(self) -> str:
        """Return the origin of the site for links to its pages; empty if it cannot be known."""
        parts = urlsplit(self.base_url)
        if not self.site and parts.path.startswith("/gateway/"):
            return f"{parts.scheme}://{parts.netloc}"
        return self.site


@dataclass(frozen=True)
class Export:
    """An answer of the API that is worth keeping."""

    markdown: str
    headers: Mapping[str, str]
    """The answer's headers, for the cache."""
    not_modified: bool = False
    """The copy whose validators were sent is still good; there is no Markdown then."""


class Exporter:
    """The API's client: one connection pool for everything. Safe to use from many threads.

    Args:
        address: Where the API is.
        auth: Adds the token to exports.
        concurrency: How many requests are in flight at most.
    """

    def __init__(
        self,
        address: ApiAddress,
        auth: TokenAuth,
        *,
        concurrency: int,
    ) -> None:
        self.address = address
        self.auth = auth
        self._client = httpx.Client(
            timeout=TIMEOUT,
            headers={"User-Agent": USER_AGENT},
            limits=httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency),
        )

    def cloud_id_url(self) -> str:
        """Return the address that tells the site's cloud ID to anybody."""
        return f"{self.address.site}/_edge/tenant_info"

    def look_up_cloud_id(self) -> Export:
        """Ask the site for its cloud ID, which is returned in the place of the Markdown.

        Raises:
            FailureError: The site cannot be reached.
            SettingError: There is no Confluence site at this address.
        """
        url = self.cloud_id_url()
        response = self._send(self._client.build_request("GET", url), auth=None)
        cloud_id = read_json_object(response).get("cloudId")
        if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise _describe_failure(response)
        if response.status_code != httpx.codes.OK or not isinstance(cloud_id, str):
            raise SettingError(
                f"{url} does not tell a cloud ID ({response.status_code}), so {self.address.site} "
                "is no Confluence Cloud site.",
                "Correct the option `site`: the host in the address bar when you read a page in "
                "Confluence, like acme.atlassian.net. Behind a custom domain, set `cloud_id` too.",
            )
        return Export(cloud_id, response.headers)

    def export_page(
        self, base_url: str, page_id: str, *, validators: Mapping[str, str] | None = None
    ) -> Export:
        """Export one page.

        Args:
            base_url: As `ApiAddress.make_base_url` gives it.
            page_id: Decimal digits.
            validators: Conditional headers, where there is a copy to compare with.

        Raises:
            CredentialsError: Nobody is signed in, or the token was refused.
            AnswerError: The answer is no.
            FailureError: There is no usable answer.
            SettingError: The host may not receive a token.
        """
        request = self._client.build_request(
            "POST",
            f"{base_url}/singleExport",
            json={"pageId": page_id},
            headers={"Accept": "text/plain, text/markdown, application/json", **(validators or {})},
        )
        response = self._send(request, auth=self.auth)
        if response.status_code == httpx.codes.NOT_MODIFIED and validators:
            return Export("", response.headers, not_modified=True)
        if response.status_code != httpx.codes.OK:
            raise _explain_refusal(response)
        return Export(read_markdown(response), response.headers)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _send(self, request: httpx.Request, *, auth: httpx.Auth | None) -> httpx.Response:
        try:
            return self._client.send(request, auth=auth)
        except httpx.TimeoutException as error:
            seconds = TIMEOUT.connect if isinstance(error, httpx.ConnectTimeout) else TIMEOUT.read
            raise FailureError(
                f"{host_and_port(error.request)} did not answer within {seconds:.0f} seconds.",
                f"Try again later; {_STATUS_PAGE}",
            ) from None
        except httpx.HTTPError as error:
            host = host_and_port(error.request)
            raise FailureError(
                f"{host} cannot be reached: {_first_line(error)}.",
                f"Check the network, the proxy settings and the name {host}.",
            ) from None


def read_markdown(response: httpx.Response) -> str:
    """Return the Markdown of a successful export.

    Documented is plain text; JSON with the Markdown in it is understood too.

    Raises:
        AnswerError: The answer says that the export failed, or is no export at all.
        FailureError: The answer is empty or damaged.
    """
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    host, detail = host_and_port(response.request), _detail(response)
    if kind == "text/html":
        raise AnswerError(
            f"{host} answered with a web page instead of Markdown.",
            "Check the options `site` and `base_url`; a proxy may also want you to log in.",
            detail,
        )
    try:
        text = response.content.decode(response.charset_encoding or "utf-8")
    except (UnicodeDecodeError, LookupError):
        raise FailureError(
            f"The answer of {host} is not readable text.",
            "Try again later, or report the trace ID to the app's support.",
            detail,
        ) from None
    markdown = _read_json_markdown(response) if kind == "application/json" else text
    if not markdown.strip():
        raise FailureError(
            f"The answer of {host} is empty.",
            "Try again later; a page that really is empty needs some text in Confluence.",
            detail,
        )
    return markdown


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


def _explain_refusal(response: httpx.Response) -> AnswerError | CredentialsError | FailureError:
    """Turn an answer that is no export into the error to raise."""
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
            "Either the account may not see the page, or App REST APIs are turned off: a site "
            "admin turns them on in the settings of the app.",
            detail,
        )
    if status in (httpx.codes.NOT_FOUND, httpx.codes.GONE):
        return AnswerError(
            f"There is no such page, or the account may not see it {where}.",
            "Compare the page ID with the page's address in Confluence, and open it there as the "
            "account that the token belongs to.",
            detail,
        )
    if status == httpx.codes.TOO_MANY_REQUESTS or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return _describe_failure(response)
    return AnswerError(
        f"The export was refused {where}.",
        "Check the options `site`, `environment`, `gateway` and `base_url`.",
        detail,
    )


def _describe_failure(response: httpx.Response) -> FailureError:
    status, host, detail = response.status_code, host_and_port(response.request), _detail(response)
    if status == httpx.codes.TOO_MANY_REQUESTS:
        wait = response.headers.get("retry-after", "")
        hint = f" and asks to wait {wait} seconds" if wait.isdigit() else ""
        return FailureError(
            f"{host} receives too many requests{hint} ({status}).",
            "Try again later; a longer `max_age` or a lower `concurrency` asks for less.",
            detail,
        )
    return FailureError(
        f"{host} failed to answer ({status}).", f"Try again later; {_STATUS_PAGE}", detail
    )


def _detail(response: httpx.Response) -> str:
    """Return the service's own explanation, and the IDs that Atlassian's support asks for."""
    answer = read_json_object(response)
    texts = (answer.get(name) for name in ("message", "error", "errorMessage"))
    words = next((" ".join(text.split()) for text in texts if isinstance(text, str)), "")
    # Nobody promises that a service does not repeat the token that it complains of.
    token = response.request.headers.get("Authorization", "").removeprefix("Bearer ")
    words = words.replace(token, "…") if token else words
    parts = [f"“{words[:200]}”"] if words else []
    traces = (name for name in _TRACE_HEADERS if name in response.headers)
    return " ".join([*parts, *(f"[{name}: {response.headers[name][:100]}]" for name in traces)])


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
