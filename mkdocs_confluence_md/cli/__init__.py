"""The command `confluence-md`, whose subcommands are loaded when one of them is run."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from mkdocs_confluence_md import __version__
from mkdocs_confluence_md.errors import ConfluenceError
from mkdocs_confluence_md.network.redaction import hide_used_secrets

COMMANDS = {
    "cache": ("cache", "Show or clear the pages that a project has in its cache."),
    "check": ("check", "Tell what a build would stumble over, without building."),
    "login": ("main", "Sign in to a site: consent in the browser, once, and stay signed in."),
    "logout": ("main", "Forget the tokens of a site."),
    "pull": (
        "pull",
        "Write the site to DIR as files, with nothing of Confluence left in its mkdocs.yml.",
    ),
    "status": ("main", "Tell who is signed in where, and whether the API answers."),
}
"""The module of each subcommand, and the first sentence of its help."""


class _Commands(click.Group):
    """Commands whose errors of ours become the one kind that click shows without a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order of the help."""
        return sorted({*COMMANDS, *super().list_commands(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, loaded if it is not yet."""
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            module = import_module(f"{__name__}.{COMMANDS[cmd_name][0]}")
            self.add_command(getattr(module, cmd_name))
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without loading any."""
        stubs = [click.Command(name, help=text) for name, (_, text) in COMMANDS.items()]
        click.Group(commands=stubs).format_commands(ctx, formatter)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  click's signature
        """Run a command."""
        try:
            return super().invoke(ctx)
        except ConfluenceError as error:
            raise click.ClickException(hide_used_secrets(error.full_text())) from None


@click.group(cls=_Commands, epilog="Example: confluence-md login --site acme.atlassian.net")
@click.version_option(__version__, prog_name="confluence-md")
def cli() -> None:
    """Sign in to Confluence for the MkDocs plugin confluence-md, and look after a project."""
