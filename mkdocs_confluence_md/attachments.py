"""What a page's Markdown says of attachments, and which file of an export is meant. Pure.

How the exporter names files is not documented. So a file is found by as much of its path as agrees,
and its name may be written in any of the ways in which URLs and file systems write one.
"""

from __future__ import annotations

import html
import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from unicodedata import normalize
from urllib.parse import unquote, unquote_plus, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_OWNED = re.compile(r"(?:/wiki)?/download/(?:attachments|thumbnails)/([0-9]+)/([^/]+)")
_NUMBERED = re.compile(r"(?:/wiki)?/rest/api/content/([0-9]+)/child/attachment/(?:att)?([0-9]+)/download/?")  # fmt: skip  # noqa: E501  one form
# In addresses, browsers and CommonMark leave `&copy=1` alone.
_ENTITY = re.compile(r"&(?:#[0-9]+|#[xX][0-9a-fA-F]+|[0-9A-Za-z]+);")
_FILE = re.compile(r"[^/]\.[A-Za-z0-9]{1,10}$")
_PAGE = re.compile(r"\.md$", re.IGNORECASE)

# More than a page refers to, never less: what it refers to in truth shows when it is rendered.
# Each is quick whatever the text is: it begins with something rare, and stops at the next of that.
_TARGET = re.compile(r"\]\(\s*(?P<target><[^<>\n]*>|(?:[^()\n]|\n(?!\s*\n)|\([^()\n]*\))*)\)")
_TITLE = re.compile(r"""(?<!\s)\s+(?:"[^"]*"|'[^']*'|\([^()]*\))\s*$""")
_DEFINITION = re.compile(r"^[ \t>]*\[[^\]\n]+\]:[ \t]*\n?[ \t>]*(<[^<>\n]*>|\S+)", re.MULTILINE)
_BARE = re.compile(r"https?://[^\s<>\"')\]]+")
_SIGNS = ("/download/", "/child/attachment/", "]:", "src", "href")
_ELSEWHERE = ("http://", "https://", "mailto:", "confluence:", "/", "#")
_LONGEST_LABEL = 300
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_LINE_END = re.compile(r"\r\n?|\n")
_FENCE = re.compile(
    r"(?P<before>[ >]*(?:(?:[-+*]|[0-9]+[.)]) +)?)(?P<mark>`{3,}(?![^`]*`)|~{3,})(?P<info>.*)"
)
_HTML_LINE = re.compile(r"[ >]*(?:(?:[-+*]|[0-9]+[.)]) +)?<")
_INDENTATION = 3
"""Blanks that a fence may have before it; with more it is something else."""

_TAG = re.compile(
    r"""<(?P<name>img|a|source|video|audio)\b(?:[^<>"']|"[^"<]*"|'[^'<]*')*>""", re.IGNORECASE
)
_ADDRESS = re.compile(
    r"""(?P<before>\s(?:src|href)\s*=\s*)(?P<value>"[^"]*"|'[^']*'|[^\s"'>]+)""", re.IGNORECASE
)


@dataclass(frozen=True)
class Reference:
    """An attachment, as a page refers to it."""

    path: str
    """Decoded; as much as the address says. Empty where it only has a number."""
    owner: str = ""
    """The ID of the page that it is attached to; empty for a relative path."""
    number: str = ""
    """The attachment's ID, where the address has no name."""
    label: str = ""
    """The text beside the address, which may be the file's name."""

    @property
    def key(self) -> str:
        """What is the same for each way of writing the same address."""
        return "/".join(part for part in (self.owner, self.number and "#" + self.number, self.path) if part)  # fmt: skip  # noqa: E501  one line to read

    @property
    def name(self) -> str:
        """The file's name for a person."""
        return self.path.rpartition("/")[2] or self.label or f"attachment {self.number}"


def read_address(address: str, page_id: str, label: str = "") -> Reference | None:
    """Read an address as a page has it; None if it leads to no attachment.

    Args:
        address: A URL or a path, still encoded.
        page_id: The page that has it.
        label: The text of the link, or what stands for the image.
    """
    try:
        url = urlsplit(_ENTITY.sub(_read_entity, address).strip())
    except ValueError:
        return None
    if url.scheme.lower() in ("http", "https") or (not url.scheme and url.path.startswith("/")):
        reference = _read_url_path(url.path, label)
        known = reference and reference.owner == page_id
        confluence = not url.netloc or (url.hostname or "").endswith(".atlassian.net")
        return reference if known or confluence else None
    path = normalize("NFC", unquote(url.path))
    if url.scheme or url.netloc or _PAGE.search(path) or not _FILE.search(path):
        return None
    return Reference(posixpath.normpath(path), label=label)


def _read_entity(match: re.Match[str]) -> str:
    return html.unescape(match[0])


def _read_url_path(path: str, label: str) -> Reference | None:
    if match := _OWNED.fullmatch(path):
        return Reference(normalize("NFC", unquote(match[2])), owner=match[1], label=label)
    if match := _NUMBERED.fullmatch(path):
        return Reference("", owner=match[1], number=match[2], label=label)
    return None


def find_references(markdown: str, page_id: str) -> dict[str, Reference]:
    """Return what a page may refer to, by key; code between fences is left out."""
    found: dict[str, Reference] = {}
    # Most pages refer to none, and all pages are looked at in each build.
    text = _drop_fences(markdown) if _may_refer(markdown) else ""
    for address, label in _find_addresses(text):
        reference = read_address(address, page_id, label)
        if reference and (reference.label or reference.key not in found):
            found[reference.key] = reference
    return found


def _may_refer(text: str) -> bool:
    lower = text.lower()
    if any(sign in lower for sign in _SIGNS):
        return True
    targets = (part.lstrip(" \t\n<") for part in lower.split("](")[1:])
    return any(not target.startswith(_ELSEWHERE) for target in targets)


def _find_addresses(text: str) -> Iterator[tuple[str, str]]:
    for match in _TARGET.finditer(text):
        target = _TITLE.sub("", match["target"]).strip()
        yield _unescape(target), _unescape(_find_label(text, match.start()))
    for pattern in (_DEFINITION, _BARE):
        for match in pattern.finditer(text):
            yield _unescape(match[match.re.groups]), ""
    for tag in _TAG.finditer(text):
        for match in _ADDRESS.finditer(tag[0]):
            yield match["value"].strip("\"'"), ""


def _find_label(text: str, end: int) -> str:
    """Return what stands before an address in brackets, if it is text and nothing else."""
    label = text[max(0, end - _LONGEST_LABEL) : end].rpartition("[")[2]
    return "" if "]" in label or "\n" in label else label


def _unescape(text: str) -> str:
    if text.startswith("<") and text.endswith(">"):
        text = text[1:-1]
    return _ESCAPE.sub(r"\1", text)


def _drop_fences(markdown: str) -> str:
    """Leave out code between fences; where it is in doubt what is code, all of it is kept."""
    kept: list[str] = []
    opened_at, fence = 0, None
    in_html = False
    for line in _LINE_END.split(markdown):
        if fence is None:
            fence = _open_fence(line, previous=kept[-1] if kept else "")
            opened_at = len(kept)
            in_html = bool(line.strip()) and (in_html or _HTML_LINE.match(line) is not None)
            if fence and in_html:
                return markdown
        else:
            closed = fence.is_closed_by(line)
            if closed is None:
                return markdown
            if closed:
                del kept[opened_at:]
                fence = None
                continue
        kept.append(line)
    return "\n".join(kept)


@dataclass(frozen=True)
class _Fence:
    container: str
    """What each line of the code begins with: that of a list item, or of a quotation."""
    mark: str
    is_doubtful: bool
    """Whether it may be the text of a paragraph, which has no blank lines."""

    def is_closed_by(self, line: str) -> bool | None:
        """Tell whether the code ends here; None where only a whole parser could tell."""
        is_blank = not line.strip()
        outside = not line.startswith(self.container) and (not is_blank or ">" in self.container)
        if outside or (is_blank and self.is_doubtful):
            return None
        match = _FENCE.match(line)
        if match is None or not match["mark"].startswith(self.mark) or match["info"].strip():
            return False
        blanks = match["before"].removeprefix(self.container)
        return True if len(blanks) <= _INDENTATION and not blanks.strip() else None


def _open_fence(line: str, previous: str) -> _Fence | None:
    match = _FENCE.match(line)
    if match is None:
        return None
    before = match["before"]
    blanks = len(before) - len(before.rstrip(" "))
    is_doubtful = bool(previous.strip()) and (blanks > _INDENTATION or bool(before.strip(" >")))
    return _Fence(re.sub("[^ >]", " ", before), match["mark"], is_doubtful)


def change_tags(text: str, change: Callable[[str, str], str | None]) -> str:
    """Change HTML tags that have an address.

    Args:
        text: HTML that a page brings.
        change: Gets the tag's name and the address as it is written, and returns the new address;
            or a whole replacement, which begins with `<`; None changes nothing.
    """

    def change_tag(tag: re.Match[str]) -> str:
        for match in _ADDRESS.finditer(tag[0]):
            new = change(tag["name"].lower(), match["value"].strip("\"'"))
            if new is not None:
                quoted = f'{match["before"]}"{html.escape(new)}"'
                start, end = match.span()
                return new if new.startswith("<") else tag[0][:start] + quoted + tag[0][end:]
        return tag[0]

    return _TAG.sub(change_tag, text)


def find_file(reference: Reference, paths: Sequence[str], folder: str, page_id: str) -> str | None:
    """Find the file that is meant.

    Args:
        reference: As the page has it.
        paths: Of the files in the page's export.
        folder: Of the page in its export: a relative path begins there.
        page_id: Of the page. What is attached to another page is told by that page's ID in its
            path, or a file that only has the same name would be shown.
    """
    if reference.owner not in ("", page_id):
        paths = [path for path in paths if reference.owner in path.split("/")]
    if reference.number:
        numbered = [path for path in paths if _has_number(path, reference.number)]
        return numbered[0] if len(numbered) == 1 else _find_path(reference.label, paths)
    start = reference.owner or folder
    return _find_path(posixpath.normpath(posixpath.join(start, reference.path)), paths)


def find_enclosed(
    reference: Reference, paths: Sequence[str], page_path: str, page_id: str
) -> str | None:
    """Find the file that is meant in an export of many pages.

    Args:
        reference: As the page has it.
        paths: Of the files of all pages.
        page_path: Of the page in the export.
        page_id: Of the page; empty where it is not known.
    """
    folder = posixpath.dirname(page_path)
    if reference.owner:
        marked = [path for path in paths if reference.owner in path.split("/")]
        if marked:
            return find_file(reference, marked, folder, reference.owner)
        if page_id not in ("", reference.owner):
            return None
    else:
        known = {unquote(path): path for path in reversed(paths)}
        for wanted in _list_places(reference.path, page_path):
            if unquote(wanted) in known:
                return known[unquote(wanted)]
    return _find_nearest(reference, paths, page_path)


def _list_places(path: str, page_path: str) -> Iterator[str]:
    """Yield where a relative path may lead, the likeliest first.

    Some exporters have one folder for the files of all pages, and write the same path in each.
    """
    yield posixpath.normpath(posixpath.join(posixpath.dirname(page_path), path))
    inner = re.sub(r"^(?:\.\.?/)+", "", path)
    folders = _PAGE.sub("", page_path).split("/")
    # A name without a folder may be that of a file of any page.
    for depth in range(len(folders), -1, -1) if "/" in path else ():
        yield "/".join([*folders[:depth], inner])


def _find_nearest(reference: Reference, paths: Sequence[str], page_path: str) -> str | None:
    """Find a file by its number or name: of several the one that is nearest to the page."""
    numbered = [path for path in paths if reference.number and _has_number(path, reference.number)]
    name = reference.path or reference.label
    candidates = numbered or _find_by_name(name, paths) or _find_by_letters(name, paths)
    # A page may have a folder of its own beside it.
    own = page_path.removesuffix(".md").split("/")
    common = {path: posixpath.commonprefix([path.split("/")[:-1], own]) for path in candidates}
    most = max(map(len, common.values()), default=0)
    nearest = [path for path in candidates if len(common[path]) == most]
    return nearest[0] if len(nearest) == 1 else None


def _has_number(path: str, number: str) -> bool:
    return re.search(rf"(?<![0-9])(?:att)?{number}(?![0-9])", path) is not None


def _find_path(wanted: str, paths: Sequence[str]) -> str | None:
    """Find a path by its name, the stricter the better; then by the folders that agree."""
    if found := _find_by_name(wanted, paths):
        return max(found, key=lambda path: (_count_common(wanted, path), path == wanted))
    found = _find_by_letters(wanted, paths)
    return found[0] if len(found) == 1 else None


def _find_by_name(wanted: str, paths: Sequence[str]) -> list[str]:
    for read in (_as_it_is, unquote, unquote_plus):
        name = read(_name_of(wanted))
        found = [path for path in paths if name and read(_name_of(path)) == name]
        if found:
            return found
    return []


def _find_by_letters(wanted: str, paths: Sequence[str]) -> list[str]:
    letters = _letters_of(_name_of(wanted))
    return [path for path in paths if letters and _letters_of(_name_of(path)) == letters]


def _as_it_is(name: str) -> str:
    return name


def _name_of(path: str) -> str:
    return normalize("NFC", path.rpartition("/")[2])


def _letters_of(name: str) -> str:
    """Reduce a name to what is left when it is made safe, in whatever way."""
    return re.sub(r"[\W_]+", "", normalize("NFC", unquote_plus(name)).casefold())


def _count_common(one: str, other: str) -> int:
    pairs = zip(reversed(one.split("/")), reversed(other.split("/")), strict=False)
    count = 0
    for ours, theirs in pairs:
        if unquote(ours) != unquote(theirs):
            break
        count += 1
    return count
