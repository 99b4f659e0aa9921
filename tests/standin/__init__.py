"""A stand-in for the services the project talks to, for tests and for a site without an account.

One server on loopback answers for the exporter, for Atlassian's OAuth 2.0, for the
site's tenant information and, for other tools, for Confluence's own REST API and plain Markdown:

    with StandIn({"1": "# One"}) as standin:
        build(environment=standin.environment())
        assert standin.exports() == ["1"]
"""

from __future__ import annotations

from standin.faults import Faults
from standin.messages import Answer, Headers
from standin.oauth import ALL_SCOPES, OAuthService
from standin.pages import Pages
from standin.recording import RecordedRequest
from standin.server import StandIn

__all__ = [
    "ALL_SCOPES",
    "Answer",
    "Faults",
    "Headers",
    "OAuthService",
    "Pages",
    "RecordedRequest",
    "StandIn",
]
