"""Hide secrets in texts, in whatever form these repeat them.

A service may repeat the token that it complains of: as it is, quoted, cut, with blanks in it,
percent-encoded, in base64. What can be replaced is replaced; of a text that still shows a part of a
secret in another form, nothing is shown.

A server may also have put a secret into the name of a page or an attachment. So all secrets that
this process has used are remembered, and hidden in every message.
"""

from __future__ import annotations

import base64
import html
import logging
import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

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
            for part in (value, *_encode_base64(value))
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
    # One after the other, too: a secret may look like an escape itself.
    forms = {squeezed}
    for _ in range(_MOST_DECODINGS):
        decoded = {decode(form) for form in forms for decode in (html.unescape, unquote)} - forms
        if not decoded:
            return
        yield from decoded
        forms = decoded


def _encode_base64(value: str) -> list[str]:
    """Return what base64 makes of a value, at any offset in what is encoded.

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


HIDDEN = "…"
_WINDOW = 12
"""Characters of a secret that are as bad as all of it."""

_BETWEEN = re.compile(r"[\s\"'`\\,;|<>()\[\]{}\x00-\x1f\u200b-\u200f\u2060\ufeff]+|\.{3}|…")


_used: dict[str, None] = {}
"""The secrets that this process has used: a process has few, and they are never taken back."""


def remember_secrets(*secrets: str) -> None:
    """Have `hide_used_secrets` hide these from now on; those that are too short are left out."""
    _used.update(dict.fromkeys(secret for secret in secrets if len(secret) >= _WINDOW))


def hide_used_secrets(text: str) -> str:
    """Return a message without any secret that this process has used."""
    return hide_secrets(text, _used)


class SecretFilter(logging.Filter):
    """Hides the secrets that this process has used in what is logged."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace a message that shows one."""
        message = record.getMessage()
        if (hidden := hide_used_secrets(message)) != message:
            record.msg, record.args = hidden, ()
        return True


def hide_secrets(text: str, secrets: Iterable[str]) -> str:
    """Return a text without secrets; nothing but `…` where it shows one in an unusual form.

    Args:
        text: From a server.
        secrets: That the server was sent.
    """
    known = [secret for secret in secrets if secret]
    for secret in known:
        text = text.replace(secret, HIDDEN).replace(quote(secret, safe=""), HIDDEN)
    windows = _list_windows(tuple(known))
    return HIDDEN if any(_shows(form, windows) for form in _list_forms(text)) else text


def _list_forms(text: str) -> list[str]:
    """Return a text in the forms in which a secret would show in it."""
    plain = html.unescape(unquote(unquote(text)))
    squeezed = _BETWEEN.sub("", plain)
    return [text, plain, squeezed, _BETWEEN.sub("", text), squeezed[::-1]]


def _shows(text: str, windows: frozenset[str]) -> bool:
    return any(text[start : start + _WINDOW] in windows for start in range(len(text) - _WINDOW + 1))


@lru_cache(maxsize=4)
def _list_windows(secrets: tuple[str, ...]) -> frozenset[str]:
    """Return all parts of secrets that are as bad as the whole, in all forms."""
    long = (secret for secret in secrets if len(secret) >= _WINDOW)
    forms = [form for secret in long for form in (secret, *_encode(secret))]
    return frozenset(
        form[start : start + _WINDOW] for form in forms for start in range(len(form) - _WINDOW + 1)
    )


def _encode(secret: str) -> list[str]:
    """Return what base64 and hexadecimal digits make of a secret, wherever it begins."""
    standard = _encode_base64(secret)
    safe = [digits.replace("+", "-").replace("/", "_") for digits in standard]
    return [*standard, *safe, secret.encode("utf-8", "surrogateescape").hex()]
