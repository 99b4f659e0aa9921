"""How our extensions stand in MkDocs' Markdown pipeline: joined to it, told what it renders."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markdown.treeprocessors import UnescapeTreeprocessor

if TYPE_CHECKING:
    from markdown import Extension, Markdown
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import File, Files

_UNESCAPE = UnescapeTreeprocessor()


@dataclass(frozen=True)
class Place:
    """Where a text stands: what MkDocs' own handling of links knows."""

    file: File
    files: Files


def join(extension: Extension, config: MkDocsConfig) -> None:
    """Have all pages of a site rendered with an extension."""
    extensions: list[object] = config.markdown_extensions  # type: ignore[assignment]  # names only, says MkDocs
    if extension not in extensions:  # a configuration may be built twice
        extensions.append(extension)


def find_place(md: Markdown) -> Place | None:
    """Find out which page is rendered, from MkDocs' own treatment of links.

    None means a text that other plugins render for themselves. Nobody would turn a path to a `.md`
    file into a URL there, and nobody knows relative to what.
    """
    if "relpath" not in md.treeprocessors:
        return None
    own = md.treeprocessors["relpath"]
    file, files = getattr(own, "file", None), getattr(own, "files", None)
    return Place(file, files) if file and files else None


def read_text(text: str | None) -> str:
    """Return what a text of the tree says: some of it is kept there in another form."""
    return html.unescape(_UNESCAPE.unescape(text or ""))
