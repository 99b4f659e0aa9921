"""Read the title, the front matter and the IDs of an exported page, and redact media tokens. Pure.

Exporters write comments, anchors and breadcrumbs before the first heading; it is still the title.
They do not promise IDs, and those that write them use different names for them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from unicodedata import normalize
from urllib.parse import parse_qs

import yaml

from mkdocs_confluence_md.confluence.refs import PageRef, parse_reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from urllib.parse import SplitResult

    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_BLANKS = re.compile(r"\s*")
_HEADING = re.compile(r"#[ \t]+\S[^\n]*|\S[^\n]*\n=+[ \t]*(?:\n|\Z)")
_COMMENT = re.compile(r"<!--.*?-->[ \t]*(?:\n|\Z)", re.DOTALL)
_ANCHOR = re.compile(
    r"""(?:<a[ \t]+(?:id|name)=(?:"[^"<>\n]*"|'[^'<>\n]*')[ \t]*></a>[ \t]*)+(?:\n|\Z)""",
    re.IGNORECASE,
)
_LINK = (
    r"\[(?:[^\[\]\\\n]|\\[^\n])*\]"
    r"""\((?:<[^<>\n]*>|[^()\s<>]*(?:\([^()\s<>]*\)[^()\s<>]*)*)(?:[ \t]+"[^"\n]*")?\)"""
)
_BREADCRUMB = re.compile(rf"{_LINK}(?:[ \t]*(?:\\?>|&gt;|/|»|›)[ \t]*{_LINK})*[ \t]*(?:\n|\Z)")  # noqa: RUF001  as they are written
_MOST_LINES = 10
"""Before a heading: with more it is not the page's title."""


def find_heading(body: str) -> str:
    """Return the Markdown of the first-level heading with which a text begins; or nothing.

    Comments, anchors and a breadcrumb may stand before it.
    """
    start = _find_start(body)
    match = _HEADING.match(body, start)
    return match[0].strip() if match else ""


def begins_with_heading(body: str) -> bool:
    """Return True if nothing stands before the heading, so that MkDocs finds it, too."""
    return _HEADING.match(body, _skip_blanks(body, 0)) is not None


def find_comments(body: str) -> list[str]:
    """Return the comments at the beginning of a text: before its heading, and right behind it."""
    start = _find_start(body)
    comments = [piece for piece in _split_opening(body, 0) if piece.startswith("<!--")]
    heading = _HEADING.match(body, start)
    after = _split_opening(body, heading.end()) if heading else ()
    return comments + [piece for piece in after if piece.startswith("<!--")]


def skip_heading(body: str) -> str:
    """Return what is behind the heading of a text; all of a text without one."""
    match = _HEADING.match(body, _find_start(body))
    return body[match.end() :] if match else body


def _find_start(body: str) -> int:
    """Return where the heading begins, or where the text does if there is none."""
    position = 0
    for piece in _split_opening(body, 0):
        position = _skip_blanks(body, position) + len(piece)
    return _skip_blanks(body, position)


def _split_opening(body: str, position: int) -> Iterator[str]:
    """Yield the comments, anchors and breadcrumbs that follow one another."""
    for _ in range(_MOST_LINES):
        position = _skip_blanks(body, position)
        match = _COMMENT.match(body, position)
        if match is None and not _HEADING.match(body, position):
            match = _ANCHOR.match(body, position) or _BREADCRUMB.match(body, position)
        if match is None:
            return
        yield match[0]
        position = match.end()


def _skip_blanks(body: str, position: int) -> int:
    match = _BLANKS.match(body, position)
    return match.end() if match else position


_LOST_NAME = re.compile(
    r"(?:[a-z]{1,20}[ _-])?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    re.IGNORECASE,
)


def read_title(markdown: str) -> str:
    """Return the title in a page's front matter, or else its first heading; empty without both."""
    meta, body = read_front_matter(markdown)
    title = meta.get("title")
    own = " ".join(str(title).split()) if isinstance(title, str | int | float) else ""
    return own or _read_heading(find_heading(body))


def read_hidden_title(markdown: str) -> str:
    """Return the title of a page whose heading MkDocs does not find: something is before it."""
    _, body = read_front_matter(markdown)
    return "" if begins_with_heading(body) else _read_heading(find_heading(body))


def is_lost_name(name: str) -> bool:
    """Return True for the name of a file that an exporter could not make of a title.

    It has a random UUID instead, like `page-0f8f…`.
    """
    return _LOST_NAME.fullmatch(name) is not None


def reduce_title(title: str) -> str:
    """Reduce a title to letters and digits: addresses and names have it without some of the rest.

    A title without any is reduced to itself.
    """
    plain = normalize("NFKC", title)
    return re.sub(r"[\W_]+", "", plain).casefold() or plain.strip()


def _read_heading(text: str) -> str:
    """Read a heading as it will look: without the marks of its Markdown."""
    tokens = _make_parser().parse(text) if text else []
    inline = next((token for token in tokens if token.type == "inline"), None)
    return re.sub(r"\s+", " ", _read_text(inline)).strip() if inline else ""


def _read_text(token: Token) -> str:
    if token.type in ("softbreak", "hardbreak"):
        return " "
    if token.children:
        return "".join(map(_read_text, token.children))
    return token.content if token.type in ("inline", "text", "code_inline") else ""


@cache
def _make_parser() -> MarkdownIt:
    from markdown_it import MarkdownIt  # noqa: PLC0415  large, and some titles need none

    return MarkdownIt("commonmark").enable("strikethrough")


_ID = re.compile(r"[0-9]{1,20}")
# Shorter ones may be anything: years, counts, chapters.
_LONG_ID = re.compile(r"[0-9]{5,20}")
# In lower case and without `-` and `_`. Of two that a page has, the first of these is meant.
_OWN_NAMES = ("confluenceid", "confluencepageid", "pageid", "contentid")
_PARENT_NAMES = ("confluenceparentid", "confluenceparentpageid", "parentpageid", "parentid")
_URL_NAMES = ("confluenceurl", "pageurl", "webui", "url", "source", "link")
_SECTION = "confluence"
_ID_COMMENT = re.compile(
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
    found = map(_ID_COMMENT.match, find_comments(body))
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


# Front matter starts right behind its dashes; a blank line there means a horizontal rule.
_FRONT_MATTER = re.compile(
    r"---[ \t]*\n(?P<yaml>[ \t]*[^ \t\n].*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL
)


_LONGEST_FRONT_MATTER = 65_536


def read_front_matter(markdown: str) -> tuple[Mapping[Any, Any], str]:
    """Separate front matter, as what it says, from the text behind it."""
    own, body = split_front_matter(clean(markdown))
    return parse_front_matter(own) or {}, body


def clean(markdown: str) -> str:
    """Return an export without a byte order mark, and with Unix line endings."""
    return markdown.removeprefix("\ufeff").replace("\r\n", "\n")


def split_front_matter(markdown: str) -> tuple[str, str]:
    """Separate front matter (its YAML) from the text behind it; anything but a mapping is text."""
    match = _FRONT_MATTER.match(markdown)
    if match is None or parse_front_matter(match["yaml"]) is None:
        return "", markdown
    return match["yaml"], markdown[match.end() :]


# Remembered, as is what is made of it, because `mkdocs serve` asks for each page again after each
# edit of any page. Both are small, and in all there are about as many as pages.
@cache
def parse_front_matter(text: str) -> Mapping[Any, Any] | None:
    """Return what YAML says; None if it is not a mapping, or more than anybody would write."""
    if not text or len(text) > _LONGEST_FRONT_MATTER:
        return None
    try:
        meta = _replace_halves(yaml.load(text, _Loader))  # noqa: S506  a safe loader, and safer
        yaml.safe_dump(meta)
    except Exception:  # noqa: BLE001  a value makes YAML raise whatever its conversion raises
        return None
    return meta if isinstance(meta, dict) else None


def _replace_halves(value: Any) -> Any:  # noqa: ANN401  what YAML can hold
    """Replace the halves of characters that YAML's escapes can write, and no file can hold."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_replace_halves(each) for each in value]
    if isinstance(value, dict):
        return {_replace_halves(name): _replace_halves(each) for name, each in value.items()}
    return value


class _Loader(yaml.SafeLoader):
    """Reads what was written in Confluence: aliases, which can stand for billions, are refused."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("an alias")
        return super().compose_node(parent, index)


REDACTED = "…"
"""Replaces a token."""

# Repetitions are bounded so that no text takes more than linear time. Exporters escape Markdown.
_DOT = r"(?:\\?\.|&#0{0,5}46;|&#x0{0,5}2e;|&period;|%2e)"
_HOST = re.compile(
    rf"media[a-z0-9-]{{0,60}}(?:{_DOT}[a-z0-9-]{{1,60}}){{0,5}}?{_DOT}"
    rf"(?:atlassian{_DOT}com|atl-paas{_DOT}net)",
    re.IGNORECASE,
)
_LONGEST_BEGINNING = 200
_OPENING = re.compile(r"""(["'<])(?:https?:)?//[a-z0-9\\.-]*\Z""", re.IGNORECASE)
# In quotation marks and brackets, an address may have blanks.
_NOT_IN_ADDRESS = {"": r"""\s<>"`""", "<": "<>", '"': '"', "'": "'"}
# Another address begins, or the next link. An address may be a parameter of one, though.
_NEXT = r"(?<!=)https?://|\]\("
_ADDRESSES = {
    opening: re.compile(rf"(?:(?!{_NEXT})[^{characters}])*", re.IGNORECASE)
    for opening, characters in _NOT_IN_ADDRESS.items()
}
_SEPARATOR = r"(?:[?&;]|%(?:25){0,3}(?:3F|26)|\\u0026)"
_EQUALS = r"(?:=|%(?:25){0,3}3D|&#0{0,5}61;|&#x0{0,5}3d;|&equals;|\\u003d)"
_VALUE = r"""(?:(?!%(?:25){0,3}26|\\u0026)[^\s#&;<>"'`*()\[\]|])*"""
_NAME = r"(?:[a-z0-9_.\\~-]|%[4-7][0-9a-f]){1,60}"
_PARAMETER = re.compile(
    rf"(?P<before>{_SEPARATOR}(?P<name>{_NAME}){_EQUALS}){_VALUE}",
    re.IGNORECASE,
)
_SECRET = re.compile(
    rf"(?P<before>{_SEPARATOR}(?:[a-z_\\-]{{0,20}}token|jwt|sig|signature|policy|key-pair-id|"
    rf"x-amz-[a-z-]{{1,40}}){_EQUALS}){_VALUE}",
    re.IGNORECASE,
)
_HARMLESS = frozenset(
    ("name", "width", "height", "mode", "dl", "version", "alt", "type", "upscale", "max-age")
)
_FILE = re.compile(r"/file/([0-9A-Fa-f-]{8,60})(?:/|$)")


def redact_tokens(text: str) -> str:
    """Return a text without the values that let anybody read files of the media service.

    Of its addresses only such parameters keep their values that say which file it is, and how
    large. What follows one on its line loses what is called a token or a signature, too.
    """
    if "media" not in text.lower():  # most pages
        return text
    return "".join(map(_redact_line, text.splitlines(keepends=True)))


def _redact_line(line: str) -> str:
    parts, done = [], 0
    matches = list(_HOST.finditer(line))
    for match in matches:
        if match.start() >= done:
            end = _find_end(line, match)
            parts += [line[done : match.end()], _PARAMETER.sub(_redact, line[match.end() : end])]
            done = end
    start = matches[0].start() if matches else len(line)
    redacted = "".join([*parts, line[done:]])
    return redacted[:start] + _SECRET.sub(rf"\g<before>{REDACTED}", redacted[start:])


def _find_end(line: str, host: re.Match[str]) -> int:
    """Return where an address ends, which begins before its host."""
    beginning = line[max(0, host.start() - _LONGEST_BEGINNING) : host.start()]
    opening = _OPENING.search(beginning)
    match = _ADDRESSES[opening[1] if opening else ""].match(line, host.end())
    return match.end() if match else host.end()


def _redact(match: re.Match[str]) -> str:
    name = match["name"].replace("\\", "").lower()
    return match[0] if name in _HARMLESS else f"{match['before']}{REDACTED}"


def is_media_host(host: str) -> bool:
    """Return True if a host is one of the media service."""
    labels = host.lower().split(".")
    is_atlassian = labels[-2:] in (["atlassian", "com"], ["atl-paas", "net"])
    return is_atlassian and any(label.startswith("media") for label in labels[:-2])


def find_name(url: SplitResult) -> str:
    """Return the name of the file that an address of the media service means."""
    parameters: Mapping[str, list[str]] = parse_qs(url.query)
    return parameters.get("name", [""])[0]


def find_number(url: SplitResult) -> str:
    """Return the ID that a file has in the media service."""
    match = _FILE.search(url.path)
    return match[1] if match else ""
