"""The house stands: every module is a room on the list, and dependencies go down that list."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import mkdocs_confluence_md

PACKAGE = Path(mkdocs_confluence_md.__file__).parent
LIST = (PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (`\w+\.py`.*)$", LIST, re.MULTILINE)
PLACES = {
    name: place
    for place, row in reversed(list(enumerate(ROWS)))
    for name in re.findall(r"`(\w+)\.py`", row)
}
MODULES = sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__")


def read(module: str) -> str:
    return (PACKAGE / f"{module}.py").read_text(encoding="utf-8")


def users_of(package: str) -> set[str]:
    return {
        module
        for module in MODULES
        if re.search(rf"^\s*(?:import|from) {package}\b", read(module), re.MULTILINE)
    }


def test_the_list_has_every_room_and_no_other() -> None:
    assert sorted(PLACES) == MODULES


@pytest.mark.parametrize("module", MODULES)
def test_no_room_depends_on_one_above_it(module: str) -> None:
    below = re.findall(r"from mkdocs_confluence_md\.(\w+) import", read(module))

    assert [name for name in below if PLACES[name] < PLACES[module]] == []


@pytest.mark.parametrize("module", MODULES)
def test_a_room_is_small_enough_to_be_read_at_once(module: str) -> None:
    assert len(read(module).splitlines()) <= 400


def test_few_rooms_know_the_host_and_the_wire() -> None:
    assert users_of("mkdocs") == {
        "building",
        "pulling",
        "plugin",
        "guarded",
        "attached",
        "directives",
        "config",
        "pipeline",
        "project",
        "links",
        "finishing",
        "commonmark",
        "metadata",
    }
    assert users_of("markdown") == {
        "pulled",
        "guarded",
        "included_files",
        "commonmark",
        "pipeline",
        "tree",
        "markup",
        "footnotes",
        "links",
        "embedding",
    }
    assert users_of("httpx") == {
        "transport",
        "wire",
        "oauth",
        "auth",
        "rest",
        "rest_access",
        "call_report",
        "exporter",
        "answers",
    }


@pytest.mark.parametrize(
    "module",
    [
        "references",
        "responses",
        "redaction",
        "shapes",
        "inert",
        "written",
        "trees",
        "fetched",
        "facts",
        "outline",
        "descriptions",
        "rewriting",
        "literal",
        "locating",
        "trail",
        "anchors",
        "tags",
        "targets",
        "names",
        "placement",
        "sections",
        "slots",
        "paths",
        "source",
        "reports",
        "limit",
        "keys",
        "trust",
        "errors",
        "pacing",
        "bundle",
        "hierarchy",
        "tree_root",
        "titles",
        "page_ids",
        "headings",
        "grammar",
        "autolinks",
        "panels",
        "archive",
        "packing",
        "attachments",
        "media",
        "matching",
        "beside",
        "filenames",
        "manifest",
        "sanitizing",
        "secret_search",
        "settings_walk",
    ],
)
def test_pure_rooms_do_no_io_and_read_no_clock(module: str) -> None:
    for package in ("time", "os", "logging", "socket", "subprocess", "threading", "httpx"):
        assert module not in users_of(package)
