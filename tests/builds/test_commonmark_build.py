"""Pages from Confluence beside local ones, in whole builds by the real commands."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest
from mkdocs.config.defaults import MkDocsConfig

from mkdocs_confluence_md.plugin import ConfluencePlugin
from structure import read_structure

if TYPE_CHECKING:
    from pathlib import Path

    from projects import Project
    from standin import StandIn

EXTENSIONS = ["admonition", "attr_list", "footnotes", "md_in_html", "pymdownx.superfences"]
PAGE = """# Page

Text:
- a
  - b

> [!NOTE]
> An alert, and [the other](#anchor).

<a id="anchor"></a>

{{ macro }} and {% tag %} stay.
"""
LOCAL = PAGE.replace("# Page", "# Local")
MERMAID = "# Page\n\n- item\n  ```mermaid\n  graph LR\n  ```\n"
ADVICE = "A page from Confluence has a Mermaid diagram, which this site shows as code."


@pytest.mark.parametrize(
    ("host", "theme"),
    [
        ("mkdocs", "material"),
        ("mkdocs", "mkdocs"),
        ("mkdocs", "readthedocs"),
        ("properdocs", "material"),
    ],
)
def test_only_pages_from_confluence_are_read_as_commonmark(
    project: Project, standin: StandIn, pages: dict[str, str], host: str, theme: str
) -> None:
    pages["101"] = PAGE
    project.write("docs/index.md", LOCAL)
    settings = {"markdown_extensions": EXTENSIONS}
    project.configure(
        [{"Page": "confluence:101"}], site=standin.url, theme=theme, settings=settings
    )

    built = project.build(host=host)

    assert built.messages() == ""
    page = read_structure(built.page("page"))
    assert "<panel>" in page
    assert [line for line in page if "macro" in line] == ["  {{ macro }} and {% tag %} stay."]
    assert "<panel>" not in read_structure((built.site_dir / "index.html").read_text())


def test_a_site_without_confluence_pages_is_byte_for_byte_as_without_the_plugin(
    project: Project,
) -> None:
    project.write("docs/index.md", LOCAL)
    project.write("docs/other.md", "Owner: x\n\n!!! note\n    - a\n      - b\n\n[l](index.md)\n")
    project.configure(["other.md"], settings={"markdown_extensions": EXTENSIONS})
    with_plugin = read_site(project.build().site_dir)
    configured = (project.root / "mkdocs.yml").read_text()
    project.write(
        "mkdocs.yml", re.sub(r"hooks:.*?(?=nav:)", "plugins: []\n", configured, flags=re.DOTALL)
    )

    assert read_site(project.build().site_dir) == with_plugin


def test_local_pages_beside_confluence_ones_are_byte_for_byte_as_without_the_plugin(
    project: Project, standin: StandIn, pages: dict[str, str]
) -> None:
    """Each page's own HTML is compared; the navigation around it differs, as it should."""
    pages["101"] = PAGE
    project.write("docs/index.md", LOCAL)
    project.write("bare/main.html", "{{ page.content }}")
    bare = {"theme": {"name": None, "custom_dir": "bare"}, "markdown_extensions": EXTENSIONS}
    project.configure([{"Page": "confluence:101"}], site=standin.url, settings=bare)
    with_plugin = (project.build().site_dir / "index.html").read_bytes()
    configured = (project.root / "mkdocs.yml").read_text()
    bare_nav = configured.replace("- Page: confluence:101\n", "")
    project.write(
        "mkdocs.yml", re.sub(r"hooks:.*?(?=nav:)", "plugins: []\n", bare_nav, flags=re.DOTALL)
    )

    assert (project.build().site_dir / "index.html").read_bytes() == with_plugin


@pytest.mark.parametrize("host", ["mkdocs", "properdocs"])
def test_anchors_in_raw_html_are_known_to_mkdocs(
    project: Project, standin: StandIn, pages: dict[str, str], host: str
) -> None:
    pages["101"] = PAGE + "\n[nowhere](#nowhere)\n"
    project.configure(
        [{"Page": "confluence:101"}],
        site=standin.url,
        settings={"validation": {"anchors": "warn"}},
        theme="material",
    )

    assert project.build(strict=False, host=host).messages() == (
        "WARNING -  confluence-md: “Page” (page 101) links to '#nowhere' in “Page” (page 101), "
        "which has no such heading. The link leads to the top of the page."
    )


def test_relative_links_are_those_of_mkdocs_as_far_as_they_lead_to_files(
    project: Project, standin: StandIn, pages: dict[str, str]
) -> None:
    pages["101"] = "# Page\n\n[home](index.md) and [nowhere](nowhere.md)\n"
    project.configure([{"Page": "confluence:101"}], site=standin.url)

    built = project.build()

    assert (built.messages(), built.exit_code) == ("", 0)
    assert '<a href="../">home</a> and <span>nowhere</span>' in built.page("page")


@pytest.mark.parametrize("pages_with_diagrams", [1, 2])
def test_it_is_said_once_that_a_site_draws_no_diagrams(
    project: Project, standin: StandIn, pages: dict[str, str], pages_with_diagrams: int
) -> None:
    pages["101"] = MERMAID
    pages["102"] = MERMAID if pages_with_diagrams == 2 else "# Page\n"
    nav = [{"Page": "confluence:101"}, {"Other": "confluence:102"}]
    project.configure(nav, site=standin.url)

    built = project.build()

    assert built.exit_code == 0
    assert built.log.count(ADVICE) == 1
    assert "        - name: mermaid\n" in built.log


def test_a_site_that_draws_diagrams_draws_them_and_says_nothing(
    project: Project, standin: StandIn, pages: dict[str, str]
) -> None:
    pages["101"] = MERMAID
    fence = {"name": "mermaid", "class": "mermaid"}
    settings = {"markdown_extensions": [{"pymdownx.superfences": {"custom_fences": [fence]}}]}
    project.configure([{"Page": "confluence:101"}], site=standin.url, settings=settings)

    built = project.build()

    assert '<pre class="mermaid"><code>graph LR</code></pre>' in built.page("page")
    assert ADVICE not in built.log


def test_what_other_plugins_make_of_the_text_is_what_is_read(
    project: Project, standin: StandIn, pages: dict[str, str]
) -> None:
    """A hook changes the text, and converts another one with the site's extensions meanwhile."""
    pages["101"] = "# Page\n\nText:\n- a\n"
    project.configure([{"Page": "confluence:101"}], site=standin.url)
    project.write(
        "impatient.py",
        (project.root / "impatient.py").read_text()
        + """
import markdown as python_markdown

def on_page_markdown(markdown, page, config, files):
    if page.is_homepage:
        return None
    other = python_markdown.markdown("Text:\\n- b\\n", extensions=config.markdown_extensions)
    assert "<li>" not in other
    return markdown + "\\nMore:\\n- c\\n"
""",
    )

    html = project.build().page("page")

    assert re.findall(r"<li>(.)</li>", html) == ["a", "c"]


def read_site(site_dir: Path) -> dict[str, bytes]:
    """Return what was built, without what depends on the time."""
    files = {
        str(path.relative_to(site_dir)): re.sub(
            rb"Build Date[^\n]*|20\d\d-\d\d-\d\d", b"", path.read_bytes()
        )
        for path in site_dir.rglob("*")
        if path.is_file() and path.suffix in {".html", ".json", ".xml"}
    }
    shutil.rmtree(site_dir)
    return files


def test_a_rebuild_adds_the_extension_once(tmp_path: Path) -> None:
    config = MkDocsConfig()
    config.load_dict(
        {"site_name": "Handbook", "markdown_extensions": ["admonition"], "docs_dir": str(tmp_path)}
    )
    assert config.validate() == ([], [])
    before = list(config.markdown_extensions)
    plugin = ConfluencePlugin()
    plugin.load_config({})

    plugin.on_config(config)
    once = list(config.markdown_extensions)
    plugin.on_config(config)

    assert once[: len(before)] == before
    assert list(map(type, config.markdown_extensions)) == list(map(type, once))
