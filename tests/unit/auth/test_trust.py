"""A token goes to Atlassian and to what the environment names, never elsewhere."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_confluence_md.auth.trust import TrustRule, is_token
from mkdocs_confluence_md.network.urls import LOOPBACK_HOSTS, host_of, origin_of

ATLASSIAN_ONLY = TrustRule()
OWN_HOSTS = TrustRule(frozenset({"proxy.example.com", "gateway.example.com:8443"}))


@pytest.mark.parametrize(
    "url",
    [
        "https://api.atlassian.com/svc/confluence/1/apps/2_3/singleExport",
        "https://auth.atlassian.com/oauth/token",
        "https://acme.atlassian.net/gateway/api/svc/confluence/apps/2_3",
        "https://acme.atlassian.net",
        "https://acme.atlassian.net:443/",
        "HTTPS://ACME.Atlassian.NET/",
        "https://API.ATLASSIAN.COM/",
        "https://evil.example@acme.atlassian.net/",
    ],
)
def test_atlassian_may_receive_a_token(url: str) -> None:
    assert ATLASSIAN_ONLY.find_objection(url) is None


@pytest.mark.parametrize(
    ("url", "port", "named"),
    [
        ("http://localhost:8080/", "localhost:8080", "localhost:8080"),
        ("http://LOCALHOST/", "localhost:80", "localhost:80"),
        ("http://127.0.0.1:8080/", "127.0.0.1:8080", "127.0.0.1:8080"),
        ("http://[::1]:8080/", "[::1]:8080", "[::1]:8080"),
        ("https://localhost/", "localhost:443", "localhost:443"),
        ("https://[::1]/", "[::1]:443", "[::1]"),
    ],
)
def test_a_port_of_this_machine_may_if_the_environment_names_it(
    url: str, port: str, named: str
) -> None:
    objection = f"no environment variable names {port}, a port of this machine"
    assert ATLASSIAN_ONLY.find_objection(url) == objection
    assert TrustRule(frozenset({"localhost:1", "127.0.0.1:1"})).find_objection(url) == objection
    assert TrustRule(frozenset({named})).find_objection(url) is None
    assert ATLASSIAN_ONLY.with_loopback(url).find_objection(url) is None
    assert ATLASSIAN_ONLY.with_loopback(url).find_objection("http://localhost:9/")
    assert ATLASSIAN_ONLY.with_loopback("https://evil.example") == ATLASSIAN_ONLY


@pytest.mark.parametrize(
    ("url", "objection"),
    [
        (url, f"{host} is neither a host of Atlassian's nor one that you trust")
        for url, host in [
            ("https://evil.example/", "evil.example"),
            ("https://EVIL.example/", "evil.example"),
            ("https://acme.atlassian.net.evil.example/", "acme.atlassian.net.evil.example"),
            ("https://evilatlassian.net/", "evilatlassian.net"),
            ("https://atlassian.net/", "atlassian.net"),
            ("https://acme-atlassian.net/", "acme-atlassian.net"),
            ("https://atlassian.com/", "atlassian.com"),
            ("https://evil.atlassian.com/", "evil.atlassian.com"),
            ("https://api.atlassian.com.evil.example/", "api.atlassian.com.evil.example"),
            ("https://acme.atlassian.net@evil.example/", "evil.example"),
            ("https://acme.atlassian.net:443@evil.example/", "evil.example"),
            ("https://a@acme.atlassian.net@evil.example/", "evil.example"),
            ("https://evil.example/acme.atlassian.net", "evil.example"),
            ("https://evil.example?@acme.atlassian.net", "evil.example"),
            ("https://evil.example#@acme.atlassian.net", "evil.example"),
            ("https://evil.example/@acme.atlassian.net", "evil.example"),
            ("https://localhost.evil.example/", "localhost.evil.example"),
            ("https://127.0.0.1.evil.example/", "127.0.0.1.evil.example"),
            ("https://0.0.0.0/", "0.0.0.0"),  # noqa: S104  nothing listens here
            ("https://10.0.0.1/", "10.0.0.1"),
        ]
    ]
    + [
        (url, "http:// would send the token in clear text")
        for url in [
            "http://acme.atlassian.net/",
            "HTTP://acme.atlassian.net/",
            "http://api.atlassian.com/",
            "http://evil.example/",
            "http://localhost.evil.example/",
            "http://127.0.0.1@evil.example/",
            "http://127.0.0.1:80@evil.example/",
            "http://0.0.0.0/",
            "http://[2001:db8::1]/",
        ]
    ]
    + [("ftp://acme.atlassian.net/", "this is not an http(s) URL")],
)
def test_nobody_else_may_and_the_objection_says_why(url: str, objection: str) -> None:
    assert ATLASSIAN_ONLY.find_objection(url) == objection


@pytest.mark.parametrize(
    "url",
    [
        "https://proxy.example.com/x",
        "https://PROXY.example.com/x",
        "https://proxy.example.com:8443/x",
        "https://gateway.example.com:8443/x",
        "https://acme.atlassian.net/",
    ],
)
def test_a_host_that_the_environment_names_may_receive_a_token(url: str) -> None:
    assert OWN_HOSTS.find_objection(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://proxy.example.com/",
        "https://sub.proxy.example.com/",
        "https://[2001:db8::1]/",
        "https://proxy.example.com.evil.example/",
        "https://proxy.example.com@evil.example/",
        "https://gateway.example.com/",
        "https://gateway.example.com:9443/",
        "http://gateway.example.com:8443/",
    ],
)
def test_naming_a_host_trusts_no_other_and_no_clear_text(url: str) -> None:
    assert OWN_HOSTS.find_objection(url)


URL_PARTS = st.lists(
    st.sampled_from(
        [
            "acme.atlassian.net",
            ".atlassian.net",
            "api.atlassian.com",
            "evil.example",
            "localhost",
            "127.0.0.1",
            "[::1]",
            "@",
            ":",
            "/",
            "\\",
            "?",
            "#",
            "443",
            "8080",
            "%2f",
            "%40",
            ";",
        ]
    ),
    max_size=6,
).map("".join)


@given(st.sampled_from(["https://", "http://"]), URL_PARTS)
def test_the_host_that_is_judged_is_the_host_that_is_called(scheme: str, rest: str) -> None:
    try:
        url = httpx.URL(scheme + rest)
    except httpx.InvalidURL:
        return
    # httpx refuses to call a URL without a host.
    if url.host and origin_of(str(url)) and ATLASSIAN_ONLY.find_objection(str(url)) is None:
        host = url.host
        atlassian = host.endswith(".atlassian.net") or host == "api.atlassian.com"
        assert host in LOOPBACK_HOSTS or (url.scheme == "https" and atlassian)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example\\.atlassian.net/",
        "https://evil.example%2f.atlassian.net/",
        "https://.atlassian.net/",
        "https://a..atlassian.net/",
        "https://ⓔvil.atlassian.net/",
        "https://a\x01b.atlassian.net/",
        "https://[",
        "https://acme.atlassian.net:99999/",
        "//acme.atlassian.net/",
        "",
    ],
)
def test_what_is_no_host_gets_nothing(url: str) -> None:
    assert ATLASSIAN_ONLY.find_objection(url) == "this is not an http(s) URL"


@pytest.mark.parametrize("value", ["", " ", "a b", "a\n", "ä", None, 7, "\x00"])
def test_what_cannot_stand_in_a_header_is_no_token(value: object) -> None:
    assert not is_token(value)
    assert is_token("eyJhbGciOi.a-b_c.d~=")


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://acme.atlassian.net", "https://acme.atlassian.net"),
        ("https://acme.atlassian.net/wiki/spaces/ENG?x#y", "https://acme.atlassian.net"),
        (" HTTPS://ACME.atlassian.net/ ", "https://acme.atlassian.net"),
        ("http://localhost:8080/x", "http://localhost:8080"),
        ("http://[::1]:8080/x", "http://[::1]:8080"),
        ("https://[2001:DB8::1]/", "https://[2001:db8::1]"),
        ("https://user:password@acme.atlassian.net/", "https://acme.atlassian.net"),
        ("acme.atlassian.net", ""),
        ("//acme.atlassian.net", ""),
        ("ftp://acme.atlassian.net", ""),
        ("https://", ""),
        ("https:///wiki", ""),
        ("https://acme:port", ""),
        ("https://acme:99999", ""),
        ("https://[acme", ""),
        ("", ""),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@given(st.text() | URL_PARTS.map("https://".__add__))
def test_any_text_has_an_origin_or_none(text: str) -> None:
    origin = origin_of(text)

    assert origin == origin_of(origin)
    assert bool(origin) == bool(host_of(origin))


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://acme.atlassian.net", "acme.atlassian.net"),
        ("http://localhost:8080", "localhost"),
        ("http://[::1]:8080", "::1"),
        ("", ""),
    ],
)
def test_the_host_of_an_origin_has_no_port(origin: str, host: str) -> None:
    assert host_of(origin) == host
