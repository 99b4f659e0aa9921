"""`confluence-md cache`: what the cache holds, and clearing it."""

from __future__ import annotations

import sys
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mkdocs_confluence_md.cache.inventory import (
    as_table,
    describe_holdings,
    find_holdings,
    remove_all,
    remove_pages,
    summarize,
)
from mkdocs_confluence_md.cache.store import Store
from mkdocs_confluence_md.cli.terminal import config_file_option, echo, echo_json
from mkdocs_confluence_md.confluence.refs import Complaint, PageRef, parse_reference
from mkdocs_confluence_md.project import find_cache_dir

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class _Opened:
    """A store, and where it is."""

    store: Store
    directory: Path
    warnings: list[str]


def _directory_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say where the cache is."""
    for option in (
        click.option(
            "--cache-dir",
            type=click.Path(file_okay=False, path_type=Path),
            help="The cache's directory, instead of what the configuration says.",
        ),
        config_file_option,
    ):
        command = option(command)
    return command


def _read_targets(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> list[str]:
    return list(dict.fromkeys(_read_target(value) for value in values))


def _read_target(value: str) -> str:
    reference = parse_reference(value)
    if isinstance(reference, Complaint):
        raise click.BadParameter(str(reference))
    return reference.page_id if isinstance(reference, PageRef) else reference.target


@click.group(epilog="Example: confluence-md cache show")
def cache() -> None:
    """Show or clear the pages that a project has in its cache."""


@cache.command(epilog="Example: confluence-md cache show -f docs/mkdocs.yml --json")
@_directory_options
@click.option("--json", "json_wanted", is_flag=True, help="Print JSON.")
def show(*, config_file: Path, cache_dir: Path | None, json_wanted: bool) -> None:
    """Tell which copies of pages there are, newest first.

    An account is shown by the first digits of its hash.
    """
    with _opened(config_file, cache_dir) as opened:
        holdings = find_holdings(opened.store)
    if json_wanted:
        echo_json(describe_holdings(holdings, str(opened.directory)))
    elif holdings:
        echo(as_table(holdings, time.time()))
    there_are = summarize(holdings) if holdings else "No copies"
    echo(f"{there_are} in {opened.directory}", err=True)
    _finish(opened)


@cache.command(epilog="Example: confluence-md cache clear 123456")
@_directory_options
@click.argument("targets", metavar="[ID]...", nargs=-1, callback=_read_targets)
def clear(*, config_file: Path, cache_dir: Path | None, targets: list[str]) -> None:
    """Remove the copies of pages, by ID or address, of trees (ID/, space/KEY), or of all.

    The next build exports them again; a server that is running goes on with what it has in memory.
    Without a copy, a page cannot be built while Confluence does not answer.
    """
    with _opened(config_file, cache_dir) as opened:
        store = opened.store
        removed = remove_pages(store, targets) if targets else remove_all(store)
    if removed or not targets:
        echo(f"Removed {summarize(removed)} from {opened.directory}", err=True)
    there_were = {each.page.target for each in removed}
    missing = [target for target in targets if target not in there_were]
    for target in missing:
        what = f"page {target}" if target.isdigit() else target
        echo(f"There is no copy of {what} in {opened.directory}", err=True)
    _finish(opened, fine=not missing)


@contextmanager
def _opened(config_file: Path, cache_dir: Path | None) -> Iterator[_Opened]:
    """Open the store of a project."""
    directory = cache_dir.resolve() if cache_dir else find_cache_dir(config_file)
    warnings: list[str] = []
    with closing(Store(directory, warnings.append)) as store:
        yield _Opened(store, directory, warnings)


def _finish(opened: _Opened, *, fine: bool = True) -> None:
    """Say what was wrong with the cache; any warning is a failure."""
    for warning in opened.warnings:
        echo(warning, err=True)
    if opened.warnings or not fine:
        sys.exit(1)
