"""Watching without a server: the pages, and what is told of them."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING

import pytest

from clients import make_version_client
from mkdocs_confluence_md.auth.environment import read_environment
from mkdocs_confluence_md.auth.token_refresh import make_auth
from mkdocs_confluence_md.cache.policy import ExportCache
from mkdocs_confluence_md.confluence.exporter import Exporter
from mkdocs_confluence_md.fetch.fetcher import ConfluenceSource, Fetcher
from mkdocs_confluence_md.fetch.results import FetchedTree
from mkdocs_confluence_md.network.urls import ApiAddress
from mkdocs_confluence_md.site.watch import Watching
from projects import STEADY

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mkdocs_confluence_md.confluence.refs import SpaceRef, TreeRef
    from mkdocs_confluence_md.network.throttling import Patience
    from standin import StandIn

TINY_SECONDS = 0.02

V2 = "/wiki/api/v2/pages"


class Watched:
    """A library with a watcher, and what that says."""

    def __init__(self, standin: StandIn, root: Path, patience: Patience = STEADY) -> None:
        environment = read_environment(
            {
                "CONFLUENCE_MD_ACCESS_TOKEN": standin.oauth.issue_access_token(),
                "CONFLUENCE_MD_API_URL": standin.url,
                **standin.rest_environment(),
            }
        )
        self.news: list[str] = []
        self._heard: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.marker = root / "cache/changed"
        exporter = Exporter(
            ApiAddress(standin.url, gateway="site"),
            make_auth(environment),
            concurrency=2,
            patience=patience,
        )
        cache = ExportCache(root / "cache", warn=pytest.fail)
        source = ConfluenceSource(
            exporter,
            cache,
            max_age=3600.0,
            versions=make_version_client(
                environment, exporter, cache, warn=self.news.append, patience=patience
            ),
        )
        self.library = Fetcher(source, threads=4)
        self.watching = Watching(self.hear)

    def hear(self, news: str) -> None:
        self.news.append(news)
        self._heard.put(news)

    def wait_for_news(self) -> str:
        return self._heard.get(timeout=20)

    def build(self, *page_ids: str, trees: Sequence[TreeRef | SpaceRef] = ()) -> list[str]:
        """Fetch pages and trees, as a build does, and return the pages' texts."""
        self.library.start(page_ids, trees)
        for tree in self.library.wait_for_trees().values():
            if isinstance(tree, FetchedTree) and tree.listed:
                self.library.add([page.page_id for page in tree.listed.walk()], tree.facts)
        texts = [page.markdown for page in self.library.wait_for_pages()]
        if self.watching.is_on:
            self.watching.follow(self.library)
        return texts

    def start(self) -> None:
        assert self.watching.try_to_start(self.library, self.marker, TINY_SECONDS) == ""

    def touched(self) -> int:
        return self.marker.stat().st_mtime_ns


def wait_for_questions(standin: StandIn, more: int) -> None:
    asked = sum(request.path == V2 for request in standin.requests)
    assert standin.wait_for_requests(V2, asked + more, timeout=20)
