"""Describe a response without repeating any of it: header names, types, counts. Pure.

What a description may contain is listed here, word by word; whatever is not on a list is written as
`*` or as a count. So it can be attached to a public issue.
"""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mkdocs_confluence_md.confluence.archive import read_archive
from mkdocs_confluence_md.confluence.attachments import read_address
from mkdocs_confluence_md.confluence.responses import is_web_page, parse_json
from mkdocs_confluence_md.markdown.parser import Grammar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from markdown_it.token import Token

_DEEPEST = 6
_MOST_ENTRIES = 200
_LEAST_TEXT = 200
"""JSON strings that are longer, or have more than one line, are looked at as Markdown."""

_FIELD = re.compile(r"_?[a-z][A-Za-z_]{0,23}|zipBase64")
"""Names of fields as APIs have them; not IDs, keys of spaces or names of files."""
_NUMBERS_SHOWN = frozenset(
    {"statusCode", "status", "code", "pageCount", "expires_in", "depth", "limit", "size"}
)
"""Fields whose numbers say something of the API and nothing of pages, unless they are large."""
_LARGEST_NUMBERS = {"expires_in": 10**8}
_LARGEST_NUMBER = 999

_HEADERS_SHOWN = {
    "content-type": re.compile(r"[a-z]+/[a-z0-9.+-]+(?:; ?charset=[A-Za-z0-9-]+)?", re.IGNORECASE),
    "content-length": re.compile(r"[0-9]{1,12}"),
    "retry-after": re.compile(r"[0-9]{1,8}"),
    "x-failure-category": re.compile(r"FAILURE(?:_[A-Z]{1,20}){1,5}"),
    "ratelimit-reason": re.compile(r"[a-z]{1,20}(?:-[a-z]{1,20}){1,5}"),
    "x-ratelimit-limit": re.compile(r"[0-9]{1,12}"),
    "x-ratelimit-remaining": re.compile(r"[0-9]{1,12}"),
    "x-ratelimit-reset": re.compile(r"[0-9TZ:.+-]{1,40}"),
    "x-ratelimit-nearlimit": re.compile(r"true|false"),
    "deprecation": re.compile(r"true|@?[0-9]{1,12}"),
    "atl-traceid": re.compile(r"[A-Fa-f0-9-]{1,64}"),
    "atl-request-id": re.compile(r"[A-Fa-f0-9-]{1,64}"),
}
"""Headers whose values are harmless, in these forms."""

_KINDS_OF_TEXT = {
    "empty text": re.compile(r""),
    "digits": re.compile(r"[0-9]+"),
    "ISO 8601 time": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9:]+)"),
    "URL": re.compile(r"https?://\S*"),
    "path": re.compile(r"/\S*"),
}
"""What a JSON string may be, the likeliest first."""

_HEADER_NAME = re.compile(
    r"(?:x-)?ratelimit-[a-z-]{1,30}|atl-[a-z-]{1,30}|x-(?:request-id|trace-id|envoy-[a-z-]{1,40})|"
    r"x-(?:content-type-options|frame-options|xss-protection|cache|amz-cf-[a-z]{1,10})|via|age|"
    r"accept-ranges|allow|alt-svc|cache-control|connection|content-[a-z-]{1,30}|date|etag|expires|"
    r"keep-alive|last-modified|location|nel|pragma|referrer-policy|report-to|server|server-timing|"
    r"set-cookie|strict-transport-security|transfer-encoding|vary|warning|www-authenticate"
)
"""Names that do not tell who has set them."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_HTML_TAGS = _words("""
    a abbr audio b blockquote br caption code col colgroup dd del details div dl dt em figcaption
    figure h1 h2 h3 h4 h5 h6 hr i iframe img input ins kbd li mark ol p pre s script section small
    source span strong style sub summary sup table tbody td tfoot th thead time tr u ul video
    ac:image ac:link ac:parameter ac:structured-macro ri:attachment ri:page ri:user
""")
_EXTENSIONS = _words("""
    bmp csv doc docx drawio gif html htm jpeg jpg json md mp4 pdf png ppt pptx svg tif tiff txt webp
    xls xlsx xml yaml yml zip
""")
_FOLDERS = _words("attachments _attachments attachment assets images media files")
_PAGE_NAMES = _words("index README SUMMARY _index")
_FRONT_MATTER = _words("""
    title id url source link author authors date created updated modified version labels tags space
    space_key spaceKey space_name parent parent_id parentId confluence confluence_id
    confluence_page_id confluence_url page_id pageId page_url content_id webui status
""")
_WORDS_SHOWN = _words("""
    archived basic blogpost Bearer bearer current database draft embed folder global page personal
    team trashed user whiteboard
""")
"""Values of Confluence's own fields."""

_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9:-]{0,30})")
_FORMS = {
    "alert, [!NAME]": r"^ *>\s*\[![^\]\n]{1,60}\]",
    "panel label, > **NAME:**": r"^ *>\s*\*\*[^*\n]{1,40}\*\*",
    "panel with an emoji": r"^ *>\s*(?:\*\*)?[\u2139\u2705\u26a0\u274c\u2757\U0001f300-\U0001faff]",
    "container, :::name": r"^ *:::",
    "expand, arrow picture": r"!\[[^\]\n]{0,300}\]\([^)\n]{0,300}/images/icons/",
    "macro placeholder": r"/placeholder/unknown-macro|\[Extension: ",
    "table of contents marker": r"^ *(?:\[TOC\]|\[\[_?TOC_?\]\]|\{toc[^}\n]*\}) *$",
    "emoji shortcode": r":[a-z0-9_+-]{2,40}:",
    "status macro": r"\{status[:}]|:status\[",
    "image size": r"\{(?:width|height)=| =[0-9]+x[0-9]*\)|\|[0-9]{2,4}\]",
    "bold with a blank inside": r"\*\*[^*\n]{1,200} \*\*\S",
    "list item two blanks deeper": r"^ {2}(?:[-*+]|[0-9]{1,9}[.)]) ",
    "math, $$": r"\$\$",
    "breaks in table cells": r"^ *\|.*<br ?/?>",
    "comment": r"<!--",
    "media address": r"https?://[a-z.]*media\.atlassian\.com/",
    "gateway address": r"https?://api\.atlassian\.com/ex/confluence/",
    "undefined": r"@undefined\b|\bundefined\b",
    "storage XML": r"<(?:ac|ri):",
}
"""Forms in which exporters write what Markdown has no word for, each found by a pattern."""

_ADDRESSES = {
    "anchor": re.compile(r"#"),
    "media address": re.compile(r"https?://[a-z.]*media\.atlassian\.com/"),
    "gateway address": re.compile(r"https?://api\.atlassian\.com/ex/confluence/"),
    "path from the root": re.compile(r"/(?!wiki/)"),
}
_SCHEMES = _words("http: https: mailto: data: attachment: media:")

_PATTERNS = {name: re.compile(pattern, re.MULTILINE) for name, pattern in _FORMS.items()}


def describe_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the names of headers, with those values that are harmless."""
    shown: dict[str, str] = {}
    for name, value in headers.items():
        lower = name.lower()
        form = _HEADERS_SHOWN.get(lower)
        is_known = form is not None or _HEADER_NAME.fullmatch(lower) is not None
        is_shown = form is not None and form.fullmatch(value.strip()) is not None
        shown[lower if is_known else "*"] = value.strip() if is_shown else "…"
    return dict(sorted(shown.items()))


def describe_body(content: bytes) -> dict[str, Any]:
    """Return the kind of a body, its length, and what it consists of."""
    size = {"bytes": len(content)}
    if content.startswith(b"PK\x03\x04"):
        return {"kind": "ZIP archive", **size, "archive": describe_archive(content)}
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return {"kind": "not text", **size}
    if not text.strip():
        return {"kind": "empty", **size}
    if is_web_page(text):
        return {"kind": "web page", **size}
    value = parse_json(text)
    if value is not None:
        return {"kind": "JSON", **size, "shape": describe_json(value)}
    return {"kind": "text", **size, "markdown": describe_markdown(text)}


def describe_json(value: object, name: str = "", depth: int = _DEEPEST) -> Any:  # noqa: ANN401  JSON
    """Return the keys and types of a JSON value; the type of a list is that of its first entry."""
    if isinstance(value, Mapping):
        if depth == 0:
            return "object"
        fields: dict[str, Any] = {}
        for key, each in value.items():
            known = key if isinstance(key, str) and _FIELD.fullmatch(key) else "*"
            fields.setdefault(known, describe_json(each, known, depth - 1))
        return fields
    if isinstance(value, list):
        return [len(value), describe_json(value[0], name, depth - 1)] if value and depth else []
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        largest = _LARGEST_NUMBERS.get(name, _LARGEST_NUMBER)
        return value if name in _NUMBERS_SHOWN and 0 <= value <= largest else "number"
    return _describe_text(str(value), name, depth)


def _describe_text(text: str, name: str, depth: int) -> Any:  # noqa: ANN401  JSON
    if name == "zipBase64":
        return _describe_base64(text)
    inner = parse_json(text)
    if inner is not None:
        return {"JSON text": describe_json(inner, name, depth - 1)} if depth else "JSON text"
    if text in _WORDS_SHOWN:
        return f"text: {text}"
    kind = next((kind for kind, form in _KINDS_OF_TEXT.items() if form.fullmatch(text)), "")
    is_long = "\n" in text or (len(text) >= _LEAST_TEXT and " " in text)
    return kind or ({"text": describe_markdown(text)} if is_long else "text")


def _describe_base64(text: str) -> Any:  # noqa: ANN401  JSON
    try:
        return {"base64": describe_archive(base64.b64decode("".join(text.split()), validate=True))}
    except ValueError:
        return "text that is not base64"


def describe_markdown(text: str) -> dict[str, Any]:
    """Return how many of which constructs a Markdown text has."""
    front, body = _split_front_matter(text)
    tokens = list(_walk(Grammar().parse(body)))
    counts = Counter(token.type.removesuffix("_open") for token in tokens if token.nesting >= 0)
    described: dict[str, Any] = {
        "lines": text.count("\n") + 1,
        "constructs": dict(sorted(counts.items())),
        "headings": dict(sorted(Counter(token.tag for token in tokens
                                        if token.type == "heading_open").items())),
        "fences": dict(Counter("with a language" if token.info.strip() else "without a language"
                               for token in tokens if token.type == "fence")),
        "links": dict(sorted(Counter(_name_address(str(token.attrGet("href") or ""))
                                     for token in tokens if token.type == "link_open").items())),
        "images": dict(sorted(Counter(_name_address(str(token.attrGet("src") or ""))
                                      for token in tokens if token.type == "image").items())),
        "html": _count_tags(tokens),
        "forms": {name: number for name, form in _PATTERNS.items()
                  if (number := len(form.findall(text)))},
        "front matter": front,
    }  # fmt: skip
    return {name: value for name, value in described.items() if value}


def _walk(tokens: Iterable[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _walk(token.children or ())


def _count_tags(tokens: Iterable[Token]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for token in tokens:
        if token.type in ("html_block", "html_inline"):
            for slash, name in _TAG.findall(token.content):
                if not slash:
                    found[name.lower() if name.lower() in _HTML_TAGS else "*"] += 1
    return dict(sorted(found.items()))


def _split_front_matter(text: str) -> tuple[list[str], str]:
    """Return the known names in a text's front matter, and the text behind it."""
    match = re.match(r"---\n(.{0,5000}?\n)---\n", text, re.DOTALL)
    if match is None:
        return [], text
    names = re.findall(r"^([^\s:#][^:\n]{0,60}):", match[1], re.MULTILINE)
    known = sorted({name if name in _FRONT_MATTER else "*" for name in names})
    return known, text[match.end() :]


def _name_address(address: str) -> str:
    """Name the form of an address."""
    if named := next((name for name, form in _ADDRESSES.items() if form.match(address)), ""):
        return named
    if "/wiki/" in address:
        return _name_confluence_path(address)
    if scheme := re.match(r"[a-z][a-z0-9+.-]*:", address, re.IGNORECASE):
        return scheme[0] if scheme[0] in _SCHEMES else "*:"
    path = address.partition("#")[0].partition("?")[0]
    folder = path.rpartition("/")[0].rpartition("/")[2]
    if path.lower().endswith(".md"):
        return "relative .md"
    return f"relative, in {folder}/" if folder in _FOLDERS else "relative"


def _name_confluence_path(address: str) -> str:
    if read_address(address, "") is not None or "/download/" in address:
        return "Confluence attachment"
    for part in ("/pages/", "/x/", "/display/", "/plugins/servlet/", "/images/", "/people/"):
        if part in address:
            return f"Confluence {part}"
    return "Confluence"


def describe_archive(content: bytes) -> dict[str, Any]:
    """Return the layout of an archive with its names replaced, and what its pages consist of."""
    archive = read_archive(content)
    names = _Names()
    pages = [archive.read(entry) for entry in archive.pages]
    texts = [page.decode("utf-8", "replace") for page in pages if isinstance(page, bytes)]
    described = {
        "entries": len(archive.entries),
        "layout": [names.replace(entry.path) for entry in archive.entries[:_MOST_ENTRIES]],
        "problems": sorted({each.problem.name for each in archive.problems}),
        "pages": [describe_markdown(text) for text in texts[:20]],
    }
    return {name: value for name, value in described.items() if value}


class _Names:
    """Replaces names of files and folders, the same name always by the same."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._counts: Counter[str] = Counter()

    def replace(self, path: str) -> str:
        """Return a path of which only known names are left."""
        *folders, name = path.split("/")
        shown = [
            each if each.lower() in _FOLDERS else self._name(each, "folder") for each in folders
        ]
        stem, _, extension = name.rpartition(".")
        extension = extension.lower() if extension.lower() in _EXTENSIONS else "*"
        if extension == "md":
            # A page and the folder of its children have the same name.
            return "/".join(
                [*shown, f"{stem if stem in _PAGE_NAMES else self._name(stem, 'page')}.md"]
            )
        return "/".join([*shown, f"{self._name(name, 'file')}.{extension}"])

    def _name(self, name: str, kind: str) -> str:
        if name not in self._known:
            self._counts[kind] += 1
            form = " (UUID)" if re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", name) else ""
            form = form or (" (with digits)" if re.search(r"[0-9]{5,}", name) else "")
            self._known[name] = f"{kind}-{self._counts[kind]}{form}"
        return self._known[name]
