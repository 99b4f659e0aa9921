"""The recipes for CI: run as CI does, job after job on new machines, with the stand-in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import yaml

from mkdocs_confluence_md.auth.shared_token_store import SharedTokenStore
from mkdocs_confluence_md.network.shared_store import SharedStore
from places import DOCS, ROOT
from projects import Project, keep_login, make_login
from recipes import Forge, find_gitlab_recipe, find_workflows

if TYPE_CHECKING:
    from pathlib import Path

    from redis_servers import RedisServer
    from standin import StandIn

GITHUB = find_workflows()["ci-1.yml"]
GITLAB = find_gitlab_recipe("ci.md")


def find_action_step() -> dict[str, str]:
    """Return what the documentation gives to the action."""
    text = (DOCS / "ci.md").read_text(encoding="utf-8")
    [block] = re.findall(r"```yaml\n(steps:\n.*?)```", text, re.DOTALL)
    assert len(block.splitlines()) <= 1 + 1 + 5
    [step] = yaml.safe_load(block)["steps"]
    assert step["uses"].startswith("mkdocs-confluence-md/mkdocs-confluence-md@")
    return step["with"]  # type: ignore[no-any-return]


RECIPES = {
    "GitHub": lambda machine: machine.run_workflow(GITHUB),
    "GitLab": lambda machine: machine.run_gitlab(GITLAB),
    "the action": lambda machine: machine.run_action(find_action_step()),
}


@pytest.fixture
def forge(tmp_path: Path, standin: StandIn) -> Forge:
    """Return a forge with the repository of a site, and the three secrets."""
    variables = standin.environment()
    addresses = {name: variables.pop(name) for name in [*variables] if name.endswith("_URL")}
    project = Project(tmp_path / "repository")
    project.configure([{"Deploy": "confluence:101"}], site=standin.url, max_age=0)
    project.write("requirements.txt", "# All of it is installed.\n")
    return Forge(variables, project.root, addresses)


def count_lines(recipe: str) -> int:
    return len([line for line in recipe.splitlines() if line.strip()])


def test_recipes_are_short() -> None:
    assert count_lines(GITHUB) <= 25
    assert count_lines(GITLAB) <= 15
    for recipe in (GITHUB, GITLAB):
        assert "openssl" not in recipe


def test_recipes_with_a_server_have_no_cache_and_no_queue() -> None:
    for recipe in (find_workflows()["machines-1.yml"], find_gitlab_recipe("machines.md")):
        assert "CONFLUENCE_MD_REFRESH_TOKEN" not in recipe
        assert not re.search(r"cache|concurrency|resource_group", recipe)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_job_on_a_new_machine_goes_on_from_one_that_failed_after_its_refresh(
    forge: Forge, standin: StandIn, pages: dict[str, str], tmp_path: Path, recipe: str
) -> None:
    deploy = pages.pop("101")
    assert RECIPES[recipe](forge.make_machine(tmp_path / "first")) != 0
    pages["101"] = deploy
    standin.oauth.expire_access_tokens()
    machine = forge.make_machine(tmp_path / "next")

    assert RECIPES[recipe](machine) == 0

    assert "Roll out the" in (machine.root / "work/site/deploy/index.html").read_text()
    assert (standin.oauth.refreshes, standin.oauth.reuses) == (2, 0)
    assert len(forge.cache) == 2
    cached = b"".join(content for files in forge.cache.values() for content in files.values())
    assert not [each for each in standin.oauth.secrets() if each.encode() in cached]


def test_the_action_keeps_the_token_file_wherever_a_runner_has_its_configuration(
    forge: Forge, standin: StandIn, tmp_path: Path
) -> None:
    forge.variables = {**forge.variables, "XDG_CONFIG_HOME": str(tmp_path / "elsewhere")}
    for name in ("first", "next"):
        standin.oauth.expire_access_tokens()
        assert forge.make_machine(tmp_path / name).run_action(find_action_step()) == 0

    assert len(forge.cache) == 2
    assert (standin.oauth.refreshes, standin.oauth.reuses) == (2, 0)


def test_jobs_with_a_server_need_no_cache(
    forge: Forge, standin: StandIn, redis_server: RedisServer, tmp_path: Path
) -> None:
    secret = standin.client_secret
    keep_login(SharedTokenStore(SharedStore(redis_server.url), secret), make_login(standin))
    forge.secrets = {
        "CONFLUENCE_MD_CLIENT_SECRET": secret, "CONFLUENCE_MD_STORE": redis_server.url
    }  # fmt: skip
    first, second = (forge.make_machine(tmp_path / name) for name in ("first", "second"))

    assert first.run_workflow(find_workflows()["machines-1.yml"]) == 0
    assert second.run_action({"client-secret": secret, "store": redis_server.url}) == 0

    for machine in (first, second):
        assert not (machine.root / "home/.config").exists()
    assert standin.oauth.refreshes == 1
    assert forge.cache == {}


def test_the_action_pins_what_it_uses_and_runs_no_input_as_part_of_a_script() -> None:
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    action = yaml.safe_load(text)

    for used in re.findall(r"uses: (\S+.*)", text):
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}  # v[0-9.]+", used)
        assert used in (DOCS / "ci.md").read_text(encoding="utf-8")
    for step in action["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
    assert all(each["description"] for each in action["inputs"].values())
    documented = set(re.findall(r"^\| `([a-z-]+)` \|", (DOCS / "ci.md").read_text(), re.MULTILINE))
    assert documented | find_action_step().keys() == action["inputs"].keys()
