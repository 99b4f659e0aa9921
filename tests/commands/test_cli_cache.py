"""`confluence-md cache`: what is shown, what is removed, and what is left alone."""

from __future__ import annotations

import json
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from mkdocs_confluence_md.cache.policy import ExportCache
from mkdocs_confluence_md.cache.records import (
    AttachmentManifest,
    KeptFile,
    attachments_resource,
    write_manifest,
)
from mkdocs_confluence_md.network.spooling import make_digest

if TYPE_CHECKING:
    from pathlib import Path

    from projects import Project

BASE = "https://api.atlassian.com/svc/confluence/11111111-2222-3333-4444-555555555555/apps/x"
JANE, JOHN = "0123456789abcdef", "fedcba9876543210"


def run(project: Project, *arguments: str) -> tuple[int, str, str]:
    """Run the command; return exit code, standard output and standard error."""
    return project.run("cache", *arguments)


@pytest.fixture
def directory(project: Project) -> Path:
    """Return the cache of a project with three copies of two pages, a cloud ID, and a note."""
    project.configure([])
    directory = project.root / ".cache/plugin/confluence-md"
    with closing(ExportCache(directory, warn=pytest.fail)) as cache:
        copies = ("102", JANE, 500), ("101", JOHN, 40), ("101", JANE, 50_000)
        for page_id, account, size in copies:
            cache.keep(f"{BASE}/singleExport?pageId={page_id}", account, "x" * size, {})
        cache.keep("https://acme.atlassian.net/_edge/tenant_info", "", "11111111", {})
    (directory / "notes.txt").write_text("not ours")
    set_age(directory, 7200 + 5, "102")
    set_age(directory, 90, "101")
    set_age(directory, 200, JOHN)
    return directory


def set_age(directory: Path, seconds: float, part: str) -> None:
    """Change how long ago the copies were stored whose key has a part."""
    import sqlite3  # noqa: PLC0415

    with closing(sqlite3.connect(directory / "cache.db")) as database, database:
        database.execute(
            "UPDATE Cache SET store_time = ? WHERE key LIKE ?",
            (time.time() - seconds, f"http%{part}%"),
        )


def test_show_prints_a_table_newest_first(project: Project, directory: Path) -> None:
    code, out, messages = run(project, "show")

    assert code == 0
    assert out == (
        "PAGE  HOST               ACCOUNT   SIZE     AGE\n"
        "101   api.atlassian.com  01234567  50.1 kB  1 minute ago\n"
        "101   api.atlassian.com  fedcba98  183 B    3 minutes ago\n"
        "102   api.atlassian.com  01234567  644 B    2 hours ago\n"
    )
    assert messages == f"3 copies, 51.0 kB in {directory}\n"


def test_show_prints_json(project: Project, directory: Path) -> None:
    code, out, _ = run(project, "show", "--json")

    told = json.loads(out)
    assert code == 0
    assert told["directory"] == str(directory)
    assert told["size"] == sum(copy["size"] for copy in told["copies"])
    copy = told["copies"][2]
    assert copy.pop("exported_at").endswith("+00:00")
    assert copy == {"page_id": "102", "base_url": BASE, "account": JANE, "size": 644,
                    "attachments": 0}  # fmt: skip


def keep_attachments(directory: Path, page_id: str, *contents: bytes) -> None:
    """Keep the attachments of Jane's copy of a page."""
    files = {make_digest(content): content for content in contents}
    manifest = AttachmentManifest({each: KeptFile("a.png", each, 1000) for each in files})
    with closing(ExportCache(directory, warn=pytest.fail)) as cache:
        cache.keep_files(files)
        resource = attachments_resource(BASE, page_id)
        cache.keep(resource, JANE, write_manifest(manifest), {})


def test_attachments_are_shown_and_cleared_with_their_page(
    project: Project, directory: Path
) -> None:
    def show() -> dict[str, tuple[int, bool]]:
        told = json.loads(run(project, "show", "--json")[1])
        copies = {each["page_id"]: each for each in told["copies"] if each["account"] == JANE}
        sizes = (each["size"] for each in told["copies"])
        assert told["size"] <= sum(sizes) <= told["size"] + 1000
        return {page: (each["attachments"], each["size"] > 1000) for page, each in copies.items()}

    keep_attachments(directory, "101", b"1" * 1000, b"2" * 1000)
    keep_attachments(directory, "102", b"2" * 1000, b"3" * 1000)
    assert show() == {"101": (2, True), "102": (2, True)}

    assert run(project, "clear", "101")[0] == 0

    assert show() == {"102": (2, True)}
    with closing(ExportCache(directory, warn=pytest.fail)) as cache:
        there = cache.read_files(make_digest(digit * 1000) for digit in (b"1", b"2", b"3"))
        assert sorted(there.values()) == [b"2" * 1000, b"3" * 1000]
        assert cache.find(attachments_resource(BASE, "101"), JANE, 60) is None
        assert cache.find(attachments_resource(BASE, "101"), None, 60) is None


def test_without_a_cache_there_is_nothing_to_show_and_nothing_is_made(project: Project) -> None:
    project.configure([])
    directory = project.root / ".cache/plugin/confluence-md"

    assert run(project, "show") == (0, "", f"No copies in {directory}\n")
    assert run(project, "clear") == (0, "", f"Removed 0 copies, 0 B from {directory}\n")
    assert run(project, "clear", "101") == (
        1, "", f"The cache in {directory} has no copy of page 101\n"
    )  # fmt: skip
    assert not directory.exists()


def test_clear_removes_all_copies_and_no_other_file(project: Project, directory: Path) -> None:
    (directory / "cache.db.damaged").write_text("set aside")
    (directory / "ab" / "cd").mkdir(parents=True, exist_ok=True)
    (directory / "ab" / "cd" / f"{'0' * 28}.val").write_text("left by a build that was killed")

    assert run(project, "clear") == (0, "", f"Removed 3 copies, 51.0 kB from {directory}\n")

    assert run(project, "show") == (0, "", f"No copies in {directory}\n")
    left = {path.name for path in directory.iterdir()}
    assert left - {"cache.lock"} == {"cache.db", ".gitignore", "notes.txt"}


def test_clear_removes_the_pages_that_are_named_by_id_or_address(
    project: Project, directory: Path
) -> None:
    address = "https://acme.atlassian.net/wiki/spaces/ENG/pages/101/Deploy"

    assert run(project, "clear", address, "999", "101") == (
        1,
        "",
        f"Removed 2 copies, 50.3 kB from {directory}\n"
        f"The cache in {directory} has no copy of page 999\n",
    )

    left = json.loads(run(project, "show", "--json")[1])["copies"]
    assert [copy["page_id"] for copy in left] == ["102"]
    with closing(ExportCache(directory, warn=pytest.fail)) as cache:
        assert cache.find(f"{BASE}/singleExport?pageId=101", None, 60) is None
        assert cache.find("https://acme.atlassian.net/_edge/tenant_info", "", 60)


@pytest.mark.parametrize("text", ["abc", "-1", "abc/", "space/E N G", "https://example.com/"])
def test_what_is_no_page_is_refused(project: Project, directory: Path, text: str) -> None:
    code, _, messages = run(project, "clear", "--cache-dir", str(directory), "--", text)

    assert code == 2
    assert "Invalid value for '[ID]...'" in messages


@pytest.mark.parametrize("text", ["101/", "space/ENG"])
def test_a_tree_without_a_copy_is_told_of(project: Project, directory: Path, text: str) -> None:
    code, _, messages = run(project, "clear", text)

    assert (code, messages) == (1, f"The cache in {directory} has no copy of {text}\n")


def test_a_damaged_cache_is_told_of(project: Project, directory: Path) -> None:
    (directory / "cache.db").write_bytes(b"garbage" * 1000)

    code, out, messages = run(project, "show")

    assert (code, out) == (1, "")
    assert messages.startswith(f"No copies in {directory}\nThe cache in {directory} was damaged (")


@pytest.mark.parametrize(
    "plugins",
    [
        "plugins: [confluence-md]",
        "plugins: {search: {}, confluence-md: {cache_dir: .cache/plugin/confluence-md}}",
        "plugins:\n  - not-installed\n  - confluence-md:\n",
        "plugins: [confluence-md]\nnav: 5\ntheme: {name: gone, custom_dir: nowhere}",
        "plugins: [{confluence-md: {site: !ENV [NOWHERE, x]}}]\nx: !!python/name:no.such.name ''",
        "plugins: [confluence-md]\nx: !relative $docs_dir\ny: !!python/object/apply:os.abort []",
        "INHERIT: base/base.yml",
    ],
)
def test_the_cache_is_found_whatever_else_is_wrong_with_the_configuration(
    project: Project, directory: Path, plugins: str
) -> None:
    project.write("base/base.yml", "plugins: [confluence-md]\n")
    project.write("mkdocs.yml", f"site_name: Handbook\n{plugins}\n")

    assert run(project, "show")[2] == f"3 copies, 51.0 kB in {directory}\n"


def test_the_option_cache_dir_is_relative_to_the_configuration(project: Project) -> None:
    project.write("docs/mkdocs.yml", "plugins: [{confluence-md: {cache_dir: ../kept}}]\n")

    code, _, messages = run(project, "show", "-f", "docs/mkdocs.yml")

    assert (code, messages) == (0, f"No copies in {project.root / 'kept'}\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "mkdocs.yml cannot be read: No such file or directory. "),
        ("plugins: [search]", "mkdocs.yml does not have the plugin confluence-md. "),
        ("- a list", "mkdocs.yml does not have the plugin confluence-md. "),
        ("plugins: [", "mkdocs.yml is not a valid configuration: "),
        ("INHERIT: nowhere.yml", "mkdocs.yml is not a valid configuration: Inherited config file "),
        ("plugins: [{confluence-md: {cache_dir: 5}}]", "The option `cache_dir` in mkdocs.yml is "),
    ],
)
def test_a_configuration_that_does_not_say_where(
    project: Project, text: str | None, message: str
) -> None:
    if text is not None:
        project.write("mkdocs.yml", text)

    code, out, messages = run(project, "show")

    assert (code, out) == (1, "")
    assert messages.startswith(f"Error: {message}")
    assert messages.endswith(
        "Name the configuration with -f, or the cache's directory with --cache-dir.\n"
    )


@pytest.mark.parametrize("command", ["show", "clear"])
def test_help_has_an_example(project: Project, command: str) -> None:
    code, out, _ = run(project, command, "--help")

    assert code == 0
    assert f"Example: confluence-md cache {command}" in out
    assert "[default: (mkdocs.yml)]" in " ".join(out.split())
