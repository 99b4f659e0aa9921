"""A MkDocs hook: puts what comes from the code into the reference."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reference import describe_commands, describe_option, describe_variables

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

GENERATED = {
    "<!-- variables -->": describe_variables,
    "<!-- commands -->": describe_commands,
}
_OPTION = re.compile(r"^<!-- option: (\w+) -->$", re.MULTILINE)


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Fill the markers of a page; a page from Confluence has none."""
    del config, files
    if page.file.generated_by:
        return markdown
    for marker, describe in GENERATED.items():
        if marker in markdown:
            markdown = markdown.replace(marker, describe())
    return _OPTION.sub(lambda match: describe_option(match[1]), markdown)
