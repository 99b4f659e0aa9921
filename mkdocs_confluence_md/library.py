"""The pages that a site needs: asked for early, each awaited when MkDocs wants it.

So the network runs while MkDocs renders, and a build costs about the longer of the two.
"""

from __future__ import annotations

import time
from concurrent.futures import Future, wait
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from mkdocs_confluence_md.assets import AssetFetcher, Assets
from mkdocs_confluence_md.attachments import Reference, find_references
from mkdocs_confluence_md.errors import ConfluenceError, FailureError
from mkdocs_confluence_md.keys import page_resource
from mkdocs_confluence_md.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from mkdocs_confluence_md.cache import Cached, ExportCache
    from mkdocs_confluence_md.exporter import Export, Exporter

# A site's cloud ID stays the same for as long as the site is not moved.
_CLOUD_ID_SECONDS = 30 * 86400.0

_TELL_SECONDS = 0.1

Tell: TypeAlias = "Callable[[int, int], None]"


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
    assets: Assets | None = None
    """The files that it refers to; None if it refers to none, or they are not wanted."""


@dataclass(frozen=True)
class _Wanted:
    """A page, and what the cache has of it."""

    page_id: str
    base_url: str
    resource: str
    account: str | None
    copy: Cached | None
    references: Mapping[str, Reference] = field(default_factory=dict)
    """To attachments, in the copy."""

    @property
    def is_at_hand(self) -> bool:
        """Whether nothing else has to be looked for."""
        return bool(self.copy and self.copy.fresh and not self.references)


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
        attachments: Fetch the files that pages refer to, too.
    """

    def __init__(  # noqa: PLR0913  it has that many settings
        self,
        exporter: Exporter,
        cache: ExportCache,
        *,
        threads: int,
        max_age: float,
        offline: bool = False,
        attachments: bool = True,
    ) -> None:
        self._exporter = exporter
        self._cache = cache
        # Offline, a copy is as good as fresh whatever its age.
        self._max_age = float("inf") if offline else max_age
        self._cloud_id_max_age = float("inf") if offline else _CLOUD_ID_SECONDS
        self._offline = offline
        self._assets = AssetFetcher(exporter, cache, max_age=max_age) if attachments else None
        self._workers = Workers(threads, name="confluence-md")
        self._new_cloud_id: Export | None = None
        """Looked up, and not kept yet: only one that leads to an export is worth keeping."""
        self._pages: dict[str, Future[FetchedPage]] = {}
        self._told_at = float("-inf")

    def start(self, page_ids: Iterable[str]) -> None:
        """Begin to fetch pages for a build; what an earlier build still wanted is dropped."""
        self.cancel()
        self._pages = {}
        self.add(page_ids)

    def add(self, page_ids: Iterable[str]) -> None:
        """Begin to fetch those pages for the same build that are not under way already."""
        more: dict[str, Future[FetchedPage]]
        more = {page_id: Future() for page_id in page_ids if page_id not in self._pages}
        if more:
            self._pages |= more
            self._workers.submit(partial(self._hand_out, more, time.monotonic()))

    def wait_for(self, page_id: str, tell: Tell | None = None) -> FetchedPage:
        """Return a page that `start` was given, as soon as it is there.

        Args:
            page_id: Which one.
            tell: Is told now and then how many pages of how many are there.

        Raises:
            ConfluenceError: The page cannot be had.
        """
        self._wait([self._pages[page_id]], tell)
        return self._pages[page_id].result()

    def wait_for_errors(self, tell: Tell | None = None) -> dict[str, ConfluenceError]:
        """Wait for all pages and return what went wrong, by page ID."""
        self._wait(self._pages.values(), tell)
        errors = ((page_id, future.exception()) for page_id, future in self._pages.items())
        return {page_id: error for page_id, error in errors if isinstance(error, ConfluenceError)}

    def wait_for_pages(self, tell: Tell | None = None) -> list[FetchedPage]:
        """Wait for all pages and return those that there are, in the order of `start`."""
        self._wait(self._pages.values(), tell)
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

    def _wait(self, futures: Iterable[Future[FetchedPage]], tell: Tell | None) -> None:
        pending = {future for future in futures if not future.done()}
        self._tell(tell)
        while pending:
            _, pending = wait(pending, timeout=_TELL_SECONDS if tell else None)
            self._tell(tell)

    def _tell(self, tell: Tell | None) -> None:
        now = time.monotonic()
        if tell and now >= self._told_at + _TELL_SECONDS:
            self._told_at = now
            tell(sum(future.done() for future in self._pages.values()), len(self._pages))

    def _hand_out(self, pages: Mapping[str, Future[FetchedPage]], begin: float) -> None:
        """Deliver the pages that are fresh, and begin to fetch the others."""
        left = dict(pages)
        try:
            for page in self._look_up(left):
                future = left.pop(page.page_id)
                deliver = partial(_deliver, future, partial(self._fetch, page), begin)
                if page.is_at_hand:
                    deliver()
                elif not future.cancelled():
                    self._workers.submit(deliver)
        except Exception as error:  # noqa: BLE001  it is for those who wait for the pages
            for future in left.values():
                _deliver(future, partial(_raise, error), begin)

    def _look_up(self, page_ids: Iterable[str]) -> Iterator[_Wanted]:
        """Say of each page what the cache has of it, which is asked once for all."""
        base_url = self._find_base_url()
        ids = {page_resource(base_url, page_id): page_id for page_id in page_ids}
        account = None if self._offline else self._exporter.auth.account()
        for resource, copy in self._cache.look_up(ids, account, self._max_age):
            references = self._find_references(copy.text, ids[resource]) if copy else {}
            yield _Wanted(ids[resource], base_url, resource, account, copy, references)

    def _find_references(self, markdown: str, page_id: str) -> dict[str, Reference]:
        return find_references(markdown, page_id) if self._assets else {}

    def _fetch(self, page: _Wanted) -> FetchedPage:
        """Find a page, and what it refers to: that is one task, so that nobody waits in between."""
        found = self._find(page)
        if page.copy and page.copy.text == found.markdown:
            references = page.references
        else:
            references = self._find_references(found.markdown, page.page_id)
        if not references:
            return found
        return replace(found, assets=self._fetch_assets(page, found, references))

    def _fetch_assets(
        self, page: _Wanted, found: FetchedPage, references: Mapping[str, Reference]
    ) -> Assets | None:
        """Find the files that a page refers to; no failure of theirs is one of the page."""
        if self._assets is None:
            return None
        try:
            # While Confluence does not answer, the page itself is a copy from earlier.
            if self._offline or found.origin is Origin.STALE:
                account = None if self._offline else self._exporter.auth.account()
                return self._assets.recall(page.base_url, page.page_id, account, references)
            return self._assets.fetch(page.base_url, page.page_id, references)
        except ConfluenceError as error:
            return Assets(error=error)
        except Exception as error:  # noqa: BLE001  the page is there
            return Assets(error=_explain_unexpected(error))

    def _find(self, page: _Wanted) -> FetchedPage:
        if page.copy and page.copy.fresh:
            return FetchedPage(page.copy.text, Origin.CACHE)
        if self._offline:
            raise _describe_absence()
        account = self._exporter.auth.account()
        if account != page.account:  # another page was the sign-in, and other copies are ours now
            copy = self._cache.find(page.resource, account, self._max_age)
            return self._find(replace(page, account=account, copy=copy))
        try:
            return self._export(page)
        except FailureError as error:
            copy = page.copy or self._find_copy(page)
            if copy is None:
                raise
            return FetchedPage(copy.text, Origin.STALE, age=copy.age, error=error)

    def _find_copy(self, page: _Wanted) -> Cached | None:
        """Return the copy of the account that is known since the page was looked up, if it is."""
        account = self._exporter.auth.account()
        if account == page.account:
            return None
        return self._cache.find(page.resource, account, self._max_age)

    def _export(self, page: _Wanted) -> FetchedPage:
        copy = page.copy
        validators = copy.validators if copy else None
        export = self._exporter.export_page(page.base_url, page.page_id, validators=validators)
        confirmed = copy if export.not_modified else None
        text = confirmed.text if confirmed else export.markdown
        headers = {**confirmed.headers, **export.headers} if confirmed else export.headers
        # Only now is the account known for certain: the export may have been the sign-in.
        self._cache.keep(page.resource, self._exporter.auth.account(), text, headers)
        if new := self._new_cloud_id:
            self._cache.keep(self._exporter.cloud_id_url(), "", new.markdown, new.headers)
            self._new_cloud_id = None
        return FetchedPage(text, Origin.CONFIRMED if confirmed else Origin.EXPORTED)

    def _find_base_url(self) -> str:
        address = self._exporter.address
        return address.make_base_url(self._find_cloud_id() if address.needs_cloud_id() else "")

    def _find_cloud_id(self) -> str:
        """Look up the site's cloud ID, once: then it is remembered."""
        account = None if self._offline else ""
        copy = self._cache.find(self._exporter.cloud_id_url(), account, self._cloud_id_max_age)
        if copy and copy.fresh:
            return copy.text
        if self._offline:
            raise _describe_absence()
        try:
            new = self._exporter.look_up_cloud_id()
        except ConfluenceError:
            if copy is None:
                raise
            return copy.text  # it outlives most of what can go wrong
        if copy and copy.text == new.markdown:
            self._cache.keep(self._exporter.cloud_id_url(), "", new.markdown, new.headers)
        else:
            self._new_cloud_id = new
        return new.markdown


def _deliver(future: Future[FetchedPage], find: Callable[[], FetchedPage], begin: float) -> None:
    """Give a page to those who wait for it, or what went wrong; nothing if nobody wants it."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(replace(find(), seconds=time.monotonic() - begin))
    except ConfluenceError as error:
        future.set_exception(error)
    except Exception as error:  # noqa: BLE001  the last net: it must not hide other pages' errors
        future.set_exception(_explain_unexpected(error))


def _raise(error: Exception) -> FetchedPage:
    raise error.copy() if isinstance(error, ConfluenceError) else error


def _describe_absence() -> FailureError:
    return FailureError(
        "There is no copy of this page in the cache, and `offline` is on.",
        "Build once with the network, or turn the option `offline` (or the environment "
        "variable CONFLUENCE_MD_OFFLINE) off.",
    )


def _explain_unexpected(error: Exception) -> FailureError:
    return FailureError(
        f"Something unexpected happened: {_locate(error)}.",
        "This is a mistake in mkdocs-confluence-md. Please report it.",
    )


def _locate(error: Exception) -> str:
    """Name an error and the line that raised it; its text may hold anything, so it is left out."""
    traceback = error.__traceback__
    while traceback and traceback.tb_next:
        traceback = traceback.tb_next
    if traceback is None:
        return type(error).__name__
    file = Path(traceback.tb_frame.f_code.co_filename).name
    return f"{type(error).__name__} in {file}, line {traceback.tb_lineno}"
