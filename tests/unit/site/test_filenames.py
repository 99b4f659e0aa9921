"""Safe names: on any file system, and for any name."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_confluence_md.site.paths import Shelves, add_mark, fold, make_safe_name, place_files


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("picture.png", "picture.png"),
        ("Two words (1).png", "Two-words-(1).png"),
        ("u\u0308bersicht.svg", "übersicht.svg"),
        ("../../etc/passwd", "etc-passwd"),
        ("a\\b/c:d.png", "a-b-c-d.png"),
        ("evil\u202egnp.html", "evilgnp.html"),
        (".htaccess", "htaccess.txt"),
        ("end. .", "end"),
        ("CON", "file-CON"),
        ("com1.txt", "file-com1.txt"),
        ("console.log", "console.log"),
        ("50% off?.png", "50-off-.png"),
        ("notes.md", "notes.md.txt"),
        ("notes.Markdown", "notes.Markdown.txt"),
        ("<img onerror=x>.png", "img-onerror=x-.png"),
        ("\u200b", "file"),
        ("", "file"),
    ],
)
def test_safe_names(name: str, safe: str) -> None:
    assert make_safe_name(name) == safe


def test_a_long_name_keeps_its_extension_and_stays_itself() -> None:
    one, other = (make_safe_name("ü" * 200 + end + ".png") for end in "ab")

    assert len(one.encode()) <= 150
    assert one.endswith(".png")
    assert one != other


@given(st.text())
def test_any_name_becomes_a_safe_one(name: str) -> None:
    safe = make_safe_name(name)

    assert 0 < len(safe.encode()) <= 150
    assert not set(safe) & set('/\\:*?"<>|#%\0 ')
    assert safe.isprintable()
    assert safe[0] not in ".-"
    assert safe[-1] not in ". "
    assert unicodedata.is_normalized("NFC", safe)
    assert make_safe_name(safe) == safe


@given(st.dictionaries(st.text(min_size=1), st.text(), max_size=8), st.lists(st.text(max_size=5)))
def test_no_two_files_have_one_place(names: dict[str, str], local: list[str]) -> None:
    taken = [f"run/deploy/{make_safe_name(name)}" for name in local]
    shelves = Shelves()
    shelves.take(taken)

    placed = place_files("run/deploy.md", names, shelves)

    slots = [fold(uri) for uri in placed.values()]
    assert len(set(slots)) == len(names)
    assert not set(slots) & set(map(fold, taken))
    assert placed.keys() == names.keys()


def place(names: dict[str, str], *taken: str) -> dict[str, str]:
    shelves = Shelves()
    shelves.take(taken)
    return place_files("run/deploy.md", names, shelves)


def test_names_that_differ_in_case_only_are_told_apart_in_the_same_way_each_time() -> None:
    placed = place({"1": "A.png", "2": "a.png"})

    assert placed == {"1": "run/deploy/A.png", "2": f"run/deploy/{add_mark('a.png', '2')}"}
    assert placed == place({"2": "a.png", "1": "A.png"})


def test_a_local_file_keeps_its_place_and_so_does_the_page() -> None:
    placed = place(
        {"1": "index.html", "2": "more", "3": "own.png"},
        "run/deploy/index.html",
        "run/deploy/more/index.html",
    )

    assert placed == {
        "1": f"run/deploy/{add_mark('index.html', '1')}",
        "2": f"run/deploy/{add_mark('more', '2')}",
        "3": "run/deploy/own.png",
    }


def test_a_file_where_the_folder_would_be_keeps_its_place_too() -> None:
    assert place({"1": "a.png"}, "run/deploy") == {"1": "run/deploy-files/a.png"}
