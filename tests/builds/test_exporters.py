"""Archives of other exporters in whole builds: each page at its place, and no link is broken."""

from __future__ import annotations

import html
import posixpath
import re
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import unquote

import pytest

from exporters import GUIDE, PNG, Export, Style, pack
from projects import Project
from standin import PageRecord, SpaceRecord, StandIn

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from projects import Built

ROOT = "987654"
NAV: list[Any] = [{"Guide": f"confluence:{ROOT}/"}]
THEMES = ["mkdocs", "material"]
_HEADING = re.compile(r"<h1[^>]*>(.*?)</h1>", re.DOTALL)
_WINDOW_TITLE = re.compile(r"<title>(.*?)</title>")


pytestmark = pytest.mark.usefixtures("without_redirects")


@pytest.fixture
def pages() -> dict[str, str]:
    """Return no pages: each test has an archive."""
    return {}


@pytest.fixture
def project(tmp_path: Path, standin: StandIn) -> Project:
    api = {"CONFLUENCE_MD_API_URL": standin.url}
    return Project(tmp_path / "project", {**standin.environment(), **api})


def build(
    project: Project,
    standin: StandIn,
    content: bytes,
    nav: list[Any] | None = None,
    theme: str = "mkdocs",
) -> Built:
    """Build a site of an archive; there are no warnings."""
    standin.pages.tree_archives[ROOT] = content
    options = {"site": "https://acme.atlassian.net", "cloud_id": standin.cloud_id}
    project.configure(nav or NAV, options=options, theme=theme)
    built = project.build()
    assert (built.messages(), built.exit_code) == ("", 0)
    return built


def build_texts(
    project: Project,
    standin: StandIn,
    texts: Mapping[str, str],
    nav: list[Any] | None = None,
    theme: str = "mkdocs",
) -> Built:
    """Build a site of these files, of which those in capitals are no pages."""
    count = sum(not path.startswith("README") for path in texts)
    standin.pages.add(PageRecord(ROOT, texts.get("root.md", ""), title="Root"))
    standin.pages.add(*(PageRecord(str(number), "", title=f"P{number}", parent=ROOT)
                        for number in range(1, count)))  # fmt: skip
    content = pack({path: text.encode() for path, text in texts.items()})
    return build(project, standin, content, nav, theme)


def read_pages(built: Built) -> dict[str, str]:
    """Return the HTML of each page by its path in the site, without the home page."""
    found = {path.parent.relative_to(built.site_dir).as_posix(): path.read_text(encoding="utf-8")
             for path in built.site_dir.rglob("index.html")}  # fmt: skip
    del found["."]
    return found


def read_titles(built: Built) -> dict[str, list[str]]:
    """Return the first-level headings of each page."""
    found = {path: _HEADING.findall(text) for path, text in read_pages(built).items()}
    return {path: list(map(_read_text, headings)) for path, headings in found.items()}


def read_window_titles(built: Built) -> dict[str, str]:
    """Return what MkDocs takes for the title of each page."""
    found = {path: _WINDOW_TITLE.search(text) for path, text in read_pages(built).items()}
    return {path: html.unescape(match[1]).removesuffix(" - Handbook")
            for path, match in found.items() if match}  # fmt: skip


def _read_text(heading: str) -> str:
    return html.unescape(re.sub(r'<a class="headerlink.*?</a>|<[^>]+>', "", heading)).strip()


def find_broken(built: Built) -> list[str]:
    """Return the links and pictures that lead to nothing."""
    broken = []
    for path, text in read_pages(built).items():
        for address in re.findall(r'(?:href|src)="([^":?]+)"', text):
            target = unquote(html.unescape(address).partition("#")[0])
            file = built.site_dir / posixpath.normpath(posixpath.join(path, target))
            is_page = not file.suffix or address.endswith("/")
            if not (file / "index.html" if is_page else file).exists():
                broken.append(f"{path}: {address}")
    return broken


def find_target(built: Built, path: str, text: str) -> str:
    """Return the path in the site to which a link with this text leads."""
    content = read_pages(built)[path].partition("<h1")[2]
    label = re.escape(html.escape(text, quote=False))
    match = re.search(rf'href="([^"]+)"[^>]*>{label}</a>', content)
    assert match
    return posixpath.normpath(posixpath.join(path, unquote(match[1])))


SERVICES = "guide/nachtschicht-übersicht-dienste"
PLACES = {
    "guide": "Team guide",
    "guide/01-roll-out": "01 Roll out",
    SERVICES: "Nachtschicht: Übersicht & Dienste",
    f"{SERVICES}/当番の手引き": "当番の手引き",
    f"{SERVICES}/当番の手引き/alarme": "Alarme",
    f"{SERVICES}/連絡先": "連絡先",
    f"{SERVICES}/年報-2030": "年報 2030",
    f"{SERVICES}/年報-2031": "年報 2031",
    "guide/where-is-what-who-knows-why-and": 'Where is what / who knows, "why" and ?',
    "guide/02-depth-first": "02 Depth (first)",
    "guide/02-depth-first/depth-second": "Depth (second)",
    "guide/02-depth-first/depth-second/depth-third": "Depth (third)",
}


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(
    ("style", "folder"),
    [("own", ""), ("shared", "attachments"), ("shared", "team-guide/attachments")],
)
def test_all_of_an_export_is_at_its_place(
    project: Project, standin: StandIn, style: Style, folder: str, theme: str
) -> None:
    export = Export(GUIDE, style, folder)
    standin.pages.add(*export.records(ROOT))

    built = build(project, standin, export.pack(), theme=theme)

    titles = read_titles(built)
    [rocket] = set(titles) - set(PLACES)  # whose title has nothing that a path may have
    assert titles.pop(rocket) == ["🚀"]
    assert titles == {path: [title] for path, title in PLACES.items()}
    assert read_window_titles(built)[SERVICES] == PLACES[SERVICES]
    assert find_broken(built) == []
    files = [doc.files for doc in GUIDE.walk()]
    pictures = {path.read_bytes() for path in (built.site_dir / "guide").rglob("*.png")}
    assert pictures == {PNG + name.encode() for names in files for name in names}
    night = f"{SERVICES}/当番の手引き"
    assert find_target(built, SERVICES, "当番の手引き") == night
    assert find_target(built, SERVICES, "連絡先") == f"{SERVICES}/連絡先"
    assert find_target(built, SERVICES, "🚀") == rocket
    assert find_target(built, f"{night}/alarme", "当番の手引き") == night
    assert find_target(built, f"{SERVICES}/年報-2030", "年報 2031") == f"{SERVICES}/年報-2031"


@pytest.mark.parametrize("style", get_args(Style))
def test_a_table_of_contents_is_no_page_and_links_to_it_lead_to_the_root(
    project: Project, standin: StandIn, style: Style
) -> None:
    export = Export(GUIDE, style)
    standin.pages.add(*export.records(ROOT))
    export.pack()
    paths = [f"- [{title}]({path.replace(' ', '%20')}.md)" for title, path in export.paths.items()]
    contents = "# Table of contents\n\n" + "\n".join(paths) + "\n"

    built = build(project, standin, export.pack({"README.md": contents}))

    assert set(PLACES) < set(read_titles(built))
    assert len(read_pages(built)) == len(PLACES) + 1
    assert find_broken(built) == []


def test_a_link_to_a_table_of_contents_leads_to_the_root(
    project: Project, standin: StandIn
) -> None:
    texts = {
        "README.md": "# Export\n\n- [Root](root.md)\n- [A](root/a.md)\n",
        "root.md": "# Root\n",
        "root/a.md": "[Contents](../README.md)\n\n# A\n\nText.\n",
    }

    built = build_texts(project, standin, texts)

    assert read_titles(built) == {"guide": ["Root"], "guide/a": ["A"]}
    assert 'href="../">Contents</a>' in built.page("guide/a")


OPENINGS = {
    "comment": "<!-- made by an exporter -->\n",
    "comments": "<!-- one\nand two -->\n\n<!-- three -->\n\n",
    "anchor": '<a id="the-title"></a>\n\n',
    "anchor right before": '<a id="the-title"></a>\n',
    "named anchor": '<a name="t"></a><a name="u"></a>\n\n',
    "breadcrumb": "[Root](../root.md) > [Root](../root.md)\n\n",
    "breadcrumb in CommonMark": "[Root](../root.md) \\> [Root](../root.md)\n\n",
    "breadcrumb with slashes": "[Root](../root.md) / [Root](../root.md)\n",
    "breadcrumb with quotes": "[Root](../root.md) » [Root](../root.md)\n\n",
    "all": '<!-- x -->\n[Root](../root.md) › [Root](../root.md)\n\n<a id="the-title"></a>\n\n',  # noqa: RUF001  as it is written
    "nothing": "",
}


@pytest.mark.parametrize("theme", THEMES)
def test_a_heading_behind_what_is_no_text_is_the_title_and_there_once(
    project: Project, standin: StandIn, theme: str
) -> None:
    texts = {"root.md": "<!-- x -->\n# Root\n"} | {
        f"root/p{number}.md": f"{opening}# The *title* of {name} & `more`\n\nText.\n"
        for number, (name, opening) in enumerate(OPENINGS.items())
    }
    texts["root/inner.md"] = '# <a id="t"></a>Inner\n\nText.\n'

    built = build_texts(project, standin, texts, theme=theme)

    titles = read_titles(built)
    windows = read_window_titles(built)
    expected = {f"The title of {name} & more" for name in OPENINGS} | {"Root", "Inner"}
    assert sorted(title for found in titles.values() for title in found) == sorted(expected)
    assert set(windows.values()) == expected
    assert find_broken(built) == []


@pytest.mark.parametrize("theme", THEMES)
def test_the_same_is_true_of_a_page_that_is_exported_alone(
    project: Project, standin: StandIn, theme: str
) -> None:
    openings = {name: text for name, text in OPENINGS.items() if "Root" not in text}
    for number, (name, opening) in enumerate(openings.items(), 1):
        text = f"{opening}# Title of {name}\n\nText.\n"
        standin.pages.add(PageRecord(str(number), text, title="No"))
    project.configure(
        [f"confluence:{number}" for number, _ in enumerate(openings, 1)],
        cloud_id=standin.cloud_id,
        theme=theme,
    )

    built = project.build()

    assert (built.messages(), built.exit_code) == ("", 0)
    expected = sorted(f"Title of {name}" for name in openings)
    assert sorted(title for found in read_titles(built).values() for title in found) == expected
    assert sorted(read_window_titles(built).values()) == expected


LOST = "page-2f0c1d5e-0a0b-4c0d-8e0f-{:012}"


def test_a_page_without_any_title_is_not_called_by_a_random_name(
    project: Project, standin: StandIn
) -> None:
    texts = {
        "root.md": f"# Root\n\n[one](root/{LOST.format(1)}.md) [two](root/{LOST.format(2)}.md)\n",
        f"root/{LOST.format(1)}.md": "Text of one.\n",
        f"root/{LOST.format(2)}.md": "---\npage_id: 4711\n---\nText of two.\n",
        f"root/{LOST.format(3)}.md": "---\ntitle: 題\n---\nText of three.\n",
    }

    built = build_texts(project, standin, texts)

    assert read_window_titles(built) == {
        "guide": "Root",
        "guide/untitled": "Untitled",
        "guide/page-4711": "Page 4711",
        "guide/題": "題",
    }
    assert find_target(built, "guide", "one") == "guide/untitled"
    assert find_target(built, "guide", "two") == "guide/page-4711"
    assert find_broken(built) == []


FLAT = {"a.md": "# A\n", "b.md": "# B\n\nText.\n", "root.md": "# Root of all\n"}


def test_the_root_of_a_flat_export_is_known_if_it_stands_in_nav_alone(
    project: Project, standin: StandIn
) -> None:
    nav: list[Any] = [{"Own": f"confluence:{ROOT}"}, *NAV]

    built = build_texts(project, standin, FLAT, nav=nav)

    assert read_titles(built) == {"own": ["Root of all"], "guide/a": ["A"], "guide/b": ["B"]}
    assert standin.exports() == [ROOT]


def test_parents_in_front_matter_are_the_tree_of_a_flat_export(
    project: Project, standin: StandIn
) -> None:
    def write(title: str, page_id: int, parent: int) -> str:
        return f"---\nconfluence_page_id: {page_id}\nparent_id: {parent}\n---\n# {title}\n\nText.\n"

    texts = {
        "c.md": write("C", 13, 12) + "[up](b.md) [top](root.md)\n",
        "b.md": write("B", 12, int(ROOT)),
        "root.md": write("Root", int(ROOT), 5),
        "a.md": write("A", 11, int(ROOT)),
    }

    built = build_texts(project, standin, texts)

    assert read_titles(built) == {
        "guide": ["Root"], "guide/a": ["A"], "guide/b": ["B"], "guide/b/c": ["C"],
    }  # fmt: skip
    assert find_broken(built) == []


def test_a_space_has_no_root_to_look_for(project: Project, standin: StandIn) -> None:
    standin.pages.add_space(SpaceRecord("ENG", "Engineering"))
    standin.pages.add(*(PageRecord(each, "", title=each, space="ENG") for each in ("1", "2")))
    texts = {"SUMMARY.md": "* [A](a.md)\n* [B](b.md)\n", "a.md": "# A\n", "b.md": "# B\n"}
    standin.pages.tree_archives["ENG"] = pack({path: texts[path].encode() for path in texts})
    project.configure([{"Wiki": "confluence:space/ENG"}], cloud_id=standin.cloud_id)

    built = project.build()

    assert (built.messages(), built.exit_code) == ("", 0)
    assert read_titles(built) == {"wiki/a": ["A"], "wiki/b": ["B"]}
