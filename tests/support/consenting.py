"""A person who accepts, for tests; as a command, the browser that `BROWSER` names."""

from __future__ import annotations

import html
import re
import sys

import httpx


def consent(url: str, decision: str = "accept") -> str:
    """Consent as a browser would, without one; return where it would go next."""
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', httpx.get(url).text))
    fields = {name: html.unescape(value) for name, value in fields.items()}
    origin = httpx.URL(url).copy_with(path="/authorize", query=None)
    return httpx.post(origin, data={**fields, "decision": decision}).headers["location"]


if __name__ == "__main__":
    httpx.get(consent(sys.argv[1]), timeout=60)
