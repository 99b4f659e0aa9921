"""A MkDocs hook: puts what has another source into the pages of the documentation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.exceptions import PluginError

from readme import Readme, find_places
from reference import describe_commands, describe_options, describe_variables

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent.parent

GENERATED = {
    "<!-- options -->": describe_options,
    "<!-- variables -->": describe_variables,
    "<!-- commands -->": describe_commands,
}
# The README's own tables, which the reference has at greater length.
REFERENCE = {"options": "options.md", "environment": "environment.md", "command": "commands.md"}


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Fill the markers of a page; a page from Confluence has none."""
    del files
    if page.file.generated_by:
        return markdown
    for marker, describe in GENERATED.items():
        if marker in markdown:
            markdown = markdown.replace(marker, describe())
    try:
        return make_readme(Path(config.docs_dir)).fill(markdown)
    except KeyError as error:
        raise PluginError(f"{page.file.src_uri}: README.md has no section {error}.") from None


def make_readme(docs_dir: Path) -> Readme:
    """Return the README as it is now: `mkdocs serve` goes on when it changes."""
    pages = {path.name: path.read_text("utf-8") for path in sorted(docs_dir.glob("*.md"))}
    text = (ROOT / "README.md").read_text("utf-8")
    return Readme(text, {**find_places(pages), **REFERENCE})
