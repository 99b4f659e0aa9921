"""The shapes of JSON that the documentation shows are those that commands print."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from places import ROOT

if TYPE_CHECKING:
    from projects import Project
    from standin import StandIn

PAGE = (ROOT / "docs/json.md").read_text(encoding="utf-8")
SHAPES = dict(re.findall(r"### `confluence-md (.+?)`\n\n``` \{[^}]*\}\n(.*?)```", PAGE, re.DOTALL))


def shape(value: Any) -> Any:  # noqa: ANN401  any JSON
    """Return the names of fields, at any depth; of a list, those of its first item."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    return [shape(each) for each in value[:1]] if isinstance(value, list) else None


@pytest.mark.parametrize("command", SHAPES)
def test_each_shape_is_the_real_one(project: Project, standin: StandIn, command: str) -> None:
    project.configure([{"Deploy runbook": "confluence:101"}], site=standin.url, gateway="site")
    if command.startswith("cache"):
        project.run("check")
    arguments = command.replace("FILE", "report.json").split()
    if arguments[0] == "status":
        arguments += ["--site", standin.url, "--gateway", "site"]

    _, out, messages = project.run(*arguments)

    assert out, messages
    assert shape(json.loads(out)) == shape(json.loads(SHAPES[command]))
