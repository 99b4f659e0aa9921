"""The example site: what a newcomer looks at first."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest
import yaml

from places import ROOT
from projects import BIN

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLE = ROOT / "example-site"


@pytest.mark.parametrize("host", ["mkdocs", "properdocs"])
def test_it_builds_strictly_without_an_account(host: str, tmp_path: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if "CONFLUENCE" not in name}
    config = str(EXAMPLE / "mkdocs.yml")
    command = [str(BIN / host), "build", "--strict", "-f", config, "-d", str(tmp_path)]

    finished = subprocess.run(
        command, env=clean, capture_output=True, text=True, timeout=120, check=False
    )

    assert finished.returncode == 0, finished.stderr
    pages = {str(page.parent.relative_to(tmp_path)) for page in tmp_path.rglob("index.html")}
    assert {
        "guides/write-a-runbook",
        "runbooks/deploy-to-production",
        "team/who-owns-what",
    } <= pages
    deploy = (tmp_path / "runbooks/deploy-to-production/index.html").read_text(encoding="utf-8")
    assert len(re.findall(r"<h1", deploy)) == 1
    assert "https://northwind.atlassian.net/wiki/pages/resumedraft.action?draftId=" in deploy
    for page in tmp_path.rglob("index.html"):
        assert find_astray_links(page) == []
    basics = (tmp_path / "guides/on-call-basics/index.html").read_text(encoding="utf-8")
    assert 'href="../../runbooks/184811524/#the-first-ten-minutes">' in basics
    assert (tmp_path / "team/on-call-handover/alerts-week-46.csv").is_file()


def find_astray_links(page: Path) -> list[str]:
    """Return the links of a page's content that leave for Confluence, or miss their heading."""
    text = page.read_text(encoding="utf-8")
    content = text.partition("<h1")[2].partition("</article>")[0]
    astray = []
    for link in re.findall(r'<a [^>]*?href="([^"]*)"', content):
        path, _, anchor = unquote(link).partition("#")
        if path.startswith(("https:", "http:", "mailto:")):
            astray += [link] * ("/wiki/" in path and "/download/" not in path)
            continue
        target = page if not path else (page.parent / path).resolve()
        if target.is_dir():
            target /= "index.html"
        if anchor and f'id="{anchor}"' not in target.read_text(encoding="utf-8"):
            astray.append(link)
    return astray


def test_the_readme_names_the_lines_to_change_for_a_real_site() -> None:
    config = (EXAMPLE / "mkdocs.yml").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    for line in ("site: northwind.atlassian.net", "cloud_id: 5f0c9d3e", "hooks:"):
        assert line in config
        assert line.partition(":")[0] in readme


def test_it_has_as_many_confluence_pages_as_local_ones_and_more() -> None:
    text = (EXAMPLE / "mkdocs.yml").read_text(encoding="utf-8").replace("!!python/name:", "")
    nav = str(yaml.safe_load(text)["nav"])

    assert nav.count("confluence:") + nav.count("'confluence':") >= 7
