"""Pages and attachments are files: other plugins open them, find them early, and may be late."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from projects import Project
    from standin import StandIn

CACHE = ".cache/plugin/confluence-md"
NAV: list[Any] = [{"Deploy": "confluence:101"}, {"Back": "confluence:102"}]
# Reads as any plugin may that has never heard of pages without files.
READING = """
import json, pathlib, re

def on_files(files, config):
    paths = {file.src_uri: file.abs_src_path for file in files if file.src_uri != "index.md"}
    seen = {uri: [path, pathlib.Path(path).read_bytes().decode("latin-1")]
            for uri, path in paths.items() if not uri.startswith(("css", "js", "img", "web"))}
    pathlib.Path("seen.json").write_text(json.dumps(seen))

def on_page_markdown(markdown, page, config, files):
    if not page.is_homepage:
        source = pathlib.Path(page.file.abs_src_path).read_text()
        assert set(re.findall("[A-Za-z]+", markdown)) <= set(re.findall("[A-Za-z]+", source)), page
"""


@pytest.fixture
def pages() -> dict[str, str]:
    return {"101": "# Deploy\n\n![plan](plan.png)\n", "102": "# Roll back\n\nText.\n"}


@pytest.fixture(autouse=True)
def _attachment(standin: StandIn) -> None:
    standin.pages.attachments = {"101": {"plan.png": b"PNG"}}


def configure(project: Project, standin: StandIn, *plugins: object, **options: object) -> None:
    project.write("reading.py", READING)
    ours = {"confluence-md": {"site": standin.url, **options}}
    hooks = ["impatient.py", "reading.py"]
    project.configure(NAV, settings={"plugins": [*plugins, ours], "hooks": hooks})


def read_seen(project: Project) -> dict[str, list[str]]:
    """Return what a hook saw in `on_files`: path and content, by `src_uri`."""
    seen: dict[str, list[str]] = json.loads((project.root / "seen.json").read_text())
    return seen


def test_a_page_is_a_file_in_the_cache(project: Project, standin: StandIn) -> None:
    configure(project, standin)
    assert project.build().messages() == ""

    cold = read_seen(project)

    assert cold.keys() == {"deploy.md", "back.md"}
    for path, _ in cold.values():
        assert Path(path).parent == project.root / CACHE / "pages"
        assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
    assert "title: Deploy" in Path(cold["deploy.md"][0]).read_text().replace('"', "")


@pytest.mark.parametrize("max_age", ["15m", 0])
def test_who_opens_it_early_gets_what_is_cached(
    project: Project, standin: StandIn, max_age: object
) -> None:
    configure(project, standin, max_age=max_age)
    project.build()

    assert project.build().messages() == ""

    assert "![plan](plan.png)" in read_seen(project)["deploy.md"][1]
    assert "Text." in read_seen(project)["back.md"][1]


def test_attachments_are_among_the_files_as_soon_as_they_are_known(
    project: Project, standin: StandIn
) -> None:
    configure(project, standin)
    project.build()

    built = project.build()

    path, content = read_seen(project)["deploy/plan.png"]
    assert (Path(path).parent, content) == (project.root / CACHE / "attachments", "PNG")
    assert Path(path).name.endswith(".png")
    assert (built.site_dir / "deploy/plan.png").read_bytes() == b"PNG"


def test_an_account_that_may_not_see_a_page_finds_nothing_of_it(
    project: Project, standin: StandIn
) -> None:
    configure(project, standin, max_age=0)
    project.build()
    standin.faults.missing = {"102"}

    assert project.build().exit_code == 1

    assert not list((project.root / CACHE / "pages").glob("back-*"))
    project.build()
    assert "Text." not in read_seen(project)["back.md"][1]


def test_a_dirty_build_renders_only_what_has_changed(
    project: Project, standin: StandIn, pages: dict[str, str]
) -> None:
    configure(project, standin, max_age=0)
    project.build()
    site = project.root / "site"
    for page in ("deploy", "back"):
        (site / page / "index.html").write_text("left alone")
    pages["102"] = "# Roll back\n\nNew text.\n"

    built = project.build("--dirty", strict=False)

    assert built.exit_code == 0
    assert built.page("deploy") == "left alone"
    assert "New text." in built.page("back")


def test_a_dirty_build_with_a_page_that_cannot_be_fetched_fails(
    project: Project, standin: StandIn
) -> None:
    configure(project, standin, max_age=0)
    project.build()
    standin.faults.missing = {"102"}

    built = project.build("--dirty", strict=False)

    assert built.exit_code == 1
    assert "“Back”" in built.log


def test_what_somebody_has_put_in_the_place_of_a_file_is_replaced(
    project: Project, standin: StandIn
) -> None:
    configure(project, standin)
    project.build()
    pages = project.root / CACHE / "pages"
    [deploy] = pages.glob("deploy-*")
    secret = project.root / "secret"
    secret.write_text("secret")
    deploy.unlink()
    deploy.symlink_to(secret)

    built = project.build()

    assert built.messages() == ""
    assert not deploy.is_symlink()
    assert secret.read_text() == "secret"
    assert "secret" not in built.page("deploy")


@pytest.mark.parametrize("name", ["pages", "attachments"])
def test_a_folder_that_is_a_link_is_not_written_to(
    project: Project, standin: StandIn, name: str
) -> None:
    configure(project, standin)
    project.build()
    elsewhere = project.root / "elsewhere"
    elsewhere.mkdir()
    folder = project.root / CACHE / name
    folder.rename(project.root / "moved")
    folder.symlink_to(elsewhere)
    project.write("reading.py", "")

    built = project.build()

    assert built.messages() == ""
    assert list(elsewhere.iterdir()) == []
    assert (built.site_dir / "deploy/plan.png").read_bytes() == b"PNG"


def test_a_directory_that_is_not_a_cache_gets_no_files(project: Project, standin: StandIn) -> None:
    project.write("notes/mine.txt", "Mine")
    configure(project, standin, cache_dir="notes")
    project.write("reading.py", "")

    built = project.build(strict=False)

    assert built.exit_code == 0
    assert "is not a cache's" in built.log
    assert [each.name for each in (project.root / "notes").iterdir()] == ["mine.txt"]


def test_clearing_the_cache_removes_the_files(project: Project, standin: StandIn) -> None:
    configure(project, standin)
    project.build()
    mine = project.root / CACHE / "pages" / "mine.txt"
    mine.write_text("Mine")

    project.run("cache", "clear")

    assert [each.name for each in (project.root / CACHE / "pages").iterdir()] == ["mine.txt"]
    assert not (project.root / CACHE / "attachments").exists()


LANGUAGES = [
    {"locale": "en", "name": "English", "default": True, "build": True},
    {"locale": "fr", "name": "Français", "build": True},
]


@pytest.mark.parametrize(
    ("structure", "home", "accueil"),
    [("suffix", "docs/index.md", "docs/index.fr.md"),
     ("folder", "docs/en/index.md", "docs/fr/index.md")],
)  # fmt: skip
def test_a_site_in_two_languages_has_each_page_in_both(
    project: Project, standin: StandIn, structure: str, home: str, accueil: str
) -> None:
    (project.root / "docs/index.md").unlink()
    project.write(home, "# Home\n")
    project.write(accueil, "# Accueil\n")
    configure(project, standin, {"i18n": {"docs_structure": structure, "languages": LANGUAGES}})
    project.write("reading.py", "")

    built = project.build()

    assert built.messages() == ""
    assert sorted(standin.exports()) == ["101", "102"]
    for page in ("deploy", "back", "fr/deploy", "fr/back"):
        assert built.page(page)
    assert re.search('href="../back/"[^>]*>Back', built.page("fr/deploy"))
    assert 'src="../../deploy/plan.png"' in built.page("fr/deploy")
    assert 'src="plan.png"' in built.page("deploy")
    assert "Accueil" in built.page("fr")


def test_a_feed_has_the_pages(project: Project, standin: StandIn) -> None:
    configure(project, standin, {"rss": {"use_git": False}})
    project.write("mkdocs.yml", f"site_url: https://docs.example/\n{_read(project)}")

    built = project.build()

    assert built.exit_code == 0, built.log
    feed = (built.site_dir / "feed_rss_created.xml").read_text()
    assert "<title>Deploy</title>" in feed
    assert "<link>https://docs.example/deploy/</link>" in feed


def test_easy_links_find_the_pages(project: Project, standin: StandIn) -> None:
    project.write("docs/index.md", "# Home\n\n[[deploy]]\n")
    configure(project, standin, {"ezlinks": {"wikilinks": True}})

    built = project.build(strict=False)

    assert built.exit_code == 0, built.log
    assert 'href="deploy/"' in built.page(".")


def _read(project: Project) -> str:
    return (project.root / "mkdocs.yml").read_text()


def test_sites_that_share_a_cache_have_files_of_their_own(
    project: Project, standin: StandIn
) -> None:
    configure(project, standin)
    project.build()
    mine = read_seen(project)["deploy.md"][0]
    project.write("mkdocs.yml", _read(project).replace("Handbook", "Public handbook"))
    project.build()

    assert read_seen(project)["deploy.md"][0] != mine
