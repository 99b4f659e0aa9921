"""The example site: what a newcomer looks at first."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import sync_playwright

from projects import BIN

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "example-site"
CHROMIUM = shutil.which("chromium")


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


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the example site, built."""
    directory = tmp_path_factory.mktemp("site")
    clean = {name: value for name, value in os.environ.items() if "CONFLUENCE" not in name}
    config = str(EXAMPLE / "mkdocs.yml")
    command = [str(BIN / "mkdocs"), "build", "-q", "--strict", "-f", config, "-d", str(directory)]
    subprocess.run(command, env=clean, check=True, timeout=120)
    return directory


@pytest.mark.skipif(not CHROMIUM, reason="needs Debian's chromium")
def test_every_image_loads(site: Path) -> None:
    """They are of Confluence pages, and by whichever address the pages refer to them."""
    widths: dict[str, int] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab = browser.new_page()
        for page in sorted(site.rglob("index.html")):
            tab.goto(page.as_uri())
            found = tab.evaluate(
                "Array.from(document.images, image => [image.src, image.naturalWidth])"
            )
            widths |= {str(src).rpartition("/")[2]: width for src, width in found}
        browser.close()

    assert {"traffic-switch.png", "Failover-zones.svg"} <= widths.keys()
    assert all(widths.values()), widths
    assert (site / "team/on-call-handover/alerts-week-46.csv").is_file()


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
