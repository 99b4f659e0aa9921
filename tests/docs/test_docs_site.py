"""The documentation: it builds, and has everything that the product has, and nothing else."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from mkdocs.config.base import BaseConfigOption

import mkdocs_confluence_md
from catalogue import find_messages, find_quotes, find_texts
from mkdocs_confluence_md.auth import environment
from mkdocs_confluence_md.config import PluginConfig
from mkdocs_confluence_md.confluence.refs import Complaint, parse_nav_entry
from places import ROOT
from reference import describe_option, describe_variables, find_commands
from snippets import find_snippets

PACKAGE = Path(mkdocs_confluence_md.__file__).parent
PAGES = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}
README = (ROOT / "README.md").read_text(encoding="utf-8")
OPTIONS = {name: option for name, option in vars(PluginConfig).items()
           if isinstance(option, BaseConfigOption)}  # fmt: skip
TEXTS = [*PAGES.items(), ("README.md", README)]


def read(site: Path, page: str) -> str:
    """Return what a browser shows of a page."""
    text = (site / page / "index.html").read_text(encoding="utf-8")
    return html.unescape(re.sub(r"<[^>]+>", "", text))


def test_it_has_pages_from_confluence(site: Path) -> None:
    page = (site / "pages-from-confluence/deploy-to-production/index.html").read_text("utf-8")

    assert page.count("<h1") == 1
    assert "https://northwind.atlassian.net/wiki/pages/resumedraft.action" in page


def test_it_has_nothing_that_only_builds_it(site: Path) -> None:
    assert not (site / "hooks").exists()
    markers = re.compile(r"<!-- (?:option|variables|commands)")
    assert not [page for page in site.rglob("*.html") if markers.search(page.read_text("utf-8"))]


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_has_a_section_with_its_default(site: Path, name: str) -> None:
    written = PAGES["options.md"].partition(f"## `{name}`\n")[2].partition("\n## ")[0]
    section = describe_option(name)
    default = getattr(OPTIONS[name], "default", None)
    assert f"<!-- option: {name} -->" in written
    assert "```yaml" in written
    assert "**When.**" in written
    assert "**Together with others.**" in written

    assert f'id="{name}"' in (site / "options/index.html").read_text("utf-8")
    assert ("none" if default is None else f"`{str(default).lower()}`") in section
    assert len(section.split()) > 10, f"the option {name} has no docstring in config.py"


def test_every_variable_that_is_read_has_a_row() -> None:
    functions = Path(environment.__file__).read_text(encoding="utf-8").partition("\ndef ")[2]
    # Not the beginning of all of them.
    read_names = set(re.findall(r'"([A-Z]{3,}(?:_[A-Z]+)*)"', functions)) - {"CONFLUENCE"}

    assert read_names - set(environment.VARIABLES) == set(), "name them in environment.VARIABLES"
    assert set(environment.VARIABLES) - read_names == set(), "these are not read any more"
    for name in environment.VARIABLES:
        assert f"| `{environment.ENV_PREFIX}{name}` |" in describe_variables()


@pytest.mark.parametrize("context", list(find_commands()), ids=lambda context: context.command_path)
def test_every_command_and_its_options_are_explained(site: Path, context: click.Context) -> None:
    page = read(site, "commands")
    parameters = [each for each in context.command.params if isinstance(each, click.Option)]

    assert context.get_help() in page
    assert context.command.help, f"{context.command_path} has no docstring"
    assert [each.name for each in parameters if not each.help] == []


def test_every_message_is_quoted_with_its_cause_and_remedy() -> None:
    quotes = [quote for page in PAGES.values() for quote in find_quotes(page)]
    missing = [each for each in find_messages(PACKAGE) if not each.is_quoted_in(quotes)]

    assert not missing, "quote these in docs/troubleshooting.md, word for word:\n" + "\n".join(
        f"{each.place}: {each.text}" for each in missing
    )


def test_no_message_is_quoted_that_is_not_there_any_more() -> None:
    """MkDocs' own messages are somebody else's."""
    page = re.sub(r"## MkDocs' own.*?(?=\n## )", "", PAGES["troubleshooting.md"], flags=re.DOTALL)
    terms = re.findall(r"^(`.*)\n:   ", page, re.MULTILINE)
    rows = re.findall(r"^ *\| (`.*?) \|", page + PAGES["sign-in.md"], re.MULTILINE)
    quotes = [quote for term in (*terms, *rows) for quote in find_quotes(term)]
    texts = [text for text in find_texts(PACKAGE) if text.text.strip("… ")]
    stale = [each for each in quotes if not any(text.is_quoted_in([each]) for text in texts)
             and not any(each in " ".join(text.text.split()) for text in texts)]  # fmt: skip

    assert len(quotes) > 100
    assert not stale, "the product does not say this any more:\n" + "\n".join(stale)


def test_the_readme_is_short_and_leads_to_pages_that_are_there() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)(?:#([^)]*))?\)", README)

    assert len(README.splitlines()) <= 150
    assert len(links) > 20
    for path, anchor in links:
        assert (ROOT / path).exists(), path
        heading = re.compile(rf"^#+ {anchor.replace('-', '[ -]')}$", re.MULTILINE | re.IGNORECASE)
        assert not anchor or heading.search((ROOT / path).read_text("utf-8")), anchor


@pytest.mark.parametrize(("name", "text"), TEXTS, ids=[name for name, _ in TEXTS])
def test_the_yaml_in_it_is_what_the_plugin_takes(name: str, text: str) -> None:
    for snippet in find_snippets(text):
        if snippet.language != "yaml":
            continue
        content = yaml.load(snippet.text, TaggedLoader)  # noqa: S506  a safe one
        assert isinstance(content, dict), f"{name}: {snippet.text}"
        for plugin in content.get("plugins", ()):
            if isinstance(plugin, dict) and "confluence-md" in plugin:
                check_options(plugin["confluence-md"])
        for entry in find_entries(content.get("nav", [])):
            assert not isinstance(entry, Complaint), entry


class TaggedLoader(yaml.SafeLoader):
    """Reads YAML without the objects that tags of extensions stand for."""


TaggedLoader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)


def check_options(given: dict[str, object]) -> None:
    options = PluginConfig()
    options.load_dict(given)
    assert options.validate() == ([], [])


def find_entries(item: Any, title: str | None = None) -> list[object]:  # noqa: ANN401  any YAML
    """Return what stands for the entries of a `nav`; a number is a mistake to learn from."""
    if isinstance(item, str):
        return [parse_nav_entry(title, item)]
    if isinstance(item, dict):
        return [found for key, value in item.items() for found in find_entries(value, key)]
    children = item if isinstance(item, list) else []
    return [found for each in children for found in find_entries(each)]
