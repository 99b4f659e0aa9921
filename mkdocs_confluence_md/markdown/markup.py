"""What the site's Markdown pipeline makes of code, HTML, tasks and tables, asked of it."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

from markdown.util import HTML_PLACEHOLDER_RE

from mkdocs_confluence_md.markdown.footnotes import Footnotes

if TYPE_CHECKING:
    from markdown import Markdown
    from markdown.util import Registry

_LANGUAGE = re.compile(r"[\w#.+-]+")
# Other options are orders to the site's fences: some of them run the code.
_OPTION = re.compile(r"""\b(title|linenums|hl_lines)=("[^"`]*"|'[^'`]*')""")

# Python's parser of HTML, which MkDocs and search plugins use, raises an error at any other.
_BROKEN_DECLARATION = re.compile(
    r"<!(?=\[(?!(?:cdata|if|else|endif)(?![-_.a-z0-9])))", re.IGNORECASE
)


class SiteMarkup:
    """The markup of one site, for one page."""

    def __init__(self, markdown: Markdown) -> None:
        self._markdown = markdown
        self.footnotes = Footnotes(markdown)
        self.languages: set[str] = set()
        """The languages of the page's fences."""
        self.raw_html: list[str] = []
        """The page's own HTML, as it is in the stash."""

    def keep_html(self, text: str) -> str:
        """Put HTML that the page has itself into the stash, and return what stands for it."""
        # With a blank, browsers still take it for the comment that it is to them.
        text = _BROKEN_DECLARATION.sub("<! ", text)
        self.raw_html.append(text)
        return self._markdown.htmlStash.store(text)

    def show_code(self, code: str, info: str) -> str:
        """Let the site's fences show code, and return what stands for the result.

        They may not understand all that stands behind a fence, so they are given less and less.
        """
        language, _, options = info.strip().partition(" ")
        self.languages.add(language)
        known = language if _LANGUAGE.fullmatch(language) else ""
        for header in dict.fromkeys([known + self._pass_options(options), known, ""]):
            if placeholder := self._run_fences(code, header):
                return placeholder
        return self._markdown.htmlStash.store(_show_plainly(code, language))

    def show_checkbox(self, *, checked: bool) -> str:
        """Make the checkbox of a task as `pymdownx.tasklist` does, and return its placeholder."""
        settings = _find_settings(self._markdown.treeprocessors, "task-list")
        state = "" if settings.get("clickable_checkbox") else " disabled"
        state += " checked" if checked else ""
        box = f'<input type="checkbox"{state}/>'
        if settings.get("custom_checkbox"):
            box = (
                f'<label class="task-list-control">{box}'
                '<span class="task-list-indicator"></span></label>'
            )
        return self._markdown.htmlStash.store(f"{box} ")

    def align_cell(self, style: str) -> tuple[str, str]:
        """Return the attribute that aligns a cell where the style is `text-align:right`."""
        side = style.removeprefix("text-align:")
        settings = _find_settings(self._markdown.parser.blockprocessors, "table")
        if settings.get("use_align_attribute"):
            return "align", side
        return "style", f"text-align: {side};"

    def _pass_options(self, options: str) -> str:
        passed = ""
        for name, value in _OPTION.findall(options):
            text = value[1:-1]
            if name == "title":
                # Not every version of the fences takes a title for text; none looks into the stash.
                text = self._markdown.htmlStash.store(html.escape(text))
            passed += f' {name}="{text}"'
        return passed

    def _run_fences(self, code: str, header: str) -> str:
        if "fenced_code_block" not in self._markdown.preprocessors:
            return ""
        longest = max(map(len, re.findall("`+", code)), default=0)
        fence = "`" * max(3, longest + 1)
        lines = code.removesuffix("\n").split("\n") if code else []
        fences = self._markdown.preprocessors["fenced_code_block"]
        shown = "\n".join(fences.run([fence + header, *lines, fence])).strip()
        return shown if HTML_PLACEHOLDER_RE.fullmatch(shown) else ""


def _find_settings(processors: Registry[Any], name: str) -> dict[str, Any]:
    """Return the settings of one of the site's extensions; none if the site lacks it."""
    settings: dict[str, Any] = getattr(processors[name], "config", {}) if name in processors else {}
    return settings


def _show_plainly(code: str, language: str) -> str:
    attribute = f' class="language-{html.escape(language)}"' if language else ""
    return f"<pre><code{attribute}>{html.escape(code, quote=False)}</code></pre>"
