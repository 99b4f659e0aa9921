"""Printing and options that commands share.

Printed names may come from a server, and a server may repeat tokens, so secrets are hidden.
"""

from __future__ import annotations

import json
from pathlib import Path

import click

from mkdocs_confluence_md.network.redaction import hide_used_secrets

config_file_option = click.option(
    "-f",
    "--config-file",
    type=click.Path(path_type=Path),
    default="mkdocs.yml",
    show_default=True,
    help="The site's configuration.",
)


def echo(text: str, *, err: bool = False) -> None:
    """Print a text without the secrets that this process has used.

    Args:
        text: Of any number of lines.
        err: It is for stderr.
    """
    click.echo("\n".join(map(hide_used_secrets, text.split("\n"))), err=err)


def echo_json(data: object) -> None:
    """Print data as JSON, without the same secrets."""
    click.echo(json.dumps(_hide_in_data(data), indent=2, ensure_ascii=False))


def _hide_in_data(data: object) -> object:
    if isinstance(data, str):
        return hide_used_secrets(data)
    if isinstance(data, dict):
        return {name: _hide_in_data(value) for name, value in data.items()}
    return list(map(_hide_in_data, data)) if isinstance(data, (list, tuple)) else data
