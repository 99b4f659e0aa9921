r"""Read formulas between dollar signs: `$E = mc^2$`, and `$$…$$` on lines of their own. Pure.

CommonMark knows no formulas: `\\` and `\{` would lose a backslash, and `x*y*z` be emphasis. A site
with `pymdownx.arithmatex` shows them as on its other pages; on all others, a formula is the text as
it was written. What does not look like a formula stays as it is read otherwise: `$5 and $10` are
prices, `$HOME` and `$PATH` variables.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mdit_py_plugins.dollarmath.index import math_block_dollar

from mkdocs_confluence_md.markdown.repairs.kinds import note_repair

if TYPE_CHECKING:
    from collections.abc import Callable

    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline

DRAWS_FORMULAS = "site draws formulas"
"""In what markdown-it hands from rule to rule: whether the site has `pymdownx.arithmatex`."""

# Nothing that looks like a price or a variable: no letter or digit touches the signs from outside.
# And no regular expression, which ends with the sign: `/^a$/`, `(a$)|(b$)`.
_FORMULA = re.compile(
    r"(?<![\w\\$])(?P<sign>\$\$?)(?![\s$)\]}\"'/,;:?!@#&]|\.(?![0-9])|\|\^)"
    r"(?P<math>(?:\\.|[^\\$])+)(?<!\s)(?P=sign)(?![\w${(])",
    re.DOTALL,
)
_COMMAND = re.compile(r"\\[A-Za-z{}\\,;!|]|[\^_*]")
"""What makes a difference when it is read as Markdown."""
_PRICE = re.compile(r"[0-9][0-9.,]*[^\\^_{}=+*/<>-]*\s[^\\^_{}=+*/<>-]*$")
UNCLOSED = "lines without the end of a formula"
"""In what markdown-it hands from rule to rule: the line before which no formula ends."""


def formulas_plugin(parser: MarkdownIt) -> None:
    """Add the rules."""
    parser.inline.ruler.before("escape", "formula", _read_formula)
    block = math_block_dollar(allow_labels=False, allow_blank_lines=False)
    parser.block.ruler.before(
        "fence", "math_block", _read_block(block), {"alt": ["paragraph", "reference", "blockquote"]}
    )


def _read_formula(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  markdown-it's signature
    if state.src[state.pos] != "$":
        return False
    match = _FORMULA.match(state.src, state.pos, state.posMax)
    if match is None or _PRICE.match(match["math"]):
        return False
    if not state.env.get(DRAWS_FORMULAS) and not _COMMAND.search(match["math"]):
        return False
    if not silent:
        kind = "math_inline" if match["sign"] == "$" else "math_inline_double"
        token = state.push(kind, "", 0)
        token.content, token.markup = match["math"], match["sign"]
        note_repair(state.env, "formulas")
    state.pos = match.end()
    return True


def _read_block(
    rule: Callable[[StateBlock, int, int, bool], bool],
) -> Callable[[StateBlock, int, int, bool], bool]:
    def read(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001  the same
        begin = state.bMarks[start] + state.tShift[start]
        if not state.src.startswith("$$", begin) or start < state.env.get(UNCLOSED, 0):
            return False
        if state.is_code_block(start):
            return False
        line, count = state.line, len(state.tokens)
        # Whether it ends a paragraph must not depend on how much of a quotation is looked at.
        last = _find_last(state, start, state.lineMax if silent else end)
        if not rule(state, start, last, False):  # noqa: FBT003  the same
            # So that many lines that begin a formula are not all searched for its end.
            state.env[UNCLOSED] = last
            return False
        if silent:
            del state.tokens[count:]
            state.line = line
        else:
            note_repair(state.env, "formulas")
        return True

    return read


def _find_last(state: StateBlock, start: int, end: int) -> int:
    """Return the line behind the one where a formula ends, or could not go on."""
    for line in range(start + 1, end):
        # A line that only continues a paragraph of a quotation is not part of a formula there.
        if state.isEmpty(line) or state.sCount[line] < state.blkIndent:
            return line
        if state.src[state.bMarks[line] : state.eMarks[line]].rstrip().endswith("$$"):
            return line + 1
    return end
