"""The pages and attachments of a site as files, for plugins that open what `abs_src_path` names.

They are next to the database, so not below `docs_dir`, and are written only when their content is
another one: `mkdocs build --dirty` looks at their times.
"""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

from mkdocs_confluence_md.cache.store import LOCK_SECONDS, SITE_FOLDERS, CacheDirectory

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_PAGES, _ATTACHMENTS = SITE_FOLDERS
_PATHS, _PARSED = "paths.json", "parsed.msgpack"
_LONGEST_STEM_BYTES = 80
_MARK_SECONDS = 86400.0
_KEEP_SECONDS = 7 * 86400.0
# A link that somebody has put there must not be followed, and a pipe not waited for.
_SAFE_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_READ_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _SAFE_FLAGS


class SiteFiles:
    """The files of a build. What other builds use is left to them for a week.

    Args:
        directory: The cache's; created (0700) by `open`.
        site: What tells it from others that share the directory.
    """

    def __init__(self, directory: Path, site: str) -> None:
        self._site = site
        self._directory = CacheDirectory(directory, lock_seconds=LOCK_SECONDS)
        self._used: set[Path] = set()
        self._pages: dict[str, Path] = {}
        self.is_open = False
        """Files can be written."""

    def open(self) -> None:
        """Make the folders, if that is possible; the cache itself says why it is not."""
        with suppress(OSError):
            for name in SITE_FOLDERS:
                self._directory.make_folder(name)
            self.is_open = True

    def find_page(self, src_uri: str) -> Path:
        """Return the path of a page's file."""
        if src_uri not in self._pages:
            self._pages[src_uri] = self._find(_PAGES, src_uri)
        return self._pages[src_uri]

    def find_written(self, src_uri: str) -> Path | None:
        """Return the path of a page's file if this build has written it, or found it as it is."""
        path = self.find_page(src_uri)
        return path if path in self._used else None

    def write_page(self, src_uri: str, source: str) -> None:
        """Write a page's file, unless it has that source already, if that is possible."""
        self._write(self.find_page(src_uri), source.encode(errors="replace"))

    def write_attachment(self, src_uri: str, data: bytes) -> Path | None:
        """Write the file of an attachment, unless it is there; None if that is not possible."""
        path = self._find(_ATTACHMENTS, src_uri)
        return path if self._write(path, data) else None

    def read_paths(self) -> dict[str, list[str]]:
        """Return where the pages of the site were, as `write_paths` was told."""
        try:
            found = json.loads(_read(self._find_own(_PATHS)) or b"{}")
        except (ValueError, RecursionError):
            return {}
        entries = found.items() if isinstance(found, dict) else ()
        return {
            page_id: [path for path in paths if isinstance(path, str)]
            for page_id, paths in entries
            if isinstance(paths, list)
        }

    def write_paths(self, paths: Mapping[str, list[str]]) -> None:
        """Remember where the pages of the site are, and were."""
        self._write(self._find_own(_PATHS), json.dumps(paths).encode())

    def read_parsed(self) -> bytes | None:
        """Return what `write_parsed` was told."""
        path = self._find_own(_PARSED)
        data = _read(path)
        if data is not None:
            self._used.add(path)
            with suppress(OSError):
                _mark(path)
        return data

    def write_parsed(self, data: bytes) -> None:
        """Remember what was read of the pages of the site."""
        self._write(self._find_own(_PARSED), data)

    def _find_own(self, name: str) -> Path:
        return self._directory.path / _PAGES / _make_name(name, _hash(self._site))

    def remove_page(self, src_uri: str) -> None:
        """Remove a page's file: it must not be shown any more."""
        with suppress(OSError):
            self.find_page(src_uri).unlink()

    def remove_unused(self) -> None:
        """Remove files that no build has used for a week."""
        if self.is_open:
            self._directory.remove_site_files(
                lambda path, status: (
                    path not in self._used and status.st_mtime < time.time() - _KEEP_SECONDS
                )
            )

    def _find(self, folder: str, src_uri: str) -> Path:
        name = _make_name(posixpath.basename(src_uri), _hash(f"{self._site} {src_uri}"))
        return self._directory.path / folder / name

    def _write(self, path: Path, data: bytes) -> bool:
        if not self.is_open:
            return False
        try:
            if _read(path) == data:
                _mark(path)
            else:
                _replace(path, data)
        except OSError:
            return False
        self._used.add(path)
        return True


def _make_name(name: str, digest: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    short = (stem or suffix).encode()[:_LONGEST_STEM_BYTES].decode(errors="ignore")
    return f"{short}-{digest}{dot + suffix if stem else ''}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def _read(path: Path | str) -> bytes | None:
    try:
        descriptor = os.open(path, _READ_FLAGS)
        with os.fdopen(descriptor, "rb") as file:
            return file.read() if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    except OSError:
        return None


def _mark(path: Path) -> None:
    """Let a file's time show that it is used; once a day, because it is a change for `--dirty`."""
    if path.lstat().st_mtime < time.time() - _MARK_SECONDS:
        os.utime(path)


def _replace(path: Path, data: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=".", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.replace(temporary, path)  # noqa: PTH105  a text, from `tempfile`
    except BaseException:
        with suppress(OSError):
            os.remove(temporary)  # noqa: PTH107  the same
        raise


_REDIRECT = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Redirecting…</title>
<link rel="canonical" href="{url}">
<meta name="robots" content="noindex">
<script>location.replace("{url}" + location.hash)</script>
<meta http-equiv="refresh" content="0; url={url}">
</head>
<body><a href="{url}">This page is here.</a></body>
</html>
"""
_REDIRECT_BEGINS = _REDIRECT.partition("{url}")[0].encode()


_INDEX = "index.html"
_ASIDE = ".confluence-md-redirects"
_WRITE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _SAFE_FLAGS


class Redirects:
    """Writes pages that lead to other ones, in the finished site and nowhere else.

    Args:
        site_dir: Of MkDocs.
        kept: The name of a folder in it whose redirects can be kept from build to build.
    """

    def __init__(self, site_dir: str, kept: str) -> None:
        self._site_dir = site_dir
        self._kept = kept
        self._folder, self._aside = f"{site_dir}/{kept}", f"{site_dir}/{_ASIDE}"
        self._folders = {""}
        """Those that are there, and no links."""

    def put_aside(self) -> None:
        """Keep that folder from being removed when MkDocs cleans the site: most stay the same.

        Removing and writing two inodes for each page takes ext4 longer than MkDocs takes for the
        pages themselves. MkDocs leaves alone what begins with a dot.
        """
        with suppress(OSError):
            if _is_folder(self._folder):
                os.rename(self._folder, self._aside)  # noqa: PTH104  a text, from MkDocs

    def put_back(self) -> bool:
        """Undo that, also after a build that has failed or was killed; return True if it was."""
        is_back = False
        with suppress(OSError):
            if _is_folder(self._aside) and not os.path.lexists(self._folder):
                os.rename(self._aside, self._folder)  # noqa: PTH104  the same
                is_back = True
        self.remove_aside()
        return is_back

    def remove_aside(self) -> None:
        """Remove what was put aside, if it was not put back."""
        shutil.rmtree(self._aside, ignore_errors=True)

    def write(self, redirects: Mapping[str, str], *, replace: bool) -> None:
        """Write pages where nothing is in the way.

        Args:
            redirects: The destinations in the site of each and of the page that it leads to.
            replace: Write a page also if there is a file.
        """
        flags = _WRITE_FLAGS if replace else _WRITE_FLAGS | os.O_EXCL
        pages = {source: _make_redirect(source, target) for source, target in redirects.items()}
        os.makedirs(self._site_dir, exist_ok=True)  # noqa: PTH103  the same
        kept = self._keep(pages) if self.put_back() else set()
        for source in pages.keys() - kept:
            # A page may be where its folder was, and a name may be none for this system.
            with suppress(OSError, ValueError):
                self._make_folder(posixpath.dirname(source))
                with os.fdopen(os.open(f"{self._site_dir}/{source}", flags, 0o666), "wb") as file:
                    file.write(pages[source])

    def _keep(self, pages: Mapping[str, bytes]) -> set[str]:
        """Remove what was put back, but for redirects that would be the same; return those."""
        kept = set()
        for name in os.listdir(self._folder):  # noqa: PTH208  the same
            path, source = f"{self._folder}/{name}", f"{self._kept}/{name}/{_INDEX}"
            with suppress(OSError):
                if not _is_folder(path):
                    os.unlink(path)  # noqa: PTH108  the same
                elif (
                    source in pages
                    and os.listdir(path) == [_INDEX]  # noqa: PTH208  the same
                    and _read(f"{path}/{_INDEX}") == pages[source]
                ):
                    kept.add(source)
                else:
                    shutil.rmtree(path)
        return kept

    def _make_folder(self, folder: str) -> None:
        if folder in self._folders:
            return
        self._make_folder(posixpath.dirname(folder))
        path = f"{self._site_dir}/{folder}"
        try:
            os.mkdir(path)  # noqa: PTH102  a `Path` takes as long as the rest
        except FileExistsError:
            if not _is_folder(path):
                raise
        self._folders.add(folder)


def _make_redirect(source: str, target: str) -> bytes:
    url = posixpath.relpath(target, posixpath.dirname(source) or ".")
    if posixpath.basename(target) == _INDEX and source.endswith(f"/{_INDEX}"):
        url = url.removesuffix(_INDEX) or "./"
    return _REDIRECT.format(url=quote(url)).encode()


def _is_folder(path: str) -> bool:
    """Return True for a folder, but not for a link to one.

    Raises:
        OSError: There is nothing at that path.
    """
    return stat.S_ISDIR(os.lstat(path).st_mode)


def remove_redirect(site_dir: Path, dest_uri: str) -> None:
    """Remove a redirect from where a page is to be again, which would be newer than its source."""
    path = site_dir / dest_uri
    if (_read(path) or b"").startswith(_REDIRECT_BEGINS):
        with suppress(OSError):
            path.unlink()
