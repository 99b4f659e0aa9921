"""Whole builds: `nav` entry to page, over real HTTP, by the real commands."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from projects import BIN

if TYPE_CHECKING:
    from projects import Project
    from standin import StandIn

FIVE = [
    {"Deploy": "confluence:101"},
    {"Runbooks": [
        {"Roll back": "confluence:https://acme.atlassian.net/wiki/spaces/ENG/pages/102/Roll+back"},
        {"Who": [{"Owners & friends": "confluence:103"}]},
    ]},
    {"confluence": "104"},
    "confluence:https://acme.atlassian.net/wiki/x/PABylgI",
]  # fmt: skip
FIVE_PATHS = ["deploy", "runbooks/roll-back", "runbooks/who/owners-friends", "104", "11113988156"]


def nav_titles(html: str) -> list[str]:
    """Return the titles in Material's navigation, in order."""
    nav = html.partition("md-nav--primary")[2]
    titles = re.findall(r'<span class="md-ellipsis">\s*(.*?)\s*</span>', nav, re.DOTALL)
    return list(dict.fromkeys(titles))


@pytest.mark.parametrize("host", ["mkdocs", "properdocs"])
def test_a_site_with_five_references_builds_strictly_and_then_without_any_request(
    project: Project, standin: StandIn, host: str
) -> None:
    project.configure(FIVE, site=standin.url, theme="material")

    first = project.build(host=host)

    assert first.messages() == ""
    assert first.exit_code == 0
    assert sorted(standin.exports()) == sorted(["101", "102", "103", "104", "11113988156"])
    assert "Roll out the <em>new</em> version." in first.page("deploy")
    assert all(first.page(path) for path in FIVE_PATHS)
    assert nav_titles(first.page("deploy"))[:7] == [
        "Home", "Deploy", "Runbooks", "Roll back", "Who", "Owners & friends", "On-call",
    ]  # fmt: skip

    standin.clear()
    second = project.build(host=host)

    assert second.exit_code == 0
    assert standin.requests == []
    assert second.page("deploy") == first.page("deploy")


def test_without_freshness_each_page_is_exported_exactly_once(
    project: Project, standin: StandIn
) -> None:
    twice = [*FIVE, {"Again": [{"Deploy once more": "confluence:101"}]}]
    project.configure(twice, site=standin.url, max_age=0)
    project.build()
    standin.clear()

    assert project.build().exit_code == 0

    assert sorted(standin.exports()) == sorted(["101", "102", "103", "104", "11113988156"])
    assert len(standin.requests) == 5


def test_an_edited_page_is_seen_when_its_copy_is_no_longer_fresh(
    project: Project, standin: StandIn, pages: dict[str, str]
) -> None:
    project.configure([{"Deploy": "confluence:101"}], site=standin.url, max_age=0)
    project.build()
    pages["101"] = "# Deploy\n\nSomething else.\n"

    assert "Something else." in project.build().page("deploy")


def test_a_copy_that_the_server_confirms_is_not_transferred_again(
    project: Project, standin: StandIn
) -> None:
    standin.faults.etags = True
    project.configure([{"Deploy": "confluence:101"}], site=standin.url, max_age=0)
    project.build()
    standin.clear()

    built = project.build()

    assert [request.status for request in standin.requests] == [304]
    assert "Roll out the <em>new</em> version." in built.page("deploy")


@pytest.mark.parametrize("gateway", ["api", "site"])
@pytest.mark.parametrize(
    ("environment", "environment_id"),
    [
        ("production", "796457c9-9c03-4382-b44f-d19571068ece"),
        ("staging", "73c9d7be-47c5-479a-b08d-14fb79453df8"),
        ("dev", "08a10a13-932b-47bb-b760-0cc1e93d4a50"),
    ],
)
def test_both_gateways_and_all_environments_of_the_app_are_reached(
    project: Project, standin: StandIn, gateway: str, environment: str, environment_id: str
) -> None:
    project.configure(
        [{"Deploy": "confluence:101"}],
        site=standin.url,
        gateway=gateway,
        environment=environment,
    )

    assert project.build().exit_code == 0

    app = f"apps/0def1d4f-1593-4dd0-99a3-a098b3959067_{environment_id}/singleExport"
    base = {
        "api": f"/svc/confluence/{standin.cloud_id}",
        "site": "/gateway/api/svc/confluence",
    }
    assert standin.requests[-1].path == f"{base[gateway]}/{app}"
    lookups = [request for request in standin.requests if request.path == "/_edge/tenant_info"]
    assert len(lookups) == (1 if gateway == "api" else 0)


def test_a_pasted_base_url_is_enough(project: Project, standin: StandIn) -> None:
    app = "0def1d4f-1593-4dd0-99a3-a098b3959067_796457c9-9c03-4382-b44f-d19571068ece"
    base_url = f"{standin.url}/gateway/api/svc/confluence/apps/{app}/"
    project.configure([{"Deploy": "confluence:101"}], base_url=base_url)

    assert project.build().exit_code == 0
    assert standin.exports() == ["101"]


def test_the_cloud_id_is_looked_up_once_and_then_remembered(
    project: Project, standin: StandIn
) -> None:
    project.configure(FIVE, site=standin.url, max_age=0)
    project.build()
    project.build()

    lookups = [request for request in standin.requests if request.path == "/_edge/tenant_info"]
    assert len(lookups) == 1
    assert "authorization" not in lookups[0].headers


def test_a_given_cloud_id_saves_the_lookup(project: Project, standin: StandIn) -> None:
    project.configure(
        [{"Deploy": "confluence:101"}], site="acme.atlassian.net", cloud_id=standin.cloud_id
    )

    assert project.build().exit_code == 0
    assert "/_edge/tenant_info" not in [request.path for request in standin.requests]


def test_a_page_without_heading_gets_one_and_a_page_with_one_keeps_it(
    project: Project, standin: StandIn
) -> None:
    nav = [{"Deployment": "confluence:101"}, {"Owners": "confluence:103"}]
    project.configure(nav, site=standin.url)

    built = project.build()

    assert re.findall(r"<h1.*?</h1>", built.page("deployment")) == ['<h1 id="deploy">Deploy</h1>']
    assert re.findall(r"<h1.*?</h1>", built.page("owners")) == ['<h1 id="owners">Owners</h1>']
    assert "Owner: Jane Doe" in built.page("owners")


def test_titles_come_from_nav_then_from_front_matter_then_from_the_heading(
    project: Project, standin: StandIn, pages: dict[str, str]
) -> None:
    pages["201"] = "---\ntitle: From <b>front</b> matter\n---\n# Heading\n"
    pages["202"] = "No title at all.\n"
    nav = ["confluence:201", "confluence:202", "confluence:104", {"Mine": "confluence:101"}]
    project.configure(nav, site=standin.url, theme="material")

    titles = nav_titles(project.build().page("201"))

    expected = ["From &lt;b&gt;front&lt;/b&gt; matter", "202", "On-call", "Mine"]
    assert [title for title in titles if title in expected] == expected


@pytest.mark.parametrize("site", ["https://acme.atlassian.net", "https://credit-it.atlassian.net"])
@pytest.mark.parametrize("host", ["mkdocs", "properdocs"])
def test_the_edit_and_view_buttons_lead_to_confluence(
    project: Project, standin: StandIn, site: str, host: str
) -> None:
    settings = {
        "theme": {
            "name": "material",
            "features": ["content.action.edit", "content.action.view"],
        }
    }
    project.configure(
        [{"Deploy": "confluence:101"}],
        settings=settings,
        site=site,
        cloud_id=standin.cloud_id,
    )

    links = re.findall(rf'href="({site}[^"]*)"', project.build(host=host).page("deploy"))

    assert links == [
        f"{site}/wiki/pages/resumedraft.action?draftId=101",
        f"{site}/wiki/pages/viewpage.action?pageId=101",
    ]


def test_a_local_file_keeps_its_path_and_the_page_moves_aside_with_a_warning(
    project: Project, standin: StandIn
) -> None:
    project.write("docs/guides/deploy/index.md", "# Local\n")
    nav: list[Any] = ["guides/deploy/index.md", {"Guides": [{"Deploy": "confluence:101"}]}]
    project.configure(nav, site=standin.url)

    built = project.build(strict=False)

    assert built.messages() == (
        "WARNING -  confluence-md: “Deploy” (page 101) would be guides/deploy.md, but a local "
        "file has that place in the site. The page is guides/deploy-101.md instead; give it "
        "another title in nav, or rename the local file."
    )
    assert "Local" in built.page("guides/deploy")
    assert "Roll out" in built.page("guides/deploy-101")


def test_a_section_named_templates_is_not_lost(project: Project, standin: StandIn) -> None:
    project.configure([{"Templates": [{"Deploy": "confluence:101"}]}], site=standin.url)

    built = project.build()

    assert built.messages() == ""
    assert "Roll out" in built.page("templates/deploy")


def test_a_site_without_references_needs_neither_options_nor_credentials(project: Project) -> None:
    project.environment.clear()
    project.configure([{"Elsewhere": "https://example.com"}])

    built = project.build()

    assert (built.exit_code, built.messages()) == (0, "")
    assert not (project.root / ".cache").exists()


def test_a_local_page_titled_confluence_is_left_alone(project: Project) -> None:
    project.write("docs/notes.md", "# Notes\n")
    project.configure([{"confluence": "notes.md"}])

    assert "Notes" in project.build().page("notes")


def test_offline_takes_the_last_good_copy_without_credentials_or_network(
    project: Project, standin: StandIn
) -> None:
    project.configure(FIVE, site=standin.url, max_age=0)
    project.build()
    standin.stop()
    project.environment = {
        "CONFLUENCE_MD_OFFLINE": "1",
        "CONFLUENCE_MD_API_URL": standin.url,
        "CONFLUENCE_MD_AUTH_URL": standin.url,
    }

    built = project.build()

    assert (built.exit_code, built.messages()) == (0, "")
    assert "Roll out" in built.page("deploy")


def test_fresh_pages_need_no_credentials(project: Project, standin: StandIn) -> None:
    project.configure(FIVE, site=standin.url)
    project.build()
    standin.clear()
    project.environment = {"CONFLUENCE_MD_API_URL": standin.url}

    assert project.build().exit_code == 0
    assert standin.requests == []


def test_placeholder_builds_the_site_and_says_on_the_page_what_went_wrong(
    project: Project, standin: StandIn
) -> None:
    standin.faults.missing = {"101"}
    project.configure(FIVE, site=standin.url, on_error="placeholder")

    built = project.build(strict=False)

    assert built.exit_code == 0
    assert "“Deploy” (page 101)" in built.messages()
    assert "<strong>Page 101 could not be fetched.</strong> There is no such page" in built.page(
        "deploy"
    )
    assert "Roll back to the old one." in built.page("runbooks/roll-back")
    assert project.build().exit_code == 1


def test_a_cache_in_docs_dir_is_refused(project: Project, standin: StandIn) -> None:
    project.configure(FIVE, site=standin.url, cache_dir="docs/cache")

    built = project.build()

    assert built.exit_code == 1
    assert "The option `cache_dir` is 'docs/cache', which is in or contains docs_dir" in built.log


def test_no_more_exports_are_in_flight_than_concurrency_allows(
    project: Project, standin: StandIn, pages: dict[str, str]
) -> None:
    standin.faults.latency = 0.02
    numbers = range(1000, 1030)
    pages.update({str(number): "# Page\n" for number in numbers})
    nav = [{f"Page {number}": f"confluence:{number}"} for number in numbers]
    project.configure(nav, site=standin.url, concurrency=3)

    assert project.build().exit_code == 0
    assert standin.peak_exports <= 3


def test_a_page_cannot_run_macros_or_choose_templates(
    project: Project, standin: StandIn, pages: dict[str, str]
) -> None:
    pages["101"] = (
        "---\ntemplate: nope.html\nicon: nope\nrender_macros: true\ndescription: Kept\n---\n"
        "# Deploy\n\n{{ environment }} and {% raw %}\n"
    )
    project.configure([{"Deploy": "confluence:101"}], site=standin.url, theme="material")

    built = project.build()

    assert (built.exit_code, built.messages()) == (0, "")
    assert "{{ environment }} and {% raw %}" in built.page("deploy")
    assert '<meta name="description" content="Kept">' in built.page("deploy")


SAY_META = """
import logging

def say(event, page):
    names = ("title", "confluence_id", "render_macros")
    meta = {name: page.meta.get(name) for name in names}
    if page.file.src_uri == "deploy.md":
        logging.getLogger("mkdocs.hooks").warning(f"{event}: {type(page.meta).__name__} {meta}")

def on_page_markdown(markdown, *, page, **_):
    say("page_markdown", page)

def on_page_content(html, *, page, **_):
    say("page_content", page)

def on_env(env, *, files, **_):
    global deploy
    deploy = files.get_file_from_path("deploy.md").page
    say("env", deploy)

def on_pre_template(template, *, template_name, **_):
    if template_name == "list.txt":
        say("pre_template", deploy)

def on_page_context(context, *, page, **_):
    say("page_context", page)

def on_post_page(output, *, page, **_):
    say("post_page", page)

def on_post_build(**_):
    say("post_build", deploy)
"""


def test_other_plugins_see_the_whole_metadata_of_a_page_in_each_event(
    project: Project, standin: StandIn
) -> None:
    project.write("hooks.py", SAY_META)
    project.write("docs/list.txt", "A template for the whole site.")
    settings = {"hooks": ["hooks.py"], "extra_templates": ["list.txt"]}
    project.configure(FIVE, site=standin.url, settings=settings)

    built = project.build(strict=False)

    # mkdocs-macros reads `render_macros` in `page_markdown`.
    meta = "dict {'title': 'Deploy', 'confluence_id': '101', 'render_macros': False}"
    events = [
        "page_markdown", "page_content", "env", "pre_template", "page_context", "post_page",
        "post_build",
    ]  # fmt: skip
    assert built.messages().splitlines() == [f"WARNING -  {event}: {meta}" for event in events]


@pytest.mark.parametrize("host", ["mkdocs", "properdocs"])
def test_a_template_sees_the_whole_metadata_of_its_page_and_what_others_state_themselves(
    project: Project, standin: StandIn, pages: dict[str, str], host: str
) -> None:
    pages["104"] = "---\ntitle: Own\ndescription: Kept\n---\n# On-call\n"
    project.write(
        "theme/main.html",
        "{{ page and page.meta | tojson }}\n"  # the page 404 is rendered without one
        "{% for page in nav.pages %}{{ page.title }}: {{ page.meta }}\n{% endfor %}",
    )
    project.configure(
        [{"Deploy": "confluence:101"}, "confluence:102", {"confluence": "104"}],
        site=standin.url,
        settings={"theme": {"name": "material", "custom_dir": "theme"}},
    )

    built = project.build(host=host)

    url = f"{standin.url}/wiki/pages/viewpage.action?pageId="
    added = f"'confluence_id': '101', 'confluence_url': '{url}101', 'render_macros': False"
    assert built.page("deploy").splitlines() == [
        f'{{"confluence_id": "101", "confluence_url": "{url}101", "render_macros": false, '
        '"title": "Deploy"}',
        "Home: {}",
        f"Deploy: {{'title': 'Deploy', {added}}}",
        "Roll back: {}",
        "Own: {'description': 'Kept'}",
    ]
    assert built.page("104").splitlines()[1:] == [
        "Home: {}",
        "Deploy: {}",
        "Roll back: {}",
        "Own: {'description': 'Kept', 'title': 'Own', "
        f"'confluence_id': '104', 'confluence_url': '{url}104', 'render_macros': False}}",
    ]


def test_material_shows_and_indexes_what_a_page_states_of_itself(
    project: Project, standin: StandIn, pages: dict[str, str]
) -> None:
    pages["101"] = (
        "---\ntitle: Own\ndescription: Kept\ntags: [runbook]\nrevision_date: 6 May\n"
        "subtitle: Shown in nav\n---\n# Deploy\n"
    )
    project.configure(
        FIVE,
        site=standin.url,
        theme="material",
        settings={"plugins": ["search", "tags", {"confluence-md": {"site": standin.url}}]},
    )

    built = project.build()

    page = built.page("deploy")
    assert '<meta name="description" content="Kept">' in page
    assert "<title>Own - Handbook</title>" in page
    assert '<span class="md-tag">runbook</span>' in page
    assert "6 May" in page
    assert "<small>Shown in nav</small>" in built.page("104")
    index = json.loads((built.site_dir / "search" / "search_index.json").read_text())
    [entry] = [each for each in index["docs"] if each["location"] == "deploy/"]
    assert entry["tags"] == ["runbook"]


def test_nothing_that_a_page_states_of_itself_is_run(
    project: Project, standin: StandIn, pages: dict[str, str]
) -> None:
    pages["101"] = (
        "---\ndescription: '\"><script>1</script>'\ntags: ['<script>2</script>']\n"
        "revision_date: <script>3</script>\nsubtitle: <script>4</script>\n---\n# Deploy\n"
    )
    project.configure(
        FIVE,
        site=standin.url,
        theme="material",
        settings={"plugins": ["tags", {"confluence-md": {"site": standin.url}}]},
    )

    built = project.build()

    for page in ("deploy", "104"):
        assert not re.search("<script>[1-4]", built.page(page))
    assert "&lt;script&gt;2" in built.page("deploy")


@pytest.mark.parametrize("cache_dir", ["site/cache", "overrides", ".", "docs"])
def test_the_cache_takes_no_directory_that_is_for_something_else(
    project: Project, standin: StandIn, cache_dir: str
) -> None:
    project.write("overrides/main.html", "{% extends 'base.html' %}")
    project.configure(
        FIVE,
        site=standin.url,
        cache_dir=cache_dir,
        settings={"theme": {"name": "mkdocs", "custom_dir": "overrides"}},
    )

    built = project.build()

    assert built.exit_code == 1
    assert f"The option `cache_dir` is '{cache_dir}', which is in or contains" in built.log
    assert [path.name for path in (project.root / "overrides").iterdir()] == ["main.html"]


def test_a_cloud_id_that_leads_nowhere_is_not_remembered(
    project: Project, standin: StandIn
) -> None:
    standin.faults.answer(200, route="tenant_info", body={"cloudId": "moved-away"}, times=1)
    standin.faults.answer(200, route="tenant_info", body={"cloudId": "../../evil?x#"}, times=1)
    project.configure([{"Deploy": "confluence:101"}], site=standin.url)

    gone, evil, good = (project.build() for _ in range(3))

    assert "There is no such page, or the account may not see it" in gone.messages()
    assert "does not show its cloud ID" in evil.messages()
    assert not [request.path for request in standin.requests if "evil" in request.path]
    assert good.exit_code == 0


def test_a_placeholder_tells_readers_nothing_about_the_machine_that_builds(
    project: Project, standin: StandIn
) -> None:
    project.write("config/tokens.json", "{")
    project.configure(FIVE, site=standin.url, on_error="placeholder")

    built = project.build(strict=False)

    assert f"The token file {project.token_file} is damaged" in built.messages()
    assert "tokens.json" not in built.page("deploy")
    assert "The site's owner can tell why." in built.page("deploy")


def test_an_interrupted_build_does_not_wait_for_an_export_that_hangs(
    project: Project, standin: StandIn
) -> None:
    standin.faults.connection("hang")
    project.configure([{"Deploy": "confluence:101"}], site=standin.url)
    with subprocess.Popen(
        [str(BIN / "mkdocs"), "build"],
        cwd=project.root,
        env=project.variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert standin.wait_for_exports(1, timeout=30)
        process.send_signal(signal.SIGINT)
        # Far less than the minute after which the export would be given up.
        process.communicate(timeout=20)

    assert process.returncode == 1


def test_a_plugin_may_change_nav_after_fetching_has_begun(
    project: Project, standin: StandIn
) -> None:
    project.write(
        "hook.py",
        "from mkdocs.plugins import event_priority\n"
        "@event_priority(100)\n"
        "def on_files(files, config):\n"
        "    config.nav = ['index.md', {'Roll back': 'confluence:102'}, config.nav[1]]\n",
    )
    project.configure(
        [{"Deploy": "confluence:101"}], site=standin.url, settings={"hooks": ["hook.py"]}
    )

    built = project.build()

    assert built.exit_code == 0, built.log
    assert "Roll out" in built.page("deploy")
    assert "to the old one" in built.page("roll-back")
    assert sorted(standin.exports()) == ["101", "102"]


def test_a_hook_may_bring_the_credentials(project: Project, standin: StandIn) -> None:
    project.write(
        "hook.py",
        f"import os\ndef on_config(config): os.environ.update({project.environment!r})\n",
    )
    project.environment = {}
    project.configure(
        [{"Deploy": "confluence:101"}], site=standin.url, settings={"hooks": ["hook.py"]}
    )

    assert project.build().exit_code == 0
