"""The command `confluence-md`.

Data goes to stdout, messages to stderr. The exit code is 1 on any warning or error, 2 for arguments
that make no sense, and 130 if somebody has interrupted it, as shells have it.
"""

from __future__ import annotations

import os
from typing import Any

import click

from mkdocs_confluence_md import __version__
from mkdocs_confluence_md.auth.environment import find_misspelt
from mkdocs_confluence_md.cli.cache import cache
from mkdocs_confluence_md.cli.check import check
from mkdocs_confluence_md.cli.ci import ci
from mkdocs_confluence_md.cli.init import add, init
from mkdocs_confluence_md.cli.login import login, logout
from mkdocs_confluence_md.cli.pull import pull
from mkdocs_confluence_md.cli.status import status
from mkdocs_confluence_md.cli.terminal import INTERRUPTED, echo
from mkdocs_confluence_md.errors import ConfluenceError
from mkdocs_confluence_md.network.redaction import hide_used_secrets


class _Commands(click.Group):
    """Commands whose errors of ours become the one kind that click shows without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  click's signature
        """Run a command."""
        try:
            return super().invoke(ctx)
        except ConfluenceError as error:
            for text in find_misspelt(os.environ):
                echo(text, err=True)
            raise click.ClickException(hide_used_secrets(error.full_text())) from None
        except (KeyboardInterrupt, click.Abort):
            echo("Interrupted.", err=True)
            raise click.exceptions.Exit(INTERRUPTED) from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which people need them."""
        del ctx
        return list(self.commands)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: confluence-md init https://acme.atlassian.net/wiki/spaces/ENG/pages/123456",
)
@click.version_option(__version__, prog_name="confluence-md")
def cli() -> None:
    """Make pages in Confluence pages of a MkDocs site."""


for command in (init, add, login, logout, status, ci, check, pull, cache):
    cli.add_command(command)
