"""A pull that is killed at different steps, for `test_swapping.py` and `test_killed_pull.py`.

python puller.py DIRECTORY TIMES [apart]
python puller.py DIRECTORY TIMES ALPHA.yml OMEGA.yml

It replaces one pulled site by another one, again and again, and is killed in between. Each time,
what is there must be one of the two. The first form writes two sites, step by step; `apart` is a
system that cannot exchange two names in one step. The second runs the whole command, with the
configurations of two sites, and is killed at random steps.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import tempfile
import traceback
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import mkdocs_confluence_md
from mkdocs_confluence_md.cli import cli
from mkdocs_confluence_md.fetch.snapshot import MANIFEST, read_snapshot_manifest
from mkdocs_confluence_md.network.spooling import make_digest
from mkdocs_confluence_md.pull import writer
from mkdocs_confluence_md.pull.puller import PulledSite
from mkdocs_confluence_md.pull.writer import SnapshotWriter, SwappedDirectory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import FrameType

    Pull = Callable[[], None]

ALPHA, OMEGA = "alpha", "omega"
NOTHING: frozenset[str] = frozenset()
PACKAGE = Path(mkdocs_confluence_md.__file__).parent
WRITING = frozenset(str(module.__file__) for module in (writer, shutil, tempfile))
EVERYTHING = WRITING | {str(path) for path in PACKAGE.rglob("*.py")}
CHANCE = random.Random(7)  # noqa: S311  no secret
FOREIGN = {"notes/mine.txt": "mine", "site/index.html": "built"}


def make_site(name: str) -> PulledSite:
    """Make a site whose files are other ones than those of another."""
    files = {f"docs/{name}/{number}.md": f"{name} {number}".encode() for number in range(5)}
    return PulledSite({**files, "docs/both.md": b"both", "mkdocs.yml": name.encode()})


@dataclass(frozen=True)
class Moment:
    """How it is chosen when a pull is killed."""

    watched: frozenset[str]
    """The files whose lines count as steps."""
    choose: Callable[[float, int], int]
    """Returns a step, given how much of the whole test is done and how many steps there are."""


def evenly(share: float, total: int) -> int:
    """Choose steps from the first one on."""
    return 1 + int(share * total)


def randomly(share: float, total: int) -> int:
    """Choose any step."""
    del share
    return CHANCE.randrange(1, total)


class Steps:
    """Counts the lines that a process executes, and kills it at one of them."""

    def __init__(self, watched: frozenset[str], last: int | None) -> None:
        self.count = 0
        self._watched = watched
        self._last = last

    def __call__(self, frame: FrameType, event: str, arg: object) -> Steps | None:
        """Trace a line: `sys.settrace`."""
        del arg
        if frame.f_code.co_filename not in self._watched:
            return None
        if event == "line":
            self.count += 1
            if self.count == self._last:
                os.kill(os.getpid(), signal.SIGKILL)
        return self


def write(directory: Path, name: str, *, apart: bool) -> None:
    """Write a site as `pull` does it."""
    exchange = (lambda _, __: False) if apart else None
    writer = SnapshotWriter(directory, SwappedDirectory(directory, exchange=exchange))
    writer.open()
    writer.check_changes()
    writer.write(make_site(name), 0.0)


def run_command(directory: Path, config_file: str) -> None:
    """Pull a site as people do."""
    cli.main(["pull", "-f", config_file, str(directory)], standalone_mode=False)


def run_child(pull: Pull, watched: frozenset[str], last: int | None = None) -> tuple[int, int]:
    """Pull in a forked process; return how it ended (negative: the signal), and its steps."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        steps = Steps(watched, last)
        # Being looked at makes a whole pull several times as slow.
        if watched:
            sys.settrace(steps)
        try:
            pull()
        except BaseException:  # the rest of this script is the parent's  # noqa: BLE001
            traceback.print_exc()
            os._exit(1)
        sys.settrace(None)
        os.write(writer, str(steps.count).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        said = pipe.read()
    exit_code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if exit_code > 0:
        sys.exit("a pull failed")
    return exit_code, int(said or 0)


def look(directory: Path) -> str:
    """Say which site is there, or what is wrong with it."""
    if not directory.exists():
        return "nothing"
    manifest = read_snapshot_manifest(directory)
    for path, digest in manifest.files.items():
        if make_digest((directory / path).read_bytes()) != digest:
            return f"another {path}"
    found = {
        path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()
    }
    if found != {*manifest.files, MANIFEST, *FOREIGN}:
        return f"other files: {sorted(found)}"
    if any((directory / path).read_text() != text for path, text in FOREIGN.items()):
        return "others' files were changed"
    names = [name for name in (ALPHA, OMEGA) if name in (directory / "mkdocs.yml").read_text()]
    return " and ".join(names)


def main(directory: Path, pulls: Mapping[str, Pull], moments: Sequence[Moment], times: int) -> None:
    """Kill it so many times; print what was there each time, and after the next pull.

    Args:
        directory: Where it pulls to.
        pulls: The two sites.
        moments: When it is killed, in turns.
        times: How often.
    """
    run_child(pulls[ALPHA], NOTHING)
    for path, text in FOREIGN.items():
        (directory / path).parent.mkdir()
        (directory / path).write_text(text)
    old, new = ALPHA, OMEGA
    totals = []
    for moment in moments:
        _, total = run_child(pulls[new], moment.watched)
        totals.append(total)
        old, new = new, old
    results = []
    for number in range(times):
        turn = number % len(moments)
        step = moments[turn].choose(number / times, totals[turn])
        ended, _ = run_child(pulls[new], moments[turn].watched, step)
        there = {old: "old", new: "new"}.get(found := look(directory), found)
        run_child(pulls[new], NOTHING)
        left = [path.name for path in directory.parent.iterdir() if path != directory]
        whole = look(directory) == new
        results.append([ended == -signal.SIGKILL, there, whole, left])
        old, new = new, old
    json.dump({"steps": min(totals), "results": results}, sys.stdout)


if __name__ == "__main__":
    target, count, *others = Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]
    if others in ([], ["apart"]):
        names = (ALPHA, OMEGA)
        writes = {name: partial(write, target, name, apart=bool(others)) for name in names}
        main(target, writes, [Moment(WRITING, evenly)], count)
    else:
        files = zip((ALPHA, OMEGA), others, strict=True)
        commands = {name: partial(run_command, target, file) for name, file in files}
        main(target, commands, [Moment(EVERYTHING, randomly), Moment(WRITING, randomly)], count)
