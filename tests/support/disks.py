"""Disks that are small, full or read-only; only root can mount them."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def mount(disk: Path, *, kilobytes: int) -> Iterator[Path]:
    """Mount a small disk; as anybody else than root, that cannot be done."""
    if os.geteuid() != 0 and not os.environ.get("CI"):
        pytest.skip("only root can mount a small disk")
    disk.mkdir()
    _run("mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(disk))
    try:
        yield disk
    finally:
        _run("umount", str(disk))


def make_read_only(disk: Path) -> None:
    """Let nobody write to a disk that was mounted."""
    _run("mount", "-o", "remount,ro", str(disk))


def fill(disk: Path) -> None:
    """Leave no room on a disk."""
    with (disk / "filler").open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            return


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
