"""The client of the Forge app "Markdown Exporter for Confluence": its calls.

The paths, bodies and IDs are from the app's documentation.
"""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import httpx

from mkdocs_confluence_md.confluence.models import MOST_PAGES, Export
from mkdocs_confluence_md.confluence.refs import SpaceRef
from mkdocs_confluence_md.confluence.responses import (
    DIVIDE_TREE,
    describe_failure,
    explain_refusal,
    explain_tree_refusal,
    read_markdown,
    read_zip,
    refuse_web_page,
)
from mkdocs_confluence_md.errors import SettingError, TooLargeError
from mkdocs_confluence_md.network.client import (
    make_client,
    read_json_object,
    send,
)
from mkdocs_confluence_md.network.retries import EXPORT, LARGE
from mkdocs_confluence_md.network.throttling import AT_A_TERMINAL, Patience, Traffic
from mkdocs_confluence_md.network.urls import is_cloud_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mkdocs_confluence_md.auth.token_refresh import TokenAuth
    from mkdocs_confluence_md.confluence.refs import TreeRef
    from mkdocs_confluence_md.network.shared_rate import SharedRate
    from mkdocs_confluence_md.network.spooling import Spool
    from mkdocs_confluence_md.network.urls import ApiAddress

_NO_ACCESS = (401, 403)
_NO_ANSWER = (429, 502, 503, 504)


class Exporter:
    """The API's client: one connection pool for everything. Safe to use from many threads.

    Args:
        address: Where the API is.
        auth: Adds the token to exports.
        concurrency: How many requests are in flight at most.
        patience: How long is waited for what.
        observe: Is told of each response.
        learned: What `find_learned` returned in an earlier build.
        shared_rate: The rate limit that other machines share.
    """

    def __init__(  # noqa: PLR0913  it has that many settings
        self,
        address: ApiAddress,
        auth: TokenAuth,
        *,
        concurrency: int,
        patience: Patience | None = None,
        observe: Callable[[httpx.Response], None] | None = None,
        learned: Mapping[str, int] | None = None,
        shared_rate: SharedRate | None = None,
    ) -> None:
        self.address = address
        self.auth = auth
        self._observe = observe
        self._traffic = Traffic(
            concurrency, patience or Patience(), learned=learned, shared_rate=shared_rate
        )
        self._lock = threading.Lock()
        self._made_client: httpx.Client | None = None

    def begin_build(self) -> None:
        """Cancel pending requests and reset the circuit breaker."""
        self._traffic.begin_build()

    def count_threads(self) -> int:
        """Return how many threads have something to do at present."""
        return self._traffic.count_threads()

    def find_learned(self) -> dict[str, int]:
        """Return how many requests should be in flight in a next build, by service."""
        return self._traffic.find_learned()

    def look_up_cloud_id(self) -> Export:
        """Ask the site for its cloud ID, which is returned in the place of the Markdown.

        Raises:
            FailureError: The site cannot be reached.
            SettingError: There is no Confluence site at this address.
        """
        url = self.address.cloud_id_url()
        response = send(self._client, "GET", url)
        cloud_id = read_json_object(response).get("cloudId")
        if response.status_code in _NO_ANSWER or response.is_server_error:
            raise describe_failure(response)
        if response.status_code != httpx.codes.OK or not is_cloud_id(cloud_id):
            raise SettingError(
                f"{self.address.site} is not a Confluence Cloud site: {url} does not show its "
                f"cloud ID ({response.status_code}).",
                "Correct the option `site`: it is the host in the address of a page, like "
                "acme.atlassian.net. For a custom domain, set `cloud_id` too.",
            )
        return Export(str(cloud_id), response.headers)

    def export_page(
        self, base_url: str, page_id: str, *, validators: Mapping[str, str] | None = None
    ) -> Export:
        """Export one page.

        Args:
            base_url: As `ApiAddress.make_base_url` gives it.
            page_id: Decimal digits.
            validators: Conditional headers, where there is a copy to compare with.

        Raises:
            CredentialsError: There is no sign-in, or the token was refused.
            AnswerError: The answer is no.
            FailureError: There is no usable answer.
            SettingError: The host may not receive a token, or the environment's settings for
                proxies or certificates cannot be used.
        """
        response = send(
            self._client,
            "POST",
            f"{base_url}/singleExport",
            json={"pageId": page_id},
            headers={"Accept": "text/plain, text/markdown, application/json", **(validators or {})},
            auth=self.auth,
            extensions={EXPORT: True},
        )
        if response.status_code == httpx.codes.NOT_MODIFIED and validators:
            return Export("", response.headers, not_modified=True)
        if response.status_code != httpx.codes.OK:
            raise explain_refusal(response)
        return Export(read_markdown(response), response.headers)

    def export_archive(self, base_url: str, page_id: str, *, attachments: bool) -> Spool:
        """Export one page, maybe with its attachments, as an archive that is not looked into.

        Raises:
            ConfluenceError: As `export_page`.
        """
        response = send(
            self._client,
            "POST",
            f"{base_url}/bulkExport",
            json={"pageId": page_id, "bulkExport": False, "includeAttachments": attachments},
            headers={"Accept": "application/json"},
            auth=self.auth,
            extensions={EXPORT: True, LARGE: "of a page, with attachments"},
        )
        explain = partial(explain_refusal, what="page's attachments")
        if response.status_code != httpx.codes.OK:
            raise explain(response)
        return read_zip(response, explain)[0]

    def export_tree(
        self, base_url: str, ref: TreeRef | SpaceRef, *, attachments: bool
    ) -> tuple[Spool, int]:
        """Export a tree, at most `MOST_PAGES` of its pages.

        Returns:
            A ZIP archive that is not looked into, and how many pages there are said to be in it.

        Raises:
            TooLargeError: It failed in a way in which large exports do.
            ConfluenceError: As `export_page`.
        """
        root = {"spaceKey": ref.key} if isinstance(ref, SpaceRef) else {"pageId": ref.page_id}
        options = {"bulkExport": True, "maxPages": MOST_PAGES, "includeAttachments": attachments}
        content = "with attachments" if attachments else "without attachments"
        try:
            response = send(
                self._client,
                "POST",
                f"{base_url}/bulkExport",
                json={**root, **options},
                headers={"Accept": "application/json"},
                auth=self.auth,
                extensions={EXPORT: True, LARGE: f"of a tree, {content}"},
            )
        except TooLargeError as error:
            raise TooLargeError(error.what, DIVIDE_TREE) from None
        explain = partial(explain_tree_refusal, what=ref.name, space=isinstance(ref, SpaceRef))
        if response.status_code != httpx.codes.OK:
            raise explain(response)
        return read_zip(response, explain)

    def probe(self, base_url: str) -> None:
        """Make a call that exports nothing, to see whether the API answers to this sign-in.

        A request without a page is refused, but only after app, account and scopes were looked
        at. How it is refused is not documented, so only what says that the sign-in is not good
        enough, or that there is no answer, counts.

        Raises:
            ConfluenceError: As `export_page`.
        """
        url = f"{base_url}/singleExport"
        response = send(
            self._client, "POST", url, json={}, auth=self.auth, extensions={EXPORT: True}
        )
        if response.status_code in _NO_ACCESS or response.status_code in _NO_ANSWER:
            raise explain_refusal(response)
        refuse_web_page(response)

    def close(self) -> None:
        """Close the connections."""
        if self._made_client:
            self._made_client.close()
        self.auth.close()

    @property
    def _client(self) -> httpx.Client:
        """The client, made when it is needed: that takes as long as rendering some pages."""
        with self._lock:
            if self._made_client is None:
                self._made_client = make_client(self._traffic, self._observe)
            return self._made_client


def complete_address(address: ApiAddress, auth: TokenAuth) -> ApiAddress:
    """Complete an address with the site's cloud ID, where it is needed.

    Raises:
        ConfluenceError: As `Exporter.look_up_cloud_id`.
    """
    if not address.needs_cloud_id():
        return address
    with closing(Exporter(address, auth, concurrency=1, patience=AT_A_TERMINAL)) as exporter:
        return replace(address, cloud_id=exporter.look_up_cloud_id().markdown)


def probe(address: ApiAddress, auth: TokenAuth) -> None:
    """Make one call that exports nothing, to see whether the API answers to a sign-in.

    Raises:
        ConfluenceError: As `Exporter.probe`.
    """
    with closing(Exporter(address, auth, concurrency=1, patience=AT_A_TERMINAL)) as exporter:
        exporter.probe(address.make_base_url())
