"""No directive is carried out, whichever it is and wherever it stands: each pair of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attacks import (
    DIRECTIVES,
    ENVIRONMENT_CANARY,
    FILE_CANARY,
    PLACES,
    PRODUCT_CANARY,
    write_page,
)
from projects import Project
from standin import StandIn

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from projects import Built

NAMES, NUMBERS = list(DIRECTIVES), range(len(PLACES))
PLUGINS = ["search", "include-markdown", "macros", "CONFLUENCE", "table-reader",
           "markdownextradata", "codeinclude", "print-site", "tags"]  # fmt: skip


def build(
    project: Project, standin: StandIn, nav: list[object], trusted: Sequence[str] = ()
) -> Built:
    for name in ("secret.txt", "docs/secret.txt", "secret.csv", "docs/secret.csv"):
        project.write(name, f"a,b\n{FILE_CANARY},1\n")
    project.environment["CANARY"] = ENVIRONMENT_CANARY
    options = {"site": standin.url, "raw_html": "strip", "trusted_plugins": [*trusted]}
    mine = {"confluence-md": options}
    project.configure(
        nav,
        theme="material",
        settings={
            "plugins": [mine if name == "CONFLUENCE" else name for name in PLUGINS],
            "markdown_extensions": ["pymdownx.snippets", "pymdownx.superfences", "attr_list"],
        },
    )
    return project.build(strict=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Build a site with a page for each directive."""
    pages = {str(1000 + number): write_page(name) for number, name in enumerate(NAMES)}
    with StandIn(pages) as standin:
        project = Project(tmp_path_factory.mktemp("attacks") / "project", standin.environment())
        nav: list[object] = [{f"Page {number}": f"confluence:{number}"} for number in pages]
        built = build(project, standin, nav)
    assert built.exit_code == 0, built.log
    assert "Traceback" not in built.log
    return built


@pytest.fixture(scope="module")
def cases(site: Built) -> list[list[str]]:
    """Return what each page shows of each of its places."""
    pages = (site.page(f"page-{1000 + number}") for number in range(len(NAMES)))
    return [re.split(r"Case \d+\.", page.partition("<article")[2]) for page in pages]


@pytest.mark.parametrize("place", NUMBERS, ids=list(PLACES))
@pytest.mark.parametrize("name", NAMES)
def test_a_directive_is_text(cases: list[list[str]], name: str, place: int) -> None:
    shown = cases[NAMES.index(name)]

    assert len(shown) == len(PLACES) + 1, "a place is missing, or is there twice"
    for canary in (FILE_CANARY, ENVIRONMENT_CANARY, PRODUCT_CANARY):
        assert canary not in shown[place + 1]


def test_nothing_of_a_canary_is_anywhere_in_the_site(site: Built) -> None:
    paths = [each for each in site.site_dir.rglob("*") if each.suffix in (".html", ".json", ".xml")]
    whole = "\n".join(path.read_text(encoding="utf-8") for path in paths)

    assert len(paths) > len(NAMES)
    for canary in (FILE_CANARY, ENVIRONMENT_CANARY, PRODUCT_CANARY):
        assert canary not in whole + site.log


_GLUE = st.sampled_from(
    ["", " ", "\n", "\n\n", "  \n", "\\", "`", "|", "\n> ", "\n- ", "\n    ", "&#123;"]
)
_PARTS = st.sampled_from(
    [*DIRECTIVES.values(), *(mark for mark in "{}%#[]()<>!-$@:'\"`*_&;|~\\"), "<b>", "</b>", "word"]
)
_TEXTS = st.lists(st.tuples(_GLUE, _PARTS), min_size=1, max_size=12).map(
    lambda parts: "".join(glue + part for glue, part in parts)
)


@settings(max_examples=3, suppress_health_check=list(HealthCheck))
@given(texts=st.lists(_TEXTS, min_size=30, max_size=40), titles=st.lists(_TEXTS, min_size=30))
def test_nothing_that_an_author_writes_runs_reads_a_file_or_stops_a_build(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], titles: list[str]
) -> None:
    pages = {
        str(1000 + number): f"# {' '.join(title.split())}\n\n{text}\n\nThe end.\n"
        for number, (text, title) in enumerate(zip(texts, titles, strict=False))
    }
    with StandIn(pages) as standin:
        project = Project(tmp_path_factory.mktemp("any") / "project", standin.environment())
        built = build(project, standin, [f"confluence:{number}" for number in pages])

    assert built.exit_code == 0, built.log
    shown = [path.read_text(encoding="utf-8") for path in built.site_dir.rglob("*.html")]
    assert len(shown) >= len(pages)
    for canary in (FILE_CANARY, ENVIRONMENT_CANARY, PRODUCT_CANARY):
        assert canary not in "".join(shown) + built.log


def test_the_plugins_would_carry_them_out(tmp_path: Path) -> None:
    pages = {"1": "# A\n\n{{ 60001 * 7 }}\n", "2": '# B\n\n{% include-markdown "secret.txt" %}\n'}
    with StandIn(pages) as standin:
        project = Project(tmp_path / "project", standin.environment())
        nav: list[object] = [{"A": "confluence:1"}, {"B": "confluence:2"}]
        built = build(project, standin, nav, trusted=["macros", "include-markdown"])

    assert PRODUCT_CANARY in built.page("a")
    assert FILE_CANARY in built.page("b")
