"""What the cache keeps of attachments and trees: which file stands for which of them. Pure.

The files themselves are kept by content, so that pages share them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from mkdocs_confluence_md.confluence.trees import Tree, TreePage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True)
class KeptFile:
    """A file that the cache keeps."""

    name: str
    """For a person, so as it is in Confluence: not a safe one."""
    digest: str
    """SHA-256 of its content, in hexadecimal digits."""
    size: int


@dataclass(frozen=True)
class Manifest:
    """What one export said of the attachments of a page."""

    files: Mapping[str, KeptFile] = field(default_factory=dict)
    """By the key of the reference."""
    missing: tuple[str, ...] = ()
    """Keys of references to what is not in the export."""
    problems: tuple[tuple[str, str], ...] = ()
    """What was wrong with the export, each with the name that has the problem."""

    def covers(self, keys: Iterable[str]) -> bool:
        """Tell whether it has an answer for each reference."""
        return self.files.keys() | set(self.missing) >= set(keys)

    @property
    def digests(self) -> set[str]:
        """Those of all its files."""
        return {file.digest for file in self.files.values()}


@dataclass(frozen=True)
class TreeManifest:
    """What the cache keeps of an export of a tree, besides its archive."""

    digest: str
    """SHA-256 of the archive, in hexadecimal digits."""
    page_count: int
    """As the exporter says it."""
    has_attachments: bool
    too_large_at: float = 0.0
    """When it turned out to be too large with attachments, in seconds since the epoch, or 0."""
    problems: tuple[tuple[str, str], ...] = ()
    """What was wrong with the archive before it was packed anew, each with the name that has it."""


def make_digest(content: bytes) -> str:
    """Name a content."""
    return hashlib.sha256(content).hexdigest()


def write_manifest(manifest: Manifest | TreeManifest) -> str:
    """Write a manifest as text."""
    return json.dumps(asdict(manifest), ensure_ascii=False)


def read_manifest(text: str) -> Manifest | None:
    """Read a manifest; None if it is none of ours."""
    try:
        fields: Any = json.loads(text)
        files = {str(key): _read_file(file) for key, file in fields["files"].items()}
        problems = tuple((str(what), str(name)) for what, name in fields["problems"])
        return Manifest(files, tuple(map(str, fields["missing"])), problems)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def read_tree_manifest(text: str) -> TreeManifest | None:
    """Read a tree's manifest; None if it is none of ours."""
    try:
        fields: Any = json.loads(text)
        return TreeManifest(
            str(fields["digest"]),
            int(fields["page_count"]),
            bool(fields["has_attachments"]),
            float(fields["too_large_at"]),
            tuple((str(problem), str(name)) for problem, name in fields.get("problems", ())),
        )
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None


def write_listing(tree: Tree) -> str:
    """Write a tree as text."""
    return json.dumps(asdict(tree), ensure_ascii=False)


def read_listing(text: str) -> Tree | None:
    """Read a tree; None if it is none."""
    try:
        fields: Any = json.loads(text)
        return Tree(str(fields["title"]), tuple(map(_read_page, fields["roots"])))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _read_page(fields: Mapping[str, Any]) -> TreePage:
    children = tuple(map(_read_page, fields["children"]))
    return TreePage(str(fields["title"]), str(fields["page_id"]), "", children)


def _read_file(fields: Mapping[str, Any]) -> KeptFile:
    return KeptFile(str(fields["name"]), str(fields["digest"]), int(fields["size"]))
