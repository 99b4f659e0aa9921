"""What is loaded for what, by the real commands: nothing for a request that is not made."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest

from mkdocs_confluence_md.auth.token_store import TokenStore
from mkdocs_confluence_md.cli import COMMANDS, cli
from projects import BIN, Project, keep_login, make_login

if TYPE_CHECKING:
    from redis_servers import RedisServer
    from standin import StandIn

FOR_REQUESTS = {
    "cachecontrol",
    "cryptography",
    "httpx",
    "keyring",
    "limits",
    "mkdocs_confluence_md.auth.oauth",
    "mkdocs_confluence_md.auth.shared_token_store",
    "mkdocs_confluence_md.auth.token_refresh",
    "mkdocs_confluence_md.cache.controller",
    "mkdocs_confluence_md.confluence.archive",
    "mkdocs_confluence_md.confluence.exporter",
    "mkdocs_confluence_md.confluence.responses",
    "mkdocs_confluence_md.confluence.rest",
    "mkdocs_confluence_md.fetch.snapshot",
    "mkdocs_confluence_md.fetch.trees",
    "mkdocs_confluence_md.network.client",
    "mkdocs_confluence_md.network.shared_store",
    "redis",
    "requests",
    "ssl",
    "urllib3",
    "zipfile",
}
FOR_PAGES = {
    "diskcache",
    "filelock",
    "markdown_it",
    "mdit_py_plugins",
    "mkdocs_confluence_md.cache",
    "mkdocs_confluence_md.factory",
    "mkdocs_confluence_md.fetch",
    "mkdocs_confluence_md.markdown.extension",
    "mkdocs_confluence_md.markdown.links",
    "mkdocs_confluence_md.site_build",
    "msgpack",
    "nh3",
    "slugify",
    "sqlite3",
}
FOR_MACHINES = {
    "cryptography",
    "limits",
    "mkdocs_confluence_md.cache.leases",
    "mkdocs_confluence_md.cache.shared",
    "mkdocs_confluence_md.network.shared_rate",
    "mkdocs_confluence_md.network.shared_store",
    "redis",
}
LIGHT = {"cli", "errors"}
"""What the command needs before any subcommand runs."""


# `-X importtime` would leave out what `importlib` imports: subcommands and plugins.
LIST_IMPORTS = """
import atexit, pathlib, runpy, sys
listing, *sys.argv = sys.argv[1:]
atexit.register(lambda: pathlib.Path(listing).write_text(" ".join(sys.modules)))
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def find_imports(project: Project, *command: str) -> set[str]:
    """Run a command, and return the modules that it has imported."""
    listing = project.root / "modules.txt"
    finished = subprocess.run(
        [sys.executable, "-c", LIST_IMPORTS, listing, BIN / command[0], *command[1:]],
        cwd=project.root,
        env=project.variables(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return set(listing.read_text().split())


@pytest.fixture(scope="module")
def by_python() -> set[str]:
    """Return the modules of a process that does nothing, but may measure its coverage."""
    listing = [sys.executable, "-c", "import sys; print(*sys.modules)"]
    return set(subprocess.run(listing, capture_output=True, text=True, check=True).stdout.split())


@pytest.fixture(scope="module")
def by_mkdocs(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Return the modules that a build without the plugin imports."""
    project = Project(tmp_path_factory.mktemp("without"))
    project.write("mkdocs.yml", "site_name: Handbook\ntheme: mkdocs\nplugins: []\n")
    return find_imports(project, "mkdocs", "build")


def build(project: Project) -> set[str]:
    """Build, and return the modules that were imported."""
    return find_imports(project, "mkdocs", "build", "--strict")


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_the_command_tells_of_itself_without_loading_any_subcommand(
    project: Project, by_python: set[str], option: str
) -> None:
    loaded = find_imports(project, "confluence-md", option)

    ours = {name for name in loaded if name.startswith("mkdocs_confluence_md.")}
    assert ours == {f"mkdocs_confluence_md.{name}" for name in LIGHT}
    assert not loaded & {"mkdocs", "yaml", *FOR_REQUESTS, *FOR_PAGES} - by_python


def test_a_subcommand_does_without_the_others(project: Project) -> None:
    loaded = find_imports(project, "confluence-md", "cache", "--help")

    assert "mkdocs_confluence_md.cli.cache" in loaded
    assert not loaded & {"httpx", "cachecontrol", "mkdocs_confluence_md.cli.login"}


def test_the_help_has_a_line_for_each_subcommand() -> None:
    context = click.Context(cli)
    for name, (module, text) in COMMANDS.items():
        command = cli.get_command(context, name)
        assert command
        assert command.callback
        assert command.callback.__module__ == f"mkdocs_confluence_md.cli.{module}"
        assert f"  {name}" in cli.get_help(context)
        assert text in cli.get_help(context)
        assert text.endswith(".")


def test_a_site_without_pages_from_confluence_loads_nothing_for_them(
    project: Project, by_mkdocs: set[str]
) -> None:
    project.write("docs/page.md", "# Page\n\n[Home](index.md) <a href='/wiki/'>x</a>\n")
    project.configure(["page.md"], site="acme.atlassian.net")

    loaded = build(project)

    assert "mkdocs_confluence_md.plugin" in loaded
    assert not loaded & (FOR_REQUESTS | FOR_PAGES) - by_mkdocs


@pytest.mark.parametrize("sign_in", ["environment", "login", "token", "both"])
def test_a_page_that_is_fresh_in_the_cache_needs_nothing_for_requests(
    project: Project, standin: StandIn, by_mkdocs: set[str], sign_in: str
) -> None:
    if sign_in == "login":
        project.environment = {}
        keep_login(TokenStore(project.token_file, find_vault=lambda: None), make_login(standin))
    elif sign_in == "token":
        project.environment = {
            "CONFLUENCE_MD_ACCESS_TOKEN": standin.oauth.issue_access_token(),
            "CONFLUENCE_MD_API_URL": standin.url,
        }
    elif sign_in == "both":
        project.environment |= standin.rest_environment()
    gateway = "site" if sign_in == "login" else "api"
    project.configure([{"Deploy": "confluence:101"}], site=standin.url, gateway=gateway)
    assert {"httpx", "cachecontrol", "mkdocs_confluence_md.confluence.exporter"} <= build(project)
    standin.clear()

    loaded = build(project)

    assert standin.requests == []
    assert "mkdocs_confluence_md.site_build" in loaded
    assert not loaded & FOR_REQUESTS - by_mkdocs


def test_without_a_store_nothing_is_loaded_for_one(project: Project, standin: StandIn) -> None:
    project.configure(["confluence:101"], site=standin.url)

    assert not build(project) & FOR_MACHINES


def test_pages_that_are_fresh_here_need_no_store(
    project: Project, standin: StandIn, redis_server: RedisServer
) -> None:
    project.environment["CONFLUENCE_MD_STORE"] = redis_server.url
    # Whose copies count is in the token; a sign-in is in the store.
    project.environment["CONFLUENCE_MD_ACCESS_TOKEN"] = standin.oauth.issue_access_token()
    project.configure(["confluence:101"], site=standin.url)
    assert build(project) >= FOR_MACHINES

    assert not build(project) & {"cryptography", "limits", "redis"}


def test_links_in_local_pages_lead_to_confluence_without_any_page_from_there(
    project: Project,
) -> None:
    text = "# Page\n\n[A](confluence:101#b) <https://acme.atlassian.net/wiki/x/ZgAAAA>\n\n"
    raw = "<p><a href='confluence:102'>raw</a></p>\n"
    project.write("docs/one.md", text)
    project.write("docs/three.md", raw)
    project.write("docs/two.md", text + raw)
    project.configure(["one.md", "three.md", "two.md"], site="acme.atlassian.net")

    built = project.build()

    assert built.messages() == ""
    url = "https://acme.atlassian.net/wiki/pages/viewpage.action?pageId="
    for path in ("one", "two"):
        assert f'<a class="confluence-link" href="{url}101#b">A</a>' in built.page(path)
        assert built.page(path).count("confluence-link") == 2
    for path in ("two", "three"):
        assert f"<a href='{url}102'>raw</a>" in built.page(path).replace('"', "'")


def test_a_link_that_leads_nowhere_is_told_of_in_a_site_without_pages(project: Project) -> None:
    project.write("docs/one.md", "[A](confluence:abc)\n")
    project.configure(["one.md"], site="acme.atlassian.net")

    assert project.build(strict=False).messages() == (
        "WARNING -  confluence-md: one.md links to 'confluence:abc': this is neither a page ID "
        "(only digits) nor the address of a page. Open the page in Confluence and paste its "
        "address, like "
        "https://acme.atlassian.net/wiki/spaces/ENG/pages/123456/Title, or write "
        "confluence:123456."
    )


def test_an_entry_of_the_option_pages_is_told_of_in_a_site_without_pages(project: Project) -> None:
    project.configure([], site="acme.atlassian.net", pages={"101": {"tags": ["a"]}})

    assert "The option `pages` has '101'" in project.build(strict=False).messages()


def test_a_redirect_leads_to_confluence_in_a_site_without_pages(project: Project) -> None:
    plugins = [
        {"confluence-md": {"site": "acme.atlassian.net"}},
        {"redirects": {"redirect_maps": {"old.md": "confluence:101"}}},
    ]
    project.configure([], settings={"plugins": plugins})

    built = project.build()

    assert built.messages() == ""
    assert "https://acme.atlassian.net/wiki/pages/viewpage.action?pageId=101" in built.page("old")
