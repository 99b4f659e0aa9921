"""Wait for the pages of a build: the source of each, or one report of all that failed."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, TextIO

import click
from mkdocs.plugins import get_plugin_logger

from mkdocs_confluence_md.confluence.content import read_hidden_title
from mkdocs_confluence_md.confluence.refs import SpaceRef, editor_url, space_url, view_url
from mkdocs_confluence_md.errors import (
    ConfluenceError,
    DeniedError,
    MissingPagesError,
    RenderingError,
)
from mkdocs_confluence_md.fetch.results import FetchedPage, Origin
from mkdocs_confluence_md.site.messages import PageFailure, report_failures, report_refused
from mkdocs_confluence_md.site.paths import name_page
from mkdocs_confluence_md.site.source import make_placeholder, make_source
from mkdocs_confluence_md.text import describe_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Self, SupportsIndex

    from mkdocs_confluence_md.confluence.refs import TreeRef
    from mkdocs_confluence_md.fetch.fetcher import Fetcher, Tell
    from mkdocs_confluence_md.site.paths import PlacedPage
    from mkdocs_confluence_md.site.trees import SiteTrees

log = get_plugin_logger("confluence-md")

_MOST_BYTES = 10_000_000
"""Of a page's Markdown."""
_BYTES_OF_CHARACTER = 4
"""At most, in UTF-8."""
_ANSWERED = (Origin.EXPORTED, Origin.CONFIRMED)
_WORTH_SHOWING_SECONDS = 1.0
# The first pages say little about the others.
_WORTH_AN_ESTIMATE_SECONDS = 0.3
_CLEAR_LINE = "\r\x1b[2K"
_SHOW_CURSOR = "\x1b[?25h"  # click hides it while it draws


def _measure_large(text: str) -> int:
    """Return how many bytes a text has, or 0 where it is certain that they are not too many."""
    # All pages of each build are looked at: no copy is made of those that are small.
    is_small = len(text) * _BYTES_OF_CHARACTER <= _MOST_BYTES
    return 0 if is_small else len(text.encode("utf-8", "replace"))


class EditorAddress(str):
    """The address of a page's editor, for the edit button of a theme.

    Material makes the link of its "view source" button from it, by replacing the word "edit", which
    is part of the addresses of editors in GitHub. So that gives the address for readers here.
    """

    __slots__ = ("_view",)
    _view: str

    def __new__(cls, editor: str, view: str) -> Self:
        """Return the address `editor`; the page is read at `view`."""
        address = super().__new__(cls, editor)
        address._view = view
        return address

    def __str__(self) -> str:
        """Return itself: templates take the text of an address before they replace a part of it."""
        return self

    def replace(self, old: str, new: str, count: SupportsIndex = -1, /) -> str:
        """Return where the page is read, if it is "edit" that is to be replaced."""
        return self._view if old == "edit" else super().replace(old, new, count)


class ProgressBar:
    """Shows how many pages are there, on one line of a terminal that it leaves empty.

    Args:
        stream: Where messages go; nothing is drawn if it is not a terminal.
        clock: Returns seconds; it only has to move forward.
    """

    def __init__(self, stream: TextIO, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._begin = clock()
        self.is_visible = stream.isatty()
        """Whether anything is drawn."""
        self._bar: Any = None  # click does not export its type
        self._handlers: list[logging.Handler] = []

    def begin(self, *, visible: bool = True) -> None:
        """Begin to count the time, for a new build; `visible` tells whether it may be seen."""
        self.clear()
        self._begin = self._clock()
        self.is_visible = visible and self._stream.isatty()

    def show(self, done: int, total: int) -> None:
        """Draw how far it is, if that takes more than a second yet."""
        if not self.is_visible:
            return
        if self._estimate_seconds(done, total) <= _WORTH_SHOWING_SECONDS:
            self.clear()
            return
        if self._bar is None or self._bar.length != total:
            self._draw_new(total)
        self._bar.update(done - self._bar.pos)
        self._bar.render_progress()
        self._stream.flush()

    def clear(self) -> None:
        """Leave the line empty."""
        self._erase()
        self._bar = None
        for handler in self._handlers:
            handler.removeFilter(self._make_room)
        self._handlers = []

    def _estimate_seconds(self, done: int, total: int) -> float:
        """Estimate how long the rest takes: as long as it took so far, where none is there yet."""
        seconds = self._clock() - self._begin
        if seconds < _WORTH_AN_ESTIMATE_SECONDS:
            return 0.0
        return seconds / done * (total - done) if done else seconds

    def _draw_new(self, total: int) -> None:
        self.clear()
        self._bar = click.progressbar(
            length=total, label="Fetching from Confluence", file=self._stream, show_pos=True
        )
        # MkDocs' own handler writes to the same terminal.
        self._handlers = list(logging.getLogger("mkdocs").handlers)
        for handler in self._handlers:
            handler.addFilter(self._make_room)

    def _make_room(self, _record: logging.LogRecord) -> bool:
        """Clear the line for a message; the bar comes back below it."""
        self._erase()
        return True

    def _erase(self) -> None:
        if self._bar is not None:
            self._stream.write(_CLEAR_LINE + _SHOW_CURSOR)
            self._stream.flush()


class Reader:
    """Reads pages.

    Args:
        fetcher: Fetches pages that are exported one by one.
        trees: Has the pages that come in trees.
        pages: All pages of the site, in the order of `nav`.
        titles: Of the trees, as in `nav`.
        site: The origin for links to Confluence; empty where it is not known.
        tell: As the fetcher wants it.
        extra: Front matter, by the names of pages.
        failures: What there are placeholders for already.
        locate: Returns where entries of `nav` are written, by reference.
    """

    def __init__(  # noqa: PLR0913  what is known of a build
        self,
        fetcher: Fetcher,
        trees: SiteTrees,
        pages: Mapping[str, PlacedPage],
        titles: Mapping[TreeRef | SpaceRef, str],
        *,
        site: str,
        tell: Tell | None,
        extra: Mapping[str, Mapping[str, Any]],
        failures: list[PageFailure],
        locate: Callable[[], Mapping[Any, str]],
    ) -> None:
        self._extra = extra
        self._fetcher = fetcher
        self.trees = trees
        self._pages = pages
        self._titles = titles
        self._site = site
        self._tell = tell
        self._locate = locate
        self.failures = failures
        """What there are placeholders for."""

    def read(
        self, page: PlacedPage, *, placeholder: bool, take: Callable[[FetchedPage], None]
    ) -> str:
        """Return a page's source, as soon as the page is there.

        Args:
            page: Which one.
            placeholder: Return a page that says what went wrong if it could not be fetched.
            take: Gets the page.

        Raises:
            MissingPagesError: It could not be fetched, and maybe others neither.
        """
        try:
            fetched = self.fetch(page)
        except ConfluenceError as error:
            if not placeholder:
                raise MissingPagesError(self._report()) from None
            failure = self._describe(page, error)
            self.failures.append(failure)
            return make_placeholder(failure)
        take(fetched)
        size = _measure_large(fetched.markdown)
        if size > _MOST_BYTES:
            refusal = RenderingError(
                f"The page has {describe_size(size)} of Markdown, and may have "
                f"{describe_size(_MOST_BYTES)}.",
                "Divide it in Confluence.",
            )
            return self.refuse(page, refusal, placeholder=placeholder)
        return self._make_source(page, fetched)

    def refuse(self, page: PlacedPage, error: RenderingError, *, placeholder: bool) -> str:
        """Return the source of the placeholder for a page that is there, but is not rendered.

        Raises:
            MissingPagesError: No placeholder is wanted.
        """
        message = report_refused(page, error)
        if not placeholder:
            raise MissingPagesError(message)
        log.warning(message)
        return make_placeholder(self._describe(page, error))

    def is_there(self, page: PlacedPage) -> bool:
        """Return True if a page could be fetched already."""
        if page.tree in self.trees.errors:
            return False
        return self.trees.has(page) or self._fetcher.has(page.ref.page_id)

    def read_copy(self, page: PlacedPage) -> str:
        """Return the source that a page had when it was fetched last, without text if never."""
        copy = None if page.path else self._fetcher.find_copy(page.ref.page_id)
        return self._make_source(page, copy or FetchedPage("", Origin.STALE))

    def check_trees(self, *, placeholder: bool) -> None:
        """Wait for all pages if a tree could not be fetched: then the build fails.

        Args:
            placeholder: There is one all the same, and a tree is told of with its placeholder, or
                here if it has none.

        Raises:
            MissingPagesError: For all of them.
        """
        if placeholder:
            known = self.failures[:]
            self.failures += [each for each in self._find_hidden_failures() if each not in known]
        elif self.trees.errors:
            raise MissingPagesError(self._report())

    def wait_for_copies(self) -> None:
        """Wait for the pages that are in the cache, and fresh."""
        self._fetcher.wait_for_copies()

    def wait_for_pages(self) -> list[FetchedPage]:
        """Return all pages that there are."""
        return [*self._fetcher.wait_for_pages(self._tell), *self.trees.pages.values()]

    def find_url(self, page: PlacedPage) -> str:
        """Return the address of a page in Confluence; empty where it is not known."""
        site = self._find_site(page)
        return view_url(site, page.ref.page_id) if site and page.ref.page_id else ""

    def find_nearest_url(self, page: PlacedPage) -> str:
        """Return the address of a page in Confluence, or of the tree that it belongs to."""
        site, tree = self._find_site(page), page.tree
        if not site or page.ref.page_id or not tree:
            return self.find_url(page)
        if isinstance(tree, SpaceRef):
            return space_url(site, tree.key)
        return view_url(site, tree.page_id)

    def find_editor(self, page: PlacedPage) -> str | None:
        """Return the address of a page's editor, if it is known."""
        site, page_id = self._find_site(page), page.ref.page_id
        if not (site and page_id):
            return None
        return EditorAddress(editor_url(site, page_id), view_url(site, page_id))

    def fetch(self, page: PlacedPage) -> FetchedPage:
        """Return a page as it is in Confluence.

        Raises:
            ConfluenceError: It could not be fetched.
        """
        if page.tree in self.trees.errors:
            raise self.trees.errors[page.tree]
        if self.trees.has(page):
            return self.trees.read(page)
        return self._fetcher.wait_for(page.ref.page_id, self._tell)

    def _report(self) -> str:
        errors = self._fetcher.wait_for_errors(self._tell)
        if any(page.origin in _ANSWERED for page in self._fetcher.wait_for_pages()):
            errors = {
                page_id: error.narrow() if isinstance(error, DeniedError) else error
                for page_id, error in errors.items()
            }
        return report_failures(list(self._find_failures(errors)))

    def _find_failures(self, errors: Mapping[str, ConfluenceError]) -> Iterator[PageFailure]:
        for page in self._pages.values():
            if page.tree in self.trees.errors:
                yield self._describe(page, self.trees.errors[page.tree])
            elif page.ref.page_id in errors and not page.path:
                yield self._describe(page, errors[page.ref.page_id])
        yield from self._find_hidden_failures()

    def _find_hidden_failures(self) -> Iterator[PageFailure]:
        """Find the trees that no page stands for, because their root stands elsewhere in `nav`."""
        shown = {page.tree for page in self._pages.values()}
        for tree, error in self.trees.errors.items():
            if tree not in shown:
                yield self._describe_tree(tree, error)

    def _describe(self, page: PlacedPage, error: ConfluenceError) -> PageFailure:
        if page.tree and page.tree in self.trees.errors:
            return self._describe_tree(page.tree, error)
        return PageFailure(
            page.title,
            page.ref.page_id,
            self.find_url(page),
            error,
            own_title=page.own_title,
            place=self._locate().get(page.ref, ""),
        )

    def _describe_tree(self, tree: TreeRef | SpaceRef, error: ConfluenceError) -> PageFailure:
        site, page_id, url = self._site, "", ""
        if isinstance(tree, SpaceRef):
            url = space_url(site, tree.key) if site else ""
        else:
            page_id = tree.page_id
            url = view_url(site, page_id) if site else ""
        title, place = self._titles.get(tree, ""), self._locate().get(tree, "")
        return PageFailure(title, page_id, url, error, tree, place=place)

    def _find_site(self, page: PlacedPage) -> str:
        """Return the origin for links to a page: the options know it, or the pasted URL does."""
        pasted = f"https://{page.ref.host}" if page.ref.host else ""
        return self._site or pasted

    def _make_source(self, page: PlacedPage, fetched: FetchedPage) -> str:
        return make_source(
            fetched.markdown,
            page_id=page.ref.page_id,
            title=page.title,
            otherwise=page.own_title or read_hidden_title(fetched.markdown),
            facts=fetched.facts,
            extra=self._find_extra(page),
        )

    def _find_extra(self, page: PlacedPage) -> Mapping[str, Any]:
        names = (page.ref.page_id, name_page(page.src_uri))
        return next((self._extra[name] for name in names if name in self._extra), {})
