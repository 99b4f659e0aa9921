"""The policy of the cache: what is fresh, what is kept in spite of it, and what is evicted.

CacheControl decides what is fresh, what can be revalidated and how an answer is serialized; the
heuristic here gives every answer the life that the option `max_age` asks for. It never sees an
`Authorization` header, and never touches the store: it is handed what was read, and what it gives
back is written. So the last good copy stays where CacheControl would delete it, and a site can
still be built while Confluence is down. What it would find fresh beyond doubt is not even shown to
it (`read_fresh`), because it takes long to load.
"""

from __future__ import annotations

import json
import math
import re
import time
from contextlib import nullcontext
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import msgpack

from mkdocs_confluence_md.cache.records import (
    LIFE,
    Cached,
    copy_key,
    count_seconds,
    file_key,
    is_alias,
    is_file,
    keep_headers,
    latest_key,
    make_cached,
    name_attachments_of,
    read_attachments_copy,
    read_date,
    read_manifest,
    read_page_copy,
    read_tree_copy,
)
from mkdocs_confluence_md.cache.store import LOCK_SECONDS, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from mkdocs_confluence_md.cache.controller import Judge
    from mkdocs_confluence_md.cache.leases import Leases
    from mkdocs_confluence_md.cache.records import CacheEntry
    from mkdocs_confluence_md.cache.shared import SharedCopies
    from mkdocs_confluence_md.cache.store import ExportDisk
    from mkdocs_confluence_md.network.spooling import Content, Spool

# A page is a few kB, so these are all pages of many sites, and all attachments of one.
LIMIT_BYTES = 500_000_000
# Below the limit, so that not every build that adds a page has to make room again.
_GOAL = 0.9

_ACCOUNT_KEY = "account"
_ACCOUNT = re.compile(r"[0-9a-f]{1,64}")
_OK = 200

# Clocks of machines differ; a copy from further ahead would be fresh for too long.
_MOST_AHEAD_SECONDS = 300.0

_LIMITS_KEY = "limits"
# Why a service was slow, or throttled, is seldom the same on the next day.
_LIMITS_SECONDS = 86400.0
_MOST_LIMITS = 16


class ExportCache:
    """The exports that are kept, by resource and account. Safe to use from many threads.

    A resource is a URL, without any secret. A cache that cannot be used is an empty one: it
    answers with misses, and says once why.

    With copies that many machines share, the directory is the first level, and those are the
    second one: asked for what is not fresh here, and written at once. What only this machine needs
    stays here: the account that it used last, limits that it has learned, and the aliases to the
    latest copies, which are for builds that send nothing.

    Args:
        directory: Where the files are; created (0700) when it is needed first.
        warn: Is told, in a sentence, if something is wrong with the cache.
        clock: Returns seconds since the epoch.
        limit: How many bytes of values are kept, besides those that were used.
        lock_seconds: How long to wait for another process.
        shared: Copies that many machines share.
        leases: Which of these machines makes an export.
    """

    def __init__(  # noqa: PLR0913  it has that many settings
        self,
        directory: Path,
        *,
        warn: Callable[[str], None],
        clock: Callable[[], float] = time.time,
        limit: int = LIMIT_BYTES,
        lock_seconds: float = LOCK_SECONDS,
        shared: SharedCopies | None = None,
        leases: Leases | None = None,
    ) -> None:
        self._store = Store(directory, warn, lock_seconds=lock_seconds)
        self._shared = shared
        self.leases = leases
        """None if this machine shares nothing with others."""
        self._clock = clock
        self._limit = limit
        self._held: dict[tuple[str, str | None], Cached] = {}
        """Fresh copies that were read or kept: while they are, a next build needs no store."""
        self._noted_account = ""
        self._used: set[str] = set()
        """The keys of all that was asked for or kept: the size limit spares it."""

    def look_up(
        self,
        resources: Iterable[str],
        account: str | None,
        max_age: float,
        *,
        since: float = math.inf,
    ) -> Iterator[tuple[str, Cached | None]]:
        """Yield each resource with the account's copy of it; the store is read once for all.

        Args:
            resources: What was exported.
            account: Whose copies; None for the latest of any account.
            max_age: Seconds for which a copy is fresh; `inf` is forever, and with 0 nothing is.
            since: Copies from this time on are fresh all the same, in seconds since the epoch.
        """
        wanted = list(resources)
        held = {each: self._recall(each, account, max_age) for each in wanted}
        keys = self._choose_keys([each for each in wanted if not held[each]], account)
        values = self._store.read(keys.values())
        if self._shared:
            values |= self._read_newer(self._shared, keys, values, max_age)
        policy = _Policy(values, self._store.complain_of_entry)
        for resource in wanted:
            copy = held[resource] or policy.judge(keys[resource], max_age, self._clock)
            # A stored date is rounded down, so what may be older does not count.
            if copy and copy.date >= since:
                copy = replace(copy, fresh=True)
            if copy and copy.fresh:
                self._held[resource, account] = copy
            yield resource, copy

    def find(
        self, resource: str, account: str | None, max_age: float, *, since: float = math.inf
    ) -> Cached | None:
        """Return one copy, as `look_up` does."""
        [(_, copy)] = self.look_up([resource], account, max_age, since=since)
        return copy

    def hold_lease(
        self, resource: str, account: str | None, *, patiently: bool = False
    ) -> AbstractContextManager[None]:
        """Let no other machine export a resource at the same time, as `Leases.hold` does."""
        if self.leases is None:
            return nullcontext()
        return self.leases.hold(copy_key(resource, account), patiently=patiently)

    def give_up_lease(self, resource: str, account: str | None) -> None:
        """Let other machines export a resource, because they will not find what this one keeps."""
        if self.leases:
            self.leases.give_up(copy_key(resource, account))

    def begin_build(self) -> None:
        """Ask the server that machines share again, also if an earlier build could not."""
        if self._shared:
            self._shared.begin_build()

    def cancel(self) -> None:
        """Wait for no other machine any more."""
        if self.leases:
            self.leases.cancel()

    def keep(
        self, resource: str, account: str | None, text: str, headers: Mapping[str, str]
    ) -> None:
        """Keep a copy; it is the latest of its resource from now on."""
        from mkdocs_confluence_md.cache.controller import write_copy  # noqa: PLC0415  see `_Policy`

        kept = keep_headers(headers)
        key = copy_key(resource, account)
        value = write_copy(key, text, kept, self._clock)
        self._store.write({**value, latest_key(resource): key.encode()})
        if self._shared:
            for name, stored in value.items():
                self._shared.write(name, stored)
        self._used |= {key, latest_key(resource)}
        self._held.pop((resource, None), None)
        self._held[resource, account] = Cached(text, kept, self._clock(), 0.0, fresh=True)

    def forget(self, resource: str, account: str | None) -> None:
        """Remove an account's copy: access was taken away, so that no later build may show it."""
        key, alias = copy_key(resource, account), latest_key(resource)
        latest = self._store.read([alias]).get(alias)
        self._store.remove([key, *([alias] if latest == key.encode() else [])])
        if self._shared:
            self._shared.remove([key])
        self._held.pop((resource, None), None)
        self._held.pop((resource, account), None)
        self._used -= {key, alias}

    def note_account(self, account: str | None) -> None:
        """Remember whose copies this project uses, for builds in which that is not known."""
        if account and account != self._noted_account:
            self._noted_account = account
            self._store.write({_ACCOUNT_KEY: account.encode()})
        self._used.add(_ACCOUNT_KEY)

    def find_account(self) -> str | None:
        """Return the account that this project used last; None if none is known."""
        found = self._store.read([_ACCOUNT_KEY]).get(_ACCOUNT_KEY, b"").decode("ascii", "replace")
        return found if _ACCOUNT.fullmatch(found) else None

    def note_limits(self, limits: Mapping[str, int]) -> None:
        """Remember how many requests services answer at once.

        Args:
            limits: By the name of the service, which has no secret.
        """
        now = self._clock()
        noted = {name: [limit, now] for name, limit in limits.items()}
        kept = list({**self._read_limits(), **noted}.items())[-_MOST_LIMITS:]
        self._store.write({_LIMITS_KEY: json.dumps(dict(kept)).encode()})

    def find_limits(self) -> dict[str, int]:
        """Return what `note_limits` was given on this day; what is damaged is left out."""
        return {name: limit for name, (limit, _) in self._read_limits().items()}

    def _read_limits(self) -> dict[str, tuple[int, float]]:
        try:
            noted = json.loads(self._store.read([_LIMITS_KEY]).get(_LIMITS_KEY, b"{}"))
        except (ValueError, RecursionError):
            return {}
        now, found = self._clock(), {}
        for name, value in noted.items() if isinstance(noted, dict) else ():
            match value:
                # A clock may have been set back since then.
                case [int(limit), float(at)] if abs(now - at) <= _LIMITS_SECONDS:
                    found[name] = limit, at
        return found

    def read_files(self, digests: Iterable[str]) -> dict[str, bytes]:
        """Return the cached files, by digest; their content is not verified."""
        keys = {file_key(digest): digest for digest in digests}
        self._used.update(keys)
        found = self._store.read(keys)
        if self._shared and (missing := keys.keys() - found.keys()):
            shared = self._shared.read(missing)
            self._store.write(shared)
            found |= shared
        return {keys[key]: content for key, content in found.items()}

    def keep_files(self, contents: Mapping[str, bytes | Content | Spool]) -> bool:
        """Keep files by digest; return True if other machines will find all of them."""
        values = {file_key(digest): content for digest, content in contents.items()}
        self._used.update(values)
        self._store.write(values)
        if self._shared is None:
            return True
        # One at a time, which is enough in memory.
        written = [self._shared.write_file(key, content) for key, content in values.items()]
        return all(written)

    def close(self) -> None:
        """Write what is to be written, make room if the limit is passed, and close the files."""
        if self.leases:
            self.leases.close()
        if self._shared:
            self._shared.close()
        self._store.close(self._tidy)

    def _read_newer(
        self,
        shared: SharedCopies,
        keys: Mapping[str, str],
        values: Mapping[str, bytes],
        max_age: float,
    ) -> dict[str, bytes]:
        """Return the shared copies that are newer than those here, and keep them here, too.

        Args:
            shared: Where they are.
            keys: Of the copies, by resource.
            values: That are here, by key.
            max_age: Seconds for which a copy is fresh.
        """
        resources = {
            key: resource
            for resource, key in keys.items()
            if not (key in values and read_fresh(values[key], max_age, self._clock))
        }
        dates = {key: self._find_date(values[key]) for key in resources.keys() & values.keys()}
        newer = {
            key: value
            for key, value in shared.read(resources).items()
            if dates.get(key, 0.0) < self._find_date(value) <= self._clock() + _MOST_AHEAD_SECONDS
        }
        aliases = {latest_key(resources[key]): key.encode() for key in newer}
        if newer:
            self._store.write({**newer, **aliases})
        return newer

    def _find_date(self, value: bytes) -> float:
        """Return when a copy was exported or confirmed; 0 if it is not one that `keep` wrote."""
        copy = read_fresh(value, math.inf, self._clock)
        return copy.date if copy else 0.0

    def _recall(self, resource: str, account: str | None, max_age: float) -> Cached | None:
        copy = self._held.get((resource, account))
        if copy is None:
            return None
        age = self._clock() - copy.date
        return replace(copy, age=max(0.0, age)) if age < max_age else None

    def _choose_keys(self, resources: Sequence[str], account: str | None) -> dict[str, str]:
        aliases = {resource: latest_key(resource) for resource in resources}
        latest = self._store.read(aliases.values()) if account is None else {}
        keys = {
            resource: latest[alias].decode("utf-8", "replace")
            if alias in latest
            else copy_key(resource, account)
            for resource, alias in aliases.items()
        }
        self._used.update(aliases.values(), keys.values())
        return keys

    def _tidy(self, disk: ExportDisk) -> None:
        disk.mark_used(self._used, time.time())
        if disk.measure() > self._limit:
            entries = disk.list_entries()
            wanted = self._used | self._find_attachments(disk, entries)
            disk.remove(choose_what_goes(entries, wanted, self._limit))

    def _find_attachments(self, disk: ExportDisk, entries: Iterable[CacheEntry]) -> set[str]:
        """Find the attachments of pages that were used, even if they were not asked for."""
        targets = {entry.target for entry in entries if entry.key in self._used}
        keys = {name_attachments_of(key) for key in self._used | targets}
        texts = read_texts(disk.read(keys, self._store.complain_of_entry))
        manifests = filter(None, map(read_manifest, texts.values()))
        return keys.union(*(map(file_key, manifest.digests) for manifest in manifests))


def choose_what_goes(
    entries: Sequence[CacheEntry], wanted: Collection[str], limit: int
) -> list[str]:
    """Return the keys to remove so that what stays fits.

    Only copies of pages, of their attachments and of trees go, and the aliases that lead to them:
    all else is small, and a cloud ID would have to be looked up again.

    Args:
        entries: All that there is.
        wanted: Keys of what must stay; what a wanted alias leads to stays with it.
        limit: Bytes of values.
    """
    total = sum(entry.size for entry in entries)
    if total <= limit:
        return []
    excess = total - limit * _GOAL
    aliases = [entry for entry in entries if is_alias(entry.key)]
    kept = {*wanted, *(alias.target for alias in aliases if alias.key in wanted)}
    going: set[str] = set()
    for entry in sorted(entries, key=lambda entry: entry.used_at):
        if excess <= 0:
            break
        if entry.key not in kept and _may_go(entry.key):
            going.add(entry.key)
            excess -= entry.size
    return [*going, *(alias.key for alias in aliases if alias.target in going)]


def _may_go(key: str) -> bool:
    copies = (read_page_copy, read_attachments_copy, read_tree_copy)
    return is_file(key) or any(read(key) for read in copies)


def read_texts(values: Mapping[str, bytes]) -> dict[str, str]:
    """Return what copies say, by key, however old they are; without those that are damaged."""
    policy = _Policy(values, lambda _: None)
    copies = {key: policy.judge(key, float("inf"), time.time) for key in values}
    return {key: copy.text for key, copy in copies.items() if copy}


class _Policy:
    """What becomes of values that were read."""

    def __init__(self, values: Mapping[str, bytes], complain: Callable[[Exception], None]) -> None:
        self._values = values
        self._complain = complain

    @cached_property
    def _judge(self) -> Judge:
        """CacheControl, whose import takes as long as a small site."""
        from mkdocs_confluence_md.cache.controller import Judge  # noqa: PLC0415  where it is needed

        return Judge(self._values)

    def judge(self, key: str, max_age: float, clock: Callable[[], float]) -> Cached | None:
        """Return a copy, fresh or not; None if there is none, or it makes no sense."""
        if key not in self._values:
            return None
        try:
            copy = read_fresh(self._values[key], max_age, clock)
            copy = copy or self._judge.judge(key, max_age, clock)
        except Exception as error:  # noqa: BLE001  CacheControl trusts what it deserializes
            self._complain(error)
            return None
        if copy is None:
            self._complain(ValueError("an entry is not an export, or of another version"))
        return copy


_FORMAT = b"cc=4,"


def read_fresh(value: bytes, max_age: float, clock: Callable[[], float]) -> Cached | None:
    """Read a value that CacheControl finds fresh beyond doubt, without asking it.

    That is an answer as `keep` has it written, which is younger than what was asked for. Most
    builds read nothing else.

    Args:
        value: As it is stored.
        max_age: Seconds for which a copy is fresh.
        clock: Returns seconds since the epoch.

    Returns:
        None for all that CacheControl has to look at.
    """
    try:
        if not value.startswith(_FORMAT):
            return None
        stored = msgpack.loads(value.removeprefix(_FORMAT), raw=False)
        answer, headers = stored["response"], stored["response"]["headers"]
        is_plain = (
            answer["status"] == _OK and headers["cache-control"] == LIFE and not stored["vary"]
        )
        date, text = read_date(headers["date"]), answer["body"].decode()
    except Exception:  # noqa: BLE001  whatever it is, it is not beyond doubt
        return None
    if not is_plain or count_seconds(max_age) <= max(0.0, time.time() - date):
        return None
    return make_cached(text, headers, date, clock(), fresh=True)
