"""Add attachments to the site's files, and rewrite their addresses in rendered pages.

Addresses are rewritten in the element tree, before MkDocs checks the links, and in raw HTML, which
MkDocs leaves alone.
"""

from __future__ import annotations

import html
import posixpath
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from markdown.treeprocessors import Treeprocessor
from markdown.util import AtomicString
from mkdocs.structure.files import File, InclusionLevel

from mkdocs_confluence_md.confluence.attachments import change_tags, read_address
from mkdocs_confluence_md.markdown.context import (
    Destination,
    Trail,
    find_place,
    read_text,
    shows_address,
)
from mkdocs_confluence_md.site.messages import (
    describe_placed,
    report_missing_files,
    report_unsafe_files,
)
from mkdocs_confluence_md.site.paths import Shelves, can_run_scripts, place_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from xml.etree.ElementTree import Element

    from markdown import Markdown
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

    from mkdocs_confluence_md.cache.files import SiteFiles
    from mkdocs_confluence_md.confluence.attachments import Reference
    from mkdocs_confluence_md.fetch.results import Assets
    from mkdocs_confluence_md.markdown.context import RenderedSite
    from mkdocs_confluence_md.site.paths import PlacedPage

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


class AttachedFiles:
    """The attachments of all pages of a build.

    Args:
        only_safe: Leave out what browsers open as pages that may run scripts.
    """

    def __init__(self, *, only_safe: bool = False) -> None:
        self._only_safe = only_safe
        self._assets: dict[str, tuple[PlacedPage, Assets]] = {}
        """Of the pages that have some, by `src_uri`."""
        self._added: dict[str, dict[str, File]] = {}
        """By the `src_uri` of a page, and the key of the reference."""
        self._shelves: Shelves | None = None
        self._embeddings: dict[str, Embedding] = {}
        """Of the pages that are rendered, by `src_uri`."""
        self.trail = Trail()
        """Where the addresses of attachments led."""

    def expect(self, page: PlacedPage, assets: Assets | None) -> None:
        """Remember what a page brings with it, until it is rendered."""
        if assets is not None:
            files = {key: file for key, file in assets.files.items() if self._is_wanted(file.name)}
            self._assets[page.src_uri] = (page, replace(assets, files=files))

    def add_files(
        self, src_uri: str, *, config: MkDocsConfig, files: Files, site_files: SiteFiles
    ) -> None:
        """Add the files of a page to the site, unless they are in it already."""
        if src_uri not in self._assets or src_uri in self._added:
            return
        _, assets = self._assets[src_uri]
        digests = {key: asset.content.digest for key, asset in assets.files.items()}
        names = {digests[key]: assets.files[key].name for key in sorted(digests, reverse=True)}
        contents = {digests[key]: asset.content for key, asset in assets.files.items()}
        added = {}
        for digest, uri in place_files(src_uri, names, self._find_shelves(files)).items():
            content = contents[digest]
            path = content.path or site_files.write_attachment(uri, content.data)
            added[digest] = make_file(uri, config, path=path, content=content.data)
            files.append(added[digest])
        self._added[src_uri] = {key: added[digest] for key, digest in digests.items()}

    def embed(self, page_file: File) -> None:
        """Let the addresses in a page lead to the files that it brings, as it is rendered."""
        if page_file.src_uri in self._assets:
            page, added = self._assets[page_file.src_uri][0], self._added[page_file.src_uri]
            by_uri = {file.src_uri: file for file in added.values()}
            self._embeddings[page_file.src_uri] = Embedding(
                page.ref.page_id,
                page_file.src_uri,
                {key: file.src_uri for key, file in added.items()},
                lambda src_uri: by_uri[src_uri].url_relative_to(page_file),
                trail=self.trail,
            )

    def find_embedding(self, md: Markdown) -> Embedding | None:
        """Return what is known of the page that is rendered; None if it has no attachments."""
        place = find_place(md)
        return self._embeddings.get(place.file.src_uri) if place else None

    def list_files(self, src_uri: str) -> tuple[Assets, Mapping[str, str]] | None:
        """Return what a page brings, and the `src_uri` of each file by the key of its reference."""
        if src_uri not in self._assets:
            return None
        return self._assets[src_uri][1], self._embeddings[src_uri].files

    def find_problems(self, src_uri: str) -> Iterator[str]:
        """Say, when a page is rendered, what is wrong with the files that it brings."""
        if src_uri not in self._assets:
            return
        page, assets = self._assets[src_uri]
        missing = self._embeddings[src_uri].missing.values()
        names = [name for name in map(show_name, missing) if self._is_wanted(name)]
        if names := list(dict.fromkeys(names)):
            yield report_missing_files(page, names, assets.error)
        yield from report_unsafe_files(describe_placed(page), assets.problems)

    def _is_wanted(self, name: str) -> bool:
        return not (self._only_safe and can_run_scripts(name))

    def _find_shelves(self, files: Files) -> Shelves:
        if self._shelves is None:
            self._shelves = Shelves()
            self._shelves.take(file.dest_uri for file in files)
        return self._shelves


class AttachmentProcessor(Treeprocessor):
    """Rewrites the addresses of attachments in a page.

    Args:
        md: Renders it.
        site: Has the attachments of all pages.
    """

    def __init__(self, md: Markdown, site: RenderedSite) -> None:
        super().__init__(md)
        self._site = site

    def register(self) -> None:
        """Take part in rendering."""
        self.md.treeprocessors.register(self, "confluence_attachments", _PRIORITY)

    def run(self, root: Element) -> None:
        """Rewrite addresses in elements, and in raw HTML."""
        embedding = self._site.attached.find_embedding(self.md)
        if embedding is None:
            return
        for element in root.iter():
            if element.tag in _ADDRESSES:
                self._change_element(element, embedding)
        blocks = self.md.htmlStash.rawHtmlBlocks
        for number, block in enumerate(blocks):
            if isinstance(block, str) and "<" in block:
                blocks[number] = change_tags(block, self._make_change(embedding))

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
        """Return True if a reference that leads to no attachment should have led to one."""
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
    """Show the name of a link's file instead of an address that is of no use.

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


def make_file(
    src_uri: str,
    config: MkDocsConfig,
    *,
    path: str | Path | None,
    content: bytes = b"",
    is_draft: bool = False,
) -> File:
    """Make a file of the site: of a page from Confluence, or of what such a page brings.

    Args:
        src_uri: Its path in the site's sources.
        config: MkDocs'.
        path: Where its content is; None or empty where it has no file.
        content: What it has in it, then.
        is_draft: Only `mkdocs serve` shows it.
    """
    # Included whatever its path: what `nav` declares is wanted, and MkDocs would silently leave
    # out `templates/`, which is where a section of that name puts its pages.
    inclusion = InclusionLevel.DRAFT if is_draft else InclusionLevel.INCLUDED
    make = partial(File.generated, config, src_uri, inclusion=inclusion)
    return make(abs_src_path=str(path)) if path else make(content=content)
