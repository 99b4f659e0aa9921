"""Resolve the address of a link: to a page of the site, or out of it. Pure."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, TypeAlias
from unicodedata import normalize
from urllib.parse import unquote, unquote_plus, urlsplit, urlunsplit

from mkdocs_confluence_md.confluence.attachments import read_address
from mkdocs_confluence_md.confluence.content import is_lost_name, reduce_title
from mkdocs_confluence_md.confluence.export_tree import EXTRA_NAMES, name_path
from mkdocs_confluence_md.confluence.refs import (
    SCHEME,
    Complaint,
    PageRef,
    SpaceRef,
    TreeRef,
    add_context,
    has_scheme,
    is_confluence_url,
    parse_reference,
    space_url,
    title_in_url,
    view_url,
    without_gateway,
)
from mkdocs_confluence_md.network.urls import host_of
from mkdocs_confluence_md.site.nav import is_atlassian

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from mkdocs_confluence_md.confluence.refs import Reference
    from mkdocs_confluence_md.site.paths import PlacedPage


@dataclass(frozen=True)
class Outside:
    """The link leaves the site for Confluence."""

    url: str


@dataclass(frozen=True)
class Nowhere:
    """There is nothing to lead to: the text of the link remains, and no link."""

    title: str = ""
    """What is shown instead of an address that is its own text."""


@dataclass(frozen=True)
class Named:
    """The link leads to a page of which only the name of its file is known."""

    name: str
    anchor: str


@dataclass(frozen=True)
class Inside:
    """The link leads to a page of the site."""

    page: PlacedPage
    anchor: str
    """As the link has it, for the page in Confluence; empty for the page as a whole."""
    title: str
    """As the address spells it; empty where it does not."""
    otherwise: Outside | Complaint | Nowhere
    """What the link is in a place that cannot link to pages of the site."""


Target: TypeAlias = Inside | Outside | Complaint | Named | Nowhere


Trees: TypeAlias = "Mapping[tuple[TreeRef | SpaceRef, str], PlacedPage]"
"""The pages of trees, by tree and path in its export."""

_WEB = re.compile(r"(?:https?:)?//|mailto:|tel:|\?", re.IGNORECASE)
_SPACE_IN_PATH = re.compile(r"/wiki/(?:spaces|display)/([^/]+)/")


def may_lead(address: str) -> bool:
    """Return True if an address in a page from Confluence may be anything but a web address."""
    return bool(address) and not _WEB.match(address)


def is_relative(address: str) -> bool:
    """Return True if an address may lead to a page next to its own. Quick."""
    return bool(address) and not address.startswith(("/", "#", "?")) and ":" not in address


def find_place_of(address: str, src_uri: str) -> str:
    """Return the path in the site to which a relative address leads from a page."""
    path = unquote(address.partition("#")[0].partition("?")[0])
    return posixpath.normpath(posixpath.join(posixpath.dirname(src_uri), path))


class LinkMap:
    """Knows the pages of the site, and by which hosts their Confluence is known.

    Args:
        pages: The pages of the site that come from Confluence.
        site: The origin of the Confluence site; empty where it is not known.
        trees: Those of them that are in trees, also if they have their place elsewhere.
    """

    def __init__(
        self, pages: Iterable[PlacedPage] = (), site: str = "", trees: Trees | None = None
    ) -> None:
        self._pages = {page.ref.page_id: page for page in pages if page.ref.page_id}
        self._by_path = {(ref, _decode(path)): page for (ref, path), page in (trees or {}).items()}
        self._places: dict[str, tuple[TreeRef | SpaceRef, str]]
        self._places = {page.ref.page_id: place for place, page in (trees or {}).items()}
        """In trees, of pages with IDs; a page has its place in the site maybe elsewhere."""
        self._by_name = _group(trees or {}, _name_page)
        # Of a page with its descendants the space is not known, which a title says nothing without.
        listed: dict[tuple[TreeRef | SpaceRef, str], PlacedPage] = {
            (page.tree, page.ref.page_id): page
            for page in self._pages.values()
            if isinstance(page.tree, SpaceRef) and not page.path
        }
        self._by_title = _group({**(trees or {}), **listed}, _title_page)
        pasted = dict.fromkeys(page.ref.host for page in self._pages.values() if page.ref.host)
        self._hosts = {host_of(site), *pasted} - {""}
        self._site = site or next((f"https://{host}" for host in pasted), "")

    def find_target(self, link: str, page: PlacedPage | None, text: str = "") -> Target | None:
        """Find where a link leads.

        Args:
            link: The value of `href`.
            page: The page from Confluence where it stands; None for a page that is a local file.
            text: Of the link, as far as it is known: it may be the title of the page.

        Returns:
            None for a link that is none of ours, or the whole address of an attachment.
        """
        address, _, anchor = link.partition("#")
        if not address:
            return Inside(page, anchor, "", Outside(f"#{anchor}")) if page and anchor else None
        if page is None:
            return self._find_address(link, None)
        if is_relative(address):
            tree, path = self._find_place(page)
            inside = self._find_in_tree(tree, path, link, text) if tree else None
            return inside or _read_name(address, anchor)
        return self._find_from_page(link, page)

    def _find_place(self, page: PlacedPage) -> tuple[TreeRef | SpaceRef | None, str]:
        """Return the tree that a page is in, and its path there."""
        none: tuple[None, str] = None, ""
        by_id = self._places.get(page.ref.page_id, none) if page.ref.page_id else none
        return (page.tree, page.path) if page.tree else by_id

    def _find_from_page(self, link: str, page: PlacedPage) -> Target | None:
        """Find where an address leads in a page from Confluence, where it may be shorter."""
        reference = read_address(link, page.ref.page_id)
        if reference and reference.is_internal:  # else it would be one of the site's files
            return Nowhere(reference.name)
        address, _, anchor = link.partition("#")
        whole = self._complete(address)
        if whole != address and _is_attachment(whole):  # the same
            return Outside(_join(whole, anchor))
        return self._find_address(_join(whole, anchor), page)

    def _find_address(self, link: str, page: PlacedPage | None) -> Target | None:
        """Find where a whole address leads, or a reference."""
        address, _, anchor = link.partition("#")
        if has_scheme(address):
            return self._find_reference(link, address, anchor)
        if not is_confluence_url(address) or _is_attachment(address):
            return None
        return self._find_url(address, anchor, page)

    def _complete(self, address: str) -> str:
        """Return the whole address of what exporters write shorter, or as their API has it."""
        try:
            url = urlsplit(address)
            path = without_gateway(url)
            host = (url.hostname or "").lower()
        except ValueError:
            return address
        if not url.scheme and not url.netloc:
            whole = add_context(address)
            return self._site + whole if self._site and whole.startswith("/wiki/") else address
        if path != url.path and self._site:
            return self._site + add_context(urlunsplit(("", "", path, url.query, url.fragment)))
        return add_context(address) if host in self._hosts or is_atlassian(host) else address

    def _find_in_tree(
        self, tree: TreeRef | SpaceRef, path: str, link: str, text: str
    ) -> Target | None:
        """Find where a path leads from a page in the export of a tree."""
        if not path:
            return None
        address, _, anchor = link.partition("#")
        folder, wanted = posixpath.dirname(path), address.partition("?")[0]
        for decode in (unquote, unquote_plus):
            target = _decode(posixpath.normpath(posixpath.join(folder, decode(wanted))))
            for name in (target, f"{target}.md", f"{target}/index.md", f"{target}/README.md"):
                if page := self._by_path.get((tree, name)):
                    return Inside(page, anchor, "", Nowhere())
        if not wanted.lower().endswith(".md"):
            return None
        # Maybe it was written for a page that lies elsewhere.
        found = self._find_nearest(tree, _decode(wanted)) or self._find_lost(tree, wanted, text)
        return Inside(found, anchor, "", Nowhere()) if found else None

    def _find_nearest(self, tree: TreeRef | SpaceRef, wanted: str) -> PlacedPage | None:
        """Find the only page of a name, or of several the one whose folders agree the most."""
        named = self._by_name.get((tree, reduce_title(name_path(wanted))), [])
        folders = list(map(reduce_title, reversed(wanted.split("/")[:-1])))
        common = [_count_common(folders, page.path) for page in named]
        best = [page for page, count in zip(named, common, strict=True) if count == max(common)]
        return best[0] if len(best) == 1 else None

    def _find_lost(self, tree: TreeRef | SpaceRef, wanted: str, text: str) -> PlacedPage | None:
        """Find a page by the text of a link, where the exporter made up another name for it.

        A link to an index that is not a page leads to the root.
        """
        name = posixpath.splitext(_decode(wanted))[0].rpartition("/")[2]
        if is_lost_name(name):
            titled = self._by_title.get((tree, reduce_title(text)), [])
            lost = [page for page in titled if is_lost_name(name_path(page.path))] or titled
            return lost[0] if len(lost) == 1 else None
        if name.lower() in EXTRA_NAMES and isinstance(tree, TreeRef):
            return self._pages.get(tree.page_id)
        return None

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

    def _find_url(
        self, address: str, anchor: str, place: PlacedPage | None = None
    ) -> Target | None:
        """Find where an address leads that people paste; an ID means nothing in another site."""
        host = (urlsplit(address).hostname or "").lower()
        if host not in self._hosts and not is_atlassian(host):
            return None
        reference = parse_reference(address) if host in self._hosts else None
        page = self._pages.get(reference.page_id) if isinstance(reference, PageRef) else None
        tree, _ = self._find_place(place) if place else (None, "")
        if reference and not page and tree:
            has_id = isinstance(reference, PageRef)
            page = self._find_title(tree, address, has_id=has_id)
        outside = Outside(_join(address, anchor))
        return Inside(page, anchor, title_in_url(address), outside) if page else outside

    def _find_title(
        self, tree: TreeRef | SpaceRef, address: str, *, has_id: bool
    ) -> PlacedPage | None:
        """Find the page of a tree that an address means by its title.

        One that has an ID as well means no page with another one.
        """
        space = _SPACE_IN_PATH.match(urlsplit(address).path)
        is_elsewhere = space and isinstance(tree, SpaceRef) and space[1] != tree.key
        same = self._by_title.get((tree, reduce_title(title_in_url(address))), [])
        found = [page for page in same if not (has_id and page.ref.page_id)]
        return found[0] if len(found) == 1 and not is_elsewhere else None

    def _leave(self, link: str, reference: Reference, anchor: str) -> Outside | Complaint:
        if not self._site:
            return Complaint(
                link,
                "this is not a page of the site, and its address in Confluence is not known.",
                "Name your Confluence in the option `site`.",
            )
        if isinstance(reference, SpaceRef):
            return Outside(_join(space_url(self._site, reference.key), anchor))
        # Of a whole tree, the page at its root.
        return Outside(_join(view_url(self._site, reference.page_id), anchor))


def _group(
    trees: Trees, name: Callable[[str, PlacedPage], str]
) -> dict[tuple[TreeRef | SpaceRef, str], list[PlacedPage]]:
    """Sort the pages of trees by a name."""
    found: dict[tuple[TreeRef | SpaceRef, str], list[PlacedPage]] = {}
    for (tree, path), page in trees.items():
        if key := reduce_title(name(path, page)):
            found.setdefault((tree, key), []).append(page)
    return found


def _read_name(address: str, anchor: str) -> Named | None:
    """Read the name of a page's file from a relative address; None if it is none of a page."""
    path = unquote(address.partition("?")[0])
    return Named(name_path(path), anchor) if path.lower().endswith(".md") else None


def _title_page(path: str, page: PlacedPage) -> str:
    del path
    return page.own_title


def _name_page(path: str, page: PlacedPage) -> str:
    del page
    return name_path(_decode(path))


def _count_common(folders: Sequence[str], path: str) -> int:
    """Return how many folders of two paths agree, from the end."""
    others = map(reduce_title, reversed(_decode(path).split("/")[:-1]))
    pairs = zip(folders, others, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _decode(path: str) -> str:
    return normalize("NFC", unquote(path))


def _join(address: str, anchor: str) -> str:
    return f"{address}#{anchor}" if anchor else address


def _is_attachment(address: str) -> bool:
    return urlsplit(address).path.startswith(("/wiki/download/", "/wiki/rest/"))
