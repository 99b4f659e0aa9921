"""A page and a tree of a real site: exported, built, and compared with what Confluence says.

Each check that fails prints the report of `confluence-md check --report`, which has no content.
"""

from __future__ import annotations

import html
import os
import re

import pytest

from live_site import PAGE, Site, make_site
from mkdocs_confluence_md.auth.environment import read_environment
from mkdocs_confluence_md.auth.token_refresh import make_auth
from mkdocs_confluence_md.confluence.exporter import complete_address
from mkdocs_confluence_md.confluence.rest import GivenCloudId, NoMemory
from mkdocs_confluence_md.fetch.versions import make_rest
from mkdocs_confluence_md.network.throttling import AT_A_TERMINAL
from mkdocs_confluence_md.network.urls import ApiAddress

if not os.environ.get(PAGE):
    pytest.skip(
        f"{PAGE} is not set: the address of a page with others below it", allow_module_level=True
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Return a project with the page that the environment names."""
    return make_site(tmp_path_factory.mktemp("site"))


def words(page: str) -> list[str]:
    """Return the words of an HTML text that are long enough to mean something."""
    text = re.sub(r"<(script|style)\b.*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL | re.IGNORECASE)
    return re.findall(r"\w{4,}", html.unescape(text))


def test_check(site: Site) -> None:
    with site.reporting():
        finished = site.run("confluence-md", "check")
        assert finished.returncode == 0, finished.stderr


def test_build(site: Site) -> None:
    with site.reporting():
        finished = site.run("mkdocs", "build")
        assert finished.returncode == 0, finished.stderr
        assert "WARNING" not in finished.stderr, finished.stderr
        page = (site.root / "site/page/index.html").read_text(encoding="utf-8")
        has_heading = "<h1" in page
        assert has_heading
        pages = len(list((site.root / "site").glob("tree/**/index.html")))
        assert pages, "the tree has no page"


def test_a_second_build_asks_nothing(site: Site) -> None:
    with site.reporting():
        finished = site.run("mkdocs", "build")
        assert finished.returncode == 0, finished.stderr
        counts = re.search(r"pages? from Confluence: (.*?);", finished.stderr)
        assert counts, finished.stderr
        assert "exported" not in counts[1], counts[1]


def test_the_page_says_what_confluence_says(site: Site) -> None:
    environment = read_environment(os.environ)
    if environment.rest_credentials is None:
        pytest.skip("CONFLUENCE_MD_API_TOKEN is not set: Confluence is not asked for the page")
    address = ApiAddress(site.origin, api_url=environment.api_url)
    address = complete_address(address, make_auth(environment, site=site.origin))
    rest = make_rest(
        environment, address, GivenCloudId(address.cloud_id), NoMemory(), AT_A_TERMINAL
    )
    assert rest
    with site.reporting():
        answer = rest.read(f"/wiki/api/v2/pages/{site.page_id}?body-format=view")
        shown = words(answer["body"]["view"]["value"])
        built = set(words((site.root / "site/page/index.html").read_text(encoding="utf-8")))
        # Numbers, since pytest prints what an assertion is about, which may become public.
        wanted = len(shown)
        missing = sum(word not in built for word in shown)
        assert missing <= wanted // 10, f"{missing} of {wanted}"
    rest.close()
