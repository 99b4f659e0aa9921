"""The stand-in as one object to start, look at and stop."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from standin.cloud import ConfluenceCloud
from standin.exporter import Exporter
from standin.faults import Faults
from standin.oauth import OAuthService
from standin.pages import Pages
from standin.plain import PlainPages
from standin.recording import Recorder
from standin.rest import ConfluenceRest
from standin.routes import Services
from standin.wire import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from standin.recording import RecordedRequest

_POLL_SECONDS = 0.01
"""How soon the serving thread notices that it is to stop."""


class StandIn:
    """Confluence, its exporter, OAuth and a site on one loopback port, as a context manager."""

    def __init__(  # noqa: PLR0913 - all but the pages have a default
        self,
        pages: Path | Mapping[str, str],
        *,
        port: int = 0,
        cloud_id: str = "11111111-2222-3333-4444-555555555555",
        clock: Callable[[], float] = time.time,
        account: str = "557058:stand-in",
        site_host: str = "127.0.0.1",
    ) -> None:
        """Serve `pages`, a folder or a mapping from page ID to Markdown.

        `port` 0 takes a free one. `clock` gives seconds since the epoch, for tokens
        and for the `Date` of answers. `site_host` is the loopback address to listen on.
        """
        self.cloud_id = cloud_id
        self.pages = Pages(pages)
        self.faults = Faults()
        self.oauth = OAuthService(clock=clock, account=account)
        self._clock = clock
        self._host = site_host
        self._port = port
        self._recorder = Recorder()
        self.cloud = ConfluenceCloud(self.pages, self.faults, cloud_id)
        exporter = Exporter(
            cloud_id=cloud_id, pages=self.pages, oauth=self.oauth, faults=self.faults
        )
        self._services = Services(
            cloud_id,
            exporter,
            ConfluenceRest(self.pages),
            self.cloud,
            self.pages,
            PlainPages(self.pages),
            self.oauth,
            self.faults,
            self._recorder,
        )
        self._server: Server | None = None
        self._thread = threading.Thread()

    def start(self) -> None:
        """Listen and serve; after a `stop`, on the same port as before."""
        if self._server is not None:
            return
        self._services.stopping.clear()
        self._server = Server((self._host, self._port), self._services, self._clock)
        self._port = self._server.server_port
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), name="standin", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Close the port and all connections; requests under way end without an answer.

        A `hold` ends with it.
        """
        if self._server is None:
            return
        server, self._server = self._server, None
        server.shutdown()
        self._thread.join()
        server.server_close()
        server.close_connections()

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()

    @property
    def url(self) -> str:
        """Where the stand-in listens, or listened before it was stopped."""
        if not self._port:
            message = "the stand-in has no address before it is started"
            raise RuntimeError(message)
        return f"http://{self._host}:{self._port}"

    @property
    def client_id(self) -> str:
        """The OAuth client's ID, of this instance only."""
        return self.oauth.client_id

    @property
    def client_secret(self) -> str:
        """The OAuth client's secret, of this instance only."""
        return self.oauth.client_secret

    @property
    def requests(self) -> list[RecordedRequest]:
        """All requests in order of arrival: the live list, only ever appended to."""
        return self._recorder.requests

    @property
    def peak_requests(self) -> int:
        """The largest number of requests in flight at once."""
        return self._recorder.peak_requests

    @property
    def peak_exports(self) -> int:
        """The largest number of exports in flight at once."""
        return self._recorder.peak_exports

    def exports(self) -> list[str]:
        """Return the page IDs of the exports in order of arrival."""
        return [record.page_id for record in self._recorder.exports()]

    def bulk_exports(self) -> list[str]:
        """Return the page IDs of the exports with attachments in order of arrival."""
        return [record.page_id for record in self.requests if record.path.endswith("/bulkExport")]

    def tree_exports(self) -> list[str]:
        """Return the root's ID or the space's key of each export of a tree in order of arrival."""
        contents = [record.content for record in self.requests
                    if record.path.endswith("/bulkExport")]  # fmt: skip
        return [
            str(content.get("pageId") or content.get("spaceKey"))
            for content in contents
            if content.get("bulkExport") or content.get("spaceKey")
        ]

    def rest_requests(self) -> list[str]:
        """Return path and query of the requests to Confluence's REST API in order of arrival."""
        return [
            f"{record.path}?{record.query}" if record.query else record.path
            for record in self.requests
            if record.path.startswith(("/wiki/", "/ex/"))
        ]

    def wait_for_requests(self, path: str, count: int, timeout: float = 30.0) -> bool:
        """Wait until `count` requests have arrived whose path ends so; tell whether they did."""
        return self._recorder.wait_for_requests(path, count, timeout)

    def wait_for_exports(self, count: int, timeout: float = 30.0) -> bool:
        """Wait until `count` exports have arrived; tell whether they did in `timeout` seconds."""
        return self._recorder.wait_for_exports(count, timeout)

    def environment(self, *, refresh_token: str | None = None) -> dict[str, str]:
        """Return the variables that point the project here; each call signs in anew."""
        return {
            "CONFLUENCE_MD_API_URL": self.url,
            "CONFLUENCE_MD_AUTH_URL": self.url,
            "CONFLUENCE_MD_CLIENT_ID": self.client_id,
            "CONFLUENCE_MD_CLIENT_SECRET": self.client_secret,
            "CONFLUENCE_MD_REFRESH_TOKEN": refresh_token or self.oauth.issue_refresh_token(),
        }

    def rest_environment(self) -> dict[str, str]:
        """Return the variables with the credentials for Confluence's REST API."""
        token = {"CONFLUENCE_MD_API_TOKEN": self.cloud.api_token}
        if self.cloud.token_kind == "service account":
            return token
        return {"CONFLUENCE_MD_EMAIL": self.cloud.email, **token}

    def clear(self) -> None:
        """Forget the recorded requests and the peak."""
        self._recorder.clear()
