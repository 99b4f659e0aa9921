"""A `mkdocs.yml` to which settings can be added.

Lines are only added, so comments, quotation marks and indentation stay as they are. (ruamel.yaml
keeps comments, but gives all lists of a file one indentation, and MkDocs' own style has two.)
"""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from mkdocs_confluence_md.errors import SettingError
from mkdocs_confluence_md.project import (
    explain_depth,
    explain_unreadable,
    explain_yaml,
    find_value,
    show_place,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_BOM = "\ufeff"
_NULL = "tag:yaml.org,2002:null"
_LONG = 10_000
"""No line is broken."""


class PythonName(str):
    """The name of a Python object, as extensions want it: `!!python/name:…`."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Writes YAML as people do: lists are indented below their keys."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001, FBT002  PyYAML's signature
        """Indent a level."""
        del indentless
        super().increase_indent(flow, indentless=False)


_Dumper.add_representer(
    PythonName,
    lambda dumper, name: dumper.represent_scalar(f"tag:yaml.org,2002:python/name:{name}", ""),
)


class Configuration:
    """The text of a `mkdocs.yml`.

    Args:
        file: Where it is, or will be.
        text: What it has.

    Raises:
        SettingError: It is not YAML, or not a list of settings.
    """

    def __init__(self, file: Path, text: str) -> None:
        self.file = file
        self._has_bom = text.startswith(_BOM)
        self._text = text.removeprefix(_BOM)
        self._line_end = "\r\n" if "\r\n" in text else "\n"
        self.root = self._compose()
        """The settings; made anew by each change."""

    @classmethod
    def read(cls, file: Path) -> Configuration:
        """Read a file.

        Raises:
            SettingError: It cannot be read, or is not a configuration.
        """
        try:
            with file.open(encoding="utf-8", newline="") as stream:
                return cls(file, stream.read())
        except OSError as error:
            raise explain_unreadable(file, error) from None
        except UnicodeDecodeError:
            raise SettingError(f"{file} is not UTF-8 text.", "Save it as UTF-8.") from None

    def find(self, name: str) -> Node | None:
        """Return a setting; None if it is not there, or empty."""
        node = find_value(self.root, name)
        return None if node is None or is_empty(node) else node

    def add_setting(self, name: str, value: Any) -> None:  # noqa: ANN401  any data of YAML
        """Add a setting that is not there, or is empty."""
        pairs = [pair for pair in self.root.value if pair[0].value == name]
        if pairs:
            key, present = pairs[-1]
            self.fill(key, present, value)
        else:
            self._insert_lines(self._find_end(self.root), "\n" + _write({name: value}))

    def append(self, items: SequenceNode, item: Any) -> None:  # noqa: ANN401  the same
        """Add an item to a list, which has one already."""
        if items.flow_style:
            self._insert_in_flow(items, _write_flow(item))
            return
        column = items.start_mark.column
        self._insert_lines(self._find_end(items), _indent(_write([item]), column))

    def add_pairs(self, mapping: MappingNode, pairs: Mapping[str, Any]) -> None:
        """Add keys with their values to a mapping, which has one already."""
        if mapping.flow_style:
            self._insert_in_flow(mapping, _write_flow(dict(pairs))[1:-1])
            return
        column = mapping.start_mark.column
        self._insert_lines(self._find_end(mapping), _indent(_write(dict(pairs)), column))

    def fill(self, key: Node, present: Node | None, value: Any) -> None:  # noqa: ANN401  the same
        """Give a key its value.

        Args:
            key: It has none yet.
            present: What is written for none, like `~` or `{}`; None if it is a text, not a key.
            value: What it gets.
        """
        column, end = key.start_mark.column, key.end_mark.index
        if present is not None and present.start_mark.index < present.end_mark.index:
            begin, after = present.start_mark.index, present.end_mark.index
            self._text = self._text[:begin].rstrip(" ") + self._text[after:]
        mark = ":" if present is None else ""
        self._insert_lines(end, _indent(_write(value), column + 2), mark=mark)

    def put(self, node: Node, value: Any) -> None:  # noqa: ANN401  the same
        """Put a value in the place of an item of a list in brackets."""
        self._replace(node.start_mark.index, node.end_mark.index, _write_flow(value))

    def write(self) -> None:
        """Write the file, as a whole or not at all.

        Raises:
            SettingError: It cannot be written.
        """
        target = self.file.resolve()
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
            try:
                with open(handle, "w", encoding="utf-8", newline="") as stream:  # noqa: PTH123  a handle
                    stream.write(_BOM * self._has_bom + self._text)
                if target.exists():
                    shutil.copymode(target, name)
                else:
                    Path(name).chmod(0o644)
                Path(name).replace(target)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise SettingError(
                f"{self.file} cannot be written: {error.strerror}.", "Nothing has changed."
            ) from None

    def _compose(self) -> MappingNode:
        try:
            root = yaml.compose(self._text, yaml.SafeLoader)
        except RecursionError:
            raise explain_depth(self.file) from None
        except yaml.YAMLError as error:
            flaw = explain_yaml(error)
            place = show_place(self.file, flaw.line) if flaw.line else str(self.file)
            raise SettingError(f"{place}: {flaw.what}", flaw.remedy) from None
        if isinstance(root, MappingNode) and root.value and not root.flow_style:
            return root
        raise SettingError(
            f"{self.file} must have settings, each on its own line.",
            "Begin it with: site_name: My site",
        )

    def _find_end(self, node: Node) -> int:
        """Return where a node ends; PyYAML counts the blank lines and comments after it, too."""
        if isinstance(node, MappingNode) and node.value and not node.flow_style:
            key, value = node.value[-1]
            return max(self._find_end(key), self._find_end(value))
        if isinstance(node, SequenceNode) and node.value and not node.flow_style:
            return self._find_end(node.value[-1])
        # Not the line ends after a text of several lines.
        return len(self._text[: node.end_mark.index].rstrip("\r\n"))

    def _insert_lines(self, after: int, lines: str, *, mark: str = "") -> None:
        """Insert lines below the line that has a position in it, and a mark at the position."""
        if "\n" not in self._text[after:]:
            self._text += self._line_end
        end = self._text.index("\n", after) + 1
        rest = self._text[after:end] + lines.replace("\n", self._line_end)
        self._replace(after, end, mark + rest)

    def _insert_in_flow(self, node: SequenceNode | MappingNode, written: str) -> None:
        end = node.end_mark.index - 1
        begin = len(self._text[:end].rstrip(" \t\r\n,"))
        self._replace(begin, end, f", {written}" if node.value else written)

    def _replace(self, begin: int, end: int, written: str) -> None:
        self._text = self._text[:begin] + written + self._text[end:]
        try:
            self.root = self._compose()
        except SettingError:
            raise SettingError(
                f"{self.file} is written in a form that cannot be extended; nothing has changed.",
                "Add the lines by hand: “A recommended mkdocs.yml” in the documentation has them.",
            ) from None


def find_item(node: Node | None, name: str) -> tuple[Node, Node | None] | None:
    """Return a plugin or an extension, from both forms of their lists; None if it is not there.

    Returns:
        Its name, and its options; None for those if it is only named.
    """
    return next((pair for pair in list_items(node) if pair[0].value == name), None)


def list_items(node: Node | None) -> Iterator[tuple[Node, Node | None]]:
    """Yield each plugin or extension, and its options."""
    items = [node] if isinstance(node, MappingNode) else node.value if node else ()
    for item in items:
        if isinstance(item, MappingNode):
            yield from item.value
        elif isinstance(item, ScalarNode):
            yield item, None


def is_empty(node: Node) -> bool:
    """Return True for nothing, `~`, `[]` and `{}`."""
    return not node.value if not isinstance(node, ScalarNode) else node.tag == _NULL


def _write(value: Any) -> str:  # noqa: ANN401  any data of YAML
    text = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_LONG)
    return re.sub(r"(!!python/name:\S+) ''", r"\1", text).removesuffix("...\n")


def _write_flow(value: Any) -> str:  # noqa: ANN401  the same
    return yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_LONG,
        default_flow_style=True,
    ).strip().removesuffix("\n...")  # fmt: skip


def _indent(text: str, columns: int) -> str:
    return "".join(f"{' ' * columns}{line}" for line in text.splitlines(keepends=True))
