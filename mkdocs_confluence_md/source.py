"""What MkDocs reads as a page's source: the exported Markdown behind front matter. Pure.

There is always front matter, because MkDocs takes a first line like `Owner: Jane` of a page
without it for metadata, and the reader would lose that line.
"""

from __future__ import annotations

import html
import re
from datetime import date
from typing import TYPE_CHECKING, Any

import yaml

from mkdocs_confluence_md.errors import AnswerError, FailureError
from mkdocs_confluence_md.reports import describe_page

if TYPE_CHECKING:
    from mkdocs_confluence_md.reports import PageFailure

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
    meta, body = split_front_matter(markdown.removeprefix("\ufeff").replace("\r\n", "\n"))
    own_title = _clean_title(meta.pop("title", None))
    meta = {name: value for name, value in meta.items() if _is_harmless(name, value)}
    page_title = own_title or title
    if not page_title and not _FIRST_HEADING.match(body):
        page_title = page_id
    if page_title:
        meta = {"title": page_title, **meta}
    meta["confluence_id"] = page_id
    # mkdocs-macros would run what people in Confluence write, with our environment at hand.
    meta["render_macros"] = False
    # Wide, because a folded title would still be right but hard to read in a log.
    front_matter = yaml.safe_dump(meta, allow_unicode=True, sort_keys=False, width=1000)
    return f"---\n{front_matter}---\n\n{body}"


def split_front_matter(markdown: str) -> tuple[dict[str, Any], str]:
    """Separate front matter from the text behind it; what is no YAML mapping is text."""
    match = _FRONT_MATTER.match(markdown)
    if match is None:
        return {}, markdown
    try:
        meta = yaml.safe_load(match["yaml"])
        yaml.safe_dump(meta)
    except Exception:  # noqa: BLE001  a value makes YAML raise whatever its conversion raises
        return {}, markdown
    return (meta, markdown[match.end() :]) if isinstance(meta, dict) else ({}, markdown)


def _is_harmless(name: object, value: object) -> bool:
    """Tell whether a page may say this of itself: no instructions to MkDocs, theme or plugins.

    Facts are (a description, dates, tags); what chooses templates and icons could break the
    build of the whole site.
    """
    if not isinstance(name, str) or name in {"template", "icon", "render_macros", "status"}:
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
