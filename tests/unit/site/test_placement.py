"""Every page of `nav` has one place in the site, and no two things have the same."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mkdocs.structure.files import File

from mkdocs_confluence_md.confluence.refs import PageRef
from mkdocs_confluence_md.site.nav import Nav, Placement, place
from mkdocs_confluence_md.site.paths import (
    LocalFileConflict,
    PlacedPage,
    check_page_path,
    make_slug,
)
from strategies import (
    DEFAULT,
    LOCAL_SOURCES,
    NAVS,
    PAGE_PATHS,
    assert_safe,
    destination,
)


def place_default(nav: Nav, *local_uris: str) -> Placement:
    """Place with the option's default."""
    return place(nav, page_path=DEFAULT, local_uris=local_uris)


"""Entries that are none of ours; a placed path never begins like this."""


def references_in(item: Nav) -> list[str]:
    """Return the page IDs in `nav`, in its order."""
    if isinstance(item, list):
        return [page_id for child in item for page_id in references_in(child)]
    if isinstance(item, dict):
        return [page_id for value in item.values() for page_id in references_in(value)]
    if item.startswith("./"):
        return []
    text = item.removeprefix("confluence:").removesuffix("/Title")
    return [text.rpartition("/")[2]]


def shape_of(item: Nav) -> object:
    """Reduce `nav` to what placing must not touch: a page of ours becomes None."""
    if isinstance(item, list):
        return [shape_of(child) for child in item]
    if isinstance(item, dict):
        [(title, value)] = item.items()
        ours = title == "confluence" and isinstance(value, str) and not value.startswith("./")
        return None if ours else {title: shape_of(value)}
    return item if item.startswith("./") else None


def paths_in(item: Nav) -> list[str]:
    """Return the paths of our pages in a placed `nav`, in its order."""
    if isinstance(item, list):
        return [path for child in item for path in paths_in(child)]
    if isinstance(item, dict):
        return [path for value in item.values() for path in paths_in(value)]
    return [] if item.startswith("./") else [item]


@given(nav=NAVS, page_path=PAGE_PATHS, local_sources=LOCAL_SOURCES, directories=st.booleans())
def test_no_two_things_have_the_same_place(
    nav: Nav, page_path: str, local_sources: list[str], *, directories: bool
) -> None:
    find = partial(destination, use_directory_urls=directories)
    local = {File(uri, None, "site", directories).dest_uri for uri in local_sources}

    placement = place(nav, page_path=page_path, local_uris=local, use_directory_urls=directories)

    taken = [find(page.src_uri) for page in placement.pages]
    assert len(set(taken)) == len(taken)
    assert not set(map(find, local_sources)) & set(taken)


@given(NAVS, PAGE_PATHS)
def test_each_page_is_placed_once_and_stands_wherever_nav_names_it(
    nav: Nav, page_path: str
) -> None:
    placement = place(nav, page_path=page_path, local_uris=[])

    page_ids = references_in(nav)
    paths = {page.ref.page_id: page.src_uri for page in placement.pages}
    assert [page.ref.page_id for page in placement.pages] == list(dict.fromkeys(page_ids))
    assert paths_in(placement.nav) == [paths[page_id] for page_id in page_ids]
    assert placement.complaints == ()
    assert placement.conflicts == ()


@given(NAVS, PAGE_PATHS, LOCAL_SOURCES)
def test_placing_is_deterministic_and_leaves_its_input_alone(
    nav: Nav, page_path: str, local_uris: list[str]
) -> None:
    before = copy.deepcopy(nav)

    first = place(nav, page_path=page_path, local_uris=local_uris)
    second = place(nav, page_path=page_path, local_uris=reversed(local_uris))

    assert nav == before
    assert first == second


@given(NAVS)
def test_the_rest_of_nav_stays_as_it_is(nav: Nav) -> None:
    assert shape_of(place_default(nav).nav) == shape_of(nav)


@given(NAVS, PAGE_PATHS)
@example([{"\U00020bb7" * 300: [{"\U00020bb7" * 300: f"confluence:{2**63 - 1}"}]}], DEFAULT)
@example([{"🎉": [{"..": "confluence:1"}, {"/etc/passwd": "confluence:2"}]}], DEFAULT)
def test_every_path_is_one_that_any_file_system_takes(nav: Nav, page_path: str) -> None:
    for page in place(nav, page_path=page_path, local_uris=[]).pages:
        assert page.src_uri.endswith(".md")
        assert_safe(page.src_uri)


PAGE_PATH_PARTS = st.lists(
    st.sampled_from(["{section}", "{title}", "/", "/", ".", "..", ":", "a", "-", "{{", "}}", "\\"]),
    max_size=4,
).map("".join)
SECTIONED = [
    {"🎉": ["confluence:1"]},
    {"A": [{"B": "confluence:2"}, {"🎉": [{"C": "confluence:3"}, {"D": ["confluence:4"]}]}]},
    "confluence:5",
]


@given(st.tuples(PAGE_PATH_PARTS, st.just("{id}"), PAGE_PATH_PARTS).map("".join))
@example("a{section}../{title}")
def test_a_page_path_that_is_accepted_keeps_every_page_in_the_site(page_path: str) -> None:
    if check_page_path(page_path) is not None:
        return

    placement = place(SECTIONED, page_path=page_path, local_uris=[])

    assert len({page.src_uri for page in placement.pages}) == 5
    for page in placement.pages:
        assert_safe(page.src_uri)


@given(st.text())
def test_any_page_path_is_accepted_or_explained(page_path: str) -> None:
    complaint = check_page_path(page_path)

    assert complaint is None or complaint.endswith(".")


@pytest.mark.parametrize(
    ("title", "path"),
    [
        ("Deploy runbook", "deploy-runbook.md"),
        ("Größe & Gewicht", "größe-gewicht.md"),
        ("日本語", "日本語.md"),
        ("C++ / C#", "c-c.md"),
        ("Release 2.0", "release-2-0.md"),
        ("../../etc/passwd", "etc-passwd.md"),
        ("..", "123456.md"),
        ("🎉", "123456.md"),
        ("", "123456.md"),
        ("  ", "123456.md"),
    ],
)
def test_a_title_becomes_a_readable_path(title: str, path: str) -> None:
    placement = place_default([{title: "confluence:123456"}])

    assert placement.nav == [{title: path}]


def test_a_section_becomes_a_folder_and_an_untitled_page_its_id() -> None:
    nav = [
        "index.md",
        {"Run books": [{"Deploy": "confluence:1"}, {"Day 2": ["confluence:2"]}]},
        {"confluence": "3"},
        {"🎉": [{"Party": "confluence:4"}]},
        {"Wiki": "https://acme.atlassian.net/wiki/spaces/ENG/pages/5/T"},
    ]

    placement = place_default(nav)

    assert placement.nav == [
        "index.md",
        {"Run books": [{"Deploy": "run-books/deploy.md"}, {"Day 2": ["run-books/day-2/2.md"]}]},
        "3.md",
        {"🎉": [{"Party": "party.md"}]},
        {"Wiki": "https://acme.atlassian.net/wiki/spaces/ENG/pages/5/T"},
    ]
    assert placement.pages == (
        PlacedPage(PageRef("1"), "Deploy", "run-books/deploy.md"),
        PlacedPage(PageRef("2"), "", "run-books/day-2/2.md"),
        PlacedPage(PageRef("3"), "", "3.md"),
        PlacedPage(PageRef("4"), "Party", "party.md"),
    )


@pytest.mark.parametrize(
    ("page_path", "path"),
    [
        (DEFAULT, "run-books/deploy.md"),
        ("{section}/{title}.md", "run-books/deploy.md"),
        ("{title}", "deploy.md"),
        ("{id}", "7.md"),
        ("wiki/{id}-{title}", "wiki/7-deploy.md"),
        ("{section}-{title}", "run-books-deploy.md"),
        ("./wiki//{title}/", "wiki/deploy.md"),
        ("{{x}}/{title}", "{x}/deploy.md"),
    ],
)
def test_the_option_page_path_says_where_a_page_lands(page_path: str, path: str) -> None:
    nav = [{"Run books": [{"Deploy": "confluence:7"}]}]

    assert place(nav, page_path=page_path, local_uris=[]).nav == [{"Run books": [{"Deploy": path}]}]


@pytest.mark.parametrize(
    ("titles", "paths"),
    [
        (["Deploy", "Deploy"], ["deploy", "deploy-2"]),
        (["Deploy", "DEPLOY!"], ["deploy", "deploy-2"]),
        (["Straße", "STRASSE"], ["straße", "strasse-2"]),
        (["\u00e9", "e\u0301"], ["\u00e9", "\u00e9-2"]),
        (["A", "A", "A 2"], ["a", "a-2", "a-2-3"]),
        (["A 2", "A", "A"], ["a-2", "a", "a-3"]),
        (["2", "🎉"], ["2", "2-2"]),
    ],
)
def test_pages_that_want_the_same_place_are_told_apart_by_id(
    titles: list[str], paths: list[str]
) -> None:
    nav = [{title: f"confluence:{number}"} for number, title in enumerate(titles, start=1)]

    pages = place_default(nav).pages

    assert [page.src_uri for page in pages] == [f"{path}.md" for path in paths]


@pytest.mark.parametrize(
    ("title", "local_uri"),
    [
        ("Deploy", "deploy/index.html"),
        ("Deploy", "DEPLOY/index.html"),
        ("Index", "index.html"),
        ("Readme", "readme/index.html"),
        ("\u00e9", "e\u0301/index.html"),
    ],
)
def test_a_local_file_keeps_its_place_and_the_page_moves_aside(title: str, local_uri: str) -> None:
    placement = place_default([{title: "confluence:7"}], local_uri)

    [page] = placement.pages
    slug = make_slug(title)
    assert page.src_uri == f"{slug}-7.md"
    assert placement.nav == [{title: page.src_uri}]
    assert placement.conflicts == (LocalFileConflict(page, f"{slug}.md"),)


def test_without_directory_urls_a_page_is_a_file_of_its_own() -> None:
    def conflicts(local_uri: str) -> int:
        placement = place([{"Deploy": "confluence:7"}], page_path=DEFAULT, local_uris=[local_uri],
                          use_directory_urls=False)  # fmt: skip
        return len(placement.conflicts)

    assert conflicts("deploy.html") == 1
    assert conflicts("deploy/index.html") == 0


def test_a_page_titled_readme_is_not_the_index_of_its_folder() -> None:
    placement = place_default([{"Readme": "confluence:7"}], "index.html")

    assert placement.pages[0].src_uri == "readme.md"
    assert placement.conflicts == ()


def test_a_local_file_elsewhere_is_no_conflict() -> None:
    placement = place_default([{"Deploy": "confluence:7"}], "guide/deploy/index.html", "deploy.png")

    assert placement.pages[0].src_uri == "deploy.md"
    assert placement.conflicts == ()


def test_the_first_entry_of_a_page_gives_it_title_and_place() -> None:
    nav = [
        {"Deploy": "confluence:7"},
        {"Again": "confluence:https://acme.atlassian.net/wiki/spaces/ENG/pages/7/T"},
        "confluence:7",
    ]

    placement = place_default(nav)

    assert placement.nav == [{"Deploy": "deploy.md"}, {"Again": "deploy.md"}, "deploy.md"]
    assert placement.pages == (PlacedPage(PageRef("7"), "Deploy", "deploy.md"),)


@given(NAVS)
def test_entries_that_cannot_be_placed_stay_and_are_all_complained_of(nav: list[Any]) -> None:
    wrong: list[Any] = ["confluence:abc", {"Tree": "confluence:x/"}, {"confluence": "-5"}]

    placement = place_default([*wrong, *nav, {"Section": wrong}])

    texts = ["confluence:abc", "Tree: confluence:x/", "confluence: -5"]
    assert [complaint.entry for complaint in placement.complaints] == texts * 2
    assert isinstance(placement.nav, list)
    assert placement.nav[:3] == wrong
    assert placement.nav[-1] == {"Section": wrong}
    assert len(placement.pages) == len(set(references_in(nav)))


ELSEWHERE = "confluence:https://other.atlassian.net/wiki/spaces/ENG/pages/7/T"
CUSTOM_DOMAIN = "confluence:https://wiki.acme.example/wiki/spaces/ENG/pages/7/T"


def test_a_page_of_another_site_is_complained_of() -> None:
    placement = place([ELSEWHERE], page_path=DEFAULT, local_uris=[], site_host="acme.atlassian.net")

    assert placement.nav == [ELSEWHERE]
    assert placement.pages == ()
    assert [str(complaint) for complaint in placement.complaints] == [
        f"'{ELSEWHERE}': this page is not on acme.atlassian.net. "
        "Use a page of acme.atlassian.net, or change the option `site`."
    ]


@pytest.mark.parametrize(
    ("entry", "site_host"),
    [
        (ELSEWHERE, "other.atlassian.net"),
        (ELSEWHERE, ""),
        # A site may have a custom domain besides its own.
        (ELSEWHERE, "wiki.acme.example"),
        (CUSTOM_DOMAIN, "acme.atlassian.net"),
        ("confluence:7", "acme.atlassian.net"),
    ],
)
def test_a_page_that_may_be_of_this_site_is_placed(entry: str, site_host: str) -> None:
    placement = place([entry], page_path=DEFAULT, local_uris=[], site_host=site_host)

    # A bare address has the title in it, which is better than an ID.
    assert placement.nav == ["7.md" if entry == "confluence:7" else "t.md"]
    assert placement.complaints == ()


@pytest.mark.parametrize(
    "page_path", [DEFAULT, "{id}", "wiki/{title}.md", "{{x}}/{id}", "a.b/{id}"]
)
def test_a_usable_page_path_is_accepted(page_path: str) -> None:
    assert check_page_path(page_path) is None


FIELDS = "may contain the fields {section}, {title} and {id}, and no others."
NO_TITLE = "must contain {title} or {id}, so that pages can be told apart."
NO_PATH = "must be a path below docs_dir, with / between folders."


@pytest.mark.parametrize(
    ("page_path", "complaint"),
    [
        ("{name}", FIELDS),
        ("{}", FIELDS),
        ("{title.x}", FIELDS),
        ("{title[0]}", FIELDS),
        ("{title!r}", FIELDS),
        ("{title:>9}", FIELDS),
        ("", NO_TITLE),
        ("wiki", NO_TITLE),
        ("{section}", NO_TITLE),
        ("{{title}}", NO_TITLE),
        ("/{id}", NO_PATH),
        ("../{id}", NO_PATH),
        ("{id}/../x", NO_PATH),
        ("wiki\\{id}", NO_PATH),
        ("C:/{id}", NO_PATH),
        ("{id", "cannot be read: expected '}' before end of string."),
        ("id}", "cannot be read: Single '}' encountered in format string."),
    ],
)
def test_an_unusable_page_path_is_explained(page_path: str, complaint: str) -> None:
    assert check_page_path(page_path) == complaint


@given(st.text())
def test_a_slug_is_stable_and_never_more_than_one_segment(text: str) -> None:
    slug = make_slug(text)

    assert slug == make_slug(slug)
    assert not set(slug) & set("/\\.: ")


def test_two_sites_in_one_nav_are_complained_of_even_where_the_options_name_none() -> None:
    nav = [
        "confluence:https://acme.atlassian.net/wiki/spaces/ENG/pages/7/T",
        "confluence:https://other.atlassian.net/wiki/spaces/ENG/pages/7/T",
    ]

    assert len(place(nav, page_path=DEFAULT, local_uris=[]).complaints) == 1
