"""How exactly pages from Confluence come out as what was written, through a real `mkdocs build`.

`make fidelity` builds one site with the usual extensions (see `tests/support/rendering.py`).
Each text is in it twice: as a page from Confluence, from the stand-in, and as a local page, which
Python-Markdown reads alone. Their structure (tags, nesting, text, targets:
`tests/support/structure.py`) is
compared with a reference's, for

- the examples of the CommonMark specification 0.31.2: with the specification's own HTML;
- examples of what GFM adds, of alerts too: with cmark-gfm's HTML;
- the descriptions of 100 well-known packages, of the versions that pip finds today: with
  cmark-gfm's HTML. Where GitHub shows a quotation that begins with a label or a sign
  (`> **Note:** …`), we show a panel, as `admonitions.py` says; these count as the same.

A link within a page is the same if it leads to the heading that is meant, however its anchor is
spelled, or to the top of a page that has no such heading. Of a relative link to a `.md` file, only
the text is expected: no page of the site has that name.

Documents that are made up and written by mdformat, a conforming writer, must be the same with
repairs and without. All repairs of exporters' forms are on, or off with `--no-repairs`: the figures
must be the same.

It also prints how long the descriptions take to render, beside Python-Markdown alone. Every
difference is printed, with its reason where it is a known one.
"""

from __future__ import annotations

import argparse
import email
import json
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import SequenceMatcher, unified_diff
from pathlib import Path
from statistics import mean, median
from typing import TYPE_CHECKING, Any

import yaml
from hypothesis import HealthCheck, Phase, given, settings

from conforming import DOCUMENTS
from gfm import EXAMPLES, read_as_github
from mkdocs_confluence_md.markdown.extension import ConfluenceExtension
from rendering import USUAL, make_markdown
from specification import KNOWN_DIFFERENCES, OTHER_SECTIONS, SPECIFIED
from structure import read_structure

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
START = "<!-- page -->\n"  # MkDocs writes no file for nothing
PACKAGES = """
absl-py accelerate aiofiles altair annotated-types anthropic argon2-cffi arviz attrs authlib
automat beautifulsoup4 black boltons build cachelib cattrs chardet charset-normalizer click
cloudpickle colorlog configargparse cyclopts datasets deepdiff distro dnspython docker
docstring-parser einops elasticsearch email-validator environs executing fastapi flask flask-login
frozendict fsspec ftfy gitpython gunicorn gymnasium hatchling httpcore httptools httpx humanize
hypothesis identify idna imageio ipykernel isort jinja2 json5 jupyter-client keras langchain
lazy-loader librosa loguru markdown markdown-it-py markupsafe mcp mergedeep msgpack msgspec narwhals
nbclient nbconvert omegaconf openai opt-einsum optuna orjson pandera platformdirs poetry-core
portalocker prettytable pydantic pydantic-settings pygithub pymongo pypdf python-dotenv
python-slugify redis requests rich seaborn smart-open sqlmodel starlette structlog tabulate typer
"""
REASONS = {
    "link": "cmark-gfm makes a link of an address within <a>; here there is one link",
    "footnote": "the links back of a footnote look as Python-Markdown's own, not as cmark-gfm's",
    "white space": "markdown-it drops white space that is no ASCII (U+00A0) at the ends of lines",
}
_LABEL = re.compile(
    r"  (?:note|info|information|tip|hint|important|warning|caution|danger):?", re.IGNORECASE
)


@dataclass(frozen=True)
class Text:
    """A text and the structure that it should have."""

    name: str
    markdown: str
    wanted: list[str]
    known: str = ""
    """Why it is known not to have that structure."""


def main() -> None:
    """Build, compare and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--packages", nargs="*", default=PACKAGES.split())
    parser.add_argument("--show", type=int, default=8, help="lines of each difference")
    parser.add_argument("--documents", type=int, default=2000, help="how many are made up")
    parser.add_argument("--no-repairs", action="store_true", help="read texts as specified only")
    arguments = parser.parse_args()

    packages = read_packages(arguments.packages)
    sets = {
        "CommonMark 0.31.2": specified(html=False),
        "… raw HTML, entities": specified(html=True),
        "GFM": [text_of_github(f"gfm-{place}", text) for place, text in enumerate(EXAMPLES, 1)],
        f"{len(packages)} descriptions": packages,
    }
    built = build([text for texts in sets.values() for text in texts], not arguments.no_repairs)
    print(f"{'':24}{'ours':>28}{'Python-Markdown alone':>28}")
    for name, texts in sets.items():
        print(f"{name:24}{describe(texts, built, 0):>28}{describe(texts, built, 1):>28}")
    conforming, changed = read_conforming(arguments.documents)
    print(f"{conforming} documents that mdformat wrote: {len(changed)} are changed by a repair")
    for document in changed[:3]:
        print(document)
    for texts in sets.values():
        for text in texts:
            show_difference(text, built[text.name][0], arguments.show)
    ratio = measure_time(packages)
    print(f"\nRendering a description takes {ratio:.2f} x what Python-Markdown takes alone.")


def read_conforming(number: int) -> tuple[int, list[str]]:
    """Render documents of a conforming writer; return how many, and those that a repair changes."""
    repairing, plain = ConfluenceExtension(), ConfluenceExtension(repairs=False)
    with_repairs, without = make_markdown(repairing), make_markdown(plain)
    documents: list[str] = []
    changed: list[str] = []

    @settings(
        max_examples=number,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(DOCUMENTS)
    def look(document: str) -> None:
        documents.append(document)
        repairing.repairs.clear()
        html = with_repairs.reset().convert(document)
        if repairing.repairs or html != without.reset().convert(document):
            changed.append(document)

    look()
    return len(documents), changed


def specified(*, html: bool) -> list[Text]:
    """Return the examples of the specification: those of HTML and entities, or all others."""
    return [
        Text(
            f"example-{example['example']}",
            example["markdown"],
            drop_lost_links(read_structure(example["html"])),
            KNOWN_DIFFERENCES.get(example["example"], ""),
        )
        for example in SPECIFIED
        if (example["section"] in OTHER_SECTIONS) == html
        # An answer that begins so is a web page, and never becomes a page of a site.
        and not example["markdown"].lower().startswith(("<!doctype", "<html"))
    ]


def text_of_github(name: str, markdown: str) -> Text:
    """Return a text with the structure that GitHub gives it."""
    return Text(name, markdown, drop_lost_links(mark_labels(read_as_github(markdown))))


def read_packages(names: list[str]) -> list[Text]:
    """Download packages and return their descriptions."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", folder]
        subprocess.run([*command, "--only-binary=:all:", *names], check=True)
        wheels = sorted(Path(folder).glob("*.whl"))
        return [
            text_of_github(
                re.sub("[^a-z0-9]+", "-", wheel.name.partition("-")[0].lower()), description
            )
            for wheel in wheels
            if (description := read_description(wheel))
        ]


def read_description(wheel: Path) -> str:
    """Return a package's description if it is Markdown."""
    with zipfile.ZipFile(wheel) as archive:
        [path] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        text = archive.read(path).decode()
    metadata = email.message_from_string(text)
    body = str(metadata.get_payload()).replace("\r\n", "\n")
    return body if "text/markdown" in metadata.get("Description-Content-Type", "") else ""


def build(texts: list[Text], repairs: bool) -> dict[str, tuple[list[str], list[str]]]:  # noqa: FBT001  a switch of the command
    """Build a site and return the structures of each text: ours, and Python-Markdown's."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_site(root, texts, repairs)
        run_build(root)
        return {
            text.name: (
                drop_title(read_page(root, f"ours/{text.name}"), text),
                read_page(root, f"local/{text.name}"),
            )
            for text in texts
        }


def write_site(root: Path, texts: list[Text], repairs: bool) -> None:  # noqa: FBT001  the same
    """Write each text as a page of Confluence and as a local page, in a theme of content only."""
    for folder in ("docs/local", "confluence", "theme"):
        (root / folder).mkdir(parents=True)
    (root / "theme" / "main.html").write_text(f"{START}{{{{ page.content }}}}")
    ours: list[dict[str, str]] = []
    for number, text in enumerate(texts, 1000):
        (root / "confluence" / f"{number}.md").write_text(text.markdown)
        ours.append({text.name: f"confluence:{number}"})
        # Front matter keeps MkDocs from taking a first line like `a: b` for it.
        local = f"---\ntitle: {text.name}\n---\n\n{text.markdown}"
        (root / "docs" / "local" / f"{text.name}.md").write_text(local)
    config: dict[str, Any] = {
        "site_name": "Fidelity",
        "theme": {"name": None, "custom_dir": "theme"},
        "plugins": [{"confluence-md": {"site": "acme.atlassian.net", "cloud_id": "1" * 8}}],
        "nav": [{"ours": ours}],
        "validation": {"omitted_files": "ignore"},
    }
    options = config["plugins"][0]["confluence-md"]
    options["cloud_id"] = "11111111-2222-3333-4444-555555555555"
    # No text has its pictures with it: readers would see their names.
    options["attachments"] = False
    options["repairs"] = repairs
    extensions = f"markdown_extensions:\n{USUAL.strip()}\n"
    (root / "mkdocs.yml").write_text(yaml.safe_dump(config, sort_keys=False) + extensions)


def run_build(root: Path, *, quietly: bool = False) -> None:
    """Build a site whose pages from Confluence are in its folder `confluence`.

    Args:
        root: Where its `mkdocs.yml` is.
        quietly: Without the warnings of the build.
    """
    with serve_pages(root / "confluence") as variables:
        command = [str(BIN / "mkdocs"), "build", "--quiet", "-f", str(root / "mkdocs.yml")]
        stderr = subprocess.DEVNULL if quietly else None
        subprocess.run(command, check=True, env=variables, stderr=stderr)


@contextmanager
def serve_pages(folder: Path) -> Iterator[dict[str, str]]:
    """Run the stand-in, and give the environment of a build that is signed in to it."""
    command = [sys.executable, "-m", "standin", str(folder), "--port", "0"]
    with subprocess.Popen(
        command, cwd=ROOT / "example-site", stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        variables: dict[str, str] = json.loads(server.stdout.readline())["environment"]
        variables["CONFLUENCE_MD_TOKEN_FILE"] = str(folder.parent / "tokens.json")
        try:
            yield variables
        finally:
            server.terminate()


def read_page(root: Path, path: str) -> list[str]:
    """Return the structure of a built page."""
    return read_structure((root / "site" / path / "index.html").read_text().removeprefix(START))


def drop_title(lines: list[str], text: Text) -> list[str]:
    """Leave out the title with which the plugin heads a page that has none itself."""
    title = ["<h1>", f"  {text.name}", "</h1>"]
    is_added = lines[:3] == title and text.wanted[:3] != title
    return lines[3:] if is_added else lines


_LOST_LINK = re.compile(r"<a href='(?![a-z]+:|[/#])[^'?#]*\.md(?:[?#][^']*)?'", re.IGNORECASE)


def drop_lost_links(lines: list[str]) -> list[str]:
    """Leave only the texts of links to `.md` files, which are not in the site."""
    kept: list[str] = []
    is_lost = False
    for line in lines:
        if _LOST_LINK.match(line) or (is_lost and line == "</a>"):
            is_lost = line != "</a>"
        elif kept and kept[-1].startswith("  ") and line.startswith("  "):
            kept[-1] += line[2:]
        else:
            kept.append(line)
    return kept


def mark_labels(lines: list[str]) -> list[str]:
    """Make panels of the quotations that begin with a label or a sign, in a structure."""
    marked: list[str] = []
    closing: list[str] = []
    rest = list(lines)
    while rest:
        line = rest.pop(0)
        if line == "<blockquote>":
            body = skip_label(rest[1:]) if rest[:1] == ["<p>"] else None
            closing.append("</blockquote>" if body is None else "</panel>")
            marked.append(closing[-1].replace("/", ""))
            if body is not None:
                marked += [] if body[:1] == ["</p>"] else ["<p>"]
                rest = body[1:] if body[:1] == ["</p>"] else body
        elif line == "</blockquote>":
            marked.append(closing.pop() if closing else line)
        else:
            marked.append(line)
    return marked


def skip_label(lines: list[str]) -> list[str] | None:
    """Return what stands behind a label or a sign; None where there is neither."""
    if lines[0] == "<strong>" and _LABEL.fullmatch(lines[1]) and lines[2] == "</strong>":
        after = lines[3].removeprefix("  :")
        if lines[1].endswith(":") or after != lines[3] or after in {"<br>", "</p>"}:
            text = after.lstrip(" ") if after[:1] != "<" else ""
            kept = [after] if after == "</p>" else [f"  {text}"] if text else []
            return [*kept, *lines[4:]]
        return None
    sign = re.match(r"  (?:⚠|ℹ|💡|✅|❌|🚫|⛔|📝|📌)\ufe0f? ?", lines[0])  # noqa: RUF001  the signs
    return [f"  {lines[0][sign.end() :]}", *lines[1:]] if sign else None


def describe(texts: list[Text], built: dict[str, tuple[list[str], list[str]]], which: int) -> str:
    """Tell how many texts have the wanted structure, and how similar the others are."""
    likeness = [compare(text.wanted, built[text.name][which]) for text in texts]
    same = sum(each == 1 for each in likeness)
    return f"{same:>4} of {len(texts):<4}{same / len(texts):6.1%}  {mean(likeness):.4f}"


def accept_anchors(wanted: list[str], got: list[str]) -> list[str]:
    """Take links within the page as `links.py` writes them: to a heading's ID, or to the top."""
    if len(wanted) != len(got):
        return wanted
    return [
        theirs
        if ours.startswith("<a href='#")
        and (theirs == "<a href='#'>" or _letters_of(theirs) == _letters_of(ours))
        else ours
        for ours, theirs in zip(wanted, got, strict=True)
    ]


def _letters_of(line: str) -> str:
    return re.sub(r"[^\w<>=' ]|_", "", line.lower())


def compare(wanted: list[str], got: list[str]) -> float:
    """Return 1 for the same structure, and less for a similar one."""
    wanted = accept_anchors(wanted, got)
    if wanted == got:
        return 1.0
    return min(SequenceMatcher(None, wanted, got, autojunk=False).ratio(), 0.9999)


def show_difference(text: Text, got: list[str], lines: int) -> None:
    """Print the first lines of a difference and why it is there."""
    wanted = accept_anchors(text.wanted, got)
    if wanted != got:
        difference = list(unified_diff(wanted, got, lineterm="", n=1))[3 : 3 + lines]
        print(f"\n{text.name}: {text.known or explain(difference)}")
        print("\n".join(f"    {line[:110]}" for line in difference))


def explain(difference: list[str]) -> str:
    """Return why a difference is known to be there, if it is."""
    changed = [line[1:] for line in difference if line[:1] in "+-"]
    if any("#fnref" in line for line in changed):
        return REASONS["footnote"]
    if any(line.startswith("<a ") for line in changed):
        return REASONS["link"]
    return REASONS["white space"] if not "".join(changed).strip("\u00a0 ") else "not known"


def measure_time(texts: list[Text]) -> float:
    """Return how much longer our way takes, as the median of five runs side by side."""
    ratios = []
    for _ in range(5):
        extension = ConfluenceExtension()
        ours = sum(render(extension, text) for text in texts)
        ratios.append(ours / sum(render(None, text) for text in texts))
    return median(ratios)


def render(extension: ConfluenceExtension | None, text: Text) -> float:
    """Render a text as MkDocs does and return how long that takes, in seconds."""
    markdown = make_markdown(extension)
    start = time.process_time()
    markdown.convert(text.markdown)
    return time.process_time() - start


if __name__ == "__main__":
    main()
