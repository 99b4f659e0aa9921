"""The name under which `markdown_extensions` of pulled sites refer to `markdown.pulled`."""

from mkdocs_confluence_md.markdown.pulled import makeExtension

__all__ = ["makeExtension"]
