"""What a build says of its pages from Confluence, in one message each. Pure: data in, text out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mkdocs_confluence_md.library import FetchedPage, Origin

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mkdocs_confluence_md.errors import ConfluenceError
    from mkdocs_confluence_md.placement import LocalFileConflict
    from mkdocs_confluence_md.references import Complaint


_MOST_NAMES = 10
_LONGEST_NAME = 80


@dataclass(frozen=True)
class PageFailure:
    """A page that could not be had, and why."""

    title: str
    """As in `nav`; empty where the page has no title there."""
    page_id: str
    url: str
    """Where a person would look at the page; empty where the site is not known."""
    error: ConfluenceError


def describe_page(title: str, page_id: str) -> str:
    """Name a page for a person: by its title where it has one, always with its ID."""
    return f"“{title}” (page {page_id})" if title else f"Page {page_id}"


def describe_age(seconds: float) -> str:
    """Say how long ago something was, in the largest unit that makes a whole number."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            number = int(seconds // length)
            return f"{number} {unit}{'s' * (number > 1)}"
    return "a minute"


def report_complaints(complaints: Sequence[Complaint]) -> str:
    """Tell of all entries of `nav` that look like pages from Confluence and are none."""
    entries = "\n".join(f"  - {complaint}" for complaint in complaints)
    return f"nav has entries that are no Confluence pages:\n{entries}"


def report_conflict(conflict: LocalFileConflict) -> str:
    """Tell of a page that could not have its place in the site."""
    page = conflict.page
    return (
        f"{describe_page(page.title, page.ref.page_id)} would be {conflict.wanted}, but a "
        f"local file has that place in the site. The page is {page.src_uri} instead; give "
        "it another title in nav, or rename the local file."
    )


def report_stale_pages(pages: Sequence[FetchedPage]) -> str:
    """Tell in one message that pages are copies from earlier; empty if none is."""
    stale = [page for page in pages if page.error]
    if not stale:
        return ""
    since = describe_age(max(page.age for page in stale))
    copies = (
        f"a copy from {since} ago stands in for it"
        if len(stale) == 1
        else f"copies from up to {since} ago stand in for them"
    )
    return (
        f"{len(stale)} of {len(pages)} pages from Confluence could not be fetched; {copies}. "
        f"{stale[0].error}"
    )


def report_stale_assets(pages: Sequence[FetchedPage]) -> str:
    """Tell in one message that attachments are copies from earlier; empty if none is."""
    assets = [page.assets for page in pages if page.assets]
    stale = [each for each in assets if each.error and each.files]
    if not stale:
        return ""
    count = "1 page" if len(stale) == 1 else f"{len(stale)} pages"
    since = describe_age(max(each.age for each in stale))
    return (
        f"The attachments of {count} could not be fetched; copies from up to {since} ago stand in "
        f"for them. {stale[0].error}"
    )


def report_missing_files(
    title: str, page_id: str, names: Sequence[str], error: ConfluenceError | None
) -> str:
    """Tell which attachments a page is without, and why."""
    what = error or (
        "The page's export has none of that name. See in Confluence whether they are attached to "
        "this page, and to no other."
    )
    return (
        f"{describe_page(title, page_id)} refers to attachments that could not be had: "
        f"{_enumerate(names)}. Readers see the names of pictures instead. {what}"
    )


def report_unsafe_files(
    title: str, page_id: str, problems: Sequence[tuple[str, str]]
) -> Iterator[str]:
    """Tell what was wrong with the export of a page's attachments, in one message a kind."""
    by_kind: dict[str, list[str]] = {}
    for what, name in problems:
        by_kind.setdefault(what, []).append(_make_printable(name))
    for what, names in by_kind.items():
        files = f" ({_enumerate(names)})" if any(names) else ""
        yield f"The export of {describe_page(title, page_id)} has attachments that are unsafe: {what}{files}."  # fmt: skip  # noqa: E501


def report_pages(pages: Sequence[FetchedPage]) -> str:
    """Tell in one line where the pages came from, how large they are and how long it took."""
    origins = Counter(page.origin for page in pages)
    counts = ", ".join(f"{origins[each]} {each.value}" for each in Origin if origins[each])
    size = describe_size(sum(len(page.markdown.encode()) for page in pages))
    files = [file for page in pages if page.assets for file in page.assets.files.values()]
    if files:
        files_size = describe_size(sum(len(file.content) for file in files))
        size += f", and {len(files)} attachment{'s' * (len(files) > 1)}, {files_size},"
    seconds = max((page.seconds for page in pages), default=0.0)
    count = "1 page" if len(pages) == 1 else f"{len(pages)} pages"
    return f"{count} from Confluence: {counts}; {size} in {seconds:.1f} seconds"


def describe_size(size: int) -> str:
    """Write a number of bytes as people do."""
    if size < 1000:  # noqa: PLR2004  the definition of the unit
        return f"{size} B"
    return f"{size / 1000:.1f} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"  # noqa: PLR2004  the same


def report_failures(failures: Sequence[PageFailure]) -> str:
    """Tell of all failing pages in one message: pages with the same cause stand together."""
    by_cause: dict[tuple[str, str], list[PageFailure]] = {}
    for failure in failures:
        by_cause.setdefault((failure.error.what, failure.error.remedy), []).append(failure)
    count = "1 page" if len(failures) == 1 else f"{len(failures)} pages"
    lines = [f"{count} could not be fetched from Confluence."]
    for (what, remedy), pages in by_cause.items():
        lines += ["", f"  {what}", f"  {remedy}"]
        for page in pages:
            lines.append(f"  - {describe_page(page.title, page.page_id)} {page.url}".rstrip())
            if page.error.detail:
                lines.append(f"    {page.error.detail}")
    return "\n".join(lines)


def _enumerate(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMES])
    more = len(names) - _MOST_NAMES
    return f"{shown} and {more} more" if more > 0 else shown


def _make_printable(name: str) -> str:
    """Show what is invisible, and no more of a name than anybody reads."""
    shown = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in name)
    return shown if len(shown) <= _LONGEST_NAME else f"{shown[:_LONGEST_NAME]}…"
