"""Fetch pages and trees concurrently: requested early, awaited when MkDocs needs each.

So the network runs while MkDocs renders, and a build takes about as long as the slower of the two.
"""

from __future__ import annotations

import re
import threading
import time
from concurrent.futures import Future, wait
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from mkdocs_confluence_md.errors import ConfluenceError, FailureError, HeldElsewhereError
from mkdocs_confluence_md.fetch.pages import PageExports, read_copy
from mkdocs_confluence_md.fetch.results import Assets, FetchedPage, FetchedTree, Origin, WantedPage
from mkdocs_confluence_md.fetch.threads import (
    Late,
    Workers,
    deliver,
    deliver_error,
    describe_absence,
)
from mkdocs_confluence_md.network.concurrency import FIRST_LIMIT
from mkdocs_confluence_md.network.spooling import Contents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mkdocs_confluence_md.auth.sign_ins import Account
    from mkdocs_confluence_md.cache.policy import ExportCache
    from mkdocs_confluence_md.confluence.attachments import Reference
    from mkdocs_confluence_md.confluence.exporter import Exporter
    from mkdocs_confluence_md.confluence.models import Export, PageFacts, Tree
    from mkdocs_confluence_md.confluence.refs import SpaceRef, TreeRef
    from mkdocs_confluence_md.confluence.rest import ConfluenceRest
    from mkdocs_confluence_md.fetch.attachments import AssetFetcher
    from mkdocs_confluence_md.fetch.snapshot import Snapshot
    from mkdocs_confluence_md.fetch.trees import TreeListings
    from mkdocs_confluence_md.fetch.versions import Versions
    from mkdocs_confluence_md.network.spooling import Spool
    from mkdocs_confluence_md.network.urls import ApiAddress

_TELL_SECONDS = 0.1

Tell: TypeAlias = "Callable[[int, int], None]"
Fetched = TypeVar("Fetched", FetchedPage, FetchedTree)


class LateExporter:
    """An exporter that is made for the first request: most builds find all pages in the cache.

    Args:
        address: Where the API is.
        account: Who is signed in, as far as that is known before a request.
        make: Makes the exporter.
    """

    def __init__(self, address: ApiAddress, account: Account, make: Callable[[], Exporter]) -> None:
        self.address = address
        self._account = account
        self._exporter = Late(make)

    @property
    def auth(self) -> Account:
        """Who is signed in."""
        return self._exporter.made.auth if self._exporter.made else self._account

    def look_up_cloud_id(self) -> Export:
        """Ask the site for its cloud ID, as `Exporter` does."""
        return self._exporter.get().look_up_cloud_id()

    def export_page(
        self, base_url: str, page_id: str, *, validators: Mapping[str, str] | None = None
    ) -> Export:
        """Export one page, as `Exporter` does."""
        return self._exporter.get().export_page(base_url, page_id, validators=validators)

    def export_archive(self, base_url: str, page_id: str, *, attachments: bool) -> Spool:
        """Export one page as an archive, as `Exporter` does."""
        return self._exporter.get().export_archive(base_url, page_id, attachments=attachments)

    def export_tree(
        self, base_url: str, ref: TreeRef | SpaceRef, *, attachments: bool
    ) -> tuple[Spool, int]:
        """Export a tree, as `Exporter` does."""
        return self._exporter.get().export_tree(base_url, ref, attachments=attachments)

    def begin_build(self) -> None:
        """Cancel pending requests and reset the circuit breaker."""
        if self._exporter.made:
            self._exporter.made.begin_build()

    def count_threads(self) -> int:
        """Return how many threads have something to do at present, as `Exporter` does."""
        return self._exporter.made.count_threads() if self._exporter.made else FIRST_LIMIT

    def find_learned(self) -> dict[str, int]:
        """Return how many requests should be in flight in a next build, as `Exporter` does."""
        return self._exporter.made.find_learned() if self._exporter.made else {}

    def close(self) -> None:
        """Close the connections, and make none any more."""
        if exporter := self._exporter.stop():
            exporter.close()


AnyExporter: TypeAlias = "Exporter | LateExporter"
Held: TypeAlias = "dict[str, tuple[WantedPage, Callable[[], None]]]"


class ConfluenceSource:
    """Pages and trees of Confluence, from the cache or from its APIs.

    Args:
        exporter: Asked for what the cache does not have.
        cache: Asked first.
        max_age: Seconds for which a copy counts as fresh; `inf` is forever.
        offline: Take the last good copy whatever its age, and never use the network.
        attachments: Fetch the files that pages refer to, too.
        versions: Asked whether copies that are not fresh are still good.
        base_urls: Where the exporter is; made where it is not given.
        contents: Holds attachments; made where it is not given.
    """

    def __init__(  # noqa: PLR0913  it has that many settings
        self,
        exporter: AnyExporter,
        cache: ExportCache,
        *,
        max_age: float,
        offline: bool = False,
        attachments: bool = True,
        versions: Versions | None = None,
        base_urls: BaseUrlFinder | None = None,
        contents: Contents | None = None,
    ) -> None:
        self._exporter = exporter
        self._cache = cache
        self._base_urls = base_urls or BaseUrlFinder(exporter, cache, offline=offline)
        self.offline = offline
        self.versions = None if offline else versions
        self.contents = contents or Contents()
        self._max_age = max_age
        self._attachments = attachments
        self.pages = PageExports(
            exporter,
            cache,
            self._base_urls,
            max_age=max_age,
            offline=offline,
            assets=Late(self._make_assets) if attachments else None,
        )
        self._trees = Late(self._make_trees)
        self._is_closed = False

    @property
    def trees(self) -> TreeListings:
        """Finds trees."""
        return self._trees.get()

    def _make_assets(self) -> AssetFetcher:
        from mkdocs_confluence_md.fetch.attachments import AssetFetcher  # noqa: PLC0415  see `Late`

        return AssetFetcher(self._exporter, self._cache, self.contents, max_age=self._max_age)

    def _make_trees(self) -> TreeListings:
        from mkdocs_confluence_md.fetch.trees import (  # noqa: PLC0415  see `Late`
            TreeExports,
            TreeListings,
        )

        cache, base_urls = self._cache, self._base_urls
        exports = TreeExports(
            self._exporter,
            cache,
            base_urls,
            max_age=self._max_age,
            offline=self.offline,
            attachments=self._attachments,
        )
        return TreeListings(
            self.versions,
            exports,
            cache,
            base_urls,
            max_age=self._max_age,
            offline=self.offline,
        )

    def count_threads(self) -> int:
        """Return how many threads have something to do at present."""
        return self._exporter.count_threads()

    def begin_build(self) -> None:
        """Ask the server that machines share again, also if an earlier build could not."""
        self._cache.begin_build()

    def wait_for_lease(self, name: str, resume: Callable[[], object]) -> None:
        """Call something when another machine has made an export."""
        assert self._cache.leases  # noqa: S101  otherwise no lease has a name
        self._cache.leases.wait(name, resume)

    def reset(self) -> None:
        """Cancel pending requests, and look again at what could not be reached."""
        self._cache.cancel()
        self._base_urls.begin_build()
        self._exporter.begin_build()
        if self.versions:
            self.versions.begin_build()

    def close(self) -> None:
        """Close the connections and the cache; closing twice does no harm."""
        if not self._is_closed and (limits := self._exporter.find_learned()):
            self._cache.note_limits(limits)
        self._is_closed = True
        self._exporter.close()
        if self.versions:
            self.versions.close()
        self._cache.close()


class Fetcher:
    """Fetches the pages and trees of a site, each once a build.

    One fetcher lives through a whole `mkdocs serve`; `start` begins a build. Copies of a snapshot
    replace what could not be fetched, as copies in the cache do: not what Confluence refuses.

    Args:
        source: Confluence; None to use nothing but the snapshot.
        threads: How many pages are worked at, at most: more than the exporter has connections, so
            that these stay busy while other pages are looked up and stored.
        snapshot: What was pulled.
        reason: Why nothing but the snapshot is used, for a line of the log.
        contents: Holds attachments, for a snapshot alone.
    """

    def __init__(
        self,
        source: ConfluenceSource | None,
        *,
        threads: int,
        snapshot: Snapshot | None = None,
        reason: str = "",
        contents: Contents | None = None,
    ) -> None:
        self._source = source
        self._snapshot = snapshot
        self._reason = reason
        self.offline = source is None or source.offline
        self.contents = contents or (source.contents if source else Contents())
        wanted = source.count_threads if source else None
        self._workers = Workers(threads, name="confluence-md", wanted=wanted)
        self._pages: dict[str, Future[FetchedPage]] = {}
        self._trees: dict[TreeRef | SpaceRef, Future[FetchedTree]] = {}
        self._files: dict[str, Future[Assets]] = {}
        """Of pages that are in trees, by the ID of the page that has them."""
        self._look_ups: list[Future[None]] = []
        self._at_hand: list[Future[FetchedPage]] = []
        """Of pages that are in the cache, and fresh."""
        self._copies: dict[str, WantedPage] = {}
        """The pages that are in the cache, and not fresh, by ID."""
        self._is_holding = False
        self._held: Held = {}
        """Pages that may be in a tree, which is fetched anyway, by ID, and what fetches each."""
        self._told_at = float("-inf")

    @property
    def uses_only_snapshot(self) -> bool:
        """Whether Confluence and its copies are left alone."""
        return self._source is None

    def describe_snapshot(self, count: int) -> str:
        """Say in one line that so many pages are from the snapshot; empty if it is not so."""
        if self._source or self._snapshot is None:
            return ""
        return self._snapshot.describe(count, self._reason)

    def start(self, page_ids: Iterable[str], trees: Iterable[TreeRef | SpaceRef] = ()) -> None:
        """Begin to fetch pages for a build; what an earlier build still wanted is dropped.

        Raises:
            SnapshotError: The snapshot cannot be read.
        """
        self.cancel()
        self._pages, self._trees, self._files = {}, {}, {}
        self._look_ups, self._at_hand, self._copies = [], [], {}
        if self._snapshot:
            self._snapshot.open()
        if self._source:
            self._source.begin_build()
        self.add_trees(trees)
        # An account for Confluence's own API lists trees, and their pages are fetched one by one.
        self._held = {}
        self._is_holding = bool(self._trees and self._source and not self._source.versions)
        self.add(page_ids, dict(self._source.pages.outdated) if self._source else None)

    def add_trees(self, trees: Iterable[TreeRef | SpaceRef]) -> None:
        """Begin to fetch those trees for the same build that are not under way already."""
        begin = time.monotonic()
        for ref in trees:
            if ref not in self._trees:
                tree = self._trees[ref] = Future()
                find = partial(_measure, partial(self._fetch_tree, ref), begin)
                self._workers.submit(partial(deliver, tree, find))

    def add(self, page_ids: Iterable[str], facts: Mapping[str, PageFacts] | None = None) -> None:
        """Begin to fetch those pages for the same build that are not under way already.

        Args:
            page_ids: Which ones.
            facts: What Confluence has just said of some of them, so that it is not asked again.
        """
        if self._source and self._source.versions and facts:
            self._source.versions.learn(facts)
        more: dict[str, Future[FetchedPage]]
        more = {page_id: Future() for page_id in page_ids if page_id not in self._pages}
        if more:
            self._pages |= more
            task = partial(self._hand_out, more, time.monotonic(), self._held)
            self._look_ups.append(self._workers.submit(task))

    def add_files(
        self, page_id: str, references: Mapping[str, Reference], *, is_copy: bool
    ) -> None:
        """Begin to fetch the attachments of a page that came without them in a tree.

        Args:
            page_id: The page that they are attached to.
            references: To them.
            is_copy: The tree is a copy from earlier, so Confluence does not answer.
        """
        if page_id not in self._files:
            files = self._files[page_id] = Future()
            find = partial(self._fetch_files, page_id, references, is_copy=is_copy)
            self._workers.submit(partial(deliver, files, find))

    def wait_for_files(self, page_id: str, tell: Tell | None = None) -> Assets:
        """Return what `add_files` asked for, as soon as it is there."""
        self._wait([self._files[page_id]], tell)
        return self._files[page_id].result()

    def wait_for_trees(
        self, tell: Tell | None = None
    ) -> dict[TreeRef | SpaceRef, FetchedTree | ConfluenceError]:
        """Wait for all trees, and return each, or the error that it could not be fetched for."""
        self._wait(self._trees.values(), tell)
        found: dict[TreeRef | SpaceRef, FetchedTree | ConfluenceError] = {}
        for ref, future in self._trees.items():
            error = future.exception()
            found[ref] = error if isinstance(error, ConfluenceError) else future.result()
        return found

    def find_held(self) -> set[str]:
        """Return the pages that are not fetched before it is known whether a tree has them."""
        if not self._is_holding:
            return set()
        wait(self._look_ups)
        return set(self._held)

    def give(self, page_id: str, page: FetchedPage, references: Mapping[str, Reference]) -> None:
        """Deliver a page of `find_held` as it is in a tree.

        Args:
            page_id: Which one.
            page: As the tree has it.
            references: To attachments that did not come with the tree.
        """
        wanted, _ = self._held.pop(page_id)

        def complete() -> FetchedPage:
            if page.origin is Origin.EXPORTED and self._source:
                self._source.pages.keep(wanted, page.markdown)
            if not references:
                return page
            is_copy = page.origin is Origin.STALE
            return replace(page, assets=self._fetch_files(page_id, references, is_copy=is_copy))

        self._workers.submit(partial(deliver, self._pages[page_id], complete))

    def release(self, page_ids: Iterable[str] | None = None) -> None:
        """Begin to fetch pages of `find_held` after all; all of them, if none are named."""
        self.find_held()
        for page_id in list(self._held) if page_ids is None else page_ids:
            if held := self._held.pop(page_id, None):
                self._workers.submit(held[1])
        self._is_holding = bool(self._held)

    def wait_for(self, page_id: str, tell: Tell | None = None) -> FetchedPage:
        """Return a page that `start` was given, as soon as it is there.

        Args:
            page_id: Which one.
            tell: Is told now and then how many pages of how many are there.

        Raises:
            ConfluenceError: The page could not be fetched.
        """
        self.release([page_id])
        self._wait([self._pages[page_id]], tell)
        return self._pages[page_id].result()

    def wait_for_copies(self) -> None:
        """Wait for the pages that are in the cache, and fresh."""
        wait(self._look_ups)
        wait(self._at_hand)

    def has(self, page_id: str) -> bool:
        """Return True if a page is there."""
        return _has_succeeded(self._pages[page_id])

    def find_copy(self, page_id: str) -> FetchedPage | None:
        """Return the cached copy of a page that is not there yet."""
        page = self._copies.get(page_id)
        return read_copy(page.copy, Origin.STALE) if page and page.copy else None

    def wait_for_errors(self, tell: Tell | None = None) -> dict[str, ConfluenceError]:
        """Wait for all pages and return what went wrong, by page ID."""
        self.release()
        self._wait(self._pages.values(), tell)
        errors = ((page_id, future.exception()) for page_id, future in self._pages.items())
        return {page_id: error for page_id, error in errors if isinstance(error, ConfluenceError)}

    def wait_for_pages(self, tell: Tell | None = None) -> list[FetchedPage]:
        """Wait for all pages and return those that there are, in the order of `start`."""
        self.release()
        self._wait(self._pages.values(), tell)
        return [future.result() for future in self._pages.values() if not future.exception()]

    def find_facts(self) -> dict[str, PageFacts | None]:
        """Return what is known of the pages of this build, by page ID; None where nothing is."""
        there = {
            page_id: future.result()
            for page_id, future in self._pages.items()
            if _has_succeeded(future)
        }
        return {each: there[each].facts if each in there else None for each in self._pages}

    def make_hasty_rest(self) -> ConfluenceRest | None:
        """Return a client that asks Confluence itself and does not retry; None without one."""
        versions = self._source.versions if self._source else None
        return versions.rest.without_retries() if versions else None

    def expire(self, facts: Mapping[str, PageFacts]) -> None:
        """Let the next build export pages that have changed, whatever `max_age` says.

        Args:
            facts: What Confluence has just said of them.
        """
        if self._source:
            self._source.pages.outdated.update(facts)

    def find_listed_trees(self) -> dict[TreeRef | SpaceRef, Tree]:
        """Return those trees of this build that were listed page by page."""
        there = {
            ref: future.result() for ref, future in self._trees.items() if _has_succeeded(future)
        }
        return {ref: tree.listed for ref, tree in there.items() if tree.listed}

    def expire_tree(self, ref: TreeRef | SpaceRef) -> None:
        """Let the next build list a tree that has changed, whatever `max_age` says."""
        if self._source:
            self._source.trees.outdated.add(ref)

    def cancel(self) -> None:
        """Cancel the pages that are not there yet."""
        for future in self._all():
            future.cancel()
        if self._source:
            self._source.reset()

    def close(self) -> None:
        """End the threads, then close the connections and the cache; twice does no harm."""
        self.cancel()
        self._workers.close()
        if self._source:
            self._source.close()

    def _all(self) -> list[Future[Any]]:
        return [*self._trees.values(), *self._pages.values(), *self._files.values()]

    def _wait(self, futures: Iterable[Future[Any]], tell: Tell | None) -> None:
        pending = {future for future in futures if not future.done()}
        self._workers.start_threads()
        self._tell(tell)
        while pending:
            _, pending = wait(pending, timeout=_TELL_SECONDS)
            self._workers.start_threads()
            self._tell(tell)

    def _tell(self, tell: Tell | None) -> None:
        now = time.monotonic()
        if tell and now >= self._told_at + _TELL_SECONDS:
            self._told_at = now
            futures = self._all()
            tell(sum(future.done() for future in futures), len(futures))

    def _fetch_tree(self, ref: TreeRef | SpaceRef) -> FetchedTree:
        if self._source is None:
            return self._open_snapshot().fetch_tree(ref)
        try:
            return self._source.trees.fetch(ref)
        except FailureError as error:
            if self._snapshot is None:
                raise
            return self._snapshot.replace_tree(ref, error)

    def _fetch_files(
        self, page_id: str, references: Mapping[str, Reference], *, is_copy: bool
    ) -> Assets:
        if self._source is None:
            return self._open_snapshot().fetch_files(page_id, references)
        found = self._source.pages.fetch_files(page_id, references, is_copy=is_copy)
        if self._snapshot is None:
            return found
        return self._snapshot.complete_files(page_id, references, found)

    def _fetch_page(self, source: ConfluenceSource, page: WantedPage) -> FetchedPage:
        try:
            return source.pages.fetch(page)
        except FailureError as error:
            if self._snapshot is None:
                raise
            return self._snapshot.replace_page(page.page_id, error)

    def _open_snapshot(self) -> Snapshot:
        assert self._snapshot  # noqa: S101  without Confluence, there is one
        return self._snapshot

    def _hand_out(
        self, futures: Mapping[str, Future[FetchedPage]], begin: float, held: Held
    ) -> None:
        """Deliver the pages that are at hand, and begin to fetch the others, but for held ones."""
        if self._source is None:
            for page_id, future in futures.items():
                find = partial(self._open_snapshot().fetch_page, page_id)
                deliver(future, partial(_measure, find, begin))
            return
        left = dict(futures)
        try:
            self._look_up(self._source, left, begin, held)
        except Exception as error:  # noqa: BLE001  it is for those who wait for the pages
            self._replace_all(left, error)

    def _replace_all(self, futures: Mapping[str, Future[FetchedPage]], error: Exception) -> None:
        """Deliver the snapshot's copies of pages, or the error that they have in common."""
        for page_id, future in futures.items():
            if self._snapshot and isinstance(error, FailureError):
                deliver(future, partial(self._snapshot.replace_page, page_id, error.copy()))
            else:
                deliver_error(future, error)

    def _look_up(
        self,
        source: ConfluenceSource,
        left: dict[str, Future[FetchedPage]],
        begin: float,
        held: Held,
    ) -> None:
        """Deliver fresh copies; have the others confirmed, many at once, or exported."""
        versions = source.versions
        expired: dict[str, WantedPage] = {}
        for page in source.pages.look_up(list(left)):
            if page.copy and page.copy.fresh:
                self._at_hand.append(left[page.page_id])
            elif page.copy and page.account:
                self._copies[page.page_id] = page
            if versions:
                versions.meet(page.kept)
                if not (page.copy and page.copy.fresh):
                    expired[page.page_id] = page
                    continue
            task = partial(self._deliver, source, left.pop(page.page_id), page, begin)
            if page.is_at_hand:
                task()
            elif self._is_holding and not (page.copy and page.copy.fresh):
                held[page.page_id] = page, task
            else:
                self._workers.submit(task)
        if versions is None:
            return
        for group in versions.divide(expired):
            futures = {page_id: left.pop(page_id) for page_id in group}
            self._workers.submit(partial(self._confirm, source, versions, futures, expired, begin))

    def _confirm(
        self,
        source: ConfluenceSource,
        versions: Versions,
        futures: Mapping[str, Future[FetchedPage]],
        pages: Mapping[str, WantedPage],
        begin: float,
    ) -> None:
        """Ask which copies are still good, and begin to fetch the pages."""
        try:
            found = versions.find({page_id: pages[page_id].kept for page_id in futures})
        except Exception as error:  # noqa: BLE001  the same
            self._replace_all(futures, error)
            return
        for page_id, future in futures.items():
            page = replace(pages[page_id], now=found.get(page_id))
            self._workers.submit(partial(self._deliver, source, future, page, begin))

    def _deliver(
        self, source: ConfluenceSource, future: Future[FetchedPage], page: WantedPage, begin: float
    ) -> None:
        """Deliver a page; one that another machine exports at the moment is put off."""
        try:
            deliver(future, partial(_measure, partial(self._fetch_page, source, page), begin))
        except HeldElsewhereError as held:
            later = replace(page, was_put_off=True)
            task = partial(self._deliver, source, future, later, begin)
            source.wait_for_lease(held.name, partial(self._workers.submit, task))


def _has_succeeded(future: Future[Any]) -> bool:
    return future.done() and not future.cancelled() and not future.exception()


def _measure(find: Callable[[], Fetched], begin: float) -> Fetched:
    found = find()
    return replace(found, seconds=time.monotonic() - begin)


_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

# A site's cloud ID stays the same for as long as the site is not moved.
_CLOUD_ID_SECONDS = 30 * 86400.0


class BaseUrlFinder:
    """Finds the base URL, in the cache or with one request. Safe to use from many threads.

    Args:
        exporter: Knows the address, as far as it is given, and can ask for the rest.
        cache: Asked first.
        offline: Send no requests.
    """

    def __init__(self, exporter: AnyExporter, cache: ExportCache, *, offline: bool) -> None:
        self._exporter = exporter
        self._cache = cache
        self._offline = offline
        self._max_age = float("inf") if offline else _CLOUD_ID_SECONDS
        self._lock = threading.Lock()
        self._new: Export | None = None
        """Looked up, and not kept yet: only one that leads to an export is worth keeping."""

    def begin_build(self) -> None:
        """Look up anew what has led nowhere."""
        self._new = None

    def keep(self) -> None:
        """Keep what was looked up: it has led to an export."""
        if new := self._new:
            self._cache.keep(self._exporter.address.cloud_id_url(), "", new.markdown, new.headers)
            self._new = None

    def find_account(self) -> str | None:
        """Return the account whose copies count.

        Offline, where a token may not have told yet who is signed in, it is the one that this
        project used last.
        """
        auth = self._exporter.auth
        return (auth.identity() or self._cache.find_account()) if self._offline else auth.account()

    def find(self) -> str:
        """Return the API's base URL.

        Raises:
            ConfluenceError: It needs the site's cloud ID, and that is not known.
        """
        address = self._exporter.address
        if not address.needs_cloud_id():
            return address.make_base_url()
        return address.make_base_url(self.find_cloud_id())

    def find_cloud_id(self) -> str:
        """Return the site's cloud ID.

        Raises:
            ConfluenceError: It is not known, and could not be looked up.
        """
        if cloud_id := self._exporter.address.find_cloud_id():
            return cloud_id
        # Pages and trees are looked up side by side.
        with self._lock:
            return self._find_cloud_id()

    def _find_cloud_id(self) -> str:
        """Look up the site's cloud ID, once: then it is remembered."""
        account = None if self._offline else ""
        copy = self._cache.find(self._exporter.address.cloud_id_url(), account, self._max_age)
        if copy and not _UUID.fullmatch(copy.text):
            copy = None  # it becomes a part of URLs
        if copy and copy.fresh:
            return copy.text
        if self._offline:
            raise describe_absence()
        if self._new:
            return self._new.markdown
        try:
            new = self._exporter.look_up_cloud_id()
        except ConfluenceError:
            if copy is None:
                raise
            return copy.text  # it outlives most of what can go wrong
        if copy and copy.text == new.markdown:
            self._cache.keep(self._exporter.address.cloud_id_url(), "", new.markdown, new.headers)
        else:
            self._new = new
        return new.markdown
