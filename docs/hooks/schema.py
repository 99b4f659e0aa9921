"""The JSON schema of `mkdocs.yml` with the plugin's options, for editors.

`python docs/hooks/schema.py` writes it to `docs/schema.json`, from the options of `config.py`, and
`docs/schema-material.json`, which adds what Material's schema knows.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs.config import config_options as opt

from mkdocs_confluence_md import config
from reference import find_docstrings, find_options, unwrap

if TYPE_CHECKING:
    from mkdocs.config.base import BaseConfigOption

FOLDER = Path(__file__).resolve().parent.parent
NAME = "schema.json"
MATERIAL = "https://squidfunk.github.io/mkdocs-material/schema/"

# Draft 7 is what VS Code reads, and what Material's schema is written in.
_PARTS_OF_MATERIAL = {
    "theme": "theme.json",
    "markdown_extensions": "extensions.json",
    "extra": "extra.json",
    "validation": "validation.json",
}
_DRAFT = "http://json-schema.org/draft-07/schema#"
_PLUGIN = "confluence-md"
_NAME = {"type": "string", "minLength": 1}
_DURATION = "[0-9]+[smhdSMHD]"
_INTERVAL = "0*([5-9]|[1-9][0-9]+)[sS]|0*[1-9][0-9]*[mhdMHD]"
_FORMS: dict[type, dict[str, Any]] = {
    config.Site: _NAME,
    config.BaseUrl: {"type": "string", "pattern": "^https?://"},
    config.CloudId: {"type": "string", "pattern": "^[A-Za-z0-9-]+$"},
    config.PagePath: _NAME,
    # YAML reads a 0 without quotes as a number, and an `off` as false.
    config.Duration: {"anyOf": [{"type": "string", "pattern": f"^(0|{_DURATION}|[Ff]orever)$"},
                                {"const": 0}]},
    config.Interval: {"anyOf": [{"type": "string", "pattern": f"^([Oo]ff|{_INTERVAL})$"},
                                {"const": False}]},
    config.CacheDir: _NAME,
    config.Concurrency: {"anyOf": [{"const": "auto"},
                                   {"type": "integer", "minimum": 1, "maximum": 64}]},
    config.Patterns: {"type": "array", "items": {"anyOf": [_NAME, {"type": "integer"}]}},
    config.Depth: {"type": "integer", "minimum": 0},
    config.FrontMatter: {"type": "object", "additionalProperties": {"type": "object"}},
    config.Note: {"anyOf": [{"type": "boolean"}, _NAME]},
}  # fmt: skip
"""What may be written for an option of a class of ours."""

_EVERY_PLUGINS = {
    "enabled": {
        "description": "Whether the plugin does anything; MkDocs' own option.",
        "default": True,
        "anyOf": [{"type": "boolean"}, {"$ref": "#/definitions/environment"}],
    }
}


def make_schema() -> dict[str, Any]:
    """Return the schema.

    Whatever is not this plugin's is allowed: themes and plugins have schemas of their own.
    """
    return {
        "$schema": _DRAFT,
        "title": f"mkdocs.yml with {_PLUGIN}",
        "type": "object",
        "properties": {
            "plugins": {
                "anyOf": [
                    {"type": "array", "items": _make_item()},
                    {"type": "object", "properties": {_PLUGIN: {"$ref": "#/definitions/options"}}},
                ]
            },
            "nav": {"type": "array", "items": {"$ref": "#/definitions/entry"}},
        },
        "definitions": {
            "options": {
                "type": ["object", "null"],
                "properties": {name: _describe(name) for name in find_options()} | _EVERY_PLUGINS,
                "additionalProperties": False,
            },
            "entry": {
                "description": "A file, or a page, a page tree or a space of Confluence: "
                "confluence:123456, confluence:123456/, confluence:space/KEY",
                "type": ["string", "object"],
                "additionalProperties": {
                    "anyOf": [
                        {"type": "string"},
                        {"type": "array", "items": {"$ref": "#/definitions/entry"}},
                    ]
                },
            },
            # What `!ENV` is followed by: editors do not see the tag. Without a description, because
            # they would show it in the place of the option's.
            "environment": {
                "anyOf": [
                    {"type": "string", "pattern": "^[A-Z][A-Z0-9]*_[A-Z0-9_]*$"},
                    {
                        "type": "array",
                        "items": [{"type": "string", "pattern": "^[A-Z][A-Z0-9_]*$"}],
                        "minItems": 2,
                    },
                ],
            },
        },
    }


def make_schema_with_material() -> dict[str, Any]:
    """Return a schema that refers to the other one, and to Material's.

    Material's refuses plugins that it does not know, and `nav` without `.md`, so it cannot be
    demanded. As one of two alternatives, of which the other allows everything, a part of it still
    tells editors what could be written. The schemas are two, because editors use nothing of one
    that refers to what they cannot fetch.
    """
    parts = {name: _suggest(file) for name, file in _PARTS_OF_MATERIAL.items()}
    return {
        "$schema": _DRAFT,
        "title": f"mkdocs.yml with {_PLUGIN} and Material",
        "allOf": [{"$ref": NAME}],
        "properties": {**parts, "plugins": {"items": _suggest("plugins.json#/items")}},
    }


def _suggest(part: str) -> dict[str, Any]:
    return {"anyOf": [{"$ref": MATERIAL + part}, {}]}


def _make_item() -> dict[str, Any]:
    """Return the schema of an item of the list `plugins`."""
    return {
        "type": ["string", "object"],
        "properties": {_PLUGIN: {"$ref": "#/definitions/options"}},
        "maxProperties": 1,
    }


def _describe(name: str) -> dict[str, Any]:
    option = unwrap(find_options()[name])
    form = _find_form(option)
    described: dict[str, Any] = {"description": " ".join(find_docstrings()[name].split())}
    if option.default is not None:
        described["default"] = option.default
    # A list that an environment variable fills is a list in the file, too.
    lists = form.get("type") == "array"
    return described | (form if lists else {"anyOf": [form, {"$ref": "#/definitions/environment"}]})


def _find_form(option: BaseConfigOption[object]) -> dict[str, Any]:
    if isinstance(option, opt.Choice):
        return {"enum": list(option.choices)}
    if isinstance(option, opt.ListOfItems):
        return {"type": "array", "items": _find_form(option.option_type)}
    if isinstance(option, opt.Type):
        return {"type": {bool: "boolean", str: "string"}[option._type]}  # noqa: SLF001  MkDocs has no other name for it
    return _FORMS[type(option)]


def render() -> dict[Path, str]:
    """Return what is in the files."""
    schemas = {NAME: make_schema(), "schema-material.json": make_schema_with_material()}
    return {
        FOLDER / name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        for name, schema in schemas.items()
    }


if __name__ == "__main__":
    for path, text in render().items():
        path.write_text(text, encoding="utf-8")
