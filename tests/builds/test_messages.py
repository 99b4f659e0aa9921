"""What people read when something is wrong: each message whole, as `mkdocs build` prints it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from processes import find_free_port

if TYPE_CHECKING:
    from projects import Project
    from standin import StandIn

ONE: list[Any] = [{"Deploy": "confluence:101"}]
VIEW = "https://acme.atlassian.net/wiki/pages/viewpage.action?pageId="
CLOUD_ID = "11111111-2222-3333-4444-555555555555"
PASTE = (
    "Open the page in Confluence and paste its address, like "
    "https://acme.atlassian.net/wiki/spaces/ENG/pages/123456/Title, or write confluence:123456."
)
NEITHER = "this is neither a page ID (only digits) nor the address of a page."


def fail(project: Project, nav: list[Any] = ONE, **options: Any) -> str:  # noqa: ANN401  any value
    """Build a site of acme.atlassian.net, which must fail cleanly, and return the messages.

    An option that is None is left out. Port and trace ID are another one each time.
    """
    options = {"site": "acme.atlassian.net", "cloud_id": CLOUD_ID, **options}
    given = {name: value for name, value in options.items() if value is not None}
    project.configure(nav, options=given)
    built = project.build()
    assert built.exit_code == 1
    assert "Traceback" not in built.log
    return generalize(built.messages())


def generalize(text: str) -> str:
    """Return messages without what is different each time."""
    text = re.sub(r"127\.0\.0\.1:[0-9]+", "127.0.0.1:PORT", text)
    text = re.sub(r"mkdocs\.yml:[0-9]+", "mkdocs.yml:LINE", text)
    return re.sub(r"atl-traceid: [0-9a-f]+", "atl-traceid: TRACE", text)


def report(*lines: str, page: str = "deploy.md", count: str = "1 page") -> str:
    """Return what stands around a report of failing pages."""
    head = [
        f"ERROR   -  Error reading page '{page}':",
        f"ERROR   -  {count} could not be fetched from Confluence.",
    ]
    body = [f"  {line}" if line else "" for line in lines]
    return "\n".join([*head, "", *body, "", "Aborted with a BuildError!"])


def setting(text: str) -> str:
    """Return what stands around a message about a setting."""
    return f"ERROR   -  confluence-md: {text}\n\nAborted with a BuildError!"


LINE = "mkdocs.yml:LINE: "
DEPLOY = f"- {LINE}“Deploy” (page 101) {VIEW}101"
NOT_FOUND = (
    "There is no such page, or the account may not see it (127.0.0.1:PORT answers 404).",
    "Compare the page ID with the page's address, and open it as this account. If "
    "all pages fail, check `cloud_id`, `environment`, `base_url`, and that the app is installed.",
)
DENIED = (
    "Access is denied (127.0.0.1:PORT answers 403).",
    "Either the account may not see the page, or App REST APIs are turned off: ask a site "
    "admin to turn them on in the settings of the app.",
)


def test_a_wrong_page_id(project: Project, standin: StandIn) -> None:
    standin.faults.missing = {"101"}

    assert fail(project) == report(
        *NOT_FOUND, DEPLOY, "  “Page 101 not found” [atl-traceid: TRACE]"
    )


def test_a_page_that_the_account_may_not_see(project: Project, standin: StandIn) -> None:
    standin.faults.denied = {"101"}

    assert fail(project) == report(
        *DENIED, DEPLOY, "  “You may not see page 101” [atl-traceid: TRACE]"
    )


def test_all_failing_pages_are_reported_at_once_and_by_cause(
    project: Project, standin: StandIn
) -> None:
    standin.faults.missing = {"101"}
    standin.faults.denied = {"102"}
    nav = [*ONE, {"Roll back": "confluence:102"}, "confluence:104", {"confluence": "9"}]

    assert fail(project, nav) == report(
        *NOT_FOUND,
        DEPLOY,
        "  “Page 101 not found” [atl-traceid: TRACE]",
        f"- {LINE}Page 9 {VIEW}9",
        "  “Page 9 not found” [atl-traceid: TRACE]",
        "",
        DENIED[0],
        "The account may not see it; other pages are exported.",
        f"- {LINE}“Roll back” (page 102) {VIEW}102",
        "  “You may not see page 102” [atl-traceid: TRACE]",
        count="3 pages",
    )


def test_app_rest_apis_turned_off(project: Project, standin: StandIn) -> None:
    standin.faults.app_disabled = True

    assert fail(project) == report(
        *DENIED, DEPLOY, "  “App REST APIs are disabled” [atl-traceid: TRACE]"
    )


def test_a_missing_scope(project: Project, standin: StandIn) -> None:
    standin.faults.missing_scope = True

    assert fail(project) == report(
        "The token lacks a scope that the export needs (127.0.0.1:PORT answers 401).",
        "Sign in again with the scopes export:markdown:custom read:forge-app:confluence "
        "offline_access.",
        DEPLOY,
        "  “Unauthorized; scope does not match” [x-failure-category: FAILURE_CLIENT_SCOPE_CHECK] "
        "[atl-traceid: TRACE]",
    )
    assert standin.oauth.refreshes == 1


def test_a_wrong_client_secret(project: Project, standin: StandIn) -> None:
    project.environment["CONFLUENCE_MD_CLIENT_SECRET"] = "not-the-secret"
    nav = [*ONE, {"Roll back": "confluence:102"}]

    assert fail(project, nav, concurrency=2) == report(
        "The client ID or the client secret is wrong, says the authorization server "
        "127.0.0.1:PORT (401 access_denied).",
        "Compare CONFLUENCE_MD_CLIENT_ID and CONFLUENCE_MD_CLIENT_SECRET with the settings of "
        "your OAuth 2.0 integration on https://developer.atlassian.com/console/myapps/.",
        DEPLOY,
        f"- {LINE}“Roll back” (page 102) {VIEW}102",
        count="2 pages",
    )
    assert [request.path for request in standin.requests] == ["/oauth/token"]


def test_a_refresh_token_that_is_no_longer_valid(project: Project) -> None:
    project.environment["CONFLUENCE_MD_REFRESH_TOKEN"] = "long-gone"

    assert fail(project) == report(
        "The refresh token is no longer valid, says the authorization server 127.0.0.1:PORT "
        "(403 invalid_grant).",
        "Sign in again (confluence-md login), or put a new refresh token into "
        "CONFLUENCE_MD_REFRESH_TOKEN.",
        DEPLOY,
    )


def test_an_access_token_that_has_expired(project: Project, standin: StandIn) -> None:
    token = standin.oauth.issue_access_token()
    standin.oauth.expire_access_tokens()
    project.environment["CONFLUENCE_MD_ACCESS_TOKEN"] = token

    assert fail(project) == report(
        "The access token has expired or was revoked (127.0.0.1:PORT answers 401).",
        "Get a new one and put it into CONFLUENCE_MD_ACCESS_TOKEN, or sign in again.",
        DEPLOY,
        "  “Unauthorized” [atl-traceid: TRACE]",
    )


def test_an_unreachable_host(project: Project, standin: StandIn) -> None:
    port = find_free_port()
    project.environment["CONFLUENCE_MD_API_URL"] = f"http://127.0.0.1:{port}"

    assert fail(project) == report(
        "127.0.0.1:PORT cannot be reached: [Errno 111] Connection refused.",
        "Check the network, the proxy settings and the name 127.0.0.1:PORT.",
        DEPLOY,
    )
    assert standin.exports() == []


def test_no_credentials_at_all(project: Project, standin: StandIn) -> None:
    project.environment = {"CONFLUENCE_MD_API_URL": standin.url}

    assert fail(project) == report(
        "You are not signed in to acme.atlassian.net.",
        "Run `confluence-md login --site acme.atlassian.net`; in CI, set CONFLUENCE_MD_CLIENT_ID, "
        "CONFLUENCE_MD_CLIENT_SECRET and CONFLUENCE_MD_REFRESH_TOKEN, or "
        "CONFLUENCE_MD_ACCESS_TOKEN.",
        DEPLOY,
    )


def test_credentials_that_are_not_complete(project: Project) -> None:
    del project.environment["CONFLUENCE_MD_CLIENT_SECRET"]

    assert fail(project) == setting(
        "CONFLUENCE_MD_REFRESH_TOKEN is set without CONFLUENCE_MD_CLIENT_SECRET. Set all three "
        "variables; or remove CONFLUENCE_MD_REFRESH_TOKEN, and sign in with "
        "`confluence-md login`."
    )


def test_a_missing_site(project: Project) -> None:
    assert fail(project, site=None, cloud_id=None) == setting(
        "The option `site` of the plugin confluence-md is missing in mkdocs.yml. Write the host "
        "of your Confluence site there: `site: acme.atlassian.net`."
    )


def test_a_site_that_is_no_confluence_site(project: Project, standin: StandIn) -> None:
    standin.faults.answer(404, route="tenant_info")

    assert fail(project, site=standin.url, cloud_id=None) == report(
        "http://127.0.0.1:PORT is not a Confluence Cloud site: "
        "http://127.0.0.1:PORT/_edge/tenant_info does not show its cloud ID (404).",
        "Correct the option `site`: it is the host in the address of a page, like "
        "acme.atlassian.net. For a custom domain, set `cloud_id` too.",
        DEPLOY.replace("https://acme.atlassian.net", "http://127.0.0.1:PORT"),
    )


@pytest.mark.parametrize(
    ("options", "objection"),
    [
        (
            {"site": "exporter.example", "gateway": "site"},
            "https://exporter.example: exporter.example is neither a host of Atlassian's nor one "
            "that you trust.",
        ),
        (
            {"base_url": "https://exporter.example/svc"},
            "https://exporter.example: exporter.example is neither a host of Atlassian's nor one "
            "that you trust.",
        ),
        (
            {"base_url": "http://api.atlassian.com/svc"},
            "http://api.atlassian.com: http:// would send the token in clear text.",
        ),
    ],
)
def test_a_host_that_only_mkdocs_yml_names_gets_no_token(
    project: Project, standin: StandIn, options: dict[str, Any], objection: str
) -> None:
    assert fail(project, **options) == setting(
        f"No token is sent to {objection} Correct `site`, `base_url`, CONFLUENCE_MD_API_URL "
        "or CONFLUENCE_MD_AUTH_URL. If the host is yours, use https and name it in "
        "CONFLUENCE_MD_TRUSTED_HOSTS."
    )
    assert standin.requests == []


def test_entries_of_nav_that_are_no_pages(project: Project, standin: StandIn) -> None:
    blog = "https://acme.atlassian.net/wiki/spaces/ENG/blog/2024/01/01/123/Title"
    nav = [
        {"A": "confluence:abc"},
        {"B": [{"C": "confluence:-5"}, "confluence:"]},
        f"confluence:{blog}",
        {"Tree": "confluence:abc/"},
        {"Space": "confluence:space/E N G"},
        {"D": "confluence:https://other.atlassian.net/wiki/spaces/ENG/pages/12"},
    ]

    assert fail(project, nav) == setting(
        "nav has entries that are not Confluence pages:\n"
        f"  - {LINE}'A: confluence:abc': {NEITHER} {PASTE}\n"
        f"  - {LINE}'C: confluence:-5': {NEITHER} {PASTE}\n"
        f"  - {LINE}'confluence:': the page ID is missing. Write confluence:123456.\n"
        f"  - {LINE}'confluence:{blog}': this is a blog post, not a page. {PASTE}\n"
        f"  - {LINE}'Tree: confluence:abc/': {NEITHER} {PASTE}\n"
        f"  - {LINE}'Space: confluence:space/E N G': this is not a valid space key. Write the key "
        "that follows /wiki/spaces/ in the address of the space: confluence:space/ENG.\n"
        f"  - {LINE}'D: confluence:https://other.atlassian.net/wiki/spaces/ENG/pages/12': this "
        "page is not on acme.atlassian.net. Use a page of acme.atlassian.net, or "
        "change the option `site`.\n"
        "Correct them in mkdocs.yml."
    )
    assert standin.requests == []


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("site", "two words", "'two words' is not a host name. Write the host of your Confluence "
         "site, like acme.atlassian.net."),
        ("cloud_id", "a/b", "'a/b' is not a cloud ID. Leave the option out, and it is looked up."),
        ("environment", "test", "Expected one of: ('production', 'staging', 'dev') but received: "
         "'test'"),
        ("gateway", "none", "Expected one of: ('api', 'site') but received: 'none'"),
        ("base_url", "api.atlassian.com/svc", "'api.atlassian.com/svc' is not a base URL. Copy it "
         "from the app's settings in Confluence, under “App REST APIs”; it looks like "
         "https://api.atlassian.com/svc/confluence/…"),
        ("page_path", "{section}/{name}", "'{section}/{name}' may contain the fields {section}, "
         "{title} and {id}, and no others."),
        ("page_path", "wiki/{section}", "'wiki/{section}' must contain {title} or {id}, so that "
         "pages can be told apart."),
        ("page_path", "../{id}", "'../{id}' must be a path below docs_dir, with / between "
         "folders."),
        ("max_age", 900, "900 is not a duration. Write 0, forever, or a number with its unit: 30s, "
         "15m, 12h, 7d."),
        ("watch", "4s", "'4s' is not an interval. Write off, or at least 5s: 60s, 5m, 1h."),
        ("watch", True, "True is not an interval. Write off, or at least 5s: 60s, 5m, 1h."),
        ("concurrency", 65, "65 is not auto or a whole number from 1 to 64."),
        ("concurrency", True, "True is not auto or a whole number from 1 to 64."),
        ("on_error", "ignore", "Expected one of: ('fail', 'placeholder') but received: 'ignore'"),
    ],
)  # fmt: skip
def test_options_that_cannot_be(project: Project, name: str, value: object, message: str) -> None:
    options: dict[str, Any] = {name: value}

    assert fail(project, **options) == (
        f"ERROR   -  Config value 'plugins': Plugin 'confluence-md' option '{name}': {message} "
        "(mkdocs.yml:LINE)\n\nAborted with a configuration error!"
    )


def test_half_of_the_credentials_for_versions(project: Project) -> None:
    project.environment["CONFLUENCE_MD_EMAIL"] = "jane@example.com"

    assert fail(project) == setting(
        "CONFLUENCE_MD_EMAIL is set without CONFLUENCE_MD_API_TOKEN. "
        "Set both variables, or neither of them."
    )


def warn(project: Project, **options: Any) -> str:  # noqa: ANN401  any value
    """Build a site, which must warn of something, and return the messages."""
    project.configure(ONE, options=options)
    built = project.build(strict=False)
    assert built.exit_code == 0
    return generalize(built.messages()).removeprefix("WARNING -  confluence-md: ")


WITHOUT_REST = (
    "Confluence did not say which pages have changed. Pages whose copies have expired are exported "
    "again; trees are as last listed, or exported as a whole. "
)
TOKENS = (
    "Check CONFLUENCE_MD_EMAIL and CONFLUENCE_MD_API_TOKEN, and the token's expiry date and "
    "scopes, on https://id.atlassian.com/manage-profile/security/api-tokens."
)


def test_credentials_for_versions_without_a_site(project: Project, standin: StandIn) -> None:
    project.environment |= standin.rest_environment()
    # A proxy of its own, which tells neither the site nor the cloud ID.
    base_url = f"{standin.url}/exporter"
    standin.faults.answer(200, route="unknown", body="# Deploy\n")

    assert warn(project, base_url=base_url) == (
        "CONFLUENCE_MD_EMAIL and CONFLUENCE_MD_API_TOKEN have no effect without the option `site`: "
        "Confluence cannot be asked which pages have changed. Write the host of your Confluence "
        "site into mkdocs.yml: `site: acme.atlassian.net`."
    )
    assert standin.rest_requests() == []


def test_a_token_with_scopes_needs_no_site(project: Project, standin: StandIn) -> None:
    standin.cloud.token_kind = "scoped"
    project.environment |= standin.rest_environment()
    project.configure(ONE, options={"cloud_id": standin.cloud_id})
    built = project.build()

    assert (built.messages(), built.exit_code) == ("", 0)
    gateway = f"/ex/confluence/{standin.cloud_id}/wiki/api/v2"
    assert [path.partition("?")[0] for path in standin.rest_requests()] == [
        f"{gateway}/pages", f"{gateway}/users-bulk"
    ]  # fmt: skip


def test_credentials_for_versions_that_are_wrong(project: Project, standin: StandIn) -> None:
    project.environment |= {
        "CONFLUENCE_MD_EMAIL": "jane@example.com",
        "CONFLUENCE_MD_API_TOKEN": "revoked",
    }

    assert warn(project, site=standin.url) == (
        f"{WITHOUT_REST}Confluence's REST API does not accept the account's API token "
        f"(127.0.0.1:PORT answers 401). {TOKENS} "
        "“Basic authentication with an API token failed” [atl-traceid: TRACE]"
    )
    assert standin.exports() == ["101"]


def test_credentials_for_versions_go_to_no_host_that_only_mkdocs_yml_names(
    project: Project, standin: StandIn
) -> None:
    project.environment |= standin.rest_environment()

    # A classic token works at the site only, which may not have it; so the gateway refuses it.
    assert warn(project, site="wiki.example", cloud_id=CLOUD_ID) == (
        f"{WITHOUT_REST}Confluence's REST API does not accept the account's API token "
        f"(127.0.0.1:PORT answers 401). {TOKENS} "
        "“Unauthorized” [x-failure-category: FAILURE_CLIENT_AUTH_MISMATCH] [atl-traceid: TRACE]"
    )
    assert standin.exports() == ["101"]
