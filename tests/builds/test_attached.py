"""Attachments in whole builds: files beside their page, and addresses that lead to them."""

from __future__ import annotations

import io
import re
import zipfile
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from archives import ATTACKS, LONG_NAME, SAFE, UNSAFE
from mkdocs_confluence_md.markdown.sanitizing import sanitize
from mkdocs_confluence_md.site.paths import make_safe_name
from pulling import pull, pulled, read_pages

if TYPE_CHECKING:
    from pathlib import Path

    from projects import Built, Project
    from standin import StandIn
    from standin.pages import Layout

ONE: list[Any] = [{"Deploy": "confluence:101"}]
SITE = "https://acme.atlassian.net"
FILES = {"a b.png": b"png", "übersicht.svg": b"<svg/>", "report.pdf": b"pdf", "unused.bin": b"no"}
PAGE = f"""# Deploy

![A]({SITE}/wiki/download/attachments/101/a%20b.png?version=2&api=v2 "Title")
![U](images/u%CC%88bersicht.svg#only-dark) [The report][report]
[report.pdf]({SITE}/wiki/rest/api/content/101/child/attachment/att9/download)

<p align="center"><img src="/wiki/download/thumbnails/101/a+b.png?width=9" width="9"></p>

Inline <img src="a%20b.png"> and code: `![no](no.png)`

[report]: {SITE}/wiki/download/attachments/101/report.pdf
"""
NOT_THERE = (
    "The page's export does not have them. Check in Confluence that they are attached to this "
    "page, not to another."
)


pytestmark = pytest.mark.usefixtures("without_redirects")


def files_of(built: Built, folder: str = "deploy") -> list[str]:
    """Return the names of the files beside a page."""
    return sorted(path.name for path in (built.site_dir / folder).iterdir() if path.is_file())


def addresses_of(html: str) -> list[str]:
    """Return the addresses in the page's own content."""
    content = html.partition("<h1")[2].partition("<footer")[0]
    return re.findall(r'\s(?:src|href)="([^"]*)"', content)


def warn(text: str) -> str:
    return f"WARNING -  confluence-md: {text}"


@pytest.mark.parametrize("layout", ["flat", "nested", "encoded", "plus"])
def test_what_a_page_refers_to_is_beside_it_whatever_the_archive_looks_like(
    project: Project, standin: StandIn, pages: dict[str, str], layout: Layout
) -> None:
    pages["101"] = PAGE
    standin.pages.attachments["101"] = FILES
    standin.pages.layout = layout
    project.configure(ONE, site=standin.url)

    built = project.build()

    assert built.messages() == ""
    assert files_of(built) == ["a-b.png", "index.html", "report.pdf", "übersicht.svg"]
    assert (built.site_dir / "deploy/report.pdf").read_bytes() == b"pdf"
    assert addresses_of(built.page("deploy")) == [
        "a-b.png", "%C3%BCbersicht.svg#only-dark", "report.pdf", "report.pdf", "a-b.png", "a-b.png",
    ]  # fmt: skip


GATEWAY = "https://api.atlassian.com/ex/confluence/c10d-1d"
UUID = "0a1b2c3d-1111-4222-8333-444455556666"
FORMS = {
    "gateway": f"{GATEWAY}/wiki/download/attachments/101/plan%20b.png?version=1",
    "gateway by number": f"{GATEWAY}/wiki/rest/api/content/101/child/attachment/att456/download",
    "number": "/wiki/rest/api/content/att456/download",
    "site": f"{SITE}/wiki/rest/api/content/att456/download",
    "name": "attachment:plan%20b.png",
    "id": "attachment://456",
    "id and name": "attachment:456:plan%20b.png",
    "opaque": "attachment:ab12cd",
    "media": "media:plan%20b.png",
    "root": "/attachments/plan%20b.png",
    "file": f"https://api.media.atlassian.com/file/{UUID}/binary?token=eyJ.a&name=plan%20b.png",
    "file without name": f"https://media.atlassian.com/file/{UUID}?token=eyJ.a",
}


def pack_forms(page: str) -> bytes:
    """Make an archive of a page and its attachments, in a folder of the root."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("Deploy.md", page)
        archive.writestr("attachments/plan b.png", b"png")
        archive.writestr("attachments/Makefile", b"all:")
    return buffer.getvalue()


@pytest.mark.parametrize("is_tree", [False, True])
def test_pictures_are_found_by_all_addresses_that_exporters_write(
    project: Project, standin: StandIn, pages: dict[str, str], *, is_tree: bool
) -> None:
    pages.clear()
    pages["101"] = "# Deploy\n\n" + "\n\n".join(
        f"![plan b.png]({address}) [plan b.png]({address})\n\n{html}"
        for address in FORMS.values()
        # HTML has no text that would name a file.
        for html in [f'<p><img src="{address}"></p>' * ("plan" in address)]
    )
    pages["101"] += "\n\n[make](attachments/Makefile) <attachment:plan%20b.png>\n"
    standin.pages.archives["101"] = standin.pages.tree_archives["101"] = pack_forms(pages["101"])
    nav = [{"Deploy": "confluence:101/" if is_tree else "confluence:101"}]
    project.configure(nav, site=standin.url, theme="material", settings={"hooks": []})

    built = project.build()

    assert (built.messages(), built.exit_code) == ("", 0)
    assert files_of(built) == ["Makefile", "index.html", "plan-b.png"]
    pictures = len(FORMS) * 2 + sum("plan" in address for address in FORMS.values())
    content = built.page("deploy").partition("</h1>")[2].partition("</article>")[0]
    addresses = re.findall(r'\s(?:src|href)="([^"#]+)"', content)
    assert addresses == ["plan-b.png"] * pictures + ["Makefile", "plan-b.png"]
    assert '<a href="plan-b.png">plan b.png</a>' in content
    exit_code, _, messages = pull(project)
    assert exit_code == 0, messages
    assert read_pages(pulled(project).build()) == read_pages(built)


def test_of_internal_addresses_that_lead_nowhere_the_text_and_the_name_remain(
    project: Project, standin: StandIn, pages: dict[str, str]
) -> None:
    media = f"https://api.media.atlassian.com/file/{UUID}/binary?token=eyJ.a&name=gone%20b.png"
    pages["101"] = (
        f"# Deploy\n\n![a]({media}) [*text*]({media}) {media} ![b](attachment:b.png)\n\n"
        f"<p><img src='{media}'> <a href='{media}'>raw</a></p>\n\n"
        "[c](attachment:b.png) ![d](/attachments/d.png) ![e](/images/local.png)\n"
    )
    project.write("docs/images/local.png", "png")
    validation = {"links": {"absolute_links": "ignore"}}
    settings = {"hooks": [], "validation": validation}
    project.configure(ONE, site=standin.url, theme="material", settings=settings)

    built = project.build(strict=False)

    warnings = [line for line in built.messages().splitlines() if line.startswith("WARNING")]
    assert warnings == [
        warn(
            "“Deploy” (page 101) refers to attachments that could not be fetched: gone b.png, "
            f"b.png, d.png. Readers see the names of pictures instead. {NOT_THERE}"
        )
    ]
    content = built.page("deploy").partition("</h1>")[2].partition("</article>")[0]
    assert addresses_of(f"<h1{content}") == ["/images/local.png"]
    missing = re.findall(r'<span class="confluence-missing">(.*?)</span>', content)
    assert missing == ["gone b.png", "b.png", "gone b.png", "d.png"]
    assert "<em>text</em></span> <span>gone b.png</span>" in content
    assert "<span>raw</span>" in content
    assert "eyJ" not in content
    assert pull(project)[0] == 1
    there = pulled(project).build(strict=False)
    assert read_pages(there) == read_pages(built)


def test_without_directory_urls_files_are_in_a_folder_of_the_pages_name(
    project: Project, standin: StandIn, pages: dict[str, str]
) -> None:
    pages["101"] = PAGE
    standin.pages.attachments["101"] = FILES
    project.configure([{"Run": ONE}], site=standin.url, settings={"use_directory_urls": False})

    built = project.build()

    assert built.messages() == ""
    assert files_of(built, "run/deploy") == ["a-b.png", "report.pdf", "übersicht.svg"]
    html = (built.site_dir / "run/deploy.html").read_text(encoding="utf-8")
    assert set(addresses_of(html)) == {
        "deploy/a-b.png", "deploy/%C3%BCbersicht.svg#only-dark", "deploy/report.pdf"
    }  # fmt: skip


def test_a_second_build_needs_no_request_and_without_the_option_nothing_changes(
    project: Project, standin: StandIn, pages: dict[str, str]
) -> None:
    pages["101"] = PAGE.replace("images/u%CC%88bersicht.svg", "https://example.com/u.svg")
    pages["101"] = pages["101"].replace('src="a%20b.png"', 'src="https://example.com/a.png"')
    standin.pages.attachments["101"] = FILES
    project.configure(ONE, site=standin.url)
    first = project.build().page("deploy")
    standin.clear()

    assert project.build().page("deploy") == first
    assert standin.requests == []

    project.configure(ONE, site=standin.url, attachments=False)
    built = project.build()
    assert files_of(built) == ["index.html"]
    assert f"{SITE}/wiki/download/attachments/101/report.pdf" in built.page("deploy")


def test_a_local_file_keeps_its_place(
    project: Project, standin: StandIn, pages: dict[str, str]
) -> None:
    pages["101"] = "# Deploy\n\n![R](report.pdf) ![own](own.png)\n"
    standin.pages.attachments["101"] = FILES
    project.write("docs/deploy/report.pdf", "local")
    project.write("docs/own.png", "local")
    project.configure(ONE, site=standin.url)

    built = project.build()

    assert built.messages() == ""
    own, theirs = addresses_of(built.page("deploy"))[::-1]
    assert own == "../own.png"
    assert re.fullmatch(r"report-[0-9a-f]{8}\.pdf", theirs)
    assert (built.site_dir / "deploy/report.pdf").read_bytes() == b"local"
    assert (built.site_dir / "deploy" / theirs).read_bytes() == b"pdf"


def test_what_is_missing_is_told_once_and_shown_by_its_name(
    project: Project, standin: StandIn, pages: dict[str, str]
) -> None:
    pages["101"] = (
        "# Deploy\n\n![x](gone%3Cimg%20onerror%3Dx%3E.png) "
        "[l](/wiki/download/attachments/101/l.pdf)\n"
        "![x](gone%3Cimg%20onerror%3Dx%3E.png)\n\n<p><img src='raw%3Cb%3E.png' onerror='x'></p>\n\n"
        f"![theirs]({SITE}/wiki/download/attachments/102/a.png)\n"
        f"[theirs]({SITE}/wiki/download/attachments/102/b.png)\n"
    )
    standin.pages.attachments["101"] = {"a.png": b"of this page"}
    project.configure(ONE, site=standin.url)
    messages = warn(
        "“Deploy” (page 101) refers to attachments that could not be fetched: "
        "gone<img onerror=x>.png, l.pdf, a.png, raw<b>.png. Readers see the names of pictures "
        f"instead. {NOT_THERE}"
    )

    for _ in range(2):  # from the export, and from the cache
        built = project.build(strict=False)
        assert built.messages() == messages
    html = built.page("deploy")
    missing = re.findall(r'<span class="confluence-missing">(.*?)</span>', html)
    assert missing == [
        "gone&lt;img onerror=x&gt;.png", "gone&lt;img onerror=x&gt;.png", "raw&lt;b&gt;.png",
        "a.png",
    ]  # fmt: skip
    assert addresses_of(html) == [
        f"{standin.url}/wiki/download/attachments/101/l.pdf",
        f"{SITE}/wiki/download/attachments/102/b.png",
    ]  # fmt: skip
    assert standin.bulk_exports() == ["101"]


def test_a_failure_is_a_warning_that_names_page_and_file(
    project: Project, standin: StandIn, pages: dict[str, str]
) -> None:
    pages["101"] = "# Deploy\n\n![A](a.png)\n"
    standin.faults.answer(500, route="bulk")
    project.configure(ONE, site=standin.url)

    built = project.build(strict=False)

    host = standin.url.removeprefix("http://")
    assert built.exit_code == 0
    assert built.messages() == warn(
        "“Deploy” (page 101) refers to attachments that could not be fetched: a.png. Readers see "
        f"the names of pictures instead. {host} failed to answer (500). Try again later; "
        "https://status.atlassian.com says whether it is a known problem."
    )


def test_copies_that_stand_in_are_told_of(
    project: Project, standin: StandIn, pages: dict[str, str]
) -> None:
    pages["101"] = "# Deploy\n\n![A](a.png)\n"
    standin.pages.attachments["101"] = {"a.png": b"png"}
    project.configure(ONE, site=standin.url, max_age=0)
    project.build()
    standin.faults.answer(500, route="bulk")

    built = project.build(strict=False)

    host = standin.url.removeprefix("http://")
    assert built.messages() == warn(
        "The attachments of 1 page could not be fetched; copies from up to a minute ago are used "
        f"instead. {host} failed to answer (500). Try again later; https://status.atlassian.com "
        "says whether it is a known problem."
    )
    assert files_of(built) == ["a.png", "index.html"]


def everything_in(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*")}


def test_no_attack_lands_outside_and_each_is_one_warning(
    project: Project, standin: StandIn, pages: dict[str, str], tmp_path: Path
) -> None:
    """All attacks are pages of one site, because a build takes a second."""
    nav = []
    links = "![](safe.png) [](evil.png) [](%2e%2e/%2e%2e/%2e%2e/evil.png)"
    for number, attack in enumerate(ATTACKS):
        page = str(900 + number)
        nav.append({attack: f"confluence:{page}"})
        pages[page] = (
            f"# {attack}\n\n{links}\n[x](evil%E2%80%AEgnp.html) ![y]({LONG_NAME}) "
            "[z](/wiki/download/attachments/1/x.png)\n"
        )
        standin.pages.archives[page] = ATTACKS[attack][0]
    project.configure(
        nav,
        site=standin.url,
        page_path="{id}",
        settings={
            "validation": {
                "links": {"not_found": "ignore", "absolute_links": "ignore"},
            }
        },
    )
    before = everything_in(tmp_path)

    built = project.build(strict=False)

    assert built.exit_code == 0
    warnings = [line for line in built.messages().splitlines() if "unsafe" in line]
    assert warnings == [
        warn(
            UNSAFE.replace("“Deploy” (page 101)", f"“{attack}” (page {900 + number})")
            + ATTACKS[attack][1]
        )
        for number, attack in enumerate(ATTACKS)
    ]
    new = {path for path in everything_in(tmp_path) - before if "/.cache" not in path}
    assert [
        path
        for path in new
        if not re.match(r"project/(?:site|\.cache|config|__pycache__)(?:/|$)", path)
    ] == []
    beside = {
        path.name
        for page in range(900, 900 + len(ATTACKS))
        for path in (built.site_dir / str(page)).iterdir()
    }
    assert beside <= {
        "index.html", SAFE[0], "evil.png", "evilgnp.html", make_safe_name(LONG_NAME)
    }  # fmt: skip
    assert not [path for path in built.site_dir.rglob("*") if path.is_symlink()]
    assert all(path.stat().st_size < 1_000_000 for path in built.site_dir.glob("9*/*"))


RAW = """# Deploy

<div onclick="alert(1)" style="position:fixed;color:red">raw <b>bold</b><script>alert(2)</script>
</div>

Inline <img src="a.png" onerror="alert(3)"> <a href="JavaScript:alert(4)">a</a>
<iframe src="https://evil.example" onload="alert(5)"></iframe> <kbd>Ctrl</kbd>
<svg onload="alert(6)"><path d="M0"/></svg>
"""
HARMLESS = f"""
| a | b |
| - | -: |
| 1 | ~~2~~ |

1. First
   - [x] done
   - [ ] to do [^1]

```python title="run.py" hl_lines="1"
print("<script>")
```

> [!WARNING] With care
> A panel with `code`, a [link](confluence:101#More) and a picture: ![A](a.png "Title")

> [!NOTE]- Details
> More.

<details><summary>HTML</summary>

*Markdown* <a href="{SITE}/wiki/download/attachments/101/report.pdf" title='"'>in</a> it
<img src="/wiki/download/attachments/101/a.png" width="9">

</details>

## More & &lt;more> [x](https://example.com/?a=1&b=2)

[^1]: A note.
"""
EXTENSIONS = [
    "tables", "attr_list", "footnotes", "md_in_html", "admonition", {"toc": {"permalink": True}},
    "pymdownx.superfences", {"pymdownx.highlight": {"linenums": True}}, "pymdownx.details",
    {"pymdownx.tasklist": {"custom_checkbox": True}},
]  # fmt: skip


@pytest.mark.parametrize("raw_html", ["keep", "strip"])
def test_raw_html_is_kept_or_stripped_of_what_would_run(
    project: Project, standin: StandIn, pages: dict[str, str], raw_html: str
) -> None:
    pages["101"] = RAW
    standin.pages.attachments["101"] = {"a.png": b"png"}
    settings = {"markdown_extensions": EXTENSIONS}
    project.write("docs/local.md", "# Local\n\n<b onclick='alert(0)'>local</b>\n")
    nav = [*ONE, "local.md"]
    project.configure(nav, site=standin.url, raw_html=raw_html, settings=settings)

    built = project.build()

    content = built.page("deploy").partition("<h1")[2].partition("<footer")[0]
    kept = [str(number) for number in range(1, 7) if f"alert({number})" in content]
    assert kept == (list("123456") if raw_html == "keep" else [])
    assert "onclick='alert(0)'" in built.page("local")
    assert ("iframe" in content) == (raw_html == "keep")
    for expected in ("<b>bold</b>", 'src="a.png"', "<kbd>Ctrl</kbd>", "color:red", "<path d"):
        assert expected in content, expected


def test_stripping_leaves_what_is_harmless_as_it_is(
    project: Project, standin: StandIn, pages: dict[str, str]
) -> None:
    pages["101"] = f"# Deploy\n{HARMLESS}"
    standin.pages.attachments["101"] = {"a.png": b"png", "report.pdf": b"pdf"}
    project.write("theme/main.html", "{{ page.content }}")
    elements = {}
    for raw_html in ("keep", "strip"):
        project.configure(
            ONE,
            site=standin.url,
            raw_html=raw_html,
            settings={
                "theme": {"name": None, "custom_dir": "theme"},
                "markdown_extensions": EXTENSIONS,
            },
        )
        built = project.build()
        assert "WARNING" not in built.log
        elements[raw_html] = list_elements(built.page("deploy"))

    assert elements["strip"] == elements["keep"]
    text = str(elements["keep"])
    for expected in ("admonition", "task-list-indicator", "linenos", "footnote-ref", "#more-more"):
        assert expected in text
    addresses = [value for element in elements["keep"] for value in element[1:] if "a.png" in value]
    assert addresses == ["src=a.png", "src=a.png"]


def test_diagrams_are_harmless() -> None:
    diagram = '<pre class="mermaid"><code>graph LR\n  A --&gt; B</code></pre>'

    assert sanitize(diagram) == diagram


def list_elements(html: str) -> list[tuple[str, ...]]:
    """Return all elements of a page with their attributes, in one order."""
    found: list[tuple[str, ...]] = []
    reader = HTMLParser()
    reader.handle_starttag = lambda tag, attrs: found.append(  # type: ignore[method-assign]
        (tag, *sorted(f"{name}={_write_style(value)}" for name, value in attrs))
    )
    reader.feed(html)
    # A browser adds it to any table.
    return [element for element in found if element != ("tbody",)]


def _write_style(value: str | None) -> str:
    return (value or "").removesuffix(";").replace("text-align: ", "text-align:")


def test_titles_and_names_are_text_wherever_they_are(
    project: Project, standin: StandIn, pages: dict[str, str]
) -> None:
    evil = "<img src=x onerror=alert(1)>"
    pages["101"] = f"---\ntitle: '{evil}'\ntags: ['{evil}']\n---\n\n![](%3Cimg onerror%3E.png)\n"
    pages["102"] = "# &lt;/title&gt;&lt;img src=x onerror=alert(1)&gt;\n\nText\n"
    standin.pages.attachments["101"] = {"<img onerror>.png": b"png"}
    project.configure(["confluence:101", "confluence:102"], site=standin.url, theme="material")

    built = project.build()

    assert built.messages() == ""
    assert files_of(built, "101") == ["img-onerror-.png", "index.html"]
    for page in ("101", "102"):
        assert "<img src=x" not in built.page(page)
        assert "<img onerror" not in built.page(page)
