"""What is known of the entries of `nav`, each by itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from mkdocs_confluence_md.confluence.listing import list_pages
from mkdocs_confluence_md.confluence.refs import PageRef
from mkdocs_confluence_md.errors import ConfluenceError, MissingError
from mkdocs_confluence_md.text import describe_age

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mkdocs_confluence_md.confluence.models import PageFacts
    from mkdocs_confluence_md.confluence.refs import SpaceRef, TreeRef
    from mkdocs_confluence_md.confluence.rest import ConfluenceRest
    from mkdocs_confluence_md.fetch.fetcher import Fetcher
    from mkdocs_confluence_md.project import Declared


class State(Enum):
    """How a check came out."""

    FINE = "ok"
    PROBLEM = "problem"
    UNKNOWN = "not checked"
    """Because something that it needs has a problem."""


@dataclass(frozen=True)
class PageFinding:
    """What is known of an entry of `nav`."""

    entry: Declared
    state: State
    text: str = ""


def ask_rest(entries: Sequence[Declared], rest: ConfluenceRest) -> Iterator[PageFinding]:
    """Ask for titles and versions: one request for each 250 pages, and a list for each tree.

    Raises:
        ConfluenceError: Confluence's REST API does not answer.
    """
    page_ids = [each.reference.page_id for each in entries if isinstance(each.reference, PageRef)]
    facts = rest.describe_pages(page_ids)
    for entry in entries:
        if isinstance(entry.reference, PageRef):
            yield _tell_of_page(entry, facts.get(entry.reference.page_id))
        else:
            yield _tell_of_tree(entry, rest, entry.reference)


def _tell_of_page(entry: Declared, facts: PageFacts | None) -> PageFinding:
    if facts is None:
        return PageFinding(
            entry,
            State.PROBLEM,
            "There is no such page, or the account of CONFLUENCE_MD_EMAIL may not see it. Compare "
            "the ID with the page's address in Confluence.",
        )
    changed = f" of {facts.changed_at[:10]}" if facts.changed_at else ""
    return PageFinding(entry, State.FINE, f"{facts.title}, version {facts.version}{changed}")


def _tell_of_tree(
    entry: Declared, rest: ConfluenceRest, reference: TreeRef | SpaceRef
) -> PageFinding:
    try:
        listing = list_pages(rest, reference)
    except MissingError as error:
        return PageFinding(entry, State.PROBLEM, error.full_text())
    count = len([page for page in listing.tree.walk() if not page.is_folder])
    pages = "1 page" if count == 1 else f"{count} pages"
    return PageFinding(entry, State.FINE, f"{listing.tree.title or 'untitled'}, {pages}")


def fetch(entries: Sequence[Declared], fetcher: Fetcher) -> Iterator[PageFinding]:
    """Fetch everything as a build does, so that the next build finds it in the cache."""
    pages = [each.reference.page_id for each in entries if isinstance(each.reference, PageRef)]
    trees = [each.reference for each in entries if not isinstance(each.reference, PageRef)]
    fetcher.start(pages, trees)
    found = fetcher.wait_for_trees()
    place = "in the snapshot" if fetcher.uses_only_snapshot else ""
    for entry in entries:
        try:
            if isinstance(entry.reference, PageRef):
                page = fetcher.wait_for(entry.reference.page_id)
                yield _tell_of_copy(entry, place or page.origin.value, page.age, page.error)
                continue
            tree = found[entry.reference]
            if isinstance(tree, ConfluenceError):
                raise tree
            yield _tell_of_copy(entry, place or tree.origin.value, tree.age, tree.error)
        except ConfluenceError as error:
            yield PageFinding(entry, State.PROBLEM, error.full_text())


def _tell_of_copy(
    entry: Declared, origin: str, age: float, error: ConfluenceError | None
) -> PageFinding:
    if error is None:
        return PageFinding(entry, State.FINE, origin)
    copy = f"A build would take a copy from {describe_age(age)} ago."
    return PageFinding(entry, State.PROBLEM, f"{error.full_text()} {copy}")
