"""Everything that goes wrong, in every state of a project: what the site is built from.

Each cell of the matrix is a real build. None ends with a traceback, hangs or has an empty page.
"""

from __future__ import annotations

import re
from contextlib import ExitStack
from enum import Enum
from typing import TYPE_CHECKING

import pytest

import faults
from scenes import BOTH, SITE, keep_copies, make_scene

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from faults import Fault
    from projects import Built
    from scenes import Page, Scene
    from standin import StandIn


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
    faults.tls_failure: (f"{HOST} cannot be reached: [SSL: REASON].", check_network(HOST), ""),
    faults.untrusted_certificate: (
        f"{HOST} shows a certificate that this machine does not trust.",
        "If your network looks into TLS, name the file of its certificate authority in the "
        "environment variable SSL_CERT_FILE.",
        "",
    ),
    faults.hang_at_connect: (f"{HOST} did not answer within 0.5 seconds.", LATER, ""),
    faults.hang_in_body: (f"{HOST} did not answer within 0.5 seconds.", LATER, ""),
    faults.endless_trickle: (
        f"The answer of {HOST} did not arrive whole within 1 seconds.", LATER, ""
    ),
    faults.reset_in_body: (
        f"The answer of {HOST} did not arrive whole: [Errno 104] Connection reset by peer.",
        NETWORK,
        "",
    ),
    faults.short_body: (
        f"The answer of {HOST} did not arrive whole: peer closed connection without sending "
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
        f"The answer of {HOST} is larger than 16 MB.", "Divide the page in Confluence.", ""
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

CELLS = [
    pytest.param(fault, state, outcome, exports, id=f"{fault.__name__}-{state.name}".lower())
    for fault, *outcomes, exports in MATRIX
    for state, outcome in zip(State, outcomes, strict=True)
]


@pytest.fixture
def scene(tmp_path: Path, standin: StandIn) -> Iterator[Scene]:
    with ExitStack() as until_the_end:
        yield make_scene(tmp_path / "project", standin, until_the_end)


def normalise(text: str) -> str:
    """Replace what is another one each time, on each machine or with each OpenSSL."""
    for pattern, word in (
        (r"127\.0\.0\.1:[0-9]+", HOST),
        (r"\s*\[atl-traceid: [0-9a-f]+\]", ""),
        (r"\[SSL: [A-Z_]+\] [a-z ]+", "[SSL: REASON]"),
        (r"\[Errno -[0-9]+\] [A-Z][a-z ]+", "[Errno DNS] NO SUCH NAME"),
    ):
        text = re.sub(pattern, word, text)
    return text


def report(pages: Sequence[Page], said: Said) -> str:
    """Return the report of pages that could not be fetched."""
    what, remedy, words = said
    count = "1 page" if len(pages) == 1 else f"{len(pages)} pages"
    lines = [f"{count} could not be fetched from Confluence.", "", f"  {what}", f"  {remedy}"]
    for page in pages:
        url = f"{SITE}/wiki/pages/viewpage.action?pageId={page.page_id}"
        lines += [f"  - “{page.title}” (page {page.page_id}) {url}", f"    {words}"]
    return "\n".join(lines if words else [line for line in lines if line != "    "])


def messages(said: Said, hit: Sequence[Page], outcome: Outcome) -> str:
    """Return all that a build says, besides its progress."""
    if outcome is FAILS:
        head = f"ERROR   -  Error reading page '{hit[0].path}.md':\nERROR   -  "
        return f"{head}{report(hit, said)}\n\nAborted with a BuildError!"
    if outcome is WARNS:
        what, remedy, _ = said
        return (
            f"WARNING -  confluence-md: {len(hit)} of 2 pages from Confluence could not be "
            "fetched; copies from up to 3 hours ago stand in for them. "
            f"{what} {remedy}"
        )
    if outcome is SAYS_SO:
        return f"WARNING -  confluence-md: {report(hit, said)}"
    return ""


def find_source(built: Built, page: Page) -> str:
    """Tell what a page was built from."""
    html = built.page(page.path)
    sources = {
        "Confluence": page.live,
        "a copy": page.copy,
        "nothing": f"<strong>Page {page.page_id} could not be fetched.</strong>",
    }
    found = [source for source, text in sources.items() if text in html]
    assert len(found) == 1, html
    return found[0]


SOURCES = {WARNS: "a copy", COPIES: "a copy", BUILT: "Confluence", SAYS_SO: "nothing"}


@pytest.mark.parametrize(("fault", "state", "outcome", "exports"), CELLS)
def test_fault(scene: Scene, fault: Fault, state: State, outcome: Outcome, exports: int) -> None:
    # One connection, so that only one page can escape a fault in the middle of a build.
    scene.configure(concurrency=1, **OPTIONS.get(state, {}))
    fault(scene)
    if state in COPIES_OF:
        keep_copies(scene.project)

    built = scene.project.build(strict=False)

    exported = scene.standin.exports()
    escaped = exported[:1] if fault in MID_BUILD else []
    hit = [page for page in BOTH if page.page_id not in escaped]
    assert normalise(built.messages()) == messages(MESSAGES.get(fault, NOTHING), hit, outcome)
    assert built.exit_code == (1 if outcome is FAILS else 0)
    if outcome is not FAILS:
        assert {page.title: find_source(built, page) for page in BOTH} == {
            page.title: SOURCES[outcome] if page in hit else "Confluence" for page in BOTH
        }
    assert len(exported) <= exports
    if state is State.OFFLINE:
        assert scene.standin.requests == []


NO_COPY = (
    "There is no copy of this page in the cache, and `offline` is on.",
    "Build once with the network, or turn the option `offline` (or the environment variable "
    "CONFLUENCE_MD_OFFLINE) off.",
    "",
)


@pytest.mark.parametrize(
    ("options", "outcome"), [({}, FAILS), ({"on_error": "placeholder"}, SAYS_SO)]
)
def test_offline_without_copies(scene: Scene, options: dict[str, object], outcome: Outcome) -> None:
    scene.configure(offline=True, **options)

    built = scene.project.build(strict=False)

    assert built.messages() == messages(NO_COPY, BOTH, outcome)
    assert built.exit_code == (1 if outcome is FAILS else 0)
    if outcome is SAYS_SO:
        assert [find_source(built, page) for page in BOTH] == ["nothing", "nothing"]
    assert scene.standin.requests == []
