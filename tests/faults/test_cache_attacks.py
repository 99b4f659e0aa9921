"""A cache that is damaged, attacked, full, locked or shared: no traceback, one warning at most."""

from __future__ import annotations

import os
import pickle
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from disks import fill, make_read_only, mount
from mkdocs_confluence_md.cache.policy import ExportCache
from projects import BIN, CALM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from projects import Project
    from standin import StandIn

SMALL = "https://api.example/svc/singleExport?pageId=101"
LARGE = "https://api.example/svc/singleExport?pageId=102"
TEXTS = {SMALL: "# Small\n", LARGE: "# Large\n" * 10_000}
KILLS = 100


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return a cache with a small value, which is in its database, and a large one, a file."""
    with opened(tmp_path / "cache") as cache:
        keep_all(cache)
    return tmp_path / "cache"


@contextmanager
def opened(
    directory: Path, warn: Callable[[str], None] = pytest.fail, **settings: float
) -> Iterator[ExportCache]:
    """Open a cache whose every warning fails the test, unless it says where to put them."""
    with closing(ExportCache(directory, warn=warn, **settings)) as cache:  # type: ignore[arg-type]  # numbers by name
        yield cache


def keep_all(cache: ExportCache) -> None:
    for resource, text in TEXTS.items():
        cache.keep(resource, "jane", text, {})


def find_all(cache: ExportCache) -> dict[str, str]:
    """Return the texts that there are, checked."""
    copies = {each: copy for each, copy in cache.look_up(TEXTS, "jane", 60) if copy}
    assert {each: TEXTS[each] for each in copies} == {
        each: copy.text for each, copy in copies.items()
    }
    return {each: copy.text for each, copy in copies.items()}


def edit(directory: Path, statement: str, *values: object) -> None:
    """Change the database as somebody with access to the file could."""
    with closing(sqlite3.connect(directory / "cache.db")) as database, database:
        database.execute(statement, values)


def value_file(directory: Path) -> Path:
    [file] = directory.glob("??/??/*.val")
    return file


# Damage to the database: it is set aside, once.


def truncate(directory: Path) -> None:
    os.truncate(directory / "cache.db", 5000)


def truncate_to_garbage(directory: Path) -> None:
    os.truncate(directory / "cache.db", 50)


def write_garbage(directory: Path) -> None:
    (directory / "cache.db").write_bytes(b"garbage" * 1000)


def garble_the_pages(directory: Path) -> None:
    data = (directory / "cache.db").read_bytes()
    (directory / "cache.db").write_bytes(data[:4096] + os.urandom(len(data) - 4096))


def garble_the_schema(directory: Path) -> None:
    with (directory / "cache.db").open("r+b") as file:
        file.seek(100)
        file.write(os.urandom(3000))


def lose_a_column(directory: Path) -> None:
    edit(directory, "DROP TABLE Cache")
    edit(directory, "CREATE TABLE Cache (key, value)")


def make_the_table_a_view(directory: Path) -> None:
    edit(directory, "DROP TABLE Cache")
    edit(directory, "CREATE VIEW Cache AS SELECT key, value FROM Settings")


def make_keys_ambiguous(directory: Path) -> None:
    edit(directory, "DROP INDEX Cache_key_raw")
    edit(directory, "INSERT INTO Cache (key, raw) SELECT key, raw FROM Cache")


def replace_a_method(directory: Path) -> None:
    edit(directory, "INSERT INTO Settings VALUES ('close', 1)")


def set_a_trap(directory: Path) -> None:
    edit(
        directory,
        "CREATE TRIGGER trap BEFORE INSERT ON Settings BEGIN SELECT RAISE(ABORT, 'a trap'); END",
    )


@pytest.mark.parametrize(
    "damage",
    [
        truncate,
        truncate_to_garbage,
        write_garbage,
        garble_the_pages,
        garble_the_schema,
        lose_a_column,
        make_the_table_a_view,
        make_keys_ambiguous,
        replace_a_method,
        set_a_trap,
    ],
)
def test_a_damaged_database_is_set_aside_with_one_warning(
    directory: Path, damage: Callable[[Path], None]
) -> None:
    (directory / "notes.txt").write_text("not ours")
    damage(directory)
    damaged = (directory / "cache.db").read_bytes()
    warnings: list[str] = []

    with opened(directory, warnings.append) as cache:
        assert find_all(cache) == {}
        keep_all(cache)

    with opened(directory) as cache:
        assert find_all(cache) == TEXTS
    assert len(warnings) == 1
    assert warnings[0].startswith(f"The cache in {directory} was damaged (")
    assert warnings[0].endswith(
        "). Its database is now cache.db.damaged; pages are exported again into a new one."
    )
    assert (directory / "notes.txt").read_text() == "not ours"
    assert len((directory / "cache.db.damaged").read_bytes()) == len(damaged)
    assert value_file(directory)


# What SQLite and DiskCache get over by themselves, without a word.


def empty_the_database(directory: Path) -> None:
    (directory / "cache.db").write_bytes(b"")


def lose_the_database(directory: Path) -> None:
    (directory / "cache.db").unlink()


def write_garbage_beside_it(directory: Path) -> None:
    (directory / "cache.db-wal").write_bytes(os.urandom(50_000))
    (directory / "cache.db-shm").write_bytes(os.urandom(32_768))


def lose_the_tables(directory: Path) -> None:
    edit(directory, "DROP TABLE Cache")


def make_a_setting_senseless(directory: Path) -> None:
    edit(directory, "UPDATE Settings SET value = 'none' WHERE key = 'disk_min_file_size'")


def lose_a_file(directory: Path) -> None:
    value_file(directory).unlink()


def pickle_the_keys(directory: Path) -> None:
    exploit = pickle.dumps(Exploit(str(directory.parent / "executed")))
    edit(directory, "UPDATE Cache SET raw = 0, key = ? || rowid", exploit)


@pytest.mark.parametrize(
    ("damage", "left"),
    [
        (empty_the_database, []),
        (lose_the_database, []),
        (write_garbage_beside_it, [SMALL, LARGE]),
        (lose_the_tables, []),
        (make_a_setting_senseless, [SMALL, LARGE]),
        (lose_a_file, [SMALL]),
        (pickle_the_keys, []),
    ],
)
def test_what_is_lost_is_a_miss_without_a_word(
    directory: Path, damage: Callable[[Path], None], left: list[str]
) -> None:
    damage(directory)

    with opened(directory) as cache:
        assert list(find_all(cache)) == left
        keep_all(cache)
    with opened(directory) as cache:
        assert find_all(cache) == TEXTS
    assert not (directory.parent / "executed").exists()


# Entries that somebody else wrote: each a miss, and one warning for all.


class Exploit:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        """Tell pickle to open the file for writing."""
        return open, (self.path, "w")


def pickle_the_values(directory: Path) -> None:
    exploit = pickle.dumps(Exploit(str(directory.parent / "executed")))
    edit(directory, "UPDATE Cache SET mode = 4, value = ?, filename = NULL", exploit)


def pickle_the_files(directory: Path) -> None:
    value_file(directory).write_bytes(pickle.dumps(Exploit(str(directory.parent / "executed"))))
    edit(directory, "UPDATE Cache SET mode = 4, value = NULL")


def point_outside(directory: Path) -> None:
    edit(directory, "UPDATE Cache SET mode = 2, filename = '../secret.val'")


def link_outside(directory: Path) -> None:
    file = value_file(directory)
    file.unlink()
    file.symlink_to(directory.parent / "secret.val")


def put_a_pipe_in_its_place(directory: Path) -> None:
    file = value_file(directory)
    file.unlink()
    os.mkfifo(file)


def write_garbage_to_the_file(directory: Path) -> None:
    value_file(directory).write_bytes(os.urandom(50_000))


def cut_the_file(directory: Path) -> None:
    os.truncate(value_file(directory), 40_000)


def set_values(value: object) -> Callable[[Path], None]:
    def damage(directory: Path) -> None:
        edit(directory, "UPDATE Cache SET mode = 1, filename = NULL, value = ?", value)

    return damage


def set_mode(mode: object) -> Callable[[Path], None]:
    def damage(directory: Path) -> None:
        edit(directory, "UPDATE Cache SET mode = ?", mode)

    return damage


@pytest.mark.parametrize(
    "damage",
    [
        pickle_the_values,
        pickle_the_files,
        point_outside,
        link_outside,
        put_a_pipe_in_its_place,
        write_garbage_to_the_file,
        cut_the_file,
        *(set_mode(mode) for mode in (0, 2, 3, 4, 99, "text", None)),
        *(
            set_values(value)
            for value in (
                *(b"", b"garbage", b"cc=4,", b"cc=4,\xc1", b"cc=4,\x80", b"cc=4,\x81\xa1a\x01"),
                *(b"cc=3,\x80", b"cc=5,\x80", b"cc=4,\xdf\xff\xff\xff\xff", "text", 1, 1.5, None),
            )
        ),
    ],
)
def test_an_entry_that_is_none_of_ours_is_a_miss_with_one_warning(
    directory: Path, damage: Callable[[Path], None], capfd: pytest.CaptureFixture[str]
) -> None:
    (directory.parent / "secret.val").write_bytes(b"secret")
    damage(directory)
    warnings: list[str] = []

    with opened(directory, warnings.append) as cache:
        assert LARGE not in find_all(cache) or SMALL not in find_all(cache)
        keep_all(cache)

    with opened(directory) as cache:
        assert find_all(cache) == TEXTS
    assert len(warnings) == 1
    assert warnings[0].startswith(f"The cache in {directory} is damaged (")
    assert warnings[0].endswith("); what cannot be read is exported again.")
    assert capfd.readouterr() == ("", "")
    assert not (directory.parent / "executed").exists()
    assert (directory.parent / "secret.val").read_bytes() == b"secret"


def test_a_row_cannot_have_any_file_removed(directory: Path) -> None:
    victim = directory.parent / "victim"
    victim.write_text("not ours")
    for name in ("../victim", str(victim), 5):
        edit(directory, "UPDATE Cache SET filename = ?", name)
        with opened(directory, warn=lambda _: None) as cache:
            keep_all(cache)

    assert victim.read_text() == "not ours"


# What is nobody's fault: this build does without, and the files stay as they are.


def do_without(directory: Path, reason: str, **settings: float) -> None:
    """Use a cache that cannot be used."""
    warnings: list[str] = []
    with opened(directory, warnings.append, **settings) as cache:
        assert find_all(cache) == {}
        keep_all(cache)
        assert find_all(cache) == TEXTS  # from memory
    assert warnings == [
        f"The cache in {directory} cannot be used ({reason}), so this build works without "
        "it. If this persists, delete the directory."
    ]
    assert not (directory / "cache.db.damaged").exists()


def test_a_locked_database_is_done_without(directory: Path) -> None:
    with closing(sqlite3.connect(directory / "cache.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        do_without(directory, "database is locked", lock_seconds=0.05)
    with opened(directory) as cache:
        assert find_all(cache) == TEXTS


def test_a_database_that_is_locked_meanwhile_is_done_without(directory: Path) -> None:
    warnings: list[str] = []
    with opened(directory, warnings.append, lock_seconds=0.05) as cache:
        assert find_all(cache) == TEXTS
        with closing(sqlite3.connect(directory / "cache.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            keep_all(cache)
            assert cache.find(f"{SMALL}0", "jane", 60) is None
    assert [warning.split(",")[0] for warning in warnings] == [
        f"The cache in {directory} cannot be used (database is locked)"
    ]


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    directory = tmp_path / "cache"
    directory.mkdir()
    edit(directory, "CREATE TABLE bookmarks (url)")
    before = (directory / "cache.db").read_bytes()

    do_without(directory, "its cache.db is another program's")

    assert (directory / "cache.db").read_bytes() == before


def test_a_directory_of_other_files_is_left_alone(tmp_path: Path) -> None:
    directory = tmp_path / "cache"
    directory.mkdir()
    (directory / "notes.txt").write_text("not ours")

    do_without(directory, "it has notes.txt in it, which is not a cache's")

    assert [path.name for path in directory.iterdir()] == ["notes.txt"]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk with room for a cache."""
    with mount(tmp_path / "disk", kilobytes=1000) as mounted:
        yield mounted


def test_a_read_only_directory_is_done_without(disk: Path) -> None:
    with opened(disk / "cache") as cache:
        keep_all(cache)
    make_read_only(disk)

    warnings: list[str] = []
    with opened(disk / "cache", warnings.append) as cache:
        assert find_all(cache) == {}
        keep_all(cache)
    assert len(warnings) == 1
    assert "cannot be used ([Errno 30] Read-only file system" in warnings[0]
    assert "delete" not in warnings[0]
    assert warnings[0].endswith("that can be written, with the option `cache_dir`.")


def test_a_full_disk_is_done_without_and_leaves_no_halves(disk: Path) -> None:
    with opened(disk / "cache") as cache:
        keep_all(cache)
    fill(disk)
    files = sorted(disk.glob("cache/??/??/*.val"))
    warnings: list[str] = []

    with opened(disk / "cache", warnings.append) as cache:
        cache.keep(LARGE, "jane", "x" * 200_000, {})
        keep_all(cache)

    assert len(warnings) == 1
    assert "cannot be used (" in warnings[0]
    assert sorted(disk.glob("cache/??/??/*.val")) == files
    (disk / "filler").unlink()
    with opened(disk / "cache") as cache:
        assert find_all(cache) == TEXTS


def test_another_users_cache_is_done_without(directory: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    code = """
        import os, sys
        from pathlib import Path
        from mkdocs_confluence_md.cache.policy import ExportCache
        os.seteuid(65534)
        cache = ExportCache(Path(sys.argv[1]), warn=print)
        assert cache.find("https://api.example/page", "jane", 60) is None
        cache.close()
    """
    said = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(directory)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert said.stdout.count("cannot be used ([Errno 13] Permission denied") == 1


# Several at once.


def test_one_repairs_while_another_goes_on(directory: Path) -> None:
    warnings: list[str] = []
    with opened(directory, warnings.append) as one:
        assert find_all(one) == TEXTS
        with (directory / "cache.db").open("r+b") as file:
            file.write(os.urandom(20_000))
        with opened(directory, warnings.append) as two:
            assert find_all(two) == {}
            keep_all(two)
            one.keep(f"{SMALL}9", "jane", "# Nine\n", {})
            assert one.find(f"{SMALL}8", "jane", 60) is None

    with opened(directory) as cache:
        assert find_all(cache) == TEXTS
    assert 1 <= len(warnings) <= 2
    assert {warning.split("(")[0] for warning in warnings} == {
        f"The cache in {directory} was damaged "
    }


@pytest.mark.parametrize("damaged", [False, True])
def test_two_builds_at_once_share_a_cache(
    project: Project, standin: StandIn, pages: dict[str, str], *, damaged: bool
) -> None:
    pages.update({str(number): f"# Page {number}\n" for number in range(1000, 1030)})
    nav = [{f"Page {number}": f"confluence:{number}"} for number in range(1000, 1030)]
    project.patience = CALM
    project.configure(nav, site=standin.url)
    if damaged:
        project.warm_up()
        write_garbage(project.root / ".cache/plugin/confluence-md")
    standin.faults.hold()
    with build_in_background(project, "one") as one, build_in_background(project, "two") as two:
        standin.wait_for_exports(16)
        standin.faults.release()
        logs = [one.communicate(timeout=60)[0], two.communicate(timeout=60)[0]]

    assert [one.returncode, two.returncode] == [0, 0]
    assert sum(log.count("WARNING") for log in logs) == (1 if damaged else 0)
    assert "Traceback" not in str(logs)
    standin.clear()
    assert project.build().messages() == ""
    assert standin.requests == []


@contextmanager
def build_in_background(project: Project, site_dir: str) -> Iterator[subprocess.Popen[str]]:
    command = [str(BIN / "mkdocs"), "build", "-f", "mkdocs.yml", "-d", f"site-{site_dir}"]
    with subprocess.Popen(
        command,
        cwd=project.root,
        env=project.variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        yield process


# Killed at any moment.

WRITER = """
    import itertools, os, sys
    from pathlib import Path
    from mkdocs_confluence_md.cache.policy import ExportCache

    def write():
        cache = ExportCache(Path(sys.argv[1]), warn=lambda text: os.write(1, text.encode()))
        for number in itertools.count():
            page = f"https://api.example/svc/singleExport?pageId={number % 7}"
            text = f"{number} " * (10_000 if number % 3 else 10)
            cache.keep(page, "jane", text, {})
            if not number % 4:  # do not run far ahead of the disk
                cache.find(f"{page}0", "jane", 60)
            os.write(1, b"kept\\n")

    while sys.stdin.readline():
        writer = os.fork()
        if not writer:
            write()
        os.write(1, b"writer %d\\n" % writer)
        os.waitpid(writer, 0)
        os.write(1, b"killed\\n")
"""


def test_a_writer_that_is_killed_leaves_each_entry_whole_and_loses_none(tmp_path: Path) -> None:
    pages = [f"https://api.example/svc/singleExport?pageId={number}" for number in range(7)]
    chance = random.Random(20_260_101)  # noqa: S311  moments, not secrets
    seen: set[str] = set()
    with start_writer(tmp_path / "cache") as writer:
        for kill in range(KILLS):
            kill_after(writer, chance.randrange(1, 25))
            with opened(tmp_path / "cache") as cache:
                found = {each: copy.text for each, copy in cache.look_up(pages, "jane", 60) if copy}
            assert seen <= set(found), kill
            seen |= set(found)
            for text in found.values():
                words = text.split()
                assert len(words) in (10, 10_000)
                assert len(set(words)) == 1
    assert seen == set(pages)


@contextmanager
def start_writer(directory: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(directory)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        try:
            yield writer
        finally:
            assert writer.stdin is not None
            writer.stdin.close()


def kill_after(writer: subprocess.Popen[str], count: int) -> None:
    """Let it write again, and kill it when it has said so many times that it did."""
    assert writer.stdin is not None
    assert writer.stdout is not None
    writer.stdin.write("go\n")
    writer.stdin.flush()
    process, kept = 0, 0
    for line in writer.stdout:
        kept += line == "kept\n"
        if line.startswith("writer "):
            process = int(line.split()[1])
        if process and kept >= count:
            os.kill(process, signal.SIGKILL)
            process = 0
            count = sys.maxsize
        if line == "killed\n":
            return
        assert line.startswith(("kept", "writer")), line
