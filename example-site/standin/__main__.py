"""`python -m standin PAGES_DIR --port 8931 [--latency 0.1]`: the stand-in as a process."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from standin.server import StandIn


def main() -> None:
    """Serve until interrupted, after one line of JSON with the address and the environment."""
    parser = argparse.ArgumentParser(prog="standin", description=main.__doc__)
    parser.add_argument("pages", type=Path, metavar="PAGES_DIR", help="folder of {id}.md files")
    parser.add_argument("--port", type=int, default=8931, help="0 takes a free one")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that an export takes")
    arguments = parser.parse_args()
    if not arguments.pages.is_dir():
        parser.error(f"not a folder: {arguments.pages}")

    interrupted = threading.Event()
    for number in signal.SIGINT, signal.SIGTERM:
        signal.signal(number, lambda *_: interrupted.set())
    with StandIn(arguments.pages, port=arguments.port) as standin:
        standin.faults.latency = arguments.latency
        announcement = {
            "url": standin.url,
            "environment": standin.environment(),
            "rest_environment": standin.rest_environment(),
        }
        sys.stdout.write(json.dumps(announcement) + "\n")
        sys.stdout.flush()
        interrupted.wait()


if __name__ == "__main__":
    main()
