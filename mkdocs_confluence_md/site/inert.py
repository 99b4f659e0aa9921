"""Text in which no directive of another plugin is live, and back. Pure.

Each page passes through the `on_page_markdown` of all plugins: includes, templates, tables that
are read from files. Whoever edits a Confluence page must not use them. A directive of any syntax is
made of punctuation that touches punctuation or a word (`{{ x`, `{% include`, `--8<--`, `$include`),
so a mark between them breaks all of them, also those of plugins that do not exist yet. Words stay
whole, for plugins that read or complete a text.
"""

from __future__ import annotations

import html
import re
from itertools import chain

_FIRST_MARK = 0xE000
_LAST_MARK = 0xF8FF
"""Unicode's private use area: no exporter writes these, and no plugin gives them a meaning."""

_PUNCTUATION = r"[!-/:-@\[-`{-~]"
# What stands between letters in ordinary words: well-known, don't, 10:30, a/b, file.md.
_IN_WORDS = r"['\-._/:,]"
_TOUCHING = re.compile(
    rf"{_PUNCTUATION}(?={_PUNCTUATION})"
    rf"|(?!{_IN_WORDS}){_PUNCTUATION}(?=[^\W_])"
    rf"|(?<![^\W_]){_IN_WORDS}(?=[^\W_])"
)
_FORMULA_COMMAND = re.compile(r"\\(?=(?:bbox|href|style|cssId|class|mmlToken|require)\b)")


def choose_mark(text: str) -> str:
    """Return a character that a text does not have, or two if it has all of them."""
    characters = list(map(chr, range(_FIRST_MARK, _LAST_MARK + 1)))
    pairs = (first + second for first in characters for second in characters)
    # No text is long enough for all pairs, of which there are 41 million.
    return next(mark for mark in chain(characters, pairs) if mark not in text)


def break_directives(text: str, mark: str) -> str:
    """Return a text in which no punctuation touches other punctuation, or the start of a word.

    Args:
        text: What was written in Confluence.
        mark: As `choose_mark` returns it for this text.
    """
    return _TOUCHING.sub(rf"\g<0>{mark}", text)


def mend_directives(text: str, mark: str) -> str:
    """Return the text that `break_directives` was given, with what others have added to it."""
    return text.replace(mark, "") if mark else text


def break_formulas(html: str) -> str:
    """Take the commands of MathJax apart that make links of any address, or elements.

    MathJax reads the whole page, titles as well, and `javascript:` is an address to it.
    """
    return _FORMULA_COMMAND.sub(r"\\ ", html)


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
