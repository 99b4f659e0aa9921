"""Addresses of the media service: their tokens go nowhere."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_confluence_md.confluence.content import (
    find_name,
    find_number,
    is_media_host,
    redact_tokens,
)

FILE = "https://api.media.atlassian.com/file/0a1b2c3d-1111-4222-8333-444455556666/binary"
SECRET = "eyJhbGci.CANARY-_x.y"
LIVE = f"{FILE}?token={SECRET}&client=c0ffee&name=a%20b.png"
SAFE = f"{FILE}?token=…&client=…&name=a%20b.png"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (LIVE, SAFE),
        (f"![a]({LIVE}) and [b]({LIVE} 'T')", f"![a]({SAFE}) and [b]({SAFE} 'T')"),
        (f"[{LIVE}]({LIVE})", f"[{SAFE}]({SAFE})"),
        (f"**{FILE}?token={SECRET}**", f"**{FILE}?token=…**"),
        (f"<{FILE}?name=a b.png&token={SECRET}>", f"<{FILE}?name=a b.png&token=…>"),
        (f"{FILE}?name=a(1).png&token={SECRET}", f"{FILE}?name=a(1).png&token=…"),
        (f"[r]: {LIVE}\n", f"[r]: {SAFE}\n"),
        (f"| {LIVE} | `{LIVE}` |", f"| {SAFE} | `{SAFE}` |"),
        (f"<img src='{LIVE}' srcset=\"{LIVE} 1x, {LIVE} 2x\">",
         f"<img src='{SAFE}' srcset=\"{SAFE} 1x, {SAFE} 2x\">"),
        (LIVE.replace("&", "&amp;"), SAFE.replace("&", "&amp;")),
        (f"https://acme.example/to?u={quote(LIVE, safe='')}&x=1",
         f"https://acme.example/to?u={quote(SAFE, safe='').replace('%E2%80%A6', '…')}&x=…"),
        ("\\_ https://api\\.media\\.atlassian\\.com/file/1?token=a\\_b&name=x",
         "\\_ https://api\\.media\\.atlassian\\.com/file/1?token=…&name=x"),
        (f'data-x=\'{{"u":"{FILE}?token={SECRET}\\u0026name=x.png"}}\'',
         f'data-x=\'{{"u":"{FILE}?token=…\\u0026name=x.png"}}\''),
        ("//media.atlassian.com/x?jwt=a#b", "//media.atlassian.com/x?jwt=…#b"),
        ("HTTPS://MEDIA-CDN.Atlassian.COM/x?Policy=a~_&Signature=b&Key-Pair-Id=c&max-age=5",
         "HTTPS://MEDIA-CDN.Atlassian.COM/x?Policy=…&Signature=…&Key-Pair-Id=…&max-age=5"),
        ("https://media.staging.atl-paas.net/x?token=a", "https://media.staging.atl-paas.net/x?token=…"),
        ("//media.atlassian&#46;com/?token&equals;a", "//media.atlassian&#46;com/?token&equals;…"),
        (f"{FILE}?%74oken={SECRET}&name=x", f"{FILE}?%74oken=…&name=x"),
        # What comes behind an address on its line, and no other line.
        (f"{LIVE} [b](/x?token=a&b=c) https://acme.example/?d=e\nhttps://acme.example/?token=f",
         f"{SAFE} [b](/x?token=…&b=c) https://acme.example/?d=e\nhttps://acme.example/?token=f"),
        (f"[a]({LIVE})[b](/x?b=c),https://acme.example/?d=e",
         f"[a]({SAFE})[b](/x?b=c),https://acme.example/?d=e"),
    ],
)  # fmt: skip
def test_a_token_is_left_out_and_the_rest_stays(text: str, expected: str) -> None:
    assert redact_tokens(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "media.atlassian.com",
        "curl https://acme.example/media?token=abc",
        "https://mediawiki.example/file/1?token=abc&name=x.png",
        "https://acme.atlassian.net/wiki/download/attachments/1/media.png?token=abc",
        f"{FILE}?name=x.png&width=300",
    ],
)
def test_a_text_without_such_addresses_stays_as_it_is(text: str) -> None:
    assert redact_tokens(text) == text


@pytest.mark.parametrize(
    ("host", "is_one"),
    [
        ("api.media.atlassian.com", True),
        ("media.atlassian.com", True),
        ("API.Media.Atlassian.com", True),
        ("media-cdn.atlassian.com", True),
        ("media-api.prod.atl-paas.net", True),
        ("acme.atlassian.net", False),
        ("media.atlassian.com.evil.example", False),
        ("atlassian.com", False),
        ("media.example", False),
        ("", False),
    ],
)
def test_hosts(host: str, *, is_one: bool) -> None:
    assert is_media_host(host) == is_one


def test_an_address_names_its_file() -> None:
    assert find_name(urlsplit(SAFE)) == "a b.png"
    assert find_number(urlsplit(SAFE)) == "0a1b2c3d-1111-4222-8333-444455556666"
    assert find_name(urlsplit(FILE)) == find_number(urlsplit("https://media.atlassian.com/x")) == ""


@pytest.mark.parametrize(
    "text",
    [
        "media" * 40_000,
        "media." * 40_000,
        '"//media.atlassian.com' * 10_000,
        "<//media.atlassian.com?" * 10_000,
        "media.atlassian.com?" + "a=" * 100_000,
        "media.atlassian.com" + "&token" * 40_000,
    ],
    ids=lambda text: text[:22],
)
def test_no_text_takes_quadratic_time(text: str) -> None:
    assert redact_tokens(text).startswith(text[:5])


PIECES = st.sampled_from([
    FILE, "https://", "media", ".atlassian.com", "/x", "?", "&", "&amp;", "token=", "name=", "=",
    SECRET, "a b", "(", ")", "[", "](", "<", ">", '"', "'", "`", "\n", "\\", "%26", "%3D", "…", ";",
])  # fmt: skip


@given(st.lists(PIECES, max_size=25).map("".join) | st.text())
def test_what_was_redacted_once_stays_as_it_is(text: str) -> None:
    redacted = redact_tokens(text)

    assert redact_tokens(redacted) == redacted
    if "media" not in text:
        assert redacted == text


@given(st.lists(PIECES, max_size=8).map("".join), st.sampled_from([" ", '"', "<", "", "(", "`"]))
def test_no_token_of_an_address_is_left(before: str, opening: str) -> None:
    name = before.translate(dict.fromkeys(map(ord, " \n<>\"'`")))

    assert "CANARY" not in redact_tokens(f"{opening}{FILE}?name={name[:9]}&token={SECRET}&x=1")
