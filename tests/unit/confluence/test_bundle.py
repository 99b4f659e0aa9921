"""Whatever the archive of a tree looks like, each of its pages is found, and where it belongs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_confluence_md.confluence.content import is_lost_name, read_title
from mkdocs_confluence_md.confluence.export_tree import KnownRoot, read_tree, recognise
from mkdocs_confluence_md.confluence.models import Tree, TreePage
from mkdocs_confluence_md.confluence.refs import SpaceRef, TreeRef

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
        ("<!-- x -->\n# T\n", "T"),
        ("<!-- x\n\ny --> \n\n<!-- z -->\n\n# T\n", "T"),
        ("<!-- x --> # T\n", "name"),
        ("<!-- x\n# T\n", "name"),
        ('<a id="x"></a>\n\n# T\n', "T"),
        ('<a id="x"></a>\n# T\n', "T"),
        ("<a name='x'></a> <A ID=\"y\"></A>\n\nT\n===\n", "T"),
        ('# <a id="x"></a>T\n', "T"),
        ('<a id="x"></a># T\n', "name"),
        ('<a href="x"></a>\n\n# T\n', "name"),
        ("[A](a.md)\n\n# T\n", "T"),
        ('[A](a.md) > [B \\[b\\]](../b%20(x).md "t")\n\n# T\n', "T"),
        ("[A](<a b.md>) / [B](b.md) » [C](c.md) › [D](d.md)\n# T\n", "T"),  # noqa: RUF001
        ("[A](a.md) &gt; [B](b.md) \\> [C](c.md)\n\n# T\n", "T"),
        ("---\nowner: Jane\n---\n\n<!-- x -->\n[A](a.md)\n\n# T\n", "T"),
        ("[A](a.md)\n===\n", "A"),
        ("See [A](a.md).\n\n# T\n", "name"),
        ("[A](a.md) [B](b.md)\n\n# T\n", "name"),
        ("[A](a.md)\n\nText.\n\n# T\n", "name"),
        ("[A](a.md)\n\n## T\n", "name"),
        ("<!-- x -->\n" * 10 + "# T\n", "T"),
        ("<!-- x -->\n" * 11 + "# T\n", "name"),
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
        ("---\nconfluence_page_id: 42\n---\n", "42"),
        ("---\nconfluence-page-id: '42'\n---\n", "42"),
        ("---\nconfluencePageId: 42\n---\n", "42"),
        ("---\npage-id: 42\n---\n", "42"),
        ("---\ncontent_id: 42\nid: 12345\n---\n", "42"),
        ("---\nconfluence: {id: 42, space: ENG}\n---\n", "42"),
        ("---\nconfluence:\n  page_id: '42'\n---\n", "42"),
        ("---\nconfluence: {pageId: 42}\nid: 12345\n---\n", "42"),
        ("---\nconfluence: {url: 'https://acme.atlassian.net/wiki/x/LIQHD'}\n---\n", "201819180"),
        ("---\nconfluence: [42]\n---\n", ""),
        ("---\nconfluence: {id: [42]}\n---\n", ""),
        ("---\nconfluence_url: https://acme.atlassian.net/wiki/spaces/E/pages/77/T\n---\n", "77"),
        (
            "---\npage_url: https://acme.atlassian.net/wiki/pages/viewpage.action?pageId=77\n---\n",
            "77",
        ),
        ("---\nwebui: /spaces/ENG/pages/77/T\n---\n", "77"),
        ("---\nwebui: /wiki/spaces/ENG/pages/77/T\n---\n", "77"),
        ("---\nwebui: /spaces/ENG/overview\n---\n", ""),
        ("---\nparent_id: 42\n---\n", ""),
        ("<!-- confluence-page-id: 42 -->\n# T\n", "42"),
        ("<!-- exported -->\n<!-- page_id = '42' -->\n\n# T\n", "42"),
        ("# T\n\n<!-- confluence-page-id: 42 -->\nText.\n", "42"),
        ("---\ntitle: T\n---\n<!-- pageId: 42 -->\n", "42"),
        ("<!-- id: 12345 -->\n# T\n", ""),
        ("# T\n\nText.\n\n<!-- confluence-page-id: 42 -->\n", ""),
        ("# T\n\n```\n<!-- confluence-page-id: 42 -->\n```\n", ""),
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


def read_texts(
    texts: dict[str, str],
    page_count: int = 0,
    ref: TreeRef | SpaceRef = ROOT,
    known: KnownRoot | None = None,
) -> Outline:
    return outline(read_tree(texts, ref, page_count, known).roots)


# Indexes


CONTENTS = "# Contents\n\n- [Root](Root.md)\n  * [A](Root/A.md#x)\n- [B](./Root/B.md)\n"
BESIDE = {"Root.md": "", "Root/A.md": "", "Root/B.md": ""}
SMALL: Outline = {"Root": {"A": {}, "B": {}}}


@pytest.mark.parametrize("name", ["README", "index", "SUMMARY", "_index", "Readme"])
@pytest.mark.parametrize("folder", ["", "export/"])
def test_an_index_more_than_there_are_pages_is_none(name: str, folder: str) -> None:
    texts = {f"{folder}{path}": "" for path in BESIDE} | {f"{folder}{name}.md": CONTENTS}

    assert read_texts(texts, 3) == SMALL
    assert read_texts(dict(reversed(texts.items())), 3) == SMALL
    assert read_texts(texts, 0) == SMALL  # there is another root
    assert "Contents" in str(read_texts(texts, 4))
    assert read_texts(texts, 3, SPACE) == SMALL


@pytest.mark.parametrize(
    "text",
    [
        "# Contents\n\nThis is what we do.\n\nAnd why.\n\n[Root](Root.md)\n",
        "# Contents\n\n[One](https://example.com/Root.md)\n[Two](other.md)\n",
        f"---\npage_id: 42\n---\n{CONTENTS}",
        "",
    ],
)
def test_a_text_that_is_more_than_an_index_is_a_page(text: str) -> None:
    assert len(list(read_tree({"README.md": text, **BESIDE}, ROOT, 3).walk())) == 4


def test_without_a_count_an_index_that_may_be_the_root_is_a_page() -> None:
    texts = {"index.md": "# Root\n\n- [A](A.md)\n- [B](B.md)\n", "A.md": "", "B.md": ""}

    assert read_texts(texts) == SMALL
    assert "SUMMARY" in read_texts({**BESIDE, "SUMMARY.md": "- [A](Root/A.md)\n"})["Root"]


def test_an_index_page_among_index_pages_is_a_page() -> None:
    texts = {
        "README.md": "# Root\n\n- [A](A/README.md)\n- [B](B.md)\n",
        "A/README.md": "",
        "A/notes.md": "",
        "B.md": "",
    }

    assert read_texts(texts, 3) == {"Root": {"A": {"notes": {}}, "B": {}}}


def test_an_index_that_is_known_as_the_root_is_a_page() -> None:
    texts = {"index.md": "# Guide\n\n[A](A.md)\n", "A.md": "", "notes.md": ""}

    assert read_texts(texts, 2) == {"A": {"notes": {}}}
    assert read_texts(texts, 2, known=KnownRoot("Guide")) == {"Guide": {"A": {}, "notes": {}}}
    known = KnownRoot(text=texts["index.md"])
    assert read_texts(texts, 2, known=known) == {"Guide": {"A": {}, "notes": {}}}
    texts["Guide.md"] = ""
    assert "A" in read_texts(texts, 3, known=KnownRoot("Guide"))["Guide"]


def test_besides_an_index_there_may_be_attached_markdown() -> None:
    texts = {"README.md": CONTENTS, **BESIDE, "Root/attachments/notes.md": "x"}

    assert read_texts(texts, 3) == SMALL


# The root


def test_the_root_is_found_by_what_confluence_tells() -> None:
    texts = {"a.md": "# A\n", "b.md": "# Our *handbook*!\n", "c.md": "# C\n"}
    found: Outline = {"Our handbook!": {"A": {}, "C": {}}}

    assert read_texts(texts) == {"A": {"Our handbook!": {}, "C": {}}}
    assert read_texts(texts, known=KnownRoot("Our handbook")) == found
    assert read_texts(texts, known=KnownRoot(text=f"\n{texts['b.md']}")) == found
    assert read_texts(texts, known=KnownRoot("Other", "x")) == read_texts(texts)
    assert read_texts({**texts, "b.md": "No.\n"}, known=KnownRoot("b"))["b"]
    tree = read_tree(texts, ROOT, known_root=KnownRoot("Our handbook"))
    assert [page.page_id for page in tree.walk()] == ["987654", "", ""]


def test_of_two_pages_with_the_title_of_the_root_links_tell_which_it_is() -> None:
    texts = {"a.md": "[B](b.md) [C](c.md)\n", "b.md": "# R\n", "c.md": "# R\n\n[B](b.md)\n"}

    assert read_tree(texts, ROOT, known_root=KnownRoot("R")).roots[0].path == "c.md"
    assert read_tree(texts, ROOT).roots[0].path == "a.md"


def test_a_page_with_another_id_or_below_the_root_is_not_the_root() -> None:
    texts = {
        "a.md": "---\npage_id: 1\n---\n",
        "b.md": "---\nparent_id: 987654\n---\n",
        "c.md": "---\nowner: Jane\n---\n",
    }

    tree = read_tree(texts, ROOT)

    assert [(page.title, page.page_id) for page in tree.walk()] == [
        ("c", "987654"), ("a", "1"), ("b", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("a", "b", "root"),
    [
        ("", "[a](a.md) and [c](c.md)", "b"),
        ("", "[c](c.md)", "a"),  # no more than half of the others
        ("", "[a](a.md)\n\n[c](https://example.com/c.md)", "a"),
        ("[c](c.md)", "[a](a.md)", "b"),  # one leads to the other
        ("[b](b.md) [c](c.md)", "[a](a.md) [c](c.md)", "a"),
        ("[b](b.md)", "[a](a.md) [c](c.md)", "b"),
        ("[b](b.md) [c](c.md)\n\n# A\n", "", "a"),
        ("[b](b.md) > [c](c.md)\n\n# a\n", "[a](a.md) [c](c.md)", "b"),  # a breadcrumb
    ],
)
def test_the_page_that_leads_to_the_others_is_the_root(a: str, b: str, root: str) -> None:
    assert read_tree({"a.md": a, "b.md": b, "c.md": ""}, ROOT).title == root


def test_if_the_order_tells_nothing_the_page_with_a_folder_is_the_root() -> None:
    below = {f"m/{number}.md": "" for number in range(3)}

    assert read_tree({"a.md": "", "m.md": "", **below, "z.md": ""}, ROOT).title == "m"
    assert read_tree({"z.md": "", "a.md": "", "m.md": "", **below}, ROOT).title == "z"
    two = {"a.md": "", "m.md": "", **below, "z.md": "", "z/1.md": ""}
    assert read_tree(two, ROOT).title == "a"


# Parents


def write(page_id: str = "", parent: str = "", name: str = "parent_id") -> str:
    fields = {"page_id": page_id, name: parent}
    lines = [f"{key}: {value}\n" for key, value in fields.items() if value]
    return f"---\n{''.join(lines)}---\n" if lines else ""


@pytest.mark.parametrize("name", ["parent_id", "parentId", "confluence_parent_id", "parent-id"])
@pytest.mark.parametrize("folder", ["", "all/"])
def test_parents_are_the_tree_of_pages_in_one_folder(name: str, folder: str) -> None:
    texts = {
        "D.md": write("4", "3", name),
        "C.md": write("3", "2", name),
        "Root.md": write("987654", "1", name),
        "E.md": write("5", "2", name),
        "B.md": write("2", "987654", name),
        "F.md": write("6", "999", name),
    }

    tree = read_texts({f"{folder}{path}": text for path, text in texts.items()})

    assert tree == {"Root": {"B": {"C": {"D": {}}, "E": {}}, "F": {}}}


def test_a_parent_may_also_be_named_in_a_section_or_a_comment() -> None:
    texts = {
        "R.md": write("987654"),
        "A.md": "---\nconfluence: {id: 1, parent_id: 987654}\n---\n",
        "B.md": "<!-- page-id: 2 -->\n<!-- parent-id: 1 -->\n# B\n",
    }

    assert read_texts(texts) == {"R": {"A": {"B": {}}}}


def test_parents_in_a_circle_do_no_harm() -> None:
    texts = {"A.md": write("1", "3"), "B.md": write("2", "1"), "C.md": write("3", "2"),
             "D.md": write("4", "4")}  # fmt: skip

    assert read_texts(texts, ref=SPACE) == {"C": {"A": {"B": {}}}, "D": {}}


def test_folders_say_more_than_parents() -> None:
    texts = {
        "R.md": write("987654"),
        "R/A.md": write("1", "987654"),
        "R/A/B.md": write("2", "987654"),
        "R/Drawer/C.md": write("3", "987654"),
        "R/D.md": write("4", "1"),
        "R/E.md": write("5", "2"),
    }

    assert read_texts(texts) == {
        "R": {"A": {"B": {"E": {}}, "D": {}}, "Drawer/": {"C": {}}}
    }  # fmt: skip


def test_parents_may_be_as_deep_as_an_archive_says() -> None:
    texts = {f"{number}.md": write(str(number), str(number - 1)) for number in range(1500, 0, -1)}

    for order in (texts, dict(reversed(texts.items()))):
        assert len(list(read_tree(order, SPACE).walk())) == 1500


# Names


LOST = "page-2f0c1d5e-0a0b-4c0d-8e0f-{:012x}"


def test_a_random_name_is_no_title_and_no_id() -> None:
    lost = [LOST.format(number) for number in range(3)]
    texts = {
        "R.md": "",
        f"R/{lost[0]}.md": "# 題\n",
        f"R/{lost[1]}.md": "",
        f"R/{lost[2]}.md": write("42"),
    }

    assert read_texts(texts) == {"R": {"題": {}, "Untitled": {}, "Page 42": {}}}
    assert read_tree({f"{lost[0]}.md": ""}, ROOT).title == "Page 987654"
    assert is_lost_name(lost[0])
    assert not is_lost_name("page-2bdd5753")


def test_a_random_name_is_another_one_for_the_folder() -> None:
    one, two, three = map(LOST.format, range(3))

    texts = {f"{one}.md": "# 題\n", f"{two}/A.md": "", "B.md": ""}
    assert read_texts(texts, ref=SPACE) == {"題": {"A": {}}, "B": {}}
    same = {f"{one}.md": "", f"{two}.md": "# 題\n", f"{two}/A.md": ""}
    assert read_texts(same, ref=SPACE) == {"Untitled": {}, "題": {"A": {}}}
    unclear = {f"{one}.md": "", f"{two}.md": "", f"{three}/A.md": ""}
    assert list(read_texts(unclear, ref=SPACE)) == ["Untitled", "Untitled/"]


@pytest.mark.parametrize(
    ("page", "folder"),
    [
        ("08-title-hazards", "08-title-hazards"),
        ("Q&A: what, and why?", "Q&A- what, and why-"),
        ("q&a-what,-and-why", "qa-what-and-why"),
        ("q-a-what-and-why", "Q&A what (and why)"),
        ("Übersicht", "ubersicht"),
        ("übersicht", "bersicht"),
        ("bersicht", "Übersicht"),
        ("depth-(child)", "depth-child"),
        ("12345", "what-it-says"),
    ],
)
def test_a_folder_may_be_called_almost_as_its_page(page: str, folder: str) -> None:
    texts = {"R.md": "", f"R/{page}.md": "# What it says\n", f"R/{folder}/A.md": "", "R/B.md": ""}

    assert read_texts(texts) == {"R": {"What it says": {"A": {}}, "B": {}}}
    assert page in str(read_texts({**texts, f"R/{page}.md": ""})) or page == "12345"


@pytest.mark.parametrize("page", ["年報-2030", "2030-a", "Z"])
def test_a_folder_that_only_has_a_part_of_a_pages_name_is_not_its_folder(page: str) -> None:
    assert read(f"{page}.md", "2030/A.md", ref=SPACE) == {page: {}, "2030/": {"A": {}}}


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
    check(read_tree(dict.fromkeys(paths, ""), ref), paths)


def check(tree: Tree, paths: list[str]) -> None:
    assert sorted(page.path for page in tree.walk() if page.path) == sorted(paths)
    assert all(page.title for page in tree.walk())
    assert not any(page.is_folder and not page.children for page in tree.walk())


IDS = st.sampled_from(["", "1", "2", "3", "4", "5", "987654"])
HEADINGS = st.sampled_from(["", "# A\n", "# Root\n", "<!-- page-id: 2 -->\n\n# B\n"])
BODIES = st.lists(st.sampled_from(["Text.", "- [A](A.md)", "[B](../B.md) [x](A/index.md)"]))
TEXTS = st.builds(
    lambda page_id, parent, heading, lines: (
        write(page_id, parent) + heading + "\n" + "\n\n".join(lines)
    ),
    IDS,
    IDS,
    HEADINGS,
    BODIES,
) | st.text(max_size=50)  # fmt: skip
STEMS = st.sampled_from(["index", "README", "SUMMARY", "A", "B", "Ä", "A-12345", LOST.format(1),
                         LOST.format(2), "attachments"])  # fmt: skip
FILES = st.dictionaries(
    st.lists(STEMS, min_size=1, max_size=3).map(lambda names: "/".join(names) + ".md"),
    TEXTS,
    min_size=1,
    max_size=10,
)
KNOWN = st.builds(KnownRoot, st.sampled_from(["", "A", "Root"]), TEXTS)


@given(FILES, st.sampled_from([ROOT, SPACE]), st.integers(0, 10), KNOWN)
def test_whatever_pages_say_each_is_in_the_tree_once(
    texts: dict[str, str], ref: TreeRef | SpaceRef, page_count: int, known: KnownRoot
) -> None:
    tree = read_tree(texts, ref, page_count, known)

    there = [page.path for page in tree.walk() if page.path]
    check(tree, there)
    assert len(there) == len(set(there))
    assert set(there) <= set(texts)
    left_out = set(texts) - set(there)
    assert all(set(path.split("/")) & {"README.md", "index.md", "SUMMARY.md", "attachments"}
               for path in left_out)  # fmt: skip
    assert not left_out or not page_count or len(there) >= min(page_count, len(texts))
    ids = [page.page_id for page in tree.walk() if page.page_id]
    assert len(ids) == len(set(ids))
    if isinstance(ref, TreeRef) and not all(root.is_folder for root in tree.roots):
        assert [root.page_id for root in tree.roots] == [ref.page_id]


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
