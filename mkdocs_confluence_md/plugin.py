"""The MkDocs plugin: each hook reads as a sentence and calls one method of the build."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any, Literal

from mkdocs.plugins import CombinedEvent, event_priority, get_plugin_logger
from mkdocs.structure.nav import Link

from mkdocs_confluence_md.confluence.refs import may_refer
from mkdocs_confluence_md.guarded import GuardedPlugin, check_files, plugin_errors
from mkdocs_confluence_md.markdown.context import LinkWatch, join
from mkdocs_confluence_md.network.redaction import SecretFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import jinja2
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.livereload import LiveReloadServer
    from mkdocs.structure.files import Files
    from mkdocs.structure.nav import Navigation
    from mkdocs.structure.pages import Page
    from mkdocs.utils.templates import TemplateContext

    from mkdocs_confluence_md.factory import Session
    from mkdocs_confluence_md.network.throttling import Patience
    from mkdocs_confluence_md.site_build import SiteBuild

log = get_plugin_logger("confluence-md")
log.logger.addFilter(SecretFilter())


class ConfluencePlugin(GuardedPlugin):
    """Makes Confluence pages pages of the site.

    One instance lives through a whole `mkdocs serve`, and with it the cache and the connections.

    A build begins when something in the site refers to Confluence: what it needs takes as long to
    load as a small site to build.
    """

    patience: Patience | None = None
    """How long is waited for what, if a hook says it, as tests do to be quick."""

    watch_seconds: float | None = None
    """Takes the place of the option `watch`, if a hook sets it, as tests do to be quick."""

    build: SiteBuild | None = None
    """The build that is under way, or the last one; None while nothing refers to Confluence."""

    _site: MkDocsConfig
    """MkDocs' configuration."""

    _written_nav: list[Any] | None = None
    """As it was before other plugins wrote it."""

    def __init__(self) -> None:
        super().__init__()
        self._session: Session | None = None
        self._is_dirty = False
        self._links = LinkWatch(self.begin)

    def on_startup(self, *, command: Literal["build", "gh-deploy", "serve"], dirty: bool) -> None:
        """Leave what was imported out of Python's garbage collections.

        Each full collection would look through all of MkDocs and its plugins again. Having this
        hook also makes MkDocs keep the instance while serving.
        """
        del command
        self._is_dirty = dirty
        if gc.get_freeze_count():  # by an earlier build in this process, with its garbage
            gc.unfreeze()
            gc.collect()
        gc.freeze()

    @event_priority(-100)  # late, so that other plugins and hooks have set up what we need
    def on_config(self, config: MkDocsConfig) -> None:
        """Have pages and links read as what they are, and begin to fetch what `nav` refers to."""
        with plugin_errors():
            self._guard(config)
            self.build, self._site, self._written_nav = None, config, config.nav
            join(self._links, config)
            # Entries of the option `pages` may be of no page, which is to be told.
            if self._session or self.config.pages or may_refer(repr(config.nav)):
                self.begin().begin_fetching()

    def begin(self) -> SiteBuild:
        """Return the build, which begins now if it has not yet."""
        if self.build is None:
            from mkdocs_confluence_md.factory import Session  # noqa: PLC0415  not all sites need it
            from mkdocs_confluence_md.site_build import SiteBuild  # noqa: PLC0415  the same

            if self._session is None:
                self._session = Session(warn=log.warning, inform=log.info)
                gc.freeze()  # as `on_startup`, with what was imported here
            self.build = SiteBuild(
                self, self._site, self._session, self.patience, is_dirty=self._is_dirty
            )
            self.build.written_nav = self._written_nav
        return self.build

    def on_pre_build(self, *, config: MkDocsConfig) -> None:
        """Keep redirects from being removed, because MkDocs cleans the site next."""
        del config
        if self.build:
            self.build.keep_redirects()

    @event_priority(50)  # early, so that plugins that work on `nav` see our files
    def _add_pages(self, files: Files, *, config: MkDocsConfig) -> None:
        """Place the pages that `nav` refers to and add them to the site."""
        self._written_nav = config.nav
        if self.build or may_refer(repr(config.nav)):
            with plugin_errors():
                self.begin().add_pages(files)

    @event_priority(-200)  # after plugins that write `nav`, at -100
    def _add_late_pages(self, files: Files, *, config: MkDocsConfig) -> None:
        """Do the same with what other plugins have put into `nav`."""
        if self.build or may_refer(repr(config.nav)):
            with plugin_errors():
                self.begin().add_late_pages(files)

    on_files = CombinedEvent(_add_pages, _add_late_pages)

    def _set_edit_urls(self, nav: Navigation, *, config: MkDocsConfig, files: Files) -> None:
        """Let the edit button of each page lead to its editor in Confluence."""
        del nav, config
        with plugin_errors():
            check_files(files)
        if self.build:
            self.build.set_edit_urls(files)

    @event_priority(-200)  # after plugins that make a navigation of their own
    def _add_linked_pages(self, nav: Navigation, *, config: MkDocsConfig, files: Files) -> None:
        """Add the pages that only the navigation or a redirect refers to."""
        redirects = config.plugins.get("redirects")
        texts = [*_list_links(nav.items), repr(redirects.config) if redirects else ""]
        if self.build or any(map(may_refer, texts)):
            with plugin_errors():
                self.begin().add_linked_pages(nav, files)
            self.begin().report_unknown_pages()

    on_nav = CombinedEvent(_set_edit_urls, _add_linked_pages)

    def on_page_read_source(self, *, page: Page, config: MkDocsConfig) -> str | None:
        """Give MkDocs the source of a page as soon as that page is there."""
        del config
        with plugin_errors():
            return self.build.read_source(page) if self.build else None

    @event_priority(1000)  # before all others: they may not see live directives
    def _hide_directives(
        self, markdown: str, *, page: Page, config: MkDocsConfig, files: Files
    ) -> str | None:
        """Give other plugins the text of a page from Confluence without live directives."""
        del config, files
        return self.build.hide_directives(markdown, page) if self.build else None

    @event_priority(-1000)  # after all others
    def _show_directives(
        self, markdown: str, *, page: Page, config: MkDocsConfig, files: Files
    ) -> str | None:
        """Give MkDocs the text of a page as it was exported, and the files that it refers to."""
        del config
        return self.build.show_directives(markdown, page, files) if self.build else None

    on_page_markdown = CombinedEvent(_hide_directives, _show_directives)

    @event_priority(100)  # first, so that what other plugins put into the page stays
    def on_page_content(
        self, html: str, *, page: Page, config: MkDocsConfig, files: Files
    ) -> str | None:
        """Clean a page if that is wanted, and say where it is from."""
        del config, files
        with plugin_errors():
            return self.build.finish_content(html, page) if self.build else None

    @event_priority(50)  # early, so that other plugins see the links as they will be
    def _finish_links(self, env: jinja2.Environment, *, config: MkDocsConfig, files: Files) -> None:
        """Finish links, when all pages are there, and say where these came from."""
        del env, config, files
        if self.build:
            self.build.finish_links()
            self.build.finish_fetching()

    @event_priority(-1000)  # last, when no plugin adds any more files
    def _check_files(self, env: jinja2.Environment, *, config: MkDocsConfig, files: Files) -> None:
        """Check what is going to be copied, and add what leads to pages."""
        del env, config
        with plugin_errors():
            check_files(files)
        if self.build:
            self.build.finish_files(files)

    on_env = CombinedEvent(_finish_links, _check_files)

    @event_priority(50)  # early, so that other plugins see the metadata as a whole
    def on_page_context(
        self, context: TemplateContext, *, page: Page, config: MkDocsConfig, nav: Navigation
    ) -> None:
        """Let a page's template see the whole metadata of that page only."""
        del context, config
        if self.build:
            self.build.show_metadata(page, nav.pages)

    @event_priority(-50)  # late, for the same reason
    def on_post_page(self, output: str, *, page: Page, config: MkDocsConfig) -> None:
        """Go on to the next page's template."""
        del output, config
        if self.build:
            self.build.hide_metadata(page)

    @event_priority(50)  # early, for the same reason
    def on_post_build(self, *, config: MkDocsConfig) -> None:
        """Leave metadata and `nav` as other plugins expect them: no more templates are rendered."""
        del config
        if self.build:
            self.build.show_all_metadata()
            self.build.restore_nav()

    def on_serve(
        self, server: LiveReloadServer, *, config: MkDocsConfig, builder: Callable[..., None]
    ) -> None:
        """Build the site anew when a page changes in Confluence, if that is wanted."""
        del builder
        if self._session and (interval := self.watch_seconds or self.config.watch):
            self._session.watch(server, self.config, config, interval)

    def on_build_error(self, *, error: Exception) -> None:
        """Do not fetch for a build that has failed."""
        del error
        if self.build:
            self.build.restore_redirects()
        if self._session:
            self._session.cancel()

    def on_shutdown(self) -> None:
        """End the threads and close the connections and the cache.

        The process ends, too: its last garbage collections would look through the whole site.
        """
        if self.build:  # which may have been interrupted
            self.build.restore_redirects()
        if self._session:
            self._session.close()
        gc.freeze()


def _list_links(items: Iterable[Any]) -> Iterator[str]:
    """Yield what the links of a navigation say, among items and below them."""
    for item in items:
        if isinstance(item, Link):
            yield f"{item.title} {item.url}"
        yield from _list_links(item.children or ())
