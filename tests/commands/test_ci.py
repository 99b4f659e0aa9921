"""`confluence-md ci`: a sign-in for CI alone, whose secrets go where they belong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from consenting import consent
from processes import BIN, find_free_port
from projects import Project

if TYPE_CHECKING:
    from pathlib import Path

    from standin import StandIn

FORGE = """#!{python}
import json, sys
from pathlib import Path
arguments = sys.argv[1:]
with Path({calls!r}).open("a") as file:
    print(json.dumps([arguments, sys.stdin.read()]), file=file)
if arguments[:2] in {refused}:
    sys.exit("could not create variable: it has already been taken\\nusage: ...")
"""
NAMES = ["CONFLUENCE_MD_CLIENT_ID", "CONFLUENCE_MD_CLIENT_SECRET", "CONFLUENCE_MD_REFRESH_TOKEN"]


@pytest.fixture
def project(tmp_path: Path, standin: StandIn) -> Project:
    """Return a project that has a client, and nobody signed in."""
    project = Project(tmp_path / "project")
    project.configure(["confluence:101"], site=standin.url, gateway="site")
    project.environment = {
        "CONFLUENCE_MD_AUTH_URL": standin.url,
        "CONFLUENCE_MD_CLIENT_ID": standin.client_id,
        "CONFLUENCE_MD_CLIENT_SECRET": standin.client_secret,
        "PATH": str(tmp_path / "bin"),
    }
    (tmp_path / "bin").mkdir()
    return project


def install(tmp_path: Path, name: str, refused: list[list[str]]) -> None:
    """Install a program that writes down what it is given."""
    program = tmp_path / "bin" / name
    calls = str(tmp_path / "calls")
    program.write_text(FORGE.format(python=sys.executable, calls=calls, refused=refused))
    program.chmod(0o755)


def read_calls(tmp_path: Path) -> list[tuple[list[str], str]]:
    lines = (tmp_path / "calls").read_text().splitlines()
    status, *calls = [tuple(json.loads(line)) for line in lines]
    assert status == (["auth", "status"], "")
    return calls


def run(project: Project, standin: StandIn, *arguments: str) -> tuple[int, str, str]:
    """Run the command, and consent if it asks for that."""
    port = find_free_port()
    standin.oauth.callback = f"http://localhost:{port}/callback"
    with subprocess.Popen(
        [BIN / "confluence-md", "ci", "--paste", "--port", str(port), *arguments],
        cwd=project.root, env=project.variables(), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stderr
        shown = ""
        while (line := process.stderr.readline()) and "/authorize?" not in line:
            shown += line
        answer = f"{consent(line.strip())}\n" if line else ""
        out, messages = process.communicate(answer, timeout=60)
    return process.returncode, out, shown + messages


def test_the_secrets_are_printed_and_kept_nowhere(project: Project, standin: StandIn) -> None:
    code, out, messages = run(project, standin)

    assert code == 0, messages
    secrets = dict(line.split("=", 1) for line in out.splitlines())
    assert list(secrets) == NAMES
    assert secrets["CONFLUENCE_MD_CLIENT_ID"] == standin.client_id
    assert "Nothing is kept on this machine." in messages
    assert not any(secret in messages for secret in standin.oauth.secrets())
    assert not project.token_file.exists()
    # A job can begin with them.
    project.environment |= {**secrets, "PATH": os.environ["PATH"]}
    built = project.build()
    assert (built.exit_code, built.messages()) == (0, "")
    assert (standin.oauth.refreshes, standin.oauth.reuses) == (1, 0)


@pytest.mark.parametrize(
    ("option", "program", "command", "name"),
    [
        ("--github", "gh", ["secret", "set"], "GitHub"),
        ("--gitlab", "glab", ["variable", "set", "--masked", "--protected"], "GitLab"),
    ],
)
def test_the_forges_own_command_sets_them(  # noqa: PLR0913, PLR0917  what a forge has
    project: Project,
    standin: StandIn,
    tmp_path: Path,
    option: str,
    program: str,
    command: list[str],
    name: str,
) -> None:
    install(tmp_path, program, [])

    code, out, messages = run(project, standin, option)

    assert (code, out) == (0, ""), messages
    calls = read_calls(tmp_path)
    assert [arguments for arguments, _ in calls] == [[*command, each] for each in NAMES]
    assert calls[0][1] == standin.client_id
    assert calls[1][1] == standin.client_secret
    assert f"Set {NAMES[2]} on {name}." in messages
    assert not any(secret in messages for secret in standin.oauth.secrets())


def test_a_variable_that_is_there_is_updated(
    project: Project, standin: StandIn, tmp_path: Path
) -> None:
    install(tmp_path, "glab", [["variable", "set"]])

    assert run(project, standin, "--gitlab")[0] == 0
    assert [arguments[1] for arguments, _ in read_calls(tmp_path)] == ["set", "update"] * 3


def test_a_command_that_is_not_installed_is_found_before_anybody_is_bothered(
    project: Project, standin: StandIn
) -> None:
    assert run(project, standin, "--github") == (
        1,
        "",
        "Error: The command gh, which sets secrets on GitHub, is not installed. Install it "
        "(https://cli.github.com), or run `confluence-md ci` and copy what it prints.\n",
    )
    assert standin.requests == []


def test_a_command_that_is_not_signed_in_is_found_before_anybody_is_bothered(
    project: Project, standin: StandIn, tmp_path: Path
) -> None:
    install(tmp_path, "glab", [["auth", "status"]])

    assert run(project, standin, "--gitlab") == (
        1, "", "Error: glab is not signed in to GitLab. Run: glab auth login\n"
    )  # fmt: skip
    assert standin.requests == []


def test_a_command_that_refuses(project: Project, standin: StandIn, tmp_path: Path) -> None:
    install(tmp_path, "gh", [["secret", "set"]])

    code, out, messages = run(project, standin, "--github")

    assert (code, out) == (1, "")
    assert messages.endswith(
        "Error: gh could not set CONFLUENCE_MD_CLIENT_ID on GitHub: could not create variable: it "
        "has already been taken. Run `gh auth login`, and then this again, in the "
        "repository's directory.\n"
    )


def test_two_forges_at_once(project: Project, standin: StandIn) -> None:
    code, _, messages = run(project, standin, "--github", "--gitlab")

    assert code == 2
    assert "Use --github or --gitlab, not both." in messages
