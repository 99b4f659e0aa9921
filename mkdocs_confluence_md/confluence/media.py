"""Addresses of Confluence's media service, which carry live tokens. Pure.

Whoever has such an address can read the file until its token expires. So no token goes further
than the place where a text is received.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from urllib.parse import SplitResult

REDACTED = "…"
"""What stands in the place of a token."""

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
