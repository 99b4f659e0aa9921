"""Ages, sizes and tables as text, and text that is safe in titles. Pure."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


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


def format_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table for a person, with columns as wide as they must be."""
    lines = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


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
