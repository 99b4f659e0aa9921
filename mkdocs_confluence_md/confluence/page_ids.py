"""The IDs that a page's Markdown tells: its own, and that of its parent. Pure.

Exporters promise none, and each that writes them has names of its own for them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mkdocs_confluence_md.confluence.front_matter import read_front_matter
from mkdocs_confluence_md.confluence.headings import find_comments
from mkdocs_confluence_md.confluence.refs import PageRef, parse_reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ID = re.compile(r"[0-9]{1,20}")
# Shorter ones may be anything: years, counts, chapters.
_LONG_ID = re.compile(r"[0-9]{5,20}")
# In lower case and without `-` and `_`. Of two that a page has, the first of these is meant.
_OWN_NAMES = ("confluenceid", "confluencepageid", "pageid", "contentid")
_PARENT_NAMES = ("confluenceparentid", "confluenceparentpageid", "parentpageid", "parentid")
_URL_NAMES = ("confluenceurl", "pageurl", "webui", "url", "source", "link")
_SECTION = "confluence"
_COMMENT = re.compile(
    r"""<!--\s*(?P<name>[A-Za-z][A-Za-z_-]{0,40})\s*[:=]\s*["']?(?P<id>[0-9]{1,20})["']?\s*-->"""
)
_ANY_SITE = "https://confluence.atlassian.net"


@dataclass(frozen=True)
class PageIds:
    """What a page tells; each is empty where it does not."""

    own: str = ""
    parent: str = ""


def read_ids(markdown: str) -> PageIds:
    """Read the IDs in a page's front matter, or in a comment at its beginning."""
    meta, body = read_front_matter(markdown)
    fields = _fold_names(meta)
    nested = fields.get(_SECTION)
    section = _fold_names(nested) if isinstance(nested, dict) else {}
    comments = _read_comments(body)
    inner = {**section, "pageid": section.get("pageid", section.get("id"))}
    own = (
        _find_id(fields, _OWN_NAMES)
        or _find_id(inner, _OWN_NAMES)
        or _find_id(fields, ("id",), _LONG_ID)
        or _find_id_in_url(fields)
        or _find_id_in_url(section)
        or _find_id(comments, _OWN_NAMES)
    )
    sources = (fields, section, comments)
    parents = (_find_id(each, _PARENT_NAMES) for each in sources)
    return PageIds(own, next(filter(None, parents), ""))


def _fold_names(fields: Mapping[Any, Any]) -> dict[str, Any]:
    """Return fields by what the ways of writing their names have in common."""
    folded: dict[str, Any] = {}
    for name, value in fields.items():
        folded.setdefault(re.sub("[-_]", "", str(name)).lower(), value)
    return folded


def _read_comments(body: str) -> dict[str, str]:
    found = map(_COMMENT.match, find_comments(body))
    return _fold_names({match["name"]: match["id"] for match in found if match})


def _find_id(fields: Mapping[str, Any], names: Iterable[str], form: re.Pattern[str] = _ID) -> str:
    values = (fields.get(name) for name in names)
    texts = (str(value) for value in values if not isinstance(value, bool))
    return next((text for text in texts if form.fullmatch(text)), "")


def _find_id_in_url(fields: Mapping[str, Any]) -> str:
    urls = (_complete_url(fields.get(name)) for name in _URL_NAMES)
    found = (parse_reference(url) for url in urls if url)
    return next((each.page_id for each in found if isinstance(each, PageRef)), "")


def _complete_url(value: object) -> str:
    """Return a URL, also of a path such as Confluence's API gives; empty for anything else."""
    text = value.strip() if isinstance(value, str) else ""
    if text.startswith("/"):
        path = text if text.startswith("/wiki/") else f"/wiki{text}"
        return _ANY_SITE + path
    return text if "://" in text else ""
