"""Directories with links in them: walked as MkDocs walks them, which follows links."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs_confluence_md.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MOST_LINKS = 1_000
_REMEDY = "Remove the link, or copy what it leads to."


@dataclass(frozen=True)
class Entry:
    """A file or a folder."""

    path: str
    status: os.stat_result
    """Of what it is, or of what it links to."""
    is_link: bool


def walk(directory: Path) -> Iterator[Entry]:
    """Yield all files and folders below a directory; each folder's content is yielded once.

    What cannot be read is left out, and so are links that lead nowhere.
    """
    seen: set[tuple[int, int]] = set()
    left = [str(directory)]
    while left:
        for each in _scan(left.pop()):
            try:
                status = each.stat()
            except OSError:
                continue
            yield Entry(each.path, status, each.is_symlink())
            if stat.S_ISDIR(status.st_mode) and (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                left.append(each.path)


def check_links(directory: Path, roots: Sequence[Path]) -> None:
    """Make sure that links below a directory end, and stay inside of a project.

    Args:
        directory: Where it begins.
        roots: The directories where links may lead to, resolved.

    Raises:
        SettingError: A link leads out of the roots, or around in a circle, or there are too many.
    """
    links = 0
    real = directory.resolve()
    _check_target(str(directory), real, roots)
    left: list[tuple[str, tuple[Path, ...]]] = [(str(directory), (real,))]
    while left:
        folder, chain = left.pop()
        for each in _scan(folder):
            inner = chain
            if each.is_symlink():
                links += 1
                target = _follow(each, chain, roots)
                if target is None:
                    continue
                inner = (*chain, target)
            if links > _MOST_LINKS:
                raise SettingError(f"{directory} has more than {_MOST_LINKS} links in it.", _REMEDY)
            if each.is_dir():
                real = inner[-1] if each.is_symlink() else inner[-1] / each.name
                left.append((each.path, (*inner[:-1], real)))
            elif not each.is_file():
                raise SettingError(
                    f"{each.path} is not a file, but a pipe or a device.", "Remove it."
                )


def check_way(directory: Path, project: Path) -> None:
    """Refuse a directory that is a link, or to which a link in the project leads.

    Raises:
        SettingError: It is one.
    """
    roots = find_roots(project)
    directory = directory.absolute()
    for path in (directory, *directory.parents):
        parent = Path(os.path.realpath(path.parent))
        in_project = any(parent.is_relative_to(root) for root in roots)
        if path.is_symlink() and (path == directory or in_project):
            raise SettingError(
                f"Nothing can be pulled into {directory}: {path} is a link.",
                "Name the directory that it leads to.",
            )


def find_roots(project: Path) -> list[Path]:
    """Return the directories that a project is in: its own, and its Git repository's."""
    root = project.resolve()
    repository = next((each for each in (root, *root.parents) if (each / ".git").exists()), root)
    return [root, repository]


def _follow(link: os.DirEntry[str], chain: Sequence[Path], roots: Sequence[Path]) -> Path | None:
    """Return where a link leads to; None if there is nothing."""
    try:
        link.stat()
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _explain_circle(link.path) from None
        return None
    target = Path(os.path.realpath(link.path))
    _check_target(link.path, target, roots)
    if link.is_dir() and any(each.is_relative_to(target) for each in chain):
        raise _explain_circle(link.path)
    return target


def _check_target(path: str, target: Path, roots: Sequence[Path]) -> None:
    if not any(target.is_relative_to(root) for root in roots):
        raise SettingError(f"{path} is a link that leads out of the project, to {target}.", _REMEDY)


def _explain_circle(path: str) -> SettingError:
    return SettingError(f"{path} is a link that leads around in a circle.", _REMEDY)


def _scan(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []
