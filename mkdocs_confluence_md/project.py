"""Read a project's `mkdocs.yml` without building: the plugin's options, and `nav` with its lines.

Only these are read: a theme or another plugin that is not installed must not keep the cache from
being found, or mistakes in `nav` from being reported. MkDocs refuses a number in `nav` before any
plugin is loaded, and does not say in which line; here it becomes a problem with a line.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import yaml
from mkdocs.exceptions import ConfigurationError
from mkdocs.utils.yaml import get_yaml_loader, yaml_load
from yaml.error import MarkedYAMLError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from mkdocs_confluence_md.auth.environment import SECRET_VARIABLES
from mkdocs_confluence_md.auth.token_file import make_protection
from mkdocs_confluence_md.confluence.refs import Complaint, parse_nav_entry
from mkdocs_confluence_md.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mkdocs_confluence_md.auth.token_file import Protection
    from mkdocs_confluence_md.confluence.refs import Reference


_TEXT = "tag:yaml.org,2002:str"
_NUMBER = "tag:yaml.org,2002:int"
_NOTHING = "tag:yaml.org,2002:null"
_KEY = "confluence"
_BLANK_IN_REFERENCE = re.compile(r"confluence:[ \t]+(\S+)")
_LIKENESS = 0.8
"""Of two names, from 0 to 1, above which one is taken for a slip of the other."""


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


def find_entries(nav: Node, above: tuple[Node, ...] = ()) -> Iterator[Declared | Flaw]:
    """Yield the entries of `nav` that are ours, and what MkDocs would refuse, in their order.

    Args:
        nav: The list, or one in it.
        above: The lists that it is in: by an alias, one can be in itself.
    """
    if not isinstance(nav, SequenceNode):
        yield Flaw(_line(nav), "nav is not a list.", "Begin each of its entries with a dash.")
        return
    for item in nav.value:
        if isinstance(item, MappingNode):
            yield from _read_mapping(item, (*above, nav))
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
    line = mark.line + 1 if mark else 0
    problem = getattr(error, "problem", None) or "it cannot be read"
    written = _read_line(mark)
    if "'\\t'" in problem:
        return Flaw(line, "This line has a tab, but YAML needs spaces.", "Replace it.")
    if match := _BLANK_IN_REFERENCE.search(written):
        return Flaw(
            line,
            f"'{match[0]}': the blank after the colon makes this a setting, not a page.",
            f"Write confluence:{match[1]}",
        )
    return Flaw(
        line,
        f"This is not valid YAML: {problem}.",
        "Look for a missing quotation mark, a missing colon, or wrong indentation, in this line or "
        "just above it.",
    )


def _read_line(mark: Any) -> str:  # noqa: ANN401  PyYAML's `Mark`, which has no types
    """Return the line that a mark of PyYAML is in; empty where it does not keep the text."""
    text = getattr(mark, "buffer", None) or ""
    begin = text.rfind("\n", 0, mark.pointer) + 1 if text else 0
    return text[begin:].partition("\n")[0].rstrip("\0") if text else ""


def _read_mapping(item: MappingNode, above: tuple[Node, ...]) -> Iterator[Declared | Flaw]:
    if len(item.value) != 1:
        names = ", ".join(key.value for key, _ in item.value if isinstance(key, ScalarNode))
        yield Flaw(
            _line(item),
            f"This entry of nav has {len(item.value)} titles ({names}), and MkDocs wants one.",
            "Begin each entry with a dash, and indent what is below it.",
        )
    for key, value in item.value:
        title = key.value if isinstance(key, ScalarNode) else ""
        if isinstance(value, SequenceNode) and not any(value is each for each in above):
            yield from find_entries(value, above)
        else:
            yield from _read_value(title, value)


def _read_value(title: str, node: Node) -> Iterator[Declared | Flaw]:
    if not isinstance(node, ScalarNode):
        yield Flaw(
            _line(node),
            "This entry of nav is neither a page nor a list.",
            "Write a page, or a list.",
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
        f"'{entry}': MkDocs refuses this in nav, because to YAML it is not text.",
        "Put it between quotation marks.",
    )


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


DEFAULT_CACHE_DIR = ".cache/plugin/confluence-md"

PLUGIN_NAME = "confluence-md"
_CORRECT = "Correct that line, or the one above it."
# Where it is installed, libyaml reads YAML in a tenth of the time.
_FastLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_REMEDY = "Name the configuration with -f, or the cache's directory with --cache-dir."


class _Loader(yaml.SafeLoader):
    """Reads YAML without the objects that tags of MkDocs' extensions stand for."""


# What `!!python/name:…` names may not be installed, and no command of ours needs it.
_Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)
_Loader.add_multi_constructor("!", lambda *_: None)


class _Tagged:
    """What stands for an object that a tag makes; copies of it, too."""


class _TagLoader(yaml.SafeLoader):
    """Reads YAML with a `_Tagged` in the place of each object that a tag stands for."""


_TagLoader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: _Tagged())
_TagLoader.add_multi_constructor("!", lambda *_: _Tagged())


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
                f"The option `cache_dir` is {cache_dir!r}, which is in or contains {name} "
                f"({directory}).",
                "Name a directory of its own, or leave the option out.",
            )
    return chosen


def find_project_cache_dir(config_file: Path) -> Path:
    """Read `mkdocs.yml`, and those that it inherits from, for the cache's directory.

    Raises:
        SettingError: It cannot be read, or does not have the plugin.
    """
    try:
        cache_dir = read_options(config_file).get("cache_dir") or DEFAULT_CACHE_DIR
    except SettingError as error:
        raise SettingError(error.what, _REMEDY) from None
    if not isinstance(cache_dir, str):
        raise SettingError(f"The option `cache_dir` in {config_file} is not a path.", _REMEDY)
    return resolve_cache_dir(config_file, cache_dir)


def read_options(config_file: Path) -> dict[str, Any]:
    """Read the plugin's options from `mkdocs.yml`, and those that it inherits from.

    Raises:
        SettingError: It cannot be read, or does not have the plugin.
    """
    config = _read_config(config_file)
    options = _find_options(config.get("plugins"))
    if flaw := _explain_plugins(config.get("plugins")):
        name, what, remedy = flaw
        raise SettingError(f"{_locate_text(config_file, name)}: {what}", remedy)
    if options is None:
        raise SettingError(
            f"{config_file} does not have the plugin {PLUGIN_NAME}.",
            f"Add `- {PLUGIN_NAME}:` to its `plugins`, and `site: acme.atlassian.net` indented "
            "below it; or run: confluence-md init",
        )
    return options


def _explain_plugins(plugins: object) -> tuple[str, str, str] | None:
    """Find a slip in how the plugin is written: the text that shows it, what it is, the remedy."""
    for entry in plugins if isinstance(plugins, list) else []:
        if isinstance(entry, dict) and PLUGIN_NAME in entry and len(entry) > 1:
            name = next(str(key) for key in entry if key != PLUGIN_NAME)
            return (
                name,
                f"the option `{name}` is not indented below {PLUGIN_NAME}.",
                "Put two more spaces before each option of the plugin.",
            )
    if _find_options(plugins) is None:
        names = (
            [str(name) for entry in plugins for name in _list_keys(entry)]
            if isinstance(plugins, list | dict)
            else []
        )
        for name in names:
            plain = name.lower().replace("_", "-").removeprefix("mkdocs-")
            if get_close_matches(plain, [PLUGIN_NAME, "confluence"], 1, _LIKENESS):
                return name, f"the plugin {name!r} does not exist.", f"Write {PLUGIN_NAME}."
    return None


def _list_keys(entry: object) -> list[object]:
    return list(entry) if isinstance(entry, dict) else [entry]


def _locate_text(config_file: Path, text: str) -> str:
    """Return where a text, or a key, is written first."""
    for file, written in _walk_files(config_file):
        if written.text == text and written.path.startswith("plugins"):
            return show_place(file, written.line)
    return str(config_file)


def _walk_files(config_file: Path) -> Iterator[tuple[Path, WrittenText]]:
    """Yield each text of a configuration, and of those that it inherits from, while it is valid."""
    with suppress(OSError, SettingError, yaml.YAMLError, RecursionError):
        for file, root in _read_files(config_file, make_protection(os.environ), _Loader):
            for written in walk_nodes(root) if root else ():
                yield file, written


def locate_setting(config_file: Path, name: str) -> int:
    """Return the line of a setting of `mkdocs.yml`, from 1; 0 if it is elsewhere, or nowhere."""
    with suppress(OSError, yaml.YAMLError, RecursionError):
        root = yaml.compose(config_file.read_bytes(), _Loader)
        for key, _ in root.value if isinstance(root, MappingNode) else ():
            if isinstance(key, ScalarNode) and key.value == name:
                return _line(key)
    return 0


def find_directories(config_file: Path) -> dict[str, Path]:
    """Return the directories that a site is made of, by the names of their settings.

    There are none if the configuration cannot be read: others say why.
    """
    try:
        config = _read_config(config_file)
    except SettingError:
        return {}
    theme = config.get("theme")
    options = _find_options(config.get("plugins")) or {}
    named = {
        "docs_dir": config.get("docs_dir", "docs"),
        "custom_dir": theme.get("custom_dir") if isinstance(theme, dict) else None,
        "snapshot": options.get("snapshot"),
    }
    return {
        name: resolve_cache_dir(config_file, path)
        for name, path in named.items()
        if isinstance(path, str) and path.isprintable()
    }


def _read_config(config_file: Path, loader: type[yaml.SafeLoader] = _Loader) -> dict[str, Any]:
    """Read a configuration, and those that it inherits from.

    Raises:
        SettingError: It cannot be read, or `check_written` refuses it.
    """
    protection = make_protection(os.environ)
    check_written(config_file, protection)
    try:
        with config_file.open("rb") as file:
            config = yaml_load(file, get_yaml_loader(loader))
    except OSError as error:
        raise explain_unreadable(config_file, error) from None
    except (ConfigurationError, TypeError, ValueError, RecursionError) as error:
        # YAML's errors repeat a line of the file.
        shown = "a line with a secret" if protection.find_secret(str(error)) else error
    except (LookupError, AttributeError, ArithmeticError):
        # PyYAML takes a text with a tag such as `!!int` for what the tag says.
        shown = "a value is not what its tag says"
    else:
        return config if isinstance(config, dict) else {}
    raise SettingError(f"{config_file} is not a valid configuration: {shown}.", _CORRECT)


def explain_depth(config_file: Path) -> SettingError:
    """Say that settings are nested too deeply; a value may also be a part of itself."""
    return SettingError(f"{config_file} is nested too deeply.", "Simplify it.")


def read_settings(config_file: Path) -> dict[str, Any]:
    """Read a configuration for MkDocs to validate, with all that a project brings to run left out.

    Values that would be made by a tag are not there, and neither are hooks.

    Raises:
        SettingError: It cannot be read.
    """
    read = _read_config(config_file, _TagLoader)
    try:
        config: dict[str, Any] = _without_tags(read)
    except RecursionError:
        raise explain_depth(config_file) from None
    # Validating hooks would run them. What is not a list, MkDocs refuses.
    hooks = config.pop("hooks") if isinstance(config.get("hooks"), list) else []
    for hook in hooks:
        # `Path` raises for names that are too long.
        if isinstance(hook, str) and not os.path.isfile(config_file.parent / hook):  # noqa: PTH113
            raise SettingError(f"The hook '{hook}' is not there.", "Correct its path in `hooks`.")
    if "site_name" in read:
        config.setdefault("site_name", "made by a tag")
    return config


def _without_tags(value: Any) -> Any:  # noqa: ANN401  any value of YAML
    if isinstance(value, dict):
        found = {key: _without_tags(each) for key, each in value.items()}
        return {key: each for key, each in found.items() if not isinstance(each, _Tagged)}
    if isinstance(value, list):
        return [_without_tags(each) for each in value if not isinstance(each, _Tagged)]
    return value


def read_nav(config_file: Path) -> tuple[Path, Node | None]:
    """Read `nav`, and the file where it stands: `mkdocs.yml`, or one that it inherits from.

    Raises:
        SettingError: A file cannot be read.
        yaml.YAMLError: It is not YAML.
    """
    protection = make_protection(os.environ)
    file = config_file
    try:
        for file, root in _read_files(config_file, protection, _Loader):
            if (nav := find_value(root, "nav")) is not None:
                return file, nav
    except OSError as error:
        raise explain_unreadable(file, error, inherited=file != config_file) from None
    return file, None


def locate_entries(config_file: Path) -> dict[Reference | str, str]:
    """Return where the entries of `nav` are, like `mkdocs.yml:12`, by reference and by text.

    It is empty where `nav` cannot be read: others say why.
    """
    try:
        file, nav = read_nav(config_file)
    except (SettingError, yaml.YAMLError, RecursionError):
        return {}
    if nav is None:
        return {}
    found: dict[Reference | str, str] = {}
    for written in walk_nodes(nav):
        found.setdefault(written.text.strip(), show_place(file, written.line))
    for entry in find_entries(nav):
        if isinstance(entry, Declared):
            found.setdefault(entry.reference, show_place(file, entry.line))
    return found


def locate_option(config_file: Path, name: str) -> tuple[Path, int]:
    """Return the file and the line where an option of the plugin is written; 0 if nowhere."""
    key = re.compile(rf"plugins(?:\[[0-9]+\])?\.{PLUGIN_NAME}\.{_OF_KEY}")
    for file, written in _walk_files(config_file):
        if written.text == name and key.fullmatch(written.path):
            return file, written.line
    return config_file, 0


def show_place(file: Path, line: int) -> str:
    """Write a place as compilers do, so that editors and terminals lead there."""
    with suppress(ValueError, OSError):
        file = file.resolve().relative_to(Path.cwd())
    return f"{file}:{line}"


def find_missing_files(config_file: Path, nav: Node) -> Iterator[Flaw]:
    """Find local pages in `nav` that are not there, unless something else may make them."""
    try:
        config = _read_config(config_file, _TagLoader)
    except SettingError:
        return
    plugins = config.get("plugins") or []
    names = {
        str(name).rpartition("/")[2]
        for entry in (plugins if isinstance(plugins, list | dict) else [])
        for name in _list_keys(entry)
    }
    docs_dir = find_directories(config_file).get("docs_dir")
    validation = config.get("validation")
    validation = validation if isinstance(validation, dict) else {}
    of_nav = validation.get("nav")
    levels = {**validation, **(of_nav if isinstance(of_nav, dict) else {})}
    is_quiet = levels.get("not_found", "warn") != "warn"
    if config.get("hooks") or docs_dir is None or names - _WITHOUT_PAGES or is_quiet:
        return
    for written in walk_nodes(nav):
        if written.is_key:
            continue
        path = written.text
        is_local = path.endswith((".md", "/")) and ":" not in path and not path.startswith("/")
        # `Path` raises for names that are too long.
        if is_local and not os.path.isfile(docs_dir / os.path.normpath(path)):  # noqa: PTH113
            yield Flaw(
                written.line,
                f"'{path}' is not in {docs_dir.name}/.",
                "Correct the path, or create the file.",
            )


_WITHOUT_PAGES = {
    PLUGIN_NAME, "git-authors", "git-revision-date-localized", "glightbox", "macros", "meta",
    "minify", "offline", "optimize", "privacy", "redirects", "search", "section-index", "social",
    "table-reader", "tags",
}  # fmt: skip
"""Plugins that surely add no pages that `nav` could name."""


def check_written(config_file: Path, protection: Protection) -> None:
    """Refuse a configuration, and those that it inherits from, that would show what is protected.

    A file that cannot be read, or is not YAML, is left to MkDocs to report.

    Raises:
        SettingError: A text has a secret in it, or is the path of the token file; or a
            configuration inherits from the token file, or from itself.
    """
    with suppress(OSError, yaml.YAMLError, RecursionError):
        for file, root in _read_files(config_file, protection, _FastLoader):
            for written in walk_nodes(root) if root else ():
                _check_text(written, file, protection)


def _check_text(written: WrittenText, file: Path, protection: Protection) -> None:
    place = f"{file}, line {written.line},"
    if written.is_variable and written.text in SECRET_VARIABLES:
        raise protection.make_complaint(written.text, written.path, place)
    text = _resolve(written)
    protection.check_text(text, written.path, place)
    if written.is_key:
        return
    path = os.path.join(file.parent, os.path.expanduser(text))  # noqa: PTH111, PTH118  Path's raise
    protection.check_file(path, f"The setting `{written.path}` in {file}")


def _resolve(written: WrittenText) -> str:
    return os.environ.get(written.text, "") if written.is_variable else written.text


def _list_texts(node: Node | None) -> list[str]:
    texts = map(_resolve, walk_nodes(node)) if node else ()
    return [text for text in texts if text and "\0" not in text]


def _read_files(
    config_file: Path,
    protection: Protection,
    loader: Any,  # noqa: ANN401  PyYAML's have no common type
) -> Iterator[tuple[Path, Node | None]]:
    """Yield a configuration, and those that it inherits from, each as YAML's tree of nodes.

    Raises:
        SettingError: One is the token file, or inherits from itself.
        OSError: One cannot be read.
        yaml.YAMLError: It is not YAML.
    """
    seen: list[Path] = []
    files = [(config_file, str(config_file))]
    while files:
        file, shown = files.pop()
        if file.resolve() in seen:
            raise SettingError(f"{shown} leads back to itself.", "Name another configuration.")
        seen.append(file.resolve())
        protection.check_file(str(file), shown)
        try:
            root = yaml.compose(file.read_bytes(), loader)
        except RecursionError:
            raise MarkedYAMLError(problem="it is nested too deep") from None
        yield file, root
        parent = find_setting(root, "INHERIT")
        files += [
            (Path(os.path.normpath(file.parent / text)), f"The setting `INHERIT` in {file}")
            for text in _list_texts(parent)[:1]
        ]


def explain_unreadable(file: Path, error: OSError, *, inherited: bool = False) -> SettingError:
    """Say why a configuration, or one that it inherits from, cannot be read."""
    remedy = "Name the configuration with -f, and one that it inherits from with INHERIT."
    if isinstance(error, FileNotFoundError) and not inherited:
        remedy = "Name the configuration with -f, or make one: confluence-md init"
    return SettingError(f"{file} cannot be read: {error.strerror}.", remedy)


def _find_options(plugins: object) -> dict[str, Any] | None:
    """Return the plugin's options, from both forms of a list of plugins."""
    entries = [plugins] if isinstance(plugins, dict) else plugins
    for entry in entries if isinstance(entries, list) else []:
        if entry == PLUGIN_NAME:
            return {}
        if isinstance(entry, dict) and PLUGIN_NAME in entry:
            return entry[PLUGIN_NAME] if isinstance(entry[PLUGIN_NAME], dict) else {}
    return None


ENVIRONMENT_TAG = "!ENV"

_OF_KEY = "…"
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
        return self.path.endswith(_OF_KEY)


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
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, SequenceNode):
            left += node.value
        elif isinstance(node, MappingNode):
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
            yield _join(path, _OF_KEY), key
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
            yield _join(path, _OF_KEY), key, False
            texts = [written.text for written in walk_nodes(key)] or [""]
            yield _join(path, texts[-1]), each, False


def _join(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)
