"""Markdown with other addresses: changed where they stand, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_confluence_md.markdown.attachments import show_missing
from mkdocs_confluence_md.markdown.context import Destination, Trail, write_fragment
from mkdocs_confluence_md.pull.rewrite import Rewriter
from strategies import BLOCKS, MARKUP, indent

REWRITER = Rewriter(show_missing)
URL = "https://acme.example/wiki/1"
DESTINATIONS = {
    URL: Destination("../plan.md#roll-out", title="The *plan*"),
    "pic.png": Destination("deploy/pic.png"),
    "gone_1.png": Destination("", missing="gone_1.png"),
    "gone_1.md": Destination("", is_dropped=True),
    "gone_2.md": Destination("", title="gone *2*", is_dropped=True),
    "both": Destination("", missing="b.png", is_dropped=True),
    "confluence:9": Destination("https://acme.example/wiki/(9)"),
}


def find(address: str) -> Destination | None:
    return DESTINATIONS.get(address)


def rewrite(text: str) -> str:
    rewritten = REWRITER.rewrite(text, find, find)
    assert rewritten.complete
    return rewritten.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"See [it]({URL}).", "See [it](../plan.md#roll-out)."),
        (f"[it](  <{URL}>\n 'Title' )", "[it](  ../plan.md#roll-out\n 'Title' )"),
        ("[a](confluence:9)", "[a](<https://acme.example/wiki/(9)>)"),
        (f"<{URL}>", r"[The \*plan\*](../plan.md#roll-out)"),
        (f"({URL}).", r"([The \*plan\*](../plan.md#roll-out))."),
        (f"[{URL}]({URL})", r"[The \*plan\*](../plan.md#roll-out)"),
        (f"[{URL[8:]}]({URL})", r"[The \*plan\*](../plan.md#roll-out)"),
        (f"[a][b]\n\n[b]: {URL} 'T'", "[a][b]\n\n[b]: ../plan.md#roll-out 'T'"),
        (f"[a][b]\n\n> [b]:\n> <{URL}>", "[a][b]\n\n> [b]:\n> ../plan.md#roll-out"),
        (f"[{URL}][b]\n\n[b]: {URL}", f"[{URL}][b]\n\n[b]: ../plan.md#roll-out"),
        ("![a](pic.png)", "![a](deploy/pic.png)"),
        (f"[![a](pic.png)]({URL})", "[![a](deploy/pic.png)](../plan.md#roll-out)"),
        (
            "![a *b*](gone_1.png 'T') c",
            r'<span class="confluence-missing">gone\_1.png</span> c',
        ),
        ("[a](gone_1.png)", "[a](gone_1.png)"),
        ("x [*a* `b`](<gone_1.md> 'T') y", "x *a* `b` y"),
        ("[a][b], [b][], [b]\n\n[b]: gone_1.md", "a, b, b\n\n[b]: gone_1.md"),
        ("[![a](pic.png)](gone_1.md)", "![a](deploy/pic.png)"),
        ("[gone_2.md](gone_2.md) [x](gone_2.md)", r"gone \*2\* x"),
        ("![a](both) [c](both)", '<span class="confluence-missing">b.png</span> c'),
        ("| [x\\|y](gone_1.md) | b |\n|--|--|", "| x\\|y | b |\n|--|--|"),
        (
            "a <a href=gone_1.md>b *c*</a> <a href='x'>d</a>\n\n<p><a href='gone_1.md'>e</a></p>",
            "a <span>b *c*</span> <a href='x'>d</a>\n\n<p><span>e</span></p>",
        ),
        (
            f"| a | b |\n|--|--|\n| [x\\|y]({URL}) | [x\\|y]({URL}) |",
            "| a | b |\n|--|--|\n| [x\\|y](../plan.md#roll-out) | [x\\|y](../plan.md#roll-out) |",
        ),
        (
            f"> - [a]({URL})\n>   [b](\n>   {URL})",
            "> - [a](../plan.md#roll-out)\n>   [b](\n>   ../plan.md#roll-out)",
        ),
        (f"> [!NOTE] T\n> [a]({URL})", "> [!NOTE] T\n> [a](../plan.md#roll-out)"),
        (f'a <a href="{URL}">b</a>', 'a <a href="../plan.md#roll-out">b</a>'),
        (
            "> <p>\n> <img src='pic.png'>\n> <img src=gone_1.png></p>",
            '> <p>\n> <img src="deploy/pic.png">\n'
            '> <span class="confluence-missing">gone_1.png</span></p>',
        ),
        (f"`[a]({URL})`\n\n    [a]({URL})", f"`[a]({URL})`\n\n    [a]({URL})"),
        (f"[a](\\{URL}) \\[a]({URL[:5]})", f"[a](\\{URL}) \\[a]({URL[:5]})"),
        (f"## [a]({URL}) ##", "## [a](../plan.md#roll-out) ##"),
        (f"[b]({URL})\n===", "[b](../plan.md#roll-out)\n==="),
        (f"a\r\n[b]({URL})\r\n", "a\r\n[b](../plan.md#roll-out)\r\n"),
        (f"x[^1]\n\n[^1]: [a]({URL})\n", "x[^1]\n\n[^1]: [a](../plan.md#roll-out)\n"),
    ],
)  # fmt: skip
def test_an_address_is_changed_where_it_stands(text: str, expected: str) -> None:
    assert rewrite(text) == expected


LINKS = st.sampled_from(
    [
        f"[a *b*]({URL})",
        f"[a]( <{URL}> 't')",
        f"<{URL}>",
        URL,
        "[a][ref]",
        "![x](pic.png)",
        "![x][img]",
        "![x](gone_1.png)",
        f"[![x](pic.png)]({URL})",
        f"[{URL}]({URL})",
        f'<a href="{URL}">a</a>',
        '<img src="pic.png">',
        "[a `b`](gone_1.md)",
        "[![x](pic.png)](gone_1.md)",
        '<a href="gone_1.md">a</a>',
    ]
)
WITH_LINKS = st.tuples(st.lists(LINKS | MARKUP, max_size=6).map(" ".join), st.booleans()).map(
    lambda pair: pair[0] + f"\n\n[ref]: {URL}\n[img]: pic.png" * pair[1]
)
PAGES = st.recursive(
    st.one_of(BLOCKS, WITH_LINKS),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("\n\n".join),
        inner.map(lambda text: indent(text, "- ", "  ")),
        inner.map(lambda text: indent(text, "> ", "> ")),
        inner.map(lambda text: "> [!NOTE]\n" + indent(text, "> ", "> ")),
        inner.map(lambda text: f":::info T\n{text}\n:::"),
        st.tuples(LINKS, LINKS).map(lambda pair: f"| {pair[0]} | b |\n|--|--|\n| x | {pair[1]} |"),
    ),
    max_leaves=4,
)


@given(st.one_of(PAGES, MARKUP))
def test_a_text_without_such_addresses_stays_as_it_is(text: str) -> None:
    rewritten = REWRITER.rewrite(text, lambda _: None, lambda _: None)

    assert rewritten.complete
    assert rewritten.text == text


@given(PAGES)
def test_whatever_is_changed_has_the_structure_that_it_had(text: str) -> None:
    rewritten = REWRITER.rewrite(text, find, find)

    assert rewritten.complete


def test_the_title_of_a_page_is_remembered_for_links_that_show_their_address() -> None:
    trail = Trail()
    trail.note("a.md", URL, Destination("b.md", title="B"), raw=False)
    trail.note("a.md", URL, Destination("b.md"), raw=False)

    assert trail.find("a.md", URL, raw=False) == Destination("b.md", title="B")
    assert trail.find("a.md", URL, raw=True) is None
    assert trail.list_addresses("a.md", raw=False) == [URL]


def test_the_id_of_a_heading_stays_readable_in_an_address() -> None:
    assert write_fragment("über-uns (1)") == "#über-uns%20%281%29"
    assert write_fragment("") == ""
