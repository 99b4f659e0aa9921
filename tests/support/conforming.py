"""Markdown as a conforming writer writes it: mdformat, over documents that are made up."""

from __future__ import annotations

import mdformat
from hypothesis import strategies as st

_WORDS = st.sampled_from([
    "plan", "Note:", "done", "1.", "(a)", "a_b", "*c*", "C++", "#4", ">5", "x|y", "5*3", "3:00",
    "std::map", "a@acme.example", "7%", "-", "+", "~", "~1", "`code`", "**bold**", "**Note:**",
    "*soft*", "***both***", "~~gone~~", "[text](/x)", "[r][ref]", "\\*no\\*", "![alt](/p.png)",
    "![alt](<q.png>)", "https://acme.example/a_b", "<https://acme.example/>", "<b>h</b>", "&amp;",
    "é", "漢字", "🚀", "$5", "R&D", "{y}", "\\[z\\]", "www.acme.example",
])  # fmt: skip
_LINES = st.lists(_WORDS, min_size=1, max_size=8).map(" ".join)
_CODE = st.lists(st.sampled_from(["a", "  b", "", "- c", "1. d", "> e", "**f **g"]), max_size=5)
_LEAVES = st.one_of(
    st.lists(_LINES, min_size=1, max_size=3).map("\n".join),
    st.lists(_LINES, min_size=2, max_size=2).map("\\\n".join),
    st.builds(lambda level, text: f"{'#' * level} {text}", st.integers(1, 6), _LINES),
    st.builds(
        lambda language, lines: "\n".join([f"```{language}", *lines, "```"]),
        st.sampled_from(["", "sh", "python"]),
        _CODE,
    ),
    st.lists(_LINES, min_size=3, max_size=9).map(
        lambda cells: "\n".join(
            ["| a | b |", "| --- | ---: |"]
            + [f"| {cell} | {cells[0]} |".replace("x|y", "x") for cell in cells[1:]]
        )
    ),
    st.just("***"),
    st.just("<details>\n<summary>More</summary>\n\ntext\n\n</details>"),
)


def _indent(text: str, first: str, other: str) -> str:
    head, *rest = text.split("\n")
    return "\n".join([first + head, *(other + line if line else "" for line in rest)])


def _write_list(items: list[list[str]], start: int | None, *, loose: bool) -> str:
    written = []
    for number, blocks in enumerate(items, start or 0):
        marker = "- " if start is None else f"{number}. "
        written.append(_indent("\n\n".join(blocks), marker, " " * len(marker)))
    return ("\n\n" if loose else "\n").join(written)


def _nest(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    items = st.lists(st.lists(inner, min_size=1, max_size=3), min_size=1, max_size=4)
    return st.one_of(
        st.builds(
            lambda items, start, loose: _write_list(items, start, loose=loose),
            items,
            st.none() | st.integers(0, 120),
            st.booleans(),
        ),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda blocks: _indent("\n\n".join(blocks), "> ", "> ")
        ),
    )


_BLOCKS = st.recursive(_LEAVES, _nest, max_leaves=12)


def write(blocks: list[str]) -> str:
    """Return a document as mdformat writes it."""
    text = "\n\n".join([*blocks, "[ref]: /target"])
    return mdformat.text(text, extensions={"gfm"}, options={"number": True})


DOCUMENTS = st.lists(_BLOCKS, min_size=1, max_size=6).map(write)
