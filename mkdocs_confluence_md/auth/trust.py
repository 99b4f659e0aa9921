"""Which hosts may receive a token. Pure.

Atlassian's hosts, and those that the *environment* names, never a host that only `mkdocs.yml`
names: a pull request must not be able to send a token elsewhere, nor a page to a server on another
port of this machine.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mkdocs_confluence_md.errors import SettingError
from mkdocs_confluence_md.network.urls import LOOPBACK_HOSTS, origin_of, url_host

if TYPE_CHECKING:
    from urllib.parse import SplitResult


_ATLASSIAN_HOSTS = frozenset({"api.atlassian.com", "auth.atlassian.com"})


@dataclass(frozen=True)
class TrustRule:
    """The hosts that the environment trusts, besides Atlassian's own."""

    hosts: frozenset[str] = frozenset()
    """`host`, whatever the port, or `host:port`; in lower case."""

    def with_loopback(self, url: str) -> TrustRule:
        """Return a rule that also trusts the port of a URL, if that is one of this machine."""
        parts = urlsplit(origin_of(url))
        is_loopback = parts.hostname in LOOPBACK_HOSTS
        return TrustRule(self.hosts | {_name_port(parts)}) if is_loopback else self

    def find_objection(self, url: str) -> str | None:
        """Say why no token may be sent to a URL; None if it may.

        Plain `http` is for loopback only, even for hosts that the environment names.
        """
        origin = origin_of(url)
        if not origin:
            return "this is not an http(s) URL"
        parts = urlsplit(origin)
        host = parts.hostname or ""
        if parts.scheme != "https" and host not in LOOPBACK_HOSTS:
            return f"{parts.scheme}:// would send the token in clear text"
        if host in _ATLASSIAN_HOSTS or host.endswith(".atlassian.net"):
            return None
        if {url_host(host), _name_port(parts)} & self.hosts:
            return None
        if host in LOOPBACK_HOSTS:
            return f"no environment variable names {_name_port(parts)}, a port of this machine"
        return f"{host} is neither a host of Atlassian's nor one that you trust"

    def check(self, url: str) -> None:
        """Refuse a URL that may not receive a token.

        Raises:
            SettingError: There is an objection.
        """
        if objection := self.find_objection(url):
            raise SettingError(
                f"No token is sent to {origin_of(url) or url}: {objection}.",
                "Correct `site`, `base_url`, CONFLUENCE_MD_API_URL or CONFLUENCE_MD_AUTH_URL. If "
                "the host is yours, use https and name it in CONFLUENCE_MD_TRUSTED_HOSTS.",
            )


def _name_port(origin: SplitResult) -> str:
    """Return `host:port` of an origin."""
    usual = 443 if origin.scheme == "https" else 80
    return f"{url_host(origin.hostname or '')}:{origin.port or usual}"


def is_token(value: object) -> bool:
    """Return True if a value is valid in a header; httpx would repeat another one in its error."""
    return isinstance(value, str) and re.fullmatch(r"[\x21-\x7e]+", value) is not None
