"""Options and environment → the client of Confluence's own REST API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mkdocs_confluence_md.confluence.rest import ConfluenceRest
from mkdocs_confluence_md.confluence.rest_base import RestBases

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from mkdocs_confluence_md.auth.environment import Environment
    from mkdocs_confluence_md.cache.exports import ExportCache
    from mkdocs_confluence_md.confluence.exporter import ApiAddress
    from mkdocs_confluence_md.confluence.rest_base import CloudIds, Memory
    from mkdocs_confluence_md.network.throttling import Patience

_DAY_SECONDS = 86400.0


class CacheMemory:
    """Notes about the REST API in the cache, for a day: then it is asked anew.

    Args:
        cache: Keeps them.
        address: Of what they are about.
        account: Whose token they are about: a hash.
    """

    def __init__(self, cache: ExportCache, address: ApiAddress, account: str) -> None:
        self._cache = cache
        origin = address.find_site() or f"{address.api_url}/{address.find_cloud_id()}"
        self._url = f"{origin}/wiki/api/v2"
        self._account = account

    def recall(self, name: str) -> str:
        """Return a note; empty if there is none, or if it is older than a day."""
        copy = self._cache.find(f"{self._url}?note={name}", self._account, _DAY_SECONDS)
        return copy.text if copy and copy.fresh else ""

    def remember(self, name: str, text: str) -> None:
        """Keep a note."""
        self._cache.keep(f"{self._url}?note={name}", self._account, text, {})


def make_rest(  # noqa: PLR0913  it has that many settings
    environment: Environment,
    address: ApiAddress,
    cloud_ids: CloudIds,
    memory: Memory,
    patience: Patience,
    *,
    observe: Callable[[httpx.Response], None] | None = None,
) -> ConfluenceRest | None:
    """Return the client, if the environment has an API token and the site is known.

    Args:
        environment: Has the API token.
        address: Where site and gateway are.
        cloud_ids: Where the site's cloud ID is known.
        memory: What was found out before.
        patience: How long is waited for what.
        observe: Is told of each response.
    """
    credentials, trust = environment.rest_credentials, environment.trust
    site = address.find_site()
    if credentials is None or not (site or address.find_cloud_id()):
        return None
    # The token of a service account works at the gateway only.
    bases = RestBases(
        site, environment.api_url, cloud_ids, trust, memory, at_site=bool(credentials.email)
    )
    return ConfluenceRest(bases, credentials, trust, patience=patience, observe=observe)
