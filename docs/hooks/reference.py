"""The reference, generated from the code: what it says cannot become untrue."""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import TYPE_CHECKING

import click
from mkdocs.config import config_options as opt
from mkdocs.config.base import BaseConfigOption

from mkdocs_confluence_md.auth.environment import ENV_PREFIX, VARIABLES
from mkdocs_confluence_md.cli import cli
from mkdocs_confluence_md.config import PluginConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

_HELP_WIDTH = 80


def describe_option(name: str) -> str:
    """Return what an option means, its type and its default.

    Raises:
        KeyError: There is no such option.
    """
    return f"{find_docstrings()[name]}\n\n{_describe_value(find_options()[name])}"


def find_options() -> dict[str, BaseConfigOption[object]]:
    """Return all options, by name and as `config.py` has them."""
    return {
        name: option
        for name, option in vars(PluginConfig).items()
        if isinstance(option, BaseConfigOption)
    }


def describe_variables() -> str:
    """Return the table of the environment variables."""
    rows = [f"| `{ENV_PREFIX}{name}` | {meaning} |" for name, meaning in VARIABLES.items()]
    return "\n".join(["| variable | meaning |", "|---|---|", *rows])


def describe_commands() -> str:
    """Return a section for each command, with what its `--help` prints."""
    return "\n".join(
        f"## `{context.command_path}`\n\n```text\n{context.get_help()}\n```\n"
        for context in find_commands()
    )


def find_commands() -> Iterator[click.Context]:
    """Yield the command, and all below it, each as it is called."""
    yield from _walk(cli, "confluence-md", None)


def _walk(
    command: click.Command, name: str, parent: click.Context | None
) -> Iterator[click.Context]:
    context = click.Context(command, info_name=name, parent=parent, terminal_width=_HELP_WIDTH)
    yield context
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            assert found
            yield from _walk(found, inner, context)


def find_docstrings() -> dict[str, str]:
    """Return the docstrings that stand below the options, by name."""
    [tree] = ast.parse(textwrap.dedent(inspect.getsource(PluginConfig))).body
    assert isinstance(tree, ast.ClassDef)
    found = {}
    for node, following in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(node, ast.Assign) and isinstance(following, ast.Expr):
            assert isinstance(node.targets[0], ast.Name)
            found[node.targets[0].id] = inspect.cleandoc(ast.literal_eval(following.value))
    return found


def unwrap(option: BaseConfigOption[object]) -> BaseConfigOption[object]:
    """Return an option without what says that it may be missing."""
    return option.option if isinstance(option, opt.Optional) else option


def _describe_value(option: BaseConfigOption[object]) -> str:
    inner = unwrap(option)
    default = f"`{_as_yaml(inner.default)}`" if inner.default is not None else "none"
    return f"**Value** {_describe_type(inner)} **Default** {default}\n{{: .option }}"


def _describe_type(option: BaseConfigOption[object]) -> str:
    if isinstance(option, opt.ListOfItems):
        return "A list of texts"
    if isinstance(option, opt.Choice):
        *others, last = (f"`{_as_yaml(choice)}`" for choice in option.choices)
        return f"{', '.join(others)} or {last}"
    if isinstance(option, opt.Type):
        return "`true` or `false`" if option._type is bool else f"`{option._type}`"  # noqa: SLF001  MkDocs has no other name for it
    return inspect.cleandoc(type(option).__doc__ or "").partition("\n")[0].removesuffix(".")


def _as_yaml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
