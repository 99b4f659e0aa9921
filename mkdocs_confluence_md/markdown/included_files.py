"""Files that `pymdownx.snippets` includes in pages: each is checked before it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor

if TYPE_CHECKING:
    from collections.abc import Callable

    from markdown import Markdown

    Check = Callable[[str, str], None]

_FIRST = 1_000
_FINDER = "get_snippet_path"


class IncludedFilesExtension(Extension):
    """Has each file that a page includes checked.

    Args:
        check: Gets the path of a file and what to call it, and raises if it must not be read.
    """

    def __init__(self, check: Check) -> None:
        super().__init__()
        self._check = check

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802  Python-Markdown's name
        """Begin before any file is included."""
        md.preprocessors.register(_Checker(md, self._check), "confluence_included_files", _FIRST)


class _Checker(Preprocessor):
    def __init__(self, md: Markdown, check: Check) -> None:
        super().__init__(md)
        self._check = check
        self._is_done = False

    def run(self, lines: list[str]) -> list[str]:
        """Take part in finding files, once all extensions are there."""
        if not self._is_done:
            self._is_done = True
            for each in self.md.preprocessors:
                if find := getattr(each, _FINDER, None):
                    setattr(each, _FINDER, self._make_finder(find))
        return lines

    def _make_finder(self, find: Callable[[str], str | None]) -> Callable[[str], str | None]:
        def find_and_check(path: str) -> str | None:
            found = find(path)
            if found:
                self._check(found, f"The snippet {path!r}")
            return found

        return find_and_check
