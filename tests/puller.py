"""A pull that is killed at different steps, for `test_swapping.py`.

python puller.py DIRECTORY TIMES [apart]

It replaces one pulled site by another one, again and again, and is killed in between; `apart` is a
system that cannot exchange two names in one step. Each time, what is there must be one of the two.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs_confluence_md import swapping, writing
from mkdocs_confluence_md.manifest import make_digest
from mkdocs_confluence_md.pulling import PulledSite
from mkdocs_confluence_md.snapshot import MANIFEST, read_manifest
from mkdocs_confluence_md.swapping import SwappedDirectory
from mkdocs_confluence_md.writing import SnapshotWriter

if TYPE_CHECKING:
    from types import FrameType

WATCHED = {str(module.__file__) for module in (swapping, writing, shutil, tempfile)}
FOREIGN = {"notes/mine.txt": "mine", "site/index.html": "built"}


def make_site(name: str) -> PulledSite:
    """Make a site whose files are other ones than those of another."""
    files = {f"docs/{name}/{number}.md": f"{name} {number}".encode() for number in range(5)}
    return PulledSite({**files, "docs/both.md": b"both", "mkdocs.yml": name.encode()})


class Steps:
    """Counts the lines that a process executes, and kills it at one of them."""

    def __init__(self, last: int | None) -> None:
        self.count = 0
        self._last = last

    def __call__(self, frame: FrameType, event: str, arg: object) -> Steps | None:
        """Trace a line: `sys.settrace`."""
        del arg
        if frame.f_code.co_filename not in WATCHED:
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


def run_child(directory: Path, name: str, last: int | None, *, apart: bool) -> tuple[int, int]:
    """Write in a forked process; return how it ended (negative: the signal), and its steps."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        steps = Steps(last)
        sys.settrace(steps)
        write(directory, name, apart=apart)
        sys.settrace(None)
        os.write(writer, str(steps.count).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        said = pipe.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), int(said or 0)


def look(directory: Path) -> str:
    """Say which site is there, or what is wrong with it."""
    if not directory.exists():
        return "nothing"
    manifest = read_manifest(directory)
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
    return (directory / "mkdocs.yml").read_text()


def main(directory: Path, times: int, *, apart: bool) -> None:
    """Kill it that many times; print what was there each time, and after the next pull."""
    write(directory, "old", apart=apart)
    for path, text in FOREIGN.items():
        (directory / path).parent.mkdir()
        (directory / path).write_text(text)
    _, total = run_child(directory, "new", None, apart=apart)
    results = []
    for number in range(times):
        write(directory, "old", apart=apart)
        ended, _ = run_child(directory, "new", 1 + number * total // times, apart=apart)
        there = look(directory)
        write(directory, "new", apart=apart)
        left = [path.name for path in directory.parent.iterdir() if path != directory]
        results.append([ended == -signal.SIGKILL, there, look(directory), left])
    json.dump({"steps": total, "results": results}, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), apart="apart" in sys.argv)
