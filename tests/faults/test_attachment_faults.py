"""Everything that goes wrong with the attachments of a page that is there, in every state."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

import faults
from fault_matrix import (
    ARCHIVE_CELLS,
    BUILT,
    COPIES,
    COPIES_OF,
    FAILS,
    HOST,
    MID_BUILD,
    NOTHING,
    OPTIONS,
    SAID_OF_TREES,
    SAYS_SO,
    WARNS,
    Outcome,
    State,
    normalise,
)
from mkdocs_confluence_md.cache.records import (
    AttachmentManifest,
    KeptFile,
    attachments_resource,
    page_resource,
    write_manifest,
)
from mkdocs_confluence_md.network.spooling import make_digest
from scenes import CLOUD_ID, DEPLOY, SITE, fill_cache, make_scene

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fault_matrix import Said
    from faults import Fault
    from scenes import Scene
    from standin import StandIn
    from standin.faults import ArchiveFault

PAGE = "# Deploy\n\n![Plan](plan.png)\n"
LIVE, COPY = b"the new plan", b"the plan of spring"
DAMAGED: Said = (
    "The export of the page's attachments is not a ZIP archive, or is damaged.",
    "Try again later, or export the page by hand in Confluence to see whether the app can read it.",
    "",
)
SAID: dict[object, Said] = SAID_OF_TREES | {
    "truncated": DAMAGED,
    "no-zip": DAMAGED,
    "refused": (
        f"The app could not export the page's attachments, says {HOST}.",
        "Export it by hand in Confluence to see whether the app can read it.",
        "",
    ),
}
# A page without its picture is a page: neither a failure of the build, nor a placeholder.
SOURCES = {WARNS: COPY, COPIES: COPY, BUILT: LIVE, FAILS: None, SAYS_SO: None}


@pytest.fixture
def pages() -> dict[str, str]:
    return {DEPLOY.page_id: PAGE}


@pytest.fixture
def scene(tmp_path: Path, standin: StandIn) -> Iterator[Scene]:
    standin.pages.attachments[DEPLOY.page_id] = {"plan.png": LIVE}
    with ExitStack() as until_the_end:
        yield make_scene(tmp_path / "project", standin, until_the_end)


def keep_page(scene: Scene) -> None:
    """Keep the page as a build a minute ago would have."""
    with fill_cache(scene.project, age=60) as shelf:
        shelf.keep(page_resource(shelf.base_url, DEPLOY.page_id), PAGE)


def keep_picture(scene: Scene) -> None:
    """Keep its picture as a build three hours ago would have."""
    digest = make_digest(COPY)
    manifest = AttachmentManifest({"plan.png": KeptFile("plan.png", digest, len(COPY))})
    with fill_cache(scene.project) as shelf:
        shelf.cache.keep_files({digest: COPY})
        shelf.keep(attachments_resource(shelf.base_url, DEPLOY.page_id), write_manifest(manifest))


def messages(said: Said, outcome: Outcome) -> str:
    """Return all that a build says, besides its progress."""
    what, remedy, _ = said
    missing = (
        "WARNING -  confluence-md: “Deploy” (page 101) refers to attachments that could not be "
        f"fetched: plan.png. Readers see the names of pictures instead. {what} {remedy}"
    )
    return {
        FAILS: missing,
        SAYS_SO: missing,
        WARNS: "WARNING -  confluence-md: The attachments of 1 page could not be fetched; copies "
        f"from up to 3 hours ago are used instead. {what} {remedy}",
    }.get(outcome, "")


@pytest.mark.parametrize(("fault", "state", "outcome"), ARCHIVE_CELLS)
def test_fault(scene: Scene, fault: Fault | ArchiveFault, state: State, outcome: Outcome) -> None:
    nav = [{DEPLOY.title: f"confluence:{DEPLOY.page_id}"}]
    scene.project.configure(nav, site=SITE, cloud_id=CLOUD_ID, options=OPTIONS.get(state, {}))
    faults.hit_archives(scene, fault)
    # What begins in the middle of a build begins when the page has been exported.
    if state is State.OFFLINE or fault not in MID_BUILD:
        keep_page(scene)
    if state in COPIES_OF:
        keep_picture(scene)

    built = scene.project.build(strict=False)

    assert normalise(built.messages()) == messages(SAID.get(fault, NOTHING), outcome)
    assert built.exit_code == 0
    picture = built.site_dir / "deploy/plan.png"
    assert (picture.read_bytes() if picture.exists() else None) == SOURCES[outcome]
    shown = "plan.png</span>" if SOURCES[outcome] is None else 'src="plan.png"'
    assert shown in built.page("deploy")
    if state is State.OFFLINE:
        assert scene.standin.requests == []
