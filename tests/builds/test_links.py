"""Links to Confluence in whole builds: into the site, to the right heading, or out of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from markdown import Markdown
from markdown.treeprocessors import Treeprocessor
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from mkdocs_confluence_md.confluence.refs import PageRef, may_be_ours
from mkdocs_confluence_md.markdown.anchors import Finisher
from mkdocs_confluence_md.markdown.extension import ConfluenceExtension
from mkdocs_confluence_md.markdown.links import LINK_CLASS, SiteLinks
from mkdocs_confluence_md.site.paths import PlacedPage
from rendering import TextSite

if TYPE_CHECKING:
    from projects import Built, Project
    from standin import StandIn

SITE = "https://acme.atlassian.net"
WIKI = f"{SITE}/wiki/spaces/ENG/pages"
VIEW = f"{SITE}/wiki/pages/viewpage.action?pageId="
NAV: list[Any] = [
    {"Guides": [{"Links": "guides/links.md"}]},
    {"Deploy": "confluence:101"},
    {"Runbooks": [{"Roll <back>": "confluence:102"}, {"Ü & more": "confluence:11113988156"}]},
    {"confluence": "104"},
]
URIS = ["101.md", "102.md"]
HREF = re.compile(r'<a(?:\s[^<>"]*)?\shref="([^"<>]*)"')
PLAIN_THEME = {"name": None, "custom_dir": "theme"}
TARGET = """# Roll back

## Steps

## Before you start

## Größe & Aufbewahrung

## Steps

## Code `x < y` &amp; *more*

## What's next?

<a id="macro"></a>
"""

# Markdown in a local page, and the link in the page that is built.
LOCAL_LINKS = [
    ("[x](confluence:101)", '<a href="../../deploy/">x</a>'),
    ("[x](Confluence:101/ 'y')", '<a href="../../deploy/" title="y">x</a>'),
    (f"[x][ref]\n\n[ref]: {WIKI}/101/Deploy", '<a href="../../deploy/">x</a>'),
    (f"[*x*]({VIEW}101&x=1)", '<a href="../../deploy/"><em>x</em></a>'),
    (f"[x]({VIEW}101&amp;x=1)", '<a href="../../deploy/">x</a>'),
    (f"[x]({SITE}/wiki/x/PABylgI)", '<a href="../../runbooks/%C3%BC-more/">x</a>'),
    (f"[x]({SITE}/wiki/spaces/ENG/overview?homepageId=104)", '<a href="../../104/">x</a>'),
    # Anchors: new editor, old editor, equal headings, IDs.
    ("[x](confluence:102#Steps)", '<a href="../../runbooks/roll-back/#steps">x</a>'),
    ("[x](confluence:102#Steps.1)", '<a href="../../runbooks/roll-back/#steps_1">x</a>'),
    (
        f"[x]({WIKI}/102/Go+back#Before-you-start)",
        '<a href="../../runbooks/roll-back/#before-you-start">x</a>',
    ),
    (
        f"[x]({WIKI}/102/Go+back#Goback-Beforeyoustart)",
        '<a href="../../runbooks/roll-back/#before-you-start">x</a>',
    ),
    (
        "[x](confluence:102#Roll<back>-Steps.1)",
        '<a href="../../runbooks/roll-back/#steps_1">x</a>',
    ),
    (
        f"[x]({WIKI}/102#Gr%C3%B6%C3%9Fe-%26-Aufbewahrung)",
        '<a href="../../runbooks/roll-back/#groe-aufbewahrung">x</a>',
    ),
    (
        "[x](confluence:102#Code-x-%3C-y-%26-more)",
        '<a href="../../runbooks/roll-back/#code-x-y-more">x</a>',
    ),
    ("[x](confluence:102#macro)", '<a href="../../runbooks/roll-back/#macro">x</a>'),
    ("[x](confluence:102#Gone)", '<a href="../../runbooks/roll-back/">x</a>'),
    # An address as text becomes the title.
    (f"<{WIKI}/101/Old+name>", '<a href="../../deploy/">Deploy</a>'),
    (f"[{WIKI}/104/T]({WIKI}/104/T 'y')", '<a href="../../104/" title="y">On-call</a>'),
    (f"<{VIEW}102&x=1#Steps>", '<a href="../../runbooks/roll-back/#steps">Roll &lt;back&gt;</a>'),
    (
        "[acme.atlassian.net/wiki/spaces/ENG/pages/101/Ü](http://acme.atlassian.net/wiki/spaces/ENG"
        "/pages/101/%C3%9C)",
        '<a href="../../deploy/">Deploy</a>',
    ),
    (f"[{WIKI}/101/]({WIKI}/101)", f'<a href="../../deploy/">{WIKI}/101/</a>'),
    # Out of the site.
    ("[x](confluence:999#A-b)", f'<a class="{LINK_CLASS}" href="{VIEW}999#A-b">x</a>'),
    (f"<{WIKI}/999>", f'<a class="{LINK_CLASS}" href="{WIKI}/999">{WIKI}/999</a>'),
    ("[x](confluence:space/ENG)", f'<a class="{LINK_CLASS}" href="{SITE}/wiki/spaces/ENG">x</a>'),
    (
        f"[x]({SITE}/wiki/display/ENG/T?a=1&b=2){{.mine}}",
        f'<a class="mine {LINK_CLASS}" href="{SITE}/wiki/display/ENG/T?a=1&amp;b=2">x</a>',
    ),
    (
        "[x](https://other.atlassian.net/wiki/spaces/ENG/pages/101)",
        f'<a class="{LINK_CLASS}" href="https://other.atlassian.net/wiki/spaces/ENG/pages/101">'
        "x</a>",
    ),
    # None of ours.
    ("[x](https://wiki.example/wiki/spaces/E/pages/101)", None),
    (f"[x]({SITE}/wiki/download/attachments/101/a.png)", None),
    ("[x](https://en.wikipedia.org/wiki/Confluence)", None),
    ("[x](../index.md)", '<a href="../../">x</a>'),
    # Raw HTML: only the address changes.
    (f"<a  class=y href='{WIKI}/101'>x</a >", '<a  class=y href="../../deploy/">x</a >'),
    (
        'A <b>b</b> <a href="confluence:102#Before-you-start">x</a>',
        'A <b>b</b> <a href="../../runbooks/roll-back/#before-you-start">x</a>',
    ),
    (
        f'<div>\n<a title="a > b" href="{VIEW}102&amp;x#Steps.1">'
        f"{VIEW}102&amp;x#Steps.1</a>\n</div>",
        '<div>\n<a title="a > b" href="../../runbooks/roll-back/#steps_1">'
        f"{VIEW}102&amp;x#Steps.1</a>\n</div>",
    ),
    (f"<p><a href='{WIKI}/999'>x</a></p>", f"<p><a href='{WIKI}/999'>x</a></p>"),
    ('<p><a href="confluence:999">x</a></p>', f'<p><a href="{VIEW}999">x</a></p>'),
    (
        "<p><A\nHREF = 'confluence:102#Gone'>x</A></p>",
        '<p><A\nHREF = "../../runbooks/roll-back/">x</A></p>',
    ),
    (f"<!-- <a href='{WIKI}/101'> -->", f"<!-- <a href='{WIKI}/101'> -->"),
]  # fmt: skip

CODE = f"""`[x](confluence:101) <a href="{WIKI}/101">`

```
[x](confluence:101) <a href="{WIKI}/101">
```

    <a href="{WIKI}/101#a">

<https://example.com/wiki> [x](index.md#a "b") [y](#a) <b>z</b> ?confluence-link=0
"""


@pytest.fixture
def project(project: Project, pages: dict[str, str], standin: StandIn) -> Project:
    """Return a site that shows nothing but the content of its pages."""
    project.write("docs/guides/links.md", "# Links\n")
    project.write("theme/main.html", "{{ page.content }}")
    pages["102"] = TARGET
    configure(project, standin)
    return project


def configure(project: Project, standin: StandIn, **settings: object) -> None:
    extensions = ["attr_list", "md_in_html", "footnotes", {"toc": {"permalink": True}}]
    project.configure(
        NAV,
        site=SITE,
        cloud_id=standin.cloud_id,
        settings={
            "theme": PLAIN_THEME,
            "markdown_extensions": extensions,
            # What MkDocs does not find is a warning, and with --strict an error.
            "validation": {"links": {"unrecognized_links": "warn", "absolute_links": "warn"}},
            **settings,
        },
    )


def build(project: Project, **options: Any) -> Built:  # noqa: ANN401  as `Project.build`
    built = project.build(**options)
    assert (built.exit_code, built.messages()) == (0, "")
    return built


def links_of(html: str) -> list[str]:
    """Return the links of a page, but for those that its headings have to themselves."""
    return [link for link in re.findall(r"<a .*?</a>", html) if "headerlink" not in link]


@pytest.mark.parametrize("host", ["mkdocs", "properdocs"])
def test_every_form_of_link_in_a_local_page(project: Project, host: str) -> None:
    rows = [f"ROW{number}\n\n{markdown}\n" for number, (markdown, _) in enumerate(LOCAL_LINKS)]
    project.write("docs/guides/links.md", "\n".join(rows))

    html = build(project, host=host).page("guides/links")

    for part, (markdown, expected) in zip(
        re.split(r"<p>ROW[0-9]+</p>", html)[1:], LOCAL_LINKS, strict=True
    ):
        unchanged = re.sub(r"\[x\]\((.*)\)", r'<a href="\1">x</a>', markdown)
        assert (expected or unchanged) in part, markdown
    assert "data-confluence-link" not in html


@pytest.mark.parametrize("host", ["mkdocs", "properdocs"])
def test_links_between_pages_from_confluence_stay_in_the_site(
    project: Project, standin: StandIn, pages: dict[str, str], host: str
) -> None:
    # 101 is rendered before its targets, 104 after them.
    for page_id in ("101", "104"):
        pages[page_id] = (
            "# Links\n\n## Here it is\n\n## Twice\n\n## Twice\n\n"
            f"[a]({WIKI}/102/Go+back#Steps.1)\n[b](/wiki/spaces/ENG/pages/102)\n"
            f"[c](#Here-it-is)\n[d]({WIKI}/{page_id}/Me#Me-Hereitis)\n[e](#twice_1)\n"
            f"[f](#Twice.1)\n[g](#Gone)\n[h]({WIKI}/{page_id}/Me#Gone)\n[i](#macro)\n"
            f"[j]({WIKI}/{page_id}/Me)\n[k](#)\n\n<a id=macro></a>\n\n"
            '<p><a href="#Here-it-is">l</a> <a href="/wiki/spaces/ENG/pages/102#Steps">m</a></p>\n'
        )
    configure(project, standin, validation={"links": {"anchors": "info"}})

    built = build(project, host=host)

    here = ["#here-it-is", "#here-it-is", "#twice_1", "#twice_1", "#", "#", "#macro", "./", "#"]
    for path in ("deploy", "104"):
        html = built.page(path)
        hrefs = [re.findall('href="(.*?)"', link) for link in links_of(html)]
        assert [href for found in hrefs for href in found] == [
            "../runbooks/roll-back/#steps_1", "../runbooks/roll-back/", *here,
            "#here-it-is", "../runbooks/roll-back/#steps",
        ]  # fmt: skip
    assert built.log.count("links to '#Gone' in") == 2


@pytest.mark.parametrize("title", ["Deploy", "Roll & out", "Own"])
def test_an_old_anchor_begins_with_any_title_that_the_page_has(
    project: Project, pages: dict[str, str], standin: StandIn, title: str
) -> None:
    pages["101"] = "---\ntitle: Own\n---\n# Roll & out\n\n## Before you start\n"
    anchor = f"{title.replace(' ', '')}-Beforeyoustart"
    project.write("docs/index.md", f"[x](confluence:101#{anchor})\n")
    project.configure([{"Deploy": "confluence:101"}], site=standin.url)

    built = project.build()

    assert '<a href="deploy/#before-you-start">x</a>' in built.page("")


def test_urls_that_name_their_files(project: Project, standin: StandIn) -> None:
    configure(project, standin, use_directory_urls=False)
    project.write(
        "docs/guides/links.md",
        "[x](confluence:102#Steps) [x](confluence:11113988156)\n\n"
        "<a href='confluence:102#Steps'>x</a>\n",
    )

    built = build(project)

    html = (built.site_dir / "guides/links.html").read_text(encoding="utf-8")
    assert re.findall('href="(.*?)"', html) == [
        "../runbooks/roll-back.html#steps",
        "../runbooks/%C3%BC-more.html",
        "../runbooks/roll-back.html#steps",
    ]


def test_a_page_without_links_to_confluence_is_the_same_as_without_the_plugin(
    project: Project,
) -> None:
    project.write("docs/index.md", f"# Home {{#a}}\n\n{CODE}")
    with_plugin = build(project).page("")
    config = (project.root / "mkdocs.yml").read_text(encoding="utf-8")
    without = re.sub(r"(?s)plugins:\n.*?(?=^\w)", "plugins: []\n", config, flags=re.MULTILINE)
    without = re.sub(r"(?s)nav:\n.*?(?=^\w)", "nav: [index.md]\n", without, flags=re.MULTILINE)
    project.write("mkdocs.yml", without.replace("- impatient.py", ""))

    assert "confluence" not in without.partition("theme")[2]
    assert project.build().page("") == with_plugin


def test_what_cannot_be_linked_is_told_once_with_its_page(
    project: Project, pages: dict[str, str]
) -> None:
    twice = "[x](confluence:abc#y)\n\n<a href='confluence:abc#y'>x</a>\n"
    pages["102"] = "<p><a href='confluence:\nWARNING - \x1b[1mx'>x</a></p>\n"
    project.write("docs/guides/links.md", twice)
    pages["101"] = f"# Deploy\n\n{twice}"

    built = project.build(strict=False)

    reason = (
        "links to 'confluence:abc#y': this is neither a page ID (only digits) nor the "
        "address of a page. Open the page in Confluence and paste its address, like "
        f"{WIKI}/123456/Title, or write confluence:123456."
    )
    assert built.messages().splitlines() == [
        f"WARNING -  confluence-md: guides/links.md {reason}",
        f"WARNING -  confluence-md: “Deploy” (page 101) {reason}",
        "WARNING -  confluence-md: “Roll <back>” (page 102) links to "
        "'confluence: WARNING -  [1mx': " + reason.partition("': ")[2],
    ]
    assert built.page("deploy").count("confluence:abc#y") == 2
    assert project.build().exit_code == 1


def test_without_a_site_a_link_out_of_it_is_a_warning(project: Project) -> None:
    project.write("docs/index.md", "[x](confluence:999)")
    project.configure(["guides/links.md"])

    built = project.build(strict=False)

    assert built.messages() == (
        "WARNING -  confluence-md: index.md links to 'confluence:999': this is not a page of the "
        "site, and its address in Confluence is not known. Name your Confluence in the option "
        "`site`."
    )


def test_an_anchor_that_means_no_heading_is_as_bad_as_mkdocs_takes_it(
    project: Project, standin: StandIn
) -> None:
    project.write("docs/guides/links.md", "[x](confluence:102#Gone) [y](confluence:102#Steps)")
    message = (
        "confluence-md: guides/links.md links to '#Gone' in “Roll <back>” (page 102), which has "
        "no such heading. The link leads to the top of the page."
    )

    assert f"INFO    -  {message}" in build(project).log
    configure(project, standin, validation={"links": {"anchors": "warn"}})
    assert project.build(strict=False).messages() == f"WARNING -  {message}"


def test_a_page_that_another_plugin_takes_out_of_the_site_is_linked_to_in_confluence(
    project: Project, standin: StandIn
) -> None:
    project.write("docs/guides/links.md", f"[x](confluence:101#a)\n\n<a href='{WIKI}/101'>x</a>\n")
    project.write(
        "hooks.py", "def on_files(files, **_):\n    files.remove(files.src_uris['deploy.md'])\n"
    )
    configure(project, standin, hooks=["impatient.py", "hooks.py"])

    built = project.build(strict=False)

    assert links_of(built.page("guides/links")) == [
        f'<a class="{LINK_CLASS}" href="{VIEW}101#a">x</a>',
        f"<a href='{WIKI}/101'>x</a>",
    ]


def test_the_same_configuration_built_again_has_the_extension_once() -> None:
    config = MkDocsConfig()
    config.markdown_extensions = ["toc"]

    ConfluenceExtension(TextSite()).join(config)
    ConfluenceExtension(TextSite()).join(config)

    assert len(config.markdown_extensions) == 2


def test_a_text_that_is_rendered_for_itself_links_to_confluence() -> None:
    page = PlacedPage(PageRef("101"), "Deploy", "deploy.md")
    links = SiteLinks([page], SITE)
    text = f"[a](confluence:101#b) [c]({WIKI}/101) [d](#e) [f](confluence:g)"

    html = Markdown(extensions=[ConfluenceExtension(TextSite(links=links))]).convert(text)

    assert html == (
        f'<p><a class="{LINK_CLASS}" href="{VIEW}101#b">a</a> '
        f'<a class="{LINK_CLASS}" href="{WIKI}/101">c</a> <a href="#e">d</a> '
        '<a href="confluence:g">f</a></p>'
    )
    [problem] = links.take_problems()
    assert problem.startswith("A text links to 'confluence:g'")
    assert links.take_problems() == links.finish() == []


class FakeHost(Treeprocessor):
    """What MkDocs adds to a page's Markdown, for a page of a site that has two more."""

    file = File("guides/links.md", "docs", "site", use_directory_urls=True)
    files = Files([File(uri, "docs", "site", use_directory_urls=True) for uri in URIS])


LINKED = st.lists(
    st.sampled_from(
        ["[", "](", ")", "<", ">", "confluence:", "101", "102", "#", "x", "\n", "\n\n", " ", "`",
         f"{WIKI}/101", f"{VIEW}102", "<a href=", '"', "'", "</a>", "<p>", "</p>", "&", "\\", "_",
         "    ", "## x", "<!--", "<![x", "é", "[x](confluence:101#x)", "<a href='confluence:102'>"]
    ),
    max_size=20,
).map("".join)  # fmt: skip


@given(LINKED | st.text())
def test_whatever_a_page_says_its_links_are_paths_of_the_site_or_addresses(text: str) -> None:
    links = SiteLinks([PlacedPage(PageRef(uri[:3]), "T", uri) for uri in URIS], SITE)
    md = Markdown(extensions=[ConfluenceExtension(TextSite(links=links))])
    md.treeprocessors.register(FakeHost(), "relpath", 0)

    try:
        plain = Markdown().convert(text)
    except AssertionError:  # HTML parsers of older Pythons give up on `<![x[`
        reject()
    html = md.convert(text)

    if not may_be_ours(text):
        assert html == plain
    new = set(HREF.findall(html)) - set(HREF.findall(plain))
    for path in {url.partition("#")[0] for url in new}:
        inside = path in ("", "../101.md", "../102.md", "../../101/", "../../102/")
        assert inside or path.startswith(SITE)
    links.finish()
    links.take_problems()


@given(
    st.lists(
        st.sampled_from(
            ["[", "](", ")", "<", ">", "a.md", "../101.md", "t.md#x", "#", "x", "\n\n", " ", "`",
             "&", "<a href=", '"', "'", "</a>", "<p>", "</p>", "[x](gone.md)", "<a href='gone.md'>",
             "/spaces/E/pages/101", "attachment:1:x", '<a data-confluence-link="0" href="a.md">',
             "https://media.atlassian.com/file/12345678?name="]
        ),
        max_size=20,
    ).map("".join)
    | st.text()
)  # fmt: skip
def test_in_a_page_from_confluence_no_link_leads_to_a_page_that_is_not_there(text: str) -> None:
    uris = [FakeHost.file.src_uri, *URIS]
    links = SiteLinks([PlacedPage(PageRef(str(n)), "T", uri) for n, uri in enumerate(uris)], SITE)
    md = Markdown(extensions=[ConfluenceExtension(TextSite(links=links))])
    md.treeprocessors.register(FakeHost(), "relpath", 0)

    try:
        html = md.convert(text)
    except AssertionError:  # as above
        reject()
    finisher = Finisher(links.late_links, links.pages)
    finished = finisher.finish(html)

    assert not [url for url in HREF.findall(finished) if url.endswith(("gone.md", "a.md"))]
    assert links.finish() == []


KEEPING = """
import pathlib

def on_page_content(html, page, config, files):
    pathlib.Path(page.file.src_uri.replace("/", "-") + ".html").write_text(html)
"""


def test_other_plugins_keep_links_that_are_right_by_themselves(
    project: Project, standin: StandIn, pages: dict[str, str]
) -> None:
    pages["101"] = (
        f"# Links\n\n[a]({WIKI}/102/Go+back#Steps.1) [b](#Here-it-is) "
        f"<{WIKI}/102/Go+back#Steps>\n\n"
        f'## Here it is\n\n<p><a href="{WIKI}/102/Go+back#Steps">c</a></p>\n'
    )
    project.write("keeping.py", KEEPING)
    configure(project, standin, hooks=["impatient.py", "keeping.py"])
    build(project)
    final = links_of(build(project).page("deploy"))

    kept = links_of((project.root / "deploy.md.html").read_text())

    assert [re.sub(' data-confluence-link="[0-9]+"', "", link) for link in kept] == final
    there = [re.findall('href="(.*?)"', link)[0] for link in kept]
    steps = "../runbooks/roll-back/#steps"
    assert there == [f"{steps}_1", "#here-it-is", steps, steps]


def test_a_number_that_an_author_wrote_is_a_number_of_no_link(
    project: Project, standin: StandIn, pages: dict[str, str]
) -> None:
    digits = "1" * 5000
    pages["101"] = (
        f'# Links\n\n[a](#Gone) <a href="x" data-confluence-link="{digits}">b</a>\n\n'
        '<p><a href="y" data-confluence-link="0">c</a></p>\n\n[d](confluence:102#Steps)\n'
    )
    configure(project, standin, validation={"links": {"anchors": "info"}})

    assert "roll-back/#steps" in build(project).page("deploy")
