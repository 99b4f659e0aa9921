"""What is public, as the type checker sees it: nothing runs this file.

Public are the plugin and its options, for hooks that look at them, the command as an object, and
the version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_type

from mkdocs_confluence_md import __version__
from mkdocs_confluence_md.cli import cli
from mkdocs_confluence_md.config import PluginConfig
from mkdocs_confluence_md.network.throttling import Patience
from mkdocs_confluence_md.plugin import ConfluencePlugin

if TYPE_CHECKING:
    import click
    from mkdocs.config.defaults import MkDocsConfig


def read_options(plugin: ConfluencePlugin) -> None:
    """See the options with their types."""
    assert_type(plugin.config, PluginConfig)
    assert_type(plugin.config.site, str | None)
    assert_type(plugin.config.cloud_id, str | None)
    assert_type(plugin.config.environment, str)
    assert_type(plugin.config.gateway, str)
    assert_type(plugin.config.base_url, str | None)
    assert_type(plugin.config.page_path, str)
    assert_type(plugin.config.attachments, bool | str)
    assert_type(plugin.config.raw_html, str)
    assert_type(plugin.config.max_age, float)
    assert_type(plugin.config.offline, bool)
    assert_type(plugin.config.on_error, str)
    assert_type(plugin.config.concurrency, int)
    assert_type(plugin.config.cache_dir, str)


def be_patient(config: MkDocsConfig) -> None:
    """Wait longer for slow networks, as a hook of a site may want."""
    plugin = config.plugins["confluence-md"]
    assert isinstance(plugin, ConfluencePlugin)
    plugin.patience = Patience(connect=20.0)


assert_type(__version__, str)
command: click.Group = cli
