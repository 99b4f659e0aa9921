"""`confluence-md pull`: a site as files, for builds without Confluence, or without this plugin."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mkdocs_confluence_md.auth.token_file import check_way
from mkdocs_confluence_md.cli.terminal import config_file_option, echo

if TYPE_CHECKING:
    from mkdocs_confluence_md.pull.writer import Difference


@click.command(epilog="Example: confluence-md pull -f mkdocs.yml snapshot")
@config_file_option
@click.option(
    "--check",
    is_flag=True,
    help="Change nothing: list what is not current on stdout, and exit with 1 if anything is not.",
)
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
def pull(*, config_file: Path, check: bool, directory: Path) -> None:
    """Write the site to DIR as files, with nothing of Confluence left in its mkdocs.yml.

    DIR is ready for mkdocs build, properdocs build and zensical build, and it is what the plugin's
    option snapshot names, for builds without network. What is in DIR and was not pulled is left
    alone. The exit code is 1 on any warning of the build, although DIR is written then.
    """
    # Only this command needs MkDocs.
    from mkdocs_confluence_md.pull.puller import pull_site  # noqa: PLC0415
    from mkdocs_confluence_md.pull.writer import SnapshotWriter  # noqa: PLC0415

    check_way(directory, config_file.parent)
    writer = SnapshotWriter(directory.resolve())
    writer.open(tidy=not check)
    if not check:
        writer.check_changes()
    site = pull_site(config_file, writer.directory, lambda text: echo(text, err=True))
    differences = writer.compare(site)
    if check:
        for difference in differences:
            echo(_describe(difference))
        state = "not current" if differences else "current"
        echo(f"{directory} is {state}.", err=True)
        sys.exit(1 if differences or site.problems else 0)
    written = writer.write(site, time.time())
    count = "1 page" if len(site.pages) == 1 else f"{len(site.pages)} pages"
    what = _summarize(differences) if written else "nothing has changed"
    echo(f"{count} from Confluence in {directory}: {what}.", err=True)
    if site.problems:
        sys.exit(1)


def _describe(difference: Difference) -> str:
    page = difference.page
    named = f"  {page.page_id}  {page.title}" if page else ""
    return f"{difference.what:8}{difference.path}{named}"


def _summarize(differences: list[Difference]) -> str:
    pages = [difference.what for difference in differences if difference.page]
    others = len(differences) - len(pages)
    counts = [f"{pages.count(what)} {what}" for what in ("new", "changed", "gone") if what in pages]
    if others:
        counts.append(f"{others} other file{'s' * (others > 1)} written or removed")
    return ", ".join(counts) or "only its manifest has changed"
