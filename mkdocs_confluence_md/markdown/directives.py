"""Hide directives in pages from Confluence from other plugins."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.plugins import BasePlugin
    from mkdocs.structure.pages import Page

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
# The second row of a table, and what begins a heading: plugins know both by these.
_MARKUP = re.compile(r"^([ \t]*\|(?:[ \t]*:?-+:?[ \t]*\|)+[ \t]*$|#{1,6}(?=[ \t]))", re.MULTILINE)


def choose_mark(text: str) -> str:
    """Return a character that a text does not have, or two if it has all of them."""
    characters = list(map(chr, range(_FIRST_MARK, _LAST_MARK + 1)))
    pairs = (first + second for first in characters for second in characters)
    # No text is long enough for all pairs, of which there are 41 million.
    return next(mark for mark in chain(characters, pairs) if mark not in text)


def break_directives(text: str, mark: str) -> str:
    """Return a text in which no punctuation touches other punctuation, or the start of a word.

    But for what can be nothing but a table or a heading.

    Args:
        text: What was written in Confluence.
        mark: As `choose_mark` returns it for this text.
    """
    pieces = _MARKUP.split(text)
    pieces[::2] = [_TOUCHING.sub(rf"\g<0>{mark}", piece) for piece in pieces[::2]]
    return "".join(pieces)


def mend_directives(text: str, mark: str) -> str:
    """Return the text that `break_directives` was given, with what others have added to it."""
    return text.replace(mark, "") if mark else text


_EVENT = "page_markdown"


class Directives:
    """Breaks the directives in pages from Confluence while other plugins have them.

    Args:
        owner: The plugin whose pages they are.
        config: Has the plugins.
        trusted: The names, as in `plugins`, of those that see live directives.
    """

    def __init__(
        self, owner: BasePlugin[Any], config: MkDocsConfig, trusted: Collection[str]
    ) -> None:
        self._marks: dict[str, str] = {}
        """The mark in each page, by `src_uri`."""
        self._trusted = frozenset(trusted)
        handlers = config.plugins.events[_EVENT]
        plugins = {id(plugin): name for name, plugin in config.plugins.items()}
        others = [each for each in handlers if getattr(each, "__self__", None) is not owner]
        # Without any, there is nothing to protect a page from.
        self._is_needed = bool(others)
        for number, handler in enumerate(handlers):
            name = plugins.get(id(getattr(handler, "__self__", None)), "")
            if name in self._trusted:
                handlers[number] = self._trust(handler)

    def hide(self, markdown: str, page: Page) -> str | None:
        """Return a page's text as others see it; None if it is as it was."""
        if "macros" in self._trusted:
            page.meta.pop("render_macros", None)
        if not self._is_needed:
            return None
        mark = self._marks[page.file.src_uri] = choose_mark(markdown)
        # MkDocs sets it when all have had their turn; some look at it before.
        page.markdown = break_directives(markdown, mark)
        return page.markdown

    def show(self, markdown: str, page: Page) -> str:
        """Return a page's text as it was, with what others have added."""
        return mend_directives(markdown, self._marks.get(page.file.src_uri, ""))

    def _trust(self, handler: Callable[..., str | None]) -> Callable[..., str | None]:
        """Return a handler that sees the text as it was written."""

        def call(markdown: str, *, page: Page, **others: Any) -> str | None:  # noqa: ANN401  MkDocs'
            mark = self._marks.get(page.file.src_uri, "")
            if not mark:
                return handler(markdown, page=page, **others)
            live = mend_directives(markdown, mark)
            result = handler(live, page=page, **others)
            return break_directives(live if result is None else result, mark)

        return call
