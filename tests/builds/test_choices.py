"""What a site chooses of Confluence, and what it adds: trees, front matter, notes, redirects."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from standin import PageRecord, StandIn

if TYPE_CHECKING:
    from pathlib import Path

    from projects import Built, Project

NAV: list[Any] = [{"Deploy": "confluence:101"}, {"Guide": "confluence:5/"}]


@pytest.fixture
def pages() -> dict[str, str]:
    return {"101": "# Deploy\n\nRoll out, see [notes](confluence:8).\n"}


@pytest.fixture(autouse=True)
def _tree(standin: StandIn) -> None:
    standin.pages.add(
        PageRecord("5", "# Guide\n"),
        PageRecord("6", "# Setup\n", parent="5"),
        PageRecord("7", "# Draft: use\n", parent="5"),
        PageRecord("8", "# Notes\n", parent="6"),
        PageRecord("9", "# Deep\n", parent="8"),
    )


@pytest.fixture
def project(project: Project, standin: StandIn) -> Project:
    project.environment |= standin.rest_environment()
    return project


def build(
    project: Project,
    standin: StandIn,
    settings: dict[str, Any] | None = None,
    **options: Any,  # noqa: ANN401  as the plugin has them
) -> Built:
    project.configure(NAV, site=standin.url, settings=settings, **options)
    built = project.build()
    assert built.messages() == ""
    assert built.exit_code == 0
    return built


def list_pages(built: Built) -> set[str]:
    found = {path.parent.relative_to(built.site_dir).as_posix()
             for path in built.site_dir.rglob("index.html")}  # fmt: skip
    return {path for path in found if path.startswith("guide")}


ALL = {"guide", "guide/setup", "guide/draft-use", "guide/setup/notes", "guide/setup/notes/deep"}


@pytest.mark.parametrize(
    ("options", "gone"),
    [
        ({}, set()),
        ({"exclude": ["draft*"]}, {"guide/draft-use"}),
        ({"exclude": [8]}, {"guide/setup/notes", "guide/setup/notes/deep"}),
        ({"max_depth": 1}, {"guide/setup/notes", "guide/setup/notes/deep"}),
        ({"max_depth": 0}, ALL - {"guide"}),
        ({"settings": {"exclude_docs": "guide/draft*\n"}}, {"guide/draft-use"}),
    ],
)
def test_what_is_left_out_of_a_tree(
    project: Project, standin: StandIn, options: dict[str, Any], gone: set[str]
) -> None:
    built = build(project, standin, **options)

    assert list_pages(built) == ALL - gone
    for path in gone:
        assert f'href="../{path}/"' not in built.page("deploy")


@pytest.mark.parametrize(
    ("labels", "there"),
    [
        (["public"], {"guide", "guide/setup", "guide/setup/deep"}),
        (["public", "-draft"], {"guide", "guide/deep"}),
        (["-draft"], {"guide", "guide/draft-use", "guide/notes", "guide/notes/deep"}),
    ],
)
def test_labels_decide_what_of_a_tree_is_published(
    project: Project, standin: StandIn, labels: list[str], there: set[str]
) -> None:
    for page_id, own in {"5": ["public"], "6": ["public", "draft"], "9": ["public"]}.items():
        record = standin.pages.snapshot().records[page_id]
        standin.pages.add(replace(record, labels=tuple(own)))

    built = build(project, standin, labels=labels)

    assert list_pages(built) == there
    standin.clear()
    assert list_pages(build(project, standin, labels=labels)) == there
    assert standin.requests == []


def test_a_page_that_loses_its_label_is_no_longer_published(
    project: Project, standin: StandIn
) -> None:
    record = standin.pages.snapshot().records["6"]
    standin.pages.add(replace(record, labels=("public",)))
    assert list_pages(build(project, standin, labels=["public"], max_age=0)) == {"guide"}

    standin.pages.add(replace(record, labels=()))

    assert list_pages(build(project, standin, labels=["public"], max_age=0)) == set()


def test_pages_whose_labels_are_not_known_are_left_out(project: Project, standin: StandIn) -> None:
    for name in standin.rest_environment():
        del project.environment[name]
    project.configure(NAV, site=standin.url, labels=["public"])

    built = project.build(strict=False)

    assert built.exit_code == 0
    assert list_pages(built) == set()
    assert (
        "5 pages are left out of the tree of page 5, because their labels are not known. The "
        "option `labels` needs CONFLUENCE_MD_EMAIL and CONFLUENCE_MD_API_TOKEN."
    ) in built.log


def test_a_draft_of_a_tree_is_no_page_of_the_finished_site(
    project: Project, standin: StandIn
) -> None:
    built = build(project, standin, settings={"draft_docs": "draft-*.md\n"})

    assert list_pages(built) == ALL - {"guide/draft-use"}


def test_front_matter_of_the_sites_own(project: Project, standin: StandIn) -> None:
    project.write("theme/main.html", "{{ page.meta.hide }} {{ page.meta.mood }}")
    own = {"101": {"hide": ["toc"]}, "guide/setup": {"mood": "good"}, "/guide/": {"mood": "calm"}}
    built = build(project, standin, pages=own, settings={"theme": {"name": None, "custom_dir":
                  "theme"}})  # fmt: skip

    assert built.page("deploy").startswith("['toc']")
    assert built.page("guide/setup").endswith("good")
    assert built.page("guide").endswith("calm")


def test_front_matter_for_a_page_that_is_not_there(project: Project, standin: StandIn) -> None:
    project.configure(NAV, site=standin.url, pages={"999": {"hide": ["toc"]}})

    built = project.build()

    assert built.exit_code == 1
    assert "The option `pages` has '999', which is not a page from Confluence" in built.log


def test_a_page_says_where_it_is_from(project: Project, standin: StandIn) -> None:
    built = build(project, standin, source_note=True)

    url = f"{standin.url}/wiki/pages/viewpage.action?pageId=101"
    assert (
        '<p class="confluence-source">From Confluence · updated 1 January 2025 by Jane Doe · '
        f'<a href="{url}">View</a></p>'
    ) in built.page("deploy")
    assert "confluence-source" not in built.page(".")
    assert "confluence-stale" not in built.page("deploy")


def test_a_note_in_words_of_ones_own(project: Project, standin: StandIn) -> None:
    built = build(project, standin, source_note="<p>{{ page.title }}: {{ author }}</p>")
    assert "<p>Deploy: Jane Doe</p>" in built.page("deploy")

    project.write("theme/note.html", "<p>By {{ author }}, {{ config.site_name }}</p>")
    theme = {"theme": {"name": "mkdocs", "custom_dir": "theme"}}
    built = build(project, standin, source_note="note.html", settings=theme)
    assert "<p>By Jane Doe, Handbook</p>" in built.page("deploy")


@pytest.mark.parametrize("template", ["{{ url", "gone.html"])
def test_a_template_that_cannot_be_read(project: Project, standin: StandIn, template: str) -> None:
    project.configure(NAV, site=standin.url, source_note=template)

    built = project.build()

    assert built.exit_code == 1
    assert "The template in the option `source_note` cannot be read" in built.log
    assert "Traceback" not in built.log


def test_a_copy_that_may_be_out_of_date_says_so(project: Project, standin: StandIn) -> None:
    build(project, standin, source_note=True, max_age=0)
    standin.pages.edit("101", "# Deploy\n\nNew.\n")
    standin.faults.answer(503)

    built = project.build(strict=False)

    assert built.exit_code == 0
    assert '<p class="admonition-title">A copy from ' in built.page("deploy")


def test_a_page_knows_its_address(project: Project, standin: StandIn) -> None:
    project.write("theme/main.html", "{{ page.meta.confluence_url }}")
    theme = {"theme": {"name": None, "custom_dir": "theme"}}

    built = build(project, standin, settings=theme)

    assert built.page("deploy") == f"{standin.url}/wiki/pages/viewpage.action?pageId=101"


def test_an_id_leads_to_its_page(project: Project, standin: StandIn) -> None:
    built = build(project, standin)

    assert 'url=../../deploy/"' in built.page("c/101")
    assert 'url=../../guide/setup/notes/"' in built.page("c/8")
    assert "c/101" not in (built.site_dir / "sitemap.xml").read_text()


def test_a_page_that_moved_or_was_renamed_leaves_a_redirect(
    project: Project, standin: StandIn
) -> None:
    build(project, standin, max_age=0)
    standin.pages.add(PageRecord("8", "# Notes\n", parent="5", version=2))
    standin.pages.edit("6", "# Set up\n", title="Set up")

    built = build(project, standin, max_age=0)

    assert "Notes" in built.page("guide/notes")
    assert 'url=../../notes/"' in built.page("guide/setup/notes")
    assert 'url=../set-up/"' in built.page("guide/setup")
    assert 'url=../../guide/set-up/"' in built.page("c/6")


def test_without_redirects_there_are_none(project: Project, standin: StandIn) -> None:
    built = build(project, standin, redirects=False)

    assert not (built.site_dir / "c").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"exclude": "Draft"}, "'Draft' is not a list of page IDs"),
        ({"max_depth": -1}, "-1 is not a number of levels"),
        ({"pages": {"1": "x"}}, "is not front matter by page"),
        ({"source_note": 3}, "3 is neither true, false nor a template"),
    ],
)
def test_an_option_that_is_not_valid(
    project: Project, standin: StandIn, options: dict[str, Any], message: str
) -> None:
    project.configure(NAV, site=standin.url, **options)

    built = project.build()

    assert built.exit_code == 1
    assert message in built.log


def without_rest(project: Project, standin: StandIn) -> None:
    """Leave the exporter alone, which tells no IDs and no labels."""
    for name in standin.rest_environment():
        del project.environment[name]


def test_an_id_says_nothing_of_a_tree_that_is_exported_as_a_whole(
    project: Project, standin: StandIn
) -> None:
    without_rest(project, standin)
    project.configure(NAV, site=standin.url, exclude=["8", "draft*"])

    built = project.build(strict=False)

    assert list_pages(built) == ALL - {"guide/draft-use"}
    assert "without page IDs, so the option `exclude` leaves out its pages by title only" in (
        built.log
    )


@pytest.mark.parametrize("is_listed", [True, False])
def test_what_is_left_out_is_in_no_pulled_site(
    project: Project, standin: StandIn, *, is_listed: bool
) -> None:
    standin.pages.edit("7", "# Draft: use\n\nTop secret.\n")
    if not is_listed:
        without_rest(project, standin)
    project.configure(NAV, site=standin.url, exclude=["draft*"])

    assert project.run("pull", "pulled")[0] == 0

    files = [path for path in (project.root / "pulled").rglob("*") if path.is_file()]
    assert not [path for path in files if b"Top secret" in path.read_bytes()]
    assert not [path for path in files if b"Draft: use" in path.read_bytes()]
    project.configure(NAV, site=standin.url, exclude=["draft*"], snapshot="pulled", offline=True)
    assert list_pages(project.build()) == ALL - {"guide/draft-use"}


def test_a_page_that_fails_does_not_vanish_where_labels_decide(
    project: Project, standin: StandIn
) -> None:
    standin.faults.answer(503, page_id="6")
    project.configure(NAV, site=standin.url, labels=["public"])

    built = project.build()

    assert built.exit_code == 1
    assert "Setup" in built.log
    assert "503" in built.log


def test_a_page_does_not_choose_its_address_in_confluence(
    project: Project, standin: StandIn
) -> None:
    without_rest(project, standin)
    own = "---\nconfluence_url: javascript:alert(1)\nconfluence_id: '1'\n---\n# Setup\n"
    standin.pages.edit("6", own)
    project.configure(NAV, site=standin.url, source_note=True)

    built = project.build()

    assert "javascript" not in built.page("guide/setup")


def test_a_page_that_was_parsed_by_an_earlier_build_is_the_same_page(
    project: Project, standin: StandIn
) -> None:
    standin.pages.edit("101", "# Deploy\n\n1. Step\n```sh\nls\n```\n2. Done :rocket:\n")
    page = build(project, standin, max_age=0).page("deploy")
    [file] = (project.root / ".cache/plugin/confluence-md/pages").glob("parsed-*.msgpack")
    known = file.read_bytes()

    assert build(project, standin, max_age=0).page("deploy") == page
    assert file.read_bytes() == known

    file.write_bytes(b"somebody's")
    assert build(project, standin, max_age=0).page("deploy") == page
    assert file.read_bytes() == known

    standin.pages.edit("101", "# Deploy\n\nAnother.\n")
    assert "Another." in build(project, standin, max_age=0).page("deploy")
    assert file.read_bytes() != known


def find_memory(project: Project) -> Path:
    [memory] = (project.root / ".cache/plugin/confluence-md/pages").glob("paths-*.json")
    return memory


def test_redirects_are_remembered_between_builds_that_are_weeks_apart(
    project: Project, standin: StandIn
) -> None:
    build(project, standin, max_age=0)
    os.utime(find_memory(project), (0, 0))
    standin.pages.edit("6", "# Set up\n", title="Set up")

    assert 'url=../set-up/"' in build(project, standin, max_age=0).page("guide/setup")


@pytest.mark.parametrize(
    "content",
    [b"", b"[", b"[]", b"[" * 100_000, b'{"101": 5}', b'{"101": [5, "\\u0000.html"]}',
     b'{"101": ["\\ud800.html", "../up.html", "/top.html", "a/../../b.html", "C:/x.html"]}'],
)  # fmt: skip
def test_a_memory_that_somebody_wrote_does_no_harm(
    project: Project, standin: StandIn, content: bytes
) -> None:
    build(project, standin)
    find_memory(project).write_bytes(content)

    built = build(project, standin)

    assert 'url=../../deploy/"' in built.page("c/101")
    names = ("up.html", "top.html", "b.html", "x.html")
    assert not [path for path in project.root.rglob("*.html") if path.name in names]


def test_redirects_are_not_written_through_links(project: Project, standin: StandIn) -> None:
    elsewhere = project.root / "elsewhere"
    elsewhere.mkdir()
    (project.root / "site").mkdir()
    (project.root / "site/c").symlink_to(elsewhere)

    build(project, standin)

    assert list(elsewhere.iterdir()) == []


def list_short_addresses(built: Built) -> dict[str, int]:
    """Return the files that are there, with what tells a new file from the old one."""
    folder = built.site_dir / "c"
    return {
        path.relative_to(folder).as_posix(): path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if not path.is_dir()
    }


def test_redirects_that_stay_the_same_are_not_written_again(
    project: Project, standin: StandIn
) -> None:
    before = list_short_addresses(build(project, standin, max_age=0))
    standin.pages.edit("6", "# Set up\n", title="Set up")
    standin.pages.remove("7")

    built = build(project, standin, max_age=0)

    after = list_short_addresses(built)
    assert {path for path in before if path not in after} == {"7/index.html"}
    assert {path for path in after if after[path] != before[path]} == {
        "6/index.html",
        "8/index.html",
        "9/index.html",
    }
    assert 'url=../../guide/set-up/"' in built.page("c/6")
    assert not list(built.site_dir.glob(".*"))


def test_nothing_else_stays_between_redirects(project: Project, standin: StandIn) -> None:
    built = build(project, standin)
    shorts = built.site_dir / "c"
    (shorts / "note.txt").write_text("old")
    (shorts / "link").symlink_to(project.root)
    (shorts / "101/old.html").write_text("old")
    (shorts / "8/index.html").write_text("old")
    (shorts / "5/index.html").unlink()
    os.mkfifo(shorts / "5/index.html")
    backup = project.root / "backup.html"
    os.link(shorts / "6/index.html", backup)
    backup.write_text("mine")
    (shorts / "7/index.html").unlink()
    (shorts / "7/index.html").symlink_to(backup)

    again = build(project, standin)

    assert {*list_short_addresses(again)} == {f"{page_id}/index.html" for page_id in
                                              ("101", "5", "6", "7", "8", "9")}  # fmt: skip
    assert 'url=../../guide/setup/notes/"' in again.page("c/8")
    assert 'url=../../guide/"' in again.page("c/5")
    assert 'url=../../guide/setup/"' in again.page("c/6")
    assert 'url=../../guide/draft-use/"' in again.page("c/7")
    assert (project.root / "mkdocs.yml").exists()
    assert backup.read_text() == "mine"


def test_pages_of_the_site_may_be_where_redirects_are(project: Project, standin: StandIn) -> None:
    build(project, standin)
    project.write("docs/c/101.md", "# One hundred and one\n")
    project.write("docs/c/index.md", "# C\n")
    project.configure([*NAV, "c/index.md", "c/101.md"], site=standin.url)

    built = project.build()

    assert built.exit_code == 0
    assert "One hundred and one" in built.page("c/101")
    assert 'url=../../guide/setup/"' in built.page("c/6")
    assert '<h1 id="c">' in built.page("c")


def test_a_folder_of_the_site_stays_where_no_page_is_from_confluence(project: Project) -> None:
    project.write("docs/index.md", "# Home\n\nSee confluence:1 for more.\n")
    project.write("docs/c/index.md", "# C\n")
    nav = ["index.md", "c/index.md", {"Wiki": "https://acme.atlassian.net/wiki/home"}]
    project.configure(nav)

    for _ in range(2):
        built = project.build()
        assert built.exit_code == 0
        assert '<h1 id="c">' in built.page("c")
        assert not list(built.site_dir.glob(".*"))


def test_a_build_that_failed_or_was_killed_leaves_redirects_where_they_were(
    project: Project, standin: StandIn
) -> None:
    built = build(project, standin)
    shorts, aside = built.site_dir / "c", built.site_dir / ".confluence-md-redirects"
    for error in ("ValueError", "KeyboardInterrupt"):
        project.write("hook.py", f"def on_nav(*_, **__):\n    raise {error}\n")
        project.configure(NAV, site=standin.url, settings={"hooks": ["hook.py"]})

        assert project.build().exit_code == 1
        assert "Redirecting" in (shorts / "101/index.html").read_text()
        assert not aside.exists()

    shorts.rename(aside)
    assert "Redirecting" in build(project, standin).page("c/101")
    assert not aside.exists()

    shorts.rename(aside)
    build(project, standin, redirects=False)
    assert not aside.exists()
    assert not shorts.exists()


def test_a_page_that_comes_back_is_no_redirect_in_a_dirty_build(
    project: Project, standin: StandIn
) -> None:
    build(project, standin, max_age=0)
    standin.pages.edit("6", "# Setup\n", title="Set up")
    build(project, standin, max_age=0)
    standin.pages.edit("6", "# Setup\n", title="Setup")

    built = project.build("--dirty", strict=False)

    assert built.exit_code == 0
    assert "Redirecting" not in built.page("guide/setup")
