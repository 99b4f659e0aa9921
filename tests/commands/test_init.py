"""`confluence-md init` and `add`: a page is in `mkdocs.yml`, and everything else is as it was."""

from __future__ import annotations

import os
import pty
import subprocess
import textwrap
from typing import TYPE_CHECKING

import pytest
import yaml

from consenting import consent
from mkdocs_confluence_md.cli.configuration import Configuration
from mkdocs_confluence_md.cli.init import Entry, add_to_nav, plan_site, read_entry
from mkdocs_confluence_md.errors import SettingError
from mkdocs_confluence_md.network.urls import ApiAddress
from processes import BIN, find_free_port
from projects import Project

if TYPE_CHECKING:
    from pathlib import Path

    from standin import StandIn

PAGE = "https://acme.atlassian.net/wiki/spaces/ENG/pages/101/Deploy+to+production"
ACME = ApiAddress("https://acme.atlassian.net")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an empty directory."""
    directory = tmp_path / "platform-handbook"
    directory.mkdir()
    return directory


def write_site(file: Path, entry: Entry, address: ApiAddress) -> list[str]:
    """Write a site, and return what is new."""
    planned = plan_site(file, entry, address)
    planned.write()
    return planned.changes


def run(project: Project, directory: Path, *arguments: str) -> tuple[int, str, str]:
    """Run the command in a directory."""
    finished = subprocess.run(
        [BIN / "confluence-md", *arguments], cwd=directory, env=project.variables(),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return finished.returncode, finished.stdout, finished.stderr


def page_of(standin: StandIn, page_id: str = "101") -> str:
    """Return the address of a page of the stand-in."""
    return f"{standin.url}/wiki/spaces/ENG/pages/{page_id}/Deploy"


def test_from_nothing_to_a_built_page(project: Project, standin: StandIn, folder: Path) -> None:
    code, out, messages = run(project, folder, "init", page_of(standin))

    assert (code, out) == (0, "")
    assert messages == textwrap.dedent(
        f"""\
        mkdocs.yml has now:
          - a site with the theme material
          - a first page, docs/index.md
          - the plugin confluence-md, for {standin.url}
          - 7 extensions: admonition, attr_list, footnotes, pymdownx.details, pymdownx.highlight, \
pymdownx.superfences, pymdownx.tasklist
          - “Deploy” (confluence:101) in nav

        Now: mkdocs serve
        """
    )
    built = subprocess.run(
        [BIN / "mkdocs", "build", "--strict"], cwd=folder, env=project.variables(),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    assert "Roll out" in (folder / "site/deploy/index.html").read_text("utf-8")
    assert "<title>Platform handbook</title>" in (folder / "site/index.html").read_text("utf-8")
    # What it wrote passes its own check.
    assert run(project, folder, "check")[0] == 0


def test_nobody_is_signed_in_yet(standin: StandIn, folder: Path, tmp_path: Path) -> None:
    stranger = Project(tmp_path / "stranger")
    port = find_free_port()
    standin.oauth.callback = f"http://localhost:{port}/callback"
    stranger.environment = {
        "CONFLUENCE_MD_AUTH_URL": standin.url,
        "CONFLUENCE_MD_CLIENT_ID": standin.client_id,
        "CONFLUENCE_MD_CLIENT_SECRET": standin.client_secret,
    }
    command: list[str | Path] = [BIN / "confluence-md", "init", page_of(standin)]
    command += ["--gateway", "site", "--paste", "--port", str(port)]
    with subprocess.Popen(
        command, cwd=folder, env=stranger.variables(), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout
        pasted = consent(process.stdout.readline().strip())
        _, messages = process.communicate(f"{pasted}\n", timeout=60)

    assert process.returncode == 0, messages
    assert "The API answers.\n" in messages
    assert messages.endswith("\n\nNow: mkdocs serve\n")
    options = {"site": standin.url, "gateway": "site"}
    assert yaml.unsafe_load((folder / "mkdocs.yml").read_text())["plugins"][1] == {
        "confluence-md": options
    }


def test_writing_before_signing_in(folder: Path, tmp_path: Path) -> None:
    code, _, messages = run(Project(tmp_path / "other"), folder, "init", "--no-login", PAGE)

    assert code == 0
    assert messages.endswith("\nNow: confluence-md login, then mkdocs serve\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "The address of a page is missing. Name one: confluence-md init https://"),
        (["123456"], "confluence:123456 does not say which Confluence site it is on. Paste the "
         "whole address of the page, beginning with https://"),
        (["https://acme.atlassian.net/wiki/spaces/ENG/blog/2024/01/01/1/T"],
         "'https://acme.atlassian.net/wiki/spaces/ENG/blog/2024/01/01/1/T': this is a blog post, "
         "not a page. Open the page in Confluence and paste its address"),
    ],
)  # fmt: skip
def test_what_is_no_page_writes_nothing(
    project: Project, folder: Path, arguments: list[str], message: str
) -> None:
    code, _, messages = run(project, folder, "init", *arguments)

    assert code == 1
    assert messages.startswith(f"Error: {message}")
    assert list(folder.iterdir()) == []


def test_an_address_is_asked_for_at_a_terminal(project: Project, folder: Path) -> None:
    controller, terminal = pty.openpty()
    with subprocess.Popen(
        [BIN / "confluence-md", "init", "--no-login"], cwd=folder, env=project.variables(),
        stdin=terminal, stdout=terminal, stderr=terminal,
    ) as process:  # fmt: skip
        os.close(terminal)
        os.write(controller, f"nonsense\n{PAGE}\n".encode())
        shown = b""
        while b"mkdocs serve" not in shown:
            shown += os.read(controller, 10_000)
        process.wait(timeout=30)
    os.close(controller)

    assert b"Address of a page in Confluence" in shown
    assert b"this is neither a page ID" in shown
    assert process.returncode == 0
    assert "Deploy to production: confluence:101" in (folder / "mkdocs.yml").read_text()


SHAPES = {
    "as MkDocs writes it": (
        "site_name: X\nplugins:\n    - search\nnav:\n    - index.md\n    - Guides:\n"
        "        - a.md # local\n\n# The end.\n",
        "site_name: X\nplugins:\n    - search\n    - confluence-md:\n"
        "        site: acme.atlassian.net\nnav:\n    - index.md\n    - Guides:\n"
        "        - a.md # local\n        - confluence:2\n    - Deploy: confluence:1\n"
        "\n# The end.\n",
    ),
    "lists that are not indented": (
        "plugins:\n- search\n# About it.\n- minify:\n    a: 1\n\n# Pages.\nnav:\n- index.md\n"
        "- Guides:\n  - a.md\n\n- More:\n  - b.md\n",
        "plugins:\n- search\n# About it.\n- minify:\n    a: 1\n- confluence-md:\n"
        "    site: acme.atlassian.net\n\n# Pages.\nnav:\n- index.md\n- Guides:\n  - a.md\n"
        "  - confluence:2\n\n- More:\n  - b.md\n- Deploy: confluence:1\n",
    ),
    "in brackets": (
        "plugins: [search, minify,]\nnav: [index.md, {Guides: [a.md]}]\n",
        "plugins: [search, minify, {confluence-md: {site: acme.atlassian.net}}]\n"
        "nav: [index.md, {Guides: [a.md, confluence:2]}, {Deploy: 'confluence:1'}]\n",
    ),
    "plugins as a mapping": (
        "plugins:\n    search: {}\nnav:\n  - Guides:\n      - a.md\n",
        "plugins:\n    search: {}\n    confluence-md:\n      site: acme.atlassian.net\nnav:\n"
        "  - Guides:\n      - a.md\n      - confluence:2\n  - Deploy: confluence:1\n",
    ),
    "the plugin without options": (
        "plugins:\n  - confluence-md # here\n  - search\nnav:\n  - Guides: [a.md]\n",
        "plugins:\n  - confluence-md: # here\n      site: acme.atlassian.net\n  - search\nnav:\n"
        "  - Guides: [a.md, confluence:2]\n  - Deploy: confluence:1\n",
    ),
    "the plugin with a colon": (
        "plugins:\n  - confluence-md:\n  - search\nnav:\n  - Guides: [a.md]\n",
        "plugins:\n  - confluence-md:\n      site: acme.atlassian.net\n  - search\nnav:\n"
        "  - Guides: [a.md, confluence:2]\n  - Deploy: confluence:1\n",
    ),
    "the plugin with another option": (
        "plugins:\n  - confluence-md:\n        max_age: 1h\nnav:\n  - Guides: [a.md]\n",
        "plugins:\n  - confluence-md:\n        max_age: 1h\n"
        "        site: acme.atlassian.net\nnav:\n  - Guides: [a.md, confluence:2]\n"
        "  - Deploy: confluence:1\n",
    ),
    "nothing, written as it may be": (
        "plugins:\n  - confluence-md: {}\nnav: ~\n",
        "plugins:\n  - confluence-md:\n      site: acme.atlassian.net\nnav:\n  - index.md\n"
        "  - Deploy: confluence:1\n  - Guides:\n      - confluence:2\n",
    ),
    "only named, in brackets": (
        "plugins: [search, confluence-md]\nnav:\n  - Guides:\n",
        "plugins: [search, {confluence-md: {site: acme.atlassian.net}}]\nnav:\n  - Guides:\n"
        "      - confluence:2\n  - Deploy: confluence:1\n",
    ),
    "tags, anchors and no line end": (
        "x: &x {a: !ENV [A, 1]}\nplugins:\n  - search: *x\n  - e:\n      i: !!python/name:x.y\n"
        "nav:\n  - Guides:\n    - 'a.md'",
        "x: &x {a: !ENV [A, 1]}\nplugins:\n  - search: *x\n  - e:\n      i: !!python/name:x.y\n"
        "  - confluence-md:\n      site: acme.atlassian.net\nnav:\n  - Guides:\n    - 'a.md'\n"
        "    - confluence:2\n  - Deploy: confluence:1\n",
    ),
    "line ends of Windows, and a mark": (
        "\ufeffplugins:\r\n  - search\r\nnav:\r\n  - Guides: [a.md]\r\n",
        "\ufeffplugins:\r\n  - search\r\n  - confluence-md:\r\n      site: acme.atlassian.net\r\n"
        "nav:\r\n  - Guides: [a.md, confluence:2]\r\n  - Deploy: confluence:1\r\n",
    ),
    "a document that ends": (
        "---\nnav:\n  - Guides: [a.md]\nplugins:\n  - search\n...\n",
        "---\nnav:\n  - Guides: [a.md, confluence:2]\n  - Deploy: confluence:1\nplugins:\n"
        "  - search\n  - confluence-md:\n      site: acme.atlassian.net\n...\n",
    ),
}
EXTENSIONS = (
    "markdown_extensions: [extra, admonition, pymdownx.details, pymdownx.superfences,"
    " pymdownx.highlight, pymdownx.tasklist]\n"
)


@pytest.mark.parametrize(("before", "after"), SHAPES.values(), ids=SHAPES)
def test_lines_are_only_added(folder: Path, before: str, after: str) -> None:
    file = folder / "mkdocs.yml"
    extensions = "" if "..." in before else EXTENSIONS
    mark = "\ufeff" if before.startswith("\ufeff") else ""
    file.write_bytes(before.replace(mark, f"{mark}{extensions}", 1).encode() if extensions
                     else before.encode())  # fmt: skip

    write_site(file, read_entry(PAGE.replace("101/Deploy+to+production", "1/Deploy"), tree=False),
               ACME)  # fmt: skip
    configuration = Configuration.read(file)
    add_to_nav(configuration, read_entry("confluence:2", tree=False), "Guides", file)
    configuration.write()

    written = file.read_bytes().decode().replace(extensions, "", 1)
    if not extensions:
        written = written[: written.index("\nmarkdown_extensions:")] + "...\n"
    assert written == after


def test_what_is_there_already_is_left(folder: Path) -> None:
    file = folder / "mkdocs.yml"
    write_site(file, read_entry(PAGE, tree=False), ACME)
    before = file.read_bytes()

    done = write_site(file, read_entry("https://acme.atlassian.net/wiki/x/ZQ", tree=False), ACME)

    assert file.read_bytes() == before
    assert done == [f"confluence:101 is in nav already: {file}:29"]


def test_a_site_without_nav_keeps_its_pages(folder: Path) -> None:
    file = folder / "mkdocs.yml"
    file.write_text("site_name: X\n")
    for path in ("index.md", "b.md", "a/index.md", "a/x.md", ".hidden/y.md"):
        (folder / "docs" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "docs" / path).write_text("# X\n")

    write_site(file, read_entry(PAGE, tree=False), ACME)

    nav = yaml.unsafe_load(file.read_text())["nav"]
    assert nav == ["index.md", "b.md", {"A": ["a/index.md", "a/x.md"]},
                   {"Deploy to production": "confluence:101"}]  # fmt: skip


def test_nav_that_another_plugin_reads_is_left(folder: Path) -> None:
    file = folder / "mkdocs.yml"
    file.write_text("plugins:\n  - literate-nav\n")

    done = write_site(file, read_entry(PAGE, tree=True), ACME)

    assert done[-1] == (
        "nothing in nav, which literate-nav reads elsewhere: write confluence:101/ there"
    )
    assert "nav" not in yaml.unsafe_load(file.read_text())


def test_nav_that_is_inherited_is_changed_where_it_is(project: Project, folder: Path) -> None:
    (folder / "base.yml").write_text("plugins: [search, confluence-md]\nnav: [index.md]\n")
    (folder / "mkdocs.yml").write_text("INHERIT: base.yml\nsite_name: X\n")

    code, _, messages = run(project, folder, "add", PAGE)

    assert (code, messages) == (
        0, "base.yml has now:\n  - “Deploy to production” (confluence:101) in nav\n"
    )  # fmt: skip
    assert "confluence:101" in (folder / "base.yml").read_text()


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("https://acme.atlassian.net/wiki/spaces/ENG/overview", "confluence:space/ENG"),
        ("https://acme.atlassian.net/wiki/spaces/ENG", "confluence:space/ENG"),
        ("confluence:space/ENG", "confluence:space/ENG"),
        ("https://acme.atlassian.net/wiki/x/ZQ", "confluence:101"),
        ("acme.atlassian.net/wiki/spaces/ENG/pages/101", "confluence:101"),
        ("101/", "confluence:101/"),
    ],
)
def test_what_an_address_is_in_nav(address: str, target: str) -> None:
    assert read_entry(address, tree=False).target == target


def test_a_configuration_of_the_other_name_is_found(project: Project, folder: Path) -> None:
    (folder / "mkdocs.yaml").write_text("site_name: X\nnav: [index.md]\n")

    assert run(project, folder, "init", "--no-login", PAGE)[0] == 0
    assert run(project, folder, "add", PAGE.replace("101", "102"))[0] == 0

    assert [path.name for path in folder.iterdir()] == ["mkdocs.yaml"]
    assert yaml.unsafe_load((folder / "mkdocs.yaml").read_text())["nav"] == [
        "index.md",
        {"Deploy to production": "confluence:101"},
        {"Deploy to production": "confluence:102"},
    ]


def test_init_changes_an_inherited_nav_where_it_is(project: Project, folder: Path) -> None:
    (folder / "base.yml").write_text(
        "plugins:\n  - confluence-md:\n      site: acme.atlassian.net\nnav: [index.md]\n"
    )
    (folder / "mkdocs.yml").write_text("INHERIT: base.yml\nsite_name: X\n")

    assert run(project, folder, "init", "--no-login", PAGE)[0] == 0

    assert (folder / "mkdocs.yml").read_text() == "INHERIT: base.yml\nsite_name: X\n"
    assert "confluence:101" in (folder / "base.yml").read_text()


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("https://other.atlassian.net/spaces/ENG/pages/5/T",
         "mkdocs.yml is for acme.atlassian.net"),
        ("https://user:hush@acme.atlassian.net/wiki/spaces/ENG/pages/5", "The address"),
        ("https://acme.atlasian.net/wiki/spaces/ENG/pages/5", "The address cannot be read. "
         "'https://acme.atlasian.net' is not a Confluence Cloud site. Do you mean "
         "acme.atlassian.net?"),
        ("https://[acme/wiki", "The address cannot be read."),
    ],
)  # fmt: skip
def test_an_address_that_is_not_one(
    project: Project, folder: Path, address: str, message: str
) -> None:
    before = "plugins:\n  - confluence-md:\n      site: acme.atlassian.net\nnav: [index.md]\n"
    (folder / "mkdocs.yml").write_text(before)

    code, _, messages = run(project, folder, "add", address)

    assert code == 1
    assert messages.startswith(f"Error: {message}") or "cannot be read" in messages
    assert "Traceback" not in messages
    assert "hush" not in messages
    assert (folder / "mkdocs.yml").read_text() == before


@pytest.mark.parametrize(
    ("address", "site"),
    [
        ("https://ACME.atlassian.net:443/wiki/spaces/ENG/pages/5", "https://acme.atlassian.net"),
        ("https://acme.atlassian.net/spaces/ENG/pages/5/A%0AB", "https://acme.atlassian.net"),
        ("123456", ""),
        ("space/ENG", ""),
    ],
)
def test_the_site_of_an_address(address: str, site: str) -> None:
    entry = read_entry(address, tree=False)

    assert entry.site == site
    assert "\n" not in entry.title


def test_sections_are_found_and_made(folder: Path) -> None:
    file = folder / "mkdocs.yml"
    file.write_text("nav:\n  - A:\n      - B:\n          - b.md\n  - C: c.md\n")

    def add(page_id: str, section: str) -> None:
        configuration = Configuration.read(file)
        add_to_nav(configuration, read_entry(page_id, tree=False), section, file)
        configuration.write()

    for page_id, section in (("1", "B"), ("2", "A/B"), ("3", "A/New"), ("4", "D/E")):
        add(page_id, section)

    assert yaml.safe_load(file.read_text())["nav"] == [
        {"A": [{"B": ["b.md", "confluence:1", "confluence:2"]}, {"New": ["confluence:3"]}]},
        {"C": "c.md"},
        {"D": [{"E": ["confluence:4"]}]},
    ]
    with pytest.raises(SettingError, match="'C' is a page in nav, not a section"):
        add("5", "C")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nav: [", "mkdocs.yml:1: This is not valid YAML: "),
        (
            "- a\n",
            "mkdocs.yml must have settings, each on its own line. Begin it with: site_name: ",
        ),
        ("", "mkdocs.yml must have settings, each on its own line."),
        ("nav: index.md\n", "nav in mkdocs.yml is not a list. Begin each entry with a dash."),
        ("INHERIT: base.yml\n", "mkdocs.yml inherits `plugins` from base.yml; nothing was added."),
        ("\x00", "mkdocs.yml"),
        (b"\xff", "mkdocs.yml is not UTF-8 text. Save it as UTF-8."),
        (
            "plugins: search\n",
            "mkdocs.yml:1: this is not a list. Write it as a list, and begin each "
            "entry with a dash: - confluence-md",
        ),
        (
            "  site_name: X\n  theme: mkdocs\n",
            "mkdocs.yml is written in a form that cannot be extended; nothing has changed.",
        ),
    ],
)
def test_what_cannot_be_changed_stays(
    project: Project, folder: Path, text: str | bytes, message: str
) -> None:
    file = folder / "mkdocs.yml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    before = file.read_bytes()

    code, _, messages = run(project, folder, "init", PAGE)

    assert code == 1
    assert messages.startswith(f"Error: {message}"), messages
    assert file.read_bytes() == before
    assert len(messages.splitlines()) == 1


@pytest.mark.parametrize("broken", ["mkdocs.yml", "base.yml"])
def test_add_says_where_the_yaml_is_wrong(project: Project, folder: Path, broken: str) -> None:
    (folder / "mkdocs.yml").write_text("site_name: x\nINHERIT: base.yml\n")
    (folder / broken).write_text("site_name: x\n\tnav: []\n")

    code, _, messages = run(project, folder, "add", PAGE)

    place = {
        "mkdocs.yml": "mkdocs.yml:2: ",
        "base.yml": "A file that mkdocs.yml inherits from cannot be read, line 2: ",
    }
    tab = "This line has a tab, but YAML needs spaces. Replace it.\n"
    assert (code, messages) == (1, f"Error: {place[broken]}{tab}")


def test_a_page_of_another_site(project: Project, folder: Path) -> None:
    (folder / "mkdocs.yml").write_text(
        "plugins:\n  - confluence-md:\n      site: other.atlassian.net\nnav: [index.md]\n"
    )
    for command in ("init", "add"):
        code, _, messages = run(project, folder, command, PAGE)
        assert (code, messages) == (
            1,
            "Error: mkdocs.yml is for other.atlassian.net, but this page is on "
            "acme.atlassian.net. One mkdocs.yml has pages of one Confluence site: use another "
            "directory.\n",
        )
