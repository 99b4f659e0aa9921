"""`mkdocs.yml` as it is written: the entries of `nav`, each with its line. Pure: text in, data out.

MkDocs refuses a number in `nav` before any plugin is loaded, and does not say where it stands. So
the file is read here once more, and what MkDocs would refuse is a problem that has a line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from mkdocs_confluence_md.confluence.refs import Complaint, parse_nav_entry

if TYPE_CHECKING:
    from collections.abc import Iterator

    import yaml

    from mkdocs_confluence_md.confluence.refs import Reference

_TEXT = "tag:yaml.org,2002:str"
_NUMBER = "tag:yaml.org,2002:int"
_NOTHING = "tag:yaml.org,2002:null"
_KEY = "confluence"


@dataclass(frozen=True)
class Declared:
    """An entry of `nav` that is a page from Confluence, a tree or a space."""

    line: int
    """From 1."""
    title: str
    """As written; empty where `nav` gives none."""
    text: str
    """What stands for the reference."""
    reference: Reference


@dataclass(frozen=True)
class Flaw:
    """Something in `mkdocs.yml` that keeps it from being built as it is meant."""

    line: int
    """From 1; 0 where it is not in a line."""
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.what} {self.remedy}"


def find_entries(nav: Node) -> Iterator[Declared | Flaw]:
    """Yield the entries of `nav` that are ours, and what MkDocs would refuse, in their order."""
    if not isinstance(nav, SequenceNode):
        yield Flaw(_line(nav), "nav is no list.", "Begin each of its entries with a dash.")
        return
    for item in nav.value:
        if isinstance(item, MappingNode):
            yield from _read_mapping(item)
        else:
            yield from _read_value("", item)


def find_value(mapping: Node | None, name: str) -> Node | None:
    """Return the value of a key; None if there is no mapping, or it has no such key."""
    pairs = mapping.value if isinstance(mapping, MappingNode) else []
    found = [value for key, value in pairs if isinstance(key, ScalarNode) and key.value == name]
    return found[-1] if found else None


def explain_yaml(error: yaml.YAMLError) -> Flaw:
    """Say where a text stops being YAML."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "it cannot be read"
    return Flaw(
        mark.line + 1 if mark else 0,
        f"This is no YAML: {problem}.",
        "Look for a missing quotation mark, a missing colon, or wrong indentation, in this line or "
        "just above it.",
    )


def _read_mapping(item: MappingNode) -> Iterator[Declared | Flaw]:
    if len(item.value) != 1:
        names = ", ".join(key.value for key, _ in item.value if isinstance(key, ScalarNode))
        yield Flaw(
            _line(item),
            f"This entry of nav has {len(item.value)} titles ({names}), and MkDocs wants one.",
            "Begin each entry with a dash, and indent what is below it.",
        )
    for key, value in item.value:
        title = key.value if isinstance(key, ScalarNode) else ""
        if isinstance(value, SequenceNode):
            yield from find_entries(value)
        else:
            yield from _read_value(title, value)


def _read_value(title: str, node: Node) -> Iterator[Declared | Flaw]:
    if not isinstance(node, ScalarNode):
        yield Flaw(
            _line(node), "This entry of nav is no page and no list.", "Write a page, or a list."
        )
    elif node.tag == _TEXT:
        yield from _read_text(title, node)
    else:
        yield _explain_scalar(title, node)


def _read_text(title: str, node: ScalarNode) -> Iterator[Declared | Flaw]:
    reference = parse_nav_entry(title or None, node.value)
    if isinstance(reference, Complaint):
        yield Flaw(_line(node), f"'{node.value}': {reference.reason}", reference.remedy)
    elif reference:
        shown = "" if title == _KEY else title
        yield Declared(_line(node), shown, node.value.strip(), reference)


def _explain_scalar(title: str, node: ScalarNode) -> Flaw:
    """Say of a number, or of nothing, what MkDocs would say less helpfully."""
    entry = f"{title}: {node.value}".strip() if title else node.value
    if node.tag == _NOTHING:
        return Flaw(
            _line(node),
            f"'{entry}' has no page.",
            "Write a file, or a page of Confluence: confluence:123456.",
        )
    if node.tag == _NUMBER and node.value.isdigit():
        better = (
            f'confluence: "{node.value}" or confluence:{node.value}'
            if title in ("", _KEY)
            else f"{title}: confluence:{node.value}"
        )
        return Flaw(_line(node), f"'{entry}': MkDocs refuses a number in nav.", f"Write {better}")
    return Flaw(
        _line(node),
        f"'{entry}': MkDocs refuses this in nav, because to YAML it is no text.",
        "Put it between quotation marks.",
    )


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1
