"""Archives from elsewhere: what is refused, and what is said of it."""

from __future__ import annotations

import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archives import ATTACKS, LONG_NAME, SAFE, lie_about_size, make_zip, rename
from mkdocs_confluence_md.confluence.archive import (
    Archive,
    ArchiveEntry,
    ArchiveProblem,
    Limits,
    Problem,
    read_archive,
)


def _make_nameless() -> bytes:
    info = zipfile.ZipInfo("-")
    info.filename = info.orig_filename = ""
    return make_zip(SAFE, (info, b"x"))


_NAMELESS = _make_nameless()


def names(archive: Archive) -> list[str]:
    return [entry.path for entry in archive.assets]


def kinds(archive: Archive) -> list[Problem]:
    return [finding.problem for finding in archive.problems]


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_one_problem_and_nothing_leads_outside(attack: str) -> None:
    content, message = ATTACKS[attack]
    archive = read_archive(content)

    [finding] = archive.problems
    assert message.startswith(finding.problem.value)
    expected = {
        "10,000 entries": [],
        "duplicate names": ["safe.png", "evil.png"],
        "a name of 300 bytes": ["safe.png", LONG_NAME],
        "right to left": ["safe.png", "evil\u202egnp.html"],
    }
    assert names(archive) == expected.get(attack, ["safe.png"])


def test_pages_and_assets_are_told_apart_by_what_they_are() -> None:
    archive = read_archive(make_zip(SAFE, ("Folder/Page.MD", b"# Page"), ("Folder/", b"")))

    assert [entry.path for entry in archive.pages] == ["page.md", "Folder/Page.MD"]
    assert names(archive) == ["safe.png"]
    assert archive.read(archive.assets[0]) == b"a picture"
    assert archive.problems == ()


def test_of_two_files_with_one_name_the_last_is_taken() -> None:
    archive = read_archive(ATTACKS["duplicate names"][0])

    assert archive.read(archive.assets[1]) == b"two"


@pytest.mark.parametrize("name", ["", "\0"])
def test_a_file_without_a_name_is_left_out(name: str) -> None:
    content = rename(make_zip(SAFE, ("-" * len(name), b"x")), "-", name) if name else _NAMELESS
    archive = read_archive(content)

    assert names(archive) == ["safe.png"]
    assert archive.problems == ((ArchiveProblem(Problem.NUL, "\0"),) if name else ())


def test_names_that_differ_in_case_are_two_files() -> None:
    archive = read_archive(make_zip(("A.png", b"1"), ("a.png", b"2")))

    assert names(archive) == ["A.png", "a.png"]
    assert archive.problems == ()


@pytest.mark.parametrize(
    "damage",
    [b"", b"no archive", make_zip(SAFE)[:-30], make_zip(SAFE)[:50]],
    ids=["empty", "text", "no end", "a beginning"],
)
def test_what_is_no_archive_has_a_problem(damage: bytes) -> None:
    archive = read_archive(damage)

    assert archive == Archive(problems=(ArchiveProblem(Problem.UNREADABLE),))


def test_a_directory_of_millions_of_entries_is_not_even_read() -> None:
    archive = read_archive(ATTACKS["10,000 entries"][0], Limits(entries=10))

    assert kinds(archive) == [Problem.TOO_MANY]


def test_files_are_limited_one_by_one_and_together() -> None:
    content = make_zip(*((f"{name}.bin", bytes(400)) for name in "abc"), ("d.bin", bytes(900)))

    archive = read_archive(content, Limits(file_bytes=500, total_bytes=1000))

    assert names(archive) == ["a.bin", "b.bin"]
    assert kinds(archive) == [Problem.TOO_LARGE] * 2


def test_a_file_that_is_larger_than_it_says_is_damaged_and_never_unpacked_whole() -> None:
    content = lie_about_size(make_zip(("a.png", bytes(1_234_567))), 1_234_567, 10)

    archive = read_archive(content)

    assert archive.read(archive.assets[0]) == ArchiveProblem(Problem.DAMAGED, "a.png")


def test_other_ways_of_packing_are_refused() -> None:
    assert (
        kinds(read_archive(make_zip(SAFE, compression=zipfile.ZIP_BZIP2))) == [Problem.LOCKED] * 2
    )


@given(st.lists(st.text(min_size=1, max_size=60), max_size=8))
def test_no_name_leads_outside_whatever_it_is(some: list[str]) -> None:
    valid = [name.encode("utf-8", "replace").decode() for name in some]
    # `zipfile` cuts names at a NUL when it writes them, and stumbles if nothing is left.
    archive = read_archive(make_zip(*((name, b"x") for name in valid if name[0] != "\0")))

    for entry in archive.entries:
        assert not entry.path.startswith("/")
        assert ".." not in entry.path.split("/")
        assert "\0" not in entry.path


@given(st.binary(max_size=200), st.integers(0, 300))
def test_any_bytes_are_read_or_refused(noise: bytes, place: int) -> None:
    content = make_zip(SAFE)
    archive = read_archive(content[:place] + noise + content[place + len(noise) :])

    for entry in archive.entries:
        assert isinstance(entry, ArchiveEntry)
        assert isinstance(archive.read(entry), bytes | ArchiveProblem)
