"""Refuse files and texts that would publish the token file or a secret."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from glob import escape, glob
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs_confluence_md.auth.environment import read_secrets, read_token_file
from mkdocs_confluence_md.auth.token_store import TokenStore, default_token_file
from mkdocs_confluence_md.errors import SettingError, TokenFileError
from mkdocs_confluence_md.network.redaction import SecretSearch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


_MOVE = (
    "Remove what leads there, or set CONFLUENCE_MD_TOKEN_FILE to a path outside the project, and "
    "move the file there."
)
_MOST_CHARACTERS = 100


class Protection:
    """Refuses what would show the token file, or a secret, to the readers of a site.

    Args:
        token_files: Where tokens are, or may be.
        secrets: What no text may have in it.
    """

    def __init__(self, token_files: Iterable[Path], secrets: SecretSearch) -> None:
        self._token_files = [Path(os.path.realpath(path)) for path in token_files]
        self._secrets = secrets
        self._identities = {
            (status.st_dev, status.st_ino) for status in map(_stat, self._list_files()) if status
        }

    def check_file(self, path: str, shown: str) -> None:
        """Refuse a path that leads to the token file.

        Args:
            path: The path.
            shown: What to call it.

        Raises:
            SettingError: It does.
        """
        status = _stat(path)
        if status and _is_of_system(status):
            raise SettingError(
                f"{shown} leads into /proc or /sys, which must not become part of a site: all "
                "environment variables are there.",
                "Remove what leads there.",
            )
        if status and self._is_token_file(status):
            raise SettingError(
                f"{shown} leads to the token file, which must not become part of a site.", _MOVE
            )

    def check_folder(self, path: str, shown: str) -> None:
        """Refuse a folder that the token file is in, whether it is there yet or not.

        Raises:
            SettingError: It is.
        """
        folder = os.path.realpath(path)
        if any(token_file.is_relative_to(folder) for token_file in self._token_files):
            raise SettingError(
                f"{shown} is or contains the token file, which must not become part of a site.",
                _MOVE,
            )

    def check_directory(self, directory: Path, name: str) -> None:
        """Refuse a directory of a site from which any path leads to the token file.

        Args:
            directory: Where it is.
            name: The setting that names it.

        Raises:
            SettingError: One does.
        """
        self.check_folder(str(directory), f"{name} ({directory})")
        for entry in walk(directory):
            if self._is_token_file(entry.status) or _is_of_system(entry.status):
                self.check_file(entry.path, entry.path)
            elif entry.is_link and stat.S_ISDIR(entry.status.st_mode):
                self.check_folder(entry.path, entry.path)

    def check_text(self, text: str, path: str, file: str = "the configuration") -> None:
        """Refuse a text of a configuration that has a secret in it.

        Args:
            text: The text.
            path: The setting, like `extra.social[0].link`.
            file: Where it is written.

        Raises:
            SettingError: It has.
        """
        if source := self.find_secret(text):
            raise self.make_complaint(source, path, file)

    def find_secret(self, text: str) -> str | None:
        """Return where a secret in a text is from; None if it has none in it."""
        return self._secrets.find(text)

    def make_complaint(self, source: str, path: str, file: str) -> SettingError:
        """Say that a setting has a secret in it, without showing it."""
        shown = "…" if self.find_secret(path) else path[:_MOST_CHARACTERS]
        printable = "".join(
            each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in shown
        )
        return SettingError(
            f"The setting `{printable}` in {file} contains the secret {source}, and the site "
            "could show it.",
            "Remove it: the plugin reads its secrets from environment variables by itself.",
        )

    def _is_token_file(self, status: os.stat_result) -> bool:
        return (status.st_dev, status.st_ino) in self._identities

    def _list_files(self) -> Iterable[str]:
        """Return the token files, and those that are about to replace them."""
        for path in map(str, self._token_files):
            yield path
            yield from glob(f"{escape(path)}.new-*")  # noqa: PTH207  Path's cannot escape


def make_protection(variables: Mapping[str, str]) -> Protection:
    """Protect the secrets of an environment, and the token file that it names, or the usual one."""
    token_file, usual = read_token_file(variables), None
    with suppress(TokenFileError):
        usual = default_token_file()
    token_files = [path for path in (token_file, usual) if path]
    secrets = list(read_secrets(variables).items())
    for path in token_files[:1]:
        with suppress(TokenFileError):
            secrets += [("of the token file", each) for each in TokenStore(path).read_secrets()]
    return Protection(token_files, SecretSearch(secrets))


def _is_of_system(status: os.stat_result) -> bool:
    return status.st_dev in _find_system_devices()


@cache
def _find_system_devices() -> frozenset[int]:
    """Return the devices of /proc and /sys, which are the same as long as a process runs."""
    found = {status.st_dev for status in map(_stat, ("/proc", "/sys")) if status}
    root = _stat("/")
    return frozenset(found - {root.st_dev} if root else found)


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)  # noqa: PTH116  one call
    except (OSError, ValueError):
        return None


_MOST_LINKS = 1_000
_REMEDY = "Remove the link, or copy what it leads to."


@dataclass(frozen=True)
class FoundFile:
    """A file or a folder."""

    path: str
    status: os.stat_result
    """Of what it is, or of what it links to."""
    is_link: bool


def walk(directory: Path) -> Iterator[FoundFile]:
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
            yield FoundFile(each.path, status, each.is_symlink())
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
    return SettingError(f"{path} is a link that leads back to itself.", _REMEDY)


def _scan(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []
