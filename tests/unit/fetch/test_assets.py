"""The files of a page: when they are asked for, how long they are kept, what fails harmlessly."""

from __future__ import annotations

import base64
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from archives import SAFE, make_zip
from mkdocs_confluence_md.auth.environment import read_environment
from mkdocs_confluence_md.auth.token_refresh import make_auth
from mkdocs_confluence_md.cache.policy import ExportCache
from mkdocs_confluence_md.cache.records import (
    AttachmentManifest,
    KeptFile,
    read_manifest,
    write_manifest,
)
from mkdocs_confluence_md.confluence.archive import Problem
from mkdocs_confluence_md.confluence.exporter import Exporter
from mkdocs_confluence_md.fetch.fetcher import ConfluenceSource, Fetcher
from mkdocs_confluence_md.fetch.results import Origin
from mkdocs_confluence_md.network.spooling import Contents
from mkdocs_confluence_md.network.urls import ApiAddress
from projects import STEADY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mkdocs_confluence_md.fetch.results import Assets
    from mkdocs_confluence_md.network.spooling import Spool
    from standin import StandIn

PAGE = "# Page\n\n![A](/wiki/download/attachments/301/a.png) and ![B](b.png)\n"
BOTH = {"301/a.png": b"picture a", "b.png": b"picture b"}


@pytest.fixture
def pages() -> dict[str, str]:
    return {
        "301": PAGE,
        "302": PAGE.replace("301", "302"),
        "303": "# Nothing\n\n[a page](https://acme.atlassian.net/wiki/spaces/A/pages/1)\n",
    }


@pytest.fixture
def standin(standin: StandIn) -> StandIn:
    for page in ("301", "302"):
        standin.pages.attachments[page] = {
            "a.png": b"picture a",
            "b.png": b"picture b",
            "unused.bin": b"not referred to",
        }
    return standin


@pytest.fixture
def open_library(standin: StandIn, tmp_path: Path) -> Iterator[Callable[..., Fetcher]]:
    """Return a function that opens a library on the stand-in, for one build."""
    opened: list[Fetcher] = []
    environment = read_environment(
        {
            "CONFLUENCE_MD_ACCESS_TOKEN": standin.oauth.issue_access_token(),
            "CONFLUENCE_MD_API_URL": standin.url,
        }
    )

    def open_again(
        *page_ids: str,
        kind: type[Exporter] = Exporter,
        **options: Any,  # noqa: ANN401  any option
    ) -> Fetcher:
        for library in opened:
            library.close()
        address = ApiAddress(standin.url, gateway="site")
        exporter = kind(address, make_auth(environment), concurrency=2, patience=STEADY)
        cache = ExportCache(tmp_path / "cache", warn=pytest.fail)
        source = ConfluenceSource(exporter, cache, **{"max_age": 60.0, **options})
        library = Fetcher(source, threads=4)
        opened.append(library)
        library.start(page_ids)
        return library

    yield open_again
    standin.stop()
    for library in opened:
        library.close()


def fetch(library: Fetcher, page: str = "301") -> Assets:
    assets = library.wait_for(page).assets
    assert assets is not None
    return assets


def contents(assets: Assets) -> dict[str, bytes]:
    return {key: asset.content.read() for key, asset in assets.files.items()}


def test_only_what_is_referred_to_is_fetched_by_one_more_request(
    standin: StandIn, open_library: Callable[..., Fetcher]
) -> None:
    library = open_library("301", "303")

    assert contents(fetch(library)) == BOTH
    assert library.wait_for("303").assets is None
    assert standin.bulk_exports() == ["301"]
    assert sorted(standin.exports()) == ["301", "303"]


def test_without_the_option_nothing_is_asked_for(
    standin: StandIn, open_library: Callable[..., Fetcher]
) -> None:
    assert open_library("301", attachments=False).wait_for("301").assets is None
    assert standin.bulk_exports() == []


def test_while_they_are_fresh_no_request_is_made(
    standin: StandIn, open_library: Callable[..., Fetcher]
) -> None:
    first = fetch(open_library("301"))
    standin.clear()

    assert contents(fetch(open_library("301"))) == contents(first)
    assert standin.requests == []


def test_files_that_pages_share_are_kept_once(
    open_library: Callable[..., Fetcher], tmp_path: Path
) -> None:
    library = open_library("301", "302")
    fetch(library, "301")
    fetch(library, "302")
    library.close()

    cache = (tmp_path / "cache" / "cache.db").read_bytes()
    assert cache.count(b"picture a") == 1
    assert b"not referred to" not in cache


def test_a_page_that_is_confirmed_says_nothing_of_its_attachments(
    standin: StandIn, open_library: Callable[..., Fetcher]
) -> None:
    standin.faults.etags = True
    fetch(open_library("301", max_age=0))
    standin.pages.attachments["301"]["a.png"] = b"replaced"

    library = open_library("301", max_age=0)

    assert library.wait_for("301").origin is Origin.CONFIRMED
    assert contents(fetch(library)) == {**BOTH, "301/a.png": b"replaced"}


def test_another_reference_in_the_page_asks_again_even_while_they_are_fresh(
    standin: StandIn, open_library: Callable[..., Fetcher], pages: dict[str, str]
) -> None:
    fetch(open_library("301"))
    pages["301"] += "\n[new](unused.bin)\n"
    # The page only: its attachments stay fresh.
    library = open_library("301", max_age=0)
    library.wait_for("301")

    assert fetch(open_library("301")).files["unused.bin"].content.read() == b"not referred to"
    assert standin.bulk_exports() == ["301"] * 2


def test_what_is_not_in_the_export_is_remembered_as_missing(
    standin: StandIn, open_library: Callable[..., Fetcher]
) -> None:
    del standin.pages.attachments["301"]["b.png"]
    for _ in range(2):
        assert contents(fetch(open_library("301"))) == {"301/a.png": b"picture a"}

    assert standin.bulk_exports() == ["301"]


ANSWERS: list[tuple[dict[str, Any], str]] = [
    ({"status": 500}, "HOST failed to answer (500)."),
    ({"status": 403}, "Access is denied (HOST answers 403)."),
    ({"status": 200, "body": {"success": False, "message": "too large"}},
     "The app could not export the page's attachments, says HOST."),
    ({"status": 200, "body": {"success": True}}, "The answer of HOST has no ZIP archive in it."),
    ({"status": 200, "body": {"zipBase64": None}}, "The answer of HOST has no ZIP archive in it."),
    ({"status": 200, "body": {"zipBase64": "UEsD*"}},
     "The answer of HOST has no ZIP archive in it."),
    ({"status": 200, "body": {"zipBase64": "UEsDBAo="}},
     "The export of the page's attachments is not a ZIP archive, or is damaged."),
    ({"status": 200, "body": {"zipBase64": base64.b64encode(make_zip(SAFE)[:-9]).decode()}},
     "The export of the page's attachments is not a ZIP archive, or is damaged."),
    ({"status": 200, "body": "<html>", "content_type": "text/html"},
     "HOST answered with a web page instead of an export."),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "message"), ANSWERS)
def test_no_failure_of_theirs_is_one_of_the_page(
    standin: StandIn, open_library: Callable[..., Fetcher], answer: dict[str, Any], message: str
) -> None:
    standin.faults.answer(route="bulk", **answer)
    library = open_library("301")

    assets = fetch(library)

    assert library.wait_for("301").markdown == PAGE
    assert assets.files == {}
    assert assets.error
    assert assets.error.what.replace(standin.url.removeprefix("http://"), "HOST") == message


def test_many_failures_do_not_make_an_outage_of_it(
    standin: StandIn, open_library: Callable[..., Fetcher], pages: dict[str, str]
) -> None:
    ids = [str(number) for number in range(401, 409)]
    pages.update(dict.fromkeys(ids, PAGE))
    standin.faults.answer(503, route="bulk")

    library = open_library(*ids)

    assert library.wait_for_errors() == {}
    assert {library.wait_for(page).origin for page in ids} == {Origin.EXPORTED}


def test_the_last_good_files_stand_in_for_a_failure_but_not_for_a_refusal(
    standin: StandIn, open_library: Callable[..., Fetcher]
) -> None:
    fetch(open_library("301"))
    standin.faults.answer(500, route="bulk", times=1)
    standin.faults.answer(403, route="bulk")

    stale = fetch(open_library("301", max_age=0))
    refused = fetch(open_library("301", max_age=0))

    assert contents(stale) == BOTH
    assert stale.error
    assert stale.age >= 0
    assert refused.files == {}


def test_a_page_that_is_a_copy_brings_its_files_along(
    standin: StandIn, open_library: Callable[..., Fetcher]
) -> None:
    fetch(open_library("301"))
    standin.faults.answer(500)
    standin.clear()

    library = open_library("301", max_age=0)

    assert contents(fetch(library)) == BOTH
    assert library.wait_for("301").origin is Origin.STALE
    assert standin.bulk_exports() == []


def test_offline_takes_what_there_is(
    standin: StandIn, open_library: Callable[..., Fetcher], pages: dict[str, str]
) -> None:
    fetch(open_library("301"))
    open_library("302", attachments=False).wait_for("302")
    pages.clear()
    standin.clear()

    library = open_library("301", "302", offline=True)

    assert contents(fetch(library)) == BOTH
    assert "cache has no copy of them" in str(fetch(library, "302").error)
    assert standin.requests == []


def test_files_that_are_damaged_or_gone_are_asked_for_again(
    standin: StandIn, open_library: Callable[..., Fetcher], tmp_path: Path
) -> None:
    fetch(open_library("301"))
    open_library().close()
    database = tmp_path / "cache" / "cache.db"
    database.write_bytes(database.read_bytes().replace(b"picture a", b"picture X"))

    assert contents(fetch(open_library("301"))) == BOTH
    assert standin.bulk_exports() == ["301"] * 2


class BrokenExporter(Exporter):
    """Raises what nobody expects."""

    def export_archive(self, base_url: str, page_id: str, *, attachments: bool) -> Spool:
        raise RuntimeError(f"boo {base_url} {page_id} {attachments}")


def test_a_mistake_of_ours_does_not_cost_the_page(open_library: Callable[..., Fetcher]) -> None:
    assets = fetch(open_library("301", kind=BrokenExporter))

    assert "Something unexpected happened: RuntimeError in test_assets.py" in str(assets.error)


def test_an_answer_with_files_may_be_larger_than_one_with_a_page(
    standin: StandIn, open_library: Callable[..., Fetcher]
) -> None:
    large = bytes(13_000_000)
    standin.pages.archives["301"] = make_zip(("a.png", large), compression=zipfile.ZIP_STORED)

    assets = fetch(open_library("301"))

    assert assets.error is None
    assert assets.files["301/a.png"].content.read() == large


def test_but_not_without_end(standin: StandIn, open_library: Callable[..., Fetcher]) -> None:
    standin.faults.answer(200, route="bulk", body=bytes(100_000_001))

    error = fetch(open_library("301")).error

    assert error
    assert error.what.endswith("is larger than 100 MB.")


def test_a_manifest_is_read_as_it_was_written_and_anything_else_is_none() -> None:
    manifest = AttachmentManifest(
        {"a": KeptFile("ü.png", "0f", 3)}, ("b",), (("it is damaged", "c"),)
    )

    assert read_manifest(write_manifest(manifest)) == manifest
    for text in ("", "[]", "{}", '{"files": {"a": 1}, "missing": [], "problems": []}', "[" * 10**5):
        assert read_manifest(text) is None


TOO_MANY = (Problem.NO_ROOM.value, "b.png")


def test_a_site_has_as_many_attachments_as_it_may(
    standin: StandIn, open_library: Callable[..., Fetcher]
) -> None:
    """With the second, there would be too much: from the export, and from the cache."""
    little = {"total_bytes": len(BOTH["301/a.png"])}
    exported = fetch(open_library("301", contents=Contents(**little)))
    assert contents(exported) == {"301/a.png": BOTH["301/a.png"]}
    assert exported.problems == (TOO_MANY,)

    assert contents(fetch(open_library("301", max_age=0.0))) == BOTH
    requests = len(standin.requests)
    kept = fetch(open_library("301", contents=Contents(**little)))
    assert len(contents(kept)) == 1
    assert [what for what, _ in kept.problems] == [Problem.NO_ROOM.value]
    assert len(standin.requests) == requests


def test_attachments_that_are_not_in_memory_are_kept_and_found_again(
    open_library: Callable[..., Fetcher],
) -> None:
    for _ in ("exported", "from the cache"):
        assets = fetch(open_library("301", contents=Contents(memory_bytes=0)))
        assert all(asset.content.path and not asset.content.data for asset in assets.files.values())
        assert contents(assets) == BOTH
