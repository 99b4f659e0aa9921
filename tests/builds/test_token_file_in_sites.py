"""The token file is never part of a site, by whatever name it is called."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mkdocs_confluence_md.auth.token_file import Protection, make_protection
from mkdocs_confluence_md.errors import SettingError
from mkdocs_confluence_md.network.redaction import SecretSearch
from projects import Project

if TYPE_CHECKING:
    from collections.abc import Callable

    from standin import StandIn

    Attack = Callable[["Attacked"], str]

CANARY = "eyJhbGciOi-CANARY-IsAlive"
TOKENS = {
    "version": 1,
    "sign_ins": {"login https://acme.atlassian.net": {
        "client_id": "client", "refresh_token": CANARY, "access_token": CANARY,
    }},
}  # fmt: skip
SNIPPETS = {"markdown_extensions": ["pymdownx.snippets"]}


class Attacked(Project):
    """A project with a token file in it."""

    options: dict[str, Any]


def link(project: Project, path: str, target: str = "config/tokens.json") -> None:
    place = project.root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(os.path.relpath(project.root / target, place.parent))


def configure(project: Attacked, **settings: Any) -> None:  # noqa: ANN401  any
    plugin = project.options
    project.configure([{"Deploy": "confluence:101"}], settings=settings, options=plugin)


@pytest.fixture
def attacked(tmp_path: Path, standin: StandIn) -> Attacked:
    project = Attacked(tmp_path / "project", standin.environment())
    project.options = {"site": standin.url}
    project.write("config/tokens.json", json.dumps(TOKENS))
    return project


def a_file(project: Attacked) -> str:
    link(project, "docs/notes.json")
    return "docs/notes.json"


def a_page(project: Attacked) -> str:
    link(project, "docs/notes.md")
    return "docs/notes.md"


def a_hidden_file(project: Attacked) -> str:
    link(project, "docs/.notes/.json")
    return "docs/.notes/.json"


def a_folder(project: Attacked) -> str:
    link(project, "docs/a/config", "config")
    return "docs/a/config"


def a_folder_around(project: Attacked) -> str:
    link(project, "docs/up", ".")
    return "docs/up"


def the_whole_disk(project: Attacked) -> str:
    (project.root / "docs/disk").symlink_to("/")
    return "docs/disk"


def a_process(project: Attacked) -> str:
    (project.root / "docs/process").symlink_to("/proc/self")
    return "docs/process"


def links_in_a_row(project: Attacked) -> str:
    link(project, "first")
    link(project, "second", "first")
    link(project, "docs/third.txt", "second")
    return "docs/third.txt"


def a_hard_link(project: Attacked) -> str:
    (project.root / "docs/data.txt").hardlink_to(project.root / "config/tokens.json")
    return "docs/data.txt"


def what_replaces_it(project: Attacked) -> str:
    project.write("config/tokens.json.new-abc", json.dumps(TOKENS))
    link(project, "docs/new.json", "config/tokens.json.new-abc")
    return "docs/new.json"


def docs_dir(project: Attacked) -> str:
    project.write("config/index.md", "# Home")
    configure(project, docs_dir="config")
    return "docs_dir"


def docs_dir_around_a_file_to_come(project: Attacked) -> str:
    (project.root / "config/tokens.json").unlink()
    return docs_dir(project)


def docs_dir_that_is_a_link(project: Attacked) -> str:
    project.write("config/index.md", "# Home")
    shutil.rmtree(project.root / "docs")
    link(project, "docs", "config")
    return "docs_dir"


def a_template(project: Attacked) -> str:
    link(project, "overrides/partials/notes.html")
    project.write("overrides/main.html", '{% include "partials/notes.html" %}')
    configure(project, theme={"name": "mkdocs", "custom_dir": "overrides"})
    return "overrides/partials/notes.html"


def custom_dir(project: Attacked) -> str:
    configure(project, theme={"name": "mkdocs", "custom_dir": "config"})
    return "custom_dir"


def a_snippet(project: Attacked) -> str:
    project.write("docs/index.md", '# Home\n\n--8<-- "config/tokens.json"\n')
    configure(project, **SNIPPETS)
    return "The snippet 'config/tokens.json'"


def a_part_of_a_snippet(project: Attacked) -> str:
    link(project, "parts/notes.md")
    project.write("parts/all.md", "--8<--\nparts/notes.md:1:5\n--8<--\n")
    project.write("docs/index.md", '# Home\n\n--8<-- "parts/all.md"\n')
    configure(project, **SNIPPETS)
    return "The snippet 'parts/notes.md'"


def a_snippet_of_all_pages(project: Attacked) -> str:
    extension = {"pymdownx.snippets": {
        "base_path": ["config"], "auto_append": ["tokens.json"], "restrict_base_path": False
    }}  # fmt: skip
    configure(project, markdown_extensions=[extension])
    return "The snippet 'tokens.json'"


def a_base_path(project: Attacked) -> str:
    project.write("docs/index.md", '# Home\n\n--8<-- "tokens.json"\n')
    extension = {"pymdownx.snippets": {"base_path": "config/tokens.json"}}
    configure(project, markdown_extensions=[extension])
    return "The setting `markdown_extensions[0].pymdownx.snippets.base_path`"


def inherit(project: Attacked) -> str:
    configure(project, INHERIT="config/tokens.json")
    return "The setting `INHERIT` in mkdocs.yml"


def inherit_a_link(project: Attacked) -> str:
    link(project, "base.yml")
    project.write("parent.yml", "INHERIT: base.yml\n")
    configure(project, INHERIT="parent.yml")
    return "The setting `INHERIT` in parent.yml"


def inherit_by_a_merge(project: Attacked) -> str:
    text = (project.root / "mkdocs.yml").read_text()
    project.write("mkdocs.yml", f"<<: [{{INHERIT: config/tokens.json}}]\n{text}")
    return "INHERIT` in mkdocs.yml"


def inherit_by_a_variable(project: Attacked) -> str:
    text = (project.root / "mkdocs.yml").read_text()
    tokens = "!ENV [NOWHERE, CONFLUENCE_MD_TOKEN_FILE, x]"
    project.write("mkdocs.yml", f"? !ENV [NOWHERE, INHERIT]\n: {tokens}\n{text}")
    return "INHERIT` in mkdocs.yml"


def a_hook(project: Attacked) -> str:
    configure(project, hooks=["config/tokens.json"])
    return "The setting `hooks[0]`"


def a_file_of_another_plugin(project: Attacked) -> str:
    project.write("add.py", (
        "from mkdocs.structure.files import File\n"
        "def on_files(files, config):\n"
        "    files.append(File('tokens.json', 'config', config.site_dir, True))\n"
    ))  # fmt: skip
    configure(project, hooks=["add.py"])
    return "tokens.json"


def a_late_file_of_another_plugin(project: Attacked) -> str:
    text = a_file_of_another_plugin(project)
    late = (project.root / "add.py").read_text().replace("on_files(files", "on_env(env, files")
    project.write("add.py", late)
    return text


def a_snapshot(project: Attacked) -> str:
    link(project, "snapshot/exports/deploy.md")
    project.options["snapshot"] = "snapshot"
    configure(project)
    return "snapshot/exports/deploy.md"


SEEN_BY_CHECK = [
    a_file, a_page, a_hidden_file, a_folder, a_folder_around, the_whole_disk, a_process,
    links_in_a_row, a_hard_link, what_replaces_it, docs_dir, docs_dir_around_a_file_to_come,
    docs_dir_that_is_a_link, a_template, custom_dir, a_base_path, inherit, inherit_a_link,
    inherit_by_a_merge, inherit_by_a_variable, a_hook,
]  # fmt: skip
SEEN_IN_BUILDS = [
    a_snippet, a_part_of_a_snippet, a_snippet_of_all_pages, a_file_of_another_plugin,
    a_late_file_of_another_plugin,
]  # fmt: skip


def find_canaries(directory: Path) -> list[Path]:
    return [
        path
        for path in directory.rglob("*")
        if path.is_file() and CANARY in path.read_text("utf-8", "replace")
    ]


@pytest.mark.parametrize("attack", [*SEEN_BY_CHECK, *SEEN_IN_BUILDS, a_snapshot])
def test_a_build_is_refused(attacked: Attacked, attack: Attack) -> None:
    configure(attacked)
    shown = attack(attacked)

    built = attacked.build("-v")

    [said] = [line for line in built.log.splitlines() if "must not become part of a site" in line]
    assert built.exit_code == 1
    said = said.replace(f"{attacked.root}/", "")
    assert f"{shown} " in said or f"{shown}/" in said
    assert "Traceback" not in built.log
    assert CANARY not in built.log
    assert find_canaries(attacked.root / "site") == []


@pytest.mark.parametrize("arguments", [[], ["--check"]])
@pytest.mark.parametrize("attack", [*SEEN_BY_CHECK, *SEEN_IN_BUILDS])
def test_a_pull_is_refused(attacked: Attacked, attack: Attack, arguments: list[str]) -> None:
    configure(attacked)
    attack(attacked)

    exit_code, out, said = attacked.run("pull", *arguments, "pulled")

    assert exit_code == 1
    assert re.search(
        "must not become part of a site|leads (out of the project|back to itself)", said
    )
    assert CANARY not in out + said
    assert not (attacked.root / "pulled").exists()


@pytest.mark.parametrize("arguments", [[], ["--json"]])
@pytest.mark.parametrize("attack", [*SEEN_BY_CHECK, a_snapshot])
def test_check_tells_of_it(attacked: Attacked, attack: Attack, arguments: list[str]) -> None:
    configure(attacked)
    shown = attack(attacked)

    exit_code, out, said = attacked.run("check", *arguments)

    assert exit_code == 1
    assert shown in said.replace(f"{attacked.root}/", "")
    assert "must not become part of a site" in said
    assert CANARY not in out + said


@pytest.mark.parametrize("command", ["check", "pull"])
def test_a_configuration_that_is_the_token_file_is_not_read(
    attacked: Attacked, command: str
) -> None:
    attacked.write("config/tokens.json", f'{{"{CANARY}": [')
    arguments = {"check": [], "pull": ["pulled"]}[command]

    exit_code, out, said = attacked.run(command, "-f", "config/tokens.json", *arguments)

    assert (exit_code, CANARY in out + said) == (1, False)
    assert "config/tokens.json leads to the token file" in said


@pytest.mark.parametrize("attack", [a_page, a_snippet, inherit, a_late_file_of_another_plugin])
def test_properdocs_refuses_it_too(attacked: Attacked, attack: Attack) -> None:
    configure(attacked)
    attack(attacked)
    text = (attacked.root / "mkdocs.yml").read_text()
    attacked.write("mkdocs.yml", text.replace("name: mkdocs", "name: material"))

    built = attacked.build(host="properdocs")

    assert built.exit_code == 1
    assert "must not become part of a site" in built.log
    assert "Traceback" not in built.log
    assert find_canaries(attacked.root / "site") == []


def test_the_usual_token_file_is_protected_too(attacked: Attacked, tmp_path: Path) -> None:
    attacked.environment |= {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    attacked.write("../config/mkdocs-confluence-md/tokens.json", json.dumps(TOKENS))
    link(attacked, "docs/x.json", "../config/mkdocs-confluence-md/tokens.json")
    configure(attacked)

    named = attacked.build()
    attacked.environment["CONFLUENCE_MD_TOKEN_FILE"] = ""
    usual = attacked.build()

    assert (named.exit_code, usual.exit_code) == (1, 1)
    assert named.messages() == usual.messages()
    assert named.messages() == (
        f"ERROR   -  confluence-md: {attacked.root}/docs/x.json leads to the token file, which "
        "must not become part of a site. Remove what leads there, or set CONFLUENCE_MD_TOKEN_FILE "
        "to a path outside the project, and move the file there.\n\nAborted with a BuildError!"
    )


def test_other_links_stay_what_they_are(attacked: Attacked) -> None:
    attacked.write("shared/guide.md", "# Guide\n")
    attacked.write("parts/note.md", "A *note*.\n")
    link(attacked, "docs/shared", "shared")
    link(attacked, "docs/again", "shared")
    (attacked.root / "docs/.#lock").symlink_to("jane@host.1")
    attacked.write("docs/index.md", '# Home\n\n--8<-- "parts/note.md"\n')
    configure(attacked, **SNIPPETS)

    built = attacked.build(strict=False)

    assert built.exit_code == 0
    assert "<em>note</em>" in built.page("")
    assert "Guide" in built.page("shared/guide")


def test_names_that_no_system_has_lead_nowhere(tmp_path: Path) -> None:
    protection = Protection([tmp_path / "tokens.json"], SecretSearch())

    for name in ("\0", "x" * 100_000, "", "a\nb"):
        protection.check_file(name, name)


def test_a_token_file_that_cannot_be_read_is_protected(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    path.write_text("{")
    protection = make_protection({"CONFLUENCE_MD_TOKEN_FILE": str(path)})

    with pytest.raises(SettingError, match="leads to the token file"):
        protection.check_file(str(path), "this")


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs Linux")
@pytest.mark.parametrize("name", ["env.txt", "env.md"])
def test_the_environment_of_the_process_is_no_file_of_a_site(attacked: Attacked, name: str) -> None:
    (attacked.root / "docs" / name).symlink_to("/proc/self/environ")
    configure(attacked)

    built = attacked.build(strict=False)

    assert built.exit_code == 1
    assert "leads into /proc or /sys, which must not become part of a site" in built.log


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs Linux")
def test_the_environment_of_the_process_is_no_snippet(attacked: Attacked) -> None:
    attacked.write("docs/index.md", '# Home\n\n--8<-- "proc/self/environ"\n')
    configure(attacked, markdown_extensions=[{"pymdownx.snippets": {"base_path": ["/"]}}])

    built = attacked.build(strict=False)

    assert built.exit_code == 1
    assert "leads into /proc or /sys" in built.log
