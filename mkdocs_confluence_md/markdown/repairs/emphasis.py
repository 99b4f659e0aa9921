"""Move blanks out of the marks of emphasis: `**Note: **text` is `**Note:** text`. Pure.

In CommonMark a mark that follows a blank cannot close, and one before a blank cannot open. Both are
left over as text, and each may pair up with a mark of other words. Converters that put marks around
whatever is bold write such text, and so do people.

Text has asterisks for other reasons, too. On each line, runs of the same mark and length are paired
one by one, and a pair with a blank inside is emphasis only if

- it begins with a word, and not with the name of a variable: `args`, `my_dict`. A letter or a
  number is enough where no text follows, or where the phrase ends as a sentence does: `**1. **`,
  but not `**a or **b`;
- it ends as a phrase does, in a word or behind it: `char **a, **b` does not, and neither does one
  whose last word joins it to the next, as in `**args and **kwargs`;
- none of its marks is part of a pattern for files: `src/**/*.py`, `*.md`;
- if its first mark has blanks at both sides, as operators have them, it has none at its end and
  begins with no number: `2 ** 3 ** 4`;
- it looks like a title if it is a paragraph: `**Overview **` and `**see: **` do. The specification
  has `**foo bar **` for an example of what is text.

Two tildes have only one meaning, so of these only the one about operators matters to them.

Asterisks that follow a word and precede a blank may be footnotes. Of two, they are if the word is a
number or the next is a verb: `5** hotels and 4** hotels`, `Price** is low**`.

One asterisk may be a footnote, a pointer or a multiplication, so there is more to it: no letter or
digit precedes the opening mark, which leaves `Price* is *not` as it is; before a blank, it follows
a colon or a bracket; all words are of letters; and the last is none that begins a phrase, nor a
type: `*foo is *bar`, `char *name and char *other`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LEXER = re.compile(
    r"""
      \\.
    | (?P<code>`+)
    | (?P<break>\n|<br[ ]*/?>)
    | <[a-zA-Z/!?][^<>]*>
    | \]\([^)\s"]*(?:\s+"[^"\n]*")?
    | (?:https?|ftp)://[^\s<]*[^\s<*~.,:;!?]
    | (?P<mark>\*+|~+)
    """,
    re.VERBOSE,
)
"""What has marks that are none, and marks."""

_MARKS = {"*", "**", "***", "~~"}
_WORD = re.compile(r"[^\W\d_]{2}")
_LEADING_WORD = re.compile(r"\w*")
_ENDINGS = frozenset(".:!?)]}>*_~`\"'”’“»«…%")  # noqa: RUF001  they end phrases, too
_SENTENCE_ENDS = frozenset(".:!?")
_JOINING = {
    "and", "or", "nor", "vs", "then", "than", "plus", "minus", "times", "&", "und", "oder", "bzw",
    "dann", "et", "ou", "puis",
}  # fmt: skip
_VERBS = {"is", "are", "was", "ist", "sind"}
_BEGINNING = _JOINING | _VERBS | {
    "a", "an", "the", "to", "at", "of", "in", "on", "by", "for", "with", "from", "as", "into",
    "not", "der", "die", "das", "ein", "eine", "zu", "von", "mit", "aus", "auf", "als", "nicht",
}  # fmt: skip
_TYPES = {"char", "const", "double", "float", "int", "long", "short", "struct", "unsigned", "void"}
_OPENING = frozenset("([{:\"'“„«")
_NAMES = {
    "args", "kwargs", "kw", "kwds", "opts", "options", "params",
}  # fmt: skip


@dataclass(frozen=True)
class _Run:
    """Some marks in a row."""

    mark: str
    start: int
    end: int
    before: str
    """The character before it; empty at the beginning of a line."""
    after: str
    """The character behind it; empty at the end of a line."""
    line: int

    @property
    def is_operator(self) -> bool:
        """True if there are blanks at both sides."""
        return self.before.isspace() and self.after.isspace()


def move_blanks(content: str, *, titles_only: bool = False) -> tuple[str, int]:
    """Return a paragraph with the blanks outside of its marks, and how many pairs had some.

    Args:
        content: The paragraph as it is written.
        titles_only: Whether a line that is emphasized as a whole has to look like a title.
    """
    edits: list[tuple[int, int, str]] = []
    moved = 0
    for opening, closing in _pair(content, titles_only=titles_only):
        edits += _edit(content, opening, closing)
        moved += 1
    pieces = []
    end = 0
    for start, next_end, text in sorted(edits):
        # Two marks may have the same blank between them.
        if start >= end:
            pieces += [content[end:start], text]
            end = next_end
    return "".join([*pieces, content[end:]]), moved


def _pair(content: str, *, titles_only: bool) -> Iterator[tuple[_Run, _Run]]:
    """Yield the pairs that have blanks inside."""
    for _, runs in groupby(_find_runs(content), key=lambda run: run.line):
        opened: dict[str, _Run] = {}
        for run in runs:
            opening = opened.pop(run.mark, None)
            if opening is None:
                opened[run.mark] = run
                continue
            inside = content[opening.end : run.start]
            if not (inside[0].isspace() or inside[-1].isspace()):
                continue
            if _is_phrase(inside, content, opening, run, titles_only=titles_only):
                yield opening, run
            else:
                opened[run.mark] = run


def _find_runs(content: str) -> Iterator[_Run]:
    """Yield the runs of marks outside of code, tags and addresses."""
    code_ends = _CodeEnds(content)
    position = line = 0
    while match := _LEXER.search(content, position):
        position = match.end()
        if match["code"]:
            position = code_ends.find(len(match["code"]), position)
        elif match["break"]:
            line += 1
        elif match["mark"] in _MARKS:
            before = content[max(match.start() - 1, 0) : match.start()].strip("\n")
            after = content[position : position + 1].strip("\n")
            if not _is_pattern(before, content[position : position + 2]):
                yield _Run(match["mark"], match.start(), position, before, after, line)


class _CodeEnds:
    """Finds where inline code ends, each run of backticks looked at once."""

    def __init__(self, content: str) -> None:
        self._ends: dict[int, list[int]] = {}
        for match in reversed(list(re.finditer("`+", content))):
            self._ends.setdefault(len(match[0]), []).append(match.end())

    def find(self, length: int, position: int) -> int:
        """Return where the code ends that begins before a position; that, if it is not code."""
        ends = self._ends.get(length, [])
        while ends and ends[-1] <= position:
            ends.pop()
        return ends[-1] if ends else position


def _is_pattern(before: str, behind: str) -> bool:
    """Return True for the asterisks of `src/**/*.py` and `(*)`."""
    return (
        bool(before and before in "/\\")
        or behind[:1] in {"/", "\\"}
        or (behind[:1] == "." and behind[1:].isalnum())
        or (before == "(" and behind[:1] == ")")
    )


def _is_phrase(
    inside: str, content: str, opening: _Run, closing: _Run, *, titles_only: bool
) -> bool:
    """Return True if the words between two runs are meant to be emphasized."""
    leading, trailing = inside[0].isspace(), inside[-1].isspace()
    words = inside.split()
    if not words or (opening.is_operator and (trailing or words[0].isdecimal())):
        return False
    if opening.mark == "~~":
        return True
    is_sentence = words[-1][-1] in _SENTENCE_ENDS
    is_alone = not opening.before and not closing.after
    if titles_only and is_alone and not is_sentence and words[0][0].islower():
        return False
    in_doubt = opening.mark == "*" or (trailing and bool(closing.after))
    if not _begins_phrase(words[0], needs_word=in_doubt and not is_sentence):
        return False
    if opening.mark == "*" and not all(map(_is_word, words)):
        return False
    return _may_open(opening, words[0], leading=leading, trailing=trailing) and (
        not trailing or _ends_phrase(words[-1], content, closing)
    )


def _may_open(opening: _Run, word: str, *, leading: bool, trailing: bool) -> bool:
    """Return True if a run may open emphasis behind what precedes it; else it is a footnote."""
    before = opening.before
    if opening.mark == "*":
        return not before or before in _OPENING or not (leading or before.isalnum())
    is_footnote = before.isdigit() or (before.isalnum() and word.lower() in _JOINING | _VERBS)
    return not (leading and not trailing and is_footnote)


def _begins_phrase(word: str, *, needs_word: bool) -> bool:
    """Return True if a phrase may begin with this, and not only the name of a variable."""
    word = word.strip("*~")
    if "_" in word or word.lower() in _NAMES:
        return False
    return bool(_WORD.search(word)) if needs_word else any(map(str.isalnum, word))


def _ends_phrase(last: str, content: str, closing: _Run) -> bool:
    """Return True if a phrase may end with this word, a blank, and then a run."""
    if last.lower() in (_BEGINNING | _TYPES if closing.mark == "*" else _JOINING):
        return False
    if not last[-1].isalnum() and last[-1] not in _ENDINGS:
        return False
    if closing.after.isspace() and last[-1] not in _SENTENCE_ENDS:
        return False
    following = _LEADING_WORD.match(content, closing.end)
    return following is None or following[0].lower() not in _NAMES


def _is_word(text: str) -> bool:
    """Return True if there are letters, and neither digits nor underscores."""
    return any(map(str.isalpha, text)) and not any(each.isdigit() or each == "_" for each in text)


def _edit(content: str, opening: _Run, closing: _Run) -> Iterator[tuple[int, int, str]]:
    """Yield what to put in place of which part of the text."""
    inside = content[opening.end : closing.start]
    if leading := inside[: -len(inside.lstrip())]:
        outside = leading if opening.before.strip() else ""
        yield opening.start, opening.end + len(leading), outside + opening.mark
    if trailing := inside[len(inside.rstrip()) :]:
        # At the end of a line, two blanks would break it.
        outside = trailing if closing.after.strip() else ""
        yield closing.start - len(trailing), closing.end, closing.mark + outside
