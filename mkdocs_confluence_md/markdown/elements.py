"""Convert markdown-it's tokens to the element tree of Python-Markdown.

All text in it is `AtomicString`, which Python-Markdown takes as it is. What some of its processors
would still interpret is escaped in Python-Markdown's own way, as if its writer had put a backslash.
"""

from __future__ import annotations

import html
import re
import time
from collections import defaultdict
from contextlib import suppress
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from markdown.extensions.footnotes import FootnoteExtension
from markdown.util import ETX, HTML_PLACEHOLDER_RE, STX, AtomicString
from markdown_it.common.utils import unescapeAll
from markdown_it.token import Token

from mkdocs_confluence_md.markdown.admonitions import style_html
from mkdocs_confluence_md.markdown.budget import InterruptedRenderingError, interrupt_after
from mkdocs_confluence_md.markdown.context import SOURCE_CLASS
from mkdocs_confluence_md.markdown.sanitizing import make_plain_title

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from markdown import Markdown
    from markdown.util import Registry

    from mkdocs_confluence_md.markdown.budget import Budget


_DEEPEST = 150
"""How many elements may be within each other: serializers recurse."""

# Python-Markdown leaves what looks like an entity as it is; here, each is meant literally.
_ENTITY = re.compile(r"&(?=(?:#[0-9]+|#x[0-9a-f]+|[0-9a-z]+);)", re.IGNORECASE)
# These begin attribute lists, tasks and the marker of the table of contents.
_MARK = re.compile(r"[{\[]")
_HARMFUL = re.compile(
    r"(?:javascript|vbscript|data(?!:image/(?:gif|png|jpeg|webp);)):", re.IGNORECASE
)

_FORMULAS = "arithmatex-inline"
_FORMULA_BLOCKS = "arithmatex-block"


def build_tree(
    tokens: Sequence[Token], markup: SiteMarkup, budget: Budget | None = None
) -> ET.Element:
    """Return a `div` with the page's elements.

    Raises:
        RenderingError: It takes longer than a page may.
    """
    builder = _Builder(markup, budget)
    builder.add(tokens)
    return builder.finish()


class _Builder:
    """Adds token by token to the element that is open."""

    def __init__(self, markup: SiteMarkup, budget: Budget | None) -> None:
        self._markup = markup
        self._budget = budget
        self._root = ET.Element("div")
        self._open = [self._root]
        self._texts: list[str] = []
        """Those that were added last, all of them in one place."""
        self._place: tuple[ET.Element, ET.Element | None] = self._root, None
        """The element that they are in, and the one that they are behind."""
        self._special: dict[str, Callable[[Token], None]] = {
            "inline": self._add_children,
            "text": lambda token: self._add_text(_escape(token.content)),
            "softbreak": lambda _: self._add_text("\n"),
            "code_inline": self._add_code,
            "fence": lambda token: self._add_block(token.content, unescapeAll(token.info)),
            "code_block": lambda token: self._add_block(token.content, ""),
            "html_block": self._add_html_block,
            "html_inline": lambda token: self._add_text(markup.keep_html(token.content)),
            "image": self._add_image,
            "checkbox": self._add_checkbox,
            "footnote_ref": self._add_reference,
            "footnote_reference_open": self._open_footnote,
            "list_item_open": self._open_list_item,
            "math_inline": self._add_formula,
            "math_inline_double": self._add_formula,
            "math_block": self._add_formula_block,
            "source_link_open": self._open_source_link,
        }

    def add(self, tokens: Sequence[Token]) -> None:
        if self._budget:
            self._budget.spend(len(tokens))
        for token in tokens:
            special = self._special.get(token.type)
            if special:
                special(token)
            elif token.nesting > 0:
                self._open_element(token)
            elif token.nesting < 0:
                self._open.pop()
            else:
                self._append(token.tag, token.attrs)

    def finish(self) -> ET.Element:
        self._join_texts()
        section = self._markup.footnotes.make_section()
        if section is not None:
            self._root.append(section)
        return self._root

    def _open_element(self, token: Token) -> None:
        parent = self._open[-1]
        if token.hidden or not token.tag or len(self._open) > _DEEPEST or _is_harmful(token):
            # Its content is in the element around it.
            self._open.append(parent)
        else:
            tag = "del" if token.type == "s_open" else token.tag
            self._open.append(self._append(tag, token.attrs))

    def _append(self, tag: str, attributes: dict[str, str | int | float]) -> ET.Element:
        named = [self._name_attribute(name, str(value)) for name, value in attributes.items()]
        return ET.SubElement(self._open[-1], tag, dict(named))

    def _name_attribute(self, name: str, value: str) -> tuple[str, str]:
        if name == "style":
            return self._markup.align_cell(value)
        if name == "title":
            value = make_plain_title(value)
        return name, _ENTITY.sub("&amp;", value)

    def _add_children(self, token: Token) -> None:
        self.add(token.children or [])

    def _add_text(self, text: str) -> None:
        parent = self._open[-1]
        place = parent, parent[-1] if len(parent) else None
        if place != self._place:
            self._join_texts()
            self._place = place
        self._texts.append(text)

    def _join_texts(self) -> None:
        """Put texts in their place together: one by one takes the square of their number."""
        if not self._texts:
            return
        text, (parent, before) = "".join(self._texts), self._place
        self._texts = []
        if before is None:
            parent.text = AtomicString((parent.text or "") + text)
        else:
            before.tail = AtomicString((before.tail or "") + text)

    def _add_code(self, token: Token) -> None:
        code = self._append("code", {})
        code.text = AtomicString(_ENTITY.sub("&amp;", token.content))

    def _add_block(self, code: str, info: str) -> None:
        paragraph = self._append("p", {})
        paragraph.text = AtomicString(self._markup.show_code(code, info))

    def _add_formula(self, token: Token) -> None:
        shown = self._markup.show_formula(token.content, display=token.type != "math_inline")
        if shown is None:
            self._add_text(_escape(f"{token.markup}{token.content}{token.markup}"))
        else:
            self._open[-1].append(shown)

    def _add_formula_block(self, token: Token) -> None:
        shown = self._markup.show_formula(token.content.strip(), display=True)
        if shown is None:
            text = f"$${token.content}$$"
            self._append("p", {}).text = AtomicString(_escape(text))
        else:
            self._open[-1].append(shown)

    def _add_html_block(self, token: Token) -> None:
        # Between the elements, not in one: it may open what comes later, and close it there.
        html = style_html(token.content.strip("\n"))
        self._add_text(f"\n{self._markup.keep_html(html)}\n")

    def _add_image(self, token: Token) -> None:
        alt = "".join(_read_plainly(token.children or []))
        if _is_harmful(token):
            self._add_text(_escape(alt))
        else:
            self._append("img", {**token.attrs, "alt": alt})

    def _add_checkbox(self, token: Token) -> None:
        self._add_text(self._markup.show_checkbox(checked=token.meta["checked"]))

    def _add_reference(self, token: Token) -> None:
        self._open[-1].append(self._markup.footnotes.refer_to(token.meta["label"]))

    def _open_footnote(self, token: Token) -> None:
        self._open.append(self._markup.footnotes.define(token.meta["label"]))

    def _open_source_link(self, token: Token) -> None:
        """Lead to the page in Confluence, which has what was not exported."""
        url = self._markup.find_url()
        link = Token(token.type, "a" if url else "", 1)
        link.attrs = {"class": SOURCE_CLASS, "href": url}
        self._open_element(link)

    def _open_list_item(self, token: Token) -> None:
        if "checked" in token.meta:
            self._open[-1].set("class", "task-list")
        self._open_element(token)


def _is_harmful(token: Token) -> bool:
    """Return True if a link or an image would run what its writer wants."""
    target = token.attrs.get("href") or token.attrs.get("src")
    return bool(target) and _HARMFUL.match(str(target)) is not None


def _escape(text: str) -> str:
    return _MARK.sub(lambda mark: f"{STX}{ord(mark[0])}{ETX}", _ENTITY.sub("&amp;", text))


def _read_plainly(tokens: Sequence[Token]) -> list[str]:
    """Return the text of an image's description without its markup."""
    words = []
    for token in tokens:
        if token.type in {"softbreak", "hardbreak"}:
            words.append(" ")
        elif token.children:
            words += _read_plainly(token.children)
        elif token.type.startswith("math_"):
            words.append(f"{token.markup}{token.content}{token.markup}")
        else:
            words.append(token.content)
    return words


_LANGUAGE = re.compile(r"[\w#.+-]+")
# Other options are orders to the site's fences: some of them run the code.
_OPTION = re.compile(r"""\b(title|linenums|hl_lines)=("[^"`]*"|'[^'`]*')""")

# Python's parser of HTML, which MkDocs and search plugins use, raises an error at any other.
_BROKEN_DECLARATION = re.compile(
    r"<!(?=\[(?!(?:cdata|if|else|endif)(?![-_.a-z0-9])))", re.IGNORECASE
)
_MOST_HIGHLIGHTED = 2_000
"""Blocks of code on a page: the site's fences take as long for an empty one as for many lines."""
_LEAST_HIGHLIGHTING_SECONDS = 0.03
_HIGHLIGHTING_SECONDS = 10e-6
"""For a character. Most of Pygments' lexers take 1e-6; some take the square of a code's length."""
_MOST_UNCLOSED = 100
"""Tags that are begun and never ended: Python's parser looks for the end of each in all others."""


class SiteMarkup:
    """The markup of one site, for one page."""

    def __init__(self, markdown: Markdown, find_url: Callable[[], str] = str) -> None:
        self._markdown = markdown
        self.find_url = find_url
        """Returns where the page is in Confluence; empty where that is not known."""
        self.footnotes = Footnotes(markdown)
        self._shown = 0
        """Blocks of code."""
        self._spare_seconds = 0.5
        """Of processor time, for all blocks of code together that take longer than others."""
        self.languages: set[str] = set()
        """The languages of the page's fences."""
        self.raw_html: list[str] = []
        """The page's own HTML, as it is in the stash."""

    def keep_html(self, text: str) -> str:
        """Put HTML that the page has itself into the stash, and return what stands for it."""
        # With a blank, browsers still take it for the comment that it is to them.
        text = _BROKEN_DECLARATION.sub("<! ", text)
        unclosed = text.rpartition(">")[2]
        if unclosed.count("<") > _MOST_UNCLOSED:
            text = text[: len(text) - len(unclosed)] + unclosed.replace("<", "&lt;")
        self.raw_html.append(text)
        return self._markdown.htmlStash.store(text)

    def show_code(self, code: str, info: str) -> str:
        """Let the site's fences show code, and return what stands for the result.

        They may not understand all that stands behind a fence, so they are given less and less.
        """
        language, _, options = info.strip().partition(" ")
        self.languages.add(language)
        self._shown += 1
        if self._shown <= _MOST_HIGHLIGHTED:
            _load_lexer(language)
            shown, begin = "", time.thread_time()
            usual = _LEAST_HIGHLIGHTING_SECONDS + len(code) * _HIGHLIGHTING_SECONDS
            with suppress(InterruptedRenderingError), interrupt_after(usual + self._spare_seconds):
                shown = self._highlight(code, language, options)
            more = max(0.0, time.thread_time() - begin - usual)
            self._spare_seconds = max(0.0, self._spare_seconds - more)
            if shown:
                return shown
        return self._markdown.htmlStash.store(_show_plainly(code, language))

    def _highlight(self, code: str, language: str, options: str) -> str:
        known = language if _LANGUAGE.fullmatch(language) else ""
        headers = dict.fromkeys([known + self._pass_options(options), known, ""])
        shown = (self._run_fences(code, header) for header in headers)
        return next(filter(None, shown), "")

    @property
    def draws_formulas(self) -> bool:
        """Whether the site has `pymdownx.arithmatex`."""
        return _FORMULAS in self._markdown.inlinePatterns

    def show_formula(self, formula: str, *, display: bool) -> ET.Element | None:
        """Return a formula as the site shows those of its own pages; None if it does not.

        Args:
            formula: TeX, without the signs around it.
            display: Whether it is on a line of its own.
        """
        if not self.draws_formulas:
            return None
        inline: Any = self._markdown.inlinePatterns[_FORMULAS]
        if not display:
            match = inline.getCompiledRegExp().match(f"${formula}$")
            if match is None:
                return None
            element: ET.Element = inline.handleMatch(match, match.string)[0]
        elif _FORMULA_BLOCKS in self._markdown.parser.blockprocessors:
            block: Any = self._markdown.parser.blockprocessors[_FORMULA_BLOCKS]
            parent = ET.Element("div")
            (block.generic_output if block.generic else block.mathjax_output)(parent, formula)
            [element] = parent
        else:
            return None
        for each in element.iter():
            # Where an extension has escaped it, it is escaped once more when it is written.
            text = html.unescape(each.text or "") if display else each.text or ""
            each.text = AtomicString(_ENTITY.sub("&amp;", text))
        return element

    def show_checkbox(self, *, checked: bool) -> str:
        """Make the checkbox of a task as `pymdownx.tasklist` does, and return its placeholder."""
        settings = _find_settings(self._markdown.treeprocessors, "task-list")
        state = "" if settings.get("clickable_checkbox") else " disabled"
        state += " checked" if checked else ""
        box = f'<input type="checkbox"{state}/>'
        if settings.get("custom_checkbox"):
            box = (
                f'<label class="task-list-control">{box}'
                '<span class="task-list-indicator"></span></label>'
            )
        return self._markdown.htmlStash.store(f"{box} ")

    def align_cell(self, style: str) -> tuple[str, str]:
        """Return the attribute that aligns a cell where the style is `text-align:right`."""
        side = style.removeprefix("text-align:")
        settings = _find_settings(self._markdown.parser.blockprocessors, "table")
        if settings.get("use_align_attribute"):
            return "align", side
        return "style", f"text-align: {side};"

    def _pass_options(self, options: str) -> str:
        passed = ""
        for name, value in _OPTION.findall(options):
            text = value[1:-1]
            if name == "title":
                # Not every version of the fences takes a title for text; none looks into the stash.
                text = self._markdown.htmlStash.store(html.escape(text))
            passed += f' {name}="{text}"'
        return passed

    def _run_fences(self, code: str, header: str) -> str:
        if "fenced_code_block" not in self._markdown.preprocessors:
            return ""
        longest = max(map(len, re.findall("`+", code)), default=0)
        fence = "`" * max(3, longest + 1)
        lines = code.removesuffix("\n").split("\n") if code else []
        fences = self._markdown.preprocessors["fenced_code_block"]
        shown = "\n".join(fences.run([fence + header, *lines, fence])).strip()
        return shown if HTML_PLACEHOLDER_RE.fullmatch(shown) else ""


def _find_settings(processors: Registry[Any], name: str) -> dict[str, Any]:
    """Return the settings of one of the site's extensions; none if the site lacks it."""
    settings: dict[str, Any] = getattr(processors[name], "config", {}) if name in processors else {}
    return settings


@cache
def _load_lexer(language: str) -> None:
    """Import what highlights a language: that takes longer than most code does, but once."""
    with suppress(Exception):  # Pygments may not be installed, and not know the language
        from pygments.lexers import get_lexer_by_name  # noqa: PLC0415  not all sites have it

        get_lexer_by_name(language)


def _show_plainly(code: str, language: str) -> str:
    attribute = f' class="language-{html.escape(language)}"' if language else ""
    return f"<pre><code{attribute}>{html.escape(code, quote=False)}</code></pre>"


class Footnotes:
    """The footnotes of one page, numbered in the order in which the text refers to them."""

    def __init__(self, markdown: Markdown) -> None:
        self._markdown = markdown
        self._numbers: dict[str, int] = {}
        """By label."""
        self._links_back: defaultdict[str, list[str]] = defaultdict(list)
        self._notes: list[tuple[str, ET.Element]] = []

    @cached_property
    def _extension(self) -> FootnoteExtension:
        # One of its own, set as the site's is: the site's would look for its own kind of text.
        extension = FootnoteExtension(**_find_footnote_settings(self._markdown))
        extension.reset()
        return extension

    def refer_to(self, label: str) -> ET.Element:
        """Make the raised number that leads to a footnote."""
        number = self._numbers.setdefault(label, len(self._numbers) + 1)
        identifier = self._extension.makeFootnoteRefId(label)
        links_back = self._links_back[label]
        if links_back:
            # As Python-Markdown does it, which counts up from 2 each time.
            name, separator, rest = identifier.partition(self._extension.get_separator())
            identifier = f"{name}{len(links_back) + 1}{separator}{rest}"
        links_back.append(identifier)
        raised = ET.Element("sup", {"id": identifier})
        target = f"#{self._extension.makeFootnoteId(label)}"
        link = ET.SubElement(raised, "a", {"class": "footnote-ref", "href": target})
        link.text = AtomicString(self._extension.getConfig("SUPERSCRIPT_TEXT").format(number))
        return raised

    def define(self, label: str) -> ET.Element:
        """Make the list item that a footnote's text goes into."""
        note = ET.Element("li")
        self._notes.append((label, note))
        return note

    def make_section(self) -> ET.Element | None:
        """Make what stands at the page's end; what nothing refers to comes last, but it comes."""
        if not self._notes:
            return None
        section = ET.Element("div", {"class": "footnote"})
        ET.SubElement(section, "hr")
        notes = ET.SubElement(section, "ol")
        defined: set[str] = set()
        for label, note in sorted(self._notes, key=self._find_place):
            # A label that is defined twice leads to its first text.
            copy = "" if label not in defined else f"-{len(notes) + 1}"
            note.set("id", self._extension.makeFootnoteId(label + copy))
            if not copy:
                self._lead_back(label, note)
            defined.add(label)
            notes.append(note)
        return section

    def _find_place(self, note: tuple[str, ET.Element]) -> int:
        label, _ = note
        return self._numbers.get(label, len(self._numbers) + 1)

    def _lead_back(self, label: str, note: ET.Element) -> None:
        identifiers = self._links_back[label]
        if not identifiers:
            return
        line = (
            note[-1]
            if len(note)
            and (note[-1].tag == "p" and (not HTML_PLACEHOLDER_RE.fullmatch(note[-1].text or "")))
            else ET.SubElement(note, "p")
        )
        number = self._numbers[label]
        # The older form of this setting is that of the % operator.
        title = self._extension.getConfig("BACKLINK_TITLE").replace("%d", "{}").format(number)
        _append_space(line)
        for identifier in identifiers:
            attributes = {"class": "footnote-backref", "href": f"#{identifier}", "title": title}
            link = ET.SubElement(line, "a", attributes)
            link.text = AtomicString(self._extension.getConfig("BACKLINK_TEXT"))


def _find_footnote_settings(markdown: Markdown) -> dict[str, object]:
    for extension in markdown.registeredExtensions:
        if isinstance(extension, FootnoteExtension):
            return dict(extension.getConfigs())
    return {}


def _append_space(line: ET.Element) -> None:
    """Keep a link back on the line of the word before it."""
    if len(line):
        line[-1].tail = AtomicString((line[-1].tail or "") + "&#160;")
    elif line.text:
        line.text = AtomicString(line.text + "&#160;")
