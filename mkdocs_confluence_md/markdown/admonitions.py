"""Recognize panels: notes, warnings and expands, as exporters write them. Pure.

They become the markup of the site's own admonitions and details. Recognized are

- alerts as on GitHub and in Obsidian: `> [!NOTE]`, `> [!TIP] With a title`, and with a sign
  behind (`> [!NOTE]-`) an expand;
- quotations that begin with a label: `> **Note:** …`, `> **Warning**` on a line of its own;
- quotations that begin with the sign of a panel: `> ⚠️ …`, `> **⚠️ A title**`, `> :warning: …`;
- containers: `:::info A title` to `:::`, and `:::expand A title`;
- the HTML in which Confluence itself writes panels.

Where the forms of exporters are repaired, also

- alerts with the title inside: `> [!INFO: A title]`, and of the names `panel`, `custom` and
  `decision`;
- labels in brackets or behind a mark: `> **[INFO]**`, `> **[i] INFO:** …`, `> **PANEL:** …`;
- more signs: `> 📘 …`;
- containers with attributes: `:::info[A title]`, `:::panel{type=info}`, `:::{.info}`, and fences
  like `~~~panel type=info` (`panel_fences.py`);
- the HTML of Atlassian's editor: `<div data-panel-type="info">`.

Every other quotation stays one: a label or a sign that is not in the tables below changes nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from markdown_it.token import Token

from mkdocs_confluence_md.markdown.repairs.kinds import note_repair

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mkdocs_confluence_md.markdown.repairs.kinds import Env

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

_OTHER_KINDS = {"panel": "note", "custom": "note", "decision": "note"}
"""The same for names that only exporters use."""

_OTHER_SIGNS = {
    "info": ("📘",),
    "success": ("☑",),
    "warning": ("❕", "🚧"),
    "danger": ("❗", "🚨"),
}
"""The same for signs that only exporters use."""

_ALL_KINDS = _KINDS | _OTHER_KINDS
_EXPANDS = {"details", "expand"}
_LABELS = _KINDS.keys() - {"todo", "check", "done", "help", "fail", "quote", "cite", "example"}
_KIND_OF_SIGN = {
    sign: kind
    for kinds in (_SIGNS, _OTHER_SIGNS)
    for kind, signs in kinds.items()
    for sign in signs
}
_ALERT = re.compile(r"\[!(?P<name>\w+)\](?P<fold>[-+]?)[ \t]*")
_TITLED_ALERT = re.compile(r"\[!(?P<name>\w+):[ \t]*")
_BRACKET = re.compile(r"[\[\]]")
_FOLD = re.compile(r"[-+]?")
_SIGN, _OTHER_SIGN = (
    re.compile(f"(?P<sign>{'|'.join(map(re.escape, chain(*signs.values())))})\ufe0f?[ \t]*")
    for signs in (_SIGNS, _OTHER_SIGNS)
)
# What a person writes in front of a quotation may be "Panel:", what an exporter does is "PANEL:".
_OTHER_LABEL = re.compile(
    r"\[(?:i|!!?|\*)\][ \t]*(?P<marked>\w+)|\[(?P<bracketed>\w+)\]"
    r"|(?P<plain>PANEL|CUSTOM|DECISION|Decision)"
)
_ABBREVIATIONS = {"faq", "tldr"}
_LONGEST_LABEL = 10
"""In tokens: each escaped bracket is one."""

_CONTAINER = re.compile(r"[ \t]*(?P<name>\w+)(?:[ \t]+(?P<title>\S.*))?")

_DIRECTIVE = re.compile(r"[ \t]*(?P<name>\w*)(?:\[(?P<title>[^\[\]]*)\])?[ \t]*(?P<options>.*)")
_OPTION = re.compile(
    r"""(?<![\w-])(?P<name>[\w-]+)=(?:"(?P<quoted>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s"'{}]+))"""
    r"""|(?<!\S)(?:\.(?P<class>[\w-]+)|#[\w-]+)"""
)

# Confluence's macros of these names have looks that other names describe better.
_MACRO_KINDS = {"information": "info", "note": "warning", "tip": "success", "warning": "danger"}
_MACRO = re.compile(
    r'class="(?P<classes>confluence-information-macro\s+'
    r"confluence-information-macro-(?P<macro>information|note|tip|warning)|panel)"
    r'(?P<more>\s+conf-macro\b[^"]*)?"'
)
_MACRO_TITLE = re.compile(r'class="(?P<classes>panelHeader|title)"')
_EDITOR_TAG = re.compile(r"<(?P<name>div|section|aside)\b(?P<attributes>[^<>]*)>", re.IGNORECASE)
_EDITOR_TYPE = re.compile(r"""\sdata-panel-type=["']?(?P<kind>\w+)""")
_EDITOR_CLASS = re.compile(r"""\sclass=(?P<mark>["'])(?P<classes>[^"']*)(?P=mark)""")


@dataclass
class Panel:
    """A panel, and what the text tells of it."""

    kind: str
    title: list[Token]
    body: list[Token] = field(default_factory=list)
    """What is left of the first paragraph."""
    fold: str = ""
    """For an expand: `-` for one that is closed at first, `+` for an open one."""
    is_repaired: bool = False
    """Whether the form is one that is repaired."""


def is_panel_name(info: str, *, repairs: bool) -> bool:
    """Return True if what stands behind `:::` names a panel or an expand.

    Args:
        info: What stands there.
        repairs: Whether the forms of exporters count.
    """
    return _read_container(info, repairs=repairs) is not None


def mark_panels(tokens: list[Token], env: Env, *, repairs: bool) -> list[Token]:
    """Replace quotations and containers that are panels by the tokens of admonitions.

    Args:
        tokens: Of a page.
        env: Of the page.
        repairs: Whether the forms of exporters count.
    """
    marked: list[Token] = []
    open_tags: list[str] = []
    skipped = 0
    for position, token in enumerate(tokens):
        if position < skipped:
            continue
        if token.type in {"blockquote_open", "container_panel_open"}:
            panel = _read_panel(token, tokens[position + 1 : position + 3], repairs=repairs)
            if panel and panel.is_repaired:
                note_repair(env, "expands" if panel.fold else "panels")
            open_tags.append(_tag_of(panel))
            marked += _open_panel(panel) if panel else [token]
            if panel and token.type == "blockquote_open":
                marked += _make_paragraph(panel.body)
                skipped = position + 4
        elif token.type in {"blockquote_close", "container_panel_close"}:
            tag = open_tags.pop()
            marked.append(Token("panel_close", tag, -1) if tag else token)
        else:
            if repairs and token.type == "html_block":
                token.content = _repair_html(token.content, env)
            marked.append(token)
    return marked


def _repair_html(html: str, env: Env) -> str:
    """Give the HTML of Atlassian's editor the classes of the site's admonitions."""
    if "data-panel-type" not in html and "ak-editor-panel" not in html:
        return html
    return _EDITOR_TAG.sub(lambda tag: _repair_tag(tag, env), html)


def _repair_tag(tag: re.Match[str], env: Env) -> str:
    attributes = tag["attributes"]
    kind, classes = _EDITOR_TYPE.search(attributes), _EDITOR_CLASS.search(attributes)
    names = classes["classes"].split() if classes else []
    if kind:
        look = _ALL_KINDS.get(kind["kind"].lower())
    else:
        look = "note" if "ak-editor-panel" in names else None
    if look is None or "admonition" in names:
        return tag[0]
    note_repair(env, "panels")
    if classes:
        attributes = attributes[: classes.start()] + attributes[classes.end() :]
    written = " ".join([*names, "admonition", look])
    return f'<{tag["name"]} class="{written}"{attributes}>'


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


def _read_panel(token: Token, following: list[Token], *, repairs: bool) -> Panel | None:
    if token.type == "container_panel_open":
        return _read_container(token.info, repairs=repairs)
    if [each.type for each in following] != ["paragraph_open", "inline"]:
        return None
    words = [word for word in following[1].children or [] if word.type != "text" or word.content]
    panel = _read_alert(words, _KINDS) or _read_sign(words, _SIGN) or _read_label(words)
    if panel is None and repairs:
        panel = (
            _read_alert(words, _OTHER_KINDS)
            or _read_titled_alert(words)
            or _read_sign(words, _OTHER_SIGN)
            or _read_other_label(words)
        )
        if panel:
            panel.is_repaired = True
    return panel


def _read_container(info: str, *, repairs: bool) -> Panel | None:
    if repairs and (panel := read_directive(info)):
        return panel
    match = _CONTAINER.fullmatch(info.rstrip())
    if match is None:
        return None
    name = match["name"].lower()
    kind = "note" if name in _EXPANDS else _KINDS.get(name)
    if kind is None:
        return None
    title = make_text(match["title"] or name.capitalize())
    return Panel(kind, title, fold="-" if name in _EXPANDS else "")


def read_directive(info: str) -> Panel | None:
    """Read `info[Title]`, `panel{type=info}`, `panel type=info title="T"` and `{.info}`."""
    match = _DIRECTIVE.fullmatch(info.rstrip())
    if match is None:
        return None
    name, text = match["name"].lower(), match["options"]
    is_braced = len(text) > 1 and (text[0], text[-1]) == ("{", "}")
    options = _read_options(text[1:-1] if is_braced else text)
    if options is None or not (is_braced or options or match["title"] or name in _OTHER_KINDS):
        return None
    if not is_braced and options.keys() - {"type", "title"}:
        return None
    if not name and is_braced:
        name = options.get("class", "").lower()
    if name == "panel":
        name = options.get("type", name).lower()
    kind = "note" if name in _EXPANDS else _ALL_KINDS.get(name)
    if kind is None:
        return None
    title = (match["title"] or options.get("title", "")).strip() or name.capitalize()
    return Panel(kind, make_text(title), fold="-" if name in _EXPANDS else "", is_repaired=True)


def _read_options(text: str) -> dict[str, str] | None:
    """Read `type=info title="T" .class`; None if there is anything else."""
    if _OPTION.sub("", text).strip():
        return None
    return {
        match["name"] or "class": match["quoted"]
        or match["single"]
        or match["bare"]
        or match["class"]
        or ""
        for match in _OPTION.finditer(text)
        if not match[0].startswith("#")
    }


def _read_alert(words: list[Token], kinds: Mapping[str, str]) -> Panel | None:
    match = _ALERT.match(words[0].content) if words and words[0].type == "text" else None
    kind = kinds.get(match["name"].lower()) if match else None
    if match is None or kind is None:
        return None
    title, body = _split_line([*make_text(words[0].content[match.end() :]), *words[1:]])
    return Panel(kind, title or make_text(match["name"].capitalize()), body, match["fold"])


def _read_titled_alert(words: list[Token]) -> Panel | None:
    """Read `[!INFO: A title]`."""
    match = _TITLED_ALERT.match(words[0].content) if words and words[0].type == "text" else None
    kind = _ALL_KINDS.get(match["name"].lower()) if match else None
    if match is None or kind is None:
        return None
    halves = _split_at_bracket([*make_text(words[0].content[match.end() :]), *words[1:]])
    if halves is None:
        return None
    title, body = halves
    fold = ""
    if body and body[0].type == "text" and (sign := _FOLD.match(body[0].content)):
        fold = sign[0]
        body = [*make_text(body[0].content[sign.end() :].lstrip()), *body[1:]]
    body = body[1:] if body and _is_break(body[0]) else body
    return Panel(kind, _strip(title) or make_text(match["name"].capitalize()), body, fold)


def _split_at_bracket(words: list[Token]) -> tuple[list[Token], list[Token]] | None:
    """Separate what stands before the bracket that closes, on the first line."""
    depth, nesting = 1, 0
    for place, word in enumerate(words):
        if _is_break(word):
            return None
        nesting += word.nesting
        if word.type != "text" or nesting:
            continue
        for bracket in _BRACKET.finditer(word.content):
            depth += 1 if bracket[0] == "[" else -1
            if not depth:
                before, after = word.content[: bracket.start()], word.content[bracket.end() :]
                return (
                    [*words[:place], *make_text(before)],
                    [*make_text(after), *words[place + 1 :]],
                )
    return None


def _read_sign(words: list[Token], signs: re.Pattern[str]) -> Panel | None:
    words = _put_sign_first(words, signs)
    match = signs.match(words[0].content) if words and words[0].type == "text" else None
    if match is None:
        return None
    kind = _KIND_OF_SIGN[match["sign"]]
    rest = [*make_text(words[0].content[match.end() :]), *words[1:]]
    if labelled := _read_label(rest):
        labelled.kind = kind
        return labelled
    line, body = _split_line(rest)
    if _is_bold(line):
        return Panel(kind, line[1:-1], body)
    return Panel(kind, make_text(kind.capitalize()), rest)


def _put_sign_first(words: list[Token], signs: re.Pattern[str]) -> list[Token]:
    """Make `⚠️ **Title**` of `**⚠️ Title**`."""
    if [word.type for word in words[:2]] != ["strong_open", "text"]:
        return words
    match = signs.match(words[1].content)
    if match is None:
        return words
    bold = [words[0], *make_text(words[1].content[match.end() :]), *words[2:]]
    # Nothing else was bold.
    bold = bold[2:] if bold[1].type == "strong_close" else bold
    return [*make_text(match[0]), *bold]


def _read_label(words: list[Token]) -> Panel | None:
    """Read `**Note:** text`, `**Note**: text`, and `**Note**` on a line of its own."""
    if not _is_bold(words[:3]) or words[1].type != "text":
        return None
    label = words[1].content.strip()
    name = label.rstrip(":").rstrip()
    if name.lower() not in _LABELS:
        return None
    return _make_labelled(name, words[3:], has_colon=label != name)


def _read_other_label(words: list[Token]) -> Panel | None:
    """Read `**[i] INFO:** text`, `**PANEL:** text`, and `**[INFO]**` on a line of its own."""
    kinds = [word.type for word in words[:_LONGEST_LABEL]]
    end = kinds.index("strong_close") if "strong_close" in kinds else 0
    if not end or kinds[0] != "strong_open" or {*kinds[1:end]} - {"text", "text_special"}:
        return None
    label = "".join(word.content for word in words[1:end]).strip()
    name = label.rstrip(":").rstrip()
    match = _OTHER_LABEL.fullmatch(name)
    # Exporters that escape all brackets write `\[i\] INFO:`, but nothing else of these.
    if match is None or ("text_special" in kinds[1:end] and not match["marked"]):
        return None
    known = match["plain"] or match["marked"] or match["bracketed"]
    if not match["plain"] and known.lower() not in _LABELS | _OTHER_KINDS.keys():
        return None
    return _make_labelled(known, words[end + 1 :], has_colon=label != name)


def _make_labelled(name: str, rest: list[Token], *, has_colon: bool) -> Panel | None:
    """Make the panel of a label, unless the label is the beginning of a sentence."""
    if rest and rest[0].type == "text" and rest[0].content.startswith(":"):
        rest = [*make_text(rest[0].content[1:]), *rest[1:]]
    elif not has_colon and rest and not _is_break(rest[0]):
        return None
    _, body = _split_line(rest) if rest and _is_break(rest[0]) else ([], rest)
    is_shouted = name.isupper() and name.lower() not in _ABBREVIATIONS
    title = name.capitalize() if is_shouted else name
    return Panel(_ALL_KINDS[name.lower()], make_text(title), body)


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
        words = [*make_text(words[0].content.lstrip()), *words[1:]]
    if not words:
        return []
    return [
        Token("paragraph_open", "p", 1),
        Token("inline", "", 0, children=words),
        Token("paragraph_close", "p", -1),
    ]


def make_text(content: str) -> list[Token]:
    """Return the tokens of a text: one, or none if there is no text."""
    return [Token("text", "", 0, content=content)] if content else []
