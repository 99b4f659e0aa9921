"""A handbook in Confluence: sixty pages, four levels deep, with what people really write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from standin import PageRecord, SpaceRecord, StandIn

if TYPE_CHECKING:
    from standin import StandIn

SITE = "https://acme.atlassian.net"
ROOT = "987654"
PNG = b"\x89PNG\r\n\x1a\n"
OWNER = "Owner: Jane\n\nNo heading here.\n"


def make_handbook() -> list[PageRecord]:
    """Make the pages, each before those below it, in Confluence's order."""
    pages = [PageRecord(ROOT, _write("Our handbook", "[Deploy](Our%20handbook/Deploy.md#roll-out)"),
                        title="Our handbook", space="ENG")]  # fmt: skip

    def add(title: str, parent: str, markdown: str | None = None) -> str:
        page_id = str(1_000_000 + len(pages))
        text = _write(title) if markdown is None else markdown
        pages.append(PageRecord(page_id, text, title=title, parent=parent, space="ENG"))
        return page_id

    deploy = add(
        "Deploy",
        ROOT,
        _write("Deploy", "## Roll out\n\n[CI](Deploy/CI-CD.md), [up](../Our%20handbook.md)\n\n"
               "![plan](plan.png)"),
    )  # fmt: skip
    add("CI/CD", deploy, _write("CI/CD", "![plan](plan%20b.png)"))
    add("🚀", deploy, _write("🚀"))
    add("Empty", deploy, "")
    add("Owner", deploy, OWNER)
    operate = add("Operate & <run>", ROOT)
    nights = add("Nights", operate)
    add("Notes", nights, _write("Notes", f"[Notes]({SITE}/wiki/spaces/ENG/pages/5/Week+1+%26+2)"))
    add("Notes", operate, _write("Notes", "![plan](nested%20plan.png)"))
    add("Week 1 & 2", nights)
    for number in range(60 - len(pages)):
        add(f"Runbook {number}", nights if number < 20 else operate)
    return pages


def fill(standin: StandIn) -> list[PageRecord]:
    """Put the handbook into the stand-in's Confluence."""
    pages = make_handbook()
    standin.pages.add_space(SpaceRecord("ENG", "Engineering", home=ROOT))
    standin.pages.add(*pages)
    by_title = {page.title: page.page_id for page in reversed(pages)}
    standin.pages.attachments[by_title["Deploy"]] = {"plan.png": PNG + b"deploy"}
    standin.pages.attachments[by_title["CI/CD"]] = {"plan b.png": PNG + b"ci"}
    notes = next(page for page in reversed(pages) if page.title == "Notes")
    standin.pages.attachments[notes.page_id] = {"nested plan.png": PNG + b"notes"}
    return pages


def _write(title: str, text: str = "") -> str:
    heading = title.replace("<", "\\<")
    return f"# {heading}\n\n{text or f'All about {heading.casefold()}.'}\n"


def in_order(records: list[PageRecord]) -> list[str]:
    """Return the titles of pages, each before those below it."""

    def walk(parent: str) -> list[str]:
        below = [record for record in records if record.parent == parent]
        return [title for each in below for title in (each.title, *walk(each.page_id))]

    return walk("")
