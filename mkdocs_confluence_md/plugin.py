"""The MkDocs plugin: each hook reads as a sentence and calls one thing."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin, event_priority, get_plugin_logger
from mkdocs.structure.files import File, InclusionLevel

from mkdocs_confluence_md.attached import AttachedFiles
from mkdocs_confluence_md.auth import make_auth
from mkdocs_confluence_md.cache import ExportCache
from mkdocs_confluence_md.config import PluginConfig
from mkdocs_confluence_md.environment import read_environment
from mkdocs_confluence_md.errors import ConfluenceError, SettingError
from mkdocs_confluence_md.exporter import ApiAddress, Exporter
from mkdocs_confluence_md.library import Library
from mkdocs_confluence_md.placement import PlacedPage, Placement, place
from mkdocs_confluence_md.progress import ProgressBar
from mkdocs_confluence_md.project import resolve_cache_dir
from mkdocs_confluence_md.references import editor_url, view_url
from mkdocs_confluence_md.reports import (
    PageFailure,
    describe_page,
    report_failures,
    report_pages,
    report_stale_assets,
    report_stale_pages,
)
from mkdocs_confluence_md.sanitizing import sanitize
from mkdocs_confluence_md.source import ADDED_NAMES, make_placeholder, make_source
from mkdocs_confluence_md.traffic import Patience
from mkdocs_confluence_md.trust import host_of

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        self._attached = AttachedFiles()
        self._pages: dict[str, PlacedPage] = {}
        """What this plugin placed, by `src_uri`."""
        self._put_aside: dict[str, tuple[Page, dict[str, Any]]] = {}
        """Pages, by `src_uri`, with what is added to their metadata while it is not in there."""

    def on_startup(self, *, command: Literal["build", "gh-deploy", "serve"], dirty: bool) -> None:
        """Do nothing: having this hook is what makes MkDocs keep the instance while serving."""

    @event_priority(50)  # early, so that plugins that work on `nav` see our files
    def on_files(self, files: Files, *, config: MkDocsConfig) -> None:
        """Place the pages that `nav` refers to, add them to the site and begin to fetch them."""
        with _plugin_errors():
            self._address = _make_address(self.config)
            placement = place(
                config.nav or [],
                page_path=self.config.page_path,
                local_uris=[file.dest_uri for file in files],
                site_host=host_of(self._address.find_site()),
                use_directory_urls=config.use_directory_urls,
            )
            _report(placement)
            self._pages = {page.src_uri: page for page in placement.pages}
            self._put_aside = {}
            if not placement.pages:
                return
            self._start_fetching(config)
            self._attached.begin(config)
            for page in placement.pages:
                files.append(_make_file(page, config))
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
        """Add the files that a page refers to, before MkDocs checks its links."""
        del markdown
        self._attached.add_files(page.file, config=config, files=files)

    @event_priority(100)  # first, so that what other plugins put into the page stays
    def on_page_content(
        self, html: str, *, page: Page, config: MkDocsConfig, files: Files
    ) -> str | None:
        """Head a page with its title where it has no first-level heading of its own."""
        del config, files
        if page.file.src_uri not in self._pages:
            return None
        # Material undoes the escaping of a title, but not of one that is in the metadata.
        page.meta.setdefault("title", page.title)
        for problem in self._attached.find_problems(page.file.src_uri):
            log.warning(problem)
        html = sanitize(html) if self.config.raw_html == "strip" else html
        return html if "<h1" in html else f"<h1>{page.title}</h1>\n{html}"

    def on_env(self, env: jinja2.Environment, *, config: MkDocsConfig, files: Files) -> None:
        """Say, when all pages are there, where they came from; warn if some are stale."""
        del env, config, files
        if self._library is None or not self._pages:
            return
        pages = self._library.wait_for_pages(self._progress.show)
        self._progress.clear()
        if pages:
            log.info(report_pages(pages))
        for warning in filter(None, (report_stale_pages(pages), report_stale_assets(pages))):
            log.warning(warning)

    @event_priority(50)  # early, so that other plugins see the metadata as a whole
    def on_page_context(
        self, context: TemplateContext, *, page: Page, config: MkDocsConfig, nav: Navigation
    ) -> None:
        """Let a page's template see the whole metadata of that page only."""
        del context, config
        if self._pages and not self._put_aside:  # the first page that is rendered
            for other in nav.pages:
                self._put_additions_aside(other)
        self._put_additions_back(page.file.src_uri)

    @event_priority(-50)  # late, for the same reason
    def on_post_page(self, output: str, *, page: Page, config: MkDocsConfig) -> None:
        """Go on to the next page's template."""
        del output, config
        self._put_additions_aside(page)

    @event_priority(50)  # early, for the same reason
    def on_post_build(self, *, config: MkDocsConfig) -> None:
        """Make the metadata of all pages whole again: no more templates are rendered."""
        del config
        for src_uri in list(self._put_aside):
            self._put_additions_back(src_uri)

    def on_build_error(self, *, error: Exception) -> None:
        """Do not fetch for a build that has failed."""
        del error
        self._progress.clear()
        if self._library:
            self._library.cancel()

    def on_shutdown(self) -> None:
        """End the threads and close the connections and the cache."""
        if self._library:
            self._library.close()
            self._library = None

    def _put_additions_aside(self, page: Page) -> None:
        """Keep what `make_source` added to a page's metadata from the templates of other pages.

        A theme looks for icons and more in the metadata of each page in `nav`, for each page that
        it renders; where there is no metadata, as for most local files, it does not look.
        """
        if page.file.src_uri in self._pages:
            page.title = page.title  # which may come from the metadata
            additions = {name: page.meta.pop(name) for name in ADDED_NAMES if name in page.meta}
            self._put_aside[page.file.src_uri] = (page, additions)

    def _put_additions_back(self, src_uri: str) -> None:
        if src_uri in self._put_aside:
            page, additions = self._put_aside.pop(src_uri)
            page.meta.update(additions)

    def _start_fetching(self, config: MkDocsConfig) -> None:
        environment = read_environment(os.environ)
        address = replace(self._address, api_url=environment.api_url)
        settings = (environment, address, dict(self.config))
        if self._library is None or settings != self._library_settings:
            self.on_shutdown()
            self._library = self._make_library(environment, address, config)
            self._library_settings = settings
        self._progress.begin(visible=log.isEnabledFor(logging.INFO))
        self._library.start(page.ref.page_id for page in self._pages.values())

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
                log.warning(report_failures([failure]))
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
    """Return the cache directory, which must be a directory of its own.

    Raises:
        SettingError: It is in or around a directory that is published, watched or emptied.
    """
    cache_dir = resolve_cache_dir(config.config_file_path or "mkdocs.yml", options.cache_dir)
    others = {"docs_dir": config.docs_dir, "site_dir": config.site_dir}
    if custom_dir := config.theme.custom_dir:
        others["custom_dir"] = custom_dir
    for name, other in others.items():
        directory = Path(other).resolve()
        if cache_dir.is_relative_to(directory) or directory.is_relative_to(cache_dir):
            raise SettingError(
                f"The option `cache_dir` is {options.cache_dir!r}, in or around {name} "
                f"({directory}).",
                "Name a directory of its own, or leave the option out.",
            )
    return cache_dir


def _report(placement: Placement) -> None:
    """Say what is wrong with `nav`: an entry that is no page ends the build.

    Raises:
        SettingError: With all such entries.
    """
    if placement.complaints:
        entries = "\n".join(f"  - {complaint}" for complaint in placement.complaints)
        raise SettingError(
            f"nav has entries that are no Confluence pages:\n{entries}",
            "\nCorrect them in mkdocs.yml.",
        )
    for conflict in placement.conflicts:
        page = conflict.page
        log.warning(
            f"{describe_page(page.title, page.ref.page_id)} would be {conflict.wanted}, but a "
            f"local file has that place in the site. The page is {page.src_uri} instead; give "
            "it another title in nav, or rename the local file."
        )


def _make_file(page: PlacedPage, config: MkDocsConfig) -> File:
    # Included whatever its path: what `nav` declares is wanted, and MkDocs would silently leave
    # out `templates/`, which is where a section of that name puts its pages.
    return File.generated(config, page.src_uri, content="", inclusion=InclusionLevel.INCLUDED)
