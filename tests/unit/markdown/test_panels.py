"""Which quotations are panels: the table in `admonitions.py`, row by row, and what is not."""

from __future__ import annotations

import pytest

from rendering import render, render_locally
from structure import read_structure


def panel(kind: str, title: str, *paragraphs: str) -> str:
    """Return a panel, as a person writes it for this site."""
    lines = "\n\n".join(f"    {paragraph}" for paragraph in paragraphs)
    return render_locally(f'!!! {kind} "{title}"\n{lines}\n')


@pytest.mark.parametrize(
    ("text", "kind", "title"),
    [
        # As on GitHub
        ("> [!NOTE]\n> Text", "note", "Note"),
        ("> [!TIP]\n> Text", "tip", "Tip"),
        ("> [!IMPORTANT]\n> Text", "info", "Important"),
        ("> [!WARNING]\n> Text", "warning", "Warning"),
        ("> [!CAUTION]\n> Text", "danger", "Caution"),
        ("> [!note]  \n>\n> Text", "note", "Note"),
        # As in Obsidian
        ("> [!INFO]\n> Text", "info", "Info"),
        ("> [!SUCCESS]\n> Text", "success", "Success"),
        ("> [!ERROR]\n> Text", "danger", "Error"),
        ("> [!WARNING] Look **out**\n> Text", "warning", "Look **out**"),
        ("> [!WARNING] *Do* **not** `rm`\n> Text", "warning", "*Do* **not** `rm`"),
        # Labels
        ("> **Note:** Text", "note", "Note"),
        ("> **Note**: Text", "note", "Note"),
        ("> **Warning**\n> Text", "warning", "Warning"),
        ("> **Info**\n>\n> Text", "info", "Info"),
        ("> **Tip:**\\\n> Text", "tip", "Tip"),
        # Signs
        ("> ⚠️ Text", "warning", "Warning"),
        ("> :warning: Text", "warning", "Warning"),
        ("> ✅ Text", "success", "Success"),
        ("> 💡 Text", "tip", "Tip"),
        ("> \u2139\ufe0f **Info**\n> Text", "info", "Info"),
        ("> \u2139 **Note:** Text", "info", "Note"),
        ("> ⛔ **Stop *here***\n> Text", "danger", "Stop *here*"),
        ("> **⚠️ Warning:** Text", "warning", "Warning"),
        ("> **\u2139\ufe0f Look out**\n> Text", "info", "Look out"),
        ("> **⛔ *Stop* here**\n>\n> Text", "danger", "*Stop* here"),
        ("> **💡** Text", "tip", "Tip"),
        # Containers
        (":::info\nText\n:::", "info", "Info"),
        ("::: warning Look out\nText\n:::", "warning", "Look out"),
        ("Before\n:::tip\nText\n:::", "tip", "Tip"),
    ],
)
def test_a_panel_is_the_sites_own_admonition(text: str, kind: str, title: str) -> None:
    html = render(f"{text}\n")

    assert html.removeprefix("<p>Before</p>\n") == panel(kind, title, "Text")


@pytest.mark.parametrize(
    ("text", "details"),
    [
        ("> [!NOTE]- More\n> Text", '??? note "More"\n    Text'),
        ("> [!TIP]+ More\n> Text", '???+ tip "More"\n    Text'),
        (":::expand More\nText\n:::", '??? note "More"\n    Text'),
        (":::details\nText\n:::", '??? note "Details"\n    Text'),
    ],
)
def test_an_expand_is_the_sites_own_details(text: str, details: str) -> None:
    assert render(text).replace(' open="open"', "").replace("summary>", "") == render_locally(
        details
    ).replace(' open="open"', "").replace("summary>", "")
    assert ("open=" in render(text)) == ("???+" in details)


def test_a_panel_may_hold_anything_and_stand_anywhere() -> None:
    text = (
        "- item\n\n  > [!WARNING]\n  > - list\n  >   ```python\n  >   x\n  >   ```\n"
        "  > > [!NOTE]\n  > > nested\n\n  > a quotation\n"
    )
    structure = read_structure(render(text))

    assert structure.count("<panel>") == structure.count("</panel>") == 2
    assert structure.count("<blockquote>") == structure.count("</blockquote>") == 1
    assert structure[-2:] == ["</li>", "</ul>"]


@pytest.mark.parametrize(
    "text",
    [
        "> A quotation",
        "> **Note** that this is bold text in a sentence",
        "> **Nobody:** a speaker",
        "> **Note",
        "> [!UNKNOWN]\n> Text",
        "> \\[!NOTE]\n> Text",
        "> [NOTE]\n> Text",
        "> 🚀 to the moon",
        "> text ⚠️",
        "> *Note:* text",
        "> - **Note:** text",
        "> # Note",
        ">",
    ],
)
def test_every_other_quotation_stays_one(text: str) -> None:
    structure = read_structure(render(f"{text}\n"))

    assert structure[0] == "<blockquote>"
    assert "<panel>" not in structure


@pytest.mark.parametrize("text", [":::\ntext\n:::", "::: some.module\n", ":::note", "::"])
def test_other_colons_are_text_and_open_containers_lose_nothing(text: str) -> None:
    html = render(f"before\n\n{text}\n\nafter\n")

    assert all(word in html for word in ("before", "after"))
    assert ("text" in text) == ("text" in html)


@pytest.mark.parametrize(
    "text", ["> [!NOTE]", "> [!NOTE]\n>\n", "> **Note:**", "> ⚠️", "> [!TIP] T"]
)
def test_a_panel_may_be_empty(text: str) -> None:
    assert read_structure(render(text)) == ["<panel>", "</panel>"]


@pytest.mark.parametrize(
    ("macro", "kind"),
    [("information", "info"), ("note", "warning"), ("tip", "success"), ("warning", "danger")],
)
def test_confluences_own_html_looks_like_the_sites_admonitions(macro: str, kind: str) -> None:
    html = render(
        f'<div class="confluence-information-macro confluence-information-macro-{macro}">\n'
        '<p class="title">T</p>\n<div class="confluence-information-macro-body">\n\n'
        "**Text**\n\n</div>\n</div>\n"
    )

    assert f'confluence-information-macro-{macro} admonition {kind}">' in html
    assert '<p class="title admonition-title">T</p>' in html
    assert "<strong>Text</strong>" in html


@pytest.mark.parametrize(
    ("classes", "kind"),
    [
        ("confluence-information-macro confluence-information-macro-note", "warning"),
        ("panel", "note"),
    ],
)
def test_confluences_own_html_may_have_more_classes(classes: str, kind: str) -> None:
    html = render(f'<div class="{classes} conf-macro output-block" id="x">Text</div>\n')

    assert html == (
        f'<div class="{classes} conf-macro output-block admonition {kind}" id="x">Text</div>'
    )


@pytest.mark.parametrize("name", ["panel-body", "side panel", "panelling"])
def test_classes_of_other_names_mean_no_panel(name: str) -> None:
    assert render(f'<div class="{name}">Text</div>\n') == f'<div class="{name}">Text</div>'


def test_other_html_keeps_its_classes() -> None:
    assert render('<p class="title">T</p>\n') == '<p class="title">T</p>'
