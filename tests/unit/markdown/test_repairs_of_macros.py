"""What is left of macros that were not exported, and what only looks like an exporter's form."""

from __future__ import annotations

from typing import Any

import pytest

from mkdocs_confluence_md.markdown.elements import SiteMarkup, build_tree
from mkdocs_confluence_md.markdown.extension import ConfluenceExtension
from mkdocs_confluence_md.markdown.parser import Grammar
from mkdocs_confluence_md.markdown.repairs.kinds import list_macros
from rendering import make_markdown, render

PAGE = "https://acme.atlassian.net/wiki/spaces/OPS/pages/1"
SERVLET = "/wiki/plugins/servlet/confluence/placeholder"
ICONS = "https://acme.atlassian.net/wiki/images/icons"


def test_a_placeholder_leads_to_the_page_in_confluence() -> None:
    env: dict[str, Any] = {}
    tokens = Grammar().parse(f"![]({SERVLET}/unknown-macro?name=drawio)\n\n[macro: map]", env)
    tree = build_tree(tokens, SiteMarkup(make_markdown(None), lambda: PAGE))

    assert [link.get("href") for link in tree.iter("a")] == [PAGE, PAGE]
    assert ["".join(link.itertext()) for link in tree.iter("a")] == [
        "drawio, see it in Confluence",
        "map, see it in Confluence",
    ]
    assert list_macros(env) == ["drawio", "map"]


@pytest.mark.parametrize(
    "definition", ["", "e2", "!!", "e30=", "e2ppcmE6a2V5PU9QUy0x", "%ff%fe", "4pyT"]
)
def test_no_definition_of_a_macro_is_too_odd(definition: str) -> None:
    html = render(f"![]({SERVLET}/macro?definition={definition}&locale=en_US)")

    assert html == "<p><em>Macro</em>, see it in Confluence</p>"


@pytest.mark.parametrize(
    "name", ["1f680-", "110000", "d83d", "0a", "x", "1f680.1f680", "-", "%F0%9F%9A%80"]
)
def test_a_name_without_code_points_leaves_the_alternative_text(name: str) -> None:
    host = "https://pf-emoji-service--cdn.us-east-1.prod.public.atl-paas.net"

    assert render(f"![rocket]({host}/standard/1/32x32/{name}.png)") == "<p>rocket</p>"


def test_what_a_picture_says_is_text_in_html() -> None:
    html = render(
        f'<div><img alt="&lt;b&gt;" src="{ICONS}/emoticons/x.png">'
        f'<img src="{SERVLET}/unknown-macro?name=&lt;i&gt;"></div>\n'
    )

    assert html == "<div>&lt;b&gt;<em>&lt;i&gt;</em></div>"


def test_an_anchor_of_a_macro_is_an_id() -> None:
    # {anchor:a"b|x}
    html = render(f"![]({SERVLET}/macro?definition=e2FuY2hvcjphImJ8eH0=)")

    assert html == '<p><a id="a&quot;b"></a></p>'


@pytest.mark.parametrize(
    "text",
    [
        f"![]({ICONS}/grey_arrow_down.png)\n\n" * 2 + "the text",
        f"- ![]({ICONS}/grey_arrow_down.png)\n\nthe text",
        f"> ![]({ICONS}/grey_arrow_down.png)\n\nthe text",
        f"![]({ICONS}/grey_arrow_down.png) *the\ntext*",
        f"# ![]({ICONS}/grey_arrow_down.png) the text",
        f"![]({ICONS}/grey_arrow_down.png)\n\n![](x.png) the text",
        f"[![]({ICONS}/a.png)](/x)\n**[![]({ICONS}/a.png)](/x)** the text",
        "~~~panel type=info\n```\n~~~\nthe text",
        "~~~panel type=info\n~~~~\n~~~\nthe text",
        "> ~~~panel type=info\n> a\n\nthe text",
        "- ~~~expand\n  a\n\n  - b\n\nthe text",
        "> [!INFO: the text]+ and\n> more",
        "> [!INFO: *the [text*]",
        "> **[i] INFO: the text**",
        "> **[i] UNKNOWN:** the text",
        ":::note the text=1\n:::",
        ":::panel the text\n:::",
        "Contents\n\n- [a](#a) the text\n\n# a",
        "Contents\n\n- [a](#a)\n\n      the text\n\n# a",
        "Contents\n\n- > [a](#a)\n\nthe text\n\n# a",
        '<a id="x"></a>the text\n\n# a',
        '<a id="x"></a>\n\n<a id="y"></a>\n\nthe text',
    ],
)
def test_no_text_is_lost_in_forms_that_are_nearly_those_of_exporters(text: str) -> None:
    html = render(text).replace("\n", " ").replace("<em>", "").replace("[text</em>", "text")

    assert html.count("the text") == 1


@pytest.mark.parametrize(
    "text",
    [
        "~~~panel type=info\n" * 5_000,
        "~~~panel type=info\n" * 3_000 + "~~~\n" * 3_000,
        "~~~panel" + " " * 200_000 + "x type=",
        ":::panel " + "a" * 200_000,
        ":::panel{" + 'a="' * 100_000,
        "> [!INFO: " + "a *b " * 20_000,
        f"[![]({ICONS}/a.png)" * 5_000,
        f"![]({ICONS}/grey_arrow_down.png)\n\n" * 10_000,
        f"![](/wiki/s{'/wiki/s' * 50_000}/images/icons)",
        "<div><img" + " src" * 100_000,
        "<div data-panel-type" + " class='" * 100_000 + ">",
        "Contents\n\n- [a](#a)\n\n" * 5_000,
        "- Contents\n  - [a](#a)\n" * 5_000,
        '<a id="x"></a>\n\n' * 10_000 + "# a",
        '<a id="x"></a>\n\n# a\n\n' * 5_000,
    ],
    ids=lambda text: f"{text[:8].strip()} {len(text)}",
)
def test_the_time_grows_with_the_text_only(text: str) -> None:
    # With its square, each would take minutes.
    Grammar().parse(text, {})


def test_forms_of_exporters_stay_as_they_are_without_repairs() -> None:
    text = (
        "> **[INFO]**\n> a\n\n:::info[T]\n\n~~~panel type=info\n*a*\n~~~\n\n[macro: x]\n\n[TOC]\n\n"
        f'![]({ICONS}/a.png)\n\n<div data-panel-type="info">a</div>\n\n<a id="x"></a>\n\n# a\n'
    )
    html = make_markdown(ConfluenceExtension(repairs=False)).convert(text)

    assert "admonition" not in html
    assert all(word in html for word in ("[macro: x]", "[TOC]", ":::info[T]", "*a*", "a.png"))
    assert '<p><a id="x"></a></p>' in html
