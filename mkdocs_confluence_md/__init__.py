"""Make a Confluence page a page of a MkDocs site."""

__version__ = "0.1.0.dev0"
