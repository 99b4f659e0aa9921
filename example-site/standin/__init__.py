"""A stand-in for the services the project talks to, for tests and for a site without an account.

One server on loopback answers for the exporter, for Atlassian's OAuth 2.0, for the
site's tenant information, for Confluence Cloud's own REST API and, for other tools, for an older
version of the latter and plain Markdown:

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
from standin.records import Account, PageRecord, SpaceRecord
from standin.server import StandIn

__all__ = [
    "ALL_SCOPES",
    "Account",
    "Answer",
    "Faults",
    "Headers",
    "OAuthService",
    "PageRecord",
    "Pages",
    "RecordedRequest",
    "SpaceRecord",
    "StandIn",
]
