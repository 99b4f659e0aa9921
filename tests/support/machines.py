"""Several machines that build the same site: a directory and a process each, with one Redis."""

from __future__ import annotations

import hashlib
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from projects import BIN, CALM, Built, Project

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from standin import StandIn

LIMITS = """
from mkdocs_confluence_md.cache.leases import Leases
from mkdocs_confluence_md.network.shared_rate import SharedRate
from mkdocs_confluence_md.network.shared_store import SharedStore

Leases.__init__.__kwdefaults__.update(LEASES)
SharedRate.__init__.__kwdefaults__.update(RATE)
SharedStore.__init__.__kwdefaults__.update(STORE)
"""
"""A hook that changes what a test would have to wait for."""


def make_machine(
    root: Path,
    standin: StandIn,
    store_url: str = "",
    *,
    nav: list[Any] | None = None,
    options: Mapping[str, object] | None = None,
) -> Project:
    """Make a project without a cache, whose machine has all patience.

    Args:
        root: Where it is.
        standin: Confluence.
        store_url: Of the server that machines share; empty for none.
        nav: What is in the site; all pages of the stand-in if it is not given.
        options: Of the plugin.
    """
    project = Project(
        root,
        {
            "CONFLUENCE_MD_API_URL": standin.url,
            "CONFLUENCE_MD_CLIENT_SECRET": standin.client_secret,
            "CONFLUENCE_MD_ACCESS_TOKEN": standin.oauth.issue_access_token(),
            "SOURCE_DATE_EPOCH": "1000000000",  # MkDocs writes the time of a build into its site
        },
        CALM,
    )
    if store_url:
        project.environment["CONFLUENCE_MD_STORE"] = store_url
    nav = nav or [f"confluence:{page_id}" for page_id in standin.pages.ids()]
    project.configure(nav, options=options, site=standin.url)
    set_limits(project)
    return project


def set_limits(
    project: Project,
    *,
    lease: float = 10.0,
    calls: int = 1200,
    seconds: int = 61,
    answer: float = 30.0,
) -> None:
    """Give a machine other limits.

    Args:
        project: The machine.
        lease: The life of a lease, in seconds.
        calls: Of a user, within a window.
        seconds: Of the window.
        answer: How long a store's answer is waited for, in seconds.
    """
    hook = LIMITS.replace("LEASES", repr({"seconds": lease}))
    hook = hook.replace("RATE", repr({"user_calls": calls, "window_seconds": seconds}))
    hook = hook.replace("STORE", repr({"answer_seconds": answer}))
    path = project.root / "impatient.py"
    path.write_text(path.read_text(encoding="utf-8") + hook, encoding="utf-8")


def build_all(projects: Sequence[Project], *, strict: bool = False) -> list[Built]:
    """Build all at once; with `strict`, a warning fails a build."""
    with ThreadPoolExecutor(len(projects)) as threads:
        return list(threads.map(lambda project: project.build(strict=strict), projects))


@contextmanager
def start_build(project: Project) -> Iterator[subprocess.Popen[bytes]]:
    """Start a build in a process that can be killed; its output is in `log.txt`."""
    command = [str(BIN / "mkdocs"), "build", "-f", "mkdocs.yml"]
    with (
        (project.root / "log.txt").open("wb") as log,
        subprocess.Popen(
            command, cwd=project.root, env=project.variables(), stdout=log, stderr=log
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def hash_site(site_dir: Path) -> str:
    """Return a digest of all pages of a site."""
    digest = hashlib.sha256()
    for path in sorted(site_dir.rglob("*.html")):
        digest.update(path.relative_to(site_dir).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
