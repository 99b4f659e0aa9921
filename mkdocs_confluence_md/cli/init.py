"""`confluence-md init` and `add`: put a page from Confluence into a `mkdocs.yml`, new or not.

Nothing is taken away and nothing is moved: what is there stays, with its comments.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import click
import yaml
from mkdocs.utils import nest_paths
from yaml.nodes import MappingNode, Node, SequenceNode

from mkdocs_confluence_md.auth.environment import read_environment
from mkdocs_confluence_md.auth.sign_ins import login_keys, open_store, site_argument
from mkdocs_confluence_md.cli.configuration import (
    Configuration,
    PythonName,
    find_item,
    is_empty,
    list_items,
)
from mkdocs_confluence_md.cli.login import Asking, consent_options, read_written_address, sign_in
from mkdocs_confluence_md.cli.terminal import config_file_option, echo, find_config_file
from mkdocs_confluence_md.confluence.refs import (
    Complaint,
    PageRef,
    SpaceRef,
    TreeRef,
    add_context,
    parse_reference,
    space_in_path,
)
from mkdocs_confluence_md.errors import SettingError
from mkdocs_confluence_md.network.urls import read_site
from mkdocs_confluence_md.project import (
    PLUGIN_NAME,
    explain_yaml,
    find_directories,
    locate_entries,
    read_nav,
    read_options,
    show_place,
)
from mkdocs_confluence_md.text import count_things

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mkdocs_confluence_md.auth.environment import Environment
    from mkdocs_confluence_md.confluence.refs import Reference
    from mkdocs_confluence_md.network.urls import ApiAddress

_NEW = """\
site_name: {name}

theme:
  name: {theme}

plugins:
  - search

markdown_extensions:
  - toc:
      permalink: true

nav:
  - Home: index.md
"""
_HOME = """\
# {name}

This site has pages from Git and from Confluence: `nav` in `mkdocs.yml` says which.
"""
_EXTENSIONS: dict[str, Any] = {"admonition": None, "attr_list": None, "footnotes": None}
_MORE_EXTENSIONS: dict[str, Any] = {
    "pymdownx.details": None,
    "pymdownx.highlight": None,
    "pymdownx.superfences": {
        "custom_fences": [
            {
                "name": "mermaid",
                "class": "mermaid",
                "format": PythonName("pymdownx.superfences.fence_code_format"),
            }
        ]
    },
    "pymdownx.tasklist": {"custom_checkbox": True},
}
"""Those of the package that comes with Material."""
_EXTRA = {"attr_list", "footnotes"}
_INCLUDED = {
    "extra": _EXTRA,
    "markdown.extensions.extra": _EXTRA,
    "pymdownx.extra": {*_EXTRA, "pymdownx.superfences"},
    "codehilite": {"pymdownx.highlight", "pymdownx.superfences"},
    "fenced_code": {"pymdownx.superfences"},
}
"""What other extensions bring, or would get in the way of."""
_NAV_PLUGINS = {"awesome-nav", "awesome-pages", "literate-nav"}
"""Plugins that read `nav` elsewhere."""


@dataclass(frozen=True)
class Entry:
    """What is added to `nav`."""

    reference: Reference
    title: str
    """Empty where the page titles itself."""
    site: str
    """The origin that its address names; empty where it names none."""

    @property
    def target(self) -> str:
        """The entry without its title."""
        reference = self.reference
        target = reference.page_id if isinstance(reference, PageRef) else reference.target
        return f"confluence:{target}"

    def as_data(self) -> str | dict[str, str]:
        """Return it for YAML."""
        return {self.title: self.target} if self.title else self.target

    def __str__(self) -> str:
        return f"“{self.title}” ({self.target})" if self.title else self.target


_tree_option = click.option(
    "--tree", is_flag=True, help="The page with all pages below it, as a section."
)


@click.command(
    epilog="Example: confluence-md init https://acme.atlassian.net/wiki/spaces/ENG/pages/123456",
)
@config_file_option
@_tree_option
@click.option("--no-login", is_flag=True, help="Write only, and sign in later.")
@consent_options
@click.argument("url", required=False, default="")
def init(  # noqa: PLR0913  each is an option
    *,
    url: str,
    config_file: Path,
    tree: bool,
    no_login: bool,
    environment: str | None,
    gateway: str | None,
    **asking: Any,  # noqa: ANN401  the fields of `Asking`
) -> None:
    """Begin: put the page, or the space, at URL into mkdocs.yml, and sign in.

    Without a mkdocs.yml in this directory, it writes one and a first page. If there is one, it adds
    the plugin, the Markdown extensions that exported pages need, and the page. URL is asked for if
    it is left out.
    """
    entry = _ask_for_entry(url, tree=tree)
    written = _find_address(config_file, entry)
    if not written.site:
        raise SettingError(
            f"{entry.target} does not say which Confluence site it is on.",
            "Paste the whole address of the page, beginning with https://",
        )
    variables = read_environment(os.environ)
    address = replace(
        written,
        environment=environment or written.environment,
        gateway=gateway or written.gateway,
        api_url=variables.api_url,
    )
    # Whatever cannot be changed is found before anybody signs in.
    site = plan_site(config_file, entry, address)
    must_sign_in = not _is_signed_in(address.site, variables)
    if must_sign_in and not no_login:
        sign_in(address, Asking(**asking), variables, show_settings=False)
    site.write()
    _report(config_file, site.changes)
    what = "" if str(config_file) == find_config_file() else f" -f {config_file}"
    later = "confluence-md login, then " if must_sign_in and no_login else ""
    echo(f"\nNow: {later}mkdocs serve{what}", err=True)


@click.command(
    epilog="Example: confluence-md add --under Runbooks https://acme.atlassian.net/wiki/x/LIQHD",
)
@config_file_option
@click.option("--under", "section", default="", help="The section of nav, like Guides/Runbooks.")
@click.option("--title", default="", help="In nav; without it, that of the address, or its own.")
@_tree_option
@click.argument("url")
def add(*, url: str, config_file: Path, section: str, title: str, tree: bool) -> None:
    """Add the page, or the space, at URL to nav in mkdocs.yml."""
    entry = read_entry(url, tree=tree)
    entry = replace(entry, title=title.strip() or entry.title)
    _find_address(config_file, entry)
    if place := _find_in_nav(config_file, entry):
        echo(f"{entry} is in nav already: {place}", err=True)
        return
    nav_file = _find_nav_file(config_file)
    configuration = Configuration.read(nav_file)
    change = add_to_nav(configuration, entry, section, config_file)
    configuration.write()
    _report(nav_file, [change])


def _find_nav_file(config_file: Path) -> Path:
    """Return the file that has `nav`.

    Raises:
        SettingError: It, or one that inherits from it, cannot be read.
    """
    try:
        return read_nav(config_file)[0]
    except yaml.YAMLError as error:
        flaw = explain_yaml(error)
        raise SettingError(
            f"A file that {config_file} inherits from cannot be read, line {flaw.line}: "
            f"{flaw.what}",
            flaw.remedy,
        ) from None


def read_entry(url: str, *, tree: bool) -> Entry:
    """Read the address of a page or a space, in any form that `nav` accepts.

    Raises:
        SettingError: It is none.
    """
    text = url.strip().removeprefix("confluence:")
    reference = parse_reference(text)
    site, path = _read_origin(text)
    if isinstance(reference, Complaint):
        if key := space_in_path(path):
            return Entry(SpaceRef(key), "", site)
        raise SettingError(f"{url!r}: {reference.reason}", reference.remedy)
    title = " ".join(reference.title.split()) if isinstance(reference, PageRef) else ""
    if tree and isinstance(reference, PageRef):
        reference = TreeRef(reference.page_id)
    return Entry(reference, title, site)


def _read_origin(text: str) -> tuple[str, str]:
    """Return the origin of the site that an address names, and its path; both empty for an ID.

    Raises:
        SettingError: The host is misspelt, or has a password before it.
    """
    if "/" not in text.rstrip("/") or text.startswith("space/"):
        return "", ""
    try:
        parts = urlsplit(add_context(text if "://" in text else f"https://{text}"))
        origin = read_site(f"{parts.scheme}://{parts.netloc}")
    except ValueError as error:
        raise SettingError("The address cannot be read.", str(error)) from None
    return origin.removesuffix(":443"), unquote(parts.path)


@dataclass(frozen=True)
class PlannedSite:
    """What `init` is going to write."""

    changes: list[str]
    """What will be new, for a person."""
    configurations: list[Configuration]
    home: tuple[Path, str] | None = None
    """A first page, and its title."""

    def write(self) -> None:
        """Write all of it.

        Raises:
            SettingError: Something cannot be written.
        """
        if self.home:
            _write_home(*self.home)
        for each in self.configurations:
            each.write()


def plan_site(config_file: Path, entry: Entry, address: ApiAddress) -> PlannedSite:
    """Make a configuration, or extend the one that is there, without writing it yet.

    Raises:
        SettingError: It cannot be read, or not be changed.
    """
    changes: list[str] = []
    home = None
    if config_file.exists():
        configuration = Configuration.read(config_file)
    else:
        name = config_file.resolve().parent.name.replace("-", " ").replace("_", " ").strip()
        name = f"{name[:1].upper()}{name[1:]}" or "Handbook"
        theme = "material" if importlib.util.find_spec("material") else "mkdocs"
        configuration = Configuration(
            config_file, _NEW.format(name=json.dumps(name, ensure_ascii=False), theme=theme)
        )
        changes.append("a site with the theme " + theme)
        page = config_file.parent / "docs" / "index.md"
        if not page.exists():
            home = (page, name)
            changes.append("a first page, docs/index.md")
    changes += _add_plugin(configuration, address)
    changes += _add_extensions(configuration)
    configurations = [configuration]
    if config_file.exists() and (nav_file := _find_nav_file(config_file)) != config_file:
        configurations.append(Configuration.read(nav_file))
    changes.append(add_to_nav(configurations[-1], entry, "", config_file))
    return PlannedSite(changes, configurations, home)


def add_to_nav(configuration: Configuration, entry: Entry, section: str, config_file: Path) -> str:
    """Add an entry to `nav`, unless it is there; return what was done.

    Args:
        configuration: Where `nav` is.
        entry: What to add.
        section: The titles of sections, with `/` between them; empty for the top.
        config_file: The project's `mkdocs.yml`.

    Raises:
        SettingError: A page has the title of the section.
    """
    if config_file.exists() and (place := _find_in_nav(config_file, entry)):
        return f"{entry} is in nav already: {place}"
    names = {key.value for key, _ in list_items(configuration.find("plugins"))}
    if elsewhere := sorted(names & _NAV_PLUGINS):
        return f"nothing in nav, which {elsewhere[0]} reads elsewhere: write {entry.target} there"
    if configuration.find("nav") is None:
        configuration.add_setting("nav", _list_local_pages(config_file) or ["index.md"])
    nav = configuration.find("nav")
    if not isinstance(nav, SequenceNode) or not nav.value:
        raise SettingError(
            f"nav in {configuration.file} is not a list.", "Begin each entry with a dash."
        )
    items, titles = _open_section(nav, section)
    data: Any = entry.as_data()
    for title in reversed(titles[1:]):
        data = {title: [data]}
    if titles and (pair := find_item(items, titles[0])) and pair[1]:
        configuration.fill(*pair, [data])  # a section without any page
    else:
        configuration.append(items, {titles[0]: [data]} if titles else data)
    return f"{entry} in nav" + (f", under {section}" if section else "")


def _find_in_nav(config_file: Path, entry: Entry) -> str:
    """Return where `nav` has what an entry refers to, by whatever address; empty if nowhere."""
    for reference, place in locate_entries(config_file).items():
        same = entry.reference
        if isinstance(reference, PageRef) and isinstance(same, PageRef):
            same = replace(same, host=reference.host)
        if reference == same:
            return place
    return ""


def _open_section(nav: SequenceNode, section: str) -> tuple[SequenceNode, list[str]]:
    """Return the items of a section, and which sections must be made in it.

    A title is one that any section has, or titles from the top with `/` between them.
    """
    for items in _walk_sections(nav):
        if section and (found := _find_child(items, section)):
            return found, []
    titles = [each.strip() for each in section.split("/") if each.strip()]
    items = nav
    while titles and (found := _find_child(items, titles[0])):
        items = found
        titles.pop(0)
    return items, titles


def _walk_sections(items: SequenceNode) -> Iterator[SequenceNode]:
    yield items
    for item in items.value:
        for _, value in item.value if isinstance(item, MappingNode) else ():
            if isinstance(value, SequenceNode):
                yield from _walk_sections(value)


def _find_child(items: SequenceNode, title: str) -> SequenceNode | None:
    for item in items.value:
        for key, value in item.value if isinstance(item, MappingNode) else ():
            if key.value == title and isinstance(value, SequenceNode) and value.value:
                return value
            if key.value == title and not is_empty(value):
                raise SettingError(
                    f"{title!r} is a page in nav, not a section.",
                    "Name a section, or a new title, which adds a section.",
                )
    return None


def _list_local_pages(config_file: Path) -> list[Any]:
    """Return the `nav` that MkDocs makes of `docs_dir` where there is none."""
    docs_dir = find_directories(config_file).get("docs_dir") or config_file.parent / "docs"
    uris = []
    for folder, folders, names in os.walk(docs_dir):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        pages = sorted(name for name in names if name.endswith(".md") and name[0] != ".")
        pages.sort(key=lambda name: name not in ("index.md", "README.md"))
        uris += [(Path(folder) / name).relative_to(docs_dir).as_posix() for name in pages]
    return list(nest_paths(uris))


def _write_home(home: Path, name: str) -> None:
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        home.write_text(_HOME.format(name=name), encoding="utf-8")
    except OSError as error:
        raise SettingError(
            f"{home} cannot be written: {error.strerror}.", "Use a directory that you may write."
        ) from None


def _add_plugin(configuration: Configuration, address: ApiAddress) -> list[str]:
    options = {"site": site_argument(address.site)}
    options |= {"environment": address.environment} if address.environment != "production" else {}
    options |= {"gateway": address.gateway} if address.gateway != "api" else {}
    with suppress(SettingError):
        written = read_options(configuration.file)
        if written.keys() & {"site", "base_url"}:
            return []
    _check_own(configuration, "plugins")

    plugins = configuration.find("plugins")
    found = find_item(plugins, PLUGIN_NAME)
    if plugins is None:
        # Without this setting, MkDocs has search on.
        configuration.add_setting("plugins", ["search", {PLUGIN_NAME: options}])
    elif found is None:
        _add_item(configuration, plugins, PLUGIN_NAME, options)
    elif isinstance(found[1], MappingNode) and found[1].value:
        configuration.add_pairs(found[1], options)
    elif found[1] is None and isinstance(plugins, SequenceNode) and plugins.flow_style:
        configuration.put(found[0], {PLUGIN_NAME: options})
    else:
        configuration.fill(*found, options)
    return [f"the plugin {PLUGIN_NAME}, for {options['site']}"]


def _add_extensions(configuration: Configuration) -> list[str]:
    """Add what exported pages need, as far as the site does not have it or its like."""
    if "INHERIT" in {key.value for key, _ in configuration.root.value}:
        return []
    wanted = {**_EXTENSIONS, **(_MORE_EXTENSIONS if importlib.util.find_spec("pymdownx") else {})}
    present = {key.value for key, _ in list_items(configuration.find("markdown_extensions"))}
    present |= {each for name in present for each in _INCLUDED.get(name, ())}
    missing = {name: options for name, options in wanted.items() if name not in present}
    for name, options in missing.items():
        if extensions := configuration.find("markdown_extensions"):
            _add_item(configuration, extensions, name, options)
        else:
            configuration.add_setting("markdown_extensions", [name])
    if not missing:
        return []
    return [f"{count_things(len(missing), 'extension')}: {', '.join(missing)}"]


def _add_item(configuration: Configuration, items: Node, name: str, options: object) -> None:
    """Add a plugin or an extension, in the form that the list of them has."""
    if isinstance(items, MappingNode):
        configuration.add_pairs(items, {name: options or {}})
    elif isinstance(items, SequenceNode):
        configuration.append(items, {name: options} if options else name)
    else:
        line = items.start_mark.line + 1
        raise SettingError(
            f"{show_place(configuration.file, line)}: this is not a list.",
            f"Write it as a list, and begin each entry with a dash: - {name}",
        )


def _check_own(configuration: Configuration, name: str) -> None:
    """Refuse to add a setting that would take the place of one that is inherited.

    Raises:
        SettingError: It is inherited.
    """
    parent = configuration.find("INHERIT")
    if parent and configuration.find(name) is None:
        raise SettingError(
            f"{configuration.file} inherits `{name}` from {parent.value}; nothing was added.",
            f"Add `- {PLUGIN_NAME}:` there, and `site:` indented below it; then run this again.",
        )


def _ask_for_entry(url: str, *, tree: bool) -> Entry:
    """Read the address of a page or a space, or ask for it at a terminal.

    Raises:
        SettingError: It is none; or there is none, and no terminal.
    """
    if url:
        return read_entry(url, tree=tree)
    if not sys.stdin.isatty():
        raise SettingError(
            "The address of a page is missing.",
            "Name one: confluence-md init https://acme.atlassian.net/wiki/spaces/ENG/pages/123456",
        )
    while True:
        try:
            return read_entry(click.prompt("Address of a page in Confluence", err=True), tree=tree)
        except SettingError as error:
            echo(str(error), err=True)


def _find_address(config_file: Path, entry: Entry) -> ApiAddress:
    """Return where the API is, as far as the configuration and the entry say.

    Raises:
        SettingError: They are of two sites, or the configuration cannot be read.
    """
    if config_file.exists():
        # A mistake in it is said before anybody signs in, or looks for what `nav` has.
        Configuration.read(config_file)
    written = read_written_address(config_file)
    if written.site and entry.site and written.site != entry.site:
        raise SettingError(
            f"{config_file} is for {site_argument(written.site)}, but this page is on "
            f"{site_argument(entry.site)}.",
            "One mkdocs.yml has pages of one Confluence site: use another directory.",
        )
    return replace(written, site=written.site or entry.site)


def _is_signed_in(site: str, variables: Environment) -> bool:
    if variables.access_token or variables.credentials:
        return True
    return bool(login_keys(open_store(variables), site))


def _report(file: Path, changes: list[str]) -> None:
    echo("\n  - ".join([f"{file} has now:", *changes]), err=True)
