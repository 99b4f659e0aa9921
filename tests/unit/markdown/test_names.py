"""Names of exported files lead to the pages whose titles they are made of, or to none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_confluence_md.confluence.refs import PageRef, TreeRef
from mkdocs_confluence_md.markdown.anchors import NamedPages
from mkdocs_confluence_md.site.paths import PlacedPage

HERE = PlacedPage(PageRef("1"), "", "1.md")
TREE = TreeRef("5")


def find(name: str, *titles: str) -> str:
    """Return the title of the page that is found, of those that have one title each."""
    pages = [PlacedPage(PageRef(str(n)), "", f"{n}.md", own_title=t) for n, t in enumerate(titles)]
    found = NamedPages((page, [page.own_title]) for page in pages).find(name, HERE)
    return found.own_title if found else ""


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("code-blocks", "Code blocks"),
        ("Code blocks", "Code blocks"),
        ("code_blocks", "Code: Blocks!"),
        ("02-code-blocks", "Code blocks"),
        ("02-code-blocks", "02 Code blocks"),
        ("2024-plan", "2024 plan"),
        ("überblick", "Überblick"),
        ("u\u0308berblick", "Überblick"),
        ("berblick", "Überblick"),
        ("uberblick", "Überblick"),
        ("03-gr-e-und-ma", "Größe und Maß"),
        ("grosse-und-mass", "Größe und Maß"),
        ("api", "東京 API"),
        ("日本語", "日本語"),
    ],
)
def test_a_name_is_made_of_a_title(name: str, title: str) -> None:
    assert find(name, "Other", title) == title


@pytest.mark.parametrize(
    ("name", "titles"),
    [
        ("plan", ["Planning"]),
        ("2024-plan", ["Plan"]),
        ("notes", ["Notes", "notes!"]),
        ("02-notes", ["Notes", "Notes"]),
        ("page-0a1b2c3d", ["Page"]),
        ("a", ["äa"]),
        ("-", ["日本語", "!"]),
        ("", [""]),
        ("..", ["..."]),
    ],
)
def test_a_name_that_is_not_of_exactly_one_title_leads_nowhere(
    name: str, titles: list[str]
) -> None:
    assert find(name, *titles) == ""


def test_a_title_that_is_whole_comes_before_one_without_a_number() -> None:
    assert find("02-notes", "Notes", "02 Notes") == "02 Notes"


def test_pages_of_the_same_tree_come_first() -> None:
    near = PlacedPage(PageRef("6"), "", "6.md", TREE, own_title="Notes")
    far = PlacedPage(PageRef("7"), "", "7.md", TreeRef("8"), own_title="Notes")
    here = PlacedPage(PageRef("5"), "", "5.md", TREE)
    pages = NamedPages([(near, ["Notes"]), (far, ["Notes", "Far"])])

    assert pages.find("notes", here) == near
    assert pages.find("far", here) == far
    assert pages.find("notes", HERE) is None


def test_a_page_with_several_titles_is_one_page() -> None:
    assert NamedPages([(HERE, ["Notes", "notes", "Old notes"])]).find("notes", HERE) == HERE


@given(st.text(), st.lists(st.text()))
def test_any_name_leads_to_one_of_the_pages_or_none(name: str, titles: list[str]) -> None:
    assert find(name, *titles) in [*titles, ""]
