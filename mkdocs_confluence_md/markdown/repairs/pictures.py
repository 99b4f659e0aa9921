"""Repair pictures that belong to Confluence, not to the page: icons, emoji, placeholders. Pure.

Readers of the site would see them only if they have an account, and each would ask Confluence.
Emoji become characters, arrows and other icons go, and the placeholder of a macro becomes its name.
Pictures at any other address stay as they are.
"""

from __future__ import annotations

import base64
import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote

from markdown_it.token import Token

from mkdocs_confluence_md.markdown.repairs.kinds import note_macro, note_repair
from mkdocs_confluence_md.markdown.repairs.macros import (
    is_contents,
    make_bold,
    make_source_link,
    split_first_line,
)
from mkdocs_confluence_md.markdown.repairs.words import read_status

if TYPE_CHECKING:
    from mkdocs_confluence_md.markdown.repairs.kinds import Env

_EMOJI = {
    "add": "➕",  # noqa: RUF001  the sign itself
    "biggrin": "😀",
    "blue_star": "⭐",
    "broken_heart": "💔",
    "check": "✅",
    "check_mark": "✅",
    "cheeky": "😛",
    "cross_mark": "❌",
    "error": "❌",
    "exclamation": "⚠️",
    "flag_off": "🏳️",
    "flag_on": "🚩",
    "forbidden": "⛔",
    "green_star": "⭐",
    "heart": "❤️",
    "help": "❓",
    "help_16": "❓",
    "info": "\u2139\ufe0f",
    "information": "\u2139\ufe0f",
    "laugh": "😀",
    "light_bulb_off": "💡",
    "light_bulb_on": "💡",
    "lightbulb": "💡",
    "lightbulb_on": "💡",
    "minus": "➖",  # noqa: RUF001  the same
    "plus": "➕",  # noqa: RUF001  the same
    "question_mark": "❓",
    "red_star": "⭐",
    "sad": "🙁",
    "smile": "🙂",
    "star_blue": "⭐",
    "star_green": "⭐",
    "star_red": "⭐",
    "star_yellow": "⭐",
    "thumbs_down": "👎",
    "thumbs_up": "👍",
    "tick": "✅",
    "tongue": "😛",
    "warning": "⚠️",
    "wink": "😉",
    "yellow_star": "⭐",
}
"""Emoji by the names of Confluence's files, without their sizes."""

_ICONS = "/images/icons/"
_ARROWS = ("/grey_arrow_down.png", "/grey_arrow_right.png")
_CONFLUENCE_PATHS = {"/wiki", "/confluence"}
_EXPORTED_ICONS = {"grey_arrow_down", "grey_arrow_right", "bullet_blue", "home_16"}
"""Those that the export as HTML puts below `images/icons`."""

_PLACEHOLDER = "plugins/servlet/confluence/placeholder/"
_ADDRESS = re.compile(
    r"(?:(?:https?:)?//(?P<host>[^/?#]*))?(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?", re.IGNORECASE
)
_CODE_POINTS = re.compile(r"[0-9a-f]{2,5}(?:[-_][0-9a-f]{2,5}){0,9}")
_SIZE = re.compile(r"[-_](?:16|24|32|48|64)(?:px)?\Z|@[0-9]x\Z")
_DEFINITION = re.compile(r"\{(?P<name>[\w-]+)(?::(?P<parameters>[^{}]*))?\}")
_TAG = re.compile(r"<img\b[^<>]*>", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"""\s(?P<name>src|alt)\s*=\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s"'>]+))""",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Picture:
    """A picture that belongs to Confluence."""

    kind: str
    """One of `KINDS`."""
    text: str = ""
    """What says the same; for a macro its name."""
    anchor: str = ""
    is_arrow: bool = False
    """Whether it opens an expand."""


def repair_pictures(tokens: list[Token], env: Env) -> list[Token]:
    """Replace the pictures that belong to Confluence; before panels are recognized."""
    repaired: list[Token] = []
    title_follows = False
    skipped = -1
    for position, token in enumerate(tokens):
        if position == skipped:
            continue
        if token.type == "html_block":
            token.content = _repair_html(token.content, env)
        if token.type == "inline" and token.children:
            in_paragraph = bool(repaired) and repaired[-1].type == "paragraph_open"
            words, arrows = _repair_words(token.children, env)
            is_empty = not words and in_paragraph
            if title_follows and in_paragraph:
                title_follows = False
                words = _make_title(words)
            if arrows and in_paragraph:
                title_follows = is_empty and _begins_paragraph(tokens[position + 2 : position + 3])
                if words:
                    words = _make_title(words)
                note_repair(env, "expands" if words or title_follows else "icons")
            elif arrows:
                note_repair(env, "icons")
            token.children = words
            if is_empty:
                repaired.pop()
                skipped = position + 1
                continue
        repaired.append(token)
    return repaired


def _begins_paragraph(tokens: list[Token]) -> bool:
    return [token.type for token in tokens] == ["paragraph_open"]


def _make_title(words: list[Token]) -> list[Token]:
    """Make the first line bold, unless something in it goes on behind it."""
    line, rest = split_first_line(words)
    if sum(word.nesting for word in line):
        return words
    return [*make_bold(line), *words[len(line) :]] if rest else make_bold(words)


def _repair_words(words: list[Token], env: Env) -> tuple[list[Token], int]:
    """Return a paragraph's words without Confluence's pictures, and whether it began an expand."""
    if not any(word.type in {"image", "html_inline"} for word in words):
        return words, 0
    kept: list[Token] = []
    links = arrows = removed = 0
    for word in words:
        links += word.nesting if word.tag == "a" and word.nesting else 0
        picture = _read_picture(word)
        if picture is None:
            if removed and word.type == "link_close" and kept and kept[-1].type == "link_open":
                kept.pop()
            else:
                kept.append(word)
            continue
        removed += 1
        is_first = all(before.type == "link_open" for before in kept)
        if picture.is_arrow and is_first:
            arrows = 1
        elif picture.kind != "macros":
            note_repair(env, picture.kind)
        kept += _replace(picture, env, in_link=links > 0)
    return (_join(kept), arrows) if removed else (words, 0)


def _replace(picture: _Picture, env: Env, *, in_link: bool) -> list[Token]:
    if picture.kind == "macros":
        return make_source_link(picture.text, env, in_link=in_link)
    if picture.kind == "statuses":
        return read_status(picture.text)
    if picture.anchor:
        return [Token("html_inline", "", 0, content=_write_anchor(picture.anchor))]
    return [Token("text", "", 0, content=picture.text)] if picture.text else []


def _write_anchor(name: str) -> str:
    return f'<a id="{html.escape(name)}"></a>'


def _join(words: list[Token]) -> list[Token]:
    """Join texts that have become neighbours, and leave out blanks at the ends."""
    joined: list[Token] = []
    texts: list[str] = []
    for word in [*words, None]:
        if word is not None and word.type == "text":
            texts.append(word.content)
            continue
        if texts:
            joined.append(Token("text", "", 0, content="".join(texts)))
            texts = []
        if word is not None:
            joined.append(word)
    start, end = 0, len(joined)
    while start < end and _is_blank(joined[start]):
        start += 1
    while start < end and _is_blank(joined[end - 1]):
        end -= 1
    if start < end and joined[start].type == "text":
        joined[start].content = joined[start].content.lstrip()
    return joined[start:end]


def _is_blank(word: Token) -> bool:
    is_break = word.type in {"softbreak", "hardbreak"}
    return is_break or (word.type == "text" and not word.content.strip())


def _repair_html(text: str, env: Env) -> str:
    """Replace the pictures in HTML that stands by itself."""

    def replace(match: re.Match[str]) -> str:
        picture = _read_tag(match[0])
        if picture is None:
            return match[0]
        note_repair(env, picture.kind)
        if picture.kind == "macros":
            if picture.text:
                note_macro(env, picture.text)
            return f"<em>{html.escape(picture.text or 'Macro')}</em>"
        return _write_anchor(picture.anchor) if picture.anchor else html.escape(picture.text)

    return _TAG.sub(replace, text) if "<" in text else text


def _read_picture(word: Token) -> _Picture | None:
    if word.type == "image":
        return _read_address(str(word.attrs.get("src", "")), word.content)
    if word.type == "html_inline" and _TAG.fullmatch(word.content):
        return _read_tag(word.content)
    return None


def _read_tag(tag: str) -> _Picture | None:
    attributes = {
        match["name"].lower(): html.unescape(
            match["double"] or match["single"] or match["bare"] or ""
        )
        for match in _ATTRIBUTE.finditer(tag)
    }
    return _read_address(attributes.get("src", ""), attributes.get("alt", ""))


def _read_address(address: str, alt: str) -> _Picture | None:
    """Return what a picture is; None if it does not belong to Confluence."""
    match = _ADDRESS.match(address)
    if match is None:
        return None
    host, path = (match["host"] or "").lower(), match["path"]
    file = unquote(path.rpartition("/")[2].rpartition(".")[0])
    if _PLACEHOLDER in path:
        return _read_placeholder(match["query"] or "")
    if host.startswith("pf-emoji-service") and host.endswith(".atl-paas.net"):
        is_standard = "/standard/" in path
        emoji = _read_code_points(file) if is_standard else _EMOJI.get(_reduce(file), "")
        return _Picture("icons", emoji or alt)
    if not _is_furniture(host, path, file):
        return None
    if "/emoticons/" in path:
        return _Picture("icons", _EMOJI.get(_reduce(file), "") or alt)
    return _Picture("icons", is_arrow=path.endswith(_ARROWS))


def _is_furniture(host: str, path: str, file: str) -> bool:
    """Return True if a picture is one of Confluence's own icons."""
    if not host and path.startswith("images/icons/"):
        known = _EMOJI if "/emoticons/" in path else _EXPORTED_ICONS
        return _reduce(file) in known or file in known
    place, found, _ = path.partition(_ICONS)
    if not found:
        return False
    is_versioned = "/s/" in f"{place}/" and place.endswith("/_")
    is_cloud = host.endswith(".atlassian.net") and not place
    return place in _CONFLUENCE_PATHS or is_versioned or is_cloud or place.startswith("/wiki/s/")


def _reduce(file: str) -> str:
    return _SIZE.sub("", file).replace("-", "_").lower()


def _read_code_points(file: str) -> str:
    """Return 🇰🇷 for `1f1f0-1f1f7`."""
    if not _CODE_POINTS.fullmatch(file.lower()):
        return ""
    numbers = [int(number, 16) for number in re.split("[-_]", file)]
    return "".join(map(chr, numbers)) if all(map(_is_character, numbers)) else ""


def _is_character(number: int) -> bool:
    return chr(number).isprintable() or number in {0x200D, 0xFE0F}


def _read_placeholder(query: str) -> _Picture:
    """Read which macro a picture stands for, from its name or from its definition."""
    fields = parse_qs(query)
    name, parameters = fields.get("name", [""])[0].strip(), ""
    if definition := _DEFINITION.fullmatch(_decode(fields.get("definition", [""])[0])):
        name, parameters = definition["name"], definition["parameters"] or ""
    if is_contents(name):
        return _Picture("contents")
    if name == "anchor" and parameters:
        return _Picture("anchors", anchor=parameters.partition("|")[0])
    if name == "status" and read_status(parameters):
        return _Picture("statuses", parameters)
    return _Picture("macros", name)


def _decode(text: str) -> str:
    try:
        # The query of an address has blanks for plus signs.
        digits = text.replace(" ", "+").rstrip("=")
        padded = digits + "=" * (-len(digits) % 4)
        return base64.urlsafe_b64decode(padded).decode("utf-8", "replace")
    except ValueError:
        return ""
