"""The image: built by Docker where Docker runs, and else what its steps do, done without it."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import venv
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

import mkdocs_confluence_md
from places import EXAMPLE, ROOT

VERSION = mkdocs_confluence_md.__version__
IMAGE = "mkdocs-confluence-md-test"
TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", "")
STEPS = [(line.split()[0], line.partition(" ")[2].strip())
         for line in TEXT.splitlines() if re.match(r"[A-Z]", line)]  # fmt: skip
COPIES = [shlex.split(step) for name, step in STEPS if name == "COPY"]


def find_steps(name: str) -> list[str]:
    return [step for each, step in STEPS if each == name]


def is_sent(path: Path) -> bool:
    """Tell whether a file is sent to Docker: the last pattern that fits it decides."""
    sent = True
    names = [each.as_posix() for each in (path, *path.parents) if each.name]
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.removeprefix("!")
        inside = pattern.removeprefix("**/")
        tried = [*names, *(Path(each).name for each in names)] if inside != pattern else names
        # A `*` does not fit across folders; but what is below something that fits, fits.
        if pattern and not pattern.startswith("#"):
            fits = any(fnmatchcase(each, inside) and (pattern != "*" or "/" not in each)
                       for each in tried)  # fmt: skip
            sent = line.startswith("!") if fits else sent
    return sent


def copy(target: Path) -> None:
    """Copy what the Dockerfile copies, of what is sent, to below `target`."""
    for *sources, destination in COPIES:
        for source in sources:
            top = ROOT / source
            for file in [top] if top.is_file() else top.rglob("*"):
                if file.is_file() and is_sent(file.relative_to(ROOT)):
                    place = file.name if top.is_file() else file.relative_to(top)
                    copied = Path(f"{target}{destination}") / place
                    copied.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(file, copied)


def run(*command: object, directory: Path | None = None) -> str:
    """Run a command without anything that this machine's environment says of Confluence."""
    clean = {name: value for name, value in os.environ.items()
             if not re.search("CONFLUENCE|COVERAGE|PYTHONPATH", name)}  # fmt: skip
    finished = subprocess.run(
        [str(word) for word in command],
        cwd=directory, env=clean, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    return finished.stdout + finished.stderr


def has_docker() -> bool:
    """Tell whether there is a Docker that can build images."""
    command = ["/usr/bin/env", "docker", "info"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a copy of the example site."""
    leave_out = shutil.ignore_patterns("site", ".cache", "__pycache__")
    return Path(shutil.copytree(EXAMPLE, tmp_path / "docs", ignore=leave_out))


def test_its_steps() -> None:
    assert find_steps("FROM") == ["python:3.13-slim"]
    assert find_steps("WORKDIR") == ["/docs"]
    assert find_steps("EXPOSE") == ["8000"]
    assert json.loads(find_steps("ENTRYPOINT")[0]) == ["mkdocs"]
    assert json.loads(find_steps("CMD")[0]) == ["serve", "--dev-addr", "0.0.0.0:8000"]


def test_nothing_runs_as_root_once_it_is_built() -> None:
    names = [name for name, _ in STEPS]
    [user] = find_steps("USER")

    assert names.index("USER") > max(place for place, name in enumerate(names) if name == "RUN")
    assert f"useradd --uid 1000 --create-home {user}" in TEXT


def test_volumes_can_be_written_to_by_any_user() -> None:
    [volume] = json.loads(find_steps("VOLUME")[0])
    [opened] = re.findall(r"chmod 1777 (.*)", TEXT)

    assert {volume, "/docs/.cache"} <= set(opened.split())
    assert find_steps("ENV") == [f"HOME={volume}"]


def test_only_what_is_copied_is_sent() -> None:
    sent = {path.relative_to(ROOT).parts[0] for path in ROOT.iterdir()
            if path.is_file() and is_sent(path.relative_to(ROOT))}  # fmt: skip

    assert sent == {source for *sources, _ in COPIES for source in sources if "." in source} | {
        "LICENSE"
    }
    assert not is_sent(Path("tests/conftest.py"))
    assert not is_sent(Path(".git/config"))
    assert not is_sent(Path("mkdocs_confluence_md/__pycache__/plugin.pyc"))
    assert is_sent(Path("mkdocs_confluence_md/cli/main.py"))


def test_it_builds_the_example_site(project: Path, tmp_path: Path) -> None:
    if has_docker():
        run("docker", "build", "--tag", IMAGE, ROOT)
        docker = ["docker", "run", "--rm", "--user", f"{os.getuid()}:{os.getgid()}",
                  "--volume", f"{project}:/docs"]  # fmt: skip
        mkdocs, command = [*docker, IMAGE], [*docker, "--entrypoint", "confluence-md", IMAGE]
    else:
        root = tmp_path / "root"
        copy(root)
        venv.create(root)
        [install] = [step for step in find_steps("RUN") if "pip install" in step]
        words = [word.replace("/src", f"{root}/src") for word in shlex.split(install)]
        assert words[0] == "python"
        # With the pip that is here, and without compiling what is imported once.
        assert words[1:4] == ["-m", "pip", "install"]
        pip = [sys.executable, "-m", "pip", "--python", root / "bin/python"]
        run(*pip, "install", "--no-compile", *words[4:])
        mkdocs, command = [str(root / "bin/mkdocs")], [str(root / "bin/confluence-md")]

    assert run(*mkdocs, "--version", directory=project).startswith("mkdocs, version 1.")
    assert VERSION in run(*command, "--version", directory=project)
    said = run(*mkdocs, "build", "--strict", directory=project)
    assert "20 pages from Confluence: 20 exported" in said
    assert (project / "site/security/index.html").is_file()
