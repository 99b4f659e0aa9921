"""The matrix of faults: what becomes of a page in each state of a project, and what is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import faults
from forests import ROOT

if TYPE_CHECKING:
    from faults import Fault
    from standin.faults import ArchiveFault


import re
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faults import Fault


class State(Enum):
    """What a project has when something goes wrong."""

    COLD = "nothing in the cache"
    STALE = "copies that are three hours old"
    OFFLINE = "the same copies, and the option `offline`"
    PLACEHOLDER = "nothing in the cache, and `on_error: placeholder`"


OPTIONS: dict[State, dict[str, object]] = {
    State.OFFLINE: {"offline": True},
    State.PLACEHOLDER: {"on_error": "placeholder"},
}

COPIES_OF = {State.STALE, State.OFFLINE}


class Outcome(Enum):
    """What becomes of the pages that the fault hits."""

    FAILS = "exit code 1, and one error that names them all"
    WARNS = "built from copies, and one warning"
    COPIES = "built from copies, without a request and without a word"
    BUILT = "built from Confluence, without a word"
    SAYS_SO = "pages that say that they could not be fetched, and one warning that names them all"


FAILS, WARNS, COPIES, BUILT, SAYS_SO = Outcome

# `exports` is the largest number that may arrive for both pages: nobody is asked again and again.
# After a 429 there is a pause of at least a quarter of a second, then of half a second each time,
# so that the second that a page is given here has room for four of its own.
MATRIX = [
    # fault                          cold    stale copy  offline  placeholder  exports
    (faults.refused,                FAILS,  WARNS,      COPIES,  SAYS_SO,     0),
    (faults.dns_failure,            FAILS,  WARNS,      COPIES,  SAYS_SO,     0),
    (faults.tls_failure,            FAILS,  WARNS,      COPIES,  SAYS_SO,     0),
    (faults.untrusted_certificate,  FAILS,  WARNS,      COPIES,  SAYS_SO,     0),
    (faults.hang_at_connect,        FAILS,  WARNS,      COPIES,  SAYS_SO,     0),
    (faults.hang_in_body,           FAILS,  WARNS,      COPIES,  SAYS_SO,     4),
    (faults.endless_trickle,        FAILS,  WARNS,      COPIES,  SAYS_SO,     4),
    (faults.reset_in_body,          FAILS,  WARNS,      COPIES,  SAYS_SO,     10),
    (faults.short_body,             FAILS,  WARNS,      COPIES,  SAYS_SO,     10),
    (faults.web_page,               FAILS,  WARNS,      COPIES,  SAYS_SO,     2),
    (faults.picture,                FAILS,  WARNS,      COPIES,  SAYS_SO,     2),
    (faults.empty_body,             FAILS,  WARNS,      COPIES,  SAYS_SO,     2),
    (faults.body_of_20_megabytes,   FAILS,  WARNS,      COPIES,  SAYS_SO,     2),
    (faults.invalid_utf8,           FAILS,  WARNS,      COPIES,  SAYS_SO,     2),
    (faults.throttled,              FAILS,  WARNS,      COPIES,  SAYS_SO,     8),
    (faults.throttled_for_a_second, FAILS,  WARNS,      COPIES,  SAYS_SO,     1),
    (faults.throttled_for_an_hour,  FAILS,  WARNS,      COPIES,  SAYS_SO,     1),
    (faults.status_500,             FAILS,  WARNS,      COPIES,  SAYS_SO,     2),
    (faults.status_502,             FAILS,  WARNS,      COPIES,  SAYS_SO,     10),
    (faults.status_503,             FAILS,  WARNS,      COPIES,  SAYS_SO,     10),
    (faults.status_504,             FAILS,  WARNS,      COPIES,  SAYS_SO,     10),
    (faults.token_expires,          BUILT,  BUILT,      COPIES,  BUILT,       3),
    (faults.fixed_token_expires,    FAILS,  FAILS,      COPIES,  SAYS_SO,     2),
    (faults.token_is_revoked,       FAILS,  FAILS,      COPIES,  SAYS_SO,     2),
]  # fmt: skip

# Whichever page is exported first escapes these.
MID_BUILD = {faults.token_expires, faults.fixed_token_expires, faults.token_is_revoked}

HOST = "127.0.0.1:PORT"

STATUS_PAGE = "https://status.atlassian.com says whether it is a known problem."

LATER = f"Try again later; {STATUS_PAGE}"

NETWORK = f"Check the network and the proxy settings; {STATUS_PAGE}"


def check_network(name: str) -> str:
    return f"Check the network, the proxy settings and the name {name}."


# What is said of each fault: what happened, what to do, and the service's own words.
Said = tuple[str, str, str]

NOTHING: Said = "", "", ""

MESSAGES: dict[Fault, Said] = {
    faults.refused: (
        f"{HOST} cannot be reached: [Errno 111] Connection refused.", check_network(HOST), ""
    ),
    faults.dns_failure: (
        "confluence.invalid cannot be reached: [Errno DNS] NO SUCH NAME.",
        check_network("confluence.invalid"),
        "",
    ),
    faults.tls_failure: (
        f"{HOST} does not use https on this port.",
        "Correct the port of the address, or write http:// if it is one of this machine.",
        "",
    ),
    faults.untrusted_certificate: (
        f"{HOST} shows a certificate that this machine does not trust.",
        "If a proxy in your network decrypts TLS, set the environment variable SSL_CERT_FILE to "
        "the file of its certificate authority.",
        "",
    ),
    faults.hang_at_connect: (f"{HOST} did not answer within 0.5 seconds.", LATER, ""),
    faults.hang_in_body: (f"{HOST} did not answer within 0.5 seconds.", LATER, ""),
    faults.endless_trickle: (
        f"The answer of {HOST} did not arrive completely within 1 seconds.", LATER, ""
    ),
    faults.reset_in_body: (
        f"The answer of {HOST} did not arrive completely: [Errno 104] Connection reset by peer.",
        NETWORK,
        "",
    ),
    faults.short_body: (
        f"The answer of {HOST} did not arrive completely: peer closed connection without sending "
        "complete message body.",
        NETWORK,
        "",
    ),
    faults.web_page: (
        f"{HOST} answered with a web page instead of Markdown.",
        "Check the options `site` and `base_url`; a proxy may also want you to log in.",
        "",
    ),
    faults.picture: (
        f"The answer of {HOST} is not readable text.",
        "Try again later, or report the trace ID to the app's support.",
        "",
    ),
    faults.invalid_utf8: (
        f"The answer of {HOST} is not readable text.",
        "Try again later, or report the trace ID to the app's support.",
        "",
    ),
    faults.empty_body: (
        f"The answer of {HOST} is empty.",
        "Try again later; a page that really is empty needs some text in Confluence.",
        "",
    ),
    faults.body_of_20_megabytes: (
        f"The answer of {HOST} is larger than 16 MB.", "Split the page in Confluence.", ""
    ),
    faults.throttled: (
        f"{HOST} receives too many requests (429).",
        "Try again later; a longer `max_age` or a lower `concurrency` asks for less.",
        "“Too Many Requests”",
    ),
    faults.throttled_for_a_second: (
        f"{HOST} receives too many requests and asks to wait 1 second (429).",
        "Try again later; a longer `max_age` or a lower `concurrency` asks for less.",
        "“Too Many Requests”",
    ),
    faults.throttled_for_an_hour: (
        f"{HOST} receives too many requests and asks to wait 3600 seconds (429).",
        "Try again later; a longer `max_age` or a lower `concurrency` asks for less.",
        "“Too Many Requests”",
    ),
    faults.status_500: (
        f"{HOST} failed to answer (500).", LATER, "“Internal Server Error”"
    ),
    faults.status_502: (f"{HOST} failed to answer (502).", LATER, "“Bad Gateway”"),
    faults.status_503: (f"{HOST} failed to answer (503).", LATER, "“Service Unavailable”"),
    faults.status_504: (f"{HOST} failed to answer (504).", LATER, "“Gateway Timeout”"),
    faults.fixed_token_expires: (
        f"The access token has expired or was revoked ({HOST} answers 401).",
        "Get a new one and put it into CONFLUENCE_MD_ACCESS_TOKEN, or sign in again.",
        "“Unauthorized”",
    ),
    faults.token_is_revoked: (
        f"The refresh token is no longer valid, says the authorization server {HOST} "
        "(403 invalid_grant).",
        "Sign in again: confluence-md login --site acme.atlassian.net",
        "",
    ),
}  # fmt: skip


def is_in_one_state(fault: object) -> bool:
    """Return True for faults that are tried where all others would only repeat a row."""
    return isinstance(fault, str) or fault in {faults.refused, faults.status_503, *MID_BUILD}


def is_tried(fault: object, state: State) -> bool:
    """Return True if a cell is a build: offline no request is sent, so few faults are enough."""
    return state is not State.OFFLINE or is_in_one_state(fault)


def normalise(text: str) -> str:
    """Replace what is another one each time, on each machine or with each OpenSSL."""
    for pattern, word in (
        (r"127\.0\.0\.1:[0-9]+", HOST),
        (r"\s*\[atl-traceid: [0-9a-f]+\]", ""),
        (r"\[SSL: [A-Z_]+\] [a-z ]+", "[SSL: REASON]"),
        (r"mkdocs\.yml:[0-9]+: ", ""),
        (r"\[Errno -[0-9]+\] [A-Z][a-z ]+", "[Errno DNS] NO SUCH NAME"),
    ):
        text = re.sub(pattern, word, text)
    return text


DAMAGED_TREE: Said = (
    f"The export of the tree of page {ROOT} is not a ZIP archive, or is damaged.",
    "Try again later, or export it by hand in Confluence to see whether the app can read it.",
    "",
)

NO_ZIP: Said = (
    f"The answer of {HOST} has no ZIP archive in it.",
    "Try again later, and check for a newer version of mkdocs-confluence-md: the API may have "
    "changed.",
    "",
)

SAID_OF_TREES: dict[object, Said] = {fault: said for fault, said in MESSAGES.items()}  # noqa: C416  other keys

SAID_OF_TREES |= {
    "truncated": DAMAGED_TREE,
    "no-zip": DAMAGED_TREE,
    "no-base64": NO_ZIP,
    "refused": (
        f"The app could not export the tree of page {ROOT}, says {HOST}.",
        "Export it by hand in Confluence to see whether the app can read it.",
        "“The export failed”",
    ),
    faults.endless_trickle: (
        f"The answer of {HOST} did not arrive completely within 3 seconds.",
        MESSAGES[faults.endless_trickle][1],
        "",
    ),
    faults.web_page: (
        f"{HOST} answered with a web page instead of an export.",
        "Check the options `site` and `base_url`; a proxy may also want you to log in.",
        "",
    ),
    # These are not Markdown to begin with.
    faults.picture: NO_ZIP,
    faults.empty_body: NO_ZIP,
    faults.invalid_utf8: NO_ZIP,
    faults.body_of_20_megabytes: NO_ZIP,
}

# What is refused is an answer, so no copy stands in.
ARCHIVES: list[tuple[Fault | ArchiveFault, Outcome, Outcome, Outcome, Outcome]] = [
    ("truncated", FAILS, WARNS, COPIES, SAYS_SO),
    ("no-zip", FAILS, WARNS, COPIES, SAYS_SO),
    ("no-base64", FAILS, WARNS, COPIES, SAYS_SO),
    ("refused", FAILS, FAILS, COPIES, SAYS_SO),
]

_ROWS = [*((row[0], *row[1:5]) for row in MATRIX), *ARCHIVES]

ARCHIVE_CELLS = [
    pytest.param(
        fault, state, outcome, id=f"{getattr(fault, '__name__', fault)}-{state.name}".lower()
    )
    for fault, *outcomes in _ROWS
    for state, outcome in zip(State, outcomes, strict=True)
    if is_tried(fault, state) and (state is not State.PLACEHOLDER or is_in_one_state(fault))
]
