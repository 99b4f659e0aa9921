"""Hosts and origins of URLs. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
"""This machine, by the names that the client knows to reach without a proxy."""


_HOST = re.compile(r"(?:[a-z0-9_-]+\.)*[a-z0-9_-]+|[0-9a-f:.]+")


def origin_of(url: str) -> str:
    """Reduce an http(s) URL to scheme, host and port, in lower case; empty if it has none."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:  # a port that is not a number, a bracket that is not closed
        return ""
    if parts.scheme not in ("https", "http") or not _HOST.fullmatch(parts.hostname or ""):
        return ""
    assert parts.hostname is not None  # noqa: S101  for the type checker
    host = url_host(parts.hostname)
    return f"{parts.scheme}://{host}" if port is None else f"{parts.scheme}://{host}:{port}"


def url_host(host: str) -> str:
    """Write a host as in a URL."""
    return f"[{host}]" if ":" in host else host  # IPv6


def host_of(origin: str) -> str:
    """Return the host of an origin, in lower case; empty if it has none."""
    return urlsplit(origin).hostname or ""
