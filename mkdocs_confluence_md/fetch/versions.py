"""Find out by Confluence's REST API which cached pages are still current.

One request covers about 250 pages, where an export covers one: an expired copy whose version is
still the page's is as good as a new export. Names of authors, and labels where the site shows
them, are requested only when they may have changed.

It is optional: where it fails, pages are exported as without it, with one warning.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from mkdocs_confluence_md.auth.sign_ins import hash_text
from mkdocs_confluence_md.confluence.models import divide
from mkdocs_confluence_md.errors import ConfluenceError, FailureError
from mkdocs_confluence_md.fetch.threads import Late
from mkdocs_confluence_md.network.redaction import remember_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import httpx

    from mkdocs_confluence_md.auth.environment import Environment
    from mkdocs_confluence_md.cache.policy import ExportCache
    from mkdocs_confluence_md.confluence.models import PageFacts
    from mkdocs_confluence_md.confluence.rest import CloudIds, ConfluenceRest, Memory
    from mkdocs_confluence_md.network.throttling import Patience
    from mkdocs_confluence_md.network.urls import ApiAddress


_T = TypeVar("_T")

_REFUSED = "refused"
_UNKNOWN = "unknown"


class Versions:
    """Asks for what is known of pages now. Safe to use from many threads.

    Args:
        rest: Is asked.
        memory: Which questions were refused before: they are not asked again.
        warn: Is told, once a build, what went wrong: then pages are exported as without it.
        labels_matter: The site shows labels, so those of a page that has changed are asked for.
        labels_decide: They decide which pages the site has, so they are asked for each time.
    """

    def __init__(
        self,
        rest: Late[ConfluenceRest],
        memory: Memory,
        *,
        warn: Callable[[str], None],
        labels_matter: bool = False,
        labels_decide: bool = False,
    ) -> None:
        self._rest = rest
        self._memory = memory
        self._warn = warn
        self._labels_matter = labels_matter
        self._labels_decide = labels_decide
        self._lock = threading.Lock()
        self._asking_names = threading.Lock()
        self._build = 0
        self._has_warned = False
        self._learned: dict[str, PageFacts] = {}
        self._names: dict[str, str] = {}
        """Of authors, by account ID; empty for one that has none."""
        self._unanswered: set[str] = set()
        """Questions that were not answered in this build."""

    @property
    def rest(self) -> ConfluenceRest:
        """The client."""
        return self._rest.get()

    def begin_build(self) -> None:
        """Forget what was learned for the last build, and look at an outage anew."""
        with self._lock:
            self._build += 1
            self._has_warned = False
            self._learned = {}
            self._unanswered = set()
        if self._rest.made:
            self._rest.made.begin_build()

    def learn(self, facts: Mapping[str, PageFacts]) -> None:
        """Take what somebody else has just asked for; this build does not ask for it again."""
        with self._lock:
            self._learned.update(facts)

    def meet(self, facts: PageFacts | None) -> None:
        """Remember the author of a page, whose name need not be asked for again."""
        if facts and facts.author_id and facts.author is not None:
            with self._lock:
                self._names.setdefault(facts.author_id, facts.author)

    def divide(self, page_ids: Iterable[str]) -> Iterator[list[str]]:
        """Divide pages into groups of which each is one request."""
        yield from divide(page_ids)

    def find(self, known: Mapping[str, PageFacts | None]) -> dict[str, PageFacts]:
        """Return what is said of pages now, completed by what was known.

        Pages of which nothing is said, for whatever reason, are left out: only an export can tell
        more of them.

        Args:
            known: What was kept with the copies; None where there is no copy, or nothing.
        """
        build = self._build
        with self._lock:
            found = {each: self._learned[each] for each in known if each in self._learned}
        try:
            said = self.rest.describe_pages(each for each in known if each not in found)
        except ConfluenceError as error:
            self.report(error, build)
            return found
        # An answer may have other pages, too.
        found |= {each: said[each] for each in known if each in said}
        completed = {each: self._recall(facts, known[each]) for each, facts in found.items()}
        labelled = self._add_labels(completed)
        for page_id, facts in labelled.items():
            before = known[page_id]
            if facts.labels is None and before:  # what is not told now is what it was
                labelled[page_id] = replace(facts, labels=before.labels)
        return self._add_names(labelled)

    def report(self, error: ConfluenceError, build: int | None = None) -> None:
        """Warn once a build that the API is done without.

        Args:
            error: Why.
            build: In which it was asked; None for the present one.
        """
        with self._lock:
            # What was asked for a build that is over has failed because it is over.
            is_first = build in (None, self._build) and not self._has_warned
            self._has_warned = self._has_warned or is_first
        if is_first:
            self._warn(
                "Confluence did not say which pages have changed. Pages whose copies have expired "
                "are exported again; trees are as last listed, or exported as a whole. "
                f"{error.full_text()}"
            )

    def close(self) -> None:
        """Close the connections; what fails for that is not told."""
        with self._lock:
            self._has_warned = True
        if rest := self._rest.stop():
            rest.close()

    def _recall(self, said: PageFacts, known: PageFacts | None) -> PageFacts:
        """Add the labels that are known and cannot have changed."""
        # A page has the same version when it gets or loses a label.
        is_same = known is not None and said.version == known.version and not self._labels_decide
        if known is None or (self._labels_matter and not is_same):
            return said
        return replace(said, labels=known.labels)

    def _add_labels(self, found: dict[str, PageFacts]) -> dict[str, PageFacts]:
        lacking = [each for each in found if found[each].labels is None]
        if not self._labels_matter or not lacking:
            return found
        told = self._ask("labels", lambda: self.rest.find_labels(lacking)) or {}
        for details in told.values():
            self.meet(details)
        return {
            page_id: replace(facts, labels=told[page_id].labels) if page_id in told else facts
            for page_id, facts in found.items()
        }

    def _add_names(self, found: dict[str, PageFacts]) -> dict[str, PageFacts]:
        authors = {facts.author_id for facts in found.values() if facts.author_id}
        # One thread asks, and the others have the answer then.
        with self._asking_names:
            unknown = [each for each in sorted(authors - self._names.keys())
                       if self._memory.recall(_name_note(each)) != _UNKNOWN]  # fmt: skip
            told = self._ask("names", lambda: self.rest.find_names(unknown)) if unknown else {}
            if told is not None:
                with self._lock:
                    self._names |= told
                for each in unknown:
                    if each not in told:
                        self._memory.remember(_name_note(each), _UNKNOWN)
        return {
            page_id: replace(facts, author=self._names.get(facts.author_id))
            for page_id, facts in found.items()
        }

    def _ask(self, question: str, ask: Callable[[], dict[str, _T]]) -> dict[str, _T] | None:
        """Ask for what a site can do without; None if there is no answer.

        A refusal is remembered, because a token may lack the scope, and the search may be removed.
        """
        if question in self._unanswered or self._memory.recall(question) == _REFUSED:
            return None
        try:
            return ask()
        except FailureError:
            self._unanswered.add(question)
        except ConfluenceError:
            self._memory.remember(question, _REFUSED)
        return None


def make_versions(  # noqa: PLR0913  it has that many settings
    environment: Environment,
    address: ApiAddress,
    *,
    cloud_ids: CloudIds,
    cache: ExportCache,
    patience: Patience,
    warn: Callable[[str], None],
    labels_matter: bool = False,
    labels_decide: bool = False,
) -> Versions | None:
    """Make what asks for versions, if the environment has credentials for it.

    Args:
        environment: Has the credentials.
        address: Where site and gateway are.
        cloud_ids: Where the site's cloud ID is known.
        cache: Keeps what was found out about the API.
        patience: How long is waited for what.
        warn: Is told what went wrong.
        labels_matter: As `Versions` has it.
        labels_decide: The same.
    """
    credentials = environment.rest_credentials
    if credentials is None:
        return None
    # What was found out is about this token, and not about the next one of the same account.
    token = hash_text(f"{credentials.email} {credentials.api_token}")
    memory = CacheMemory(cache, address, token)
    remember_secrets(credentials.api_token)
    if not _is_site_known(address):
        warn(
            "CONFLUENCE_MD_EMAIL and CONFLUENCE_MD_API_TOKEN have no effect without the option "
            "`site`: Confluence cannot be asked which pages have changed. Write the host of your "
            "Confluence site into mkdocs.yml: `site: acme.atlassian.net`."
        )
        return None

    def make() -> ConfluenceRest:
        rest = make_rest(environment, address, cloud_ids, memory, patience)
        assert rest  # noqa: S101  there are credentials, and the site is known
        return rest

    return Versions(
        Late(make),
        memory,
        warn=warn,
        labels_matter=labels_matter,
        labels_decide=labels_decide,
    )


def _name_note(account_id: str) -> str:
    return f"name-{hash_text(account_id)}"


_DAY_SECONDS = 86400.0


class CacheMemory:
    """Notes about the REST API in the cache, for a day: then it is asked anew.

    Args:
        cache: Keeps them.
        address: Of what they are about.
        account: Whose token they are about: a hash.
    """

    def __init__(self, cache: ExportCache, address: ApiAddress, account: str) -> None:
        self._cache = cache
        origin = address.find_site() or f"{address.api_url}/{address.find_cloud_id()}"
        self._url = f"{origin}/wiki/api/v2"
        self._account = account

    def recall(self, name: str) -> str:
        """Return a note; empty if there is none, or if it is older than a day."""
        copy = self._cache.find(f"{self._url}?note={name}", self._account, _DAY_SECONDS)
        return copy.text if copy and copy.fresh else ""

    def remember(self, name: str, text: str) -> None:
        """Keep a note."""
        self._cache.keep(f"{self._url}?note={name}", self._account, text, {})


def make_rest(  # noqa: PLR0913  it has that many settings
    environment: Environment,
    address: ApiAddress,
    cloud_ids: CloudIds,
    memory: Memory,
    patience: Patience,
    *,
    observe: Callable[[httpx.Response], None] | None = None,
) -> ConfluenceRest | None:
    """Return the client, if the environment has an API token and the site is known.

    Args:
        environment: Has the API token.
        address: Where site and gateway are.
        cloud_ids: Where the site's cloud ID is known.
        memory: What was found out before.
        patience: How long is waited for what.
        observe: Is told of each response.
    """
    credentials, trust = environment.rest_credentials, environment.trust
    if credentials is None or not _is_site_known(address):
        return None
    from mkdocs_confluence_md.confluence.rest import (  # noqa: PLC0415  with an HTTP client
        ConfluenceRest,
        RestBases,
    )

    # The token of a service account works at the gateway only.
    at_site = bool(credentials.email)
    site = address.find_site()
    bases = RestBases(site, environment.api_url, cloud_ids, trust, memory, at_site=at_site)
    return ConfluenceRest(bases, credentials, trust, patience=patience, observe=observe)


def _is_site_known(address: ApiAddress) -> bool:
    return bool(address.find_site() or address.find_cloud_id())
