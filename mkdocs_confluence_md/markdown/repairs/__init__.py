"""Repair the forms in which exporters write otherwise than Markdown is specified."""
