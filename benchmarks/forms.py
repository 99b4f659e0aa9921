"""What becomes of each form in which exporters write Confluence's constructs.

`make forms` builds two sites, with Material and with MkDocs' own theme, in which each row of
`tests/support/forms/` is a page from Confluence, from the stand-in. It prints a line for each:
construct, form, who writes it, and whether the page has the structure that the row says. Every
difference is printed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from benchmarks.fidelity import accept_anchors, run_build
from form_rows import Form, read_forms
from rendering import USUAL
from structure import read_structure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FIRST_ID = 1000
THEMES = ("material", "mkdocs")
BEGIN, END = "<!-- page -->", "<!-- end of page -->"
# Last of all, so that it has the page as the theme gets it.
HOOK = f"""
from mkdocs.plugins import event_priority

@event_priority(-100)
def on_page_content(html, **_):
    return "{BEGIN}" + html + "{END}"
"""
FORMULAS = "- pymdownx.arithmatex:\n    generic: true\n"


def main() -> int:
    """Build, compare and print; return 1 if a form is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--only", default="", help="rows whose construct or form has this in it")
    arguments = parser.parse_args()

    forms = [form for form in read_forms() if arguments.only in str(form)]
    built = {theme: build(forms, theme) for theme in THEMES}
    print(f"{'construct':16} {'form':54} {'from':36} {'Material':9} MkDocs")
    for number, form in enumerate(forms):
        marks = ["yes" if is_right(form, built[theme][number]) else "NO" for theme in THEMES]
        line = f"{form.construct[:16]:16} {form.name[:54]:54} {form.source[:36]:36}"
        print(f"{line} {marks[0]:9} {marks[1]}")
    wrong = [
        (form, theme, built[theme][number])
        for number, form in enumerate(forms)
        for theme in THEMES
        if not is_right(form, built[theme][number])
    ]
    for form, theme, got in wrong:
        print(f"\n{form} ({theme})")
        print("\n".join(list(unified_diff(form.structure, got, lineterm="", n=1))[3:20]))
    counts = Counter(form.construct for form in forms)
    print(
        f"\n{len(forms)} forms of {len(counts)} constructs; {len(wrong)} are not as they should be"
    )
    return bool(wrong)


def is_right(form: Form, got: list[str]) -> bool:
    """Return True if a page has the structure of a row; links to no heading lead to its top."""
    return accept_anchors(form.structure, got) == got


def build(forms: list[Form], theme: str) -> list[list[str]]:
    """Build a site and return the structure of each form's page."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        # No form has its pictures with it: readers would see their names.
        options = {"attachments": False}
        texts = [form.markdown for form in forms]
        write_site(root, texts, theme=theme, hook=HOOK, options=options)
        run_build(root)
        return [read_page(root, number) for number in range(len(forms))]


def write_site(  # noqa: PLR0913  a site has that many parts
    root: Path,
    texts: Iterable[str],
    *,
    theme: str,
    hook: str,
    options: Mapping[str, object],
    plugins: Iterable[str] = (),
) -> None:
    """Write a site that has each text as a page of Confluence, `page-0` and so on.

    Args:
        root: An empty folder.
        texts: Of the pages, in order.
        theme: Its name.
        hook: The code of a hook.
        options: Of our plugin.
        plugins: The names of others, which come first.
    """
    for folder in ("docs", "confluence"):
        (root / folder).mkdir()
    (root / "docs" / "index.md").write_text("# Home\n")
    (root / "hook.py").write_text(hook)
    pages: list[dict[str, str]] = []
    for number, text in enumerate(texts):
        (root / "confluence" / f"{FIRST_ID + number}.md").write_text(text)
        pages.append({f"page-{number}": f"confluence:{FIRST_ID + number}"})
    site = {"site": "acme.atlassian.net", "cloud_id": "11111111-2222-3333-4444-555555555555"}
    config: dict[str, Any] = {
        "site_name": "Texts",
        "theme": {"name": theme},
        "hooks": ["hook.py"],
        "plugins": [*plugins, {"confluence-md": {**site, **options}}],
        "nav": [{"Home": "index.md"}, {"Texts": pages}],
    }
    extensions = f"markdown_extensions:\n{USUAL.strip()}\n{FORMULAS}"
    (root / "mkdocs.yml").write_text(yaml.safe_dump(config, sort_keys=False) + extensions)


def read_page(root: Path, number: int) -> list[str]:
    """Return the structure of a built page, without the title that the plugin adds."""
    html = (root / "site" / "texts" / f"page-{number}" / "index.html").read_text()
    content = html.partition(BEGIN)[2].partition(END)[0]
    # Each row is a page of its own; in the rows, all of them are page 1.
    content = content.replace(f"pageId={FIRST_ID + number}", "pageId=1")
    lines = read_structure(content, whole=True)
    title = ["<h1>", f"  page-{number}", "</h1>"]
    return lines[len(title) :] if lines[: len(title)] == title else lines


if __name__ == "__main__":
    sys.exit(main())
