"""The JSON schema for editors: it is that of the options, and takes what the plugin takes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from jsonschema import Draft7Validator
from referencing import Registry
from referencing.jsonschema import DRAFT7

from mkdocs_confluence_md.config import PluginConfig
from places import DOCS, EXAMPLE, ROOT
from reference import find_options
from schema import NAME, make_schema, make_schema_with_material, render
from snippets import find_snippets

if TYPE_CHECKING:
    from pathlib import Path

VALIDATOR = Draft7Validator(make_schema())
# Material's at its worst: it refuses whatever it does not know.
REFUSING = DRAFT7.create_resource({"not": {}, "items": {"not": {}}})
MATERIALS = re.findall(
    r'"(https://squidfunk\.github\.io/mkdocs-material/schema/\w+\.json)',
    json.dumps(make_schema_with_material()),
)
REGISTRY = Registry[Any]().with_resources(
    [(NAME, DRAFT7.create_resource(make_schema())), *((each, REFUSING) for each in MATERIALS)]
)
WITH_MATERIAL = Draft7Validator(make_schema_with_material(), registry=REGISTRY)

VALUES: list[tuple[str, object]] = [
    ("site", "acme.atlassian.net"), ("site", "https://acme.atlassian.net/wiki"), ("site", ""),
    ("cloud_id", "5f0c9d3e-7a41-4b8e-9d52-1c6e8f3a2b70"), ("cloud_id", "a b"),
    ("environment", "staging"), ("environment", "test"),
    ("gateway", "site"), ("gateway", "proxy"),
    ("base_url", "https://api.atlassian.com/svc/confluence/x"), ("base_url", "api"),
    ("page_path", "{section}/{id}"), ("page_path", 3),
    ("attachments", True), ("attachments", False), ("attachments", "safe"), ("attachments", "yes"),
    ("raw_html", "strip"), ("raw_html", True),
    ("repairs", True), ("repairs", False), ("repairs", "no"),
    ("exclude", []), ("exclude", ["123", "Draft*"]), ("exclude", [123]), ("exclude", "Draft*"),
    ("max_depth", 0), ("max_depth", 3), ("max_depth", -1), ("max_depth", "3"),
    ("labels", ["public", "-draft"]), ("labels", [3]), ("labels", "public"),
    ("pages", {"123": {"search": {"exclude": True}}}), ("pages", {"123": True}), ("pages", ["123"]),
    ("redirects", False), ("redirects", "no"),
    ("source_note", True), ("source_note", "By {{ author }}"), ("source_note", 3),
    ("trusted_plugins", ["macros"]), ("trusted_plugins", "macros"),
    ("max_age", 0), ("max_age", "0"), ("max_age", "15m"), ("max_age", "7D"), ("max_age", "forever"),
    ("max_age", 15), ("max_age", "15 minutes"), ("max_age", "15w"),
    ("offline", True), ("offline", "true"),
    ("watch", False), ("watch", "off"), ("watch", "5s"), ("watch", "4s"), ("watch", "1m"),
    ("watch", "often"), ("watch", True),
    ("on_error", "placeholder"), ("on_error", "FAIL"),
    ("concurrency", "auto"), ("concurrency", 1), ("concurrency", 64), ("concurrency", 65),
    ("concurrency", 0), ("concurrency", "fast"),
    ("concurrency", True), ("concurrency", "8"),
    ("cache_dir", ".cache"), ("cache_dir", ""), ("cache_dir", 3),
    ("snapshot", "snapshot"), ("snapshot", False),
]  # fmt: skip


class AsInEditors(yaml.SafeLoader):
    """Reads what follows a tag, and not the tag."""


def _read_tagged(loader: AsInEditors, _suffix: str, node: yaml.Node) -> object:
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node)
    return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None


AsInEditors.add_multi_constructor("!", _read_tagged)
AsInEditors.add_multi_constructor("tag:yaml.org,2002:python/", _read_tagged)


def read(text: str) -> Any:  # noqa: ANN401  any YAML
    """Read a configuration as an editor does."""
    return yaml.load(text, AsInEditors)  # noqa: S506  it makes nothing but texts and lists


def find_errors(config: object) -> list[str]:
    """Return what an editor underlines, with either schema."""
    errors = [error.message for error in VALIDATOR.iter_errors(config)]
    assert bool(errors) == (not WITH_MATERIAL.is_valid(config))
    return errors


def with_options(**options: object) -> dict[str, object]:
    return {"plugins": ["search", {"confluence-md": options}]}


def test_the_files_are_current_and_valid() -> None:
    for path, text in render().items():
        assert path.read_text(encoding="utf-8") == text, "run: python docs/hooks/schema.py"
        Draft7Validator.check_schema(json.loads(text))


@pytest.mark.parametrize("path", [ROOT / "mkdocs.yml", EXAMPLE / "mkdocs.yml"], ids=str)
def test_it_takes_our_own_sites(path: Path) -> None:
    assert find_errors(read(path.read_text(encoding="utf-8"))) == []


def test_it_takes_what_the_documentation_says() -> None:
    found = 0
    for path in (ROOT / "README.md", *DOCS.glob("*.md")):
        for snippet in find_snippets(path.read_text(encoding="utf-8")):
            config = read(snippet.text) if snippet.language == "yaml" else {}
            # The tutorial has a number in `nav`, to learn from what MkDocs says then.
            names = {"plugins", "nav"} - ({"nav"} if path.name == "tutorial.md" else set())
            shown = {name: config[name] for name in names & set(config)}
            assert find_errors(shown) == [], path.name
            found += bool(shown)
    assert found > 20


@pytest.mark.parametrize(("name", "value"), VALUES)
def test_it_takes_what_the_plugin_takes(name: str, value: object) -> None:
    options = PluginConfig()
    options.load_dict({name: value})
    is_valid = options.validate() == ([], [])

    assert (find_errors(with_options(**{name: value})) == []) == is_valid


def test_every_option_is_tried_and_has_a_description_and_its_default() -> None:
    described = make_schema()["definitions"]["options"]["properties"]

    assert {name for name, _ in VALUES} == set(find_options()) == set(described) - {"enabled"}
    for name, option in described.items():
        assert len(option["description"]) > 10
        assert "default" not in option or not find_errors(with_options(**{name: option["default"]}))


@pytest.mark.parametrize("name", find_options())
def test_it_refuses_options_that_are_misspelt(name: str) -> None:
    assert find_errors(with_options(**{f"{name}s": "x"})) != []
    assert find_errors({"plugins": {"confluence-md": {name.upper(): "x"}}}) != []


@pytest.mark.parametrize(
    "text",
    [
        "plugins: [search, confluence-md]",
        "plugins: [confluence-md:]",
        "plugins: {search: {}, confluence-md: {site: acme.atlassian.net}}",
        "plugins: [confluence-md: {enabled: !ENV [CI, false], offline: !ENV DOCS_OFFLINE}]",
        "plugins: [unknown: {anything: [1]}, confluence-md: {offline: !ENV [OFFLINE, false]}]",
        "nav: [index.md, 'confluence:123', confluence: '123', Wiki: [All: 'confluence:space/ENG']]",
        "theme: {name: unheard-of}\nextra: [1]\nunknown: true",
    ],
)
def test_it_leaves_alone_what_is_not_the_plugins(text: str) -> None:
    assert find_errors(read(text)) == []


@pytest.mark.parametrize("text", ["nav: [confluence: 123456]", "nav: [Runbooks: [Deploy: 123]]"])
def test_it_refuses_a_number_in_nav_as_mkdocs_does(text: str) -> None:
    assert find_errors(read(text)) != []
