"""Printing and options that commands share.

Printed names may come from a server, and a server may repeat tokens, so secrets are hidden.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mkdocs_confluence_md.network.redaction import hide_used_secrets
from mkdocs_confluence_md.text import format_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

SCHEMA = 1
"""The version of the shapes of JSON; it grows when a field goes or means something else."""

_COLOURS = {
    "ok": "green",
    "problem": "red",
    "problems": "red",
    "not checked": "yellow",
}


def find_config_file() -> str:
    """Return the configuration in this directory, by the names that MkDocs looks for."""
    names = ("mkdocs.yml", "mkdocs.yaml")
    return next((name for name in names if Path(name).exists()), names[0])


config_file_option = click.option(
    "-f",
    "--config-file",
    type=click.Path(path_type=Path),
    default=find_config_file,
    show_default="mkdocs.yml",
    help="The site's configuration.",
)


def echo(text: str, *, err: bool = False) -> None:
    """Print a text without the secrets that this process has used.

    Args:
        text: Of any number of lines.
        err: It is for stderr.
    """
    click.echo("\n".join(map(hide_used_secrets, text.split("\n"))), err=err)


@contextmanager
def tell_of_wait(what: str, *, after: float = 1.0) -> Iterator[None]:
    """Say on stderr what is waited for, if it takes long.

    Args:
        what: For example the host of a service.
        after: How many seconds is not long.
    """
    timer = threading.Timer(after, echo, [f"Waiting for {what} …"], {"err": True})
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def echo_json(data: dict[str, object]) -> None:
    """Print data as JSON, without the same secrets, and with the version of its shape."""
    whole = {"schema": SCHEMA, **data}
    click.echo(json.dumps(_hide_in_data(whole), indent=2, ensure_ascii=False))


def fit_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table for stdout: as wide as a terminal, and with its states in colours."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    return format_table(head, rows, width=width, paint=paint)


def paint(cell: str) -> str:
    """Return a text as terminals show it: states have colours, unless `NO_COLOR` is set."""
    colour = _COLOURS.get(cell.strip().lstrip("0123456789 "))
    if not colour or os.environ.get("NO_COLOR"):
        return cell
    return click.style(cell.rstrip(), fg=colour) + " " * (len(cell) - len(cell.rstrip()))


def _hide_in_data(data: object) -> object:
    if isinstance(data, str):
        return hide_used_secrets(data)
    if isinstance(data, dict):
        return {name: _hide_in_data(value) for name, value in data.items()}
    return list(map(_hide_in_data, data)) if isinstance(data, (list, tuple)) else data
