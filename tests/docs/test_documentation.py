"""The documentation is true where it names what the code has: commands, recipes, attacks."""

from __future__ import annotations

import re

from attack_table import make_table
from places import ROOT
from recipes import find_workflows


def test_recipes_pin_actions_and_keep_no_credentials() -> None:
    workflows = find_workflows()
    assert len(workflows) >= 2
    for workflow in workflows.values():
        for used in re.findall(r"uses: (\S+.*)", workflow):
            assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}  # v[0-9.]+", used)
        assert workflow.count("actions/checkout@") == workflow.count("persist-credentials: false")


def test_the_table_of_attacks_is_that_of_the_tests() -> None:
    table = make_table()

    assert table in (ROOT / "docs/security.md").read_text(encoding="utf-8"), (
        "run: python tests/support/attack_table.py"
    )
    assert int(table.partition(" ")[0].replace(",", "")) >= 1000
