"""The library: when pages are fetched, and what waits for what."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import httpx
import pytest

from mkdocs_confluence_md.auth.environment import read_environment
from mkdocs_confluence_md.auth.token_refresh import make_auth
from mkdocs_confluence_md.cache.policy import ExportCache
from mkdocs_confluence_md.confluence.exporter import Exporter
from mkdocs_confluence_md.errors import FailureError, NoAccessError
from mkdocs_confluence_md.fetch.fetcher import ConfluenceSource, Fetcher
from mkdocs_confluence_md.fetch.results import Origin
from mkdocs_confluence_md.network.urls import ApiAddress
from projects import STEADY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from standin import StandIn


@pytest.fixture
def open_library(standin: StandIn, tmp_path: Path) -> Iterator[Callable[..., Fetcher]]:
    """Return a function that opens a library on the stand-in."""
    opened = []
    environment = read_environment(
        {
            "CONFLUENCE_MD_ACCESS_TOKEN": standin.oauth.issue_access_token(),
            "CONFLUENCE_MD_API_URL": standin.url,
        }
    )

    def open_again(
        *, concurrency: int = 2, max_age: float = 60.0, offline: bool = False
    ) -> Fetcher:
        source = ConfluenceSource(
            Exporter(
                ApiAddress(standin.url, gateway="site"),
                make_auth(environment),
                concurrency=concurrency,
                patience=STEADY,
            ),
            ExportCache(tmp_path / "cache", warn=pytest.fail),
            max_age=max_age,
            offline=offline,
        )
        library = Fetcher(source, threads=2 * concurrency)
        opened.append(library)
        return library

    yield open_again
    standin.stop()  # frees what still hangs
    for library in opened:
        library.close()


def test_a_page_is_there_while_another_is_still_under_way(
    standin: StandIn, open_library: Callable[..., Fetcher]
) -> None:
    standin.faults.connection("hang", page_id="102")
    library = open_library()
    library.start(["102", "101"])

    assert library.wait_for("101").markdown.startswith("# Deploy")


def test_fetching_begins_before_anybody_waits(
    standin: StandIn, open_library: Callable[..., Fetcher]
) -> None:
    open_library().start(["101"])

    assert standin.wait_for_exports(1)


def test_a_page_wanted_twice_is_exported_once(
    standin: StandIn, open_library: Callable[..., Fetcher]
) -> None:
    library = open_library(max_age=0)
    library.start(["101", "101", "102", "101"])
    library.wait_for_errors()

    assert sorted(standin.exports()) == ["101", "102"]


def test_no_more_pages_are_in_flight_than_concurrency_allows(
    standin: StandIn, open_library: Callable[..., Fetcher]
) -> None:
    standin.faults.hold()
    library = open_library(concurrency=3)
    library.start(["101", "102", "103", "104"])
    assert standin.wait_for_exports(3)
    assert not standin.wait_for_exports(4, timeout=0.05)
    standin.faults.release()

    assert library.wait_for_errors() == {}
    assert standin.peak_exports == 3


def test_more_than_eight_are_in_flight_while_nothing_speaks_against_it(
    standin: StandIn, open_library: Callable[..., Fetcher]
) -> None:
    standin.faults.hold()
    library = open_library(concurrency=64)
    library.start(map(str, range(1000, 1030)))
    with ThreadPoolExecutor(1) as site:
        errors = site.submit(library.wait_for_errors)
        assert standin.wait_for_exports(9)
        standin.faults.release()
        assert len(errors.result()) == 30


def test_how_many_were_in_flight_is_kept_in_the_cache(
    standin: StandIn, open_library: Callable[..., Fetcher], tmp_path: Path
) -> None:
    library = open_library(concurrency=64)
    library.start(map(str, range(1000, 1030)))
    library.wait_for_errors()
    library.close()

    with closing(ExportCache(tmp_path / "cache", warn=pytest.fail)) as cache:
        [(name, limit)] = cache.find_limits().items()
    assert name.startswith(standin.url)
    assert 8 <= limit <= 64
    library.close()  # which may be closed twice


def test_each_failing_page_keeps_its_own_error(
    standin: StandIn, open_library: Callable[..., Fetcher]
) -> None:
    standin.faults.missing = {"101"}
    standin.faults.answer(503, page_id="102")
    library = open_library()
    library.start(["101", "102", "103"])

    errors = library.wait_for_errors()

    assert {page: type(error) for page, error in errors.items()} == {
        "101": NoAccessError,
        "102": FailureError,
    }
    assert library.wait_for_pages() == [library.wait_for("103")]


def test_another_build_asks_again_for_what_is_not_fresh(
    standin: StandIn, open_library: Callable[..., Fetcher]
) -> None:
    library = open_library(max_age=0)
    for _ in range(2):
        library.start(["101"])
        library.wait_for("101")

    assert standin.exports() == ["101", "101"]


def test_another_build_while_pages_are_fresh_needs_neither_the_network_nor_the_store(
    standin: StandIn, open_library: Callable[..., Fetcher], tmp_path: Path
) -> None:
    library = open_library()
    library.start(["101", "102"])
    assert [page.origin for page in library.wait_for_pages()] == [Origin.EXPORTED] * 2
    standin.clear()
    (tmp_path / "cache" / "cache.db").write_bytes(b"")

    library.start(["102", "101"])

    pages = library.wait_for_pages()
    assert [page.origin for page in pages] == [Origin.CACHE] * 2
    assert pages[1].markdown.startswith("# Deploy")
    assert standin.requests == []


def test_a_build_that_wants_something_else_begins_while_an_earlier_one_is_dropped(
    standin: StandIn, open_library: Callable[..., Fetcher]
) -> None:
    standin.faults.hold()
    library = open_library(concurrency=1)
    library.start(["101", "102"])
    standin.wait_for_exports(1)
    standin.faults.release()
    library.start(["103"])

    assert library.wait_for("103").markdown.startswith("Owner")


def test_pages_that_nobody_has_begun_to_fetch_can_be_cancelled(
    standin: StandIn, open_library: Callable[..., Fetcher]
) -> None:
    standin.faults.hold()
    library = open_library(concurrency=1)
    library.start(["101", "102", "103", "104"])
    standin.wait_for_exports(1)
    library.cancel()
    standin.faults.release()
    library.close()

    assert len(standin.exports()) <= 2


def test_no_thread_is_left_when_it_is_closed(open_library: Callable[..., Fetcher]) -> None:
    library = open_library()
    library.start(["101"])
    library.wait_for("101")
    library.close()

    assert not [t for t in threading.enumerate() if t.name.startswith("confluence-md")]


def test_offline_names_what_was_never_fetched(
    standin: StandIn, open_library: Callable[..., Fetcher]
) -> None:
    library = open_library(offline=True)
    library.start(["101"])

    with pytest.raises(FailureError, match=r"cache has no copy of this page, and `offline`"):
        library.wait_for("101")
    assert standin.requests == []


@pytest.mark.parametrize(
    ("answer", "markdown"),
    [
        ({"body": "# Plain\n", "content_type": "text/plain; charset=utf-8"}, "# Plain\n"),
        ({"body": "# Umläut\n".encode("latin-1"), "content_type": "text/plain; charset=latin-1"},
         "# Umläut\n"),
        ({"body": '"# A JSON string\\n"', "content_type": "application/json"}, "# A JSON string\n"),
        ({"body": {"markdown": "# Field\n"}}, "# Field\n"),
        ({"body": {"success": True, "content": "# Field\n"}}, "# Field\n"),
        ({"body": {"body": "# Field\n"}}, "# Field\n"),
    ],
)  # fmt: skip
def test_the_markdown_is_found_in_every_form_of_answer(
    standin: StandIn, open_library: Callable[..., Fetcher], answer: dict[str, str], markdown: str
) -> None:
    standin.faults.answer(200, **answer)  # type: ignore[arg-type]  # a table of keywords
    library = open_library()
    library.start(["101"])

    assert library.wait_for("101").markdown == markdown


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"body": "<html>Log in</html>", "content_type": "text/html"},
         "answered with a web page instead of Markdown. Check the options `site` and "
         "`base_url`; a proxy may also want you to log in."),
        ({"body": b"\xff\xfe\xfa"}, "is not readable text. Try again later, or report the trace "
         "ID to the app's support."),
        ({"body": " \n"}, "is empty. Try again later; a page that really is empty needs some "
         "text in Confluence."),
        ({"body": {"success": False, "message": "Page is a draft"}}, "The app could not export "
         "the page, says HOST. Export it by hand in Confluence to see whether the app can "
         "read it."),
        ({"body": {"pages": 3}}, "has no Markdown in it. Check for a newer version of "
         "mkdocs-confluence-md: the API may have changed."),
    ],
)  # fmt: skip
def test_an_answer_that_is_no_page_is_an_error_and_not_kept(
    standin: StandIn,
    open_library: Callable[..., Fetcher],
    answer: dict[str, str],
    message: str,
) -> None:
    standin.faults.answer(200, times=1, **answer)  # type: ignore[arg-type]  # a table of keywords
    library = open_library()
    library.start(["101"])

    error = library.wait_for_errors()["101"]

    assert message in str(error).replace(httpx.URL(standin.url).netloc.decode(), "HOST")
    library.start(["101"])
    assert library.wait_for("101").markdown.startswith("# Deploy")


@pytest.mark.parametrize(
    ("status", "headers", "message", "tries"),
    [
        (
            429,
            {"Retry-After": "7"},
            "HOST receives too many requests and asks to wait 7 seconds",
            1,
        ),
        (500, {}, "HOST failed to answer (500).", 1),
        (503, {}, "HOST failed to answer (503).", 5),
        (
            302,
            {"Location": "https://evil.example/"},
            "The export was refused (HOST answers 302)",
            1,
        ),
        (400, {}, "The export was refused (HOST answers 400).", 1),
        (410, {}, "There is no such page, or the account may not see it (HOST answers 410).", 1),
    ],
)
def test_answers_that_are_no_success(  # noqa: PLR0913, PLR0917  a table
    standin: StandIn,
    open_library: Callable[..., Fetcher],
    status: int,
    headers: dict[str, str],
    message: str,
    tries: int,
) -> None:
    standin.faults.answer(status, headers=headers)
    library = open_library()
    library.start(["101"])

    error = str(library.wait_for_errors()["101"])

    assert error.replace(httpx.URL(standin.url).netloc.decode(), "HOST").startswith(message)
    assert len(standin.exports()) == tries


@pytest.mark.parametrize("kind", ["cut", "cut-in-body", "short-body"])
def test_a_broken_connection_is_a_failure_with_a_reason(
    standin: StandIn, open_library: Callable[..., Fetcher], kind: str
) -> None:
    standin.faults.connection(kind)  # type: ignore[arg-type]  # one of its literals
    library = open_library()
    library.start(["101"])

    assert " did not arrive completely: " in str(library.wait_for_errors()["101"])


def test_a_service_that_repeats_the_token_does_not_make_us_print_it(
    standin: StandIn, open_library: Callable[..., Fetcher]
) -> None:
    token = standin.oauth.secrets()
    library = open_library()
    secret = next(each for each in standin.oauth.secrets() if each.count(".") == 2)
    standin.faults.answer(500, body={"message": f"bad token {secret}"})
    library.start(["101"])

    error = library.wait_for_errors()["101"]

    assert "“bad token …”" in error.detail
    assert not [each for each in token if each in repr(error)]
