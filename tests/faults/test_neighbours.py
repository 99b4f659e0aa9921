"""What another user, or a prepared directory, can do to the cache and to the token file."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from projects import Built, Project
    from standin import StandIn

NAV: list[Any] = [{"Deploy": "confluence:101"}]
CACHE = ".cache/plugin/confluence-md"
NOBODY = 65534


@pytest.fixture
def project(project: Project, standin: StandIn) -> Project:
    project.configure(NAV, site=standin.url)
    return project


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def build(project: Project) -> Built:
    built = project.build(strict=False)
    assert "Traceback" not in built.log
    assert built.exit_code == 0
    assert "Roll out the" in built.page("deploy")
    return built


@pytest.fixture
def root_only() -> None:
    if os.geteuid() != 0 and not os.environ.get("CI"):
        pytest.skip("only root can give files to another user")


def test_an_existing_directory_becomes_private(project: Project) -> None:
    cache = project.root / CACHE
    cache.mkdir(parents=True, mode=0o777)
    cache.chmod(0o777)
    build(project)
    assert mode(cache) == 0o700
    assert (cache / ".gitignore").read_text() == "*\n"

    (cache / "cache.db").chmod(0o666)
    cache.chmod(0o755)
    (cache / ".gitignore").unlink()
    build(project)
    assert (mode(cache), mode(cache / "cache.db")) == (0o700, 0o600)
    assert (cache / ".gitignore").exists()


@pytest.mark.usefixtures("root_only")
@pytest.mark.parametrize("name", ["", "cache.db"])
def test_what_belongs_to_another_user_is_not_used(project: Project, name: str) -> None:
    build(project)
    os.chown(project.root / CACHE / name, NOBODY, NOBODY)
    built = build(project)

    assert "cannot be used (it belongs to another user)" in built.log


def test_a_link_in_the_place_of_the_database_is_not_followed(
    project: Project, tmp_path: Path
) -> None:
    build(project)
    database = project.root / CACHE / "cache.db"
    elsewhere = tmp_path / "elsewhere.db"
    database.rename(elsewhere)
    database.symlink_to(elsewhere)
    before = elsewhere.read_bytes()
    built = build(project)

    assert "its cache.db is a link" in built.log
    assert elsewhere.read_bytes() == before


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER evil AFTER UPDATE ON Cache BEGIN DELETE FROM Cache; END",
        "CREATE TRIGGER Settings_count_update AFTER UPDATE ON Cache BEGIN DELETE FROM Cache; END",
        "CREATE VIEW evil AS SELECT * FROM Cache",
        "CREATE TABLE evil (x)",
        "CREATE INDEX evil ON Cache (upper(key))",
        "CREATE INDEX Cache_evil ON Cache (abs(size))",
        "ALTER TABLE Cache ADD COLUMN evil TEXT AS (hex(value))",
    ],
)
def test_a_foreign_schema_is_set_aside_before_anything_is_asked(
    project: Project, statement: str
) -> None:
    build(project)
    with closing(sqlite3.connect(project.root / CACHE / "cache.db")) as connection:
        connection.execute(statement)
        connection.commit()
    built = build(project)

    assert "was damaged (its schema is of another kind)" in built.log
    assert build(project).messages() == ""


def test_a_cached_cloud_id_that_is_none_is_looked_up_anew(
    project: Project, standin: StandIn
) -> None:
    build(project)
    with closing(sqlite3.connect(project.root / CACHE / "cache.db")) as connection:
        cloud_id = standin.cloud_id.encode()
        changed = connection.execute(
            "UPDATE Cache SET value = replace(value, ?, ?) WHERE instr(value, ?)",
            (cloud_id, b"../../../../evil/path/that/is/as/long"[: len(cloud_id)], cloud_id),
        )
        assert changed.rowcount
        connection.commit()
    standin.clear()
    project.configure([{"Deploy": "confluence:102"}], site=standin.url)
    built = project.build(strict=False)

    assert built.exit_code == 0
    assert not [request.path for request in standin.requests if "evil" in request.path]


@pytest.mark.usefixtures("root_only")
def test_a_token_file_of_another_user_is_refused(project: Project, standin: StandIn) -> None:
    build(project)
    os.chown(project.token_file, NOBODY, NOBODY)
    project.configure([{"Other": "confluence:102"}], site=standin.url)
    built = project.build(strict=False)

    assert built.exit_code == 1
    assert "belongs to another user." in built.log


@pytest.mark.parametrize("how", ["option", "link"])
def test_a_directory_that_is_not_a_cache_stays_as_it_is(
    project: Project, standin: StandIn, how: str
) -> None:
    other = project.root.parent / "public_html"
    other.mkdir()
    other.chmod(0o755)
    (other / "index.html").write_text("x")
    options = {"cache_dir": str(other)} if how == "option" else {}
    if how != "option":
        (project.root / ".cache/plugin").mkdir(parents=True)
        (project.root / ".cache/plugin/confluence-md").symlink_to(other)
    project.configure([{"Deploy": "confluence:101"}], options={"site": standin.url, **options})
    before = sorted(other.iterdir())

    built = build(project)

    assert "cannot be used" in built.log
    assert (mode(other), sorted(other.iterdir())) == (0o755, before)
