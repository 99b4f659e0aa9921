"""The `mkdocs.yml` of a pulled site."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mkdocs_confluence_md.errors import SettingError
from mkdocs_confluence_md.pull.mkdocs_yml import Move, write_config

if TYPE_CHECKING:
    from pathlib import Path


def convert(root: Path, text: str, nav: object = None, **more: object) -> str:
    """Write a project's configuration and return the one of the pulled site, without its head."""
    (root / "docs/css").mkdir(parents=True, exist_ok=True)
    (root / "mkdocs.yml").write_text(text, encoding="utf-8")
    move = Move(root, root / "docs", root / "out/snapshot")
    head, _, rest = write_config(root / "mkdocs.yml", move, nav, **more).partition("\n")  # type: ignore[arg-type]  # any
    assert head.startswith("# Written by `confluence-md pull`")
    return rest


def test_nothing_of_the_plugin_is_left_and_tags_stay_what_they_are(tmp_path: Path) -> None:
    text = """\
site_name: !ENV [NAME, "Hand: book"]
docs_dir: docs
site_dir: public
strict: "yes"
plugins:
  - search
  - confluence-md:
      site: acme.atlassian.net
markdown_extensions:
  - pymdownx.superfences:
      custom_fences:
        - format: !!python/name:pymdownx.superfences.fence_code_format
nav:
  - confluence:101
"""

    assert (
        convert(tmp_path, text, [{"Ü: x": "a.md"}, "b.md"])
        == """\
site_name: !ENV [NAME, "Hand: book"]
strict: "yes"
plugins:
  - search
markdown_extensions:
  - pymdownx.superfences:
      custom_fences:
        - format: !!python/name:pymdownx.superfences.fence_code_format ''
  - mkdocs_confluence_md.pulled
nav:
  - 'Ü: x': a.md
  - b.md
docs_dir: docs
"""
    )


def test_paths_lead_where_they_led(tmp_path: Path) -> None:
    for path in ("hooks.py", "snippets/a.md", "overrides/main.html", "data.yml", "docs/css/x.css"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    text = """\
theme:
  name: material
  custom_dir: overrides
hooks: [hooks.py]
watch: [snippets, docs/css]
extra_css: [css/x.css]
plugins:
  confluence-md: {}
  other: {files: [data.yml, /etc/x.yml, none.yml], language: docs, also: docs/css/x.css}
markdown_extensions:
  pymdownx.snippets:
    base_path: [snippets, docs, !relative $config_dir/snippets, !relative $docs_dir]
"""

    assert (
        convert(tmp_path, text, settings={"raw_html": "strip"})
        == """\
theme:
  name: material
  custom_dir: ../../overrides
hooks: [../../hooks.py]
watch: [../../snippets, docs/css]
extra_css: [css/x.css]
plugins:
  other: {files: [../../data.yml, /etc/x.yml, none.yml], language: docs, also: docs/css/x.css}
markdown_extensions:
  pymdownx.snippets:
    base_path: [../../snippets, docs, !relative '$config_dir/../../snippets', !relative '$docs_dir']
  mkdocs_confluence_md.pulled:
    raw_html: strip
docs_dir: docs
"""
    )


def test_what_is_inherited_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base/one.yml").write_text(
        "INHERIT: two.yml\ntheme: {name: material, language: de}\nplugins: [confluence-md]\n"
    )
    (tmp_path / "base/two.yml").write_text("site_name: Two\nsite_url: https://two.example\n")
    text = "INHERIT: base/one.yml\nsite_name: One\ntheme:\n  language: en\n"

    assert (
        convert(tmp_path, text)
        == """\
site_name: One
site_url: https://two.example
theme: {name: material, language: en}
plugins: []
docs_dir: docs
markdown_extensions:
  - mkdocs_confluence_md.pulled
"""
    )


def test_pages_are_included_that_their_names_would_exclude(tmp_path: Path) -> None:
    text = "site_name: x\nexclude_docs: |\n  *.tmp\n"

    written = convert(tmp_path, text, included=["templates/a.md"])

    assert "exclude_docs: |\n  *.tmp\n  !/templates/a.md\n" in written


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "mkdocs.yml is not a valid configuration: "),
        ("- a\n", "mkdocs.yml is not a valid configuration. Name another with -f."),
        ("INHERIT: no.yml\n", "no.yml cannot be read: No such file or directory."),
    ],
)
def test_what_cannot_be_read_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingError) as raised:
        convert(tmp_path, text)

    assert message in str(raised.value)
