"""Everything that goes wrong with the export of a tree, in every state of a project."""

from __future__ import annotations

import io
import zipfile
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, get_args

import pytest

import faults
from fault_matrix import (
    ARCHIVE_CELLS,
    ARCHIVES,
    BUILT,
    COPIES,
    COPIES_OF,
    FAILS,
    MESSAGES,
    MID_BUILD,
    NOTHING,
    OPTIONS,
    SAID_OF_TREES,
    SAYS_SO,
    WARNS,
    State,
    normalise,
)
from forests import ROOT
from mkdocs_confluence_md.cache.records import TreeManifest, tree_resource, write_manifest
from mkdocs_confluence_md.confluence.refs import TreeRef
from mkdocs_confluence_md.network.spooling import make_digest
from scenes import SITE, fill_cache, make_scene
from standin import PageRecord
from standin.faults import ArchiveFault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fault_matrix import Outcome, Said
    from faults import Fault
    from projects import Built
    from scenes import Scene
    from standin import StandIn

OTHER = "20"
NAV: list[Any] = [{"Handbook": f"confluence:{ROOT}/"}]
TWO: list[Any] = [*NAV, {"Wiki": f"confluence:{OTHER}/"}]
TITLES = {ROOT: "Handbook", OTHER: "Wiki"}
LIVE, COPY = "Roll out the new version", "Roll out as in spring"
URL = f"{SITE}/wiki/pages/viewpage.action?pageId="


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
            PageRecord(OTHER, f"# Wiki\n\n{LIVE}.\n"),
            PageRecord("21", f"# Deploy\n\n{LIVE}.\n", parent=OTHER),
        )
        yield scene


def configure(scene: Scene, nav: list[Any] = NAV, **options: object) -> None:
    options = {"site": SITE, "cloud_id": scene.standin.cloud_id, **options}
    scene.project.configure(nav, options=options)


def keep_copies(scene: Scene) -> None:
    """Keep copies as exports three hours ago would have."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("Our pages.md", f"# Our pages\n\n{COPY}.\n")
        archive.writestr("Our pages/Deploy.md", f"# Deploy\n\n{COPY}.\n")
    content = buffer.getvalue()
    with fill_cache(scene.project) as shelf:
        shelf.cache.keep_files({make_digest(content): content})
        manifest = TreeManifest(make_digest(content), 2, has_attachments=True)
        for root in TITLES:
            shelf.keep(tree_resource(shelf.base_url, TreeRef(root)), write_manifest(manifest))


def report(said: Said, root: str = ROOT) -> str:
    what, remedy, words = said
    lines = ["1 tree could not be fetched from Confluence.", "", f"  {what}", f"  {remedy}"]
    lines += [f"  - “{TITLES[root]}” (tree of page {root}) {URL}{root}"]
    lines += [f"    {words}"] if words else []
    return "\n".join(lines)


def messages(said: Said, outcome: Outcome, root: str = ROOT) -> str:
    """Return all that a build says, besides its progress."""
    what, remedy, _ = said
    return {
        FAILS: f"ERROR   -  {report(said, root)}\n\nAborted with a BuildError!",
        WARNS: "WARNING -  confluence-md: 2 of 2 pages from Confluence could not be fetched; "
        f"copies from up to 3 hours ago are used instead. {what} {remedy}",
        SAYS_SO: f"WARNING -  confluence-md: {report(said, root)}",
    }.get(outcome, "")


SOURCES = {
    WARNS: COPY,
    COPIES: COPY,
    BUILT: LIVE,
    SAYS_SO: "<strong>Tree of page {} could not be fetched.</strong>",
}


def check_pages(built: Built, outcome: Outcome, root: str = ROOT) -> None:
    """Check that a tree is there, from where it should be."""
    folder = TITLES[root].lower()
    assert SOURCES[outcome].format(root) in built.page(folder)
    assert (built.site_dir / folder / "deploy").exists() == (outcome is not SAYS_SO)


@pytest.mark.parametrize(
    ("fault", "state", "outcome"),
    [cell for cell in ARCHIVE_CELLS if cell.values[0] not in MID_BUILD],
)
def test_fault(scene: Scene, fault: Fault | ArchiveFault, state: State, outcome: Outcome) -> None:
    configure(scene, NAV, **OPTIONS.get(state, {}))
    faults.hit_archives(scene, fault)
    if state in COPIES_OF:
        keep_copies(scene)

    built = scene.project.build(strict=False)

    assert normalise(built.messages()) == messages(SAID_OF_TREES.get(fault, NOTHING), outcome)
    assert built.exit_code == (1 if outcome is FAILS else 0)
    if outcome is not FAILS:
        check_pages(built, outcome)
    if state is State.OFFLINE:
        assert scene.standin.requests == []


@pytest.mark.parametrize(
    ("fault", "state", "outcome"), [cell for cell in ARCHIVE_CELLS if cell.values[0] in MID_BUILD]
)
def test_a_fault_between_two_trees(
    scene: Scene, fault: Fault, state: State, outcome: Outcome
) -> None:
    # One connection, so that only one of them can escape it.
    configure(scene, TWO, concurrency=1, **OPTIONS.get(state, {}))
    fault(scene)
    if state in COPIES_OF:
        keep_copies(scene)

    built = scene.project.build(strict=False)

    escaped = scene.standin.tree_exports()[:1]
    hit = next(root for root in TITLES if root not in escaped)
    assert normalise(built.messages()) == messages(MESSAGES.get(fault, NOTHING), outcome, hit)
    assert built.exit_code == (1 if outcome is FAILS else 0)
    if outcome is not FAILS:
        for root in TITLES:
            check_pages(built, BUILT if root in escaped else outcome, root)


def test_all_archive_faults_are_tried() -> None:
    assert [row[0] for row in ARCHIVES] == list(get_args(ArchiveFault))


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_an_answer_takes_no_copy(scene: Scene, status: int) -> None:
    keep_copies(scene)
    configure(scene)
    scene.standin.faults.answer(status, route="bulk")

    built = scene.project.build(strict=False)

    assert built.exit_code == 1
    assert f"  - “Handbook” (tree of page {ROOT}) {URL}{ROOT}" in normalise(built.log)
    assert "Traceback" not in built.log


def test_offline_without_a_copy(scene: Scene) -> None:
    configure(scene, offline=True)

    built = scene.project.build(strict=False)

    assert normalise(built.messages()) == messages(
        (
            f"The cache has no copy of the tree of page {ROOT}, and `offline` is on.",
            "Build once with the network, or turn the option `offline` (or the environment "
            "variable CONFLUENCE_MD_OFFLINE) off.",
            "",
        ),
        FAILS,
    )
    assert scene.standin.requests == []
