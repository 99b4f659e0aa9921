"""Commands in processes of their own, forked from one that has already imported what they need.

Three quarters of a small build are imports, and the suite makes a thousand of them. What is run is
what the installed command runs, with the arguments, the directory, the environment and the output
of a process of its own. Tests of starting up, of signals and of servers start the command itself.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from itertools import count
from multiprocessing import get_all_start_methods
from multiprocessing.context import ForkServerContext
from pathlib import Path
from pkgutil import walk_packages
from typing import TYPE_CHECKING
from unittest import mock

import mkdocs_confluence_md

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Python and Material look at these when they start, so they are the same for all commands.
AT_START = {
    "PYTHONWARNINGS": "error::ResourceWarning",
    "NO_MKDOCS_2_WARNING": "1",  # Material's advertisement
    "DISABLE_MKDOCS_2_WARNING": "true",  # ProperDocs'
}

BIN = Path(sys.executable).parent
FORKSERVER = "forkserver"
# ProperDocs takes MkDocs' place in a process, so it starts from nothing.
FORKED = {"mkdocs", "confluence-md"}
PRELOADED = ["mkdocs.__main__", "mkdocs.commands.build", "material"]

# Has a Python process measure itself from its start.
MEASURED = "COVERAGE_PROCESS_CONFIG"
# The same for the process that others are forked from, which itself is not measured.
MEASURED_LATER = "MEASURED_LATER"

_ports = count()


def _find_first_handed_out() -> int:
    try:
        first = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0]
    except OSError:
        return 49152  # RFC 6335
    return max(int(first), 16000)


_FIRST_HANDED_OUT = _find_first_handed_out()


@dataclass(frozen=True)
class Finished:
    """What a command left behind."""

    exit_code: int
    stdout: str
    stderr: str


_WAIT = re.compile(r"^Waiting for .* …\n", re.MULTILINE)


def run(  # noqa: PLR0913  a process has that many
    command: Sequence[str],
    *,
    directory: Path,
    environment: Mapping[str, str],
    together: bool = False,
    timeout: float = 120,
    waits: bool = False,
) -> Finished:
    """Run an installed command.

    Args:
        command: Its name and its arguments.
        directory: Where it runs.
        environment: Its environment variables; those of `AT_START` come on top.
        together: Standard error goes where standard output goes.
        timeout: Seconds after which it is killed.
        waits: Whether the output has what the command says while it waits, which no test can
            know: it depends on how busy the machine is.

    Raises:
        TimeoutExpired: It did not end in time.
    """
    variables = {**environment, **AT_START}
    with tempfile.TemporaryDirectory() as folder:
        stdout = Path(folder, "stdout")
        stderr = stdout if together else Path(folder, "stderr")
        start = _fork if command[0] in FORKED and FORKSERVER in get_all_start_methods() else _start
        exit_code = start(list(command), directory, variables, (stdout, stderr), timeout)
        texts = [path.read_text("utf-8") for path in (stdout, stderr)]
        return Finished(exit_code, *(texts if waits else [_WAIT.sub("", text) for text in texts]))


def _start(
    command: list[str],
    directory: Path,
    environment: dict[str, str],
    output: tuple[Path, Path],
    timeout: float,
) -> int:
    with output[0].open("a") as stdout, output[1].open("a") as stderr:
        return subprocess.run(
            [BIN / command[0], *command[1:]],
            cwd=directory,
            env=environment,
            stdout=stdout,
            stderr=stderr,
            timeout=timeout,
            check=False,
        ).returncode


def _fork(
    command: list[str],
    directory: Path,
    environment: dict[str, str],
    output: tuple[Path, Path],
    timeout: float,
) -> int:
    process = _server().Process(target=_be, args=(command, directory, environment, output))
    process.start()
    process.join(timeout)
    if process.exitcode is None:
        process.kill()
        raise subprocess.TimeoutExpired(command, timeout)
    return process.exitcode


@cache
def _server() -> ForkServerContext:
    """Return what starts processes; the first one starts the one that all are forked from."""
    ours = walk_packages(mkdocs_confluence_md.__path__, "mkdocs_confluence_md.")
    context = ForkServerContext()
    # The last one looks at what has been imported.
    context.set_forkserver_preload([*PRELOADED, *(module.name for module in ours), "preloaded"])
    with mock.patch.dict(os.environ, AT_START):
        os.environ["PYTHONPATH"] = str(Path(__file__).parent)
        if MEASURED in os.environ:
            os.environ[MEASURED_LATER] = os.environ.pop(MEASURED)
        context.Process(target=str).start()
    return context


def _be(
    command: list[str], directory: Path, environment: dict[str, str], output: tuple[Path, Path]
) -> None:
    """Be the process of a command."""
    for file_descriptor, path in enumerate(output, start=1):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(opened, file_descriptor)
        os.close(opened)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = command
    [entry_point] = entry_points(group="console_scripts", name=command[0])
    import preloaded  # noqa: PLC0415  only here it is there already

    with preloaded.measure() if MEASURED in environment else nullcontext():
        entry_point.load()()


def unmeasured(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return variables without those that have a process measure itself.

    For what many builds do that are measured: it takes longer than starting does.
    """
    return {name: value for name, value in environment.items() if "COVERAGE" not in name}


def find_free_port() -> int:
    """Return a port for a server that is told its port and is started later.

    It is below those that the system hands out, and each process of the test run has its own
    thousand: otherwise, a stand-in of another test could be listening there by then.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8
    first = _FIRST_HANDED_OUT - 1000 * (worker + 1)
    while True:
        port = first + next(_ports) % 1000
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def race(processes: Sequence[subprocess.Popen[str]]) -> list[str]:
    """Let processes that wait for a line go on at the same time; return what each writes."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return [process.communicate(timeout=60)[0] for process in processes]
