"""Versions: what is not exported again because it has not changed, and what is kept of pages."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, get_args

import pytest

from clients import make_version_client
from mkdocs_confluence_md.auth.environment import read_environment
from mkdocs_confluence_md.auth.token_refresh import make_auth
from mkdocs_confluence_md.cache.policy import ExportCache
from mkdocs_confluence_md.confluence.exporter import Exporter
from mkdocs_confluence_md.confluence.models import PageFacts, read_facts, write_facts
from mkdocs_confluence_md.fetch.fetcher import ConfluenceSource, Fetcher
from mkdocs_confluence_md.fetch.results import Origin
from mkdocs_confluence_md.network.urls import ApiAddress
from projects import CALM, STEADY
from standin import Account, PageRecord
from standin.faults import ConnectionFault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from standin import StandIn
    from standin.cloud import TokenKind

THOUSAND = [str(number) for number in range(1, 1001)]
TWO_LISTS = THOUSAND[:251]
"""More than fit into one question."""

OTTO = Account("557058:otto", "Otto")
V2 = "/wiki/api/v2/pages"
SEARCH = "/wiki/rest/api/content/search"
USERS = "/wiki/api/v2/users-bulk"


@pytest.fixture
def pages() -> dict[str, str]:
    return {}


# Requests are counted, which must not depend on how busy the machine is.


class Builds:
    """Builds of a site: one library each, on the same cache."""

    def __init__(self, standin: StandIn, directory: Path) -> None:
        self.patience = STEADY
        self.warnings: list[str] = []
        self.libraries: list[Fetcher] = []
        self._standin = standin
        self._directory = directory
        self._environment = {
            "CONFLUENCE_MD_ACCESS_TOKEN": standin.oauth.issue_access_token(),
            "CONFLUENCE_MD_API_URL": standin.url,
            **standin.rest_environment(),
        }

    def open(
        self,
        *,
        max_age: float = 0.0,
        offline: bool = False,
        credentials: bool = True,
        labels_matter: bool = False,
    ) -> Fetcher:
        hidden = () if credentials else self._standin.rest_environment()
        environment = read_environment(
            {name: value for name, value in self._environment.items() if name not in hidden}
        )
        address = ApiAddress(self._standin.url, gateway="site")
        exporter = Exporter(address, make_auth(environment), concurrency=4, patience=self.patience)
        cache = ExportCache(self._directory, warn=pytest.fail)
        source = ConfluenceSource(
            exporter,
            cache,
            max_age=max_age,
            offline=offline,
            versions=make_version_client(
                environment,
                exporter,
                cache,
                warn=self.warnings.append,
                labels_matter=labels_matter,
                patience=self.patience,
            ),
        )
        library = Fetcher(source, threads=8)
        self.libraries.append(library)
        return library

    def build(
        self, page_ids: list[str], **options: bool | float
    ) -> tuple[dict[str, PageFacts | None], set[Origin]]:
        """Fetch pages with a library of their own; return what is known, and the origins."""
        self._standin.clear()
        library = self.open(**options)  # type: ignore[arg-type]  # of the right types
        library.start(page_ids)
        origins = {page.origin for page in library.wait_for_pages()}
        facts = library.find_facts()
        library.close()
        return facts, origins

    def close(self) -> None:
        for library in self.libraries:
            library.close()


@pytest.fixture
def builds(standin: StandIn, tmp_path: Path) -> Iterator[Builds]:
    builds = Builds(standin, tmp_path / "cache")
    yield builds
    standin.stop()  # frees what still hangs
    builds.close()


def paths(standin: StandIn) -> list[str]:
    return sorted(request.path for request in standin.requests if "/wiki/" in request.path)


# What is asked


def test_a_thousand_unchanged_pages_are_four_requests(standin: StandIn, builds: Builds) -> None:
    builds.patience = CALM
    standin.pages.add(*(PageRecord(each, f"# Page {each}\n") for each in THOUSAND))
    builds.build(THOUSAND)
    assert paths(standin) == [V2] * 4 + [USERS]  # which name is asked for once
    assert set(standin.exports()) == set(THOUSAND)

    facts, origins = builds.build(THOUSAND)
    assert [request.path for request in standin.requests] == [V2] * 4
    assert origins == {Origin.CONFIRMED}
    assert facts["7"] == PageFacts(
        "7", "Page 7", 1, "2025-01-01T00:00:00.000Z", "557058:jane", "Jane Doe"
    )

    standin.pages.edit("500", "# Page 500, again\n")
    facts, origins = builds.build(THOUSAND)
    assert paths(standin) == [V2] * 4
    assert standin.exports() == ["500"]
    assert origins == {Origin.CONFIRMED, Origin.EXPORTED}
    changed = facts["500"]
    assert changed is not None
    assert (changed.version, changed.author) == (2, "Jane Doe")
    assert builds.warnings == []


def test_fresh_copies_cause_no_request(standin: StandIn, builds: Builds) -> None:
    standin.pages.add(PageRecord("1", "# One\n", labels=("a",)))
    builds.build(["1"])
    facts, origins = builds.build(["1"], max_age=60.0)

    assert (standin.requests, origins) == ([], {Origin.CACHE})
    assert facts["1"] is not None
    assert facts["1"].author == "Jane Doe"


def test_a_confirmed_copy_is_fresh_for_as_long_as_a_new_one(
    standin: StandIn, builds: Builds
) -> None:
    standin.pages.add(PageRecord("1", "# One\n"))
    builds.build(["1"])
    library = builds.open()
    library.start(["1"])
    first = library.wait_for("1")
    assert first.origin is Origin.CONFIRMED
    builds.build(["1"], max_age=60.0)
    assert standin.requests == []


def test_offline_and_without_credentials_the_same_is_known(
    standin: StandIn, builds: Builds
) -> None:
    standin.pages.add(PageRecord("1", "# One\n", labels=("a",), author=OTTO))
    known, _ = builds.build(["1"])
    for options in {"offline": True}, {"credentials": False}:
        facts, _ = builds.build(["1"], **options)
        assert facts == known
        assert standin.rest_requests() == []
    standin.pages.edit("1", "# One, again\n")
    # Nobody can tell what holds for this text.
    assert builds.build(["1"], credentials=False)[0] == {"1": None}
    facts, _ = builds.build(["1"])
    assert facts["1"] is not None
    assert facts["1"].version == 2
    assert paths(standin) == [V2, USERS]


def test_a_stale_copy_keeps_what_was_known_of_it(standin: StandIn, builds: Builds) -> None:
    standin.pages.add(PageRecord("1", "# One\n", labels=("a",)))
    known, _ = builds.build(["1"])
    standin.pages.edit("1", "# One, again\n")
    standin.faults.answer(503)
    facts, origins = builds.build(["1"])

    assert (facts, origins) == (known, {Origin.STALE})


def test_an_author_who_is_not_known_is_asked_for(standin: StandIn, builds: Builds) -> None:
    standin.pages.add(PageRecord("1", "# One\n"), PageRecord("2", "# Two\n"))
    builds.build(["1", "2"])
    standin.pages.edit("1", "# One, by Otto\n", author=OTTO)
    facts, _ = builds.build(["1", "2"])
    assert paths(standin) == [V2, USERS]
    assert facts["1"] is not None
    assert facts["1"].author == "Otto"

    standin.pages.edit("2", "# Two, by Otto\n", author=OTTO)
    facts, _ = builds.build(["1", "2"])
    assert paths(standin) == [V2]
    assert facts["2"] is not None
    assert facts["2"].author == "Otto"


@pytest.mark.parametrize(
    ("labels_matter", "labels", "requests"),
    [(False, ("old",), [V2]), (True, ("new",), [V2, SEARCH])],
)
def test_labels_of_a_changed_page_are_asked_for_where_they_are_shown(
    standin: StandIn,
    builds: Builds,
    labels_matter: bool,  # noqa: FBT001  pytest passes it by name
    labels: tuple[str, ...],
    requests: list[str],
) -> None:
    standin.pages.add(PageRecord("1", "# One\n", labels=("old",)))
    builds.build(["1"], labels_matter=True)
    standin.pages.add(PageRecord("1", "# One, again\n", labels=("new",), version=2))
    facts, _ = builds.build(["1"], labels_matter=labels_matter)

    assert paths(standin) == requests
    assert facts["1"] is not None
    assert facts["1"].labels == labels


def test_new_pages_are_asked_for_with_the_others(standin: StandIn, builds: Builds) -> None:
    builds.patience = CALM
    standin.pages.add(*(PageRecord(each, "# A page\n") for each in THOUSAND[:252]))
    builds.build(THOUSAND[:250])
    builds.build(THOUSAND[:252])

    assert paths(standin) == [V2, V2]
    assert sorted(standin.exports()) == ["251", "252"]


def test_pages_that_the_account_may_not_see_are_exported(standin: StandIn, builds: Builds) -> None:
    standin.pages.add(PageRecord("1", "# One\n"), PageRecord("2", "# Two\n"))
    builds.build(["1", "2"])
    standin.faults.answer(200, route="rest", body={"results": []})
    facts, origins = builds.build(["1", "2"])

    assert origins == {Origin.EXPORTED}
    assert facts["1"] is not None  # the text is the same, so what was known of it holds
    assert builds.warnings == []


def test_what_was_said_already_is_not_asked_again(standin: StandIn, builds: Builds) -> None:
    standin.pages.add(PageRecord("1", "# One\n"), PageRecord("2", "# Two\n"))
    facts, _ = builds.build(["1", "2"])
    told = {page_id: each for page_id, each in facts.items() if each}
    standin.clear()
    library = builds.open()
    library.start([])
    library.add(["1", "2"], told)
    assert [page.origin for page in library.wait_for_pages()] == [Origin.CONFIRMED] * 2
    assert standin.requests == []
    # For another build it may be something else by now.
    library.start(["1", "2"])
    library.wait_for_pages()
    assert paths(standin) == [V2]


def test_a_page_that_is_known_to_have_changed_is_exported_however_young_its_copy_is(
    standin: StandIn, builds: Builds
) -> None:
    standin.pages.add(PageRecord("1", "# One\n"), PageRecord("2", "# Two\n"))
    builds.build(["1", "2"])
    standin.clear()
    library = builds.open(max_age=3600.0)
    standin.pages.edit("1", "# One, again\n")
    library.expire({"1": PageFacts("1", "One, again", 2, "2025-02-01", "557058:jane")})
    library.start(["1", "2"])

    assert library.wait_for("1").markdown == "# One, again\n"
    assert library.wait_for("2").origin is Origin.CACHE
    assert [request.path.rpartition("/")[2] for request in standin.requests] == ["singleExport"]
    library.start(["1"])
    assert library.wait_for("1").origin is Origin.CACHE


# Failures


def test_a_failure_is_one_warning_and_pages_are_exported(standin: StandIn, builds: Builds) -> None:
    standin.pages.add(*(PageRecord(each, "# A page\n") for each in THOUSAND[:600]))
    builds.build(THOUSAND[:600])
    standin.faults.answer(503, route="rest")
    facts, origins = builds.build(THOUSAND[:600])

    assert origins == {Origin.EXPORTED}
    assert None not in facts.values()
    [warning] = builds.warnings
    # Requests that give up because another one failed have no trace ID of their own.
    warning = re.sub(r" \[atl-traceid: [0-9a-f]+\]", "", warning)
    host = standin.url.removeprefix("http://")
    assert warning == (
        "Confluence did not say which pages have changed. Pages whose copies have expired are "
        "exported again; trees are as last listed, or exported as a whole. "
        f"{host} failed to answer (503). Try again later; https://status.atlassian.com "
        "says whether it is a known problem. “Service Unavailable”"
    )


def test_what_is_asked_for_a_build_that_is_over_is_no_failure(
    standin: StandIn, builds: Builds
) -> None:
    standin.pages.add(PageRecord("1", "# One\n"))
    builds.build(["1"])
    standin.clear()
    standin.faults.connection("hang", route="rest")
    library = builds.open()
    library.start(["1"])
    assert standin.wait_for_requests(V2, 1)
    library.close()
    standin.stop()

    assert builds.warnings == []


def test_without_labels_and_names_a_version_still_counts(standin: StandIn, builds: Builds) -> None:
    standin.pages.add(PageRecord("1", "# One\n"))
    builds.build(["1"])
    standin.pages.edit("1", "# One, by Otto\n", author=OTTO)
    standin.faults.answer(503, route="search")
    standin.faults.answer(503, route="users")
    facts, origins = builds.build(["1"], labels_matter=True)

    assert origins == {Origin.EXPORTED}
    assert facts["1"] is not None
    assert (facts["1"].version, facts["1"].labels, facts["1"].author) == (2, None, None)
    assert builds.warnings == []  # a site can do without
    standin.faults.clear()
    facts, origins = builds.build(["1"], labels_matter=True)
    assert origins == {Origin.CONFIRMED}
    assert facts["1"] is not None
    assert (facts["1"].author, facts["1"].labels) == ("Otto", ())


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_refused_search_is_silent_and_not_made_again(
    standin: StandIn, builds: Builds, status: int
) -> None:
    builds.patience = CALM
    standin.pages.add(*(PageRecord(each, f"# Page {each}\n") for each in TWO_LISTS))
    standin.faults.answer(
        status, route="search", body={"message": "This deprecated endpoint has been removed."}
    )
    builds.build(TWO_LISTS, labels_matter=True)
    facts, origins = builds.build(TWO_LISTS, labels_matter=True)

    assert [request.path for request in standin.requests] == [V2] * 2
    assert origins == {Origin.CONFIRMED}
    assert facts["7"] == PageFacts(
        "7", "Page 7", 1, "2025-01-01T00:00:00.000Z", "557058:jane", "Jane Doe"
    )
    assert builds.warnings == []


@pytest.mark.parametrize("kind", ["classic", "scoped", "service account"])
def test_where_the_token_works_is_remembered_by_the_next_build(
    standin: StandIn, tmp_path: Path, kind: TokenKind
) -> None:
    standin.cloud.token_kind = kind
    standin.pages.add(*(PageRecord(each, f"# Page {each}\n") for each in TWO_LISTS))
    builds = Builds(standin, tmp_path / "cache")
    builds.patience = CALM
    builds.build(TWO_LISTS)
    assert len(paths(standin)) == 2 + 1 + (kind == "scoped")
    _, origins = builds.build(TWO_LISTS)
    builds.close()

    assert origins == {Origin.CONFIRMED}
    prefix = "" if kind == "classic" else f"/ex/confluence/{standin.cloud_id}"
    assert [request.path for request in standin.requests] == [prefix + V2] * 2


def test_refused_names_are_not_asked_for_again(standin: StandIn, builds: Builds) -> None:
    standin.pages.add(PageRecord("1", "# One\n"))
    standin.faults.answer(403, route="users")
    builds.build(["1"])
    facts, _ = builds.build(["1"])

    assert paths(standin) == [V2]
    assert facts["1"] is not None
    assert facts["1"].author is None


def test_an_author_without_a_name_is_not_asked_for_again(standin: StandIn, builds: Builds) -> None:
    standin.pages.add(PageRecord("1", "# One\n"))
    nameless = {"accountId": "557058:jane", "displayName": ""}
    standin.faults.answer(200, route="users", body={"results": [nameless]})
    builds.build(["1"])
    facts, _ = builds.build(["1"])

    assert paths(standin) == [V2]
    assert facts["1"] is not None
    assert facts["1"].author == ""


def test_an_author_of_whom_nothing_is_said_stays_unknown_for_a_while(
    standin: StandIn, builds: Builds
) -> None:
    standin.pages.add(PageRecord("1", "# One\n"))
    standin.faults.answer(200, route="users", body={"results": []})
    builds.build(["1"])
    facts, _ = builds.build(["1"])
    assert paths(standin) == [V2]
    assert facts["1"] is not None
    assert facts["1"].author is None


def test_a_new_token_is_asked_what_the_old_one_was_refused(
    standin: StandIn, tmp_path: Path
) -> None:
    standin.pages.add(PageRecord("1", "# One\n", labels=("a",)))
    standin.faults.answer(401, route="search")
    for scopes, labels in (("old", None), ("new", ("a",))):
        builds = Builds(standin, tmp_path / "cache")
        facts, _ = builds.build(["1"], labels_matter=True)
        builds.close()
        assert facts["1"] is not None, scopes
        assert facts["1"].labels == labels
        standin.faults.clear()
        standin.cloud.api_token = "ATATT3x-a-new-token"


def test_labels_that_were_known_stay_when_they_are_not_told_any_more(
    standin: StandIn, builds: Builds
) -> None:
    standin.pages.add(PageRecord("1", "# One\n", labels=("ops",)))
    builds.build(["1"], labels_matter=True)
    standin.faults.answer(410, route="search")
    standin.pages.edit("1", "# One, again\n")
    facts, _ = builds.build(["1"], labels_matter=True)

    assert facts["1"] is not None
    assert (facts["1"].version, facts["1"].labels) == (2, ("ops",))


def test_an_export_cannot_say_what_only_this_api_says(standin: StandIn, builds: Builds) -> None:
    facts = write_facts(PageFacts("1", "<script>", 1, labels=()))
    standin.faults.answer(200, body="# One\n", headers={"X-Confluence-Facts": facts})

    assert builds.build(["1"], credentials=False)[0] == {"1": None}
    assert builds.build(["1"], offline=True)[0] == {"1": None}


# What is kept


@pytest.mark.parametrize(
    "facts", [PageFacts("1"), PageFacts("1", "Ü\n", 3, "2025", "a", "Jane", ("x", "é"))]
)
def test_facts_are_written_and_read(facts: PageFacts) -> None:
    text = write_facts(facts)

    assert text.isascii()
    assert text.isprintable()
    assert read_facts(text) == facts


@pytest.mark.parametrize(
    "text",
    ["", "x", "[]", "{}", '{"labels": null}', "[" * 9000,
     write_facts(PageFacts("1")).replace("null", "7"),
     write_facts(PageFacts("1")).replace("null", "[7]"),
     write_facts(PageFacts("1", version=7)).replace("7", '"7"'),
     write_facts(PageFacts("1")).replace('"author"', '"owner"')],
)  # fmt: skip
def test_what_are_no_facts(text: str) -> None:
    assert read_facts(text) is None


# Everything that goes wrong on the way

FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "wrong token": ({"status": 401}, "does not accept the account's API token"),
    "forbidden": ({"status": 403}, "does not accept the account's API token"),
    "no such address": ({"status": 404}, "refused to answer"),
    "throttled": ({"status": 429}, "receives too many requests"),
    "throttled for an hour": (
        {"status": 429, "headers": {"Retry-After": "3600"}},
        "asks to wait 3600 seconds",
    ),
    "500": ({"status": 500}, "failed to answer (500)"),
    "502": ({"status": 502}, "failed to answer (502)"),
    "503": ({"status": 503}, "failed to answer (503)"),
    "504": ({"status": 504}, "failed to answer (504)"),
    "redirect": ({"status": 302, "headers": {"Location": "http://localhost/"}}, "refused"),
    "web page": (
        {"status": 200, "body": "<html>", "content_type": "text/html"},
        "web page instead of JSON",
    ),
    "picture": ({"status": 200, "body": b"\x89PNG\r\n"}, "is not readable text"),
    "empty body": ({"status": 200, "body": b""}, "is not a list of pages"),
    "20 MB": ({"status": 200, "body": b" " * 20_000_000}, "larger than 16 MB"),
}


@pytest.mark.parametrize("state", ["new", "expired"])
@pytest.mark.parametrize(("fault", "text"), FAULTS.values(), ids=FAULTS)
def test_a_bad_answer_is_one_warning(
    standin: StandIn, builds: Builds, fault: dict[str, Any], text: str, state: str
) -> None:
    standin.pages.add(PageRecord("1", "# One\n"), PageRecord("2", "# Two\n"))
    if state == "expired":
        builds.build(["1", "2"])
    standin.faults.answer(route="rest", **fault)
    _, origins = builds.build(["1", "2"])

    assert origins == {Origin.EXPORTED}
    [warning] = builds.warnings
    assert text in warning
    assert sorted(standin.exports()) == ["1", "2"]


@pytest.mark.parametrize("kind", get_args(ConnectionFault))
def test_a_broken_connection_is_one_warning(
    standin: StandIn, builds: Builds, kind: ConnectionFault
) -> None:
    standin.pages.add(PageRecord("1", "# One\n"), PageRecord("2", "# Two\n"))
    builds.build(["1", "2"])
    standin.faults.connection(kind, route="rest")
    # Exports, which come, have as long as what never comes.
    builds.patience = replace(STEADY, silence=3.0, answer=3.0)
    _, origins = builds.build(["1", "2"])

    assert origins == {Origin.EXPORTED}
    assert len(builds.warnings) == 1
    assert len(standin.exports()) == 2
