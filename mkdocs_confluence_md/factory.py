"""Make the parts that live through a whole `mkdocs serve` from options and environment."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from mkdocs_confluence_md.auth.environment import find_misspelt, read_environment
from mkdocs_confluence_md.auth.sign_ins import ChainAccount, find_account
from mkdocs_confluence_md.cache.policy import ExportCache
from mkdocs_confluence_md.config import find_cache_dir, find_snapshot_dir
from mkdocs_confluence_md.errors import StoreError
from mkdocs_confluence_md.fetch.fetcher import (
    BaseUrlFinder,
    ConfluenceSource,
    Fetcher,
    LateExporter,
)
from mkdocs_confluence_md.fetch.versions import make_versions
from mkdocs_confluence_md.network.concurrency import FIRST_LIMIT
from mkdocs_confluence_md.network.spooling import Contents
from mkdocs_confluence_md.network.throttling import Patience
from mkdocs_confluence_md.site.pages import ProgressBar
from mkdocs_confluence_md.site.watch import CHANGE_MARKER, Watching

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.livereload import LiveReloadServer

    from mkdocs_confluence_md.auth.environment import Environment
    from mkdocs_confluence_md.auth.sign_ins import Account
    from mkdocs_confluence_md.config import PluginConfig
    from mkdocs_confluence_md.confluence.exporter import Exporter
    from mkdocs_confluence_md.network.shared_store import OptionalStore
    from mkdocs_confluence_md.network.urls import ApiAddress
    from mkdocs_confluence_md.site.trees import KnownTrees

_LABEL_PLUGINS = re.compile(r"tag|\brss\b", re.IGNORECASE)
"""Plugins that show a page's `tags`, by name: Material's own, others like it, and feeds."""


class Session:
    """The fetcher with its connections and its cache, the progress bar, and the watching.

    Args:
        warn: Is told what is wrong besides pages.
        inform: Is told what else is worth knowing.
    """

    def __init__(self, *, warn: Callable[[str], None], inform: Callable[[str], None]) -> None:
        self._warn, self._inform = warn, inform
        self._settings: object = None
        self.fetcher: Fetcher | None = None
        """None until a site needs one."""
        self.progress = ProgressBar(sys.stderr)
        self.watching = Watching(inform)
        self.known_trees: KnownTrees = {}

    def open(
        self,
        options: PluginConfig,
        config: MkDocsConfig,
        address: ApiAddress,
        patience: Patience | None,
    ) -> Fetcher:
        """Return the fetcher for the settings as they are now: the same one, if they are, too.

        Raises:
            ConfluenceError: As `make_fetcher`.
        """
        if self._settings is None:
            for text in find_misspelt(os.environ):
                self._warn(text)
        environment = read_environment(os.environ)
        address = replace(address, api_url=environment.api_url)
        settings = (environment, address, dict(options))
        if self.fetcher is None or settings != self._settings:
            self._close_fetcher()
            self.fetcher = make_fetcher(
                options,
                environment,
                address,
                cache_dir=find_cache_dir(options, config),
                snapshot_dir=find_snapshot_dir(options, config.config_file_path),
                patience=patience or Patience(),
                warn=self._warn,
                inform=self._inform,
                labels_matter=any(map(_LABEL_PLUGINS.search, config.plugins)),
            )
            self._settings = settings
        return self.fetcher

    def watch(
        self,
        server: LiveReloadServer,
        options: PluginConfig,
        config: MkDocsConfig,
        interval: float,
    ) -> None:
        """Have a server build the site anew when a page changes in Confluence.

        Args:
            server: Serves the site.
            options: Of the plugin.
            config: MkDocs'.
            interval: Seconds between two questions.
        """
        if self.fetcher is None or self.fetcher.offline:
            return
        marker = find_cache_dir(options, config) / CHANGE_MARKER
        if problem := self.watching.try_to_start(self.fetcher, marker, interval):
            self._warn(problem)
        else:
            server.watch(str(marker))

    def cancel(self) -> None:
        """Fetch no more for a build that has failed."""
        self.progress.clear()
        if self.fetcher:
            self.fetcher.cancel()

    def close(self) -> None:
        """End the threads, and close the connections and the cache."""
        self.progress.clear()  # an interrupted build ends here, and nowhere else
        self.watching.close()
        self._close_fetcher()

    def _close_fetcher(self) -> None:
        if self.fetcher:
            self.fetcher.close()
            self.fetcher = None


def make_fetcher(  # noqa: PLR0913  it has that many settings
    options: PluginConfig,
    environment: Environment,
    address: ApiAddress,
    *,
    cache_dir: Path,
    snapshot_dir: Path | None,
    patience: Patience,
    warn: Callable[[str], None],
    inform: Callable[[str], None],
    labels_matter: bool,
) -> Fetcher:
    """Make a fetcher; nothing is asked or opened yet.

    Args:
        options: The plugin's.
        environment: The variables.
        address: Where the API is.
        cache_dir: Where the cache is.
        snapshot_dir: Where the snapshot is, if there is one.
        patience: How long is waited for what.
        warn: Is told what is wrong besides pages.
        inform: Is told whose copies count where no token says so, and of a server that the build
            can do without.
        labels_matter: The site shows labels.

    Raises:
        SettingError: Options and environment do not say where the API is, or its host may not
            receive a token.
    """
    address.check()
    is_offline = options.offline or environment.offline
    is_elsewhere = is_offline and bool(environment.store_url)
    if is_offline:  # not even the server that machines share is asked
        environment = replace(environment, store_url="")
    account = find_account(environment, site=address.find_site(), base_url=address.base_url)
    if isinstance(account, ChainAccount) and (news := account.chain.find_new_start()):
        inform(news)
    reason = explain_silence(options, environment, account, snapshot_dir)
    contents = Contents()
    snapshot, threads = None, options.concurrency + min(options.concurrency, FIRST_LIMIT)
    if snapshot_dir:
        from mkdocs_confluence_md.fetch.snapshot import Snapshot  # noqa: PLC0415  few sites have one

        snapshot = Snapshot(snapshot_dir, contents, attachments=bool(options.attachments))
        if reason:
            return Fetcher(
                None, threads=threads, snapshot=snapshot, reason=reason, contents=contents
            )
    account.check_trust(address.make_base_url())
    if is_offline and account.identity() is None:
        inform(
            "`offline` is on, and no token tells who is signed in: the copies are those of the "
            "account that this project used last."
        )
    store = None if is_offline else _make_store(environment, inform)
    cache = _make_cache(cache_dir, warn, store, environment)
    if isinstance(account, ChainAccount):
        account.last_known = cache.find_account
        account.is_elsewhere = is_elsewhere
    make = partial(
        _make_exporter,
        environment,
        address,
        concurrency=options.concurrency,
        patience=patience,
        cache=cache,
        store=store,
        warn=warn,
    )
    exporter = LateExporter(address, account, make)
    base_urls = BaseUrlFinder(exporter, cache, offline=is_offline)
    versions = None
    if not is_offline:
        versions = make_versions(
            environment,
            address,
            cloud_ids=base_urls,
            cache=cache,
            patience=patience,
            warn=warn,
            labels_matter=labels_matter or bool(options.labels),
            labels_decide=bool(options.labels),
        )
    source = ConfluenceSource(
        exporter,
        cache,
        max_age=options.max_age,
        offline=is_offline,
        attachments=bool(options.attachments),
        versions=versions,
        base_urls=base_urls,
        contents=contents,
    )
    return Fetcher(source, threads=threads, snapshot=snapshot)


def _make_store(environment: Environment, inform: Callable[[str], None]) -> OptionalStore | None:
    """Return what other machines share; None if nothing is."""
    if not environment.store_url:
        return None
    from mkdocs_confluence_md.network.shared_store import (  # noqa: PLC0415  few sites have one
        OptionalStore,
        SharedStore,
        check_extra,
    )

    check_extra()
    return OptionalStore(SharedStore(environment.store_url), inform)


def _make_cache(
    cache_dir: Path,
    warn: Callable[[str], None],
    store: OptionalStore | None,
    environment: Environment,
) -> ExportCache:
    if store is None:
        return ExportCache(cache_dir, warn=warn)
    from mkdocs_confluence_md.auth.sealing import Seal  # noqa: PLC0415  few sites have one
    from mkdocs_confluence_md.cache.leases import Leases  # noqa: PLC0415
    from mkdocs_confluence_md.cache.shared import SharedCopies  # noqa: PLC0415

    shared = SharedCopies(store, partial(Seal, environment.client_secret, "copies"))
    return ExportCache(cache_dir, warn=warn, shared=shared, leases=Leases(store))


def _make_exporter(  # noqa: PLR0913  it has that many settings
    environment: Environment,
    address: ApiAddress,
    *,
    concurrency: int,
    patience: Patience,
    cache: ExportCache,
    store: OptionalStore | None,
    warn: Callable[[str], None],
) -> Exporter:
    # With an HTTP client and OAuth 2.0, which take longer to load than a small site to build.
    from mkdocs_confluence_md.auth.token_refresh import RefreshTokenAuth, make_auth  # noqa: PLC0415
    from mkdocs_confluence_md.confluence.exporter import Exporter  # noqa: PLC0415

    auth = make_auth(environment, site=address.find_site(), base_url=address.base_url)
    if isinstance(auth, RefreshTokenAuth):
        auth.last_known = cache.find_account
        auth.warn = warn
    shared_rate = None
    if store:
        from mkdocs_confluence_md.network.shared_rate import SharedRate  # noqa: PLC0415

        installation = address.site or address.make_base_url()
        shared_rate = SharedRate(store, account=auth.account, installation=installation)
    return Exporter(
        address,
        auth,
        concurrency=concurrency,
        patience=patience,
        learned=cache.find_limits(),
        shared_rate=shared_rate,
    )


def explain_silence(
    options: PluginConfig, environment: Environment, account: Account, snapshot_dir: Path | None
) -> str:
    """Return why a build sends no requests; empty if it does."""
    if options.offline or environment.offline:
        return "`offline` is on"
    # Where the server that machines share fails, the snapshot is for those pages that need it.
    with suppress(StoreError):
        if snapshot_dir and account.account() is None:
            return "no credentials were found"
    return ""
