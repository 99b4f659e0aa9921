"""What a build says of its pages from Confluence, in one message each. Pure: data in, text out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mkdocs_confluence_md.library import FetchedPage, Origin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mkdocs_confluence_md.errors import ConfluenceError


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


def report_pages(pages: Sequence[FetchedPage]) -> str:
    """Tell in one line where the pages came from, how large they are and how long it took."""
    origins = Counter(page.origin for page in pages)
    counts = ", ".join(f"{origins[each]} {each.value}" for each in Origin if origins[each])
    size = sum(len(page.markdown.encode()) for page in pages)
    seconds = max((page.seconds for page in pages), default=0.0)
    count = "1 page" if len(pages) == 1 else f"{len(pages)} pages"
    return f"{count} from Confluence: {counts}; {describe_size(size)} in {seconds:.1f} seconds"


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
