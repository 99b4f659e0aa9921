"""Processes that refresh one sign-in, for `test_rotation.py`: many at once, or killed in between.

python refresher.py race PLACE SITE THREADS     waits for a line, then exports
python refresher.py crash PLACE SITE TIMES      is killed at that many different steps
python refresher.py crowd PLACE SITE TIMES      is eight, of which one is killed, that many times

PLACE is a token file; or the URL of a server, and then the environment has the client secret.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

import mkdocs_confluence_md
from mkdocs_confluence_md.auth.environment import read_environment
from mkdocs_confluence_md.auth.shared_token_store import SharedTokenStore
from mkdocs_confluence_md.auth.sign_ins import login_key
from mkdocs_confluence_md.auth.token_refresh import make_login_auth
from mkdocs_confluence_md.auth.token_store import TokenStore
from mkdocs_confluence_md.network.shared_store import LEASE_SECONDS, SharedStore
from mkdocs_confluence_md.network.urls import ApiAddress

if TYPE_CHECKING:
    from types import FrameType

    from mkdocs_confluence_md.auth.token_store import SignInStore

KILLED_LEASE_SECONDS = 1.0
"""Of the lock on a server: how long the others wait for a process that was killed."""
_CROWD = 8
PACKAGE = str(Path(mkdocs_confluence_md.__file__).parent)


def open_place(place: str, lease: float = KILLED_LEASE_SECONDS) -> SignInStore:
    """Open a token file, or the sign-ins on a server, whose lock expires after a lease."""
    if "://" not in place:
        return TokenStore(Path(place))
    secret = read_environment(os.environ).client_secret
    return SharedTokenStore(SharedStore(place), secret, lease=lease)


def export(store: SignInStore, site: str) -> int:
    """Export a page as a build would; return the status."""
    auth = make_login_auth(store, read_environment({}), site=site)
    base_url = ApiAddress(site, gateway="site").make_base_url()
    with httpx.Client(auth=auth, timeout=60.0) as client:
        return client.post(f"{base_url}/singleExport", json={"pageId": "101"}).status_code


def race(place: str, site: str, threads: int) -> None:
    """Export from many threads at once, and print the statuses."""
    # Of a busy machine, a thread may come so late that a short lease has expired.
    store = open_place(place, lease=LEASE_SECONDS)
    auth = make_login_auth(store, read_environment({}), site=site)
    url = f"{ApiAddress(site, gateway='site').make_base_url()}/singleExport"
    with httpx.Client(auth=auth, timeout=60.0) as client, ThreadPoolExecutor(threads) as pool:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        answers = pool.map(lambda _: client.post(url, json={"pageId": "101"}), range(threads))
        json.dump([answer.status_code for answer in answers], sys.stdout)


class Steps:
    """Counts the lines of the package that a process executes, and kills it at one of them."""

    def __init__(self, last: int | None) -> None:
        self.count = 0
        self._last = last

    def __call__(self, frame: FrameType, event: str, arg: object) -> Steps | None:
        """Trace a line: `sys.settrace`."""
        del arg
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        if event == "line":
            self.count += 1
            if self.count == self._last:
                os.kill(os.getpid(), signal.SIGKILL)
        return self


def crash(place: str, site: str, times: int) -> None:
    """Kill a refresh at different steps; print what each left behind and what came of it."""
    store = open_place(place)
    total = _run_child(place, site, None)[1]
    results = []
    for number in range(times):
        _expire(store, site)
        killed, _ = _run_child(place, site, 1 + number * total // times)
        intact = store.load(login_key(site)) is not None
        status, _ = _run_child(place, site, None)
        results.append({"killed": killed == -signal.SIGKILL, "intact": intact, "then": status})
    json.dump({"steps": total, "results": results}, sys.stdout)


def crowd(place: str, site: str, times: int) -> None:
    """Kill one of eight processes that refresh at once; print what came of the others."""
    store = open_place(place)
    total = _run_child(place, site, None)[1]
    results = []
    for number in range(times):
        _expire(store, site)
        last = 1 + random.Random(number).randrange(total)  # noqa: S311  no secret
        begun = time.monotonic()
        victim = _start_child(place, site, last)
        others = [_start_child(place, site, None) for _ in range(_CROWD - 1)]
        statuses = [_finish_child(*each)[0] for each in others]
        seconds = time.monotonic() - begun
        # It may have been last, and then it has refreshed nothing.
        first, _ = _finish_child(*victim)
        results.append({"first": first, "others": statuses, "seconds": seconds})
    json.dump(results, sys.stdout)


def _expire(store: SignInStore, site: str) -> None:
    with store.locked():
        sign_in = store.load(login_key(site))
        assert sign_in is not None
        store.save(login_key(site), replace(sign_in, expires_at=0.0))


def _run_child(place: str, site: str, last: int | None) -> tuple[int, int]:
    """Export in a forked process; return its result (negative: the signal) and its steps."""
    return _finish_child(*_start_child(place, site, last))


def _start_child(place: str, site: str, last: int | None) -> tuple[int, int]:
    """Export in a forked process; return its ID, and what tells of it."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        steps = Steps(last)
        sys.settrace(steps)
        status = export(open_place(place), site)
        sys.settrace(None)
        os.write(writer, json.dumps([status, steps.count]).encode())
        os._exit(0)
    os.close(writer)
    return child, reader


def _finish_child(child: int, reader: int) -> tuple[int, int]:
    with os.fdopen(reader) as pipe:
        said = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code < 0:
        return code, 0
    status, count = json.loads(said)
    return status, count


if __name__ == "__main__":
    command, where, site_url, number = sys.argv[1:]
    {"race": race, "crash": crash, "crowd": crowd}[command](where, site_url, int(number))
