"""`make live`, for those who have a real site: here it is tried on the stand-in."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from places import ROOT
from processes import unmeasured
from standin import PageRecord

if TYPE_CHECKING:
    from pathlib import Path

    from projects import Project
    from standin import StandIn
    from standin.cloud import TokenKind

COMMAND = next(
    line.partition("||")[0].replace("$(BIN)/pytest", f"{sys.executable} -m pytest").split()
    for line in (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    if "pytest" in line and " live " in line
)
TEXT = "# Zebrafish\n\nOperating instructions about several zebrafish in aquariums.\n"


@pytest.fixture
def pages() -> dict[str, str]:
    return {}


def run(project: Project) -> tuple[int, str]:
    """Run the command of `make live`; return exit code and output."""
    finished = subprocess.run(
        COMMAND, cwd=ROOT, env=unmeasured(project.variables()), capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    return finished.returncode, finished.stdout


@pytest.fixture
def live(project: Project, standin: StandIn) -> Project:
    standin.pages.add(
        PageRecord("101", TEXT, title="Zebrafish"),
        PageRecord("102", "# Below\n", parent="101", title="Below"),
    )
    address = f"{standin.url}/wiki/spaces/DOCS/pages/101/Zebrafish"
    project.environment["CONFLUENCE_MD_LIVE_PAGE"] = address
    return project


@pytest.mark.parametrize("kind", ["classic", "scoped", None])
def test_a_real_site(live: Project, standin: StandIn, kind: TokenKind | None) -> None:
    if kind:
        standin.cloud.token_kind = kind
        live.environment |= standin.rest_environment()
    code, output = run(live)

    assert code == 0
    assert ("4 passed" in output) == (kind is not None)
    assert ("3 passed, 1 skipped" in output) == (kind is None)


def test_without_a_page_one_line_says_what_is_missing(project: Project) -> None:
    code, output = run(project)

    assert code == pytest.ExitCode.NO_TESTS_COLLECTED
    [line] = [line for line in output.splitlines() if line.startswith("SKIPPED")]
    assert "CONFLUENCE_MD_LIVE_PAGE is not set: the address of a page with" in line


def test_an_answer_that_surprises_prints_the_report(live: Project, standin: StandIn) -> None:
    standin.faults.answer(200, body={"surprise": "Zebrafish instructions"})
    code, output = run(live)

    assert code == 1
    assert "Attach this to an issue:" in output
    report = re.search(r"Attach this to an issue:\n\n(\{.*?^\})", output, re.DOTALL | re.MULTILINE)
    assert report
    assert '"surprise": "text"' in report[1]
    assert "Zebrafish" not in report[1]


def test_what_a_page_lacks_is_counted_and_not_repeated(live: Project, standin: StandIn) -> None:
    live.environment |= standin.rest_environment()
    standin.faults.answer(200, page_id="101", body="# Other\n\nNothing of that.\n")
    code, output = run(live)

    assert code == 1
    assert re.search(r"AssertionError: \d+ of \d+", output)
    assert not re.search(r"Zebrafish|aquariums|instructions", output)


def test_an_address_without_a_scheme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "live")
    monkeypatch.setenv("CONFLUENCE_MD_LIVE_PAGE", "acme.atlassian.net/wiki/spaces/A/pages/101/B")
    site = importlib.import_module("live_site").make_site(tmp_path)

    assert (site.origin, site.page_id) == ("https://acme.atlassian.net", "101")
