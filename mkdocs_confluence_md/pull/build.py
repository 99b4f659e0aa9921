"""A real build of a site, and what it knows when it is done.

Only MkDocs knows where a page lands, which ID a heading gets and whether a link leads anywhere. So
a site is built as `mkdocs build` does it, into a directory that nobody keeps.
"""

from __future__ import annotations

import copy
import logging
import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.config.base import Config
from mkdocs.exceptions import Abort, MkDocsException
from mkdocs.plugins import BasePlugin, event_priority
from mkdocs.structure.files import File, Files, set_exclusions

from mkdocs_confluence_md.auth.token_file import make_protection
from mkdocs_confluence_md.errors import ConfluenceError, SettingError, SnapshotError
from mkdocs_confluence_md.plugin import ConfluencePlugin
from mkdocs_confluence_md.project import check_written, explain_unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

    from mkdocs_confluence_md.config import PluginConfig
    from mkdocs_confluence_md.site_build import SiteBuild

_FIRST = 10_000
"""A priority of hooks: before those of all others."""


@dataclass
class BuiltPage:
    """A page from Confluence, as a build had it."""

    page: Page
    meta: dict[str, Any]
    """Its front matter."""
    markdown: str
    """What followed the front matter."""
    is_headed: bool = True
    """Whether it has a heading of the first level itself."""


@dataclass
class BuiltSite:
    """A site that was built, before anything of it is closed."""

    config: MkDocsConfig
    options: PluginConfig
    build: SiteBuild
    nav: Any
    """With paths in the place of references."""
    pages: dict[str, BuiltPage]
    """Those from Confluence, by `src_uri`."""
    warnings: int = 0

    def list_excluded(self, src_uris: Iterable[str]) -> list[str]:
        """Return those paths that MkDocs would leave out of a site by their names."""
        config = self.config
        urls = config.use_directory_urls
        files = Files([File(uri, None, config.site_dir, urls) for uri in src_uris])
        set_exclusions(files, config)
        return [file.src_uri for file in files if file.inclusion.is_excluded()]


@contextmanager
def built_site(
    config_file: Path,
    tell: Callable[[str], None],
    check: Callable[[MkDocsConfig, PluginConfig], None],
) -> Iterator[BuiltSite]:
    """Build a site.

    Args:
        config_file: Its `mkdocs.yml`.
        tell: Is told each warning and error of the build.
        check: Raises if the configuration is of no use, before anything is built.

    Raises:
        ConfluenceError: It cannot be built; what is wrong has been told.
    """
    teller = _Teller(tell)
    log = logging.getLogger("mkdocs")
    log.addHandler(teller)
    try:
        with tempfile.TemporaryDirectory(prefix="confluence-md-") as site_dir:
            config = _load(config_file, site_dir)
            plugin = _find_plugin(config, config_file)
            check(config, plugin.config)
            witness = _Witness(plugin)
            config.plugins["confluence-md-pull"] = witness
            try:
                _build(config)
                assert plugin.build  # noqa: S101  for the type checker: it has just ended
                site = BuiltSite(config, plugin.config, plugin.build, witness.nav, witness.pages)
                site.warnings = teller.count
                yield site
            finally:
                config.plugins.on_shutdown()
    finally:
        log.removeHandler(teller)


class _Teller(logging.Handler):
    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self.count = 0
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        self.count += 1
        self._tell(f"{record.levelname}: {record.getMessage()}")


class _NoOptions(Config):
    pass


class _Witness(BasePlugin[_NoOptions]):
    """A plugin beside ours, which sees what other plugins have not changed yet."""

    def __init__(self, plugin: ConfluencePlugin) -> None:
        self._plugin = plugin
        self.nav: Any = None
        self.pages: dict[str, BuiltPage] = {}

    @event_priority(49)  # right behind ours
    def on_files(self, files: Files, *, config: MkDocsConfig) -> None:
        """Keep `nav` with its paths."""
        del files
        self.nav = copy.deepcopy(config.nav)

    @event_priority(_FIRST)
    def on_page_markdown(
        self, markdown: str, *, page: Page, config: MkDocsConfig, files: Files
    ) -> None:
        """Keep a page's Markdown."""
        del config, files
        build = self._plugin.build
        if build and page.file.src_uri in build.pages:
            self.pages[page.file.src_uri] = BuiltPage(page, dict(page.meta), markdown)

    @event_priority(_FIRST)
    def on_page_content(self, html: str, *, page: Page, config: MkDocsConfig, files: Files) -> None:
        """Note whether a page has a heading, before it is given one."""
        del config, files
        if page.file.src_uri in self.pages:
            self.pages[page.file.src_uri].is_headed = "<h1" in html


def _load(config_file: Path, site_dir: str) -> MkDocsConfig:
    try:
        config_file.open("rb").close()
    except OSError as error:
        raise explain_unreadable(config_file, error) from None
    check_written(config_file, make_protection(os.environ))
    try:
        return load_config(str(config_file), site_dir=site_dir)
    except Abort:
        raise SettingError(
            f"{config_file} is no configuration for MkDocs.", "Correct what is said above."
        ) from None
    except MkDocsException as error:
        raise SettingError(
            f"{config_file} is no configuration for MkDocs: {error.message}.", "Correct it."
        ) from None


def _find_plugin(config: MkDocsConfig, config_file: Path) -> ConfluencePlugin:
    for plugin in config.plugins.values():
        if isinstance(plugin, ConfluencePlugin):
            # A page that says what went wrong is nothing to keep, and what was kept is not news.
            plugin.config.on_error = "fail"
            plugin.config.snapshot = None
            return plugin
    raise SettingError(
        f"{config_file} does not have the plugin confluence-md.",
        "Name the configuration with -f.",
    )


def _build(config: MkDocsConfig) -> None:
    try:
        config.plugins.on_startup(command="build", dirty=False)
        build(config)
    except ConfluenceError:
        raise
    except Abort:
        raise SnapshotError(
            "The site could not be built, so nothing was changed.", "Correct what is said above."
        ) from None
    except Exception as error:  # noqa: BLE001  other plugins and hooks raise what they like
        what = error.message if isinstance(error, MkDocsException) else repr(error)
        raise SnapshotError(
            f"The site could not be built, so nothing was changed: {what}",
            "See what `mkdocs build` says.",
        ) from None
