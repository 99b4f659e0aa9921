"""How the package is built: sizes, callers, names, imports, and the way of one page through it.

`python -m benchmarks.house` counts modules, lines and functions; finds private functions with a
single caller, public names that are defined twice, and imports that go up; and traces the ID of a
page with an attachment and a link through a build with an empty cache. A *stay* is a call of a
function of ours that was given the ID (as a text, or within an object) by another module.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import io
import logging
import os
import re
import subprocess
import sys
import tempfile
import threading
import tomllib
from collections import Counter, defaultdict
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "mkdocs_confluence_md"
PAGE_ID = "731946825"
"""Of the page that is traced: no other text has these digits."""

_LONGEST_TEXT = 500
_DEEPEST = 3
_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Module:
    """A module's source."""

    name: str
    tree: ast.Module
    lines: int

    @property
    def room(self) -> str:
        """The package or top-level module that it belongs to."""
        return self.name.split(".")[1]

    def find_functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Yield all its functions and methods."""
        return (node for node in ast.walk(self.tree) if isinstance(node, _FUNCTIONS))


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.house")
    parser.add_argument("--list", action="store_true", help="name what is counted, and all stays")
    is_long = parser.parse_args().list
    modules = read_modules()
    counted = [each for each in modules if not each.name.endswith("__init__")]
    sizes = [each.lines for each in counted]
    packages = {each.room for each in modules if each.name.count(".") > 1}
    lengths = sorted(measure(node) for each in modules for node in each.find_functions())
    singles = find_single_callers(modules)
    share = 100 * len(singles) // len(lengths)
    twice = find_names_defined_twice(modules)
    upward = find_upward_imports(modules)
    trace = trace_page()
    tests = sum(len(read_lines(path)) for path in (ROOT / "tests").rglob("*.py"))
    rows = [
        ("modules", len(counted), "75"),
        ("packages", len(packages), "10"),
        ("lines", sum(each.lines for each in modules), "14,000"),
        ("lines of a module, median", round(median(sizes)), "150 to 250"),
        ("lines of a function, median", round(median(lengths)), "5 to 9"),
        ("lines of a function, 90 % have fewer than", lengths[len(lengths) * 9 // 10] + 1, "30"),
        ("functions that are private and have one caller, %", share, "15"),
        ("public names defined twice", len(twice), "0"),
        ("imports that go up", len(upward), "0"),
        ("lines that vulture prints", count_dead_code(), "0"),
        ("stays of a page's ID", len(trace), "110"),
        ("modules of these stays", len({name for name, _ in trace}), "27"),
        ("attributes that the plugin sets in __init__", count_plugin_attributes(modules), "3"),
        ("lines of tests", tests, "18,000"),
    ]
    for what, number, aim in rows:
        print(f"{what:50}{number:>8,}   aim: {aim}")
    if is_long:
        for title, names in (
            ("Single callers", singles), ("Defined twice", twice), ("Upward", upward),
            ("Stays", [f"{name}.{function}" for name, function in trace]),
        ):  # fmt: skip
            print(f"\n{title}", *names, sep="\n  ")


def read_modules() -> list[Module]:
    """Read all modules of the package."""
    return [
        Module(
            ".".join(path.relative_to(ROOT).with_suffix("").parts),
            ast.parse(path.read_text(encoding="utf-8")),
            len(read_lines(path)),
        )
        for path in sorted(PACKAGE.rglob("*.py"))
    ]


def read_lines(path: Path) -> list[str]:
    """Return a file's lines."""
    return path.read_text(encoding="utf-8").splitlines()


def measure(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function's body without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def find_single_callers(modules: Iterable[Module]) -> list[str]:
    """Return the private functions that are named once besides their definition.

    A method that takes the place of another class's is called from there, so it does not count.
    """
    defined: list[tuple[str, str]] = []
    used: Counter[tuple[str, str]] = Counter()
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, _FUNCTIONS) and re.match(r"_(?!_)", node.name):
                defined.append((module.name, node.name))
            elif isinstance(node, ast.Name):
                used[module.name, node.id] += 1
            elif isinstance(node, ast.Attribute):
                used[module.name, node.attr] += 1
    return [f"{name}.{each}" for name, each in defined if used[name, each] == 1]


def find_names_defined_twice(modules: Iterable[Module]) -> list[str]:
    """Return public functions, classes and constants of the same name in several modules."""
    places: defaultdict[str, set[str]] = defaultdict(set)
    for module in modules:
        for node in module.tree.body:
            names: list[str] = []
            if isinstance(node, _FUNCTIONS | ast.ClassDef):
                names = [node.name]
            elif isinstance(node, ast.Assign):
                names = [each.id for each in node.targets if isinstance(each, ast.Name)]
            for name in names:
                if not name.startswith("_") and name != "log":
                    places[name].add(module.name)
    return [f"{name}: {', '.join(sorted(at))}" for name, at in places.items() if len(at) > 1]


def find_upward_imports(modules: Iterable[Module]) -> list[str]:
    """Return imports that go up the layers of `pyproject.toml`, those for types only too."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    found = []
    for module in modules:
        for node in ast.walk(module.tree):
            target = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            parts = target.split(".")
            if parts[0] != PACKAGE.name or len(parts) < 2 or module.room == "__init__":  # noqa: PLR2004  the package itself
                continue
            if layers.index(parts[1]) < layers.index(module.room):
                found.append(f"{module.name} → {target}")
    return found


def count_dead_code() -> int:
    """Return how many lines vulture prints."""
    command = [str(Path(sys.executable).parent / "vulture")]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    return len(printed.splitlines())


def count_plugin_attributes(modules: Iterable[Module]) -> int:
    """Return how many attributes the plugin's `__init__` sets."""
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef) and node.name == "ConfluencePlugin":
                start = next(
                    (each for each in node.body
                     if isinstance(each, ast.FunctionDef) and each.name == "__init__"), None
                )  # fmt: skip
                targets = ast.walk(start) if start else ()
                return sum(
                    isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store)
                    for each in targets
                )
    return 0


@dataclass
class Tracer:
    """Notes each call of a function of ours that another module gave the page's ID."""

    stays: list[tuple[str, str]] = field(default_factory=list)
    """Module and function."""

    def profile(self, frame: FrameType, event: str, _argument: object) -> None:
        """Look at a call, as `sys.setprofile` reports it."""
        if event != "call" or not is_ours(frame) or (frame.f_lasti > 1 and is_resumed(frame)):
            return
        code, back = frame.f_code, frame.f_back
        while back is not None and not is_ours(back):
            back = back.f_back
        if back is not None and back.f_code.co_filename == code.co_filename:
            return
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        if any(has_id(frame.f_locals.get(name)) for name in names if name != "self"):
            module = Path(code.co_filename).relative_to(ROOT).with_suffix("")
            self.stays.append((".".join(module.parts), code.co_name))


def is_ours(frame: FrameType) -> bool:
    """Return True if a frame is of a module of the package."""
    return frame.f_code.co_filename.startswith(str(PACKAGE))


def is_resumed(frame: FrameType) -> bool:
    """Return True if a frame is a generator's that goes on."""
    generator = 0x20
    return bool(frame.f_code.co_flags & generator)


def has_id(value: Any, depth: int = 0) -> bool:  # noqa: ANN401  any argument
    """Return True if the page's ID is a text, or in one that is not long, or in what it has."""
    if isinstance(value, str):
        return len(value) < _LONGEST_TEXT and PAGE_ID in value
    if depth == _DEEPEST:
        return False
    if is_dataclass(value):
        return any(has_id(getattr(value, each.name, None), depth + 1) for each in fields(value))
    if isinstance(value, dict):
        return any(has_id(each, depth + 1) for pair in value.items() for each in pair)
    if isinstance(value, list | tuple | set | frozenset):
        return any(has_id(each, depth + 1) for each in value)
    return False


def trace_page() -> list[tuple[str, str]]:
    """Build a site with one page from Confluence, and return the stays of its ID."""
    sys.path.insert(0, str(ROOT / "example-site"))
    from mkdocs.commands.build import build  # noqa: PLC0415  only when it is run
    from mkdocs.config import load_config  # noqa: PLC0415

    from standin import StandIn  # noqa: PLC0415

    text = "# Deploy\n\n![Plan](plan.png)\n\n[Home](../index.md) and [web](https://example.com).\n"
    logging.disable()
    with tempfile.TemporaryDirectory() as folder, StandIn({PAGE_ID: text}) as standin:
        standin.pages.attachments[PAGE_ID] = {"plan.png": b"\x89PNG\r\n\x1a\n"}
        root = Path(folder)
        (root / "docs").mkdir()
        (root / "docs/index.md").write_text("# Home\n")
        plugin = {"confluence-md": {"site": standin.url}}
        nav = ["index.md", {"Deploy": f"confluence:{PAGE_ID}"}]
        config = {"site_name": "Traced", "plugins": [plugin], "nav": nav}
        (root / "mkdocs.yml").write_text(yaml.safe_dump(config))
        os.environ |= {
            **standin.environment(),
            "CONFLUENCE_MD_TOKEN_FILE": str(root / "tokens.json"),
        }
        tracer = Tracer()
        threading.setprofile(tracer.profile)
        sys.setprofile(tracer.profile)
        try:
            with contextlib.redirect_stderr(io.StringIO()):
                settings = load_config(str(root / "mkdocs.yml"))
                settings.plugins.on_startup(command="build", dirty=False)
                build(settings)
                settings.plugins.on_shutdown()
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
        page = root / "site/deploy/index.html"
        if "plan.png" not in page.read_text(encoding="utf-8"):
            sys.exit("The page that is traced lacks its attachment.")
    return tracer.stays


if __name__ == "__main__":
    main()
