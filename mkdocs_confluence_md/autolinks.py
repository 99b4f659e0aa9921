"""Bare addresses become links, as GitHub's reader (cmark-gfm) does it. A plugin for markdown-it.

`https://acme.example/a`, `www.acme.example` and `jane@acme.example` are links; `README.md` and
`acme.example` are words.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline

_SCHEME = re.compile(r"(?<![a-z])(?:https?|ftp)\Z", re.IGNORECASE)
_DOMAIN = re.compile(r"(?:[^\W_]|[-_.])+")
_TO_SPACE = re.compile(r"[^\s<]*")
_TRAILING_ENTITY = re.compile(r"&[a-z]+;\Z", re.IGNORECASE)
_LOCAL_PART = re.compile(r"(?:mailto:)?[a-z0-9.+_-]+\Z", re.IGNORECASE)
_MAIL_DOMAIN = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)+", re.IGNORECASE)
_PUNCTUATION = "?!.,:;*_~'\""


def autolinks_plugin(parser: MarkdownIt) -> None:
    """Add the rules; each is tried where its own character stands."""
    # Text is read up to the next character that may begin something.
    parser.inline.add_terminator_char("w")
    parser.inline.ruler.push("bare_www", _link_www)
    parser.inline.ruler.push("bare_url", _link_url)
    parser.inline.ruler.push("bare_mail", _link_mail)


def _link_www(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  markdown-it's signature
    start = state.pos
    if not state.src.startswith("www.", start) or silent or state.linkLevel:
        return False
    if start and not (state.src[start - 1].isspace() or state.src[start - 1] in "*_~("):
        return False
    end = _find_end(state, start, start)
    return _link(state, start, end, "http://") if end else False


def _link_url(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  the same
    if not state.src.startswith("://", state.pos) or silent or state.linkLevel:
        return False
    scheme = _SCHEME.search(state.pending)
    end = _find_end(state, state.pos - len(scheme[0]), state.pos + 3) if scheme else 0
    return _link(state, state.pos - len(scheme[0]), end, "") if scheme and end else False


def _link_mail(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  the same
    if state.src[state.pos] != "@" or silent or state.linkLevel:
        return False
    local = _LOCAL_PART.search(state.pending)
    domain = _MAIL_DOMAIN.match(state.src, state.pos + 1, state.posMax)
    # An address does not end in a hyphen, and `jane@acme.example@` is none.
    if not (local and domain and domain[0][-1].isalnum()):
        return False
    if state.src.startswith(("@", "/"), domain.end()):
        return False
    prefix = "" if local[0].lower().startswith("mailto:") else "mailto:"
    return _link(state, state.pos - len(local[0]), domain.end(), prefix)


def _find_end(state: StateInline, start: int, domain_start: int) -> int:
    """Return where an address ends, or 0 where there is none."""
    domain = _DOMAIN.match(state.src, domain_start, state.posMax)
    if domain is None or "_" in "".join(domain[0].split(".")[-2:]):
        return 0
    address = _TO_SPACE.match(state.src, start, state.posMax)
    return start + len(_trim(address[0])) if address else 0


def _trim(address: str) -> str:
    """Leave out what belongs to the sentence around an address."""
    while address:
        entity = _TRAILING_ENTITY.search(address)
        unopened = address[-1] == ")" and address.count(")") > address.count("(")
        if entity:
            address = address[: entity.start()]
        elif unopened or address[-1] in _PUNCTUATION:
            address = address[:-1]
        else:
            break
    return address


def _link(state: StateInline, start: int, end: int, prefix: str) -> bool:
    """Push the link; what of it was already read as text is taken back."""
    taken_back = state.pos - start
    if taken_back:
        state.pending = state.pending[:-taken_back]
    text = state.src[start:end]
    state.push("link_open", "a", 1).attrs = {"href": state.md.normalizeLink(prefix + text)}
    state.push("text", "", 0).content = text
    state.push("link_close", "a", -1)
    state.pos = end
    return True
