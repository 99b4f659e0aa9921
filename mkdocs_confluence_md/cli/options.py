"""The options that several commands have."""

from __future__ import annotations

from pathlib import Path

import click

config_file_option = click.option(
    "-f",
    "--config-file",
    type=click.Path(path_type=Path),
    default="mkdocs.yml",
    show_default=True,
    help="The site's configuration.",
)
