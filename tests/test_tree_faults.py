"""Everything that goes wrong with the export of a tree, in every state of a project."""

from __future__ import annotations

import io
import time
import zipfile
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any, get_args

import pytest

import faults
from forests import ROOT
from mkdocs_confluence_md.auth import make_auth
from mkdocs_confluence_md.cache import ExportCache
from mkdocs_confluence_md.environment import read_environment
from mkdocs_confluence_md.exporter import ApiAddress
from mkdocs_confluence_md.keys import tree_resource
from mkdocs_confluence_md.manifest import TreeManifest, make_digest, write_manifest
from mkdocs_confluence_md.references import TreeRef
from scenes import SITE, make_scene
from standin import PageRecord
from standin.faults import ArchiveFault
from test_faults import (
    BUILT,
    COPIES,
    COPIES_OF,
    FAILS,
    HOST,
    MATRIX,
    MESSAGES,
    NOTHING,
    OPTIONS,
    SAYS_SO,
    WARNS,
    State,
    normalise,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from faults import Fault
    from scenes import Scene
    from standin import StandIn
    from test_faults import Outcome, Said

NAV: list[Any] = [{"Handbook": f"confluence:{ROOT}/"}]
LIVE, COPY = "Roll out the new version", "Roll out as in spring"
URL = f"{SITE}/wiki/pages/viewpage.action?pageId={ROOT}"
DAMAGED: Said = (
    f"The export of the tree of page {ROOT} is no ZIP archive, or is damaged.",
    "Try again later, or export it by hand in Confluence to see whether the app can read it.",
    "",
)
NO_ZIP: Said = (
    f"The answer of {HOST} has no ZIP archive in it.",
    "Try again later, and check for a newer version of mkdocs-confluence-md: the API may have "
    "changed.",
    "",
)
SAID: dict[object, Said] = {fault: said for fault, said in MESSAGES.items()}  # noqa: C416  other keys
SAID |= {
    "truncated": DAMAGED,
    "no-zip": DAMAGED,
    "no-base64": NO_ZIP,
    "refused": (
        f"The app could not export the tree of page {ROOT}, says {HOST}.",
        "Export it by hand in Confluence to see whether the app can read it.",
        "“The export failed”",
    ),
    faults.endless_trickle: (
        f"The answer of {HOST} did not arrive whole within 3 seconds.",
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
# These begin in the middle of a build, and a tree is there at once.
AFTER_A_PAGE = {faults.token_expires, faults.fixed_token_expires, faults.token_is_revoked}
ROWS = [*((row[0], *row[1:5]) for row in MATRIX if row[0] not in AFTER_A_PAGE), *ARCHIVES]
CELLS = [
    pytest.param(fault, state, outcome,
                 id=f"{getattr(fault, '__name__', fault)}-{state.name}".lower())
    for fault, *outcomes in ROWS
    for state, outcome in zip(State, outcomes, strict=True)
]  # fmt: skip


@pytest.fixture
def pages() -> dict[str, str]:
    return {}


@pytest.fixture
def scene(tmp_path: Path, standin: StandIn) -> Iterator[Scene]:
    with ExitStack() as until_the_end:
        scene = make_scene(tmp_path / "project", standin, until_the_end)
        standin.pages.add(
            PageRecord(ROOT, f"# Our handbook\n\n{LIVE}.\n"),
            PageRecord("2", f"# Deploy\n\n{LIVE}.\n", parent=ROOT),
        )
        yield scene


def configure(scene: Scene, **options: object) -> None:
    options = {"site": SITE, "cloud_id": scene.standin.cloud_id, **options}
    scene.project.configure(NAV, options=options)


def keep_copy(scene: Scene) -> None:
    """Keep a copy as an export three hours ago would have, from where the project fetches now."""
    environment = read_environment(scene.project.variables())
    address = ApiAddress(SITE, cloud_id=scene.standin.cloud_id, api_url=environment.api_url)
    three_hours_ago = time.time() - 3 * 3600 - 60
    cache = ExportCache(
        scene.project.root / ".cache/plugin/confluence-md",
        warn=pytest.fail,
        clock=lambda: three_hours_ago,
    )
    pages = f"# Our handbook\n\n{COPY}.\n", f"# Deploy\n\n{COPY}.\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("Our handbook.md", pages[0])
        archive.writestr("Our handbook/Deploy.md", pages[1])
    content = buffer.getvalue()
    with closing(cache):
        cache.keep_files({make_digest(content): content})
        manifest = TreeManifest(make_digest(content), 2, has_attachments=True)
        account = make_auth(environment, site=SITE).account()
        resource = tree_resource(address.make_base_url(), TreeRef(ROOT))
        cache.keep(resource, account, write_manifest(manifest), {})


def happen(scene: Scene, fault: Fault | ArchiveFault) -> None:
    """Let a fault of the exports of pages hit those of trees, too."""
    standin = scene.standin
    if isinstance(fault, str):
        standin.faults.archive_fault = fault
        return
    answer, connection = standin.faults.answer, standin.faults.connection

    def answer_all(*arguments: Any, **fields: Any) -> None:  # noqa: ANN401  as the original
        answer(*arguments, route="bulk", **fields)

    def connection_all(kind: Any) -> None:  # noqa: ANN401  the same
        connection(kind, route="bulk")

    standin.faults.answer = answer_all  # type: ignore[method-assign]
    standin.faults.connection = connection_all  # type: ignore[method-assign, assignment]
    fault(scene)


def report(said: Said) -> str:
    what, remedy, words = said
    lines = ["1 tree could not be fetched from Confluence.", "", f"  {what}", f"  {remedy}"]
    lines += [f"  - “Handbook” (tree of page {ROOT}) {URL}"]
    lines += [f"    {words}"] if words else []
    return "\n".join(lines)


def messages(said: Said, outcome: Outcome) -> str:
    """Return all that a build says, besides its progress."""
    what, remedy, _ = said
    return {
        FAILS: f"ERROR   -  {report(said)}\n\nAborted with a BuildError!",
        WARNS: "WARNING -  confluence-md: 2 of 2 pages from Confluence could not be fetched; "
        f"copies from up to 3 hours ago stand in for them. {what} {remedy}",
        SAYS_SO: f"WARNING -  confluence-md: {report(said)}",
    }.get(outcome, "")


@pytest.mark.parametrize(("fault", "state", "outcome"), CELLS)
def test_fault(scene: Scene, fault: Fault | ArchiveFault, state: State, outcome: Outcome) -> None:
    configure(scene, **OPTIONS.get(state, {}))
    happen(scene, fault)
    if state in COPIES_OF:
        keep_copy(scene)

    built = scene.project.build(strict=False)

    assert normalise(built.messages()) == messages(SAID.get(fault, NOTHING), outcome)
    assert built.exit_code == (1 if outcome is FAILS else 0)
    if outcome is not FAILS:
        sources = {WARNS: COPY, COPIES: COPY, BUILT: LIVE}
        text = sources.get(outcome, f"<strong>Tree of page {ROOT} could not be fetched.</strong>")
        assert text in built.page("handbook")
        assert (built.site_dir / "handbook/deploy").exists() == (outcome is not SAYS_SO)
    if state is State.OFFLINE:
        assert scene.standin.requests == []


def test_all_archive_faults_are_tried() -> None:
    assert [row[0] for row in ARCHIVES] == list(get_args(ArchiveFault))


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_an_answer_takes_no_copy(scene: Scene, status: int) -> None:
    keep_copy(scene)
    configure(scene)
    scene.standin.faults.answer(status, route="bulk")

    built = scene.project.build(strict=False)

    assert built.exit_code == 1
    assert f"  - “Handbook” (tree of page {ROOT}) {URL}" in built.log
    assert "Traceback" not in built.log


def test_offline_without_a_copy(scene: Scene) -> None:
    configure(scene, offline=True)

    built = scene.project.build(strict=False)

    assert built.messages() == messages(
        (
            f"There is no copy of the tree of page {ROOT} in the cache, and `offline` is on.",
            "Build once with the network, or turn the option `offline` (or the environment "
            "variable CONFLUENCE_MD_OFFLINE) off.",
            "",
        ),
        FAILS,
    )
    assert scene.standin.requests == []
