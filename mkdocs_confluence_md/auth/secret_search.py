"""Secrets that are searched for in texts, also in forms that hide them. Pure.

A text that holds a secret percent-encoded, in base64, in HTML's entities or broken into lines would
still tell it to everybody who reads the text.
"""

from __future__ import annotations

import base64
import html
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LEAST_CHARACTERS = 8
"""A shorter value is not searched for: it may be part of any text."""

_URL_SAFE = str.maketrans("-_", "+/")
_MOST_DECODINGS = 3


class SecretSearch:
    """Searches texts for secrets.

    Args:
        secrets: Where each is from, like the name of a variable, and its value.
    """

    def __init__(self, secrets: Iterable[tuple[str, str]] = ()) -> None:
        parts = [
            (len(part), part, name)
            for name, value in secrets
            if len(value) >= LEAST_CHARACTERS
            for part in (value, *_encode(value))
        ]
        self._parts = sorted(parts)

    def find(self, text: str) -> str | None:
        """Return where a secret in a text is from; None if the text has none in it."""
        # No decoding makes a text longer, and most texts are shorter than all secrets.
        if not self._parts or len(text) < self._parts[0][0]:
            return None
        return next(filter(None, map(self._find, _decode(text))), None)

    def _find(self, text: str) -> str | None:
        encoded = text.translate(_URL_SAFE)
        for length, part, name in self._parts:
            if length > len(text):
                break
            if part in text or part in encoded:
                return name
        return None


def _decode(text: str) -> Iterator[str]:
    """Yield a text, and what it says without its line breaks and its escapes."""
    yield text
    squeezed = "".join(text.split())
    if squeezed != text:
        yield squeezed
    for _ in range(_MOST_DECODINGS):
        decoded = html.unescape(unquote(squeezed))
        if decoded == squeezed:
            return
        yield decoded
        squeezed = decoded


def _encode(value: str) -> list[str]:
    """Return what base64 makes of a value, wherever it stands in what is encoded.

    The characters at its ends are left out: they depend on what stands around it.
    """
    content = value.encode("utf-8", "surrogateescape")
    parts = []
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + content).decode()
        first = -(-before * 8 // 6)
        last = (before + len(content)) * 8 // 6
        parts.append(encoded[first:last])
    return parts
