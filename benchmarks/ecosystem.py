"""`python -m benchmarks.ecosystem`: sites with other plugins and themes, beside local files.

Each site is built twice: with pages from the stand-in's Confluence, and with the same Markdown as
local files. What readers, search and links find must be the same.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import yaml

from benchmarks.combinations import COMBINATIONS, Combination

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ROOT / ".cache/ecosystem"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
IDS = {"deploy": "101", "back": "102", "notes": "103"}
REFERENCES = {name: f"confluence:{page_id}" for name, page_id in IDS.items()}
REFERENCES |= {"second": "Second-step"}
PATHS = {"deploy": "deploy.md", "back": "operate/roll-back.md", "notes": "operate/notes.md"}
SOURCES = {
    "deploy": "# Deploy\n\nRoll out the *new* version; if it fails, [roll back](@back@), best in "
    "[one step](@back@#@second@).\n\n![The plan](@plan@)\n\n## Steps\n\n1. Build it\n2. Run it\n\n"
    '```python\nprint("done")\n```\n\n| Host | Port |\n| --- | --- |\n| a | 80 |\n',
    "back": "# Roll back\n\nBack to the old one.\n\n## Second step\n\nSee [Deploy](@deploy@).\n",
    "notes": "# Notes\n\nWhat we saw: **nothing**.\n",
}
DATE = re.compile(r"(20)?[0-9]{2}(-[0-9]{2}-[0-9]{2})?|[0-9]{1,2},|January|November")
PANEL = "\n> [!NOTE]\n> Take care of the panel.\n"


@dataclass(frozen=True)
class Result:
    """What became of a site."""

    verdict: str
    """`works`, `partly` or `not`; `neither` if the same site of local files cannot be built."""
    differences: list[str]


def main() -> None:
    """Build all sites, or those that are named, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="of combinations; all, if there are none")
    parser.add_argument("--python", type=Path, help="which has all packages already")
    parser.add_argument("--keep", type=Path, help="where the sites stay")
    arguments = parser.parse_args()
    chosen = [each for each in COMBINATIONS if each.name in arguments.names or not arguments.names]
    rows = []
    sys.path.insert(0, str(ROOT / "example-site"))
    with tempfile.TemporaryDirectory() as folder:
        for each in chosen:
            python = arguments.python or make_environment(each)
            result = try_combination(
                each, python, (arguments.keep or Path(folder)) / slug(each.name)
            )
            rows.append((each, result))
            print(f"{each.name:32} {result.verdict}", flush=True, file=sys.stderr)
            for difference in result.differences:
                print(f"    {difference}", flush=True, file=sys.stderr)
    print(write_table(rows))
    if any(result.verdict == "not" for _, result in rows):
        sys.exit(1)


def slug(name: str) -> str:
    """Return a name for a folder."""
    return re.sub("[^a-z0-9]+", "-", name.lower())


def make_environment(combination: Combination) -> Path:
    """Return the Python of an environment with the packages of a combination."""
    key = hashlib.sha256(" ".join(combination.packages).encode()).hexdigest()[:12]
    python = ENVIRONMENTS / key / "bin/python"
    if not python.exists():
        venv.create(ENVIRONMENTS / key, with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "-q", "-e", str(ROOT)]
        try:
            subprocess.run([*install, *combination.packages], check=True)
        except BaseException:
            shutil.rmtree(ENVIRONMENTS / key)
            raise
    return python


def try_combination(combination: Combination, python: Path, root: Path) -> Result:
    """Build the two sites of a combination and compare them."""
    from standin import StandIn  # noqa: PLC0415  from example-site

    local = root / "local"
    write_site(local, combination, site=None)
    expected = build(local, python, {})
    names = {**REFERENCES, "plan": "plan.png"}
    pages = {IDS[name]: fill(text + PANEL, names) for name, text in SOURCES.items()}
    with StandIn(pages) as standin:
        standin.pages.attachments = {"101": {"plan.png": PNG}}
        confluence = root / "confluence"
        write_site(confluence, combination, site=standin.url)
        variables = {
            **standin.environment(),
            **standin.rest_environment(),
            "CONFLUENCE_MD_TOKEN_FILE": str(root / "tokens.json"),
        }
        first = build(confluence, python, variables)
        found = build(confluence, python, variables) if first.is_built else first
    if not expected.is_built:
        verdict = "neither" if not found.is_built else "works"
        return Result(verdict, [f"local files: {expected.problem}"])
    if not found.is_built:
        return Result("not", [found.problem])
    differences = compare(expected, found)
    return Result("partly" if differences else "works", differences)


def fill(text: str, names: dict[str, str]) -> str:
    """Put what names mean into a text."""
    return re.sub("@([a-z]+)@", lambda match: names.get(match[1], match[0]), text)


def write_site(root: Path, combination: Combination, *, site: str | None) -> None:
    """Write a site with references, or with local files in their places."""
    shutil.rmtree(root, ignore_errors=True)
    names = REFERENCES if site else {**PATHS, "second": "second-step"}
    files = {"docs/index.md": "# Home\n\nStart with [Deploy](@deploy@).\n"} | combination.files
    for path, text in files.items():
        folder = Path(path).parent.relative_to("docs") if path.startswith("docs/") else Path()
        here = names if site else {name: relate(value, folder) for name, value in names.items()}
        write(root / path, fill(text, here))
    if not site:
        for name, text in SOURCES.items():
            folder = Path(PATHS[name]).parent
            here = {key: relate(value, folder) for key, value in names.items()}
            write(
                root / "docs" / PATHS[name], fill(text + PANEL, {**here, "plan": "deploy/plan.png"})
            )
        write(root / "docs/deploy/plan.png", PNG)
    ours = [{"confluence-md": {"site": site}}] if site else []
    plugins = [*combination.plugins]
    both = [*ours, *plugins] if combination.plugins_last else [*plugins, *ours]
    config: dict[str, Any] = {
        "site_name": "Handbook",
        "repo_url": "https://git.example/acme/docs",
        "edit_uri": "edit/main/docs",
        "theme": {"name": combination.theme},
        "plugins": [*([] if "search" in combination.name else ["search"]), *both],
        **combination.settings,
    }
    if combination.nav is not None:
        config["nav"] = combination.nav
    write(root / "mkdocs.yml", fill(yaml.safe_dump(config, sort_keys=False), names))
    if combination.is_git:
        git = ["git", "-c", "user.name=Jane", "-c", "user.email=jane@example.com"]
        for command in (
            ["init", "-q"],
            ["add", "docs", "mkdocs.yml"],
            ["commit", "-q", "-m", "All"],
        ):
            subprocess.run([*git, *command], cwd=root, check=True)


def relate(path: str, folder: Path) -> str:
    """Return a path as a page in a folder has it."""
    return os.path.relpath(path, folder).replace(os.sep, "/") if path.endswith(".md") else path


def write(path: Path, content: str | bytes) -> None:
    """Write a file, and the folders that it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


@dataclass(frozen=True)
class Site:
    """What a build left."""

    is_built: bool
    problem: str
    pages: dict[str, Page]
    """By path."""
    messages: list[str]
    search: dict[str, str]
    """The titles in the search index, by location."""


class Page(HTMLParser):
    """What a page has: its words, and where it leads."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.addresses: list[str] = []
        self.html = html
        self._is_hidden = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where an element leads."""
        self._is_hidden += tag in ("script", "style", "title")
        given = dict(attrs)
        self.addresses += [given[name] or "" for name in ("href", "src") if name in given]

    def handle_endtag(self, tag: str) -> None:
        """Note the end of an element."""
        self._is_hidden -= tag in ("script", "style", "title")

    def handle_data(self, data: str) -> None:
        """Note words."""
        if not self._is_hidden:
            self.words += data.split()


def build(root: Path, python: Path, variables: dict[str, str]) -> Site:
    """Run `mkdocs build`."""
    environment = {
        "PATH": f"{python.parent}:{os.environ['PATH']}",
        "HOME": os.environ["HOME"],
        "NO_MKDOCS_2_WARNING": "1",
        "DISABLE_MKDOCS_2_WARNING": "true",
        **variables,
    }
    command = [str(python), "-W", "ignore", "-m", "mkdocs", "build", "-q"]
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    if done.returncode:
        return Site(is_built=False, problem=lines[-1][:200] if lines else "", pages={}, messages=[],
                    search={})  # fmt: skip
    site = root / "site"
    pages = {
        path.relative_to(site).as_posix(): Page(path.read_text(encoding="utf-8"))
        for path in sorted(site.rglob("*.html"))
    }
    index = site / "search/search_index.json"
    docs = json.loads(index.read_text())["docs"] if index.exists() else []
    messages = [line for line in lines if line.startswith(("WARNING", "ERROR"))]
    return Site(is_built=True, problem="", pages=pages, messages=messages,
                search={each["location"]: each["title"] for each in docs})  # fmt: skip


def compare(expected: Site, found: Site) -> list[str]:
    """Return in what a site differs from that of local files."""
    differences = []
    if missing := sorted(expected.pages.keys() - found.pages.keys()):
        differences.append(f"no {', '.join(missing[:4])}")
    for path in sorted(expected.pages.keys() & found.pages.keys()):
        pages = expected.pages[path], found.pages[path]
        differences += [f"{path}: {each}" for each in compare_pages(*pages)]
    for path, page in found.pages.items():
        if match := re.search(r"(?:href|src)=.?(?:confluence:|[^ >]*confluence-link=)", page.html):
            differences.append(f"{path}: {match[0]}")
    lacking = [
        place for place, title in expected.search.items() if found.search.get(place) != title
    ]
    if lacking:
        differences.append(f"search lacks {' '.join(lacking[:3])}")
    if len(found.messages) > len(expected.messages):
        differences.append(found.messages[0][:160])
    return differences


def compare_pages(there: Page, here: Page) -> list[str]:
    """Return what readers of a page would miss."""
    differences = []
    if missing := find_words(there, here):
        differences.append(f"lacks {' '.join(missing[:8])}")
    if more := find_words(here, there):
        differences.append(f"has {' '.join(more[:8])}")
    places = {*filter(is_place, there.addresses)} - {*filter(is_place, here.addresses)}
    if places:
        differences.append(f"leads not to {' '.join(sorted(places)[:4])}")
    is_panel = "Take care of the panel." in here.html
    if is_panel and not re.search(r'class=["\']?admonition[ -]', here.html):
        differences.append("has no panel")
    return differences


def find_words(page: Page, other: Page) -> list[str]:
    """Return the words of a page that another one lacks, but for panels, and dates like Git's."""
    known = {*other.words, "[!NOTE]", "Note", "Revised", "on:"}
    return [word for word in page.words if word not in known and not DATE.fullmatch(word)]


def is_place(address: str) -> bool:
    """Return True if an address leads to something of the site."""
    return not address.startswith(("http", "//", "mailto:", "data:"))


def write_table(rows: list[tuple[Combination, Result]]) -> str:
    """Write the table of docs/compatibility.md."""
    lines = ["| with | version | |", "| --- | --- | --- |"]
    for each, result in rows:
        versions = ", ".join(name.partition("==")[2] for name in each.packages) or "MkDocs' own"
        reason = each.reason or "; ".join(result.differences[:2]).replace("|", "\\|")
        verdict = "partly" if result.verdict == "works" and each.reason else result.verdict
        lines.append(f"| {each.name} | {versions} | {verdict}{reason and f': {reason}'} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
