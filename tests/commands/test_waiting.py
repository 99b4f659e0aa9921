"""Commands say what they wait for, and do not wait for long."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from mkdocs_confluence_md.auth.token_store import TokenStore
from mkdocs_confluence_md.cli.terminal import tell_of_wait
from projects import keep_login, make_login

if TYPE_CHECKING:
    from projects import Project
    from standin import StandIn


def test_what_is_waited_for_is_said_where_it_takes_long(capsys: pytest.CaptureFixture[str]) -> None:
    said = ""
    with tell_of_wait("acme.atlassian.net", after=0):
        while not said:
            time.sleep(0.01)
            said = capsys.readouterr().err

    assert said == "Waiting for acme.atlassian.net …\n"


def test_nothing_is_said_where_it_is_quick(capsys: pytest.CaptureFixture[str]) -> None:
    with tell_of_wait("acme.atlassian.net", after=1000):
        pass

    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("command", ["status", "check", "pull"])
def test_a_slow_answer_is_waited_for_and_that_is_said(
    project: Project, standin: StandIn, command: str
) -> None:
    if command == "status":
        project.environment = {}
        store = TokenStore(project.token_file, find_vault=lambda: None)
        keep_login(store, make_login(standin))
    project.configure([{"Deploy": "confluence:101"}], site=standin.url)
    standin.faults.latency = standin.faults.other_latency = 3.0

    code, _, messages = project.run(command, *["snapshot"] * (command == "pull"))

    assert code == 0, messages
    assert "Waiting for " in messages


@pytest.mark.parametrize("command", ["status", "check"])
def test_a_service_that_hangs_is_given_up(project: Project, standin: StandIn, command: str) -> None:
    project.configure([{"Deploy": "confluence:101"}], site=standin.url)
    standin.faults.connection("hang", route="export")

    code, out, messages = project.run(command, *["--site", standin.url] * (command == "status"))

    assert code == 1
    assert "did not answer within 10 seconds" in out + messages
