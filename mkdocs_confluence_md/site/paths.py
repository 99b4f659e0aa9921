"""The paths that pages want: what the option `page_path` makes of titles and sections. Pure."""

from __future__ import annotations

import re
from string import Formatter

from slugify import slugify

FIELDS = frozenset({"section", "title", "id"})
"""What may stand in braces in the option `page_path`."""

# File systems allow 255 bytes a name; a character has up to 4 in UTF-8, and an ID may follow.
LONGEST_SLUG = 55


def check_page_path(page_path: str) -> str | None:
    """Say what is wrong with a value of the option `page_path`; None if nothing is."""
    try:
        parts = list(Formatter().parse(page_path))
    except ValueError as error:
        return f"cannot be read: {error}."
    names = {name for _, name, _, _ in parts if name is not None}
    plain = all(not spec and not conversion for _, _, spec, conversion in parts)
    if not names <= FIELDS or not plain:
        return "may contain the fields {section}, {title} and {id}, and no others."
    if not names & {"title", "id"}:
        return "must contain {title} or {id}, so that pages can be told apart."
    literal = "".join(text for text, *_ in parts)
    misplaced = re.search(r"\\|:|\.\.", literal) or page_path.startswith("/")
    if misplaced or not page_path.isprintable():
        return "must be a path below docs_dir, with / between folders."
    return None


def make_slug(text: str) -> str:
    """Turn a title into a path segment that people can read; may be empty (only emoji, say)."""
    return slugify(text, allow_unicode=True, max_length=LONGEST_SLUG, word_boundary=True)


def join_sections(*sections: str) -> str:
    """Join paths of sections, of which any may be empty."""
    return "/".join(filter(None, sections))


def make_path(page_path: str, *, section: str, title: str, page_id: str, otherwise: str) -> str:
    """Return the path that a page wants, without `.md`.

    Args:
        page_path: The option, which `check_page_path` finds nothing wrong with.
        section: The path of its section.
        title: The page's.
        page_id: Empty where it is not known.
        otherwise: A path segment for a page that has neither a title nor an ID to make one of.
    """
    # No ID is that long; a file's name may not be.
    short_id = page_id[:LONGEST_SLUG]
    slug = make_slug(title) or short_id or otherwise
    path = page_path.removesuffix(".md").format(section=section, title=slug, id=short_id or slug)
    return "/".join(segment for segment in path.split("/") if segment not in ("", "."))
