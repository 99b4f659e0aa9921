"""Which file of an export is meant by an address in a page. Pure.

How the exporter names files is not documented. So a file is found by as much of its path as agrees,
and its name may be written in any of the ways in which URLs and file systems write one.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING
from unicodedata import normalize
from urllib.parse import unquote, unquote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mkdocs_confluence_md.confluence.attachments import Reference

_PAGE = re.compile(r"\.md$", re.IGNORECASE)


def find_file(reference: Reference, paths: Sequence[str], folder: str, page_id: str) -> str | None:
    """Find the file that is meant.

    Args:
        reference: As the page has it.
        paths: Of the files in the page's export.
        folder: Of the page in its export: a relative path begins there.
        page_id: Of the page. What is attached to another page is told by that page's ID in its
            path, or a file that only has the same name would be shown.
    """
    if reference.owner not in ("", page_id):
        paths = [path for path in paths if reference.owner in path.split("/")]
    if reference.path.startswith("/"):
        return _find_at_root(reference.path, paths)
    start = reference.owner or folder
    wanted = posixpath.normpath(posixpath.join(start, reference.path)) if reference.path else ""
    if wanted and (found := _find_path(wanted, paths)):
        return found
    numbered = _find_by_number(reference, paths)
    if len(numbered) == 1:
        return numbered[0]
    label = _read_label(reference)
    return _find_path(label, paths) if label else None


def find_enclosed(
    reference: Reference, paths: Sequence[str], page_path: str, page_id: str
) -> str | None:
    """Find the file that is meant in an export of many pages.

    Args:
        reference: As the page has it.
        paths: Of the files of all pages.
        page_path: Of the page in the export.
        page_id: Of the page; empty where it is not known.
    """
    folder = posixpath.dirname(page_path)
    if reference.path.startswith("/"):
        return _find_at_root(reference.path, paths)
    if reference.owner:
        marked = [path for path in paths if reference.owner in path.split("/")]
        if marked:
            return find_file(reference, marked, folder, reference.owner)
        if page_id not in ("", reference.owner):
            return None
    elif reference.path:
        known = {unquote(path): path for path in reversed(paths)}
        for wanted in _list_places(reference.path, page_path):
            if unquote(wanted) in known:
                return known[unquote(wanted)]
    return _find_nearest(reference, paths, page_path)


def _list_places(path: str, page_path: str) -> Iterator[str]:
    """Yield where a relative path may lead, the likeliest first.

    Some exporters have one folder for the files of all pages, and write the same path in each.
    """
    yield posixpath.normpath(posixpath.join(posixpath.dirname(page_path), path))
    inner = re.sub(r"^(?:\.\.?/)+", "", path)
    folders = _PAGE.sub("", page_path).split("/")
    # A name without a folder may be that of a file of any page.
    for depth in range(len(folders), -1, -1) if "/" in path else ():
        yield "/".join([*folders[:depth], inner])


def _find_nearest(reference: Reference, paths: Sequence[str], page_path: str) -> str | None:
    """Find a file by its name or number: of several the one that is nearest to the page."""
    candidates = (
        _find_named(reference.path, paths)
        or _find_by_number(reference, paths)
        or _find_named(_read_label(reference), paths)
    )
    # A page may have a folder of its own beside it.
    own = page_path.removesuffix(".md").split("/")
    common = {path: posixpath.commonprefix([path.split("/")[:-1], own]) for path in candidates}
    most = max(map(len, common.values()), default=0)
    nearest = [path for path in candidates if len(common[path]) == most]
    return nearest[0] if len(nearest) == 1 else None


def _find_at_root(path: str, paths: Sequence[str]) -> str | None:
    """Find a file by its path from the root folder, which may have another one around it."""
    ends = normalize("NFC", unquote(path))
    rooted = {each: f"/{normalize('NFC', unquote(each))}" for each in paths}
    exact = [each for each in paths if rooted[each] == ends]
    found = exact or [each for each in paths if rooted[each].endswith(ends)]
    return found[0] if len(found) == 1 else None


def _read_label(reference: Reference) -> str:
    """Return the text beside an address, where that may be the only name of the file."""
    return reference.label if reference.number or reference.is_internal else ""


def _find_named(name: str, paths: Sequence[str]) -> list[str]:
    return _find_by_name(name, paths) or _find_by_letters(name, paths)


def _find_by_number(reference: Reference, paths: Sequence[str]) -> list[str]:
    if not reference.number:
        return []
    # The IDs of attachments are digits, those of the media service have letters, too.
    character = "0-9" if reference.number.isdecimal() else "0-9A-Za-z"
    number = re.escape(reference.number)
    pattern = re.compile(rf"(?<![{character}])(?:att)?{number}(?![{character}])", re.IGNORECASE)
    return [path for path in paths if pattern.search(path)]


def _find_path(wanted: str, paths: Sequence[str]) -> str | None:
    """Find a path by its name, the stricter the better; then by the folders that agree."""
    if found := _find_by_name(wanted, paths):
        return max(found, key=lambda path: (_count_common(wanted, path), path == wanted))
    found = _find_by_letters(wanted, paths)
    return found[0] if len(found) == 1 else None


def _find_by_name(wanted: str, paths: Sequence[str]) -> list[str]:
    for read in (_as_it_is, unquote, unquote_plus):
        name = read(_name_of(wanted))
        found = [path for path in paths if name and read(_name_of(path)) == name]
        if found:
            return found
    return []


def _find_by_letters(wanted: str, paths: Sequence[str]) -> list[str]:
    letters = _letters_of(_name_of(wanted))
    return [path for path in paths if letters and _letters_of(_name_of(path)) == letters]


def _as_it_is(name: str) -> str:
    return name


def _name_of(path: str) -> str:
    return normalize("NFC", path.rpartition("/")[2])


def _letters_of(name: str) -> str:
    """Reduce a name to what is left when it is made safe, in whatever way."""
    return re.sub(r"[\W_]+", "", normalize("NFC", unquote_plus(name)).casefold())


def _count_common(one: str, other: str) -> int:
    pairs = zip(reversed(one.split("/")), reversed(other.split("/")), strict=False)
    count = 0
    for ours, theirs in pairs:
        if unquote(ours) != unquote(theirs):
            break
        count += 1
    return count
