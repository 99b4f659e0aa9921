"""Pages that are too much to be rendered: `on_error` decides what becomes of the build."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

from standin import PageRecord

if TYPE_CHECKING:
    from projects import Project
    from standin import StandIn

# Before the plugin makes its own.
HURRY = """
from mkdocs_confluence_md.markdown import extension
from mkdocs_confluence_md.markdown.budget import Budget

extension.Budget = lambda: Budget(0)
"""
TOO_LARGE = (
    "“Deploy” (page 901) was not rendered. The page has 12.0 MB of Markdown, and may have 10.0 MB."
)
TOO_SLOW = "“Deploy” (page 901) was not rendered. The page takes more than 0 seconds to render."


def prepare(project: Project, standin: StandIn, text: str, **options: object) -> None:
    standin.pages.add(PageRecord("901", text), PageRecord("902", "# Fine\n\nA text.\n"))
    nav = [{"Deploy": "confluence:901"}, {"Fine": "confluence:902"}]
    project.configure(nav, options=options, site=standin.url)


@pytest.mark.parametrize(
    ("text", "message", "remedy"),
    [
        ("# Deploy\n\n" + "a\n" * 6_000_000, TOO_LARGE, "Divide it in Confluence."),
        ("# Deploy\n\n" + "*a* " * 2_000, TOO_SLOW, "Divide it, or take out of it what repeats"),
    ],
    ids=["too large", "too slow"],
)
@pytest.mark.parametrize("on_error", ["fail", "placeholder"])
def test_a_page_that_is_too_much(  # noqa: PLR0913, PLR0917  a table
    project: Project, standin: StandIn, text: str, message: str, remedy: str, on_error: str
) -> None:
    prepare(project, standin, text, on_error=on_error)
    if message == TOO_SLOW:
        hook = project.root / "impatient.py"
        hook.write_text(hook.read_text(encoding="utf-8") + HURRY, encoding="utf-8")

    built = project.build(strict=False)

    assert f"{message} {remedy}" in built.messages()
    assert "Traceback" not in built.log
    assert built.exit_code == (on_error == "fail")
    if on_error == "placeholder":
        assert "could not be rendered.</strong>" in built.page("deploy")
        assert "A text." in built.page("fine")


OPEN = "# Deploy\n\n" + "<div>\n\nx\n\n" * 3_000
UNINDEXED = (
    "WARNING -  confluence-md: This page is left out of the site's search, which would take too "
    "long: “Deploy” (page 901). In Confluence, close HTML tags that are open, or put headings "
    "between its parts."
)


@pytest.mark.parametrize("raw_html", ["keep", "strip"])
def test_a_page_that_the_search_cannot_read_in_time(
    project: Project, standin: StandIn, raw_html: str
) -> None:
    prepare(project, standin, OPEN, raw_html=raw_html)
    settings = yaml.safe_load((project.root / "mkdocs.yml").read_text())
    settings |= {"theme": "material", "plugins": ["search", *settings["plugins"]]}
    project.write("mkdocs.yml", yaml.safe_dump(settings))

    built = project.build(strict=False)

    # Cleaned in parts, its elements are no longer within each other.
    is_indexed = raw_html == "strip"
    assert (UNINDEXED in built.log) is not is_indexed
    index = json.loads((built.site_dir / "search" / "search_index.json").read_text())
    locations = {each["location"] for each in index["docs"]}
    assert "fine/" in locations
    assert ("deploy/" in locations) is is_indexed
    assert "x" in built.page("deploy")
