"""What is repaired in exports, in real builds: counted, told of, pulled, and switched off."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pulling import configure, pull, pulled, read_pages
from standin import PageRecord

if TYPE_CHECKING:
    from projects import Project
    from standin import StandIn

SERVLET = "https://acme.atlassian.net/wiki/plugins/servlet/confluence/placeholder"
RUNBOOK = f"""\
# Runbook

1. Stop **Note: **now
  - drain
2. Start :rocket:

> **[INFO]**
> Read this.

![]({SERVLET}/unknown-macro?name=drawio)

[![plan](https://acme.example/plan.png =300x)

](https://acme.example/)
"""


@pytest.fixture
def site(project: Project, standin: StandIn) -> Project:
    standin.pages.add(PageRecord("901", RUNBOOK), PageRecord("902", "# Plain\n\nA text.\n"))
    project.configure(
        [{"Runbook": "confluence:901"}, {"Plain": "confluence:902"}], site=standin.url
    )
    return project


def test_the_last_line_counts_the_forms_by_kind(site: Project) -> None:
    built = site.build(strict=False)

    [line] = [each for each in built.log.splitlines() if "pages from Confluence" in each]
    assert line.partition("; forms repaired: ")[2] == (
        "1 × emoji, 1 × emphasis, 1 × linked pictures, 1 × lists, 1 × macros, 1 × panels, "  # noqa: RUF001  the sign
        "1 × picture sizes"  # noqa: RUF001  the same
    )
    page = built.page("runbook")
    assert "<strong>Note:</strong> now" in page
    assert "🚀" in page
    assert '<img alt="plan" src="https://acme.example/plan.png" width="300" />' in page


def test_a_macro_that_was_not_exported_leads_to_the_page_and_is_told_of_once(site: Project) -> None:
    built = site.build(strict=False)

    url = "/wiki/pages/viewpage.action?pageId=901"
    page = built.page("runbook")
    link = page.partition('<a class="confluence-source" href="')[2].partition("</a>")[0]
    assert link.endswith(f'{url}"><em>drawio</em>, see it in Confluence')
    assert built.messages() == (
        "WARNING -  confluence-md: This macro was not exported, and readers get a link to "
        "Confluence instead: drawio. On: “Runbook” (page 901)"
    )


def test_without_repairs_pages_are_read_as_specified(site: Project, standin: StandIn) -> None:
    site.configure([{"Runbook": "confluence:901"}], site=standin.url, repairs=False)

    built = site.build(strict=False)

    assert "forms repaired" not in built.log
    page = built.page("runbook")
    assert ":rocket:" in page
    assert "**Note: **now" in page
    assert "unknown-macro?name=drawio" in page


@pytest.mark.usefixtures("without_redirects")
@pytest.mark.parametrize("options", [{}, {"repairs": False}])
def test_a_pulled_page_is_the_page_that_the_plugin_builds(
    site: Project, standin: StandIn, options: dict[str, Any]
) -> None:
    configure(site, [{"Runbook": "confluence:901"}], site=standin.url, **options)
    own = read_pages(site.build(strict=False))

    pull(site)

    assert read_pages(pulled(site).build(strict=False)) == own


def test_the_report_of_check_counts_repairs(site: Project) -> None:
    site.run("check", "--report", "report.json")

    report = (site.root / "report.json").read_text(encoding="utf-8")
    assert '"repairs"' in report
    assert json.loads(report)["calls"]
