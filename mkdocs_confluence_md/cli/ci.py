"""`confluence-md ci`: sign in once for CI alone, and hand over what its jobs need."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from mkdocs_confluence_md.auth.environment import ENV_PREFIX, read_environment
from mkdocs_confluence_md.auth.sign_ins import open_store, site_argument
from mkdocs_confluence_md.auth.token_refresh import make_auth
from mkdocs_confluence_md.cli.consent import check_refresh_token, exchange_code, read_code
from mkdocs_confluence_md.cli.login import (
    Asking,
    ask_for_consent,
    begin,
    consent_options,
    find_address,
    site_option,
    warn_of_scopes,
)
from mkdocs_confluence_md.cli.terminal import echo
from mkdocs_confluence_md.confluence.exporter import probe
from mkdocs_confluence_md.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mkdocs_confluence_md.auth.environment import Environment
    from mkdocs_confluence_md.auth.token_store import SignIn
    from mkdocs_confluence_md.cli.consent import Login


@dataclass(frozen=True)
class SecretStore:
    """The command of a forge that takes a secret on standard input."""

    name: str
    """Of the forge."""
    program: str
    page: str
    """Where the program comes from."""
    commands: tuple[tuple[str, ...], ...]
    """Tried one after the other, with the name of the secret at the end."""

    def check(self) -> None:
        """Look whether secrets can be set, before a person consents.

        Raises:
            SettingError: The program is not installed, or it is not signed in.
        """
        if self._run(["auth", "status"], "").returncode:
            raise SettingError(
                f"{self.program} is not signed in to {self.name}.",
                f"Run: {self.program} auth login",
            )

    def _run(
        self, arguments: Sequence[str], standard_input: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the program; no argument is a secret."""
        try:
            return subprocess.run(  # noqa: S603  a forge's own command
                [self.find_program(), *arguments],
                input=standard_input, capture_output=True, text=True, check=False,
            )  # fmt: skip
        except OSError as error:
            raise SettingError(
                f"{self.program} cannot be run: {error.strerror}.",
                f"Install it anew ({self.page}).",
            ) from None

    def find_program(self) -> str:
        """Return the path of the program.

        Raises:
            SettingError: It is not installed.
        """
        if path := shutil.which(self.program):
            return path
        raise SettingError(
            f"The command {self.program}, which sets secrets on {self.name}, is not installed.",
            f"Install it ({self.page}), or run `confluence-md ci` and copy what it prints.",
        )

    def save(self, name: str, value: str) -> None:
        """Set a secret of the repository in this directory.

        Raises:
            SettingError: The program refuses to.
        """
        said = ""
        for command in self.commands:
            finished = self._run([*command, name], value)
            if finished.returncode == 0:
                return
            said = (finished.stderr or finished.stdout).strip().partition("\n")[0]
        raise SettingError(
            f"{self.program} could not set {name} on {self.name}: {said or 'it gave no reason'}.",
            f"Run `{self.program} auth login`, and then this again, in the repository's directory.",
        )


GITHUB = SecretStore("GitHub", "gh", "https://cli.github.com", (("secret", "set"),))
GITLAB = SecretStore(
    "GitLab",
    "glab",
    "https://gitlab.com/gitlab-org/cli",
    (
        ("variable", "set", "--masked", "--protected"),
        # A variable that is there already is only updated.
        ("variable", "update", "--masked", "--protected"),
    ),
)


@click.command(epilog="Example: confluence-md ci --github")
@site_option("The site: acme, acme.atlassian.net, or a URL. Without it, that of mkdocs.yml.")
@consent_options
@click.option("--github", is_flag=True, help="Set the secrets with gh, and print nothing.")
@click.option("--gitlab", is_flag=True, help="Set the variables with glab, and print nothing.")
def ci(
    *,
    site: str,
    environment: str | None,
    gateway: str | None,
    github: bool,
    gitlab: bool,
    **asking: Any,  # noqa: ANN401  the fields of `Asking`
) -> None:
    """Sign in once for CI, and print the three secrets that its jobs need.

    Consent as an account that sees only what the site may show. Your own sign-in stays as it is,
    and nothing is kept on this machine: what is printed, as NAME=VALUE on stdout, is shown only
    once.
    """
    if github and gitlab:
        raise click.UsageError("Use --github or --gitlab, not both.")
    secret_store = GITHUB if github else GITLAB if gitlab else None
    if secret_store:
        secret_store.check()
    variables = read_environment(os.environ)
    address = find_address(site, environment, gateway, variables)
    seed = ask_for_seed(begin(address, asked := Asking(**asking), variables, open_store(variables)),
                        asked, variables)  # fmt: skip
    secrets = {
        f"{ENV_PREFIX}CLIENT_ID": seed.client_id,
        f"{ENV_PREFIX}CLIENT_SECRET": seed.client_secret,
        f"{ENV_PREFIX}REFRESH_TOKEN": seed.refresh_token,
    }
    for name, value in secrets.items():
        if secret_store:
            secret_store.save(name, value)
            echo(f"Set {name} on {secret_store.name}.", err=True)
        else:
            # This is what the command is for, so nothing is hidden.
            click.echo(f"{name}={value}")
    if not secret_store:
        echo("Make each a secret of your repository. They are shown only here, and once.", err=True)


def ask_for_seed(started: Login, asking: Asking, variables: Environment) -> SignIn:
    """Have a person consent, and return the tokens, which are kept nowhere.

    Raises:
        ConfluenceError: It failed; with the remedy.
    """
    found: list[SignIn] = []

    def finish(query: dict[str, str]) -> None:
        granted = exchange_code(started, read_code(query))
        check_refresh_token(granted)
        found.append(granted)
        where = site_argument(started.address.site)
        echo(f"Signed in to {where} for CI. Nothing is kept on this machine.", err=True)
        warn_of_scopes(granted, started.address)

    def try_api() -> None:
        once = replace(variables, access_token=found[0].access_token)
        probe(started.address, make_auth(once, site=started.address.site))
        echo("The API answers.", err=True)

    ask_for_consent(started, asking, finish=finish, try_api=try_api, err=True)
    return found[0]
