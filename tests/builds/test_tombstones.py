"""Access that was taken away stays away, and copies belong to the account that made them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from projects import Project
    from standin import StandIn

PAGE: list[Any] = [{"Deploy": "confluence:101"}, {"Other": "confluence:102"}]
TREE: list[Any] = [{"Handbook": "confluence:101/"}]
TEXT = "Roll out the"


def configure(project: Project, standin: StandIn, nav: list[Any], **options: object) -> None:
    project.configure(nav, options={"site": standin.url, "max_age": 0, **options})


@pytest.mark.parametrize("nav", [PAGE, TREE], ids=["page", "tree"])
@pytest.mark.parametrize("status", [403, 404, 410])
@pytest.mark.parametrize("later", ["outage", "offline", "placeholder"])
def test_what_was_taken_away_is_not_shown_again(
    project: Project, standin: StandIn, nav: list[Any], status: int, later: str
) -> None:
    configure(project, standin, nav)
    assert project.build().exit_code == 0
    for route in ("export", "bulk"):
        standin.faults.answer(status, route=route, page_id="101")
    assert project.build().exit_code == 1

    standin.faults.clear()
    options: dict[str, dict[str, object]] = {
        "offline": {"offline": True},
        "placeholder": {"on_error": "placeholder"},
    }
    configure(project, standin, nav, **options.get(later, {}))
    standin.stop()
    built = project.build(strict=False)

    assert built.exit_code == (later != "placeholder")
    shown = [path.read_text() for path in built.site_dir.rglob("*.html")]
    assert not any(TEXT in text for text in shown) or built.exit_code == 1
    if later == "placeholder":
        assert "could not be fetched" in "".join(shown)


def test_when_access_is_given_back_the_page_is_exported(project: Project, standin: StandIn) -> None:
    configure(project, standin, PAGE)
    project.build()
    standin.faults.denied.add("101")
    assert project.build().exit_code == 1
    standin.faults.denied.clear()

    assert project.build().exit_code == 0


def test_a_web_page_on_the_way_is_no_reason_to_forget(project: Project, standin: StandIn) -> None:
    configure(project, standin, PAGE)
    project.build()
    standin.faults.answer(
        403, page_id="101", body="<!doctype html><p>Blocked", content_type="text/html"
    )
    assert project.build().exit_code == 1
    standin.faults.clear()
    standin.stop()

    assert TEXT in project.build(strict=False).page("deploy")


def test_an_outage_is_no_reason_to_forget(project: Project, standin: StandIn) -> None:
    configure(project, standin, PAGE)
    project.build()
    standin.faults.answer(503)
    assert project.build(strict=False).exit_code == 0
    assert TEXT in project.build(strict=False).page("deploy")


# Offline


def sign_in(project: Project, standin: StandIn, account: str) -> None:
    token = standin.oauth.issue_access_token(account=account)
    project.environment = {
        "CONFLUENCE_MD_API_URL": standin.url, "CONFLUENCE_MD_ACCESS_TOKEN": token
    }  # fmt: skip


def test_offline_the_copies_of_the_account_that_is_signed_in_count(
    project: Project, standin: StandIn, pages: dict[str, str]
) -> None:
    for account, text in (("jane", "For Jane.\n"), ("otto", "For Otto.\n")):
        pages["101"] = f"# Deploy\n\n{text}"
        sign_in(project, standin, account)
        configure(project, standin, PAGE[:1])
        assert project.build().exit_code == 0

    configure(project, standin, PAGE[:1], offline=True)
    for account, text in (("jane", "For Jane."), ("otto", "For Otto.")):
        sign_in(project, standin, account)
        assert text in project.build().page("deploy")
    sign_in(project, standin, "eva")
    assert project.build().exit_code == 1


def test_offline_without_a_sign_in_the_account_counts_that_was_used_last(
    project: Project, standin: StandIn, pages: dict[str, str]
) -> None:
    sign_in(project, standin, "jane")
    configure(project, standin, PAGE)
    project.build()
    sign_in(project, standin, "otto")
    pages["101"] = "# Deploy\n\nFor Otto.\n"
    configure(project, standin, PAGE[:1])
    project.build()

    project.environment = {"CONFLUENCE_MD_API_URL": standin.url}
    configure(project, standin, PAGE[:1], offline=True)
    built = project.build()
    assert "For Otto." in built.page("deploy")
    assert built.log.count("the account that this project used last.") == 1
    # What only Jane has exported is not Otto's.
    configure(project, standin, PAGE, offline=True)
    assert project.build().exit_code == 1


@pytest.mark.parametrize("status", [403, 404, 410])
def test_attachments_that_were_taken_away_are_not_shown_again(
    project: Project, standin: StandIn, pages: dict[str, str], status: int
) -> None:
    pages["101"] = "# Deploy\n\n![x](x.png)\n"
    standin.pages.attachments["101"] = {"x.png": b"a picture"}
    configure(project, standin, PAGE[:1])
    site = project.build().site_dir
    assert list(site.rglob("x.png"))
    standin.faults.answer(status, route="bulk")
    project.build(strict=False)
    assert not list(site.rglob("x.png"))

    standin.faults.clear()
    standin.stop()
    project.build(strict=False)

    assert not list(site.rglob("x.png"))


def test_a_refusal_is_a_use_of_the_account_as_well(project: Project, standin: StandIn) -> None:
    """Offline with nobody signed in, the copies are those of the account that was used last."""
    sign_in(project, standin, "jane")
    configure(project, standin, PAGE[:1])
    assert project.build().exit_code == 0
    sign_in(project, standin, "otto")
    standin.faults.denied.add("101")
    assert project.build().exit_code == 1

    project.environment = {"CONFLUENCE_MD_API_URL": standin.url}
    configure(project, standin, PAGE[:1], offline=True)
    assert project.build().exit_code == 1
