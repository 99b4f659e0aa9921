"""Which request is answered by what."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from standin import consent, exporter
from standin.messages import Answer, json_answer
from standin.oauth import OAuthError

if TYPE_CHECKING:
    from collections.abc import Callable

    from standin.faults import ConnectionFault, Faults, Route
    from standin.messages import Request
    from standin.oauth import OAuthService
    from standin.recording import Recorder


@dataclass
class Services:
    """All services behind the one server."""

    cloud_id: str
    exporter: exporter.Exporter
    oauth: OAuthService
    faults: Faults
    recorder: Recorder

    def __post_init__(self) -> None:
        """Draw up the table of routes."""
        self.stopping = threading.Event()
        self._controls: dict[tuple[str, str], Callable[[], Answer]] = {
            ("GET", "/_standin/stats"): self._stats,
            ("POST", "/_standin/clear"): self._clear,
        }
        self._routes: dict[tuple[str, str], tuple[Route, Callable[[Request], Answer]]] = {
            ("GET", "/_edge/tenant_info"): ("tenant_info", self._tenant_info),
            ("GET", "/authorize"): ("authorize", self._show_consent),
            ("POST", "/authorize"): ("authorize", self._decide_consent),
            ("POST", "/oauth/token"): ("token", self._token),
        }

    def control(self, request: Request) -> Answer | None:
        """Answer a request that is about the stand-in itself; None for all others."""
        action = self._controls.get((request.method, request.path))
        return action() if action else None

    def respond(self, request: Request) -> tuple[Answer, ConnectionFault | None]:
        """Return the answer, and what is to happen to it on the wire."""
        route, action = self._find(request)
        page_id = exporter.requested_page(request) if route in {"export", "bulk"} else ""
        effect = self.faults.take(route, page_id)
        answer = effect if isinstance(effect, Answer) else action(request)
        if route == "export":
            self.faults.wait(page_id, self.stopping)
        return answer, None if isinstance(effect, Answer) else effect

    def stop_waiting(self) -> None:
        """Let all requests that take their time come to an end."""
        self.stopping.set()
        self.faults.release()

    def _find(self, request: Request) -> tuple[Route, Callable[[Request], Answer]]:
        if route := exporter.find_route(request):
            return route, self.exporter.export
        return self._routes.get((request.method, request.path), ("unknown", _not_found))

    def _tenant_info(self, _request: Request) -> Answer:
        return json_answer(200, {"cloudId": self.cloud_id})

    def _show_consent(self, request: Request) -> Answer:
        return consent.show_consent(self.oauth, request.query_fields())

    def _decide_consent(self, request: Request) -> Answer:
        return consent.decide_consent(self.oauth, request.form_fields())

    def _token(self, request: Request) -> Answer:
        try:
            return json_answer(200, _grant(self.oauth, request))
        except OAuthError as error:
            content = {"error": error.error, "error_description": error.description}
            return json_answer(error.status, content)

    def _stats(self) -> Answer:
        tokens = {"refreshes": self.oauth.refreshes, "reuses": self.oauth.reuses}
        return json_answer(200, {**self.recorder.stats(), **tokens})

    def _clear(self) -> Answer:
        self.recorder.clear()
        return json_answer(200, {})


def _grant(oauth: OAuthService, request: Request) -> dict[str, object]:
    content = request.json()
    if content is None:
        raise OAuthError(400, "invalid_request", "The body is not a JSON object.")
    fields = {name: str(value) for name, value in content.items()}
    client = fields.get("client_id"), fields.get("client_secret")
    if client != (oauth.client_id, oauth.client_secret):
        raise OAuthError(401, "access_denied", "Unauthorized")
    if fields.get("grant_type") == "authorization_code":
        return oauth.redeem_code(fields.get("code", ""), fields.get("redirect_uri", ""))
    if fields.get("grant_type") == "refresh_token":
        return oauth.refresh(fields.get("refresh_token", ""))
    raise OAuthError(400, "unsupported_grant_type", "The grant type is not supported.")


def _not_found(request: Request) -> Answer:
    return json_answer(404, {"code": 404, "message": f"No route for {request.path}"})
