"""Secrets of the environment that a configuration repeats: refused, and never shown."""

from __future__ import annotations

import base64
import html
import json
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from mkdocs_confluence_md.auth.environment import SECRET_VARIABLES
from mkdocs_confluence_md.network.redaction import SecretSearch
from mkdocs_confluence_md.project import walk_nodes, walk_values

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from projects import Project
    from standin import StandIn

SECRET = "s3cr3t/CANARY+is-alive_="
VARIABLE = "CONFLUENCE_MD_CLIENT_SECRET"
PLACES: dict[str, dict[str, Any]] = {
    "site_name": {"site_name": "HERE"},
    "site_url": {"site_url": "HERE"},
    "site_dir": {"site_dir": "HERE"},
    "docs_dir": {"docs_dir": "HERE"},
    "copyright": {"copyright": "HERE"},
    "extra.social[0].link": {"extra": {"social": [{"link": "HERE"}]}},
    "nav[2].Guide": {"nav": ["index.md", {"Deploy": "confluence:101"}, {"Guide": "HERE"}]},
    "nav[1].…": {"nav": ["index.md", {"HERE": "confluence:101"}]},
    "theme.name": {"theme": {"name": "HERE"}},
    "theme.custom_dir": {"theme": {"name": "mkdocs", "custom_dir": "HERE"}},
    "theme.nav_style": {"theme": {"name": "mkdocs", "nav_style": "HERE"}},
    "extra_css[0]": {"extra_css": ["HERE"]},
    "markdown_extensions[0].toc.title": {"markdown_extensions": [{"toc": {"title": "HERE"}}]},
    "plugins[1].search.lang": {"plugins": ["confluence-md", {"search": {"lang": "HERE"}}]},
    "hooks[0]": {"hooks": ["HERE"]},
    "INHERIT": {"INHERIT": "HERE"},
    "…": {"HERE": "x"},
    **{
        f"plugins[0].confluence-md.{name}": {"plugins": [{"confluence-md": {name: "HERE"}}]}
        for name in (
            "site", "cloud_id", "environment", "gateway", "base_url", "page_path", "attachments",
            "raw_html", "max_age", "offline", "watch", "on_error", "concurrency", "cache_dir",
            "snapshot", "sight",
        )
    },
    "plugins[0].confluence-md.…": {"plugins": [{"confluence-md": {"HERE": "x"}}]},
}  # fmt: skip
OTHERS = [["pull", "pulled"], ["pull", "--check", "pulled"], ["check", "--json"], ["cache", "show"]]


def as_variable(text: str) -> str:
    return text.replace("HERE", f"!ENV {VARIABLE}")


def as_default(text: str) -> str:
    return text.replace("HERE", f"!ENV [NOWHERE, {VARIABLE}, x]")


def as_another_variable(text: str) -> str:
    return text.replace("HERE", "!ENV ANOTHER_NAME")


def as_text(text: str, write: Callable[[str], str] = str) -> str:
    return text.replace("HERE", json.dumps(write(SECRET)))


def in_a_text(secret: str) -> str:
    return f"https://example.org/?token={secret}&x"


def in_percent(secret: str) -> str:
    return "x" + "".join(f"%{ord(each):02x}" for each in secret)


def in_percent_twice(secret: str) -> str:
    return quote(quote(secret, safe=""), safe="")


def in_base64(secret: str) -> str:
    return base64.b64encode(f"Basic jane:{secret}!".encode()).decode()


def in_base64_of_addresses(secret: str) -> str:
    return base64.urlsafe_b64encode(f"xy{secret}z".encode()).decode()


def in_lines(secret: str) -> str:
    return f"a\n {secret[:9]}\n {secret[9:]}"


def in_entities(secret: str) -> str:
    return "".join(f"&#{ord(each)};" for each in secret)


HIDDEN = [in_a_text, in_percent, in_percent_twice, in_base64, in_base64_of_addresses, in_lines,
          in_entities]  # fmt: skip
WAYS = [as_default, as_another_variable, as_text,
        *(partial(as_text, write=each) for each in HIDDEN)]  # fmt: skip


def write_config(project: Project, standin: StandIn, settings: dict[str, Any],
                 written: Callable[[str], str] = as_variable) -> None:  # fmt: skip
    project.environment[VARIABLE] = SECRET
    project.environment["ANOTHER_NAME"] = SECRET
    base: dict[str, Any] = {
        "site_name": "x",
        "nav": ["index.md", {"Deploy": "confluence:101"}],
        "plugins": [{"confluence-md": {"site": standin.url}}],
    }
    text = yaml.safe_dump({**base, **settings}, sort_keys=False)
    project.write("mkdocs.yml", written(text))


def run(project: Project, command: list[str]) -> tuple[int, str]:
    if command[0] == "build":
        built = project.build(*command[1:])
        return built.exit_code, built.log
    exit_code, out, said = project.run(*command)
    return exit_code, out + said


def shows_secret(text: str) -> bool:
    return SecretSearch([("here", SECRET)]).find(text) is not None


def find_copies(directory: Path) -> list[Path]:
    files = [path for path in directory.rglob("*") if path.is_file()]
    return [path for path in files if shows_secret(path.read_text("utf-8", "replace"))]


BEFORE_PLUGINS = {"site_url", "docs_dir", "theme.name", "theme.custom_dir", "INHERIT"}
"""What MkDocs validates, and may show, before it loads any plugin."""


def choose_commands(number: int) -> list[list[str]]:
    """Return a build, a check, and one of the other commands, which take turns."""
    return [["build", "-v"], ["check"], OTHERS[number % len(OTHERS)]]


@pytest.mark.parametrize(
    ("place", "command"),
    [
        pytest.param(place, command, id=f"{place} {' '.join(command)}")
        for number, place in enumerate(PLACES)
        for command in choose_commands(number)
        if not (command[0] == "build" and place in BEFORE_PLUGINS)
    ],
)
def test_a_setting_with_a_secret_is_refused_without_showing_it(
    project: Project, standin: StandIn, place: str, command: list[str]
) -> None:
    write_config(project, standin, PLACES[place])

    exit_code, said = run(project, command)

    assert exit_code == 1
    assert f"The setting `{place}` in " in said
    assert f"contains the secret {VARIABLE}, and the site could show it." in said
    assert not shows_secret(said)
    assert find_copies(project.root) == []


@pytest.mark.parametrize(
    ("written", "command"),
    [(written, command) for number, written in enumerate(WAYS)
     for command in choose_commands(number)],
)  # fmt: skip
def test_a_secret_is_refused_however_it_is_written(
    project: Project, standin: StandIn, written: Callable[[str], str], command: list[str]
) -> None:
    write_config(project, standin, {"extra": {"social": [{"link": "HERE"}]}}, written)

    exit_code, said = run(project, command)

    assert exit_code == 1
    assert "The setting `extra.social[0].link` in " in said
    assert not shows_secret(said)
    assert not (project.root / "site").exists()
    assert not (project.root / "pulled").exists()


@pytest.mark.parametrize("host", ["mkdocs", "properdocs"])
@pytest.mark.parametrize("variable", SECRET_VARIABLES)
def test_each_secret_variable_is_one(
    project: Project, standin: StandIn, variable: str, host: str
) -> None:
    project.configure([], theme="material", site=standin.url, settings={"extra": {"x": "HERE"}})
    text = (project.root / "mkdocs.yml").read_text()
    project.write("mkdocs.yml", text.replace("HERE", f"!ENV {variable}"))

    built = project.build(host=host)

    line = text[: text.index("HERE")].count("\n") + 1
    assert built.exit_code == 1
    assert built.log == (
        f"Error: confluence-md: The setting `extra.x` in mkdocs.yml, line {line}, "
        f"contains the secret {variable}, and the site could show it. Remove it: the plugin "
        "reads its secrets from environment variables by itself.\n"
    )


def test_a_secret_that_another_plugin_puts_there_is_refused(
    project: Project, standin: StandIn
) -> None:
    write_config(project, standin, {"hooks": ["add.py"]})
    project.write("add.py", (
        "import os\n"
        "def on_config(config):\n"
        f"    config.extra['versions'] = [{{'title': os.environ['{VARIABLE}']}}]\n"
    ))  # fmt: skip

    built = project.build()

    assert built.exit_code == 1
    assert (
        "The setting `extra.versions[0].title` in the configuration contains the secret"
        in built.log
    )
    assert not shows_secret(built.log)


def test_a_secret_of_the_token_file_is_one(project: Project, standin: StandIn) -> None:
    sign_in = {"client_id": "x", "refresh_token": SECRET}
    project.write(
        "config/tokens.json", json.dumps({"version": 1, "sign_ins": {"login x": sign_in}})
    )
    project.configure([], site=standin.url, settings={"copyright": f"(c) {SECRET}"})

    built = project.build()

    assert built.exit_code == 1
    assert "The setting `copyright` in " in built.log
    assert "contains the secret of the token file" in built.log
    assert not shows_secret(built.log)


@pytest.mark.parametrize("text", [
    "x: [{secret}", "x: *{secret}", "'{secret}': \"", "x: {secret}: y", "x: !<{secret}",
    "\t{secret}",
])  # fmt: skip
@pytest.mark.parametrize("command", [["check"], ["check", "--json"], ["cache", "show"]])
def test_an_error_of_yaml_does_not_show_it(project: Project, text: str, command: list[str]) -> None:
    project.environment[VARIABLE] = SECRET
    project.write("mkdocs.yml", text.format(secret=SECRET))

    exit_code, said = run(project, command)

    assert exit_code == 1
    assert not shows_secret(said)


def test_short_values_are_not_searched_for_but_their_variables_are_refused(
    project: Project, standin: StandIn
) -> None:
    project.environment[VARIABLE] = "deploy"
    project.configure([{"Deploy": "confluence:101"}], site=standin.url,
                      settings={"site_name": "deploy"}, snapshot="deploy")  # fmt: skip
    assert "contains the secret" not in project.build(strict=False).log
    text = (project.root / "mkdocs.yml").read_text()
    project.write("mkdocs.yml", text.replace("site_name: deploy", f"site_name: !ENV {VARIABLE}"))

    built = project.build()

    assert built.exit_code == 1
    assert "The setting `site_name` in" in built.log


TEXTS = st.text(st.characters(codec="utf-8"))
SECRETS = st.text(st.characters(codec="ascii", exclude_categories=["C", "Z"]), min_size=8)


@given(
    SECRETS, TEXTS, TEXTS, st.sampled_from([str, quote, html.escape, in_percent, in_percent_twice])
)
@example("0000%00<", "", "", html.escape)
def test_a_secret_is_found_in_any_text(
    secret: str, before: str, after: str, write: Callable[[str], str]
) -> None:
    search = SecretSearch([("first", "another secret"), ("second", secret)])

    assert search.find(f"{before}{write(secret)} {after}") is not None


@given(SECRETS, st.binary(), st.binary())
def test_a_secret_is_found_in_base64(secret: str, before: bytes, after: bytes) -> None:
    encoded = base64.urlsafe_b64encode(before + secret.encode() + after).decode()

    assert SecretSearch([("it", secret)]).find(f"x {encoded}.y") == "it"


@given(TEXTS)
def test_a_text_without_a_secret_has_none(text: str) -> None:
    assert SecretSearch([("it", "S3cr3t-that-nothing-has")]).find(text) is None


def test_all_texts_of_a_configuration_are_looked_at() -> None:
    circle: list[Any] = ["a"]
    circle.append(circle)
    value = {
        "list": circle,
        "object": SimpleNamespace(name="b", inner=("c", {"d"})),
        "partial": partial(print, "e", end="f"),
        "bytes": b"g",
        5: None,
        "module": json,
    }

    found = [(path, text) for path, text in walk_values(value, lambda each: each)
             if not path.endswith("…")]  # fmt: skip

    assert found == [
        ("list[0]", "a"),
        ("object.name", "b"),
        ("object.inner[0]", "c"),
        ("object.inner[1][0]", "d"),
        ("partial.args[0]", "e"),
        ("partial.keywords.end", "f"),
        ("bytes", "g"),
    ]


def test_aliases_are_looked_at_once() -> None:
    lines = ["a0: &a0 [text]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60))]
    root = yaml.compose("\n".join(lines))
    assert root

    found = [written for written in walk_nodes(root) if written.text == "text"]

    assert [(written.path, written.line) for written in found] == [("a0[0]", 1)]
