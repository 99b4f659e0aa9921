"""A page from Confluence in the markup of the site, feature by feature."""

from __future__ import annotations

import gc
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown.preprocessors import Preprocessor

from mkdocs_confluence_md.markdown.extension import ConfluenceExtension, draws_diagrams
from mkdocs_confluence_md.markdown.parser import Grammar
from rendering import USUAL, TextSite, make_markdown, render, render_locally
from structure import read_structure

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from markdown_it.token import Token

PLAIN = "[toc, tables, fenced_code]"  # what MkDocs has when mkdocs.yml says nothing


def text_of(html: str) -> str:
    """Return the text, as a person sees it, in one line."""
    lines = [line.strip() for line in read_structure(html) if not line.startswith("<")]
    return " ".join(" ".join(lines).split())


# Lists


def test_lists_nest_by_two_spaces() -> None:
    assert read_structure(render("- a\n  - b\n    - c\n")) == [
        "<ul>", "<li>", "  a", "<ul>", "<li>", "  b", "<ul>", "<li>", "  c",
        "</li>", "</ul>", "</li>", "</ul>", "</li>", "</ul>",
    ]  # fmt: skip


def test_a_list_may_follow_a_paragraph_directly() -> None:
    assert "<li>one</li>" in render("Text:\n- one\n- two\n")


def test_tasks_get_the_markup_of_the_sites_own_extension() -> None:
    local = render_locally("- [ ] to do\n- [x] done\n")

    assert render("- [ ] to do\n- [x] done\n") == local


@pytest.mark.parametrize("custom", ["true", "false"])
@pytest.mark.parametrize("clickable", ["true", "false"])
def test_checkboxes_are_as_the_site_wants_them(custom: str, clickable: str) -> None:
    settings = (
        "[{pymdownx.tasklist: {custom_checkbox: %s, clickable_checkbox: %s}}]"  # noqa: UP031
        % (custom, clickable)
    )
    tasks = "- [x] done\n\n    more\n\n- [ ] to do\n"

    assert render(tasks, settings) == render_locally(tasks, settings)


def test_tasks_have_checkboxes_on_a_site_without_the_extension() -> None:
    assert '<input type="checkbox" disabled checked/> done' in render("- [x] done\n", PLAIN)


def test_a_task_may_be_anything() -> None:
    html = render("- [ ] # Heading\n- [x] - nested\n- [ ] ```\n  code\n  ```\n")

    assert html.count('type="checkbox"') == 3


# Code


@pytest.mark.parametrize(
    ("first", "other"),
    [("", ""), ("- item\n  ", "  "), ("- item\n\n  ", "  "), ("> ", "> "), ("1. > - ", "   >   ")],
)
def test_fences_are_highlighted_wherever_they_stand(first: str, other: str) -> None:
    text = f"{first}```python\n{other}x = 1\n{other}```\n"

    assert '<div class="language-python highlight">' in render(text)


def test_custom_fences_work_within_lists() -> None:
    html = render("- item\n  ```mermaid\n  graph LR\n  A-->B\n  ```\n")

    assert '<pre class="mermaid"><code>graph LR\nA--&gt;B</code></pre>' in html


def test_code_is_as_the_site_writes_it() -> None:
    fence = "```yaml\na: 1\n\nb: '&lt;' # <x>\n```\n"

    assert render(fence) == render_locally(fence)
    assert render(fence, PLAIN) == render_locally(fence, PLAIN)


def test_indented_code_is_code() -> None:
    assert text_of(render("Text\n\n    a < b\n    &amp;\n")) == "Text a < b &amp;"


@pytest.mark.parametrize(
    "code", ["", "\n", "```\n", "~~~\n````\n", "\ttab\n", "> quoted\n", "    x\n"]
)
def test_code_may_be_anything(code: str) -> None:
    html = render(f"``````text\n{code}``````\n")

    assert "<pre" in html
    assert text_of(html) == " ".join(code.split())


@pytest.mark.parametrize("info", ["nosuchlanguage", "c++", "{.python}", "; x", 'python a="b" c'])
@pytest.mark.parametrize("settings", [USUAL, PLAIN, "[]"])
def test_any_words_may_stand_behind_a_fence(info: str, settings: str) -> None:
    assert text_of(render(f"```{info}\nthe code\n```\n", settings)) == "the code"


def test_a_site_without_fences_shows_code_plainly() -> None:
    html = render('```python title="x"\na < "b"\n```\n', "[]")

    assert html == '<pre><code class="language-python">a &lt; "b"\n</code></pre>'


def test_a_title_is_passed_on_as_text() -> None:
    html = render('```python title="a < b & c"\nx\n```\n')

    assert '<span class="filename">a &lt; b &amp; c</span>' in html


def test_marked_lines_are_passed_on() -> None:
    html = render("```python hl_lines='1' linenums=\"3\"\nx\n```\n")

    assert 'class="hll"' in html


def test_what_would_run_code_is_not_passed_on() -> None:
    """Fences of markdown-exec run what has this option."""
    seen = []

    class Fences(Preprocessor):
        def run(self, lines: list[str]) -> list[str]:
            seen.append(lines[0])
            return lines

    page = "```python exec=\"on\" title='t'\nprint()\n```\n"
    markdown = make_markdown(ConfluenceExtension(), "[]")
    markdown.preprocessors.register(Fences(), "fenced_code_block", 25)
    markdown.convert(page)

    assert seen
    assert not any("exec" in line for line in seen)


# What the site's extensions must not read in text from Confluence


@pytest.mark.parametrize(
    "text",
    [
        "Heading {: .x #y }",
        "Text {.cls}",
        "(c) (tm) --> 1/2 +/-",
        "++ctrl+a++ ^^x^^ ==y== \\:smile: $x$",
        "Owner: Jane",
        "HTML",
        "--8<-- 'mkdocs.yml'",
        "{{ macro }} {% if x %}",
        "a\\{b\\} [ ] x",
        "&amp;lt; is &lt;",
    ],
)
def test_text_is_text(text: str) -> None:
    shown = text.replace("\\", "").replace("&lt;", "<").replace("&amp;", "&")

    for block in (text, f"# {text}", f"- {text}", f"> {text}", f"|{text}|\n|-|\n", f"**x**{text}"):
        assert text_of(render(block)).removeprefix("x").strip(" |") == shown


def test_the_site_makes_no_table_of_contents_of_a_marker() -> None:
    text = "# One\n\n[TOC]\n\n- [TOC]\n\n| [TOC] |\n|-|\n\n# [TOC]\n\n# Two"
    unrepaired = make_markdown(ConfluenceExtension(repairs=False)).convert(text)

    assert text_of(render(text)).count("[TOC]") == 3
    assert text_of(unrepaired).count("[TOC]") == 4
    assert 'class="toc"' not in render(text) + unrepaired


def test_attributes_are_not_read() -> None:
    html = render("*x*{.a} `c`{.b} ![i](i.png){#a} [l](/l){target=_blank}\n\n|a {.d}|\n|-|\n")

    assert "class=" not in html
    assert "id=" not in html
    assert "target=" not in html.replace("{target=_blank}", "")


def test_no_file_of_the_machine_is_included(tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = tmp_path_factory.mktemp("secret") / "secret.txt"
    secret.write_text("the secret")
    folder = secret.parent
    settings = f"[{{pymdownx.snippets: {{base_path: [{folder}]}}}}]"

    for text in (
        '--8<-- "secret.txt"\n',
        "--8<--\nsecret.txt\n--8<--\n",
        '- x\n  --8<-- "secret.txt"\n',
    ):
        assert "the secret" in render_locally(text.replace("- x\n  ", ""), settings)
        assert "the secret" not in render(text, settings)


def test_what_the_site_adds_to_each_page_is_added(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("includes")
    (folder / "footer.md").write_text("*Added* to each page.\n")
    settings = f"[{{pymdownx.snippets: {{base_path: [{folder}], auto_append: [footer.md]}}}}]"

    assert render("The page.", settings) == "<p>The page.</p>\n<p><em>Added</em> to each page.</p>"


def test_the_marks_of_python_markdown_cannot_be_forged() -> None:
    forged = "\x02wzxhzdk:0\x03 \x02klzzwxh:0000\x03 \x02amp\x03 &#2;wzxhzdk:0&#3;"
    html = render(f"<b>x</b> {forged}\n")

    assert html.count("<b>") == 1
    assert "\x02" not in html


# Headings, tables, footnotes, links


def test_headings_have_ids_permalinks_and_a_place_in_the_contents() -> None:
    text = "# Same\n\n## Same\n\nSetext `x` &amp; *y*\n-------\n"
    markdown = make_markdown(ConfluenceExtension())
    html = markdown.convert(text)

    assert re.findall(r'<h\d id="([^"]+)"', html) == ["same", "same_1", "setext-x-y"]
    assert html.count('class="headerlink"') == 3
    names = [markdown.toc_tokens[0]["name"]] + [  # type: ignore[attr-defined]
        child["name"]
        for child in markdown.toc_tokens[0]["children"]  # type: ignore[attr-defined]
    ]
    assert names == ["Same", "Same", "Setext x &amp; y"]


@pytest.mark.parametrize("attribute", ["true", "false"])
def test_cells_are_aligned_as_the_site_aligns_them(attribute: str) -> None:
    table = "| a | b | c | d |\n|:--|:-:|--:|---|\n| 1 | 2 | 3 | 4 |\n"
    settings = f"[{{tables: {{use_align_attribute: {attribute}}}}}]"

    assert render(table, settings) == render_locally(table, settings)


def test_footnotes_have_the_markup_of_the_sites_own_extension() -> None:
    text = "Once[^a], again[^a], other[^b].\n\n[^a]: *First*.\n\n[^b]: Second.\n"

    assert render(text) == render_locally(text)


def test_footnotes_follow_the_sites_settings() -> None:
    settings = "[{footnotes: {UNIQUE_IDS: true, BACKLINK_TEXT: back, SEPARATOR: '-'}}]"
    text = "Once[^a].\n\n[^a]: First.\n"

    assert render(text, settings) == render_locally(text, settings)


@pytest.mark.parametrize("code", ["```py\n    x\n    ```", "    x"])
def test_a_footnote_may_end_with_code(code: str) -> None:
    html = render(f"Text[^1]\n\n[^1]: Note\n\n    {code}\n")

    assert "<p><div" not in html
    assert '</pre></div>\n<p><a class="footnote-backref"' in html


def test_footnotes_that_nothing_refers_to_are_not_lost() -> None:
    html = render("Text[^b].\n\n[^a]: Unused.\n[^b]: Used.\n[^b]: Twice.\n\n    - with a list\n")

    assert text_of(html) == "Text 1 . Used. ↩ Twice. with a list Unused."
    assert len(set(re.findall(r'id="([^"]+)"', html))) == len(re.findall(r'id="([^"]+)"', html))


def test_links_and_images_keep_their_targets_and_titles() -> None:
    html = render('[a](b.md "t\\"") ![*x*\ny](i%20j.png "u") [q](/p?a=1&copy=2) <x:y>\n')

    assert '<a href="b.md" title="t&quot;">a</a>' in html
    assert '<img alt="x y" src="i%20j.png" title="u" />' in html
    assert '<a href="/p?a=1&amp;copy=2">q</a>' in html


@pytest.mark.parametrize(
    "target", ["javascript:a()", "JavaScript:a", "vbscript:a", "data:text/html,x"]
)
def test_links_run_nothing(target: str) -> None:
    html = render(f"[text]({target}) ![image]({target}) <{target}>\n")

    assert "href" not in html
    assert "src" not in html
    assert text_of(html).startswith("text image")


def test_links_to_shares_and_small_images_stay() -> None:
    html = render("[share](file://server/share) ![dot](data:image/png;base64,AA==)\n")

    assert 'href="file://server/share"' in html
    assert 'src="data:image/png;base64,AA=="' in html


def test_addresses_that_python_cannot_split_end_no_build() -> None:
    for target in ("http://[", "http://[::1", "//[a]/b", "http://℀.example/"):
        for href in re.findall(r'href="([^"]*)"', render(f"[x](<{target}>) {target}\n")):
            urlsplit(href)


# Raw HTML and expands


def test_markdown_within_details_is_read() -> None:
    text = "<details>\n<summary>More</summary>\n\n- **bold**\n\n```python\nx\n```\n\n</details>\n"

    html = render(text)

    assert read_structure(html)[:9] == [
        "<details>", "<summary>", "  More", "</summary>", "<ul>", "<li>", "<strong>", "  bold",
        "</strong>",
    ]  # fmt: skip
    assert html.endswith("</details>")


def test_raw_html_is_kept() -> None:
    html = render(
        '<div class="x" onclick="y()">\n<p>*not read*</p>\n</div>\n\nA <kbd>K</kbd> <!-- c -->.\n'
    )

    assert '<div class="x" onclick="y()">\n<p>*not read*</p>\n</div>' in html
    assert "<p>A <kbd>K</kbd> <!-- c -->.</p>" in html


@pytest.mark.parametrize("declaration", ["<![x]>", "<![ endif]>", "<![endif-x]>", "<![1"])
def test_broken_declarations_end_no_build(declaration: str) -> None:
    # Word writes such things, and Python's own parser of HTML, which themes and MkDocs use, raises.
    html = render(f"<div>\n{declaration}\n</div>\n\nText")

    HTMLParser().feed(html)
    assert html.endswith("<p>Text</p>")
    assert declaration.replace("<!", "<! ") in html


@pytest.mark.parametrize("declaration", ["<![if !mso]>", "<![ENDIF]>", "<![CDATA[x]]>"])
def test_other_declarations_are_kept(declaration: str) -> None:
    assert declaration in render(f"<div>\n{declaration}\n</div>")


def test_raw_html_that_is_no_block_gets_no_paragraph() -> None:
    html = render("<custom-tag>\n\ntext\n\n</custom-tag>\n")

    assert html.split() == ["<custom-tag>", "<p>text</p>", "</custom-tag>"]


# The extension in a site


LOCAL = "# Title\n\nText:\n- a\n  - b\n\n> [!NOTE]\n> x\n\n!!! note\n    Text\n\nHTML {: .x }\n"


def test_other_texts_are_rendered_byte_for_byte_as_without_the_plugin() -> None:
    for site in (TextSite(), TextSite("another text")):
        extension = ConfluenceExtension(site)
        assert make_markdown(extension).convert(LOCAL) == render_locally(LOCAL)


def test_what_a_plugin_converts_meanwhile_is_read_as_before() -> None:
    extension = ConfluenceExtension(TextSite("# A page\n"))

    assert make_markdown(extension).convert(LOCAL) == render_locally(LOCAL)
    assert "</h1>" in make_markdown(extension).convert("# A page\n")


@given(st.text())
def test_any_text_of_a_local_page_is_left_alone(text: str) -> None:
    extension = ConfluenceExtension(TextSite(text + "x"))

    assert make_markdown(extension, PLAIN).convert(text) == render_locally(text, PLAIN)


class CountingGrammar(Grammar):
    """Counts how often Python looks for garbage meanwhile, and fails if it is told to."""

    def __init__(self, *, fails: bool = False) -> None:
        super().__init__()
        self.fails = fails
        self.searches = 0

    def parse(self, src: str, env: MutableMapping[str, object] | None = None) -> list[Token]:
        before = sum(generation["collections"] for generation in gc.get_stats())
        tokens = super().parse(src, env)
        self.searches = sum(generation["collections"] for generation in gc.get_stats()) - before
        if self.fails:
            message = "told to"
            raise ValueError(message)
        return tokens


def test_python_does_not_look_for_garbage_while_it_parses_a_page() -> None:
    extension, text = ConfluenceExtension(), "- item\n" * 3_000
    extension.grammar = grammar = CountingGrammar()

    make_markdown(extension).convert(text)

    assert grammar.searches == 0
    assert gc.isenabled()


@pytest.mark.parametrize("was_on", [True, False])
def test_python_looks_for_garbage_again_whatever_happens(*, was_on: bool) -> None:
    extension = ConfluenceExtension()
    extension.grammar = CountingGrammar(fails=True)
    if not was_on:
        gc.disable()

    with pytest.raises(ValueError, match="told to"):
        make_markdown(extension).convert("text")
    is_on = gc.isenabled()
    gc.enable()

    assert is_on == was_on


DIAGRAMS = {"custom_fences": [{"name": "mermaid"}]}


@pytest.mark.parametrize(
    ("settings", "drawn"),
    [
        ({}, False),
        ({"pymdownx.superfences": {}}, False),
        ({"pymdownx.superfences": {"custom_fences": [{"name": "math"}]}}, False),
        ({"pymdownx.superfences": DIAGRAMS}, True),
        ({"pymdownx.extra": {}}, False),
        ({"pymdownx.extra": {"pymdownx.superfences": DIAGRAMS}}, True),
    ],
)
def test_it_is_known_whether_a_site_draws_diagrams(
    settings: dict[str, dict[str, object]], *, drawn: bool
) -> None:
    assert draws_diagrams(settings) == drawn
