"""A MkDocs project with a page of a real Confluence."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import yaml

from mkdocs_confluence_md.confluence.refs import PageRef, parse_reference

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = "CONFLUENCE_MD_LIVE_PAGE"
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Site:
    """A MkDocs project with one real page, and the tree below it."""

    root: Path
    origin: str
    page_id: str

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the project, as a person would."""
        return subprocess.run(
            [str(BIN / command[0]), *command[1:]],
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Print what the services answer, without content, if a check fails."""
        try:
            yield
        except Exception:
            finished = self.run("confluence-md", "check", "--report", "report.json")
            print(f"\n{finished.stdout}\n{finished.stderr}")
            report = self.root / "report.json"
            if report.exists():
                print(f"Attach this to an issue:\n\n{report.read_text(encoding='utf-8')}")
            raise


def make_site(root: Path) -> Site:
    """Make a project with the page that the environment names."""
    address = os.environ.get(PAGE, "")
    address = address if "://" in address else f"https://{address}"
    reference = parse_reference(address)
    assert isinstance(reference, PageRef), f"{PAGE} is not the address of a page"
    assert reference.host, f"{PAGE} has no host: paste the whole address of the page"
    parts = urlsplit(address)
    origin = f"{parts.scheme}://{parts.netloc}"
    (root / "docs").mkdir()
    (root / "docs/index.md").write_text("# Home\n", encoding="utf-8")
    config = {
        "site_name": "Live",
        "plugins": [{"confluence-md": {"site": origin}}],
        "nav": [
            "index.md",
            {"Page": f"confluence:{reference.page_id}"},
            {"Tree": f"confluence:{reference.page_id}/"},
        ],
    }
    (root / "mkdocs.yml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return Site(root, origin, reference.page_id)
