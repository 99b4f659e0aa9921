"""The contents of attachments: how much is in memory, how much there is, and what becomes of it."""

from __future__ import annotations

import gc
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_confluence_md.errors import FailureError
from mkdocs_confluence_md.network.spooling import Content, Contents, NoRoomError

if TYPE_CHECKING:
    from collections.abc import Iterator

MEMORY, TOTAL = 10, 25


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@given(st.lists(st.one_of(st.binary(max_size=12), st.none()), max_size=20))
def test_no_more_is_held_than_there_may_be(steps: list[bytes | None]) -> None:
    """None lets go of the oldest content."""
    contents = Contents(memory_bytes=MEMORY, total_bytes=TOTAL)
    held: list[Content] = []
    for data in steps:
        if data is None:
            del held[:1]
            continue
        size = sum(len(each) for each in {content.read() for content in held})
        try:
            held.append(contents.hold(iter([data[:3], data[3:]]), len(data)))
        except NoRoomError:
            assert size + len(data) > TOTAL
        else:
            assert held[-1].read() == data
            assert held[-1].size == len(data)
            assert contents.find(held[-1].digest) is held[-1]
        check_room(held)


def check_room(held: list[Content]) -> None:
    different = {content.digest: content for content in held}.values()
    assert sum(content.size for content in different) <= TOTAL
    assert sum(len(content.data) for content in different) <= MEMORY
    files = {Path(content.path) for content in different if content.path}
    assert set(Path(tempfile.gettempdir()).iterdir()) == files


def test_what_is_not_needed_any_more_gives_its_room_back(temporary: Path) -> None:
    contents = Contents(memory_bytes=0, total_bytes=3)
    first = contents.hold([b"abc"], 3)
    with pytest.raises(NoRoomError):
        contents.hold([b"def"], 3)
    assert Path(first.path).stat().st_mode & 0o777 == 0o600

    del first
    gc.collect()
    assert not list(temporary.iterdir())
    assert contents.hold([b"def"], 3).read() == b"def"


@pytest.mark.parametrize("memory_bytes", [0, 100])
def test_what_breaks_off_leaves_nothing(temporary: Path, memory_bytes: int) -> None:
    def break_off() -> Iterator[bytes]:
        yield b"abc"
        raise RuntimeError

    contents = Contents(memory_bytes=memory_bytes, total_bytes=3)
    with pytest.raises(RuntimeError):
        contents.hold(break_off(), 3)
    assert not list(temporary.iterdir())
    assert contents.hold([b"abc"], 3).read() == b"abc"


def test_a_directory_that_cannot_be_written_to_is_named(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(temporary / "gone"))
    with pytest.raises(FailureError, match=r"could not be written to .*gone: No such file"):
        Contents(memory_bytes=0).hold([b"abc"], 3)
