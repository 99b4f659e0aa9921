"""Where a token may go. Pure.

To Atlassian's hosts, to loopback, and to what the *environment* names, never to a host that only
`mkdocs.yml` names: a pull request must not be able to send a token elsewhere.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

_ATLASSIAN_HOSTS = frozenset({"api.atlassian.com", "auth.atlassian.com"})


@dataclass(frozen=True)
class TrustRule:
    """The hosts that the environment trusts, besides Atlassian's own and loopback."""

    hosts: frozenset[str] = frozenset()
    """`host`, whatever the port, or `host:port`; in lower case."""

    def find_objection(self, url: str) -> str | None:
        """Say why no token may be sent to a URL; None if it may.

        Plain `http` is for loopback only, whoever names the host.
        """
        origin = origin_of(url)
        if not origin:
            return "this is no http(s) URL"
        parts = urlsplit(origin)
        host = parts.hostname or ""
        if is_loopback(host):
            return None
        if parts.scheme != "https":
            return f"{parts.scheme}:// would send the token in clear text"
        if host in _ATLASSIAN_HOSTS or host.endswith(".atlassian.net"):
            return None
        name = _bracket(host)
        if {name, f"{name}:{parts.port or 443}"} & self.hosts:
            return None
        return f"{host} is neither Atlassian's nor trusted by the environment"


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, by its name alone: nothing is looked up."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def origin_of(url: str) -> str:
    """Reduce an http(s) URL to scheme, host and port, in lower case; empty if it has none."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:  # a port that is no number, a bracket that is not closed
        return ""
    if parts.scheme not in ("https", "http") or not parts.hostname:
        return ""
    host = _bracket(parts.hostname)
    return f"{parts.scheme}://{host}" if port is None else f"{parts.scheme}://{host}:{port}"


def _bracket(host: str) -> str:
    return f"[{host}]" if ":" in host else host  # IPv6


def host_of(origin: str) -> str:
    """Return the host of an origin, in lower case; empty if it has none."""
    return urlsplit(origin).hostname or ""
