"""Exported Markdown as a part of the site: elements, links, attachments, admonitions."""
