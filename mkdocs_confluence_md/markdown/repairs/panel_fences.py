"""Read fences that are panels and expands: `~~~panel type=info title="T"`, `~~~expand`. Pure.

The content is Markdown, so they become containers as `:::` does. Fences within each other are all
of the same length, so the end is found by counting; fences of code do not count.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mkdocs_confluence_md.markdown.admonitions import read_directive

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock

_FENCE = re.compile(r"(?P<fence>~{3,}|`{3,})[ \t]*(?P<info>.*)")
_DEEPEST = 20
"""How deep these nest, in markdown-it's levels: the lines of each are read to its end."""


def panel_fences_plugin(parser: MarkdownIt) -> None:
    """Add the rule."""
    parser.block.ruler.before(
        "fence",
        "panel_fence",
        _read_panel_fence,
        {"alt": ["paragraph", "reference", "blockquote", "list"]},
    )


def _read_panel_fence(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001  markdown-it's signature
    match = None if state.level >= _DEEPEST else _match_fence(state, start)
    if match is None or not _opens_panel(match):
        return False
    if silent:
        return True
    last = _find_end(state, start, end, match["fence"])
    is_closed = last < end and _match_fence(state, last) is not None
    old_parent, old_line_max = state.parentType, state.lineMax
    state.parentType, state.lineMax = "container", last
    token = state.push("container_panel_open", "div", 1)
    token.markup, token.info, token.map = match["fence"], match["info"], [start, last]
    token.block = True
    state.md.block.tokenize(state, start + 1, last)
    state.push("container_panel_close", "div", -1).block = True
    state.parentType, state.lineMax = old_parent, old_line_max
    state.line = last + is_closed
    return True


def _match_fence(state: StateBlock, line: int) -> re.Match[str] | None:
    begin, end = state.bMarks[line] + state.tShift[line], state.eMarks[line]
    if not state.src.startswith(("~", "`"), begin) or state.is_code_block(line):
        return None
    if state.sCount[line] < state.blkIndent:
        return None
    return _FENCE.fullmatch(state.src, begin, end)


def _opens_panel(match: re.Match[str]) -> bool:
    if match["fence"][0] != "~":
        return False
    name, _, options = match["info"].rstrip().partition(" ")
    if name == "expand" and not options:
        return True
    # `~~~panel` without a type is a fence in a language of that name.
    is_named = name == "panel" and "type=" in options
    return (is_named or name == "expand") and read_directive(match["info"]) is not None


def _find_end(state: StateBlock, start: int, end: int, fence: str) -> int:
    """Return the line that ends a panel: its closing fence, or the first that is not in it."""
    open_fences = [(fence, False, state.sCount[start])]
    for line in range(start + 1, end):
        if not state.isEmpty(line) and state.sCount[line] < state.blkIndent:
            return line
        match = _match_fence(state, line)
        if match is None:
            continue
        innermost, is_code, indent = open_fences[-1]
        info = match["info"].rstrip()
        # What is indented more is code in an item of a list.
        is_aligned = is_code or state.sCount[line] <= indent + 1
        if not info and match["fence"].startswith(innermost) and is_aligned:
            open_fences.pop()
            if not open_fences:
                return line
        elif not is_code and not (match["fence"][0] == "`" and "`" in info):
            open_fences.append((match["fence"], not _opens_panel(match), state.sCount[line]))
    return end
