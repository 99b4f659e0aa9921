"""Hosts and origins of URLs, and where the API of the app is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from urllib.parse import urlsplit

from mkdocs_confluence_md.errors import SettingError

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


ATLASSIAN_API = "https://api.atlassian.com"

APP_ID = "0def1d4f-1593-4dd0-99a3-a098b3959067"
ENVIRONMENT_IDS = {
    "production": "796457c9-9c03-4382-b44f-d19571068ece",
    "staging": "73c9d7be-47c5-479a-b08d-14fb79453df8",
    "dev": "08a10a13-932b-47bb-b760-0cc1e93d4a50",
}


_CLOUD = ".atlassian.net"
_LIKENESS = 0.87
"""Of two names, from 0 to 1: “altassian” has 0.89, “atlasian” 0.94, and “italian” 0.75."""
_ENDINGS = ("net", "com", "org", "nte", "ne", "nett")


def make_namespace(environment: str) -> str:
    """Return the namespace of the app's custom scope, for the parameter `sns` of OAuth."""
    return f"{APP_ID}.{ENVIRONMENT_IDS[environment]}"


@dataclass(frozen=True)
class ApiAddress:
    """Where the API is, as the options and the environment say."""

    site: str = ""
    """The site's origin, like `https://acme.atlassian.net`; empty if not given."""
    cloud_id: str = ""
    """Looked up where it is empty and needed."""
    environment: str = "production"
    """A key of `ENVIRONMENT_IDS`."""
    gateway: str = "api"
    """Which of the two formats of the base URL: `api` or `site`."""
    base_url: str = ""
    """Replaces all of the above."""
    api_url: str = ATLASSIAN_API
    """The origin of the format `api`."""

    def needs_cloud_id(self) -> bool:
        """Return True if the base URL can only be made with a cloud ID from the site."""
        return not self.base_url and self.gateway == "api" and not self.cloud_id

    def find_cloud_id(self) -> str:
        """Return the site's cloud ID, as far as it is given; empty if it is not."""
        in_path = re.match(r"/svc/confluence/([^/]+)/", urlsplit(self.base_url).path)
        return in_path[1] if in_path else self.cloud_id

    def cloud_id_url(self) -> str:
        """Return the address that tells the site's cloud ID to anybody."""
        return f"{self.site}/_edge/tenant_info"

    def make_base_url(self, cloud_id: str = "") -> str:
        """Return the API's base URL, without a slash at its end."""
        if self.base_url:
            return self.base_url
        app = f"apps/{APP_ID}_{ENVIRONMENT_IDS[self.environment]}"
        if self.gateway == "site":
            return f"{self.site}/gateway/api/svc/confluence/{app}"
        return f"{self.api_url}/svc/confluence/{self.cloud_id or cloud_id}/{app}"

    def check(self) -> None:
        """Refuse an address that leads nowhere.

        Raises:
            SettingError: The option `site` is missing.
        """
        if not self.site and not self.base_url and (self.gateway == "site" or not self.cloud_id):
            raise SettingError(
                "The option `site` of the plugin confluence-md is missing in mkdocs.yml.",
                "Write the host of your Confluence site there: `site: acme.atlassian.net`.",
            )

    def find_site(self) -> str:
        """Return the origin of the site for links to its pages; empty if it cannot be known."""
        parts = urlsplit(self.base_url)
        if not self.site and parts.path.startswith("/gateway/"):
            return f"{parts.scheme}://{parts.netloc}"
        return self.site


def read_site(text: str) -> str:
    """Read a site as people write it, its name, its host or any URL of it; return its origin.

    Raises:
        ValueError: It is none of them, or a slip in one.
    """
    text = text.strip()
    if re.fullmatch(r"[A-Za-z0-9-]+", text) and text.lower() != "localhost":
        text = f"{text.lower()}{_CLOUD}"
    origin = origin_of(text if "://" in text else f"https://{text}")
    if not origin or re.search(r"\s|@", text):
        # What stands before an @ may be a password.
        shown = "this" if "@" in text else repr(text)
        raise ValueError(
            f"{shown} is not a host name. Write the host of your Confluence site, like "
            "acme.atlassian.net."
        )
    if near := _correct_host(urlsplit(origin).hostname or ""):
        raise ValueError(f"{text!r} is not a Confluence Cloud site. Do you mean {near}?")
    return origin


def _correct_host(host: str) -> str:
    """Return the host that somebody has misspelt; empty if it is not nearly Atlassian's."""
    name, _, domain = host.partition(".")
    if domain.count(".") != 1 or domain == _CLOUD[1:] or name == "api":
        return ""
    label, _, ending = domain.partition(".")
    near = SequenceMatcher(None, label, "atlassian").ratio() > _LIKENESS
    return f"{name}{_CLOUD}" if near and ending in _ENDINGS else ""


def is_cloud_id(value: object) -> bool:
    """Return True if a value looks like a cloud ID, which becomes a part of URLs."""
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9-]+", value) is not None
