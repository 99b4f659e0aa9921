"""Watching trees: what is added, moved or removed in Confluence is built anew, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mkdocs_confluence_md.confluence.refs import SpaceRef, TreeRef
from serving import serving
from standin import PageRecord, SpaceRecord
from watching import TINY_SECONDS, V2, Watched, wait_for_questions

if TYPE_CHECKING:
    from collections.abc import Callable

    from projects import Project
    from standin import StandIn
    from standin.pages import Pages

SPACE = SpaceRecord("ENG", "Engineering", home="1")
TREES: list[TreeRef | SpaceRef] = [TreeRef("1"), SpaceRef("ENG")]
LISTS = ["/wiki/api/v2/pages/1/descendants", f"/wiki/api/v2/spaces/{SPACE.space_id}/pages"]
"""Where each of the trees is listed."""


@pytest.fixture(autouse=True)
def handbook(standin: StandIn) -> None:
    """Have a space with a tree of pages in it."""
    standin.pages.add_space(SPACE)
    standin.pages.add(
        PageRecord("1", "# Handbook\n", space="ENG"),
        PageRecord("2", "# Start\n", parent="1", space="ENG"),
        PageRecord("3", "# Operate\n", parent="1", space="ENG"),
        PageRecord("4", "# Nights\n", parent="3", space="ENG"),
    )


def wait_for_lists(standin: StandIn, more: int, ref: TreeRef | SpaceRef = TREES[0]) -> None:
    path = LISTS[TREES.index(ref)]
    asked = sum(request.path == path for request in standin.requests)
    assert standin.wait_for_requests(path, asked + more, timeout=20)


def add(pages: Pages) -> None:
    pages.add(PageRecord("5", "# Days\n", parent="3", space="ENG"))


def move(pages: Pages) -> None:
    pages.remove("4")
    pages.add(PageRecord("4", "# Nights\n", parent="2", space="ENG"))


def remove(pages: Pages) -> None:
    pages.remove("4")


@pytest.mark.parametrize("ref", TREES, ids=["page", "space"])
@pytest.mark.parametrize(("change", "more"), [(add, 1), (move, 0), (remove, -1)])
def test_a_tree_that_has_changed_is_news_once(
    standin: StandIn,
    watched: Watched,
    ref: TreeRef | SpaceRef,
    change: Callable[[Pages], None],
    more: int,
) -> None:
    before = len(watched.build(trees=[ref]))
    watched.start()
    wait_for_lists(standin, 5, ref)
    assert watched.news == []

    change(standin.pages)
    told = watched.wait_for_news()
    wait_for_lists(standin, 3, ref)
    after = len(watched.build(trees=[ref]))
    wait_for_lists(standin, 3, ref)

    assert told == f"Changed in Confluence: which pages are where in the {ref.name}"
    assert watched.news == [told]
    assert after - before == more


def test_a_tree_that_cannot_be_listed_is_news_once(standin: StandIn, watched: Watched) -> None:
    watched.build(trees=TREES[:1])
    watched.start()
    add(standin.pages)
    watched.wait_for_news()
    standin.faults.answer(503, route="descendants", times=1)
    watched.build(trees=TREES[:1])  # from the last good copy, or not
    wait_for_lists(standin, 5)
    told = [each for each in watched.news if each.startswith("Changed")]
    assert len(told) == 1
    assert len(watched.build(trees=TREES[:1])) == 5


def test_pages_are_asked_for_every_second_interval_however_many_trees_there_are(
    standin: StandIn, watched: Watched
) -> None:
    watched.build(trees=TREES)
    watched.start()
    wait_for_questions(standin, 1)
    standin.clear()
    wait_for_questions(standin, 6)

    asked = [request.path for request in standin.requests if request.path in {V2, *LISTS}][:12]
    assert asked[::2] == [V2] * 6 or asked[1::2] == [V2] * 6
    assert set(asked) == {V2, *LISTS}


def test_a_page_that_is_added_is_built(standin: StandIn, project: Project) -> None:
    project.environment |= standin.rest_environment()
    project.watch_seconds = TINY_SECONDS
    project.configure([{"Handbook": "confluence:1/"}], site=standin.url)
    log = project.root / "serve.log"
    with serving(project) as server:
        server.wait_for("handbook/operate/nights/", "Nights")
        wait_for_lists(standin, 3)
        add(standin.pages)
        server.wait_for("handbook/operate/days/", "Days")
        wait_for_lists(standin, 6)

    assert log.read_text().count("Building documentation") == 2
    assert "Traceback" not in log.read_text()
