"""Clients of Confluence's own REST API, as the plugin makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mkdocs_confluence_md.auth.environment import read_environment
from mkdocs_confluence_md.confluence.rest import GivenCloudId, NoMemory
from mkdocs_confluence_md.fetch.fetcher import BaseUrlFinder
from mkdocs_confluence_md.fetch.versions import make_rest, make_versions
from mkdocs_confluence_md.network.urls import ApiAddress
from projects import STEADY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mkdocs_confluence_md.auth.environment import Environment
    from mkdocs_confluence_md.cache.policy import ExportCache
    from mkdocs_confluence_md.confluence.exporter import Exporter
    from mkdocs_confluence_md.confluence.rest import ConfluenceRest, Memory
    from mkdocs_confluence_md.fetch.versions import Versions
    from mkdocs_confluence_md.network.throttling import Patience
    from standin import StandIn


def make_rest_client(
    standin: StandIn,
    site: str = "",
    memory: Memory | None = None,
    changed: Mapping[str, str] | None = None,
) -> ConfluenceRest:
    """Return a client for the site, which is the stand-in where no other is named."""
    variables = {
        "CONFLUENCE_MD_API_URL": standin.url,
        **standin.rest_environment(),
        **{f"CONFLUENCE_MD_{name}": value for name, value in (changed or {}).items()},
    }
    address = ApiAddress(site or standin.url, cloud_id=standin.cloud_id)
    cloud_ids = GivenCloudId(standin.cloud_id)
    client = make_rest(
        read_environment(variables), address, cloud_ids, memory or NoMemory(), STEADY
    )
    assert client
    return client


def make_version_client(  # noqa: PLR0913  it has that many settings
    environment: Environment,
    exporter: Exporter,
    cache: ExportCache,
    *,
    warn: Callable[[str], None],
    labels_matter: bool = False,
    patience: Patience = STEADY,
) -> Versions | None:
    """Return what asks for versions, beside an exporter."""
    return make_versions(
        environment,
        exporter.address,
        cloud_ids=BaseUrlFinder(exporter, cache, offline=False),
        cache=cache,
        patience=patience,
        warn=warn,
        labels_matter=labels_matter,
    )
