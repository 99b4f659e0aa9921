"""What Confluence says of a page becomes the page's metadata, as themes and plugins read it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import yaml

from mkdocs_confluence_md.confluence.models import PageFacts
from mkdocs_confluence_md.site.source import find_own_facts, make_source
from standin import Account, PageRecord

if TYPE_CHECKING:
    from projects import Project
    from standin import StandIn

FACTS = PageFacts(
    "101", "Deploy", 7, "2026-01-31T23:59:59.000Z", "557058:jane", "Jane Doe", ("runbook", "ops")
)
NAV = [{"Deploy": "confluence:101"}, "confluence:102"]


@pytest.fixture
def pages() -> dict[str, str]:
    return {}


def front_matter(markdown: str = "# Deploy\n", facts: PageFacts | None = FACTS) -> list[str]:
    source = make_source(markdown, page_id="101", title="", facts=facts)
    meta = yaml.safe_load(source.split("---\n")[1])
    return yaml.dump(meta, sort_keys=False).splitlines()


def test_facts_become_metadata() -> None:
    assert front_matter() == [
        "confluence_id: '101'",
        "render_macros: false",
        "confluence_title: Deploy",
        "revision_date: 2026-01-31",
        "author: Jane Doe",
        "tags:",
        "- ops",
        "- runbook",
    ]


@pytest.mark.parametrize("facts", [None, PageFacts("101"), PageFacts("101", changed_at="soon")])
def test_what_is_not_known_is_not_there(facts: PageFacts | None) -> None:
    assert front_matter(facts=facts) == ["confluence_id: '101'", "render_macros: false"]


def test_facts_are_untrusted_text() -> None:
    facts = PageFacts("101", "<b>&", 1, "2026-01-31<b>", "x", '"<i>', ("<s>",))

    assert front_matter(facts=facts)[2:] == [
        "confluence_title: '&lt;b&gt;&amp;'",
        "author: '&quot;&lt;i&gt;'",
        "tags:",
        "- '&lt;s&gt;'",
    ]


def test_what_a_page_states_itself_wins() -> None:
    own = "---\nauthor: Eva\ntags: [mine]\nrevision_date: 2020-02-02\n---\nText\n"

    assert front_matter(own) == [
        "title: Deploy",
        "author: Eva",
        "tags:",
        "- mine",
        "revision_date: 2020-02-02",
        "confluence_id: '101'",
        "render_macros: false",
        "confluence_title: Deploy",
    ]
    assert find_own_facts(own) == {"author", "tags", "revision_date"}
    assert find_own_facts("Text\n") == frozenset()


def test_the_title_is_confluences_where_there_is_no_other() -> None:
    assert front_matter("Text\n")[0] == "title: Deploy"
    assert front_matter("Text\n", None)[0] == "title: '101'"
    assert not [line for line in front_matter("# Heading\n") if line.startswith("title")]
    source = make_source("Text\n", page_id="101", title="In nav", facts=FACTS)
    assert source.startswith('---\ntitle: "In nav"\n')


# In real sites


def fill(standin: StandIn) -> None:
    standin.pages.add(
        PageRecord("101", "# Roll out\n\nText.\n", title="Deploy", labels=("ops", "night<shift"),
                   author=Account("557058:otto", "Otto <Ops>"), version=26),
        PageRecord("102", "Only text.\n", title="Roll back & go", labels=("ops",)),
    )  # fmt: skip


@pytest.mark.parametrize("theme", ["mkdocs", "material"])
def test_metadata_in_a_site(project: Project, standin: StandIn, theme: str) -> None:
    fill(standin)
    project.environment |= standin.rest_environment()
    project.configure(NAV, site=standin.url, theme=theme)
    built = project.build()

    assert (built.messages(), built.exit_code) == ("", 0)
    assert '<h1 id="roll-back-go">Roll back &amp; go</h1>' in built.page("102")
    if theme == "material":
        assert 'content="Otto &lt;Ops&gt;"' in built.page("deploy")
        assert 'content="Jane Doe"' in built.page("102")


def test_labels_are_tags_of_material(project: Project, standin: StandIn) -> None:
    fill(standin)
    project.environment |= standin.rest_environment()
    project.write("docs/tags.md", "# All tags\n\n<!-- material/tags -->\n")
    project.write("docs/local.md", "---\ntags: [ops]\n---\n\n# Local\n")
    settings = {"plugins": ["tags", {"confluence-md": {"site": standin.url, "max_age": 0}}]}
    project.configure([*NAV, "tags.md", "local.md"], theme="material", settings=settings)
    built = project.build()

    assert (built.messages(), built.exit_code) == ("", 0)
    shown = re.findall(r'class="md-tag">([^<]*)</a>', built.page("deploy"))
    assert [tag.strip() for tag in shown] == ["night&lt;shift", "ops"]
    listing = built.page("tags")
    assert re.findall(r'<h2 id="tag:[^"]*">\s*<span class="md-tag">([^<]*)<', listing) == [
        "night&lt;shift",
        "ops",
    ]
    for address in "../deploy/", "../102/", "../local/":
        assert f'href="{address}"' in listing

    standin.pages.add(PageRecord("102", "Only text.\n\nMore.\n", labels=("new",), version=2))
    built = project.build()
    assert "new" in [tag.strip() for tag in re.findall(r'md-tag">([^<]*)<', built.page("102"))]


def test_without_credentials_nothing_changes(project: Project, standin: StandIn) -> None:
    fill(standin)
    project.configure(NAV, site=standin.url, theme="material")
    built = project.build()

    assert (built.messages(), built.exit_code) == ("", 0)
    assert '<h1 id="102">102</h1>' in built.page("102")
    assert "Otto" not in built.page("deploy")
    assert standin.rest_requests() == []


def test_pages_that_have_not_changed_are_confirmed(project: Project, standin: StandIn) -> None:
    fill(standin)
    project.environment |= standin.rest_environment()
    project.configure(NAV, site=standin.url, max_age=0)
    first = project.build()
    standin.clear()
    again = project.build()

    assert "2 pages from Confluence: 2 exported" in first.log
    assert "2 pages from Confluence: 2 confirmed" in again.log
    assert standin.rest_requests() == ["/wiki/api/v2/pages?id=101,102&limit=250"]
    assert len(standin.requests) == 1  # not even one for a token
    project.environment["CONFLUENCE_MD_OFFLINE"] = "1"
    assert '<h1 id="roll-back-go">Roll back &amp; go</h1>' in project.build().page("102")
    assert len(standin.requests) == 1
