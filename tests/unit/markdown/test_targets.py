"""Where each form of link leads: into the site only if it surely means a page of the site."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_confluence_md.confluence.refs import (
    Complaint,
    PageRef,
    SpaceRef,
    TreeRef,
    may_be_ours,
    title_in_url,
)
from mkdocs_confluence_md.markdown.link_targets import (
    Inside,
    LinkMap,
    Named,
    Nowhere,
    Outside,
    find_place_of,
)
from mkdocs_confluence_md.site.paths import PlacedPage
from strategies import ALMOST_REFERENCES, page_urls

SITE = "https://acme.atlassian.net"
VIEW = f"{SITE}/wiki/pages/viewpage.action?pageId="
DEPLOY = PlacedPage(PageRef("101"), "Deploy", "deploy.md")
PASTED = PlacedPage(PageRef("11113988156", "wiki.acme.example"), "", "big.md")
MAP = LinkMap([DEPLOY, PASTED], SITE)
NOWHERE = LinkMap([DEPLOY])


@pytest.mark.parametrize(
    ("link", "page", "anchor", "title"),
    [
        ("confluence:101", DEPLOY, "", ""),
        ("Confluence:101#Roll-out", DEPLOY, "Roll-out", ""),
        ("confluence:101/", DEPLOY, "", ""),
        ("confluence:11113988156", PASTED, "", ""),
        (f"confluence:{SITE}/wiki/spaces/ENG/pages/101/A+b#c", DEPLOY, "c", "A b"),
        ("confluence:acme.atlassian.net/wiki/spaces/ENG/pages/101", DEPLOY, "", ""),
        (f"{SITE}/wiki/spaces/ENG/pages/101", DEPLOY, "", ""),
        (f"{SITE}/wiki/spaces/ENG/pages/101/C%2B%2B+%26+D?atlOrigin=x#e", DEPLOY, "e", "C++ & D"),
        (f"{SITE}/wiki/spaces/ENG/pages/edit-v2/101?focusedCommentId=3", DEPLOY, "", ""),
        (f"{SITE}/wiki/spaces/ENG/overview?homepageId=101", DEPLOY, "", ""),
        (f"{VIEW}101#a", DEPLOY, "a", ""),
        (f"{SITE}/wiki/x/PABylgI", PASTED, "", ""),
        ("HTTP://ACME.atlassian.net/wiki/x/PABylgI", PASTED, "", ""),
        ("https://wiki.acme.example/wiki/spaces/ENG/pages/101/T", DEPLOY, "", "T"),
    ],
)
def test_a_link_to_a_page_of_the_site(link: str, page: PlacedPage, anchor: str, title: str) -> None:
    target = MAP.find_target(link, None)

    assert isinstance(target, Inside)
    assert (target.page, target.anchor, target.title) == (page, anchor, title)
    assert may_be_ours(link)


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("confluence:999", f"{VIEW}999"),
        ("confluence:999#A-b", f"{VIEW}999#A-b"),
        ("confluence:999/", f"{VIEW}999"),
        ("confluence:space/ENG", f"{SITE}/wiki/spaces/ENG"),
        (f"confluence:{SITE}/wiki/x/LIQHD#a", f"{SITE}/wiki/x/LIQHD#a"),
        ("confluence:other.atlassian.net/wiki/x/PABylgI", "https://other.atlassian.net/wiki/x/PABylgI"),
        ("confluence:https://wiki.example/wiki/x/PABylgI", "https://wiki.example/wiki/x/PABylgI"),
        *[
            (link, link)
            for link in (
                f"{SITE}/wiki/spaces/ENG/pages/999/T#a",
                f"{SITE}/wiki/spaces/ENG",
                f"{SITE}/wiki/spaces/ENG/blog/2024/05/06/101/T",
                f"{SITE}/wiki/display/ENG/T",
                f"{SITE}/l/cp/abcDEF",
                # The ID is one of ours, the site is not.
                "https://other.atlassian.net/wiki/spaces/ENG/pages/101/T",
            )
        ],
    ],
)  # fmt: skip
def test_a_link_that_leaves_the_site(link: str, url: str) -> None:
    assert MAP.find_target(link, None) == Outside(url)


@pytest.mark.parametrize(
    "link",
    [
        "",
        "#Roll-out",
        "deploy.md",
        "/wiki/spaces/ENG/pages/101",
        "https://example.com/",
        "https://en.wikipedia.org/wiki/Confluence",
        # On a host that we do not know, a page's ID proves nothing.
        "https://wiki.example/wiki/spaces/ENG/pages/101/T",
        f"{SITE}/jira/browse/ENG-1",
        f"{SITE}/wiki/download/attachments/101/a.png?version=2",
        f"{SITE}/wiki/rest/api/content/101/child/attachment/5/download",
        "https://[acme.atlassian.net/wiki/x/1",
    ],
)
def test_a_link_of_somebody_else(link: str) -> None:
    assert MAP.find_target(link, None) is None


def test_a_page_from_confluence_has_links_to_its_own_headings_and_site() -> None:
    assert MAP.find_target("#Roll-out", DEPLOY) == Inside(
        DEPLOY, "Roll-out", "", Outside("#Roll-out")
    )
    assert MAP.find_target("#", DEPLOY) is None
    assert isinstance(MAP.find_target("/wiki/spaces/ENG/pages/101", DEPLOY), Inside)
    assert MAP.find_target("/wiki/x/LIQHD#a", DEPLOY) == Outside(f"{SITE}/wiki/x/LIQHD#a")
    assert MAP.find_target("/wiki/download/attachments/999/a.pdf?v=2", DEPLOY) == Outside(
        f"{SITE}/wiki/download/attachments/999/a.pdf?v=2"
    )
    assert NOWHERE.find_target("/wiki/spaces/ENG/pages/101", DEPLOY) is None


GATEWAY = "https://api.atlassian.com/ex/confluence/c10d-1d"
WIKI_HOST = "https://wiki.acme.example"


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("/spaces/ENG/pages/101", DEPLOY),
        ("/spaces/ENG/pages/101/Deploy+it#x", DEPLOY),
        ("/spaces/ENG/overview?homepageId=101", DEPLOY),
        ("/pages/viewpage.action?pageId=101", DEPLOY),
        ("/pages/edit-v2/101", DEPLOY),
        ("/x/PABylgI", PASTED),
        (f"{SITE}/spaces/ENG/pages/101/Deploy", DEPLOY),
        (f"{SITE}/x/PABylgI", PASTED),
        (f"{WIKI_HOST}/spaces/ENG/pages/101/Deploy", DEPLOY),
        (f"{GATEWAY}/wiki/spaces/ENG/pages/101/Deploy", DEPLOY),
        (f"{GATEWAY}/wiki/pages/viewpage.action?pageId=101", DEPLOY),
        ("/spaces/ENG/pages/999/T#a", f"{SITE}/wiki/spaces/ENG/pages/999/T#a"),
        ("/x/LIQHD", f"{SITE}/wiki/x/LIQHD"),
        ("/display/ENG/T", f"{SITE}/wiki/display/ENG/T"),
        ("/download/attachments/999/a.pdf?v=2", f"{SITE}/wiki/download/attachments/999/a.pdf?v=2"),
        ("/rest/api/content/att4/download", f"{SITE}/wiki/rest/api/content/att4/download"),
        (f"{SITE}/spaces/ENG/pages/999/T", f"{SITE}/wiki/spaces/ENG/pages/999/T"),
        (f"{GATEWAY}/download/attachments/9/a", f"{SITE}/wiki/download/attachments/9/a"),
        (f"{GATEWAY}/wiki/pages/x.action?a=b#c", f"{SITE}/wiki/pages/x.action?a=b#c"),
        ("/other/x", None),
        ("/spacesuit", None),
        ("https://example.com/spaces/ENG/pages/101/T", None),
        ("https://example.com/x/PABylgI", None),
    ],
)  # fmt: skip
def test_what_exporters_write_shorter_or_with_their_api(
    link: str, target: PlacedPage | str | None
) -> None:
    found = MAP.find_target(link, DEPLOY)

    if isinstance(target, PlacedPage):
        assert isinstance(found, Inside)
        assert found.page == target
        assert may_be_ours(link)
    else:
        assert found == (Outside(target) if target else None)


def test_in_local_pages_a_path_of_confluence_is_any_path() -> None:
    for link in ("/spaces/ENG/pages/101", "/x/PABylgI", "/pages/viewpage.action?pageId=101"):
        assert MAP.find_target(link, None) is None
    assert isinstance(MAP.find_target(f"{SITE}/spaces/ENG/pages/101", None), Inside)
    assert MAP.find_target(f"{WIKI_HOST}/spaces/ENG/pages/101", None) is None


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("02-code-blocks.md", Named("02-code-blocks", "")),
        ("../root/02-code%20blocks.md#Steps", Named("02-code blocks", "Steps")),
        ("./child/%C3%9Cber.MD?x=1#a", Named("Über", "a")),
        ("child/index.md", Named("child", "")),
        ("../README.md", Named("..", "")),
        ("attachment:a%20b.pdf", Nowhere("a b.pdf")),
        ("attachment:456", Nowhere("attachment 456")),
        ("https://api.media.atlassian.com/file/1/binary?token=…&name=a.png", Nowhere("a.png")),
        ("page", None),
        ("page.html", None),
        ("?x.md", None),
        ("mailto:a@b.md", None),
        ("/a.md", None),
    ],
)
def test_what_only_a_name_tells_of_a_page(link: str, target: Named | Nowhere | None) -> None:
    assert MAP.find_target(link, DEPLOY) == target
    assert MAP.find_target(link, None) is None


def test_a_relative_address_has_a_place_in_the_site() -> None:
    assert find_place_of("../%C3%BC b.md?x#y", "guides/deploy.md") == "ü b.md"
    assert find_place_of("./x/../b.md", "a.md") == "b.md"


def test_without_a_site_only_ids_are_ours() -> None:
    url = f"{SITE}/wiki/spaces/ENG/pages/101"

    assert isinstance(NOWHERE.find_target("confluence:101", None), Inside)
    assert NOWHERE.find_target(url, None) == Outside(url)
    assert str(NOWHERE.find_target("confluence:999#a", None)) == (
        "'confluence:999#a': this is not a page of the site, and its address in Confluence is not "
        "known. Name your Confluence in the option `site`."
    )


def test_a_pasted_address_tells_the_site() -> None:
    link_map = LinkMap([PASTED])

    assert link_map.find_target("confluence:999", None) == Outside(
        "https://wiki.acme.example/wiki/pages/viewpage.action?pageId=999"
    )


def test_a_slip_is_complained_of_with_the_whole_link() -> None:
    complaint = MAP.find_target("confluence:abc#d", None)

    assert isinstance(complaint, Complaint)
    assert complaint.entry == "confluence:abc#d"
    assert complaint.reason == "this is neither a page ID (only digits) nor the address of a page."


@pytest.mark.parametrize(
    ("url", "title"),
    [
        (f"{SITE}/wiki/spaces/ENG/pages/101/Deploy+to+production?x=1#y", "Deploy to production"),
        (f"{SITE}/wiki/spaces/ENG/pages/101/%C3%9Cberwachung+Alarme", "Überwachung Alarme"),
        (f"{SITE}/wiki/spaces/ENG/pages/101/", ""),
        (f"{SITE}/wiki/spaces/ENG/pages/101", ""),
        (f"{SITE}/wiki/display/ENG/Deploy+to+production?x=1#y", "Deploy to production"),
        (f"{SITE}/wiki/display/ENG", ""),
        (f"{SITE}/wiki/x/LIQHD", ""),
        ("https://[", ""),
    ],
)
def test_an_address_may_spell_the_title(url: str, title: str) -> None:
    assert title_in_url(url) == title


SPACE, TREE = SpaceRef("ENG"), TreeRef("1")
TITLED = f"{SITE}/wiki/display/ENG/Roll-out%3A+how"


@pytest.mark.parametrize(
    ("tree", "page_id", "path", "link", "is_inside"),
    [
        (SPACE, "5", "", TITLED, True),  # listed
        (SPACE, "", "a.md", TITLED, True),  # exported
        (SPACE, "5", "a.md", TITLED, True),
        (TREE, "", "a.md", TITLED, True),
        (TREE, "5", "", TITLED, False),
        (SPACE, "5", "", f"{SITE}/wiki/display/OPS/Roll-out%3A+how", False),
        (SPACE, "", "a.md", f"{SITE}/wiki/spaces/ENG/pages/7/Roll-out+how", True),
        (SPACE, "5", "a.md", f"{SITE}/wiki/spaces/ENG/pages/7/Roll-out+how", False),
    ],
)
def test_a_title_leads_to_the_page_of_the_same_tree(
    *, tree: TreeRef | SpaceRef, page_id: str, path: str, link: str, is_inside: bool
) -> None:
    page = PlacedPage(PageRef(page_id), "", "a.md", tree, path, "Roll-out: how?")
    links = LinkMap([page], SITE, {(tree, path): page} if path else {})

    target = links.find_target(f"{link}#x", page)

    assert isinstance(target, Inside) == is_inside
    assert isinstance(links.find_target(link, None), Outside)


LOST = "page-2f0c1d5e-0a0b-4c0d-8e0f-{:012x}"


def in_tree(path: str, title: str = "", page_id: str = "") -> PlacedPage:
    return PlacedPage(PageRef(page_id), "", path, TREE, path, title)


ROOT = in_tree("root.md", "Root", "1")
PAGES = [
    ROOT,
    in_tree("root/deploy/notes.md", "Notes"),
    in_tree("root/operate/notes.md", "Notes"),
    in_tree("root/operate/q&a-what,-and-why.md", "Q&A: what, and why?"),
    in_tree(f"root/{LOST.format(1)}.md", "当番"),
    in_tree(f"root/{LOST.format(2)}.md", "🚀"),
    in_tree(f"root/{LOST.format(3)}.md", "Twice"),
    in_tree(f"root/{LOST.format(4)}.md", "Twice"),
]
IN_TREE = LinkMap(PAGES, SITE, {(TREE, page.path): page for page in PAGES})


@pytest.mark.parametrize(
    ("link", "text", "path"),
    [
        ("deploy/notes.md", "", "root/deploy/notes.md"),
        ("../handbook/deploy/notes.md", "", "root/deploy/notes.md"),  # of another root
        ("operate/notes.md#x", "", "root/operate/notes.md"),
        ("./notes.md", "Notes", None),
        ("q&a-what,-and-why.md", "", "root/operate/q&a-what,-and-why.md"),
        ("../Q%26A%20what%20and%20why.md", "", "root/operate/q&a-what,-and-why.md"),
        (f"{LOST.format(1)}.md", "any", f"root/{LOST.format(1)}.md"),
        (f"{LOST.format(9)}.md", "当番", f"root/{LOST.format(1)}.md"),
        (f"x/{LOST.format(9)}.md#x", " 🚀 ", f"root/{LOST.format(2)}.md"),
        (f"{LOST.format(9)}.md", "Twice", None),
        (f"{LOST.format(9)}.md", "", None),
        (f"{LOST.format(9)}.md", "Root", "root.md"),
        ("other.md", "当番", None),
        ("../README.md", "", "root.md"),
        ("SUMMARY.md", "", "root.md"),
        (f"{LOST.format(9)}.png", "当番", None),
    ],
)
def test_a_path_leads_to_the_page_that_it_was_written_for(
    link: str, text: str, path: str | None
) -> None:
    target = IN_TREE.find_target(link, PAGES[4], text)

    # What the tree does not have may still be the name of another page of the site.
    assert target is None or isinstance(target, Inside | Named)
    assert (target.page.path if isinstance(target, Inside) else None) == path


@given(page_urls())
def test_every_form_of_url_leads_to_the_page_of_that_site_only(case: tuple[str, str, str]) -> None:
    url, host, page_id = case
    page = PlacedPage(PageRef(page_id), "", "page.md")

    target = LinkMap([page], f"https://{host}").find_target(url, None)
    elsewhere = LinkMap([page], "https://other.example").find_target(url, None)

    assert isinstance(target, Inside)
    assert target.page == page
    assert not isinstance(elsewhere, Inside)
    assert may_be_ours(url)


@given(ALMOST_REFERENCES | st.text(), st.sampled_from([None, DEPLOY]))
def test_any_text_leads_somewhere_known_or_is_left_alone(
    text: str, page: PlacedPage | None
) -> None:
    for link in (text, f"confluence:{text}", f"{SITE}/wiki{text}"):
        target = MAP.find_target(link, page)
        if page and isinstance(target, Named | Nowhere):
            continue
        if isinstance(target, Outside):
            assert target.url.lower().startswith(("http://", "https://"))
        elif isinstance(target, Inside):
            assert target.page in (DEPLOY, PASTED)
        else:
            assert target is None or isinstance(target, Complaint)
