"""`python -m benchmarks.fuzzing`: give all that reads what others write an hour of odd inputs.

Hypothesis makes them: pages, archives, answers, rows of the cache, manifests and configurations
that are nearly valid (`fuzz_inputs.py`). What reads them (`fuzz_targets.py`) may raise a
`ConfluenceError`, and nothing else. What else it raises is printed and makes the exit code 1, and
the input is written to a file in the current folder: `--reproduce FILE` tries it again.

`python -m benchmarks.fuzz_atheris` searches for inputs of bytes with another engine.
"""

from __future__ import annotations

import argparse
import ast
import logging
import os
import random
import signal
import sys
import time
import traceback
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, seed, settings

from benchmarks.fuzz_targets import TARGETS
from mkdocs_confluence_md.errors import ConfluenceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.fuzz_targets import Target

_PACKAGE = "mkdocs_confluence_md"
_ROUND = 200
"""Examples of one seed: with more, Hypothesis varies what it has tried."""
_MOST_SECONDS = 60
"""For one input."""
_SHRINKING_SECONDS = 20


class EnoughError(BaseException):
    """What was found is small enough; Hypothesis lets it through."""


class TooSlowError(BaseException):
    """An input takes longer than any should; not an `Exception`, so that nothing catches it."""


@dataclass(frozen=True)
class Finding:
    """An input that something raised a wrong error for."""

    target: str
    value: Any
    error: BaseException

    @property
    def place(self) -> str:
        """What was raised, and the line of ours that is nearest to it: one bug, as a rule."""
        frames = traceback.extract_tb(self.error.__traceback__)
        ours = [frame for frame in frames if f"/{_PACKAGE}/" in frame.filename] or frames
        where = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""
        return f"{type(self.error).__name__} in {where}"


@dataclass
class Hunt:
    """What was tried at a target, and what was found."""

    name: str
    target: Target
    tried: int = 0
    findings: dict[str, Finding] = field(default_factory=dict)
    """By place."""

    def run(self, try_input: Callable[[Any], None], number: int, examples: int) -> None:
        """Try as many inputs as Hypothesis makes with a seed; what it finds, it makes small."""
        found: Finding | None = None
        found_at = 0.0

        def attempt(value: Any) -> None:  # noqa: ANN401  an input
            nonlocal found, found_at
            self.tried += 1
            finding = try_one(self.name, try_input, value)
            if finding and finding.place not in self.findings:
                found, found_at = finding, found_at or time.monotonic()
                if time.monotonic() > found_at + _SHRINKING_SECONDS:
                    raise EnoughError
                raise finding.error

        test = seed(number)(
            settings(
                max_examples=examples, database=None, deadline=None, print_blob=False,
                report_multiple_bugs=False, suppress_health_check=list(HealthCheck),
            )(given(self.target.inputs)(attempt))
        )  # fmt: skip
        try:
            test()
        except BaseException:
            if found is None:
                raise
            self.findings[found.place] = found


def try_one(name: str, try_input: Callable[[Any], None], value: Any) -> Finding | None:  # noqa: ANN401  an input
    """Try an input; return what it shows, if it shows anything."""
    try:
        with limit_seconds():
            try_input(value)
    except ConfluenceError:
        return None
    except (Exception, TooSlowError) as error:  # noqa: BLE001  that is what is looked for
        return Finding(name, value, error)
    return None


@contextmanager
def limit_seconds() -> Iterator[None]:
    """End what takes too long, where the system can."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def end(*_: object) -> None:
        raise TooSlowError(f"it takes more than {_MOST_SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(_MOST_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def hunt(name: str, seconds: float, number: int) -> Hunt:
    """Try inputs until the time is over, with rising seeds."""
    result = Hunt(name, TARGETS[name])
    until = time.monotonic() + seconds
    with result.target.open() as try_input:
        while time.monotonic() < until:
            result.run(try_input, number, _ROUND)
            number += 1
    return result


def write_finding(finding: Finding) -> Path:
    """Write an input to a file of the current folder, for `--reproduce`."""
    text = f"# {finding.target}: {finding.place}\n{finding.value!r}\n"
    number = 1
    while (path := Path(f"fuzzed-{finding.target}-{number}.txt")).exists():
        number += 1
    path.write_text(text, encoding="utf-8", errors="backslashreplace")
    return path


def reproduce(path: Path) -> int:
    """Try the input in a file again; return 1 if it still shows something."""
    head, _, text = path.read_text(encoding="utf-8").partition("\n")
    name = head.removeprefix("# ").partition(":")[0]
    with TARGETS[name].open() as try_input:
        finding = try_one(name, try_input, ast.literal_eval(text))
    if finding is None:
        print(f"{name}: nothing any more")
        return 0
    traceback.print_exception(finding.error)
    return 1


def main() -> int:
    """Try inputs and print what was found; return 1 if anything was."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzzing")
    parser.add_argument("--minutes", type=float, default=60.0, help="in all (60)")
    parser.add_argument("--target", choices=list(TARGETS), action="append", help="of several, each")
    parser.add_argument("--seed", type=int, help="the first one, for the same inputs again")
    parser.add_argument("--reproduce", type=Path, metavar="FILE", help="try one input again")
    arguments = parser.parse_args()
    logging.disable()
    warnings.simplefilter("ignore")
    os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"  # nobody's real one
    if arguments.reproduce:
        return reproduce(arguments.reproduce)
    names = arguments.target or list(TARGETS)
    number = random.randrange(10**9) if arguments.seed is None else arguments.seed  # noqa: S311  not a secret
    seconds = arguments.minutes * 60 / len(names)
    print(f"{seconds:.0f} seconds for each target, from the seed {number} on", flush=True)
    is_fine = True
    for name in names:
        result = hunt(name, seconds, number)
        print(f"{name:10}{result.tried:>10,} inputs, {len(result.findings)} found", flush=True)
        for place, finding in result.findings.items():
            is_fine = False
            print(f"  {place}: {finding.error}"[:300])
            print(f"    {write_finding(finding)}", flush=True)
    return 0 if is_fine else 1


if __name__ == "__main__":
    sys.exit(main())
