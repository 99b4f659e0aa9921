"""The command `confluence-md` with all subcommands, and those that are about signing in.

Data goes to stdout, messages to stderr. The exit code is 1 on any warning or error.
"""

from __future__ import annotations

import os
import sys
import webbrowser
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from mkdocs_confluence_md.auth.environment import read_environment
from mkdocs_confluence_md.auth.oauth import Client
from mkdocs_confluence_md.auth.sign_ins import (
    environment_keys,
    login_key,
    login_keys,
    login_site,
    open_store,
    site_argument,
)
from mkdocs_confluence_md.auth.token_refresh import make_login_auth
from mkdocs_confluence_md.auth.trust import is_token
from mkdocs_confluence_md.cli import cli
from mkdocs_confluence_md.cli.cache import cache
from mkdocs_confluence_md.cli.check import check
from mkdocs_confluence_md.cli.login import (
    CallbackListener,
    begin_login,
    describe_settings,
    find_scope_problems,
    finish_login,
    make_redirect_uri,
    read_code,
)
from mkdocs_confluence_md.cli.pull import pull
from mkdocs_confluence_md.cli.status import are_fine, as_data, as_text, find_statuses
from mkdocs_confluence_md.cli.terminal import echo, echo_json
from mkdocs_confluence_md.confluence.exporter import probe
from mkdocs_confluence_md.errors import ConfluenceError, CredentialsError, SettingError
from mkdocs_confluence_md.network.urls import ENVIRONMENT_IDS, ApiAddress, read_site

if TYPE_CHECKING:
    from collections.abc import Callable

    from mkdocs_confluence_md.auth.environment import Environment
    from mkdocs_confluence_md.auth.token_store import TokenStore
    from mkdocs_confluence_md.cli.login import Callback, Login


__all__ = ["cli"]


def _read_site(_: click.Context, __: click.Parameter, value: str) -> str:
    try:
        return read_site(value) if value else ""
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


_APP_OPTIONS: list[Callable[[Any], Any]] = [
    click.option(
        "--environment",
        type=click.Choice(list(ENVIRONMENT_IDS)),
        default="production",
        help="The environment of the app, as the plugin's option of this name.",
    ),
    click.option(
        "--gateway",
        type=click.Choice(["api", "site"]),
        default="api",
        help="The format of the API's address, as the plugin's option of this name.",
    ),
]


def app_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say where the API is, besides the site."""
    for option in _APP_OPTIONS:
        command = option(command)
    return command


cli.add_command(cache)
cli.add_command(check)
cli.add_command(pull)


@cli.command(epilog="Example: confluence-md login --site acme.atlassian.net")
@click.option(
    "--site",
    callback=_read_site,
    default="",
    help="The site: acme.atlassian.net, or a URL. Asked for, if it is left out.",
)
@click.option(
    "--client-id",
    default="",
    help="Of your OAuth 2.0 integration; or CONFLUENCE_MD_CLIENT_ID. Asked for, if left out.",
)
@app_options
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8765,
    show_default=True,
    help="The port of the registered callback, http://localhost:PORT/callback.",
)
@click.option(
    "--browser/--no-browser",
    default=True,
    help="Open the browser, or print the address to open as the only line on stdout.",
)
@click.option(
    "--paste",
    is_flag=True,
    help="Listen on no port: paste the address that the browser ends up on.",
)
@click.option(
    "--timeout",
    type=click.IntRange(1),
    default=300,
    show_default=True,
    help="How many seconds to wait for the browser.",
)
def login(  # noqa: PLR0913  each is an option
    *,
    site: str,
    client_id: str,
    environment: str,
    gateway: str,
    port: int,
    browser: bool,
    paste: bool,
    timeout: int,
) -> None:
    """Sign in to a site: consent in the browser, once, and stay signed in.

    The client secret is asked for. It is taken from CONFLUENCE_MD_CLIENT_SECRET where that is
    set, and read from standard input where that is not a terminal.
    """
    site = site or _ask_site()
    variables, address, store = _open(site, environment, gateway)
    client_id = client_id or variables.client_id or _ask("Client ID", "--client-id")
    secret = variables.client_secret or _ask_secret()
    started = begin_login(
        address,
        Client(client_id, secret, variables.auth_url),
        make_redirect_uri(port),
        environment=variables,
        store=store,
    )
    _warn_of_other_credentials(variables)
    if paste:
        _show_authorize_url(started.authorize_url(), browser=False)
        _paste(started, store, variables)
        return
    with CallbackListener(port, started.state, report=_report_refusal) as listener:
        _show_authorize_url(started.authorize_url(), browser=browser)
        _wait(started, store, variables, listener.wait(timeout))


@cli.command(epilog="Example: confluence-md status --json")
@click.option("--site", callback=_read_site, default="", help="Only this site.")
@app_options
@click.option("--json", "json_wanted", is_flag=True, help="Print JSON.")
def status(*, site: str, environment: str, gateway: str, json_wanted: bool) -> None:
    """Tell who is signed in where, and whether the API answers.

    Credentials of the environment need --site (and --environment, --gateway). It makes one call
    for each sign-in, which also keeps it from expiring. The exit code is 1 without a sign-in,
    or if any sign-in does not work.
    """
    variables, address, store = _open(site, environment, gateway)
    try:
        statuses = find_statuses(variables, store, address)
    except ConfluenceError as error:
        if json_wanted:
            echo_json({"ok": False, "problem": str(error), "sign_ins": []})
        raise
    if json_wanted:
        echo_json(as_data(statuses))
    elif statuses:
        echo("\n\n".join(map(as_text, statuses)))
    if not statuses:
        where = f" to {site_argument(site)}" if site else ""
        echo(f"Nobody is signed in{where}. Run: confluence-md login", err=True)
    if not are_fine(statuses):
        sys.exit(1)


@cli.command(epilog="Example: confluence-md logout --site acme.atlassian.net")
@click.option(
    "--site", callback=_read_site, default="", help="The site; needed if there are several."
)
@click.option("--all", "everywhere", is_flag=True, help="Sign out of all sites, and of CI's.")
def logout(*, site: str, everywhere: bool) -> None:
    """Forget the tokens of a site."""
    store = open_store(read_environment(os.environ))
    keys = login_keys(store, site)
    chains = environment_keys(store) if everywhere else []
    if not keys and not chains:
        raise CredentialsError("Nobody is signed in there.", "See: confluence-md status")
    if len(keys) > 1 and not everywhere:
        sites = ", ".join(site_argument(login_site(key)) for key in keys)
        raise CredentialsError(
            f"You are signed in to several sites: {sites}.",
            "Name one with --site, or use --all.",
        )
    with store.locked():
        for key in keys:
            store.remove(key)
            echo(f"Signed out of {site_argument(login_site(key))}.", err=True)
        for key in chains:
            store.remove(key)
            echo("Forgot a chain that began with the environment.", err=True)
    echo(
        "To withdraw your consent too, open "
        "https://id.atlassian.com/manage-profile/apps in the browser.",
        err=True,
    )


def _open(site: str, environment: str, gateway: str) -> tuple[Environment, ApiAddress, TokenStore]:
    """Open what each command needs: the variables, the API's address and the token file."""
    variables = read_environment(os.environ)
    address = ApiAddress(site, environment=environment, gateway=gateway, api_url=variables.api_url)
    return variables, address, open_store(variables)


def _report_refusal(reason: str) -> None:
    echo(f"A request was refused: {reason} Still waiting.", err=True)


def _wait(started: Login, store: TokenStore, variables: Environment, callback: Callback) -> None:
    """Finish the sign-in, and tell both the browser and the terminal how it went."""
    try:
        _finish(started, callback.query, store)
    except ConfluenceError as error:
        callback.answer("You are not signed in", str(error))
        raise
    try:
        _try_api(started, store, variables)
    except ConfluenceError as error:
        callback.answer("You are signed in, but the API does not answer", str(error))
        raise
    callback.answer("You are signed in", "You can close this tab. All else is in your terminal.")


def _paste(started: Login, store: TokenStore, variables: Environment) -> None:
    echo(
        "\nThe browser then shows that it cannot reach a page at localhost. That is as it should "
        "be:\ncopy the whole address of that page.",
        err=True,
    )
    query = _ask_callback(started)
    _finish(started, query, store)
    _try_api(started, store, variables)


def _ask_callback(started: Login) -> dict[str, str]:
    # Line editing, because a terminal without it cuts a line after a few thousand characters.
    with suppress(ImportError):
        import readline  # noqa: F401, PLC0415  importing it is what does it
    while True:
        pasted = click.prompt("Paste it here", err=True)
        try:
            return started.read_pasted(pasted)
        except CredentialsError as error:
            if not sys.stdin.isatty():
                raise
            echo(str(error), err=True)


def _finish(started: Login, query: dict[str, str], store: TokenStore) -> None:
    sign_in = finish_login(started, read_code(query), store=store)
    site = started.address.site
    where = "the system's keyring" if store.is_in_keyring(login_key(site)) else store.path
    echo(f"Signed in to {site_argument(site)}. The tokens are in {where}.", err=True)
    for problem in find_scope_problems(sign_in.scope, started.address.environment):
        echo(f"Warning: {problem}", err=True)
    echo(f"\nFor mkdocs.yml:\n\n{describe_settings(started.address)}\n", err=True)


def _try_api(started: Login, store: TokenStore, variables: Environment) -> None:
    probe(started.address, make_login_auth(store, variables, site=started.address.site))
    echo("The API answers.", err=True)


def _show_authorize_url(url: str, *, browser: bool) -> None:
    if browser and webbrowser.open(url):
        echo(f"Accept in the browser. If none has opened, open:\n\n{url}\n", err=True)
        return
    echo("Open this address in a browser, and accept:\n", err=True)
    echo(url)


def _ask_site() -> str:
    answer = _ask("Confluence site, like acme.atlassian.net", "--site")
    try:
        return read_site(answer)
    except ValueError as error:
        raise SettingError("There is no site.", str(error)) from None


def _ask(question: str, option: str) -> str:
    """Ask at a terminal; standard input that is none is for the client secret."""
    if not sys.stdin.isatty():
        raise SettingError(f"{option} is missing.", "Without a terminal, nothing can be asked for.")
    return str(click.prompt(question, err=True)).strip()


def _ask_secret() -> str:
    """Ask for the client secret, without showing it; no argument has it, and no history."""
    if sys.stdin.isatty():
        secret = str(click.prompt("Client secret", hide_input=True, err=True)).strip()
    else:
        secret = sys.stdin.readline().strip()
    if is_token(secret):
        return secret
    raise CredentialsError(
        "There is no client secret.",
        "Set CONFLUENCE_MD_CLIENT_SECRET, or write it to standard input, in one line.",
    )


def _warn_of_other_credentials(variables: Environment) -> None:
    names = []
    if variables.access_token:
        names.append("CONFLUENCE_MD_ACCESS_TOKEN")
    if variables.credentials:
        names.append("CONFLUENCE_MD_REFRESH_TOKEN")
    for name in names:
        echo(f"{name} is set here, and builds use it rather than this sign-in.", err=True)
