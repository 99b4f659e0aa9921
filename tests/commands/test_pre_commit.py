"""The hook for pre-commit: it checks a site without network and without credentials."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest
import yaml

from places import ROOT
from projects import Project

if TYPE_CHECKING:
    from pathlib import Path

[HOOK] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
NAV = ["confluence:101", {"Handbook": "confluence:102/"}, {"Wiki": "confluence:space/ENG"}]
# Whoever asked somebody would fail here.
NO_NETWORK = dict.fromkeys(["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"], "http://127.0.0.1:9")


@pytest.fixture
def site(tmp_path: Path) -> Project:
    """Return a project of somebody who is not signed in."""
    return Project(tmp_path / "site", dict(NO_NETWORK))


def run(site: Project) -> tuple[int, str]:
    """Run the hook; return its exit code and all that it says."""
    command, *arguments = shlex.split(HOOK["entry"])
    assert command == "confluence-md"
    code, out, messages = site.run(*arguments)
    return code, out + messages


def test_it_is_what_pre_commit_reads() -> None:
    assert set(HOOK) == {
        "id", "name", "description", "entry", "language", "files", "pass_filenames"
    }  # fmt: skip
    assert (HOOK["id"], HOOK["language"]) == ("confluence-md-check", "python")
    assert HOOK["pass_filenames"] is False


@pytest.mark.parametrize("name", ["mkdocs.yml", "mkdocs.yaml"])
def test_it_is_run_when_the_configuration_changes(name: str) -> None:
    assert re.search(HOOK["files"], name)
    assert not re.search(HOOK["files"], f"docs/{name}")
    assert not re.search(HOOK["files"], f"{name}.md")


def test_a_good_site_may_be_committed(site: Project) -> None:
    site.configure(NAV, site="acme.atlassian.net")

    assert run(site)[0] == 0


def test_the_themes_and_plugins_of_the_site_need_not_be_there(site: Project) -> None:
    """The environment that pre-commit makes has this package, and nothing else of the site."""
    plugins = ["nowhere", {"confluence-md": {"site": "acme.atlassian.net"}}]
    settings = {"plugins": plugins, "markdown_extensions": ["nowhere.either"]}
    site.configure(NAV, theme="unheard-of", settings=settings)

    assert run(site)[0] == 0


def test_a_bad_site_may_not_and_everything_is_told(site: Project) -> None:
    site.configure([*NAV, "confluence:abc"], site="acme.atlassian.net", max_age="soon", offlin=True)

    code, said = run(site)

    assert code == 1
    for slip in "confluence:abc", "max_age", "offlin":
        assert slip in said


def test_a_site_without_the_plugin_is_told_so(site: Project) -> None:
    site.write("mkdocs.yml", "site_name: Handbook\nnav: [index.md]\n")

    code, said = run(site)

    assert code == 1
    assert "confluence-md" in said
