"""Attachments in a page as it is rendered: a Python-Markdown extension.

It changes addresses where Markdown has become elements, whoever parsed it, before MkDocs checks
the links; and in the HTML that the page brings, which MkDocs leaves alone.
"""

from __future__ import annotations

import html
import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor
from markdown.util import AtomicString

from mkdocs_confluence_md.confluence.attachments import change_tags, read_address
from mkdocs_confluence_md.markdown.context import (
    Destination,
    Trail,
    find_place,
    read_text,
    shows_address,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from xml.etree.ElementTree import Element

    from markdown import Markdown

    from mkdocs_confluence_md.confluence.attachments import Reference

MISSING_CLASS = "confluence-missing"
"""The class of the text that stands where a picture is missing."""

# After the inline parser (20), which makes elements of Markdown, and long before MkDocs' links (0).
_PRIORITY = 15
_ADDRESSES = {"img": "src", "a": "href"}


@dataclass
class Embedding:
    """What is known of the attachments of a page, and what turns out when it is rendered."""

    page_id: str
    page_uri: str
    files: Mapping[str, str]
    """The `src_uri` of each file, by the key of the reference."""
    make_url: Callable[[str], str]
    """Returns the URL of a `src_uri`, relative to the page."""
    missing: dict[str, Reference] = field(default_factory=dict)
    """By key; filled while the page is rendered."""
    trail: Trail = field(default_factory=Trail)
    """Where the addresses led; the same."""

    def find(self, address: str, label: str = "") -> tuple[str, Reference | None]:
        """Return the `src_uri` that an address means, or the reference that leads nowhere."""
        reference = read_address(address, self.page_id, label)
        if reference is None:
            return "", None
        return self.files.get(reference.key, ""), reference

    def find_path(self, src_uri: str) -> str:
        """Return the address of a file, relative to the page's own."""
        folder = posixpath.dirname(self.page_uri)
        return quote(posixpath.relpath(src_uri, folder or "."))

    def note(self, address: str, destination: Destination, *, raw: bool = False) -> None:
        """Note where an address of the page led."""
        self.trail.note(self.page_uri, address, destination, raw=raw)


class EmbeddingExtension(Extension):
    """One for all pages and builds, because `mkdocs serve` builds again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: dict[str, Embedding] = {}
        """The pages that have attachments, by `src_uri`."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802  Python-Markdown's name
        """Have the addresses of a page looked at."""
        embedder = _Embedder(md, self.pages)
        md.treeprocessors.register(embedder, "confluence_attachments", _PRIORITY)


class _Embedder(Treeprocessor):
    def __init__(self, md: Markdown, pages: Mapping[str, Embedding]) -> None:
        super().__init__(md)
        self._pages = pages

    def run(self, root: Element) -> None:
        embedding = self._find_page()
        if embedding is None:
            return
        for element in root.iter():
            if element.tag in _ADDRESSES:
                self._change_element(element, embedding)
        blocks = self.md.htmlStash.rawHtmlBlocks
        for number, block in enumerate(blocks):
            if isinstance(block, str) and "<" in block:
                blocks[number] = change_tags(block, self._make_change(embedding))

    def _find_page(self) -> Embedding | None:
        place = find_place(self.md)
        return self._pages.get(place.file.src_uri) if place else None

    def _change_element(self, element: Element, embedding: Embedding) -> None:
        is_image = element.tag == "img"
        attribute = _ADDRESSES[str(element.tag)]
        address = element.get(attribute, "")
        label = read_text(element.get("alt", "") if is_image else "".join(element.itertext()))
        src_uri, reference = embedding.find(address, label)
        if src_uri:
            path = embedding.find_path(src_uri) + _fragment_of(address)
            element.set(attribute, path)
            name = _show_address(element, reference, read_text(address))
            embedding.note(read_text(address), Destination(path, title=name))
        elif reference and self._is_missing(reference, embedding, is_image=is_image):
            embedding.missing[reference.key] = reference
            if is_image:
                name = show_name(reference)
                embedding.note(read_text(address), Destination("", missing=name))
                _replace_by_name(element, name)

    def _make_change(self, embedding: Embedding) -> Callable[[str, str], str | None]:
        def change(tag: str, address: str) -> str | None:
            src_uri, reference = embedding.find(address)
            if src_uri:
                path = embedding.find_path(src_uri) + _fragment_of(address)
                url = embedding.make_url(src_uri) + _fragment_of(address)
                embedding.note(address, Destination(path, url), raw=True)
                return url
            is_image = tag == "img"
            if reference is None or not self._is_missing(reference, embedding, is_image=is_image):
                return None
            embedding.missing[reference.key] = reference
            if not is_image:
                return None
            name = show_name(reference)
            embedding.note(address, Destination("", missing=name), raw=True)
            return show_missing(name)

        return change

    def _is_missing(self, reference: Reference, embedding: Embedding, *, is_image: bool) -> bool:
        """Tell whether a reference that leads to no attachment should have led to one."""
        if reference.is_internal or (is_image and (reference.owner or not reference.path)):
            return True
        if reference.owner:  # a link leads to Confluence, which is right for another page's file
            return reference.owner == embedding.page_id
        # The site may have such a file itself; and of a link, MkDocs says that it leads nowhere.
        folder = posixpath.dirname(embedding.page_uri)
        local = posixpath.normpath(posixpath.join(folder, reference.path)).lstrip("/")
        place = find_place(self.md)
        return is_image and not (place and place.files.get_file_from_path(local))


def show_name(reference: Reference) -> str:
    """Return an attachment's name without what would disguise it, or upset a terminal."""
    shown = "".join(character for character in reference.name if character.isprintable())
    return shown.strip() or "attachment"


def show_missing(name: str) -> str:
    """Write the HTML that stands where a picture is missing."""
    return f'<span class="{MISSING_CLASS}">{html.escape(name)}</span>'


def _replace_by_name(element: Element, name: str) -> None:
    element.tag = "span"
    element.attrib.clear()
    element.set("class", MISSING_CLASS)
    element.text = AtomicString(name)


def _show_address(element: Element, reference: Reference | None, address: str) -> str:
    """Let a link say the name of its file instead of an address that nobody can use.

    Returns:
        The name; empty if the link says something else.
    """
    is_internal = reference and reference.is_internal and element.tag == "a" and not len(element)
    if not reference or not is_internal or not shows_address(read_text(element.text), address):
        return ""
    name = show_name(reference)
    element.text = AtomicString(html.escape(name, quote=False))
    return name


def _fragment_of(address: str) -> str:
    fragment = urlsplit(html.unescape(address)).fragment
    return f"#{fragment}" if fragment else ""
