"""`make house`: what it counts, on a package that is made for it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

from benchmarks.house import (
    PAGE_ID,
    Module,
    find_names_defined_twice,
    find_single_callers,
    find_upward_imports,
    has_id,
)
from places import ROOT
from processes import unmeasured


def module(name: str, source: str) -> Module:
    return Module(f"mkdocs_confluence_md.{name}", ast.parse(source), source.count("\n"))


def test_private_functions_with_one_caller() -> None:
    source = "def _once(): ...\ndef _twice(): ...\n_once()\n_twice()\n_twice()\n"

    assert find_single_callers([module("text", source)]) == ["mkdocs_confluence_md.text._once"]


def test_names_that_two_modules_define() -> None:
    modules = [module("cache.a", "class Entry: ...\n_T = 1\n"), module("fetch.b", "Entry = _T = 1")]

    [twice] = find_names_defined_twice(modules)

    assert twice == "Entry: mkdocs_confluence_md.cache.a, mkdocs_confluence_md.fetch.b"


def test_imports_that_go_up() -> None:
    up = module("network.a", "from mkdocs_confluence_md.cache.b import c\n")
    down = module("cache.b", "from mkdocs_confluence_md.network.a import c\n")

    assert len(find_upward_imports([up, down])) == 1


def test_where_an_id_is() -> None:
    assert has_id({"page": [("x", f"confluence:{PAGE_ID}")]})
    assert not has_id(["x" * 1000 + PAGE_ID])


def test_the_package_is_as_it_is_meant_to_be() -> None:
    command = [sys.executable, "-m", "benchmarks.house"]
    shown = subprocess.run(
        command, cwd=ROOT, env=unmeasured(), capture_output=True, text=True, check=True
    ).stdout
    rows = re.findall(r"^(\S.*?) {2,}([0-9,]+) ", shown, re.MULTILINE)
    counts = {what: int(number.replace(",", "")) for what, number in rows}

    # 75, what came with `init`, `add`, `ci` and `python -m`, the repairs with the formulas, a
    # page's time, the limit of requests in flight, what an earlier build has parsed, what
    # machines share (the connection, the seal, sign-ins, copies, leases, the rate limit), and what
    # keeps a page's HTML from harm.
    assert counts["modules"] <= 102
    assert counts["public names defined twice"] == counts["imports that go up"] == 0
    assert 20 < counts["stays of a page's ID"] <= 110
    # One of them leads from a macro that was not exported to its page.
    assert counts["modules of these stays"] <= 28
    assert counts["attributes that the plugin sets in __init__"] <= 3
