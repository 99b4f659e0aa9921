"""The snippets of a text, followed to the letter: files are written, and commands are run.

A block with a title is a file. In a block of `console`, what follows `$ ` is a command, and the
lines below it are lines of its output, in their order; `…` is anything. Some commands are followed
in another way than by running them as they are:

- `pip install` names packages that the tests' environment has, and a virtual environment is there;
- `make` has the target, which CI runs by itself, and Zensical has an environment of its own;
- `confluence-md login` asks a person, who answers and accepts;
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
from processes import find_free_port
from projects import BIN, PASSED_VARIABLES

if TYPE_CHECKING:
    from standin import StandIn

SITE = "acme.atlassian.net"
_FENCE = re.compile(r'^( *)```(\w+)(?: title="([^"]+)")?\n(.*?)^\1```$', re.MULTILINE | re.DOTALL)
_PACKAGES = {"mkdocs-confluence-md", "mkdocs-material", "properdocs", "zensical"}
_FAILURES = ("Aborted", "Error:", "MkDocs refuses")
"""What a command prints that is to fail."""
_SECONDS = 60
BASH = "/bin/bash"


@dataclass(frozen=True)
class Snippet:
    """A block of code."""

    language: str
    title: str
    """The file that it is; empty where it is none."""
    text: str

    def commands(self) -> list[tuple[str, list[str]]]:
        """Return the commands of a console, each with the lines that it prints."""
        joined = self.text.replace("\\\n", " ")
        parts = re.split(r"^\$ ", joined, flags=re.MULTILINE)[1:]
        split = [part.rstrip("\n").split("\n") for part in parts]
        return [(lines[0], [line for line in lines[1:] if line.strip()]) for lines in split]


def find_snippets(markdown: str) -> list[Snippet]:
    """Return the blocks of a text in their order."""
    return [
        Snippet(language, title, textwrap.dedent(text))
        for _, language, title, text in _FENCE.findall(markdown)
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
            **{name: os.environ[name] for name in PASSED_VARIABLES if name in os.environ},
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
        for snippet in snippets:
            if snippet.title:
                self._write(snippet)
            for command, expected in snippet.commands() if snippet.language == "console" else ():
                self._check(command, expected)
                count += 1
        return count

    def _write(self, snippet: Snippet) -> None:
        text = snippet.text.replace(f"https://{SITE}", self.standin.url)
        text = text.replace(SITE, self.standin.url)
        if snippet.title == "mkdocs.yml" and "site_name" not in text:
            text = f"site_name: Handbook\n{text}"  # lines for a site that there is already
        path = self.directory / snippet.title
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def _check(self, command: str, expected: list[str]) -> None:
        output = self._do(command, expected)
        lines = iter(self._translate(output).splitlines())
        for line in expected:
            pattern = re.escape(" ".join(line.split())).replace("…", ".*")
            assert any(re.fullmatch(pattern, " ".join(each.split())) for each in lines), (
                f"{command} does not print {line!r}, where it should:\n{output}"
            )

    def _do(self, command: str, expected: list[str]) -> str:
        words = shlex.split(command)
        if _is_done_elsewhere(words):
            return ""
        if words[:2] == ["confluence-md", "login"]:
            return self._log_in(command)
        if "serve" in words[1:3]:
            return self._serve(command)
        return self._run(command, expected)

    def _run(self, command: str, expected: list[str]) -> str:
        """Run a command in a shell; where it is then, and its variables, are those of the next.

        It fails where it is to say so, and nowhere else.
        """
        script = f"{command}\nstatus=$?; pwd > {self._state}; env -0 >> {self._state}; exit $status"
        finished = subprocess.run(
            [BASH, "-c", script.replace(SITE, self.standin.url)],
            cwd=self.directory, env=self.variables, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=_SECONDS, check=False,
        )  # fmt: skip
        fails = any(word in line for line in expected for word in _FAILURES)
        assert (finished.returncode != 0) == fails, finished.stdout
        directory, _, variables = self._state.read_text("utf-8").partition("\n")
        self.directory = Path(directory)
        self.variables = dict(each.split("=", 1) for each in variables.split("\0") if "=" in each)
        return finished.stdout

    def _log_in(self, command: str) -> str:
        """Answer what is asked at a terminal, and accept in the browser."""
        port = find_free_port()
        self.standin.oauth.callback = f"http://localhost:{port}/callback"
        words = [*shlex.split(command.replace(SITE, self.standin.url)), "--port", str(port)]
        screen, keyboard = pty.openpty()
        process = subprocess.Popen(
            words, cwd=self.directory, env=self.variables, stdin=keyboard, stdout=keyboard,
            stderr=keyboard, start_new_session=True,
        )  # fmt: skip
        os.close(keyboard)
        answers = {"Client ID: ": self.standin.client_id,
                   "Client secret: ": self.standin.client_secret}  # fmt: skip
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

    def _translate(self, output: str) -> str:
        """Show the stand-in as the site that the texts are about."""
        output = re.sub(r"\x1b\[[0-9;]*m", "", output)
        url = re.escape(self.standin.url)
        output = re.sub(rf"{url}(?=/)", f"https://{SITE}", output)
        output = re.sub(url, SITE, output)
        output = output.replace(self.standin.url.removeprefix("http://"), "api.atlassian.com")
        return re.sub(r"127\.0\.0\.1:[0-9]+", "127.0.0.1:8000", output)


def _is_done_elsewhere(words: list[str]) -> bool:
    if words[:2] == ["pip", "install"]:
        assert {re.sub(r"\[.*", "", word) for word in words[2:]} <= _PACKAGES
        return True
    if words[0] == "make":
        assert f"\n{words[1]}:" in (ROOT / "Makefile").read_text("utf-8")
        return True
    return words[1:3] == ["-m", "venv"] or "zensical" in words
