"""Read and validate the environment variables: a mapping in, typed values out.

No value of a secret is ever part of a message: messages name the variable.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from mkdocs_confluence_md.auth.trust import TrustRule, is_token
from mkdocs_confluence_md.errors import SettingError
from mkdocs_confluence_md.network.urls import ATLASSIAN_API, origin_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_LIKENESS = 0.9
"""Of two names, from 0 to 1, above which one is taken for a slip of the other."""

ENV_PREFIX = "CONFLUENCE_MD_"
ATLASSIAN_AUTH = "https://auth.atlassian.com"

VARIABLES = {
    "ACCESS_TOKEN": "A bearer token, used as it is, never refreshed. It wins over the next three.",
    "CLIENT_ID": "The client ID of the OAuth 2.0 integration; also for `confluence-md login`.",
    "CLIENT_SECRET": "Its secret; also for `confluence-md login`.",
    "REFRESH_TOKEN": "The refresh token that begins the chain of a CI job.",
    "TOKEN_FILE": "Where tokens are kept. Without it, in the user's config directory.",
    "STORE": "A Redis or Valkey server that machines share: `rediss://user:password@host:6379`.",
    "EMAIL": "The e-mail address of an account, for Confluence's own REST API.",
    "API_TOKEN": "An API token of that account; without an e-mail address, of a service account.",
    "OFFLINE": "`1` does what the option `offline` does.",
    "TRUSTED_HOSTS": "Hosts, besides Atlassian's, that may receive a token, separated by commas.",
    "API_URL": f"Replaces `{ATLASSIAN_API}`, for a proxy or for tests. The host is trusted.",
    "AUTH_URL": f"Replaces `{ATLASSIAN_AUTH}`, likewise.",
}
"""What each variable is for, by its name without the prefix: the documentation has it from here."""

_STORE = f"{ENV_PREFIX}STORE"

SECRET_VARIABLES = tuple(
    ENV_PREFIX + name
    for name in ("ACCESS_TOKEN", "CLIENT_SECRET", "REFRESH_TOKEN", "API_TOKEN", "STORE")
)
"""The variables whose values only the services that they are for may see."""

_STORE_PARAMETERS = frozenset({"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"})
"""What the URL of the server may say after `?`; redis-py would take many more, and fail late."""


@dataclass(frozen=True)
class ClientCredentials:
    """An OAuth 2.0 client, and the refresh token that starts its chain."""

    client_id: str
    client_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)


@dataclass(frozen=True)
class RestCredentials:
    """An account of Confluence, for its own REST API."""

    email: str = field(repr=False)
    """Empty for a service account, whose token is a Bearer token."""
    api_token: str = field(repr=False)


@dataclass(frozen=True)
class Environment:
    """What the environment says."""

    access_token: str = field(default="", repr=False)
    """A bearer token used as it is; empty if there is none."""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    """With `client_id`, what `confluence-md login` would otherwise ask for."""
    credentials: ClientCredentials | None = None
    """Only where there is a refresh token, and no access token, which wins."""
    rest_credentials: RestCredentials | None = None
    token_file: Path | None = None
    """None means the user's config directory."""
    store_url: str = field(default="", repr=False)
    """Of the server that machines share; empty for files on this machine."""
    is_ci: bool = False
    """Whether this is a job of GitHub, GitLab or another CI that says so: it has no keyring, and
    its token file is carried to other machines."""
    offline: bool = False
    api_url: str = ATLASSIAN_API
    auth_url: str = ATLASSIAN_AUTH
    trust: TrustRule = field(default_factory=TrustRule)
    """Which hosts may receive a token."""


def read_environment(variables: Mapping[str, str]) -> Environment:
    """Read the variables that start with `CONFLUENCE_MD_`; an empty one counts as not set.

    Raises:
        SettingError: A variable has a value that cannot be used, or its companions are missing.
    """
    api_url = _read_url(variables, "API_URL") or ATLASSIAN_API
    auth_url = _read_url(variables, "AUTH_URL") or ATLASSIAN_AUTH
    hosts = [host.strip() for host in _read(variables, "TRUSTED_HOSTS").split(",") if host.strip()]
    for number, host in enumerate(hosts, 1):
        if not re.fullmatch(r"[A-Za-z0-9.-]+(?::[0-9]+)?|\[[0-9A-Fa-f:.]+\](?::[0-9]+)?", host):
            raise SettingError(
                # Not the entry: it may be a secret that was pasted into the wrong variable.
                f"Entry {number} of {ENV_PREFIX}TRUSTED_HOSTS is not a host name.",
                "Write host names separated by commas, without https:// and without paths.",
            )
    named_hosts = [urlsplit(url).netloc for url in (api_url, auth_url)]
    token_file = _read(variables, "TOKEN_FILE")
    access_token = _read_secret(variables, "ACCESS_TOKEN")
    return Environment(
        access_token=access_token,
        client_id=_read_secret(variables, "CLIENT_ID"),
        client_secret=_read_secret(variables, "CLIENT_SECRET"),
        credentials=None if access_token else _read_credentials(variables),
        rest_credentials=_read_rest_credentials(variables),
        token_file=_read_path(token_file) if token_file else None,
        store_url=_read_store_url(variables),
        is_ci=variables.get("CI", "").strip().lower() in ("true", "1"),
        offline=_read_flag(variables, "OFFLINE"),
        api_url=api_url,
        auth_url=auth_url,
        trust=TrustRule(frozenset(host.lower() for host in [*hosts, *named_hosts])),
    )


def find_misspelt(variables: Mapping[str, str]) -> list[str]:
    """Return a sentence for each variable whose name is nearly that of one of ours."""
    known = {ENV_PREFIX + name for name in VARIABLES}
    # Not those that are set: what looks like them has a meaning of its own.
    unset = [name for name in known if not variables.get(name)]
    found = []
    for name in sorted(variables.keys() - known):
        near = get_close_matches(name.upper(), unset, 1, _LIKENESS)
        if near and (name.upper().startswith("CONFLUENCE") and variables[name]):
            found.append(f"The environment has {name}, which is not read: write {near[0]}.")
    return found


def read_secrets(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the values of `SECRET_VARIABLES` that are set, unchecked.

    Of the server that machines share, only its password is one.
    """
    values = {name: variables.get(name, "").strip() for name in SECRET_VARIABLES}
    values[_STORE] = find_password(values[_STORE])
    return {name: value for name, value in values.items() if value}


def find_password(url: str) -> str:
    """Return the password in a URL; empty if it has none."""
    try:
        return unquote(urlsplit(url).password or "")
    except ValueError:
        return url  # better too much than too little is secret


def read_token_file(variables: Mapping[str, str]) -> Path | None:
    """Return the token file that the environment names; None if it names none, or a wrong one."""
    try:
        return _read_path(path) if (path := _read(variables, "TOKEN_FILE")) else None
    except SettingError:
        return None


def _read(variables: Mapping[str, str], name: str) -> str:
    return variables.get(ENV_PREFIX + name, "").strip()


def _read_secret(variables: Mapping[str, str], name: str) -> str:
    """Read a secret, without telling it when it cannot be one."""
    value = _read(variables, name)
    if value and not is_token(value):
        raise SettingError(
            f"{ENV_PREFIX}{name} contains spaces, line breaks or characters that no token has.",
            "Copy the value again.",
        )
    return value


def _read_credentials(variables: Mapping[str, str]) -> ClientCredentials | None:
    names = ("CLIENT_ID", "CLIENT_SECRET", "REFRESH_TOKEN")
    values = {name: _read_secret(variables, name) for name in names}
    if not values["REFRESH_TOKEN"]:
        return None
    missing = [f"{ENV_PREFIX}{name}" for name in names if not values[name]]
    if missing:
        raise SettingError(
            f"{ENV_PREFIX}REFRESH_TOKEN is set without {' and '.join(missing)}.",
            f"Set all three variables; or remove {ENV_PREFIX}REFRESH_TOKEN, and sign in with "
            "`confluence-md login`.",
        )
    return ClientCredentials(values["CLIENT_ID"], values["CLIENT_SECRET"], values["REFRESH_TOKEN"])


def _read_rest_credentials(variables: Mapping[str, str]) -> RestCredentials | None:
    email, api_token = (_read_secret(variables, name) for name in ("EMAIL", "API_TOKEN"))
    if api_token:
        return RestCredentials(email, api_token)
    if email:
        raise SettingError(
            f"{ENV_PREFIX}EMAIL is set without {ENV_PREFIX}API_TOKEN.",
            "Set both variables, or neither of them.",
        )
    return None


def _read_url(variables: Mapping[str, str], name: str) -> str:
    value = _read(variables, name)
    # The value is not shown: a URL may hold a password, which is one thing that is wrong with it.
    if value and (not origin_of(value) or "@" in value):
        raise SettingError(
            f"{ENV_PREFIX}{name} is not a valid URL.",
            "Write a scheme and a host, and no password: https://proxy.example.com.",
        )
    return value.rstrip("/")


def _read_store_url(variables: Mapping[str, str]) -> str:
    value = _read(variables, "STORE")
    if not value:
        return ""
    try:
        parts = urlsplit(value)
        is_valid = (
            is_token(value)
            and parts.scheme in ("redis", "rediss")
            and parts.hostname
            and parts.port != 0
            and not parts.fragment
            and re.fullmatch(r"/?|/[0-9]{1,4}", parts.path)
        )
        parameters = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
        unknown = parameters - _STORE_PARAMETERS
    except ValueError:
        is_valid, parameters, unknown = None, set(), set()
    if is_valid and unknown:
        raise SettingError(
            f"{_STORE} has a parameter that is not one of {', '.join(sorted(_STORE_PARAMETERS))}.",
            "Remove it: time-outs, retries and the format of answers are the plugin's to choose.",
        )
    if is_valid and parameters and not value.lower().startswith("rediss:"):
        raise SettingError(
            f"{_STORE} begins with redis://, with a parameter for TLS.",
            "Write rediss:// for a server with TLS; otherwise remove the parameter.",
        )
    if not is_valid:
        # Not the value: it may hold a password.
        raise SettingError(
            f"{_STORE} is not the URL of a Redis or Valkey server.",
            "Write redis://host:6379, or rediss://user:password@host:6379 for one with TLS.",
        )
    if not _read(variables, "CLIENT_SECRET"):
        raise SettingError(
            f"{_STORE} is set without {ENV_PREFIX}CLIENT_SECRET, with which everything "
            "in it is sealed.",
            "Set both variables.",
        )
    return value


def _read_path(path: str) -> Path:
    try:
        absolute = Path(path).expanduser().absolute()
    except RuntimeError:
        raise SettingError(
            f"{ENV_PREFIX}TOKEN_FILE is {path!r}, but that user does not exist.",
            "Write the path without ~, like /home/jane/confluence/tokens.json.",
        ) from None
    if absolute.is_dir() or not path.isprintable():
        raise SettingError(
            f"{ENV_PREFIX}TOKEN_FILE is {path!r}, which is not the path of a file.",
            "Write the path of a file, like /home/jane/confluence/tokens.json.",
        )
    return absolute


def _read_flag(variables: Mapping[str, str], name: str) -> bool:
    value = _read(variables, name).lower()
    if value in ("1", "true", "yes", "on"):
        return True
    if value in ("", "0", "false", "no", "off"):
        return False
    raise SettingError(
        f"{ENV_PREFIX}{name} is {value!r}, which is neither 1 nor 0.", "Write 1 or 0."
    )
