"""Where Confluence's REST API answers to an API token: at the site, or at Atlassian's gateway.

A classic token works at the site, one with scopes at the gateway only, and that of a service
account too; a custom domain has no API (api.md, section 3). So it is found out, and remembered.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from mkdocs_confluence_md.confluence.refs import GATEWAY_PATH
from mkdocs_confluence_md.errors import ConfluenceError, FailureError
from mkdocs_confluence_md.network.urls import host_of, origin_of

if TYPE_CHECKING:
    from mkdocs_confluence_md.auth.trust import TrustRule

_BASE_NOTE = "base"


class Memory(Protocol):
    """Notes that outlive a build, about one account at one site."""

    def recall(self, name: str) -> str:
        """Return a note; empty if there is none, or if it has become too old."""

    def remember(self, name: str, text: str) -> None:
        """Keep a note."""


class CloudIds(Protocol):
    """Where the site's cloud ID is known, which is a part of the gateway's URL."""

    def find_cloud_id(self) -> str:
        """Return the cloud ID.

        Raises:
            ConfluenceError: It is not known, and could not be looked up.
        """

    def keep(self) -> None:
        """Keep a cloud ID that was looked up, since it has led to an answer."""


class GivenCloudId:
    """A cloud ID that need not be looked up."""

    def __init__(self, cloud_id: str) -> None:
        self._cloud_id = cloud_id

    def find_cloud_id(self) -> str:
        """Return the cloud ID."""
        return self._cloud_id

    def keep(self) -> None:
        """Do nothing: nothing was looked up."""


class NoMemory:
    """Notes that last as long as the object, for commands that run once."""

    def __init__(self) -> None:
        self._notes: dict[str, str] = {}

    def recall(self, name: str) -> str:
        """Return a note; empty if there is none."""
        return self._notes.get(name, "")

    def remember(self, name: str, text: str) -> None:
        """Keep a note."""
        self._notes[name] = text


class RestBases:
    """The base URLs that may be right, the likeliest first.

    Args:
        site: The site's origin; empty where it is not known.
        gateway: The origin of Atlassian's gateway.
        cloud_ids: Where the site's cloud ID is known.
        trust: Which hosts may receive a token.
        memory: What was found out before.
        at_site: False for a token that cannot work at the site.
    """

    def __init__(  # noqa: PLR0913  it has that many settings
        self,
        site: str,
        gateway: str,
        cloud_ids: CloudIds,
        trust: TrustRule,
        memory: Memory,
        *,
        at_site: bool = True,
    ) -> None:
        self._site = site
        self._gateway = gateway
        self._cloud_ids = cloud_ids
        self._trust = trust
        self._memory = memory
        self._at_site = at_site and bool(site) and not trust.find_objection(site)

    def list_first(self) -> list[str]:
        """Return the base URLs to try at first, in this order.

        Raises:
            ConfluenceError: There is none: the token may not be sent to the site, and its cloud ID
                is not known.
        """
        if self._at_site and self._memory.recall(_BASE_NOTE) != "gateway":
            return [self._site]
        try:
            return [self._find_gateway(), *([self._site] if self._at_site else [])]
        except ConfluenceError:
            if self._at_site:
                return [self._site]
            if self._site:
                self._trust.check(self._site)
            raise

    def list_others(self, tried: list[str]) -> list[str]:
        """Return the base URLs that are worth a try after those that refused the token."""
        try:
            others = [self._find_gateway()]
        except ConfluenceError:
            others = []
        return [base for base in others if base not in tried]

    def note(self, base: str) -> None:
        """Remember the base URL that works."""
        name = "site" if base == self._site else "gateway"
        if name == "gateway":
            self._cloud_ids.keep()
        if self._memory.recall(_BASE_NOTE) != name:
            self._memory.remember(_BASE_NOTE, name)

    def read_link(self, link: str) -> str:
        """Return the path of a link in an answer, below any of the base URLs.

        Links are relative to the site, also at the gateway (seen).

        Raises:
            FailureError: It leads to another host.
        """
        origins = {origin_of(self._site), origin_of(self._gateway)} - {""}
        with suppress(ValueError):  # of what is not a URL
            parts = urlsplit(link)
            is_relative = parts.path.startswith("/") and not (parts.scheme or parts.netloc)
            if is_relative or origin_of(link) in origins:
                path = GATEWAY_PATH.sub("", parts.path, count=1)
                path = path if path.startswith("/wiki/") else f"/wiki{path}"
                return f"{path}?{parts.query}" if parts.query else path
        raise FailureError(
            f"A list of {host_of(self._site or self._gateway)} goes on at another address, which "
            "is not asked.",
            "Check for a newer version of mkdocs-confluence-md: the API may have changed.",
        )

    def _find_gateway(self) -> str:
        return f"{self._gateway}/ex/confluence/{self._cloud_ids.find_cloud_id()}"


def make_endless_list(host: str) -> FailureError:
    """Return the error for a list that goes on without bringing anything."""
    return FailureError(
        f"A list of {host} goes on and on without any entries.",
        "If it stays so, report it with the file that `confluence-md check --report FILE` writes.",
    )
