"""What the fuzzer tries: valid texts, archives and answers, damaged in all ways that are likely.

Each input is made of texts, bytes, numbers, tuples and lists only, so that Python can read back
what was written of it.
"""

from __future__ import annotations

import base64
import io
import json
import struct
import warnings
import zipfile
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import yaml
from hypothesis import strategies as st

from archives import ATTACKS, make_zip
from benchmarks.pathological import PIECES
from form_rows import read_forms
from places import RECORDED
from specification import SPECIFIED
from strategies import ALMOST_REFERENCES, ENTRIES, MARKUP, NAVS, TITLES, page_urls

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Edit: TypeAlias = "tuple[int, int, Any]"
Answer: TypeAlias = "tuple[int, list[tuple[str, str]], bytes]"
"""Status, headers, and a body."""

_T = TypeVar("_T", str, bytes)


def apply_edits(content: _T, edits: list[Edit]) -> _T:
    """Replace pieces of a content, each given by a place, a length and what comes there."""
    for place, length, new in edits:
        start = place % (len(content) + 1)
        content = content[:start] + new + content[start + length :]
    return content


def damage(contents: st.SearchStrategy[_T], pieces: st.SearchStrategy[_T]) -> Any:  # noqa: ANN401  a strategy of either type
    """Return contents with some pieces replaced, cut or added."""
    edits = st.lists(
        st.tuples(st.integers(0, 5_000), st.sampled_from([0, 0, 1, 2, 8, 60, 9_999]), pieces),
        max_size=5,
    )
    return st.builds(apply_edits, contents, edits)


def choose(known: Sequence[_T]) -> st.SearchStrategy[_T]:
    """Return one of many; `sampled_from` would show all of them in each report."""
    return st.integers(0, len(known) - 1).map(known.__getitem__)


# Pages

PAGES = [form.markdown for form in read_forms()] + [each["markdown"] for each in SPECIFIED]
FRONT = (
    "---\ntitle: A\nconfluence_id: 101\ntags: [a, b]\ndate: 2026-01-01\n---\n",
    "---\n? [a]\n: !!timestamp x\n---\n", "<!-- page-id: 101 -->\n\n",
)  # fmt: skip
_MARKS = st.sampled_from(
    [piece for piece in PIECES.values() if piece]
    + ["\n", "\n\n", "\r\n", "  ", "\t", "    ", "> ", "- ", "|", "|---|", "\\", "\x00", "\x02",
       "\x03", "\ud800", "\u2028", "\u202e", "\x85", "\x1c", "&#0;", "&#xD800;", "&#1114112;",
       "\U0001f600",
       "https://[", "http://a:99999999", "//[x", "![](http://[::1)", "confluence:101#\ud800",
       *FRONT]
)  # fmt: skip
TEXTS = st.one_of(
    st.text(),
    MARKUP,
    damage(choose(PAGES), _MARKS | choose(PAGES) | st.text(max_size=8)),
    st.lists(_MARKS | choose(PAGES), max_size=12).map("".join),
)
PAGE_INPUTS = st.tuples(TEXTS, st.booleans(), st.booleans())
"""A page, whether forms of exporters are repaired, and whether the site has extensions."""

# JSON

_NAMES = st.sampled_from(
    ["id", "results", "_links", "next", "version", "number", "title", "type", "parentId", "data",
     "result", "markdown", "content", "body", "text", "zipBase64", "pageCount", "success", "error",
     "errors", "message", "detail", "status", "statusCode", "code", "access_token", "scope",
     "refresh_token", "expires_in", "cloudId", "metadata", "labels", "name", "key", "position",
     "childPosition", "parentType", "depth", "homepageId", "accountId", "displayName", "by",
     "files", "pages", "trees", "problems", "missing", "digest", "size", "path", "listed", "roots",
     "children", "keyring", "sign_ins", "prefix", "createdAt", "authorId"]
)  # fmt: skip
_WORDS = st.sampled_from(
    ["", "101", "102", "ENG", "page", "folder", "x", "0", "-1", "1" * 30, "\ud800", "a\udfffb",
     "\x00",
     "../x", "/x", "a\\b", "C:x", "n" * 300, "n" * 300 + ".md", "a/" * 3_000, "exports/101.md",
     "docs/a.png", "null", "true", "Error: x", "<!doctype html>", "[]", "{}", '{"markdown": 1}',
     "https://acme.atlassian.net/wiki/api/v2/pages?cursor=x", "/wiki/x?cursor=y", "https://[x",
     "9999-12-31T23:59:59Z", "0001-01-01T00:00:00", "2026-02-30", "UEsDBA==", "=", "invalid_grant"]
)  # fmt: skip
_NUMBERS = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([0, 1, -1, 2**31, 2**63, 2**64, 10**25, 10**400, 1e308, -1e308, 101, 404, 429]),
)
VALUES = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _WORDS | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(_NAMES | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)
_NESTED = st.builds(
    lambda opening, number: opening * number,
    st.sampled_from(["[", '{"a":', '{"data":', '[{"children":[', '{"results":[']),
    st.sampled_from([3, 500, 5_000, 50_000]),
)


def damage_json(examples: list[Any]) -> st.SearchStrategy[str]:
    """Return JSON texts: values of these with other values in some places, and arbitrary ones."""
    return st.one_of(
        _damage_value(examples).map(json.dumps),
        damage(_damage_value(examples).map(json.dumps), st.sampled_from(['"', "}", "1e999", ","])),
        VALUES.map(json.dumps),
        _NESTED,
        st.text(),
    )


@st.composite
def _damage_value(draw: st.DrawFn, examples: list[Any]) -> Any:  # noqa: ANN401  JSON
    # A copy, in which something may be replaced.
    value = json.loads(json.dumps(draw(st.sampled_from(examples))))
    for _ in range(draw(st.integers(0, 3))):
        places = list(_list_places(value))
        if not places:
            return draw(VALUES)
        holder, name = places[draw(st.integers(0, len(places) - 1))]
        if draw(st.booleans()) and isinstance(holder, dict):
            del holder[name]
        else:
            holder[name] = draw(VALUES)
    return value


def _list_places(value: Any) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401  JSON
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for name, inner in list(pairs):
        yield value, name
        if isinstance(inner, dict | list):
            yield from _list_places(inner)


# Archives

_PATHS = st.sampled_from(
    ["Deploy.md", "Deploy/index.md", "Deploy/Roll back.md", "README.md", "SUMMARY.md", "a/b/c/d.md",
     "A-12345.md", "B-12346.md", "attachments/a.png", "Deploy/attachments/a b.png", "a.PNG", ".md",
     "/.md", "//a.md", "a//b.md", "a/.md", "index.md", "a\\b.md", "%2e%2e/a.md", "%00.md",
     "\u202e.md",
     "\u0130.md", "\u1e9e.md", "x" * 250 + ".md", "a/" * 80 + "b.md", "a.md/b.md", "con.md",
     " .md", "/"]
) | st.text(min_size=1, max_size=8).map("{}.md".format)  # fmt: skip
_BODIES = TEXTS.map(lambda text: text.encode("utf-8", "replace")) | st.binary(max_size=40)
_FILES = st.lists(st.tuples(_PATHS, _BODIES), max_size=6)


def pack_files(files: list[tuple[str, bytes]]) -> bytes:
    """Make an archive of files, as far as `zipfile` takes them."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # `zipfile` complains of duplicates
        for name, content in files:
            info = zipfile.ZipInfo(name.encode("utf-8", "replace").decode().replace("\0", "?"))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return buffer.getvalue()


_SIGNATURES = (b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06")
_FIELDS = st.sampled_from([0, 1, 2, 8, 255, 0x5455, 0xFFFE, 0xFFFF])


def change_fields(archive: bytes, changes: list[tuple[int, int, int, int]]) -> bytes:
    """Write numbers into the headers of an archive.

    Args:
        archive: To be changed.
        changes: Of each, which kind of header, which of this kind, at which byte, which number.
    """
    for kind, which, offset, number in changes:
        signature = _SIGNATURES[kind % len(_SIGNATURES)]
        places = [at for at in range(len(archive)) if archive.startswith(signature, at)]
        if places:
            start = places[which % len(places)] + offset
            archive = archive[:start] + struct.pack("<H", number) + archive[start + 2 :]
    return archive


_CHANGES = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 7), st.integers(4, 46), _FIELDS), max_size=4
)
_LARGEST_ATTACK = 50_000
_KNOWN_ARCHIVES = choose(
    [content for content, _ in ATTACKS.values() if len(content) < _LARGEST_ATTACK] + [make_zip()]
)
ARCHIVES = st.one_of(
    _FILES.map(pack_files),
    st.builds(change_fields, _FILES.map(pack_files) | _KNOWN_ARCHIVES, _CHANGES),
    damage(
        _FILES.map(pack_files) | _KNOWN_ARCHIVES,
        st.binary(max_size=6) | st.sampled_from(_SIGNATURES),
    ),
    st.binary(),
)  # fmt: skip
ARCHIVE_INPUTS = st.tuples(ARCHIVES, st.booleans(), st.integers(0, 9))
"""An archive, whether it is of a space, and how many pages there are said to be."""

# Answers

_BODIES_OF_ANSWERS = [
    path.read_bytes().partition(b"\n\n")[2] for path in sorted(RECORDED.rglob("*.http"))
]
TOKENS = {"access_token": "new-access", "refresh_token": "new", "expires_in": 3600, "scope": "a b"}
_ENTRY = {
    "id": "101", "title": "Deploy", "type": "page", "parentId": "102", "parentType": "folder",
    "position": 1, "childPosition": 2, "depth": 10,
    "version": {"number": 3, "createdAt": "2026-01-01T00:00:00Z", "authorId": "a",
    "by": {"accountId": "a", "displayName": "Jane"}},
    "metadata": {"labels": {"results": [{"name": "public", "prefix": "global"}]}},
}  # fmt: skip
_ANSWERS = [
    TOKENS,
    {"results": [_ENTRY, {**_ENTRY, "id": "102", "type": "folder", "parentId": "101"}],
     "_links": {"next": "/wiki/api/v2/pages?cursor=x"}},
    {"results": [{"id": "7", "key": "ENG", "name": "Engineering", "homepageId": "101"}]},
    {"results": [{"accountId": "a", "displayName": "Jane", "publicName": "J"}]},
    {"data": {"zipBase64": base64.b64encode(make_zip()).decode(), "pageCount": 1}},
    {"success": True, "data": {"markdown": "# Deploy\n\n![a](attachments/a.png)\n"}},
    {"error": {"message": "no", "status": 404}, "errors": [{"title": "no", "detail": "x"}]},
    {"cloudId": "11111111-2222-3333-4444-555555555555"},
]  # fmt: skip
_JSON_BODIES = st.builds(
    lambda text, encoding: text.encode(encoding, "replace"),
    damage_json(_ANSWERS),
    st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-16", "latin-1", "utf-32", "utf-7"]),
)
ANSWER_BODIES = st.one_of(
    _JSON_BODIES,
    damage(choose(_BODIES_OF_ANSWERS), st.binary(max_size=6)),
    ARCHIVES,
    st.binary(),
)
_CHARSETS = st.sampled_from(
    ["utf-8", "UTF-16", "latin-1", "hex", "base64", "rot13", "zlib", "bz2", "uu", "idna",
     "punycode",
     "undefined", "unicode_escape", "raw_unicode_escape", "utf-7", "utf-8-sig", "mbcs", "x" * 300,
     '"', "é", "cp65001", "\x01"]
)  # fmt: skip
_HEADER_WORDS = st.sampled_from(
    ["", "0", "1", "-1", "9" * 400, "1e9", "Wed, 21 Oct 2026 07:28:00 GMT",
     "Wed, 21 Oct 99999 07:28",
     "Mon, 31 Feb 2026 25:61:61 +9999", "x", "é", "\x7f", "\x1b[2J", "gzip", "deflate", "br",
     "zstd",
     "identity, gzip", "chunked", "FAILURE_CLIENT_SCOPE_CHECK", "FAILURE_CLIENT_AUTH_MISMATCH",
     'W/"x"', "no-store, max-age=-1", "*", "https://[x"]
) | st.text(st.characters(min_codepoint=33, max_codepoint=255), max_size=8)  # fmt: skip
_HEADERS = st.lists(
    st.one_of(
        _CHARSETS.map(lambda name: ("content-type", f"text/plain; charset={name}")),
        st.tuples(
            st.sampled_from(["content-type", "content-encoding", "retry-after", "etag", "location",
                             "last-modified", "date", "x-failure-category", "ratelimit-reason",
                             "atl-traceid", "cache-control", "vary", "www-authenticate", "expires",
                             "x-confluence-facts", "content-length", "transfer-encoding"]),
            _HEADER_WORDS,
        ),
    ),
    max_size=4,
)  # fmt: skip
_STATUSES = st.sampled_from([200, 200, 200, 200, 304, 400, 401, 403, 404, 410, 413, 429, 500, 503])
ANSWERS = st.tuples(_STATUSES | st.integers(200, 999), _HEADERS, ANSWER_BODIES)

# Configurations

_ODD_YAML = st.sampled_from(
    ["!!bool x", "!!int ''", "!!int x", "!!float x", "!!timestamp x", "!!binary é", "!!set {a}",
     "!!omap [a]", "!!pairs a", "!!null x", "!!python/name:os.system", "!ENV [A, B]", "!ENV",
     "!x y",
     "!relative $docs_dir", "&a [*a]", "&a {b: *a}", "*a", "<<: 5", "<<: [1]", "? [a]\n: b",
     "1_000:60:60", "0x", ".inf", ".nan", "2026-02-31", "=", "|\n  x", "[" * 500, "{" * 500, "\t",
     "%YAML 9.9", "---", "...", '"\\ud800"', '"\\0"', "'\x85'", "\ufeff", "1" * 5_000, "{[a]: b}",
     "{{a: b}: c}", "~", "confluence: 123", "INHERIT: ../x.yml", "INHERIT: mkdocs.yml",
     "INHERIT: ''",
     "INHERIT: [a]", 'INHERIT: "\\0"', "hooks: 5", "hooks: [x]", "validation: {nav: x}", "nav: x",
     "plugins: {confluence-md: }", "docs_dir: []", 'docs_dir: "\\0"', "theme: {custom_dir: x}"]
)  # fmt: skip
_OPTIONS = st.sampled_from(
    ["site", "cloud_id", "environment", "gateway", "base_url", "page_path", "attachments",
     "raw_html",
     "repairs", "exclude", "max_depth", "labels", "pages", "redirects", "source_note", "max_age",
     "trusted_plugins", "offline", "watch", "on_error", "concurrency", "cache_dir", "snapshot",
     "enabled", "sit", ""]
)  # fmt: skip
_KEYS = st.sampled_from([1, None, True, 1.5])
_OPTION_VALUES = st.one_of(
    VALUES,
    page_urls().map(lambda found: found[0]),
    st.sampled_from(
        ["acme", "acme.atlasian.net", "https://[x", "https://a:b@c", "https://a:99999/",
         "9" * 400 + "s",
         "9" * 5_000 + "d", "15m", "forever", "off", "{title}", "{id}", "{title", "{title!r}",
         "{0}",
         "{title:>{id}}", "{title.x}", "~", "~nobody-has-this-name/x", "\x00", "x" * 5_000, "²s",
         "\u0661s",
         "http://\u2100", "ü.example", "xn--a", "localhost", "..", "/", "auto"]
    ),
)  # fmt: skip
_NAV_ENTRIES = st.one_of(ENTRIES, ALMOST_REFERENCES, VALUES)
_NAVIGATION = NAVS | st.lists(
    st.recursive(
        _NAV_ENTRIES | st.dictionaries(TITLES | _WORDS | st.text(), _NAV_ENTRIES, max_size=2),
        lambda inner: st.dictionaries(TITLES | _WORDS, st.lists(inner, max_size=3), max_size=2),
        max_leaves=6,
    ),
    max_size=5,
)


def write_configuration(nav: object, options: object, others: dict[str, object]) -> str:
    """Write a `mkdocs.yml`."""
    plugins = ["search", {"confluence-md": options}]
    settings = {"site_name": "Fuzzed", "plugins": plugins, "nav": nav, **others}
    return yaml.safe_dump(settings, allow_unicode=True, sort_keys=False)


_OTHERS = st.dictionaries(
    st.sampled_from(["INHERIT", "hooks", "validation", "docs_dir", "theme", "nav", "plugins",
    "site_dir",
                     "markdown_extensions"]),
    VALUES, max_size=1,
)  # fmt: skip
_CONFIGURATIONS = st.builds(
    write_configuration,
    _NAVIGATION,
    st.dictionaries(_OPTIONS | _KEYS, _OPTION_VALUES, max_size=4) | VALUES,
    _OTHERS,
)
_LINES = st.tuples(_NAMES | _OPTIONS | _WORDS, _ODD_YAML).map(": ".join)
CONFIGURATIONS = st.one_of(
    _CONFIGURATIONS,
    damage(_CONFIGURATIONS, _ODD_YAML | _LINES.map("\n{}\n".format) | st.sampled_from(["\n", "- ",
    ": ", "'"])),
    st.lists(_LINES | _ODD_YAML.map("- {}".format) | _ODD_YAML, max_size=5).map("\n".join),
    st.text(),
)  # fmt: skip
