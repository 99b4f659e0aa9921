"""Texts of servers without the secrets that a request carried, in whatever form. Pure.

A service may repeat the token that it complains of: as it is, quoted, cut, with blanks in it,
percent-encoded, in base64. What can be replaced is replaced; of a text that still shows a part of a
secret in another form, nothing is shown.
"""

from __future__ import annotations

import base64
import html
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from collections.abc import Iterable

HIDDEN = "…"
_WINDOW = 12
"""Characters of a secret that are as bad as all of it."""

_BETWEEN = re.compile(r"[\s\"'`\\,;|<>()\[\]{}\x00-\x1f\u200b-\u200f\u2060\ufeff]+|\.{3}|…")


def hide_secrets(text: str, secrets: Iterable[str]) -> str:
    """Return a text without secrets; nothing but `…` where it shows one in an unusual form.

    Args:
        text: From a server.
        secrets: That the server was sent.
    """
    known = [secret for secret in secrets if secret]
    for secret in known:
        text = text.replace(secret, HIDDEN).replace(quote(secret, safe=""), HIDDEN)
    long = [secret for secret in known if len(secret) >= _WINDOW]
    return HIDDEN if any(_shows(form, long) for form in _list_forms(text)) else text


def _list_forms(text: str) -> list[str]:
    """Return a text in the forms in which a secret would show in it."""
    plain = html.unescape(unquote(unquote(text)))
    squeezed = _BETWEEN.sub("", plain)
    return [text, plain, squeezed, _BETWEEN.sub("", text), squeezed[::-1]]


def _shows(text: str, secrets: Iterable[str]) -> bool:
    forms = [form for secret in secrets for form in (secret, *_encode(secret))]
    # Each part of the text, because that is short, and a token is not.
    parts = (text[start : start + _WINDOW] for start in range(len(text) - _WINDOW + 1))
    return any(part in form for part in parts for form in forms)


def _encode(secret: str) -> list[str]:
    """Return what base64 and hexadecimal digits make of a secret, wherever it begins."""
    content = secret.encode()
    # What surrounds a secret changes the first and the last digits of each alignment.
    standard = [base64.b64encode(b"x" * shift + content).decode()[4:-4] for shift in range(3)]
    safe = [digits.replace("+", "-").replace("/", "_") for digits in standard]
    return [*standard, *safe, content.hex()]
