"""`confluence-md check`: find what a build would fail on, without building.

All findings are independent, so that one run reports everything that can be known; without a
sign-in, pages cannot be checked.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import closing
from dataclasses import dataclass, field, replace
from enum import Enum
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

import click
import yaml

from mkdocs_confluence_md.auth.environment import ENV_PREFIX, find_misspelt, read_environment
from mkdocs_confluence_md.auth.token_file import make_protection
from mkdocs_confluence_md.auth.token_refresh import make_auth
from mkdocs_confluence_md.cli.call_report import try_calls
from mkdocs_confluence_md.cli.terminal import (
    config_file_option,
    echo,
    echo_json,
    fit_table,
    tell_of_wait,
)
from mkdocs_confluence_md.config import (
    PluginConfig,
    explain_option,
    find_snapshot_dir,
    make_address,
    validate,
    validate_site,
)
from mkdocs_confluence_md.confluence.exporter import complete_address, probe
from mkdocs_confluence_md.confluence.listing import list_pages
from mkdocs_confluence_md.confluence.refs import (
    PageRef,
    SpaceRef,
    is_confluence_url,
    space_url,
    view_url,
)
from mkdocs_confluence_md.errors import (
    ConfluenceError,
    CredentialsError,
    MissingError,
    SettingError,
    SnapshotError,
    TokenFileError,
)
from mkdocs_confluence_md.factory import explain_silence, make_fetcher
from mkdocs_confluence_md.fetch.snapshot import read_snapshot_manifest, show_time
from mkdocs_confluence_md.network.throttling import AT_A_TERMINAL
from mkdocs_confluence_md.network.urls import host_of
from mkdocs_confluence_md.project import (
    Declared,
    Flaw,
    check_written,
    explain_yaml,
    find_directories,
    find_entries,
    find_missing_files,
    find_project_cache_dir,
    locate_option,
    locate_setting,
    read_nav,
    read_options,
    walk_nodes,
)
from mkdocs_confluence_md.site.messages import report_plain_addresses
from mkdocs_confluence_md.site.nav import find_foreign
from mkdocs_confluence_md.text import count_things, cut_text, describe_age

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from yaml.nodes import Node

    from mkdocs_confluence_md.auth.environment import Environment
    from mkdocs_confluence_md.auth.token_refresh import TokenAuth
    from mkdocs_confluence_md.confluence.models import PageFacts
    from mkdocs_confluence_md.confluence.refs import TreeRef
    from mkdocs_confluence_md.confluence.rest import ConfluenceRest
    from mkdocs_confluence_md.fetch.fetcher import Fetcher
    from mkdocs_confluence_md.network.urls import ApiAddress


@dataclass(frozen=True)
class Finding:
    """How one check came out."""

    subject: str
    """What was checked."""
    state: State
    text: str = ""
    """What there is; of a problem, what is wrong and what to do."""
    line: int = 0
    """From 1; 0 where it is not in a line."""
    file: Path | None = None
    """Where that line is; None for the file with `nav`."""


@dataclass
class Inspection:
    """Everything that was found out."""

    file: Path
    """The configuration."""
    nav_file: Path
    """Where `nav` stands: there, or in a file that it inherits from."""
    site: str = ""
    """The origin for links to Confluence; empty where it is not known."""
    settings: list[Finding] = field(default_factory=list)
    pages: list[PageFinding] = field(default_factory=list)

    @property
    def is_fine(self) -> bool:
        """Whether a build would have what it needs."""
        states = [each.state for each in self.settings] + [each.state for each in self.pages]
        return State.PROBLEM not in states


@dataclass(frozen=True)
class Settings:
    """What a project says, as far as it can be read."""

    entries: Sequence[Declared]
    options: PluginConfig
    environment: Environment


def inspect_settings(
    config_file: Path, variables: Mapping[str, str], *, with_mkdocs: bool = True
) -> tuple[Inspection, Settings | None]:
    """Look at the configuration and the environment, and ask no service.

    Args:
        config_file: The project's `mkdocs.yml`.
        variables: The environment.
        with_mkdocs: Have MkDocs validate the rest of the configuration, which needs its theme and
            the other plugins.

    Returns:
        What was found out; and what there is, if a build could begin with it.
    """
    inspection = Inspection(config_file, config_file)
    entries = _inspect_nav(inspection) if _inspect_protection(inspection) else None
    options = None if entries is None else _inspect_options(inspection)
    if options is not None:
        if with_mkdocs:
            _inspect_mkdocs(inspection)
        inspection.site = make_address(options).find_site()
        _look_for_foreign_pages(inspection, entries or ())
    environment = _inspect_environment(inspection, variables)
    inspection.pages = [PageFinding(each, State.UNKNOWN) for each in entries or ()]
    if entries is None or options is None or environment is None:
        return inspection, None
    return inspection, Settings(entries, options, environment)


def inspect(config_file: Path, variables: Mapping[str, str]) -> Inspection:
    """Find out what a build would stumble over; arguments as `inspect_settings`."""
    inspection, settings = inspect_settings(config_file, variables)
    if settings:
        _inspect_source(inspection, settings.entries, settings.options, settings.environment)
    return inspection


def _inspect_protection(inspection: Inspection) -> bool:
    """Look for secrets and the token file; return whether the rest can be shown."""
    protection = make_protection(os.environ)
    try:
        check_written(inspection.file, protection)
        for name, directory in find_directories(inspection.file).items():
            protection.check_directory(directory, name)
    except SettingError as error:
        inspection.settings += [
            Finding("configuration", State.PROBLEM, str(error)),
            Finding("nav", State.UNKNOWN),
            Finding("options", State.UNKNOWN),
        ]
        return False
    return True


def _inspect_nav(inspection: Inspection) -> list[Declared] | None:
    """Return the entries that are ours; None if the file cannot be read at all."""
    try:
        inspection.nav_file, nav = read_nav(inspection.file)
    except yaml.YAMLError as error:
        flaw = explain_yaml(error)
        if make_protection(os.environ).find_secret(str(flaw)):
            flaw = Flaw(flaw.line, "This is not valid YAML.", "Remove the secret from this line.")
    except ConfluenceError as error:
        flaw = Flaw(0, error.what, error.remedy)
    else:
        entries = _list_entries(inspection, list(find_entries(nav)) if nav else [])
        if nav and not entries:
            _look_for_addresses(inspection, nav)
        for flaw in find_missing_files(inspection.file, nav) if nav else ():
            inspection.settings.append(Finding("nav", State.PROBLEM, str(flaw), flaw.line))
        return entries
    inspection.settings.append(Finding("nav", State.PROBLEM, str(flaw), flaw.line))
    inspection.settings.append(Finding("options", State.UNKNOWN))
    return None


def _look_for_addresses(inspection: Inspection, nav: Node) -> None:
    """Find pages in Confluence that a `nav` without any page from there only links to."""
    for written in walk_nodes(nav):
        if is_confluence_url(written.text):
            text = report_plain_addresses([written.text], {})
            inspection.settings.append(Finding("nav", State.PROBLEM, text, written.line))


def _look_for_foreign_pages(inspection: Inspection, entries: Sequence[Declared]) -> None:
    """Find pages of another site: their IDs mean other pages here."""
    site_host = host_of(inspection.site)
    for entry in entries:
        reference = entry.reference
        if not isinstance(reference, PageRef):
            continue
        if complaint := find_foreign(entry.text, reference, site_host):
            inspection.settings.append(Finding("nav", State.PROBLEM, str(complaint), entry.line))
        site_host = site_host or reference.host


def _list_entries(inspection: Inspection, found: list[Declared | Flaw]) -> list[Declared]:
    flaws = [each for each in found if isinstance(each, Flaw)]
    entries = [each for each in found if isinstance(each, Declared)]
    for flaw in flaws:
        inspection.settings.append(Finding("nav", State.PROBLEM, str(flaw), flaw.line))
    if not flaws:
        count = count_things(len(entries), "entry", "entries")
        inspection.settings.append(Finding("nav", State.FINE, f"{count} from Confluence"))
    return entries


def _inspect_mkdocs(inspection: Inspection) -> None:
    """Find what `mkdocs build --strict` would refuse, besides our own options."""
    # MkDocs says of `nav` what was said already, with less.
    is_told = any(each.subject == "nav" and each.state is State.PROBLEM
                  for each in inspection.settings)  # fmt: skip
    try:
        found = validate_site(inspection.file)
    except SettingError as error:
        inspection.settings.append(Finding("MkDocs", State.PROBLEM, str(error)))
        return
    found = [each for each in found if each[0] != "nav" or not is_told]
    for name, text in found:
        line = locate_setting(inspection.file, name)
        inspection.settings.append(
            Finding("MkDocs", State.PROBLEM, f"`{name}`: {_shorten(text)}", line, inspection.file)
        )
    if not found:
        inspection.settings.append(Finding("MkDocs", State.FINE, "accepts the configuration"))


def _shorten(text: str) -> str:
    """Return a message of MkDocs without the traceback of an extension that is in it."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    is_traceback = any(line.startswith("File ") for line in lines)
    return _end(f"{lines[0]} {lines[-1]}" if is_traceback else " ".join(lines))


def _inspect_options(inspection: Inspection) -> PluginConfig | None:
    """Validate the plugin's options; None if MkDocs would refuse them."""
    try:
        written = read_options(inspection.file)
    except SettingError as error:
        inspection.settings.append(Finding("options", State.PROBLEM, str(error)))
        return None
    options, errors, warnings = validate(written)
    for name, text in (*errors, *warnings):
        file, line = locate_option(inspection.file, name)
        said = f"Option `{name}`: {_end(explain_option(name, text))}"
        inspection.settings.append(Finding("options", State.PROBLEM, said, line, file))
    if not errors and not warnings:
        count = count_things(len(written), "option")
        inspection.settings.append(Finding("options", State.FINE, count))
    return None if errors else options


def _inspect_environment(
    inspection: Inspection, variables: Mapping[str, str]
) -> Environment | None:
    misspelt = find_misspelt(variables)
    inspection.settings += [Finding("environment", State.PROBLEM, each) for each in misspelt]
    try:
        environment = read_environment(variables)
    except SettingError as error:
        if not misspelt:
            inspection.settings.append(Finding("environment", State.PROBLEM, str(error)))
        return None
    if misspelt:
        return environment
    names = sorted(name for name in variables if name.startswith(ENV_PREFIX) and variables[name])
    inspection.settings.append(
        Finding("environment", State.FINE, ", ".join(names) or "nothing set")
    )
    return environment


def _inspect_source(
    inspection: Inspection,
    entries: Sequence[Declared],
    options: PluginConfig,
    environment: Environment,
) -> None:
    """Look at what a build would take its pages from, and at each of them."""
    address = replace(make_address(options), api_url=environment.api_url)
    snapshot_dir = find_snapshot_dir(options, inspection.file)
    try:
        address.check()
        auth = make_auth(environment, site=address.find_site(), base_url=address.base_url)
        reason = explain_silence(options, environment, auth, snapshot_dir)
    except (SettingError, CredentialsError, TokenFileError) as error:
        inspection.settings.append(Finding("sign-in", State.PROBLEM, error.full_text()))
        inspection.settings.append(Finding("API", State.UNKNOWN))
        return
    complete: ApiAddress | None = address
    if reason:
        inspection.settings.append(Finding("API", State.UNKNOWN, reason))
    else:
        complete = _inspect_api(inspection, address, auth)
    is_readable = not snapshot_dir or _inspect_snapshot(inspection, snapshot_dir)
    if complete and (is_readable or not reason):
        # What is wrong in Confluence is asked for, whatever a snapshot has.
        source = snapshot_dir if reason else None
        _inspect_pages(inspection, entries, options, environment, complete, snapshot_dir=source)


def _inspect_snapshot(inspection: Inspection, directory: Path) -> bool:
    """Return True if there is a snapshot: no build begins without it, even if it is not needed."""
    try:
        manifest = read_snapshot_manifest(directory)
    except SnapshotError as error:
        inspection.settings.append(Finding("snapshot", State.PROBLEM, error.full_text()))
        return False
    count = count_things(len(manifest.pages), "page")
    text = f"{count}, pulled at {show_time(manifest.pulled)}"
    inspection.settings.append(Finding("snapshot", State.FINE, text))
    return True


def _inspect_api(inspection: Inspection, address: ApiAddress, auth: TokenAuth) -> ApiAddress | None:
    """Make one call that exports nothing; return the whole address if the API answers."""
    try:
        auth.check_trust(address.make_base_url())
        address = complete_address(address, auth)
        probe(address, auth)
    except (SettingError, CredentialsError, TokenFileError) as error:
        inspection.settings.append(Finding("sign-in", State.PROBLEM, error.full_text()))
        inspection.settings.append(Finding("API", State.UNKNOWN))
        return None
    except ConfluenceError as error:
        inspection.settings.append(Finding("API", State.PROBLEM, error.full_text()))
        return None
    inspection.settings.append(Finding("API", State.FINE, f"{address.make_base_url()}"))
    return address


def _inspect_pages(  # noqa: PLR0913  it has that many settings
    inspection: Inspection,
    entries: Sequence[Declared],
    options: PluginConfig,
    environment: Environment,
    address: ApiAddress,
    *,
    snapshot_dir: Path | None,
) -> None:
    """Look at each page; without exporting any, where Confluence's own REST API may be asked."""
    warnings: list[str] = []
    try:
        fetcher = make_fetcher(
            options,
            environment,
            address,
            cache_dir=find_project_cache_dir(inspection.file),
            snapshot_dir=snapshot_dir,
            patience=AT_A_TERMINAL,
            warn=warnings.append,
            inform=lambda text: inspection.settings.append(Finding("account", State.FINE, text)),
            labels_matter=False,
        )
    except SettingError as error:
        inspection.settings.append(Finding("sign-in", State.PROBLEM, error.full_text()))
        return
    with closing(fetcher):
        rest = fetcher.make_hasty_rest()
        if rest is None:
            inspection.pages = list(fetch(entries, fetcher))
        else:
            with closing(rest):
                _inspect_rest(inspection, entries, rest, fetcher)
    told = {each.subject for each in inspection.settings}
    for text in warnings:
        # What the build would say of the REST API has been told already.
        subject = "cache" if text.startswith("The cache") else "REST API"
        if subject not in told or subject == "cache":
            inspection.settings.append(Finding(subject, State.PROBLEM, text))


def _inspect_rest(
    inspection: Inspection,
    entries: Sequence[Declared],
    rest: ConfluenceRest,
    fetcher: Fetcher,
) -> None:
    """Ask Confluence's REST API for each entry; where it does not answer, do as a build would."""
    try:
        inspection.pages = list(ask_rest(entries, rest))
    except ConfluenceError as error:
        inspection.settings.append(Finding("REST API", State.PROBLEM, error.full_text()))
        inspection.pages = list(fetch(entries, fetcher))


def _end(text: object) -> str:
    """End what MkDocs says with a full stop."""
    shown = str(text)
    return shown if shown.endswith("?") else f"{shown.rstrip('.')}."


_LONGEST_CELL = 60


@click.command(
    epilog="Example: confluence-md check -f docs/mkdocs.yml --json",
)
@config_file_option
@click.option("--json", "json_wanted", is_flag=True, help="Print JSON.")
@click.option(
    "--no-network",
    is_flag=True,
    help="Look at nav and the options only: for a hook before commits.",
)
@click.option(
    "--report",
    "report_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Try each call of a build once, and write what the services answer, without any content.",
)
def check(
    *, config_file: Path, json_wanted: bool, no_network: bool, report_file: Path | None
) -> None:
    """Find what would make a build fail, without building.

    It reads the configuration itself, also where MkDocs would refuse it; then it looks at the
    options, the environment, the sign-in, the API, and at each page that nav refers to. With
    CONFLUENCE_MD_EMAIL and CONFLUENCE_MD_API_TOKEN nothing is exported; without them, pages that
    the cache does not have are exported, as the next build would do. Where a build would not ask
    Confluence, it looks into the snapshot, or into the cache.

    With --report it exports the first page, tree and space of nav, and writes a file for an issue
    report: statuses, names of headers, types of fields, and how many of which constructs there
    are. It has no text, title, address, ID or token.
    """
    if report_file:
        _write_report(config_file, report_file, json_wanted=json_wanted)
        return
    if no_network:
        inspection, _ = inspect_settings(config_file, os.environ, with_mkdocs=False)
    else:
        with tell_of_wait("Confluence"):
            inspection = inspect(config_file, os.environ)
    if json_wanted:
        echo_json(_as_data(inspection))
    else:
        echo(_as_tables(inspection))
    _show_problems(inspection)


def _show_problems(inspection: Inspection) -> None:
    for problem in _list_problems(inspection):
        echo(problem, err=True)
    if not inspection.is_fine:
        sys.exit(1)


def _write_report(config_file: Path, report_file: Path, *, json_wanted: bool) -> None:
    inspection, settings = inspect_settings(config_file, os.environ)
    _show_problems(inspection)
    assert settings  # noqa: S101  for the type checker: without problems there are settings
    environment = settings.environment
    if environment.offline or settings.options.offline:
        raise SettingError(
            "The report needs the network, but the build is offline.",
            "Remove the option `offline` and the variable CONFLUENCE_MD_OFFLINE for the report.",
        )
    report = try_calls(
        [entry.reference for entry in settings.entries],
        settings.options,
        environment,
        replace(make_address(settings.options), api_url=environment.api_url),
    )
    text = json.dumps(report.as_data(), indent=2, ensure_ascii=False)
    try:
        report_file.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise SettingError(
            f"{report_file} cannot be written: {error.strerror}.", "Name another file."
        ) from None
    steps = [{"call": name, "outcome": outcome} for name, outcome, _ in report.steps]
    if json_wanted:
        echo_json({"ok": report.is_fine, "report": str(report_file), "calls": steps})
    else:
        echo(fit_table(("CALL", "OUTCOME"), [step[:2] for step in report.steps]))
    for name, _, text in filter(itemgetter(2), report.steps):
        echo(f"{name}: {_show(text)}", err=True)
    echo(
        f"The report is in {report_file}. It has no text, title, address, ID or token; read it, "
        "and attach it to an issue.",
        err=True,
    )
    if not report.is_fine:
        sys.exit(1)


def _as_data(inspection: Inspection) -> dict[str, object]:
    settings = [
        {"check": each.subject, "state": each.state.value, "text": each.text, "line": each.line}
        for each in inspection.settings
    ]
    pages = [
        {
            "line": each.entry.line,
            "title": each.entry.title,
            "page_id": each.entry.reference.page_id
            if not isinstance(each.entry.reference, SpaceRef)
            else None,
            "url": _find_url(each.entry, inspection.site),
            "reference": each.entry.text,
            "state": each.state.value,
            "text": each.text,
        }
        for each in inspection.pages
    ]
    return {
        "ok": inspection.is_fine,
        "file": str(inspection.file),
        "nav_file": str(inspection.nav_file),
        "settings": settings,
        "pages": pages,
    }


def _find_url(entry: Declared, site: str) -> str | None:
    """Return the address of what an entry refers to; None where the site is not known."""
    reference = entry.reference
    if isinstance(reference, PageRef) and reference.host:
        site = site or f"https://{reference.host}"
    if not site:
        return None
    if isinstance(reference, SpaceRef):
        return space_url(site, reference.key)
    return view_url(site, reference.page_id)


def _as_tables(inspection: Inspection) -> str:
    tables = [fit_table(("CHECK", "STATE", ""), _list_checks(inspection))]
    if inspection.pages:
        rows = [
            (
                str(each.entry.line),
                _cut(each.entry.title) or "-",
                _cut(each.entry.text),
                each.state.value,
                _show(each.text) if each.state is not State.PROBLEM else "",
            )
            for each in inspection.pages
        ]
        tables.append(fit_table(("LINE", "TITLE", "REFERENCE", "STATE", "IN CONFLUENCE"), rows))
    return "\n\n".join(tables)


def _list_checks(inspection: Inspection) -> Iterator[tuple[str, str, str]]:
    """Return a row for each check, however many problems it found."""
    for subject in dict.fromkeys(each.subject for each in inspection.settings):
        found = [each for each in inspection.settings if each.subject == subject]
        problems = [each for each in found if each.state is State.PROBLEM]
        if len(problems) > 1:
            yield subject, f"{len(problems)} problems", ""
        elif problems:
            yield subject, State.PROBLEM.value, ""
        else:
            yield subject, found[0].state.value, _show(found[0].text)


def _show(text: str) -> str:
    """Show a text in one line, without anything that a terminal would obey."""
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}"
        for character in " ".join(text.split())
    )


def _cut(text: str) -> str:
    """Show as much of a text as fits into a column."""
    return cut_text(_show(text), _LONGEST_CELL)


def _list_problems(inspection: Inspection) -> Iterator[str]:
    """Write each problem as compilers do, so that editors lead to the line."""
    for each in inspection.settings:
        if each.state is State.PROBLEM:
            file = each.file or inspection.nav_file
            place = f"{file}:{each.line}" if each.line else each.subject
            yield f"{place}: {_show(each.text)}"
    for page in inspection.pages:
        if page.state is State.PROBLEM:
            yield f"{inspection.nav_file}:{page.entry.line}: {page.entry.text}: {_show(page.text)}"


class State(Enum):
    """How a check came out."""

    FINE = "ok"
    PROBLEM = "problem"
    UNKNOWN = "not checked"
    """Because something that it needs has a problem."""


@dataclass(frozen=True)
class PageFinding:
    """What is known of an entry of `nav`."""

    entry: Declared
    state: State
    text: str = ""


def ask_rest(entries: Sequence[Declared], rest: ConfluenceRest) -> Iterator[PageFinding]:
    """Ask for titles and versions: one request for each 250 pages, and a list for each tree.

    Raises:
        ConfluenceError: Confluence's REST API does not answer.
    """
    page_ids = [each.reference.page_id for each in entries if isinstance(each.reference, PageRef)]
    facts = rest.describe_pages(page_ids)
    for entry in entries:
        if isinstance(entry.reference, PageRef):
            yield _tell_of_page(entry, facts.get(entry.reference.page_id))
        else:
            yield _tell_of_tree(entry, rest, entry.reference)


def _tell_of_page(entry: Declared, facts: PageFacts | None) -> PageFinding:
    if facts is None:
        return PageFinding(
            entry,
            State.PROBLEM,
            "There is no such page, or the account of CONFLUENCE_MD_EMAIL may not see it. Compare "
            "the ID with the page's address in Confluence.",
        )
    changed = f" of {facts.changed_at[:10]}" if facts.changed_at else ""
    return PageFinding(entry, State.FINE, f"{facts.title}, version {facts.version}{changed}")


def _tell_of_tree(
    entry: Declared, rest: ConfluenceRest, reference: TreeRef | SpaceRef
) -> PageFinding:
    try:
        listing = list_pages(rest, reference)
    except MissingError as error:
        return PageFinding(entry, State.PROBLEM, error.full_text())
    count = len([page for page in listing.tree.walk() if not page.is_folder])
    pages = count_things(count, "page")
    return PageFinding(entry, State.FINE, f"{listing.tree.title or 'untitled'}, {pages}")


def fetch(entries: Sequence[Declared], fetcher: Fetcher) -> Iterator[PageFinding]:
    """Fetch everything as a build does, so that the next build finds it in the cache."""
    pages = [each.reference.page_id for each in entries if isinstance(each.reference, PageRef)]
    trees = [each.reference for each in entries if not isinstance(each.reference, PageRef)]
    fetcher.start(pages, trees)
    found = fetcher.wait_for_trees()
    fetcher.release()
    place = "in the snapshot" if fetcher.uses_only_snapshot else ""
    for entry in entries:
        try:
            if isinstance(entry.reference, PageRef):
                page = fetcher.wait_for(entry.reference.page_id)
                yield _tell_of_copy(entry, place or page.origin.value, page.age, page.error)
                continue
            tree = found[entry.reference]
            if isinstance(tree, ConfluenceError):
                raise tree
            yield _tell_of_copy(entry, place or tree.origin.value, tree.age, tree.error)
        except ConfluenceError as error:
            yield PageFinding(entry, State.PROBLEM, error.full_text())


def _tell_of_copy(
    entry: Declared, origin: str, age: float, error: ConfluenceError | None
) -> PageFinding:
    if error is None:
        return PageFinding(entry, State.FINE, origin)
    copy = f"A build would take a copy from {describe_age(age)} ago."
    return PageFinding(entry, State.PROBLEM, f"{error.full_text()} {copy}")
