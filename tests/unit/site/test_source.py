"""MkDocs gives back what Confluence holds: no line is lost, and a title is only a title."""

from __future__ import annotations

import datetime as dt
import html
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from mkdocs.utils.meta import get_data

from mkdocs_confluence_md.confluence.content import read_hidden_title, split_front_matter
from mkdocs_confluence_md.errors import FailureError
from mkdocs_confluence_md.site.messages import PageFailure
from mkdocs_confluence_md.site.source import make_placeholder, make_source

ID = {"confluence_id": "123456"}


def read(markdown: str, *, title: str = "", page_id: str = "123456") -> tuple[str, dict[str, Any]]:
    """Make a page's source and read it as MkDocs does; macros are always off."""
    body, meta = get_data(make_source(markdown, page_id=page_id, title=title))
    assert meta.pop("render_macros") is False
    return body, meta


def as_text(value: object) -> object:
    if isinstance(value, list):
        return [as_text(item) for item in value]
    return html.unescape(value) if isinstance(value, str) else value


TEXTS = st.text() | st.lists(
    st.sampled_from(
        ["---\n", "...\n", "--- \n", "Owner: Jane\n", "title: Own\n", "\n", "\r\n", "\r", " ", "\t"]
    )
    | st.sampled_from(
        ["# T\n", "T\n", "===\n", "{a: 1}\n", "[", "'", "&a ", "*a", "!!set", "text"]
    ),
    max_size=8,
).map("".join)
# YAML folds the control character NEL, which nobody can type, into a space.
PRINTED = st.text(st.characters(codec="utf-8", exclude_characters="\x85"))
TITLES = PRINTED.filter(bool) | st.sampled_from(
    ["null", "~", "yes", "1e3", "2024-05-06", "a: b", "- a", "# a", "'", '"', "{", "[", "|", ">"]
)
FACTS = st.one_of(
    st.none(), st.booleans(), st.integers(), PRINTED, st.dates(min_value=dt.date(1000, 1, 1)),
    st.lists(PRINTED, max_size=3),
)  # fmt: skip


@given(TEXTS, st.text() | TITLES)
@example("Owner: Jane\nTeam: Platform\n\nText", "")
@example("---\nOwner\n---\nText", "")
@example("\ufeffOwner: Jane", "T")
def test_mkdocs_reads_the_text_and_the_id_back(markdown: str, title: str) -> None:
    body, meta = read(markdown, title=title)

    text = markdown.removeprefix("\ufeff").replace("\r\n", "\n")
    own, own_body = split_front_matter(text)
    assert text.endswith(own_body)
    assert body == own_body.lstrip("\n")
    assert meta["confluence_id"] == "123456"
    assert set(meta) - {"title", "confluence_id"} <= set(yaml.safe_load(own) or {})


@given(st.text().filter(lambda text: not text.startswith(("---", "\ufeff"))))
def test_a_text_that_begins_without_dashes_is_all_body(markdown: str) -> None:
    body, meta = read(markdown, title="T")

    assert body == markdown.replace("\r\n", "\n").lstrip("\n")
    assert meta == {"title": "T", "confluence_id": "123456"}


@pytest.mark.parametrize(
    "markdown",
    [
        "Owner: Jane\n\nText\n",
        "Owner: Jane\nTeam: Platform\nText\n",
        "Note: this has `code: too`\n    indented: yes\n",
        "---\n\nA rule at the top, and another one:\n\n---\n\nText\n",
        "---\n",
        "---",
        "----\na: 1\n----\n",
        "---\nText\n---\nText\n",
        "---\n- a\n- list\n---\nText\n",
        "---\n# A heading between rules\n---\nText\n",
        "---\na: [1\n---\nText\n",
        "---\nBold: **yes**: no\n---\nText\n",
        "---\na: 1\nno end\n",
        "---\na: 1\n----\n",
        "---\na: 2024-13-45\n---\nText\n",
        "---\na: !!python/object/apply:os.system [ls]\n---\nText\n",
        "***\na: 1\n***\n",
        " ---\na: 1\n---\n",
        "",
        "Text without an end of line",
        "# Überschrift 🎉\n\n日本語\n",
        "a\rb\n",
    ],
)
def test_nothing_of_a_text_is_taken_for_metadata(markdown: str) -> None:
    assert read(markdown, title="T") == (markdown, {"title": "T", "confluence_id": "123456"})


def test_lines_end_as_in_a_local_file() -> None:
    body, _ = read("\ufeffOwner: Jane\r\n\r\nText\r\n")

    assert body == "Owner: Jane\n\nText\n"


@given(TITLES)
def test_any_title_in_nav_is_read_back_to_the_letter(title: str) -> None:
    _, meta = read("Text", title=title)

    assert meta["title"] == title


@pytest.mark.parametrize(
    "title",
    [
        "Owner: Jane",
        "- item",
        "# 1",
        "@team",
        "`code`",
        "%",
        "!tag",
        "&anchor",
        "*alias",
        "null",
        "true",
        "007",
        "1_000",
        "0x10",
        "1:30",
        ".inf",
        "2024-05-06",
        "=",
        "<<",
        "---",
        "...",
        "a\nb",
        "a\n---\nb",
        "a\n...\n# b",
        "🎉 Party",
        "Größe",
        "日本語",
        "a\u2028b",
        "\x07",
        "long " * 500,
        "it's",
        '"quoted"',
        "back\\slash",
        "trailing:",
        "a #b",
        "?",
        "|",
        ">-",
        "\tx",
    ],
)
def test_a_title_that_means_something_in_yaml_stays_a_title(title: str) -> None:
    assert read("Text", title=title) == ("Text", {"title": title, "confluence_id": "123456"})


@given(st.text("0123456789", min_size=1))
def test_the_id_stays_a_text(page_id: str) -> None:
    _, meta = read("Text", title="T", page_id=page_id)

    assert meta["confluence_id"] == page_id


NOT_FACTS = {
    "title", "tags", "template", "icon", "status", "render_macros", "search", "social", "hide",
    "exclude",
}  # fmt: skip


@given(
    st.dictionaries(PRINTED.filter(lambda name: name not in NOT_FACTS), FACTS, min_size=1),
    st.text(),
)
def test_a_pages_own_front_matter_is_kept_and_completed(meta: dict[str, Any], text: str) -> None:
    front_matter = yaml.safe_dump(meta, allow_unicode=True)

    body, read_meta = read(f"---\n{front_matter}---\n{text}", title="T")

    assert body == text.replace("\r\n", "\n").lstrip("\n")
    # All of it is text, which themes print as HTML.
    texts = {name: as_text(value) for name, value in read_meta.items()}
    assert texts == {**meta, "title": "T", "confluence_id": "123456"}


def test_what_a_page_states_of_itself_is_text_wherever_a_theme_prints_it() -> None:
    _, meta = read("---\ndescription: '\"><b>&'\ntags: [<b>, R&D]\n---\nText", title="T")

    assert meta["description"] == "&quot;&gt;&lt;b&gt;&amp;"
    assert meta["tags"] == ["&lt;b&gt;", "R&amp;D"]


@pytest.mark.parametrize(
    "line",
    ["template: x.html", "icon: x", "status: new", "render_macros: true", "tags: 5", "a: {b: c}"],
)
def test_what_could_break_a_build_is_not_taken_over(line: str) -> None:
    _, meta = read(f"---\n{line}\ndescription: Kept\n---\nText", title="T")

    assert meta == {"title": "T", "description": "Kept", "confluence_id": "123456"}


@pytest.mark.parametrize(
    "markdown",
    [
        "---\ntags: [a, b]\n---\nText",
        "---\ntags: [a, b]\n...\nText",
        "---  \ntags: [a, b]\n---\t\n\n\nText",
        "\ufeff---\r\ntags: [a, b]\r\n---\r\nText",
    ],
)
def test_front_matter_is_recognised_in_all_its_spellings(markdown: str) -> None:
    assert read(markdown) == ("Text", {"tags": ["a", "b"], "title": "123456"} | ID)


def test_front_matter_may_be_all_that_a_page_has() -> None:
    assert read("---\ntags: [a]\n---", title="T") == ("", {"tags": ["a"], "title": "T"} | ID)


def test_a_page_cannot_pass_itself_off_as_another() -> None:
    _, meta = read("---\nconfluence_id: '999'\n---\nText")

    assert meta["confluence_id"] == "123456"


@pytest.mark.parametrize(
    ("markdown", "nav_title", "title"),
    [
        ("Text", "Nav", "Nav"),
        ("Text", "", "123456"),
        ("", "", "123456"),
        ("# Heading\n", "Nav", "Nav"),
        ("---\ntitle: Own\n---\nText", "", "Own"),
        ("---\ntitle: Own\n---\n# Heading", "", "Own"),
        ("---\ntitle: 2024\n---\nText", "", "2024"),
        ("---\ntitle: '  Own  '\n---\nText", "", "Own"),
        ("---\ntitle: ''\n---\nText", "Nav", "Nav"),
        ("---\ntitle:\n---\nText", "Nav", "Nav"),
        ("---\ntitle:\n---\nText", "", "123456"),
        ("## Second level\n\n# First", "", "123456"),
        ("#no-heading\n", "", "123456"),
        # MkDocs takes no heading for the title that is not the first element.
        ("<!-- x -->\n# Heading\n", "", "123456"),
        ("[Up](../a.md)\n\n# Heading\n", "Nav", "Nav"),
    ],
)
def test_every_page_has_a_title(markdown: str, nav_title: str, title: str) -> None:
    _, meta = read(markdown, title=nav_title)

    assert meta["title"] == title


@pytest.mark.parametrize(
    "markdown",
    ["# Heading\n", "\n\n# Heading #\n\nText", "Heading\n=======\n\nText", "#\tHeading", "A\n="],
)
def test_a_heading_is_left_to_be_the_title(markdown: str) -> None:
    _, meta = read(markdown)

    assert meta == {"confluence_id": "123456"}


@pytest.mark.parametrize(
    ("markdown", "title"),
    [
        ("<!-- x -->\n# A *heading*\n", "A heading"),
        ('<a id="x"></a>\n\nHeading\n===\n', "Heading"),
        ("---\nowner: Jane\n---\n[Up](../a.md) > [A](b.md)\n\n# Heading\n", "Heading"),
        ("# Heading\n", ""),
        ("Text.\n\n# Heading\n", ""),
        ("", ""),
    ],
)
def test_a_heading_behind_what_is_no_text_is_read(markdown: str, title: str) -> None:
    assert read_hidden_title(markdown) == title


@given(PRINTED)
@example('<script>alert("1")</script>')
@example('" onmouseover="alert(1)')
@example("R&D &lt; all")
def test_a_pages_own_title_is_text_wherever_a_theme_prints_it(title: str) -> None:
    front_matter = yaml.safe_dump({"title": title}, allow_unicode=True)

    _, meta = read(f"---\n{front_matter}---\nText", title="Nav")

    if title.strip():
        # A quotation mark would end the attribute `title="…"` of the theme readthedocs.
        assert not set('<>"') & set(meta["title"])
        assert html.unescape(meta["title"]) == html.unescape(html.escape(title.strip()))


@pytest.mark.parametrize(
    "front_matter",
    [
        "a: " + "[" * 400 + "]" * 400,
        "a: " + "[" * 1000 + "]" * 1000,
        "a: 0x" + "f" * 5000,
        "a: !!bool perhaps",
        "a: !!timestamp soon",
        "a: !!int many",
        "a: !!float much",
        "a: &a [*a]",
        "? [a, b]\n: 1",
        "title: !!bool perhaps",
        "title: 0x" + "f" * 5000,
        # So many that a loader without a limit of its own ends the whole process.
        pytest.param("a: " + "[" * 200_000 + "]" * 200_000, id="deep"),
    ],
)
def test_strange_front_matter_is_no_traceback(front_matter: str) -> None:
    body, meta = read(f"---\n{front_matter}\n---\nText", title="T")

    assert body.endswith("Text")
    assert meta["confluence_id"] == "123456"


def test_a_long_first_line_takes_no_longer_than_another() -> None:
    # In quadratic time this one would take minutes.
    picture = f"![](data:image/png;base64,{'A' * 1_000_000})\n"

    assert read(picture)[0] == picture


def placeholder(url: str, what: str = "It is <not> there.") -> tuple[str, dict[str, Any]]:
    """Make the page that stands for a failing one, and read it as MkDocs does."""
    error = FailureError(what, "Try again.")
    body, meta = get_data(make_placeholder(PageFailure("Deploy: now", "123456", url, error)))
    assert meta.pop("render_macros") is False
    return body, meta


def test_a_placeholder_says_which_page_is_missing_and_why() -> None:
    assert placeholder("") == (
        "<p><strong>Page 123456 could not be fetched.</strong> It is &lt;not&gt; there.</p>",
        {"title": "Deploy: now", "confluence_id": "123456"},
    )


def test_a_placeholder_leads_to_the_page_in_confluence() -> None:
    body, _ = placeholder('https://acme.atlassian.net/wiki/x?a=1&b="')

    assert body == (
        "<p><strong>Page 123456 could not be fetched.</strong> It is &lt;not&gt; there. "
        '<a href="https://acme.atlassian.net/wiki/x?a=1&amp;b=&quot;">Read it in Confluence.</a>'
        "</p>"
    )
