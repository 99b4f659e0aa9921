"""`raw_html: strip`: nothing that a browser, or a theme's own scripts, would act on."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_confluence_md.markdown.sanitizing import make_plain_title, sanitize, takes_long


@pytest.mark.parametrize(
    ("html", "clean"),
    [
        # Material reads its configuration, and opens drawers, by these.
        ('<div id="__config">{}</div>', "<div>{}</div>"),
        ('<p id=" __search">x</p>', "<p>x</p>"),
        ('<label for="__drawer">x</label>', "<label>x</label>"),
        ('<a name="__palette">x</a>', "<a>x</a>"),
        ('<div class="md-overlay x md-dialog">x</div>', '<div class="x">x</div>'),
        ('<div data-md-component="search" class="data-md-x">x</div>', '<div class="">x</div>'),
        # What the site's extensions number stays.
        ('<a id="__codelineno-0-1" name="__codelineno-0-1" href="#__codelineno-0-1"></a>',
         '<a id="__codelineno-0-1" name="__codelineno-0-1" href="#__codelineno-0-1"></a>'),
        ('<h2 id="roll-out">x</h2>', '<h2 id="roll-out">x</h2>'),
        # Tooltips show a title as HTML.
        ('<a href="u" title="&lt;img src=x onerror=alert(1)&gt;">x</a>',
         '<a href="u" title="\u2039img src=x onerror=alert(1)&gt;">x</a>'),
        ('<p title="&amp;lt;img&amp;gt; R &amp; D">x</p>',
         '<p title="\uff06lt;img\uff06gt; R &amp; D">x</p>'),
        # Only the box of a task is a field.
        ('<input type="checkbox" disabled>', '<input type="checkbox" disabled="">'),
        ('<input type="radio" name="a" id="__drawer">', ""),
        ('<input type="image" src="x" onerror="alert(1)">', ""),
        # MathJax makes links.
        (r"<p>\(\href{javascript:alert(1)}{x}\)</p>", r"<p>\(\ href{javascript:alert(1)}{x}\)</p>"),
        (r"<p><code>C:\style</code> \style</p>", r"<p><code>C:\style</code> \ style</p>"),
        (
            r"<pre>\style<code>\style</code>\style</pre>\style",
            r"<pre>\style<code>\style</code>\style</pre>\ style",
        ),
        (
            r'<pre><code class="language-math">\href{a}</code></pre>',
            r'<pre><code class="language-math">\ href{a}</code></pre>',
        ),
        (
            r'<code>\class<b class="arithmatex">\href{a}</b></code>',
            r'<code>\class<b class="arithmatex">\ href{a}</b></code>',
        ),
        (
            r'<img alt="<code>">\href{a}<img alt="</code>">',
            r'<img alt="&lt;code&gt;">\ href{a}<img alt="&lt;/code&gt;">',
        ),
        (r"<p>\(\hrefs \frac{1}{2}\)</p>", r"<p>\(\hrefs \frac{1}{2}\)</p>"),
        ('<a href="javascript:alert(1)">x</a>', "<a>x</a>"),
    ],
)  # fmt: skip
def test_what_themes_act_on_is_taken_out(html: str, clean: str) -> None:
    assert sanitize(html) == clean


@given(st.text(st.sampled_from('<>&"= #/abcimgonerr') | st.characters()))
def test_a_title_is_never_html(text: str) -> None:
    plain = make_plain_title(text)

    assert "<" not in plain
    assert make_plain_title(plain) == plain


@pytest.mark.parametrize("mark", ["", "__", "md-"])
@given(st.text("_md-configsearch ", max_size=12))
def test_no_id_is_one_of_the_theme(mark: str, text: str) -> None:
    assert (
        f'"{mark}' not in sanitize(f'<p id="{mark}{text}" class="{mark}{text}">x</p>') or not mark
    )


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
    assert takes_long(text * 4)


@pytest.mark.parametrize("text", SHORT.values(), ids=SHORT)
def test_much_of_what_is_usual_is_read_as_a_whole(text: str) -> None:
    assert not takes_long(text)


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
    assert not takes_long(text)
