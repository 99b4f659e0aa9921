"""What `pull` writes besides a site: which page is which, of what version, and each file's hash.

    DIR/mkdocs.yml            the site, without anything of Confluence
    DIR/docs/…                its pages and files
    DIR/exports/…             each page as it was exported, and the archives of trees
    DIR/confluence-md.json    the manifest

A snapshot is such a directory. Whatever is read from it is compared with its hash: it may have been
merged by hand, cut off by a full disk, or written by somebody else.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from mkdocs_confluence_md.cache.entries import make_digest, read_listing
from mkdocs_confluence_md.confluence.archive import Problem
from mkdocs_confluence_md.confluence.models import PageFacts, read_facts
from mkdocs_confluence_md.errors import SnapshotError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mkdocs_confluence_md.confluence.models import Tree

MANIFEST = "confluence-md.json"
EXPORTS = "exports"
_FORMAT = 1
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
    """As Confluence counts; 0 where nobody was asked."""
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
class Manifest:
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


def write_manifest(manifest: Manifest) -> bytes:
    """Write a manifest as text."""
    fields = {"format": _FORMAT, **asdict(manifest)}
    return (json.dumps(fields, ensure_ascii=False, indent=2) + "\n").encode()


def keep_times(manifest: Manifest, before: Manifest | None) -> Manifest:
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


def _keep_tree_time(tree: SnapshotTree, manifest: Manifest, before: Manifest) -> SnapshotTree:
    known = before.find_tree(tree.target)
    kept = replace(tree, exported=known.exported) if known else tree
    same = manifest.files.get(tree.archive) == before.files.get(tree.archive)
    return kept if kept == known and same else tree


def has_manifest(directory: Path) -> bool:
    """Tell whether a directory was pulled."""
    return (directory / MANIFEST).is_symlink() or (directory / MANIFEST).is_file()


def has_link(directory: Path, path: str) -> bool:
    """Return True if a path inside a directory leads over a symbolic link."""
    parts = PurePosixPath(path).parts
    return any(
        directory.joinpath(*parts[:count]).is_symlink() for count in range(1, len(parts) + 1)
    )


def read_manifest(directory: Path) -> Manifest:
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
        what = f"{directory} is no snapshot: it has no {MANIFEST}."
        missing = f"There is no snapshot in {directory}."
        raise SnapshotError(
            what if is_there else missing, "Make one: confluence-md pull DIR."
        ) from None
    except OSError as error:
        raise SnapshotError(
            f"The snapshot in {directory} cannot be read: {error.strerror}.", "Check the directory."
        ) from None
    try:
        return _read(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise SnapshotError(
            f"The snapshot in {directory} is damaged, or was written by another version: its "
            f"{MANIFEST} cannot be read.",
            _PULL_AGAIN,
        ) from None


def _read(fields: Any) -> Manifest:  # noqa: ANN401  JSON
    if fields["format"] != _FORMAT:
        raise ValueError
    files = {_check_path(path): str(digest) for path, digest in fields["files"].items()}
    pages = tuple(map(_read_page, fields["pages"]))
    return Manifest(str(fields["pulled"]), pages, files, tuple(map(_read_tree, fields["trees"])))


def _read_page(fields: Mapping[str, Any]) -> SnapshotPage:
    names = ("page_id", "title", "src_uri", "url", "etag", "exported", "sha256")
    texts = {name: str(fields[name]) for name in names}
    files = fields["files"]
    read_time(texts["exported"])
    return SnapshotPage(
        **texts,
        export=_check_path(fields["export"]),
        files=files
        and {
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
    """Refuse a path that leads out of the snapshot."""
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or "\\" in path or not pure.parts:
        raise ValueError
    return path


def read_file(directory: Path, path: str, manifest: Manifest) -> bytes:
    """Read a file of a snapshot as it was pulled.

    Raises:
        SnapshotError: It is not there, or not the one that was pulled.
    """
    file = directory / path
    try:
        inside = file.resolve().is_relative_to(directory.resolve())
        content = file.read_bytes() if inside and file.is_file() else None
    except OSError:
        content = None
    if content is None:
        raise SnapshotError(f"The snapshot in {directory} lacks {path}.", _PULL_AGAIN)
    if make_digest(content) != manifest.files.get(path):
        raise SnapshotError(
            f"{path} in the snapshot {directory} is not as it was pulled: its hash is another one.",
            _PULL_AGAIN,
        )
    return content
