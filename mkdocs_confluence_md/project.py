"""A project's `mkdocs.yml`, read without building: what commands need of it.

Only the plugin's options and `nav` are looked at: a theme or another plugin that is not installed
is no reason not to find the cache, or not to say what is wrong with `nav`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from mkdocs.exceptions import ConfigurationError
from mkdocs.utils.yaml import get_yaml_loader, yaml_load
from yaml.nodes import ScalarNode

from mkdocs_confluence_md.errors import SettingError
from mkdocs_confluence_md.written import find_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yaml.nodes import Node

DEFAULT_CACHE_DIR = ".cache/plugin/confluence-md"

_PLUGIN = "confluence-md"
_CORRECT = "Correct it: YAML reports the first line where it makes no sense."
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
        cache_dir = read_options(config_file).get("cache_dir") or DEFAULT_CACHE_DIR
    except SettingError as error:
        raise SettingError(error.what, _REMEDY) from None
    if not isinstance(cache_dir, str):
        raise SettingError(f"The option `cache_dir` in {config_file} is no path.", _REMEDY)
    return resolve_cache_dir(config_file, cache_dir)


def read_options(config_file: Path) -> dict[str, Any]:
    """Read the plugin's options from `mkdocs.yml`, and those that it inherits from.

    Raises:
        SettingError: It cannot be read, or does not have the plugin.
    """
    try:
        with config_file.open("rb") as file:
            config = yaml_load(file, get_yaml_loader(_Loader))
    except OSError as error:
        raise explain_unreadable(config_file, error) from None
    except (ConfigurationError, TypeError, ValueError, RecursionError) as error:
        raise SettingError(f"{config_file} is no configuration: {error}.", _CORRECT) from None
    options = _find_options(config.get("plugins")) if isinstance(config, dict) else None
    if options is None:
        raise SettingError(
            f"{config_file} does not have the plugin {_PLUGIN}.",
            f"Add it:\n\nplugins:\n  - search\n  - {_PLUGIN}:\n      site: acme.atlassian.net\n",
        )
    return options


def read_nav(config_file: Path) -> tuple[Path, Node | None]:
    """Read `nav`, and the file where it stands: `mkdocs.yml`, or one that it inherits from.

    Raises:
        SettingError: A file cannot be read.
        yaml.YAMLError: It is no YAML.
    """
    seen: set[Path] = set()
    file = config_file
    while file.resolve() not in seen:
        seen.add(file.resolve())
        try:
            root = yaml.compose(file.read_bytes(), _Loader)
        except OSError as error:
            raise explain_unreadable(file, error) from None
        nav, parent = find_value(root, "nav"), find_value(root, "INHERIT")
        if nav is not None or not isinstance(parent, ScalarNode):
            break
        file = file.parent / parent.value
    return file, nav


def explain_unreadable(file: Path, error: OSError) -> SettingError:
    """Say why a configuration, or one that it inherits from, cannot be read."""
    return SettingError(
        f"{file} cannot be read: {error.strerror}.",
        "Name the configuration with -f, and one that it inherits from with INHERIT.",
    )


def _find_options(plugins: object) -> dict[str, Any] | None:
    """Return the plugin's options, from both forms of a list of plugins."""
    entries = [plugins] if isinstance(plugins, dict) else plugins
    for entry in entries if isinstance(entries, list) else []:
        if entry == _PLUGIN:
            return {}
        if isinstance(entry, dict) and _PLUGIN in entry:
            return entry[_PLUGIN] if isinstance(entry[_PLUGIN], dict) else {}
    return None
