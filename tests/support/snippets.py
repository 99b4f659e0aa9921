"""The snippets of a text, followed to the letter: files are written, and commands are run.

A block with a title is a file. A block of `sh` has commands, and a block of `text` right after it,
without a copy button, has lines of their output, in their order; `…` is anything. Some commands are
followed in another way than by running them as they are:

- `pip install` names packages that the tests' environment has, and a virtual environment is there;
  other tests build wheels and images;
- `make` has the target, which CI runs by itself, and Zensical has an environment of its own;
- `confluence-md login` and `init` ask a person, who answers and accepts;
- `mkdocs serve` ends when it serves.
"""

from __future__ import annotations

import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import textwrap
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from places import ROOT, SUPPORT
from processes import find_free_port, unmeasured
from projects import BIN, PASSED_VARIABLES

if TYPE_CHECKING:
    from standin import StandIn

SITE = "acme.atlassian.net"
_FENCE = re.compile(
    r'^( *)```(?:(\w+)| ?\{ \.(\w+)([^}\n]*)\})(?: title="([^"]+)")?\n(.*?)^\1```$',
    re.MULTILINE | re.DOTALL,
)
_NAV = re.compile(r"^nav:\n(?:[ #-].*\n|\n(?=[ #-]))*", re.MULTILINE)
_CHECKOUT = "../mkdocs-confluence-md"
_PACKAGES = {_CHECKOUT, f"{_CHECKOUT}[keyring]", "mkdocs-material", "properdocs", "zensical",
             "dist/mkdocs_confluence_md-*.whl"}  # fmt: skip
_SECONDS = 60
BASH = "/bin/bash"


@dataclass(frozen=True)
class Snippet:
    """A block of code."""

    language: str
    title: str
    """The file that it is; empty where it is none."""
    text: str
    fails: bool = False
    """Whether its last command is to fail."""
    is_output: bool = False

    def commands(self) -> list[str]:
        """Return the commands of a block: its lines, or the whole where one goes on in the next."""
        lines = self.text.replace("\\\n", " ").splitlines()
        is_whole = any(line.startswith((" ", "for ")) for line in lines)
        return [self.text] if is_whole else lines


def find_snippets(markdown: str) -> list[Snippet]:
    """Return the blocks of a text in their order."""
    return [
        Snippet(
            plain or named,
            title,
            textwrap.dedent(text),
            fails=".fails" in classes,
            is_output=".no-copy" in classes,
        )
        for _, plain, named, classes, title, text in _FENCE.findall(markdown)
    ]


@dataclass
class Follower:
    """Somebody who does what a text says, in a directory of a machine of their own."""

    directory: Path
    standin: StandIn
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        home = self.directory.parent / "home"
        home.mkdir()
        self._state = home / "state"
        self.variables = {
            **{name: value for name, value in unmeasured().items() if name in PASSED_VARIABLES},
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(home),
            "BROWSER": f"{sys.executable} {SUPPORT / 'consenting.py'} %s &",
            "NO_MKDOCS_2_WARNING": "1",
            "CONFLUENCE_MD_API_URL": self.standin.url,
            "CONFLUENCE_MD_AUTH_URL": self.standin.url,
        }

    def follow(self, snippets: list[Snippet]) -> int:
        """Do what they say; return how many commands there were."""
        count = 0
        for snippet, following in zip(snippets, [*snippets[1:], None], strict=True):
            if snippet.title:
                self._write(snippet)
            if snippet.language != "sh":
                continue
            expected = following.text if following and following.is_output else ""
            self._check(snippet, [line for line in expected.splitlines() if line.strip()])
            count += 1
        return count

    def _write(self, snippet: Snippet) -> None:
        text = snippet.text.replace(f"https://{SITE}", self.standin.url)
        text = text.replace(SITE, self.standin.url)
        if snippet.title == "nav in mkdocs.yml":
            file = self.directory / "mkdocs.yml"
            written = file.read_text(encoding="utf-8")
            file.write_text(_NAV.sub(lambda _: text, written), encoding="utf-8")
            return
        if snippet.title == "mkdocs.yml" and "site_name" not in text:
            text = f"site_name: Handbook\n{text}"  # lines for a site that there is already
        path = self.directory / snippet.title
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def _check(self, snippet: Snippet, expected: list[str]) -> None:
        commands = snippet.commands()
        outputs = [
            self._do(each, fails=snippet.fails and each == commands[-1]) for each in commands
        ]
        output = "".join(outputs)
        lines = iter(self._translate(output).splitlines())
        for line in expected:
            pattern = re.escape(" ".join(line.split())).replace("…", ".*")
            assert any(re.fullmatch(pattern, " ".join(each.split())) for each in lines), (
                f"{snippet.text} does not print {line!r}, where it should:\n{output}"
            )

    def _do(self, command: str, *, fails: bool) -> str:
        words = shlex.split(command)
        if _is_done_elsewhere(words):
            return ""
        if words[:2] in (["confluence-md", "login"], ["confluence-md", "init"]):
            return self._log_in(command)
        if "serve" in words[1:3]:
            return self._serve(command)
        return self._run(command, fails=fails)

    def _run(self, command: str, *, fails: bool) -> str:
        """Run a command in a shell; where it is then, and its variables, are those of the next."""
        script = f"{command}\nstatus=$?; pwd > {self._state}; env -0 >> {self._state}; exit $status"
        finished = subprocess.run(
            [BASH, "-c", self._adapt(script)],
            cwd=self.directory, env=self.variables, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=_SECONDS, check=False,
        )  # fmt: skip
        assert (finished.returncode != 0) == fails, finished.stdout
        directory, _, variables = self._state.read_text("utf-8").partition("\n")
        self.directory = Path(directory)
        self.variables = dict(each.split("=", 1) for each in variables.split("\0") if "=" in each)
        return finished.stdout

    def _log_in(self, command: str) -> str:
        """Answer what is asked at a terminal, and accept in the browser."""
        port = find_free_port()
        self.standin.oauth.callback = f"http://localhost:{port}/callback"
        words = [*shlex.split(self._adapt(command)), "--port", str(port)]
        screen, keyboard = pty.openpty()
        process = subprocess.Popen(
            words, cwd=self.directory, env=self.variables, stdin=keyboard, stdout=keyboard,
            stderr=keyboard, start_new_session=True,
        )  # fmt: skip
        os.close(keyboard)
        answers = {"Client ID: ": self.standin.client_id,
                   "Client secret: ": self.standin.client_secret,
                   "[Y/n]: ": ""}  # fmt: skip
        shown = ""
        with suppress(OSError):  # the end of a terminal
            while chunk := os.read(screen, 4096).decode():
                shown += chunk
                for question in [each for each in answers if shown.endswith(each)]:
                    os.write(screen, f"{answers.pop(question)}\n".encode())
        os.close(screen)
        assert process.wait(_SECONDS) == 0, shown
        return shown

    def _serve(self, command: str) -> str:
        """Wait until it serves, and press Ctrl+C."""
        variables, *words = re.split(r"(?=mkdocs|properdocs)", command, maxsplit=1)
        script = f"exec env {variables} {words[0]} -a 127.0.0.1:{find_free_port()}"
        process = subprocess.Popen(
            [BASH, "-c", script], cwd=self.directory, env=self.variables,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert process.stdout
        shown = ""
        for line in process.stdout:
            shown += line
            if "Serving on" in line:
                break
        process.send_signal(signal.SIGINT)
        shown += process.stdout.read()
        assert process.wait(_SECONDS) == 0, shown
        process.stdout.close()
        return shown

    def _adapt(self, command: str) -> str:
        """Name the stand-in instead of the site that the texts are about."""
        command = command.replace(f"https://{SITE}", self.standin.url)
        return re.sub(rf"{re.escape(SITE)}|(?<=--site )acme\b", self.standin.url, command)

    def _translate(self, output: str) -> str:
        """Show the stand-in as the site that the texts are about."""
        output = re.sub(r"\x1b\[[0-9;]*m", "", output)
        url = re.escape(self.standin.url)
        output = re.sub(rf"{url}(?=/)", f"https://{SITE}", output)
        output = re.sub(url, SITE, output)
        output = output.replace(self.standin.url.removeprefix("http://"), "api.atlassian.com")
        return re.sub(r"127\.0\.0\.1:[0-9]+", "127.0.0.1:8000", output)


def _is_done_elsewhere(words: list[str]) -> bool:
    if words[0] == "uv":
        words = words[1:]
    if words[:2] == ["pip", "install"]:
        assert {word for word in words[2:] if word != "--upgrade"} <= _PACKAGES
        return True
    if words[:2] == ["pip", "wheel"] or words[0] in ("build", "docker"):
        return True
    if words[0] == "make":
        assert f"\n{words[1]}:" in (ROOT / "Makefile").read_text("utf-8")
        return True
    return words[1:3] == ["-m", "venv"] or "zensical" in words
