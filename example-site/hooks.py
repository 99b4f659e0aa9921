"""Lets this site be built without an Atlassian account: a stand-in server plays Confluence.

The stand-in serves the files in `confluence/` through the exporter's REST API on loopback, and
the plugin signs in to it and exports from it as it would from Atlassian. A real site has no hook
like this one.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

# MkDocs lets a hook import what is beside it.
from standin import StandIn

HERE = Path(__file__).resolve().parent

# The cloud ID that mkdocs.yml gives.
CLOUD_ID = "5f0c9d3e-7a41-4b8e-9d52-1c6e8f3a2b70"

_running = ExitStack()


def on_startup(*, command: str, dirty: bool) -> None:
    """Start the stand-in and set the variables that a person or a CI job would set."""
    del command, dirty
    token_dir = _running.enter_context(tempfile.TemporaryDirectory())
    stand_in = _running.enter_context(_start_stand_in())
    # The API token is for what an export does not tell: who changed a page, when, and the list of
    # the pages in a tree. That of a service account works without an address for the site.
    stand_in.cloud.token_kind = "service account"
    variables = {**stand_in.environment(), **stand_in.rest_environment(), "CONFLUENCE_MD_EMAIL": ""}
    variables["CONFLUENCE_MD_TOKEN_FILE"] = str(Path(token_dir) / "tokens.json")
    # Whoever tries the example with an account of their own has a token that wins: not here.
    variables["CONFLUENCE_MD_ACCESS_TOKEN"] = ""
    os.environ.update(variables)


def _start_stand_in() -> StandIn:
    """Take the same port each time, so that the cache knows its exports again."""
    try:
        stand_in = StandIn(HERE / "confluence", port=8931, cloud_id=CLOUD_ID)
        stand_in.start()
    except OSError:  # another build of this site is running
        stand_in = StandIn(HERE / "confluence", cloud_id=CLOUD_ID)
    return stand_in


def on_shutdown() -> None:
    """Stop the stand-in."""
    _running.close()
