"""Assign paths to pages and attachments, from `page_path`, titles and sections. Pure.

First come, first served, local files before all. Attachments are in a folder of the page's own
name, next to it. Names are safe on any system and in any URL, whatever was typed in Confluence.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from string import Formatter
from typing import TYPE_CHECKING
from unicodedata import category, normalize

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from mkdocs_confluence_md.confluence.refs import PageRef, SpaceRef, TreeRef


FIELDS = frozenset({"section", "title", "id"})
"""What may stand in braces in the option `page_path`."""

# File systems allow 255 bytes a name; a character has up to 4 in UTF-8, and an ID may follow.
LONGEST_SLUG = 55


def check_page_path(page_path: str) -> str | None:
    """Say what is wrong with a value of the option `page_path`; None if nothing is."""
    try:
        parts = list(Formatter().parse(page_path))
    except ValueError as error:
        return f"cannot be read: {error}."
    names = {name for _, name, _, _ in parts if name is not None}
    plain = all(not spec and not conversion for _, _, spec, conversion in parts)
    if not names <= FIELDS or not plain:
        return "may contain the fields {section}, {title} and {id}, and no others."
    if not names & {"title", "id"}:
        return "must contain {title} or {id}, so that pages can be told apart."
    literal = "".join(text for text, *_ in parts)
    misplaced = re.search(r"\\|:|\.\.", literal) or page_path.startswith("/")
    if misplaced or not page_path.isprintable():
        return "must be a path below docs_dir, with / between folders."
    return None


@lru_cache(maxsize=10_000)  # paths are assigned twice a build: other plugins may change `nav`
def make_slug(text: str) -> str:
    """Turn a title into a path segment that people can read; may be empty (only emoji, say)."""
    from slugify import slugify  # noqa: PLC0415  slow, and only pages from Confluence need it

    return slugify(text, allow_unicode=True, max_length=LONGEST_SLUG, word_boundary=True)


def join_sections(*sections: str) -> str:
    """Join paths of sections, of which any may be empty."""
    return "/".join(filter(None, sections))


def make_path(page_path: str, *, section: str, title: str, page_id: str, otherwise: str) -> str:
    """Return the path that a page wants, without `.md`.

    Args:
        page_path: The option, which `check_page_path` finds nothing wrong with.
        section: The path of its section.
        title: The page's.
        page_id: Empty where it is not known.
        otherwise: A path segment for a page that has neither a title nor an ID to make one of.
    """
    # No ID is that long; a file's name may not be.
    short_id = page_id[:LONGEST_SLUG]
    slug = make_slug(title) or short_id or otherwise
    path = page_path.removesuffix(".md").format(section=section, title=slug, id=short_id or slug)
    return "/".join(segment for segment in path.split("/") if segment not in ("", "."))


@dataclass(frozen=True)
class PlacedPage:
    """A Confluence page with its place in the site."""

    ref: PageRef
    """Its ID is empty if it is not known: the export of a tree has none."""
    title: str
    """As in `nav`; empty where `nav` gives none."""
    src_uri: str
    """The path that MkDocs sees, relative to `docs_dir`, with `/` and `.md`."""
    tree: TreeRef | SpaceRef | None = None
    """The entry of `nav` that brings it with all the others of its tree; None for one page."""
    path: str = ""
    """Of the page in the export of its tree; empty for a page that is exported by itself."""
    own_title: str = ""
    """As in Confluence, so not a safe one; empty where it shows only when the page is read."""

    @property
    def known_title(self) -> str:
        """What a person would call it; empty where that is not known."""
        return self.title or self.own_title


@dataclass(frozen=True)
class LocalFileConflict:
    """A local file already has the path that a page would get; the page moved aside."""

    page: PlacedPage
    wanted: str
    """The `src_uri` that the page would have had."""


def name_page(path: str) -> str:
    """Return what a page is called in the option `pages`."""
    return path.strip().strip("/").removesuffix(".md").removesuffix("/index")


class Slots:
    """The destinations in the site.

    Args:
        local_uris: The destinations (`dest_uri`) of the files that the site already has.
        use_directory_urls: MkDocs' option.
    """

    def __init__(self, local_uris: Iterable[str], *, use_directory_urls: bool) -> None:
        self._local = {_reduce(uri) for uri in local_uris}
        self._taken: set[str] = set()
        self._use_directory_urls = use_directory_urls

    def allocate(self, wanted: str, mark: str, *, index: bool = False) -> str:
        """Take a place, and return its path (without `.md`).

        Args:
            wanted: The path that is best.
            mark: Put behind it as often as it takes to find a free one.
            index: The page is the index page of a folder of this path.
        """
        path, ending = wanted, "/index" if index else ""
        while self._slot_of(path + ending) in self._taken | self._local:
            path = f"{path}-{mark}"
        self._taken.add(self._slot_of(path + ending))
        return path + ending

    def take(self, paths: Iterable[str]) -> None:
        """Take places (paths without `.md`), also those of local files."""
        self._taken.update(map(self._slot_of, paths))

    def is_local(self, path: str) -> bool:
        """Return True if a local file has a place."""
        return self._slot_of(path) in self._local

    def _slot_of(self, path: str) -> str:
        """Return the slot of a page with a path (without `.md`), by MkDocs' rules.

        So `a.md` and `a/index.md` are the same, and `a/readme.md` is not: only `README` is.
        """
        if path.rpartition("/")[2] == "index" or not self._use_directory_urls:
            return _reduce(f"{path}.html")
        return _reduce(f"{path}/index.html")


def _reduce(dest_uri: str) -> str:
    """Reduce a destination to what must be unique: some file systems ignore case and form."""
    return unicodedata.normalize("NFC", dest_uri).casefold()


_LONGEST_BYTES = 150
_LONGEST_SUFFIX_BYTES = 20
# What Windows, a shell or a URL reads as something else.
_UNSAFE = re.compile(r'[\\/:*?"<>|#%\s]+')
# Controls, formats (which turn the direction of text), halves of characters, and what is unknown.
_INVISIBLE = ("Cc", "Cf", "Cs", "Cn", "Co")
_WINDOWS_DEVICE = re.compile(r"(?:con|prn|aux|nul|(?:com|lpt)[0-9¹²³])(?=\.|$)", re.IGNORECASE)
# MkDocs would make a page of it, and run what plugins run in pages.
_MARKDOWN = re.compile(r"\.(?:markdown|mdown|mkdn|mkd|md)$", re.IGNORECASE)
# Web servers run these, or obey them.
_EXECUTED = re.compile(
    r"\.(?:php[0-9]*|phtml|phps|phar|f?cgi|pl|aspx?|ashx|asmx|cer|jspx?|cfm|shtml?|stm|"
    r"ht(?:access|passwd|group|digest))(?=\.|$)|"
    r"^\.?(?:web\.config|user\.ini|htaccess|htpasswd|_headers|_redirects)$",
    re.IGNORECASE,
)
_OPENED_AS_PAGES = re.compile(r"\.(?:html?|xhtml?|svgz?|xml|xslt?|mhtml?)$", re.IGNORECASE)


def can_run_scripts(name: str) -> bool:
    """Return True if browsers open such a file as a page of the site that may run scripts."""
    return _OPENED_AS_PAGES.search(make_safe_name(name)) is not None


def make_safe_name(name: str) -> str:
    """Turn a name into one that any file system takes, as like it as may be.

    It has at most 150 bytes, and keeps its extension.
    """
    visible = "".join(char for char in normalize("NFC", name) if category(char) not in _INVISIBLE)
    plain = normalize("NFC", _UNSAFE.sub("-", visible.strip())).strip(". -")
    if _MARKDOWN.search(plain) or _EXECUTED.search(plain) or _EXECUTED.search(visible.strip()):
        plain += ".txt"
    if not plain or _WINDOWS_DEVICE.match(plain):
        plain = f"file-{plain}" if plain else "file"
    return _shorten(plain, name)


def add_mark(name: str, source: str) -> str:
    """Tell a name from an equal one, by a mark that is the same from build to build."""
    stem, suffix = _split(name)
    return f"{stem}-{_make_mark(source)}{suffix}"


def fold(path: str) -> str:
    """Reduce a path to what must be unique: some file systems ignore case and form."""
    return normalize("NFC", normalize("NFC", path).casefold())


def _shorten(name: str, source: str) -> str:
    if len(name.encode()) <= _LONGEST_BYTES:
        return name
    stem, suffix = _split(name)
    mark = f"-{_make_mark(source)}{suffix}"
    room = _LONGEST_BYTES - len(mark.encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip(". ") + mark


def _split(name: str) -> tuple[str, str]:
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(suffix.encode()) > _LONGEST_SUFFIX_BYTES:
        return name, ""
    return stem, dot + suffix


def _make_mark(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]


@dataclass
class Shelves:
    """Which places in the site are taken; first come, first served, local files before all."""

    _files: set[str] = field(default_factory=set)
    _folders: set[str] = field(default_factory=set)

    def take(self, uris: Iterable[str]) -> None:
        """Take places, by destination."""
        for uri in uris:
            slot = fold(uri)
            self._files.add(slot)
            self._folders.update(_folders_of(slot))

    def is_free(self, uri: str) -> bool:
        """Return True if a path is free: there is no file or folder of it, and no file above it."""
        slot = fold(uri)
        return slot not in self._files | self._folders and self._files.isdisjoint(_folders_of(slot))


def place_files(page_uri: str, names: Mapping[str, str], shelves: Shelves) -> dict[str, str]:
    """Give each file of a page a place, and take it.

    Args:
        page_uri: The page's `src_uri`: the files of `a/deploy.md`, and of `a/deploy/index.md`,
            are in `a/deploy/`.
        names: Each file's name, whatever it is, by what tells the file from others (its digest).
        shelves: What is taken.

    Returns:
        The `src_uri` of each file.
    """
    placed = {}
    # In the order of names, so that it does not matter in which order a page refers to them.
    for identity, name in sorted(names.items(), key=lambda item: (item[1], item[0])):
        folder = page_uri.removesuffix(".md").removesuffix("/index")
        safe_name = make_safe_name(name)
        while not shelves.is_free(f"{folder}/-"):
            folder = f"{folder}-files"
        while not shelves.is_free(f"{folder}/{safe_name}"):
            safe_name = add_mark(safe_name, identity)
        placed[identity] = f"{folder}/{safe_name}"
        shelves.take([placed[identity]])
    return placed


def _folders_of(slot: str) -> Iterable[str]:
    while slot := posixpath.dirname(slot):
        yield slot


_MOST_MOVES = 10
# To Windows, these lead elsewhere.
_DRIVE = re.compile(r"[:\\]")


def move_pages(before: Mapping[str, list[str]], now: Mapping[str, str]) -> dict[str, list[str]]:
    """Return where pages are and were, the last place last, by ID.

    Args:
        before: The same, of an earlier build.
        now: Where they are.
    """
    moved = dict(before)
    for page_id, dest_uri in now.items():
        others = [path for path in before.get(page_id, []) if path != dest_uri]
        moved[page_id] = [*others[-_MOST_MOVES:], dest_uri]
    return moved


SHORT_ADDRESSES = "c"
"""The folder of the site where `/c/ID/` leads to each page."""


def list_redirects(
    moved: Mapping[str, list[str]], now: Mapping[str, str], taken: Container[str]
) -> dict[str, str]:
    """Return the redirects of a site: the destination of each, and of the page that it leads to.

    Args:
        moved: As `move_pages` returns it.
        now: Where pages are, by ID.
        taken: The destinations of all files of the site.
    """
    found: dict[str, str] = {}
    for page_id, dest_uri in now.items():
        wanted = [f"{SHORT_ADDRESSES}/{page_id}/index.html", *moved.get(page_id, [])]
        found |= {path: dest_uri for path in wanted if path not in taken and _is_safe(path)}
    return found


def _is_safe(dest_uri: str) -> bool:
    parts = {*dest_uri.split("/")}
    return (
        dest_uri.endswith(".html")
        and parts.isdisjoint({"", ".", ".."})
        and not _DRIVE.search(dest_uri)
    )
