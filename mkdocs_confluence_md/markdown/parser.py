"""Parse a page from Confluence as CommonMark and GFM, with panels, into markdown-it's tokens.

Bare addresses become links, as in GitHub's reader (cmark-gfm): `https://acme.example/a`,
`www.acme.example` and `jane@acme.example` are links; `README.md` and `acme.example` are words.
"""

from __future__ import annotations

import re
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

import mdurl
from markdown_it import MarkdownIt
from markdown_it.rules_block import paragraph
from markdown_it.token import Token
from mdit_py_plugins.container import container_plugin
from mdit_py_plugins.footnote import footnote_plugin

from mkdocs_confluence_md.markdown.admonitions import is_panel_name, mark_panels
from mkdocs_confluence_md.markdown.budget import BUDGET
from mkdocs_confluence_md.markdown.formulas import UNCLOSED, formulas_plugin
from mkdocs_confluence_md.markdown.repairs.anchors import repair_anchors
from mkdocs_confluence_md.markdown.repairs.contents import repair_contents
from mkdocs_confluence_md.markdown.repairs.lists import repair_text
from mkdocs_confluence_md.markdown.repairs.macros import make_bold, repair_macros
from mkdocs_confluence_md.markdown.repairs.markup import markup_plugin, repair_markup
from mkdocs_confluence_md.markdown.repairs.panel_fences import panel_fences_plugin
from mkdocs_confluence_md.markdown.repairs.pictures import repair_pictures
from mkdocs_confluence_md.markdown.repairs.words import repair_emphasis, repair_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_core import StateCore
    from markdown_it.rules_inline import StateInline


_SCHEME = re.compile(r"(?<![a-z])(?:https?|ftp)\Z", re.IGNORECASE)
_DOMAIN = re.compile(r"(?:[^\W_]|[-_.])+")
_TO_SPACE = re.compile(r"[^\s<]*")
_ENTITY = re.compile(r"&[a-z]+;", re.IGNORECASE)
_MAIL = re.compile(
    r"(?<![a-z0-9.+_-])(?P<scheme>mailto:)?[a-z0-9.+_-]+@[a-z0-9_-]+(?:\.[a-z0-9_-]+)+",
    re.IGNORECASE | re.ASCII,
)
_PUNCTUATION = "?!.,:;*_~'\""
_FAILED = "end of what is not a domain"
_TASK = re.compile(r"\[([ xX])\][ \t]")
_BEGINNING = re.compile(r"[\n!#$%&*+\-:<=>@\[\\\]^_`{}~w]")


def autolinks_plugin(parser: MarkdownIt) -> None:
    """Add the rules."""
    parser.inline.ruler.at("text", _read_text)
    parser.inline.ruler.push("bare_www", _link_www)
    parser.inline.ruler.push("bare_url", _link_url)
    parser.core.ruler.after("inline", "bare_mail", _link_mails)


def _read_text(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  markdown-it's signature
    """Read text up to the next character that may begin something.

    As the rule of markdown-it-py does, of which only 4.1 can be told of one more character.
    """
    if budget := state.env.get(BUDGET):
        budget.spend()
    match = _BEGINNING.search(state.src, state.pos, state.posMax)
    end = match.start() if match else state.posMax
    if end == state.pos:
        return False
    if not silent:
        state.pending += state.src[state.pos : end]
    state.pos = end
    return True


def _link_www(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  markdown-it's signature
    start = state.pos
    if not state.src.startswith("www.", start) or silent or state.linkLevel:
        return False
    if start and not (state.src[start - 1].isspace() or state.src[start - 1] in "*_~("):
        return False
    end = _find_end(state, start, start)
    return _link(state, start, end, "http://") if end else False


def _link_url(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  the same
    if not state.src.startswith("://", state.pos) or silent or state.linkLevel:
        return False
    scheme = _SCHEME.search(state.pending[-len("?https") :])
    end = _find_end(state, state.pos - len(scheme[0]), state.pos + 3) if scheme else 0
    return _link(state, state.pos - len(scheme[0]), end, "") if scheme and end else False


def _link_mails(state: StateCore) -> None:
    """Find e-mail addresses when all else is read: an underscore in one is not emphasis."""
    for token in state.tokens:
        if token.children and "@" in token.content:
            token.children = list(_find_mails(token.children))


def _find_mails(words: list[Token]) -> Iterator[Token]:
    links = 0
    for word in words:
        links += word.nesting if word.tag == "a" else 0
        if word.type == "text" and not links:
            yield from _split_at_mails(word.content)
        else:
            yield word


def _split_at_mails(text: str) -> Iterator[Token]:
    end = 0
    for match in _MAIL.finditer(text):
        if match[0][-1].isalnum() and not text.startswith(("@", "/"), match.end()):
            yield Token("text", "", 0, content=text[end : match.start()])
            href = match[0] if match["scheme"] else f"mailto:{match[0]}"
            yield Token("link_open", "a", 1, attrs={"href": href})
            yield Token("text", "", 0, content=match[0])
            yield Token("link_close", "a", -1)
            end = match.end()
    yield Token("text", "", 0, content=text[end:])


def _find_end(state: StateInline, start: int, domain_start: int) -> int:
    """Return where an address ends, or 0 where there is none."""
    source, end = state.env.get(_FAILED, ("", 0))
    if source is state.src and domain_start < end:
        return 0
    domain = _DOMAIN.match(state.src, domain_start, state.posMax)
    if domain is None or "_" in "".join(domain[0].rsplit(".", 2)[-2:]):
        # What begins within it, ends as it does.
        state.env[_FAILED] = (state.src, domain.end() if domain else 0)
        return 0
    address = _TO_SPACE.match(state.src, start, state.posMax)
    return start + len(_trim(address[0])) if address else 0


def _trim(address: str) -> str:
    """Leave out what belongs to the sentence around an address."""
    # How many brackets of the address up to its end are closed more often than they are opened.
    closed = {closing: address.count(closing) - address.count(opening)
              for opening, closing in ("()", "[]")}  # fmt: skip
    end = len(address)
    while end:
        last = address[end - 1]
        start = address.rfind("&", 0, end) if last == ";" else -1
        if start >= 0 and _ENTITY.fullmatch(address, start, end):
            end = start
        elif last in _PUNCTUATION or closed.get(last, 0) > 0:
            end -= 1
            if last in closed:
                closed[last] -= 1
        else:
            break
    return address[:end]


def _link(state: StateInline, start: int, end: int, prefix: str) -> bool:
    """Push the link; what of it was already read as text is taken back."""
    taken_back = state.pos - start
    if taken_back:
        state.pending = state.pending[:-taken_back]
    text = state.src[start:end]
    state.push("link_open", "a", 1).attrs = {"href": state.md.normalizeLink(prefix + text)}
    state.push("text", "", 0).content = text
    state.push("link_close", "a", -1)
    state.pos = end
    return True


_DEEPEST_BLOCK = 60
"""How deep quotations and lists nest, in markdown-it's levels; whatever is deeper is paragraphs."""


_DEEPEST_QUOTATION = 20
"""How deep quotations nest: each line is looked at once for each."""

_MOST_HEADINGS = 1000
"""Of one page."""

_DEEPEST_LINK = 20
"""How deep brackets nest within each other."""


class Grammar(MarkdownIt):
    """The parser; one serves any number of pages.

    Args:
        repairs: Whether the forms of exporters are repaired, as `repairs/` says.
    """

    def __init__(self, *, repairs: bool = True) -> None:
        super().__init__("commonmark")
        # At this limit markdown-it drops text; `_stop_nesting` acts before, and drops none.
        self.options["maxNesting"] = 2 * _DEEPEST_BLOCK
        # Only markdown-it-py 4.1 knows it: before, one tilde is text.
        self.options["strikethrough_single_tilde"] = True
        self.enable(["table", "strikethrough"])
        self.use(footnote_plugin, inline=False, move_to_end=False)
        self.use(autolinks_plugin)
        self.use(
            container_plugin,
            "panel",
            validate=lambda info, _: is_panel_name(info, repairs=repairs),
        )
        self.block.ruler.before("table", "stop_nesting", _stop_nesting)
        quotation = next(each for each in self.block.ruler.__rules__ if each.name == "blockquote")
        self.block.ruler.at("blockquote", _limit_quotations(quotation.fn), {"alt": quotation.alt})
        self.block.ruler.before("stop_nesting", "task", _read_task)
        # While it still shows what was escaped: `\[!NOTE]` is not an alert.
        self.core.ruler.before("text_join", "panels", partial(_find_panels, repairs=repairs))
        self.core.ruler.push("checkboxes", _place_checkboxes)
        self.core.ruler.push("limit_headings", _limit_headings)
        for name in ("link", "image"):
            rule = next(each.fn for each in self.inline.ruler.__rules__ if each.name == name)
            self.inline.ruler.at(name, _limit_depth(rule))
        self.core.ruler.after("normalize", "end_last_line", _end_last_line)
        if repairs:
            self.use(formulas_plugin)
            self.use(markup_plugin)
            self.use(panel_fences_plugin)
            self.core.ruler.after("normalize", "repair_text", _repair_text)
            self.core.ruler.after("inline", "repair_emphasis", repair_emphasis)
            self.core.ruler.before("panels", "repair_pictures", _repair_pictures)
            self.core.ruler.after("panels", "repair_tokens", _repair_tokens)

    def normalizeLink(self, url: str) -> str:  # noqa: N802  markdown-it's name
        """Percent-encode an address and leave it at that: hosts stay as they are written."""
        return mdurl.encode(url)

    def normalizeLinkText(self, url: str) -> str:  # noqa: N802  the same
        """Show an address as it is written."""
        return url

    def validateLink(self, url: str) -> bool:  # noqa: N802  the same
        """Take every link for one: `elements.py` knows which lead nowhere good."""
        del url
        return True


def _stop_nesting(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001  markdown-it's signature
    if budget := state.env.get(BUDGET):
        budget.spend()
    return state.level >= _DEEPEST_BLOCK and paragraph(state, start, end, silent)


def _read_task(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001  the same
    """Read the box at the beginning of a list item, and leave the rest to other rules.

    As the rule of markdown-it-py 4.1 does, for those before.
    """
    del end
    if silent or not state.tokens or state.tokens[-1].type != "list_item_open":
        return False
    begin = state.bMarks[start] + state.tShift[start]
    match = None if state.is_code_block(start) else _TASK.match(state.src, begin)
    if match:
        state.tokens[-1].meta = {"checked": match[1] != " "}
        state.tokens[-1].attrJoin("class", "task-list-item")
        state.bMarks[start], state.tShift[start] = match.end(), 0
    return False


_CONTAINER_ENDS = {
    "blockquote_close", "list_item_close", "bullet_list_close", "ordered_list_close",
    "container_panel_close", "footnote_reference_close",
}  # fmt: skip

_BlockRule: TypeAlias = "Callable[[StateBlock, int, int, bool], bool]"
_QUOTATIONS = "open quotations"


_FIRST_RUNS, _MORE_RUNS = 1, 48
"""In how many runs of marked lines a quotation is looked for, and by which factor in more."""


def _limit_quotations(rule: _BlockRule) -> _BlockRule:
    """Let quotations that are deep within others be paragraphs, and read no more than needed.

    The rule looks at all lines that may continue a paragraph, also where there is none: of many
    short quotations, each would look through all the others.
    """

    def read_as_needed(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001  the same
        if silent or not _is_marked(state, start):
            return rule(state, start, end, silent)
        tokens, runs = len(state.tokens), _FIRST_RUNS
        for number, last in enumerate(_find_run_ends(state, start, end), 1):
            if number < runs or last == end:
                continue
            unclosed, known = state.env.get(UNCLOSED, 0), len(state.env.get("references", ()))
            is_one = rule(state, start, last, silent)
            state.env[UNCLOSED] = unclosed
            goes_on = state.line > last or _ends_in_paragraph(state.tokens)
            if not is_one or state.line < last or not goes_on:
                return is_one
            del state.tokens[tokens:]
            while len(state.env.get("references", ())) > known:
                state.env["references"].popitem()
            state.line = start
            runs *= _MORE_RUNS
        return rule(state, start, end, silent)

    def read(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001  the same
        depth = state.env.get(_QUOTATIONS, 0)
        if depth >= _DEEPEST_QUOTATION:
            return False
        state.env[_QUOTATIONS] = depth + 1
        try:
            return read_as_needed(state, start, end, silent)
        finally:
            state.env[_QUOTATIONS] = depth

    return read


def _is_marked(state: StateBlock, line: int) -> bool:
    return state.src.startswith(">", state.bMarks[line] + state.tShift[line])


def _find_run_ends(state: StateBlock, line: int, end: int) -> Iterator[int]:
    """Yield the line behind each run of lines that are marked as quoted, up to an empty line."""
    while line < end and not state.isEmpty(line):
        line += 1
        if _is_marked(state, line - 1) and not (line < end and _is_marked(state, line)):
            yield line


def _ends_in_paragraph(tokens: Sequence[Token]) -> bool:
    """Return True if the last block, in whatever lists and quotations, is a paragraph."""
    last = next((each for each in reversed(tokens) if each.type not in _CONTAINER_ENDS), None)
    return last is not None and last.type == "paragraph_close"


_Rule: TypeAlias = "Callable[[StateInline, bool], bool]"


def _limit_depth(rule: _Rule) -> _Rule:
    """Keep a rule from brackets that are deep within others: it looks for the end of each."""

    def read(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  the same
        if state.level <= _DEEPEST_LINK:
            return rule(state, silent)
        if silent:
            # As markdown-it does at its own limit, or each bracket would look through all others.
            state.pos = state.posMax
        return silent

    return read


def _find_panels(state: StateCore, *, repairs: bool) -> None:
    state.tokens = mark_panels(state.tokens, state.env, repairs=repairs)


def _end_last_line(state: StateCore) -> None:
    # Some rules look at the character behind a line.
    if not state.src.endswith("\n"):
        state.src += "\n"


def _repair_text(state: StateCore) -> None:
    state.src = repair_text(state.src, state.env)


def _repair_pictures(state: StateCore) -> None:
    state.tokens = repair_pictures(state.tokens, state.env)


_REPAIRS = (repair_macros, repair_contents, repair_anchors, repair_words, repair_markup)


def _repair_tokens(state: StateCore) -> None:
    tokens = state.tokens
    for repair in _REPAIRS:
        tokens = repair(tokens, state.env)
    state.tokens = tokens


def _limit_headings(state: StateCore) -> None:
    """Let headings be paragraphs in bold from the thousandth on.

    Material's search looks through the table of contents for each of them.
    """
    openings = [place for place, token in enumerate(state.tokens) if token.type == "heading_open"]
    for place in openings[_MOST_HEADINGS:]:
        opening, content, closing = state.tokens[place : place + 3]
        opening.type, closing.type = "paragraph_open", "paragraph_close"
        opening.tag = closing.tag = "p"
        content.children = make_bold(content.children or [])


def _place_checkboxes(state: StateCore) -> None:
    """Put the checkbox of a task before its text, where readers and style sheets expect it."""
    placed = []
    boxes: list[Token] = []
    for token in state.tokens:
        if token.type == "inline" and token.children is not None and boxes:
            token.children[:0] = boxes
            boxes = []
        elif token.type == "list_item_close":
            placed += boxes
            boxes = []
        placed.append(token)
        if token.type == "list_item_open" and "checked" in token.meta:
            boxes.append(Token("checkbox", "", 0, meta=token.meta))
    state.tokens = placed


def find_headings(tokens: Sequence[Token]) -> Iterator[tuple[str, str]]:
    """Yield the tag and the text of each heading, in order."""
    for opening, content in pairwise(tokens):
        if opening.type == "heading_open":
            yield opening.tag, "".join(map(_read_inline, content.children or ()))


def _read_inline(token: Token) -> str:
    if token.type in ("softbreak", "hardbreak"):
        return " "
    return token.content if token.type in ("text", "code_inline") else ""
