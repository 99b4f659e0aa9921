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
    "ends of paragraphs that ended": "<p><div></p>" * NUMBER,
    "ends of items that ended": "<li><ul></li>" * NUMBER,
    "ends of blocks in fields": "<select>" + "<p><x></p></select><x><select>" * NUMBER,
    "ends of drawings with texts": "<svg><desc><a></svg>" * NUMBER,
    "ends of drawings in tables": "<table><svg><td></svg><br>" * NUMBER,
    "formatting that paragraphs end": "<p><b title='xxxxxxxxxxxxxxxxxxxxxxxxx'></p>" * NUMBER,
    "formatting behind others": "<b><i><p></b>" * NUMBER,
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
    "signs": "<p>" + "&" * 40 * NUMBER,
    "blanks": "<p>" + "\N{NO-BREAK SPACE}" * 40 * NUMBER,
    "signs in attributes": f"<p title='{'&' * 40 * NUMBER}'>",
}

LINE = "&lt;a b=&quot;c&quot;&gt;d &amp; e&lt;/a&gt;\n"
SHORT = {
    "code without colours": f"<pre><code>{LINE * NUMBER}</code></pre>",
    "text with blanks": "<p>" + "a\N{NO-BREAK SPACE}b &amp; " * 2 * NUMBER + "</p>",
    "rows": "<table>" + "<tr><td>x<td>x</tr>" * NUMBER + "</table>",
    "rows without ends": "<table><tbody>" + "<tr><td>x<th>x" * NUMBER + "</table>",
    "items without ends": "<ul>" + "<li>x" * NUMBER + "</ul>",
    "terms without ends": "<dl>" + "<dt>x<dd>y" * NUMBER + "</dl>",
    "paragraphs without ends": "<p>x <b>y</b>" * NUMBER,
    "placeholders": "<p>Run it on <host> with <name>.</p>" * NUMBER,
    "placeholders in items": "<li>Run <b>it</b> on <host><br></li>" * NUMBER,
    "a placeholder before rows": (
        "<p><template></p><table>" + "<tr><td>x<br/>y</td></tr>" * NUMBER + "</table>"
    ),
    "paths without ends": (
        '<svg><path d="M0 0"></svg>' * NUMBER + "<table>" + "<tr><td>x<br>y" * NUMBER + "</table>"
    ),
    "drawings with texts": (
        "<svg><foreignObject><div>x<br>y</div></foreignObject></svg><p>x<br>y</p>" * NUMBER
    ),
    "formatting in disorder": "<p><b><i>x</b></i></p>" * NUMBER,
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


@pytest.mark.parametrize(
    "text", ["<!-- {} -->", "<script>{}</script>", "<STYLE>{}</style>", "<!{}>", "<?{}>"]
)
def test_parts_show_nothing_that_is_hidden(text: str) -> None:
    clean = sanitize("<div>" * 4 * NUMBER + text.format("line\n" * 1_000) + "seen")

    assert clean.count("line") == 0
    assert clean.count("seen") == 1


def test_parts_have_whole_tags_and_signs() -> None:
    line = '<img alt="a > b" src="c">&amp;&#100;<b title=e>&lt;</b>'
    clean = sanitize("<div>" * 4 * NUMBER + line * NUMBER)

    assert clean.count('<img alt="a &gt; b" src="c">&amp;d<b title="e">&lt;</b>') > 0.8 * NUMBER
    assert not re.search(r"&amp;(?!d)|(?<!;)&lt;", clean.replace("&lt;</b>", "").replace("e", ""))


PIECES = [
    "<b>", "</b>", "<p>", "</p>", "<DIV>", "</div>", "<br/>", "a<", "<a href=x>", "</a>", "x", " ",
    "<table>", "</table>", "<tr>", "<td>", "</td>", "<th", ">", "<!--", "-->", "<!", "<?", "=", '"',
    "'", " title=", "<img src='", "<title>", "</title>", "<li>", "</ul>", "<ul>", "&", "&lt", "\n",
    "<svg>", "</svg>", "<path/>", "<template>",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_nothing_short_takes_long(text: str) -> None:
    usual = "<p>x</p>" * (NUMBER // 2 + 1)

    assert not takes_long_to_parse(usual + text)
    assert not takes_long_to_index(usual + text)


LONG_TO_INDEX = {
    "elements": "<div>x" * NUMBER,
    "elements that end": "<div>x" * NUMBER + "</div>" * NUMBER,
    "ends of others": "<b><i>x</b></i>" * NUMBER,
    "ends in comments": "<div>x<!--</div>-->" * NUMBER,
    "ends in texts": "<div>x<script></div></script>" * NUMBER,
    "in a comment that does not end": "<p><!--</p>\n<div>x" * NUMBER,
    "code behind texts": "<b>x</b>" * 2 * NUMBER + "<code>x</code>" * 2 * NUMBER,
    "paragraphs behind texts": "<b>x</b>" * 2 * NUMBER + "<p>x</p>" * 2 * NUMBER,
    "what is empty": "<b>x</b><sup></sup>" * 3 * NUMBER,
    "headings in elements": '<div><h2 id="x">x</h2></div>' * NUMBER,
}


# Material's search looks for the end of each element.
ENDED = [
    "code without colours", "text with blanks", "drawings with texts", "rows that end", "items",
    "paragraphs", "breaks", "pictures", "icons", "links", "anchors", "code", "ends alone", "text",
]  # fmt: skip


@pytest.mark.parametrize("text", LONG_TO_INDEX.values(), ids=LONG_TO_INDEX)
def test_what_takes_an_index_long_is_seen(text: str) -> None:
    assert takes_long_to_index(text)


@pytest.mark.parametrize(
    "text",
    [
        *(SHORT[name] for name in ENDED),
        "<p><code>x</code> <b>y</b></p>" * NUMBER,
        "<b>x</b>" * 100 + "<ul>" + "<li><p>x</p></li>" * NUMBER + "</ul>",
        '<h2 id="x">x</h2><p>y</p>' * NUMBER,
        '<section><h2 id="x">x</h2><p>y</p></section>' * 500,
        "<pre><code>" + '<span id="x"><a id="y"></a><b>x</b>\n</span>' * NUMBER + "</code></pre>",
    ],
)
def test_what_is_usual_is_indexed(text: str) -> None:
    assert not takes_long_to_index(text)
