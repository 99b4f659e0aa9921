"""What a build leaves of the pages that it has parsed makes the same pages in the next."""

from __future__ import annotations

from typing import Any

import markdown
import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from form_rows import Form, read_forms
from mkdocs_confluence_md.errors import RenderingError
from mkdocs_confluence_md.markdown.budget import Budget
from mkdocs_confluence_md.markdown.extension import ConfluenceExtension
from mkdocs_confluence_md.markdown.parsed import ParsedPages
from mkdocs_confluence_md.markdown.repairs.kinds import KINDS

FORMS = read_forms()
PAGE = """\
# Title

1. Step
```sh
ls
```
2. [x](/a "t")[^1] ![p](b.png)
- [x] Done

[^1]: A *note* :rocket:
"""
EXTENSIONS = ["tables", "toc", "pymdownx.superfences", "pymdownx.highlight"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.text(max_size=6) | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=12,
)


def render(text: str, parsed: ParsedPages | None) -> tuple[str, Any]:
    extension = ConfluenceExtension()
    extension.parsed = parsed
    html = markdown.Markdown(extensions=[*EXTENSIONS, extension]).convert(text)
    return html, extension.repairs


def render_without_parsing(text: str, parsed: ParsedPages) -> tuple[str, Any]:
    def fail(*_: object) -> None:
        raise AssertionError("the page is parsed")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mkdocs_confluence_md.markdown.parser.Grammar.parse", fail)
        return render(text, parsed)


def leave(parsed: ParsedPages) -> ParsedPages:
    """Return what the next build knows."""
    data = parsed.dump()
    assert data
    return ParsedPages(data, repairs=True)


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_a_page_that_was_parsed_is_the_same_page(form: Form) -> None:
    first = ParsedPages(None, repairs=True)
    expected = render(form.markdown, first)

    assert render_without_parsing(form.markdown, leave(first)) == expected


def test_another_text_is_parsed() -> None:
    first = ParsedPages(None, repairs=True)
    render(PAGE, first)

    changed = PAGE.replace("Step", "Stop")

    assert render(changed, leave(first)) == render(changed, None)


def test_what_was_parsed_in_another_way_is_parsed_again() -> None:
    first = ParsedPages(None, repairs=False)
    render(PAGE, first)
    data = first.dump()

    other = ParsedPages(data, repairs=True)

    assert render(PAGE, other) == render(PAGE, None)
    assert other.dump() != data


def test_only_what_a_build_has_used_is_left() -> None:
    first = ParsedPages(None, repairs=True)
    for text in ("one", "two"):
        render(text, first)
    second = leave(first)

    for text in ("two", "three"):
        render(text, second)

    data = second.dump()
    assert data
    assert len(msgpack.unpackb(data)[1]) == 2


def test_nothing_is_left_if_nothing_is_new() -> None:
    first = ParsedPages(None, repairs=True)
    for text in ("one", "two"):
        render(text, first)
    second = leave(first)

    render("two", second)

    # A page that is not shown any more may be one that must not be.
    assert second.dump()
    render("one", second)
    assert second.dump() is None


@given(st.binary() | JSON.map(msgpack.packb))
def test_a_file_that_somebody_wrote_is_taken_for_nothing(data: bytes) -> None:
    assert render("*a*", ParsedPages(data, repairs=True)) == render("*a*", None)


@given(st.data())
def test_tokens_that_somebody_wrote_do_no_harm(data: st.DataObject) -> None:
    first = ParsedPages(None, repairs=True)
    render(PAGE, first)
    made_by, pages = msgpack.unpackb(first.dump() or b"")
    [[key, packed]] = pages.items()
    rows, notes = msgpack.unpackb(packed)
    row = data.draw(st.sampled_from([*rows, *(child for each in rows for child in each[-1] or ())]))
    row[data.draw(st.integers(0, len(row) - 1))] = data.draw(JSON)
    if data.draw(st.booleans()):
        notes[data.draw(st.integers(0, 1))] = data.draw(JSON)
    forged = msgpack.packb([made_by, {key: msgpack.packb([rows, notes])}])

    html, repairs = render(PAGE, ParsedPages(forged, repairs=True))

    assert isinstance(html, str)
    assert all(kind in KINDS and number > 0 for kind, number in repairs.items())


NOTES: list[Any] = [
    [{}, [[1]]],
    [{}, [5]],
    [{}, {"a": 1}, 3],
    [{b"": 1}, []],
    [{"lists": "1"}, []],
    [{"lists": 0}, []],
    [{"else": 1}, []],
    None,
]


@pytest.mark.parametrize("notes", NOTES, ids=str)
def test_notes_that_somebody_wrote_are_taken_for_nothing_and_replaced(notes: Any) -> None:  # noqa: ANN401  that is the point
    first = ParsedPages(None, repairs=True)
    expected = render(PAGE, first)
    data = first.dump() or b""
    made_by, pages = msgpack.unpackb(data)
    [[key, packed]] = pages.items()
    rows, _ = msgpack.unpackb(packed)
    forged = ParsedPages(
        msgpack.packb([made_by, {key: msgpack.packb([rows, notes])}]), repairs=True
    )

    assert render(PAGE, forged) == expected
    assert forged.dump() == data


def test_a_page_that_took_too_long_is_not_known() -> None:
    first = ParsedPages(None, repairs=True)
    extension = ConfluenceExtension()
    extension.parsed = first
    extension.make_budget = lambda: Budget(-1)

    with pytest.raises(RenderingError):
        markdown.Markdown(extensions=[extension]).convert("- *a*\n" * 500)

    assert first.dump() is None


def test_pages_that_are_too_large_together_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mkdocs_confluence_md.markdown.parsed._MOST_BYTES", 500)
    first = ParsedPages(None, repairs=True)

    for text in ("one", "word " * 1000, "two"):
        render(text, first)

    assert len(msgpack.unpackb(first.dump() or b"")[1]) == 2
