"""The source of a page for MkDocs: front matter and the exported Markdown. Pure.

There is always front matter, because MkDocs takes a first line like `Owner: Jane` of a page
without it for metadata, and the reader would lose that line.
"""

from __future__ import annotations

import html
import json
import re
from contextlib import suppress
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml

from mkdocs_confluence_md.confluence.content import (
    begins_with_heading,
    clean,
    parse_front_matter,
    read_front_matter,
    split_front_matter,
)
from mkdocs_confluence_md.errors import AnswerError, FailureError, RenderingError
from mkdocs_confluence_md.text import escape_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from mkdocs.structure.pages import Page

    from mkdocs_confluence_md.confluence.models import PageFacts
    from mkdocs_confluence_md.site.messages import PageFailure


# The last two are for plugins that show dates: mkdocs-git-revision-date-localized-plugin and
# mkdocs-document-dates.
_FACT_NAMES = ("confluence_title", "revision_date", "author", "tags",
               "git_revision_date_localized", "updated")  # fmt: skip
ADDED_NAMES = ("title", "confluence_id", "confluence_url", "render_macros", *_FACT_NAMES)
"""What is added to a page's metadata, most of it by `make_source`."""

# A page's own title has been read, and the rest are instructions, not facts.
_NOT_FACTS = frozenset(
    {
        "title",
        "confluence_id",
        "confluence_url",
        "template",
        "icon",
        "render_macros",
        "status",
        "search",
        "social",
        "hide",
        "exclude",
    }
)

# Three times as fast, where PyYAML was built with it, and what is written is ours. What is read was
# written in Confluence, and the fast loader crashes the interpreter on brackets nested very deep.
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?=T|\Z)")


def make_source(  # noqa: PLR0913  all that is known of a page
    markdown: str,
    *,
    page_id: str,
    title: str,
    otherwise: str = "",
    facts: PageFacts | None = None,
    extra: Mapping[str, Any] | None = None,
) -> str:
    """Put front matter before a page's Markdown; the Markdown itself is passed on untouched.

    Args:
        markdown: As exported; front matter of its own is kept and completed.
        page_id: Becomes `confluence_id`; empty where it is not known.
        title: The page's title in `nav`. Where it is empty, the page's own title or first
            heading serves, then its title in Confluence, and the ID only where it has none.
        otherwise: That title, as far as it is known without facts.
        facts: Become metadata, where the page's own front matter says nothing of the kind.
        extra: What the site's author adds, or has instead.
    """
    own, body = split_front_matter(clean(markdown))
    headed = not title and begins_with_heading(body)
    in_confluence = (facts.title if facts else "") or otherwise
    page_title = title or ("" if headed else _clean_title(in_confluence) or page_id)
    known = own, page_id, page_title, facts
    front_matter = _write({**_make_meta(*known), **extra}) if extra else _make_front_matter(*known)
    return f"---\n{front_matter}---\n\n{body}"


def find_own_facts(markdown: str) -> frozenset[str]:
    """Return the names of those added facts that a page's own front matter has already."""
    own, _ = read_front_matter(markdown)
    return frozenset(own).intersection(_FACT_NAMES)


@cache
def _make_front_matter(own: str, page_id: str, title: str, facts: PageFacts | None) -> str:
    return _write(_make_meta(own, page_id, title, facts))


def _make_meta(own: str, page_id: str, title: str, facts: PageFacts | None) -> dict[str, Any]:
    own_meta = parse_front_matter(own) or {}
    added = _describe(facts) if facts else {}
    page_title = _clean_title(own_meta.get("title")) or title
    meta: dict[str, Any] = {"title": page_title} if page_title else {}
    harmless = {name: value for name, value in own_meta.items() if _is_harmless(name, value)}
    meta |= {name: _escape(value) for name, value in harmless.items()}
    meta |= {"confluence_id": page_id} if page_id else {}
    # mkdocs-macros would run what people in Confluence write, with our environment at hand.
    meta["render_macros"] = False
    return meta | {name: value for name, value in added.items() if name not in meta}


def _write(meta: Mapping[str, Any]) -> str:
    if all(map(_is_plain, meta.values())) and meta.keys() <= set(ADDED_NAMES):
        # JSON is YAML, and written twenty times as fast.
        return "".join(f"{name}: {_write_plain(value)}\n" for name, value in meta.items())
    # Wide, because a folded title would still be right but hard to read in a log.
    return yaml.dump(meta, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1000)


def _is_plain(value: object) -> bool:
    if isinstance(value, list):
        return all(map(_is_plain, value))
    is_text = isinstance(value, str) and value.isascii() and value.isprintable()
    return is_text or isinstance(value, bool | date)


def _write_plain(value: object) -> str:
    # A date without quotation marks is one to YAML, and feeds want dates.
    return value.isoformat() if isinstance(value, date) else json.dumps(value)


def _describe(facts: PageFacts) -> dict[str, Any]:
    """Write facts as metadata, under the names under which themes and plugins look for it."""
    described = {
        "confluence_title": _clean_title(facts.title),
        "revision_date": _read_date(facts.changed_at),
        "author": _clean_title(facts.author),
        "tags": [_clean_title(label) for label in sorted(facts.labels or ())],
    }
    return {name: value for name, value in described.items() if value}


def _read_date(text: str) -> date | None:
    match = _DATE.match(text)
    with suppress(ValueError):
        return date.fromisoformat(match[0]) if match else None
    return None


def _is_harmless(name: object, value: object) -> bool:
    """Return True if a page may set this itself: not if it instructs MkDocs, themes or plugins.

    Facts are (a description, dates, tags); what chooses templates and icons could break the
    build of the whole site.
    """
    if not isinstance(name, str) or name in _NOT_FACTS:
        return False
    if name == "tags" or isinstance(value, list):
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return value is None or isinstance(value, str | int | float | date)


def _escape(value: object) -> object:
    """Make HTML of what somebody wrote in Confluence: themes print it as HTML, tags as well."""
    if isinstance(value, list):
        return [_escape(item) for item in value]
    return escape_text(value) if isinstance(value, str) else value


def _clean_title(title: object) -> str:
    return escape_text(str(title).strip()) if isinstance(title, str | int | float | date) else ""


def make_placeholder(failure: PageFailure) -> str:
    """Make the source of a page that says why the real one is not there."""
    name = html.escape(failure.name)
    link = (
        f' <a href="{html.escape(failure.url)}">Read it in Confluence.</a>' if failure.url else ""
    )
    # What is wrong with the machine that builds is for its log, not for readers.
    about_page = isinstance(failure.error, AnswerError | FailureError | RenderingError)
    what = html.escape(failure.error.what) if about_page else "The site's owner can tell why."
    # HTML rather than Markdown: the words of an error are not markup.
    verb = "rendered" if isinstance(failure.error, RenderingError) else "fetched"
    text = f"<p><strong>{name} could not be {verb}.</strong> {what}{link}</p>"
    return make_source(text, page_id=failure.page_id, title=failure.title, otherwise=failure.name)


NOTE = """\
<p class="confluence-source">From Confluence{% if updated %} · updated {{ updated }}{% endif %}\
{% if author %} by {{ author }}{% endif %}{% if url %} · <a href="{{ url }}">View</a>{% endif %}</p>
"""
"""The template of the line below a page."""

_STALE = """\
<div class="admonition warning confluence-stale"><p class="admonition-title">A copy from {age} ago\
</p><p>Confluence could not be reached when this page was published.</p></div>
"""


def describe_source(meta: Mapping[str, Any], age: str) -> dict[str, str]:
    """Return what a note on the source of a page may say, as HTML.

    Args:
        meta: The page's.
        age: Of a copy that may be out of date; empty for others.
    """
    changed = meta.get("revision_date")
    updated = f"{changed.day} {changed:%B} {changed.year}" if isinstance(changed, date) else ""
    names = {"url": "confluence_url", "author": "author", "title": "confluence_title"}
    given = {key: str(meta.get(name, "")) for key, name in names.items()}
    return {**given, "updated": updated, "age": age}


def make_banner(age: str) -> str:
    """Make the HTML of a banner on a copy that may be out of date; empty without an age."""
    return _STALE.format(age=age) if age else ""


class Additions:
    """The additions of all pages of a build, in their metadata or put aside.

    Args:
        src_uris: Of the pages from Confluence.
    """

    def __init__(self, src_uris: Collection[str]) -> None:
        self._src_uris = src_uris
        self._aside: dict[str, tuple[Page, dict[str, Any]]] = {}
        self._own: dict[str, Collection[str]] = {}

    def cover(self, src_uris: Collection[str]) -> None:
        """Take other pages for those from Confluence: there are more now."""
        self._src_uris = src_uris

    def spare(self, src_uri: str, names: Collection[str]) -> None:
        """Leave to a page what it states itself, under names under which others have additions."""
        if names:
            self._own[src_uri] = names

    def show_only(self, page: Page, pages: Iterable[Page]) -> None:
        """Let a page's template see the additions of that page only.

        Args:
            page: Whose template is rendered next.
            pages: All pages that it may look at.
        """
        if self._src_uris and not self._aside:  # the first page that is rendered
            for each in pages:
                self.hide(each)
        self._put_back(page.file.src_uri)

    def hide(self, page: Page) -> None:
        """Put a page's additions aside."""
        if page.file.src_uri in self._src_uris:
            page.title = page.title  # which may come from the metadata
            own = self._own.get(page.file.src_uri, ())
            names = [name for name in ADDED_NAMES if name in page.meta and name not in own]
            additions = {name: page.meta.pop(name) for name in names}
            self._aside[page.file.src_uri] = (page, additions)

    def show_all(self) -> None:
        """Make the metadata of all pages whole again."""
        for src_uri in list(self._aside):
            self._put_back(src_uri)

    def _put_back(self, src_uri: str) -> None:
        if src_uri in self._aside:
            page, additions = self._aside.pop(src_uri)
            page.meta.update(additions)
