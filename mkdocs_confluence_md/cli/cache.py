"""`confluence-md cache`: show and clear the cached copies of a project."""

from __future__ import annotations

import os
import sys
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mkdocs_confluence_md.auth.environment import ENV_PREFIX, read_environment
from mkdocs_confluence_md.cache.policy import read_texts
from mkdocs_confluence_md.cache.records import (
    PageCopy,
    file_key,
    is_file,
    read_attachments_copy,
    read_manifest,
    read_page_copy,
    read_tree_copy,
    read_tree_manifest,
)
from mkdocs_confluence_md.cache.shared import name_copy
from mkdocs_confluence_md.cache.store import Store
from mkdocs_confluence_md.cli.terminal import config_file_option, echo, echo_json, fit_table
from mkdocs_confluence_md.confluence.refs import Complaint, PageRef, SpaceRef, parse_reference
from mkdocs_confluence_md.network.shared_store import SharedStore
from mkdocs_confluence_md.project import find_project_cache_dir
from mkdocs_confluence_md.text import count_things, describe_age, describe_size

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from mkdocs_confluence_md.cache.records import CacheEntry

_ACCOUNT_DIGITS = 8


@dataclass(frozen=True)
class Holding:
    """A copy of a page, or of a tree."""

    page: PageCopy
    entry: CacheEntry
    attachments: tuple[CacheEntry, ...] = ()
    """What the cache keeps of its attachments: which there are, and the files themselves.

    Of a tree, its archive."""

    @property
    def files(self) -> list[CacheEntry]:
        """The attachments of a page."""
        files = [entry for entry in self.attachments if is_file(entry.key)]
        return files if self.page.tree is None else []

    @property
    def size(self) -> int:
        """With its attachments, in bytes."""
        return measure([self])


def find_holdings(store: Store) -> list[Holding]:
    """Return the copies of pages, newest first; none, and nothing is made, without a cache."""
    entries = _list_entries(store)
    attachments = _find_attachments(store, entries)
    found = [
        Holding(page, entry, tuple(attachments.get(page, ())))
        for entry in entries
        if (page := read_page_copy(entry.key) or read_tree_copy(entry.key))
    ]
    return sorted(found, key=lambda each: (-each.entry.stored_at, each.page.target))


def remove_pages(
    store: Store, targets: Collection[str], forget: Callable[[Collection[str]], object] = bool
) -> list[Holding]:
    """Remove the copies of pages and trees, of all accounts; return what was removed.

    An attachment stays as long as another page has it too.

    Args:
        store: The cache.
        targets: The pages and trees.
        forget: Removes the keys where machines share copies; called first, because only this cache
            knows them.
    """
    entries = _list_entries(store)
    attachments = _find_attachments(store, entries)
    staying = {page: kept for page, kept in attachments.items() if page.target not in targets}
    going = [each for each in find_holdings(store) if each.page.target in targets]
    keys = {each.entry.key for each in going}
    keys |= {entry.key for page in attachments.keys() - staying for entry in attachments[page]}
    keys -= {entry.key for kept in staying.values() for entry in kept}
    keys |= {entry.key for entry in entries if entry.target in keys}
    if keys:
        forget(keys)
        store.do(lambda disk: disk.remove(keys))
    return going


def _find_attachments(
    store: Store, entries: Sequence[CacheEntry]
) -> dict[PageCopy, list[CacheEntry]]:
    """Say of each copy of a page what is kept of its attachments; of a tree, of its archive."""
    by_key = {entry.key: entry for entry in entries}
    pages = {key: page for key in by_key if (page := read_attachments_copy(key))}
    trees = {key: page for key in by_key if (page := read_tree_copy(key))}
    texts = read_texts(store.read({**pages, **trees}))
    found: dict[PageCopy, list[CacheEntry]] = {}
    for key, page in {**pages, **trees}.items():
        files = map(file_key, _find_digests(texts.get(key, ""), is_tree=key in trees))
        own = () if key in trees else (key,)
        found[page] = [by_key[each] for each in (*own, *files) if each in by_key]
    return found


def _find_digests(text: str, *, is_tree: bool) -> list[str]:
    if is_tree:
        tree = read_tree_manifest(text)
        return [tree.digest] if tree else []
    manifest = read_manifest(text)
    return sorted(manifest.digests) if manifest else []


def remove_all(store: Store, forget: Callable[[Collection[str]], object] = bool) -> list[Holding]:
    """Remove everything that the cache keeps, and what a repair or a killed build left behind.

    Args:
        store: The cache.
        forget: As in `remove_pages`.
    """
    going = find_holdings(store)
    if keys := [entry.key for entry in _list_entries(store)]:
        forget(keys)
    if store.directory.exists():
        store.do(lambda disk: disk.clear())
        store.do(lambda _: store.directory.remove_leftovers())
    return going


def as_table(holdings: Sequence[Holding], now: float) -> str:
    """Write a table for a person, with columns as wide as they must be."""
    rows = [_as_row(each, now) for each in holdings]
    return fit_table(("PAGE", "HOST", "ACCOUNT", "SIZE", "AGE"), rows)


def describe_holdings(holdings: Sequence[Holding], directory: str) -> dict[str, object]:
    """Return what there is for JSON; times as ISO 8601, in UTC."""
    copies = [
        {
            **_name(each.page),
            "base_url": each.page.base_url,
            "account": each.page.account,
            "size": each.size,
            "attachments": len(each.files),
            "exported_at": datetime.fromtimestamp(each.entry.stored_at, UTC).isoformat(
                timespec="seconds"
            ),
        }
        for each in holdings
    ]
    total = measure(holdings)
    return {"directory": directory, "size": total, "copies": copies}


def _name(page: PageCopy) -> dict[str, str]:
    if isinstance(page.tree, SpaceRef):
        return {"space": page.tree.key}
    return {"tree": page.tree.page_id} if page.tree else {"page_id": page.page_id}


def summarize(holdings: Sequence[Holding]) -> str:
    """Say how many copies there are, and how large they are."""
    count = count_things(len(holdings), "copy", "copies")
    return f"{count}, {describe_size(measure(holdings))}"


def measure(holdings: Sequence[Holding]) -> int:
    """Return the size of copies in bytes; what they share is counted once."""
    entries = {entry.key: entry for each in holdings for entry in (each.entry, *each.attachments)}
    return sum(entry.size for entry in entries.values())


def _as_row(holding: Holding, now: float) -> tuple[str, ...]:
    page, entry = holding.page, holding.entry
    age = f"{describe_age(max(0.0, now - entry.stored_at))} ago"
    account = page.account[:_ACCOUNT_DIGITS] or "-"
    return page.target, page.host, account, describe_size(holding.size), age


def _list_entries(store: Store) -> list[CacheEntry]:
    if not store.directory.exists():
        return []
    return store.do(lambda disk: disk.list_entries()) or []


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
    """List the cached copies of pages, newest first.

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

    Those that this project has are also removed from the server that machines share.
    The next build exports them again; a server that is running goes on with what it has in memory.
    Without a copy, a page cannot be built while Confluence does not answer.
    """
    with _opened(config_file, cache_dir) as opened:
        store = opened.store
        removed = (
            remove_pages(store, targets, _forget_shared)
            if targets
            else remove_all(store, _forget_shared)
        )
    if removed or not targets:
        echo(f"Removed {summarize(removed)} from {opened.directory}", err=True)
    there_were = {each.page.target for each in removed}
    missing = [target for target in targets if target not in there_were]
    for target in missing:
        what = f"page {target}" if target.isdigit() else target
        echo(f"The cache in {opened.directory} has no copy of {what}", err=True)
    _finish(opened, fine=not missing)


def _forget_shared(keys: Collection[str]) -> None:
    """Remove copies from the server that machines share, if there is one.

    Raises:
        ConfluenceError: It cannot be used; the next build would read them from there.
    """
    if not os.environ.get(f"{ENV_PREFIX}STORE"):
        return
    names = [name_copy(key) for key in keys]
    with closing(SharedStore(read_environment(os.environ).store_url)) as shared:
        shared.do(lambda client: client.delete(*names))
    echo(f"Removed from the store at {shared.host} what other machines would read", err=True)


@contextmanager
def _opened(config_file: Path, cache_dir: Path | None) -> Iterator[_Opened]:
    """Open the store of a project."""
    directory = cache_dir.resolve() if cache_dir else find_project_cache_dir(config_file)
    warnings: list[str] = []
    with closing(Store(directory, warnings.append)) as store:
        yield _Opened(store, directory, warnings)


def _finish(opened: _Opened, *, fine: bool = True) -> None:
    """Say what was wrong with the cache; any warning is a failure."""
    for warning in opened.warnings:
        echo(warning, err=True)
    if opened.warnings or not fine:
        sys.exit(1)
