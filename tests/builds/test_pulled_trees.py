"""Trees and spaces in pulled sites, and in builds from snapshots."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, get_args

import pytest

from exporters import GUIDE, Export, Style
from forests import ROOT, SITE, fill
from pulling import forget, pull, pulled, read_all, read_pages
from standin import PageRecord, SpaceRecord

if TYPE_CHECKING:
    from projects import Project
    from standin import StandIn
    from standin.bundles import TreeLayout

HANDBOOK: list[Any] = [{"Handbook": f"confluence:{ROOT}/"}]
SPACE: list[Any] = [{"Wiki": "confluence:space/ENG"}]


pytestmark = pytest.mark.usefixtures("without_redirects")


@pytest.fixture
def pages() -> dict[str, str]:
    """Return no pages: the handbook is put into the stand-in as a tree."""
    return {}


def configure(
    project: Project,
    standin: StandIn,
    nav: list[Any],
    **options: Any,  # noqa: ANN401  any
) -> None:
    """Write a configuration without the usual hook, which needs the plugin."""
    named = {"site": SITE, "cloud_id": standin.cloud_id, **options}
    project.configure(nav, theme="material", settings={"hooks": []}, options=named)


def list_trees(project: Project, standin: StandIn) -> None:
    """Let a project list trees, in a site that is the stand-in's own."""
    project.environment |= {**standin.rest_environment(), "CONFLUENCE_MD_API_URL": standin.url}


def read_manifest(project: Project) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((project.root / "snapshot/confluence-md.json").read_text())
    return found


def compare_builds(project: Project, count: int) -> None:
    """Build what a directory has that was built online before, and compare all files."""
    forget(project)
    project.environment = {}
    built = project.build("-d", "offline")

    assert (built.messages(), built.exit_code) == ("", 0)
    assert f"{count} pages from the snapshot in {project.root}/snapshot" in built.log
    online, offline = read_all(project.root / "online"), read_all(project.root / "offline")
    assert online.keys() == offline.keys()
    assert {path for path in online if online[path] != offline[path]} <= {"sitemap.xml.gz"}


@pytest.mark.parametrize("layout", ["beside", "inside"])
def test_a_pulled_tree_is_the_section_that_the_plugin_builds(
    project: Project, standin: StandIn, layout: TreeLayout
) -> None:
    fill(standin)
    standin.pages.tree_layout = layout
    configure(project, standin, HANDBOOK)
    own = read_pages(project.build())

    exit_code, output, messages = pull(project)

    assert (exit_code, output) == (0, "")
    assert messages.startswith("60 pages from Confluence in snapshot: 60 new")
    there = pulled(project)
    assert "confluence:" not in (there.root / "mkdocs.yml").read_text()
    assert read_pages(there.build()) == own
    assert (there.root / "site/handbook/deploy/plan.png").read_bytes().endswith(b"deploy")
    pages = read_manifest(project)["pages"]
    assert [page["page_id"] for page in pages] == [ROOT] + [""] * 59
    assert len({page["src_uri"] for page in pages}) == 60


def test_a_fork_builds_the_tree_that_was_built_online(project: Project, standin: StandIn) -> None:
    fill(standin)
    configure(project, standin, HANDBOOK, snapshot="snapshot")
    pull(project)
    project.build("-d", "online")
    standin.clear()

    compare_builds(project, 60)

    assert standin.requests == []


def test_a_tree_that_is_exported_anew_changes_no_byte(project: Project, standin: StandIn) -> None:
    fill(standin)
    configure(project, standin, HANDBOOK, max_age="0")
    assert pull(project)[0] == 0
    before = read_all(project.root / "snapshot")
    forget(project)

    assert pull(project, "--check", "snapshot") == (0, "", "snapshot is current.\n")
    exit_code, _, messages = pull(project)

    assert (exit_code, messages) == (
        0,
        "60 pages from Confluence in snapshot: nothing has changed.\n",
    )
    assert read_all(project.root / "snapshot") == before
    assert standin.tree_exports() == [ROOT] * 3


def test_a_check_names_what_has_changed_in_a_tree(project: Project, standin: StandIn) -> None:
    records = fill(standin)
    configure(project, standin, HANDBOOK, max_age="0")
    pull(project)
    owner = next(record for record in records if record.title == "Owner")
    standin.pages.edit(owner.page_id, "Owner: Joe\n")
    standin.pages.add(PageRecord("77", "# Added\n", title="Added", parent=ROOT, space="ENG"))

    exit_code, output, _ = pull(project, "--check", "snapshot")

    assert exit_code == 1
    assert [re.sub(r" +", " ", line) for line in output.splitlines()] == [
        "changed handbook/deploy/owner.md Owner",
        "new handbook/added.md Added",
        f"changed exports/{ROOT}.zip",
        "changed mkdocs.yml",
    ]


def test_a_space_that_is_listed_is_pulled_with_what_is_known_of_its_pages(
    project: Project, standin: StandIn
) -> None:
    standin.pages.add_space(SpaceRecord("ENG", "Engineering", home=ROOT))
    standin.pages.add(
        PageRecord(ROOT, "# Root\n\n[Below](confluence:2)\n", space="ENG"),
        PageRecord("2", "# Below\n\n![p](p.png)\n", space="ENG", parent=ROOT, labels=("b", "a")),
        PageRecord("3", "", space="ENG", parent="2", title="Empty"),
    )
    standin.pages.attachments = {"2": {"p.png": b"png"}}
    list_trees(project, standin)
    configure(project, standin, SPACE, site=standin.url, snapshot="snapshot")
    assert pull(project)[0] == 0
    project.build("-d", "online")

    manifest = read_manifest(project)

    assert [page["page_id"] for page in manifest["pages"]] == [ROOT, "2", "3"]
    assert {page["tree"] for page in manifest["pages"]} == {"space/ENG"}
    assert all(page["version"] >= 1 for page in manifest["pages"])
    assert manifest["trees"][0]["listed"]["roots"][0]["page_id"] == ROOT
    before = read_all(project.root / "snapshot")
    forget(project)
    assert pull(project)[0] == 0
    assert read_all(project.root / "snapshot") == before
    standin.clear()
    compare_builds(project, 3)
    assert standin.requests == []
    root, below = (before[f"docs/{page['src_uri']}"] for page in manifest["pages"][:2])
    assert b"confluence:" not in root
    assert re.search(rb"revision_date: .*\nauthor: .*\n", below)


def test_a_snapshot_has_the_files_that_came_page_by_page(
    project: Project, standin: StandIn
) -> None:
    standin.pages.add(
        PageRecord(ROOT, "# Root\n\n![r](r.png)\n"), PageRecord("2", OWNED, parent=ROOT)
    )
    standin.pages.attachments = {ROOT: {"r.png": b"root"}, "2": {"plan.png": b"two"}}
    standin.faults.large_tree_status = 413
    configure(project, standin, HANDBOOK, snapshot="snapshot")
    pull(project)
    project.build("-d", "online")

    compare_builds(project, 2)

    there = project.root / "offline/handbook"
    assert (there / "r.png").read_bytes() == b"root"
    assert (there / "own/plan.png").read_bytes() == b"two"


OWNED = f"# Own\n\n![plan]({SITE}/wiki/download/attachments/2/plan.png)\n"


def test_online_a_tree_of_a_snapshot_is_the_last_good_copy(
    project: Project, standin: StandIn
) -> None:
    fill(standin)
    configure(project, standin, HANDBOOK, snapshot="snapshot")
    pull(project)
    own = read_pages(project.build())
    forget(project)
    standin.faults.answer(500, route="bulk")

    built = project.build(strict=False)

    assert "60 of 60 pages from Confluence could not be fetched; copies from up to" in built.log
    assert read_pages(built) == own


def pull_a_space_that_cannot_be_listed_any_more(project: Project, standin: StandIn) -> None:
    standin.pages.add_space(SpaceRecord("ENG", "Engineering", home=ROOT))
    standin.pages.add(PageRecord(ROOT, "# Root\n", space="ENG"))
    list_trees(project, standin)
    configure(project, standin, SPACE, site=standin.url, snapshot="snapshot")
    pull(project)
    forget(project)
    standin.faults.answer(503, route="rest")


def test_online_a_tree_that_cannot_be_listed_is_exported_rather_than_taken_from_a_snapshot(
    project: Project, standin: StandIn
) -> None:
    pull_a_space_that_cannot_be_listed_any_more(project, standin)
    standin.pages.edit(ROOT, "# Root\n\nNew.\n")

    built = project.build(strict=False)

    assert "trees are as last listed, or exported as a whole" in built.log
    assert "New." in built.page("wiki")


def test_a_list_of_a_snapshot_is_the_last_good_copy(project: Project, standin: StandIn) -> None:
    pull_a_space_that_cannot_be_listed_any_more(project, standin)
    standin.faults.answer(503, route="bulk")

    built = project.build(strict=False)

    assert "The pages of the space ENG could not be listed; the list from" in built.log
    assert "<h1" in built.page("wiki")


def test_a_tree_that_a_snapshot_lacks_is_named(project: Project, standin: StandIn) -> None:
    fill(standin)
    configure(project, standin, ["confluence:1000001"], snapshot="snapshot")
    pull(project)
    configure(project, standin, [*HANDBOOK, *SPACE], snapshot="snapshot")
    project.environment = {}

    messages = project.build().messages()

    assert "2 pages could not be fetched" not in messages
    for name in (f"tree of page {ROOT}", "space ENG"):
        said = f"The snapshot in {project.root}/snapshot does not have the {name}."
        assert f"  {said}\n  Pull it where Confluence can be reached" in messages


def test_an_archive_that_was_changed_is_not_used(project: Project, standin: StandIn) -> None:
    fill(standin)
    configure(project, standin, HANDBOOK, snapshot="snapshot")
    pull(project)
    project.write(f"snapshot/exports/{ROOT}.zip", "other")
    project.environment = {}

    messages = project.build().messages()

    assert (
        f"exports/{ROOT}.zip in the snapshot {project.root}/snapshot has been changed since"
        in messages
    )


def test_a_manifest_whose_trees_make_no_sense_is_damaged(
    project: Project, standin: StandIn
) -> None:
    fill(standin)
    configure(project, standin, HANDBOOK, snapshot="snapshot")
    pull(project)
    file = project.root / "snapshot/confluence-md.json"
    whole = json.loads(file.read_text())
    project.environment = {}
    for change in ({"archive": "../x.zip"}, {"listed": {"title": 1}}, {"problems": [["NONE", ""]]}):
        damaged = {**whole, "trees": [{**whole["trees"][0], **change}]}
        file.write_text(json.dumps(damaged))

        assert "is damaged, or was written by another version" in project.build().messages()


@pytest.mark.parametrize("style", get_args(Style))
def test_a_tree_as_another_exporter_lays_it_out_is_pulled_as_it_is_built(
    project: Project, standin: StandIn, style: Style
) -> None:
    export = Export(GUIDE, style)
    standin.pages.add(*export.records(ROOT))
    contents = "[Up](README.md)\n\n# Contents\n\n- [Guide](team-guide.md)\n"
    standin.pages.tree_archives[ROOT] = export.pack({"README.md": contents})
    configure(project, standin, HANDBOOK)
    own = read_pages(project.build())

    assert pull(project)[0] == 0

    built = pulled(project).build()
    assert (built.messages(), read_pages(built)) == ("", own)


def test_a_heading_behind_a_comment_is_the_title_of_a_pulled_page(
    project: Project, standin: StandIn
) -> None:
    standin.pages.add(PageRecord(ROOT, "<!-- x -->\n\n# Root\n"),
                      PageRecord("2", "<!-- y -->\n# A\n\nText.\n", parent=ROOT))  # fmt: skip
    configure(project, standin, [*HANDBOOK, "confluence:2"])
    own = project.build()

    assert pull(project)[0] == 0

    built = pulled(project).build()
    assert (built.messages(), read_pages(built)) == ("", read_pages(own))
    assert "<title>A - Handbook</title>" in built.page("2")
