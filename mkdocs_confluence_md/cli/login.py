"""`confluence-md login` and `logout`: sign in to a site, once, and stay signed in."""

from __future__ import annotations

import os
import sys
import webbrowser
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
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
from mkdocs_confluence_md.cli.consent import (
    CallbackListener,
    begin_login,
    describe_settings,
    find_scope_problems,
    finish_login,
    make_redirect_uri,
    read_code,
)
from mkdocs_confluence_md.cli.terminal import echo, find_config_file
from mkdocs_confluence_md.config import make_address, validate
from mkdocs_confluence_md.confluence.exporter import complete_address, probe
from mkdocs_confluence_md.confluence.refs import PageRef
from mkdocs_confluence_md.errors import (
    ConfluenceError,
    CredentialsError,
    SealError,
    SettingError,
)
from mkdocs_confluence_md.network.urls import ENVIRONMENT_IDS, ApiAddress, read_site
from mkdocs_confluence_md.project import Declared, find_entries, read_nav, read_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from mkdocs_confluence_md.auth.environment import Environment
    from mkdocs_confluence_md.auth.token_store import SignIn, SignInStore
    from mkdocs_confluence_md.cli.consent import Callback, Login

CONSOLE = "https://developer.atlassian.com/console/myapps/"

_SHOWN_DIGITS = 6


@dataclass(frozen=True)
class Asking:
    """How a person is asked to consent; the options of a command."""

    client_id: str = ""
    port: int = 8765
    browser: bool = True
    paste: bool = False
    timeout: int = 300


def _read_site(_: click.Context, __: click.Parameter, value: str) -> str:
    try:
        return read_site(value) if value else ""
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def site_option(text: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the option that names a site, with its help."""
    return click.option("--site", callback=_read_site, default="", help=text)


_APP_OPTIONS: list[Callable[[Any], Any]] = [
    click.option(
        "--environment",
        type=click.Choice(list(ENVIRONMENT_IDS)),
        help="The environment of the app, as the plugin's option of this name.",
    ),
    click.option(
        "--gateway",
        type=click.Choice(["api", "site"]),
        help="The format of the API's address, as the plugin's option of this name.",
    ),
]
_CONSENT_OPTIONS: list[Callable[[Any], Any]] = [
    click.option(
        "--client-id",
        default="",
        help="Of your OAuth 2.0 integration; or CONFLUENCE_MD_CLIENT_ID. Asked for, if left out.",
    ),
    *_APP_OPTIONS,
    click.option(
        "--port",
        type=click.IntRange(1, 65535),
        default=Asking.port,
        show_default=True,
        help="The port of the registered callback, http://localhost:PORT/callback.",
    ),
    click.option(
        "--browser/--no-browser",
        default=True,
        help="Open the browser, or print the address to open as the only line on stdout.",
    ),
    click.option(
        "--paste",
        is_flag=True,
        help="Listen on no port: paste the address that the browser ends up on.",
    ),
    click.option(
        "--timeout",
        type=click.IntRange(1),
        default=Asking.timeout,
        show_default=True,
        help="How many seconds to wait for the browser.",
    ),
]


def app_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say where the API is, besides the site."""
    return _add(_APP_OPTIONS, command)


def consent_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of whatever a person consents to in the browser."""
    return _add(_CONSENT_OPTIONS, command)


def _add(options: list[Callable[[Any], Any]], command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(options):
        command = option(command)
    return command


@click.command(epilog="Example: confluence-md login --site acme")
@site_option(
    "The site: acme, acme.atlassian.net, or a URL. Without it, that of the mkdocs.yml in this "
    "directory; asked for, if there is none."
)
@consent_options
def login(*, site: str, environment: str | None, gateway: str | None, **asking: Any) -> None:  # noqa: ANN401  the fields of `Asking`
    """Sign in to a site: consent in the browser, once, and stay signed in.

    Client ID and secret are those of your OAuth 2.0 integration. They are asked for, unless an
    earlier sign-in has them. The secret is taken from CONFLUENCE_MD_CLIENT_SECRET where that is
    set, and read from standard input where that is not a terminal.
    """
    variables = read_environment(os.environ)
    address = find_address(site, environment, gateway, variables)
    sign_in(address, Asking(**asking), variables)


@click.command(epilog="Example: confluence-md logout --site acme")
@site_option("The site; needed if there are several.")
@click.option("--all", "everywhere", is_flag=True, help="Sign out of all sites, and of CI's.")
def logout(*, site: str, everywhere: bool) -> None:
    """Forget the tokens of a site."""
    store = open_store(read_environment(os.environ))
    keys = login_keys(store, site)
    chains = environment_keys(store) if everywhere else []
    if not keys and not chains:
        where = site_argument(site) if site else "any site"
        raise CredentialsError(f"You are not signed in to {where}.", "See: confluence-md status")
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
            echo("Removed the tokens that began with CONFLUENCE_MD_REFRESH_TOKEN.", err=True)
    echo(
        "To withdraw your consent too, open "
        "https://id.atlassian.com/manage-profile/apps in the browser.",
        err=True,
    )


def sign_in(
    address: ApiAddress, asking: Asking, variables: Environment, *, show_settings: bool = True
) -> None:
    """Sign in to a site, and keep the tokens.

    Args:
        address: Of the API; its site is asked for if it has none.
        asking: How the person is asked.
        variables: The environment.
        show_settings: Say what to write into `mkdocs.yml`.

    Raises:
        ConfluenceError: It failed; with the remedy.
    """
    store = open_store(variables)
    started = begin(address, asking, variables, store)
    _warn_of_other_credentials(variables)
    ask_for_consent(
        started,
        asking,
        finish=lambda query: _finish(started, query, store, show_settings=show_settings),
        try_api=lambda: _try_api(started, store, variables),
    )


def begin(address: ApiAddress, asking: Asking, variables: Environment, store: SignInStore) -> Login:
    """Begin a sign-in: ask for what is not known yet; arguments as `sign_in`."""
    if not address.site:
        address = replace(address, site=_ask_site())
    # A site that is mistyped is found before anybody looks for client ID and secret.
    address = complete_address(address, make_login_auth(store, variables, site=address.site))
    return begin_login(
        address,
        choose_client(asking.client_id, variables, store, address.site),
        make_redirect_uri(asking.port),
        environment=variables,
        store=store,
    )


def ask_for_consent(
    started: Login,
    asking: Asking,
    *,
    finish: Callable[[dict[str, str]], None],
    try_api: Callable[[], None],
    err: bool = False,
) -> None:
    """Have a person consent in the browser, which shows how the sign-in went.

    Args:
        started: The sign-in.
        asking: How the person is asked.
        finish: Gets the fields of the callback.
        try_api: Makes a call with the new tokens.
        err: Print the address to open on stderr, because stdout is for something else.

    Raises:
        ConfluenceError: What the last two raise; or there was no answer in time.
    """
    if asking.paste:
        _show_authorize_url(started.authorize_url(), browser=False, err=err)
        echo(
            "\nThe browser then shows that it cannot reach a page at localhost. That is as it "
            "should be:\ncopy the whole address of that page.",
            err=True,
        )
        finish(_ask_callback(started))
        try_api()
        return
    with CallbackListener(asking.port, started.state, report=_report_refusal) as listener:
        _show_authorize_url(started.authorize_url(), browser=asking.browser, err=err)
        _answer(listener.wait(asking.timeout), finish, try_api)


def _answer(
    callback: Callback, finish: Callable[[dict[str, str]], None], try_api: Callable[[], None]
) -> None:
    """Finish the sign-in, and tell both the browser and the terminal how it went."""
    try:
        finish(callback.query)
    except ConfluenceError as error:
        callback.answer("You are not signed in", str(error))
        raise
    try:
        try_api()
    except ConfluenceError as error:
        callback.answer("You are signed in, but the API does not answer", str(error))
        raise
    callback.answer("You are signed in", "You can close this tab. All else is in your terminal.")


def find_address(
    site: str, environment: str | None, gateway: str | None, variables: Environment
) -> ApiAddress:
    """Return where the API is: the `mkdocs.yml` in this directory says what arguments leave open.

    Args:
        site: The origin of the site; empty if it is not given.
        environment: As the plugin's option; None if it is not given.
        gateway: The same.
        variables: The environment.
    """
    written = read_written_address(Path(find_config_file()))
    if site and site != written.site:
        written = ApiAddress(site)
    elif written.site and not site:
        echo(f"Site: {site_argument(written.site)}, as in {find_config_file()}.", err=True)
    return ApiAddress(
        written.site,
        cloud_id=written.cloud_id,
        environment=environment or written.environment,
        gateway=gateway or written.gateway,
        api_url=variables.api_url,
    )


def read_written_address(config_file: Path) -> ApiAddress:
    """Return what a configuration says of the API, in its options or by an address in `nav`."""
    address = ApiAddress()
    with suppress(SettingError):
        options, _, _ = validate(read_options(config_file))
        address = make_address(options)
        address = replace(address, site=address.find_site(), base_url="")
    if not address.site:
        with suppress(Exception):  # `check` says what is wrong with it
            _, nav = read_nav(config_file)
            for entry in find_entries(nav) if nav else ():
                reference = entry.reference if isinstance(entry, Declared) else None
                if isinstance(reference, PageRef) and reference.host:
                    return replace(address, site=f"https://{reference.host}")
    return address


def choose_client(client_id: str, variables: Environment, store: SignInStore, site: str) -> Client:
    """Return the OAuth 2.0 integration: as given, as an earlier sign-in has it, or as answered.

    Raises:
        ConfluenceError: It is not given, and nothing can be asked for.
    """
    client_id = client_id or variables.client_id
    if client_id and variables.client_secret:
        return Client(client_id, variables.client_secret, variables.auth_url)
    stored = _find_stored_client(store, site, client_id)
    if stored and not variables.client_secret and (client_id or _wants(stored)):
        return Client(stored.client_id, stored.client_secret, variables.auth_url)
    if sys.stdin.isatty():
        echo(
            f"Client ID and secret are in the settings of your OAuth 2.0 integration:\n{CONSOLE}",
            err=True,
        )
    client_id = client_id or _ask("Client ID", "--client-id")
    return Client(client_id, variables.client_secret or _ask_secret(), variables.auth_url)


def _find_stored_client(store: SignInStore, site: str, client_id: str) -> SignIn | None:
    """Return a sign-in with a client that can be used again, one to the same site first."""
    keys = sorted(login_keys(store), key=lambda key: key != login_key(site))
    for key in keys:
        found = None
        with suppress(SealError):  # of another secret, as after it was replaced
            found = store.load(key)
        # Without a terminal, a client may be piped that is another one than that of another site.
        may_be_meant = sys.stdin.isatty() or key == login_key(site)
        if found and found.client_secret and client_id in ("", found.client_id) and may_be_meant:
            return found
    return None


def _wants(stored: SignIn) -> bool:
    """Ask whether a client is to be used again; without a terminal, it is."""
    if not sys.stdin.isatty():
        return True
    shown = f"{stored.client_id[:_SHOWN_DIGITS]}…"
    where = site_argument(stored.site)
    question = f"Use the integration that signed in to {where} (client ID {shown})?"
    return click.confirm(question, default=True, err=True)


def _report_refusal(reason: str) -> None:
    echo(f"A request was refused: {reason} Still waiting.", err=True)


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


def _finish(
    started: Login, query: dict[str, str], store: SignInStore, *, show_settings: bool
) -> None:
    granted = finish_login(started, read_code(query), store=store)
    site = started.address.site
    place = store.describe_place(login_key(site))
    where = "the system's keyring" if place == "keyring" else place
    echo(f"Signed in to {site_argument(site)}. The tokens are in {where}.", err=True)
    warn_of_scopes(granted, started.address)
    written = read_written_address(Path(find_config_file()))
    fields = ("site", "environment", "gateway")
    if show_settings and any(
        getattr(written, name) != getattr(started.address, name) for name in fields
    ):
        echo(f"\nFor mkdocs.yml:\n\n{describe_settings(started.address)}\n", err=True)


def warn_of_scopes(granted: SignIn, address: ApiAddress) -> None:
    """Say which scopes a sign-in may lack."""
    for problem in find_scope_problems(granted.scope, address.environment):
        echo(f"Warning: {problem}", err=True)


def _try_api(started: Login, store: SignInStore, variables: Environment) -> None:
    probe(started.address, make_login_auth(store, variables, site=started.address.site))
    echo("The API answers.", err=True)


def _show_authorize_url(url: str, *, browser: bool, err: bool) -> None:
    """Open an address in the browser, or have the person open it.

    Args:
        url: The address.
        browser: Open it.
        err: Print it on stderr, because stdout is for something else.
    """
    if browser and webbrowser.open(url):
        echo(f"Accept in the browser. If none has opened, open:\n\n{url}\n", err=True)
        return
    echo("Open this address in a browser, and accept:\n", err=True)
    echo(url, err=err)


def _ask_site() -> str:
    answer = _ask("Confluence site, like acme.atlassian.net", "--site")
    try:
        return read_site(answer)
    except ValueError as error:
        raise SettingError("The site is missing or wrong.", str(error)) from None


def _ask(question: str, option: str) -> str:
    """Ask at a terminal; standard input that is none is for the client secret."""
    if not sys.stdin.isatty():
        raise SettingError(
            f"{option} is missing.",
            "Add it to the command: without a terminal, it cannot be asked for.",
        )
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
        "The client secret is missing, or has characters that no secret has.",
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
