"""Builds from a snapshot: without network, without credentials, and while Confluence is down."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from projects import BIN, Project
from pulling import NAV, SITE, configure, forget, pull, read_all

if TYPE_CHECKING:
    from collections.abc import Callable

    from standin import StandIn

FROM_SNAPSHOT = (
    r"INFO +-  confluence-md: 4 pages from the snapshot in {root}/snapshot, pulled at "
    r"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d UTC: {reason}, so no network was used"
)


@pytest.fixture
def forked(site: Project, standin: StandIn) -> Project:
    """Return a project with a snapshot, and without cache and credentials."""
    configure(site, theme="mkdocs")
    pull(site)
    configure(site, theme="mkdocs", snapshot="snapshot")
    forget(site)
    site.environment = {}
    standin.clear()
    return site


def test_a_fork_builds_what_was_built_online(site: Project, standin: StandIn) -> None:
    online = site.build("-d", "online", strict=False)
    assert online.exit_code == 0
    pull(site)
    configure(site, snapshot="snapshot")
    forget(site)
    site.environment = {}
    standin.clear()

    built = site.build("-d", "offline", strict=False)

    said = FROM_SNAPSHOT.format(root=site.root, reason="no credentials were found")
    assert len(re.findall(said, built.log)) == 1
    pages, others = read_all(site.root / "online"), read_all(site.root / "offline")
    assert pages.keys() == others.keys()
    assert {path for path in pages if pages[path] != others[path]} <= {"sitemap.xml.gz"}
    assert "templates/deploy/a-b.png" in pages
    assert standin.exports() == []


def test_a_forks_strict_build_needs_nothing_of_the_environment(
    project: Project, standin: StandIn
) -> None:
    configure(project, ["confluence:101", "confluence:102"])
    project.write("docs/guides/local.md", "# Local\n")
    assert pull(project)[0] == 0
    configure(project, ["confluence:101", "confluence:102"], snapshot="snapshot")
    forget(project)
    standin.clear()

    finished = subprocess.run(
        [str(BIN / "mkdocs"), "build", "--strict"],
        cwd=project.root,
        env={"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert finished.returncode == 0, finished.stderr
    assert "2 pages from the snapshot in" in finished.stderr
    assert standin.exports() == []


def test_offline_a_snapshot_is_all_there_is(forked: Project, standin: StandIn) -> None:
    forked.environment = {**standin.environment(), "CONFLUENCE_MD_OFFLINE": "1"}

    built = forked.build(strict=False)

    assert re.search(FROM_SNAPSHOT.format(root=forked.root, reason="`offline` is on"), built.log)
    assert standin.exports() == []


def test_what_is_not_in_the_snapshot_is_named(forked: Project) -> None:
    configure(
        forked,
        [*NAV, {"New": "confluence:105"}, "confluence:106"],
        theme="mkdocs",
        snapshot="snapshot",
    )

    built = forked.build()

    assert built.exit_code == 1
    _, found, told = built.messages().partition("ERROR   -  2 pages could not be fetched")
    assert found
    assert told.splitlines() == [
        " from Confluence.",
        "",
        f"  The snapshot in {forked.root}/snapshot does not have this page.",
        "  Pull it where Confluence can be reached: confluence-md pull DIR.",
        f"  - mkdocs.yml:17: “New” (page 105) {SITE}/wiki/pages/viewpage.action?pageId=105",
        f"  - mkdocs.yml:18: Page 106 {SITE}/wiki/pages/viewpage.action?pageId=106",
        "",
        "Aborted with a BuildError!",
    ]


def damage_manifest(project: Project) -> None:
    project.write("snapshot/confluence-md.json", "{")


def lead_out(project: Project) -> None:
    file = project.root / "snapshot/confluence-md.json"
    manifest = json.loads(file.read_text())
    manifest["pages"][0]["export"] = "../secret"
    file.write_text(json.dumps(manifest))


def remove(project: Project) -> None:
    (project.root / "snapshot").rename(project.root / "elsewhere")


def make_foreign(project: Project) -> None:
    (project.root / "snapshot/confluence-md.json").unlink()


DAMAGED = (
    "The snapshot in {root}/snapshot is damaged, or was written by another version: its "
    "confluence-md.json cannot be read. Pull it again: confluence-md pull DIR, or restore the "
    "directory as it was pulled."
)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (damage_manifest, DAMAGED),
        (lead_out, DAMAGED),
        (remove, "The snapshot {root}/snapshot does not exist. Make one: confluence-md pull DIR."),
        (
            make_foreign,
            "{root}/snapshot is not a snapshot: it has no confluence-md.json. "
            "Make one: confluence-md pull DIR.",
        ),
    ],
)
def test_a_snapshot_that_is_none_is_an_error(
    forked: Project, change: Callable[[Project], None], message: str
) -> None:
    change(forked)

    built = forked.build()

    assert built.messages() == (
        f"ERROR   -  confluence-md: {message.format(root=forked.root)}\n\n"
        "Aborted with a BuildError!"
    )


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (
            "other",
            "exports/104.md in the snapshot {root}/snapshot has been changed since it was pulled.",
        ),
        (None, "The snapshot in {root}/snapshot lacks exports/104.md."),
    ],
)
def test_an_export_that_was_changed_is_not_used(
    forked: Project, content: str | None, what: str
) -> None:
    (forked.root / "snapshot/exports/104.md").unlink()
    if content:
        forked.write("snapshot/exports/104.md", content)

    messages = forked.build().messages()

    assert (
        f"\n  {what.format(root=forked.root)}\n  Pull it again: confluence-md pull DIR" in messages
    )


def test_online_a_snapshot_is_the_last_good_copy(forked: Project, standin: StandIn) -> None:
    forked.environment = standin.environment()
    standin.faults.answer(500, page_id="101")
    standin.faults.answer(500, page_id="102")

    built = forked.build(strict=False)

    assert built.exit_code == 0
    assert (
        "WARNING -  confluence-md: 2 of 4 pages from Confluence could not be fetched; copies from "
        "up to a minute ago are used instead."
    ) in built.log
    assert "2 exported, 2 stale" in built.log


def test_what_confluence_refuses_does_not_come_from_a_snapshot(
    forked: Project, standin: StandIn
) -> None:
    forked.environment = standin.environment()
    standin.faults.denied = {"101"}

    messages = forked.build().messages()

    assert "1 page could not be fetched from Confluence." in messages
    assert "Access is denied" in messages


def test_online_a_damaged_copy_is_not_used_either(forked: Project, standin: StandIn) -> None:
    forked.environment = standin.environment()
    standin.faults.answer(500, page_id="104")
    forked.write("snapshot/exports/104.md", "other")

    messages = forked.build().messages()

    assert "1 page could not be fetched from Confluence." in messages
    assert (
        f"Its copy cannot be used either. exports/104.md in the snapshot {forked.root}" in messages
    )


def test_attachments_are_left_out_where_they_are_not_wanted(forked: Project) -> None:
    configure(forked, theme="mkdocs", snapshot="snapshot", attachments=False)

    built = forked.build(strict=False)

    assert built.exit_code == 0
    assert list((built.site_dir / "templates").rglob("*.png")) == []


def test_pulling_is_no_use_of_a_snapshot(forked: Project) -> None:
    exit_code, _, messages = pull(forked)

    assert exit_code == 1
    assert "4 pages could not be fetched from Confluence." in messages
    config = yaml.safe_load((forked.root / "mkdocs.yml").read_text())
    assert config["plugins"][0]["confluence-md"]["snapshot"] == "snapshot"


def test_check_knows_what_a_fork_builds_from(forked: Project, standin: StandIn) -> None:
    code, out, messages = forked.run("check")

    assert (code, messages) == (0, "")
    assert re.search(r"API +not checked +no credentials were found\n", out)
    assert re.search(r"snapshot +ok +4 pages, pulled at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\n", out)
    assert re.search(r"confluence:101 +ok +in the snapshot\n", out)
    assert standin.requests == []


def test_check_tells_of_a_page_that_the_snapshot_does_not_have(forked: Project) -> None:
    configure(forked, nav=[*NAV, {"New": "confluence:999"}], theme="mkdocs", snapshot="snapshot")

    code, _, messages = forked.run("check")

    assert code == 1
    assert re.fullmatch(
        r"mkdocs.yml:\d+: confluence:999: The snapshot in .*/snapshot does not have this page\. "
        r"Pull it where Confluence can be reached: confluence-md pull DIR\.\n",
        messages,
    )


@pytest.mark.parametrize("signed_in", [True, False])
def test_check_tells_of_a_snapshot_that_no_build_can_read(
    forked: Project, standin: StandIn, *, signed_in: bool
) -> None:
    (forked.root / "snapshot" / "confluence-md.json").write_text("{")
    if signed_in:
        forked.environment |= standin.environment()

    code, _, messages = forked.run("check")

    assert code == 1
    assert messages.startswith("snapshot: The snapshot in ")
    assert forked.build(strict=False).exit_code == 1
