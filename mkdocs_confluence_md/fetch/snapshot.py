"""Read pages and trees from a snapshot: offline, or where they could not be fetched.

It returns what an export returned, so a build from it renders exactly what a build with Confluence
rendered when it was pulled.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from mkdocs_confluence_md.cache.records import TreeManifest, read_listing
from mkdocs_confluence_md.confluence.archive import Limits, Problem
from mkdocs_confluence_md.confluence.content import redact_tokens
from mkdocs_confluence_md.confluence.models import PageFacts, read_facts
from mkdocs_confluence_md.errors import ConfluenceError, FailureError, SnapshotError
from mkdocs_confluence_md.fetch.results import Asset, Assets, FetchedPage, FetchedTree, Origin
from mkdocs_confluence_md.fetch.trees import open_export
from mkdocs_confluence_md.network.spooling import NoRoomError, make_digest
from mkdocs_confluence_md.text import count_things

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mkdocs_confluence_md.confluence.attachments import Reference
    from mkdocs_confluence_md.confluence.models import Tree
    from mkdocs_confluence_md.confluence.refs import SpaceRef, TreeRef
    from mkdocs_confluence_md.network.spooling import Contents

MANIFEST = "confluence-md.json"
EXPORTS = "exports"
_FORMAT = 1
_LONGEST_NAME, _LONGEST_PATH = 255, 3000
"""In bytes: what a pull writes is far shorter."""
_PULL_AGAIN = "Pull it again: confluence-md pull DIR, or restore the directory as it was pulled."


@dataclass(frozen=True)
class SnapshotFile:
    """An attachment of a page."""

    name: str
    """As it is in Confluence."""
    path: str
    """In the snapshot."""


@dataclass(frozen=True)
class SnapshotPage:
    """A page of a snapshot."""

    page_id: str
    """Empty where nothing tells it."""
    title: str
    src_uri: str
    """Its path in the site."""
    url: str
    """Where it is in Confluence; empty where that is not known."""
    etag: str
    """What the server called this version; empty where it said nothing."""
    exported: str
    """When, as far as it is known: the first time with this content."""
    sha256: str
    """Of the Markdown as it was exported."""
    export: str
    """Where that is in the snapshot."""
    files: Mapping[str, SnapshotFile] | None = None
    """By the key of the reference; None if the page refers to none."""
    problems: tuple[tuple[str, str], ...] = ()
    """What was wrong with the attachments."""
    version: int = 0
    """The version in Confluence; 0 where it is not known."""
    facts: PageFacts | None = None
    """What else it said of the page."""
    tree: str = ""
    """The tree that brings the page, as in `nav` behind the scheme; empty for one page."""


@dataclass(frozen=True)
class SnapshotTree:
    """A tree of a snapshot: the archive that was exported, or the list of its pages."""

    target: str
    """As in `nav`, behind the scheme."""
    exported: str
    """When; the first time with these files, or in this order."""
    listed: Tree | None = None
    """With the IDs of all pages; None for an archive."""
    archive: str = ""
    """Where that is in the snapshot; empty for a list."""
    page_count: int = 0
    """As the exporter said it."""
    has_attachments: bool = False
    """Whether the attachments of the pages are in the archive."""
    problems: tuple[tuple[str, str], ...] = ()
    """What was wrong with the archive: names of `Problem`, and of files."""


@dataclass(frozen=True)
class SnapshotManifest:
    """What is known of a snapshot."""

    pulled: str
    """When anything in it changed."""
    pages: tuple[SnapshotPage, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    """The SHA-256 of each file, by path, but for the manifest itself."""
    trees: tuple[SnapshotTree, ...] = ()

    def find_page(self, page_id: str) -> SnapshotPage | None:
        """Return a page by its ID."""
        return next((page for page in self.pages if page_id and page.page_id == page_id), None)

    def find_tree(self, target: str) -> SnapshotTree | None:
        """Return a tree by what stands for it in `nav`."""
        return next((tree for tree in self.trees if tree.target == target), None)


def write_snapshot_manifest(manifest: SnapshotManifest) -> bytes:
    """Write a manifest as text."""
    fields = {"format": _FORMAT, **asdict(manifest)}
    return (json.dumps(fields, ensure_ascii=False, indent=2) + "\n").encode()


def keep_times(manifest: SnapshotManifest, before: SnapshotManifest | None) -> SnapshotManifest:
    """Give what has not changed since an earlier pull the times that it had then."""
    if before is None:
        return manifest
    known = {page.src_uri: page for page in before.pages}
    pages = tuple(_keep_time(page, known.get(page.src_uri)) for page in manifest.pages)
    trees = tuple(_keep_tree_time(tree, manifest, before) for tree in manifest.trees)
    kept = replace(manifest, pages=pages, trees=trees)
    same = replace(kept, pulled=before.pulled)
    return same if same == before else kept


def _keep_time(page: SnapshotPage, before: SnapshotPage | None) -> SnapshotPage:
    same = before is not None and before.sha256 == page.sha256
    return replace(page, exported=before.exported) if before and same else page


def _keep_tree_time(
    tree: SnapshotTree, manifest: SnapshotManifest, before: SnapshotManifest
) -> SnapshotTree:
    known = before.find_tree(tree.target)
    kept = replace(tree, exported=known.exported) if known else tree
    same = manifest.files.get(tree.archive) == before.files.get(tree.archive)
    return kept if kept == known and same else tree


def has_manifest(directory: Path) -> bool:
    """Return True if a directory was pulled."""
    return (directory / MANIFEST).is_symlink() or (directory / MANIFEST).is_file()


def has_link(directory: Path, path: str) -> bool:
    """Return True if a path inside a directory leads over a symbolic link."""
    parts = PurePosixPath(path).parts
    return any(
        directory.joinpath(*parts[:count]).is_symlink() for count in range(1, len(parts) + 1)
    )


def read_snapshot_manifest(directory: Path) -> SnapshotManifest:
    """Read the manifest of a snapshot.

    Raises:
        SnapshotError: There is none, or it is damaged, or of another version.
    """
    if (directory / MANIFEST).is_symlink():
        raise SnapshotError(
            f"The snapshot in {directory} is damaged: its {MANIFEST} is a link.", _PULL_AGAIN
        )
    try:
        text = (directory / MANIFEST).read_bytes()
    except FileNotFoundError:
        is_there = directory.is_dir()
        what = f"{directory} is not a snapshot: it has no {MANIFEST}."
        missing = f"The snapshot {directory} does not exist."
        raise SnapshotError(
            what if is_there else missing, "Make one: confluence-md pull DIR."
        ) from None
    except OSError as error:
        raise SnapshotError(
            f"The snapshot in {directory} cannot be read: {error.strerror}.", "Check the directory."
        ) from None
    try:
        return _read(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        raise _explain_damage(directory) from None


def _explain_damage(directory: Path) -> SnapshotError:
    return SnapshotError(
        f"The snapshot in {directory} is damaged, or was written by another version: its "
        f"{MANIFEST} cannot be read.",
        _PULL_AGAIN,
    )


def _read(fields: Any) -> SnapshotManifest:  # noqa: ANN401  JSON
    if fields["format"] != _FORMAT:
        raise ValueError
    files = {_check_path(path): str(digest) for path, digest in fields["files"].items()}
    read_time(fields["pulled"])
    pages = tuple(map(_read_page, fields["pages"]))
    return SnapshotManifest(
        str(fields["pulled"]), pages, files, tuple(map(_read_tree, fields["trees"]))
    )


def _read_page(fields: Mapping[str, Any]) -> SnapshotPage:
    names = ("page_id", "title", "src_uri", "url", "etag", "exported", "sha256")
    texts = {name: str(fields[name]) for name in names}
    files = fields["files"]
    read_time(texts["exported"])
    return SnapshotPage(
        **texts,
        export=_check_path(fields["export"]),
        files=None
        if files is None
        else {
            str(key): SnapshotFile(str(file["name"]), _check_path(file["path"]))
            for key, file in files.items()
        },
        problems=_read_problems(fields),
        version=int(fields["version"]),
        facts=read_facts(json.dumps(fields["facts"])),
        tree=str(fields["tree"]),
    )


def _read_tree(fields: Mapping[str, Any]) -> SnapshotTree:
    listed = read_listing(json.dumps(fields["listed"])) if fields["listed"] else None
    if fields["listed"] and listed is None:
        raise ValueError
    read_time(fields["exported"])
    return SnapshotTree(
        target=str(fields["target"]),
        exported=str(fields["exported"]),
        listed=listed,
        archive=str(fields["archive"]) if listed else _check_path(fields["archive"]),
        page_count=int(fields["page_count"]),
        has_attachments=bool(fields["has_attachments"]),
        problems=tuple((Problem[what].name, name) for what, name in _read_problems(fields)),
    )


def _read_problems(fields: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((str(what), str(name)) for what, name in fields["problems"])


def write_time(seconds: float) -> str:
    """Write seconds since the epoch as the manifest has them."""
    moment = datetime.fromtimestamp(seconds, tz=UTC).replace(microsecond=0)
    return moment.isoformat().replace("+00:00", "Z")


def read_time(text: str) -> float:
    """Read such a time.

    Raises:
        ValueError: It is none.
    """
    return datetime.fromisoformat(text).timestamp()


def show_time(text: str) -> str:
    """Show such a time to people."""
    return text.replace("T", " ").replace("Z", " UTC")


def _check_path(path: str) -> str:
    """Refuse a path that leads out of the snapshot, or that no file system has."""
    pure = PurePosixPath(path)
    sizes = [len(part.encode()) for part in pure.parts]
    if "\0" in path or sum(sizes) > _LONGEST_PATH or max(sizes, default=0) > _LONGEST_NAME:
        raise ValueError
    if pure.is_absolute() or ".." in pure.parts or "\\" in path or not sizes:
        raise ValueError
    return path


def read_file(directory: Path, path: str, manifest: SnapshotManifest) -> bytes:
    """Read a file of a snapshot as it was pulled.

    Raises:
        SnapshotError: It is not there, or not the one that was pulled.
    """
    file = directory / path
    try:
        inside = file.resolve().is_relative_to(directory.resolve())
        content = file.read_bytes() if inside and file.is_file() else None
    except (OSError, RuntimeError):  # a loop of links
        content = None
    if content is None:
        raise SnapshotError(f"The snapshot in {directory} lacks {path}.", _PULL_AGAIN)
    if make_digest(content) != manifest.files.get(path):
        raise SnapshotError(
            f"{path} in the snapshot {directory} has been changed since it was pulled.",
            _PULL_AGAIN,
        )
    return content


_PULL_ONLINE = "Pull it where Confluence can be reached: confluence-md pull DIR."


class Snapshot:
    """The pages and trees of a snapshot. Safe to use from many threads between two `open`.

    Args:
        directory: Where it is.
        contents: Holds attachments.
        attachments: Whether the files that pages refer to are wanted.
        clock: Returns seconds since the epoch.
    """

    def __init__(
        self,
        directory: Path,
        contents: Contents,
        *,
        attachments: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._directory = directory
        self._contents = contents
        self._attachments = attachments
        self._clock = clock
        self._manifest = SnapshotManifest("", ())

    def open(self) -> None:
        """Read what is in it, which may have changed since the last build.

        Raises:
            SnapshotError: It cannot be read.
        """
        self._manifest = read_snapshot_manifest(self._directory)

    def fetch_page(self, page_id: str) -> FetchedPage:
        """Return a page.

        Raises:
            SnapshotError: It is not in the snapshot, or not as it was pulled.
        """
        page = self._manifest.find_page(page_id)
        if page is None:
            raise SnapshotError(
                f"The snapshot in {self._directory} does not have this page.", _PULL_ONLINE
            )
        markdown = self._read_text(page.export)
        assets = None
        if page.files is not None and self._attachments:
            assets = self._read_files(page.files)
            assets = replace(assets, problems=(*page.problems, *assets.problems))
        return FetchedPage(
            redact_tokens(markdown),
            Origin.CACHE,
            age=self._find_age(page.exported),
            assets=assets,
            facts=page.facts,
            etag=page.etag,
        )

    def fetch_tree(self, ref: TreeRef | SpaceRef) -> FetchedTree:
        """Return a tree.

        Raises:
            SnapshotError: It is not in the snapshot, or not as it was pulled.
        """
        tree = self._manifest.find_tree(ref.target)
        if tree is None:
            raise SnapshotError(
                f"The snapshot in {self._directory} does not have the {ref.name}.", _PULL_ONLINE
            )
        age = self._find_age(tree.exported)
        if tree.listed:
            return FetchedTree(Origin.CACHE, listed=tree.listed, age=age)
        content = read_file(self._directory, tree.archive, self._manifest)
        digest = self._manifest.files[tree.archive]
        known = TreeManifest(digest, tree.page_count, tree.has_attachments, problems=tree.problems)
        return FetchedTree(Origin.CACHE, open_export(ref, content, known, Limits()), age=age)

    def fetch_files(self, page_id: str, references: Mapping[str, Reference]) -> Assets:
        """Return the attachments of a page that came without them in a tree.

        Raises:
            SnapshotError: One is not as it was pulled.
        """
        files: dict[str, SnapshotFile] = {}
        for key, reference in references.items():
            # An address with an ID in it means the same on each page.
            pages = [
                page for page in self._manifest.pages if reference.owner or page.page_id == page_id
            ]
            found = (page.files[key] for page in pages if page.files and key in page.files)
            if file := next(found, None):
                files[key] = file
        return replace(self._read_files(files), age=self._find_age(self._manifest.pulled))

    def replace_page(self, page_id: str, error: FailureError) -> FetchedPage:
        """Return the copy of a page that could not be fetched.

        Raises:
            FailureError: There is none, or it is damaged.
        """
        if self._manifest.find_page(page_id) is None:
            raise error
        try:
            page = self.fetch_page(page_id)
        except SnapshotError as damage:
            raise _add_damage(error, damage) from None
        return replace(page, origin=Origin.STALE, error=error)

    def replace_tree(self, ref: TreeRef | SpaceRef, error: FailureError) -> FetchedTree:
        """Return the copy of a tree that could not be fetched.

        Raises:
            FailureError: There is none, or it is damaged.
        """
        if self._manifest.find_tree(ref.target) is None:
            raise error
        try:
            tree = self.fetch_tree(ref)
        except ConfluenceError as damage:
            raise _add_damage(error, damage) from None
        return replace(tree, origin=Origin.STALE, error=error)

    def complete_files(
        self, page_id: str, references: Mapping[str, Reference], found: Assets
    ) -> Assets:
        """Return the attachments that were found, with copies of those that could not be fetched.

        What is missing and why is said of the page, so a damaged copy is not an error.
        """
        if not isinstance(found.error, FailureError):
            return found
        try:
            kept = self.fetch_files(page_id, references)
        except SnapshotError:
            return found
        age = max(found.age, kept.age) if kept.files.keys() - found.files.keys() else found.age
        return replace(found, files={**kept.files, **found.files}, age=age)

    def describe(self, count: int, reason: str) -> str:
        """Say in one line what a build was made from, and why from nothing else."""
        pages = count_things(count, "page")
        return (
            f"{pages} from the snapshot in {self._directory}, pulled at "
            f"{show_time(self._manifest.pulled)}: {reason}, so no network was used"
        )

    def _read_text(self, path: str) -> str:
        try:
            return read_file(self._directory, path, self._manifest).decode()
        except UnicodeDecodeError:
            raise _explain_damage(self._directory) from None

    def _find_age(self, moment: str) -> float:
        return max(0.0, self._clock() - read_time(moment))

    def _read_files(self, files: Mapping[str, SnapshotFile]) -> Assets:
        held: dict[str, Asset] = {}
        problems: dict[tuple[str, str], None] = {}
        for key, file in files.items():
            data = read_file(self._directory, file.path, self._manifest)
            try:
                held[key] = Asset(file.name, self._contents.hold([data], len(data)))
            except NoRoomError:
                problems[Problem.NO_ROOM.value, file.name] = None
        return Assets(held, tuple(problems))


def _add_damage(error: FailureError, damage: ConfluenceError) -> FailureError:
    return FailureError(
        error.what, f"{error.remedy} Its copy cannot be used either. {damage}", error.detail
    )
