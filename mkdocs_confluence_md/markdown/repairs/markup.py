"""Repair markup within a paragraph: sizes of pictures, storage XML, code in cells. Pure."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from markdown_it.token import Token

from mkdocs_confluence_md.markdown.formulas import DRAWS_FORMULAS
from mkdocs_confluence_md.markdown.repairs.kinds import note_repair

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline

    from mkdocs_confluence_md.markdown.repairs.kinds import Env

# `![alt](address =300x200)`; one of both numbers may be missing.
_SIZED = re.compile(
    r"!\[(?P<alt>[^\[\]\n]*)\]\([ ]*(?P<address><[^<>\n]*>|(?:[^\s()<>]|\([^\s()<>]*\))+)"
    r'(?P<title>[ ]+"[^"\n]*")?[ ]+=(?P<width>[0-9]*)(?P<unit>%?)x?(?P<height>[0-9]*)[ ]*\)'
)
_ATTRIBUTES = re.compile(
    r"[ ]?\{:?[ ]*(?P<all>(?:"
    r"(?:(?:width|height)=[\"']?[0-9]{1,5}(?:px|%)?[\"']?|align=\w+|[.#][\w-]+)[ ]*)+)\}"
)
_ATTRIBUTE = re.compile(r"(width|height)=[\"']?([0-9]+%?)")
_LABEL = re.compile(r"\|[ ]*([0-9]{1,5})(?:x([0-9]{1,5}))?$")

_STORAGE = re.compile(r"</?(?:ac|ri|at):[a-z][a-z-]*(?:\s+(?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*)?/?>")
_PARAMETER = re.compile(
    r"<ac:(?P<dropped>parameter|task-id|task-status)\b(?![^<>]*ac:name=\"title\")[^<>]*(?<!/)>"
    r"[^<]{0,1000}</ac:(?P=dropped)>"
)
_REFERENCE = re.compile(
    r"<ri:(?:page|blog-post|attachment)\b[^<>]*\bri:(?:content-title|filename)=\"([^\"<>]+)\"[^<>]*>"
    r"(?!(?:</ri:[a-z-]+>)?\s*<ac:(?:plain-text-)?link-body)"
)
_EMOTICON = re.compile(r"<ac:emoticon\b[^<>]*\bac:emoji-fallback=\"([^\"<>:]+)\"[^<>]*>")
_IN_HTML = re.compile(rf"(?P<parameter>{_PARAMETER.pattern})|{_STORAGE.pattern}")
_SHOWS_CODE = re.compile(r"<(?:pre|code|script|style|textarea)\b|<!--|<!\[CDATA\[", re.IGNORECASE)
_CDATA, _END_OF_CDATA = "<![CDATA[", "]]>"
_UNCLOSED = "paragraph with unclosed character data"
_EMPTIED = "paragraphs with storage XML"

_ITEM = re.compile(r"(?:[-•*]|(?P<number>[0-9]{1,3})[.)]) +")
_FILE = re.compile(
    r"\.(?:csv|docx?|gz|json|log|od[pst]|pdf|pptx?|rar|tgz|txt|xlsx?|xml|ya?ml|zip|7z)$",
    re.IGNORECASE,
)
_BREAK = re.compile(r"<br[ ]*/?>", re.IGNORECASE)
_FENCED = re.compile(r"(?P<info>[\w#.+-]*)[ ]*<br[ ]*/?>(?P<code>.*)<br[ ]*/?>[ ]*", re.IGNORECASE)
_CELLS = {"td_open", "th_open"}


def markup_plugin(parser: MarkdownIt) -> None:
    """Add the rules."""
    parser.inline.ruler.before("image", "sized_image", _read_sized_image)
    parser.inline.ruler.before("autolink", "storage", _drop_storage)


def repair_markup(tokens: list[Token], env: Env) -> list[Token]:
    """Repair what has been read: attributes of pictures, and code in cells of tables."""
    kept: list[Token] = []
    for position, token in enumerate(tokens):
        if token.type == "fence" and token.info.strip() == "math" and env.get(DRAWS_FORMULAS):
            token.type, token.markup = "math_block", "$$"
            note_repair(env, "formulas")
        elif token.type == "html_block" and _IN_HTML.search(token.content):
            token.content = _drop_storage_in_html(token.content, env)
        if token.type != "inline" or not token.children:
            kept.append(token)
            continue
        if _has_image(token.children):
            token.children = list(_size_images(token.children, env))
            token.children = list(_link_files(token.children, env))
        if position and tokens[position - 1].type in _CELLS and "<br" in token.content:
            token.children = [_open_code(child, env) for child in token.children]
            token.children = _make_list(token.children, env)
        kept.append(token)
    return list(_drop_emptied(kept)) if env.get(_EMPTIED) else kept


def _read_sized_image(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  markdown-it's signature
    if not state.src.startswith("![", state.pos):
        return False
    match = _SIZED.match(state.src, state.pos, state.posMax)
    if match is None or not (match["width"] or match["height"]):
        return False
    if not silent:
        token = state.push("image", "img", 0)
        address = match["address"].removeprefix("<").removesuffix(">")
        token.attrs = {"src": state.md.normalizeLink(address), "alt": ""}
        if match["title"]:
            token.attrs["title"] = match["title"].strip(' "')
        token.children = []
        token.content = match["alt"]
        state.md.inline.parse(match["alt"], state.md, state.env, token.children)
        _set_size(token, match["width"] + match["unit"] * bool(match["width"]), match["height"])
        note_repair(state.env, "picture sizes")
    state.pos = match.end()
    return True


def _set_size(image: Token, width: str, height: str) -> None:
    if width:
        image.attrs["width"] = width
    if height:
        image.attrs["height"] = height


def _has_image(children: Sequence[Token]) -> bool:
    return any(child.type == "image" for child in children)


def _size_images(children: Sequence[Token], env: Env) -> Iterator[Token]:
    image: Token | None = None
    for child in children:
        if child.type == "image":
            image = child
            if _take_size_of_label(child):
                note_repair(env, "picture sizes")
        elif (
            image
            and child.type == "text"
            and (match := _ATTRIBUTES.match(child.content))
            and _ATTRIBUTE.search(match["all"])
        ):
            image.attrs |= dict(_ATTRIBUTE.findall(match["all"]))
            child.content = child.content[match.end() :]
            note_repair(env, "picture sizes")
            image = None
        elif child.type != "text" or child.content:
            image = None
        yield child


def _link_files(children: Sequence[Token], env: Env) -> Iterator[Token]:
    """Make links of pictures that are of files which no browser shows as one."""
    links = 0
    for child in children:
        links += child.nesting if child.tag == "a" else 0
        path = str(child.attrs.get("src", "")).partition("?")[0]
        if child.type != "image" or links or not _FILE.search(path):
            yield child
            continue
        yield Token("link_open", "a", 1, attrs={"href": child.attrs["src"]}, meta=child.meta)
        yield from child.children or [Token("text", "", 0, content=path.rpartition("/")[2])]
        yield Token("link_close", "a", -1)
        note_repair(env, "files")


def _make_list(children: list[Token], env: Env) -> list[Token]:
    """Make a list of lines that all begin as items: `- one<br>- two`."""
    lines: list[list[Token]] = [[]]
    for child in children:
        if child.type == "html_inline" and _BREAK.fullmatch(child.content):
            lines.append([])
        else:
            lines[-1].append(child)
    if len(lines) == 1:
        return children
    markers = [_ITEM.match(line[0].content) if line and line[0].type == "text" else None
               for line in lines]  # fmt: skip
    found = [marker for marker in markers if marker]
    numbers = [marker["number"] for marker in found]
    ordered = list(map(str, range(1, len(lines) + 1)))
    is_list = len(found) == len(lines) and (
        numbers == ordered or (not any(numbers) and len({marker[0] for marker in found}) == 1)
    )
    # Numbers below each other may be negative.
    has_words = is_list and any(re.search(r"[^\W\d_]", line[0].content) for line in lines)
    if not has_words or any(sum(child.nesting for child in line) for line in lines):
        return children
    tag = "ol" if numbers == ordered else "ul"
    items = [Token("list_open", tag, 1)]
    for line, marker in zip(lines, found, strict=True):
        line[0].content = line[0].content[marker.end() :]
        items += [Token("list_item", "li", 1), *line, Token("list_item", "li", -1)]
    note_repair(env, "lists in cells")
    return [*items, Token("list_close", tag, -1)]


def _take_size_of_label(image: Token) -> bool:
    """Take `|300` from the end of an image's description."""
    last = image.children[-1] if image.children else None
    match = _LABEL.search(last.content) if last and last.type == "text" else None
    if last is None or match is None:
        return False
    last.content = last.content[: match.start()]
    image.content = image.content[: image.content.rfind("|")]
    _set_size(image, match[1], match[2] or "")
    return True


def _drop_storage(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  the same
    """Leave only the text of Confluence's storage format."""
    source, start = state.src, state.pos
    if source[start] == "]":
        is_end = source.startswith(_END_OF_CDATA + "</ac:", start)
        return is_end and _skip(state, start + len(_END_OF_CDATA), silent=silent)
    if source[start] != "<":
        return False
    if source.startswith(_CDATA, start):
        is_ours = source.endswith("-body>", 0, start)
        return is_ours and _read_character_data(state, silent=silent)
    match = _STORAGE.match(source, start, state.posMax)
    if match is None:
        return False
    if parameter := _PARAMETER.match(source, start, state.posMax):
        return _skip(state, parameter.end(), silent=silent)
    named = _REFERENCE.match(source, start) or _EMOTICON.match(match[0])
    return _skip(state, match.end(), html.unescape(named[1]) if named else "", silent=silent)


def _read_character_data(state: StateInline, *, silent: bool) -> bool:
    begin = state.pos + len(_CDATA)
    is_unclosed = state.env.get(_UNCLOSED) is state.src  # not searched for again
    end = -1 if is_unclosed else state.src.find(_END_OF_CDATA, begin, state.posMax)
    if end < 0:
        state.env[_UNCLOSED] = state.src
        return _skip(state, begin, silent=silent)
    return _skip(state, end + len(_END_OF_CDATA), state.src[begin:end], silent=silent)


def _skip(state: StateInline, end: int, text: str = "", *, silent: bool) -> bool:
    if not silent:
        state.push("text", "", 0).content = text
        note_repair(state.env, "storage XML")
        state.env[_EMPTIED] = True
    state.pos = end
    return True


def _drop_storage_in_html(content: str, env: Env) -> str:
    """Leave only the text of the storage format in HTML, but for HTML that shows code."""
    if _SHOWS_CODE.search(content):
        return content

    def replace(match: re.Match[str]) -> str:
        if match["parameter"]:
            return ""
        named = _REFERENCE.match(content, match.start()) or _EMOTICON.match(match[0])
        return named[1] if named else ""

    changed, number = _IN_HTML.subn(replace, content)
    note_repair(env, "storage XML", number)
    return changed


def _open_code(child: Token, env: Env) -> Token:
    """Make lines of code of `` ```<br>code<br>``` ``, which a cell has on one line."""
    is_fence = child.type == "code_inline" and len(child.markup) >= len("```")
    match = _FENCED.fullmatch(child.content) if is_fence else None
    if match is None:
        return child
    child.type, child.tag = "fence", "code"
    child.info = match["info"]
    child.content = _BREAK.sub("\n", match["code"]) + "\n"
    note_repair(env, "code in cells")
    return child


def _drop_emptied(tokens: Sequence[Token]) -> Iterator[Token]:
    """Leave out paragraphs of which nothing is left."""
    position = 0
    while position < len(tokens):
        opening = tokens[position]
        inline = tokens[position + 1] if opening.type == "paragraph_open" else None
        if inline and inline.content.lstrip().startswith("<") and _is_empty(inline):
            position += 3
        else:
            yield opening
            position += 1


def _is_empty(inline: Token) -> bool:
    kinds = {"text", "softbreak"}
    return all(each.type in kinds and not each.content.strip() for each in inline.children or ())
