"""The files of an archive that a page refers to, and nothing else."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

from mkdocs_confluence_md.cache.contents import NoRoomError
from mkdocs_confluence_md.confluence.archive import DamagedEntryError, Finding, Problem
from mkdocs_confluence_md.fetch.results import Asset, Assets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from mkdocs_confluence_md.cache.contents import Content, Contents
    from mkdocs_confluence_md.confluence.archive import Archive, Entry
    from mkdocs_confluence_md.confluence.attachments import Reference

    Find = Callable[[Reference, Sequence[str]], str | None]


def unpack(  # noqa: PLR0913  what is where, and what is wanted of it
    archive: Archive,
    contents: Contents,
    candidates: Iterable[Entry],
    references: Mapping[str, Reference],
    find: Find,
    *,
    problems: Iterable[Finding] = (),
) -> Assets:
    """Unpack what a page refers to.

    Args:
        archive: Where the files are.
        contents: Holds what is unpacked.
        candidates: Which of its entries may be meant.
        references: Of the page, by key.
        find: Returns the path that is meant by a reference, of all those that there are.
        problems: What is wrong with the archive.
    """
    entries = {entry.path: entry for entry in candidates}
    files: dict[str, Asset] = {}
    found = list(problems)
    read = cache(partial(_hold, archive, contents))
    for key, reference in references.items():
        path = find(reference, list(entries))
        content = read(entries[path]) if path else None
        if isinstance(content, Finding):
            found.append(content)
        elif path and content is not None:
            files[key] = Asset(_choose_name(reference.path, path), content)
    told = dict.fromkeys((problem.problem.value, problem.name) for problem in found)
    return Assets(files, tuple(told))


def _hold(archive: Archive, contents: Contents, entry: Entry) -> Content | Finding:
    try:
        return contents.hold(archive.unpack(entry), archive.measure(entry))
    except DamagedEntryError:
        return Finding(Problem.DAMAGED, entry.path)
    except NoRoomError:
        return Finding(Problem.NO_ROOM, entry.path)


def _choose_name(wanted: str, found: str) -> str:
    """Return the name of a file as a page has it, unless it says less than the archive's."""
    name, other = _name_of(wanted), _name_of(found)
    return other if "." in other and "." not in name else name or other


def _name_of(path: str) -> str:
    return path.rpartition("/")[2]
