"""`confluence-md pull` where links are in the way: nothing outside of its directory is touched."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from mkdocs_confluence_md.auth.token_file import check_links, find_roots, walk
from mkdocs_confluence_md.errors import SettingError

if TYPE_CHECKING:
    from pathlib import Path

    from projects import Project
    from standin import StandIn

COMMANDS = [["pull", "pulled"], ["pull", "--check", "pulled"]]
commands = pytest.mark.parametrize("command", COMMANDS, ids=" ".join)


@pytest.fixture
def plain(project: Project, standin: StandIn) -> Project:
    """Return a project with one page, beside a directory that is nobody's business."""
    project.configure([{"Deploy": "confluence:101"}], site=standin.url, settings={"hooks": []})
    (project.root / ".cache").mkdir()  # so that their making is no change
    (project.root / "config").mkdir()
    project.write("../outside/old/page.md", "# Mine")
    project.write("../outside/new/page.md", "# Mine")
    project.write("../outside/lock", "mine")
    project.write("../outside/secret.txt", "CANARY")
    return project


def look(directory: Path, *left_out: str) -> dict[str, tuple[int, int, bytes]]:
    """Return each file, folder and link below a directory: its kind, its time and its content."""
    found = {}
    for folder, folders, names in os.walk(directory):
        folders[:] = [name for name in folders if name not in left_out]
        for name in [*folders, *names]:
            path = os.path.join(folder, name)  # noqa: PTH118
            status = os.lstat(path)
            content = b""
            if os.path.islink(path):  # noqa: PTH114
                content = os.fsencode(os.readlink(path))  # noqa: PTH115
            elif os.path.isfile(path):  # noqa: PTH113
                with open(path, "rb") as file:  # noqa: PTH123
                    content = file.read()
            found[path] = (status.st_mode, status.st_mtime_ns, content)
    return found


def refuse(project: Project, command: list[str]) -> str:
    """Run a command, which must fail, change nothing and show nothing; return what it says."""
    before = look(project.root.parent, ".cache", "config")

    exit_code, out, said = project.run(*command)

    assert exit_code == 1
    assert look(project.root.parent, ".cache", "config") == before
    assert "CANARY" not in out + said
    return said.replace(str(project.root), "ROOT")


@commands
@pytest.mark.parametrize("target", ["../outside", "../outside/secret.txt", "/proc/self", "nowhere"])
def test_a_link_with_the_name_of_a_workplace_is_left_alone(
    plain: Project, target: str, command: list[str]
) -> None:
    for name in ("x", "0123456789abcdef"):
        (plain.root / f".pulled.new-{name}").symlink_to(target)
    before = look(plain.root, ".cache", "config", "pulled") | look(plain.root / "../outside")

    plain.run(*command)

    assert (
        look(plain.root, ".cache", "config", "pulled") | look(plain.root / "../outside") == before
    )


@commands
def test_somebodys_own_directory_is_left_alone(plain: Project, command: list[str]) -> None:
    plain.write(".pulled.new-notes/old/mine.md", "# Mine")
    plain.write(".pulled.new-notes/mine.md", "# Mine")
    plain.write(".pulled.new-0123456789abcdef/old/mine.md", "# Mine")
    before = look(plain.root, ".cache", "config", "pulled")

    exit_code, _, _ = plain.run(*command)

    assert exit_code == int("--check" in command)
    assert look(plain.root, ".cache", "config", "pulled") == before
    assert not (plain.root / "pulled/mine.md").exists()


def test_check_changes_nothing(plain: Project) -> None:
    for step in ("nothing", "current", "changed", "left"):
        if step == "changed":
            plain.write("docs/more.md", "# More")
        if step == "left":  # by a pull that was killed
            workplace = plain.root / ".pulled.new-0123456789abcdef"
            workplace.mkdir(mode=0o700)
            (plain.root / "pulled").rename(workplace / "old")
        before = look(plain.root.parent, ".cache", "config")

        exit_code, _, said = plain.run("pull", "--check", "pulled")

        assert look(plain.root.parent, ".cache", "config") == before
        assert exit_code == int(step != "current"), said
        if step == "nothing":
            plain.run("pull", "pulled")
    assert plain.run("pull", "pulled")[0] == 0
    assert not workplace.exists()


@commands
@pytest.mark.parametrize(
    ("path", "target", "message"),
    [
        ("docs/root", "/proc/self", "ROOT/docs/root is a link that leads out of the project, to /"),
        ("docs/a/b", "/", "ROOT/docs/a/b is a link that leads out of the project, to /."),
        ("docs/out", "../../outside", "ROOT/docs/out is a link that leads out of the project, to "),
        ("docs/x.md", "../../outside/secret.txt", "ROOT/docs/x.md is a link that leads out of"),
        ("docs/.x", "../../outside/secret.txt", "ROOT/docs/.x is a link that leads out of"),
        ("docs/null", "/dev/zero", "ROOT/docs/null is a link that leads out of the project"),
        ("docs/self", "self", "ROOT/docs/self is a link that leads back to itself."),
        ("docs/loop", ".", "ROOT/docs/loop is a link that leads back to itself."),
        ("docs/a/up", "../..", "ROOT/docs/a/up is a link that leads back to itself."),
        ("docs/a/b/more", "../../a", "ROOT/docs/a/b/more is a link that leads back to itself."),
    ],
)  # fmt: skip
def test_links_of_docs_stay_in_the_project_and_end(
    plain: Project, path: str, target: str, message: str, command: list[str]
) -> None:
    (plain.root / path).parent.mkdir(parents=True, exist_ok=True)
    (plain.root / path).symlink_to(target)

    said = refuse(plain, command)

    assert message in said
    assert said.endswith(" Remove the link, or copy what it leads to.\n")


@commands
def test_docs_may_not_be_a_link_that_leads_out(plain: Project, command: list[str]) -> None:
    shutil.rmtree(plain.root / "docs")
    plain.write("../outside/index.md", "# CANARY")
    (plain.root / "docs").symlink_to("../outside")

    assert "ROOT/docs is a link that leads out of the project, to" in refuse(plain, command)


@commands
def test_a_pipe_is_not_waited_for(plain: Project, command: list[str]) -> None:
    os.mkfifo(plain.root / "docs/pipe.txt")

    assert "ROOT/docs/pipe.txt is not a file, but a pipe or a device." in refuse(plain, command)


@commands
def test_links_that_multiply_end(plain: Project, command: list[str]) -> None:
    for level in range(12):
        (plain.root / f"parts/{level}").mkdir(parents=True)
        for name in "ab":
            (plain.root / f"parts/{level}/{name}").symlink_to(f"../{level + 1}")
    plain.write("parts/12/page.md", "# Page")
    (plain.root / "docs/parts").symlink_to("../parts/0")

    assert "ROOT/docs has more than 1000 links in it." in refuse(plain, command)


def test_links_inside_the_project_and_its_repository_are_followed(plain: Project) -> None:
    (plain.root / "../.git").mkdir()
    plain.write("../services/api/guide.md", "# Guide")
    plain.write("README.md", "# Read me")
    (plain.root / "docs/api").symlink_to("../../services/api")
    (plain.root / "docs/NOTES.md").symlink_to("../README.md")
    (plain.root / "docs/.#lock").symlink_to("jane@host.1")

    exit_code, _, said = plain.run("pull", "pulled")

    assert "leads" not in said
    assert (plain.root / "pulled/docs/api/guide.md").read_text() == "# Guide"
    assert not (plain.root / "pulled/docs/api").is_symlink()
    assert (plain.root / "pulled/docs/NOTES.md").read_text() == "# Read me"
    assert exit_code == 0
    assert not os.path.lexists(plain.root / "pulled/docs/.#lock")


@commands
@pytest.mark.parametrize("target", ["../outside", "docs", "nowhere", "pulled", "/"])
def test_the_directory_may_not_be_a_link(plain: Project, target: str, command: list[str]) -> None:
    (plain.root / "pulled").symlink_to(target)

    assert refuse(plain, command) == (
        "Error: Nothing can be pulled into ROOT/pulled: ROOT/pulled is a link. "
        "Name the directory that it leads to.\n"
    )


@commands
def test_the_way_to_the_directory_may_not_lead_over_a_link_of_the_project(
    plain: Project, command: list[str]
) -> None:
    (plain.root / "build").symlink_to("../outside")

    said = refuse(plain, [*command[:-1], "build/pulled"])

    assert "Nothing can be pulled into ROOT/build/pulled: ROOT/build is a link." in said


@commands
def test_a_way_over_a_link_elsewhere_is_fine(plain: Project, command: list[str]) -> None:
    (plain.root.parent / "home").symlink_to("outside")

    exit_code, _, _ = plain.run(*command[:-1], "../home/pulled")

    assert exit_code == int("--check" in command)
    assert (plain.root / "../outside/pulled").exists() == ("--check" not in command)


@commands
@pytest.mark.parametrize("directory", ["docs", "docs/pulled", "docs/../docs/pulled"])
def test_a_directory_in_docs_is_refused_before_anything_is_tidied_up(
    plain: Project, directory: str, command: list[str]
) -> None:
    assert "it is in or contains docs_dir" in refuse(plain, [*command[:-1], directory])


@pytest.mark.parametrize(
    ("path", "changed"),
    [
        ("docs/deploy.md", "docs/deploy.md"),
        ("exports", "exports/deploy.md"),
        ("docs", "docs/deploy.md, docs/index.md"),
        ("mkdocs.yml", "mkdocs.yml"),
    ],
)
def test_a_link_inside_the_directory_is_a_change_whatever_it_leads_to(
    plain: Project, path: str, changed: str
) -> None:
    assert plain.run("pull", "pulled")[0] == 0
    place = plain.root / "pulled" / path
    place.rename(plain.root / "../outside/same")
    place.symlink_to(plain.root / "../outside/same")

    said = refuse(plain, COMMANDS[0])
    refuse(plain, COMMANDS[1])

    assert f"files have been changed since they were pulled: {changed}. " in said


@commands
def test_a_manifest_that_is_a_link_is_not_read(plain: Project, command: list[str]) -> None:
    assert plain.run("pull", "pulled")[0] == 0
    manifest = plain.root / "pulled/confluence-md.json"
    manifest.rename(plain.root / "../outside/same")
    manifest.symlink_to(plain.root / "../outside/same")

    assert refuse(plain, command) == (
        "Error: The snapshot in ROOT/pulled is damaged: its confluence-md.json is a link. "
        "Remove ROOT/pulled, and pull again.\n"
    )


def test_a_pipe_in_the_directory_is_a_change(plain: Project) -> None:
    assert plain.run("pull", "pulled")[0] == 0
    (plain.root / "pulled/docs/deploy.md").unlink()
    os.mkfifo(plain.root / "pulled/docs/deploy.md")

    assert "files have been changed since they were pulled: docs/deploy.md. " in refuse(
        plain, COMMANDS[0]
    )


@commands
def test_the_directory_may_not_be_around_the_token_file(plain: Project, command: list[str]) -> None:
    plain.write("config/tokens.json", "{}")

    said = refuse(plain, [*command[:-1], "config"])

    assert "ROOT/config is or contains the token file" in said


@commands
def test_configurations_that_inherit_in_a_circle_end(plain: Project, command: list[str]) -> None:
    text = (plain.root / "mkdocs.yml").read_text()
    plain.write("mkdocs.yml", f"INHERIT: base.yml\n{text}")
    plain.write("base.yml", "INHERIT: mkdocs.yml\n")

    said = refuse(plain, command)
    code, _, checked = plain.run("check")

    assert "The setting `INHERIT` in ROOT/base.yml leads back to itself." in said
    assert (code, "leads back to itself" in checked) == (1, True)


def test_folders_behind_several_links_are_walked_once(tmp_path: Path) -> None:
    for level in range(40):
        (tmp_path / str(level)).mkdir()
        for name in "abc":
            (tmp_path / str(level) / name).symlink_to(f"../{(level + 1) % 40}")

    assert len(list(walk(tmp_path / "0"))) == 120


def test_a_device_in_a_directory_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(SettingError, match="a pipe or a device"):
        check_links(tmp_path, find_roots(tmp_path))
