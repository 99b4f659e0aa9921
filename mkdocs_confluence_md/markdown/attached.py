"""The files that pages bring with them, as files of the site: MkDocs copies them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from mkdocs.structure.files import File, InclusionLevel

from mkdocs_confluence_md.markdown.attachments import Embedding, EmbeddingExtension, show_name
from mkdocs_confluence_md.markdown.context import Trail, join
from mkdocs_confluence_md.site.messages import (
    describe_placed,
    report_missing_files,
    report_unsafe_files,
)
from mkdocs_confluence_md.site.paths import Shelves, can_run_scripts, place_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

    from mkdocs_confluence_md.cache.contents import Content
    from mkdocs_confluence_md.fetch.results import Assets
    from mkdocs_confluence_md.site.paths import PlacedPage


class AttachedFiles:
    """The files of all pages of a site. One lives through a whole `mkdocs serve`."""

    def __init__(self) -> None:
        self._extension = EmbeddingExtension()
        self._assets: dict[str, tuple[PlacedPage, Assets]] = {}
        """Of the pages that have some, by `src_uri`."""
        self._shelves: Shelves | None = None
        self._only_safe = False
        self.trail = Trail()
        """Where the addresses of attachments led."""

    def join(self, config: MkDocsConfig) -> None:
        """Have all pages of a site rendered with these files."""
        join(self._extension, config)

    def begin(self, *, only_safe: bool = False) -> None:
        """Begin a build.

        Args:
            only_safe: Leave out what browsers open as pages that may run scripts.
        """
        self._only_safe = only_safe
        self._extension.pages.clear()
        self.trail = Trail()
        self._assets = {}
        self._shelves = None

    def expect(self, page: PlacedPage, assets: Assets | None) -> None:
        """Remember what a page brings with it, until it is rendered."""
        if assets is not None:
            files = {key: file for key, file in assets.files.items() if self._is_wanted(file.name)}
            self._assets[page.src_uri] = (page, replace(assets, files=files))

    def add_files(self, page_file: File, *, config: MkDocsConfig, files: Files) -> None:
        """Add the files of a page to the site, just before the page is rendered."""
        if page_file.src_uri not in self._assets:
            return
        page, assets = self._assets[page_file.src_uri]
        digests = {key: asset.content.digest for key, asset in assets.files.items()}
        names = {digests[key]: assets.files[key].name for key in sorted(digests, reverse=True)}
        contents = {digests[key]: asset.content for key, asset in assets.files.items()}
        placed = place_files(page_file.src_uri, names, self._find_shelves(files))
        added = {}
        for digest, src_uri in placed.items():
            added[src_uri] = make_file(src_uri, contents[digest], config)
            files.append(added[src_uri])
        self._extension.pages[page_file.src_uri] = Embedding(
            page.ref.page_id,
            page_file.src_uri,
            {key: placed[digest] for key, digest in digests.items()},
            lambda src_uri: added[src_uri].url_relative_to(page_file),
            trail=self.trail,
        )

    def list_files(self, src_uri: str) -> tuple[Assets, Mapping[str, str]] | None:
        """Return what a page brings, and the `src_uri` of each file by the key of its reference."""
        if src_uri not in self._assets:
            return None
        return self._assets[src_uri][1], self._extension.pages[src_uri].files

    def find_problems(self, src_uri: str) -> Iterator[str]:
        """Say, when a page is rendered, what is wrong with the files that it brings."""
        if src_uri not in self._assets:
            return
        page, assets = self._assets[src_uri]
        missing = self._extension.pages[src_uri].missing.values()
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


def make_file(src_uri: str, content: str | Content, config: MkDocsConfig) -> File:
    """Make a file of the site: of a page from Confluence, or of what such a page brings."""
    # Included whatever its path: what `nav` declares is wanted, and MkDocs would silently leave
    # out `templates/`, which is where a section of that name puts its pages.
    make = partial(File.generated, config, src_uri, inclusion=InclusionLevel.INCLUDED)
    if isinstance(content, str):
        return make(content=content)
    return make(abs_src_path=content.path) if content.path else make(content=content.data)
