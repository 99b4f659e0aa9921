"""Fetch single pages: from the cache, or by one export each."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from mkdocs_confluence_md.cache.records import FACTS_HEADER, attachments_resource, page_resource
from mkdocs_confluence_md.confluence.attachments import Reference, find_references
from mkdocs_confluence_md.confluence.content import redact_tokens
from mkdocs_confluence_md.confluence.models import (
    Export,
    PageFacts,
    is_unchanged,
    read_facts,
    write_facts,
)
from mkdocs_confluence_md.errors import (
    ConfluenceError,
    EmptyError,
    FailureError,
    NoAccessError,
)
from mkdocs_confluence_md.fetch.results import Assets, FetchedPage, Origin, WantedPage
from mkdocs_confluence_md.fetch.threads import describe_absence, explain_unexpected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mkdocs_confluence_md.cache.policy import ExportCache
    from mkdocs_confluence_md.cache.records import Cached
    from mkdocs_confluence_md.fetch.attachments import AssetFetcher
    from mkdocs_confluence_md.fetch.fetcher import AnyExporter, BaseUrlFinder
    from mkdocs_confluence_md.fetch.threads import Late


class PageExports:
    """Finds pages. Safe to use from many threads.

    Args:
        exporter: Asked for what the cache does not have.
        cache: Asked first.
        base_urls: Where the exporter is.
        max_age: Seconds for which a copy counts as fresh; `inf` is forever.
        offline: Take the last good copy whatever its age, and never use the network.
        assets: Finds the files that pages refer to; None if they are not wanted.
    """

    def __init__(  # noqa: PLR0913  it has that many settings
        self,
        exporter: AnyExporter,
        cache: ExportCache,
        base_urls: BaseUrlFinder,
        *,
        max_age: float,
        offline: bool,
        assets: Late[AssetFetcher] | None,
    ) -> None:
        self._exporter = exporter
        self._cache = cache
        self._base_urls = base_urls
        # Offline, a copy is as good as fresh whatever its age.
        self._max_age = float("inf") if offline else max_age
        self._offline = offline
        self._assets = assets
        self.outdated: dict[str, PageFacts] = {}
        """Pages that have changed since, however young their copies are."""

    def look_up(self, page_ids: Iterable[str]) -> Iterator[WantedPage]:
        """Say of each page what the cache has of it, which is asked once for all."""
        base_url = self._base_urls.find()
        ids = {page_resource(base_url, page_id): page_id for page_id in page_ids}
        account = self._base_urls.find_account()
        now = time.time()
        for resource, found in self._cache.look_up(ids, account, self._max_age):
            copy = _redact(found)
            if copy and self._cache.leases:  # it may be another machine's, so no export tells it
                self._cache.note_account(account)
            if copy and ids[resource] in self.outdated:
                copy = replace(copy, fresh=False)
            references = self._find_references(copy.text, ids[resource]) if copy else {}
            yield WantedPage(
                ids[resource], base_url, resource, account, copy, references, wanted_at=now
            )

    def _find_references(self, markdown: str, page_id: str) -> dict[str, Reference]:
        return find_references(markdown, page_id) if self._assets else {}

    def fetch(self, page: WantedPage) -> FetchedPage:
        """Fetch a page and its attachments, in one task.

        Raises:
            ConfluenceError: The page could not be fetched.
            HeldElsewhereError: Another machine exports it at the moment.
        """
        found = self._find(page)
        if page.copy and page.copy.text == found.markdown:
            references = page.references
        else:
            references = self._find_references(found.markdown, page.page_id)
        if not references:
            return found
        # While Confluence does not answer, the page itself is a copy from earlier.
        is_copy = found.origin is Origin.STALE
        assets = self._fetch_assets(page.base_url, page.page_id, references, is_copy=is_copy)
        return replace(found, assets=assets)

    def fetch_files(
        self, page_id: str, references: Mapping[str, Reference], *, is_copy: bool
    ) -> Assets:
        """Find files of a page that came without them, in a tree."""
        base_url = self._base_urls.find()
        assets = self._fetch_assets(base_url, page_id, references, is_copy=is_copy)
        return assets or Assets()

    def _fetch_assets(
        self, base_url: str, page_id: str, references: Mapping[str, Reference], *, is_copy: bool
    ) -> Assets | None:
        """Find the files that a page refers to; no failure of theirs is one of the page."""
        if self._assets is None:
            return None
        try:
            if self._offline or is_copy:
                account = self._base_urls.find_account()
                return self._assets.get().recall(base_url, page_id, account, references)
            return self._assets.get().fetch(base_url, page_id, references)
        except ConfluenceError as error:
            return Assets(error=error)
        except Exception as error:  # noqa: BLE001  the page is there
            return Assets(error=explain_unexpected(error))

    def _find(self, page: WantedPage) -> FetchedPage:
        if page.copy and page.copy.fresh:
            return read_copy(page.copy, Origin.CACHE)
        if self._offline:
            raise describe_absence()
        if page.was_put_off and (found := self._find_newer(page)):
            return found
        account = self._exporter.auth.account()
        if account != page.account:  # another page was the sign-in, and other copies are ours now
            copy = _redact(self._cache.find(page.resource, account, self._max_age))
            return self._find(replace(page, account=account, copy=copy))
        if page.copy and account and is_unchanged(page.kept, page.now):
            return self._keep(page, page.copy.text, page.copy.headers, Origin.CONFIRMED)
        try:
            with self._cache.hold_lease(page.resource, account):
                return self._find_newer(page) or self._export(page)
        except FailureError as error:
            copy = page.copy or self._find_copy(page)
            if copy is None:
                raise
            return replace(read_copy(copy, Origin.STALE), error=error)

    def _find_newer(self, page: WantedPage) -> FetchedPage | None:
        """Return a copy that another machine has exported since the page was looked up."""
        if self._cache.leases is None:
            return None
        # Of a page that has changed, only what is newer than that counts, or has this version.
        max_age = 0.0 if page.now or page.page_id in self.outdated else self._max_age
        account = self._exporter.auth.account()
        copy = _redact(self._cache.find(page.resource, account, max_age, since=page.wanted_at))
        if copy is None:
            return None
        if copy.fresh:
            self.outdated.pop(page.page_id, None)
            return read_copy(copy, Origin.CACHE)
        found = replace(page, copy=copy)
        if is_unchanged(found.kept, page.now):
            return self._keep(found, copy.text, copy.headers, Origin.CONFIRMED)
        return None

    def _find_copy(self, page: WantedPage) -> Cached | None:
        """Return the copy of the account that is known since the page was looked up, if it is."""
        account = self._exporter.auth.account()
        if account == page.account:
            return None
        return _redact(self._cache.find(page.resource, account, self._max_age))

    def _export(self, page: WantedPage) -> FetchedPage:
        copy = page.copy
        validators = copy.validators if copy else None
        try:
            export = self._exporter.export_page(page.base_url, page.page_id, validators=validators)
        except NoAccessError:
            account = self._exporter.auth.account()
            for resource in (page.resource, attachments_resource(page.base_url, page.page_id)):
                self._cache.forget(resource, account)
            # A refusal tells who is signed in now, as an export does.
            self._cache.note_account(account)
            raise
        except EmptyError:
            if not self._is_empty(page):
                raise
            export = Export("", {})
        confirmed = copy if export.not_modified else None
        text = confirmed.text if confirmed else redact_tokens(export.markdown)
        headers = {**confirmed.headers, **export.headers} if confirmed else export.headers
        origin = Origin.CONFIRMED if confirmed else Origin.EXPORTED
        fetched = self._keep(page, text, headers, origin)
        self._base_urls.keep()
        return fetched

    def keep(self, page: WantedPage, markdown: str) -> None:
        """Keep a page that was just exported with a tree, as if it had been exported by itself."""
        self._keep(page, redact_tokens(markdown), {}, Origin.EXPORTED)

    def _is_empty(self, page: WantedPage) -> bool:
        """Return True if a page really has no text: an empty answer alone may be a mistake."""
        try:
            content = self._exporter.export_archive(page.base_url, page.page_id, attachments=False)
        except ConfluenceError:
            return False
        from mkdocs_confluence_md.confluence.archive import read_archive  # noqa: PLC0415  rare

        archive = read_archive(content)
        texts = [archive.read(entry) for entry in archive.pages]
        return len(texts) == 1 and isinstance(texts[0], bytes) and not texts[0].strip()

    def _keep(
        self, page: WantedPage, text: str, headers: Mapping[str, str], origin: Origin
    ) -> FetchedPage:
        """Keep a page as the latest copy, with what is said of this text."""
        is_same = page.copy is not None and page.copy.text == text
        facts = page.now or (page.kept if is_same else None)
        told = {FACTS_HEADER: write_facts(facts)} if facts else {}
        headers = {name: headers[name] for name in headers if name != FACTS_HEADER} | told
        # Only now is the account known for certain: the export may have been the sign-in.
        account = self._exporter.auth.account()
        self._cache.keep(page.resource, account, text, headers)
        self._cache.note_account(account)
        self.outdated.pop(page.page_id, None)
        return FetchedPage(text, origin, facts=facts, etag=headers.get("etag", ""))


def _redact(copy: Cached | None) -> Cached | None:
    # One that was kept by an earlier version may have tokens.
    return replace(copy, text=redact_tokens(copy.text)) if copy else None


def read_copy(copy: Cached, origin: Origin) -> FetchedPage:
    """Return the page that a copy is of."""
    return FetchedPage(
        copy.text,
        origin,
        age=copy.age,
        facts=read_facts(copy.headers.get(FACTS_HEADER, "")),
        etag=copy.headers.get("etag", ""),
    )
