"""Links that name the file of an exported page, in whole builds, and what remains of others."""

from __future__ import annotations

import io
import re
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from pulling import pull, pulled, read_pages
from standin import PageRecord, SpaceRecord

if TYPE_CHECKING:
    from projects import Project
    from standin import StandIn

SITE = "https://acme.atlassian.net"
INFO = "INFO    -  confluence-md: "
LINKS = """# Links

[a](02-code-blocks.md) [b](../root/02-code%20blocks.md) [c](./child/03-gr-e.md#Zweiter-Teil)
[*d* `e`](04-gone.md) [gone.md](gone.md) [02-code-blocks.md](02-code-blocks.md 'T') [f][f]

- <a class="x" href="02-code-blocks.md#Steps">g</a>, <a href='04-gone.md' title="a > b">h <b>i</b></a>.
- [j](index.md) [k](local.md#part) [l](how-to-deploy.md) [m](notes.md) [n](links.md)

<p><a href="./gone.md">o</a> <a href="how%20to%20deploy.md">p</a></p>

| [q](04-gone.md) | ![r](02-code-blocks.png) |
| - | - |
| [![s](02-code-blocks.png)](gone.md) | `[t](gone.md)` |

[f]: gone.md
"""  # noqa: E501  as long as a line may be
WRITTEN = [
    ("a", "../code-blocks/"),
    ("b", "../code-blocks/"),
    ("c", "../grosse/#zweiter-teil"),
    ("Code blocks", "../code-blocks/"),
    ("g", "../code-blocks/#steps"),
    ("j", "../"),
    ("k", "../local/#part"),
    ("l", "../deploy/"),
    ("n", "./"),
    ("p", "../deploy/"),
]
CODE = "# Code blocks\n\n## Steps\n\nText.\n"


pytestmark = pytest.mark.usefixtures("without_redirects")


def configure(project: Project, nav: list[Any], *extensions: str, **options: object) -> None:
    """Write a configuration that needs no hook, so that a pulled site builds, too."""
    project.configure(
        nav,
        options=options,
        theme="material",
        settings={"hooks": [], "markdown_extensions": [{"toc": {"permalink": True}}, *extensions]},
    )


def links_of(text: str) -> list[tuple[str, str]]:
    """Return the links in a page's own content: their texts, and where they lead."""
    content = text.partition("</h1>")[2].partition("</article>")[0]
    found = re.findall(r'<a\b[^<>]*?href="([^"]*)"[^<>]*>(.*?)</a>', content, re.DOTALL)
    return [
        (re.sub("<.*?>", "", label), href) for href, label in found if "headerlink" not in label
    ]


@pytest.fixture
def declared(project: Project, standin: StandIn, pages: dict[str, str]) -> Project:
    """Return a project with pages that are exported one by one, and are named in various ways."""
    pages["101"] = LINKS
    pages["102"] = CODE
    pages["103"] = "# Größe\n\n## Zweiter Teil\n\nText.\n"
    pages["104"] = "# How to deploy\n\nText.\n"
    pages["105"] = "# Notes\n\nText.\n"
    pages["106"] = "# Notes!\n\n[up](links.md)\n"
    standin.pages.attachments["101"] = {"02-code-blocks.png": b"png"}
    project.write("docs/local.md", "# Local\n\n## Part\n\n[kept](index.md)\n")
    nav: list[Any] = [
        "local.md",
        {"Code blocks": "confluence:102"},
        # Links lead to pages that are rendered before, and to such that are rendered later.
        {"Links": "confluence:101"},
        {"Grosse": "confluence:103"},
        {"Deploy": "confluence:104"},
        {"Note 1": "confluence:105"},
        {"Note 2": "confluence:106"},
    ]
    configure(project, nav, site=standin.url)
    return project


@pytest.mark.parametrize("host", ["mkdocs", "properdocs"])
def test_links_by_name_lead_to_the_page_of_that_title_or_leave_their_text(
    declared: Project, host: str
) -> None:
    built = declared.build(host=host)

    assert (built.messages(), built.exit_code) == ("", 0)
    html = built.page("links")
    assert links_of(html) == WRITTEN
    for text in ("<em>d</em> <code>e</code>", "gone.md", "h <b>i</b>", ">m<", ">o<", ">q<", ">f<"):
        assert text in html
    assert 'class="x" href="../code-blocks/#steps"' in html
    assert "<code>[t](gone.md)</code>" in html
    assert html.count('src="02-code-blocks.png"') == 2
    assert "data-confluence-link" not in html
    assert links_of(built.page("note-2")) == [("up", "../links/")]
    assert (
        f"{INFO}8 links name pages or files that the site does not have; only the text remains. "
        "“Links” (page 101): 8"
    ) in built.log


def test_a_site_that_names_its_files_has_them_in_its_links(
    declared: Project, standin: StandIn
) -> None:
    nav = [{"Sub": [{"Links": "confluence:101"}]}, {"Code blocks": "confluence:102"}]
    settings = {"use_directory_urls": False}
    declared.configure(nav, site=standin.url, settings=settings)

    built = declared.build()

    assert built.exit_code == 0
    html = (built.site_dir / "sub/links.html").read_text(encoding="utf-8")
    assert 'href="../code-blocks.html#steps"' in html


def test_a_pulled_site_has_the_same_links(declared: Project) -> None:
    own = read_pages(declared.build())

    exit_code, _, messages = pull(declared)

    assert exit_code == 0, messages
    there = pulled(declared)
    assert read_pages(there.build()) == own
    text = (there.root / "docs/links.md").read_text(encoding="utf-8")
    assert "[a](code-blocks.md) [b](code-blocks.md) [c](grosse.md#zweiter-teil)" in text
    assert "*d* `e` gone.md [Code blocks](code-blocks.md 'T') f\n" in text
    assert "<span>h <b>i</b></span>" in text


@pytest.mark.parametrize("has_rest", [True, False])
def test_pages_of_a_tree_come_first_however_it_was_fetched(
    project: Project, standin: StandIn, *, has_rest: bool
) -> None:
    links = "[a](01-notes.md) [b](./02-gr-e.md) [c](../Wiki/far.md) [d](gone.md)\n"
    standin.pages.add_space(SpaceRecord("ENG", "Engineering", home="500"))
    standin.pages.add(
        PageRecord("500", f"# Wiki\n\n{links}", title="Wiki", space="ENG"),
        PageRecord("501", "# Notes\n\nNear.\n", title="Notes", parent="500", space="ENG"),
        PageRecord("502", "Text.\n", title="Größe", parent="500", space="ENG"),
    )
    standin.pages.source["101"] = "# Notes\n\nFar.\n"  # type: ignore[index]  # it is a mapping
    standin.pages.source["102"] = "# Far\n\n[up](notes.md)\n"  # type: ignore[index]  # the same
    project.environment["CONFLUENCE_MD_API_URL"] = standin.url
    project.environment |= standin.rest_environment() if has_rest else {}
    nav = [{"Notes": "confluence:101"}, {"A": ["confluence:102"]}, {"Wiki": "confluence:500/"}]
    configure(project, nav, site=standin.url)

    built = project.build()

    assert (built.messages(), built.exit_code) == ("", 0)
    assert len(standin.tree_exports()) == (0 if has_rest else 1)
    assert links_of(built.page("wiki")) == [
        ("a", "notes/"), ("b", "gr%C3%B6%C3%9Fe/"), ("c", "../a/102/"),
    ]  # fmt: skip
    assert links_of(built.page("a/102")) == []
    assert f"{INFO}2 links name pages or files that the site does not have" in built.log
    assert "Page 102: 1" in built.log


def test_in_an_archive_what_matches_nothing_leaves_its_text(
    project: Project, standin: StandIn, pages: dict[str, str]
) -> None:
    for page_id in list(pages)[2:]:
        del pages[page_id]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("Wiki.md", "# Wiki\n\n[a](Wiki/b.md) [x](page-0a1b.md) [l](../local.md)\n")
        archive.writestr("Wiki/b.md", "# B\n\n<a href='../Wiki.md'>up</a> <a href='z.md'>z</a>\n")
    standin.pages.tree_archives["101"] = buffer.getvalue()
    project.write("docs/local.md", "# Local\n")
    configure(project, ["local.md", {"Wiki": "confluence:101/"}], site=standin.url)

    built = project.build()

    assert (built.messages(), built.exit_code) == ("", 0)
    assert links_of(built.page("wiki")) == [("a", "b/"), ("l", "../local/")]
    assert links_of(built.page("wiki/b")) == [("up", "../")]
    assert "2 links name pages or files that the site does not have" in built.log


def test_links_of_confluence_without_its_context_stay_in_the_site(
    project: Project, standin: StandIn, pages: dict[str, str]
) -> None:
    pages["101"] = (
        "# Links\n\n[a](/spaces/ENG/pages/102/T#Steps) [b](/pages/viewpage.action?pageId=102)\n"
        f"[c]({SITE}/spaces/ENG/pages/102/T) [d](/x/LIQHD) <{SITE}/spaces/ENG/pages/102/T>\n"
        "[e](https://api.atlassian.com/ex/confluence/c1/wiki/spaces/ENG/pages/102/T)\n\n"
        '<p><a href="/spaces/ENG/pages/102">f</a></p>\n'
    )
    pages["102"] = CODE
    project.write("docs/local.md", f"[x](/x/y) [z]({SITE}/spaces/ENG/pages/102)\n")
    nav = [{"Code": f"confluence:{SITE}/spaces/ENG/pages/102/T"}, {"Links": "confluence:101"}]
    configure(project, ["local.md", *nav], site=SITE, cloud_id=standin.cloud_id)

    built = project.build()

    assert (built.messages(), built.exit_code) == ("", 0)
    assert links_of(built.page("links")) == [
        ("a", "../code/#steps"), ("b", "../code/"), ("c", "../code/"),
        ("d", f"{SITE}/wiki/x/LIQHD"), ("Code", "../code/"), ("e", "../code/"), ("f", "../code/"),
    ]  # fmt: skip
    local = built.page("local")
    assert 'href="/x/y"' in local
    assert 'href="../code/"' in local
    exit_code, _, messages = pull(project)
    assert exit_code == 0, messages
    assert read_pages(pulled(project).build()) == read_pages(project.build())
