"""Large answers: on disk instead of in memory, and gone with their last use."""

from __future__ import annotations

import base64
import gc
import os
import tempfile
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from archives import make_zip
from mkdocs_confluence_md.auth.environment import read_environment
from mkdocs_confluence_md.auth.token_refresh import make_auth
from mkdocs_confluence_md.cache.policy import ExportCache
from mkdocs_confluence_md.confluence.archive import read_archive
from mkdocs_confluence_md.confluence.exporter import Exporter
from mkdocs_confluence_md.errors import ConfluenceError, FailureError
from mkdocs_confluence_md.network.spooling import MEMORY_BYTES, Spool, make_digest
from mkdocs_confluence_md.network.urls import ApiAddress
from projects import CALM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from standin import StandIn
    from standin.faults import ConnectionFault

MANY = MEMORY_BYTES + 1


def find_files() -> list[os.stat_result]:
    """Return the temporary files of spools that this process has open."""
    found = []
    for link in Path("/proc/self/fd").iterdir():
        try:
            target = str(link.readlink())
            status = link.stat()
        except OSError:  # that of the directory itself
            continue
        if target.startswith(tempfile.gettempdir()) and target.endswith(" (deleted)"):
            found.append(status)
    return found


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "temporary"
    directory.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(directory))
    return directory


@pytest.fixture
def exporter(standin: StandIn) -> Iterator[Exporter]:
    environment = read_environment(
        {
            "CONFLUENCE_MD_ACCESS_TOKEN": standin.oauth.issue_access_token(),
            "CONFLUENCE_MD_API_URL": standin.url,
        }
    )
    address = ApiAddress(standin.url, gateway="site")
    auth = make_auth(environment)
    with closing(Exporter(address, auth, concurrency=COUNT, patience=CALM)) as opened:
        yield opened


@pytest.fixture
def export(exporter: Exporter) -> Callable[..., Spool]:
    """Return a function that exports a page with its attachments."""
    base_url = exporter.address.make_base_url()
    return lambda page_id="101": exporter.export_archive(base_url, page_id, attachments=True)


def make_large_zip() -> bytes:
    return make_zip(("a.bin", os.urandom(MANY)))


# What is in a spool


@pytest.mark.parametrize("size", [0, 10, MANY])
def test_what_is_spooled_is_read_as_often_as_it_is_wanted(size: int) -> None:
    data = os.urandom(size)
    spool = Spool([data[:7], data[7:]])

    for _ in range(2):
        assert spool.read() == data
        assert b"".join(spool) == data
    assert spool.read_at(3, 4) == data[3:7]
    assert spool.read_at(size, 4) == b""
    assert spool.size == size


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="shows which files are open")
def test_much_is_in_a_file_without_a_name_that_is_ours_alone(temporary: Path) -> None:
    little, much = Spool([bytes(MEMORY_BYTES)]), Spool([bytes(MEMORY_BYTES), b"."])

    assert little.size == MEMORY_BYTES
    assert list(temporary.iterdir()) == []
    [status] = find_files()
    assert status.st_mode & 0o777 == 0o600
    assert status.st_size == much.size == MANY

    del much
    gc.collect()
    assert find_files() == []


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="shows which files are open")
def test_what_breaks_off_leaves_nothing() -> None:
    def break_off() -> Iterator[bytes]:
        yield bytes(MANY)
        raise RuntimeError

    with pytest.raises(RuntimeError) as caught:
        Spool(break_off())

    assert caught.tb  # which still has the frame
    assert find_files() == []


def test_a_directory_that_cannot_be_written_to_is_named(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(temporary / "gone"))

    with pytest.raises(FailureError, match=r"could not be written to .*gone: No such file"):
        Spool([bytes(MANY)])


def test_an_archive_is_read_from_where_it_is() -> None:
    data = make_large_zip()

    archive = read_archive(Spool([data]))

    assert archive == read_archive(data)
    [entry] = archive.assets
    assert archive.read(entry) == read_archive(data).read(entry)


def test_what_is_spooled_is_kept_in_the_cache_as_bytes_are(tmp_path: Path) -> None:
    data = os.urandom(MANY)
    spool = Spool([data])
    digest = make_digest(spool)
    with closing(ExportCache(tmp_path / "cache", warn=pytest.fail)) as cache:
        cache.keep_files({digest: spool})

        assert cache.read_files([digest]) == {make_digest(data): data}


# Answers


@pytest.mark.parametrize("kind", ["cut-in-body", "short-body"])
def test_a_large_answer_that_breaks_off_is_asked_for_again(
    standin: StandIn, export: Callable[..., Spool], kind: ConnectionFault
) -> None:
    data = make_large_zip()
    standin.pages.archives["101"] = data
    standin.faults.connection(kind, route="bulk", times=1)

    assert export().read() == data
    assert standin.bulk_exports() == ["101"] * 2


@pytest.mark.parametrize("is_json", [True, False])
def test_an_archive_is_the_same_in_both_forms(
    standin: StandIn, export: Callable[..., Spool], *, is_json: bool
) -> None:
    data = make_large_zip()
    standin.pages.archives["101"] = data
    if not is_json:
        standin.faults.answer(200, route="bulk", body=data)

    assert export().read() == data


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="shows which files are open")
@pytest.mark.parametrize(
    "answer",
    [
        {"body": b"<html>" + bytes(MANY)},
        {"body": b"\xff" * MANY},
        {"body": {"success": False, "message": "too large", "zipBase64": "A" * MANY}},
        {"body": {"success": True, "zipBase64": "%" * MANY}},
        {"body": {"success": True, "zipBase64": "AAA=" * MANY}},
        {"body": b"PK\x03\x04" + bytes(100_000_000)},
    ],
    ids=["web page", "no text", "refusal", "no base64", "padding between", "too large"],
)
def test_an_error_keeps_nothing_of_a_large_answer(
    standin: StandIn, export: Callable[..., Spool], answer: dict[str, Any]
) -> None:
    standin.faults.answer(200, route="bulk", **answer)
    tracemalloc.start()
    try:
        with pytest.raises(ConfluenceError) as caught:
            export()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert caught.tb  # which still has the frames
    assert kept < MEMORY_BYTES
    assert find_files() == []


SIZE, COUNT = 8_000_000, 8


@pytest.mark.parametrize("is_json", [True, False])
def test_of_many_large_answers_little_is_in_memory(
    standin: StandIn, export: Callable[..., Spool], *, is_json: bool
) -> None:
    """All of them are there, and never was as much in memory as they have."""
    data = make_zip(("a.bin", os.urandom(SIZE)))
    body = {"success": True, "zipBase64": base64.b64encode(data).decode()} if is_json else data
    standin.faults.answer(200, route="bulk", body=body)
    tracemalloc.start()
    try:
        with ThreadPoolExecutor(COUNT) as threads:
            exports = list(threads.map(export, ["101"] * COUNT))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert [each.size for each in exports] == [len(data)] * COUNT
    assert peak < COUNT * SIZE
