"""What somebody writes in Confluence runs nothing, reads no file and stops no build."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from standin import PageRecord

if TYPE_CHECKING:
    from projects import Built, Project
    from standin import StandIn

SECRET, ENVIRONMENT = "canary-of-a-file", "canary-of-the-environment"
DIRECTIVES = """\
# Attack {{ 6 * 7 }} {% raw %}

{% include "**/secret.txt" %} {% include-markdown "secret.txt" %} {!secret.txt!} {% bad %}

{{ cycler.__init__.__globals__.os.environ }} {{ read_csv("secret.csv") }} {{ missing.field }}
{{ config.plugins }} {{ environ }} {% if %} {{ "unclosed }

<!--codeinclude-->
[x](../secret.txt)
<!--/codeinclude-->

--8<-- "secret.txt"

;--8<--
secret.txt
;--8<--

```python exec="true"
open("ran.txt", "w")
```

```yaml
key: ${{ secrets.TOKEN }}
```

[[secret.txt]] ::: os.path

!!! note

| {{ 6 * 7 }} | {% include "secret.txt" %} |
|---|---|
| a | b |
"""
PLUGINS = ["macros", "table-reader", "markdownextradata", "include-markdown", "codeinclude",
           "print-site"]  # fmt: skip
ORDERS = [
    [*PLUGINS, "confluence-md"],
    ["confluence-md", *PLUGINS],
    ["include-markdown", "codeinclude", "confluence-md", "macros", "table-reader",
     "markdownextradata", "print-site"],
]  # fmt: skip
NAV: list[Any] = [{"Attack": "confluence:101"}, {"Handbook": "confluence:10/"}]


@pytest.fixture
def pages() -> dict[str, str]:
    return {"101": DIRECTIVES}


@pytest.fixture
def project(project: Project, standin: StandIn) -> Project:
    for name in ("secret.txt", "docs/secret.txt", "secret.csv", "docs/secret.csv"):
        project.write(name, f"a,b\n{SECRET},1\n")
    project.write("docs/index.md", "# Home {{ 6 * 7 }}\n")
    project.environment["CANARY"] = ENVIRONMENT
    standin.pages.add(PageRecord("10", "# Handbook\n", title="Handbook {{ 6 * 7 }}"))
    return project


def build(project: Project, standin: StandIn, plugins: list[str], **options: object) -> Built:
    mine = {"confluence-md": {"site": standin.url, **options}}
    settings = {
        "plugins": ["search", *(mine if name == "confluence-md" else name for name in plugins)],
        "markdown_extensions": ["pymdownx.snippets", "pymdownx.superfences", "attr_list", "abbr"],
    }
    project.configure(NAV, theme="material", settings=settings)
    return project.build(strict=False)


def read_site(built: Built) -> str:
    """Return all that the site shows, but the files that the project itself has in `docs`."""
    paths = [path for path in built.site_dir.rglob("*") if path.suffix in (".html", ".json")]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


@pytest.mark.parametrize("plugins", ORDERS, ids=["last", "first", "between"])
def test_no_plugin_carries_out_what_a_page_says(
    project: Project, standin: StandIn, plugins: list[str]
) -> None:
    built = build(project, standin, plugins)

    assert built.exit_code == 0
    assert "Traceback" not in built.log
    shown = read_site(built)
    assert SECRET not in shown
    assert ENVIRONMENT not in shown
    assert "Attack 42" not in shown
    assert "Handbook 42" not in shown
    assert "Home 42" in shown  # what the site's own pages say is carried out
    assert not list(project.root.rglob("ran.txt"))
    page = built.page("attack")
    assert (
        "{{ read_csv(&quot;secret.csv&quot;) }}" in page or '{{ read_csv("secret.csv") }}' in page
    )
    assert "${{" in page
    assert "\ue000" not in shown


def test_a_trusted_plugin_sees_directives(project: Project, standin: StandIn) -> None:
    standin.pages.source["101"] = "# Title\n\nThe answer is {{ 6 * 7 }}.\n"  # type: ignore[index]  # a dictionary
    for trusted, answer in (("macros", "The answer is 42."), ("x", "The answer is {{ 6 * 7 }}.")):
        built = build(project, standin, ["macros", "confluence-md"], trusted_plugins=[trusted])

        assert built.exit_code == 0
        assert answer in built.page("attack")


def test_what_plugins_add_to_a_page_stays(project: Project, standin: StandIn) -> None:
    standin.pages.source["101"] = "# Title\n\nSome HTML and {{ x }}.\n"  # type: ignore[index]  # the same
    project.write(
        "add.py",
        "def on_page_markdown(markdown, **_):\n"
        "    assert '{{' not in markdown or 'Home' in markdown\n"
        "    return markdown + '\\n\\nAdded *text*.\\n'\n",
    )
    mine = {"confluence-md": {"site": standin.url}}
    project.configure(NAV[:1], settings={"plugins": [mine], "hooks": ["impatient.py", "add.py"]})
    built = project.build()

    assert (built.messages(), built.exit_code) == ("", 0)
    assert "Some HTML and {{ x }}." in built.page("attack")
    assert "Added <em>text</em>." in built.page("attack")


# Titles


class _Handlers(HTMLParser):
    """Finds the handlers of events that are called `onmouseover`."""

    def __init__(self) -> None:
        super().__init__()
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handlers += [tag for name, _ in attrs if name == "onmouseover"]


HANDLER = '# " onmouseover="alert(1)" x="\n\nText.\n'


@pytest.mark.parametrize("theme", ["mkdocs", "readthedocs", "material"])
def test_a_title_stays_between_its_quotation_marks(
    project: Project, standin: StandIn, theme: str
) -> None:
    standin.pages.source["101"] = HANDLER  # type: ignore[index]  # the same
    project.configure(["confluence:101", "other.md"], site=standin.url, theme=theme)
    project.write("docs/other.md", "# Other\n")
    built = project.build()

    assert built.exit_code == 0
    finder = _Handlers()
    for path in built.site_dir.rglob("*.html"):
        finder.feed(path.read_text(encoding="utf-8"))
    assert finder.handlers == []


# What stops builds


BOMB = "---\n" + "a0: &a0 {x: 1}\n" + "".join(
    f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 12)
) + "---\n# Bomb\n"  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ['---\ntitle: "\\ud800"\ntags: ["\\udfff"]\n"\\ud800": "\\ud801"\n---\n\nText.\n',
     "---\nx: &a [1]\ny: *a\n---\n# Alias\n", BOMB, "---\n" + "[" * 5_000 + "\n---\n# Deep\n",
     "---\nx: " + "9" * 60_000 + "\n---\n# Long\n", "# \x00 \ud7ff \ufffe\n"],
    ids=["surrogates", "aliases", "merge bomb", "deep", "long number", "odd characters"],
)  # fmt: skip
def test_no_front_matter_stops_a_build(project: Project, standin: StandIn, text: str) -> None:
    standin.pages.source["101"] = text  # type: ignore[index]  # the same
    project.configure(["confluence:101"], site=standin.url, theme="material")
    built = project.build(strict=False)

    assert built.exit_code == 0
    assert "Traceback" not in built.log


def test_titles_with_halves_of_characters_from_the_rest_api(
    project: Project, standin: StandIn
) -> None:
    entry = {"id": "10", "title": "Hand\ud800book", "version": {"number": 1, "authorId": "x"}}
    standin.faults.answer(200, route="versions", body=json.dumps({"results": [entry]}))
    project.environment |= standin.rest_environment()
    project.configure(["confluence:10/"], site=standin.url)
    built = project.build(strict=False)

    assert built.exit_code == 0
    assert "Traceback" not in built.log


# Attachments


def test_what_servers_execute_is_text(project: Project, standin: StandIn) -> None:
    names = ["x.php", "x.PHP5", "x.cgi", ".htaccess", "web.config", "x.shtml", "x.php.png", "x.jsp"]
    standin.pages.source["101"] = "".join(f"[{name}]({name})\n" for name in names)  # type: ignore[index]  # the same
    standin.pages.attachments["101"] = {name: name.encode() for name in names}
    project.configure(NAV[:1], site=standin.url)
    built = project.build(strict=False)

    assert built.exit_code == 0
    found = {path.name for path in built.site_dir.rglob("*") if path.is_file()}
    assert {"x.php.txt", "x.PHP5.txt", "x.cgi.txt", "web.config.txt", "x.shtml.txt"} <= found
    assert not found & set(names)


def test_safe_attachments_are_without_html_and_svg(project: Project, standin: StandIn) -> None:
    standin.pages.source["101"] = "# A\n\n![b](b.svg) ![c](c.png) [d](d.html)\n"  # type: ignore[index]  # the same
    standin.pages.attachments["101"] = {"b.svg": b"<svg/>", "c.png": b"PNG", "d.html": b"x"}
    project.configure(NAV[:1], site=standin.url, attachments="safe")
    built = project.build(strict=False)

    assert built.exit_code == 0
    found = {path.name for path in (built.site_dir / "attack").rglob("*")}
    assert "c.png" in found
    assert not {"b.svg", "d.html"} & found
    assert '<span class="confluence-missing">b.svg</span>' in built.page("attack")


def test_a_page_with_all_private_characters_is_no_exception(
    project: Project, standin: StandIn, pages: dict[str, str]
) -> None:
    every = "".join(map(chr, range(0xE000, 0xF900)))
    live = '{% include "**/secret.txt" %}\n\n{{ cycler.__init__.__globals__.os.environ }}\n'
    pages["101"] = f"# Attack\n\n{every}\n\n{live}"
    standin.pages.add(PageRecord("10", "# Handbook\n"))

    shown = read_site(build(project, standin, ORDERS[0]))

    assert SECRET not in shown
    assert ENVIRONMENT not in shown


@pytest.mark.parametrize(
    "meta", ["hide: 5", "hide: true", "hide: 2020-01-01", "search: 5", "search: [a]", "social: x"]
)
def test_front_matter_does_not_tell_the_theme_what_to_do(
    project: Project, standin: StandIn, pages: dict[str, str], meta: str
) -> None:
    pages["101"] = f"---\n{meta}\n---\n# Deploy\n"
    project.configure(
        ["confluence:101"],
        theme="material",
        settings={"plugins": ["search", {"confluence-md": {"site": standin.url}}]},
    )

    built = project.build()

    assert built.exit_code == 0, built.log
