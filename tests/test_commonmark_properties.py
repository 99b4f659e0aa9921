"""Whatever is written in Confluence: no word of it is lost, and no build fails of it."""

from __future__ import annotations

import html as html_library
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_confluence_md.markdown.extension import ConfluenceExtension
from rendering import make_markdown

MARKDOWN = make_markdown(ConfluenceExtension())
MARKUP = st.text(alphabet="ab \n\t-*_`~[]()!<>#|:+.1&;{}\\/\"'=$@^w\x02\x03", max_size=120)


def render(text: str) -> str:
    return MARKDOWN.reset().convert(text)


def indent(text: str, first: str, other: str) -> str:
    head, *tail = text.splitlines() or [""]
    return "\n".join([first + head, *((other + line).rstrip() for line in tail)])


WORDS = st.integers(0, 10_000).map(lambda number: f"word{number}x")
INLINE = st.recursive(
    WORDS,
    lambda inner: st.one_of(
        inner.map("**{}**".format),
        inner.map("*{}*".format),
        # Not at the beginning of a line, where four tildes begin a fence whose name is not shown.
        inner.map("and ~~{}~~".format),
        WORDS.map("`{}`".format),
        st.tuples(inner, WORDS).map(lambda pair: f"[{pair[0]}](/{pair[1]})"),
        WORDS.map("<kbd>{}</kbd>".format),
        st.tuples(inner, inner).map(" ".join),
        st.tuples(inner, inner).map("\n".join),
        inner.map("{}{{.cls}}".format),
    ),
    max_leaves=5,
)
LEAVES = st.one_of(
    INLINE,
    INLINE.map(lambda text: "## " + text.replace("\n", " ")),
    WORDS.map("```python\n{}\n```".format),
    WORDS.map("    {}".format),
    st.tuples(WORDS, INLINE).map(
        lambda pair: f"| {pair[0]} | b |\n|:--|--:|\n| {pair[1]} | c |".replace(
            pair[1], pair[1].replace("\n", " ")
        )
    ),
    INLINE.map(lambda text: f"<details>\n<summary>word0x</summary>\n\n{text}\n\n</details>"),
)
BLOCKS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("\n\n".join),
        inner.map(lambda text: indent(text, "- ", "  ")),
        inner.map(lambda text: indent(text, "- [ ] ", "  ")),
        inner.map(lambda text: indent(text, "1. ", "   ")),
        inner.map(lambda text: indent(text, "> ", "> ")),
        inner.map(lambda text: "> [!NOTE]\n" + indent(text, "> ", "> ")),
        inner.map(lambda text: "> [!TIP]- word2x\n" + indent(text, "> ", "> ")),
        inner.map(lambda text: "> ⚠️ **word3x**\n>\n" + indent(text, "> ", "> ")),
        inner.map(lambda text: f":::info word4x\n{text}\n:::"),
    ),
    max_leaves=8,
)


@given(BLOCKS)
def test_no_word_is_lost(text: str) -> None:
    shown = html_library.unescape(re.sub(r"<[^>]*>", "", render(text)))
    for word in set(re.findall(r"word\d+x", re.sub(r"\]\(/word\d+x\)", "]", text))):
        assert shown.count(word) >= text.count(word) - text.count(f"(/{word})"), text


@given(MARKUP)
def test_no_markup_is_too_odd(text: str) -> None:
    html = render(text)

    assert "\x02" not in html
    assert "\x03" not in html


@given(st.text())
def test_no_text_is_too_odd(text: str) -> None:
    render(text)


@given(st.binary(), st.sampled_from(["utf-8", "latin-1", "utf-16"]))
def test_no_bytes_are_too_odd(data: bytes, encoding: str) -> None:
    render(data.decode(encoding, errors="replace"))
    render(data.decode("utf-8", errors="surrogateescape"))


@pytest.mark.parametrize(
    "text",
    [
        ">" * 3000 + " the text",
        "- " * 3000 + "the text",
        "".join(f"{'  ' * depth}- the text {depth}\n" for depth in range(300)),
        "".join(f"{'>' * depth} the text {depth}\n" for depth in range(1, 300)),
        "*" * 5000 + "the text" + "*" * 5000,
        "**a *b " * 1000 + "the text" + "* **" * 1000,
        "[" * 5000 + "the text" + "](/x)" * 5000,
        "![" * 2000 + "the text" + "](/x)" * 2000,
        "[^1]: " * 300 + "the text",
        ":::note\n" * 500 + "the text\n",
        "> [!NOTE]\n" + "> " * 500 + "the text",
        "~~a " * 2000 + "the text",
        "the text " + "http://a.b/" + ")" * 20_000,
        "the text " + "a" * 50_000 + "@",
        "the text " + "www." * 10_000,
        "the text " + "`" * 20_000,
        "the text " + "<" * 20_000,
        "| a |\n|---|\n" + "| the text |\n" * 2000,
    ],
    ids=lambda text: text[:8].strip(),
)
def test_nothing_is_too_deep_or_too_long(text: str) -> None:
    assert "the text" in render(text)
