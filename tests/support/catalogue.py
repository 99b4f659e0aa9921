"""The texts of the product's messages, read from its source, so that none is forgotten.

Nothing is imported or run. What is different each time is `…` in a text.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

GAP = "…"

_Function: TypeAlias = "ast.FunctionDef | ast.AsyncFunctionDef"
_NAMES = ("what", "reason")
"""Of the parameter or the field that is a message, wherever one is made."""
_OTHERS = {"ValidationError": 0, "BadParameter": 0, "ClickException": 0, "UsageError": 0,
           "warning": 0, "warn": 0, "_warn": 0, "_warn_once": 0}  # fmt: skip
"""What is not ours and takes a message, by the place of its argument."""
_PREFIXES = {
    "ValidationError": "Config value 'plugins': Plugin 'confluence-md' option 'page_path': ",
    "Complaint": "'Deploy to production: confluence:123456': ",
    "Flaw": "mkdocs.yml:12: ",
}
"""What is before a message, by what makes it."""
_TYPICAL = (
    (r"error\.remedy", "Name a directory of its own."),
    (r"full_text|\.error\b|_advise", "api.atlassian.com failed to answer (503). Try again later."),
    (r"enumerate|names\b", "deploy.png, rollback.png"),
    (r"SCOPES", "export:markdown:custom read:forge-app:confluence"),
    (r"len\(|count|number|seconds|status|code\b|most|said|there|line|age|since|port", "30"),
    (r"describe_|title|name\b|pages", "“Deploy the payment service” (page 123456)"),
    (r"path|director|_dir|file|target|home|shown", "/home/jane/handbook/docs/runbooks/deploy"),
    (r"where|host|site|url|origin", "api.atlassian.com"),
    (r"error|reason|strerror|what", "No such file or directory"),
)
"""Typical values, by what is in the expressions that make them."""
_FIELDS = {
    "where": "(api.atlassian.com answers 404)", "thing": "page", "name": "page ID",
}  # fmt: skip
"""What stands in the fields of a message that is kept in a table."""
_FEWEST_WORDS = 3
_DEEPEST = 4


@dataclass(frozen=True)
class Message:
    """A text that people read when something is wrong."""

    place: str
    """Module and line."""
    text: str

    def is_quoted_in(self, quotes: list[str]) -> bool:
        """Tell whether one of the quotations has it, word for word."""
        return any(self._pattern.search(quote) for quote in quotes)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        parts = [re.escape(part.strip()) for part in self.text.split(GAP)]
        return re.compile(r".*?".join(parts).replace(r"\ ", " "))


def find_quotes(markdown: str) -> list[str]:
    """Return what a text quotes: its code blocks and code spans, each in one line."""
    blocks = re.findall(r"^ *```.*?\n(.*?)^ *```", markdown, re.MULTILINE | re.DOTALL)
    rest = re.sub(r"^ *```.*?^ *```", "", markdown, flags=re.MULTILINE | re.DOTALL)
    spans = [span for _, span in re.findall(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", rest, re.DOTALL)]
    return [" ".join(text.split()) for text in (*blocks, *spans)]


@cache
def find_messages(package: Path) -> list[Message]:
    """Return the messages of a package, each text once, in the order of the source."""
    found: dict[str, str] = {}
    for module, function, node, modules in _walk_nodes(package):
        for expression in _find_expressions(node, function, _find_makers(modules)):
            for text in _Reader(module, function, modules).read(expression):
                shown = " ".join(re.sub(f"{GAP}+", GAP, text).split())
                if _is_long_enough(shown):
                    found.setdefault(shown, f"{module.name}.py:{expression.lineno}")
    return [Message(place, text) for text, place in found.items()]


@cache
def find_whole_messages(package: Path) -> list[Message]:
    """Return the messages as people see them: each with its remedy, and with typical values."""
    found: dict[str, str] = {}
    for module, function, node, modules in _walk_nodes(package):
        reader = _Reader(module, function, modules, fill=_write_typical)
        maker = _name_of(node.func) if isinstance(node, ast.Call) else ""
        for expression in _find_expressions(node, function, _find_makers(modules)):
            remedies = _read_remedies(reader, node, expression)
            for what, remedy in product(reader.read(expression), remedies):
                text = " ".join(f"{_PREFIXES.get(maker, '')}{what} {remedy}".split())
                if _is_long_enough(what):
                    found.setdefault(text, f"{module.name}.py:{expression.lineno}")
        if isinstance(node, ast.Tuple):
            for text in _read_pair(node, reader):
                found.setdefault(text, f"{module.name}.py:{node.lineno}")
    return [Message(place, text) for text, place in found.items()]


def _walk_nodes(
    package: Path,
) -> Iterator[tuple[_Module, _Function | None, ast.AST, tuple[_Module, ...]]]:
    """Yield each node of the source, with its module, its function, and all modules."""
    modules = tuple(
        _Module(path.stem, path.read_text("utf-8")) for path in sorted(package.rglob("*.py"))
    )
    for module in modules:
        for node, function in module.walk():
            yield module, function, node, modules


def _read_pair(node: ast.Tuple, reader: _Reader) -> list[str]:
    """Return a cause with its remedy, where both are in a table and filled in later."""
    are_texts = all(isinstance(each, ast.Constant) for each in node.elts)
    if not are_texts or len(node.elts) != len(("cause", "remedy")):
        return []
    texts = [reader.read(each) for each in node.elts]
    pairs = [" ".join(pair) for pair in product(*texts)]
    return [pair.format_map(_FIELDS) for pair in pairs if "{where}" in pair]


def _read_remedies(reader: _Reader, node: ast.AST, expression: ast.expr) -> list[str]:
    """Return what a message may say after it has said what is wrong; nothing, for a warning."""
    following: list[ast.expr] = []
    if isinstance(node, ast.Call):
        values = [*node.args, *(each.value for each in node.keywords)]
        place = next((number for number, each in enumerate(values) if each is expression), None)
        maker = _name_of(node.func)
        if place is not None and (maker.endswith("Error") or maker in ("Complaint", "Flaw")):
            following = values[place + 1 : place + 2]
    return [text for each in following for text in reader.read(each)] or [""]


def _write_typical(value: ast.expr) -> str:
    """Return what typically stands in the place of an expression."""
    source = ast.unparse(value)
    return next((typical for names, typical in _TYPICAL if re.search(names, source)), "something")


@cache
def find_texts(package: Path) -> list[Message]:
    """Return all texts of a package that could be a message, whatever becomes of them."""
    found = []
    for path in sorted(package.rglob("*.py")):
        module = _Module(path.stem, path.read_text("utf-8"))
        for node, function in module.walk():
            if isinstance(node, ast.Constant | ast.JoinedStr):
                texts = _Reader(module, function, (module,)).read(node)
                place = f"{module.name}.py:{node.lineno}"
                found += [Message(place, text) for text in texts if _is_long_enough(text)]
    return found


def _is_long_enough(text: str) -> bool:
    return len(re.findall(r"[A-Za-z]{2,}", text)) >= _FEWEST_WORDS


class _Module:
    """A module's tree, and what it defines."""

    def __init__(self, name: str, source: str) -> None:
        self.name = name
        self.tree = ast.parse(source)

    def walk(self) -> Iterator[tuple[ast.AST, _Function | None]]:
        """Yield each node with the function that it is in."""
        yield from self._walk(self.tree, None)

    def _walk(
        self, node: ast.AST, function: _Function | None
    ) -> Iterator[tuple[ast.AST, _Function | None]]:
        for child in ast.iter_child_nodes(node):
            inner = child if isinstance(child, ast.FunctionDef) else function
            yield child, inner
            yield from self._walk(child, inner)

    @cached_property
    def functions(self) -> dict[str, _Function]:
        """Its functions and methods, by name."""
        return {
            node.name: node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef)
        }

    @cached_property
    def constants(self) -> dict[str, ast.expr]:
        """What stands at its top level, by name."""
        return dict(_find_assignments(self.tree.body))


@cache
def _find_makers(modules: tuple[_Module, ...]) -> dict[str, int]:
    """Return what makes a message, by name, with the place of the argument that is the text."""
    makers = dict(_OTHERS)
    errors = {"ConfluenceError"}
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef):
                if errors & {base.id for base in node.bases if isinstance(base, ast.Name)}:
                    errors.add(node.name)
                fields = [each.target.id for each in node.body if isinstance(each, ast.AnnAssign)
                          and isinstance(each.target, ast.Name)]  # fmt: skip
                _note(makers, node.name, fields)
            elif isinstance(node, ast.FunctionDef) and not node.name.startswith("__"):
                names = [each.arg for each in node.args.args if each.arg not in ("self", "cls")]
                _note(makers, node.name, names)
    return {**makers, **dict.fromkeys(errors, 0)}


def _note(makers: dict[str, int], maker: str, parameters: list[str]) -> None:
    """Note which parameter of a maker is the message, if one is."""
    for name in _NAMES:
        if name in parameters:
            makers[maker] = parameters.index(name)


def _find_expressions(
    node: ast.AST, function: _Function | None, makers: dict[str, int]
) -> Iterator[ast.expr]:
    """Yield what is a message in a node: an argument, or what a report returns."""
    if isinstance(node, ast.Call):
        name = _name_of(node.func)
        place = makers[name] if name in makers else _find_alias(name, function, makers)
        yield from (each.value for each in node.keywords if each.arg in _NAMES)
        if place is not None:
            for number, argument in enumerate(node.args[: place + 1]):
                if isinstance(argument, ast.Starred):
                    yield argument.value
                elif number == place:
                    yield argument
        if name == "ValueError" and node.args:
            yield from (each for each in node.args[:1] if _ends_a_sentence(each))
    elif isinstance(node, ast.Return | ast.Yield) and node.value and function:
        if function.name.startswith("report_"):
            yield node.value
    elif isinstance(node, ast.ClassDef) and node.name == "Problem":
        yield from (each.value for each in node.body if isinstance(each, ast.Assign))


def _find_alias(name: str, function: _Function | None, makers: dict[str, int]) -> int | None:
    """Return the place for a name that stands for one of several makers in its function."""
    value = _find_first_values(function).get(name) if function else None
    names = [each.id for each in ast.walk(value) if isinstance(each, ast.Name)] if value else []
    return next((makers[each] for each in names if each in makers), None)


@cache
def _find_first_values(function: _Function) -> dict[str, ast.expr]:
    """Return what is first assigned to each name in a function."""
    return dict(reversed(list(_find_assignments(list(ast.walk(function))))))


def _name_of(node: ast.expr) -> str:
    return str(getattr(node, "id", None) or getattr(node, "attr", ""))


def _ends_a_sentence(node: ast.expr) -> bool:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    last = parts[-1] if parts else None
    return isinstance(last, ast.Constant) and str(last.value).endswith(".")


@dataclass(frozen=True)
class _Reader:
    """Reads the texts that an expression may have."""

    module: _Module
    function: _Function | None
    modules: tuple[_Module, ...]
    depth: int = 0
    fill: Callable[[ast.expr], str] = lambda _: GAP
    """Writes what is different each time."""

    def read(self, node: ast.expr) -> list[str]:
        """Return them; none where only a run could tell."""
        texts: list[str] = []
        match node:
            case _ if self.depth > _DEEPEST:
                pass
            case ast.Constant(value=str(text)):
                texts = [text]
            case ast.JoinedStr(values=parts):
                texts = self._join([self._read_part(part) for part in parts])
            case ast.IfExp(body=body, orelse=otherwise):
                texts = [*self.read(body), *self.read(otherwise)]
            case ast.BoolOp(values=values):
                texts = [text for value in values for text in self.read(value)]
            case ast.BinOp(left=left, right=right):
                texts = self._join(
                    [self.read(left) or [self.fill(left)], self.read(right) or [self.fill(right)]]
                )
            case ast.Tuple(elts=[first, *_]):
                texts = self.read(first)
            case ast.Name(id=name):
                texts = [each for value in self._find_values(name) for each in self._deeper(value)]
            case ast.Call():
                texts = self._read_call(node)
        return texts

    def _read_part(self, part: ast.expr) -> list[str]:
        """Read a part of an f-string: only constants of a module are more than a gap."""
        if not isinstance(part, ast.FormattedValue):
            return self.read(part)
        value = part.value
        if not isinstance(value, ast.Name):
            return [self.fill(value)]
        constant = self._constants.get(value.id)
        if isinstance(constant, ast.Constant):
            return [str(constant.value)]
        walruses = [each.value for each in (ast.walk(self.function) if self.function else ())
                    if isinstance(each, ast.NamedExpr) and each.target.id == value.id]  # fmt: skip
        return [text for each in walruses for text in self._deeper(each)] or [self.fill(value)]

    def _read_call(self, node: ast.Call) -> list[str]:
        """Read what a function of ours returns."""
        name = _name_of(node.func)
        if name == "join" and node.args:
            return self._read_list(node.args[0])
        for module in (self.module, *self.modules):
            if function := module.functions.get(name):
                reader = _Reader(module, function, self.modules, self.depth + 1, self.fill)
                returns = [each.value for each in ast.walk(function)
                           if isinstance(each, ast.Return) and each.value]  # fmt: skip
                return [text for value in returns for text in reader.read(value)]
        return []

    def _read_list(self, node: ast.expr) -> list[str]:
        """Read the elements of a list that becomes one text."""
        values = self._find_values(node.id) if isinstance(node, ast.Name) else [node]
        lists = [value for value in values if isinstance(value, ast.List)]
        return [text for each in lists for value in each.elts for text in self._deeper(value)]

    def _deeper(self, node: ast.expr) -> list[str]:
        reader = _Reader(self.module, self.function, self.modules, self.depth + 1, self.fill)
        return reader.read(node)

    @property
    def _constants(self) -> dict[str, ast.expr]:
        return {name: value for module in (*self.modules, self.module)
                for name, value in module.constants.items()}  # fmt: skip

    def _find_values(self, name: str) -> list[ast.expr]:
        """Return what a name may stand for in its function."""
        body = list(ast.walk(self.function)) if self.function else []
        values = [value for target, value in _find_assignments(body) if target == name]
        for loop in body:
            if isinstance(loop, ast.For) and isinstance(loop.iter, ast.Name):
                targets = [each.id for each in ast.walk(loop.target) if isinstance(each, ast.Name)]
                constant = self._constants.get(loop.iter.id) if name in targets else None
                values += _find_sentences(constant)
        if not values and name in self._constants:
            values = [self._constants[name]]
        return values

    @staticmethod
    def _join(parts: list[list[str]]) -> list[str]:
        return ["".join(texts) for texts in product(*parts)]


def _find_assignments(nodes: list[ast.stmt] | list[ast.AST]) -> Iterator[tuple[str, ast.expr]]:
    for node in nodes:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        value = getattr(node, "value", None)
        for target in targets:
            if isinstance(target, ast.Name) and isinstance(value, ast.expr):
                yield target.id, value


def _find_sentences(node: ast.expr | None) -> list[ast.expr]:
    """Return the texts in a constant that are sentences, not patterns."""
    constants = ast.walk(node) if node else []
    return [each for each in constants if isinstance(each, ast.Constant)
            and isinstance(each.value, str) and each.value.endswith(".")]  # fmt: skip
