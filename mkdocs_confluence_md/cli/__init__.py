"""The command `confluence-md`, whose subcommands are loaded when one of them is run.

Data goes to stdout, messages to stderr. The exit code is 1 on any warning or error, 2 for arguments
that make no sense, and 130 if somebody has interrupted it, as shells have it.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

import click

from mkdocs_confluence_md import __version__
from mkdocs_confluence_md.errors import ConfluenceError

COMMANDS = {
    "init": ("init", "Put a page into a site, new or not."),
    "add": ("init", "Add a page to nav in mkdocs.yml."),
    "login": ("login", "Sign in to a site, once."),
    "logout": ("login", "Forget the tokens of a site."),
    "status": ("status", "Show who is signed in, and until when."),
    "ci": ("ci", "Make the secrets that CI needs."),
    "check": ("check", "Find what would make a build fail."),
    "pull": ("pull", "Write the site as files without Confluence."),
    "cache": ("cache", "Show or clear the cached pages."),
}
"""The module of each subcommand, and its line in the help; in the order of need."""

INTERRUPTED = 130
"""The exit code of what somebody has interrupted, as shells have it: 128 and SIGINT."""


class _Commands(click.Group):
    """Commands whose errors of ours become the one kind that click shows without a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order of the help."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, loaded if it is not yet."""
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            module = import_module(f"{__name__}.{COMMANDS[cmd_name][0]}")
            self.add_command(getattr(module, cmd_name))
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without loading any."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  click's signature
        """Run a command."""
        try:
            return super().invoke(ctx)
        except ConfluenceError as error:
            from mkdocs_confluence_md.auth.environment import find_misspelt  # noqa: PLC0415  slow
            from mkdocs_confluence_md.cli.terminal import echo  # noqa: PLC0415  the same
            from mkdocs_confluence_md.network.redaction import hide_used_secrets  # noqa: PLC0415  the same

            for text in find_misspelt(os.environ):
                echo(text, err=True)
            raise click.ClickException(hide_used_secrets(error.full_text())) from None
        except (KeyboardInterrupt, click.Abort):
            click.echo("Interrupted.", err=True)
            raise click.exceptions.Exit(INTERRUPTED) from None


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: confluence-md init https://acme.atlassian.net/wiki/spaces/ENG/pages/123456",
)
@click.version_option(__version__, prog_name="confluence-md")
def cli() -> None:
    """Make pages in Confluence pages of a MkDocs site."""
