"""Ages, sizes and tables as text, and text that is safe in titles. Pure."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_LEAST_WIDTH = 8
"""Of a column that is cut."""


def describe_age(seconds: float) -> str:
    """Say how long ago something was, in the largest unit that makes a whole number."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            number = int(seconds // length)
            return f"{number} {unit}{'s' * (number > 1)}"
    return "a minute"


def describe_size(size: int) -> str:
    """Write a number of bytes as people do."""
    if size < 1000:  # noqa: PLR2004  the definition of the unit
        return f"{size} B"
    return f"{size / 1000:.1f} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"  # noqa: PLR2004  the same


def format_table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    width: int = 0,
    paint: Callable[[str], str] = str,
) -> str:
    """Write a table for a person, with columns as wide as they must be.

    Args:
        head: The names of the columns.
        rows: Of as many cells.
        width: How many characters a line may have; 0 for any number. The widest columns are cut.
        paint: Returns a cell as it is shown, as wide as it was on a terminal.
    """
    lines = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    while 0 < width < sum(widths) + 2 * (len(widths) - 1) and max(widths) > _LEAST_WIDTH:
        widths[widths.index(max(widths))] -= 1
    return "\n".join(
        "  ".join(
            paint(cut_text(cell, most).ljust(most)) for cell, most in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def cut_text(text: str, most: int) -> str:
    """Return as much of a text as fits, with a sign that something is missing."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def count_things(number: int, thing: str, things: str = "") -> str:
    """Write a number of things: `1 page`, `2 pages`.

    Args:
        number: How many.
        thing: One of them.
        things: Several of them, if that is not what one is called and an s.
    """
    return f"{number} {thing if number == 1 else things or f'{thing}s'}"


_FORMULA_COMMAND = re.compile(r"\\(?=(?:bbox|href|style|cssId|class|mmlToken|require)\b)")


def break_formulas(content: str) -> str:
    """Take the commands of MathJax apart that make links of any address, or elements.

    MathJax reads the whole page, titles as well, and `javascript:` is an address to it.
    """
    return _FORMULA_COMMAND.sub(r"\\ ", content)


def escape_text(text: str) -> str:
    """Return a text as HTML that is safe in elements, in attributes, and in templates.

    Themes print titles and metadata as they are, also between quotation marks, and plugins look for
    `{{` in them. Halves of characters, which no file can hold, are replaced.
    """
    whole = text.encode("utf-8", "replace").decode()
    return break_formulas(html.escape(whole)).replace("{", "&#123;")


def quote_title(title: str) -> str:
    """Return a title that is HTML already, from a rendered heading, safe in the same places."""
    title = break_formulas(title)
    return title.replace('"', "&quot;").replace("'", "&#x27;").replace("{", "&#123;")
