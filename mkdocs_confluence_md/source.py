"""What MkDocs reads as a page's source: the exported Markdown behind front matter. Pure.

There is always front matter, because MkDocs takes a first line like `Owner: Jane` of a page
without it for metadata, and the reader would lose that line.
"""

from __future__ import annotations

import html
import re
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml

from mkdocs_confluence_md.errors import AnswerError, FailureError
from mkdocs_confluence_md.reports import describe_page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mkdocs_confluence_md.reports import PageFailure

ADDED_NAMES = ("title", "confluence_id", "render_macros")
"""What `make_source` adds to a page's front matter."""

# A page's own title has been read, and the rest are instructions, not facts.
_NOT_FACTS = frozenset({"title", "template", "icon", "render_macros", "status"})

# Three times as fast, where PyYAML was built with it, and what is written is ours. What is read was
# written in Confluence, and the fast loader crashes the interpreter on brackets nested very deep.
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

# Front matter starts right behind its dashes; a blank line there means a horizontal rule.
_FRONT_MATTER = re.compile(
    r"---[ \t]*\n(?P<yaml>[ \t]*[^ \t\n].*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL
)
_FIRST_HEADING = re.compile(r"\s*(?:#[ \t]+\S|\S[^\n]*\n=+[ \t]*(?:\n|\Z))")


def make_source(markdown: str, *, page_id: str, title: str) -> str:
    """Put front matter before a page's Markdown; the Markdown itself is passed on untouched.

    Args:
        markdown: As exported; front matter of its own is kept and completed.
        page_id: Becomes `confluence_id`.
        title: The page's title in `nav`. Where it is empty, the page's own title or first
            heading serves, and the ID only where it has neither.
    """
    own, body = split_front_matter(markdown.removeprefix("\ufeff").replace("\r\n", "\n"))
    headed = not title and bool(_FIRST_HEADING.match(body))
    return f"---\n{_make_front_matter(own, page_id, title, headed)}---\n\n{body}"


def split_front_matter(markdown: str) -> tuple[str, str]:
    """Separate front matter (its YAML) from the text behind it; what is no mapping is text."""
    match = _FRONT_MATTER.match(markdown)
    if match is None or _read_front_matter(match["yaml"]) is None:
        return "", markdown
    return match["yaml"], markdown[match.end() :]


# Remembered, as is what is made of it, because `mkdocs serve` asks for each page again after each
# edit of any page. Both are small, and in all there are about as many as pages.
@cache
def _read_front_matter(text: str) -> Mapping[Any, Any] | None:
    try:
        meta = yaml.safe_load(text)
        yaml.safe_dump(meta)
    except Exception:  # noqa: BLE001  a value makes YAML raise whatever its conversion raises
        return None
    return meta if isinstance(meta, dict) else None


@cache
def _make_front_matter(own: str, page_id: str, title: str, headed: bool) -> str:  # noqa: FBT001  `cache` is best without names
    own_meta = _read_front_matter(own) or {}
    page_title = _clean_title(own_meta.get("title")) or title or ("" if headed else page_id)
    meta: dict[str, Any] = {"title": page_title} if page_title else {}
    meta |= {name: value for name, value in own_meta.items() if _is_harmless(name, value)}
    meta["confluence_id"] = page_id
    # mkdocs-macros would run what people in Confluence write, with our environment at hand.
    meta["render_macros"] = False
    # Wide, because a folded title would still be right but hard to read in a log.
    return yaml.dump(meta, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1000)


def _is_harmless(name: object, value: object) -> bool:
    """Tell whether a page may say this of itself: no instructions to MkDocs, theme or plugins.

    Facts are (a description, dates, tags); what chooses templates and icons could break the
    build of the whole site.
    """
    if not isinstance(name, str) or name in _NOT_FACTS:
        return False
    if name == "tags" or isinstance(value, list):
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return value is None or isinstance(value, str | int | float | date)


def _clean_title(title: object) -> str:
    # Themes print titles as HTML, and this one was written by somebody in Confluence.
    return html.escape(str(title).strip()) if isinstance(title, str | int | float | date) else ""


def make_placeholder(failure: PageFailure) -> str:
    """Make the source of a page that says why the real one is not there."""
    name = html.escape(describe_page("", failure.page_id))
    link = (
        f' <a href="{html.escape(failure.url)}">Read it in Confluence.</a>' if failure.url else ""
    )
    # What is wrong with the machine that builds is for its log, not for readers.
    about_page = isinstance(failure.error, AnswerError | FailureError)
    what = html.escape(failure.error.what) if about_page else "The site's owner can tell why."
    # HTML rather than Markdown: an error's words are nobody's markup.
    text = f"<p><strong>{name} could not be fetched.</strong> {what}{link}</p>"
    return make_source(text, page_id=failure.page_id, title=failure.title)
