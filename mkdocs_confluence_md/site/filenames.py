"""Names of files that are safe on any system and in any URL. Pure.

A name of an attachment is what somebody typed in Confluence, or what an archive says.
"""

from __future__ import annotations

import hashlib
import re
from unicodedata import category, normalize

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
