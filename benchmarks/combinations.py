"""Plugins and themes that sites use, each as a site with pages from Confluence has it.

A text may name a page by `@deploy@`, `@back@`, `@notes@` or `@guide@`: in a site with Confluence it
is a reference, in its twin of local files a path.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

NAV: list[Any] = [
    {"Home": "index.md"},
    {"Deploy": "@deploy@"},
    {"Operate": [{"Roll back": "@back@"}, {"Notes": "@notes@"}]},
]


@dataclass(frozen=True)
class Combination:
    """A site."""

    name: str
    packages: tuple[str, ...]
    """As pip wants them, with versions."""
    plugins: tuple[Any, ...] = ()
    theme: str = "mkdocs"
    settings: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    """By path."""
    nav: Any = field(default_factory=lambda: NAV)
    reason: str = ""
    """Why it works in part only, where that is not ours to mend."""
    is_git: bool = False
    """The site is in a repository, with a commit."""
    plugins_last: bool = False
    """The plugins come after ours."""


def plugin(
    name: str,
    package: str,
    options: dict[str, Any] | None = None,
    **more: Any,  # noqa: ANN401  the other fields
) -> Combination:
    """Describe a site with one plugin, called as in `mkdocs.yml`."""
    entry = {name: options} if options else name
    return Combination(name, (package,), (entry,), **more)


def theme(name: str, package: str) -> Combination:
    """Describe a site with a theme."""
    packages = (package,) if package else ()
    return Combination(f"theme {name}", packages, theme=name)


def material(
    name: str, options: dict[str, Any] | None = None, *, files: dict[str, str] | None = None
) -> Combination:
    """Describe a site with one of Material's own plugins."""
    entry = {name: options} if options else name
    return Combination(
        f"material {name}", (_MATERIAL,), (entry,), theme="material", files=files or {}
    )


_LANGUAGES = [
    {"locale": "en", "name": "English", "default": True, "build": True},
    {"locale": "fr", "name": "Français", "build": True},
]
_SUMMARY = "* [Home](index.md)\n* [Deploy](@deploy@)\n* [Operate](operate/)\n"
_WHOLE_SUMMARY = (
    "* [Home](index.md)\n* [Deploy](@deploy@)\n* Operate\n"
    "    * [Roll back](@back@)\n    * [Notes](@notes@)\n"
)
_OPERATE = "* [Roll back](@back@)\n* [Notes](@notes@)\n"
_NAV_FILE = """nav:
  - Home: index.md
  - Deploy: "@deploy@"
  - Operate:
      - Roll back: "@back@"
      - Notes: "@notes@"
"""
_MATERIAL = "mkdocs-material==9.7.7"

COMBINATIONS = [
    # Navigation
    plugin("literate-nav", "mkdocs-literate-nav==0.6.3", nav=None,
           files={"docs/SUMMARY.md": _SUMMARY, "docs/operate/SUMMARY.md": _OPERATE}),
    Combination("gen-files + literate-nav",
                ("mkdocs-gen-files==0.6.1", "mkdocs-literate-nav==0.6.3"),
                ({"gen-files": {"scripts": ["write.py"]}}, "literate-nav"), nav=None,
                files={"write.py": f"import mkdocs_gen_files\nsummary = {_WHOLE_SUMMARY!r}\n"
                       "with mkdocs_gen_files.open('SUMMARY.md', 'w') as file:\n"
                       "    file.write(summary)\n"}),
    plugin("awesome-nav", "mkdocs-awesome-nav==3.3.0", nav=None,
           files={"docs/.nav.yml": _NAV_FILE}),
    plugin("awesome-pages", "mkdocs-awesome-pages-plugin==2.10.1", nav=[*NAV, "..."],
           files={"docs/more.md": "# More\n"}),
    plugin("section-index", "mkdocs-section-index==0.3.12"),
    plugin("mkdocs-nav-weight", "mkdocs-nav-weight==0.3.0"),
    plugin("pagetree", "mkdocs-pagetree-plugin==0.0.17"),
    plugin("mkdocs-breadcrumbs-plugin", "mkdocs-breadcrumbs-plugin==0.1.14"),
    plugin("toggle-sidebar", "mkdocs-toggle-sidebar-plugin==0.1.2", theme="material"),
    plugin("monorepo", "mkdocs-monorepo-plugin==1.1.2",
           nav=[*NAV, {"More": "!include more/mkdocs.yml"}],
           files={"more/docs/index.md": "# More\n",
                  "more/mkdocs.yml": "site_name: more\nnav:\n  - index.md\n"}),
    plugin("same-dir", "mkdocs-same-dir==0.1.5"),
    plugin("exclude", "mkdocs-exclude==1.0.2", {"glob": ["nothing/*"]}),
    plugin("file-filter", "mkdocs-file-filter-plugin==0.2.0"),
    # Languages and versions
    plugin("i18n", "mkdocs-static-i18n==1.3.1",
           {"docs_structure": "suffix", "languages": _LANGUAGES},
           files={"docs/index.fr.md": "# Accueil\n"}),
    Combination("i18n in folders", ("mkdocs-static-i18n==1.3.1",),
                ({"i18n": {"docs_structure": "folder", "languages": _LANGUAGES}},),
                files={"docs/fr/index.md": "# Accueil\n", "docs/en/extra.md": "# Extra\n"},
                reason="local pages are in the folders of languages"),
    plugin("mike", "mike==2.2.0"),
    # Dates and people
    plugin("git-revision-date-localized", "mkdocs-git-revision-date-localized-plugin==1.6.0",
           is_git=True, theme="material"),
    plugin("git-authors", "mkdocs-git-authors-plugin==0.10.0", is_git=True),
    plugin("git-committers", "mkdocs-git-committers-plugin-2==2.5.0",
           {"repository": "acme/docs", "enabled": False}, is_git=True),
    plugin("git-latest-changes", "mkdocs-git-latest-changes-plugin==0.0.23", is_git=True),
    plugin("document-dates", "mkdocs-document-dates==3.8.9", is_git=True,
           reason="it shows both dates of a page or none, and Confluence tells only of changes"),
    # Feeds, copies, search
    plugin("rss", "mkdocs-rss-plugin==1.19.0", settings={"site_url": "https://docs.example/"},
           is_git=True),
    plugin("print-site", "mkdocs-print-site-plugin==2.9", plugins_last=True),
    plugin("llmstxt", "mkdocs-llmstxt==0.5.1",
           {"sections": {"Runbooks": ["deploy.md", "operate/*.md"]}, "full_output": "full.txt"},
           settings={"site_url": "https://docs.example/"}, plugins_last=True),
    plugin("copy-to-llm", "mkdocs-copy-to-llm==0.2.10", theme="material"),
    plugin("exclude-search", "mkdocs-exclude-search==0.6.7", {"exclude": ["operate/notes.md"]}),
    plugin("localsearch", "mkdocs-localsearch==0.9.2", theme="material"),
    plugin("meta-descriptions", "mkdocs-meta-descriptions-plugin==4.1.0"),
    plugin("redirects", "mkdocs-redirects==1.2.3", {"redirect_maps": {"old.md": "@deploy@"}}),
    plugin("htmlproofer", "mkdocs-htmlproofer-plugin==1.6.0",
           {"validate_external_urls": False, "raise_error": True}),
    # Text and pictures
    plugin("techdocs-core", "mkdocs-techdocs-core==1.7.1"),
    plugin("callouts", "mkdocs-callouts==1.17.1", settings={"markdown_extensions": ["admonition"]}),
    plugin("gh-admonitions", "mkdocs-github-admonitions-plugin==0.1.1",
           settings={"markdown_extensions": ["admonition"]}),
    plugin("macros", "mkdocs-macros-plugin==1.5.0"),
    plugin("markdownextradata", "mkdocs-markdownextradata-plugin==0.2.6"),
    plugin("include-markdown", "mkdocs-include-markdown-plugin==7.3.0"),
    plugin("external-markdown", "mkdocs-embed-external-markdown==3.0.2"),
    plugin("snippets", "mkdocs-snippets==1.3.2"),
    plugin("codeinclude", "mkdocs-codeinclude-plugin==0.3.1"),
    plugin("table-reader", "mkdocs-table-reader-plugin==4.0.2"),
    plugin("glightbox", "mkdocs-glightbox==0.5.3"),
    plugin("panzoom", "mkdocs-panzoom-plugin==0.5.3"),
    plugin("img2fig", "mkdocs-img2fig-plugin==0.9.3",
           reason="it changes the Markdown of local pages only, unless `trusted_plugins` names it"),
    plugin("caption", "mkdocs-caption==1.3.0"),
    plugin("mermaid2", "mkdocs-mermaid2-plugin==1.2.3"),
    plugin("build_plantuml", "mkdocs-build-plantuml-plugin==2.1.0"),
    plugin("drawio", "mkdocs-drawio==1.16.3"),
    plugin("swagger-ui-tag", "mkdocs-swagger-ui-tag==0.8.1"),
    plugin("asciinema-player", "mkdocs-asciinema-player==1.2.0"),
    plugin("mkdocs-video", "mkdocs-video==1.5.0"),
    plugin("badges", "mkdocs-badges==0.6.0"),
    plugin("tooltips", "mkdocs-tooltips==0.1.0"),
    plugin("add-number", "mkdocs-add-number-plugin==1.2.2",
           reason="links lead to numbered headings, those of local pages do not"),
    plugin("enumerate-headings", "mkdocs-enumerate-headings-plugin==0.7.0"),
    plugin("open-in-new-tab", "mkdocs-open-in-new-tab==1.0.8"),
    plugin("site-urls", "mkdocs-site-urls==0.3.1", settings={"site_url": "https://docs.example/"}),
    plugin("alias", "mkdocs-alias-plugin==0.12.0"),
    plugin("autolinks", "mkdocs-autolinks-plugin==0.7.1"),
    plugin("ezlinks", "mkdocs-ezlinks-plugin==0.1.14"),
    plugin("roamlinks", "mkdocs-roamlinks-plugin==0.3.2"),
    plugin("obsidian-support", "mkdocs-obsidian-support-plugin==1.4.1",
           reason="alerts are panels in pages from Confluence, and broken in local ones"),
    plugin("autorefs", "mkdocs-autorefs==1.4.5"),
    plugin("mkdocstrings", "mkdocstrings[python]==1.0.8"),
    plugin("spellcheck", "mkdocs-spellcheck==1.2.2", {"backends": ["symspellpy"]}),
    plugin("bibtex", "mkdocs-bibtex==4.4.0", {"bib_file": "refs.bib"},
           files={"refs.bib": "@book{a, title={A}, author={B}, year={2020}}\n"}),
    plugin("mkdocs-jupyter", "mkdocs-jupyter==0.26.3"),
    plugin("encryptcontent", "mkdocs-encryptcontent-plugin==3.1.0"),
    plugin("minify", "mkdocs-minify-plugin==0.8.0", {"minify_html": True}),
    plugin("meta-manager", "mkdocs-meta-manager==1.1.0"),
    plugin("categories", "mkdocs-categories-plugin==0.6.0"),
    plugin("mkdocs-simple-hooks", "mkdocs-simple-hooks==0.1.5"),
    plugin("schema_reader", "mkdocs-schema-reader==0.11.1"),
    # Material's own
    material("blog", files={
        "docs/blog/index.md": "# Blog\n",
        "docs/blog/posts/a.md":
            "---\ndate: 2026-01-01\n---\n# A\n\n[x](@back@#@second@)\n\n<!-- more -->\n\nMore\n",
    }),
    material("tags", files={"docs/tags.md": "# Tags\n\n<!-- material/tags -->\n"}),
    material("meta", files={"docs/operate/.meta.yml": "tags: [ops]\n"}),
    material("offline"),
    material("group", {"enabled": True, "plugins": ["tags"]}),
    material("search"),
    material("privacy", {"assets": False}),
    # Themes
    theme("mkdocs", ""), theme("readthedocs", ""), theme("material", _MATERIAL),
    theme("shadcn", "mkdocs-shadcn==0.12.2"), theme("terminal", "mkdocs-terminal==4.8.0"),
    theme("cinder", "mkdocs-cinder==1.2.0"), theme("windmill", "mkdocs-windmill==1.0.5"),
    theme("ivory", "mkdocs-ivory==0.4.6"), theme("dracula", "mkdocs-dracula-theme==1.1.0"),
    theme("gitbook", "mkdocs-gitbook==0.0.1"), theme("bootstrap4", "mkdocs-bootstrap4==0.1.5"),
    theme("rtd-dropdown", "mkdocs-rtd-dropdown==1.0.2"),
    theme("bootstrap", "mkdocs-bootstrap==1.1.1"), theme("nature", "mkdocs-nature==0.6"),
    theme("simple-blog", "mkdocs-simple-blog==0.6.1"), theme("flatly", "mkdocs-bootswatch==1.1"),
]  # fmt: skip
