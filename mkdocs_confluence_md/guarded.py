"""Refuse configurations and files that would make a secret part of the site."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor
from mkdocs.config.base import ValidationError
from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin
from mkdocs.structure.files import Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page

from mkdocs_confluence_md.auth.token_file import Protection, make_protection
from mkdocs_confluence_md.config import PluginConfig, explain_option, find_snapshot_dir
from mkdocs_confluence_md.errors import ConfluenceError, MissingPagesError
from mkdocs_confluence_md.markdown.context import join
from mkdocs_confluence_md.network.redaction import hide_used_secrets
from mkdocs_confluence_md.project import check_written, locate_option, show_place, walk_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from markdown import Markdown
    from mkdocs.config.base import ConfigErrors, ConfigWarnings
    from mkdocs.config.defaults import MkDocsConfig

    Check = Callable[[str, str], None]


@contextmanager
def plugin_errors() -> Iterator[None]:
    """Turn our errors into the one kind that MkDocs shows without a traceback, also in `serve`."""
    try:
        yield
    except ConfluenceError as error:
        raise PluginError(hide_used_secrets(f"confluence-md: {error}")) from None
    except MissingPagesError as error:
        raise PluginError(hide_used_secrets(str(error))) from None


class GuardedPlugin(BasePlugin[PluginConfig]):
    """A plugin that ends a build whose site would have the token file or a secret in it."""

    def __init__(self) -> None:
        self._included_files = IncludedFilesExtension(_check_included_file)

    def load_config(
        self, options: dict[str, Any], config_file_path: str | None = None
    ) -> tuple[ConfigErrors, ConfigWarnings]:
        """Validate the options; what has a secret in it is in no message, not even MkDocs' own."""
        with plugin_errors():
            protection = make_protection(os.environ)
            if config_file_path:
                check_written(Path(config_file_path), protection)
            _check_texts(options, "plugins.confluence-md", protection)
        errors, warnings = super().load_config(options, config_file_path)
        if config_file_path:
            file = Path(config_file_path)
            errors = [
                (name, ValidationError(_explain(name, error, file))) for name, error in errors
            ]
            warnings = [(name, _explain(name, text, file)) for name, text in warnings]
        return errors, warnings

    def _guard(self, config: MkDocsConfig) -> None:
        """Refuse a configuration as it is when all plugins have seen it.

        Raises:
            SettingError: It has a secret in it, or one of its directories has the token file in it.
        """
        protection = make_protection(os.environ)
        _check_texts(config, "", protection)
        snapshot_dir = find_snapshot_dir(self.config, config.config_file_path or "mkdocs.yml")
        directories = {
            "docs_dir": config.docs_dir,
            "custom_dir": config.theme.custom_dir,
            "snapshot": snapshot_dir,
        }
        for name, directory in directories.items():
            if directory:
                protection.check_directory(Path(directory), name)
        join(self._included_files, config)


def _explain(name: str, error: object, file: Path) -> str:
    place, line = locate_option(file, name)
    text = explain_option(name, error)
    return f"{text} ({show_place(place, line)})" if line else text


def check_files(files: Files) -> None:
    """Refuse files of a site that lead to the token file, also those of other plugins.

    Raises:
        SettingError: One does.
    """
    protection = make_protection(os.environ)
    for file in files:
        if path := file.abs_src_path:
            protection.check_file(path, file.src_uri)


def _check_texts(settings: object, top: str, protection: Protection) -> None:
    for path, text in walk_values(settings, _look_inside):
        protection.check_text(text, f"{top}.{path}" if top else path)


def _look_inside(value: object) -> object:
    """Return what is looked at of an object of MkDocs, or of Python-Markdown."""
    if isinstance(value, (BasePlugin, Extension)):
        return value.config
    return () if isinstance(value, (Files, Navigation, Page)) else value


def _check_included_file(path: str, shown: str) -> None:
    with plugin_errors():
        make_protection(os.environ).check_file(path, shown)


_FIRST = 1_000
_FINDER = "get_snippet_path"


class IncludedFilesExtension(Extension):
    """Has each file that a page includes checked.

    Args:
        check: Gets the path of a file and what to call it, and raises if it must not be read.
    """

    def __init__(self, check: Check) -> None:
        super().__init__()
        self._check = check

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802  Python-Markdown's name
        """Begin before any file is included."""
        md.preprocessors.register(_Checker(md, self._check), "confluence_included_files", _FIRST)


class _Checker(Preprocessor):
    def __init__(self, md: Markdown, check: Check) -> None:
        super().__init__(md)
        self._check = check
        self._is_done = False

    def run(self, lines: list[str]) -> list[str]:
        """Take part in finding files, once all extensions are there."""
        if not self._is_done:
            self._is_done = True
            for each in self.md.preprocessors:
                if find := getattr(each, _FINDER, None):
                    setattr(each, _FINDER, self._make_finder(find))
        return lines

    def _make_finder(self, find: Callable[[str], str | None]) -> Callable[[str], str | None]:
        def find_and_check(path: str) -> str | None:
            found = find(path)
            if found:
                self._check(found, f"The snippet {path!r}")
            return found

        return find_and_check
