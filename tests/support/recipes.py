"""The recipes of the documentation: as files, for those who check them, and run as CI does.

A run has what CI has: a machine with nothing on it, the repository, and a cache that carries files
from one run to the next. Of the actions, those for checkouts and Python have been done before.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from places import DOCS, ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

_BLOCK = re.compile(
    r"^( *)```yaml[^\n]*\n( *name: .*?\n *jobs:\n.*?)^\1```$", re.DOTALL | re.MULTILINE
)
_GITLAB_BLOCK = re.compile(
    r"^( *)```yaml title=\"\.gitlab-ci\.yml\"\n(.*?)^\1```$", re.DOTALL | re.MULTILINE
)
_SECONDS = 120


def find_workflows() -> dict[str, str]:
    """Return each workflow of the documentation, by a file name that tells where it is from."""
    return {
        f"{page.stem}-{number}.yml": textwrap.dedent(block)
        for page in sorted(DOCS.glob("*.md"))
        for number, (_, block) in enumerate(_BLOCK.findall(page.read_text(encoding="utf-8")), 1)
    }


def find_gitlab_recipe(page: str) -> str:
    """Return the configuration for GitLab that a page has, by the page's name."""
    [(_, block)] = _GITLAB_BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))
    return textwrap.dedent(block)


@dataclass
class Forge:
    """What outlives a run of CI."""

    secrets: Mapping[str, str]
    """Those of the repository, by name."""
    repository: Path
    variables: Mapping[str, str]
    """Of all runs, so that they find the stand-in rather than Atlassian."""
    cache: dict[str, dict[str, bytes]] = field(default_factory=dict)
    """Files by their paths, by key; the newest is the last."""
    runs: int = 0

    def make_machine(self, root: Path) -> Machine:
        """Return a new machine, with the repository."""
        self.runs += 1
        shutil.copytree(self.repository, root / "work")
        for name in ("home", "temp"):
            (root / name).mkdir()
        return Machine(self, root)


@dataclass
class Machine:
    """A machine that runs one job."""

    forge: Forge
    root: Path

    def run_workflow(self, workflow: str) -> int:
        """Run a workflow of GitHub; return the exit code of the first step that failed, or 0."""
        [job] = yaml.safe_load(workflow)["jobs"].values()
        return self._run_steps(job["steps"], {})

    def run_action(self, arguments: Mapping[str, str]) -> int:
        """Run the action of this repository with inputs, where others have their default."""
        action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
        inputs = {name: each.get("default", "") for name, each in action["inputs"].items()}
        assert arguments.keys() <= inputs.keys()
        inputs |= {name: self._fill_in(value, {}) for name, value in arguments.items()}
        return self._run_steps(action["runs"]["steps"], inputs)

    def run_gitlab(self, configuration: str) -> int:
        """Run the one job of a configuration of GitLab; return its exit code."""
        [job] = yaml.safe_load(configuration).values()
        directory = str(self.root / "work")
        variables = {name: value.replace("$CI_PROJECT_DIR", directory)
                     for name, value in job.get("variables", {}).items()}  # fmt: skip
        cache = job.get("cache", {"paths": []})
        paths = [f"{directory}/{path}" for path in cache["paths"]]
        self._restore(paths, "gitlab")
        script = "\n".join(job["script"])
        code = self._run(script, {**self.forge.secrets, **variables}, ".")
        if code == 0 or cache.get("when") == "always":
            self._save(paths, f"gitlab-{self.forge.runs}")
        return code

    def _run_steps(self, steps: list[dict[str, Any]], inputs: Mapping[str, str]) -> int:
        code = 0
        for step in steps:
            condition = str(step.get("if", ""))
            if "inputs.store == ''" in condition and inputs["store"]:
                continue
            if code and "always()" not in condition:
                continue
            arguments = {name: self._fill_in(str(value), inputs)
                         for name, value in step.get("with", {}).items()}  # fmt: skip
            used = step.get("uses", "")
            if used.startswith("actions/cache/restore@"):
                self._restore([arguments["path"]], arguments["restore-keys"])
            elif used.startswith("actions/cache/save@"):
                self._save([arguments["path"]], arguments["key"])
            elif "run" in step:
                environment = {name: self._fill_in(str(value), inputs)
                               for name, value in step.get("env", {}).items()}  # fmt: skip
                directory = self._fill_in(step.get("working-directory", "."), inputs)
                assert "${{" not in step["run"]
                code = self._run(step["run"], environment, directory) or code
            else:
                assert used.startswith(("actions/checkout@", "actions/setup-python@")), used
        return code

    def _fill_in(self, text: str, inputs: Mapping[str, str]) -> str:
        known = {
            "github.run_id": str(self.forge.runs), "github.run_attempt": "1", "github.job": "docs",
            **{f"secrets.{name}": value for name, value in self.forge.secrets.items()},
            **{f"inputs.{name}": value for name, value in inputs.items()},
        }  # fmt: skip
        return re.sub(r"\$\{\{ (.*?) \}\}", lambda match: known[match[1]], text)

    def _run(self, script: str, environment: Mapping[str, str], directory: str) -> int:
        return subprocess.run(
            ["/bin/bash", "-e", "-o", "pipefail", "-c", script],
            cwd=self.root / "work" / directory,
            env={
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "HOME": str(self.root / "home"),
                "RUNNER_TEMP": str(self.root / "temp"),
                "CI": "true",
                # Nothing is to be installed, so nothing is looked for.
                "PIP_NO_INDEX": "1",
                "PIP_DISABLE_PIP_VERSION_CHECK": "1",
                "PYTHON_KEYRING_BACKEND": os.environ["PYTHON_KEYRING_BACKEND"],
                **self.forge.variables,
                **environment,
            },
            timeout=_SECONDS,
            check=False,
        ).returncode

    def _resolve(self, path: str) -> Path:
        return Path(path.replace("~", str(self.root / "home"), 1))

    def _restore(self, paths: list[str], prefix: str) -> None:
        """Put the files of the newest entry of the cache in their places, if there is one."""
        for key in [key for key in self.forge.cache if key.startswith(prefix)][-1:]:
            for name, content in self.forge.cache[key].items():
                number, _, below = name.partition("/")
                target = self._resolve(paths[int(number)]) / below
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)

    def _save(self, paths: list[str], key: str) -> None:
        """Put files and folders into the cache, unless its entry is there; none is no error."""
        files = {}
        for number, path in enumerate(map(self._resolve, paths)):
            for file in [path, *path.rglob("*")]:
                if file.is_file():
                    files[f"{number}/{file.relative_to(path)}"] = file.read_bytes()
        if files:
            self.forge.cache.setdefault(key, files)


def main() -> None:
    """Write all workflows into a directory."""
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    for name, workflow in find_workflows().items():
        (directory / name).write_text(workflow, encoding="utf-8")


if __name__ == "__main__":
    main()
