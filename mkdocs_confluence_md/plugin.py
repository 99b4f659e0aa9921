"""The MkDocs plugin: each hook reads as a sentence and calls one thing."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin, event_priority, get_plugin_logger
from mkdocs.structure.files import File, InclusionLevel

from mkdocs_confluence_md.auth import make_auth
from mkdocs_confluence_md.cache import ExportCache
from mkdocs_confluence_md.commonmark import MERMAID_ADVICE, CommonMark, draws_diagrams
from mkdocs_confluence_md.config import PluginConfig
from mkdocs_confluence_md.environment import read_environment
from mkdocs_confluence_md.errors import ConfluenceError, SettingError
from mkdocs_confluence_md.exporter import ApiAddress, Exporter
from mkdocs_confluence_md.library import Library
from mkdocs_confluence_md.placement import PlacedPage, Placement, place
from mkdocs_confluence_md.references import editor_url, view_url
from mkdocs_confluence_md.reports import (
    PageFailure,
    describe_page,
    report_failures,
    report_pages,
    report_stale_pages,
)
from mkdocs_confluence_md.source import make_placeholder, make_source
from mkdocs_confluence_md.traffic import Patience
from mkdocs_confluence_md.trust import host_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import jinja2
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.nav import Navigation
    from mkdocs.structure.pages import Page

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
        self._address = ApiAddress()
        self._pages: dict[str, PlacedPage] = {}
        """What this plugin placed, by `src_uri`."""
        self._commonmark = CommonMark()

    def on_startup(self, *, command: Literal["build", "gh-deploy", "serve"], dirty: bool) -> None:
        """Do nothing: having this hook is what makes MkDocs keep the instance while serving."""

    def on_config(self, config: MkDocsConfig) -> None:
        """Let the site read the pages from Confluence as what they are written in."""
        self._commonmark.languages.clear()
        # Typed as names, but Python-Markdown takes instances as well.
        extensions: list[Any] = config.markdown_extensions
        if self._commonmark not in extensions:
            extensions.append(self._commonmark)

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
            if not placement.pages:
                return
            self._start_fetching(config)
            for page in placement.pages:
                files.append(_make_file(page, config))
            config.nav = placement.nav

    def on_nav(self, nav: Navigation, *, config: MkDocsConfig, files: Files) -> None:
        """Let the edit button of each page lead to its editor in Confluence."""
        del nav, config
        for src_uri, placed in self._pages.items():
            file = files.get_file_from_path(src_uri)
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
        """Note whether the page that is rendered next is from Confluence."""
        del markdown, config, files
        self._commonmark.page = page if page.file.src_uri in self._pages else None

    def on_page_content(
        self, html: str, *, page: Page, config: MkDocsConfig, files: Files
    ) -> str | None:
        """Head a page with its title where it has no first-level heading of its own."""
        del config, files
        if page.file.src_uri not in self._pages or "<h1" in html:
            return None
        return f"<h1>{page.title}</h1>\n{html}"

    def on_env(self, env: jinja2.Environment, *, config: MkDocsConfig, files: Files) -> None:
        """Say, when all pages are there, where they came from; warn if some are stale."""
        del env, files
        if "mermaid" in self._commonmark.languages and not draws_diagrams(config.mdx_configs):
            log.info(MERMAID_ADVICE)
        if self._library is None or not self._pages:
            return
        pages = self._library.wait_for_pages()
        if pages:
            log.info(report_pages(pages))
        if warning := report_stale_pages(pages):
            log.warning(warning)

    def on_build_error(self, *, error: Exception) -> None:
        """Do not fetch for a build that has failed."""
        del error
        if self._library:
            self._library.cancel()

    def on_shutdown(self) -> None:
        """End the threads and close the connections and the cache."""
        if self._library:
            self._library.close()
            self._library = None

    def _start_fetching(self, config: MkDocsConfig) -> None:
        environment = read_environment(os.environ)
        address = replace(self._address, api_url=environment.api_url)
        settings = (environment, address, dict(self.config))
        if self._library is None or settings != self._library_settings:
            self.on_shutdown()
            self._library = self._make_library(environment, address, config)
            self._library_settings = settings
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
        )

    def _read_page(self, library: Library, placed: PlacedPage) -> str:
        page_id, title = placed.ref.page_id, placed.title
        try:
            markdown = library.wait_for(page_id).markdown
        except ConfluenceError as error:
            if self.config.on_error == "placeholder":
                failure = self._describe_failure(placed, error)
                log.warning(report_failures([failure]))
                return make_placeholder(failure)
            errors = library.wait_for_errors()
            raise PluginError(self._report_errors(errors)) from None
        log.debug(f"{describe_page(title, page_id)} has {len(markdown)} characters of Markdown")
        return make_source(markdown, page_id=page_id, title=title)

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
    root = Path(config.config_file_path or "mkdocs.yml").resolve().parent
    cache_dir = (root / os.path.expanduser(options.cache_dir)).resolve()  # noqa: PTH111  Path's raises
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
