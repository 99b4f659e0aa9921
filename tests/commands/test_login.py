"""`confluence-md login`: as a person does it, in a real browser where there is one."""

from __future__ import annotations

import html
import os
import pty
import re
import socket
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import Browser, sync_playwright

from browsing import CHROMIUM
from consenting import consent
from mkdocs_confluence_md.auth.token_store import TokenStore
from processes import find_free_port
from projects import BIN, Project, keep_login, make_login

if TYPE_CHECKING:
    from collections.abc import Iterator

    from standin import StandIn
    from standin.oauth import ScopeForm

needs_chromium = pytest.mark.skipif(
    not CHROMIUM and not os.environ.get("CI"), reason="there is no Chromium on this machine"
)
SCREENSHOTS = os.environ.get("SCREENSHOTS")


class Terminal:
    """A running `confluence-md login`; `stdin` is what is typed or piped."""

    def __init__(self, project: Project, standin: StandIn, *arguments: str, **changed: str) -> None:
        self.port = find_free_port()
        standin.oauth.callback = f"http://localhost:{self.port}/callback"
        self.command = [
            str(BIN / "confluence-md"), "login", "--site", standin.url, "--gateway", "site",
            "--port", str(self.port), *arguments,
        ]  # fmt: skip
        self.directory = project.root
        self.environment = {
            **project.variables(),
            "CONFLUENCE_MD_AUTH_URL": standin.url,
            "CONFLUENCE_MD_CLIENT_ID": standin.client_id,
            "CONFLUENCE_MD_CLIENT_SECRET": standin.client_secret,
            **{f"CONFLUENCE_MD_{name}": value for name, value in changed.items()},
        }

    @contextmanager
    def run(self) -> Iterator[subprocess.Popen[str]]:
        """Run the command; it has ended when this does."""
        with subprocess.Popen(
            self.command,
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a project without any variable."""
    return Project(tmp_path / "project")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Run Debian's Chromium."""
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-sync",
                 "--disable-background-networking", "--disable-component-update"]  # fmt: skip
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield chromium
        chromium.close()


def read_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def text_of(response: httpx.Response) -> str:
    """Return heading and text of our page."""
    return html.unescape(" / ".join(re.findall(r"<(?:h1|p)>(.*?)</", response.text)))


SIGNED_IN = """Open this address in a browser, and accept:

Signed in to {site}. The tokens are in {path}.

For mkdocs.yml:

plugins:
  - confluence-md:
      site: {site}
      gateway: site

The API answers.
"""


@needs_chromium
def test_a_person_signs_in_with_a_browser_and_then_builds_with_no_variable_set(
    project: Project, standin: StandIn, browser: Browser
) -> None:
    with Terminal(project, standin, "--no-browser").run() as process:
        page = browser.new_page()
        page.goto(read_line(process))
        if SCREENSHOTS:
            page.screenshot(path=f"{SCREENSHOTS}/consent.png")
        page.click("#accept")
        page.wait_for_url("http://localhost:*/callback?*")
        heading, title = page.text_content("h1"), page.title()
        if SCREENSHOTS:
            page.screenshot(path=f"{SCREENSHOTS}/signed-in.png")
        page.close()
        out, messages = process.communicate(timeout=30)

    assert (heading, title) == ("You are signed in", "You are signed in")
    assert (process.returncode, out) == (0, "")
    assert messages == SIGNED_IN.format(site=standin.url, path=project.token_file)

    project.environment = {}
    project.configure([{"Deploy": "confluence:101"}], site=standin.url, gateway="site")
    built = project.build()
    assert (built.exit_code, built.messages()) == (0, "")
    assert "Roll out" in built.page("deploy")
    assert (standin.oauth.refreshes, standin.oauth.reuses) == (0, 0)


@needs_chromium
def test_a_person_who_declines_reads_in_the_browser_what_to_do(
    project: Project, standin: StandIn, browser: Browser
) -> None:
    with Terminal(project, standin, "--no-browser").run() as process:
        page = browser.new_page()
        page.goto(read_line(process))
        page.click("#deny")
        page.wait_for_url("http://localhost:*/callback?*")
        shown = page.text_content("main")
        page.close()
        _, messages = process.communicate(timeout=30)

    sentence = (
        "Consent was denied in the browser. Run the command again and choose Accept; without it, "
        "no page can be exported."
    )
    assert shown == f"You are not signed in{sentence}"
    assert messages.endswith(f"Error: {sentence}\n")
    assert process.returncode == 1
    assert not project.token_file.exists()


def test_the_address_can_be_pasted_where_there_is_no_browser_or_port(
    project: Project, standin: StandIn
) -> None:
    with Terminal(project, standin, "--paste").run() as process:
        pasted = consent(read_line(process))
        out, messages = process.communicate(f"{pasted}\n", timeout=30)

    # Older versions of click write the space after the question to standard output.
    assert (process.returncode, out.strip()) == (0, "")
    assert re.search("Paste it here: ?Signed in to", messages)
    assert pasted not in messages
    project.configure([{"Deploy": "confluence:101"}], site=standin.url, gateway="site")
    assert project.build().exit_code == 0


@pytest.mark.parametrize("pasted", ["", "nonsense", "http://localhost/callback?code=x&state=other"])
def test_what_is_no_answer_to_this_sign_in_is_refused(
    project: Project, standin: StandIn, pasted: str
) -> None:
    with Terminal(project, standin, "--paste").run() as process:
        _, messages = process.communicate(f"{pasted or '?'}\n", timeout=30)

    assert (
        "Error: This is not the answer to this sign-in: its state is missing or wrong." in messages
    )
    assert process.returncode == 1
    assert "/oauth/token" not in [request.path for request in standin.requests]


def test_the_address_asks_for_everything_that_is_needed(project: Project, standin: StandIn) -> None:
    with Terminal(project, standin, "--no-browser", "--environment", "staging").run() as process:
        first, second = httpx.URL(read_line(process)).params, None
    with Terminal(project, standin, "--no-browser").run() as process:
        second = httpx.URL(read_line(process)).params

    assert first["scope"] == "export:markdown:custom read:forge-app:confluence offline_access"
    assert first["audience"] == "api.atlassian.com"
    assert first["prompt"] == "consent"
    assert first["response_type"] == "code"
    assert first["sns"] == (
        "0def1d4f-1593-4dd0-99a3-a098b3959067.73c9d7be-47c5-479a-b08d-14fb79453df8"
    )
    assert re.fullmatch(r"http://localhost:\d+/callback", first["redirect_uri"])
    assert len(first["state"]) >= 32
    assert first["state"] != second["state"]


def test_the_listener_refuses_and_explains_everything_but_its_one_callback(
    project: Project, standin: StandIn
) -> None:
    with Terminal(project, standin, "--no-browser").run() as process:
        callback = consent(read_line(process))
        advice = "Go back to the terminal and use the address that it shows."
        wrong_state = httpx.get(f"{callback}x")
        rebound = httpx.get(callback, headers={"Host": "evil.example"})
        elsewhere = httpx.get(httpx.URL(callback).copy_with(path="/favicon.ico"))
        posted = httpx.post(callback)
        accepted = httpx.get(callback, timeout=30)
        _, messages = process.communicate(timeout=30)

    assert (wrong_state.status_code, text_of(wrong_state)) == (
        400,
        "Not signed in / This answer belongs to another sign-in (its state is wrong). " + advice,
    )
    assert (rebound.status_code, text_of(rebound)) == (
        403,
        "Not signed in / This request was sent to another host name. " + advice,
    )
    assert elsewhere.status_code == 404
    assert posted.status_code == 501
    assert (accepted.status_code, text_of(accepted)) == (
        200,
        "You are signed in / You can close this tab. All else is in your terminal.",
    )
    assert accepted.headers["cache-control"] == "no-store"
    assert messages.count("A request was refused:") == 2
    assert process.returncode == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(callback)


def test_a_callback_that_is_replayed_meanwhile_is_refused(
    project: Project, standin: StandIn
) -> None:
    standin.faults.connection("hang", route="token", times=1)
    with Terminal(project, standin, "--no-browser").run() as process:
        callback = consent(read_line(process))
        first = threading.Thread(target=lambda: httpx.get(callback, timeout=30))
        first.start()
        while "/oauth/token" not in [request.path for request in standin.requests]:
            pass
        replayed = httpx.get(callback)
        standin.stop()  # frees what hangs
        first.join()
        _, messages = process.communicate(timeout=30)

    assert "This answer has already been received." in text_of(replayed)
    assert "did not arrive completely" in messages
    assert process.returncode == 1


def test_the_listener_is_on_loopback_only(project: Project, standin: StandIn) -> None:
    terminal = Terminal(project, standin, "--no-browser")
    with terminal.run() as process:
        read_line(process)
        listening = [
            line.split()[1]
            for name in ("tcp", "tcp6")
            for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
            if line.split()[3] == "0A" and line.split()[1].endswith(f":{terminal.port:04X}")
        ]

    ipv4, ipv6 = "0100007F", "00000000000000000000000001000000"
    assert listening in (
        [f"{ipv4}:{terminal.port:04X}", f"{ipv6}:{terminal.port:04X}"],
        [f"{ipv4}:{terminal.port:04X}"],  # a machine without IPv6
    )


def test_no_secret_is_in_the_arguments_or_in_what_is_printed(
    project: Project, standin: StandIn
) -> None:
    with Terminal(project, standin, "--no-browser").run() as process:
        url = read_line(process)
        arguments = Path(f"/proc/{process.pid}/cmdline").read_text()
        callback = consent(url)
        shown = httpx.get(callback, timeout=30).text
        out, messages = process.communicate(timeout=30)

    everything = f"{url}\n{arguments}\n{shown}\n{out}\n{messages}"
    assert not [secret for secret in standin.oauth.secrets() if secret in everything]


def test_the_secret_can_be_piped(project: Project, standin: StandIn) -> None:
    with Terminal(project, standin, "--no-browser", CLIENT_SECRET="").run() as process:
        assert process.stdin is not None
        process.stdin.write(f"{standin.client_secret}\n")
        process.stdin.flush()
        assert httpx.get(consent(read_line(process)), timeout=30).status_code == 200
        process.communicate(timeout=30)

    assert process.returncode == 0


def test_a_secret_is_no_option(project: Project, standin: StandIn) -> None:
    with Terminal(project, standin, "--client-secret", "x").run() as process:
        _, messages = process.communicate(timeout=30)

    assert "No such option: --client-secret" in messages or "No such option '--client-s" in messages


def fail(terminal: Terminal) -> str:
    """Run a login that fails before it waits for anybody; return its message."""
    with terminal.run() as process:
        _, messages = process.communicate("", timeout=30)
    assert process.returncode == 1
    assert "Traceback" not in messages
    return messages.replace("Open this address in a browser, and accept:\n\n", "")


def fail_after_consent(terminal: Terminal) -> str:
    """Run a login that fails after the person has accepted; return its message."""
    with terminal.run() as process:
        page = httpx.get(consent(read_line(process)), timeout=30)
        _, messages = process.communicate(timeout=30)
    assert process.returncode == 1
    message = messages.partition("Error: ")[2].strip()
    assert message.startswith(text_of(page).partition(" / ")[2])
    return message


def test_a_taken_port(project: Project, standin: StandIn) -> None:
    terminal = Terminal(project, standin, "--no-browser")
    with socket.create_server(("127.0.0.1", terminal.port)):
        assert fail(terminal) == (
            f"Error: Port {terminal.port} of this machine cannot be opened: another program "
            "uses it. End the program that uses it; or register a callback with another port "
            "for your integration, and name that with --port; or use --paste.\n"
        )


def test_nobody_answers_in_time(project: Project, standin: StandIn) -> None:
    assert fail(Terminal(project, standin, "--no-browser", "--timeout", "1")) == (
        "Error: No answer came from the browser within 1 s. Run the command again and accept. If "
        "the browser showed an error, compare the client ID and the callback of your integration; "
        "without a browser, use --paste.\n"
    )


def test_no_secret_at_all(project: Project, standin: StandIn) -> None:
    terminal = Terminal(project, standin, CLIENT_SECRET="")
    with terminal.run() as process:
        _, messages = process.communicate("", timeout=30)

    assert messages == (
        "Error: The client secret is missing, or has characters that no secret has. Set "
        "CONFLUENCE_MD_CLIENT_SECRET, or write it to standard input, in one line.\n"
    )


def test_a_wrong_secret(project: Project, standin: StandIn) -> None:
    host = httpx.URL(standin.url).netloc.decode()
    terminal = Terminal(project, standin, "--no-browser", CLIENT_SECRET="wrong")

    assert fail_after_consent(terminal) == (
        f"The client ID or the client secret is wrong, says the authorization server {host} "
        "(401 access_denied). Copy both from the settings of your OAuth 2.0 integration on "
        "https://developer.atlassian.com/console/myapps/, and run the command again."
    )
    assert not project.token_file.exists()


def test_a_code_that_was_used(project: Project, standin: StandIn) -> None:
    host = httpx.URL(standin.url).netloc.decode()
    with Terminal(project, standin, "--paste").run() as process:
        pasted = consent(read_line(process))
        standin.oauth.revoke_all()
        _, messages = process.communicate(f"{pasted}\n", timeout=30)

    assert messages.endswith(
        f"Error: The code was used already, or is too old, says the authorization server {host} "
        "(403 invalid_grant). Run the command again and accept in the browser once more.\n"
    )


def test_a_sign_in_that_the_api_does_not_accept(project: Project, standin: StandIn) -> None:
    host = httpx.URL(standin.url).netloc.decode()
    standin.faults.app_disabled = True

    message = fail_after_consent(Terminal(project, standin, "--no-browser"))

    assert message.startswith(
        f"Access is denied ({host} answers 403). Either the account may not see the page, or App "
        "REST APIs are turned off: ask a site admin to turn them on in the settings of the app."
    )
    assert project.token_file.exists()


def test_a_host_that_is_not_trusted(project: Project, standin: StandIn) -> None:
    assert fail(Terminal(project, standin, AUTH_URL="http://auth.example")).startswith(
        "Error: No token is sent to http://auth.example: http:// would send the token in clear"
    )
    assert standin.requests == []


def test_a_site_that_is_none(project: Project, standin: StandIn) -> None:
    terminal = Terminal(project, standin, "--site", "two words")
    with terminal.run() as process:
        _, messages = process.communicate(timeout=30)

    assert process.returncode == 2
    assert "'two words' is not a host name. Write the host of your Confluence site" in messages


def test_a_token_file_that_cannot_be_written_is_found_before_anybody_is_bothered(
    project: Project, standin: StandIn
) -> None:
    path = project.root / "mkdocs.yml" / "tokens.json"
    project.configure([])
    terminal = Terminal(project, standin, "--no-browser", TOKEN_FILE=str(path))

    assert fail(terminal).startswith(f"Error: The token file {path} cannot be locked: ")
    assert standin.requests == []


def test_what_the_server_sends_back_is_shown_as_text(project: Project, standin: StandIn) -> None:
    with Terminal(project, standin, "--no-browser").run() as process:
        callback = httpx.URL(consent(read_line(process), "deny"))
        shown = httpx.get(callback.copy_set_param("error", "<script>alert(1)</script>"), timeout=30)
        _, messages = process.communicate(timeout=30)

    assert "<script>" not in shown.text
    assert "&lt;script&gt;" in shown.text
    assert shown.headers["content-security-policy"].startswith("default-src 'none'")
    assert "The authorization server sent no code (“<script>" in messages


CUSTOM = "export:markdown:custom"
OTHERS = ["offline_access", "read:forge-app:confluence"]
STAGING = "0def1d4f-1593-4dd0-99a3-a098b3959067.73c9d7be-47c5-479a-b08d-14fb79453df8"


def paste_code(
    project: Project, standin: StandIn, scopes: list[str] | None = None
) -> tuple[int, str]:
    """Sign in with what a person has consented to; return exit code and messages."""
    with Terminal(project, standin, "--paste").run() as process:
        url = httpx.URL(read_line(process))
        granted = scopes or url.params["scope"].split()
        uri = url.params["redirect_uri"]
        code = standin.oauth.issue_code(granted, uri, url.params["sns"])
        pasted = f"{uri}?code={code}&state={url.params['state']}"
        _, messages = process.communicate(f"{pasted}\n", timeout=30)
    return process.returncode, messages


@pytest.mark.parametrize("form", ["namespaced", "plain", "absent"])
def test_each_form_of_granted_scopes_is_a_sign_in(
    project: Project, standin: StandIn, form: ScopeForm
) -> None:
    standin.oauth.scope_form = form

    exit_code, messages = paste_code(project, standin)

    assert exit_code == 0
    assert messages.endswith("\nThe API answers.\n")
    assert "Warning" not in messages


@pytest.mark.parametrize(
    ("namespace", "warning"),
    [
        (STAGING, f"Warning: {CUSTOM} was granted for the app's environment staging, and this "
         "sign-in is for production: see the option `environment`.\n"),
        ("some-app.some-environment", f"Warning: {CUSTOM} was granted for another app "
         "(some-app.some-environment): add “Markdown Exporter for Confluence” to the permissions "
         "of your OAuth 2.0 integration.\n"),
    ],
)  # fmt: skip
def test_a_scope_of_another_environment_or_app_is_named(
    project: Project, standin: StandIn, namespace: str, warning: str
) -> None:
    standin.oauth.granted_namespace = namespace

    exit_code, messages = paste_code(project, standin)

    assert exit_code == 0
    assert warning in messages
    assert project.token_file.exists()


@pytest.mark.parametrize(
    ("scopes", "missing"),
    [(OTHERS, [CUSTOM]), (["offline_access"], [CUSTOM, "read:forge-app:confluence"])],
)
def test_the_api_decides_whether_scopes_suffice(
    project: Project, standin: StandIn, scopes: list[str], missing: list[str]
) -> None:
    exit_code, messages = paste_code(project, standin, scopes)

    for name in missing:
        assert f"Warning: The authorization server does not say that {name} was" in messages
    assert "Error: The token lacks a scope that the export needs" in messages
    assert exit_code == 1
    assert project.token_file.exists()


def test_only_a_missing_refresh_token_stops_a_sign_in_which_is_kept_all_the_same(
    project: Project, standin: StandIn
) -> None:
    exit_code, messages = paste_code(project, standin, [CUSTOM, "read:forge-app:confluence"])

    assert exit_code == 1
    assert "Error: The sign-in came without a refresh token, so it ends in an hour. " in messages
    project.environment = {"CONFLUENCE_MD_AUTH_URL": standin.url}
    project.configure([{"Deploy": "confluence:101"}], site=standin.url, gateway="site")
    assert project.build().exit_code == 0

    standin.oauth.expire_access_tokens()
    project.configure([{"Other": "confluence:102"}], site=standin.url, gateway="site")
    built = project.build()
    assert built.exit_code == 1
    assert "came without a refresh token, and its access token has expired." in built.log


def test_an_earlier_refresh_token_survives_a_sign_in_without_one(
    project: Project, standin: StandIn
) -> None:
    assert paste_code(project, standin)[0] == 0
    exit_code, _ = paste_code(project, standin, [CUSTOM, "read:forge-app:confluence"])
    assert exit_code == 1

    standin.oauth.expire_access_tokens()
    project.environment = {"CONFLUENCE_MD_AUTH_URL": standin.url}
    project.configure([{"Deploy": "confluence:101"}], site=standin.url, gateway="site")
    assert project.build().exit_code == 0


def test_a_base_url_that_is_not_trusted_is_refused_before_the_browser(
    project: Project, standin: StandIn
) -> None:
    terminal = Terminal(project, standin, "--gateway", "api", API_URL="http://api.example")

    assert fail(terminal).startswith("Error: No token is sent to http://api.example: ")


@pytest.mark.parametrize("name", ["ACCESS_TOKEN", "REFRESH_TOKEN"])
def test_credentials_that_would_win_over_the_sign_in_are_named(
    project: Project, standin: StandIn, name: str
) -> None:
    with Terminal(project, standin, "--no-browser", **{name: "of-old"}).run() as process:
        httpx.get(consent(read_line(process)), timeout=30)
        _, messages = process.communicate(timeout=30)

    assert (
        f"CONFLUENCE_MD_{name} is set here, and builds use it rather than this sign-in." in messages
    )


def test_the_browser_is_opened_where_there_is_one(
    project: Project, standin: StandIn, tmp_path: Path
) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {tmp_path}/opened\n')
    browser.chmod(0o755)
    terminal = Terminal(project, standin)
    terminal.environment["BROWSER"] = str(browser)
    with terminal.run() as process:
        assert process.stderr is not None
        lines = [process.stderr.readline() for _ in range(3)]
        url = lines[2].strip()
        httpx.get(consent(url), timeout=30)
        out, _ = process.communicate(timeout=30)

    assert lines[0] == "Accept in the browser. If none has opened, open:\n"
    assert (tmp_path / "opened").read_text() == url
    assert out == ""


def test_without_a_terminal_nothing_is_asked_for(project: Project, standin: StandIn) -> None:
    """A secret that is piped in must not be taken for the answer to another question."""
    for option, variables in (("--site", {}), ("--client-id", {"CLIENT_ID": ""})):
        terminal = Terminal(project, standin, CLIENT_SECRET="", **variables)
        if option == "--site":
            del terminal.command[2:4]
        with terminal.run() as process:
            out, messages = process.communicate("TOP-SECRET\n", timeout=30)

        assert messages == (
            f"Error: {option} is missing. Add it to the command: without a terminal, it "
            "cannot be asked for.\n"
        )
        assert (process.returncode, out) == (1, "")


def test_at_a_terminal_everything_is_asked_for_and_the_secret_is_not_shown(
    project: Project, standin: StandIn
) -> None:
    terminal = Terminal(project, standin, "--no-browser", CLIENT_SECRET="", CLIENT_ID="")
    del terminal.command[2:4]
    screen, keyboard = pty.openpty()
    with subprocess.Popen(
        terminal.command,
        cwd=terminal.directory,
        env=terminal.environment,
        stdin=keyboard,
        stdout=subprocess.PIPE,
        stderr=keyboard,
        text=True,
        start_new_session=True,
    ) as process:
        # So that nobody waits for a question of a process that has ended.
        os.close(keyboard)
        shown = type_answers(
            screen,
            {
                "Confluence site, like acme.atlassian.net:": standin.url,
                "Client ID:": standin.client_id,
                # With the space, the terminal no longer throws away what is typed.
                "Client secret: ": standin.client_secret,
            },
        )
        url = read_line(process)
        httpx.get(consent(url), timeout=30)
        assert process.wait(30) == 0
        assert process.stdout is not None
        assert process.stdout.read().strip() == ""
    os.close(screen)

    assert url.startswith(f"{standin.url}/authorize?")
    assert standin.client_id in shown
    assert standin.client_secret not in shown


def type_answers(screen: int, answers: dict[str, str]) -> str:
    """Answer each question when it stands on the screen; return what was shown."""
    shown = ""
    for question, text in answers.items():
        while question not in shown:
            shown += os.read(screen, 1024).decode()
        os.write(screen, f"{text}\n".encode())
    while "accept:" not in shown:
        shown += os.read(screen, 1024).decode()
    return shown


def without_site(terminal: Terminal) -> Terminal:
    """Leave out what `mkdocs.yml` says."""
    place = terminal.command.index("--site")
    del terminal.command[place : place + 4]
    return terminal


def paste(terminal: Terminal) -> str:
    """Sign in, and return the messages."""
    with terminal.run() as process:
        _, messages = process.communicate(f"{consent(read_line(process))}\n", timeout=30)
    assert process.returncode == 0, messages
    return messages


def test_the_site_is_that_of_the_configuration_in_the_directory(
    project: Project, standin: StandIn
) -> None:
    project.configure(["confluence:101"], site=standin.url, gateway="site")

    messages = paste(without_site(Terminal(project, standin, "--paste")))

    assert messages.startswith(f"Site: {standin.url}, as in mkdocs.yml.\n")
    # It is there already.
    assert "For mkdocs.yml" not in messages


def test_a_client_is_not_asked_for_twice(project: Project, standin: StandIn) -> None:
    paste(Terminal(project, standin, "--paste"))

    paste(Terminal(project, standin, "--paste", CLIENT_ID="", CLIENT_SECRET=""))


def answer_at_a_terminal(terminal: Terminal, answers: dict[str, str]) -> str:
    """Answer questions at a terminal, consent, and return what was shown until then."""
    screen, keyboard = pty.openpty()
    with subprocess.Popen(
        terminal.command, env=terminal.environment, cwd=terminal.directory,
        stdin=keyboard, stdout=subprocess.PIPE, stderr=keyboard, text=True,
        start_new_session=True,
    ) as process:  # fmt: skip
        os.close(keyboard)
        shown = type_answers(screen, answers)
        httpx.get(consent(read_line(process)), timeout=30)
        assert process.wait(30) == 0
    os.close(screen)
    return shown


def test_a_person_is_offered_the_client_of_an_earlier_sign_in(
    project: Project, standin: StandIn
) -> None:
    paste(Terminal(project, standin, "--paste"))
    terminal = Terminal(project, standin, "--no-browser", CLIENT_ID="", CLIENT_SECRET="")

    shown = answer_at_a_terminal(terminal, {"[Y/n]: ": ""})

    question = f"Use the integration that signed in to {standin.url} (client ID "
    assert question + standin.client_id[:6] in shown
    assert standin.client_secret not in shown


def test_a_person_reads_where_client_id_and_secret_are(project: Project, standin: StandIn) -> None:
    terminal = Terminal(project, standin, "--no-browser", CLIENT_ID="", CLIENT_SECRET="")

    shown = answer_at_a_terminal(
        terminal, {"Client ID:": standin.client_id, "Client secret: ": standin.client_secret}
    )

    assert shown.startswith(
        "Client ID and secret are in the settings of your OAuth 2.0 integration:\r\n"
        "https://developer.atlassian.com/console/myapps/\r\n"
    )


@pytest.mark.parametrize("site", ["acme", "acme.atlassian.net", "https://acme.atlassian.net/wiki"])
def test_a_site_by_its_name(project: Project, standin: StandIn, site: str) -> None:
    terminal = Terminal(project, standin, CLIENT_SECRET="")
    terminal.command[terminal.command.index("--site") + 1] = site

    # It got as far as the next question.
    assert fail(terminal).startswith(
        "Error: The client secret is missing, or has characters that no secret has."
    )


def test_a_sign_in_that_another_secret_sealed_does_not_stop_a_new_one(
    project: Project, standin: StandIn
) -> None:
    secret = standin.client_secret
    store = TokenStore(project.token_file, client_secret=secret, is_sealed=True)
    keep_login(store, make_login(standin))
    project.environment |= {"CI": "true", "CONFLUENCE_MD_CLIENT_SECRET": "a-new-client-secret"}
    for name in ("CLIENT_ID", "REFRESH_TOKEN"):
        project.environment.pop(f"CONFLUENCE_MD_{name}", None)
    project.configure(["confluence:101"], site=standin.url, gateway="site")

    code, _, messages = project.run("login", "--no-browser")

    assert code == 1
    assert messages.splitlines()[-1].startswith("Error: --client-id is missing."), messages
