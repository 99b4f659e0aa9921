"""The pages that a site needs: asked for early, each awaited when MkDocs wants it.

So the network runs while MkDocs renders, and a build costs about the longer of the two.
"""

from __future__ import annotations

import time
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs_confluence_md.errors import ConfluenceError, FailureError
from mkdocs_confluence_md.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mkdocs_confluence_md.cache import ExportCache
    from mkdocs_confluence_md.exporter import Export, Exporter

# A site's cloud ID stays the same for as long as the site is not moved.
_CLOUD_ID_SECONDS = 30 * 86400.0


class Origin(Enum):
    """Where a page came from."""

    CACHE = "from the cache"
    """A fresh copy, without any request."""
    CONFIRMED = "confirmed"
    """A copy that the server said is still good."""
    EXPORTED = "exported"
    STALE = "stale"
    """The last good copy, because there was no answer."""


@dataclass(frozen=True)
class FetchedPage:
    """A page as it goes into the site."""

    markdown: str
    origin: Origin
    seconds: float = 0.0
    """From the start of fetching for this build until the page was there."""
    age: float = 0.0
    """Of a stale copy, in seconds."""
    error: FailureError | None = None
    """Why a copy is stale."""


class Library:
    """Fetches pages, each once a build, from the cache or from the exporter.

    One library lives through a whole `mkdocs serve`; `start` begins a build.

    Args:
        exporter: Asked for what the cache does not have.
        cache: Asked first.
        threads: How many pages are worked at. More than the exporter's connections, so that
            these stay busy while other pages are looked up and stored.
        max_age: Seconds for which a copy counts as fresh; `inf` is forever.
        offline: Take the last good copy whatever its age, and never use the network.
    """

    def __init__(
        self,
        exporter: Exporter,
        cache: ExportCache,
        *,
        threads: int,
        max_age: float,
        offline: bool = False,
    ) -> None:
        self._exporter = exporter
        self._cache = cache
        self._max_age = max_age
        self._offline = offline
        self._workers = Workers(threads, name="confluence-md")
        self._new_cloud_id: Export | None = None
        """Looked up, and not kept yet: only one that leads to an export is worth keeping."""
        self._base_url: Future[str] = Future()
        self._pages: dict[str, Future[FetchedPage]] = {}

    def start(self, page_ids: Iterable[str]) -> None:
        """Begin to fetch pages for a build; what an earlier build still wanted is dropped."""
        self.cancel()
        begin = time.monotonic()
        # First in the queue, because all the others wait for it.
        self._base_url = self._workers.submit(self._find_base_url)
        self._pages = {
            page_id: self._workers.submit(partial(self._fetch, page_id, self._base_url, begin))
            for page_id in dict.fromkeys(page_ids)
        }

    def wait_for(self, page_id: str) -> FetchedPage:
        """Return a page that `start` was given, as soon as it is there.

        Raises:
            ConfluenceError: The page cannot be had.
        """
        return self._pages[page_id].result()

    def wait_for_errors(self) -> dict[str, ConfluenceError]:
        """Wait for all pages and return what went wrong, by page ID."""
        wait(self._pages.values())
        errors = ((page_id, future.exception()) for page_id, future in self._pages.items())
        return {page_id: error for page_id, error in errors if isinstance(error, ConfluenceError)}

    def wait_for_pages(self) -> list[FetchedPage]:
        """Wait for all pages and return those that there are, in the order of `start`."""
        wait(self._pages.values())
        return [future.result() for future in self._pages.values() if not future.exception()]

    def cancel(self) -> None:
        """Let nobody wait for the pages that are not there yet."""
        for future in self._pages.values():
            future.cancel()
        self._exporter.begin_build()

    def close(self) -> None:
        """End the threads, then close the connections and the cache; twice does no harm."""
        self.cancel()
        self._workers.close()
        self._exporter.close()
        self._cache.close()

    def _fetch(self, page_id: str, base_url: Future[str], begin: float) -> FetchedPage:
        try:
            page = self._find(page_id, base_url.result())
        except ConfluenceError:
            raise
        except Exception as error:
            # The last net: an error of ours must not hide those of the other pages.
            raise FailureError(
                f"Something unexpected happened: {_locate(error)}.",
                "This is a mistake in mkdocs-confluence-md. Please report it.",
            ) from error
        return replace(page, seconds=time.monotonic() - begin)

    def _find(self, page_id: str, base_url: str) -> FetchedPage:
        resource = f"{base_url}/singleExport?pageId={page_id}"
        if self._offline:
            return FetchedPage(self._find_offline(resource), Origin.CACHE)
        account = self._exporter.auth.account()
        copy = self._cache.find_fresh(resource, account, self._max_age)
        if copy:
            return FetchedPage(copy.text, Origin.CACHE)
        try:
            return self._export(page_id, base_url, resource, account)
        except FailureError as error:
            copy = self._cache.find_last_good(resource, account)
            if copy is None:
                raise
            return FetchedPage(copy.text, Origin.STALE, age=copy.age, error=error)

    def _export(
        self, page_id: str, base_url: str, resource: str, account: str | None
    ) -> FetchedPage:
        validators = self._cache.find_validators(resource, account)
        export = self._exporter.export_page(base_url, page_id, validators=validators)
        copy = self._cache.find_last_good(resource, account) if export.not_modified else None
        if export.not_modified and copy is None:  # lost between the two questions
            export = self._exporter.export_page(base_url, page_id)
        text = copy.text if copy else export.markdown
        headers = {**copy.headers, **export.headers} if copy else export.headers
        # Only now is the account known for certain: the export may have been the sign-in.
        self._cache.keep(resource, self._exporter.auth.account(), text, headers)
        if new := self._new_cloud_id:
            self._cache.keep(self._exporter.cloud_id_url(), "", new.markdown, new.headers)
            self._new_cloud_id = None
        return FetchedPage(text, Origin.CONFIRMED if copy else Origin.EXPORTED)

    def _find_offline(self, resource: str) -> str:
        copy = self._cache.find_last_good(resource, None)
        if copy is None:
            raise FailureError(
                "There is no copy of this page in the cache, and `offline` is on.",
                "Build once with the network, or turn the option `offline` (or the environment "
                "variable CONFLUENCE_MD_OFFLINE) off.",
            )
        return copy.text

    def _find_base_url(self) -> str:
        address = self._exporter.address
        return address.make_base_url(self._find_cloud_id() if address.needs_cloud_id() else "")

    def _find_cloud_id(self) -> str:
        """Look up the site's cloud ID, once: then it is remembered."""
        resource = self._exporter.cloud_id_url()
        if self._offline:
            return self._find_offline(resource)
        copy = self._cache.find_fresh(resource, "", _CLOUD_ID_SECONDS)
        if copy:
            return copy.text
        try:
            self._new_cloud_id = self._exporter.look_up_cloud_id()
        except FailureError:
            copy = self._cache.find_last_good(resource, "")
            if copy is None:
                raise
            return copy.text
        return self._new_cloud_id.markdown


def _locate(error: Exception) -> str:
    """Name an error and the line that raised it; its text may hold anything, so it is left out."""
    traceback = error.__traceback__
    while traceback and traceback.tb_next:
        traceback = traceback.tb_next
    if traceback is None:
        return type(error).__name__
    file = Path(traceback.tb_frame.f_code.co_filename).name
    return f"{type(error).__name__} in {file}, line {traceback.tb_lineno}"
