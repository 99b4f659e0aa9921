"""Find the attachments that a page's Markdown refers to, by all forms of their addresses. Pure."""

from __future__ import annotations

import html
import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from unicodedata import normalize
from urllib.parse import unquote, unquote_plus, urlsplit

from mkdocs_confluence_md.confluence.content import find_name, find_number, is_media_host
from mkdocs_confluence_md.confluence.refs import without_gateway

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from urllib.parse import SplitResult


_OWNED = re.compile(r"(?:/wiki)?/download/(?:attachments|thumbnails)/([0-9]+)/([^/]+)")
_NUMBERED = re.compile(r"(?:/wiki)?/rest/api/content/([0-9]+)/child/attachment/(?:att)?([0-9]+)/download/?")  # fmt: skip  # noqa: E501  one form
_ALONE = re.compile(r"(?:/wiki)?/rest/api/content/att([0-9]+)/download/?")
_ID = re.compile(r"(?:att)?([0-9]+)|([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.IGNORECASE)
_SCHEMES = ("attachment", "media")
_FOLDERS = ("attachments", "assets", "images", "media", "files")
# In addresses, browsers and CommonMark leave `&copy=1` alone.
_ENTITY = re.compile(r"&(?:#[0-9]+|#[xX][0-9a-fA-F]+|[0-9A-Za-z]+);")
_FILE = re.compile(r"[^/]\.[A-Za-z0-9]{1,10}$")
_IN_FOLDER = re.compile(rf"(?:^|/)(?:{'|'.join(_FOLDERS)})/(?!$)", re.IGNORECASE)
_AT_ROOT = re.compile(rf"/(?:{'|'.join(_FOLDERS)})/", re.IGNORECASE)
_PAGE = re.compile(r"\.md$", re.IGNORECASE)

# More than a page refers to, never less: what it refers to in truth shows when it is rendered.
# Each is quick whatever the text is: it begins with something rare, and stops at the next of that.
_TARGET = re.compile(r"\]\(\s*(?P<target><[^<>\n]*>|(?:[^()\n]|\n(?!\s*\n)|\([^()\n]*\))*)\)")
_TITLE = re.compile(r"""(?<!\s)\s+(?:"[^"]*"|'[^']*'|\([^()]*\))\s*$""")
_SIZE = re.compile(r"(?<!\s)\s+=[0-9]*%?x?[0-9]*$")
_DEFINITION = re.compile(
    r"^[ \t>]*\[[^\]\n]+\]:[ \t]*+(?:\n[ \t>]*+)?(<[^<>\n]*>|\S+)", re.MULTILINE
)
_BARE = re.compile(r"https?://[^\s<>\"')\]]+")
_SIGNS = ("/download", "/child/attachment/", ".atlassian.com", ".atl-paas.net", "]:", "src", "href",
          *(f"/{folder}/" for folder in _FOLDERS))  # fmt: skip
_ELSEWHERE = ("http://", "https://", "mailto:", "confluence:", "/", "#")
_LONGEST_LABEL = 300
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_LINE_END = re.compile(r"\r\n?|\n")
_FENCE_BEGINNING = r"(?P<before>[ >]*(?:(?:[-+*]|[0-9]+[.)]) +)?)(?P<mark>`{3,}(?![^`]*`)|~{3,})"
_FENCE = re.compile(rf"{_FENCE_BEGINNING}(?P<info>.*)")
# What an exporter writes as a panel, which has pictures in it.
_PANEL_FENCE = re.compile(rf"{_FENCE_BEGINNING}[ \t]*(?:panel|expand)\b")
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
    """Decoded; as much as the address says. Empty where it only has a number.

    It begins with `/` where it begins in the root folder of an export."""
    owner: str = ""
    """The ID of the page that it is attached to; empty for a relative path."""
    number: str = ""
    """The attachment's ID, where the address has no name."""
    label: str = ""
    """The text of the link, which may be the file's name."""
    is_internal: bool = False
    """Whether no reader could use the address: it is that of a file in an export, or a secret."""

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
    scheme = url.scheme.lower()
    if scheme in _SCHEMES:
        return _read_named(url.netloc + url.path, label)
    if scheme in ("http", "https") or (not scheme and url.path.startswith("/")):
        return _read_url(url, page_id, label)
    path = normalize("NFC", unquote(url.path))
    if scheme or url.netloc or not _is_file(path):
        return None
    return Reference(posixpath.normpath(path), label=label)


def _is_file(path: str) -> bool:
    is_in_folder = _IN_FOLDER.search(path) and not path.endswith("/")
    return not _PAGE.search(path) and bool(_FILE.search(path) or is_in_folder)


def _read_entity(match: re.Match[str]) -> str:
    return html.unescape(match[0])


def _read_named(text: str, label: str) -> Reference | None:
    """Read `NAME`, `ID`, `ID:NAME` or `ID/NAME`, as exporters write it behind their scheme."""
    text = normalize("NFC", unquote(text)).strip("/ ")
    first, _, rest = text.partition(":" if ":" in text else "/")
    match = _ID.fullmatch(first)
    path = rest.strip("/ ") if match else text
    number = (match[1] or match[2]) if match else ""
    name = posixpath.normpath(path) if path else ""
    return Reference(name, "", number, label, is_internal=True) if name or number else None


def _read_url(url: SplitResult, page_id: str, label: str) -> Reference | None:
    host = (url.hostname or "").lower()
    if is_media_host(host):
        name = normalize("NFC", find_name(url)).rpartition("/")[2]
        number = find_number(url)
        # Also where nothing says which file it is: the address is a secret.
        name = name or ("" if number else label.rpartition("/")[2].strip() or "file")
        return Reference(name, "", number, label, is_internal=True)
    path = without_gateway(url)
    reference = _read_url_path(path, label)
    if reference is None and not url.netloc:
        decoded = posixpath.normpath(normalize("NFC", unquote(path)))
        is_at_root = _AT_ROOT.match(decoded) and not _PAGE.search(decoded)
        return Reference(decoded, label=label) if is_at_root else None
    is_known = reference and reference.owner and reference.owner == page_id
    is_confluence = not url.netloc or host.endswith(".atlassian.net") or path != url.path
    return reference if is_known or is_confluence else None


def _read_url_path(path: str, label: str) -> Reference | None:
    if match := _OWNED.fullmatch(path):
        return Reference(normalize("NFC", unquote(match[2])), owner=match[1], label=label)
    if match := _NUMBERED.fullmatch(path):
        return Reference("", owner=match[1], number=match[2], label=label)
    if match := _ALONE.fullmatch(path):
        return Reference("", number=match[1], label=label)
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
        target = _TITLE.sub("", _SIZE.sub("", match["target"].rstrip())).strip()
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
            if fence and (in_html or _PANEL_FENCE.match(line)):
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
        """Return True if the code ends here; None where only a full parser could decide."""
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
    if reference.path.startswith("/"):
        return _find_at_root(reference.path, paths)
    start = reference.owner or folder
    wanted = posixpath.normpath(posixpath.join(start, reference.path)) if reference.path else ""
    if wanted and (found := _find_path(wanted, paths)):
        return found
    numbered = _find_by_number(reference, paths)
    if len(numbered) == 1:
        return numbered[0]
    label = _read_label(reference)
    return _find_path(label, paths) if label else None


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
    if reference.path.startswith("/"):
        return _find_at_root(reference.path, paths)
    if reference.owner:
        marked = [path for path in paths if reference.owner in path.split("/")]
        if marked:
            return find_file(reference, marked, folder, reference.owner)
        if page_id not in ("", reference.owner):
            return None
    elif reference.path:
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
    """Find a file by its name or number: of several the one that is nearest to the page."""
    candidates = (
        _find_named(reference.path, paths)
        or _find_by_number(reference, paths)
        or _find_named(_read_label(reference), paths)
    )
    # A page may have a folder of its own next to it.
    own = page_path.removesuffix(".md").split("/")
    common = {path: posixpath.commonprefix([path.split("/")[:-1], own]) for path in candidates}
    most = max(map(len, common.values()), default=0)
    nearest = [path for path in candidates if len(common[path]) == most]
    return nearest[0] if len(nearest) == 1 else None


def _find_at_root(path: str, paths: Sequence[str]) -> str | None:
    """Find a file by its path from the root folder, which may have another one around it."""
    ends = normalize("NFC", unquote(path))
    rooted = {each: f"/{normalize('NFC', unquote(each))}" for each in paths}
    exact = [each for each in paths if rooted[each] == ends]
    found = exact or [each for each in paths if rooted[each].endswith(ends)]
    return found[0] if len(found) == 1 else None


def _read_label(reference: Reference) -> str:
    """Return the text of a link, where that may be the only name of the file."""
    return reference.label if reference.number or reference.is_internal else ""


def _find_named(name: str, paths: Sequence[str]) -> list[str]:
    return _find_by_name(name, paths) or _find_by_letters(name, paths)


def _find_by_number(reference: Reference, paths: Sequence[str]) -> list[str]:
    if not reference.number:
        return []
    # The IDs of attachments are digits, those of the media service have letters, too.
    character = "0-9" if reference.number.isdecimal() else "0-9A-Za-z"
    number = re.escape(reference.number)
    pattern = re.compile(rf"(?<![{character}])(?:att)?{number}(?![{character}])", re.IGNORECASE)
    return [path for path in paths if pattern.search(path)]


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
