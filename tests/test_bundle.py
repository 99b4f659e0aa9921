"""Whatever the archive of a tree looks like, each of its pages is found, and where it belongs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_confluence_md.bundle import read_tree, recognise
from mkdocs_confluence_md.references import SpaceRef, TreeRef
from mkdocs_confluence_md.titles import read_title
from mkdocs_confluence_md.trees import Tree, TreePage

ROOT = TreeRef("987654")
SPACE = SpaceRef("ENG")

Outline = dict[str, Any]
"""Titles, and what is below them."""


def outline(pages: tuple[TreePage, ...]) -> Outline:
    """Say what is below what; a folder has a slash."""
    return {f"{page.title}{'/' * page.is_folder}": outline(page.children) for page in pages}


def read(*paths: str, ref: TreeRef | SpaceRef = ROOT) -> Outline:
    return outline(read_tree(dict.fromkeys(paths, ""), ref).roots)


HANDBOOK: Outline = {"Root": {"Deploy": {"Out": {}, "Back": {}}, "On-call": {}}}


@pytest.mark.parametrize(
    "paths",
    [
        ["Root.md", "Root/Deploy.md", "Root/Deploy/Out.md", "Root/Deploy/Back.md",
         "Root/On-call.md"],
        ["Root/index.md", "Root/Deploy/index.md", "Root/Deploy/Out.md", "Root/Deploy/Back.md",
         "Root/On-call.md"],
        ["Root/README.md", "Root/Deploy/README.md", "Root/Deploy/Out.md", "Root/Deploy/Back.md",
         "Root/On-call.md"],
        ["Root/Root.md", "Root/Deploy/Deploy.md", "Root/Deploy/Out.md", "Root/Deploy/Back.md",
         "Root/On-call.md"],
        ["export/Root.md", "export/Root/Deploy.md", "export/Root/Deploy/Out.md",
         "export/Root/Deploy/Back.md", "export/Root/On-call.md"],
        ["a/b/Root/Root.md", "a/b/Root/Deploy/Deploy.md", "a/b/Root/Deploy/Out.md",
         "a/b/Root/Deploy/Back.md", "a/b/Root/On-call.md"],
        ["Root/Root.md", "Root/Root/Deploy.md", "Root/Root/Deploy/Out.md",
         "Root/Root/Deploy/Back.md", "Root/Root/On-call.md"],
        ["Root.md", "Deploy.md", "Deploy/Out.md", "Deploy/Back.md", "On-call.md"],
        ["Root-987654.md", "Root-987654/Deploy (12345).md", "Root-987654/Deploy/Out_12346.md",
         "Root-987654/Deploy/12347.Back.md", "Root-987654/12348 - On-call.md"],
        ["Root-987654/index.md", "Root-987654/Deploy-12345/index.md",
         "Root-987654/Deploy-12345/Out-12346.md", "Root-987654/Deploy-12345/Back-12347.md",
         "Root-987654/On-call-12348.md"],
    ],
)  # fmt: skip
def test_the_same_tree_in_many_layouts(paths: list[str]) -> None:
    assert read(*paths) == HANDBOOK


def test_without_folders_all_pages_are_below_the_one_that_was_asked_for() -> None:
    assert read("Root.md", "A.md", "B.md") == {"Root": {"A": {}, "B": {}}}
    assert read("all/Root.md", "all/A.md") == {"Root": {"A": {}}}
    assert read("A.md", "B.md", ref=SPACE) == {"A": {}, "B": {}}

    texts = {"A.md": "", "Root.md": "---\npage_id: 987654\n---\n"}
    assert outline(read_tree(texts, ROOT).roots) == {"Root": {"A": {}}}


def test_a_folder_without_a_page_is_one() -> None:
    assert read("R.md", "R/Drawer/A.md", "R/B.md") == {"R": {"Drawer/": {"A": {}}, "B": {}}}
    assert read("one/A.md", "two/B.md", ref=SPACE) == {"one/": {"A": {}}, "two/": {"B": {}}}


def test_a_page_may_be_called_like_an_index_page() -> None:
    paths = ["Root.md", "Root/README.md", "Root/index.md", "Root/Deploy/index.md"]

    assert read(*paths) == {"Root": {"README": {}, "index": {}, "Deploy": {}}}
    assert read("index.md") == {"index": {}}


def test_names_are_decoded() -> None:
    assert read("Q%26A.md", "Q&A/Caf%C3%A9%20menu.md") == {"Q&A": {"Café menu": {}}}


def test_pages_are_in_the_order_of_the_export() -> None:
    paths = ["R/Z/Y.md", "R/B.md", "R/Z.md", "R/A.md", "R/F/X.md", "R/F/W.md", "R.md"]

    assert str(read(*paths)) == str(
        {"R": {"B": {}, "Z": {"Y": {}}, "A": {}, "F/": {"X": {}, "W": {}}}}
    )


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("---\ntitle: The *title*\n---\n# Heading\n", "The *title*"),
        ("---\nowner: Jane\n---\n# Heading\n", "Heading"),
        ("\ufeff# **Deploy** [now](x) & `then` #\r\n", "Deploy now & then"),
        ("Deploy\n======\n", "Deploy"),
        ("# 🚀\n", "🚀"),
        ("# CI/CD &amp; \\*\n", "CI/CD & *"),
        ("Owner: Jane\n\n# Later\n", "name"),
        ("## Second\n", "name"),
        ("# \n", "name"),
        ("#\n", "name"),
        ("", "name"),
    ],
)
def test_a_page_is_titled_as_it_says_itself_or_by_its_name(text: str, title: str) -> None:
    tree = read_tree({"name.md": text}, ROOT)

    assert tree.title == title
    assert read_title(text) == ("" if title == "name" else title)


@pytest.mark.parametrize(
    ("text", "page_id"),
    [
        ("---\nconfluence_id: 42\n---\n", "42"),
        ("---\npageId: '11113988156'\n---\n", "11113988156"),
        ("---\nid: 12345\n---\n", "12345"),
        ("---\nid: 3\n---\n", ""),
        ("---\npage_id: true\n---\n", ""),
        ("---\nurl: https://acme.atlassian.net/wiki/spaces/E/pages/77/T\n---\n", "77"),
        ("---\nsource: https://acme.atlassian.net/wiki/spaces/E\nlink: here\n---\n", ""),
        ("page_id: 42\n", ""),
    ],
)
def test_an_id_in_front_matter_is_believed(text: str, page_id: str) -> None:
    assert [page.page_id for page in read_tree({"a.md": text}, SPACE).walk()] == [page_id]


@pytest.mark.parametrize(
    ("paths", "ids"),
    [
        (["A-12345.md", "A/B (12346).md"], ["12345", "12346"]),
        (["12345.md", "12346 B.md"], ["12345", "12346"]),
        (["A-12345.md", "B.md"], ["", ""]),
        (["A-12345.md", "B-12345.md"], ["", ""]),
        (["A-1234.md", "B-1235.md"], ["", ""]),
        (["A12345.md", "B12346.md"], ["", ""]),
        (["Release 20240131 notes.md"], [""]),
    ],
)
def test_numbers_in_all_names_are_ids(paths: list[str], ids: list[str]) -> None:
    tree = read_tree(dict.fromkeys(paths, ""), SPACE)

    assert [page.page_id for page in tree.walk()] == ids


def test_numbers_in_all_names_may_also_be_dates() -> None:
    tree = read_tree(dict.fromkeys(["20240131 Root.md", "20240201 Notes.md"], ""), ROOT)

    assert [(page.title, page.page_id) for page in tree.walk()] == [
        ("20240131 Root", "987654"),
        ("20240201 Notes", ""),
    ]


def test_of_two_pages_with_one_id_the_first_is_believed() -> None:
    texts = dict.fromkeys(["R.md", "R/A.md", "R/B.md"], "---\npage_id: 7\n---\n")

    assert [page.page_id for page in read_tree(texts, ROOT).walk()] == ["987654", "7", ""]


def test_attached_markdown_is_no_page_where_that_shows() -> None:
    texts = dict.fromkeys(["R.md", "R/attachments/9/notes.md", "R/Attachments/A.md"], "")

    assert outline(read_tree(texts, ROOT, page_count=1).roots) == {"R": {}}
    assert len(list(read_tree(texts, ROOT, page_count=3).walk())) == 6


def test_pages_are_recognised_by_their_text() -> None:
    texts = {"R.md": "root", "R/A.md": "same\n", "R/B.md": "two", "R/C.md": "two", "R/D.md": ""}
    known = {"1": "same", "2": "two", "3": "", "4": "other", "987654": "root"}

    tree = recognise(read_tree(texts, ROOT), texts, known)

    assert [page.page_id for page in tree.walk()] == ["987654", "1", "", "", ""]
    assert recognise(tree, texts, known) == tree


NAMES = st.sampled_from(["index", "README", "A", "B", "a", "A%20b", "A b", "12345", "A-12345",
                         "attachments"]) | st.text(min_size=1, max_size=5)  # fmt: skip
PATHS = st.lists(
    st.lists(NAMES, min_size=1, max_size=5).map(lambda names: "/".join(names) + ".md"),
    min_size=1,
    max_size=12,
    unique=True,
)


@given(PATHS, st.sampled_from([ROOT, SPACE]))
def test_each_page_is_in_the_tree_once(paths: list[str], ref: TreeRef | SpaceRef) -> None:
    tree = read_tree(dict.fromkeys(paths, ""), ref)

    assert sorted(page.path for page in tree.walk() if page.path) == sorted(paths)
    assert all(page.title for page in tree.walk())
    assert not any(page.is_folder and not page.children for page in tree.walk())


def test_an_archive_may_say_anything() -> None:
    deep = ["/".join("a" * 30_000) + ".md", "/".join("a" * 29_999) + "/b.md"]

    tree = read_tree(dict.fromkeys(deep, "[" * 5000), SPACE)

    assert [page.title for page in tree.walk() if page.path] == ["a", "b"]


TITLES = st.text("abc xyz", min_size=1, max_size=3).map(str.strip).filter(bool)
OUTLINES = st.recursive(
    st.just(dict[str, Any]()),
    lambda inner: st.dictionaries(TITLES, inner, max_size=4),
    max_leaves=20,
)


def lay_out(outlined: Outline, folder: str, layout: str) -> list[str]:
    """Name the files of pages as an exporter might."""
    paths = []
    for title, below in outlined.items():
        inside = f"{folder}{title}/"
        is_inside = below and layout != "beside"
        name = {"beside": title, "index": "index", "inside": title}[layout]
        paths.append(f"{inside}{name}.md" if is_inside else f"{folder}{title}.md")
        paths += lay_out(below, inside, layout)
    return paths


@given(
    OUTLINES, st.sampled_from(["beside", "index", "inside"]), st.sampled_from(["", "x/", "x/y/"])
)
def test_every_tree_is_read_back(outlined: Outline, layout: str, around: str) -> None:
    # A child of its parent's name would be told from that only beside it.
    if layout == "inside" and _has_namesake(outlined):
        return
    expected = {"Root": outlined}

    paths = lay_out(expected, around, layout)

    assert str(read(*paths)) == str(expected)


def _has_namesake(outlined: Outline, parent: str = "") -> bool:
    return any(title == parent or _has_namesake(below, title) for title, below in outlined.items())


def test_a_tree_has_the_title_of_its_only_root() -> None:
    assert read_tree({"A.md": "# Ay\n"}, SPACE) == Tree("Ay", (TreePage("Ay", "", "A.md"),))
    assert read_tree({"A.md": "", "B.md": ""}, SPACE).title == ""
