"""The stand-in for Confluence in a process of its own, so that it shares no interpreter with us."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Self

ROOT = Path(__file__).resolve().parent.parent


class Confluence:
    """A running stand-in that serves a folder of pages, as a context manager."""

    def __init__(self, folder: Path) -> None:
        """Serve the files `{id}.md` in `folder`."""
        command = [sys.executable, "-m", "standin", str(folder), "--port", "0"]
        self._process = subprocess.Popen(
            command, cwd=ROOT / "example-site", stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        announcement = json.loads(self._process.stdout.readline())
        self.url: str = announcement["url"]
        self.variables: dict[str, str] = announcement["environment"]
        """The environment that points the plugin here, signed in."""
        self.rest_variables: dict[str, str] = announcement["rest_environment"]
        """The credentials for Confluence's own REST API."""
        self._client = httpx.Client(base_url=self.url, trust_env=False, timeout=60)

    def __enter__(self) -> Self:
        """Do nothing: the process runs already."""
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()

    def warm_up(self, page_ids: Iterable[str]) -> None:
        """Let it render all pages, which takes its time only once."""
        for page_id in page_ids:
            self._client.get(f"/rest/api/content/{page_id}?expand=body.view").raise_for_status()

    def set_faults(self, **faults: object) -> None:
        """Put these faults in place of those before."""
        if self.is_running():
            self._client.post("/_standin/faults", json=faults).raise_for_status()

    def forget(self) -> None:
        """Begin to count anew."""
        if self.is_running():
            self._client.post("/_standin/clear").raise_for_status()

    def stats(self) -> dict[str, Any]:
        """Return the figures since `forget`; of a server that is down, that there was nothing."""
        if not self.is_running():
            return {"requests": 0, "peak_requests": 0}
        statistics: dict[str, Any] = self._client.get("/_standin/stats").json()
        return statistics

    def is_running(self) -> bool:
        """Tell whether anybody would answer."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End the process, if it runs; nobody answers at its address from now on."""
        self._client.close()
        self._process.terminate()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
