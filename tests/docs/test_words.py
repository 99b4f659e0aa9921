"""The documentation is readable, as far as that can be counted."""

from __future__ import annotations

from benchmarks.words import read_page, read_pages


def test_each_page_is_readable() -> None:
    pages = read_pages()

    assert len(pages) > 30
    assert [problem for page in pages for problem in page.find_problems()] == []


def test_what_is_counted() -> None:
    page = read_page(
        "x.md",
        "---\nhide: x\n---\n# A heading\n\nOne `two words` three. Four\n[five](six.md).\n\n"
        "- Seven eight\n- Nine ten\n\n| a | table |\n\n```sh\nnot counted at all\n```\n",
    )

    assert page.lengths == [3, 2, 2, 2]
    assert page.find_problems() == []


def test_what_is_found() -> None:
    long = read_page("x.md", f"{'word ' * 40}.\n")
    riddle = read_page("x.md", "Whoever reads this is no wizard.\n")

    assert len(long.find_problems()) == 2
    assert len(riddle.find_problems()) == 2
