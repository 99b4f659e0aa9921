"""Repair the text of a page before it is parsed: the indentation of lists, torn links. Pure.

Some exporters indent each level of a list by two blanks, which is less than an ordered item needs,
and write code, tables and quotations of an item at the beginning of the line. As specified, such
an item is one of the list around it, and such a block ends the list.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mkdocs_confluence_md.markdown.repairs.kinds import note_repair

if TYPE_CHECKING:
    from mkdocs_confluence_md.markdown.repairs.kinds import Env

_MARKER = re.compile(r"(?:[-+*]|(?P<number>[0-9]{1,9})[.)])(?P<blanks>[ \t]+(?=\S)|[ \t]*$)")
_RULE = re.compile(r"([-*_])(?:[ \t]*\1){2,}[ \t]*$")
_HEADING = re.compile(r"#{1,6}(?:[ \t]|$)")
_FENCE = re.compile(r"(?P<mark>`{3,}(?=[^`]*$)|~{3,})")
_QUOTE = re.compile(r" {0,3}> ?")
_TABLE_LINE = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_HTML = re.compile(
    r"<(?:(?P<raw>pre|script|style|textarea)\b|(?P<comment>!--)|/?[a-z][a-z0-9-]*(?=[\s/>]|$))",
    re.IGNORECASE,
)
_END_OF_COMMENT = re.compile("-->")
_END_OF_RAW = re.compile(r"</(?:pre|script|style|textarea)>", re.IGNORECASE)

_CODE = 4
"""The blanks that make a line code."""
_LEVEL = 2
"""The blanks for a level of a list."""
_DEEPEST_QUOTE = 6
_FARTHEST = 40
"""The column up to which blocks are moved into an item; so a text grows by a limited factor."""

_PICTURE = r"!\[(?:[^\[\]]|\[[^\[\]]*\])*\]\((?:[^()]|\([^()]*\))*\)(?:\{[^{}]*\})?"
_BEGUN_LINK = re.compile(rf"(?<!\\)\[{_PICTURE}[ \t]*$")
_ONLY_PICTURE = re.compile(rf"[ \t]*{_PICTURE}[ \t]*$")
_OPENING = re.compile(r"(?<![\\!\]])\[[ \t]*$")
_REST_OF_LINK = re.compile(r'[ \t]*\]\((?:[^()\s]|\([^()\s]*\))+(?:[ \t]+"[^"]*")?\)')

# Most pages have none of these, so they are not read line by line: an item that is indented, a
# block right below a line of text, and the end of a torn link.
_SIGNS = [
    re.compile(r"^[>\t ]*[\t ](?:[-+*]|[0-9]{1,9}[.)])[ \t]", re.MULTILINE),
    re.compile(r"^(?:> ?)*[ \t]*[^\s|>`~][^\n]*\n(?:> ?)*[ \t]{0,3}(?:```|~~~|\||>)", re.MULTILINE),
    re.compile(r"^[>\t ]*\]\(", re.MULTILINE),
]


def repair_text(text: str, env: Env) -> str:
    """Return a page's text in the forms that are specified.

    The result is left as it is if it is repaired again.
    """
    if not any(form.search(text) for form in _SIGNS):
        return text
    lines = _repair_lines(text.split("\n"), env, depth=0)
    return "\n".join(lines)


def _repair_lines(lines: list[str], env: Env, depth: int) -> list[str]:
    scan = _Scan(lines, env, depth)
    repaired = scan.run()
    return _join_links(repaired, scan.is_code, env)


@dataclass
class _Item:
    """A list item that is open."""

    start: int
    """The column of its marker."""
    content: int
    """The column of its text."""
    number: int | None
    """None for a bullet."""
    shift: int
    """The columns by which its lines are moved."""

    def takes(self, column: int, number: int | None) -> bool:
        """Return True if an item that is not far enough to the right is meant to be its child."""
        if self.number is None or not self.start < column < self.content:
            return False
        if (column - self.start) % _LEVEL:  # a person's slip, and an example of the specification
            return False
        return number is None or number <= self.number


@dataclass(frozen=True)
class _Fence:
    mark: str
    container: int
    """The column that its lines have at least; 0 if nothing but its end ends it."""
    shift: int


class _Scan:
    """Reads lines from first to last, as far as it is to be known where lists begin and end."""

    def __init__(self, lines: list[str], env: Env, depth: int) -> None:
        self._lines = lines
        self._env = env
        self._depth = depth
        self._items: list[_Item] = []
        self._fence: _Fence | None = None
        self._html_end: re.Pattern[str] | None = None
        self._in_html = False
        self._html_column = 0
        """The column that its lines have at least."""
        self._after_text = False
        """Whether the line before belongs to a paragraph."""
        self._after_item = False
        """Whether the line before belongs to the innermost item."""
        self._in_table = False
        self._done: list[str] = []
        self.is_code: list[bool] = []
        """Of each line of the result: whether it is code or HTML."""

    def run(self) -> list[str]:
        position = 0
        while position < len(self._lines):
            position += self._read(position)
        return self._done

    def _put(self, line: str, shift: int = 0, *, is_code: bool = False) -> None:
        moved = bool(shift and line.strip())
        self._done.append(_move(line, shift) if moved else line)
        self.is_code.append(is_code)

    def _read(self, position: int) -> int:
        """Read a line, or the lines of a block; return how many."""
        line = self._lines[position]
        text = line.lstrip(" \t")
        if self._fence:
            if self._stays_in_fence(line, text):
                return 1
            self._fence = None
        if self._in_html and text.strip() and _measure(line) < self._html_column:
            self._in_html = False
        if self._in_html:
            return self._read_html(line, text)
        if not text.strip():
            self._put(line)
            self._after_text = self._after_item = self._in_table = False
            return 1
        column = _measure(line)
        if self._is_indented_code(column):
            self._put(line, self._find_shift(column), is_code=True)
            self._after_text = False
            return 1
        if (item := _MARKER.match(text)) and self._begins_item(item, text, column):
            self._open_item(line, column, item, text)
            return 1
        return self._read_block(position, line, text, column)

    def _is_indented_code(self, column: int) -> bool:
        if self._after_text:
            return False
        container = next((each.content for each in reversed(self._items)
                          if each.content <= column), 0)  # fmt: skip
        is_below = self._items and column < self._items[-1].content
        return column - container >= _CODE and not (is_below and self._items[-1].number is not None)

    def _find_shift(self, column: int) -> int:
        """Return the shift of the innermost item that a line at a column belongs to."""
        return next((each.shift for each in reversed(self._items) if each.content <= column), 0)

    def _begins_item(self, marker: re.Match[str], text: str, column: int) -> bool:
        if _RULE.match(text):
            return False
        is_inside = bool(self._items) and column < self._items[-1].content
        if not self._after_text or is_inside:
            return True
        # What interrupts a paragraph has text, and is the first of its list.
        return marker.end() < len(text.rstrip()) and marker["number"] in (None, "1")

    def _open_item(self, line: str, column: int, marker: re.Match[str], text: str) -> None:
        number = int(marker["number"]) if marker["number"] else None
        shift = 0
        while self._items:
            item = self._items[-1]
            if column >= item.content:
                shift = item.shift
                break
            if item.takes(column, number) and (number in {None, 1} or not self._after_text):
                shift = item.shift + item.content - column
                note_repair(self._env, "lists")
                break
            self._items.pop()
            if item.start <= column:
                shift = item.shift
                break
        self._put(line, shift)
        self._in_table = False
        self._push_items(text, column, shift)

    def _push_items(self, text: str, column: int, shift: int) -> None:
        """Open the items that a line begins: `1. - text` are two."""
        while (marker := _MARKER.match(text)) and not _RULE.match(text):
            number = int(marker["number"]) if marker["number"] else None
            width = len(marker[0].rstrip())
            blanks = _measure(" " * (column + width) + marker["blanks"]) - column - width
            blanks = blanks if 1 <= blanks <= _CODE and marker.end() < len(text) else 1
            self._items.append(_Item(column, column + width + blanks, number, shift))
            text, column = text[marker.end() :], column + width + blanks
            if column > _FARTHEST * 2:
                break
        if fence := _FENCE.match(text):
            self._fence = _Fence(fence["mark"], column, shift)
        self._after_text = not fence and bool(text.strip()) and not _HEADING.match(text)
        self._after_item = True

    def _read_block(self, position: int, line: str, text: str, column: int) -> int:
        is_outside = bool(self._items) and column < self._items[-1].content
        may_move = is_outside and self._after_item and self._is_misplaced(column)
        # In quotations there are exporters that leave out all empty lines.
        if may_move and (not self._depth or self._is_followed(position, text)):
            count = self._move_block(position, text, column)
            if count:
                return count
        is_lazy = self._after_text and not _interrupts(text)
        if not is_lazy:
            while self._items and column < self._items[-1].content:
                self._items.pop()
        shift = self._find_shift(column) if not is_outside or not is_lazy else 0
        if fence := _FENCE.match(text):
            container = self._items[-1].content if self._items else 0
            self._fence = _Fence(fence["mark"], container, shift)
            self._put(line, shift, is_code=True)
        elif not self._items and _QUOTE.match(line):
            return self._read_quote(position, shift)
        elif (html := _HTML.match(text)) and not is_lazy:
            return self._begin_html(line, text, html)
        else:
            self._put(line, shift)
        is_text = not fence and not _HEADING.match(text) and not _RULE.match(text)
        self._in_table = is_text and (self._in_table or self._ends_table_head(position))
        # Rows of a table do not go on with a paragraph.
        self._after_text = is_text and not self._in_table
        self._after_item = bool(self._items)
        return 1

    def _is_misplaced(self, column: int) -> bool:
        """Return True if a block stands where exporters put one that belongs to the item above."""
        item = self._items[-1]
        return column == 0 or (item.number is not None and column == item.start + _LEVEL)

    def _move_block(self, position: int, text: str, column: int) -> int:
        """Move a block into the item above; return how many lines it has, or 0 for other text."""
        item = self._items[-1]
        shift = item.shift + item.content - column
        if shift > _FARTHEST:
            return 0
        count = 1
        if fence := _FENCE.match(text):
            self._fence = _Fence(fence["mark"], 0, shift)
            self._put(self._lines[position], shift, is_code=True)
        elif text.startswith(">") and _QUOTE.match(self._lines[position]):
            if self._goes_on_lazily(position):
                return 0
            count = self._read_quote(position, shift)
        elif count := self._count_table_lines(position):
            for line in self._lines[position : position + count]:
                self._put(line, shift)
        else:
            return 0
        note_repair(self._env, "blocks in lists")
        self._after_text, self._after_item = False, True
        return count

    def _ends_table_head(self, position: int) -> bool:
        """Return True if this line and the one before it are the head of a table."""
        if not position or "|" not in self._lines[position - 1]:
            return False
        return "|" in self._lines[position] and bool(_TABLE_LINE.match(self._lines[position]))

    def _find_end_of_quote(self, position: int) -> int:
        end = position
        while end < len(self._lines) and _QUOTE.match(self._lines[end]):
            end += 1
        return end

    def _goes_on_lazily(self, position: int) -> bool:
        """Return True if a paragraph of a quotation goes on without its sign."""
        end = self._find_end_of_quote(position)
        text = self._lines[end].strip() if end < len(self._lines) else ""
        return bool(text) and not (_interrupts(text) or _MARKER.match(text))

    def _is_followed(self, position: int, text: str) -> bool:
        """Return True if the list goes on right behind a block."""
        end = position + 1
        if fence := _FENCE.match(text):
            while end < len(self._lines) and not _closes(self._lines[end], fence["mark"]):
                end += 1
            end += 1
        elif text.startswith(">"):
            end = self._find_end_of_quote(position)
        else:
            end = position + self._count_table_lines(position)
        following = self._lines[end] if end < len(self._lines) else ""
        column = _measure(following)
        return bool(_MARKER.match(following.lstrip(" \t"))) and any(
            item.start == column for item in self._items
        )

    def _count_table_lines(self, position: int) -> int:
        if position + 1 == len(self._lines) or not self._ends_table_head(position + 1):
            return 0
        end = position + 2
        while end < len(self._lines) and "|" in self._lines[end]:
            text = self._lines[end].lstrip()
            if _MARKER.match(text) or text.startswith(">"):
                break
            end += 1
        return end - position

    def _read_quote(self, position: int, shift: int) -> int:
        end = position
        prefixes = []
        inner = []
        while end < len(self._lines) and (match := _QUOTE.match(self._lines[end])):
            prefixes.append(match[0])
            inner.append(self._lines[end][match.end() :])
            end += 1
        if self._depth < _DEEPEST_QUOTE:
            repaired = _repair_lines(inner, self._env, self._depth + 1)
        else:
            repaired = inner
        if len(repaired) != len(prefixes):  # links were joined
            prefixes = [prefixes[0]] * len(repaired)
        for prefix, line in zip(prefixes, repaired, strict=True):
            self._put(prefix + line, shift, is_code=True)
        self._after_text = bool(repaired[-1].strip())
        self._after_item = bool(self._items)
        return end - position

    def _stays_in_fence(self, line: str, text: str) -> bool:
        """Keep a line of code; return False where the code has ended before it."""
        fence = self._fence
        assert fence  # noqa: S101  for the type checker: the caller has looked
        column = _measure(line)
        if text.strip() and column < fence.container:
            return False
        self._put(line, fence.shift, is_code=True)
        if column - fence.container < _CODE and _closes(text, fence.mark):
            self._fence = None
        self._after_text = False
        self._after_item = bool(self._items)
        return True

    def _begin_html(self, line: str, text: str, match: re.Match[str]) -> int:
        self._in_html = True
        self._html_column = self._items[-1].content if self._items else 0
        self._html_end = None
        if match["raw"]:
            self._html_end = _END_OF_RAW
        elif match["comment"]:
            self._html_end = _END_OF_COMMENT
        return self._read_html(line, text)

    def _read_html(self, line: str, text: str) -> int:
        ends = self._html_end.search(line) if self._html_end else not text.strip()
        self._put(line, self._items[-1].shift if self._items else 0, is_code=True)
        if ends:
            self._in_html = False
        self._after_text = self._after_item = False
        return 1


def _closes(line: str, mark: str) -> bool:
    """Return True if a line is the end of code between fences."""
    text = line.strip()
    return len(text) >= len(mark) and text == mark[0] * len(text)


def _interrupts(text: str) -> bool:
    """Return True if a line begins something else than the paragraph before it goes on with."""
    return bool(
        _HEADING.match(text) or _RULE.match(text) or _FENCE.match(text) or text.startswith(">")
    )


def _measure(line: str) -> int:
    """Return the column of the first character that is not blank."""
    blanks = line[: len(line) - len(line.lstrip(" \t"))]
    return len(blanks.expandtabs(4))


def _move(line: str, shift: int) -> str:
    return " " * (_measure(line) + shift) + line.lstrip(" \t")


def _join_links(lines: list[str], is_code: list[bool], env: Env) -> list[str]:
    """Join links around pictures that blank lines tear: `[![](a.png)`, an empty line, `](url)`."""
    joined: list[str] = []
    for line, in_code in zip(lines, is_code, strict=True):
        rest = None if in_code else _REST_OF_LINK.match(line)
        if rest and (begun := _find_begun_link(joined)):
            count, begin = begun
            del joined[-count:]
            joined.append(begin + line.lstrip(" \t"))
            note_repair(env, "linked pictures")
        else:
            joined.append(line)
    return joined


def _find_begun_link(lines: list[str]) -> tuple[int, str] | None:
    """Return how many of the last lines are the beginning of a torn link, and it on one line."""
    texts = [place for place in range(len(lines) - 1, max(-1, len(lines) - 8), -1)
             if lines[place].strip()]  # fmt: skip
    if not texts:
        return None
    picture = texts[0]
    is_torn = picture < len(lines) - 1
    if is_torn and _BEGUN_LINK.search(lines[picture]):
        return len(lines) - picture, lines[picture].rstrip()
    if not _ONLY_PICTURE.match(lines[picture]) or len(texts) == 1:
        return None
    opening = texts[1]
    is_torn = is_torn or opening < picture - 1
    if is_torn and _OPENING.search(lines[opening]):
        return len(lines) - opening, lines[opening].rstrip() + lines[picture].strip()
    return None
