"""The client of Confluence's own REST API, for what the exporter does not provide.

It signs in with an API token, because it is unknown whether the exporter's token is accepted here.
Version 2 answers for pages, trees, spaces and names of authors, version 1 for labels only.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlencode, urlsplit

import httpx

from mkdocs_confluence_md.auth.sign_ins import hash_text
from mkdocs_confluence_md.confluence.models import (
    BATCH,
    V2,
    divide,
    find_next_link,
    parse_page_entry,
    read_details,
    read_parent_id,
    read_results,
    read_user_names,
)
from mkdocs_confluence_md.confluence.refs import GATEWAY_PATH
from mkdocs_confluence_md.confluence.responses import (
    explain_rest_refusal,
    is_elsewhere,
    is_mismatch,
    knows_token,
    read_rest_answer,
)
from mkdocs_confluence_md.errors import ConfluenceError, CredentialsError, FailureError
from mkdocs_confluence_md.network.client import make_client, send
from mkdocs_confluence_md.network.redaction import remember_secrets
from mkdocs_confluence_md.network.retries import SERVICE
from mkdocs_confluence_md.network.throttling import Patience, Traffic
from mkdocs_confluence_md.network.urls import host_of, origin_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping

    from mkdocs_confluence_md.auth.environment import RestCredentials
    from mkdocs_confluence_md.auth.trust import TrustRule
    from mkdocs_confluence_md.confluence.models import ListedContent, PageFacts


_CONNECTIONS = 4
_MOST_EMPTY_PARTS = 20
_SEARCH = "/wiki/rest/api/content/search"


class RestAuth(httpx.Auth):
    """Adds an API token, for hosts that may receive a token.

    With the account's e-mail address it is HTTP Basic; without one it is the token of a service
    account, which is a Bearer token.
    """

    def __init__(self, credentials: RestCredentials, trust: TrustRule) -> None:
        self._trust = trust
        token, email = credentials.api_token, credentials.email
        remember_secrets(token)
        basic = httpx.BasicAuth(email, token)
        self._flow = basic.auth_flow if email else _make_bearer_flow(token)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add it."""
        self._trust.check(str(request.url))
        yield from self._flow(request)


def _make_bearer_flow(
    token: str,
) -> Callable[[httpx.Request], Generator[httpx.Request, httpx.Response, None]]:
    def flow(request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {token}"
        yield request

    return flow


class ConfluenceRest:
    """The API's client: one connection pool for everything. Safe to use from many threads.

    Args:
        bases: Where the API may be.
        credentials: Account to authenticate as; only pages it may view are returned.
        trust: Which hosts may receive a token.
        patience: How long is waited for what.
        observe: Is told of each response.
    """

    def __init__(
        self,
        bases: RestBases,
        credentials: RestCredentials,
        trust: TrustRule,
        *,
        patience: Patience | None = None,
        observe: Callable[[httpx.Response], None] | None = None,
    ) -> None:
        self._observe = observe
        self.account = name_account(credentials)
        """Names the account for cache keys."""
        self._bases = bases
        self._given = credentials, trust
        self._auth = RestAuth(credentials, trust)
        self._traffic = Traffic(_CONNECTIONS, patience or Patience())
        self._lock = threading.Lock()
        self._made_client: httpx.Client | None = None
        self._finding = threading.Lock()
        self._base = ""
        """The base URL that answered in this build."""
        self._refusal: ConfluenceError | None = None
        """Why none of them answers in this build."""
        self.spaces: dict[str, Mapping[str, Any]] = {}
        """Spaces by key, which polling need not look up again."""
        self.folders: dict[str, ListedContent | None] = {}
        """Folders by ID; the same."""

    def without_retries(self) -> ConfluenceRest:
        """Return a client that does not retry, for polling."""
        credentials, trust = self._given
        patience = replace(self._traffic.patience, page=0.0, build=0.0)
        return ConfluenceRest(self._bases, credentials, trust, patience=patience)

    def begin_build(self) -> None:
        """Cancel pending requests, reset the circuit breaker and what was found out."""
        self._traffic.begin_build()
        self._base, self._refusal = "", None

    def describe_pages(self, page_ids: Iterable[str]) -> dict[str, PageFacts]:
        """Return title, version and the author's ID of pages, one request for each 250.

        Pages that do not exist, or that the account may not see, are left out.

        Raises:
            CredentialsError: The API token is not accepted.
            AnswerError: The answer is no.
            FailureError: There is no usable answer.
            SettingError: The host may not receive a token.
        """
        facts = map(parse_page_entry, self._list_pages(page_ids))
        return {each.page_id: each for each in facts}

    def find_parents(self, page_ids: Iterable[str]) -> dict[str, str]:
        """Return the ID of what is above each page; empty at the top of a space.

        Raises:
            ConfluenceError: As `describe_pages`.
        """
        return {str(each["id"]): read_parent_id(each) for each in self._list_pages(page_ids)}

    def find_labels(self, page_ids: Iterable[str]) -> dict[str, PageFacts]:
        """Return labels and the author of pages, one search for each 250.

        Version 2 has no labels of many pages at once, and the search has no successor.

        Raises:
            ConfluenceError: As `describe_pages`.
        """
        found: dict[str, PageFacts] = {}
        for batch in divide(page_ids):
            query = {
                "cql": f"id in ({','.join(batch)})",
                "expand": "version,metadata.labels",
                "limit": BATCH,
            }
            details = map(read_details, self.list_entries(f"{_SEARCH}?{urlencode(query)}"))
            found |= {each.page_id: each for each in details}
        return found

    def find_names(self, account_ids: Iterable[str]) -> dict[str, str]:
        """Return the names of accounts; those that are not known are left out.

        Raises:
            ConfluenceError: As `describe_pages`.
        """
        found: dict[str, str] = {}
        for batch in divide(account_ids):
            response = self._send("POST", f"{V2}/users-bulk", json={"accountIds": batch})
            found |= read_user_names(read_rest_answer(response))
        return found

    def list_entries(self, path: str) -> Iterator[Mapping[str, Any]]:
        """Yield all entries of a list, wherever it goes on.

        Raises:
            ConfluenceError: As `describe_pages`.
        """
        seen: set[str] = set()
        links = {path}
        empty = 0
        while path:
            answer = self.read(path)
            entries = read_results(answer)
            yield from entries
            ids = {str(entry["id"]) for entry in entries}
            link = find_next_link(answer)
            path = self._bases.read_link(link) if link else ""
            # Of pages that the account may not see, a part of a list may be empty. One that brings
            # what was there before, or leads back, would go on without end.
            empty = 0 if ids else empty + 1
            if path in links or (ids and ids <= seen):
                return
            if empty > _MOST_EMPTY_PARTS:
                raise make_endless_list(self.host)
            links.add(path)
            seen |= ids

    def read(self, path: str) -> Mapping[str, Any]:
        """Return the object that a path stands for.

        Raises:
            ConfluenceError: As `describe_pages`.
        """
        return read_rest_answer(self._send("GET", path))

    @property
    def host(self) -> str:
        """The host that answered, for messages."""
        return host_of(self._base)

    def close(self) -> None:
        """Close the connections."""
        if self._made_client:
            self._made_client.close()

    def _list_pages(self, page_ids: Iterable[str]) -> Iterator[Mapping[str, Any]]:
        for batch in divide(page_ids):
            yield from self.list_entries(f"{V2}/pages?id={','.join(batch)}&limit={BATCH}")

    def _send(
        self, method: str, path: str, *, json: Mapping[str, object] | None = None
    ) -> httpx.Response:
        """Send a request to where the API is, and return an answer with the status 200."""
        with self._finding:  # one request finds out where that is
            base = self._base
            if not base:
                return self._find_base(method, path, json)
        return _check(self._send_to(base, method, path, json))

    def _find_base(
        self, method: str, path: str, json: Mapping[str, object] | None
    ) -> httpx.Response:
        """Send a request to each place where the API may be, until one knows the token."""
        if self._refusal:
            raise self._refusal.copy()
        untried = self._bases.list_first()
        tried: list[str] = []
        refusal: httpx.Response | None = None
        while untried:
            tried.append(untried.pop(0))
            try:
                response = self._send_to(tried[-1], method, path, json)
            except FailureError:
                if refusal is None:
                    raise
                break  # that a token was refused is worth more than that another host is silent
            if not is_elsewhere(response):
                if knows_token(response):
                    self._base = tried[-1]
                    self._bases.note(self._base)
                return _check(response)
            if refusal is None or is_mismatch(refusal):
                refusal = response
            untried = untried or self._bases.list_others(tried)
        assert refusal  # noqa: S101  for the type checker: there is a base to try
        error = explain_rest_refusal(refusal)
        if isinstance(error, CredentialsError):
            self._refusal = error
        raise error.copy()

    def _send_to(
        self, base: str, method: str, path: str, json: Mapping[str, object] | None
    ) -> httpx.Response:
        kind = "/".join(part for part in path.partition("?")[0].split("/") if not part.isdigit())
        return send(
            self._client,
            method,
            base + path,
            json=json,
            headers={"Accept": "application/json"},
            auth=self._auth,
            extensions={SERVICE: base + kind},
        )

    @property
    def _client(self) -> httpx.Client:
        """The client, made when it is needed: that takes as long as rendering some pages."""
        with self._lock:
            if self._made_client is None:
                self._made_client = make_client(self._traffic, self._observe)
            return self._made_client


def _check(response: httpx.Response) -> httpx.Response:
    """Return an answer; raise the error of a refusal."""
    if response.status_code != httpx.codes.OK:
        raise explain_rest_refusal(response)
    return response


def name_account(credentials: RestCredentials) -> str:
    """Name an account for cache keys, without telling who it is."""
    return hash_text(credentials.email or f"service account {credentials.api_token}")


_BASE_NOTE = "base"


class Memory(Protocol):
    """Notes that outlive a build, about one account at one site."""

    def recall(self, name: str) -> str:
        """Return a note; empty if there is none, or if it has become too old."""

    def remember(self, name: str, text: str) -> None:
        """Keep a note."""


class CloudIds(Protocol):
    """Where the site's cloud ID is known, which is a part of the gateway's URL."""

    def find_cloud_id(self) -> str:
        """Return the cloud ID.

        Raises:
            ConfluenceError: It is not known, and could not be looked up.
        """

    def keep(self) -> None:
        """Keep a cloud ID that was looked up, since it has led to an answer."""


class GivenCloudId:
    """A cloud ID that need not be looked up."""

    def __init__(self, cloud_id: str) -> None:
        self._cloud_id = cloud_id

    def find_cloud_id(self) -> str:
        """Return the cloud ID."""
        return self._cloud_id

    def keep(self) -> None:
        """Do nothing: nothing was looked up."""


class NoMemory:
    """Notes that last as long as the object, for commands that run once."""

    def __init__(self) -> None:
        self._notes: dict[str, str] = {}

    def recall(self, name: str) -> str:
        """Return a note; empty if there is none."""
        return self._notes.get(name, "")

    def remember(self, name: str, text: str) -> None:
        """Keep a note."""
        self._notes[name] = text


class RestBases:
    """The base URLs that may be right, the likeliest first.

    Args:
        site: The site's origin; empty where it is not known.
        gateway: The origin of Atlassian's gateway.
        cloud_ids: Where the site's cloud ID is known.
        trust: Which hosts may receive a token.
        memory: What was found out before.
        at_site: False for a token that cannot work at the site.
    """

    def __init__(  # noqa: PLR0913  it has that many settings
        self,
        site: str,
        gateway: str,
        cloud_ids: CloudIds,
        trust: TrustRule,
        memory: Memory,
        *,
        at_site: bool = True,
    ) -> None:
        self._site = site
        self._gateway = gateway
        self._cloud_ids = cloud_ids
        self._trust = trust
        self._memory = memory
        self._at_site = at_site and bool(site) and not trust.find_objection(site)

    def list_first(self) -> list[str]:
        """Return the base URLs to try at first, in this order.

        Raises:
            ConfluenceError: There is none: the token may not be sent to the site, and its cloud ID
                is not known.
        """
        if self._at_site and self._memory.recall(_BASE_NOTE) != "gateway":
            return [self._site]
        try:
            return [self._find_gateway(), *([self._site] if self._at_site else [])]
        except ConfluenceError:
            if self._at_site:
                return [self._site]
            if self._site:
                self._trust.check(self._site)
            raise

    def list_others(self, tried: list[str]) -> list[str]:
        """Return the base URLs that are worth a try after those that refused the token."""
        try:
            others = [self._find_gateway()]
        except ConfluenceError:
            others = []
        return [base for base in others if base not in tried]

    def note(self, base: str) -> None:
        """Remember the base URL that works."""
        name = "site" if base == self._site else "gateway"
        if name == "gateway":
            self._cloud_ids.keep()
        if self._memory.recall(_BASE_NOTE) != name:
            self._memory.remember(_BASE_NOTE, name)

    def read_link(self, link: str) -> str:
        """Return the path of a link in an answer, below any of the base URLs.

        Links are relative to the site, also at the gateway (seen).

        Raises:
            FailureError: It leads to another host.
        """
        origins = {origin_of(self._site), origin_of(self._gateway)} - {""}
        with suppress(ValueError):  # of what is not a URL
            parts = urlsplit(link)
            is_relative = parts.path.startswith("/") and not (parts.scheme or parts.netloc)
            if is_relative or origin_of(link) in origins:
                path = GATEWAY_PATH.sub("", parts.path, count=1)
                path = path if path.startswith("/wiki/") else f"/wiki{path}"
                return f"{path}?{parts.query}" if parts.query else path
        raise FailureError(
            f"A list of {host_of(self._site or self._gateway)} continues on another host, to "
            "which no request is sent.",
            "Check for a newer version of mkdocs-confluence-md: the API may have changed.",
        )

    def _find_gateway(self) -> str:
        return f"{self._gateway}/ex/confluence/{self._cloud_ids.find_cloud_id()}"


def make_endless_list(host: str) -> FailureError:
    """Return the error for a list that goes on without bringing anything."""
    return FailureError(
        f"A list of {host} does not end, and has no entries.",
        "Report it with the file that `confluence-md check --report FILE` writes.",
    )
