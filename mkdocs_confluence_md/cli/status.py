"""`confluence-md status`: the sign-ins, and if the API accepts them."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from mkdocs_confluence_md.auth.environment import read_environment
from mkdocs_confluence_md.auth.sign_ins import (
    REFRESH_TOKEN_SECONDS,
    EnvironmentChain,
    login_keys,
    login_site,
    open_store,
    read_subject,
    site_argument,
)
from mkdocs_confluence_md.auth.token_refresh import make_auth, make_login_auth
from mkdocs_confluence_md.cli.login import app_options, find_address, site_option
from mkdocs_confluence_md.cli.terminal import echo, echo_json, tell_of_wait
from mkdocs_confluence_md.confluence.exporter import complete_address, probe
from mkdocs_confluence_md.errors import ConfluenceError, SettingError
from mkdocs_confluence_md.network.urls import ApiAddress, host_of, make_namespace

if TYPE_CHECKING:
    from mkdocs_confluence_md.auth.environment import Environment
    from mkdocs_confluence_md.auth.token_refresh import TokenAuth
    from mkdocs_confluence_md.auth.token_store import SignIn, SignInStore

_NAMESPACE = make_namespace("production")
"""Of custom scopes as they are granted; a person need not read that of the usual environment."""


@dataclass(frozen=True)
class Status:
    """One sign-in. Nothing in it is a secret."""

    source: str
    """`login`, `environment` (a refresh token) or `access token` (of the environment)."""
    site: str = ""
    """The site's origin."""
    account: str = ""
    """The Atlassian account ID; empty if no token tells it."""
    scopes: list[str] = field(default_factory=list)
    access_token_expires_at: float = 0.0
    """Seconds since the epoch; 0 if that is not known."""
    refresh_token_expires_at: float = 0.0
    """When it expires unless it is used, in seconds since the epoch; 0 if unknown."""
    kept_in: str = ""
    """The path of the token file, `keyring`, `the store at HOST:PORT`, or `environment`."""
    base_url: str = ""
    """Of the API."""
    problem: str = ""
    """What is wrong, and the remedy; empty if the API answers."""


@click.command(
    epilog="Example: confluence-md status --json",
)
@site_option("Only this site.")
@app_options
@click.option("--json", "json_wanted", is_flag=True, help="Print JSON.")
def status(*, site: str, environment: str | None, gateway: str | None, json_wanted: bool) -> None:
    """Tell who is signed in where, and whether the API answers.

    Credentials of the environment are for --site, or for the site of the mkdocs.yml in this
    directory. It makes one call for each sign-in, which also keeps it from expiring. The exit code
    is 1 without a sign-in, or if any sign-in does not work.
    """
    variables = read_environment(os.environ)
    address = ApiAddress(site, api_url=variables.api_url)
    if variables.access_token or variables.credentials:
        address = find_address(site, environment, gateway, variables)
    try:
        statuses = find_statuses(variables, open_store(variables), address)
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
        echo(f"You are not signed in{where}. Run: confluence-md login", err=True)
    if not are_fine(statuses):
        sys.exit(1)


def find_statuses(
    environment: Environment, store: SignInStore, address: ApiAddress
) -> list[Status]:
    """Look at each sign-in and make one call with it, which keeps its refresh token alive.

    Args:
        environment: What it has comes first.
        store: Where sign-ins are kept.
        address: Of the one site to look at; without one, of all logins.

    Raises:
        ConfluenceError: The store cannot be read, or the credentials of the environment
            are there and no site is given.
    """
    if environment.access_token or environment.credentials:
        if not address.site:
            raise SettingError(
                "The environment variables have credentials, but do not say for which site.",
                "Name it: confluence-md status --site acme.atlassian.net",
            )
        return [_look_at_environment(environment, store, address)]
    return [_look_at_login(environment, store, key) for key in login_keys(store, address.site)]


def as_data(statuses: list[Status]) -> dict[str, object]:
    """Return statuses for JSON; times as ISO 8601, in UTC, or null."""
    sign_ins = [
        {
            **asdict(each),
            "access_token_expires_at": _as_time(each.access_token_expires_at),
            "refresh_token_expires_at": _as_time(each.refresh_token_expires_at),
            "ok": not each.problem,
        }
        for each in statuses
    ]
    return {"ok": are_fine(statuses), "sign_ins": sign_ins}


def as_text(status: Status) -> str:
    """Write a status for a person."""
    rows = {
        "source": status.source,
        "account": status.account,
        "scopes": " ".join(each.removeprefix(f"{_NAMESPACE}:") for each in status.scopes),
        "access token": f"until {_as_time(status.access_token_expires_at) or 'an unknown time'}",
        "refresh token": _as_time(status.refresh_token_expires_at)
        and f"until {_as_time(status.refresh_token_expires_at)}, and longer with each use",
        "kept in": status.kept_in
        + (", which answers" if status.kept_in.startswith("the store ") else ""),
        "base URL": status.base_url,
        "API": status.problem or "answers",
    }
    lines = [f"  {name:<15}{value}" for name, value in rows.items() if value]
    return "\n".join([site_argument(status.site), *lines])


def _as_time(seconds: float) -> str | None:
    """Write a time as ISO 8601, in UTC; None if it is not known."""
    if not seconds:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def are_fine(statuses: list[Status]) -> bool:
    """Return True if there is a sign-in and all of them work."""
    return bool(statuses) and not any(each.problem for each in statuses)


def _look_at_environment(
    environment: Environment, store: SignInStore, address: ApiAddress
) -> Status:
    auth = make_auth(environment, site=address.site)
    base_url, problem = _call_api(address, auth)
    status = Status("access token", address.site, base_url=base_url, problem=problem,
                    kept_in="environment")  # fmt: skip
    if environment.credentials is None or environment.access_token:
        return replace(status, account=read_subject(environment.access_token))
    chain = EnvironmentChain(environment.credentials, store, environment.auth_url)
    kept_in = chain.describe_place()
    return replace(_describe(chain.load(), status), source="environment", kept_in=kept_in)


def _look_at_login(environment: Environment, store: SignInStore, key: str) -> Status:
    status = Status("login", login_site(key))
    try:
        status = replace(status, kept_in=store.describe_place(key))
        sign_in = store.load(key)
        if sign_in is None:
            return replace(status, problem="This sign-in has just been removed.")
        address = ApiAddress(
            site=sign_in.site,
            cloud_id=sign_in.cloud_id,
            environment=sign_in.environment,
            gateway=sign_in.gateway,
            api_url=environment.api_url,
        )
        auth = make_login_auth(store, environment, site=sign_in.site)
        base_url, problem = _call_api(address, auth)
        current = store.load(key) or sign_in
        return _describe(current, replace(status, base_url=base_url, problem=problem))
    except ConfluenceError as error:
        return replace(status, problem=error.full_text())


def _call_api(address: ApiAddress, auth: TokenAuth) -> tuple[str, str]:
    """Make a call that exports nothing; return the base URL and what is wrong, if anything."""
    base_url = ""
    try:
        with tell_of_wait(host_of(address.find_site()) or "Confluence"):
            address = complete_address(address, auth)
            base_url = address.make_base_url()
            probe(address, auth)
    except ConfluenceError as error:
        return base_url, error.full_text()
    return base_url, ""


def _describe(sign_in: SignIn, status: Status) -> Status:
    unused_until = sign_in.refreshed_at + REFRESH_TOKEN_SECONDS
    is_kept_alive = bool(sign_in.refresh_token and sign_in.refreshed_at)
    return replace(
        status,
        account=read_subject(sign_in.access_token),
        scopes=sign_in.scope.split(),
        access_token_expires_at=sign_in.expires_at,
        refresh_token_expires_at=unused_until if is_kept_alive else 0.0,
    )
