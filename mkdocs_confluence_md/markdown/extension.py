"""The Python-Markdown extension that renders pages from Confluence.

A preprocessor before all others takes the page's text away, and a tree processor before all others
puts the page's elements in its place. Everything between them reads nothing, so nothing that is
written in Confluence includes files or calls plugins; everything behind them works as on any page:
the table of contents, permalinks, MkDocs' own checks of links.
"""

from __future__ import annotations

import gc
import xml.etree.ElementTree as ET
from collections import Counter
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeAlias

from markdown import Extension
from markdown.preprocessors import Preprocessor
from markdown.treeprocessors import InlineProcessor, Treeprocessor
from markdown.util import ETX, STX, AtomicString

from mkdocs_confluence_md.errors import RenderingError
from mkdocs_confluence_md.markdown.attachments import AttachmentProcessor
from mkdocs_confluence_md.markdown.budget import BUDGET, Budget
from mkdocs_confluence_md.markdown.context import find_place, join
from mkdocs_confluence_md.markdown.elements import SiteMarkup, build_tree
from mkdocs_confluence_md.markdown.formulas import DRAWS_FORMULAS
from mkdocs_confluence_md.markdown.links import LinkProcessor
from mkdocs_confluence_md.markdown.parser import Grammar
from mkdocs_confluence_md.markdown.repairs.kinds import count_repairs, list_macros

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from xml.etree.ElementTree import Element

    from markdown import Markdown
    from mkdocs.config.defaults import MkDocsConfig

    from mkdocs_confluence_md.markdown.context import Place, RenderedSite
    from mkdocs_confluence_md.markdown.parsed import ParsedPages

_FIRST = 1_000_000

MERMAID_ADVICE = """\
A page from Confluence has a Mermaid diagram, which this site shows as code. To draw it, add to \
markdown_extensions in mkdocs.yml:

  - pymdownx.superfences:
      custom_fences:
        - name: mermaid
          class: mermaid
          format: !!python/name:pymdownx.superfences.fence_code_format
"""


def draws_diagrams(extension_settings: Mapping[str, Any]) -> bool:
    """Return True if the settings of the site's extensions make diagrams of Mermaid's fences."""
    # `pymdownx.extra` passes on what is in its own settings.
    settings = {**extension_settings.get("pymdownx.extra", {}), **extension_settings}
    fences = settings.get("pymdownx.superfences", {}).get("custom_fences", [])
    return any(fence.get("name") in {"mermaid", "*"} for fence in fences)


class ConfluenceExtension(Extension):
    """Reads pages from Confluence as CommonMark, and rewrites the links of all pages.

    It is in the site's list of extensions, so it also meets what other plugins convert.

    Args:
        site: Without one, each text is read as a page from Confluence, and links stay as they are.
        repairs: Whether the forms of exporters are repaired.
    """

    def __init__(self, site: RenderedSite | None = None, *, repairs: bool = True) -> None:
        super().__init__()
        self.site = site
        self.languages: set[str] = set()
        """The languages of code in the pages so far."""
        self.titled: set[str] = set()
        """The pages that were headed with their titles, by `src_uri`."""
        self.repairs: Counter[str] = Counter()
        """What was repaired in the pages so far, by kind."""
        self.macros: dict[str, list[str]] = {}
        """The macros that were not exported, by the `src_uri` of the page."""
        self.grammar = Grammar(repairs=repairs)
        self.make_budget: Callable[[], Budget] = Budget
        self.parsed: ParsedPages | None = None
        """The pages that need not be parsed again; None if no build has left any."""

    def join(self, config: MkDocsConfig) -> None:
        """Have all pages of a site rendered with this extension, in place of an earlier build's."""
        extensions: list[object] = config.markdown_extensions  # type: ignore[assignment]  # names only, says MkDocs
        extensions[:] = [each for each in extensions if type(each) is not ConfluenceExtension]
        join(self, config)

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802  Python-Markdown's name
        """Register what takes part in rendering a page."""
        reader = _Reader(md, self)
        md.preprocessors.register(reader, "confluence_text", _FIRST)
        writer = _Writer(md, self, reader)
        md.treeprocessors.register(writer, "confluence_tree", _FIRST)
        if _ABBREVIATIONS in md.treeprocessors:
            for name, type_, priority in _AROUND_ABBREVIATIONS:
                md.treeprocessors.register(_TextTypes(md, writer, type_), name, priority)
        for processor in md.treeprocessors:
            if isinstance(processor, InlineProcessor):
                writer.keep_from(processor)
        if self.site:
            AttachmentProcessor(md, self.site).register()
            LinkProcessor(md, self.site).register()

    def take(self, text: str, place: Place | None) -> str | None:
        """Return the page's text if this is it; None for another text."""
        return text if self.site is None or self.site.is_source(text, place) else None


class _Reader(Preprocessor):
    """Takes the text of a page from Confluence away."""

    def __init__(self, markdown: Markdown, extension: ConfluenceExtension) -> None:
        super().__init__(markdown)
        self._extension = extension
        self.text = ""

    def run(self, lines: list[str]) -> list[str]:
        text = self._extension.take("\n".join(lines), find_place(self.md))
        if text is None:
            return lines
        # Python-Markdown's own marks, which it takes out of all it reads.
        self.text = text.replace(STX, "").replace(ETX, "")
        return []


class _TextTypes(Treeprocessor):
    """Lets abbreviations of the site be found in a page from Confluence.

    Python-Markdown leaves `AtomicString` alone, which keeps it from reading the text as Markdown.
    """

    def __init__(self, markdown: Markdown, writer: _Writer, type_: type[str]) -> None:
        super().__init__(markdown)
        self._writer = writer
        self._type = type_

    def run(self, root: Element) -> None:
        if not self._writer.is_ours:
            return
        for element in root.iter():
            if element.text and element.tag not in {"code", "pre", "abbr"}:
                element.text = self._type(element.text)
            if element.tail:
                element.tail = self._type(element.tail)


_ABBREVIATIONS = "abbr"
_AROUND_ABBREVIATIONS = (("confluence_plain", str, 7.5), ("confluence_atomic", AtomicString, 6.5))
"""Just before it (7), and just after."""


_Rendered: TypeAlias = "tuple[Element, dict[str, Any], SiteMarkup]"


class _Writer(Treeprocessor):
    """Puts the elements of a page from Confluence in their place."""

    def __init__(self, markdown: Markdown, extension: ConfluenceExtension, reader: _Reader) -> None:
        super().__init__(markdown)
        self._extension = extension
        self._reader = reader
        self.is_ours = False
        """The text that is rendered is a page from Confluence."""
        self._tree: Element | None = None
        self._count = 0
        """How many children of it are the page's."""

    def keep_from(self, processor: InlineProcessor) -> None:
        """Have a processor of Markdown in texts run on everything but the page's elements.

        It would find nothing in them, and looks through all children of a paragraph for each.
        """
        run = processor.run

        def run_on_rest(tree: Element, ancestors: list[str] | None = None) -> Element:
            if tree is not self._tree:
                return run(tree, ancestors)
            text, children = tree.text, tree[: self._count]
            del tree[: self._count]
            tree.text = None
            run(tree, ancestors)
            tree.text, tree[:0] = text, children
            return tree

        processor.run = run_on_rest  # type: ignore[method-assign]  # of this one alone

    def run(self, root: Element) -> Element | None:
        text, self._reader.text = self._reader.text, ""
        self.is_ours = bool(text)
        self._tree = None
        if not text:
            return None
        place = find_place(self.md)
        site = self._extension.site

        def find_url() -> str:
            return _find_url(place, site)

        try:
            tree, env, markup = self._render_known(text, find_url) or self._render(text, find_url)
        except RenderingError as error:
            if site is None or place is None:
                raise
            tree, env, markup = self._render(site.give_up(place, error), find_url)
        self._extension.languages |= markup.languages
        self._extension.repairs += count_repairs(env)
        if place and (macros := list_macros(env)):
            self._extension.macros[place.file.src_uri] = macros
        if markup.raw_html:
            self._tell_of_anchors(markup.raw_html)
        if site and place and not _has_title(tree, markup.raw_html) and _add_title(tree, place):
            self._extension.titled.add(place.file.src_uri)
        # Whatever is there was added to each page of the site: abbreviations, say.
        self._tree, self._count = tree, len(tree)
        tree.extend(root)
        return tree

    def _render_known(self, text: str, find_url: Callable[[], str]) -> _Rendered | None:
        """Render a page that an earlier build has parsed; None for any other."""
        parsed = self._extension.parsed
        if parsed is None:
            return None
        markup = SiteMarkup(self.md, find_url)
        env: dict[str, Any] = {DRAWS_FORMULAS: markup.draws_formulas}
        with _no_search_for_garbage(), suppress(Exception):  # whatever was written into the file
            if (tokens := parsed.find(text, env)) is not None:
                tree = build_tree(tokens, markup, self._extension.make_budget())
                if not tree.attrib:  # Python-Markdown looks for the root as it is
                    return tree, env, markup
        return None

    def _render(self, text: str, find_url: Callable[[], str]) -> _Rendered:
        markup = SiteMarkup(self.md, find_url)
        budget = self._extension.make_budget()
        env: dict[str, Any] = {DRAWS_FORMULAS: markup.draws_formulas, BUDGET: budget}
        with _no_search_for_garbage():
            tokens = self._extension.grammar.parse(text, env)
            tree = build_tree(tokens, markup, budget)
            if self._extension.parsed:
                self._extension.parsed.keep(text, tokens, env)
            return tree, env, markup

    def _tell_of_anchors(self, raw_html: list[str]) -> None:
        """Let MkDocs see which anchors the page's HTML has: it checks links to them."""
        for host in ("mkdocs", "properdocs"):
            if f"{host}_raw_html" in self.md.preprocessors:
                self.md.preprocessors[f"{host}_raw_html"].run(raw_html)


def _find_url(place: Place | None, site: RenderedSite | None) -> str:
    """Return where the page is in Confluence: as the site knows it, or its metadata."""
    if site and place and (url := site.find_source(place)):
        return url
    page = place.file.page if place else None
    return str(page.meta.get("confluence_url", "")) if page else ""


def _has_title(tree: Element, raw_html: list[str]) -> bool:
    return tree.find(".//h1") is not None or any("<h1" in html.lower() for html in raw_html)


def _add_title(tree: Element, place: Place) -> bool:
    """Head a page with its title, as an element: so it gets an ID, and search knows it as one."""
    title = str(place.file.page.title or "") if place.file.page else ""
    if not title or "<" in title:  # it is not sure to be a text
        return False
    heading = ET.Element("h1")
    heading.text = AtomicString(title)
    tree.insert(0, heading)
    heading.tail, tree.text = tree.text, None
    return True


@contextmanager
def _no_search_for_garbage() -> Iterator[None]:
    """Let Python not look for garbage while one page is parsed.

    A page's tokens are many and gone when its tree is there, none of them by that search. But they
    made Python search twice as often as for local files, and each search through all that MkDocs
    knows of 1,000 pages takes longer than a page.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
