"""What is recognised as fresh without CacheControl is what CacheControl finds fresh."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgpack
import pytest
from cachecontrol.controller import CacheController
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_confluence_md.cache.controller import Judge, write_copy
from mkdocs_confluence_md.cache.policy import read_fresh
from mkdocs_confluence_md.cache.records import copy_key, page_resource

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = copy_key(page_resource("https://api.example.com/x", "1"), "abc")
HEADERS = {"etag": '"1"', "last-modified": "Sun, 06 Nov 1994 08:49:37 GMT"}


def write(age: float, text: str = "# Page\n") -> bytes:
    return write_copy(KEY, text, HEADERS, lambda: time.time() - age)[KEY]


def change(value: bytes, edit: Callable[[dict[str, Any]], object]) -> bytes:
    stored = msgpack.loads(value.removeprefix(b"cc=4,"), raw=False)
    edit(stored)
    packed: bytes = msgpack.dumps(stored, use_bin_type=True)
    return b"cc=4," + packed


# Seconds from each other, so that no test depends on when a second ends.
@given(st.integers(-50, 50).map(lambda n: n * 10 + 5), st.integers(0, 50).map(lambda n: n * 10))
def test_fresh_is_what_cachecontrol_finds_fresh(age: int, max_age: int) -> None:
    value, now = write(age), time.time()

    copy = read_fresh(value, max_age, lambda: now)

    judged = Judge({KEY: value}).judge(KEY, max_age, lambda: now)
    assert judged is not None
    assert (copy is not None) == judged.fresh
    assert copy in (None, judged)


@pytest.mark.parametrize("max_age", [60.0, 1e9, float("inf")])
def test_a_young_copy_is_read_as_it_was_written(max_age: float) -> None:
    copy = read_fresh(write(5, "Ä"), max_age, time.time)

    assert copy is not None
    assert (copy.text, copy.headers, copy.fresh) == ("Ä", HEADERS, True)
    assert copy.age == pytest.approx(5, abs=3)


@pytest.mark.parametrize(
    "edit",
    [
        lambda stored: stored["response"].update(status=404),
        lambda stored: stored["response"].update(status=301),
        lambda stored: stored["response"].update(body="text"),
        lambda stored: stored["response"].update(body=b"\xff"),
        lambda stored: stored["response"]["headers"].pop("date"),
        lambda stored: stored["response"]["headers"].update(date="yesterday"),
        lambda stored: stored["response"]["headers"].update({"cache-control": "no-store"}),
        lambda stored: stored.update(vary={"*": ""}),
        lambda stored: stored.pop("vary"),
        lambda stored: stored.pop("response"),
    ],
)
def test_anything_else_is_for_cachecontrol(edit: Callable[[dict[str, Any]], object]) -> None:
    value = write(5)

    assert read_fresh(value, 60.0, time.time)
    assert read_fresh(change(value, edit), 60.0, time.time) is None


@pytest.mark.parametrize("value", [b"", b"cc=4,", b"cc=3,{}", b"cc=4,\xc1", b"cc=4,\x01", b"text"])
def test_what_is_no_answer_is_for_cachecontrol(value: bytes) -> None:
    assert read_fresh(value, 60.0, time.time) is None


@pytest.mark.parametrize(
    "resource",
    [
        "https://acme.atlassian.net/_edge/tenant_info",
        "HTTPS://ACME.atlassian.net/A",
        "http://127.0.0.1:8000",
        "http://[::1]:8000?note=Names",
        page_resource("https://api.atlassian.com/svc/confluence/ID/apps/A_B", "123"),
    ],
)
def test_a_key_is_the_url_that_cachecontrol_makes_of_it(resource: str) -> None:
    key = copy_key(resource, "abc")

    assert key == CacheController.cache_url(key)
    assert key.endswith("account=abc")
