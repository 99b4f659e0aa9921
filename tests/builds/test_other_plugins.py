"""Plugins that know nothing of Confluence: what they change, show and keep."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from projects import Built, Project
    from standin import StandIn

NAV: list[Any] = [{"Deploy": "confluence:101"}, {"Back": "confluence:102"}]


@pytest.fixture
def pages() -> dict[str, str]:
    return {
        "101": "# Deploy\n\nSee [it](confluence:102#Second-step).\n\n"
        "> [!NOTE]\n> Take care of the HTML.\n",
        "102": "# Roll back\n\n## Second step\n\nDone.\n",
    }


def build(
    project: Project,
    standin: StandIn,
    *plugins: object,
    theme: str = "material",
    **settings: object,
) -> Built:
    everything = {"plugins": [*plugins, {"confluence-md": {"site": standin.url}}], **settings}
    project.configure(NAV, settings=everything, theme=theme)
    built = project.build()
    assert built.exit_code == 0, built.log
    return built


def keep_in_git(project: Project) -> None:
    git = ["git", "-c", "user.name=Eva", "-c", "user.email=eva@example.com"]
    for command in (["init", "-q"], ["add", "docs"], ["commit", "-q", "-m", "All"]):
        subprocess.run([*git, *command], cwd=project.root, check=True)


@pytest.mark.parametrize("plugin", ["callouts", "gh-admonitions"])
def test_panels_stay_panels_beside_plugins_that_look_for_alerts(
    project: Project, standin: StandIn, plugin: str
) -> None:
    project.write("docs/index.md", "# Home\n\n> [!NOTE]\n> Local.\n")

    built = build(project, standin, plugin, markdown_extensions=["admonition"])

    assert '<div class="admonition note">' in built.page(".")
    html = built.page("deploy")
    assert '<div class="admonition note">\n<p class="admonition-title">Note</p>' in html
    assert "<p>Take care of the HTML.</p>" in html
    assert "!!!" not in html


def test_what_is_added_to_each_page_stays(project: Project, standin: StandIn) -> None:
    project.write("more/abbreviations.md", "*[HTML]: Hyper Text\n")
    extensions = ["abbr", {"pymdownx.snippets": {"auto_append": ["more/abbreviations.md"]}}]

    built = build(project, standin, markdown_extensions=extensions)

    assert '<abbr title="Hyper Text">HTML</abbr>' in built.page("deploy")


def test_dates_are_those_of_confluence(project: Project, standin: StandIn) -> None:
    keep_in_git(project)
    project.environment |= standin.rest_environment()

    built = build(project, standin, "git-revision-date-localized")

    assert "January 1, 2025" in built.page("deploy")
    assert "January 1, 2025" not in built.page(".")


def test_without_a_date_none_is_shown(project: Project, standin: StandIn) -> None:
    keep_in_git(project)

    built = build(project, standin, "git-revision-date-localized")

    assert "git-revision-date-localized-plugin-date" in built.page(".")
    assert "git-revision-date-localized-plugin-date" not in built.page("deploy")


def test_git_is_not_asked_who_wrote_a_page(project: Project, standin: StandIn) -> None:
    keep_in_git(project)

    built = build(project, standin, "git-authors", theme="mkdocs")

    assert built.messages() == ""


def test_a_feed_shows_when_a_page_was_changed(project: Project, standin: StandIn) -> None:
    project.environment |= standin.rest_environment()
    dates = {"as_creation": "revision_date", "as_update": "revision_date"}
    feed = {"rss": {"use_git": False, "date_from_meta": dates}}

    built = build(project, standin, feed, site_url="https://docs.example/")

    created = (built.site_dir / "feed_rss_created.xml").read_text()
    assert "<pubDate>Wed, 01 Jan 2025" in created


def test_a_page_with_all_others_has_links_that_lead_there_also_when_nothing_is_cached(
    project: Project, standin: StandIn
) -> None:
    ours = {"confluence-md": {"site": standin.url}}
    settings = {"plugins": [ours, "print-site"]}
    project.configure(NAV, settings=settings, theme="mkdocs")

    built = project.build()

    assert built.exit_code == 0, built.log
    assert 'href="#back-second-step"' in built.page("print_page")


def test_a_redirect_leads_to_a_page_or_to_confluence(project: Project, standin: StandIn) -> None:
    targets = {"old.md": "confluence:101", "older.md": "confluence:999"}

    built = build(project, standin, {"redirects": {"redirect_maps": targets}})

    assert built.messages() == ""
    assert 'url=../deploy/"' in built.page("old")
    assert f"{standin.url}/wiki/pages/viewpage.action?pageId=999" in built.page("older")


def test_search_knows_a_title_that_a_page_was_given(
    project: Project, standin: StandIn, pages: dict[str, str]
) -> None:
    pages["101"] = "No heading here.\n"

    built = build(project, standin, "search", theme="mkdocs")

    assert '<h1 id="deploy">Deploy</h1>' in built.page("deploy")
    index = (built.site_dir / "search/search_index.json").read_text()
    assert '"text":"No heading here.","title":"Deploy"' in index.replace("<p>", "").replace(
        "</p>", ""
    ).replace('"text": "', '"text":"').replace('", "title": ', '","title":')
