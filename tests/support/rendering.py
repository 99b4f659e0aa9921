"""Markdown → HTML in this process, as a site with the usual extensions renders it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import markdown
import yaml
from pymdownx import superfences

from mkdocs_confluence_md.markdown.attachments import AttachedFiles
from mkdocs_confluence_md.markdown.extension import ConfluenceExtension
from mkdocs_confluence_md.markdown.links import SiteLinks

if TYPE_CHECKING:
    from mkdocs_confluence_md.errors import ConfluenceError

# What Material's documentation recommends.
USUAL = """
- abbr
- admonition
- attr_list
- def_list
- footnotes
- md_in_html
- tables
- toc:
    permalink: true
- pymdownx.betterem
- pymdownx.caret
- pymdownx.details
- pymdownx.emoji
- pymdownx.highlight:
    anchor_linenums: true
    line_spans: __span
    pygments_lang_class: true
- pymdownx.inlinehilite
- pymdownx.keys
- pymdownx.mark
- pymdownx.smartsymbols
- pymdownx.snippets
- pymdownx.superfences:
    custom_fences:
      - name: mermaid
        class: mermaid
        format: !!python/name:pymdownx.superfences.fence_code_format
- pymdownx.tabbed:
    alternate_style: true
- pymdownx.tasklist:
    custom_checkbox: true
- pymdownx.tilde
"""


class _Loader(yaml.SafeLoader):
    """Knows the one Python name that is in the list."""


_Loader.add_multi_constructor(
    "tag:yaml.org,2002:python/name:", lambda *_: superfences.fence_code_format
)


class TextSite:
    """A site with these pages from Confluence, as far as rendering them goes."""

    def __init__(self, *texts: str, links: SiteLinks | None = None) -> None:
        self.texts = texts
        self.links = links or SiteLinks()
        self.attached = AttachedFiles()

    def predict_anchors(self, page: object, make_id: object) -> None:
        """Know nothing of pages that are not rendered."""

    def guess_named(self, name: str, place: object) -> None:
        """The same."""

    def give_up(self, place: object, error: ConfluenceError) -> str:
        """Fail."""
        del place
        raise error

    def find_source(self, place: object) -> str:
        """Know nothing of where pages are in Confluence."""
        del place
        return ""

    def is_source(self, text: str, place: object) -> bool:
        """Return True if a text is one of the pages."""
        del place
        return text in self.texts


def list_extensions(settings: str = USUAL) -> tuple[list[Any], dict[str, Any]]:
    """Return names and configurations, as MkDocs makes them of `markdown_extensions`."""
    entries = yaml.load(settings, Loader=_Loader) or []  # noqa: S506  a loader of safe values
    pairs = [entry if isinstance(entry, dict) else {entry: {}} for entry in entries]
    configs = {name: config for pair in pairs for name, config in pair.items()}
    return list(configs), configs


def render(text: str, settings: str = USUAL) -> str:
    """Render the text of a page from Confluence."""
    return make_markdown(ConfluenceExtension(), settings).convert(text)


def render_locally(text: str, settings: str = USUAL) -> str:
    """Render a text as Python-Markdown does without the plugin."""
    return make_markdown(None, settings).convert(text)


def make_markdown(
    extension: ConfluenceExtension | None, settings: str = USUAL
) -> markdown.Markdown:
    """Make what MkDocs makes for each page."""
    names, configs = list_extensions(settings)
    more = [extension] if extension else []
    return markdown.Markdown(extensions=[*names, *more], extension_configs=configs)
