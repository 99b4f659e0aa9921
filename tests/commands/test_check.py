"""`confluence-md check`: what a build would stumble over."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from projects import Project
    from standin import StandIn

NAV: list[Any] = [{"Deploy": "confluence:101"}, {"confluence": "102"}]


def run(project: Project, *arguments: str, **variables: str) -> tuple[int, str, str]:
    """Run the command; return exit code, standard output and standard error."""
    code, out, messages = project.run("check", *arguments, **variables)
    hide = re.compile(r"127\.0\.0\.1:[0-9]+")
    return code, hide.sub("HOST", out), hide.sub("HOST", messages)


def states(out: str) -> dict[str, str]:
    """Return the state of each check and of each page, by line of the configuration."""
    told = json.loads(out)
    return {
        **{each["check"]: each["state"] for each in told["settings"]},
        **{str(each["line"]): each["state"] for each in told["pages"]},
    }


@pytest.fixture
def rest_credentials(standin: StandIn, project: Project) -> None:
    """Let the project have credentials of Confluence's own REST API."""
    project.environment |= standin.rest_environment()


def test_a_project_that_builds_is_fine(project: Project, standin: StandIn) -> None:
    project.configure(NAV, site=standin.url)

    code, out, messages = run(project)

    assert (code, messages) == (0, "")
    assert out == (
        "CHECK        STATE\n"
        "nav          ok     2 entries from Confluence\n"
        "options      ok     1 option\n"
        "MkDocs       ok     accepts the configuration\n"
        "environment  ok     CONFLUENCE_MD_API_URL, CONFLUENCE_MD_AUTH_URL, "
        "CONFLUENCE_MD_CLIENT_ID, CONFLUENCE_MD_CLIENT_SECRET, CONFLUENCE_MD_REFRESH_TOKEN, "
        "CONFLUENCE_MD_TOKEN_FILE\n"
        "API          ok     http://HOST/svc/confluence/11111111-2222-3333-4444-555555555555/apps/"
        "0def1d4f-1593-4dd0-99a3-a098b3959067_796457c9-9c03-4382-b44f-d19571068ece\n"
        "\n"
        "LINE  TITLE   REFERENCE       STATE  IN CONFLUENCE\n"
        "11    Deploy  confluence:101  ok     exported\n"
        "12    -       102             ok     exported\n"
    )


def test_what_was_checked_is_in_the_cache_for_the_next_build(
    project: Project, standin: StandIn
) -> None:
    project.configure(NAV, site=standin.url)
    run(project)
    standin.clear()

    assert run(project)[0] == 0
    assert project.build().exit_code == 0
    # One of the two is the check's own call, which exports nothing.
    assert standin.exports() == [""]


@pytest.mark.usefixtures("rest_credentials")
def test_with_credentials_of_confluence_itself_nothing_is_exported(
    project: Project, standin: StandIn
) -> None:
    project.configure([*NAV, {"All": "confluence:101/"}], site=standin.url)

    code, out, messages = run(project)

    assert (code, messages) == (0, "")
    assert standin.exports() == [""]
    assert re.search(r"Deploy  confluence:101   ok     Deploy, version 1 of \d{4}-\d\d-\d\d\n", out)
    assert re.search(r"All     confluence:101/  ok     Deploy, 5 pages\n", out)


@pytest.mark.usefixtures("rest_credentials")
def test_a_page_that_confluence_does_not_know_is_a_problem_with_its_line(
    project: Project, standin: StandIn
) -> None:
    project.configure([*NAV, {"Gone": "confluence:999"}], site=standin.url)

    code, _, messages = run(project)

    assert code == 1
    assert messages == (
        "mkdocs.yml:13: confluence:999: There is no such page, or the account of "
        "CONFLUENCE_MD_EMAIL may not see it. Compare the ID with the page's address in "
        "Confluence.\n"
    )


def test_without_them_a_missing_page_is_a_problem_too(project: Project, standin: StandIn) -> None:
    project.configure([*NAV, {"Gone": "confluence:999"}], site=standin.url)

    code, _, messages = run(project)

    assert code == 1
    assert messages.startswith(
        "mkdocs.yml:13: confluence:999: There is no such page, or the account may not see it "
    )


def test_everything_that_is_wrong_is_told_at_once(project: Project, standin: StandIn) -> None:
    project.configure(
        [{"confluence": 123456}, {"Deploy": "confluence:101"}, {"Draft": None}],
        site=standin.url,
        options={"max_age": "soon", "offlin": True, "concurrency": 99},
    )

    code, out, messages = run(project)

    assert code == 1
    assert messages == (
        "mkdocs.yml:14: 'confluence: 123456': MkDocs refuses a number in nav. "
        'Write confluence: "123456" or confluence:123456\n'
        "mkdocs.yml:16: 'Draft: null' has no page. Write a file, or a page of Confluence: "
        "confluence:123456.\n"
        "mkdocs.yml:8: Option `max_age`: 'soon' is not a duration. Write 0, forever, or a number "
        "with its unit: 30s, 15m, 12h, 7d.\n"
        "mkdocs.yml:10: Option `concurrency`: 99 is not auto or a whole number from 1 to 64.\n"
        "mkdocs.yml:9: Option `offlin`: Unrecognised configuration name: offlin. "
        "Do you mean `offline`?\n"
    )
    assert "15    Deploy  confluence:101  not checked" in out


def test_mkdocs_refuses_what_is_explained(project: Project) -> None:
    project.configure([{"confluence": 123456}], site="acme.atlassian.net")

    assert "Expected nav to be a list, got a int: 123456" in project.build().log


def test_json_has_everything(project: Project, standin: StandIn) -> None:
    project.configure([*NAV, {"Gone": "confluence:999"}], site=standin.url)

    code, out, _ = run(project, "--json")

    assert code == 1
    told = json.loads(out)
    assert (told["schema"], told["ok"], told["file"]) == (1, False, "mkdocs.yml")
    assert [(each["page_id"], each["url"]) for each in told["pages"]][1:] == [
        ("102", "http://HOST/wiki/pages/viewpage.action?pageId=102"),
        ("999", "http://HOST/wiki/pages/viewpage.action?pageId=999"),
    ]
    assert states(out) == {
        "nav": "ok",
        "options": "ok",
        "MkDocs": "ok",
        "environment": "ok",
        "API": "ok",
        "11": "ok",
        "12": "ok",
        "13": "problem",
    }


def test_nobody_is_signed_in(project: Project) -> None:
    project.configure(NAV, site="acme.atlassian.net", cloud_id="11111111")
    project.environment = {}

    code, out, messages = run(project)

    assert code == 1
    assert messages.startswith("sign-in: You are not signed in to ")
    assert "not checked" in out


@pytest.mark.parametrize("offline", [True, False])
def test_a_host_that_nobody_trusts_gets_no_token(project: Project, *, offline: bool) -> None:
    project.configure(NAV, base_url="https://evil.example/svc", offline=offline)

    code, _, messages = run(project)

    assert code == 1
    assert messages.startswith("sign-in: No token is sent to https://evil.example: ")


def test_a_server_that_is_down_is_a_problem_of_the_api(project: Project, standin: StandIn) -> None:
    project.configure(NAV, site=standin.url, gateway="site")
    standin.stop()

    code, out, messages = run(project, "--json")

    assert code == 1
    assert messages.startswith("API: HOST cannot be reached: ")
    assert states(out)["API"] == "problem"


def test_a_wrong_variable_is_named(project: Project) -> None:
    project.configure(NAV, site="acme.atlassian.net")

    code, _, messages = run(project, CONFLUENCE_MD_OFFLINE="maybe")

    assert code == 1
    assert messages == (
        "environment: CONFLUENCE_MD_OFFLINE is 'maybe', which is neither 1 nor 0. Write 1 or 0.\n"
    )


def test_offline_nothing_is_asked(project: Project, standin: StandIn) -> None:
    project.configure(NAV, site=standin.url, offline=True)

    code, out, messages = run(project)

    assert code == 1
    assert "API          not checked  `offline` is on" in out
    assert messages.startswith("mkdocs.yml:12: confluence:101: The cache has no copy of this page")
    assert standin.requests == []


def test_offline_a_copy_in_the_cache_is_enough(project: Project, standin: StandIn) -> None:
    project.configure(NAV, site=standin.url)
    assert project.build().exit_code == 0
    standin.clear()

    code, out, messages = run(project, CONFLUENCE_MD_OFFLINE="1")

    assert (code, messages) == (0, "")
    assert "confluence:101  ok     from the cache\n" in out
    assert standin.requests == []


def test_a_file_that_is_no_yaml_has_its_line(project: Project) -> None:
    project.write("mkdocs.yml", "site_name: x\nnav:\n  - a: [b\n  - c: d\n")

    code, out, messages = run(project)

    assert code == 1
    assert messages.startswith("mkdocs.yml:4: This is not valid YAML: ")
    assert len(messages.splitlines()) == 1
    assert "options      not checked\n" in out


def test_a_file_that_is_not_there(project: Project) -> None:
    code, _, messages = run(project, "-f", "docs/mkdocs.yml")

    assert code == 1
    assert "docs/mkdocs.yml cannot be read: No such file or directory." in messages


def test_a_project_without_the_plugin(project: Project) -> None:
    project.write("mkdocs.yml", "site_name: x\nnav: [index.md]\n")

    code, _, messages = run(project)

    assert code == 1
    assert messages.startswith("options: mkdocs.yml does not have the plugin confluence-md. Add")


def test_what_is_inherited_counts(project: Project, standin: StandIn) -> None:
    project.write("base.yml", "nav:\n  - Deploy: confluence:101\n")
    project.write(
        "mkdocs.yml",
        "INHERIT: base.yml\nsite_name: x\n"
        f"plugins:\n  - confluence-md:\n      site: {standin.url}\n",
    )

    code, out, _ = run(project, "--json")

    assert code == 0
    told = json.loads(out)
    assert (told["file"], told["nav_file"]) == ("mkdocs.yml", "base.yml")
    assert states(out)["2"] == "ok"


@pytest.mark.usefixtures("rest_credentials")
@pytest.mark.parametrize("status", [401, 410, 503])
def test_without_the_rest_api_pages_are_looked_at_as_a_build_would(
    project: Project, standin: StandIn, status: int
) -> None:
    project.configure([*NAV, {"All": "confluence:101/"}], site=standin.url)
    standin.faults.answer(status, route="rest")

    code, out, messages = run(project)

    assert code == 1
    assert re.search(r"^REST API +problem$", out, re.MULTILINE)
    assert len(re.findall(r"  exported\n", out)) == 3
    [line] = messages.splitlines()
    assert line.startswith("REST API: ")
    assert ("expiry date" in line) == (status == 401)


def test_no_token_is_shown(project: Project, standin: StandIn) -> None:
    project.configure(NAV, site=standin.url)
    project.environment["CONFLUENCE_MD_ACCESS_TOKEN"] = "a-very-secret-token"

    _, out, messages = run(project)

    assert "a-very-secret-token" not in out + messages
