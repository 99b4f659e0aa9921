"""Which pages have changed since they were exported, as Confluence's REST API says.

One request is about 250 pages, where an export is about one: so an expired copy whose version is
still the page's is as good as a new export. What the API says in the same breath (title, date) is
kept with the copy; labels and names of authors it tells in a slower one, asked for when they may
be others than those that are known.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from mkdocs_confluence_md.errors import ConfluenceError
from mkdocs_confluence_md.rest import ConfluenceRest, divide

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mkdocs_confluence_md.environment import Environment
    from mkdocs_confluence_md.facts import PageFacts
    from mkdocs_confluence_md.traffic import Patience


class Versions:
    """Asks for what is known of pages now. Safe to use from many threads.

    Args:
        rest: Is asked.
        warn: Is told, once a build, what went wrong: then pages are exported as without it.
        labels_matter: The site shows labels, so those of a page that has changed are asked for.
    """

    def __init__(
        self, rest: ConfluenceRest, *, warn: Callable[[str], None], labels_matter: bool = False
    ) -> None:
        self.rest = rest
        self._warn = warn
        self._labels_matter = labels_matter
        self._lock = threading.Lock()
        self._build = 0
        self._has_warned = False
        self._learned: dict[str, PageFacts] = {}
        self._authors: dict[str, str] = {}
        """Names by account ID."""

    def begin_build(self) -> None:
        """Forget what was learned for the last build, and look at an outage anew."""
        with self._lock:
            self._build += 1
            self._has_warned = False
            self._learned = {}
        self.rest.begin_build()

    def learn(self, facts: Mapping[str, PageFacts]) -> None:
        """Take what somebody else has just asked for; this build does not ask for it again."""
        with self._lock:
            self._learned.update(facts)

    def meet(self, facts: PageFacts | None) -> None:
        """Remember the author of a page, whose name need not be asked for again."""
        if facts and facts.is_detailed:
            with self._lock:
                self._authors[facts.author_id] = facts.author

    def divide(self, known: Mapping[str, PageFacts | None]) -> Iterator[list[str]]:
        """Divide pages into groups of which each is one request, as long as nothing has changed.

        Args:
            known: What was kept with the copies; None where there is no copy, or nothing.
        """
        yield from divide(page_id for page_id in known if not _is_new(known[page_id]))
        yield from divide(page_id for page_id in known if _is_new(known[page_id]))

    def find(self, known: Mapping[str, PageFacts | None]) -> dict[str, PageFacts]:
        """Return what is said of pages now, completed by what was known.

        Pages of which nothing is said, for whatever reason, are left out: only an export can tell
        more of them.
        """
        build, found = self._build, dict[str, "PageFacts"]()
        try:
            self._find(known, found)
        except ConfluenceError as error:
            self._complain(error, build)
        return found

    def close(self) -> None:
        """Close the connections."""
        self.rest.close()

    def _find(self, known: Mapping[str, PageFacts | None], found: dict[str, PageFacts]) -> None:
        with self._lock:
            learned = {each: self._learned[each] for each in known if each in self._learned}
        self._add(learned, known, found)
        asked = [each for each in known if each not in learned]
        news = [each for each in asked if _is_new(known[each])]
        self._add(self.rest.describe_in_detail(news), known, found)
        rest = [each for each in asked if not _is_new(known[each])]
        self._add(self.rest.describe_pages(rest), known, found)
        lacking = [each for each in found if not found[each].is_detailed]
        self._add(self.rest.describe_in_detail(lacking), known, found)

    def _add(
        self,
        facts: Mapping[str, PageFacts],
        known: Mapping[str, PageFacts | None],
        found: dict[str, PageFacts],
    ) -> None:
        for page_id, said in facts.items():
            if page_id in known:  # nobody promises that an answer has no others
                found[page_id] = self._complete(said, known[page_id])
                self.meet(said)

    def _complete(self, said: PageFacts, known: PageFacts | None) -> PageFacts:
        """Add what is known and cannot have changed; without it, details are still lacking."""
        if said.is_detailed or known is None or not known.is_detailed:
            return said
        if said.version != known.version and self._labels_matter:
            return said
        with self._lock:
            if said.author_id not in self._authors:
                return said
            return replace(said, labels=known.labels, author=self._authors[said.author_id])

    def _complain(self, error: ConfluenceError, build: int) -> None:
        with self._lock:
            # What was asked for a build that is over has failed because it is over.
            is_first = build == self._build and not self._has_warned
            self._has_warned = self._has_warned or is_first
        if is_first:
            self._warn(
                "Confluence did not say which pages have changed, so those whose copies have "
                f"expired are exported. {error}"
            )


def make_versions(
    environment: Environment,
    site: str,
    *,
    patience: Patience,
    warn: Callable[[str], None],
    labels_matter: bool = False,
) -> Versions | None:
    """Make what asks for versions, if the environment has credentials for it.

    Args:
        environment: Has the credentials.
        site: The site's origin; empty if it is not known.
        patience: How long is waited for what.
        warn: Is told what went wrong.
        labels_matter: As `Versions` has it.
    """
    if environment.rest_credentials is None:
        return None
    if not site:
        warn(
            "CONFLUENCE_MD_EMAIL and CONFLUENCE_MD_API_TOKEN are of no use without the option "
            "`site`: Confluence cannot be asked which pages have changed. Write the host of your "
            "Confluence site into mkdocs.yml: `site: acme.atlassian.net`."
        )
        return None
    rest = ConfluenceRest(site, environment.rest_credentials, environment.trust, patience=patience)
    return Versions(rest, warn=warn, labels_matter=labels_matter)


def is_unchanged(kept: PageFacts | None, now: PageFacts | None) -> bool:
    """Tell whether a page has the version with which a copy of it was kept."""
    return bool(kept and now and kept.version and kept.version == now.version)


def _is_new(known: PageFacts | None) -> bool:
    return known is None or not known.is_detailed
