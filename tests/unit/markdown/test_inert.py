"""Text in which no directive is live: broken by its structure, and mended without a loss."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_confluence_md.site.other_plugins import break_directives, choose_mark, mend_directives
from mkdocs_confluence_md.text import escape_text, quote_title

MARK = "\ue000"
DIRECTIVES = [
    "{{ x }}", "{{x}}", "{%- include 'a' %}", "{# x #}", "{!docs/x!}", "${{ secrets.X }}", "${X}",
    "$X", "%X%", "@include x", "#include 'x'", "<include src='x'>", "<!--codeinclude-->",
    "<%= x %>", "<?php ?>", '--8<-- "x"', "[[x]]", "[!NOTE]", "> [!NOTE]", "!!! note", "??? x",
    "::: x", ":::x", "|x|", "~~x~~", "`!py`", "!INCLUDE 'x'", "\\include{x}", "[TOC]",
    "![](@from_file:x)", "&x;", "%%x", "x{{y}}z", "a<b", "a[b]", "a{b}", "a$b", "a@b", "a%b",
]  # fmt: skip


@pytest.mark.parametrize("directive", DIRECTIVES)
@pytest.mark.parametrize("around", ["{}", "text {} text", "- {}", "> {}", "`{}`", "\n{}\n"])
def test_no_directive_is_left_whole(directive: str, around: str) -> None:
    text = around.format(directive)
    broken = break_directives(text, MARK)

    assert directive not in broken
    assert mend_directives(broken, MARK) == text


def test_words_stay_whole_for_plugins_that_read_a_text() -> None:
    text = (
        "Don't worry: well-known, e.g. at 10:30 and/or in file.md or snake_case. It's 1,000.5 €.\n"
    )

    assert break_directives(text, MARK) == text


def test_what_others_add_stays() -> None:
    broken = break_directives("# A {{ b }}\n", MARK)

    assert mend_directives(f"{broken}\n*[HTML]: {{{{ x }}}}\n", MARK) == (
        "# A {{ b }}\n\n*[HTML]: {{ x }}\n"
    )


TEXTS = st.text(st.sampled_from("{}[]<>!%#@$|&;:`~*_-.'\"\\/ \nab1é\ue000\ue001") | st.characters())


@given(TEXTS)
def test_any_text_is_broken_and_mended(text: str) -> None:
    mark = choose_mark(text)
    broken = break_directives(text, mark)

    assert mend_directives(broken, mark) == text
    assert re.search(r"[!-/:-@\[-`{-~]{2}", broken) is None


@given(st.text())
def test_escaped_text_is_safe_wherever_it_stands(text: str) -> None:
    escaped = escape_text(text)

    assert not set(escaped) & set("<>\"'{")
    assert unescape(escaped) == unescape(text.encode("utf-8", "replace").decode()) or "&" in text


def test_a_title_of_a_heading_is_safe_between_quotation_marks() -> None:
    title = quote_title('A &amp; B &lt;c&gt; " onmouseover="x {{ 7*7 }} it\'s')

    assert title == ("A &amp; B &lt;c&gt; &quot; onmouseover=&quot;x &#123;&#123; 7*7 }} it&#x27;s")
