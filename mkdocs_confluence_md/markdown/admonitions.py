"""Recognize panels: notes, warnings and expands, as exporters write them. Pure.

They become the markup of the site's own admonitions and details. Recognized are

- alerts as on GitHub and in Obsidian: `> [!NOTE]`, `> [!TIP] With a title`, and with a sign
  behind (`> [!NOTE]-`) an expand;
- quotations that begin with a label: `> **Note:** …`, `> **Warning**` on a line of its own;
- quotations that begin with the sign of a panel: `> ⚠️ …`, `> **⚠️ A title**`, `> :warning: …`;
- containers: `:::info A title` to `:::`, and `:::expand A title`;
- the HTML in which Confluence itself writes panels.

Every other quotation stays one: a label or a sign that is not in the tables below changes nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from markdown_it.token import Token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mkdocs_confluence_md.markdown.repairs import Env

_KINDS = {
    "note": "note",
    "info": "info",
    "information": "info",
    "important": "info",
    "todo": "info",
    "abstract": "abstract",
    "summary": "abstract",
    "tldr": "abstract",
    "tip": "tip",
    "hint": "tip",
    "success": "success",
    "check": "success",
    "done": "success",
    "question": "question",
    "help": "question",
    "faq": "question",
    "warning": "warning",
    "attention": "warning",
    "caution": "danger",
    "danger": "danger",
    "error": "danger",
    "failure": "failure",
    "fail": "failure",
    "bug": "bug",
    "example": "example",
    "quote": "quote",
    "cite": "quote",
}
"""What a panel is called, and which of Material's admonitions looks like it."""

_SIGNS = {
    "info": ("ℹ", "🛈", ":information_source:", ":info:"),  # noqa: RUF001  the sign itself
    "note": ("📝", "🗒", "📌", ":memo:", ":pencil:", ":note:", ":pushpin:"),
    "tip": ("💡", ":bulb:"),
    "success": ("✅", "✔", ":white_check_mark:", ":check_mark:"),
    "question": ("❓", ":question:"),
    "warning": ("⚠", ":warning:"),
    "danger": ("❌", "🚫", "⛔", "🛑", ":x:", ":cross_mark:", ":no_entry:", ":octagonal_sign:"),
}
"""Which sign stands for which kind of panel."""

_EXPANDS = {"details", "expand"}
_LABELS = _KINDS.keys() - {"todo", "check", "done", "help", "fail", "quote", "cite", "example"}
_KIND_OF_SIGN = {sign: kind for kind, signs in _SIGNS.items() for sign in signs}
_ALERT = re.compile(r"\[!(?P<name>\w+)\](?P<fold>[-+]?)[ \t]*")
_SIGN = re.compile(f"(?P<sign>{'|'.join(map(re.escape, _KIND_OF_SIGN))})\ufe0f?[ \t]*")
_CONTAINER = re.compile(r"[ \t]*(?P<name>\w+)(?:[ \t]+(?P<title>\S.*))?")

# Confluence's macros of these names have looks that other names describe better.
_MACRO_KINDS = {"information": "info", "note": "warning", "tip": "success", "warning": "danger"}
_MACRO = re.compile(
    r'class="(?P<classes>confluence-information-macro\s+'
    r"confluence-information-macro-(?P<macro>information|note|tip|warning)|panel)"
    r'(?P<more>\s+conf-macro\b[^"]*)?"'
)
_MACRO_TITLE = re.compile(r'class="(?P<classes>panelHeader|title)"')


@dataclass
class Panel:
    """A panel, and what the text tells of it."""

    kind: str
    title: list[Token]
    body: list[Token] = field(default_factory=list)
    """What is left of the first paragraph."""
    fold: str = ""
    """For an expand: `-` for one that is closed at first, `+` for an open one."""


def is_panel_name(info: str) -> bool:
    """Return True if the first word behind `:::` names a panel or an expand."""
    match = _CONTAINER.fullmatch(info.rstrip())
    return match is not None and match["name"].lower() in _KINDS.keys() | _EXPANDS


def mark_panels(tokens: list[Token], env: Env) -> list[Token]:
    """Replace quotations and containers that are panels by the tokens of admonitions."""
    del env
    marked: list[Token] = []
    open_tags: list[str] = []
    skipped = 0
    for position, token in enumerate(tokens):
        if position < skipped:
            continue
        if token.type in {"blockquote_open", "container_panel_open"}:
            panel = _read_panel(token, tokens[position + 1 : position + 3])
            open_tags.append(_tag_of(panel))
            marked += _open_panel(panel) if panel else [token]
            if panel and token.type == "blockquote_open":
                marked += _make_paragraph(panel.body)
                skipped = position + 4
        elif token.type in {"blockquote_close", "container_panel_close"}:
            tag = open_tags.pop()
            marked.append(Token("panel_close", tag, -1) if tag else token)
        else:
            marked.append(token)
    return marked


def style_html(html: str) -> str:
    """Give the HTML of Confluence's own panels the classes of the site's admonitions."""
    if not _MACRO.search(html):
        return html
    styled = _MACRO.sub(
        lambda match: (
            f'class="{match["classes"]}{match["more"] or ""} '
            f'admonition {_MACRO_KINDS.get(match["macro"], "note")}"'
        ),
        html,
    )
    return _MACRO_TITLE.sub(r'class="\g<classes> admonition-title"', styled)


def _tag_of(panel: Panel | None) -> str:
    if panel is None:
        return ""
    return "details" if panel.fold else "div"


def _read_panel(token: Token, following: list[Token]) -> Panel | None:
    if token.type == "container_panel_open":
        return _read_container(token.info)
    if [each.type for each in following] != ["paragraph_open", "inline"]:
        return None
    words = [word for word in following[1].children or [] if word.type != "text" or word.content]
    return _read_alert(words) or _read_sign(words) or _read_label(words)


def _read_container(info: str) -> Panel | None:
    match = _CONTAINER.fullmatch(info.rstrip())
    if match is None:
        return None
    name = match["name"].lower()
    title = _make_text(match["title"] or name.capitalize())
    return Panel(_KINDS.get(name, "note"), title, fold="-" if name in _EXPANDS else "")


def _read_alert(words: list[Token]) -> Panel | None:
    match = _ALERT.match(words[0].content) if words and words[0].type == "text" else None
    kind = _KINDS.get(match["name"].lower()) if match else None
    if match is None or kind is None:
        return None
    title, body = _split_line([*_make_text(words[0].content[match.end() :]), *words[1:]])
    return Panel(kind, title or _make_text(match["name"].capitalize()), body, match["fold"])


def _read_sign(words: list[Token]) -> Panel | None:
    words = _put_sign_first(words)
    match = _SIGN.match(words[0].content) if words and words[0].type == "text" else None
    if match is None:
        return None
    kind = _KIND_OF_SIGN[match["sign"]]
    rest = [*_make_text(words[0].content[match.end() :]), *words[1:]]
    if labelled := _read_label(rest):
        labelled.kind = kind
        return labelled
    line, body = _split_line(rest)
    if _is_bold(line):
        return Panel(kind, line[1:-1], body)
    return Panel(kind, _make_text(kind.capitalize()), rest)


def _put_sign_first(words: list[Token]) -> list[Token]:
    """Make `⚠️ **Title**` of `**⚠️ Title**`."""
    if [word.type for word in words[:2]] != ["strong_open", "text"]:
        return words
    match = _SIGN.match(words[1].content)
    if match is None:
        return words
    bold = [words[0], *_make_text(words[1].content[match.end() :]), *words[2:]]
    # Nothing else was bold.
    bold = bold[2:] if bold[1].type == "strong_close" else bold
    return [*_make_text(match[0]), *bold]


def _read_label(words: list[Token]) -> Panel | None:
    """Read `**Note:** text`, `**Note**: text`, and `**Note**` on a line of its own."""
    if not _is_bold(words[:3]) or words[1].type != "text":
        return None
    label, rest = words[1].content.strip(), words[3:]
    name = label.rstrip(":").rstrip()
    if name.lower() not in _LABELS:
        return None
    if rest and rest[0].type == "text" and rest[0].content.startswith(":"):
        rest = [*_make_text(rest[0].content[1:]), *rest[1:]]
    elif label == name and rest and not _is_break(rest[0]):
        return None
    _, body = _split_line(rest) if rest and _is_break(rest[0]) else ([], rest)
    return Panel(_KINDS[name.lower()], _make_text(name), body)


def _is_bold(words: list[Token]) -> bool:
    """Return True if all of this is bold."""
    kinds = [word.type for word in words]
    return (
        len(kinds) > 2  # noqa: PLR2004  what opens, what is bold, and what closes
        and (kinds[0], kinds[-1]) == ("strong_open", "strong_close")
        and kinds.count("strong_open") == 1
    )


def _is_break(word: Token) -> bool:
    return word.type in {"softbreak", "hardbreak"}


def _split_line(words: list[Token]) -> tuple[list[Token], list[Token]]:
    """Separate the first line from those behind it."""
    end = next((place for place, word in enumerate(words) if _is_break(word)), len(words))
    return _strip(words[:end]), words[end + 1 :]


def _strip(line: list[Token]) -> list[Token]:
    """Leave out the blanks at both ends."""
    kept = [place for place, word in enumerate(line) if word.type != "text" or word.content.strip()]
    return line[kept[0] : kept[-1] + 1] if kept else []


def _open_panel(panel: Panel) -> Iterator[Token]:
    tag, title_tag = ("details", "summary") if panel.fold else ("div", "p")
    attributes: dict[str, str | int | float]
    attributes = {"class": panel.kind if panel.fold else f"admonition {panel.kind}"}
    if panel.fold == "+":
        attributes["open"] = "open"
    yield Token("panel_open", tag, 1, attrs=attributes)
    title_attributes: dict[str, str | int | float]
    title_attributes = {} if panel.fold else {"class": "admonition-title"}
    yield Token("panel_title_open", title_tag, 1, attrs=title_attributes)
    yield Token("inline", "", 0, children=panel.title)
    yield Token("panel_title_close", title_tag, -1)


def _make_paragraph(words: list[Token]) -> list[Token]:
    if words and words[0].type == "text":
        words = [*_make_text(words[0].content.lstrip()), *words[1:]]
    if not words:
        return []
    return [
        Token("paragraph_open", "p", 1),
        Token("inline", "", 0, children=words),
        Token("paragraph_close", "p", -1),
    ]


def _make_text(content: str) -> list[Token]:
    return [Token("text", "", 0, content=content)] if content else []
