"""The messages of a build about its pages from Confluence. Pure: data in, text out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mkdocs_confluence_md.fetch.results import FetchedPage, Origin
from mkdocs_confluence_md.text import count_things, describe_age, describe_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mkdocs_confluence_md.confluence.models import PageFacts
    from mkdocs_confluence_md.confluence.refs import Complaint, SpaceRef, TreeRef
    from mkdocs_confluence_md.errors import ConfluenceError
    from mkdocs_confluence_md.fetch.fetcher import Fetcher
    from mkdocs_confluence_md.site.paths import LocalFileConflict, PlacedPage


_MOST_NAMES = 10
_LONGEST_NAME = 80


@dataclass(frozen=True)
class PageFailure:
    """A page or a tree that could not be fetched, and why."""

    title: str
    """As in `nav`; empty where there is no title."""
    page_id: str
    """Empty for a space."""
    url: str
    """Where a person would look at it; empty where the site is not known."""
    error: ConfluenceError
    tree: TreeRef | SpaceRef | None = None
    """What it is of, if not of one page."""
    own_title: str = ""
    """As in Confluence; empty where it is not known."""
    place: str = ""
    """Where it is declared, like `mkdocs.yml:12`; empty where it is not, or elsewhere."""

    @property
    def kind(self) -> str:
        """What it is, in one word."""
        if self.tree is None:
            return "page"
        return "tree" if self.page_id else "space"

    @property
    def name(self) -> str:
        """What it is called without its title, at the beginning of a sentence."""
        return describe_tree("", self.tree) if self.tree else describe_page("", self.page_id)

    @property
    def description(self) -> str:
        """What it is called."""
        if self.tree:
            return describe_tree(self.title, self.tree)
        return describe_page(self.title or _write_line(self.own_title), self.page_id)


def describe_page(title: str, page_id: str) -> str:
    """Name a page for a person: by its title where it has one, with its ID where that is known."""
    if not page_id:
        return f"“{title}”"
    return f"“{title}” (page {page_id})" if title else f"Page {page_id}"


def describe_tree(title: str, ref: TreeRef | SpaceRef) -> str:
    """Name a tree or a space for a person."""
    return f"“{title}” ({ref.name})" if title else f"{ref.name[0].upper()}{ref.name[1:]}"


def describe_placed(page: PlacedPage) -> str:
    """Name a page that is in the site."""
    return describe_page(page.title or _write_line(page.own_title), page.ref.page_id)


def _write_line(text: str) -> str:
    """Keep what somebody wrote in Confluence from looking like more than one line of a log."""
    return "".join(char if char.isprintable() else " " for char in text)


def report_complaints(complaints: Sequence[Complaint], places: Mapping[Any, str]) -> str:
    """Tell of all entries of `nav` that look like pages from Confluence and are none.

    Args:
        complaints: About them.
        places: Where entries are written, by their texts.
    """
    lines = ["nav has entries that are not Confluence pages:"]
    for each in complaints:
        place = places.get(each.entry) or places.get(each.entry.partition(": ")[2], "")
        lines.append(f"  - {place}: {each}" if place else f"  - {each}")
    return "\n".join(lines)


def report_plain_addresses(addresses: Sequence[str], places: Mapping[Any, str]) -> str:
    """Tell of pages in Confluence that `nav` only links to, perhaps by a slip."""
    first = addresses[0]
    others = len(addresses) - 1
    more = f" (and {others} more)" if others else ""
    place = f"{places[first]}: " if first in places else ""
    return (
        f"{place}nav links to a page in Confluence, which is not part of the site: {first}{more}. "
        f"To have it in the site, write confluence: before its address."
    )


def report_conflict(conflict: LocalFileConflict) -> str:
    """Tell of a page that could not have its place in the site."""
    page = conflict.page
    return (
        f"{describe_placed(page)} would be {conflict.wanted}, but a "
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
        f"a copy from {since} ago is used instead"
        if len(stale) == 1
        else f"copies from up to {since} ago are used instead"
    )
    all_pages = count_things(len(pages), "page")
    return (
        f"{len(stale)} of {all_pages} from Confluence could not be fetched; {copies}. "
        f"{stale[0].error}"
    )


def report_stale_assets(pages: Sequence[FetchedPage]) -> str:
    """Tell in one message that attachments are copies from earlier; empty if none is."""
    assets = [page.assets for page in pages if page.assets]
    stale = [each for each in assets if each.error and each.files and each.age]
    if not stale:
        return ""
    count = count_things(len(stale), "page")
    since = describe_age(max(each.age for each in stale))
    return (
        f"The attachments of {count} could not be fetched; copies from up to {since} ago are used "
        f"instead. {stale[0].error}"
    )


def report_news(changed: Sequence[PageFacts]) -> str:
    """Tell which pages have changed in Confluence while the site is served."""
    names = _enumerate([describe_page(_make_printable(each.title), each.page_id)
                        for each in changed])  # fmt: skip
    return f"Changed in Confluence: {names}"


def report_tree_news(ref: TreeRef | SpaceRef) -> str:
    """Tell that pages were added to, moved in or removed from a tree."""
    return f"Changed in Confluence: which pages are where in the {ref.name}"


def report_missing_files(
    page: PlacedPage, names: Sequence[str], error: ConfluenceError | None
) -> str:
    """Tell which attachments a page is without, and why."""
    what = error or (
        "The page's export does not have them. Check in Confluence that they are attached to this "
        "page, not to another."
    )
    return (
        f"{describe_placed(page)} refers to attachments that could not be fetched: "
        f"{_enumerate(names)}. Readers see the names of pictures instead. {what}"
    )


def report_unsafe_files(exported: str, problems: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Tell what was wrong with the files of an export, in one message a kind."""
    by_kind: dict[str, list[str]] = {}
    for what, name in problems:
        by_kind.setdefault(what, []).append(_make_printable(name))
    for what, names in by_kind.items():
        files = f" ({_enumerate(names)})" if any(names) else ""
        yield f"The export of {exported} has attachments that are unsafe: {what}{files}."


def report_cut_tree(ref: TreeRef | SpaceRef, title: str, said: int, there: int, most: int) -> str:
    """Tell that a tree may have more pages than were exported; empty if it has not.

    Args:
        ref: The tree.
        title: As in `nav`.
        said: How many pages the exporter says that there are.
        there: How many there are.
        most: That an export may have.
    """
    if said > there:
        what = f"its export should have {said} pages and has {there}"
    elif max(said, there) >= most:
        what = f"one export has at most {most} pages, and this one has as many"
    else:
        return ""
    return (
        f"{describe_tree(title, ref)} may have more pages than are in the site: {what}. Set "
        "CONFLUENCE_MD_EMAIL and CONFLUENCE_MD_API_TOKEN for trees of any size, or name parts of "
        "it in nav, each as confluence:ID/."
    )


def report_dropped_links(counts: Mapping[str, int]) -> str:
    """Tell which pages have links to what is not in the site; empty if none has.

    Args:
        counts: How many there are, by what the page is called.
    """
    if not counts:
        return ""
    number = sum(counts.values())
    what = "1 link names a page or a file" if number == 1 else f"{number} links name pages or files"
    pages = _enumerate([f"{name}: {count}" for name, count in counts.items()])
    return f"{what} that the site does not have; only the text remains. {pages}"


def report_pages(pages: Sequence[FetchedPage]) -> str:
    """Tell in one line where the pages came from, how large they are and how long it took."""
    origins = Counter(page.origin for page in pages)
    counts = ", ".join(f"{origins[each]} {each.value}" for each in Origin if origins[each])
    size = describe_size(sum(len(page.markdown.encode()) for page in pages))
    files = [file for page in pages if page.assets for file in page.assets.files.values()]
    if files:
        files_size = describe_size(sum(file.content.size for file in files))
        size += f", and {count_things(len(files), 'attachment')}, {files_size},"
    seconds = max((page.seconds for page in pages), default=0.0)
    count = count_things(len(pages), "page")
    return f"{count} from Confluence: {counts}; {size} in {seconds:.1f} seconds"


def report_unnamed(ref: TreeRef | SpaceRef) -> str:
    """Say that pages cannot be left out of a tree by their IDs."""
    return (
        f"The {ref.name} was exported as a whole, without page IDs, so the option `exclude` leaves "
        "out its pages by title only. Name titles, or set CONFLUENCE_MD_EMAIL and "
        "CONFLUENCE_MD_API_TOKEN."
    )


def report_unlabelled(ref: TreeRef | SpaceRef, count: int) -> str:
    """Say that pages are left out of a tree because their labels are not known."""
    pages = "1 page is" if count == 1 else f"{count} pages are"
    return (
        f"{pages} left out of the {ref.name}, because their labels are not known. The option "
        "`labels` needs CONFLUENCE_MD_EMAIL and CONFLUENCE_MD_API_TOKEN."
    )


def report_stale_listing(ref: TreeRef | SpaceRef, age: float, error: ConfluenceError) -> str:
    """Tell that it is not known which pages a tree has now."""
    return (
        f"The pages of the {ref.name} could not be listed; the list from {describe_age(age)} ago "
        f"is used instead. {error}"
    )


def report_refused(page: PlacedPage, error: ConfluenceError) -> str:
    """Tell why a page that is there is not rendered."""
    return f"{describe_placed(page)} was not rendered. {error}"


def report_failures(failures: Sequence[PageFailure]) -> str:
    """Tell of all that fails in one message: what has the same cause stands together."""
    by_cause: dict[tuple[str, str], list[PageFailure]] = {}
    for failure in failures:
        by_cause.setdefault((failure.error.what, failure.error.remedy), []).append(failure)
    lines = [f"{_count(failures)} could not be fetched from Confluence."]
    for (what, remedy), pages in by_cause.items():
        lines += ["", f"  {what}", f"  {remedy}"]
        for page in pages:
            place = f"{page.place}: " if page.place else ""
            lines.append(f"  - {place}{page.description} {page.url}".rstrip())
            if page.error.detail:
                lines.append(f"    {page.error.detail}")
    return "\n".join(lines)


def _count(failures: Sequence[PageFailure]) -> str:
    counts = Counter(failure.kind for failure in failures)
    kinds = [kind for kind in ("page", "tree", "space") if counts[kind]]
    texts = [count_things(counts[kind], kind) for kind in kinds]
    return " and ".join(filter(None, (", ".join(texts[:-1]), texts[-1])))


def _enumerate(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMES])
    more = len(names) - _MOST_NAMES
    return f"{shown} and {more} more" if more > 0 else shown


def _make_printable(name: str) -> str:
    """Show what is invisible, and no more of a name than anybody reads."""
    shown = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in name)
    return shown if len(shown) <= _LONGEST_NAME else f"{shown[:_LONGEST_NAME]}…"


def report_origin(
    fetcher: Fetcher, pages: Sequence[FetchedPage], repairs: Mapping[str, int]
) -> str:
    """Tell in one line where the pages of a build came from, and what was repaired in them.

    Args:
        fetcher: Has fetched them.
        pages: Of the site.
        repairs: How many forms of each kind.
    """
    origin = fetcher.describe_snapshot(len(pages)) or report_pages(pages)
    ordered = sorted(repairs.items(), key=lambda each: (-each[1], each[0]))
    forms = ", ".join(f"{number} × {kind}" for kind, number in ordered)  # noqa: RUF001  the sign
    return f"{origin}; forms repaired: {forms}" if forms else origin


def report_unexported(macros: Mapping[str, Sequence[str]]) -> str:
    """Tell of which macros the export has nothing but a placeholder; empty if there are none.

    Args:
        macros: Their names, by what the page is called.
    """
    if not macros:
        return ""
    names = list(dict.fromkeys(name for each in macros.values() for name in each))
    what = "This macro was not exported" if len(names) == 1 else "These macros were not exported"
    return (
        f"{what}, and readers get a link to Confluence instead: "
        f"{_enumerate([_make_printable(name) for name in names])}. On: {_enumerate(list(macros))}"
    )


def report_unindexed(pages: Sequence[str]) -> str:
    """Tell which pages the search would take too long for; empty if there are none.

    Args:
        pages: What they are called.
    """
    if not pages:
        return ""
    what = "This page is" if len(pages) == 1 else "These pages are"
    return (
        f"{what} left out of the site's search, which would take too long: "
        f"{_enumerate(list(pages))}. In Confluence, close HTML tags that are open, or put "
        "headings between its parts."
    )
