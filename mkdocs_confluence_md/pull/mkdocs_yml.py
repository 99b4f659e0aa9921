"""Write the `mkdocs.yml` of a pulled site: the project's own, without what needs Confluence.

YAML's tree of nodes is edited, so that tags (`!ENV`, `!!python/name:…`) stay as they are. A
configuration that inherits from others becomes a single one.
"""

from __future__ import annotations

import os
import posixpath
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from mkdocs_confluence_md.errors import SettingError
from mkdocs_confluence_md.project import explain_depth, explain_unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

PLUGIN = "confluence-md"
EXTENSION = "mkdocs_confluence_md.pulled"
DOCS_DIR = "docs"

_STRING = "tag:yaml.org,2002:str"
_WRITTEN = "# Written by `confluence-md pull`, which replaces it: make changes in the site's own.\n"
# Settings of extensions and plugins whose texts are paths, however they look.
_PATH_SETTINGS = frozenset({"base_path", "custom_icons", "include_dir", "paths", "scripts"})
_LOOKS_LIKE_PATH = re.compile(r"[^\s:*?]*(?:/[^\s:*?]*|\.(?:py|md|yml|yaml|json|html|css|js|txt))")


@dataclass(frozen=True)
class Move:
    """From where to where the site goes."""

    root: Path
    """The directory of its `mkdocs.yml`."""
    docs_dir: Path
    target: Path
    """The directory of the pulled site."""

    def follow(self, path: str) -> str:
        """Return what a path relative to the project is relative to the pulled site."""
        if os.path.isabs(path) or path.startswith("~"):  # noqa: PTH117  it may be no path
            return path
        absolute = Path(os.path.normpath(self.root / path))
        if absolute.is_relative_to(self.docs_dir):  # these files come along
            inner = absolute.relative_to(self.docs_dir).as_posix()
            return posixpath.normpath(posixpath.join(DOCS_DIR, inner))
        return Path(os.path.relpath(absolute, self.target)).as_posix()

    def exists(self, path: str) -> bool:
        """Return True if a text is the path of something in the project."""
        try:
            return bool(path) and (self.root / path).exists()
        except (OSError, ValueError):
            return False


def write_config(  # noqa: PLR0913  all that a pulled site changes
    config_file: Path,
    move: Move,
    nav: object,
    *,
    included: Iterable[str] = (),
    settings: Mapping[str, object] | None = None,
    resolve: Callable[[str], str | None] = lambda _: None,
) -> str:
    """Write the configuration of a pulled site.

    Args:
        config_file: The project's.
        move: Where it goes.
        nav: The finished one, with paths; None if there is none.
        included: Paths that MkDocs would leave out by their names.
        settings: Of our extension.
        resolve: Returns the path or the URL for a reference; None for anything else.

    Raises:
        SettingError: It cannot be read.
    """
    try:
        top = _load(config_file)
        for name in ("INHERIT", "site_dir", "docs_dir"):
            _remove(top, name)
        _set(top, "docs_dir", _make_node(DOCS_DIR))
        _remove_entry(top, "plugins", PLUGIN)
        _add_entry(top, "markdown_extensions", EXTENSION, settings or {})
        _move_paths(top, move)
        _resolve_references(top, resolve)
        if included := list(included):
            excluded = _get(top, "exclude_docs")
            lines = (
                [str(excluded.value).rstrip("\n")] if isinstance(excluded, yaml.ScalarNode) else []
            )
            lines += [f"!/{path}" for path in included]
            node = yaml.ScalarNode(_STRING, "\n".join(lines) + "\n", style="|")
            _set(top, "exclude_docs", node)
        if nav is not None:
            _set(top, "nav", _make_node(nav))
        return _WRITTEN + yaml.serialize(top, Dumper=_Dumper, allow_unicode=True, width=1000)
    except RecursionError:
        raise explain_depth(config_file) from None


def _resolve_references(node: yaml.Node, resolve: Callable[[str], str | None]) -> None:
    """Replace references in what other plugins read: redirects, or a `nav` of their own."""
    if isinstance(node, yaml.ScalarNode):
        node.value = resolve(str(node.value)) or node.value
    elif isinstance(node, yaml.MappingNode):
        for _, value in node.value:
            _resolve_references(value, resolve)
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            _resolve_references(each, resolve)


class _Dumper(yaml.SafeDumper):
    """Indents lists as people do, and has no anchors where nothing was shared."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002  PyYAML's signature
        return super().increase_indent(flow, False)  # noqa: FBT003


def _load(config_file: Path) -> yaml.MappingNode:
    """Read a configuration, and those that it inherits from, as MkDocs merges them."""
    try:
        with config_file.open("rb") as file:
            node = yaml.compose(file, Loader=yaml.SafeLoader)
    except OSError as error:
        raise explain_unreadable(config_file, error) from None
    except (yaml.YAMLError, ValueError) as error:
        raise SettingError(
            f"{config_file} is not a valid configuration: {error}.",
            "Correct that line, or the one above it.",
        ) from None
    if not isinstance(node, yaml.MappingNode):
        raise SettingError(f"{config_file} is not a valid configuration.", "Name another with -f.")
    parent = _get(node, "INHERIT")
    if not isinstance(parent, yaml.ScalarNode):
        return node
    return _merge(_load(Path(os.path.normpath(config_file.parent / parent.value))), node)


def _merge(parent: yaml.MappingNode, child: yaml.MappingNode) -> yaml.MappingNode:
    for key, value in child.value:
        known = _get(parent, key.value) if isinstance(key, yaml.ScalarNode) else None
        if isinstance(known, yaml.MappingNode) and isinstance(value, yaml.MappingNode):
            _merge(known, value)
        else:
            _set(parent, key.value, value)
    return parent


def _get(node: yaml.Node, name: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for key, value in node.value if key.value == name), None)


def _remove(node: yaml.MappingNode, name: str) -> None:
    node.value = [(key, value) for key, value in node.value if key.value != name]


def _set(node: yaml.MappingNode, name: str, new: yaml.Node) -> None:
    for place, (key, _) in enumerate(node.value):
        if key.value == name:
            node.value[place] = (key, new)
            return
    node.value.append((_make_node(name), new))


def _make_node(data: object) -> yaml.Node:
    text = yaml.dump(data, Dumper=_PlainDumper, allow_unicode=True, sort_keys=False, width=1000)
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    assert node is not None  # noqa: S101  for the type checker: data is never an empty text
    return node


class _PlainDumper(yaml.SafeDumper):
    """Writes repeated values in full, without anchors and aliases."""

    def ignore_aliases(self, data: object) -> bool:
        """Write no aliases."""
        del data
        return True


def _remove_entry(top: yaml.MappingNode, setting: str, name: str) -> None:
    """Take an entry out of a list of plugins, in either form of such a list."""
    entries = _get(top, setting)
    if isinstance(entries, yaml.MappingNode):
        _remove(entries, name)
    elif isinstance(entries, yaml.SequenceNode):
        for entry in entries.value:
            if isinstance(entry, yaml.MappingNode):
                _remove(entry, name)
        entries.value = [entry for entry in entries.value if entry.value and entry.value != name]


def _add_entry(
    top: yaml.MappingNode, setting: str, name: str, settings: Mapping[str, object]
) -> None:
    """Add an entry to a list of extensions, in either form of such a list."""
    entries = _get(top, setting)
    entry = {name: dict(settings)} if settings else name
    if isinstance(entries, yaml.MappingNode):
        _set(entries, name, _make_node(dict(settings)))
    elif isinstance(entries, yaml.SequenceNode):
        entries.value.append(_make_node(entry))
    else:
        _set(top, setting, _make_node([entry]))


def _move_paths(top: yaml.MappingNode, move: Move) -> None:
    for name in ("hooks", "watch"):
        _change_texts(_get(top, name), lambda _, __: True, move)
    theme = _get(top, "theme")
    if theme:
        _change_texts(_get(theme, "custom_dir"), lambda _, __: True, move)
    for name in ("plugins", "markdown_extensions"):
        _change_texts(_get(top, name), lambda key, text: _is_path(key, text, move), move)


def _is_path(key: str, text: str, move: Move) -> bool:
    known = key in _PATH_SETTINGS or _LOOKS_LIKE_PATH.fullmatch(text) is not None
    return known and move.exists(text)


def _change_texts(node: yaml.Node | None, is_path: Callable[[str, str], bool], move: Move) -> None:
    for key, scalar in _find_texts(node, ""):
        if scalar.tag == "!relative" and scalar.value.startswith("$config_dir"):
            path = scalar.value.removeprefix("$config_dir").lstrip("/")
            scalar.value = f"$config_dir/{move.follow(path)}"
        elif scalar.tag == _STRING and is_path(key, scalar.value):
            scalar.value = move.follow(scalar.value)


def _find_texts(node: yaml.Node | None, key: str) -> Iterator[tuple[str, yaml.ScalarNode]]:
    if isinstance(node, yaml.ScalarNode):
        yield key, node
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _find_texts(item, key)
    elif isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            yield from _find_texts(value, str(name.value))
