"""An address in raw HTML is changed where it stands, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mkdocs_confluence_md.markdown.html import Dropped, LinkChanger, change_links

OLD, NEW = "https://old.example/?a=1&b=2", 'new/?"&<'
ESCAPED = '"new/?&quot;&amp;&lt;"'

PIECES = st.lists(
    st.sampled_from(
        ["<a ", "<A\n", "href", "=", '"', "'", ">", "/>", "<", "</a>", "<!--", "-->", "<![x", " ",
         "&amp;", "title", "<script>", "</script>", "<?", "\r\n", "\n", "x", "é", "<b>", "\x00"]
    ),
    max_size=25,
).map("".join)  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f'<a href="{OLD}">', f"<a href={ESCAPED}>"),
        (f'<a href="{OLD.replace("&", "&amp;")}">', f"<a href={ESCAPED}>"),
        (f"<a href='{OLD}'>", f"<a href={ESCAPED}>"),
        (f"<a href={OLD}>", f"<a href={ESCAPED}>"),
        (f'<a\n  class=x title="href=1" HREF = "{OLD}"  data-x >', None),
        (f"<p>ä\n\n <b>b</b> <A\tHref='{OLD}'>a</A\n>\n</p>", None),
        (f"""<a title='a > b "c"' href="{OLD}">""", None),
        (f'<a href="{OLD}"/>', f"<a href={ESCAPED}/>"),
    ],
)
def test_only_the_address_is_another_one(before: str, after: str | None) -> None:
    changed = change_links(before, {OLD: NEW}.get)

    quoted = next(
        text for text in (f'"{OLD.replace("&", "&amp;")}"', f'"{OLD}"', f"'{OLD}'", OLD)
        if text in before
    )  # fmt: skip
    assert changed == before.replace(quoted, ESCAPED)
    assert after is None or changed == after


@pytest.mark.parametrize(
    "text",
    [
        f'<!-- <a href="{OLD}"> -->',
        f"<script>x = '<a href=\"{OLD}\">'</script>",
        f'<img src="{OLD}">',
        f'<link href="{OLD}">',
        f"<p title='<a href=\"{OLD}\">'>",
        f'<a data-href="{OLD}">',
        "<a href>",
        '<a href="">',
        f"&lt;a href='{OLD}'&gt;",
        f'<a href="{OLD}',
        f'<![x <a href="{OLD}">',
    ],
)
def test_what_is_no_link_stays(text: str) -> None:
    assert change_links(text, lambda _: NEW) == text


@given(PIECES)
@example('<a href="x')
def test_a_link_that_nobody_changes_stays_to_the_letter(text: str) -> None:
    assert change_links(text, lambda _: None) == text


@given(PIECES)
def test_changed_html_has_the_new_addresses(text: str) -> None:
    def read(html: str) -> list[str]:
        found: list[str] = []
        change_links(html, found.append)  # it returns None: nothing changes
        return found

    assert read(change_links(text, lambda _: "NEW")) == ["NEW"] * len(read(text))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<a href=x title='a > b'>y <b>z</b></a > <a href=z>a</a>",
         "<span>y <b>z</b></span> <a href=z>a</a>"),
        ("<p>\n<A\nHREF='x'>y</A></p></a>", "<p>\n<span>y</span></p></a>"),
        ("<a href=x>y <a href=z>z</a>", "<span>y <a href=z>z</a>"),
        ("<a href=x /></a>", "<span></span>"),
        ("<a id=x>y</a>", "<a id=x>y</a>"),
    ],
)  # fmt: skip
def test_of_a_link_that_is_dropped_the_text_remains(before: str, after: str) -> None:
    assert change_links(before, {"x": Dropped()}.get) == after


def test_a_link_may_end_in_another_piece_than_it_begins() -> None:
    changer = LinkChanger({"x": Dropped()}.get)

    pieces = [changer.run(text) for text in ("<a href=x>", "<b>", "</a>", "</a>")]

    assert pieces == ["<span>", "<b>", "</span>", "</a>"]


@given(PIECES)
def test_whatever_is_dropped_the_rest_stays(text: str) -> None:
    assert change_links(text, lambda _: None) == text
    # Tags are taken away or replaced, and nothing in between.
    assert change_links(text, lambda _: Dropped()).count("x") <= text.count("x")
