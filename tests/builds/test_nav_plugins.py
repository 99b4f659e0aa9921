"""References wherever a plugin reads `nav`: their pages are in the site, and no link is left."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest

from standin import PageRecord, StandIn

if TYPE_CHECKING:
    from projects import Built, Project

FOUR = """
nav:
  - index.md
  - Deploy: confluence:101
  - Ops:
      - Back: confluence:102
      - Third: confluence:103
  - Guide: confluence:5/
"""
FOUR_TITLES = ["Home", "Deploy", "Ops", "Back", "Third", "Guide", "Guide", "Setup", "Use"]


@pytest.fixture
def pages() -> dict[str, str]:
    return {"101": "# Deploy\n\nRoll out.\n", "102": "# Roll back\n", "103": "# Third\n"}


@pytest.fixture(autouse=True)
def _tree(standin: StandIn) -> None:
    standin.pages.add(
        PageRecord("5", "# Guide\n\nSee [it](confluence:6).\n"),
        PageRecord("6", "# Setup\n", parent="5"),
        PageRecord("7", "# Use\n", parent="5"),
    )


def configure(
    project: Project,
    standin: StandIn,
    plugins: list[Any],
    nav: list[Any] | None = None,
    **settings: object,
) -> None:
    ours = {"confluence-md": {"site": standin.url}}
    everything = {"plugins": [*plugins, ours], "nav": nav, **settings}
    project.configure([], settings=everything, theme="readthedocs")


def build(project: Project, *, strict: bool = True) -> Built:
    """Build a site, and see that no reference is left in it."""
    built = project.build(strict=strict)
    assert built.exit_code == 0, built.log
    for page in built.site_dir.rglob("*.html"):
        assert 'href="confluence' not in page.read_text(encoding="utf-8")
    return built


def find_titles(built: Built) -> list[str]:
    """Return the navigation of the home page, in order."""
    html = (built.site_dir / "index.html").read_text(encoding="utf-8")
    menu = html.partition('class="wy-menu')[2].partition("</nav>")[0]
    texts = re.findall(r">([^<>]+)</(?:a|span)>", menu)
    return [unescape(text).strip() for text in texts if text.strip()]


def test_a_summary_of_literate_nav(project: Project, standin: StandIn) -> None:
    project.write(
        "docs/SUMMARY.md",
        "* [Home](index.md)\n* [Deploy](confluence:101)\n* [Ops](ops/)\n* [Guide](confluence:5/)\n",
    )
    project.write(
        "docs/ops/SUMMARY.md", "* [Back](confluence:102)\n* [confluence:103](confluence:103)\n"
    )
    configure(project, standin, ["literate-nav"])

    built = build(project)

    assert find_titles(built) == FOUR_TITLES
    assert "Roll out." in built.page("deploy")
    assert built.page("ops/back")
    assert built.page("ops/103")
    assert 'href="setup/"' in built.page("guide")


def test_a_summary_that_gen_files_writes(project: Project, standin: StandIn) -> None:
    project.write(
        "write.py",
        "import mkdocs_gen_files\n"
        "nav = mkdocs_gen_files.Nav()\n"
        "nav['Home'] = 'index.md'\n"
        "nav['Ops', 'Back'] = 'confluence:102'\n"
        "with mkdocs_gen_files.open('SUMMARY.md', 'w') as file:\n"
        "    file.writelines(nav.build_literate_nav())\n",
    )
    configure(project, standin, [{"gen-files": {"scripts": ["write.py"]}}, "literate-nav"])

    built = build(project)

    assert find_titles(built) == ["Home", "Ops", "Back"]
    assert "Roll back" in built.page("ops/back")


def test_a_file_of_awesome_nav(project: Project, standin: StandIn) -> None:
    project.write("docs/.nav.yml", FOUR)
    configure(project, standin, ["awesome-nav"])

    built = build(project)

    assert find_titles(built) == FOUR_TITLES
    assert built.page("ops/third")
    assert 'href="setup/"' in built.page("guide")


def test_a_file_of_awesome_pages_with_a_rest(project: Project, standin: StandIn) -> None:
    project.write("docs/.pages", f"{FOUR.strip()}\n  - ...\n")
    project.write("docs/other.md", "# Other\n\n[Deploy](confluence:101)\n")
    configure(project, standin, ["awesome-pages"])

    built = build(project)

    assert find_titles(built) == [*FOUR_TITLES, "Other"]
    assert 'href="../deploy/"' in built.page("other")


def test_a_rest_of_awesome_pages_in_the_configuration(project: Project, standin: StandIn) -> None:
    project.write("docs/other.md", "# Other\n")
    nav = ["index.md", {"Ops": [{"Back": "confluence:102"}]}, "..."]
    configure(project, standin, ["awesome-pages"], nav)

    built = build(project)

    assert find_titles(built) == ["Home", "Ops", "Back", "Other"]


def test_a_configuration_that_monorepo_includes(project: Project, standin: StandIn) -> None:
    project.write("ops/docs/index.md", "# Operations\n")
    project.write(
        "ops/mkdocs.yml",
        "site_name: ops\nnav:\n  - index.md\n  - Back: confluence:102\n"
        '  - confluence:103\n  - confluence: "101"\n',
    )
    nav = ["index.md", {"Ops": "!include ops/mkdocs.yml"}]
    configure(project, standin, ["monorepo"], nav)

    built = build(project)

    assert find_titles(built) == ["Home", "Ops", "Operations", "Back", "Third", "Deploy"]
    assert built.page("ops/back")


@pytest.mark.parametrize("event", ["on_files", "on_config"])
@pytest.mark.parametrize(
    "change", ["config.nav = [*config.nav, {'Late': 'confluence:103'}]",
               "config.nav.append({'Late': 'confluence:103'})"],
)  # fmt: skip
def test_a_hook_that_changes_nav(
    project: Project, standin: StandIn, event: str, change: str
) -> None:
    argument = "files, config" if event == "on_files" else "config"
    project.write("change.py", f"def {event}({argument}):\n    {change}\n")
    nav = ["index.md", {"Deploy": "confluence:101"}]
    configure(project, standin, [], nav, hooks=["change.py"])

    built = build(project)

    assert find_titles(built) == ["Home", "Deploy", "Late"]
    assert sorted(standin.exports()) == ["101", "103"]


def test_a_hook_that_adds_a_link_to_the_navigation(project: Project, standin: StandIn) -> None:
    project.write(
        "change.py",
        "from mkdocs.structure.nav import Link\n\n"
        "def on_nav(nav, config, files):\n"
        "    nav.items.append(Link('Late', 'confluence:103'))\n",
    )
    configure(project, standin, [], ["index.md"], hooks=["change.py"])

    assert find_titles(build(project)) == ["Home", "Late"]


def test_a_reference_in_two_navs_is_one_page(project: Project, standin: StandIn) -> None:
    project.write("docs/.nav.yml", FOUR)
    nav = [{"Runbook": "confluence:101"}, {"All": "confluence:5/"}]
    configure(project, standin, [{"awesome-nav": {"logs": {"nav_override": "info"}}}], nav)

    built = build(project)

    assert find_titles(built) == FOUR_TITLES
    assert built.page("runbook")
    assert not (built.site_dir / "deploy").exists()
    assert sorted(standin.exports()) == ["101", "102", "103"]
    assert built.page("all/setup")
    assert not (built.site_dir / "guide").exists()


@pytest.mark.parametrize(
    ("plugin", "path", "text"),
    [
        ("literate-nav", "docs/SUMMARY.md", "* [Deploy](confluence:10x)\n"),
        ("awesome-nav", "docs/.nav.yml", "nav:\n  - Deploy: confluence:10x\n"),
        ("awesome-pages", "docs/.pages", "nav:\n  - Deploy: confluence:10x\n"),
    ],
)
def test_a_reference_that_is_not_valid_ends_the_build(
    project: Project, standin: StandIn, plugin: str, path: str, text: str
) -> None:
    project.write(path, text)
    configure(project, standin, [plugin])

    built = project.build()

    assert built.exit_code == 1
    assert "'Deploy: confluence:10x': this is neither a page ID" in built.log
    assert "Traceback" not in built.log


def test_all_pages_that_fail_are_told_of_wherever_they_are_written(
    project: Project, standin: StandIn
) -> None:
    standin.faults.missing = {"101", "103"}
    project.write("docs/.nav.yml", "nav:\n  - index.md\n  - Third: confluence:103\n")
    plugins = [{"awesome-nav": {"logs": {"nav_override": "info"}}}]
    configure(project, standin, plugins, ["index.md", {"Deploy": "confluence:101"}])

    built = project.build()

    assert built.exit_code == 1
    assert "“Deploy”" in built.log
    assert "“Third”" in built.log


@pytest.mark.parametrize(
    ("plugin", "path", "nav"),
    [("awesome-nav", "docs/.nav.yml", None), ("awesome-pages", "docs/.pages", None)],
)
def test_a_pulled_site_has_the_same_navigation(
    project: Project, standin: StandIn, plugin: str, path: str, nav: list[Any] | None
) -> None:
    project.write(path, FOUR.replace("  - Guide: confluence:5/\n", ""))
    redirects = {"redirects": {"redirect_maps": {"old.md": "confluence:102#roll-back"}}}
    configure(project, standin, [plugin, redirects], nav, hooks=[])
    own = build(project)
    assert 'url=../ops/back/#roll-back"' in own.page("old")

    assert project.run("pull", "pulled")[0] == 0

    pulled = replace(project, root=project.root / "pulled", environment={})
    assert find_titles(build(pulled)) == find_titles(own)
    assert 'url=../ops/back/#roll-back"' in (pulled.root / "site/old/index.html").read_text()


def test_what_fails_early_and_what_fails_late_is_told_once_each(
    project: Project, standin: StandIn
) -> None:
    standin.faults.missing = {"101", "103"}
    project.write("docs/.nav.yml", "nav:\n  - index.md\n  - Third: confluence:103\n")
    plugins: list[Any] = [{"awesome-nav": {"logs": {"nav_override": "info"}}}, "print-site"]
    ours = {"confluence-md": {"site": standin.url, "on_error": "placeholder"}}
    nav = ["index.md", {"Deploy": "confluence:101"}, {"All": "confluence:5/"}]
    project.configure([], settings={"plugins": [*plugins, ours], "nav": nav})

    built = project.build(strict=False)

    assert built.exit_code == 0
    assert built.log.count("“Deploy”") == 1
    assert built.log.count("“Third”") == 1
    assert "3 pages from Confluence" in built.log
