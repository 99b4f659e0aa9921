"""Where a link to Confluence leads: to a page of the site, or out of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

from mkdocs_confluence_md.placement import is_atlassian
from mkdocs_confluence_md.references import (
    SCHEME,
    Complaint,
    PageRef,
    SpaceRef,
    has_scheme,
    is_confluence_url,
    parse_reference,
    space_url,
    title_in_url,
    view_url,
)
from mkdocs_confluence_md.trust import host_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mkdocs_confluence_md.placement import PlacedPage
    from mkdocs_confluence_md.references import Reference


@dataclass(frozen=True)
class Outside:
    """The link leaves the site for Confluence."""

    url: str


@dataclass(frozen=True)
class Inside:
    """The link leads to a page of the site."""

    page: PlacedPage
    anchor: str
    """As the link has it, for the page in Confluence; empty for the page as a whole."""
    title: str
    """As the address spells it; empty where it does not."""
    otherwise: Outside | Complaint
    """What the link is in a place that cannot link to pages of the site."""


Target: TypeAlias = Inside | Outside | Complaint


def may_be_ours(text: str) -> bool:
    """Tell quickly whether a link, or HTML with links, may have to do with Confluence."""
    return "/wiki" in text or "/l/cp/" in text or SCHEME in text.lower()


class LinkMap:
    """Knows the pages of the site, and by which hosts their Confluence is known.

    Args:
        pages: The pages of the site that come from Confluence.
        site: The origin of the Confluence site; empty where it is not known.
    """

    def __init__(self, pages: Iterable[PlacedPage] = (), site: str = "") -> None:
        self._pages = {page.ref.page_id: page for page in pages}
        pasted = dict.fromkeys(page.ref.host for page in self._pages.values() if page.ref.host)
        self._hosts = {host_of(site), *pasted} - {""}
        self._site = site or next((f"https://{host}" for host in pasted), "")

    def find_target(self, link: str, page: PlacedPage | None) -> Target | None:
        """Find where a link leads.

        Args:
            link: What stands in `href`.
            page: The page from Confluence where it stands; None for a page that is a local file.

        Returns:
            None for a link that is none of ours, or an attachment.
        """
        address, _, anchor = link.partition("#")
        if not address:
            return self._find_in_page(page, anchor)
        if page and self._site and address.startswith("/wiki/"):
            address = self._site + address
        if has_scheme(address):
            return self._find_reference(link, address, anchor)
        if not is_confluence_url(address) or _is_attachment(address):
            return None
        return self._find_url(address, anchor)

    def _find_in_page(self, page: PlacedPage | None, anchor: str) -> Target | None:
        return Inside(page, anchor, "", Outside(f"#{anchor}")) if page and anchor else None

    def _find_reference(self, link: str, address: str, anchor: str) -> Target:
        reference = parse_reference(address)
        if isinstance(reference, Complaint):
            return Complaint(link, reference.reason, reference.remedy)
        if isinstance(reference, PageRef) and reference.host:
            address = address.strip()[len(SCHEME) :].strip()
            address = address if "://" in address else f"https://{address}"
            return self._find_url(address, anchor) or Outside(_join(address, anchor))
        otherwise = self._leave(link, reference, anchor)
        page = None if isinstance(reference, SpaceRef) else self._pages.get(reference.page_id)
        return Inside(page, anchor, "", otherwise) if page else otherwise

    def _find_url(self, address: str, anchor: str) -> Target | None:
        """Find where an address leads that people paste; an ID means nothing in another site."""
        host = (urlsplit(address).hostname or "").lower()
        if host not in self._hosts and not is_atlassian(host):
            return None
        reference = parse_reference(address) if host in self._hosts else None
        page = self._pages.get(reference.page_id) if isinstance(reference, PageRef) else None
        outside = Outside(_join(address, anchor))
        return Inside(page, anchor, title_in_url(address), outside) if page else outside

    def _leave(self, link: str, reference: Reference, anchor: str) -> Outside | Complaint:
        if not self._site:
            return Complaint(
                link,
                "this is no page of the site, and its address in Confluence is not known.",
                "Name your Confluence in the option `site`.",
            )
        if isinstance(reference, SpaceRef):
            return Outside(_join(space_url(self._site, reference.key), anchor))
        # Of a whole tree, the page at its root.
        return Outside(_join(view_url(self._site, reference.page_id), anchor))


def _join(address: str, anchor: str) -> str:
    return f"{address}#{anchor}" if anchor else address


def _is_attachment(address: str) -> bool:
    return urlsplit(address).path.startswith(("/wiki/download/", "/wiki/rest/"))
