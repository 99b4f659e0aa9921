"""`check`, `status` and `cache` run nothing that a project brings: no hook, no tag, no module."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

import processes

if TYPE_CHECKING:
    from projects import Project
    from standin import StandIn

TAG = '!!python/object/apply:os.system ["echo ran >> ran-{place}"]'
COMMANDS = [
    ["check"], ["check", "--json"], ["check", "--report", "report.json"], ["status"],
    ["status", "--json"], ["cache", "show"], ["cache", "clear"],
]  # fmt: skip
FINE = ["site_name", "key", "plugin", "parent", "merged", "new", "theme"]
PLACES = [*FINE, "nav", "option"]


def write(project: Project, standin: StandIn, places: list[str] = PLACES) -> None:
    """Write a project that runs something wherever it can."""
    harmless = {"option": "'{title}'", "nav": "index.md"}
    tags = {
        place: TAG.format(place=place) if place in places else harmless.get(place, "x")
        for place in PLACES
    }
    hook = "import pathlib\npathlib.Path('ran-hook').touch()\n"
    project.write("hook.py", hook)
    for name in ("mkdocs", "yaml", "click", "httpx", "sitecustomize", "usercustomize", "impatient"):
        project.write(f"{name}.py", hook.replace("ran-hook", f"ran-{name}"))
    project.write(
        "overrides/main.html", "{{ cycler.__init__.__globals__.os.system('echo > ran-theme') }}"
    )
    project.write("parent.yml", f"extra:\n  parent: {tags['parent']}\n")
    project.write(
        "mkdocs.yml",
        f"""
INHERIT: parent.yml
site_name: {tags["site_name"]}
extra:
  new: !!python/object/new:os.system ["echo ran > ran-new"]
  merged:
    <<: {{a: {tags["merged"]}}}
  ? {tags["key"]}
  : value
hooks: [hook.py]
theme:
  name: mkdocs
  custom_dir: overrides
  locale: {tags["theme"]}
plugins:
  - confluence-md:
      site: {standin.url}
      cloud_id: 11111111-2222-3333-4444-555555555555
      page_path: {tags["option"]}
  - search:
      lang: {tags["plugin"]}
nav:
  - Deploy: confluence:101
  - More: {tags["nav"]}
""",
    )


@pytest.mark.parametrize("places", [FINE, PLACES], ids=["fine", "problems"])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_nothing_of_a_project_runs(
    project: Project, standin: StandIn, command: list[str], places: list[str]
) -> None:
    write(project, standin, places)

    finished = subprocess.run(
        [processes.BIN / "confluence-md", *command],
        cwd=project.root,
        env=project.variables(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert "Traceback" not in finished.stderr
    assert finished.stdout + finished.stderr
    if command[0] == "check":
        assert finished.returncode == int(places is PLACES), finished.stderr
    assert list(project.root.glob("ran-*")) == []


def test_a_build_does_run_it(project: Project, standin: StandIn) -> None:
    write(project, standin)

    project.build()

    assert (project.root / "ran-site_name").exists()
