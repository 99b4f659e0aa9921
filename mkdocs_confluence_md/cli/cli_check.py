"""`confluence-md check`: what a build would stumble over."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mkdocs_confluence_md.cli.call_report import try_calls
from mkdocs_confluence_md.cli.check import inspect, inspect_settings
from mkdocs_confluence_md.cli.options import config_file_option
from mkdocs_confluence_md.config import make_address
from mkdocs_confluence_md.errors import SettingError
from mkdocs_confluence_md.site.page_findings import State
from mkdocs_confluence_md.text import format_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mkdocs_confluence_md.cli.check import Inspection

_LONGEST_CELL = 60


@click.command(epilog="Example: confluence-md check -f docs/mkdocs.yml --json")
@config_file_option
@click.option("--json", "json_wanted", is_flag=True, help="Print JSON.")
@click.option(
    "--report",
    "report_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Try each call of a build once, and write what the services answer, without any content.",
)
def check(*, config_file: Path, json_wanted: bool, report_file: Path | None) -> None:
    """Tell what a build would stumble over, without building.

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
    inspection = inspect(config_file, os.environ)
    click.echo(_as_json(inspection) if json_wanted else _as_tables(inspection))
    _show_problems(inspection)


def _show_problems(inspection: Inspection) -> None:
    for problem in _list_problems(inspection):
        click.echo(problem, err=True)
    if not inspection.is_fine:
        sys.exit(1)


def _write_report(config_file: Path, report_file: Path, *, json_wanted: bool) -> None:
    inspection, settings = inspect_settings(config_file, os.environ)
    _show_problems(inspection)
    assert settings  # noqa: S101  for the type checker: without problems there are settings
    environment = settings.environment
    if environment.offline or settings.options.offline:
        raise SettingError(
            "A report needs answers, and a build would not ask: it is offline.",
            "Leave out the option `offline` and CONFLUENCE_MD_OFFLINE for the report.",
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
    click.echo(
        json.dumps({"ok": report.is_fine, "report": str(report_file), "calls": steps}, indent=2)
        if json_wanted
        else format_table(("CALL", "OUTCOME"), [step[:2] for step in report.steps])
    )
    for name, _, text in filter(itemgetter(2), report.steps):
        click.echo(f"{name}: {_show(text)}", err=True)
    click.echo(
        f"The report is in {report_file}. It has no text, title, address, ID or token; read it, "
        "and attach it to an issue.",
        err=True,
    )
    if not report.is_fine:
        sys.exit(1)


def _as_json(inspection: Inspection) -> str:
    settings = [
        {"check": each.subject, "state": each.state.value, "text": each.text, "line": each.line}
        for each in inspection.settings
    ]
    pages = [
        {
            "line": each.entry.line,
            "title": each.entry.title,
            "reference": each.entry.text,
            "state": each.state.value,
            "text": each.text,
        }
        for each in inspection.pages
    ]
    told = {
        "ok": inspection.is_fine,
        "file": str(inspection.file),
        "nav_file": str(inspection.nav_file),
        "settings": settings,
        "pages": pages,
    }
    return json.dumps(told, indent=2, ensure_ascii=False)


def _as_tables(inspection: Inspection) -> str:
    tables = [format_table(("CHECK", "STATE", ""), _list_checks(inspection))]
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
        tables.append(format_table(("LINE", "TITLE", "REFERENCE", "STATE", "IN CONFLUENCE"), rows))
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
    shown = _show(text)
    return shown if len(shown) <= _LONGEST_CELL else f"{shown[: _LONGEST_CELL - 1]}…"


def _list_problems(inspection: Inspection) -> Iterator[str]:
    """Write each problem as compilers do, so that editors lead to the line."""
    for each in inspection.settings:
        if each.state is State.PROBLEM:
            place = f"{inspection.nav_file}:{each.line}" if each.line else each.subject
            yield f"{place}: {_show(each.text)}"
    for page in inspection.pages:
        if page.state is State.PROBLEM:
            yield f"{inspection.nav_file}:{page.entry.line}: {page.entry.text}: {_show(page.text)}"
