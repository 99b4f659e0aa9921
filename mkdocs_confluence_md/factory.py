"""Options and environment → the library with all that it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mkdocs_confluence_md.auth.flow import make_auth
from mkdocs_confluence_md.cache.contents import Contents
from mkdocs_confluence_md.cache.exports import ExportCache
from mkdocs_confluence_md.confluence.exporter import Exporter
from mkdocs_confluence_md.fetch.backed_library import BackedLibrary
from mkdocs_confluence_md.fetch.base_url import BaseUrlFinder
from mkdocs_confluence_md.fetch.fetcher import Library
from mkdocs_confluence_md.fetch.snapshot import SnapshotLibrary
from mkdocs_confluence_md.fetch.versions import make_versions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mkdocs_confluence_md.auth.environment import Environment
    from mkdocs_confluence_md.auth.flow import TokenAuth
    from mkdocs_confluence_md.config import PluginConfig
    from mkdocs_confluence_md.confluence.exporter import ApiAddress
    from mkdocs_confluence_md.fetch.lending import AnyLibrary
    from mkdocs_confluence_md.network.throttling import Patience


def make_library(  # noqa: PLR0913  it has that many settings
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
) -> AnyLibrary:
    """Make a library; nothing is asked or opened yet.

    Args:
        options: The plugin's.
        environment: The variables.
        address: Where the API is.
        cache_dir: Where the cache is.
        snapshot_dir: Where the snapshot is, if there is one.
        patience: How long is waited for what.
        warn: Is told what is wrong besides pages.
        inform: Is told whose copies count where no token says so.
        labels_matter: The site shows labels.

    Raises:
        SettingError: Options and environment do not say where the API is, or its host may not
            receive a token.
    """
    address.check()
    auth = make_auth(environment, site=address.find_site(), base_url=address.base_url)
    is_offline = options.offline or environment.offline
    reason = explain_silence(options, environment, auth, snapshot_dir)
    snapshot, contents = None, Contents()
    if snapshot_dir:
        snapshot = SnapshotLibrary(
            snapshot_dir,
            reason=reason,
            attachments=bool(options.attachments),
            contents=contents,
        )
        if reason:
            return snapshot
    auth.check_trust(address.make_base_url())
    if is_offline and auth.identity() is None:
        inform(
            "`offline` is on, and no token tells who is signed in: the copies are those of the "
            "account that this project used last."
        )
    exporter = Exporter(address, auth, concurrency=options.concurrency, patience=patience)
    cache = ExportCache(cache_dir, warn=warn)
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
            labels_matter=labels_matter,
        )
    library = Library(
        exporter,
        cache,
        threads=2 * options.concurrency,
        max_age=options.max_age,
        offline=is_offline,
        attachments=bool(options.attachments),
        versions=versions,
        base_urls=base_urls,
        contents=contents,
    )
    return BackedLibrary(library, snapshot) if snapshot else library


def explain_silence(
    options: PluginConfig, environment: Environment, auth: TokenAuth, snapshot_dir: Path | None
) -> str:
    """Tell why a build asks nobody; the text is empty if it does ask."""
    if options.offline or environment.offline:
        return "`offline` is on"
    if snapshot_dir and auth.account() is None:
        return "there are no credentials"
    return ""
