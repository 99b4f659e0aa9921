"""The example site: what a newcomer looks at first."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest
import yaml

from places import EXAMPLE, ROOT
from processes import unmeasured
from projects import BIN

if TYPE_CHECKING:
    from pathlib import Path


def build(directory: Path, site_dir: Path, host: str = "mkdocs") -> str:
    """Build the example site in `directory`, and return what the build said."""
    clean = {name: value for name, value in unmeasured().items()
             if "CONFLUENCE" not in name and name != "PYTHONPATH"}  # fmt: skip
    finished = subprocess.run(
        [str(BIN / host), "build", "--strict", "-d", str(site_dir)],
        cwd=directory, env=clean, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    return finished.stderr


@pytest.mark.parametrize("host", ["mkdocs", "properdocs"])
def test_it_builds_strictly_without_an_account(host: str, tmp_path: Path) -> None:
    build(EXAMPLE, tmp_path, host)

    pages = {str(page.parent.relative_to(tmp_path)) for page in tmp_path.rglob("index.html")}
    assert {
        "guides/write-a-runbook",
        "runbooks/deploy-to-production",
        "team/who-owns-what",
        "new-here/your-first-week/get-access",
        "security/keep-a-secret",
    } <= pages
    deploy = (tmp_path / "runbooks/deploy-to-production/index.html").read_text(encoding="utf-8")
    assert len(re.findall(r"<h1", deploy)) == 1
    assert "https://northwind.atlassian.net/wiki/pages/resumedraft.action?draftId=" in deploy
    for page in tmp_path.rglob("index.html"):
        assert find_astray_links(page) == []
    first, then, last = (deploy.index(f'href="../../new-here/{path}/"') for path in (
        "your-first-week", "your-first-release", "when-we-meet"
    ))  # fmt: skip
    assert first < then < last, "not in the order of Confluence"
    note = r'<p class="confluence-source">From Confluence · updated .* by Jane Doe · <a href='
    assert re.search(note, deploy)
    basics = (tmp_path / "guides/on-call-basics/index.html").read_text(encoding="utf-8")
    assert 'href="../../runbooks/184811524/#the-first-ten-minutes">' in basics
    assert (tmp_path / "team/on-call-handover/alerts-week-46.csv").is_file()
    assert (tmp_path / "new-here/your-first-release/first-release.svg").is_file()


def test_it_builds_wherever_it_is_copied(tmp_path: Path) -> None:
    shutil.copytree(
        EXAMPLE, tmp_path / "copied", ignore=shutil.ignore_patterns("site", ".cache", "__pycache__")
    )

    said = build(tmp_path / "copied", tmp_path / "site")

    assert "20 pages from Confluence: 20 exported" in said


def test_what_it_brings_along_needs_nothing_but_the_package() -> None:
    """So it runs where only the package is installed; what tests want is imported when they do."""
    allowed = {"standin", "markdown", *sys.stdlib_module_names}
    for path in (EXAMPLE / "hooks.py", *(EXAMPLE / "standin").glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [str(node.module)]
            assert {name.partition(".")[0] for name in names} <= allowed, path.name


def find_astray_links(page: Path) -> list[str]:
    """Return the links of a page's content that leave for Confluence, or miss their heading."""
    text = page.read_text(encoding="utf-8")
    content = text.partition("<h1")[2].partition("</article>")[0]
    content = content.partition('<p class="confluence-source">')[0]
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


def test_the_documentation_names_the_lines_to_change_for_a_real_site() -> None:
    config = (EXAMPLE / "mkdocs.yml").read_text(encoding="utf-8")
    page = (ROOT / "docs/start.md").read_text(encoding="utf-8")

    for line in ("site: northwind.atlassian.net", "cloud_id: 5f0c9d3e", "hooks:"):
        assert line in config
        assert f"`{line.partition(':')[0]}`" in page


def test_it_has_as_many_confluence_pages_as_local_ones_and_more() -> None:
    text = (EXAMPLE / "mkdocs.yml").read_text(encoding="utf-8").replace("!!python/name:", "")
    nav = str(yaml.safe_load(text)["nav"])

    assert nav.count("confluence:") + nav.count("'confluence':") >= 7
    assert "'confluence:190316544/'" in nav
    assert "'confluence:space/SEC'" in nav
