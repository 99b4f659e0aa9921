"""References to attachments: which addresses are some, and which file is meant."""

from __future__ import annotations

import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_confluence_md.confluence.attachments import (
    Reference,
    change_tags,
    find_enclosed,
    find_file,
    find_references,
    read_address,
)
from rendering import render

SITE = "https://acme.atlassian.net"
GATEWAY = "https://api.atlassian.com/ex/confluence/c10d-1d"
UUID = "0a1b2c3d-1111-4222-8333-444455556666"


@pytest.mark.parametrize(
    ("address", "key"),
    [
        (f"{SITE}/wiki/download/attachments/1/a%20b.png?version=2&api=v2", "1/a b.png"),
        ("R&amp;D.png?a=1&copy=2", "R&D.png"),
        ("R&notes.png", "R&notes.png"),
        (f"{SITE}/wiki/download/attachments/1/a.png?version=2&amp;api=v2", "1/a.png"),
        (f"{SITE}/wiki/download/thumbnails/1/a.png?width=5", "1/a.png"),
        (f"{SITE}/wiki/download/attachments/2/a.png", "2/a.png"),
        ("/wiki/download/attachments/1/a.png", "1/a.png"),
        ("/download/attachments/1/a.png", "1/a.png"),
        ("https://docs.acme.example/wiki/download/attachments/1/a.png", "1/a.png"),
        (f"{SITE}/wiki/rest/api/content/1/child/attachment/att9/download", "1/#9"),
        (f"{SITE}/wiki/rest/api/content/1/child/attachment/9/download", "1/#9"),
        (f"{GATEWAY}/wiki/download/attachments/1/a.png?version=1", "1/a.png"),
        (f"{GATEWAY}/download/attachments/2/a.png", "2/a.png"),
        (f"{GATEWAY}/wiki/rest/api/content/1/child/attachment/att9/download", "1/#9"),
        (f"{GATEWAY}/wiki/rest/api/content/att456/download", "#456"),
        ("/wiki/rest/api/content/att456/download", "#456"),
        ("/rest/api/content/att456/download?x=1", "#456"),
        ("attachment:a%20b.png", "a b.png"),
        ("Attachment:a.png", "a.png"),
        ("attachment:Makefile", "Makefile"),
        ("attachment:../../x/a.png", "../../x/a.png"),
        ("attachment:456", "#456"),
        ("attachment:att456", "#456"),
        ("attachment://456", "#456"),
        ("attachment:456:a.png", "#456/a.png"),
        ("attachment://att456/a.png", "#456/a.png"),
        (f"attachment://{UUID}", f"#{UUID}"),
        (f"attachment:{UUID}:u%CC%88.png", f"#{UUID}/ü.png"),
        ("media:a.png", "a.png"),
        (f"media:{UUID}", f"#{UUID}"),
        (f"https://api.media.atlassian.com/file/{UUID}/binary?token=…&name=a%20b.png",
         f"#{UUID}/a b.png"),
        (f"https://api.media.atlassian.com/file/{UUID}/binary?token=…", f"#{UUID}"),
        (f"https://media.atlassian.com/file/{UUID}?name=x%2Fa.png", f"#{UUID}/a.png"),
        ("//media-cdn.atlassian.com/x?name=a.png", "a.png"),
        ("/attachments/a.png", "/attachments/a.png"),
        ("/Images/x/a%20b", "/Images/x/a b"),
        ("/assets/../files/./a.png#x", "/files/a.png"),
        ("attachments/Makefile", "attachments/Makefile"),
        ("../files/x/LICENSE", "../files/x/LICENSE"),
        ("a.png", "a.png"),
        ("./images/u%CC%88.png#only-dark", "images/ü.png"),
        ("../x/a.pdf", "../x/a.pdf"),
        ("https://docs.acme.example/wiki/download/attachments/2/a.png", None),
        (f"{SITE}/wiki/spaces/ENG/pages/1/Deploy", None),
        (f"{SITE}/wiki/download/attachments/x/a.png", None),
        ("https://example.com/a.png", None),
        ("//example.com/a.png", None),
        ("data:image/png;base64,aaa.png", None),
        ("mailto:a@b.png", None),
        ("C:/a.png", None),
        ("confluence:1", None),
        ("#a.png", None),
        ("?a.png", None),
        ("/a.png", None),
        ("/attachments/", None),
        ("/attachments/a.md", None),
        ("//example.com/attachments/a.png", None),
        ("https://example.com/attachments/a.png", None),
        ("attachments/", None),
        ("attachments/a.md", None),
        ("my-files/LICENSE", None),
        ("attachment:", None),
        ("media://", None),
        ("https://media.atlassian.com/", "file"),
        ("https://media.atlassian.com/?token=…", "file"),
        ("https://api.atlassian.com/wiki/download/attachments/2/a.png", None),
        ("https://example.com/ex/confluence/1/wiki/download/attachments/2/a.png", None),
        ("https://example.com/wiki/rest/api/content/att456/download", None),
        ("other.md", None),
        ("other.md#heading", None),
        ("folder", None),
        ("http://[a.png", None),
        ("", None),
    ],
)  # fmt: skip
def test_addresses(address: str, key: str | None) -> None:
    reference = read_address(address, "1")

    assert (reference.key if reference else None) == key


def test_all_ways_of_writing_a_reference_are_found() -> None:
    text = f"""
![a](a.png) [b](<b c.png> "title") [![d](d.png)](e.pdf 'title') ![f](f_(1).png) ![g](g\\_g.png)
![h][ref] <{SITE}/wiki/download/attachments/1/i.png> {SITE}/wiki/download/attachments/1/j.png
<img alt='x' SRC="k.png"> <a class=x href='l.pdf'>l</a> <img src=m.png>

[ref]: h.png "title"
> [quoted]:
>   <n o.png>
[name.txt]({SITE}/wiki/rest/api/content/1/child/attachment/5/download)
"""
    assert sorted(find_references(text, "1")) == [
        "1/#5", "1/i.png", "1/j.png", "a.png", "b c.png", "d.png", "e.pdf", "f_(1).png", "g_g.png",
        "h.png", "k.png", "l.pdf", "m.png", "n o.png",
    ]  # fmt: skip


def test_code_between_fences_refers_to_nothing_but_a_fence_must_end() -> None:
    text = "```\n![a](a.png)\n```\n![b](b.png)\n~~~~ md\n![c](c.png)\n~~~\n~~~~\n```\n![d](d.png)\n"

    assert sorted(find_references(text, "1")) == ["b.png", "d.png"]


@pytest.mark.parametrize(
    "text",
    [
        "```code``` begins a line.\n\n![a](a.png)\n\n```\ncode\n```\n",
        "> ```\n> code\n\n![a](a.png)\n\n```\ncode\n```\n",
        "- ```\n  code\n\n![a](a.png)\n\n```\ncode\n```\n",
        "```\ncode\n     ```\n```\n![a](a.png)\n```\ncode\n```\n",
        "```\n- ```\n```\n![a](a.png)\n```\ncode\n```\n",
        "<div>\n```\n<img src=a.png>\n```\n</div>",
        "Text\n     ```\n     ![a](a.png)\n\n     ```\n",
    ],
)
def test_what_only_looks_like_a_fence_hides_nothing(text: str) -> None:
    assert 'src="a.png"' in render(text).replace("=a.png", '="a.png"')
    assert "a.png" in find_references(text, "1")


@pytest.mark.parametrize(
    "text",
    [
        "Text\n```md\n![a](a.png)\n```\n",
        "1. Text\n\n    ```md\n    ![a](a.png)\n\n    x\n    ```\n",
        "- ```md\n  ![a](a.png)\n  ```\n",
        "> ```md\n> ![a](a.png)\n> ```\n",
        "> - ```md\n>   ![a](a.png)\n>   ```\n",
        "```md\r\n![a](a.png)\r\n```\r\n",
    ],
)
def test_code_refers_to_nothing_in_lists_and_quotations(text: str) -> None:
    assert find_references(text, "1") == {}


@pytest.mark.parametrize(
    "text",
    ["[a](x" + " " * 100_000 + "y)", "`" * 100_000 + " x`", "> ```\n" * 10_000],
    ids=lambda text: text[:5].strip(),
)
def test_no_text_takes_quadratic_time(text: str) -> None:
    # In quadratic time each would take a minute and more.
    assert "b.png" in find_references(f"{text}\n\n![b](b.png)", "1")


PIECES = st.sampled_from([
    "![", "[", "]", "](", ")", "a.png", "b c.png", "<", ">", " ", "\n", "\n\n", "> ", "- ", "`",
    "*", "\\", '"t"', "[r]: ", "[r]", "<img src=", "'d.png'", "<a href=", "</a>", "(", "_", "    ",
    "e.pdf", "```", "\n```\n", "\n~~~\n", f"{SITE}/wiki/download/attachments/1/f.png ",
])  # fmt: skip


@given(st.lists(PIECES, max_size=25))
def test_whatever_is_rendered_was_found_before(pieces: list[str]) -> None:
    text = "".join(pieces)
    rendered = render(text)
    addresses = re.findall(r'<(?:img|a)\b[^<>]*?\s(?:src|href)="([^"]*)"', rendered)
    keys = {found.key for each in addresses if (found := read_address(each, "1"))}

    assert keys <= find_references(text, "1").keys()


def find(reference: Reference, *paths: str, folder: str = "") -> str | None:
    return find_file(reference, paths, folder, "1")


NAMES = ["a b.png", "a%20b.png", "a+b.png"]


@pytest.mark.parametrize(("written", "packed"), list(product(NAMES, NAMES)))
@pytest.mark.parametrize("folder", ["", "Space/attachments/1/"])
def test_a_name_is_found_however_it_is_written(written: str, packed: str, folder: str) -> None:
    reference = read_address(f"{SITE}/wiki/download/attachments/1/{written}", "1")

    assert reference
    assert find(reference, f"{folder}z.png", folder + packed) == folder + packed


def test_a_path_is_found_by_all_of_it_before_its_name_alone() -> None:
    paths = ["Space/other/x.png", "Space/images/x.png", "x.png"]

    assert find(Reference("images/x.png"), *paths, folder="Space") == "Space/images/x.png"
    assert find(Reference("../x.png"), *paths, folder="Space") == "x.png"
    assert find(Reference("elsewhere/x.png"), *paths, folder="Space") in paths


def test_forms_of_unicode_and_names_that_were_made_safe() -> None:
    assert find(Reference("ü.png"), "u\u0308.png") == "u\u0308.png"
    assert find(Reference("Plan: v2?.png", owner="1"), "Plan_v2_.png") == "Plan_v2_.png"
    assert find(Reference("a-b.png"), "a_b.png", "a b.png") is None
    assert find(Reference("b.png"), "a.png") is None


def test_the_file_of_another_page_is_taken_only_where_its_path_says_so() -> None:
    theirs = Reference("x.png", owner="2")

    assert find(theirs, "x.png", "1/x.png") is None
    assert find(theirs, "x.png", "2/x.png") == "2/x.png"


def test_an_attachment_without_a_name_is_found_by_its_number_or_by_the_text_beside_it() -> None:
    reference = Reference("", owner="1", number="77", label="report.pdf")

    assert find(reference, "report.pdf", "att77.bin") == "att77.bin"
    assert find(reference, "report.pdf", "att770.bin") == "report.pdf"
    assert find(Reference("", owner="1", number="77"), "report.pdf") is None


@pytest.mark.parametrize(
    ("address", "label", "paths", "found"),
    [
        # By name, by ID, by the text beside it, in this order.
        ("attachment:456:a.png", "b.png", ["456.bin", "a.png", "b.png"], "a.png"),
        ("attachment:456:a.png", "b.png", ["x/att456.bin", "b.png"], "x/att456.bin"),
        ("attachment:456:a.png", "b.png", ["4567.bin", "b.png"], "b.png"),
        ("attachment:ab12cd", "b.png", ["a.png", "b.png"], "b.png"),
        ("attachment:456", "c", ["att456-a.png", "b.png"], "att456-a.png"),
        ("attachment:456", "c", ["att456-a.png", "456.png"], None),
        (f"media:{UUID}", "", [f"{UUID.upper()}.png", "b.png"], f"{UUID.upper()}.png"),
        (f"media:{UUID}", "", [f"0{UUID}.png"], None),
        ("attachment:a%20b.png", "", ["x/a_b.png"], "x/a_b.png"),
        ("/wiki/rest/api/content/att456/download", "b.png", ["a.png", "b.png"], "b.png"),
        # From the root folder, if there is such a file.
        ("/files/a.png", "", ["files/a.png", "p/files/a.png"], "files/a.png"),
        ("/files/a%20b.png", "", ["Space/files/a%20b.png"], "Space/files/a%20b.png"),
        ("/attachments/a.png", "a.png", ["x/attachments/a.png", "y/attachments/a.png"], None),
        ("/attachments/a.png", "a.png", ["a.png", "images/a.png"], None),
        ("attachments/Makefile", "", ["attachments/Makefile"], "attachments/Makefile"),
        # Of an ordinary path the text beside it says nothing.
        ("a.png", "b.png", ["b.png"], None),
    ],
)  # fmt: skip
def test_forms_of_exporters(address: str, label: str, paths: list[str], found: str | None) -> None:
    reference = read_address(address, "1", label)

    assert reference
    assert find(reference, *paths) == found
    assert find_enclosed(reference, paths, "page.md", "1") == found


def test_all_forms_of_exporters_are_found_in_a_text() -> None:
    for address in ("attachment:a.png", "media:a.png", "/attachments/a.png", "images/LICENSE",
                    f"https://api.media.atlassian.com/file/{UUID}/binary?token=…&name=a.png",
                    f"{GATEWAY}/wiki/rest/api/content/att456/download"):  # fmt: skip
        for text in (f"![x]({address})", f"<img src='{address}'>", f"[r]: {address}"):
            assert len(find_references(text, "1")) == 1, text


@given(
    st.sampled_from(["attachment:", "media:", "https://api.media.atlassian.com/", "/files/", ""]),
    st.text() | PIECES,
    st.text(max_size=9),
)
def test_any_address_is_read_or_is_none(before: str, text: str, label: str) -> None:
    reference = read_address(before + text, "1", label)

    if reference:
        assert reference.key
        assert reference.name
        find(reference, "a.png", "files/b", text)
        find_enclosed(reference, ["a.png", "files/b", text], "x/page.md", "")


@pytest.mark.parametrize(
    ("page", "link", "paths", "found"),
    [
        ("A.md", "attachments/x.png", ["attachments/x.png", "A/attachments/x.png"], 0),
        ("A.md", "attachments/x.png", ["A/attachments/x.png", "B/attachments/x.png"], 0),
        ("A.md", "A/attachments/x.png", ["A/attachments/x.png", "B/attachments/x.png"], 0),
        ("R/A.md", "attachments/x.png", ["attachments/x.png", "R/B/attachments/x.png"], 0),
        ("R/A.md", "../attachments/x.png", ["attachments/x.png", "R/attachments/x.png"], 0),
        ("R/A/B.md", "../attachments/x.png", ["attachments/x.png", "Q/attachments/x.png"], 0),
        ("R/A/B.md", "attachments/x.png", ["all/attachments/x.png"], 0),
        ("all/R/A.md", "attachments/x.png", ["all/attachments/x.png", "R/attachments/x.png"], 0),
        ("R/A.md", "../../../attachments/x.png", ["attachments/x.png", "Q/attachments/x.png"], 0),
        ("R/A.md", "attachments/x%20y.png", ["attachments/x-y.png"], 0),
        ("R/A.md", "attachments/x y.png", ["attachments/x%20y.png", "Q/x y.png"], 0),
        ("R/A.md", "x.png", ["x.png", "Q/x.png"], None),
        ("R/A.md", "attachments/x.png", ["P/attachments/x.png", "Q/attachments/x.png"], None),
    ],
)
def test_a_path_in_an_export_may_be_written_for_another_folder(
    page: str, link: str, paths: list[str], found: int | None
) -> None:
    for listed in (paths, paths[::-1]):
        reference = read_address(link, "")

        assert reference
        path = find_enclosed(reference, listed, page, "")
        assert path == (None if found is None else paths[found])


def test_tags_are_changed_where_they_stand() -> None:
    def change(tag: str, address: str) -> str | None:
        return {"a&amp;b.png": f"{tag}.png", "gone.png": "<b>gone</b>"}.get(address)

    text = "<p onclick=x><IMG  alt='a>b' src='a&amp;b.png' />é<img src=gone.png><img src=keep.png>"

    assert change_tags(text, change) == (
        "<p onclick=x><IMG  alt='a>b' src=\"img.png\" />é<b>gone</b><img src=keep.png>"
    )


def test_a_definition_that_is_mostly_blanks_is_read_at_once() -> None:
    # With its square, this would take minutes.
    assert find_references(f"[a]:{' ' * 200_000}\n\n", "1") == {}
    assert [*find_references(f"[a]:{' ' * 200_000}\n> plan.png\n", "1")]
