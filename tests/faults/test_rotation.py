"""A chain of refresh tokens survives threads, processes and crashes."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from mkdocs_confluence_md.auth.token_store import TokenStore
from places import SUPPORT
from processes import race
from projects import keep_login, make_login

if TYPE_CHECKING:
    from pathlib import Path

    from standin import StandIn

REFRESHER = str(SUPPORT / "refresher.py")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-W", "error", REFRESHER, *arguments]


@pytest.fixture
def store(standin: StandIn, tmp_path: Path) -> TokenStore:
    """Return a token file with a login whose access token has expired."""
    store = TokenStore(tmp_path / "config" / "tokens.json", find_vault=lambda: None)
    keep_login(store, make_login(standin))
    return store


def test_eight_processes_of_eight_threads_refresh_an_expired_token_once(
    standin: StandIn, store: TokenStore
) -> None:
    line = command("race", str(store.path), standin.url, "8")
    processes = [
        subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(8)
    ]

    answers = race(processes)

    assert [json.loads(answer) for answer in answers] == [[200] * 8] * 8
    assert (standin.oauth.refreshes, standin.oauth.reuses) == (1, 0)


def test_a_process_killed_at_any_step_of_a_refresh_does_not_lose_the_chain(
    standin: StandIn, store: TokenStore
) -> None:
    finished = subprocess.run(
        command("crash", str(store.path), standin.url, "50"),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    told = json.loads(finished.stdout)
    assert told["steps"] > 100
    assert told["results"] == [{"killed": True, "intact": True, "then": 200}] * 50
    # The refresh token was lost between answer and write at some of the steps, and forgiven.
    assert standin.oauth.reuses > 0
    standin.oauth.reuses = 0  # otherwise no test may reuse one
    assert sorted(path.name for path in store.path.parent.iterdir()) == [
        "tokens.json",
        "tokens.json.lock",
    ]
