"""A hook for MkDocs, by which a server says of every build how long it took.

MkDocs says nothing twice, so a rebuild of just as many hundredths of a second as an earlier one
would go unnoticed, and be waited for.
"""

from __future__ import annotations

import logging


def on_config(config: object) -> None:
    """Let all of MkDocs' messages through."""
    del config
    logging.getLogger("mkdocs.commands.build").filters.clear()
