"""The MkDocs plugin: each hook reads as a sentence and calls one thing."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin, event_priority, get_plugin_logger

from mkdocs_confluence_md.attached import AttachedFiles, make_file
from mkdocs_confluence_md.auth import make_auth
from mkdocs_confluence_md.cache import ExportCache
from mkdocs_confluence_md.commonmark import MERMAID_ADVICE, CommonMark, draws_diagrams
from mkdocs_confluence_md.config import PluginConfig
from mkdocs_confluence_md.environment import read_environment
from mkdocs_confluence_md.errors import ConfluenceError, SettingError
from mkdocs_confluence_md.exporter import ApiAddress, Exporter
from mkdocs_confluence_md.library import Library
from mkdocs_confluence_md.links import LinkExtension
from mkdocs_confluence_md.metadata import Additions
from mkdocs_confluence_md.placement import PlacedPage, Placement, place
from mkdocs_confluence_md.progress import ProgressBar
from mkdocs_confluence_md.project import choose_cache_dir
from mkdocs_confluence_md.references import editor_url, view_url
from mkdocs_confluence_md.reports import (
    PageFailure,
    describe_page,
    report_complaints,
    report_conflict,
    report_failures,
    report_pages,
    report_stale_assets,
    report_stale_pages,
)
from mkdocs_confluence_md.sanitizing import sanitize
from mkdocs_confluence_md.source import make_placeholder, make_source
from mkdocs_confluence_md.traffic import Patience
from mkdocs_confluence_md.trust import host_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import jinja2
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.nav import Navigation
    from mkdocs.structure.pages import Page
    from mkdocs.utils.templates import TemplateContext

    from mkdocs_confluence_md.environment import Environment

log = get_plugin_logger("confluence-md")


class ConfluencePlugin(BasePlugin[PluginConfig]):
    """Makes Confluence pages pages of the site.

    One instance lives through a whole `mkdocs serve`, and with it the cache and the connections.
    """

    patience = Patience()
    """How long is waited for what. A hook may replace it, as tests do to be quick."""

    def __init__(self) -> None:
        self._library: Library | None = None
        self._library_settings: object = None
        self._progress = ProgressBar(sys.stderr)
        self._address = ApiAddress()
        self._links = LinkExtension()
        self._attached = AttachedFiles()
        self._pages: dict[str, PlacedPage] = {}
        """What this plugin placed, by `src_uri`."""
        self._failures: list[PageFailure] = []
        """Pages of this build in whose place there are placeholders."""
        self._additions = Additions()
        self._commonmark = CommonMark()

    def on_startup(self, *, command: Literal["build", "gh-deploy", "serve"], dirty: bool) -> None:
        """Do nothing: having this hook is what makes MkDocs keep the instance while serving."""

    @event_priority(-100)  # late, so that other plugins and hooks have set up what we need
    def on_config(self, config: MkDocsConfig) -> None:
        """Have pages and links read as what they are, and begin to fetch what `nav` refers to."""
        self._commonmark.join(config)
        self._links.join(config)
        self._attached.join(config)
        with _plugin_errors():
            self._address = _make_address(self.config)
            placement = self._place(config, [])
            if placement.pages and not placement.complaints:
                library = self._open_library(config)
                self._progress.begin(visible=log.isEnabledFor(logging.INFO))
                library.start(page.ref.page_id for page in placement.pages)
            elif self._library:  # another plugin may still add pages
                self._library.start([])

    @event_priority(50)  # early, so that plugins that work on `nav` see our files
    def on_files(self, files: Files, *, config: MkDocsConfig) -> None:
        """Place the pages that `nav` refers to and add them to the site."""
        with _plugin_errors():
            placement = self._place(config, [file.dest_uri for file in files])
            _report(placement)
            self._pages = {page.src_uri: page for page in placement.pages}
            self._failures = []
            self._additions.begin(self._pages)
            self._links.begin(placement.pages, self._address.find_site())
            self._attached.begin()
            if not placement.pages:
                return
            # Another plugin may have changed `nav` since.
            library = self._open_library(config)
            library.add(page.ref.page_id for page in placement.pages)
            for page in placement.pages:
                files.append(make_file(page.src_uri, "", config))
            config.nav = placement.nav

    def on_nav(self, nav: Navigation, *, config: MkDocsConfig, files: Files) -> None:
        """Let the edit button of each page lead to its editor in Confluence."""
        del nav, config
        for src_uri, placed in self._pages.items():
            file = files.src_uris.get(src_uri)
            if file and file.page:
                site = self._find_site(placed)
                file.page.edit_url = editor_url(site, placed.ref.page_id) if site else None

    def on_page_read_source(self, *, page: Page, config: MkDocsConfig) -> str | None:
        """Give MkDocs the source of a page as soon as that page is there."""
        del config
        placed = self._pages.get(page.file.src_uri)
        if placed is None or self._library is None:
            return None
        return self._read_page(self._library, placed)

    def on_page_markdown(
        self, markdown: str, *, page: Page, config: MkDocsConfig, files: Files
    ) -> None:
        """Note whether a page is from Confluence, and add the files that it refers to."""
        del markdown
        self._commonmark.page = page if page.file.src_uri in self._pages else None
        self._attached.add_files(page.file, config=config, files=files)

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
        page.meta.setdefault("title", page.title)
        for problem in self._attached.find_problems(page.file.src_uri):
            log.warning(problem)
        html = sanitize(html) if self.config.raw_html == "strip" else html
        return html if "<h1" in html else f"<h1>{page.title}</h1>\n{html}"

    @event_priority(50)  # early, so that other plugins see the links as they will be
    def on_env(self, env: jinja2.Environment, *, config: MkDocsConfig, files: Files) -> None:
        """Finish links, when all pages are there, and say where these came from."""
        del env, files
        self._report_links()
        for problem in self._links.finish():
            log.log(config.validation.links.anchors, problem)
        if "mermaid" in self._commonmark.languages and not draws_diagrams(config.mdx_configs):
            log.info(MERMAID_ADVICE)
        if self._library is None or not self._pages:
            return
        pages = self._library.wait_for_pages(self._progress.show)
        self._progress.clear()
        if pages:
            log.info(report_pages(pages))
        for warning in filter(None, (report_stale_pages(pages), report_stale_assets(pages))):
            log.warning(warning)
        if self._failures:
            log.warning(report_failures(self._failures))

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

    def on_build_error(self, *, error: Exception) -> None:
        """Do not fetch for a build that has failed."""
        del error
        self._progress.clear()
        if self._library:
            self._library.cancel()

    def on_shutdown(self) -> None:
        """End the threads and close the connections and the cache."""
        self._progress.clear()  # an interrupted build ends here, and nowhere else
        if self._library:
            self._library.close()
            self._library = None

    def _report_links(self) -> None:
        for problem in self._links.take_problems():
            log.warning(problem)

    def _place(self, config: MkDocsConfig, local_uris: list[str]) -> Placement:
        return place(
            config.nav or [],
            page_path=self.config.page_path,
            local_uris=local_uris,
            site_host=host_of(self._address.find_site()),
            use_directory_urls=config.use_directory_urls,
        )

    def _open_library(self, config: MkDocsConfig) -> Library:
        """Return the library for the settings as they are now: the same one, if they are, too."""
        environment = read_environment(os.environ)
        address = replace(self._address, api_url=environment.api_url)
        settings = (environment, address, dict(self.config))
        if self._library is None or settings != self._library_settings:
            self.on_shutdown()
            self._library = self._make_library(environment, address, config)
            self._library_settings = settings
        return self._library

    def _make_library(
        self, environment: Environment, address: ApiAddress, config: MkDocsConfig
    ) -> Library:
        options = self.config
        address.check()
        auth = make_auth(environment, site=address.find_site(), base_url=address.base_url)
        auth.check_trust(address.make_base_url())
        return Library(
            Exporter(address, auth, concurrency=options.concurrency, patience=self.patience),
            ExportCache(_find_cache_dir(options, config), warn=log.warning),
            threads=2 * options.concurrency,
            max_age=options.max_age,
            offline=options.offline or environment.offline,
            attachments=options.attachments,
        )

    def _read_page(self, library: Library, placed: PlacedPage) -> str:
        page_id, title = placed.ref.page_id, placed.title
        try:
            fetched = library.wait_for(page_id, self._progress.show)
        except ConfluenceError as error:
            if self.config.on_error == "placeholder":
                failure = self._describe_failure(placed, error)
                self._failures.append(failure)
                return make_placeholder(failure)
            errors = library.wait_for_errors(self._progress.show)
            raise PluginError(self._report_errors(errors)) from None
        self._attached.expect(placed, fetched.assets)
        log.debug(
            f"{describe_page(title, page_id)} has {len(fetched.markdown)} characters of Markdown"
        )
        return make_source(fetched.markdown, page_id=page_id, title=title)

    def _report_errors(self, errors: dict[str, ConfluenceError]) -> str:
        return report_failures(
            [
                self._describe_failure(placed, errors[placed.ref.page_id])
                for placed in self._pages.values()
                if placed.ref.page_id in errors
            ]
        )

    def _describe_failure(self, placed: PlacedPage, error: ConfluenceError) -> PageFailure:
        site, page_id = self._find_site(placed), placed.ref.page_id
        return PageFailure(placed.title, page_id, view_url(site, page_id) if site else "", error)

    def _find_site(self, placed: PlacedPage) -> str:
        """Return the origin for links to a page: the options know it, or the pasted URL does."""
        pasted = f"https://{placed.ref.host}" if placed.ref.host else ""
        return self._address.find_site() or pasted


@contextmanager
def _plugin_errors() -> Iterator[None]:
    """Turn our errors into the one kind that MkDocs shows without a traceback, also in `serve`."""
    try:
        yield
    except ConfluenceError as error:
        raise PluginError(f"confluence-md: {error}") from None


def _make_address(options: PluginConfig) -> ApiAddress:
    return ApiAddress(
        site=options.site or "",
        cloud_id=options.cloud_id or "",
        environment=options.environment,
        gateway=options.gateway,
        base_url=options.base_url or "",
    )


def _find_cache_dir(options: PluginConfig, config: MkDocsConfig) -> Path:
    others = {"docs_dir": config.docs_dir, "site_dir": config.site_dir}
    if custom_dir := config.theme.custom_dir:
        others["custom_dir"] = custom_dir
    return choose_cache_dir(config.config_file_path or "mkdocs.yml", options.cache_dir, others)


def _report(placement: Placement) -> None:
    """Say what is wrong with `nav`: an entry that is no page ends the build.

    Raises:
        SettingError: With all such entries.
    """
    if placement.complaints:
        raise SettingError(report_complaints(placement.complaints), "\nCorrect them in mkdocs.yml.")
    for conflict in placement.conflicts:
        log.warning(report_conflict(conflict))
