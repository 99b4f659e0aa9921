"""Where the exporter's API is: for that, the site's cloud ID may have to be looked up."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

from mkdocs_confluence_md.errors import ConfluenceError
from mkdocs_confluence_md.fetch.threads import describe_absence

if TYPE_CHECKING:
    from mkdocs_confluence_md.cache.exports import ExportCache
    from mkdocs_confluence_md.confluence.exporter import Export, Exporter

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

# A site's cloud ID stays the same for as long as the site is not moved.
_CLOUD_ID_SECONDS = 30 * 86400.0


class BaseUrlFinder:
    """Finds the base URL, in the cache or with one request. Safe to use from many threads.

    Args:
        exporter: Knows the address, as far as it is given, and can ask for the rest.
        cache: Asked first.
        offline: Ask nobody else.
    """

    def __init__(self, exporter: Exporter, cache: ExportCache, *, offline: bool) -> None:
        self._exporter = exporter
        self._cache = cache
        self._offline = offline
        self._max_age = float("inf") if offline else _CLOUD_ID_SECONDS
        self._lock = threading.Lock()
        self._new: Export | None = None
        """Looked up, and not kept yet: only one that leads to an export is worth keeping."""

    def begin_build(self) -> None:
        """Look up anew what has led nowhere."""
        self._new = None

    def keep(self) -> None:
        """Keep what was looked up: it has led to an export."""
        if new := self._new:
            self._cache.keep(self._exporter.cloud_id_url(), "", new.markdown, new.headers)
            self._new = None

    def find_account(self) -> str | None:
        """Return the account whose copies count.

        Offline, where a token may not have told yet who is signed in, it is the one that this
        project used last.
        """
        auth = self._exporter.auth
        return (auth.identity() or self._cache.find_account()) if self._offline else auth.account()

    def find(self) -> str:
        """Return the API's base URL.

        Raises:
            ConfluenceError: It needs the site's cloud ID, and that is not known.
        """
        address = self._exporter.address
        if not address.needs_cloud_id():
            return address.make_base_url()
        return address.make_base_url(self.find_cloud_id())

    def find_cloud_id(self) -> str:
        """Return the site's cloud ID.

        Raises:
            ConfluenceError: It is not known, and could not be looked up.
        """
        if cloud_id := self._exporter.address.find_cloud_id():
            return cloud_id
        # Pages and trees are looked up side by side.
        with self._lock:
            return self._find_cloud_id()

    def _find_cloud_id(self) -> str:
        """Look up the site's cloud ID, once: then it is remembered."""
        account = None if self._offline else ""
        copy = self._cache.find(self._exporter.cloud_id_url(), account, self._max_age)
        if copy and not _UUID.fullmatch(copy.text):
            copy = None  # it becomes a part of URLs
        if copy and copy.fresh:
            return copy.text
        if self._offline:
            raise describe_absence()
        if self._new:
            return self._new.markdown
        try:
            new = self._exporter.look_up_cloud_id()
        except ConfluenceError:
            if copy is None:
                raise
            return copy.text  # it outlives most of what can go wrong
        if copy and copy.text == new.markdown:
            self._cache.keep(self._exporter.cloud_id_url(), "", new.markdown, new.headers)
        else:
            self._new = new
        return new.markdown
