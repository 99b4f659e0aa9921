"""The README is true: it names every option and every variable, and no others."""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.base import BaseConfigOption

from mkdocs_confluence_md import environment
from mkdocs_confluence_md.config import PluginConfig

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def rows(heading: str) -> dict[str, str]:
    """Return the table below a heading: first column to the rest of the row."""
    section = README.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `([^`]+)` \|(.*)\|$", section, re.MULTILINE))


def test_every_option_is_documented_with_its_default() -> None:
    table = rows("Options")
    defaults = {name: option.default for name, option in vars(PluginConfig).items()
                if isinstance(option, BaseConfigOption)}  # fmt: skip

    assert set(table) == set(defaults)
    for name, default in defaults.items():
        if default is not None:
            assert table[name].split("|")[0].strip() == f"`{str(default).lower()}`"


def test_every_variable_is_documented() -> None:
    source = Path(environment.__file__).read_text(encoding="utf-8")
    names = set(re.findall(r'"([A-Z]{3,}(?:_[A-Z]+)*)"', source))

    assert set(rows("Environment")) == {f"CONFLUENCE_MD_{name}" for name in names}
