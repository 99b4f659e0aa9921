"""What becomes of a pulled site in other hosts: `python -m benchmarks.hosts [SITE]`.

SITE is a configuration, the example site's if none is named, or `specification`: a site of all
examples of CommonMark and GFM, each a page from Confluence. It is built with the plugin, pulled,
and built from what was pulled by MkDocs, ProperDocs and Zensical. Pages, headings, links and images
are compared in their structure with the plugin's own build, and counted. The exit code is 1 if
anything differs.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import yaml

from gfm import EXAMPLES
from rendering import USUAL
from standin import StandIn
from structure import read_structure

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
SPECIFICATION = ROOT / "tests/support/commonmark/spec-0.31.2.json"
CLOUD_ID = "11111111-2222-3333-4444-555555555555"
BIN = Path(sys.executable).parent
ZENSICAL = ROOT / ".cache/zensical/bin/zensical"
"""Where `make zensical` installs it."""
_HOSTS = {"mkdocs": BIN / "mkdocs", "properdocs": BIN / "properdocs", "zensical": ZENSICAL}

_ADDRESS = re.compile(r"(?P<name>href|src)='(?P<address>[^']*)'")
_OWN = re.compile(
    r'<a [^>]*(?:class="md-content__button|id="__skip").*?</a>'
    r'|<p class="confluence-source">.*?</p>',
    re.DOTALL,
)
"""What is not the page's: buttons, and the line below it."""


@dataclass(frozen=True)
class Comparison:
    """A host's build beside the plugin's own."""

    host: str
    pages: int
    equal_pages: int
    links: int
    equal_links: int
    images: int
    equal_images: int
    broken: tuple[str, ...]
    """Links and images that lead to no file of the host's build, and no heading."""
    different: tuple[str, ...]
    """Pages whose structure is another one, or that are missing."""

    @property
    def is_equal(self) -> bool:
        """Tell whether the builds read the same."""
        return not self.broken and not self.different


def read_site(directory: Path) -> dict[str, list[str]]:
    """Return the structure of each page's content, with addresses as paths of the site.

    Redirects by ID and the line that says where a page is from are the plugin's: a pulled site has
    none.
    """
    return {
        path.relative_to(directory).as_posix(): _read_page(path, directory)
        for path in sorted(directory.rglob("*.html"))
        if path.name != "404.html" and path.relative_to(directory).parts[0] != "c"
    }


def compare(host: str, own: dict[str, list[str]], directory: Path) -> Comparison:
    """Compare a host's build with the plugin's own."""
    other = read_site(directory)
    own_links, links = _count(own, "a"), _count(other, "a")
    own_images, images = _count(own, "img"), _count(other, "img")
    return Comparison(
        host,
        len(own),
        sum(own[page] == other.get(page) for page in own),
        own_links.total(),
        (own_links & links).total(),
        own_images.total(),
        (own_images & images).total(),
        tuple(_find_broken(other, directory)),
        tuple(page for page in own.keys() | other.keys() if own.get(page) != other.get(page)),
    )


def _read_page(path: Path, directory: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    content = text.partition("<article")[2].partition(">")[2].partition("</article>")[0]
    folder = path.parent.relative_to(directory).as_posix()
    return [
        _ADDRESS.sub(lambda match: f"{match['name']}={_resolve(match['address'], folder)!r}", line)
        for line in read_structure(_OWN.sub("", content))
    ]


def _resolve(address: str, folder: str) -> str:
    """Return what an address leads to, however it is written."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return address
    path = posixpath.normpath(posixpath.join("/", folder, unquote(parts.path) or "."))
    return path + (f"#{unquote(parts.fragment)}" if parts.fragment else "")


def _count(site: dict[str, list[str]], tag: str) -> Counter[tuple[str, str]]:
    return Counter(
        (page, line)
        for page, lines in site.items()
        for line in lines
        if line.startswith(f"<{tag} ")
    )


def _find_broken(site: dict[str, list[str]], directory: Path) -> list[str]:
    broken = []
    for page, lines in site.items():
        for line in lines:
            match = _ADDRESS.search(line)
            path, _, anchor = match["address"].partition("#") if match else ("", "", "")
            if not path.startswith("/"):
                continue
            target = directory / path.lstrip("/")
            target = target / "index.html" if target.is_dir() else target
            there = target.is_file()
            if not there or (anchor and f'id="{anchor}"' not in target.read_text("utf-8")):
                broken.append(f"{page}: {line}")
    return broken


def build_all(config_file: Path, work: Path, *, strict: bool = True) -> list[Comparison]:
    """Build a site with the plugin, pull it, and build that with each host that is installed.

    The examples of the specification lead nowhere, so their site has warnings.
    """
    arguments = ["--strict"] * strict
    run = partial(_run, cwd=work, may_warn=not strict)
    run(BIN / "mkdocs", "build", "-q", "-f", config_file, "-d", work / "own")
    run(BIN / "confluence-md", "pull", "-f", config_file, work / "pulled")
    own = read_site(work / "own")
    comparisons = []
    for host, command in _HOSTS.items():
        if command.exists():
            run(command, "build", *arguments, cwd=work / "pulled")
            (work / "pulled/site").rename(work / host)
            comparisons.append(compare(host, own, work / host))
    return comparisons


@contextmanager
def specification_site(root: Path) -> Iterator[Path]:
    """Make a site of all examples, with a stand-in that plays Confluence."""
    examples = [each["markdown"] for each in json.loads(SPECIFICATION.read_text("utf-8"))]
    pages = {str(number): text for number, text in enumerate([*examples, *EXAMPLES], 1000)}
    config = {
        "site_name": "Examples",
        "theme": {"name": "material", "font": False},
        "plugins": [{"confluence-md": {"site": "acme.atlassian.net", "cloud_id": CLOUD_ID}}],
        "nav": [{f"Example {number}": f"confluence:{number}"} for number in pages],
    }
    (root / "docs").mkdir(parents=True)
    text = yaml.safe_dump(config) + "markdown_extensions:" + USUAL
    (root / "mkdocs.yml").write_text(text, encoding="utf-8")
    with StandIn(pages) as standin:
        os.environ.update(standin.environment())
        os.environ["CONFLUENCE_MD_TOKEN_FILE"] = str(root / "tokens.json")
        yield root / "mkdocs.yml"


def _run(*command: object, cwd: Path, may_warn: bool) -> None:
    quiet = {"NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true"}
    finished = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **quiet},
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode and not (may_warn and "Error" not in finished.stderr):
        sys.exit(f"{command[0]} failed:\n{finished.stdout}{finished.stderr}")


def describe(comparison: Comparison) -> str:
    """Return a row of the table."""
    cells = [
        comparison.host,
        f"{comparison.equal_pages} of {comparison.pages}",
        f"{comparison.equal_links} of {comparison.links}",
        f"{comparison.equal_images} of {comparison.images}",
        str(len(comparison.broken)),
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the comparison as a table."""
    site = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "example-site/mkdocs.yml")
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        if site == "specification":
            with specification_site(work / "site") as config_file:
                comparisons = build_all(config_file, work, strict=False)
        else:
            comparisons = build_all(Path(site).resolve(), work)
    print("Of the plugin's own build, the same in a build from what was pulled:\n")
    print("| host | pages | links | images | broken |\n| --- | --- | --- | --- | --- |")
    for each in comparisons:
        print(describe(each))
    for each in comparisons:
        for what in (*each.different, *each.broken):
            print(f"{each.host}: {what}")
    if not ZENSICAL.exists():
        print("Zensical is not installed: make zensical")
    sys.exit(not all(each.is_equal for each in comparisons))


if __name__ == "__main__":
    main()
