"""Pulled sites: what is pulled, by which command, and what is in it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

from projects import Built, Project
from structure import read_structure

if TYPE_CHECKING:
    from pathlib import Path


SITE = "https://acme.atlassian.net"

NAV: list[Any] = [
    {"Templates": [{"Deploy": "confluence:101"}, {"Roll back": "confluence:102"}]},
    {"Owners & others": "confluence:103"},
    {"confluence": "104"},
]

DEPLOY = f"""Owner: Jane

# Deploy

See [the rollback]({SITE}/wiki/spaces/ENG/pages/102/Roll+back#Über-uns), <{SITE}/wiki/x/ZgAAAA>
and [below](#Second-step); <a href="/wiki/spaces/ENG/pages/104">raw</a>, [elsewhere](/wiki/x/LIQHD).

> [!WARNING] Look out
> - [x] done
>   ```python title="a.py"
>   print("[x](confluence:102)")
>   ```

## Second step

![A]({SITE}/wiki/download/attachments/101/a%20b.png "Title") [r][r] ![gone](no.png)
<p><img src="a%20b.png" width="9"></p>

| [a](confluence:102) | b[^1] |
|--:|---|
| x | <https://example.org> |

[^1]: Note, see [it](confluence:103).

[r]: {SITE}/wiki/download/attachments/101/report.pdf
"""


def configure(
    project: Project,
    nav: list[Any] = NAV,
    *,
    theme: str = "material",
    **options: Any,  # noqa: ANN401  any
) -> None:
    """Write a configuration without the usual hook, which needs the plugin."""
    extensions: list[Any] = [
        "admonition",
        "attr_list",
        "footnotes",
        {"toc": {"permalink": True}},
        "pymdownx.superfences",
        {"pymdownx.tasklist": {"custom_checkbox": True}},
    ]
    settings = {"hooks": [], "markdown_extensions": extensions}
    named = {"site": SITE, "cloud_id": "11111111-2222-3333-4444-555555555555", **options}
    project.configure([*nav, "guides/local.md"], theme=theme, settings=settings, options=named)


def pull(project: Project, *arguments: str) -> tuple[int, str, str]:
    """Run the command; return exit code, standard output and standard error."""
    return project.run("pull", *(arguments or ["snapshot"]))


def pulled(project: Project) -> Project:
    """Return the pulled site as a project of its own, with an empty environment."""
    return Project(project.root / "snapshot")


def read_all(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def read_content(text: str) -> list[str]:
    """Return the structure of what a host's template stands around, and the page's title."""
    title = text.partition("<title>")[2].partition("</title>")[0]
    content = text.partition("<article")[2].partition(">")[2].partition("</article>")[0]
    return [title, *read_structure(content)]


def read_pages(built: Built) -> dict[str, list[str]]:
    assert built.exit_code == 0, built.log
    return {
        path.relative_to(built.site_dir).as_posix(): read_content(path.read_text("utf-8"))
        for path in built.site_dir.rglob("*.html")
    }


def forget(project: Project) -> None:
    """Remove the cache."""
    subprocess.run(["rm", "-r", str(project.root / ".cache")], check=True)  # noqa: S607  a test
