"""No form of a secret that a server repeats is shown."""

from __future__ import annotations

import base64
import html
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_confluence_md.network.redaction import HIDDEN, hide_secrets

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN = "ATATT3xFfGF0+T/zebra_fish=token.value-123456"
FORMS: dict[str, Callable[[str], str]] = {
    "plain": lambda token: token,
    "quoted": lambda token: f'"{token}"',
    "percent": lambda token: quote(token, safe=""),
    "percent twice": lambda token: quote(quote(token, safe=""), safe=""),
    "entities": lambda token: "".join(f"&#{ord(char)};" for char in token),
    "html": html.escape,
    "spaced": " ".join,
    "commas": ", ".join,
    "lines": "\n".join,
    "quotes": lambda token: "".join(f"'{char}'" for char in token),
    "backslashes": lambda token: token.replace("+", "\\+").replace("/", "\\/"),
    "base64": lambda token: base64.b64encode(token.encode()).decode(),
    "base64 of more": lambda token: base64.b64encode(f"Bearer {token}\n".encode()).decode(),
    "base64 for URLs": lambda token: base64.urlsafe_b64encode(f"x{token}".encode()).decode(),
    "hexadecimal": lambda token: token.encode().hex(),
    "reversed": lambda token: token[::-1],
    "cut": lambda token: token[:20],
    "end": lambda token: token[-15:],
    "dots": lambda token: f"{token[:14]}...",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("around", ["{}", "token {} is not valid", "<b>{}</b>", "[{}] x"])
def test_no_form_of_a_token_is_shown(form: str, around: str) -> None:
    said = around.format(FORMS[form](TOKEN))
    shown = hide_secrets(said, [TOKEN])

    assert HIDDEN in shown
    for start in range(len(TOKEN) - 12):
        assert TOKEN[start : start + 12] not in shown


def test_other_words_are_shown() -> None:
    said = "The scope read:page:confluence is missing; see https://developer.atlassian.com/."

    assert hide_secrets(said, [TOKEN, "jane@example.com", ""]) == said
    assert hide_secrets("jane@example.com may not", ["jane@example.com"]) == f"{HIDDEN} may not"


@given(st.text(), st.lists(st.text(min_size=1)))
def test_any_text(text: str, secrets: list[str]) -> None:
    hide_secrets(text, secrets)
