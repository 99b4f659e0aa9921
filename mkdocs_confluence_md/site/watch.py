"""Watch Confluence for changes while a site is served, and trigger a rebuild.

A thread polls once an interval. When there is a change, it touches a file that MkDocs watches, so
that MkDocs builds the site as after any edit. Nothing else in that file's directory is watched, so
what a build writes there triggers no other build.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from mkdocs_confluence_md.confluence.listing import list_again
from mkdocs_confluence_md.confluence.refs import SpaceRef
from mkdocs_confluence_md.errors import ConfluenceError
from mkdocs_confluence_md.fetch.threads import explain_unexpected
from mkdocs_confluence_md.site.messages import report_news, report_tree_news

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mkdocs_confluence_md.confluence.models import Tree, TreePage
    from mkdocs_confluence_md.confluence.refs import TreeRef
    from mkdocs_confluence_md.confluence.rest import ConfluenceRest
    from mkdocs_confluence_md.fetch.fetcher import Fetcher

CHANGE_MARKER = "changed-in-confluence"
"""The file that is touched."""

_PATIENCE_SECONDS = 1.0


class Source(Protocol):
    """Something in Confluence that may change."""

    def find_news(self) -> str:
        """Ask once, and say in a sentence what has changed; empty if nothing has.

        Raises:
            ConfluenceError: There is no answer.
        """

    def close(self) -> None:
        """Cancel the request that is waited for."""


class ChangedPages:
    """The pages of the last build, and the versions of them that are already known.

    Args:
        fetcher: Is told which pages to export.
        rest: Is asked; it should try only once, because it is asked again anyway.
    """

    def __init__(self, fetcher: Fetcher, rest: ConfluenceRest) -> None:
        self.fetcher = fetcher
        self.rest = rest
        self._lock = threading.Lock()
        self._seen: dict[str, set[int]] = {}

    def update(self) -> None:
        """Take the pages that the fetcher has now in place of those before."""
        known = self.fetcher.find_facts()
        with self._lock:
            # Also what was told of: if its export failed, it is tried with the next build.
            self._seen = {page_id: self._seen.get(page_id, set()) for page_id in known}
            for page_id, facts in known.items():
                if facts and facts.version:
                    self._seen[page_id].add(facts.version)

    def find_news(self) -> str:
        """Ask for the versions of all pages: one request for each 250."""
        self.rest.begin_build()
        now = self.rest.describe_pages(list(self._seen))
        changed = {}
        with self._lock:
            for page_id, facts in now.items():
                seen = self._seen.get(page_id)
                if seen is None or not facts.version:
                    continue
                # Where no version is known, the first one is as good as that of the copy.
                if seen and facts.version not in seen:
                    changed[page_id] = facts
                seen.add(facts.version)
        self.fetcher.expire(changed)
        return report_news(list(changed.values())) if changed else ""

    def close(self) -> None:
        """Cancel all requests and close the connections."""
        self.rest.begin_build()
        self.rest.close()


class ChangedTree:
    """Which pages are where in a tree of the last build.

    Args:
        ref: The tree.
        fetcher: Is told to list it anew.
        rest: Is asked; it should try only once, because it is asked again anyway.
    """

    def __init__(self, ref: TreeRef | SpaceRef, fetcher: Fetcher, rest: ConfluenceRest) -> None:
        self._ref = ref
        self._fetcher = fetcher
        self._rest = rest
        self._used: tuple[TreePage, ...] = ()
        self._told: tuple[TreePage, ...] | None = None

    def update(self, tree: Tree) -> None:
        """Take the tree that the fetcher has now in place of the one before."""
        is_space = isinstance(self._ref, SpaceRef)
        self._used = tree.roots if is_space or not tree.roots else tree.roots[0].children

    def find_news(self) -> str:
        """List it again: one request for each 250 pages."""
        self._rest.begin_build()
        used = self._used
        now = list_again(self._rest, self._ref)
        if isinstance(self._ref, SpaceRef) and used:
            # The home page is first, which only the space itself knows.
            now = tuple(sorted(now, key=lambda page: page.page_id != used[0].page_id))
        # Also what was told of: if it could not be listed, it is tried with the next build.
        if now in (used, self._told):
            return ""
        self._told = now
        self._fetcher.expire_tree(self._ref)
        return report_tree_news(self._ref)

    def close(self) -> None:
        """Do nothing: the connections are those that the pages are asked for with."""


class Watching:
    """The thread that asks, and what it asks.

    Args:
        tell: Is told what has changed, and, once until it is over, what went wrong.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._closing = threading.Event()
        self._others: Sequence[Source] = ()
        self._trees: dict[TreeRef | SpaceRef, ChangedTree] = {}
        self._pages: ChangedPages | None = None
        self._marker = Path()
        self._complaints: dict[Source, str] = {}
        self._thread: threading.Thread | None = None

    @property
    def is_on(self) -> bool:
        """Whether anybody asks."""
        return self._thread is not None

    def try_to_start(self, fetcher: Fetcher, marker: Path, interval: float) -> str:
        """Begin to ask, and return why that is not possible; empty if it is.

        Args:
            fetcher: Has the pages of the first build.
            marker: The file to be touched; it is made if it is not there.
            interval: Seconds between two questions.
        """
        self.follow(fetcher)
        if self._pages is None:
            return (
                "`watch` needs an account that may ask Confluence what has changed: set "
                "CONFLUENCE_MD_EMAIL and CONFLUENCE_MD_API_TOKEN, and the option `site`. Until "
                "then, only local edits are noticed."
            )
        try:
            marker.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            marker.touch()
        except OSError as error:
            return f"`watch` does not work: {marker} cannot be written ({error.strerror})."
        self._marker = marker
        self._thread = threading.Thread(
            target=self._run, args=(interval,), name="confluence-md-watch", daemon=True
        )
        self._thread.start()
        return ""

    def follow(self, fetcher: Fetcher, others: Sequence[Source] = ()) -> None:
        """Watch what a build has used, in place of all before.

        Args:
            fetcher: Has the pages.
            others: What may change besides its pages and trees. Every second interval belongs to
                the pages; trees and others take turns in those between.
        """
        if self._pages is None or self._pages.fetcher is not fetcher:
            if self._pages:
                self._pages.close()
            rest = fetcher.make_hasty_rest()
            self._pages = ChangedPages(fetcher, rest) if rest else None
            self._trees = {}
        if self._pages:
            self._pages.update()
            self._follow_trees(self._pages)
        self._others = [*self._trees.values(), *others]

    def close(self) -> None:
        """End the thread; closing twice does no harm."""
        self._closing.set()
        for source in (*([self._pages] if self._pages else []), *self._others):
            source.close()
        if self._thread:
            self._thread.join(_PATIENCE_SECONDS)

    def _run(self, interval: float) -> None:
        turn = 0
        while not self._closing.wait(interval):
            others, pages = self._others, self._pages
            if others and (turn % 2 or pages is None):
                self._ask(others[turn // 2 % len(others)])
            elif pages:
                self._ask(pages)
            turn += 1

    def _follow_trees(self, pages: ChangedPages) -> None:
        trees = pages.fetcher.find_listed_trees()
        self._trees = {
            ref: self._trees.get(ref) or ChangedTree(ref, pages.fetcher, pages.rest)
            for ref in trees
        }
        for ref, tree in trees.items():
            self._trees[ref].update(tree)

    def _ask(self, source: Source) -> None:
        try:
            news = source.find_news()
            if news:
                self._tell(news)
                self._marker.touch()
        except ConfluenceError as error:
            self._complain(source, error)
        except Exception as error:  # noqa: BLE001  the thread must go on
            self._complain(source, explain_unexpected(error))
        else:
            self._complaints.pop(source, None)

    def _complain(self, source: Source, error: ConfluenceError) -> None:
        told = error.full_text()
        is_new = source not in self._complaints and told not in self._complaints.values()
        self._complaints[source] = told
        if is_new and not self._closing.is_set():
            self._tell(f"Confluence did not say what has changed; it is asked again. {told}")
