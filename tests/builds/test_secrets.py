"""Secrets stay where they are: whatever a build does, nothing of them is left behind."""

from __future__ import annotations

import base64
import io
import shutil
import sqlite3
import zipfile
from contextlib import closing
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from archives import make_zip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from projects import Built, Project
    from standin import StandIn

NAV = [{"Deploy": "confluence:101"}, {"Roll back": "confluence:102"}]


def expire(standin: StandIn) -> None:
    standin.oauth.expire_access_tokens()


def revoke(standin: StandIn) -> None:
    standin.oauth.revoke_all()


def lose_scope(standin: StandIn) -> None:
    standin.faults.missing_scope = True


def fail_to_refresh(standin: StandIn) -> None:
    standin.faults.answer(500, route="token")


def refuse(standin: StandIn) -> None:
    standin.faults.unauthorized_times = 100


def cut(standin: StandIn) -> None:
    standin.faults.connection("cut")


def find_leaks(project: Project, built: Built, secrets: list[str]) -> list[str]:
    """Return where a secret is, in the site, in the cache and in what was printed."""

    def contents() -> Iterator[tuple[str, bytes]]:
        yield "the log", built.log.encode()
        for folder in ("site", ".cache"):
            for path in (project.root / folder).rglob("*"):
                if path.is_file():
                    yield str(path), path.read_bytes()

    return [
        name for name, content in contents() if any(each.encode() in content for each in secrets)
    ]


@pytest.mark.parametrize(
    "happens", [lambda _: None, expire, revoke, lose_scope, fail_to_refresh, refuse, cut]
)
def test_no_build_leaves_a_secret_in_site_cache_or_verbose_output(
    project: Project, standin: StandIn, happens: Callable[[StandIn], None]
) -> None:
    project.configure(NAV, site=standin.url, max_age=0)
    first = project.build("-v")
    assert first.exit_code == 0
    assert (project.root / ".cache").is_dir()
    happens(standin)

    second = project.build("-v", strict=False)

    secrets = [*standin.oauth.secrets(), project.environment["CONFLUENCE_MD_REFRESH_TOKEN"]]
    assert standin.client_secret in secrets
    assert len(secrets) > 3
    assert [find_leaks(project, built, secrets) for built in (first, second)] == [[], []]


def test_only_exports_and_token_requests_carry_a_secret(project: Project, standin: StandIn) -> None:
    project.configure(NAV, site=standin.url)
    project.build()

    with_token = {
        r.path.rpartition("/")[2] for r in standin.requests if "Authorization" in r.headers
    }

    assert with_token == {"singleExport"}
    assert standin.oauth.reuses == 0


@pytest.mark.parametrize("on_error", ["fail", "placeholder"])
@pytest.mark.parametrize("happens", [lambda _: None, expire, lose_scope])
def test_an_access_token_of_the_environment_is_not_left_behind_either(
    project: Project, standin: StandIn, happens: Callable[[StandIn], None], on_error: str
) -> None:
    token = standin.oauth.issue_access_token()
    project.environment["CONFLUENCE_MD_ACCESS_TOKEN"] = token
    project.configure(NAV, site=standin.url, max_age=0, on_error=on_error)
    happens(standin)

    built = project.build("-v", strict=False)

    assert find_leaks(project, built, [*standin.oauth.secrets(), token]) == []


@pytest.mark.parametrize("status", [200, 401, 302, 503])
def test_an_account_for_versions_is_not_left_behind(
    project: Project, standin: StandIn, status: int
) -> None:
    variables = standin.rest_environment()
    project.environment |= variables
    email, token = variables.values()
    basic = base64.b64encode(f"{email}:{token}".encode()).decode()
    secrets = [email, token, basic]
    project.configure(NAV, site=standin.url, max_age=0)
    first = project.build("-v")
    if status != 200:
        elsewhere = standin.url.replace("127.0.0.1", "localhost")
        said = {"message": f"Not {email}, nor {token}, nor Basic {basic}"}
        standin.faults.answer(
            status, route="rest", body=said, headers={"Location": f"{elsewhere}/wiki/other"}
        )
    second = project.build("-v", strict=False)

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert [find_leaks(project, built, secrets) for built in (first, second)] == [[], []]
    carried = {
        (request.path, request.headers["Host"])
        for request in standin.requests
        if basic in request.headers.get("Authorization", "")
    }
    host = standin.url.removeprefix("http://")
    gateway = f"/ex/confluence/{standin.cloud_id}"
    others = {(f"{gateway}/wiki/api/v2/pages", host)} if status in (401, 302) else set()
    assert carried == {
        ("/wiki/api/v2/pages", host),
        ("/wiki/api/v2/users-bulk", host),
        *others,
    }


@pytest.mark.parametrize("encode", [str, lambda text: base64.b64encode(text.encode()).decode()])
def test_a_name_that_repeats_a_token_is_not_shown(
    project: Project, standin: StandIn, pages: dict[str, str], encode: Callable[[str], str]
) -> None:
    token = standin.oauth.issue_access_token()
    said = encode(token)
    project.environment["CONFLUENCE_MD_ACCESS_TOKEN"] = token
    pages["101"] = f"# Deploy\n\n![Plan]({said}.png) [Part](#{said})\n"
    standin.pages.attachments["101"] = {f"{said}.png": b""}
    project.configure(NAV, site=standin.url)

    built = project.build("-v", strict=False)

    assert built.exit_code == 0
    assert said not in built.log
    assert "…" in built.messages()


CANARY = "eyJhbGciOi.CANARY-_IsAlive"
MEDIA = (
    "https://api.media.atlassian.com/file/0a1b2c3d-1111-4222-8333-444455556666/binary"
    f"?token={CANARY}&client=5&name=plan%20b.png"
)
SHOWING_MEDIA = f"""---
source: {MEDIA}
description: See {MEDIA}
---
# Deploy

![A]({MEDIA}) [link]({MEDIA} "T {MEDIA}") [{MEDIA}]({MEDIA}) {MEDIA} <{MEDIA}> [r][] `{MEDIA}`

<p><img src='{MEDIA}' srcset="{MEDIA} 1x, {MEDIA} 2x" data-src="{MEDIA}"> {MEDIA}</p>

Inline <img src="{MEDIA.replace("&", "&amp;")}"> <a href='{MEDIA}'>{MEDIA}</a> <!-- {MEDIA} -->

| ![A]({MEDIA}) | `{MEDIA}` |
| - | - |
| {MEDIA} | b |

```
curl -L "{MEDIA}"
```

> [!NOTE] {MEDIA}
> Text

[r]: {MEDIA}
"""


def find_canary(root: Path) -> list[str]:
    """Return the files below a directory that have the canary, also packed in archives."""
    return [str(path) for path in root.rglob("*") if path.is_file() and has_canary(path)]


def has_canary(path: Path) -> bool:
    contents = [path.read_bytes()]
    if path.name == "cache.db":
        with closing(sqlite3.connect(path)) as database:
            values = database.execute("SELECT value FROM Cache").fetchall()
        contents += [bytes(value) for (value,) in values if isinstance(value, bytes)]
    for content in contents:
        if content.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                contents += [archive.read(name) for name in archive.namelist()]
    return any(b"CANARY" in content for content in contents)


@pytest.mark.parametrize("theme", ["mkdocs", "material"])
@pytest.mark.parametrize("is_tree", [False, True])
def test_the_token_of_a_picture_goes_nowhere(
    project: Project, standin: StandIn, pages: dict[str, str], *, is_tree: bool, theme: str
) -> None:
    pages["101"] = SHOWING_MEDIA
    standin.pages.attachments["101"] = {"plan b.png": b"png"}
    nav = ["confluence:101/" if is_tree else "confluence:101"]
    project.configure(nav, theme=theme, site=standin.url, settings={"hooks": []})

    built = project.build("-v")
    exit_code, *said = project.run("pull", "-f", "mkdocs.yml", "snapshot")

    warnings = [line for line in built.messages().splitlines() if line.startswith("WARNING")]
    assert (built.exit_code, warnings, exit_code) == (0, [], 0)
    assert "token=…" in built.page("101" if not is_tree else "deploy")
    assert standin.tree_exports() == ["101"] * is_tree
    assert "CANARY" not in "".join([built.log, *said])
    assert find_canary(project.root) == []
    assert len(list((project.root / "snapshot").rglob("plan-b.png"))) == 1


def test_an_error_does_not_repeat_the_token_of_a_picture(
    project: Project, standin: StandIn
) -> None:
    standin.faults.answer(500, body={"message": f"Cannot load {MEDIA} now"})
    project.configure(NAV, site=standin.url)

    built = project.build("-v", strict=False)

    assert "Cannot load https://api.media.atlassian.com" in built.log
    assert "CANARY" not in built.log


def test_copies_of_earlier_versions_lose_their_tokens_when_they_are_read(
    project: Project, standin: StandIn, pages: dict[str, str]
) -> None:
    pages["101"] = SHOWING_MEDIA
    standin.pages.attachments["101"] = {"plan b.png": b"png"}
    settings: dict[str, object] = {"hooks": []}
    project.configure(["confluence:101"], site=standin.url, settings=settings)
    project.build()
    live = b"token=CAN"  # as long as what stands in its place
    [database] = project.root.rglob("cache.db")
    with closing(sqlite3.connect(database)) as connection, connection:
        rows = connection.execute("SELECT rowid, value FROM Cache").fetchall()
        changed = [
            (value.replace("token=…".encode(), live), row) for row, value in rows
            if isinstance(value, bytes) and "token=…".encode() in value
        ]  # fmt: skip
        connection.executemany("UPDATE Cache SET value = ? WHERE rowid = ?", changed)
    assert len(changed) == 1
    standin.clear()

    built = project.build("-v")
    project.run("pull", "-f", "mkdocs.yml", "snapshot")

    assert standin.exports() == []
    assert built.exit_code == 0
    for folder in ("site", "snapshot"):
        assert [path for path in (project.root / folder).rglob("*")
                if path.is_file() and live in path.read_bytes()] == []  # fmt: skip


def test_a_snapshot_of_an_earlier_version_loses_its_tokens_when_it_is_read(
    project: Project, standin: StandIn, pages: dict[str, str]
) -> None:
    pages["101"] = SHOWING_MEDIA
    standin.pages.attachments["101"] = {"plan b.png": b"png"}
    settings: dict[str, object] = {"hooks": []}
    project.configure(["confluence:101"], site=standin.url, settings=settings, snapshot="snapshot")
    project.run("pull", "-f", "mkdocs.yml", "snapshot")
    manifest = project.root / "snapshot/confluence-md.json"
    [export] = [p for p in (project.root / "snapshot").rglob("101.md") if "docs" not in p.parts]
    before = sha256(export.read_bytes()).hexdigest()
    export.write_bytes(SHOWING_MEDIA.encode())
    after = sha256(export.read_bytes()).hexdigest()
    manifest.write_text(manifest.read_text("utf-8").replace(before, after), "utf-8")
    shutil.rmtree(project.root / ".cache")
    project.environment = {}

    built = project.build("-v")

    assert (built.exit_code, "from the snapshot" in built.log) == (0, True)
    assert "CANARY" not in built.log
    assert find_canary(project.root / "site") == []


def test_an_archive_that_is_packed_anew_says_what_was_wrong_with_it(
    project: Project, standin: StandIn, pages: dict[str, str]
) -> None:
    for page_id in list(pages)[1:]:
        del pages[page_id]
    standin.pages.tree_archives["101"] = make_zip(
        ("page.md", SHOWING_MEDIA.encode()), ("plan b.png", b"png"), ("../evil.png", b"x")
    )
    project.configure([{"Deploy": "confluence:101/"}], site=standin.url)

    first, second = project.build(strict=False), project.build(strict=False)

    assert standin.tree_exports() == ["101"]
    assert "the name leads out of its folder (../evil.png)" in first.messages()
    assert second.messages() == first.messages()
    assert find_canary(project.root) == []
    assert (project.root / "site/deploy/plan-b.png").read_bytes() == b"png"
