"""Repair what exporters write within a paragraph: emphasis, emoji, statuses, dates. Pure.

Repaired are

- blanks inside of the marks of emphasis: see `emphasis.py`;
- names of emoji: `:rocket:`, `::rocket::`, also one behind another; not within words or addresses;
- statuses: `{status:colour=Green|title=DONE}`, `:status[Done]{color="green"}`;
- dates: `<time datetime="2026-12-31"></time>`, which shows nothing, and milliseconds since 1970,
  which are dates behind a label as `Due:`, and where a cell of a table has nothing else and they
  are the beginning of a day, as Confluence's dates are (numbers of articles are not);
- mentions of people whose names are missing: `@undefined`;
- single tildes inside of words: `H~2~O` is not struck through.

Nothing is repaired in code, be it in backticks or in HTML.
"""

from __future__ import annotations

import re
from collections import ChainMap, defaultdict
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from markdown_it.token import Token

from mkdocs_confluence_md.markdown.admonitions import make_text
from mkdocs_confluence_md.markdown.repairs.emoji_names import find_emoji
from mkdocs_confluence_md.markdown.repairs.emphasis import move_blanks
from mkdocs_confluence_md.markdown.repairs.kinds import note_repair

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from markdown_it.rules_core import StateCore

    from mkdocs_confluence_md.markdown.repairs.kinds import Env


def repair_emphasis(state: StateCore) -> None:
    """Read a paragraph once more where blanks keep marks from being emphasis."""
    before = None
    for token in state.tokens:
        opening, before = before, token
        marks = _count_marks(token.children) if token.children else 0
        if marks < 2:  # noqa: PLR2004  one opens, and one closes
            continue
        is_paragraph = bool(opening and opening.type == "paragraph_open" and not opening.hidden)
        content, moved = move_blanks(token.content, titles_only=is_paragraph)
        if not moved:
            continue
        words: list[Token] = []
        state.md.inline.parse(content, state.md, _make_scratch(state.env), words)
        if _count_marks(words) < marks and _keep_footnotes(token.children or [], words):
            token.content, token.children = content, words
            note_repair(state.env, "emphasis", moved)


def _count_marks(words: Sequence[Token]) -> int:
    """Return how many characters of text are left over from marks."""
    texts = [word.content for word in words if word.type == "text"]
    return sum(text.count("*") + 2 * text.count("~~") for text in texts)


def _make_scratch(env: Env) -> Env:
    """Return the page's environment for reading text again, which counts no footnote twice."""
    known = env.get("footnotes", {}).get("refs", {})
    numbers: defaultdict[int, dict[str, Any]] = defaultdict(lambda: {"count": 0})
    return ChainMap({"footnotes": {"refs": ChainMap({}, known), "list": numbers}}, env)


def _keep_footnotes(before: Sequence[Token], after: Sequence[Token]) -> bool:
    """Give references to footnotes the numbers that they had; return False if not all are there."""
    old, new = list(_find_references(before)), list(_find_references(after))
    if [each.meta["label"] for each in old] != [each.meta["label"] for each in new]:
        return False
    for reference, again in zip(old, new, strict=True):
        again.meta = reference.meta
    return True


def _find_references(words: Sequence[Token]) -> Iterator[Token]:
    for word in words:
        if word.type == "footnote_ref":
            yield word
        yield from _find_references(word.children or ())


def repair_words(tokens: list[Token], env: Env) -> list[Token]:
    """Repair words; after panels were recognized, and before escaped characters become text."""
    repaired: list[Token] = []
    before = ""
    for token in tokens:
        if token.type == "html_block":
            repaired += _repair_html(token, env, in_item=before == "list_item_open")
        else:
            if token.children:
                token.children = _repair_line(token.children, env, before)
            repaired.append(token)
        before = token.type
    return repaired


def _repair_line(words: list[Token], env: Env, before: str) -> list[Token]:
    words = _repair_tildes(words, env)
    if before in {"td_open", "th_open"} and (day := _read_cell(words)):
        note_repair(env, "dates")
        return _show_date(day, day)
    return list(_Line(words, env).repair())


_DAY = 24 * 60 * 60 * 1000
_FIRST_MILLISECOND, _LAST_MILLISECOND = 631_152_000_000, 4_102_444_800_000
_MILLISECONDS = re.compile(
    r"(?<![\w.,/#+-])[0-9]{13}"
    # Other forms right behind it would begin a word, once it is a date.
    r"(?![\w/-]|[.,][0-9]|:+\w|:status\[|\{status:|@undefined)"
)
_LABEL = re.compile(r"(?<![\w-])(?:date|due|deadline|datum|fällig)[ \t]*:?[ \t]*\Z", re.IGNORECASE)
_LONGEST_LABEL = 30
_TIME = re.compile(r"<time(?=[\s/>])[^<>]*>", re.IGNORECASE)
_TIME_END = re.compile(r"</time\s*>", re.IGNORECASE)
_DATETIME = re.compile(r"""\sdatetime\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'/>]+))""", re.IGNORECASE)
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]00:00(?::00(?:\.0+)?)?(?:Z|[+-]00:?00)?)?")
_OTHER_TIME = re.compile(r"[0-9][0-9A-Z.:+ -]*")
_CODE_TAG = re.compile(r"<(/?)(?:code|kbd|pre|samp|script|style|textarea|tt|var)\b", re.IGNORECASE)


def _read_milliseconds(digits: str) -> str:
    """Return the day of milliseconds since 1970 in UTC; empty for other numbers."""
    number = int(digits)
    if not _FIRST_MILLISECOND <= number < _LAST_MILLISECOND:
        return ""
    return datetime.fromtimestamp(number / 1000, tz=UTC).date().isoformat()


def _read_cell(words: list[Token]) -> str:
    """Return the day of which a cell has nothing but the milliseconds."""
    if len(words) != 1 or words[0].type != "text":
        return ""
    digits = words[0].content.strip()
    if not _MILLISECONDS.fullmatch(digits) or int(digits) % _DAY:
        return ""
    return _read_milliseconds(digits)


def _read_time(tag: str) -> tuple[str, str]:
    """Return what an empty `<time>` says, for machines and for readers."""
    match = _DATETIME.search(tag)
    value = next(filter(None, match.groups()), "").strip() if match else ""
    if _MILLISECONDS.fullmatch(value):
        value = _read_milliseconds(value)
    if midnight := _DATE.fullmatch(value):
        try:
            date.fromisoformat(midnight[1])
        except ValueError:
            return "", ""
        return value, midnight[1]
    return (value, value) if _OTHER_TIME.fullmatch(value) else ("", "")


def _show_date(value: str, shown: str) -> list[Token]:
    attributes: dict[str, str | int | float] = {"class": "confluence-date", "datetime": value}
    return [
        Token("date_open", "time", 1, attrs=attributes),
        Token("text", "", 0, content=shown),
        Token("date_close", "time", -1),
    ]


_EMOJI = r"(?<![\w:])(?<!\w/)(?:(?::[a-z0-9_+-]{1,60}:)+|::[a-z0-9_+-]{1,60}::)(?![\w:])"
_STATUS = r"(?<![\w$#%{/])\{status:(?P<parameters>[^\W\d_][^{}\n]{0,200})\}(?![\w}])"
_DIRECTIVE = r"(?<![\w:]):status\[(?P<title>[^\[\]\n]{1,200})\](?:\{(?P<attributes>[^{}\n]*)\})?"
_MENTION = r"(?<![\w.@/+-])@undefined(?![\w@/]|[.-]\w)"
_FORM = re.compile(
    f"(?P<directive>{_DIRECTIVE})|(?P<emoji>{_EMOJI})|(?P<status>{_STATUS})"
    f"|(?P<mention>{_MENTION})|(?P<milliseconds>{_MILLISECONDS.pattern})"
)
# Quick to look for, and most texts have none.
_SIGN = re.compile(r":[a-z0-9_+\[-]|\{status:|@undefined|[0-9]{13}")
_ATTRIBUTE = re.compile(r"""([a-z]+)=("[^"]*"|'[^']*'|[^\s"']+)""", re.IGNORECASE)
_COLORS = {
    "blue": "blue",
    "gray": "grey",
    "green": "green",
    "grey": "grey",
    "neutral": "grey",
    "purple": "purple",
    "red": "red",
    "yellow": "yellow",
}
_LONGEST_ADDRESS = 300


class _Line:
    """The words of one paragraph, heading or cell, which are repaired from left to right."""

    def __init__(self, words: list[Token], env: Env) -> None:
        self._words = words
        self._env = env
        self._shown = ""
        """The end of the text so far on this line: a label may be there."""
        self._codes = 0
        """How many tags of code are open."""
        self._links = 0

    def repair(self) -> Iterator[Token]:
        """Yield the words, and what is in the place of some."""
        skipped = 0
        for place, word in enumerate(self._words):
            if place < skipped:
                continue
            if word.type == "html_inline":
                skipped = 0 if self._codes else self._find_end_of_time(place)
                day, shown = _read_time(word.content) if skipped else ("", "")
                if shown:
                    note_repair(self._env, "dates")
                    yield from _show_date(day, shown)
                    continue
                skipped = 0
                self._note_code(word.content)
            elif word.type == "text" and not self._codes:
                yield from self._repair_text(word)
                continue
            elif word.type in {"softbreak", "hardbreak", "code_inline"}:
                self._shown = ""
            elif word.tag == "a":
                self._links += word.nesting
            yield word

    def _note_code(self, tag: str) -> None:
        match = _CODE_TAG.match(tag)
        if match:
            self._codes = max(0, self._codes + (-1 if match[1] else 1))

    def _find_end_of_time(self, place: int) -> int:
        """Return the place behind an empty `<time>`; 0 if there is none, or it has a text."""
        tag = self._words[place].content
        if not _TIME.fullmatch(tag):
            return 0
        end = place + 1
        rest = self._words[end : end + 2]
        if rest and rest[0].type == "text" and not rest[0].content.strip():
            rest = rest[1:]
            end += 1
        if rest and rest[0].type == "html_inline" and _TIME_END.fullmatch(rest[0].content):
            return end + 1
        return place + 1 if tag.endswith("/>") else 0

    def _repair_text(self, word: Token) -> Iterator[Token]:
        text = word.content
        end = 0
        if _SIGN.search(text) and not (self._links and _is_address(text)):
            for match in _FORM.finditer(text):
                tokens = self._read_form(match)
                if tokens:
                    yield from make_text(text[end : match.start()])
                    yield from tokens
                    end = match.end()
        self._shown = (self._shown + text)[-_LONGEST_LABEL:]
        if end:
            yield from make_text(text[end:])
        else:
            yield word

    def _read_form(self, match: re.Match[str]) -> list[Token]:
        """Return what a form says; nothing if it is none."""
        kind, tokens = "", []
        if match["emoji"]:
            if not _is_in_address(match) and (sign := find_emoji(match["emoji"])):
                kind, tokens = "emoji", make_text(sign)
        elif match["status"]:
            kind, tokens = "statuses", read_status(match["parameters"])
        elif match["directive"]:
            parameters = {
                name.lower(): value.strip("\"'")
                for name, value in _ATTRIBUTE.findall(match["attributes"] or "")
            }
            kind, tokens = "statuses", _show_status(match["title"], parameters)
        elif match["mention"]:
            kind, tokens = "mentions", make_text("@unknown")
        elif self._is_labelled(match) and (day := _read_milliseconds(match["milliseconds"])):
            kind, tokens = "dates", _show_date(day, day)
        if tokens:
            note_repair(self._env, kind)
        return tokens

    def _is_labelled(self, match: re.Match[str]) -> bool:
        """Return True if a label of a date precedes a number."""
        start = match.start()
        shown = self._shown + match.string[max(0, start - _LONGEST_LABEL) : start]
        return _LABEL.search(shown[-_LONGEST_LABEL:]) is not None


def _is_address(text: str) -> bool:
    return len(text.split()) == 1 and ("://" in text or text.lower().startswith("www."))


def _is_in_address(match: re.Match[str]) -> bool:
    start = match.start()
    before = match.string[max(0, start - _LONGEST_ADDRESS) : start]
    return bool(before) and not before[-1].isspace() and "://" in before.split()[-1]


def read_status(text: str) -> list[Token]:
    """Return the label that `{status:…}` means; nothing for other text.

    Args:
        text: What follows its colon: `DONE`, or `colour=Green|title=DONE`.
    """
    if "=" not in text:
        # `{status:ok, id:1}` is an object of JavaScript.
        return [] if re.search(r"[,;|\"']", text) else _show_status(text, {})
    pairs = [part.partition("=") for part in text.split("|")]
    if not all(name.strip().isalpha() and equals for name, equals, _ in pairs):
        return []
    parameters = {name.strip().lower(): value.strip() for name, _, value in pairs}
    color = _find_color(parameters)
    return _show_status(parameters.get("title") or color, parameters)


def _find_color(parameters: dict[str, str]) -> str:
    return parameters.get("colour") or parameters.get("color") or ""


def _show_status(title: str, parameters: dict[str, str]) -> list[Token]:
    if not title.strip():
        return []
    color = _COLORS.get(_find_color(parameters).lower(), "grey")
    attributes: dict[str, str | int | float]
    # `md-tag` is the class of Material that looks like it.
    attributes = {"class": f"confluence-status confluence-status--{color} md-tag"}
    return [
        Token("status_open", "span", 1, attrs=attributes),
        Token("text", "", 0, content=title.strip()),
        Token("status_close", "span", -1),
    ]


_EMPHASIS = {"a", "em", "s", "strong"}


def _repair_tildes(words: list[Token], env: Env) -> list[Token]:
    """Show single tildes that are inside of words."""
    if not any(word.type == "s_open" and word.markup == "~" for word in words):
        return words
    before = _read_neighbors(words, transparent=-1)
    after = _read_neighbors(words[::-1], transparent=1)[::-1]
    repaired = list(words)
    opened: list[int] = []
    for place, word in enumerate(words):
        if word.type == "s_open":
            opened.append(place)
        elif word.type == "s_close" and opened:
            opening = opened.pop()
            if word.markup == "~" and (before[opening].isalnum() or after[place].isalnum()):
                repaired[opening] = Token("text", "", 0, content="~")
                repaired[place] = Token("text", "", 0, content="~")
                note_repair(env, "tildes")
    return repaired


def _read_neighbors(words: list[Token], transparent: int) -> list[str]:
    """Return for each word the nearest character of those before it.

    Args:
        words: From left to right, or from right to left.
        transparent: Which nesting changes nothing: `**H**~2~O` is one word.
    """
    neighbors = []
    nearest = ""
    for word in words:
        neighbors.append(nearest)
        if word.nesting != transparent or word.tag not in _EMPHASIS:
            shown = "" if word.nesting or word.type == "html_inline" else word.content
            nearest = shown[-1:] if transparent < 0 else shown[:1]
    return neighbors


_HTML_PART = re.compile(
    rf"(?P<comment><!--)|(?P<end>-->)|(?P<time>{_TIME.pattern})(?P<rest>\s*</time\s*>)?"
    rf"|(?P<code>{_CODE_TAG.pattern})",
    re.IGNORECASE,
)


def _repair_html(token: Token, env: Env, *, in_item: bool) -> list[Token]:
    """Show the dates of empty `<time>` tags in a block of HTML, outside of code and comments."""
    if "<time" not in token.content.lower():
        return [token]
    pieces = []
    end = repairs = codes = 0
    in_comment = False
    for match in _HTML_PART.finditer(token.content):
        if match["comment"] or match["end"]:
            in_comment = bool(match["comment"])
        elif in_comment:
            continue
        elif match["code"]:
            codes = max(0, codes + (-1 if match["code"].startswith("</") else 1))
        elif not codes and (match["rest"] or match["time"].endswith("/>")):
            value, shown = _read_time(match["time"])
            if shown:
                time = f'<time class="confluence-date" datetime="{value}">{shown}</time>'
                pieces += [token.content[end : match.start()], time]
                end = match.end()
                repairs += 1
    if not repairs:
        return [token]
    note_repair(env, "dates", repairs)
    content = "".join([*pieces, token.content[end:]])
    if repairs == 1 and _TIME.sub("", token.content, count=1).strip() in {"", "</time>"}:
        # A tag that is alone on its line is a block, but it is a text to its writer.
        value, shown = _read_time(token.content)
        return [
            Token("paragraph_open", "p", 1, hidden=in_item),
            Token("inline", "", 0, children=_show_date(value, shown)),
            Token("paragraph_close", "p", -1, hidden=in_item),
        ]
    token.content = content
    return [token]
