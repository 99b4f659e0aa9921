"""`confluence-md pull`: a directory that builds the same site without Confluence and the plugin."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from mkdocs_confluence_md.pulled import PULLED_MARKER
from projects import BIN
from pulling import DEPLOY, NAV, SITE, configure, pull, pulled, read_all, read_pages
from serving import wait_for_log

if TYPE_CHECKING:
    from projects import Project
    from standin import StandIn


pytestmark = pytest.mark.usefixtures("without_redirects")


@pytest.mark.parametrize("raw_html", ["keep", "strip"])
def test_a_pulled_site_is_the_site_that_the_plugin_builds(site: Project, raw_html: str) -> None:
    configure(site, raw_html=raw_html)
    own = read_pages(site.build(strict=False))
    exit_code, output, messages = pull(site)

    assert (exit_code, output) == (1, "")
    assert re.fullmatch(
        "WARNING: confluence-md: “Deploy” .*: no.png. .*\n"
        "4 pages from Confluence in snapshot: 4 new, .*\n",
        messages,
    )
    there = pulled(site)
    for host in ("mkdocs", "properdocs"):
        assert read_pages(there.build(host=host)) == own
    assert (there.root / "site/templates/deploy/a-b.png").read_bytes() == b"png"
    assert "confluence:" not in (there.root / "mkdocs.yml").read_text()


def test_only_addresses_are_changed(site: Project) -> None:
    pull(site)
    there = read_all(site.root / "snapshot")

    assert there["exports/templates/deploy.md"].decode() == DEPLOY
    _, _, body = there["docs/templates/deploy.md"].decode().partition(f"{PULLED_MARKER}\n\n")
    expected = DEPLOY
    for old, new in {
        f"{SITE}/wiki/spaces/ENG/pages/102/Roll+back#Über-uns": "roll-back.md#uber-uns",
        f"<{SITE}/wiki/x/ZgAAAA>": "[Roll back](roll-back.md)",
        "(#Second-step)": "(#second-step)",
        "/wiki/spaces/ENG/pages/104": "../104.md",
        "(/wiki/x/LIQHD)": f"({SITE}/wiki/x/LIQHD)",
        f"{SITE}/wiki/download/attachments/101/a%20b.png": "deploy/a-b.png",
        f"{SITE}/wiki/download/attachments/101/report.pdf": "deploy/report.pdf",
        'src="a%20b.png"': 'src="deploy/a-b.png"',
        "![gone](no.png)": '<span class="confluence-missing">no.png</span>',
        "| [a](confluence:102)": "| [a](roll-back.md)",
        "[it](confluence:103)": "[it](../owners-others.md)",
    }.items():
        assert old in expected
        expected = expected.replace(old, new)
    assert body == expected
    assert there["docs/guides/local.md"].decode() == (
        "# Local\n\n[Deploy](../templates/deploy.md#second-step), "
        "[Roll back](../templates/roll-back.md), [r]\n\n"
        '`[no](confluence:101)` <a href="../../owners-others/">raw</a>\n\n'
        "```\n[no](confluence:101)\n```\n\n[r]: ../104.md\n"
    )
    assert (
        there["docs/owners-others.md"]
        .decode()
        .endswith(
            f"{PULLED_MARKER}\n\n<h1>Owners & others</h1>\n\nOwner: Jane Doe\n\nNo heading here.\n"
        )
    )


def test_a_manifest_tells_of_each_page_and_file(site: Project, standin: StandIn) -> None:
    standin.faults.etags = True
    pull(site)
    there = read_all(site.root / "snapshot")
    manifest = json.loads(there.pop("confluence-md.json"))

    assert manifest["files"] == {path: sha256(there[path]).hexdigest() for path in sorted(there)}
    deploy = manifest["pages"][0]
    assert (deploy["page_id"], deploy["title"]) == ("101", "Deploy")
    assert deploy["url"] == f"{SITE}/wiki/pages/viewpage.action?pageId=101"
    assert deploy["sha256"] == sha256(DEPLOY.encode()).hexdigest()
    assert deploy["etag"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", deploy["exported"])


def test_pulling_again_changes_no_byte_and_no_file(site: Project) -> None:
    pull(site)
    before = read_all(site.root / "snapshot")
    inode = (site.root / "snapshot").stat().st_ino

    exit_code, output, messages = pull(site)

    assert (exit_code, output) == (1, "")  # the missing picture is still missing
    assert messages.endswith("\n4 pages from Confluence in snapshot: nothing has changed.\n")
    assert read_all(site.root / "snapshot") == before
    assert (site.root / "snapshot").stat().st_ino == inode


def test_what_changed_is_replaced_and_what_left_nav_is_removed(
    site: Project, pages: dict[str, str]
) -> None:
    pull(site)
    there = pulled(site)
    before = read_all(there.root)
    there.write("notes/mine.txt", "mine")
    (there.root / "empty").mkdir()
    (there.root / "link").symlink_to("notes/mine.txt")
    unchanged = (there.root / "docs/104.md").stat().st_ino
    pages["102"] += "\nMore.\n"
    configure(site, [NAV[0], NAV[2]], max_age="0")

    exit_code, output, _ = pull(site, "--check", "snapshot")

    # Pages that link to what has left are other ones, too.
    assert exit_code == 1
    assert output.splitlines() == [
        "changed templates/deploy.md  101  Deploy",
        "changed templates/roll-back.md  102  Roll back",
        "gone    owners-others.md  103  Owners & others",
        "changed docs/guides/local.md",
        "changed mkdocs.yml",
    ]
    assert read_all(there.root) == {**before, "notes/mine.txt": b"mine", "link": b"mine"}

    messages = pull(site)[2]

    assert "3 pages from Confluence in snapshot: 2 changed, 1 gone, 2 other files" in messages
    after = read_all(there.root)
    gone = {"docs/owners-others.md", "exports/owners-others.md"}
    assert after.keys() == (before.keys() - gone) | {"notes/mine.txt", "link"}
    assert after["exports/templates/roll-back.md"].endswith(b"More.\n")
    assert (there.root / "link").is_symlink()
    assert (there.root / "empty").is_dir()
    assert (there.root / "docs/104.md").stat().st_ino == unchanged
    exit_code, output, messages = pull(site, "--check", "snapshot")
    assert (exit_code, output) == (1, "")
    assert messages.endswith("\nsnapshot is current.\n")


def test_times_stay_those_of_the_first_pull_with_that_content(
    site: Project, pages: dict[str, str]
) -> None:
    pull(site)
    file = site.root / "snapshot/confluence-md.json"
    manifest = json.loads(file.read_text())
    for page in manifest["pages"]:
        page["exported"] = "2020-01-01T00:00:00Z"
    file.write_text(json.dumps(manifest))
    pages["102"] += "\nMore.\n"
    configure(site, max_age="0")

    pull(site)

    times = {page["page_id"]: page["exported"] for page in json.loads(file.read_text())["pages"]}
    assert times.pop("102") > "2020-01-02"
    assert set(times.values()) == {"2020-01-01T00:00:00Z"}


@pytest.fixture
def plain(project: Project) -> Project:
    """Return a project of two pages that have no problem."""
    nav = [{"Deploy": "confluence:101"}, {"Roll back": "confluence:102"}]
    configure(project, nav, theme="mkdocs")
    project.write("docs/guides/local.md", "# Local\n")
    return project


def test_without_a_warning_all_is_well(plain: Project) -> None:
    said = "2 pages from Confluence in snapshot: 2 new, 3 other files written or removed.\n"

    assert pull(plain) == (0, "", said)
    assert pull(plain, "--check", "snapshot") == (0, "", "snapshot is current.\n")
    assert sorted(path.name for path in plain.root.iterdir() if "snap" in path.name) == ["snapshot"]


def test_a_page_that_fails_ends_it_and_nothing_is_changed(
    plain: Project, standin: StandIn, pages: dict[str, str]
) -> None:
    pull(plain)
    before = read_all(plain.root / "snapshot")
    standin.faults.missing = {"101"}
    pages["102"] = "# Other\n"
    configure(plain, ["confluence:101", "confluence:102"], max_age="0", on_error="placeholder")

    exit_code, output, messages = pull(plain)

    assert (exit_code, output) == (1, "")
    assert "ERROR: 1 page could not be fetched from Confluence.\n" in messages
    assert messages.endswith(
        "Error: The site could not be built, so nothing was changed. Correct the errors above.\n"
    )
    assert read_all(plain.root / "snapshot") == before


def test_what_somebody_changed_is_not_overwritten(plain: Project) -> None:
    pull(plain)
    plain.write("snapshot/docs/deploy.md", "mine")
    plain.write("snapshot/mkdocs.yml", "mine")
    (plain.root / "snapshot/docs/roll-back.md").unlink()

    exit_code, _, messages = pull(plain)

    assert exit_code == 1
    assert messages == (
        f"Error: In {plain.root}/snapshot, files have been changed since they were pulled: "
        "docs/deploy.md, mkdocs.yml. Make the changes in Confluence, or in the site that is "
        "pulled, and delete these files; or pull into another directory.\n"
    )
    _, output, _ = pull(plain, "--check", "snapshot")
    assert output.splitlines() == [
        "changed deploy.md  101  Deploy",
        "changed roll-back.md  102  Roll back",
        "changed mkdocs.yml",
    ]
    (plain.root / "snapshot/docs/deploy.md").unlink()
    (plain.root / "snapshot/mkdocs.yml").unlink()
    assert pull(plain)[0] == 0
    assert pull(plain, "--check", "snapshot")[0] == 0


def test_what_was_not_pulled_is_in_nobodys_way(plain: Project) -> None:
    plain.write("snapshot/docs", "a file")

    assert pull(plain) == (
        1,
        "",
        f"Error: In {plain.root}/snapshot, files that were not pulled are in the way: docs. "
        "Move them away, or pull into another directory.\n",
    )
    assert read_all(plain.root / "snapshot") == {"docs": b"a file"}


@pytest.mark.parametrize(
    ("directory", "objection"),
    [
        (".", "it is or contains the project's own directory"),
        ("..", "it is or contains the project's own directory"),
        ("docs", "it is in or contains docs_dir ({root}/docs)"),
        ("docs/a", "it is in or contains docs_dir ({root}/docs)"),
        ("site/a", "it is in or contains site_dir ({root}/site)"),
        (".cache", "it is in or contains cache_dir ({root}/.cache/plugin/confluence-md)"),
        ("mkdocs.yml", "it is a file"),
    ],
)
def test_the_directory_is_one_of_its_own(plain: Project, directory: str, objection: str) -> None:
    exit_code, _, messages = pull(plain, directory)

    assert exit_code == 1
    assert messages == (
        f"Error: Nothing can be pulled into {(plain.root / directory).resolve()}: "
        f"{objection.format(root=plain.root)}. Name a directory of its own, like snapshot.\n"
    )


def test_a_damaged_manifest_is_not_guessed_at(plain: Project) -> None:
    plain.write("snapshot/confluence-md.json", '{"format": 2}')

    exit_code, _, messages = pull(plain)

    assert exit_code == 1
    assert messages == (
        f"Error: The snapshot in {plain.root}/snapshot is damaged, or was written by another "
        f"version: its confluence-md.json cannot be read. Remove {plain.root}/snapshot, and pull "
        "again.\n"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "{root}/mkdocs.yml cannot be read: No such file or directory. Name the "),
        ("plugins: []\nsite_name: x\n", "{root}/mkdocs.yml does not have the plugin confluence-md. "
         "Name the configuration with -f."),
        ("a: [", "{root}/mkdocs.yml is not a valid configuration for MkDocs: "),
        ("nav: 1\nsite_name: x\n",
         "{root}/mkdocs.yml is not a valid configuration for MkDocs. Correct the errors above."),
    ],
)  # fmt: skip
def test_a_project_that_cannot_be_built(project: Project, text: str | None, message: str) -> None:
    if text:
        project.write("mkdocs.yml", text)

    exit_code, _, messages = pull(project)

    assert exit_code == 1
    assert f"Error: {message.format(root=project.root)}" in messages


def test_a_hook_that_crashes_is_no_traceback(plain: Project) -> None:
    plain.write("crash.py", "def on_env(env, config, files):\n    raise TypeError('oh')\n")
    config = (plain.root / "mkdocs.yml").read_text().replace("hooks: []", "hooks: [crash.py]")
    plain.write("mkdocs.yml", config)

    assert pull(plain)[2] == (
        "Error: The site could not be built, so nothing was changed: TypeError('oh') Run "
        "`mkdocs build` for more.\n"
    )


def test_an_address_that_another_plugin_wrote_is_told(plain: Project) -> None:
    plain.write("add.py", "def on_page_markdown(markdown, **_):\n"
                "    return markdown + '\\n[x](confluence:102)\\n'\n")  # fmt: skip
    config = (plain.root / "mkdocs.yml").read_text().replace("hooks: []", "hooks: [add.py]")
    plain.write("mkdocs.yml", config)

    exit_code, _, messages = pull(plain)

    assert exit_code == 1
    assert (
        "WARNING: index.md links to confluence:102, which was not changed: the text of "
        "the page does not have that link. Another plugin or an extension may write it.\n"
    ) in messages


def test_a_site_that_is_watched_is_pulled_again_until_somebody_ends_it(
    project: Project, standin: StandIn
) -> None:
    project.environment |= standin.rest_environment()
    project.watch_seconds = 0.1
    project.configure([{"Deploy": "confluence:101"}], site=standin.url)
    page = project.root / "pulled/docs/deploy.md"
    log = project.root / "pull.log"
    with log.open("w") as output:
        command = [str(BIN / "confluence-md"), "pull", "--watch", "pulled"]
        process = subprocess.Popen(
            command, cwd=project.root, env=project.variables(), stdout=output, stderr=output
        )
        try:
            wait_for_log(log, "press Ctrl-C to end.")
            standin.pages.edit("101", "# Deploy\n\nEdited a moment ago.\n")
            wait_for_log(log, "1 changed")
            assert "Edited a moment ago." in page.read_text()
            standin.faults.missing = {"101"}
            wait_for_log(log, "Page 101 not found")
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=30) == 130
        finally:
            process.kill()
            process.wait()
    assert "Traceback" not in log.read_text()


def test_to_look_once_and_to_go_on_is_too_much(project: Project) -> None:
    code, _, err = project.run("pull", "--check", "--watch", "pulled")

    assert code == 2
    assert "Use --check or --watch, not both." in err
