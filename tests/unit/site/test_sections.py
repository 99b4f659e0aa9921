"""A tree becomes a section of `nav`, and each of its pages has one place, always the same."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_confluence_md.confluence.models import Tree, TreePage
from mkdocs_confluence_md.confluence.refs import SpaceRef, TreeRef
from mkdocs_confluence_md.site.nav import Nav, Placement, place
from strategies import LOCAL_SOURCES, NAVS, PAGE_PATHS, TITLES, assert_safe, destination

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

ROOT = TreeRef("987654")
SPACE = SpaceRef("ENG")


def page(title: str, *children: TreePage, path: str = "") -> TreePage:
    """Make a page as an export has it; without a page's path it is a page of that name."""
    return TreePage(title, path=path or f"{title}.md", children=children)


def folder(title: str, *children: TreePage) -> TreePage:
    return TreePage(title, children=children)


HANDBOOK = Tree(
    "Our handbook",
    (
        TreePage(
            "Our handbook",
            "987654",
            "Our handbook.md",
            (
                page("Deploy", page("Roll <out> & back")),
                page("CI/CD"),
                folder("More & more", page("🎉", path="More/party.md")),
            ),
        ),
    ),
)


def place_trees(
    nav: Nav, trees: dict[TreeRef | SpaceRef, Tree], *local_uris: str, page_path: str = ""
) -> Placement:
    return place(
        nav, page_path=page_path or "{section}/{title}", local_uris=local_uris, trees=trees
    )


def test_a_tree_is_a_section_titled_by_nav() -> None:
    placement = place_trees([{"Docs": [{"Handbook": "confluence:987654/"}]}], {ROOT: HANDBOOK})

    assert placement.nav == [
        {
            "Docs": [
                {
                    "Handbook": [
                        "docs/handbook/index.md",
                        {
                            "Deploy": [
                                "docs/handbook/deploy/index.md",
                                "docs/handbook/deploy/roll-out-back.md",
                            ]
                        },
                        "docs/handbook/ci-cd.md",
                        {"More &amp; more": ["docs/handbook/more-more/page-4f08a6.md"]},
                    ]
                }
            ]
        }
    ]
    assert placement.trees == {ROOT: "Handbook"}
    assert [each.ref.page_id for each in placement.pages] == ["987654", "", "", "", ""]
    assert [each.path for each in placement.pages] == [
        "Our handbook.md", "Deploy.md", "Roll <out> & back.md", "CI/CD.md", "More/party.md",
    ]  # fmt: skip
    assert placement.by_path[ROOT, "CI/CD.md"].src_uri == "docs/handbook/ci-cd.md"


@pytest.mark.parametrize("entry", ["confluence:987654/", {"confluence": "987654/"}])
def test_a_bare_tree_is_titled_by_itself(entry: Any) -> None:  # noqa: ANN401  a part of nav
    tree = Tree("Q&A", (TreePage("Q&A", "987654", "q.md", (page("A"),)),))

    assert place_trees([entry], {ROOT: tree}).nav == [{"Q&amp;A": ["q-a/index.md", "q-a/a.md"]}]


def test_a_space_with_several_roots_has_no_index_page() -> None:
    tree = Tree("", (page("Home"), page("Team", page("Jane"))))

    placement = place_trees(["confluence:space/ENG"], {SPACE: tree})

    assert placement.nav == [
        {"ENG": ["eng/home.md", {"Team": ["eng/team/index.md", "eng/team/jane.md"]}]}
    ]


def test_a_space_with_one_root_has_it_as_its_index_page() -> None:
    tree = Tree("Home", (page("Home", page("Team")),))

    placement = place_trees([{"Wiki": "confluence:space/ENG"}], {SPACE: tree})

    assert placement.nav == [{"Wiki": ["wiki/index.md", "wiki/team.md"]}]


def test_a_page_that_is_declared_stays_where_it_is_declared() -> None:
    inner = TreePage("Deploy", "7", children=(TreePage("Roll out", "8"), TreePage("Back", "9")))
    tree = Tree("Root", (TreePage("Root", "987654", children=(inner, TreePage("X", "10"))),))
    nav = [
        {"Handbook": "confluence:987654/"},
        {"Own": ["confluence:7", {"Ex": "confluence:10"}]},
    ]

    placement = place_trees(nav, {ROOT: tree})

    assert placement.nav == [
        {
            "Handbook": [
                "handbook/index.md",
                {"Deploy": ["handbook/deploy/roll-out.md", "handbook/deploy/back.md"]},
            ]
        },
        {"Own": ["own/7.md", {"Ex": "own/ex.md"}]},
    ]
    assert [each.ref.page_id for each in placement.pages] == ["987654", "8", "9", "7", "10"]


def test_of_two_trees_with_one_page_the_first_has_it() -> None:
    shared = TreePage("Shared", "7")
    trees: dict[TreeRef | SpaceRef, Tree] = {
        ROOT: Tree("Root", (TreePage("Root", "987654", children=(shared,)),)),
        SPACE: Tree("Space", (shared,)),
    }
    nav = ["confluence:987654/", {"Gone": "confluence:space/ENG"}, "confluence:987654/"]

    placement = place_trees(nav, trees)

    assert placement.nav == [{"Root": ["root/index.md", "root/shared.md"]}]
    assert placement.trees == {ROOT: "", SPACE: "Gone"}


def test_trees_that_are_not_known_stay_as_they_are() -> None:
    nav = [{"Handbook": "confluence:987654/"}, "confluence:space/ENG", "confluence:987654/"]

    placement = place_trees(nav, {})

    assert placement.nav == nav
    assert placement.trees == {ROOT: "Handbook", SPACE: ""}
    assert placement.complaints == ()


def test_declared_pages_and_local_files_come_first() -> None:
    tree = Tree("Root", (TreePage("Root", "987654", "r.md", (page("A"), page("B", page("C")))),))
    nav = [{"T": "confluence:987654/"}, {"T": [{"A": "confluence:1"}]}]

    placement = place_trees(nav, {ROOT: tree}, "t/b/index.html")

    assert placement.nav == [
        {"T": ["t/index.md", "t/a-2d6317.md", {"B": ["t/b-b5038c/index.md", "t/b-b5038c/c.md"]}]},
        {"T": [{"A": "t/a.md"}]},
    ]
    [conflict] = placement.conflicts
    assert (conflict.wanted, conflict.page.src_uri) == ("t/b/index.md", "t/b-b5038c/index.md")


@pytest.mark.parametrize(
    ("page_path", "uris"),
    [
        ("{title}", ["handbook/index.md", "deploy/index.md", "roll-out-back.md", "ci-cd.md"]),
        ("{id}", ["987654/index.md", "deploy/index.md", "roll-out-back.md", "ci-cd.md"]),
        (
            "wiki/{section}-{title}",
            ["wiki/-handbook/index.md", "wiki/handbook-deploy/index.md",
             "wiki/handbook/deploy-roll-out-back.md", "wiki/handbook-ci-cd.md"],
        ),
    ],
)  # fmt: skip
def test_page_path_says_where_pages_of_trees_land(page_path: str, uris: list[str]) -> None:
    nav = [{"Handbook": "confluence:987654/"}]

    placement = place_trees(nav, {ROOT: HANDBOOK}, page_path=page_path)

    assert [each.src_uri for each in placement.pages][:4] == uris


@pytest.mark.parametrize("name", ["Notes (2)", "Notes-2", "Notes 1", "Notes!"])
def test_a_page_that_is_added_takes_no_place_of_another(name: str) -> None:
    nav, old = ["confluence:space/ENG"], page("Notes", path="Notes.md")
    added = page("Notes", path=f"{name}.md")

    before = place_trees(nav, {SPACE: Tree("", (page("Other"), old))})
    after = place_trees(nav, {SPACE: Tree("", (page("Other"), added, old))})

    assert identify(before).items() <= identify(after).items()


def test_deep_trees_have_paths_that_are_not_too_long() -> None:
    node = page("bottom", path="bottom")
    for number in range(80):
        node = page("長" * 200, node, path=str(number))

    placement = place_trees(["confluence:space/ENG"], {SPACE: Tree("", (node,))})

    assert len(placement.pages) == 81
    assert max(len(each.src_uri.encode()) for each in placement.pages) < 1600


# Few titles, so that they meet, and any title; identities that are a tree's own.
SHAPES = st.recursive(
    st.tuples(TITLES, st.booleans(), st.just(())),
    lambda inner: st.tuples(TITLES, st.booleans(), st.lists(inner, max_size=4).map(tuple)),
    max_leaves=12,
)
Shape = tuple[str, bool, tuple[Any, ...]]


def grow(shapes: list[Shape], *, with_ids: bool) -> Tree:
    """Make a tree in which each page has an identity."""
    counter = iter(range(100, 10_000))

    def make(shape: Shape) -> TreePage:
        title, has_page, inner = shape
        number = next(counter)
        children = tuple(map(make, inner))
        if not has_page and children:
            return TreePage(title, children=children)
        if with_ids:
            return TreePage(title, str(number), children=children)
        return TreePage(title, path=f"{number}.md", children=children)

    return Tree("", tuple(map(make, shapes)))


TREES = st.builds(
    lambda shapes, with_ids: grow(shapes, with_ids=with_ids),
    st.lists(SHAPES, min_size=1, max_size=4),
    st.booleans(),
)


def shuffle(pages: tuple[TreePage, ...], source: random.Random) -> tuple[TreePage, ...]:
    shuffled = [replace(each, children=shuffle(each.children, source)) for each in pages]
    source.shuffle(shuffled)
    return tuple(shuffled)


def uris_in(item: Nav) -> Iterator[str]:
    if isinstance(item, str):
        yield item
    else:
        for child in item.values() if isinstance(item, dict) else item:
            yield from uris_in(child)


def identify(placement: Placement) -> dict[tuple[str, str], str]:
    return {(each.ref.page_id, each.path): each.src_uri for each in placement.pages}


@given(
    tree=TREES,
    nav=NAVS,
    page_path=PAGE_PATHS,
    local=LOCAL_SOURCES,
    directories=st.booleans(),
)
def test_no_two_things_have_the_same_place(
    tree: Tree, nav: list[Any], page_path: str, local: list[str], *, directories: bool
) -> None:
    find = partial(destination, use_directory_urls=directories)
    taken_before = set(map(find, local))

    placement = place(
        ["confluence:space/ENG", *nav],
        page_path=page_path,
        local_uris=taken_before,
        use_directory_urls=directories,
        trees={SPACE: tree},
    )

    taken = [find(each.src_uri) for each in placement.pages]
    assert len(set(taken)) == len(taken)
    assert not taken_before & set(taken)
    for each in placement.pages:
        assert_safe(each.src_uri)


@given(TREES, PAGE_PATHS)
def test_every_page_of_a_tree_stands_in_nav_once_and_in_order(tree: Tree, page_path: str) -> None:
    placement = place_trees(["confluence:space/ENG"], {SPACE: tree}, page_path=page_path)

    pages = [each for each in tree.walk() if not each.is_folder]
    assert [(each.page_id, each.path) for each in pages] == list(identify(placement))
    assert list(uris_in(placement.nav)) == [each.src_uri for each in placement.pages]


@given(TREES, NAVS, PAGE_PATHS, st.randoms(use_true_random=False))
def test_places_stay_whatever_the_order(
    tree: Tree, nav: list[Any], page_path: str, source: random.Random
) -> None:
    other = replace(tree, roots=shuffle(tree.roots, source))
    entries = ["confluence:space/ENG", *nav]

    one = place_trees(entries, {SPACE: tree}, page_path=page_path)
    two = place_trees(entries, {SPACE: other}, page_path=page_path)

    assert identify(one) == identify(two)


@given(TREES, NAVS)
def test_declared_pages_do_not_move_for_trees(tree: Tree, nav: list[Any]) -> None:
    alone = identify(place_trees(nav, {}))

    beside = identify(place_trees(["confluence:space/ENG", *nav], {SPACE: tree}))

    assert alone.items() <= beside.items()
