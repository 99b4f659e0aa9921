"""What all commands have in common: help, exit codes, terminals."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from mkdocs_confluence_md.cli import COMMANDS
from processes import BIN

if TYPE_CHECKING:
    from projects import Project
    from standin import StandIn

TITLE = "A title that is much too long for a column of a narrow terminal"


def run(project: Project, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=project.root, env=project.variables(), capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize("command", [(), *[(name,) for name in COMMANDS]])
def test_help_has_a_short_option_and_an_example(project: Project, command: tuple[str, ...]) -> None:
    short = run(project, str(BIN / "confluence-md"), *command, "-h")
    long = run(project, str(BIN / "confluence-md"), *command, "--help")

    assert short.stdout == long.stdout
    assert "Example: confluence-md" in " ".join(short.stdout.split())
    assert short.returncode == 0


def test_it_runs_as_a_module(project: Project) -> None:
    done = run(project, sys.executable, "-m", "mkdocs_confluence_md", "--version")

    assert done.stdout == run(project, str(BIN / "confluence-md"), "--version").stdout
    assert done.returncode == 0


def test_what_somebody_interrupts_ends_as_shells_expect(project: Project, standin: StandIn) -> None:
    standin.faults.other_latency = 20
    with subprocess.Popen(
        [BIN / "confluence-md", "status", "--site", standin.url],
        cwd=project.root, env=project.variables(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        while not standin.requests:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, messages = process.communicate(timeout=30)

    assert (process.returncode, out, messages) == (130, "", "Interrupted.\n")


def check_at_a_terminal(project: Project, columns: int, **variables: str) -> str:
    """Return what `check` shows at a terminal that has so many columns."""
    controller, device = pty.openpty()
    command = f"stty cols {columns}; exec {BIN / 'confluence-md'} check"
    shown = b""
    with subprocess.Popen(
        ["/bin/sh", "-c", command], cwd=project.root,
        env={**project.variables(), "TERM": "xterm", **variables},
        stdin=device, stdout=device, stderr=device,
    ) as process:  # fmt: skip
        os.close(device)
        while True:
            try:
                shown += os.read(controller, 10_000)
            except OSError:  # the other end is closed
                break
        process.wait(timeout=30)
    os.close(controller)
    return shown.decode().replace("\r\n", "\n")


def test_tables_fit_a_narrow_terminal(project: Project, standin: StandIn) -> None:
    project.configure([{TITLE: "confluence:101"}], site=standin.url)

    shown = check_at_a_terminal(project, 60, NO_COLOR="1")

    assert max(map(len, shown.splitlines())) <= 60
    assert "A title th" in shown
    assert "…" in shown
    assert "\x1b" not in shown


def test_states_have_colours_at_a_terminal(project: Project, standin: StandIn) -> None:
    project.configure([{"Deploy": "confluence:101"}, {"Gone": "confluence:9"}], site=standin.url)

    shown = check_at_a_terminal(project, 200)

    assert "\x1b[32mok\x1b[0m" in shown
    assert "\x1b[31mproblem\x1b[0m" in shown


def test_nothing_is_cut_where_it_is_no_terminal(project: Project, standin: StandIn) -> None:
    project.configure([{TITLE: "confluence:101"}], site=standin.url)

    code, out, _ = project.run("check", COLUMNS="20")

    assert code == 0
    assert TITLE[:59] in out
    assert "\x1b" not in out
