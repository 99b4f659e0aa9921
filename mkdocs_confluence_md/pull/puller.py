"""`confluence-md pull`: build a site, and make a standalone site of what the build saw."""

from __future__ import annotations

import copy
import html
import logging
import os
import posixpath
import re
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import yaml
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.config.base import Config
from mkdocs.exceptions import Abort, MkDocsException
from mkdocs.plugins import BasePlugin, event_priority
from mkdocs.structure.files import File, Files, set_exclusions

from mkdocs_confluence_md.auth.token_file import check_links, find_roots, make_protection
from mkdocs_confluence_md.confluence.archive import pack
from mkdocs_confluence_md.confluence.refs import SpaceRef, TreeRef, parse_reference
from mkdocs_confluence_md.errors import ConfluenceError, SettingError, SnapshotError
from mkdocs_confluence_md.fetch.snapshot import (
    EXPORTS,
    SnapshotFile,
    SnapshotManifest,
    SnapshotPage,
    SnapshotTree,
    write_time,
)
from mkdocs_confluence_md.markdown.attachments import show_missing
from mkdocs_confluence_md.markdown.repairs.lists import repair_text
from mkdocs_confluence_md.network.spooling import make_digest
from mkdocs_confluence_md.plugin import ConfluencePlugin
from mkdocs_confluence_md.project import check_written, explain_unreadable
from mkdocs_confluence_md.pull.mkdocs_yml import DOCS_DIR, Move, write_config
from mkdocs_confluence_md.pull.rewrite import Rewriter, replace_addresses
from mkdocs_confluence_md.pulled import PULLED_MARKER
from mkdocs_confluence_md.site.messages import describe_placed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

    from mkdocs_confluence_md.config import PluginConfig
    from mkdocs_confluence_md.confluence.archive import ArchiveEntry
    from mkdocs_confluence_md.fetch.results import FetchedPage, FetchedTree, TreeExport
    from mkdocs_confluence_md.markdown.context import Destination
    from mkdocs_confluence_md.site.pages import Reader
    from mkdocs_confluence_md.site.paths import PlacedPage
    from mkdocs_confluence_md.site_build import SiteBuild

_FIRST = 10_000
"""A priority of hooks: before those of all others."""


@dataclass
class BuiltPage:
    """A page from Confluence, as a build had it."""

    page: Page
    meta: dict[str, Any]
    """Its front matter."""
    markdown: str
    """What followed the front matter."""
    is_headed: bool = True
    """Whether it has a heading of the first level itself."""


_INTERVAL_SECONDS = 60.0
# Of mkdocs-awesome-nav and mkdocs-awesome-pages-plugin.
_NAV_FILES = {".nav.yml", ".pages"}
_NAV_REFERENCE = re.compile(r"""confluence:[^\s"',\]}]+""", re.IGNORECASE)


@dataclass
class BuiltSite:
    """A site that was built, before anything of it is closed."""

    config: MkDocsConfig
    options: PluginConfig
    build: SiteBuild
    interval: float
    """Seconds after which it is worth looking again."""
    nav: Any
    """With paths in the place of references."""
    pages: dict[str, BuiltPage]
    """Those from Confluence, by `src_uri`."""
    warnings: int = 0

    def list_excluded(self, src_uris: Iterable[str]) -> list[str]:
        """Return those paths that MkDocs would leave out of a site by their names."""
        config = self.config
        urls = config.use_directory_urls
        files = Files([File(uri, None, config.site_dir, urls) for uri in src_uris])
        set_exclusions(files, config)
        return [file.src_uri for file in files if file.inclusion.is_excluded()]


@contextmanager
def built_site(
    config_file: Path,
    tell: Callable[[str], None],
    check: Callable[[MkDocsConfig, PluginConfig], None],
    *,
    again: bool = False,
) -> Iterator[BuiltSite]:
    """Build a site.

    Args:
        config_file: Its `mkdocs.yml`.
        tell: Is told each warning and error of the build.
        check: Raises if the configuration is of no use, before anything is built.
        again: It was built a moment ago: Confluence is asked what has changed since.

    Raises:
        ConfluenceError: It cannot be built; what is wrong has been told.
    """
    teller = _Teller(tell)
    log = logging.getLogger("mkdocs")
    log.addHandler(teller)
    try:
        with tempfile.TemporaryDirectory(prefix="confluence-md-") as site_dir:
            config = _load(config_file, site_dir)
            plugin = _find_plugin(config, config_file)
            check(config, plugin.config)
            if again:
                plugin.config.max_age = 0.0
            witness = _Witness(plugin)
            config.plugins["confluence-md-pull"] = witness
            try:
                _build(config)
                interval = plugin.watch_seconds or plugin.config.watch or _INTERVAL_SECONDS
                site = BuiltSite(
                    config, plugin.config, plugin.begin(), interval, witness.nav, witness.pages
                )
                site.warnings = teller.count
                yield site
            finally:
                config.plugins.on_shutdown()
    finally:
        log.removeHandler(teller)


class _Teller(logging.Handler):
    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self.count = 0
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        self.count += 1
        self._tell(f"{record.levelname}: {record.getMessage()}")


class _NoOptions(Config):
    pass


class _Witness(BasePlugin[_NoOptions]):
    """A plugin that runs with ours and sees pages before other plugins change them."""

    def __init__(self, plugin: ConfluencePlugin) -> None:
        self._plugin = plugin
        self.nav: Any = None
        self.pages: dict[str, BuiltPage] = {}

    @event_priority(49)  # right behind ours
    def on_files(self, files: Files, *, config: MkDocsConfig) -> None:
        """Keep `nav` with its paths."""
        del files
        self.nav = copy.deepcopy(config.nav)

    @event_priority(_FIRST)
    def on_page_markdown(
        self, markdown: str, *, page: Page, config: MkDocsConfig, files: Files
    ) -> None:
        """Keep a page's Markdown."""
        del config, files
        build = self._plugin.build
        if build and page.file.src_uri in build.pages:
            self.pages[page.file.src_uri] = BuiltPage(page, dict(page.meta), markdown)

    @event_priority(_FIRST)
    def on_page_content(self, html: str, *, page: Page, config: MkDocsConfig, files: Files) -> None:
        """Note whether a page has a heading of its own."""
        del config, files
        if page.file.src_uri in self.pages and self._plugin.build:
            self.pages[page.file.src_uri].is_headed = self._plugin.build.is_headed(html, page)


def _load(config_file: Path, site_dir: str) -> MkDocsConfig:
    try:
        config_file.open("rb").close()
    except OSError as error:
        raise explain_unreadable(config_file, error) from None
    check_written(config_file, make_protection(os.environ))
    try:
        return load_config(str(config_file), site_dir=site_dir)
    except Abort:
        raise SettingError(
            f"{config_file} is not a valid configuration for MkDocs.", "Correct the errors above."
        ) from None
    except MkDocsException as error:
        raise SettingError(
            f"{config_file} is not a valid configuration for MkDocs: {error.message}.",
            "Correct it.",
        ) from None


def _find_plugin(config: MkDocsConfig, config_file: Path) -> ConfluencePlugin:
    for plugin in config.plugins.values():
        if isinstance(plugin, ConfluencePlugin):
            # A page that says what went wrong is nothing to keep, and what was kept is not news.
            plugin.config.on_error = "fail"
            plugin.config.snapshot = None
            return plugin
    raise SettingError(
        f"{config_file} does not have the plugin confluence-md.",
        "Name the configuration with -f.",
    )


def _build(config: MkDocsConfig) -> None:
    try:
        config.plugins.on_startup(command="build", dirty=False)
        build(config)
    except ConfluenceError:
        raise
    except Abort:
        raise SnapshotError(
            "The site could not be built, so nothing was changed.", "Correct the errors above."
        ) from None
    except Exception as error:  # noqa: BLE001  other plugins and hooks raise what they like
        what = error.message if isinstance(error, MkDocsException) else repr(error)
        raise SnapshotError(
            f"The site could not be built, so nothing was changed: {what}",
            "Run `mkdocs build` for more.",
        ) from None


@dataclass
class PulledSite:
    """A site as it is to be in its directory."""

    files: dict[str, bytes] = field(default_factory=dict)
    """By path; the manifest is not one of them."""
    pages: list[SnapshotPage] = field(default_factory=list)
    trees: list[SnapshotTree] = field(default_factory=list)
    problems: int = 0
    """How many there were; they have been told."""
    interval: float = 0.0
    """Seconds after which it is worth looking again."""

    def make_manifest(self, now: float) -> SnapshotManifest:
        """Describe it."""
        files = {path: make_digest(self.files[path]) for path in sorted(self.files)}
        return SnapshotManifest(write_time(now), tuple(self.pages), files, tuple(self.trees))


def pull_site(
    config_file: Path,
    directory: Path,
    tell: Callable[[str], None],
    clock: Callable[[], float] = time.time,
    *,
    again: bool = False,
) -> PulledSite:
    """Build a site and return what it is without this plugin; nothing is written.

    Args:
        config_file: Its `mkdocs.yml`.
        directory: Where it will be.
        tell: Is told each warning and error.
        clock: Returns seconds since the epoch.
        again: As `built_site` has it.

    Raises:
        ConfluenceError: It cannot be built, or must not be in that directory.
    """
    config_file = config_file.absolute()

    def check(config: MkDocsConfig, options: PluginConfig) -> None:
        _check_directory(directory, config, options)

    with built_site(config_file, tell, check, again=again) as built:
        puller = _Puller(built, tell, clock)
        puller.add_local_files()
        for src_uri, page in built.pages.items():
            puller.add_page(src_uri, page)
        if reader := built.build.reader:
            for ref, tree in reader.trees.fetched.items():
                puller.add_tree(ref, tree)
        move = Move(config_file.parent.resolve(), Path(built.config.docs_dir).resolve(), directory)
        puller.add_config(config_file, move)
        return puller.site


class _Puller:
    def __init__(
        self, built: BuiltSite, tell: Callable[[str], None], clock: Callable[[], float]
    ) -> None:
        self.site = PulledSite(problems=built.warnings, interval=built.interval)
        self._built = built
        self._tell = tell
        self._clock = clock
        self._rewriter = Rewriter(show_missing, repairs=built.options.repairs)

    @property
    def _reader(self) -> Reader:
        reader = self._built.build.reader
        assert reader  # noqa: S101  for the type checker: there are pages
        return reader

    def add_local_files(self) -> None:
        """Add the files that are not from Confluence."""
        docs_dir = Path(self._built.config.docs_dir)
        for path in _walk(docs_dir):
            src_uri = path.relative_to(docs_dir).as_posix()
            self.site.files[f"{DOCS_DIR}/{src_uri}"] = self._read_local_file(path, src_uri)

    def add_page(self, src_uri: str, page: BuiltPage) -> None:
        """Add a page from Confluence, and what it brings."""
        placed = self._built.build.pages[src_uri]
        fetched = self._reader.fetch(placed)
        export = f"{EXPORTS}/{src_uri}"
        self.site.files[export] = fetched.markdown.encode()
        self.site.files[f"{DOCS_DIR}/{src_uri}"] = self._write_page(placed, page).encode()
        self.site.pages.append(self._describe(placed, page, fetched, export))

    def add_tree(self, ref: TreeRef | SpaceRef, fetched: FetchedTree) -> None:
        """Add what a tree is made of, besides pages that are exported one by one."""
        listed = self._reader.trees.trees[ref] if fetched.listed else None
        tree = SnapshotTree(ref.target, write_time(self._clock() - fetched.age), listed=listed)
        if export := fetched.export:
            # No page has such a name.
            path = f"{EXPORTS}/{quote(ref.target.rstrip('/').replace('/', '-'), safe='~')}.zip"
            paths = self._built.build.list_paths(ref)
            is_whole = paths >= export.texts.keys()
            self.site.files[path] = self._pack_tree(ref, export, None if is_whole else paths)
            tree = replace(
                tree,
                archive=path,
                page_count=export.page_count if is_whole else len(paths),
                has_attachments=export.has_attachments,
                problems=tuple((each.problem.name, each.name) for each in export.archive.problems),
            )
        self.site.trees.append(tree)

    def _pack_tree(
        self, ref: TreeRef | SpaceRef, export: TreeExport, paths: Collection[str] | None
    ) -> bytes:
        """Pack an export: all of it, or some pages and the files to which these refer."""
        if paths is None:
            return pack(export.archive, export.texts)
        pages = [page for page in self._built.build.pages.values() if page.tree == ref]
        assets = (self._reader.trees.read(page).assets for page in pages if page.path)
        digests = {asset.content.digest for each in assets if each for asset in each.files.values()}

        def is_wanted(entry: ArchiveEntry) -> bool:
            if entry.path in export.texts:
                return entry.path in paths
            content = export.archive.read(entry)
            return isinstance(content, bytes) and make_digest(content) in digests

        entries = tuple(filter(is_wanted, export.archive.entries))
        return pack(replace(export.archive, entries=entries), export.texts)

    def add_config(self, config_file: Path, move: Move) -> None:
        """Add the configuration, when all other files are there."""
        built = self._built
        prefix = f"{DOCS_DIR}/"
        local = {path.relative_to(move.docs_dir).as_posix() for path in _walk(move.docs_dir)}
        ours = [path.removeprefix(prefix) for path in self.site.files if path.startswith(prefix)]
        options = built.options
        settings: dict[str, object] = {
            **({"raw_html": options.raw_html} if options.raw_html != "keep" else {}),
            **({} if options.repairs else {"repairs": False}),
        }
        text = write_config(
            config_file,
            move,
            built.nav,
            included=built.list_excluded(sorted({*ours} - local | {*built.pages})),
            settings=settings or None,
            resolve=built.build.resolve,
        )
        self.site.files["mkdocs.yml"] = text.encode()

    def _write_page(self, placed: PlacedPage, page: BuiltPage) -> str:
        repairs = self._built.options.repairs
        rewritten = self._rewriter.rewrite(
            repair_text(page.markdown, {}) if repairs else page.markdown,
            lambda address: self._find(placed.src_uri, address, raw=False),
            lambda address: self._find(placed.src_uri, address, raw=True),
        )
        if not rewritten.complete:
            self._complain(
                f"The links of {describe_placed(placed)} were not changed: it is not certain "
                "where they are in its text."
            )
        # Themes show a title as HTML, and so do front matter and heading here.
        title = str(page.page.title or "")
        meta = {**({"title": title} if title else {}), **page.meta}
        if url := self._built.build.find_macro_source(placed):
            meta["confluence_url"] = url
        heading = "" if page.is_headed else f"<h1>{title}</h1>\n\n"
        front_matter = yaml.safe_dump(meta, allow_unicode=True, sort_keys=False, width=1000)
        return f"---\n{front_matter}---\n\n{PULLED_MARKER}\n\n{heading}{rewritten.text}"

    def _find(self, src_uri: str, address: str, *, raw: bool) -> Destination | None:
        build = self._built.build
        # In this order they were looked at by the build.
        attachment = build.attached.trail.find(src_uri, address, raw=raw)
        link = build.links.trail.find(src_uri, address, raw=raw)
        if attachment and attachment.missing and link and link.is_dropped:
            # The same address is that of a picture, and of a link.
            return replace(link, missing=attachment.missing)
        return attachment or link

    def _resolve_nav(self, content: bytes, src_uri: str) -> bytes:
        """Replace references in a file from which a plugin makes the navigation of its folder."""
        folder = posixpath.dirname(src_uri)

        def replace_one(match: re.Match[str]) -> str:
            if isinstance(parse_reference(match[0]), TreeRef | SpaceRef):
                self._complain(
                    f"{src_uri} refers to {match[0]}, and a pulled site has no trees in such "
                    "files. Write it into nav in mkdocs.yml."
                )
            found = self._built.build.resolve(match[0])
            is_path = found and "://" not in found
            return posixpath.relpath(found, folder or ".") if found and is_path else match[0]

        text = content.decode("utf-8", "surrogateescape")
        return _NAV_REFERENCE.sub(replace_one, text).encode("utf-8", "surrogateescape")

    def _read_local_file(self, path: Path, src_uri: str) -> bytes:
        content = path.read_bytes()
        if path.name in _NAV_FILES:
            return self._resolve_nav(content, src_uri)
        trail = self._built.build.links.trail
        addresses = trail.list_addresses(src_uri, raw=False)
        if not addresses and not trail.list_addresses(src_uri, raw=True):
            return content
        found = {address: self._find(src_uri, address, raw=False) for address in addresses}
        text, left = replace_addresses(
            content.decode("utf-8", "surrogateescape"),
            {address: destination for address, destination in found.items() if destination},
            lambda address: _address_of(self._find(src_uri, address, raw=True)),
        )
        for address in left:
            self._complain(
                f"{src_uri} links to {address}, which was not changed: the text of the page "
                "does not have that link. Another plugin or an extension may write it."
            )
        return text.encode("utf-8", "surrogateescape")

    def _describe(
        self, placed: PlacedPage, page: BuiltPage, fetched: FetchedPage, export: str
    ) -> SnapshotPage:
        brought = self._built.build.attached.list_files(placed.src_uri)
        files: dict[str, SnapshotFile] | None = None
        problems: tuple[tuple[str, str], ...] = ()
        if brought:
            assets, places = brought
            problems = assets.problems
            files = {}
            for key, asset in sorted(assets.files.items()):
                path = f"{DOCS_DIR}/{places[key]}"
                self.site.files[path] = asset.content.read()
                files[key] = SnapshotFile(asset.name, path)
        return SnapshotPage(
            page_id=placed.ref.page_id,
            title=html.unescape(str(page.page.title or "")),
            src_uri=placed.src_uri,
            url=self._reader.find_url(placed),
            etag=fetched.etag,
            exported=write_time(self._clock() - fetched.age),
            sha256=make_digest(fetched.markdown.encode()),
            export=export,
            files=files,
            problems=problems,
            version=fetched.facts.version if fetched.facts else 0,
            facts=fetched.facts,
            tree=placed.tree.target if placed.tree else "",
        )

    def _complain(self, problem: str) -> None:
        self.site.problems += 1
        self._tell(f"WARNING: {problem}")


def _check_directory(directory: Path, config: MkDocsConfig, options: PluginConfig) -> None:
    root = Path(config.config_file_path).resolve().parent
    docs_dir = Path(config.docs_dir).resolve()
    objection = ""
    if directory.exists() and not directory.is_dir():
        objection = "it is a file"
    elif root.is_relative_to(directory):
        objection = "it is or contains the project's own directory"
    for name, other in {"docs_dir": docs_dir, **_find_directories(config, options)}.items():
        if directory.is_relative_to(other) or other.is_relative_to(directory):
            objection = objection or f"it is in or contains {name} ({other})"
    if objection:
        raise SettingError(
            f"Nothing can be pulled into {directory}: {objection}.",
            "Name a directory of its own, like snapshot.",
        )
    make_protection(os.environ).check_folder(str(directory), str(directory))
    _check_links(config)


def _check_links(config: MkDocsConfig) -> None:
    """Refuse links below `docs_dir` that lead out of the project, or around in a circle."""
    root, docs_dir = (
        Path(os.path.abspath(path))  # noqa: PTH100  links are not followed here
        for path in (Path(config.config_file_path).parent, config.docs_dir)
    )
    roots = [*find_roots(root), *find_roots(Path(config.config_file_path).resolve().parent)]
    # Where the configuration itself names a directory elsewhere, that is meant.
    if not docs_dir.is_relative_to(root):
        roots.append(docs_dir.resolve())
    check_links(docs_dir, roots)


def _find_directories(config: MkDocsConfig, options: PluginConfig) -> dict[str, Path]:
    root = Path(config.config_file_path).resolve().parent
    found: dict[str, Any] = {
        "site_dir": config.user_configs[0].get("site_dir") or "site",
        "cache_dir": options.cache_dir,
        "custom_dir": config.theme.custom_dir,
    }
    return {name: (root / str(path)).resolve() for name, path in found.items() if path}


def _walk(docs_dir: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(docs_dir, followlinks=True):
        folders[:] = sorted(name for name in folders if name not in {".git", "__pycache__"})
        paths = (Path(folder, name) for name in sorted(names))
        yield from (path for path in paths if path.exists())  # and not a link to nothing


def _address_of(destination: Destination | None) -> str | None:
    return destination.url or destination.address if destination else None
