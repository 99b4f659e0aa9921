"""Everything that goes wrong, in every state of a project: what the site is built from.

Each cell of the matrix is a real build. None ends with a traceback, hangs or has an empty page.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from fault_matrix import (
    BUILT,
    COPIES,
    COPIES_OF,
    FAILS,
    MATRIX,
    MESSAGES,
    MID_BUILD,
    NOTHING,
    OPTIONS,
    SAYS_SO,
    WARNS,
    Outcome,
    Said,
    State,
    is_tried,
    normalise,
)
from scenes import BOTH, SITE, keep_copies, make_scene

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from faults import Fault
    from projects import Built
    from scenes import Page, Scene
    from standin import StandIn


CELLS = [
    pytest.param(fault, state, outcome, exports, id=f"{fault.__name__}-{state.name}".lower())
    for fault, *outcomes, exports in MATRIX
    for state, outcome in zip(State, outcomes, strict=True)
    if is_tried(fault, state)
]


@pytest.fixture
def scene(tmp_path: Path, standin: StandIn) -> Iterator[Scene]:
    with ExitStack() as until_the_end:
        yield make_scene(tmp_path / "project", standin, until_the_end)


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
            "fetched; copies from up to 3 hours ago are used instead. "
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
    "The cache has no copy of this page, and `offline` is on.",
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

    assert normalise(built.messages()) == messages(NO_COPY, BOTH, outcome)
    assert built.exit_code == (1 if outcome is FAILS else 0)
    if outcome is SAYS_SO:
        assert [find_source(built, page) for page in BOTH] == ["nothing", "nothing"]
    assert scene.standin.requests == []
