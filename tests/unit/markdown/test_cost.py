"""HTML that would take other programs the square of its length."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_confluence_md.markdown.cost import takes_long_to_index, takes_long_to_parse
from mkdocs_confluence_md.markdown.sanitizing import sanitize

NUMBER = 5_000


def number(text: str) -> str:
    return "".join(text.replace("N", str(each)) for each in range(NUMBER))


LONG = {
    "elements": "<div>" * NUMBER,
    "elements of two kinds": "<section><div>" * NUMBER,
    "unknown elements": "<x-y>" * NUMBER,
    "names with tags in them": "<th<div>" * NUMBER,
    "items in definitions": "<li><dd>" * NUMBER,
    "ruby": "<rp>" * NUMBER,
    "ends in comments": "<div><!--</div>-->" * NUMBER,
    "ends in attributes": "<div title='</div>'>" * NUMBER,
    "ends in texts": "<div><title></div></title>" * NUMBER,
    "ends of other elements": "<i><div></i>" * NUMBER,
    "elements of a drawing": "<svg><a>" * NUMBER,
    "behind a drawing": "<svg><p>" + "<div/>" * NUMBER,
    "behind a drawing's end": "<svg></br>" + "<x/>" * NUMBER,
    "ends of other cells": "<table><th>" + "<div></td>" * NUMBER,
    "ends of cells that ended": "<table><td></table>" + "<div></td>" * NUMBER,
    "ends of cells in no table": "<td>" + "<div></td><td>" * NUMBER,
    "ends of cells of another table": ("<table><table><td></table>" + "<td><div></td>" * NUMBER),
    "ends of cells in a drawing": "<table><svg>" + "<td><div></td>" * NUMBER,
    "ends of cells in a field": "<select><table>" + "<td><div></td>" * NUMBER,
    "formatting": number("<p><b title=N></p>"),
    "formatting with its end elsewhere": number("<p><b title=N></p>") + "</b>" * NUMBER,
    "long formatting": f"<p><i title={'x' * NUMBER}></p>" + "<p>x</p>" * NUMBER,
    "long links": f"<p><a title={'x' * NUMBER}></p>" + "<p>x</p>" * NUMBER,
    "before a table": "<table>" + "x<br>" * NUMBER,
    "before many tables": "<table><br></table>" * NUMBER,
    "paragraphs before a table": "<table>" + "</p>" * NUMBER,
    "attributes": f"<p {number(' aN')}>",
    "attributes, close together": f"<p {number('aN=``')}>".replace("`", "'"),
    "signs": "<p>" + "&" * 5 * NUMBER,
    "blanks": "<p>" + "\N{NO-BREAK SPACE}" * 5 * NUMBER,
    "signs in attributes": f"<p title='{'&' * 5 * NUMBER}'>",
}

SHORT = {
    "rows that end": "<table>\n" + "<tr>\n<td>x</td>\n</tr>\n" * NUMBER + "</table>",
    "cells with placeholders": "<table>" + "<tr><td><host></td></tr>" * NUMBER + "</table>",
    "items": "<ul>" + "<li>x</li>" * NUMBER + "</ul>",
    "paragraphs": "<p>x</p>" * NUMBER,
    "breaks": "<p>x<br>x<br/></p>" * NUMBER,
    "pictures": '<p><img alt="&quot;" src="x"></p>' * NUMBER,
    "icons": '<p><svg viewBox="0 0 1 1"><path d="M0 0"/></svg></p>' * NUMBER,
    "icons and a table": (
        '<svg><path d="M0 0"/></svg>' * NUMBER + "<table>" + "<tr><td>x</td></tr>" * NUMBER
    ),
    "links": '<p><a href="b"><b>x</b></a></p>' * NUMBER,
    "anchors": "<p><a name=x></a>y</p>" * NUMBER,
    "code": '<span id="a"><a id="b"></a><span class="n">x</span>\n</span>' * NUMBER,
    "ends alone": "</div></b>" * NUMBER,
    "a picture in the page": f'<img src="data:image/png;base64,{"A" * 100 * NUMBER}">',
    "text": "<p>x &amp; y</p>\n" * NUMBER,
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_what_takes_the_square_of_a_text_is_seen(text: str) -> None:
    assert takes_long_to_parse(text * 4)


@pytest.mark.parametrize("text", SHORT.values(), ids=SHORT)
def test_much_of_what_is_usual_is_read_as_a_whole(text: str) -> None:
    assert not takes_long_to_parse(text)


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_what_takes_the_square_of_a_text_is_read_in_parts(text: str) -> None:
    """Real formatting is begun again in what follows: a page must not become its square."""
    clean = sanitize(text * 4)

    assert len(clean) < 100 * len(text)


def test_parts_lose_no_text() -> None:
    clean = sanitize(number("<div>line N\n") * 4)

    assert re.findall("line ([0-9]+)", clean) == [str(each) for each in range(NUMBER)] * 4


PIECES = [
    "<b>", "</b>", "<p>", "</p>", "<DIV>", "</div>", "<br/>", "a<", "<a href=x>", "</a>", "x", " ",
    "<table>", "</table>", "<tr>", "<td>", "</td>", "<th", ">", "<!--", "-->", "<!", "<?", "=", '"',
    "'", " title=", "<img src='", "<title>", "</title>", "<li>", "</ul>", "<ul>", "&", "&lt", "\n",
    "<svg>", "</svg>", "<path/>", "<template>",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_nothing_short_takes_long(text: str) -> None:
    assert not takes_long_to_parse(text)


LONG_TO_INDEX = {
    "elements": "<div>x" * NUMBER,
    "elements that end": "<div>x" * NUMBER + "</div>" * NUMBER,
    "ends of others": "<b><i>x</b></i>" * NUMBER,
    "ends in comments": "<div>x<!--</div>-->" * NUMBER,
    "ends in texts": "<div>x<script></div></script>" * NUMBER,
    "in a comment that does not end": "<p><!--</p>\n<div>x" * NUMBER,
    "code behind texts": "<b>x</b>" * NUMBER + "<code>x</code>" * NUMBER,
    "paragraphs behind texts": "<b>x</b>" * NUMBER + "<p>x</p>" * NUMBER,
    "what is empty": "<b>x</b><sup></sup>" * NUMBER,
    "headings in elements": '<div><h2 id="x">x</h2></div>' * NUMBER,
}


@pytest.mark.parametrize("text", LONG_TO_INDEX.values(), ids=LONG_TO_INDEX)
def test_what_takes_an_index_long_is_seen(text: str) -> None:
    assert takes_long_to_index(text)


@pytest.mark.parametrize(
    "text",
    [
        *(text for name, text in SHORT.items() if name != "cells with placeholders"),
        "<p><code>x</code> <b>y</b></p>" * NUMBER,
        "<b>x</b>" * 100 + "<ul>" + "<li><p>x</p></li>" * NUMBER + "</ul>",
        '<h2 id="x">x</h2><p>y</p>' * NUMBER,
        '<section><h2 id="x">x</h2><p>y</p></section>' * 500,
        "<pre><code>" + '<span id="x"><a id="y"></a><b>x</b>\n</span>' * NUMBER + "</code></pre>",
    ],
)
def test_what_is_usual_is_indexed(text: str) -> None:
    assert not takes_long_to_index(text)
