"""`raw_html: strip`: nothing that a browser, or a theme's own scripts, would act on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_confluence_md.markdown.sanitizing import limit_open_tags, make_plain_title, sanitize


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


NUMBER = 4_000


@pytest.mark.parametrize(
    ("text", "most"),
    [
        # Elements within each other
        ("<div>" * NUMBER, 3),
        ("<section><div>" * NUMBER + "</div></section>" * NUMBER, 3),
        ("<x-y>" * NUMBER, 3),
        ("<rp>" * NUMBER, 3),
        ("<div><!--</div>-->" * NUMBER, 3),
        ("<div title='</div>'>" * NUMBER, 3),
        ("<div><title></div></title>" * NUMBER, 3),
        ("<div><?</div>" * NUMBER, 3),
        # Formatting that is begun again in each paragraph
        ("".join(f"<p><b title={each}></p>" for each in range(NUMBER)), 60),
        (f"<p><i title={'x' * NUMBER}></p>" + "<p>x</p>" * NUMBER, 60),
        (f"<p><a title={'x' * NUMBER}></p>" + "<p>x</p>" * NUMBER, 60),
        ("".join(f"<p><b title={each}></p>" for each in range(NUMBER)) + "</b>" * NUMBER, 60),
    ],
)
def test_what_is_never_ended_does_not_grow(text: str, most: int) -> None:
    """Real formatting is begun again in what follows: a page must not become its square."""
    clean = sanitize(text)

    assert len(clean) < most * len(text)
    assert "&lt;" in clean


@pytest.mark.parametrize(
    "text",
    [
        "<table>" + "<tr><td>x" * NUMBER + "</table>",
        "<ul>" + "<li>x" * NUMBER + "</ul>",
        "<p>x" * NUMBER,
        "<p>x<br>" * NUMBER + "<img src=x>" * NUMBER,
        '<svg viewBox="0 0 1 1">' + '<path d="M0 0"></path>' * NUMBER + "</svg>",
        '<p><a href="b"><b>x</b></a></p>' * NUMBER,
        "<div><b>x</b></div>" * NUMBER,
        "<p><a name=x>y</p>" * NUMBER,
        "<div><span></div>" * NUMBER,
        "</div></b>" * NUMBER,
    ],
)
def test_what_ends_stays_html(text: str) -> None:
    assert limit_open_tags(text) == text


def test_what_is_too_deep_is_text_with_its_end() -> None:
    clean = sanitize("<div>" * 502 + "x" + "</div>" * 502 + "<div>y</div>")

    assert clean == (
        "<div>" * 500 + "&lt;div&gt;&lt;div&gt;x&lt;/div&gt;&lt;/div&gt;" + "</div>" * 500
        + "<div>y</div>"
    )  # fmt: skip


@given(st.lists(st.sampled_from(["<b>", "</b>", "<p>", "</p>", "<DIV>", "</div>", "<br/>", "a<"])))
def test_few_tags_are_left_alone(pieces: list[str]) -> None:
    assert limit_open_tags("".join(pieces)) == "".join(pieces)
