"""A `mkdocs.yml` with values of odd kinds is refused with an error, or read as far as it can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mkdocs_confluence_md.cli.check import inspect_settings
from mkdocs_confluence_md.cli.configuration import Configuration
from mkdocs_confluence_md.config import validate
from mkdocs_confluence_md.errors import SettingError
from mkdocs_confluence_md.project import (
    find_missing_files,
    locate_entries,
    read_nav,
    read_options,
    read_settings,
)
from mkdocs_confluence_md.pull.mkdocs_yml import Move, write_config

if TYPE_CHECKING:
    from pathlib import Path

PLUGIN = "plugins:\n  - confluence-md:\n      site: acme.atlassian.net\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mkdocs.yml"


@pytest.mark.parametrize("value", ["!!bool x", "!!int ''", "!!timestamp x", "!!bool ''"])
def test_a_value_that_is_not_what_its_tag_says(file: Path, value: str) -> None:
    file.write_text(f"{PLUGIN}extra: {value}\n")

    with pytest.raises(SettingError) as caught:
        read_options(file)

    assert str(caught.value) == (
        f"{file} is not a valid configuration: a value is not what its tag says. "
        "Correct that line, or the one above it."
    )


def test_a_value_that_is_a_part_of_itself(file: Path) -> None:
    file.write_text(f"{PLUGIN}extra: &a [*a]\n")

    with pytest.raises(SettingError, match="is nested too deeply"):
        read_settings(file)


@pytest.mark.parametrize("text", ["- &a [*a]", "&a [*a]", "&a [b, {c: *a}]"])
def test_a_configuration_that_is_a_part_of_itself_is_read_to_its_end(file: Path, text: str) -> None:
    file.write_text(f"{text}\n")

    inspection, settings = inspect_settings(file, {}, with_mkdocs=False)

    assert settings is None
    assert not inspection.is_fine


def test_a_section_that_is_in_itself_is_a_finding(file: Path) -> None:
    file.write_text(f"{PLUGIN}nav:\n  - A: &a\n      - confluence:101\n      - B: *a\n")

    inspection, _ = inspect_settings(file, {}, with_mkdocs=False)

    [finding] = [each for each in inspection.settings if each.subject == "nav"]
    assert finding.text.startswith("This entry of nav is neither a page nor a list.")
    assert len(locate_entries(file)) == 4


def test_what_is_nested_too_deep_is_a_finding(file: Path) -> None:
    file.write_text(f"{PLUGIN}nav: {'[' * 1000}{']' * 1000}\n")

    inspection, _ = inspect_settings(file, {}, with_mkdocs=False)

    assert "This is not valid YAML: it is nested too deep." in inspection.settings[0].text


def test_hooks_that_are_not_a_list_are_left_to_mkdocs(file: Path) -> None:
    file.write_text(f"{PLUGIN}hooks: 5\n")

    assert read_settings(file)["hooks"] == 5


def test_a_hook_with_a_name_that_is_too_long_is_not_there(file: Path) -> None:
    file.write_text(f"{PLUGIN}hooks: [{'n' * 300}.py]\n")

    with pytest.raises(SettingError, match="is not there"):
        read_settings(file)


@pytest.mark.parametrize("validation", ["x", "[x]", "{nav: x}", "{nav: [x]}"])
def test_a_page_with_a_name_that_is_too_long_is_not_there(file: Path, validation: str) -> None:
    name = f"{'n' * 300}.md"
    file.write_text(f"{PLUGIN}validation: {validation}\nnav: [{name}]\n")
    _, nav = read_nav(file)

    assert nav
    [flaw] = find_missing_files(file, nav)
    assert flaw.what == f"'{name}' is not in docs/."


@pytest.mark.parametrize("name", ["1", "~", "1.5", "true"])
def test_an_option_whose_name_is_not_a_text_is_a_finding(file: Path, name: str) -> None:
    file.write_text(f"{PLUGIN}      {name}: 2\n")

    inspection, _ = inspect_settings(file, {}, with_mkdocs=False)

    assert any("Unrecognised configuration name" in each.text for each in inspection.settings)


def test_a_setting_whose_name_is_a_list_stays_when_another_one_is_added(file: Path) -> None:
    configuration = Configuration(file, "site_name: A\n? [a]\n: b\n")

    configuration.add_setting("site_url", "https://a.example")
    configuration.write()

    assert file.read_text().startswith("site_name: A\n? [a]\n: b\n\nsite_url: https://a.example")


@pytest.mark.parametrize("value", ["&a [*a]", "&a {b: *a}"])
def test_a_value_that_is_a_part_of_itself_is_not_pulled(file: Path, value: str) -> None:
    file.write_text(f"{PLUGIN}extra: {value}\n")
    root = file.parent

    with pytest.raises(SettingError, match="is nested too deeply"):
        write_config(file, Move(root, root / "docs", root / "pulled"), ["index.md"])


@pytest.mark.parametrize("digits", [400, 5000])
@pytest.mark.parametrize("option", ["max_age", "watch"])
def test_a_duration_of_too_many_digits_is_refused(option: str, digits: int) -> None:
    _, errors, _ = validate({option: "9" * digits + "d"})

    [(name, error)] = errors
    assert (name, "Write" in str(error)) == (option, True)
