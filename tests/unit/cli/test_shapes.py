"""A description of a response says what it consists of, and repeats nothing of it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archives import make_zip
from mkdocs_confluence_md.cli.call_report import describe_body, describe_headers, describe_json

SECRET = "Zebrafish"
PAGE = f"""\
---
title: {SECRET}
{SECRET}: x
labels: [{SECRET}]
---
<!-- {SECRET} -->
# {SECRET}

> [!{SECRET}] {SECRET}
> **{SECRET}:** text

:::{SECRET}
:::

- [x] {SECRET}
  - `{SECRET}`

```{SECRET}
{SECRET}
```

| {SECRET} | b |
|---|---|
| [{SECRET}](https://{SECRET}.atlassian.net/wiki/spaces/{SECRET}/pages/1/{SECRET}) | x<br>y |

![{SECRET}](attachments/{SECRET}.{SECRET} "{SECRET}") [x]({SECRET}.md) [y]({SECRET}:{SECRET})
![](https://api.media.atlassian.com/file/1/binary?token={SECRET}) :{SECRET.lower()}: $${SECRET}$$
<{SECRET} {SECRET}="{SECRET}">x</{SECRET}> <https://{SECRET}.example/> {{status:{SECRET}}}
[a]: /{SECRET}
"""


def dump(value: Any) -> str:  # noqa: ANN401  JSON
    return json.dumps(value, ensure_ascii=False).lower()


def body_of(text: str) -> dict[str, Any]:
    return describe_body(text.encode())


ARCHIVE = make_zip(
    (f"{SECRET}.md", PAGE.encode()),
    (f"{SECRET}/child.md", b"# x\n"),
    (f"attachments/{SECRET}.png", b"x"),
    (f"{SECRET}/{SECRET}.{SECRET}", b"y"),
)
BODIES = {
    "Markdown": PAGE,
    "JSON": json.dumps({"markdown": PAGE, "title": SECRET, "url": f"https://{SECRET}.example",
                        "list": [SECRET], f"{SECRET} {SECRET}": 1}),
    "JSON text": json.dumps(PAGE),
    "envelope": json.dumps({"statusCode": 404, "body": json.dumps({"message": SECRET})}),
    "web page": f"<!doctype html><title>{SECRET}</title>",
    "archive": json.dumps({"success": True, "zipBase64": base64.b64encode(ARCHIVE).decode()}),
}  # fmt: skip


@pytest.mark.parametrize("text", BODIES.values(), ids=BODIES)
def test_nothing_of_a_body_is_repeated(text: str) -> None:
    assert SECRET.lower() not in dump(body_of(text))


def test_nothing_of_a_raw_archive_is_repeated() -> None:
    described = describe_body(ARCHIVE)

    assert SECRET.lower() not in dump(described)
    assert described["archive"]["layout"] == [
        "page-1.md", "page-2.md", "page-2/page-3.md", "attachments/file-1.png", "page-2/file-2.*"
    ]  # fmt: skip


def test_what_a_page_consists_of() -> None:
    described = body_of(PAGE)["markdown"]

    assert described["front matter"] == ["*", "labels", "title"]
    assert described["headings"] == {"h1": 1}
    assert described["fences"] == {"with a language": 1}
    assert described["links"]["Confluence /pages/"] == 1
    assert described["links"]["relative .md"] == 1
    assert described["images"] == {"media address": 1, "relative, in attachments/": 1}
    assert described["html"] == {"*": 1, "br": 1}
    assert {"alert, [!NAME]", "panel label, > **NAME:**", "status macro"} <= set(described["forms"])


def test_the_shape_of_json() -> None:
    entry = {"id": "1", "title": "x", "version": {"number": 7}, "type": "page"}
    value = {"results": [entry] * 3, "success": True, "statusCode": 404, "_links": {},
             "at": "2026-01-01T00:00:00Z"}  # fmt: skip

    assert describe_json(value) == {
        "results": [3, {"id": "digits", "title": "text", "version": {"number": "number"},
                        "type": "text: page"}],
        "success": True, "statusCode": 404, "at": "ISO 8601 time", "_links": {},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"", "empty"), (b"\xff\xfe\x00", "not text"), (b"# x", "text"), (b'{"a": 1}', "JSON"),
     (b"\xef\xbb\xbf <html>", "web page")],
)  # fmt: skip
def test_kinds_of_bodies(body: bytes, kind: str) -> None:
    assert describe_body(body)["kind"] == kind


def test_headers_have_values_where_these_are_harmless() -> None:
    headers = {
        "Content-Type": "text/plain; charset=utf-8",
        "Retry-After": "3600",
        "X-RateLimit-Reset": "2026-11-24T23:00:00Z",
        "Set-Cookie": f"x={SECRET}",
        "atl-traceid": "0a1b-2c",
        "x-failure-category": SECRET,
        "Location": f"https://{SECRET}.example",
    }

    assert describe_headers(headers) == {
        "atl-traceid": "0a1b-2c",
        "content-type": "text/plain; charset=utf-8",
        "location": "…",
        "retry-after": "3600",
        "set-cookie": "…",
        "x-failure-category": "…",
        "x-ratelimit-reset": "2026-11-24T23:00:00Z",
    }


def test_a_name_that_nobody_knows_is_not_repeated() -> None:
    value = {"status": 8000001, "code": 404, "expires_in": 3600, "ENG": 1, "8000001": 2,
             "Zebrafish page": 3, "zebrafish-8": 4}  # fmt: skip

    assert describe_json(value) == {
        "status": "number", "code": 404, "expires_in": 3600, "*": "number"
    }  # fmt: skip
    headers = {"X-Zebrafish": "1", "X-Acme-Proxy": "zebra", "RateLimit-Reason": "zebra fish",
               "X-Failure-Category": "ZEBRAFISH", "Atl-Edge-Region": "x"}  # fmt: skip
    assert describe_headers(headers) == {
        "*": "…", "atl-edge-region": "…", "ratelimit-reason": "…", "x-failure-category": "…"
    }  # fmt: skip


def test_json_in_json_is_described() -> None:
    inner = json.dumps({"message": SECRET, "inner": json.dumps({"code": 7})})

    assert describe_json({"body": inner}) == {
        "body": {"JSON text": {"message": "text", "inner": {"JSON text": {"code": 7}}}}
    }


@given(st.binary(max_size=200) | st.text(max_size=300).map(str.encode))
def test_any_body_has_a_description(content: bytes) -> None:
    json.dumps(describe_body(content))


@given(st.lists(st.sampled_from([*PAGE.splitlines(), SECRET, "", "  ", "> ", "- "]), max_size=12))
def test_nothing_of_any_page_is_repeated(lines: list[str]) -> None:
    assert SECRET.lower() not in dump(body_of("\n".join(lines)))
