"""Whole trees of pages in whole builds: one line of `nav`, and a section of the site."""

from __future__ import annotations

import html
import json
import posixpath
import re
import subprocess
from typing import TYPE_CHECKING, Any, get_args

import pytest

from forests import ROOT, SITE, fill, in_order
from projects import BIN, Project
from standin import PageRecord, SpaceRecord, StandIn
from standin.bundles import TreeLayout

if TYPE_CHECKING:
    from pathlib import Path

    from projects import Built

HANDBOOK: list[Any] = [{"Handbook": f"confluence:{ROOT}/"}]
BREADCRUMBS = ["navigation.indexes", "navigation.path", "navigation.footer"]


pytestmark = pytest.mark.usefixtures("without_redirects")


@pytest.fixture
def pages() -> dict[str, str]:
    """Return no pages: the handbook is put into the stand-in as a tree."""
    return {}


@pytest.fixture
def handbook(standin: StandIn) -> list[PageRecord]:
    return fill(standin)


@pytest.fixture
def project(tmp_path: Path, standin: StandIn) -> Project:
    return Project(tmp_path / "project", {**standin.environment(), **at(standin)})


def at(standin: StandIn) -> dict[str, str]:
    return {"CONFLUENCE_MD_API_URL": standin.url}


def configure(
    project: Project,
    standin: StandIn,
    nav: list[Any] | None = None,
    theme: dict[str, Any] | None = None,
    **options: object,
) -> None:
    """Write a `mkdocs.yml` for the stand-in's handbook."""
    options = {"site": SITE, "cloud_id": standin.cloud_id, **options}
    settings: dict[str, Any] = {"theme": theme} if theme else {}
    project.configure(nav or HANDBOOK, options=options, settings=settings)


def follow(built: Built) -> list[str]:
    """Return the paths of the pages to which the link to the next page leads, one after another."""
    paths = [""]
    while True:
        text = (built.site_dir / paths[-1] / "index.html").read_text(encoding="utf-8")
        found = re.search(r'rel="next" href="([^"]+)"|href="([^"]+)"[^>]*rel="next"', text)
        if found is None:
            return paths[1:]
        address = posixpath.join(paths[-1], found[1] or found[2])
        paths.append(posixpath.normpath(address))


def title_of(text: str) -> str:
    """Return the heading of a page."""
    heading = re.search(r"<h1[^>]*>(.*?)</h1>", text, re.DOTALL)
    assert heading
    return html.unescape(re.sub(r"<a.*?</a>|<[^>]+>", "", heading[1])).strip()


@pytest.mark.parametrize("layout", ["beside", "index", "inside"])
@pytest.mark.parametrize(
    "theme",
    [
        None,
        {"name": "material"},
        {"name": "material", "features": BREADCRUMBS},
        {"name": "material", "features": [*BREADCRUMBS, "navigation.tabs"]},
    ],
    ids=["mkdocs", "material", "indexes", "tabs"],
)
def test_a_handbook_is_a_section_of_the_site(
    project: Project,
    standin: StandIn,
    handbook: list[PageRecord],
    layout: TreeLayout,
    theme: dict[str, Any] | None,
) -> None:
    standin.pages.tree_layout = layout
    configure(project, standin, theme=theme)

    built = project.build()

    assert (built.messages(), built.exit_code) == ("", 0)
    assert standin.tree_exports() == [ROOT]
    assert standin.exports() == []
    order = follow(built)
    # The slash is no part of the file's name, but of the heading.
    assert [title_of(built.page(path)) for path in order] == in_order(handbook)
    assert order[0] == "handbook"
    assert "60 pages from Confluence: 60 exported" in built.log
    assert "and 3 attachments" in built.log


def test_links_and_pictures_stay_in_the_tree(
    project: Project, standin: StandIn, handbook: list[PageRecord]
) -> None:
    del handbook
    configure(project, standin)

    built = project.build()

    root, deploy = built.page("handbook"), built.page("handbook/deploy")
    assert 'href="deploy/#roll-out"' in root
    assert 'href="ci-cd/"' in deploy
    assert 'href="../"' in deploy.partition("<h1")[2]
    assert 'src="plan.png"' in deploy
    assert (
        'href="../week-1-2/"' in built.page("handbook/operate-run/nights/notes").partition("<h1")[2]
    )
    files = {
        path: (built.site_dir / "handbook" / path).read_bytes()[8:].decode()
        for path in (
            "deploy/plan.png",
            "deploy/ci-cd/plan-b.png",
            "operate-run/notes/nested-plan.png",
        )
    }
    assert list(files.values()) == ["deploy", "ci", "notes"]
    assert "<p>Owner: Jane</p>" in built.page("handbook/deploy/owner")
    assert "All about &lt;" not in root
    assert "Operate &amp; &lt;run&gt;" in root


def test_only_the_root_has_an_editor(
    project: Project, standin: StandIn, handbook: list[PageRecord]
) -> None:
    del handbook
    configure(project, standin, theme={"name": "material", "features": ["content.action.edit"]})

    built = project.build()

    assert f"{SITE}/wiki/pages/resumedraft.action?draftId={ROOT}" in built.page("handbook")
    assert "resumedraft" not in built.page("handbook/deploy")


def nav_of(built: Built) -> list[str]:
    """Return the paths of all pages."""
    return sorted(
        path.parent.relative_to(built.site_dir).as_posix()
        for path in built.site_dir.rglob("index.html")
    )


@pytest.mark.parametrize(
    ("nav", "paths"),
    [
        ([f"confluence:{ROOT}/"], ["our-handbook", "our-handbook/a", "our-handbook/a/b"]),
        ([{"confluence": f"{ROOT}/"}], ["our-handbook", "our-handbook/a", "our-handbook/a/b"]),
        ([{"In": [{"H": f"confluence:{ROOT}/"}]}], ["in/h", "in/h/a", "in/h/a/b"]),
        ([{"Wiki": "confluence:space/ENG"}], ["wiki", "wiki/a", "wiki/a/b"]),
        ([{"H": f"confluence:{ROOT}/"}, {"Own": "confluence:2"}], ["h", "h/a/b", "own"]),
        ([{"Own": "confluence:2"}, "confluence:space/ENG"], ["our-handbook", "our-handbook/a/b",
                                                             "own"]),
        ([{"One": "confluence:2/"}, {"H": f"confluence:{ROOT}/"}], ["h", "one", "one/b"]),
        ([{"H": f"confluence:{ROOT}/"}, {"One": "confluence:2/"}], ["h", "h/a", "h/a/b"]),
    ],
)  # fmt: skip
def test_a_tree_may_stand_anywhere(
    project: Project, standin: StandIn, nav: list[Any], paths: list[str]
) -> None:
    standin.pages.add_space(SpaceRecord("ENG", "Engineering", home=ROOT))
    standin.pages.add(
        PageRecord(ROOT, "# Our handbook\n", space="ENG"),
        PageRecord("2", "# A\n\nText of A.\n", parent=ROOT, space="ENG"),
        PageRecord("3", "# B\n\nText of B.\n", parent="2", space="ENG"),
    )
    configure(project, standin, nav)

    built = project.build()

    assert (built.messages(), built.exit_code) == ("", 0)
    assert [path for path in nav_of(built) if path != "."] == paths


def test_a_next_build_asks_for_nothing_and_one_without_the_network_is_the_same(
    project: Project, standin: StandIn, handbook: list[PageRecord]
) -> None:
    del handbook
    configure(project, standin)
    first = project.build()
    places = nav_of(first)
    standin.clear()

    assert "60 from the cache" in project.build().log
    assert standin.requests == []
    project.environment["CONFLUENCE_MD_OFFLINE"] = "1"
    configure(project, standin, max_age="0")
    offline = project.build()
    assert (offline.messages(), nav_of(offline)) == ("", places)
    assert standin.requests == []


def test_a_tree_in_the_cache_is_shown_and_cleared(
    project: Project, standin: StandIn, handbook: list[PageRecord]
) -> None:
    del handbook
    configure(project, standin, [*HANDBOOK, {"Wiki": "confluence:space/ENG"}])
    project.build()

    def run(*arguments: str) -> str:
        command = [str(BIN / "confluence-md"), "cache", *arguments]
        return subprocess.run(
            command, cwd=project.root, capture_output=True, text=True, check=True, timeout=60
        ).stdout

    shown = run("show")
    # Newest first, and nobody knows which export is the first to be there.
    assert set(re.findall(r"^(\S+) +127", shown, re.MULTILINE)) == {f"{ROOT}/", "space/ENG"}
    copies = json.loads(run("show", "--json"))["copies"]
    assert {each.get("tree") or each["space"] for each in copies} == {ROOT, "ENG"}
    run("clear", f"{ROOT}/", "confluence:space/ENG")
    assert run("show") == ""
    standin.clear()
    project.build()
    assert sorted(standin.tree_exports()) == [ROOT, "ENG"]


def test_a_page_that_is_added_shows_and_moves_no_other(
    project: Project, standin: StandIn, handbook: list[PageRecord]
) -> None:
    configure(project, standin, max_age="0")
    places = set(nav_of(project.build()))
    notes = next(record for record in handbook if record.title == "Notes")
    standin.pages.add(PageRecord("7", "# New\n", parent=notes.parent, space="ENG", position=0))

    built = project.build()

    assert set(nav_of(built)) - places == {"handbook/operate-run/nights/new"}
    assert places <= set(nav_of(built))


@pytest.mark.parametrize("layout", get_args(TreeLayout))
def test_every_page_is_there_in_every_layout(
    project: Project, standin: StandIn, layout: TreeLayout
) -> None:
    standin.pages.add(
        PageRecord(ROOT, "# Root\n"),
        PageRecord("2", "# Same\n", parent=ROOT),
        PageRecord("3", "# Same\n", title="same", parent=ROOT),
        PageRecord("4", "", title="😀👩\u200d💻", parent="3"),
        PageRecord("5", "x", title="...", parent="3"),
        PageRecord("6", title="Drawer", parent=ROOT, kind="folder"),
        PageRecord("7", "y", title="a/b", parent="6"),
    )
    standin.pages.tree_layout = layout
    standin.pages.tree_folder = "export"
    configure(project, standin)

    built = project.build()

    assert (built.messages(), built.exit_code) == ("", 0)
    assert sorted(title_of(built.page(path)) for path in follow(built)) == [
        "...", "Root", "Same", "Same", "a-b", "😀👩\u200d💻",
    ]  # fmt: skip


def test_a_tree_that_stands_in_nav_twice_is_there_once(
    project: Project, standin: StandIn, handbook: list[PageRecord]
) -> None:
    configure(project, standin, [*HANDBOOK, {"Again": [{"Handbook": f"confluence:{ROOT}/"}]}])

    built = project.build()

    assert (built.messages(), built.exit_code) == ("", 0)
    assert len(nav_of(built)) == len(handbook) + 1
    assert not (built.site_dir / "again").exists()


ROOT_ALONE: list[Any] = [{"Root": f"confluence:{ROOT}"}, *HANDBOOK]
HANDBOOK_LINE = f"mkdocs.yml:LINE: “Handbook” (tree of page {ROOT})"
NO_TREE = f"""1 tree could not be fetched from Confluence.

  HOST failed to answer (503).
  Try again later; https://status.atlassian.com says whether it is a known problem.
  - {HANDBOOK_LINE} {SITE}/wiki/pages/viewpage.action?pageId={ROOT}
"""


@pytest.mark.parametrize(
    ("on_error", "exit_code", "start"),
    [("fail", 1, "ERROR   -  "), ("placeholder", 0, "WARNING -  confluence-md: ")],
)
def test_a_tree_that_cannot_be_had_is_told_also_if_its_root_is_declared(
    project: Project, standin: StandIn, on_error: str, exit_code: int, start: str
) -> None:
    standin.pages.add(PageRecord(ROOT, "# Root\n"), PageRecord("2", "# A\n", parent=ROOT))
    standin.faults.answer(503, route="bulk")
    configure(project, standin, ROOT_ALONE, on_error=on_error)

    built = project.build(strict=False)

    assert built.exit_code == exit_code
    said = re.sub(r"127\.0\.0\.1:[0-9]+", "HOST", built.messages())
    said = re.sub(r"mkdocs\.yml:[0-9]+", "mkdocs.yml:LINE", said)
    assert said.startswith(f"{start}{NO_TREE}")


# More than an export has


def warn(text: str) -> str:
    return f"WARNING -  confluence-md: {text}"


def test_a_space_that_may_be_cut_is_a_warning(project: Project, standin: StandIn) -> None:
    standin.pages.add_space(SpaceRecord("ENG", "Engineering", home=ROOT))
    standin.pages.add(PageRecord(ROOT, "# Root\n", space="ENG"))
    standin.pages.add(
        *(PageRecord(str(number), f"# Page {number}\n", parent=ROOT, space="ENG")
          for number in range(250))
    )  # fmt: skip
    configure(project, standin, [{"Wiki": "confluence:space/ENG"}])

    for _ in range(2):
        built = project.build(strict=False)

        assert built.messages() == warn(
            "“Wiki” (space ENG) may have more pages than are in the site: one export has at most "
            "100 pages, and this one has as many. Set CONFLUENCE_MD_EMAIL and "
            "CONFLUENCE_MD_API_TOKEN for trees of any size, or name parts of it in nav, each as "
            "confluence:ID/."
        )
        assert len(nav_of(built)) == 101
    assert standin.tree_exports() == ["ENG"]


# Attachments


OWNED = f"# Own\n\n![plan]({SITE}/wiki/download/attachments/2/plan.png) ![two](two.png)\n"


@pytest.mark.parametrize("status", [413, 500, 502, 504])
def test_a_tree_that_is_too_large_is_fetched_without_attachments_and_these_page_by_page(
    project: Project, standin: StandIn, status: int
) -> None:
    standin.pages.add(
        PageRecord(ROOT, "# Root\n\n![r](r.png)\n"), PageRecord("2", OWNED, parent=ROOT)
    )
    standin.pages.attachments = {ROOT: {"r.png": b"root"}, "2": {"plan.png": b"two"}}
    standin.faults.large_tree_status = status
    configure(project, standin)

    built = project.build(strict=False)

    assert built.messages() == warn(
        "“Own” refers to attachments that could not be fetched: two.png. Readers see the names of "
        f"pictures instead. The tree of page {ROOT} is too large to be exported with its "
        "attachments, and the page's own ID is not known. Name parts of it in nav instead, each as "
        "confluence:ID/."
    )
    assert (built.site_dir / "handbook/r.png").read_bytes() == b"root"
    assert (built.site_dir / "handbook/own/plan.png").read_bytes() == b"two"
    assert set(standin.tree_exports()) == {ROOT}
    standin.clear()
    configure(project, standin, max_age="0")
    project.build(strict=False)
    assert standin.tree_exports() == [ROOT]


def test_without_attachments_none_are_asked_for(
    project: Project, standin: StandIn, handbook: list[PageRecord]
) -> None:
    del handbook
    configure(project, standin, attachments=False)

    built = project.build(strict=False)

    [request] = [each for each in standin.requests if each.path.endswith("/bulkExport")]
    assert request.content == {
        "pageId": ROOT, "bulkExport": True, "maxPages": 100, "includeAttachments": False,
    }  # fmt: skip
    assert not list(built.site_dir.rglob("plan*"))


def test_no_other_pages_picture_is_shown(project: Project, standin: StandIn) -> None:
    texts = {ROOT: "# Root\n", "2": "# A\n\n![x](x.png)\n", "3": "# B\n\n![x](x.png)\n"}
    standin.pages.add(*(PageRecord(each, texts[each], parent="" if each == ROOT else ROOT)
                        for each in texts))  # fmt: skip
    standin.pages.attachments = {"2": {"x.png": b"A"}, "3": {"x.png": b"B"}}
    standin.pages.layout = "nested"
    standin.pages.add(PageRecord("4", f"# C\n\n![x]({SITE}/wiki/download/attachments/3/x.png)\n",
                                 parent=ROOT))  # fmt: skip
    configure(project, standin)

    built = project.build(strict=False)

    assert [line.partition(" refers")[0] for line in built.messages().splitlines()] == [
        warn("“A”"), warn("“B”"),
    ]  # fmt: skip
    assert (built.site_dir / "handbook/c/x.png").read_bytes() == b"B"


# Listed, with credentials for Confluence's own REST API


def fill_space(standin: StandIn, count: int = 250) -> None:
    """Put pages into a space, below its home page."""
    standin.pages.add_space(SpaceRecord("ENG", "Engineering", home=ROOT))
    standin.pages.add(PageRecord(ROOT, "# Root\n", space="ENG"))
    standin.pages.add(
        *(PageRecord(str(number), f"# Page {number}\n", parent=ROOT, space="ENG")
          for number in range(1, count))
    )  # fmt: skip


def listed(project: Project, standin: StandIn, nav: list[Any], **options: Any) -> None:  # noqa: ANN401  any value
    """Let a project list trees, in a site that is the stand-in's own."""
    project.environment.update(standin.rest_environment())
    configure(project, standin, nav, site=standin.url, **options)


def test_with_credentials_a_space_is_whole(project: Project, standin: StandIn) -> None:
    fill_space(standin)
    listed(project, standin, [{"Wiki": "confluence:space/ENG"}])

    built = project.build()

    assert (built.messages(), built.exit_code) == ("", 0)
    assert len(nav_of(built)) == 251
    assert standin.tree_exports() == []
    assert len(standin.exports()) == 250


def test_of_a_tree_that_is_listed_only_what_has_changed_is_exported(
    project: Project, standin: StandIn
) -> None:
    fill_space(standin, 5)
    listed(project, standin, [{"Wiki": f"confluence:{ROOT}/"}], max_age="0")
    project.build()
    standin.clear()
    standin.pages.edit("2", "# Page 2\n\nNew.\n")
    standin.pages.add(PageRecord("77", "# Added\n", parent="2", space="ENG"))

    built = project.build()

    assert sorted(standin.exports()) == ["2", "77"]
    assert "New." in built.page("wiki/page-2")
    assert "wiki/page-2/added" in nav_of(built)
    assert "6 pages from Confluence: 4 confirmed, 2 exported" in built.log


def test_a_list_of_pages_is_cached_and_stands_in_during_an_outage(
    project: Project, standin: StandIn
) -> None:
    fill_space(standin, 5)
    nav: list[Any] = [{"Wiki": "confluence:space/ENG"}]
    listed(project, standin, nav)
    places = nav_of(project.build())
    standin.clear()

    assert nav_of(project.build()) == places
    assert standin.requests == []
    listed(project, standin, nav, max_age="0", offline=True)
    offline = project.build()
    assert (offline.messages(), nav_of(offline), standin.requests) == ("", places, [])
    standin.faults.answer(503, route="rest")
    listed(project, standin, nav, max_age="0")
    outage = project.build(strict=False)
    assert nav_of(outage) == places
    assert re.sub(r"127\.0\.0\.1:[0-9]+", "HOST", outage.messages()).startswith(
        warn("Confluence did not say which pages have changed. Pages whose copies have expired are "
             "exported again; trees are as last listed, or exported as a whole. HOST "
             "failed to answer (503).")
    )  # fmt: skip


def test_empty_pages_of_a_tree_that_is_listed_are_pages(project: Project, standin: StandIn) -> None:
    fill_space(standin, 3)
    standin.pages.add(PageRecord("77", "", title="Empty & <bare>", parent=ROOT, space="ENG"))
    listed(project, standin, [{"Wiki": "confluence:space/ENG"}])

    built = project.build()

    assert (built.messages(), built.exit_code) == ("", 0)
    assert title_of(built.page("wiki/empty-bare")) == "Empty & <bare>"


# Pages of trees that `nav` names by themselves, too


NAMED = "---\npageId: {page_id}\n---\n\n# {title}\n"


def fill_with_ids(standin: StandIn, *, picture: str = "") -> None:
    """Add a tree whose export tells the IDs of its pages, and a page outside of it."""
    standin.pages.add(
        PageRecord(ROOT, NAMED.format(page_id=ROOT, title="Root"), title="Root"),
        PageRecord("2", NAMED.format(page_id="2", title="Two") + picture, title="Two", parent=ROOT),
        PageRecord("9", "# Nine\n"),
    )


ALSO_ALONE: list[Any] = [
    {"Root": f"confluence:{ROOT}"},
    {"Two": "confluence:2"},
    {"Nine": "confluence:9"},
    *HANDBOOK,
]


@pytest.mark.parametrize("layout", get_args(TreeLayout))
def test_pages_that_are_certainly_in_a_tree_are_not_exported_again(
    project: Project, standin: StandIn, layout: TreeLayout
) -> None:
    fill_with_ids(standin)
    standin.pages.tree_layout = layout
    configure(project, standin, ALSO_ALONE)

    built = project.build()

    assert (built.messages(), built.exit_code) == ("", 0)
    assert standin.exports() == ["9"]
    assert standin.tree_exports() == [ROOT]
    assert [title_of(built.page(path)) for path in ("root", "two", "nine")] == [
        "Root", "Two", "Nine",
    ]  # fmt: skip
    configure(project, standin, ALSO_ALONE, offline=True)
    again = project.build()
    assert (again.messages(), again.exit_code) == ("", 0)
    assert again.page("two") == built.page("two")


def test_the_files_of_such_a_page_come_with_the_tree(project: Project, standin: StandIn) -> None:
    fill_with_ids(standin, picture="\n![plan](plan.png)\n")
    standin.pages.attachments = {"2": {"plan.png": b"two"}}
    configure(project, standin, ALSO_ALONE)

    built = project.build()

    assert (built.messages(), built.exit_code) == ("", 0)
    assert [path.read_bytes() for path in built.site_dir.rglob("plan*.png")] == [b"two"]
    assert standin.exports() == ["9"]


def test_the_files_of_such_a_page_are_fetched_where_they_did_not_come(
    project: Project, standin: StandIn
) -> None:
    fill_with_ids(standin, picture="\n![plan](plan.png)\n")
    standin.pages.attachments = {"2": {"plan.png": b"two"}}
    standin.faults.large_tree_status = 413
    configure(project, standin, ALSO_ALONE)

    built = project.build()

    assert (built.messages(), built.exit_code) == ("", 0)
    assert [path.read_bytes() for path in built.site_dir.rglob("plan*.png")] == [b"two"]
    assert "2" not in standin.exports()


def test_links_of_such_a_page_lead_to_pages_of_the_tree(project: Project, standin: StandIn) -> None:
    fill_with_ids(standin, picture="\n[three](Three.md) [root](../Root.md)\n")
    text = NAMED.format(page_id="3", title="Three")
    standin.pages.add(PageRecord("3", text, title="Three", parent=ROOT))
    standin.pages.tree_layout = "beside"
    configure(project, standin, ALSO_ALONE)

    built = project.build()

    assert (built.messages(), built.exit_code) == ("", 0)
    text = built.page("two")
    assert 'href="../handbook/three/"' in text
    assert 'href="../root/"' in text


def test_a_page_is_exported_by_itself_where_the_tree_cannot_be_fetched(
    project: Project, standin: StandIn
) -> None:
    fill_with_ids(standin)
    standin.faults.answer(404, route="bulk")
    configure(project, standin, ALSO_ALONE)

    built = project.build(strict=False)

    assert "1 tree could not be fetched" in built.messages()
    assert sorted(standin.exports()) == ["2", "9", ROOT]


@pytest.mark.parametrize("layout", get_args(TreeLayout))
def test_a_root_is_not_exported_again_where_no_other_page_may_be_it(
    project: Project, standin: StandIn, layout: TreeLayout
) -> None:
    standin.pages.add(PageRecord(ROOT, "# Root\n"), PageRecord("2", "# Two\n", parent=ROOT))
    standin.pages.tree_layout = layout
    configure(project, standin, ROOT_ALONE)

    built = project.build()

    assert (built.messages(), built.exit_code) == ("", 0)
    assert standin.exports() == ([ROOT] if layout == "flat" else [])
    assert title_of(built.page("root")) == "Root"


def test_an_id_that_an_author_wrote_proves_nothing(project: Project, standin: StandIn) -> None:
    standin.pages.add(
        PageRecord(ROOT, "# Root\n"),
        PageRecord("2", "<!-- pageId: 9 -->\n\n# Two\n", title="Two", parent=ROOT),
        PageRecord("9", "# Nine\n"),
    )
    configure(project, standin, [{"Nine": "confluence:9"}, *HANDBOOK])

    built = project.build()

    assert title_of(built.page("nine")) == "Nine"
    assert standin.exports() == ["9"]


def test_such_a_page_outlives_an_outage_by_its_own_copy(project: Project, standin: StandIn) -> None:
    fill_with_ids(standin)
    configure(project, standin, ALSO_ALONE, max_age="0")
    project.build()
    for route in ("export", "bulk"):
        standin.faults.answer(503, route=route)

    built = project.build(strict=False)

    assert built.exit_code == 0
    assert title_of(built.page("two")) == "Two"
    # Also where the tree is not part of the site any more.
    configure(project, standin, ALSO_ALONE[:3], offline=True)
    assert title_of(project.build().page("two")) == "Two"


def test_a_tree_that_is_a_copy_has_a_page_that_has_no_copy_of_its_own(
    project: Project, standin: StandIn
) -> None:
    fill_with_ids(standin)
    configure(project, standin, HANDBOOK, max_age="0")
    project.build()
    for route in ("export", "bulk"):
        standin.faults.answer(503, route=route)
    configure(project, standin, [{"Two": "confluence:2"}, *HANDBOOK], max_age="0")

    built = project.build(strict=False)

    assert built.exit_code == 0
    assert title_of(built.page("two")) == "Two"
