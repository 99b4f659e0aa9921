"""The pages that an earlier build has parsed. Pure, but for reading this package's own files.

Parsing is most of what a page from Confluence costs more than a local file. As long as a page's
text and the parser stay the same, so does what is read of it, and each build leaves it to the next.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import TYPE_CHECKING, Any, TypeAlias

import msgpack
from markdown_it.token import Token

from mkdocs_confluence_md.markdown.formulas import DRAWS_FORMULAS
from mkdocs_confluence_md.markdown.repairs.kinds import pack_notes, unpack_notes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mkdocs_confluence_md.markdown.repairs.kinds import Env

_PARSERS = ("markdown-it-py", "mdit-py-plugins", "mdurl", "markdown", "emoji")
_MOST_BYTES = 64 * 2**20
"""What all pages of a site may take."""

_Row: TypeAlias = "list[Any]"


class ParsedPages:
    """What is known of pages, by their texts.

    Args:
        data: What an earlier build left; anything else is taken for nothing.
        repairs: Whether the forms of exporters are repaired.
    """

    def __init__(self, data: bytes | None, *, repairs: bool) -> None:
        self._made_by = f"{_describe_parser()} {repairs}"
        self._known = _load(data, self._made_by) if data else {}
        self._used: dict[str, bytes] = {}
        self._size = 0

    def find(self, text: str, env: Env) -> list[Token] | None:
        """Return the tokens of a page, and note of it in `env` what parsing would.

        None if the page is not known. The file may be anything.
        """
        key = _make_key(text, env)
        packed = self._known.get(key)
        if packed is None:
            return None
        with suppress(Exception):  # whatever somebody has written into the file
            rows, notes = msgpack.unpackb(packed, max_bin_len=0, max_ext_len=0)
            tokens = _read_rows(rows)
            unpack_notes(env, notes)
            self._use(key, packed)
            return tokens
        return None

    def keep(self, text: str, tokens: Sequence[Token], env: Env) -> None:
        """Let the next build know what was read of a page."""
        # Some token may have what cannot be written.
        with suppress(TypeError, ValueError, OverflowError):
            packed = msgpack.packb([_make_rows(tokens), pack_notes(env)])
            self._use(_make_key(text, env), packed)

    def _use(self, key: str, packed: bytes) -> None:
        if self._size + len(packed) <= _MOST_BYTES:
            self._size += len(packed)
            self._used[key] = packed

    def dump(self) -> bytes | None:
        """Return what the next build should know; None if that is what this one knew."""
        if self._used == self._known:
            return None
        data: bytes = msgpack.packb([self._made_by, self._used])
        return data


def _load(data: bytes, made_by: str) -> dict[str, bytes]:
    with suppress(Exception):  # whatever somebody has written into the file
        [made_by_then, pages] = msgpack.unpackb(data)
        if made_by_then == made_by:
            return {key: value for key, value in pages.items() if isinstance(value, bytes)}
    return {}


def _make_key(text: str, env: Env) -> str:
    draws_formulas = bool(env.get(DRAWS_FORMULAS))
    return hashlib.sha256(f"{draws_formulas} {text}".encode("utf-8", "surrogatepass")).hexdigest()


@cache
def _describe_parser() -> str:
    """Return what is another text for any other version of the code that parses."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return " ".join([digest.hexdigest(), python_version(), *map(version, _PARSERS)])


def _make_rows(tokens: Sequence[Token]) -> list[_Row]:
    """Write what `elements.py` looks at."""
    return [
        [
            token.type,
            token.tag,
            token.nesting,
            token.content,
            token.attrs,
            token.markup,
            token.info,
            token.meta,
            token.hidden,
            None if token.children is None else _make_rows(token.children),
        ]
        for token in tokens
    ]


def _read_rows(rows: list[_Row]) -> list[Token]:
    return [
        Token(
            type_,
            tag,
            nesting,
            content=content,
            attrs=attrs,
            markup=markup,
            info=info,
            meta=meta,
            hidden=hidden,
            children=None if children is None else _read_rows(children),
        )
        for type_, tag, nesting, content, attrs, markup, info, meta, hidden, children in rows
        if isinstance(tag, str)  # the rest fails when elements are made of it
    ]
