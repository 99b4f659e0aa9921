"""The MkDocs plugin: each hook reads as a sentence and calls one thing."""

from __future__ import annotations

import gc
import logging
import os
import re
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from mkdocs.plugins import CombinedEvent, event_priority, get_plugin_logger

from mkdocs_confluence_md.auth.environment import read_environment
from mkdocs_confluence_md.config import (
    find_cache_dir,
    find_snapshot_dir,
    make_address,
)
from mkdocs_confluence_md.confluence.exporter import ApiAddress
from mkdocs_confluence_md.errors import SettingError
from mkdocs_confluence_md.factory import make_library
from mkdocs_confluence_md.guarded import GuardedPlugin, check_files, plugin_errors
from mkdocs_confluence_md.inside import Inside
from mkdocs_confluence_md.markdown.attached import AttachedFiles, make_file
from mkdocs_confluence_md.markdown.directives import Directives
from mkdocs_confluence_md.markdown.extension import MERMAID_ADVICE, CommonMark, draws_diagrams
from mkdocs_confluence_md.markdown.html import sanitize
from mkdocs_confluence_md.markdown.links import LinkExtension
from mkdocs_confluence_md.network.throttling import Patience
from mkdocs_confluence_md.network.urls import host_of
from mkdocs_confluence_md.site.inert import break_formulas, quote_title
from mkdocs_confluence_md.site.messages import (
    describe_placed,
    report_complaints,
    report_conflict,
    report_failures,
    report_origin,
    report_stale_assets,
    report_stale_pages,
)
from mkdocs_confluence_md.site.metadata import Additions
from mkdocs_confluence_md.site.nav import Placement, place
from mkdocs_confluence_md.site.pages import Reader
from mkdocs_confluence_md.site.progress import ProgressBar
from mkdocs_confluence_md.site.source import find_own_facts
from mkdocs_confluence_md.site.trees import Forest
from mkdocs_confluence_md.site.watch import MARKER, Watching

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import jinja2
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.livereload import LiveReloadServer
    from mkdocs.structure.files import Files
    from mkdocs.structure.nav import Navigation
    from mkdocs.structure.pages import Page
    from mkdocs.structure.toc import AnchorLink
    from mkdocs.utils.templates import TemplateContext

    from mkdocs_confluence_md.fetch.lending import AnyLibrary
    from mkdocs_confluence_md.fetch.results import FetchedPage
    from mkdocs_confluence_md.site.paths import PlacedPage

log = get_plugin_logger("confluence-md")

_LABEL_PLUGINS = re.compile(r"tag|\brss\b", re.IGNORECASE)
"""Plugins that show a page's `tags`, by name: Material's own, others like it, and feeds."""


class ConfluencePlugin(GuardedPlugin):
    """Makes Confluence pages pages of the site.

    One instance lives through a whole `mkdocs serve`, and with it the cache and the connections.
    """

    patience = Patience()
    """How long is waited for what. A hook may replace it, as tests do to be quick."""

    watch_seconds: float | None = None
    """Takes the place of the option `watch`, if a hook sets it, as tests do to be quick."""

    def __init__(self) -> None:
        super().__init__()
        self._library: AnyLibrary | None = None
        self._library_settings: object = None
        self._progress = ProgressBar(sys.stderr)
        self._address = ApiAddress()
        self._links = LinkExtension()
        self._attached = AttachedFiles()
        self._forest = Forest()
        self._pages: dict[str, PlacedPage] = {}
        """What this plugin placed, by `src_uri`."""
        self._reader: Reader | None = None
        """Of the pages of this build, if there are any."""
        self._additions = Additions()
        self._commonmark = CommonMark()
        self._directives = Directives(self)
        self._watching = Watching(log.info)

    def on_startup(self, *, command: Literal["build", "gh-deploy", "serve"], dirty: bool) -> None:
        """Leave what was imported out of Python's garbage collections.

        Each full collection would look through all of MkDocs and its plugins again. Having this
        hook also makes MkDocs keep the instance while serving.
        """
        del command, dirty
        if gc.get_freeze_count():  # by an earlier build in this process, with its garbage
            gc.unfreeze()
            gc.collect()
        gc.freeze()

    @event_priority(-100)  # late, so that other plugins and hooks have set up what we need
    def on_config(self, config: MkDocsConfig) -> None:
        """Have pages and links read as what they are, and begin to fetch what `nav` refers to."""
        self._commonmark.join(config)
        self._links.join(config)
        self._attached.join(config)
        self._directives.begin(config, self.config.trusted_plugins)
        with plugin_errors():
            self._guard(config)
            self._address = make_address(self.config)
            placement = self._place(config, [])
            if (placement.pages or placement.trees) and not placement.complaints:
                library = self._open_library(config)
                self._progress.begin(visible=log.isEnabledFor(logging.INFO))
                library.start((page.ref.page_id for page in placement.pages), placement.trees)
            elif self._library:  # another plugin may still add pages
                self._library.start([])

    @event_priority(50)  # early, so that plugins that work on `nav` see our files
    def on_files(self, files: Files, *, config: MkDocsConfig) -> None:
        """Place the pages that `nav` refers to and add them to the site."""
        with plugin_errors():
            local_uris = [file.dest_uri for file in files]
            self._reader, self._pages = None, {}
            placement = self._place(config, local_uris)
            if (placement.pages or placement.trees) and not placement.complaints:
                placement = self._fetch(config, local_uris, placement)
            _report(placement)
            self._additions.begin(self._pages)
            self._links.begin(placement.pages, self._address.find_site(), placement.by_path)
            self._attached.begin(only_safe=self.config.attachments == "safe")
            if placement.pages:
                for page in placement.pages:
                    files.append(make_file(page.src_uri, "", config))
                config.nav = placement.nav

    def on_nav(self, nav: Navigation, *, config: MkDocsConfig, files: Files) -> None:
        """Let the edit button of each page lead to its editor in Confluence."""
        del nav, config
        with plugin_errors():
            check_files(files)
        for src_uri, placed in self._pages.items():
            file = files.src_uris.get(src_uri)
            if file and file.page and self._reader:
                file.page.edit_url = self._reader.find_editor(placed)

    def on_page_read_source(self, *, page: Page, config: MkDocsConfig) -> str | None:
        """Give MkDocs the source of a page as soon as that page is there."""
        del config
        placed = self._pages.get(page.file.src_uri)
        if placed is None or self._reader is None:
            return None

        def take(fetched: FetchedPage) -> None:
            self._attached.expect(placed, fetched.assets)
            self._additions.spare(placed.src_uri, find_own_facts(fetched.markdown))
            size = len(fetched.markdown)
            log.debug(f"{describe_placed(placed)} has {size} characters of Markdown")

        with plugin_errors():
            placeholder = self.config.on_error == "placeholder"
            return self._reader.read(placed, placeholder=placeholder, take=take)

    @event_priority(1000)  # before all others: they may not see live directives
    def _hide_directives(
        self, markdown: str, *, page: Page, config: MkDocsConfig, files: Files
    ) -> str | None:
        """Give other plugins the text of a page from Confluence without live directives."""
        del config, files
        is_ours = page.file.src_uri in self._pages
        return self._directives.hide(markdown, page) if is_ours else None

    @event_priority(-1000)  # after all others
    def _take_markdown(
        self, markdown: str, *, page: Page, config: MkDocsConfig, files: Files
    ) -> str | None:
        """Note whether a page is from Confluence, and add the files that it refers to."""
        is_ours = page.file.src_uri in self._pages
        self._commonmark.page = page if is_ours else None
        self._attached.add_files(page.file, config=config, files=files)
        return self._directives.show(markdown, page) if is_ours else None

    on_page_markdown = CombinedEvent(_hide_directives, _take_markdown)

    @event_priority(100)  # first, so that what other plugins put into the page stays
    def on_page_content(
        self, html: str, *, page: Page, config: MkDocsConfig, files: Files
    ) -> str | None:
        """Clean a page if that is wanted, and head it with its title if it has no heading."""
        del config, files
        self._report_links()
        if page.file.src_uri not in self._pages:
            return None
        # Material undoes the escaping of a title, but not of one that is in the metadata.
        # Of a heading, quotation marks have not been escaped, and themes put titles between them.
        page.meta.setdefault("title", quote_title(str(page.title or "")))
        for problem in self._attached.find_problems(page.file.src_uri):
            log.warning(problem)
        if self.config.raw_html == "strip":
            html = sanitize(html)
            for anchor in _walk(page.toc):
                anchor.title = break_formulas(anchor.title)
        return html if "<h1" in html else f"<h1>{page.title}</h1>\n{html}"

    @event_priority(50)  # early, so that other plugins see the links as they will be
    def _finish_links(self, env: jinja2.Environment, *, config: MkDocsConfig, files: Files) -> None:
        """Finish links, when all pages are there, and say where these came from."""
        del env, files
        self._report_links()
        for problem in self._links.finish():
            log.log(config.validation.links.anchors, problem)
        if dropped := self._links.report_dropped():
            log.info(dropped)
        if "mermaid" in self._commonmark.languages and not draws_diagrams(config.mdx_configs):
            log.info(MERMAID_ADVICE)
        if self._library is None:
            return
        pages = self._reader.wait_for_pages() if self._reader else []
        if self._watching.is_on:
            self._watching.follow(self._library)
        self._progress.clear()
        if self._reader is None:
            return
        if pages:
            log.info(report_origin(self._library, pages))
        for warning in filter(None, (report_stale_pages(pages), report_stale_assets(pages))):
            log.warning(warning)
        if self._reader.failures:
            log.warning(report_failures(self._reader.failures))

    @event_priority(-1000)  # last, when no plugin adds any more files
    def _check_files(self, env: jinja2.Environment, *, config: MkDocsConfig, files: Files) -> None:
        """Check what is going to be copied."""
        del env, config
        with plugin_errors():
            check_files(files)

    on_env = CombinedEvent(_finish_links, _check_files)

    @event_priority(50)  # early, so that other plugins see the metadata as a whole
    def on_page_context(
        self, context: TemplateContext, *, page: Page, config: MkDocsConfig, nav: Navigation
    ) -> None:
        """Let a page's template see the whole metadata of that page only."""
        del context, config
        self._additions.show_only(page, nav.pages)

    @event_priority(-50)  # late, for the same reason
    def on_post_page(self, output: str, *, page: Page, config: MkDocsConfig) -> None:
        """Go on to the next page's template."""
        del output, config
        self._additions.hide(page)

    @event_priority(50)  # early, for the same reason
    def on_post_build(self, *, config: MkDocsConfig) -> None:
        """Make the metadata of all pages whole again: no more templates are rendered."""
        del config
        self._additions.show_all()

    def on_serve(
        self, server: LiveReloadServer, *, config: MkDocsConfig, builder: Callable[..., None]
    ) -> None:
        """Build the site anew when a page changes in Confluence, if that is wanted."""
        del builder
        interval = self.watch_seconds or self.config.watch
        if not interval or self._library is None or self._library.offline:
            return
        marker = find_cache_dir(self.config, config) / MARKER
        if problem := self._watching.try_to_start(self._library, marker, interval):
            log.warning(problem)
        else:
            server.watch(str(marker))

    def on_build_error(self, *, error: Exception) -> None:
        """Do not fetch for a build that has failed."""
        del error
        self._progress.clear()
        if self._library:
            self._library.cancel()

    def on_shutdown(self) -> None:
        """End the threads and close the connections and the cache.

        The process ends, too: its last garbage collections would look through the whole site.
        """
        self._progress.clear()  # an interrupted build ends here, and nowhere else
        self._watching.close()
        self._close_library()
        gc.freeze()

    def _close_library(self) -> None:
        if self._library:
            self._library.close()
            self._library = None

    def look_inside(self) -> Inside:
        """Return what this build knows of its pages, for whoever keeps them elsewhere."""
        return Inside(
            self._pages, self._reader, self._forest.fetched, self._links.trail, self._attached
        )

    def _report_links(self) -> None:
        for problem in self._links.take_problems():
            log.warning(problem)

    def _place(
        self, config: MkDocsConfig, local_uris: list[str], forest: Forest | None = None
    ) -> Placement:
        return place(
            config.nav or [],
            page_path=self.config.page_path,
            local_uris=local_uris,
            site_host=host_of(self._address.find_site()),
            use_directory_urls=config.use_directory_urls,
            trees=forest.trees if forest else {},
            twins=forest.twins if forest else {},
        )

    def _fetch(
        self, config: MkDocsConfig, local_uris: list[str], placement: Placement
    ) -> Placement:
        """Fetch what `nav` refers to, and place it again as soon as trees are known."""
        library = self._open_library(config)
        tell = self._progress.show if self._progress.is_visible else None
        # Another plugin may have changed `nav` since.
        declared = [page.ref.page_id for page in placement.pages]
        library.add_trees(placement.trees)
        library.add(declared)
        self._forest.begin(library, declared, tell, attachments=bool(self.config.attachments))
        if placement.trees:
            placement = self._place(config, local_uris, self._forest)
            self._forest.begin_pages(placement.pages)
        self._pages = {page.src_uri: page for page in placement.pages}
        site = self._address.find_site()
        self._reader = Reader(
            library, self._forest, self._pages, placement.trees, site=site, tell=tell
        )
        self._reader.check_trees(placeholder=self.config.on_error == "placeholder")
        for warning in self._forest.report(placement.trees):
            log.warning(warning)
        return placement

    def _open_library(self, config: MkDocsConfig) -> AnyLibrary:
        """Return the library for the settings as they are now: the same one, if they are, too."""
        environment = read_environment(os.environ)
        address = replace(self._address, api_url=environment.api_url)
        settings = (environment, address, dict(self.config))
        if self._library is None or settings != self._library_settings:
            self._close_library()
            self._library = make_library(
                self.config,
                environment,
                address,
                cache_dir=find_cache_dir(self.config, config),
                snapshot_dir=find_snapshot_dir(self.config, config.config_file_path),
                patience=self.patience,
                warn=log.warning,
                inform=log.info,
                labels_matter=any(map(_LABEL_PLUGINS.search, config.plugins)),
            )
            self._library_settings = settings
        return self._library


def _report(placement: Placement) -> None:
    """Say what is wrong with `nav`: an entry that is no page ends the build.

    Raises:
        SettingError: With all such entries.
    """
    if placement.complaints:
        raise SettingError(report_complaints(placement.complaints), "\nCorrect them in mkdocs.yml.")
    for conflict in placement.conflicts:
        log.warning(report_conflict(conflict))


def _walk(anchors: Iterable[AnchorLink]) -> Iterator[AnchorLink]:
    for anchor in anchors:
        yield anchor
        yield from _walk(anchor.children)
