"""Where a project's `mkdocs.yml` says that the cache is.

Only the plugin's options are looked at: a mistake in `nav`, a theme or another plugin that is not
installed are no reason not to find the cache.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from mkdocs.exceptions import ConfigurationError
from mkdocs.utils.yaml import get_yaml_loader, yaml_load

from mkdocs_confluence_md.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_CACHE_DIR = ".cache/plugin/confluence-md"

_PLUGIN = "confluence-md"
_REMEDY = "Name the configuration with -f, or the cache's directory with --cache-dir."


class _Loader(yaml.SafeLoader):
    """Reads YAML without the objects that tags of MkDocs' extensions stand for."""


# What `!!python/name:…` names may not be installed, and no command of ours needs it.
_Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)
_Loader.add_multi_constructor("!", lambda *_: None)


def resolve_cache_dir(config_file: str | Path, cache_dir: str) -> Path:
    """Return the directory that the option `cache_dir` names, relative to `mkdocs.yml`."""
    root = Path(config_file).resolve().parent
    return (root / os.path.expanduser(cache_dir)).resolve()  # noqa: PTH111  Path's raises


def choose_cache_dir(
    config_file: str | Path, cache_dir: str, others: Mapping[str, str | Path]
) -> Path:
    """Return the cache directory, which must be a directory of its own.

    Args:
        config_file: The project's `mkdocs.yml`.
        cache_dir: The option.
        others: Directories that are published, watched or emptied, by the names of their settings.

    Raises:
        SettingError: It is in or around one of the others.
    """
    chosen = resolve_cache_dir(config_file, cache_dir)
    for name, other in others.items():
        directory = Path(other).resolve()
        if chosen.is_relative_to(directory) or directory.is_relative_to(chosen):
            raise SettingError(
                f"The option `cache_dir` is {cache_dir!r}, in or around {name} ({directory}).",
                "Name a directory of its own, or leave the option out.",
            )
    return chosen


def find_cache_dir(config_file: Path) -> Path:
    """Read `mkdocs.yml`, and those that it inherits from, for the cache's directory.

    Raises:
        SettingError: It cannot be read, or does not have the plugin.
    """
    try:
        with config_file.open("rb") as file:
            config = yaml_load(file, get_yaml_loader(_Loader))
    except OSError as error:
        raise SettingError(f"{config_file} cannot be read: {error.strerror}.", _REMEDY) from None
    except (ConfigurationError, TypeError, ValueError) as error:
        raise SettingError(f"{config_file} is no configuration: {error}.", _REMEDY) from None
    options = _find_options(config.get("plugins")) if isinstance(config, dict) else None
    if options is None:
        raise SettingError(f"{config_file} does not have the plugin {_PLUGIN}.", _REMEDY)
    cache_dir = options.get("cache_dir") or DEFAULT_CACHE_DIR
    if not isinstance(cache_dir, str):
        raise SettingError(f"The option `cache_dir` in {config_file} is no path.", _REMEDY)
    return resolve_cache_dir(config_file, cache_dir)


def _find_options(plugins: object) -> dict[str, Any] | None:
    """Return the plugin's options, from both forms of a list of plugins."""
    entries = [plugins] if isinstance(plugins, dict) else plugins
    for entry in entries if isinstance(entries, list) else []:
        if entry == _PLUGIN:
            return {}
        if isinstance(entry, dict) and _PLUGIN in entry:
            return entry[_PLUGIN] if isinstance(entry[_PLUGIN], dict) else {}
    return None
