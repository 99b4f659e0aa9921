"""Which request is answered by what."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from standin import cloud, consent, control, exporter, plain, rest
from standin.messages import Answer, json_answer
from standin.oauth import OAuthError

if TYPE_CHECKING:
    from collections.abc import Callable

    from standin.faults import ConnectionFault, Faults, Route
    from standin.messages import Request
    from standin.oauth import OAuthService
    from standin.pages import Pages
    from standin.recording import Recorder


@dataclass
class Services:
    """All services behind the one server."""

    cloud_id: str
    exporter: exporter.Exporter
    rest: rest.ConfluenceRest
    cloud: cloud.ConfluenceCloud
    pages: Pages
    plain: plain.PlainPages
    oauth: OAuthService
    faults: Faults
    recorder: Recorder

    def __post_init__(self) -> None:
        """Draw up the table of routes."""
        self.stopping = threading.Event()
        self._controls: dict[tuple[str, str], Callable[[Request], Answer]] = {
            ("GET", "/_standin/stats"): self._stats,
            ("POST", "/_standin/clear"): self._clear,
            ("POST", "/_standin/faults"): self._set_faults,
            ("POST", "/_standin/pages"): self._change_page,
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
        return action(request) if action else None

    def respond(self, request: Request) -> tuple[Answer, ConnectionFault | None]:
        """Return the answer, and what is to happen to it on the wire."""
        route, action = self._find(request)
        page_id = requested_page(request)
        effect = self.faults.take(route, page_id)
        answer = effect if isinstance(effect, Answer) else action(request)
        self.faults.wait(route, page_id, self.stopping)
        if route in exporter.ROUTES and answer.status == HTTPStatus.OK:
            self.faults.count_export()
        return answer, None if isinstance(effect, Answer) else effect

    def stop_waiting(self) -> None:
        """Let all requests that take their time come to an end."""
        self.stopping.set()
        self.faults.release()

    def _find(self, request: Request) -> tuple[Route, Callable[[Request], Answer]]:
        if route := exporter.find_route(request):
            return route, self.exporter.export
        if rest.is_rest(request):
            return "content" if rest.requested_content(request) else "rest", self.rest.answer
        if cloud.is_cloud(request):
            return cloud.find_route(request), self.cloud.answer
        if plain.requested_markdown(request):
            return "markdown", self.plain.answer
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

    def _stats(self, _request: Request) -> Answer:
        tokens = {"refreshes": self.oauth.refreshes, "reuses": self.oauth.reuses}
        return json_answer(200, {**self.recorder.stats(), **tokens})

    def _clear(self, _request: Request) -> Answer:
        self.recorder.clear()
        return json_answer(200, {})

    def _set_faults(self, request: Request) -> Answer:
        try:
            control.set_faults(self.faults, request.json() or {})
        except (TypeError, ValueError) as error:
            return json_answer(400, {"code": 400, "message": str(error)})
        return json_answer(200, {})

    def _change_page(self, request: Request) -> Answer:
        try:
            control.change_page(self.pages, request.json() or {})
        except (TypeError, KeyError) as error:
            return json_answer(400, {"code": 400, "message": str(error)})
        return json_answer(200, {})


def requested_page(request: Request) -> str:
    """Return the ID of the page whose text or files are asked for, or an empty string."""
    if exporter.find_route(request):
        return exporter.requested_page(request)
    if cloud.is_cloud(request):
        return cloud.requested_page(request)
    return rest.requested_content(request) or plain.requested_markdown(request)


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
