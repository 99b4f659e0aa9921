"""The texts of a configuration, each with its path like `extra.social[0].link`. Pure.

Both walks visit each list and each mapping once, however often it is referred to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ENVIRONMENT_TAG = "!ENV"

_KEY = "…"
_MOST_VALUES = 1_000_000
_WITHOUT_TEXTS = (ModuleType, FunctionType, BuiltinFunctionType, type, int, float, type(None))


@dataclass(frozen=True)
class WrittenText:
    """A text in a YAML file."""

    path: str
    line: int
    """From 1."""
    text: str
    is_variable: bool = False
    """Whether it is the name of an environment variable, whose value is meant."""

    @property
    def is_key(self) -> bool:
        """Whether it is the name of a setting."""
        return self.path.endswith(_KEY)


def walk_values(value: object, inside: Callable[[object], object]) -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each string in lists, mappings and objects.

    Args:
        value: Where it begins.
        inside: Returns what is looked at instead of an object.
    """
    seen: dict[int, object] = {}  # with the objects, so that no other one gets their IDs
    left: list[tuple[str, object]] = [("", value)]
    while left and len(seen) < _MOST_VALUES:
        path, value = left.pop()
        if isinstance(value, (str, bytes)):
            yield path, value if isinstance(value, str) else value.decode("utf-8", "replace")
        elif not isinstance(value, _WITHOUT_TEXTS) and id(value) not in seen:
            seen[id(value)] = value
            left += reversed(list(_list_values(path, inside(value))))


def walk_nodes(root: Node) -> Iterator[WrittenText]:
    """Yield each text of a YAML document, keys before their values."""
    seen: set[int] = set()
    left: list[tuple[str, Node, bool]] = [("", root, False)]
    while left:
        path, node, is_variable = left.pop()
        if isinstance(node, ScalarNode):
            is_variable = is_variable or node.tag == ENVIRONMENT_TAG
            yield WrittenText(path, node.start_mark.line + 1, node.value, is_variable)
        elif id(node) not in seen:
            seen.add(id(node))
            left += reversed(list(_list_nodes(path, node)))


def find_setting(root: Node | None, name: str) -> Node | None:
    """Return the value of a key, also where a mapping takes it from another one by `<<`."""
    seen: set[int] = set()
    left: list[Node | None] = [root]
    while left:
        node = left.pop(0)
        if isinstance(node, SequenceNode):
            left += node.value
        elif isinstance(node, MappingNode) and id(node) not in seen:
            seen.add(id(node))
            named: list[tuple[set[str], Node]] = [
                ({each.text for each in walk_nodes(key)}, value) for key, value in node.value
            ]
            if found := [value for names, value in named if name in names]:
                return found[-1]
            left += [value for names, value in named if "<<" in names]
    return None


def _list_values(path: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for key, each in list(value.items()):
            yield _join(path, _KEY), key
            yield _join(path, key), each
    elif isinstance(value, (Sequence, AbstractSet)):
        yield from ((f"{path}[{number}]", each) for number, each in enumerate(value))
    else:
        yield from ((_join(path, key), each) for key, each in _list_attributes(value).items())


def _list_attributes(value: object) -> dict[str, Any]:
    if all(hasattr(value, name) for name in ("func", "args", "keywords")):  # functools.partial
        return {"args": value.args, "keywords": value.keywords}  # type: ignore[attr-defined]
    return dict(getattr(value, "__dict__", {}))


def _list_nodes(path: str, node: Node) -> Iterator[tuple[str, Node, bool]]:
    if isinstance(node, SequenceNode):
        # The last of several is what is used if no variable is set.
        names = len(node.value) - (len(node.value) > 1) if node.tag == ENVIRONMENT_TAG else 0
        for number, each in enumerate(node.value):
            place = path if node.tag == ENVIRONMENT_TAG else f"{path}[{number}]"
            yield place, each, number < names
    elif isinstance(node, MappingNode):
        for key, each in node.value:
            yield _join(path, _KEY), key, False
            texts = [written.text for written in walk_nodes(key)] or [""]
            yield _join(path, texts[-1]), each, False


def _join(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)
