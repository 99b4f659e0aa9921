"""Answers whose label names a codec that is none of texts, or that raises errors of its own."""

from __future__ import annotations

import httpx
import pytest

from mkdocs_confluence_md.confluence.responses import is_elsewhere, read_markdown
from mkdocs_confluence_md.errors import FailureError

CODECS = ["undefined", "idna", "punycode", "utf-16", "hex", "base64", "rot13", "bz2", "x" * 300]
REQUEST = httpx.Request("POST", "https://api.atlassian.com/singleExport")


def answer(codec: str, content: bytes) -> httpx.Response:
    headers = {"content-type": f"text/plain; charset={codec}"}
    return httpx.Response(200, headers=headers, content=content, request=REQUEST)


@pytest.mark.parametrize("codec", CODECS)
def test_an_answer_that_is_not_text_is_a_failure(codec: str) -> None:
    with pytest.raises(FailureError):
        read_markdown(answer(codec, b"\xff" * 3))


@pytest.mark.parametrize("content", [b"\xff" * 3, b"{}"])
@pytest.mark.parametrize("codec", CODECS)
def test_an_answer_that_is_not_text_is_not_a_web_page(codec: str, content: bytes) -> None:
    assert not is_elsewhere(answer(codec, content))


def test_a_web_page_is_one_whatever_its_label() -> None:
    assert is_elsewhere(answer("undefined", b"<!doctype html><title>Sign in</title>"))


@pytest.mark.parametrize("codec", ["unicode_escape", "raw_unicode_escape", "punycode", "idna"])
def test_a_codec_of_python_is_none_of_texts(codec: str) -> None:
    """It would warn of backslashes, and read what no service sends."""
    with pytest.raises(FailureError):
        read_markdown(answer(codec, b"\xff\\ a"))
