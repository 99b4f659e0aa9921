"""An anchor of either editor leads to the heading that it was made of, or to no other."""

from __future__ import annotations

import html
import re
import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_confluence_md.markdown.anchors import Anchors, read_anchors

if TYPE_CHECKING:
    from collections.abc import Callable

TITLE = "Deploy to production"
# No digits, which may also count equal headings, and no %, which begins an escape.
WORDS = st.text(st.characters(codec="utf-8", categories=["L", "P", "S"], exclude_characters="%"))
LETTERS = st.text(st.characters(codec="utf-8", categories=["L"]), min_size=1)
HEADINGS = st.tuples(WORDS, LETTERS, WORDS).map(" ".join)


def number_equal_ones(anchors: list[str]) -> list[str]:
    """Do what both editors do with equal headings."""
    counts: dict[str, int] = {}
    numbered = []
    for anchor in anchors:
        count = counts[anchor] = counts.get(anchor, -1) + 1
        numbered.append(f"{anchor}.{count}" if count else anchor)
    return numbered


def make_new_anchors(headings: list[str]) -> list[str]:
    """Do what the new editor does."""
    return number_equal_ones([re.sub(r"\s", "-", heading) for heading in headings])


def make_old_anchors(headings: list[str]) -> list[str]:
    """Do what the old editor does."""
    return number_equal_ones([re.sub(r"\s", "", f"{TITLE}-{heading}") for heading in headings])


def find(headings: list[str], anchor: str) -> str | None:
    """Find an anchor among headings whose IDs are their positions."""
    anchors = Anchors((), [(f"#{place}", text) for place, text in enumerate(headings)])
    return anchors.find(anchor, [TITLE, ""])


def letters(text: str) -> str:
    """Reduce a heading to what tells it from others for sure."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(filter(str.isalnum, folded))


@given(st.lists(HEADINGS, max_size=6, unique_by=letters), st.sampled_from([quote, str]))
def test_the_anchor_of_any_heading_leads_to_it(
    headings: list[str], write: Callable[[str], str]
) -> None:
    for make_anchors in (make_new_anchors, make_old_anchors):
        for place, anchor in enumerate(make_anchors(headings)):
            assert find(headings, write(anchor)) == f"#{place}"


@given(HEADINGS, st.integers(min_value=1, max_value=4))
def test_the_anchors_of_equal_headings_lead_to_each_of_them(heading: str, number: int) -> None:
    headings = ["Some other", *[heading] * number]
    for make_anchors in (make_new_anchors, make_old_anchors):
        anchors = make_anchors(headings)[1:]
        assert [find(headings, anchor) for anchor in anchors] == [
            f"#{place}" for place in range(1, number + 1)
        ]


@given(st.text(), st.lists(st.text(), max_size=5), st.text())
def test_any_anchor_is_an_id_of_the_page_or_nothing(
    anchor: str, headings: list[str], content: str
) -> None:
    pairs = [(f"id {place}", text) for place, text in enumerate(headings)]
    known = {name for name, _ in pairs} | {"other"}

    assert Anchors({"other"}, pairs).find(anchor, [content]) in {*known, None}
    read_anchors(f"{content}<h2 id='x'>{content}").find(anchor, [content])


@pytest.mark.parametrize(
    ("anchor", "heading"),
    [
        ("Roll-out", "Roll out"),
        ("Roll-out", "Roll-out"),
        ("roll-out", "Roll out"),
        ("What-is-going-on%3F", "What is going on?"),
        ("What-is-going-on", "What is going on?"),
        ("Gr%C3%B6%C3%9Fe-%26-Aufbewahrung", "Größe & Aufbewahrung"),
        ("Gro\u0308\u00dfe", "Größe"),  # as macOS writes it
        ("GR%C3%96SSE", "Größe"),
        ("配置-手順", "配置 手順"),
        ("स्थापना", "स्थापना"),
        ("%F0%9F%8E%89", "🎉"),
        ("Version-1.2", "Version 1.2"),
        ("C%2B%2B", "C++"),
        ("DeploytoProduction-Rollout", "Roll out"),
        ("Deploytoproduction-Roll-out", "Roll-out"),
        ("id-Deploytoproduction-Rollout", "Roll out"),
        ("Deploytoproduction-What%27snext%3F", "What’s next?"),  # noqa: RUF001  what people type
    ],
)
def test_an_anchor_finds_its_heading(anchor: str, heading: str) -> None:
    assert find(["C", "Sthapan", heading, "Something else"], anchor) == "#2"


@pytest.mark.parametrize(
    ("anchor", "place"),
    [
        ("Steps", "#0"),
        ("Steps.1", "#1"),
        ("Steps.2", "#4"),
        ("Steps.3", None),
        ("Deploytoproduction-Steps.1", "#1"),
        ("Version-1", "#2"),
        ("Version.1", "#2"),  # there is only one "Version"
        ("Version", "#3"),
        ("steps-", "#0"),
        ("Unknown", None),
        ("Otherpage-Steps", None),
        ("Deploytoproduction-", None),
        ("Deploytoproduction", None),
        ("-", None),
        ("%ff", None),
        ("", None),
    ],
)
def test_equal_headings_are_counted_and_others_are_not_guessed(
    anchor: str, place: str | None
) -> None:
    assert find(["Steps", "Steps", "Version 1", "Version", "Steps"], anchor) == place


def test_an_id_that_is_there_to_the_letter_is_meant() -> None:
    anchors = Anchors({"Roll-out", "roll-out_1"}, [("roll-out_1", "Roll out")])

    assert anchors.find("Roll-out", ()) == "Roll-out"
    assert anchors.find("Roll-Out", ()) == "roll-out_1"


@pytest.mark.parametrize(
    ("text", "anchor", "found"),
    [
        ('<h2 id="a">One <em>two</em> &amp; three</h2>', "One-two-&-three", "a"),
        ('<h2 id="a">One<a class="headerlink" href="#a">Permalink</a></h2>', "One", "a"),
        ('<h2 id="a"><a href="#a">One</a></h2>', "One", "a"),
        ('<h2 id="a"><a href="#b">One</a> two</h2>', "One-two", "a"),
        ('<h2><a name="a"></a>One</h2>', "One", "a"),
        ('<h2>One</h2><h3 id="b">One</h3>', "One", "b"),
        ('<span id="b"></span><h2 id="a">One</h2>', "b", "b"),
        ('<p name="b">One</p>', "b", None),
        ('<h2 id="a">One</h2> <![x', "One", "a"),
        ('<h2 id="a">One', "One", None),
        ('<!-- <h2 id="a">One</h2> -->', "One", None),
        ("", "One", None),
    ],
)
def test_headings_are_read_as_browsers_show_them(text: str, anchor: str, found: str | None) -> None:
    assert read_anchors(text).find(anchor, ()) == found


@given(st.lists(HEADINGS, max_size=5))
def test_headings_are_read_whatever_they_say(headings: list[str]) -> None:
    page = "".join(f'<h3 id="a{n}">{html.escape(text)}</h3>' for n, text in enumerate(headings))
    anchors = read_anchors(page)

    assert all(anchors.find(anchor, ()) for anchor in make_new_anchors(headings))
