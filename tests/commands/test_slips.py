"""Slips that people make in their first minutes: one look at the message is enough."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from processes import find_free_port

if TYPE_CHECKING:
    from projects import Project
    from standin import StandIn

ADDRESS = "https://acme.atlassian.net/wiki/spaces/ENG/pages/101/Deploy"
MOST_LINES = 3
COLUMNS = 100


def check(project: Project, text: str, *arguments: str, **variables: str) -> str:
    """Check a configuration that has a slip in it, and return the one message about it."""
    if text:
        project.write("mkdocs.yml", textwrap.dedent(text))
    code, _, messages = project.run("check", *arguments, **variables)
    assert code == 1
    [message] = messages.splitlines()
    assert len(textwrap.wrap(message, COLUMNS)) <= MOST_LINES
    return message


CONFIGURATION = """\
    site_name: Handbook
    theme: mkdocs
    plugins:
      - search
      - confluence-md:
          site: acme.atlassian.net
    nav:
      - index.md
      - Deploy: confluence:101
"""


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("confluence:101", ADDRESS, f"mkdocs.yml:9: nav links to a page in Confluence, which is "
         f"not part of the site: {ADDRESS}. To have it in the site, write confluence: before its "
         "address."),
        ("      - confluence-md:\n          site: acme.atlassian.net\n", "",
         "options: mkdocs.yml does not have the plugin confluence-md. Add `- confluence-md:` to "
         "its `plugins`, and `site: acme.atlassian.net` indented below it; or run: "
         "confluence-md init"),
        ("confluence-md:", "confluence_md:",
         "options: mkdocs.yml:5: the plugin 'confluence_md' does not exist. Write confluence-md."),
        ("confluence-md:", "conflunce-md:",
         "options: mkdocs.yml:5: the plugin 'conflunce-md' does not exist. Write confluence-md."),
        ("          site:", "        site:",
         "options: mkdocs.yml:6: the option `site` is not indented below confluence-md. Put two "
         "more spaces before each option of the plugin."),
        ("          site:", "\t  site:",
         "mkdocs.yml:6: This line has a tab, but YAML needs spaces. Replace it."),
        ("confluence:101", "confluence: 101",
         "mkdocs.yml:9: 'confluence: 101': the blank after the colon makes this a setting, "
         "not a page. Write confluence:101"),
        ("index.md", "indx.md",
         "mkdocs.yml:8: 'indx.md' is not in docs/. Correct the path, or create the file."),
        ("acme.atlassian.net", "acme.atlasian.net",
         "mkdocs.yml:6: Option `site`: 'acme.atlasian.net' is not a Confluence Cloud site. Do you "
         "mean acme.atlassian.net?"),
        ("site: acme", "sit: acme",
         "mkdocs.yml:6: Option `sit`: Unrecognised configuration name: sit. Do you mean `site`?"),
        ("confluence:101", "confluence:https://acme.atlassian.net/wiki/spaces/ENG/overview",
         "mkdocs.yml:9: 'confluence:https://acme.atlassian.net/wiki/spaces/ENG/overview': this is "
         "the address of a space, not of a page. Write confluence:space/ENG for all of its pages, "
         "or paste the address of one page."),
    ],
)  # fmt: skip
def test_a_slip_in_the_configuration(
    project: Project, right: str, wrong: str, message: str
) -> None:
    assert right in CONFIGURATION

    told = check(project, CONFIGURATION.replace(right, wrong), "--no-network")

    assert told.startswith(message)


def test_a_page_of_another_site(project: Project) -> None:
    other = ADDRESS.replace("acme", "globex")
    text = CONFIGURATION.replace("confluence:101", f"confluence:{other}")

    assert check(project, text, "--no-network") == (
        f"mkdocs.yml:9: 'confluence:{other}': this page is not on acme.atlassian.net. Use a page "
        "of acme.atlassian.net, or change the option `site`."
    )


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("site: acme", "enabled: true\n          site: acme"),
        ("index.md", "/elsewhere.md"),
        ("index.md", "X: guides/../index.md"),
        ("nav:", "validation: {nav: {not_found: ignore}}\n    nav:\n      - gone.md"),
        ("acme.atlassian.net", "wiki.italian.net"),
    ],
)
def test_what_mkdocs_takes_is_fine(project: Project, right: str, wrong: str) -> None:
    project.write("mkdocs.yml", textwrap.dedent(CONFIGURATION.replace(right, wrong, 1)))

    assert project.run("check", "--no-network")[0] == 0


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("nav:", "hooks: [gone.py]\n    nav:",
         "MkDocs: The hook 'gone.py' is not there. Correct its path in `hooks`."),
        ("nav:", "markdown_extensions:\n      - toc: {permalinkx: 1}\n    nav:",
         "mkdocs.yml:7: `markdown_extensions`: Failed to load extension 'toc'."),
        ("theme: mkdocs", "theme: mkdoc", "mkdocs.yml:2: `theme`: Unrecognised theme name: "
         "'mkdoc'. The available installed themes are: "),
        ("site_name: Handbook", "site_nam: Handbook", "mkdocs.yml:1: `site_nam`: Unrecognised "
         "configuration name: site_nam."),
        ("- search", "- serch", 'mkdocs.yml:3: `plugins`: The "serch" plugin is not installed.'),
    ],
)  # fmt: skip
def test_what_mkdocs_would_refuse_is_a_problem(
    project: Project, standin: StandIn, right: str, wrong: str, message: str
) -> None:
    text = CONFIGURATION.replace("acme.atlassian.net", standin.url).replace(right, wrong)
    project.write("mkdocs.yml", textwrap.dedent(text))

    code, _, messages = project.run("check")

    assert code == 1
    assert message in messages


def test_what_a_hook_before_commits_finds(project: Project, standin: StandIn) -> None:
    project.write("mkdocs.yml", textwrap.dedent(CONFIGURATION).replace("theme: mkdocs\n", ""))

    assert project.run("check", "--no-network") == (0, *project.run("check", "--no-network")[1:])
    assert standin.requests == []


def test_there_is_no_configuration(project: Project) -> None:
    assert check(project, "", "--no-network") == (
        "nav: mkdocs.yml cannot be read: No such file or directory. Name the configuration with "
        "-f, or make one: confluence-md init"
    )


def test_a_variable_is_misspelt(project: Project) -> None:
    project.environment.pop("CONFLUENCE_MD_CLIENT_ID", None)

    assert check(project, CONFIGURATION, "--no-network", CONFLUENCE_MD_CLIENTID="x") == (
        "environment: The environment has CONFLUENCE_MD_CLIENTID, which is not read: write "
        "CONFLUENCE_MD_CLIENT_ID."
    )


def test_a_build_tells_of_a_misspelt_variable(project: Project, standin: StandIn) -> None:
    project.configure([{"Deploy": "confluence:101"}], site=standin.url)
    project.environment["CONFLUENCE_MD_OFLINE"] = "1"

    built = project.build(strict=False)

    assert built.messages() == (
        "WARNING -  confluence-md: The environment has CONFLUENCE_MD_OFLINE, which is not read: "
        "write CONFLUENCE_MD_OFFLINE."
    )


def test_a_build_tells_of_addresses_that_it_only_links_to(
    project: Project, standin: StandIn
) -> None:
    address = f"{standin.url}/wiki/spaces/ENG/pages/102/Other"
    project.configure([{"Other": address}], site=standin.url)
    alone = project.build(strict=False)
    project.configure(["confluence:101", {"Other": address}], site=standin.url)
    with_others = project.build()

    message = (
        f"nav links to a page in Confluence, which is not part of the site: {address}. To have it "
        "in the site, write confluence: before its address."
    )
    assert alone.messages() == f"WARNING -  confluence-md: mkdocs.yml:11: {message}"
    # Others may well be links on purpose.
    assert f"INFO    -  confluence-md: mkdocs.yml:12: {message}" in with_others.log


@pytest.mark.parametrize("path", ["/spaces/ENG/pages/102/Other", "/wiki/pages/102"])
def test_no_address_is_overlooked(project: Project, path: str) -> None:
    address = f"https://acme.atlassian.net{path}"
    project.configure([{"Other": address}], site="acme.atlassian.net")

    assert f"not part of the site: {address}" in project.build(strict=False).log


def test_https_is_spoken_to_http(project: Project, standin: StandIn) -> None:
    port = standin.url.rpartition(":")[2]
    project.environment["CONFLUENCE_MD_API_URL"] = f"https://127.0.0.1:{port}"
    project.configure([{"Deploy": "confluence:101"}], site=standin.url, cloud_id="1" * 8)

    told = check(project, "")

    assert told == (
        f"API: 127.0.0.1:{port} does not use https on this port. Correct the port of the "
        "address, or write http:// if it is one of this machine."
    )


def test_a_port_that_nobody_listens_on_is_something_else(
    project: Project, standin: StandIn
) -> None:
    port = find_free_port()
    project.environment["CONFLUENCE_MD_API_URL"] = f"https://127.0.0.1:{port}"
    project.configure([{"Deploy": "confluence:101"}], site=standin.url, cloud_id="1" * 8)

    assert check(project, "").startswith(f"API: 127.0.0.1:{port} cannot be reached: ")


def test_access_is_denied_to_one_page_only(project: Project, standin: StandIn) -> None:
    standin.faults.denied = {"102"}
    project.configure(["confluence:101", {"Secret": "confluence:102"}], site=standin.url)

    built = project.build()

    assert "The account may not see it; other pages are exported." in built.log
    assert "App REST APIs" not in built.log
