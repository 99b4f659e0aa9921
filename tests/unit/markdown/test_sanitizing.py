"""`raw_html: strip`: nothing that a browser, or a theme's own scripts, would act on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_confluence_md.markdown.sanitizing import make_plain_title, sanitize


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
