"""`python -m mkdocs_confluence_md`: the command, where scripts are not on the path."""

from mkdocs_confluence_md.cli import cli

if __name__ == "__main__":
    cli()
