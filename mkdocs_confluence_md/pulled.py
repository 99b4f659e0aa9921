"""The extension `mkdocs_confluence_md.pulled`: render pulled pages without the plugin.

Zensical runs no plugins, and a pulled site needs ours in no host. But all of them render with
Python-Markdown. The extension recognizes pulled pages by their first line, which `pull` writes, and
leaves all others alone.
"""

from __future__ import annotations

import html
import posixpath
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from markdown.postprocessors import Postprocessor
from markdown.treeprocessors import Treeprocessor

from mkdocs_confluence_md.confluence.attachments import change_tags
from mkdocs_confluence_md.markdown.context import find_place
from mkdocs_confluence_md.markdown.extension import ConfluenceExtension
from mkdocs_confluence_md.markdown.parser import Grammar
from mkdocs_confluence_md.markdown.sanitizing import sanitize

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from markdown import Markdown

    from mkdocs_confluence_md.markdown.context import Place

PULLED_MARKER = "<!-- Pulled from Confluence by confluence-md, and read as CommonMark. -->"
"""The first line of a pulled page."""

_AFTER_ALL_ELEMENTS = 1
_LAST = -1_000_000


class PulledPages(ConfluenceExtension):
    """Reads pages that begin with the marker as CommonMark."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401  Python-Markdown's signature
        self.config = {
            "raw_html": ["keep", "`keep` HTML in pages, or `strip` it as the plugin does"],
            "repairs": [True, "whether the forms of exporters are repaired"],
        }
        super().__init__()
        self.is_pulled = False
        """Whether the page that is being rendered was pulled."""
        self.setConfigs(settings)
        self.grammar = _PulledGrammar(repairs=self.getConfig("repairs"))

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802  Python-Markdown's name
        """Stand before everything else that reads a page."""
        super().extendMarkdown(md)
        md.treeprocessors.register(_PathFinder(md, self), "confluence_paths", _AFTER_ALL_ELEMENTS)
        if self.getConfig("raw_html") == "strip":
            md.postprocessors.register(_Sanitizer(md, self), "confluence_sanitizer", _LAST)

    def take(self, text: str, place: Place | None) -> str | None:
        """Return the text of a pulled page behind its marker."""
        del place
        self.is_pulled = text.startswith(PULLED_MARKER)
        return text.removeprefix(PULLED_MARKER) if self.is_pulled else None


class _PulledGrammar(Grammar):
    """Leaves the letters of an anchor as they are: MkDocs compares it with the IDs of headings."""

    def normalizeLink(self, url: str) -> str:  # noqa: N802  markdown-it's name
        """Encode an address up to its anchor."""
        address, sign, anchor = url.partition("#")
        if ":" in address:
            return super().normalizeLink(url)
        return f"{super().normalizeLink(address)}{sign}{anchor}"


class _PathFinder(Treeprocessor):
    """Turns paths of files in raw HTML into URLs where MkDocs does not: Zensical does it itself."""

    def __init__(self, md: Markdown, extension: PulledPages) -> None:
        super().__init__(md)
        self._extension = extension

    def run(self, root: Element) -> None:
        del root
        place = find_place(self.md)
        if place is None or not self._extension.is_pulled:
            return
        find = partial(_find_url, place)
        blocks = self.md.htmlStash.rawHtmlBlocks
        for number, block in enumerate(blocks):
            if isinstance(block, str) and "<" in block:
                blocks[number] = change_tags(block, lambda _, address: find(html.unescape(address)))


def _find_url(place: Place, address: str) -> str | None:
    """Return the URL of a file; None if an address leads to none."""
    path, sign, anchor = address.partition("#")
    folder = posixpath.dirname(place.file.src_uri)
    src_uri = posixpath.normpath(posixpath.join(folder, unquote(path)))
    file = place.files.src_uris.get(src_uri) if path else None
    return f"{file.url_relative_to(place.file)}{sign}{anchor}" if file else None


class _Sanitizer(Postprocessor):
    def __init__(self, md: Markdown, extension: PulledPages) -> None:
        super().__init__(md)
        self._extension = extension

    def run(self, text: str) -> str:
        return sanitize(text) if self._extension.is_pulled else text


def makeExtension(**settings: Any) -> PulledPages:  # noqa: ANN401, N802  Python-Markdown's
    """Return the extension that `markdown_extensions` names."""
    return PulledPages(**settings)
