"""The stand-in behaves as the services do, and breaks where it is told to."""

from __future__ import annotations

import base64
import io
import json
import os
import ssl
import subprocess
import sys
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, get_args
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from clocks import Clock
from places import EXAMPLE
from standin import ALL_SCOPES, Headers, Pages, StandIn
from standin.exporter import ENVIRONMENT_IDS
from standin.oauth import APP_ID
from standin.pages import Layout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from standin.faults import ConnectionFault

PRODUCTION = "796457c9-9c03-4382-b44f-d19571068ece"
CUSTOM_SCOPE = "export:markdown:custom"
NAMESPACED_SCOPES = {
    "offline_access",
    "read:forge-app:confluence",
    f"{APP_ID}.{PRODUCTION}:{CUSTOM_SCOPE}",
}
DAY = 24 * 60 * 60


@pytest.fixture
def clock() -> Clock:
    return Clock(1_700_000_000.0)


@pytest.fixture
def pages() -> dict[str, str]:
    return {"1": "# One\r\n\r\nGrüße\n", "2": "# Two\n", "3": "# Three\n"}


@pytest.fixture
def standin(pages: dict[str, str], clock: Clock) -> Iterator[StandIn]:
    with StandIn(pages, clock=clock) as started:
        yield started


@pytest.fixture
def client(standin: StandIn) -> Iterator[httpx.Client]:
    # Loading the certificates takes longer than most of these tests.
    no_certificates = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with httpx.Client(
        base_url=standin.url, trust_env=False, timeout=5, verify=no_certificates
    ) as opened:
        yield opened


def export_path(standin: StandIn, environment_id: str = PRODUCTION) -> str:
    return f"/svc/confluence/{standin.cloud_id}/apps/{APP_ID}_{environment_id}/singleExport"


def export(
    client: httpx.Client,
    standin: StandIn,
    page_id: object = "1",
    *,
    token: str | None = None,
    path: str | None = None,
    **headers: str,
) -> httpx.Response:
    token = token or standin.oauth.issue_access_token()
    return client.post(
        path or export_path(standin),
        json={"pageId": page_id},
        headers={"Authorization": f"Bearer {token}", **headers},
    )


def ask_token(client: httpx.Client, standin: StandIn, **fields: str) -> httpx.Response:
    identity = {"client_id": standin.client_id, "client_secret": standin.client_secret}
    return client.post("/oauth/token", json=identity | fields)


def refresh(client: httpx.Client, standin: StandIn, token: str) -> httpx.Response:
    return ask_token(client, standin, grant_type="refresh_token", refresh_token=token)


# Exports


@pytest.mark.parametrize("environment_id", sorted(ENVIRONMENT_IDS))
def test_export_through_both_gateways(
    client: httpx.Client, standin: StandIn, pages: dict[str, str], environment_id: str
) -> None:
    site_path = f"/gateway/api/svc/confluence/apps/{APP_ID}_{environment_id}/singleExport"
    for path in export_path(standin, environment_id), site_path:
        response = export(client, standin, path=path)
        assert response.status_code == 200
        assert response.content == pages["1"].encode()
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert response.headers["Date"] == "Tue, 14 Nov 2023 22:13:20 GMT"
        assert response.headers["atl-traceid"]
    assert standin.exports() == ["1", "1"]


def test_page_is_read_anew(client: httpx.Client, standin: StandIn, pages: dict[str, str]) -> None:
    pages["1"] = "# Changed\n"
    assert export(client, standin).text == "# Changed\n"


@pytest.mark.parametrize("name", ["12.md", "12-runbook.md", "12 Deploy runbook.md"])
def test_pages_of_a_folder(tmp_path: Path, name: str) -> None:
    pages = Pages(tmp_path)
    (tmp_path / "123.md").write_text("another page")
    assert pages.read("12") is None
    (tmp_path / name).write_bytes(b"a\r\n")
    assert pages.read("12") == "a\r\n"
    (tmp_path / name).write_bytes(b"b\n")
    assert pages.read("12") == "b\n"


def test_folders_are_what_is_below_a_page_and_spaces(tmp_path: Path) -> None:
    below, security = tmp_path / "20-handbook/21-deploy", tmp_path / "SEC Security"
    for path in (
        tmp_path / "10-home.md", tmp_path / "20-handbook.md", below.with_suffix(".md"),
        below / "22 Owner.md", security / "40-start.md", security / "41.md",
        tmp_path / "attachments/20/99.md", tmp_path / "notes/98.md",
    ):  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {path.stem}\n")

    pages = Pages(tmp_path)

    records = pages.snapshot().records
    assert {page_id: (each.space, each.parent) for page_id, each in records.items()} == {
        "10": ("DOCS", ""), "20": ("DOCS", "10"), "21": ("DOCS", "20"), "22": ("DOCS", "21"),
        "40": ("SEC", ""), "41": ("SEC", "40"),
    }  # fmt: skip
    assert pages.spaces["SEC"].name == "Security"
    assert pages.read("22") == "# 22 Owner\n"
    assert (pages.read("98"), pages.read("99")) == (None, None)
    assert sorted(pages.ids()) == sorted(records)
    os.utime(security / "41.md", (0, 0))
    assert pages.snapshot().records["41"].changed_at == "1970-01-01T00:00:00.000Z"


@pytest.mark.parametrize("page_id", ["", "*", "../12", "12-x", "\N{SUPERSCRIPT TWO}"])
def test_page_id_is_no_pattern(tmp_path: Path, page_id: str) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    for path in folder / "12-x.md", folder / ".md", tmp_path / "12.md":
        path.touch()
    assert Pages(folder).read(page_id) is None


def bulk_export(client: httpx.Client, standin: StandIn, **fields: object) -> httpx.Response:
    return client.post(
        export_path(standin).replace("singleExport", "bulkExport"),
        json={"pageId": "1", "bulkExport": False, **fields},
        headers={"Authorization": f"Bearer {standin.oauth.issue_access_token()}"},
    )


LAYOUTS: dict[Layout, list[str]] = {
    "flat": ["1.md", "a b.png"],
    "nested": ["A space/A page/1.md", "A space/A page/attachments/1/a b.png"],
    "encoded": ["1.md", "a%20b.png"],
    "plus": ["1.md", "a+b.png"],
}


@pytest.mark.parametrize("layout", get_args(Layout))
def test_an_export_with_attachments_is_an_archive(
    client: httpx.Client, standin: StandIn, layout: Layout
) -> None:
    standin.pages.attachments["1"] = {"a b.png": b"png"}
    standin.pages.layout = layout

    answer = bulk_export(client, standin, includeAttachments=True).json()
    without = bulk_export(client, standin).json()

    assert answer["success"] is True
    assert (answer["pageId"], answer["pageCount"], answer["spaceKey"]) == ("1", 1, None)
    archive = zipfile.ZipFile(io.BytesIO(base64.b64decode(answer["zipBase64"])))
    assert archive.namelist() == LAYOUTS[layout]
    assert archive.read(LAYOUTS[layout][1]) == b"png"
    archive = zipfile.ZipFile(io.BytesIO(base64.b64decode(without["zipBase64"])))
    assert archive.namelist() == LAYOUTS[layout][:1]
    assert standin.bulk_exports() == ["1", "1"]
    assert standin.exports() == []


def test_attachments_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "attachments/12").mkdir(parents=True)
    (tmp_path / "attachments/12/a.png").write_bytes(b"png")

    assert Pages(tmp_path).read_attachments("12") == {"a.png": b"png"}
    assert Pages(tmp_path).read_attachments("13") == {}
    assert Pages(tmp_path / "attachments").read_attachments("../12") == {}


def test_an_export_with_attachments_fails_on_its_own(
    client: httpx.Client, standin: StandIn
) -> None:
    standin.faults.answer(500, route="bulk", page_id="1", times=1)

    assert export(client, standin).status_code == 200
    assert bulk_export(client, standin).status_code == 500
    assert bulk_export(client, standin).status_code == 200
    assert bulk_export(client, standin, pageId="9").status_code == 404


def test_unknown_addresses(client: httpx.Client, standin: StandIn) -> None:
    path = export_path(standin)
    for wrong in standin.cloud_id, APP_ID, PRODUCTION:
        other = path.replace(wrong, "99999999-9c03-4382-b44f-d19571068ece")
        response = export(client, standin, path=other)
        assert response.status_code == 404
        assert response.json()["success"] is False
        assert response.headers["atl-traceid"]


@pytest.mark.parametrize("body", [b"", b"no JSON", b"[]", b"{}", b'{"pageId": 1}', b"\xff"])
def test_export_needs_a_page_id(client: httpx.Client, standin: StandIn, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {standin.oauth.issue_access_token()}"}
    response = client.post(export_path(standin), content=body, headers=headers)
    assert response.status_code == 400
    assert response.headers["Content-Type"] == "application/json"


def test_missing_and_denied_pages(client: httpx.Client, standin: StandIn) -> None:
    standin.faults.missing.add("1")
    standin.faults.denied.add("2")
    missing, denied, unknown = (export(client, standin, page_id) for page_id in ("1", "2", "4"))
    assert missing.json() == {"success": False, "message": "Page 1 not found"}
    assert [missing.status_code, denied.status_code, unknown.status_code] == [404, 403, 404]
    standin.faults.clear()
    assert export(client, standin, "1").status_code == 200


def test_disabled_app(client: httpx.Client, standin: StandIn) -> None:
    standin.faults.app_disabled = True
    assert export(client, standin).status_code == 403


def test_refused_tokens(client: httpx.Client, standin: StandIn, clock: Clock) -> None:
    lapsed = standin.oauth.issue_access_token(expires_in=60)
    clock.now += 60
    recalled = standin.oauth.issue_access_token()
    standin.oauth.expire_access_tokens()
    for token in lapsed, recalled, "unknown":
        response = export(client, standin, token=token)
        assert response.status_code == 401
        assert "x-failure-category" not in response.headers
    assert client.post(export_path(standin), json={"pageId": "1"}).status_code == 401


def test_missing_scope(client: httpx.Client, standin: StandIn) -> None:
    token = standin.oauth.issue_access_token(ALL_SCOPES - {CUSTOM_SCOPE})
    responses = [export(client, standin, token=token)]
    standin.faults.missing_scope = True
    responses.append(export(client, standin))
    for response in responses:
        message = "Unauthorized; scope does not match"
        assert response.json() == {"code": 401, "message": message}
        assert response.headers["x-failure-category"] == "FAILURE_CLIENT_SCOPE_CHECK"


def test_unauthorized_times(client: httpx.Client, standin: StandIn) -> None:
    standin.faults.unauthorized_times = 2
    assert [export(client, standin).status_code for _ in range(3)] == [401, 401, 200]


def test_conditional_export(client: httpx.Client, standin: StandIn, pages: dict[str, str]) -> None:
    assert "ETag" not in export(client, standin).headers
    standin.faults.etags = True
    etag = export(client, standin).headers["ETag"]
    unchanged = export(client, standin, **{"If-None-Match": f'"x", W/{etag}'})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    pages["1"] = "# Changed\n"
    assert export(client, standin, **{"If-None-Match": etag}).status_code == 200


def test_tenant_info(client: httpx.Client, standin: StandIn) -> None:
    assert client.get("/_edge/tenant_info").json() == {"cloudId": standin.cloud_id}


# Tokens


def test_rotation(client: httpx.Client, standin: StandIn) -> None:
    first = standin.oauth.issue_refresh_token()
    answer = refresh(client, standin, first).json()
    assert answer["expires_in"] == 3600
    assert answer["token_type"] == "Bearer"
    assert set(answer["scope"].split()) == NAMESPACED_SCOPES
    assert answer["refresh_token"] != first
    assert export(client, standin, token=answer["access_token"]).status_code == 200
    assert refresh(client, standin, answer["refresh_token"]).status_code == 200
    assert (standin.oauth.refreshes, standin.oauth.reuses) == (2, 0)


def test_reuse_is_forgiven_for_ten_minutes(
    client: httpx.Client, standin: StandIn, clock: Clock
) -> None:
    first = standin.oauth.issue_refresh_token()
    refresh(client, standin, first)
    clock.now += 600
    again = refresh(client, standin, first)
    assert again.status_code == 200
    assert refresh(client, standin, again.json()["refresh_token"]).status_code == 200
    assert (standin.oauth.refreshes, standin.oauth.reuses) == (3, 1)


def test_late_reuse_revokes_the_chain(client: httpx.Client, standin: StandIn, clock: Clock) -> None:
    first, other = standin.oauth.issue_refresh_token(), standin.oauth.issue_refresh_token()
    second = refresh(client, standin, first).json()["refresh_token"]
    clock.now += 601
    for token in first, second:
        response = refresh(client, standin, token)
        assert response.status_code == 403
        assert response.json() == {
            "error": "invalid_grant",
            "error_description": "Unknown or invalid refresh token.",
        }
    assert standin.oauth.reuses == 1
    assert refresh(client, standin, other).status_code == 200


def test_refresh_tokens_expire_unused(client: httpx.Client, standin: StandIn, clock: Clock) -> None:
    used, unused = standin.oauth.issue_refresh_token(), standin.oauth.issue_refresh_token()
    clock.now += 60 * DAY
    used = refresh(client, standin, used).json()["refresh_token"]
    clock.now += 60 * DAY
    assert refresh(client, standin, used).status_code == 200
    assert refresh(client, standin, unused).status_code == 403


def test_token_refusals(client: httpx.Client, standin: StandIn) -> None:
    wrong_secret = ask_token(client, standin, client_secret="wrong")
    assert wrong_secret.status_code == 401
    assert wrong_secret.json() == {"error": "access_denied", "error_description": "Unauthorized"}
    assert refresh(client, standin, "unknown").json()["error"] == "invalid_grant"
    assert ask_token(client, standin, grant_type="password").status_code == 400
    assert client.post("/oauth/token", data={"grant_type": "x"}).status_code == 400


def test_revoke_all(client: httpx.Client, standin: StandIn) -> None:
    first, access_token = standin.oauth.issue_refresh_token(), standin.oauth.issue_access_token()
    second = refresh(client, standin, first).json()["refresh_token"]
    standin.oauth.revoke_all()
    assert refresh(client, standin, second).status_code == 403
    assert export(client, standin, token=access_token).status_code == 401
    assert refresh(client, standin, standin.oauth.issue_refresh_token()).status_code == 200


def test_access_token_is_shaped_like_a_jwt(standin: StandIn, clock: Clock) -> None:
    token = standin.oauth.issue_access_token(account="557058:someone")
    _header, payload, _signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["sub"] == "557058:someone"
    assert claims["exp"] == clock.now + 3600
    assert claims["client_id"] == standin.client_id
    assert set(claims["scope"].split()) == NAMESPACED_SCOPES


def test_secrets_are_known(client: httpx.Client, standin: StandIn) -> None:
    first = standin.environment()["CONFLUENCE_MD_REFRESH_TOKEN"]
    answer = refresh(client, standin, first).json()
    expected = {standin.client_secret, first, answer["access_token"], answer["refresh_token"]}
    assert set(standin.oauth.secrets()) == expected


# Sign-in


def authorization(standin: StandIn, **changes: str) -> dict[str, str]:
    fields = {
        "audience": "api.atlassian.com",
        "client_id": standin.client_id,
        "scope": " ".join(sorted(ALL_SCOPES)),
        "redirect_uri": standin.oauth.callback,
        "state": "<&state>",
        "response_type": "code",
        "prompt": "consent",
        "sns": f"{APP_ID}.{PRODUCTION}",
    }
    return fields | changes


def decide(client: httpx.Client, fields: dict[str, str], decision: str) -> dict[str, str]:
    response = client.post("/authorize", data={**fields, "decision": decision})
    assert response.status_code == 302
    target, _, query = response.headers["Location"].partition("?")
    assert target == fields["redirect_uri"]
    return dict(parse_qsl(query))


def test_sign_in(client: httpx.Client, standin: StandIn) -> None:
    fields = authorization(standin)
    page = client.get("/authorize", params=fields)
    assert page.status_code == 200
    for part in ('id="accept"', 'id="deny"', standin.oauth.app_name, CUSTOM_SCOPE):
        assert part in page.text
    assert 'value="&lt;&amp;state&gt;"' in page.text

    result = decide(client, fields, "accept")
    assert result["state"] == fields["state"]
    exchange = {
        "grant_type": "authorization_code",
        "code": result["code"],
        "redirect_uri": fields["redirect_uri"],
    }
    other = ask_token(client, standin, **{**exchange, "redirect_uri": "http://localhost/other"})
    assert other.json()["error"] == "invalid_grant"
    tokens = ask_token(client, standin, **exchange).json()
    assert export(client, standin, token=tokens["access_token"]).status_code == 200
    assert refresh(client, standin, tokens["refresh_token"]).status_code == 200
    assert ask_token(client, standin, **exchange).status_code == 403


def test_sign_in_denied(client: httpx.Client, standin: StandIn) -> None:
    result = decide(client, authorization(standin), "deny")
    assert result["error"] == "access_denied"
    assert result["state"] == "<&state>"
    assert "code" not in result


def test_scopes_that_are_not_granted(client: httpx.Client, standin: StandIn) -> None:
    fields = authorization(standin, sns="", scope=f"{CUSTOM_SCOPE} read:forge-app:confluence")
    assert CUSTOM_SCOPE not in client.get("/authorize", params=fields).text.split("<form")[0]
    tokens = ask_token(
        client,
        standin,
        grant_type="authorization_code",
        code=decide(client, fields, "accept")["code"],
        redirect_uri=fields["redirect_uri"],
    ).json()
    assert "refresh_token" not in tokens
    assert tokens["scope"] == "read:forge-app:confluence"
    response = export(client, standin, token=tokens["access_token"])
    assert response.headers["x-failure-category"] == "FAILURE_CLIENT_SCOPE_CHECK"


@pytest.mark.parametrize(
    "name", ["audience", "client_id", "response_type", "redirect_uri", "scope"]
)
def test_invalid_authorization(client: httpx.Client, standin: StandIn, name: str) -> None:
    changes = {name: "" if name == "scope" else "<script>"}
    fields = authorization(standin, **changes)
    responses = (
        client.get("/authorize", params=fields),
        client.post("/authorize", data={**fields, "decision": "accept"}),
    )
    for response in responses:
        assert response.status_code == 400
        assert name in response.text
        assert "<script>" not in response.text


# Faults


def test_canned_answers(client: httpx.Client, standin: StandIn) -> None:
    standin.faults.answer(429, times=1, headers={"Retry-After": "1"})
    standin.faults.answer(200, page_id="2", body="<p>", content_type="text/html")
    standin.faults.answer(200, page_id="3", body="")
    throttled, fine, html, empty = (export(client, standin, page) for page in "1123")
    assert (throttled.status_code, throttled.headers["Retry-After"]) == (429, "1")
    assert throttled.json() == {"code": 429, "message": "Too Many Requests"}
    assert throttled.headers["atl-traceid"]
    assert fine.status_code == 200
    assert (html.text, html.headers["Content-Type"]) == ("<p>", "text/html")
    assert (empty.status_code, empty.content) == (200, b"")


def test_faults_of_other_routes(client: httpx.Client, standin: StandIn) -> None:
    token = standin.oauth.issue_refresh_token()
    standin.faults.answer(503, route="token", times=1)
    standin.faults.answer(200, route="tenant_info", body={"other": "x"}, times=1)
    assert refresh(client, standin, token).status_code == 503
    assert client.get("/_edge/tenant_info").json() == {"other": "x"}
    assert "cloudId" in client.get("/_edge/tenant_info").json()
    assert export(client, standin).status_code == 200

    # The answer is lost, but the token has been rotated.
    standin.faults.connection("cut", route="token", times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        refresh(client, standin, token)
    assert refresh(client, standin, token).status_code == 200
    assert standin.oauth.reuses == 1


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("cut", httpx.RemoteProtocolError),
        ("cut-in-body", httpx.ReadError),
        ("short-body", httpx.RemoteProtocolError),
    ],
)
def test_cut_connection(
    client: httpx.Client, standin: StandIn, kind: ConnectionFault, error: type[Exception]
) -> None:
    standin.faults.connection(kind, page_id="1", times=1)
    assert export(client, standin, "2").status_code == 200
    with pytest.raises(error):
        export(client, standin, "1")
    assert export(client, standin, "1").status_code == 200
    assert [record.status for record in standin.requests] == [200, 0, 200]


@pytest.mark.parametrize("kind", ["hang", "hang-in-body"])
def test_hang(client: httpx.Client, standin: StandIn, kind: ConnectionFault) -> None:
    standin.faults.connection(kind, times=1)
    client.timeout = httpx.Timeout(5, read=0.2)
    with pytest.raises(httpx.ReadTimeout):
        export(client, standin)
    client.timeout = httpx.Timeout(5)
    assert export(client, standin).status_code == 200
    assert standin.requests[0].status == 0


def test_trickle(client: httpx.Client, standin: StandIn) -> None:
    standin.faults.connection("trickle", times=1)
    token = standin.oauth.issue_access_token()
    headers = {"Authorization": f"Bearer {token}"}
    url = export_path(standin)
    with client.stream("POST", url, json={"pageId": "1"}, headers=headers) as response:
        drops = response.iter_raw(1)
        assert [next(drops) for _ in range(3)] == [b"."] * 3
    assert export(client, standin).status_code == 200
    assert standin.requests[0].status == 0


def test_what_happens_after_some_exports(client: httpx.Client, standin: StandIn) -> None:
    standin.faults.after_exports(2, standin.oauth.expire_access_tokens)
    token = standin.oauth.issue_access_token()
    pages = ("1", "missing", "2", "3")
    answers = [export(client, standin, page, token=token).status_code for page in pages]
    assert answers == [200, 404, 200, 401]
    assert export(client, standin).status_code == 200


def test_faults_are_checked(standin: StandIn) -> None:
    with pytest.raises(ValueError, match="no such connection fault: 'explode'"):
        standin.faults.connection("explode")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not 0 times"):
        standin.faults.answer(500, times=0)


def test_latency(client: httpx.Client, standin: StandIn) -> None:
    standin.faults.page_latency["1"] = 0.05
    export(client, standin)
    record = standin.requests[-1]
    assert record.finished - record.started >= 0.05


# The record


def test_requests_are_recorded(client: httpx.Client, standin: StandIn) -> None:
    token = standin.oauth.issue_access_token()
    export(client, standin, "2", token=token)
    assert client.put("/nowhere?a=b", headers={"Authorization": "Bearer x"}).status_code == 404
    first, second = standin.requests
    assert (first.method, first.page_id, first.status) == ("POST", "2", 200)
    assert first.headers["authorization"] == f"Bearer {token}"
    assert first.started <= first.finished <= second.started <= second.finished
    assert (second.method, second.path, second.query) == ("PUT", "/nowhere", "a=b")
    assert (second.page_id, second.status) == ("", 404)
    assert second.headers["Authorization"] == "Bearer x"


def test_header_names_have_no_case() -> None:
    headers = Headers([("X-One", "1")])
    assert "x-ONE" in headers
    assert headers["x-one"] == headers.get("X-ONE") == "1"
    assert headers.get("x-two", "2") == "2"


def test_request_without_a_length_is_refused(client: httpx.Client) -> None:
    assert client.post("/oauth/token", content=iter([b"{}"])).status_code == 411
    assert client.get("/_edge/tenant_info").status_code == 200


def test_peak_of_exports(client: httpx.Client, standin: StandIn) -> None:
    standin.faults.hold()
    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(export, client, standin, page_id) for page_id in "123"]
        arrived = standin.wait_for_exports(3)
        standin.faults.release()
        assert arrived
        assert [future.result().status_code for future in futures] == [200] * 3
    assert standin.peak_exports == 3
    assert sorted(standin.exports()) == ["1", "2", "3"]
    standin.clear()
    for page_id in "123":
        export(client, standin, page_id)
    assert standin.peak_exports == 1


def test_stats(client: httpx.Client, standin: StandIn) -> None:
    assert client.get("/_standin/stats").json()["first_export_started"] is None
    export(client, standin)
    export(client, standin)
    client.get("/_edge/tenant_info")
    refresh(client, standin, standin.oauth.issue_refresh_token())
    assert client.get("/_standin/stats").json() == {
        "requests": 4,
        "exports": 2,
        "peak_requests": 1,
        "peak_exports": 1,
        "first_export_started": standin.requests[0].started,
        "last_export_finished": standin.requests[1].finished,
        "refreshes": 1,
        "reuses": 0,
    }
    client.post("/_standin/clear")
    assert standin.requests == []
    assert standin.exports() == []


# The server


def test_environment(standin: StandIn) -> None:
    environment = standin.environment()
    assert environment["CONFLUENCE_MD_API_URL"] == standin.url
    assert environment["CONFLUENCE_MD_AUTH_URL"] == standin.url
    assert environment["CONFLUENCE_MD_CLIENT_ID"] == standin.client_id
    assert environment["CONFLUENCE_MD_CLIENT_SECRET"] == standin.client_secret
    assert environment != standin.environment()
    given = standin.environment(refresh_token="given")
    assert given["CONFLUENCE_MD_REFRESH_TOKEN"] == "given"


def test_stop_frees_whoever_waits(client: httpx.Client, standin: StandIn) -> None:
    standin.faults.connection("hang", page_id="1")
    standin.faults.page_latency["2"] = 60
    standin.faults.hold()
    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(export, client, standin, page_id) for page_id in "123"]
        arrived = standin.wait_for_exports(3)
        standin.stop()
        assert arrived
        assert all(isinstance(future.exception(), httpx.TransportError) for future in futures)
    assert not [each for each in threading.enumerate() if each.name.startswith("standin")]


def test_start_and_stop_again(client: httpx.Client, standin: StandIn) -> None:
    port = urlsplit(standin.url).port
    standin.start()
    assert export(client, standin).status_code == 200
    standin.stop()
    standin.stop()
    with pytest.raises(httpx.ConnectError):
        export(client, standin)
    standin.start()
    assert export(client, standin).status_code == 200
    assert urlsplit(standin.url).port == port


def test_no_address_before_start() -> None:
    with pytest.raises(RuntimeError, match="before it is started"):
        StandIn({}).url  # noqa: B018 - the access is what fails


def test_as_a_process(tmp_path: Path) -> None:
    (tmp_path / "1.md").write_text("# One\n")
    command = [sys.executable, "-m", "standin", str(tmp_path), "--port", "0"]
    with subprocess.Popen(command, cwd=EXAMPLE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        announcement = json.loads(process.stdout.readline())
        process.terminate()
    url = announcement["url"]
    assert announcement["environment"]["CONFLUENCE_MD_API_URL"] == url
    assert urlsplit(url).hostname == "127.0.0.1"
    assert process.returncode == 0
