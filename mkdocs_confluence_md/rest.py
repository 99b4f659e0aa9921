"""The client of Confluence's own REST API, for what the exporter does not say.

It signs in with an account's e-mail and an API token, because nobody knows whether the exporter's
token may be used here. Version 2 answers for pages by ID and for spaces, version 1 for searches.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx

from mkdocs_confluence_md.answers import explain_rest_refusal, read_rest_answer
from mkdocs_confluence_md.chains import hash_text
from mkdocs_confluence_md.descriptions import (
    find_next_link,
    read_facts,
    read_home,
    read_listed_page,
    read_name,
    read_results,
)
from mkdocs_confluence_md.errors import AnswerError, FailureError
from mkdocs_confluence_md.outline import arrange, outline_space, outline_tree
from mkdocs_confluence_md.references import SpaceRef
from mkdocs_confluence_md.traffic import Patience, Traffic
from mkdocs_confluence_md.trust import host_of, origin_of
from mkdocs_confluence_md.wire import make_client, send

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping

    from mkdocs_confluence_md.environment import RestCredentials
    from mkdocs_confluence_md.facts import PageFacts
    from mkdocs_confluence_md.outline import ListedPage, Listing
    from mkdocs_confluence_md.references import TreeRef
    from mkdocs_confluence_md.trees import TreePage
    from mkdocs_confluence_md.trust import TrustRule

BATCH = 250
"""How many pages one request can be about (documented)."""

_CONNECTIONS = 4
_SEARCH = "/wiki/rest/api/content/search"
_DETAILS = "version,metadata.labels"


class RestAuth(httpx.BasicAuth):
    """Adds the account's e-mail and API token, for hosts that may receive a token."""

    def __init__(self, credentials: RestCredentials, trust: TrustRule) -> None:
        super().__init__(credentials.email, credentials.api_token)
        self._trust = trust

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add them."""
        self._trust.check(str(request.url))
        yield from super().auth_flow(request)


class ConfluenceRest:
    """The API's client: one connection pool for everything. Safe to use from many threads.

    Args:
        site: The site's origin.
        credentials: Whose eyes see the pages.
        trust: Which hosts may receive a token.
        patience: How long is waited for what.
    """

    def __init__(
        self,
        site: str,
        credentials: RestCredentials,
        trust: TrustRule,
        *,
        patience: Patience | None = None,
    ) -> None:
        self.site = site
        self.account = hash_text(credentials.email)
        """Names the account for cache keys."""
        self._given = credentials, trust
        self._auth = RestAuth(credentials, trust)
        self._traffic = Traffic(_CONNECTIONS, patience or Patience())
        self._lock = threading.Lock()
        self._made_client: httpx.Client | None = None

    def make_hasty(self) -> ConfluenceRest:
        """Make a client of its own that tries once, for somebody who asks again anyway."""
        credentials, trust = self._given
        patience = replace(self._traffic.patience, page=0.0, build=0.0)
        return ConfluenceRest(self.site, credentials, trust, patience=patience)

    def begin_build(self) -> None:
        """Let nobody wait for what was asked for before, and look at an outage anew."""
        self._traffic.begin_build()

    def describe_pages(self, page_ids: Iterable[str]) -> dict[str, PageFacts]:
        """Return title, version and the author's ID of pages, one request for each 250.

        Pages that the account may not see are left out, and so are those that there are not.

        Raises:
            CredentialsError: The e-mail or the API token is wrong.
            AnswerError: The answer is no.
            FailureError: There is no usable answer.
            SettingError: The host may not receive a token.
        """
        found: dict[str, PageFacts] = {}
        for batch in divide(page_ids):
            url = f"{self.site}/wiki/api/v2/pages?id={','.join(batch)}&limit={BATCH}"
            facts = map(read_facts, self._list(url))
            found |= {each.page_id: each for each in facts}
        return found

    def describe_in_detail(self, page_ids: Iterable[str]) -> dict[str, PageFacts]:
        """Return the same with labels and the author's name.

        Raises:
            ConfluenceError: As `describe_pages`.
        """
        found: dict[str, PageFacts] = {}
        for batch in divide(page_ids):
            pages = self._search(f"id in ({','.join(batch)})", _DETAILS)
            found |= {page.facts.page_id: page.facts for page in pages}
        return found

    def list_tree(self, page_id: str) -> Listing:
        """Return a page with all its descendants.

        Raises:
            ConfluenceError: As `describe_pages`; also if there is no such page.
        """
        root = self.describe_pages([page_id]).get(page_id)
        if root is None:
            raise AnswerError(
                f"There is no page {page_id}, or the account may not see it, says "
                f"{host_of(self.site)}.",
                "Compare the ID with the page's address in Confluence, and open it there as the "
                "account of CONFLUENCE_MD_EMAIL.",
            )
        return outline_tree(root, list(self._list_below(page_id)))

    def list_space(self, key: str) -> Listing:
        """Return all pages of a space.

        Raises:
            ConfluenceError: As `describe_pages`; also if there is no such space.
        """
        url = httpx.URL(f"{self.site}/wiki/api/v2/spaces", params={"keys": key})
        spaces = [entry for entry in self._list(str(url)) if entry.get("key") == key]
        if not spaces:
            raise AnswerError(
                f"There is no space {key}, or the account may not see it, says "
                f"{host_of(self.site)}.",
                "Compare the key with the addresses of the space's pages in Confluence, and open "
                "one there as the account of CONFLUENCE_MD_EMAIL.",
            )
        pages = list(self._list_in(key))
        return outline_space(read_name(spaces[0]), read_home(spaces[0]), pages)

    def list_again(self, ref: TreeRef | SpaceRef) -> tuple[TreePage, ...]:
        """Return what is right below a page, or at the top of a space, with all that is below.

        One request for each 250 pages, because it does not look at the page or the space itself.

        Raises:
            ConfluenceError: As `describe_pages`.
        """
        if isinstance(ref, SpaceRef):
            return arrange(list(self._list_in(ref.key)))
        return arrange(list(self._list_below(ref.page_id)), ref.page_id)

    def close(self) -> None:
        """Close the connections."""
        if self._made_client:
            self._made_client.close()

    def _list_below(self, page_id: str) -> Iterator[ListedPage]:
        return self._search(f"ancestor={page_id}", f"{_DETAILS},ancestors")

    def _list_in(self, key: str) -> Iterator[ListedPage]:
        escaped = key.replace("\\", "\\\\").replace('"', '\\"')
        # Comments, attachments and blog posts are in the space, too.
        return self._search(f'space="{escaped}" and type=page', f"{_DETAILS},ancestors")

    def _search(self, cql: str, expand: str) -> Iterator[ListedPage]:
        parameters = {"cql": cql, "expand": expand, "limit": str(BATCH)}
        url = httpx.URL(f"{self.site}{_SEARCH}", params=parameters)
        return map(read_listed_page, self._list(str(url)))

    def _list(self, url: str) -> Iterator[Mapping[str, Any]]:
        """Yield all entries of a list, wherever it goes on."""
        seen: set[str] = set()
        while True:
            answer = self._get(url)
            entries = read_results(answer)
            yield from entries
            ids = {str(entry["id"]) for entry in entries}
            link = find_next_link(answer)
            # A list that brings nothing new would go on without end.
            if not link or ids <= seen:
                return
            seen |= ids
            url = self._follow(link)

    def _follow(self, link: str) -> str:
        """Return the URL of a link in an answer, which must not lead to another host."""
        if link.startswith("/"):
            # Version 1 leaves out the path that all its addresses have in common.
            return f"{self.site}{link if link.startswith('/wiki/') else f'/wiki{link}'}"
        if origin_of(link) == origin_of(self.site):
            return link
        raise FailureError(
            f"A list of {host_of(self.site)} goes on at another address, which is not asked.",
            "Check for a newer version of mkdocs-confluence-md: the API may have changed.",
        )

    def _get(self, url: str) -> Mapping[str, Any]:
        headers = {"Accept": "application/json"}
        response = send(self._client, "GET", url, headers=headers, auth=self._auth)
        if response.status_code != httpx.codes.OK:
            raise explain_rest_refusal(response)
        return read_rest_answer(response)

    @property
    def _client(self) -> httpx.Client:
        """The client, made when it is needed: that takes as long as rendering some pages."""
        with self._lock:
            if self._made_client is None:
                self._made_client = make_client(self._traffic)
            return self._made_client


def divide(page_ids: Iterable[str]) -> Iterator[list[str]]:
    """Divide pages into as many as one request can be about."""
    ids = list(page_ids)
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]
