"""The documentation is true where it names what the code has: commands, recipes, attacks."""

from __future__ import annotations

import os
import re
import subprocess
import textwrap
from typing import TYPE_CHECKING

import yaml

from attack_table import make_table
from places import ROOT
from recipes import find_workflows

if TYPE_CHECKING:
    from pathlib import Path


def test_recipes_pin_actions_and_keep_no_credentials() -> None:
    workflows = find_workflows()
    assert len(workflows) >= 2
    for workflow in workflows.values():
        for used in re.findall(r"uses: (\S+.*)", workflow):
            assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}  # v[0-9.]+", used)
        assert workflow.count("actions/checkout@") == workflow.count("persist-credentials: false")


def test_the_recipe_for_github_keeps_the_token_file_encrypted(tmp_path: Path) -> None:
    text = (ROOT / "docs/ci.md").read_text(encoding="utf-8")
    [block] = re.findall(r"```yaml [^\n]*\n( *name: docs.*?)```", text, re.DOTALL)
    block = textwrap.dedent(block)
    steps = {step.get("name"): step for step in yaml.safe_load(block)["jobs"]["docs"]["steps"]}
    token_file = tmp_path / ".config/mkdocs-confluence-md/tokens.json"

    def run(step: str, key: str = "hush") -> str:
        environment = {"HOME": str(tmp_path), "CONFLUENCE_MD_CLIENT_SECRET": key}
        command = ["bash", "-e", "-o", "pipefail", "-c", steps[step]["run"]]
        environment["PATH"] = os.environ["PATH"]
        finished = subprocess.run(
            command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
        )
        return finished.stdout

    run("Unlock the token file")
    run("Lock the token file")
    assert token_file.parent.is_dir()
    token_file.write_text("the tokens")
    run("Lock the token file")
    token_file.unlink()
    assert b"the tokens" not in (tmp_path / "tokens.enc").read_bytes()
    run("Unlock the token file")
    assert token_file.read_text() == "the tokens"

    token_file.unlink()
    assert "::warning::" in run("Unlock the token file", key="replaced")
    assert list(token_file.parent.iterdir()) == []


def test_the_table_of_attacks_is_that_of_the_tests() -> None:
    table = make_table()

    assert table in (ROOT / "docs/security.md").read_text(encoding="utf-8"), (
        "run: python tests/support/attack_table.py"
    )
    assert int(table.partition(" ")[0].replace(",", "")) >= 1000
