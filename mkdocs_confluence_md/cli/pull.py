"""`confluence-md pull`: a site as files, for builds without Confluence, or without this plugin."""

from __future__ import annotations

import sys
import time
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from mkdocs_confluence_md.auth.token_file import check_way
from mkdocs_confluence_md.cli import INTERRUPTED
from mkdocs_confluence_md.cli.terminal import config_file_option, echo, tell_of_wait
from mkdocs_confluence_md.errors import ConfluenceError
from mkdocs_confluence_md.text import count_things

if TYPE_CHECKING:
    from mkdocs_confluence_md.pull.puller import PulledSite
    from mkdocs_confluence_md.pull.writer import Difference


@click.command(
    epilog="Example: confluence-md pull -f mkdocs.yml snapshot",
)
@config_file_option
@click.option(
    "--check",
    is_flag=True,
    help="Change nothing: list what is not current on stdout, and exit with 1 if anything is not.",
)
@click.option(
    "--watch",
    is_flag=True,
    help="Go on: look again as often as the option `watch` says, every 60 s without it.",
)
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
def pull(*, config_file: Path, check: bool, watch: bool, directory: Path) -> None:
    """Write the site to DIR as files, with nothing of Confluence left in its mkdocs.yml.

    DIR is ready for mkdocs build, properdocs build and zensical build, and it is what the plugin's
    option snapshot names, for builds without network. What is in DIR and was not pulled is left
    alone. The exit code is 1 on any warning of the build, although DIR is written then.
    """
    if check and watch:
        raise click.UsageError("Use --check or --watch, not both.")
    check_way(directory, config_file.parent)
    if watch:
        _keep_pulling(config_file, directory)
    site, differences, written = _pull_once(config_file, directory, check=check)
    if check:
        for difference in differences:
            echo(_describe(difference))
        state = "not current" if differences else "current"
        echo(f"{directory} is {state}.", err=True)
        sys.exit(1 if differences or site.problems else 0)
    _say(site, differences, directory, written=written)
    if site.problems:
        sys.exit(1)


def _pull_once(
    config_file: Path, directory: Path, *, check: bool = False, again: bool = False
) -> tuple[PulledSite, list[Difference], bool]:
    """Return the site, in what it differs from what is there, and whether it was written."""
    # Only this command needs MkDocs.
    from mkdocs_confluence_md.pull.puller import pull_site  # noqa: PLC0415
    from mkdocs_confluence_md.pull.writer import SnapshotWriter  # noqa: PLC0415

    writer = SnapshotWriter(directory.resolve())
    writer.open(tidy=not check)
    if not check:
        writer.check_changes()
    tell = partial(echo, err=True)
    with nullcontext() if again else tell_of_wait("pages from Confluence"):
        site = pull_site(config_file, writer.directory, tell, again=again)
    differences = writer.compare(site)
    written = not check and writer.write(site, time.time())
    return site, differences, written


def _keep_pulling(config_file: Path, directory: Path) -> NoReturn:
    """Pull until somebody interrupts it; what fails is told, and tried again."""
    site, differences, written = _pull_once(config_file, directory)
    _say(site, differences, directory, written=written)
    interval = site.interval
    echo(f"Looking again every {interval:g} s; press Ctrl-C to end.", err=True)
    try:
        while True:
            time.sleep(interval)
            try:
                site, differences, written = _pull_once(config_file, directory, again=True)
            except ConfluenceError as error:
                echo(str(error), err=True)
                continue
            if differences:
                _say(site, differences, directory, written=written)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _say(
    site: PulledSite, differences: list[Difference], directory: Path, *, written: bool
) -> None:
    count = count_things(len(site.pages), "page")
    what = _summarize(differences) if written else "nothing has changed"
    echo(f"{count} from Confluence in {directory}: {what}.", err=True)


def _describe(difference: Difference) -> str:
    page = difference.page
    named = f"  {page.page_id}  {page.title}" if page else ""
    return f"{difference.what:8}{difference.path}{named}"


def _summarize(differences: list[Difference]) -> str:
    pages = [difference.what for difference in differences if difference.page]
    others = len(differences) - len(pages)
    counts = [f"{pages.count(what)} {what}" for what in ("new", "changed", "gone") if what in pages]
    if others:
        counts.append(f"{count_things(others, 'other file')} written or removed")
    return ", ".join(counts) or "only its manifest has changed"
