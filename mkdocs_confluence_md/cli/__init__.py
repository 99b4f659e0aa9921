"""The command `confluence-md`."""

from mkdocs_confluence_md.cli.main import cli

__all__ = ["cli"]
