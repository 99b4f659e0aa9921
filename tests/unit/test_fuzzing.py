"""Damaged inputs for all that reads what others write: some of those of `make fuzz`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks import fuzzing
from benchmarks.fuzz_targets import TARGETS, Target
from benchmarks.fuzzing import Hunt, reproduce, write_finding
from mkdocs_confluence_md.errors import ConfluenceError, SettingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

EXAMPLES = {"parser": 600, "zip": 1500, "answers": 1000, "cache": 600, "manifest": 1500, "nav": 250}
"""So many take some ten seconds each."""


@pytest.mark.parametrize("name", TARGETS)
def test_no_input_raises_another_error(name: str) -> None:
    target = TARGETS[name]
    with target.open() as try_input:

        @settings(
            max_examples=EXAMPLES[name],
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(target.inputs)
        def attempt(value: Any) -> None:  # noqa: ANN401  an input
            try:
                try_input(value)
            except ConfluenceError:
                return

        attempt()


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_valid_is_tried_too(name: str) -> None:
    target = TARGETS[name]
    with target.open() as try_input:
        for content in target.seeds[:20]:
            try_input(target.read(content))


@contextmanager
def open_odd() -> Iterator[Callable[[Any], None]]:
    def read(value: int) -> None:
        if value % 2:
            raise SettingError("It is odd.", "Write another one.")
        if value > 500:
            raise KeyError(value)

    yield read


ODD = Target(st.integers(0, 10_000), open_odd, len)


def test_what_is_found_is_small_and_written_to_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(TARGETS, "odd", ODD)
    hunt = Hunt("odd", ODD)
    with ODD.open() as read:
        for number in (1, 2):
            hunt.run(read, number, 200)

    [(place, finding)] = hunt.findings.items()
    assert (finding.value, place.partition(":")[0]) == (502, "KeyError in test_fuzzing.py")
    assert hunt.tried > 200
    path = write_finding(finding)
    assert path.read_text() == f"# odd: {place}\n502\n"
    assert reproduce(path) == 1
    assert "KeyError: 502" in capsys.readouterr().err


def test_what_takes_too_long_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def wait(_: object) -> None:
        while True:
            pass

    monkeypatch.setattr(fuzzing, "_MOST_SECONDS", 1)

    finding = fuzzing.try_one("odd", wait, 1)

    assert finding
    assert finding.place.startswith("TooSlowError")
