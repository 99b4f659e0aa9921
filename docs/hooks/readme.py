"""Sections of the README, for pages of the documentation: one source for both. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from markdown.extensions.toc import slugify

if TYPE_CHECKING:
    from collections.abc import Mapping

INTRODUCTION = "Introduction"

_MARKER = re.compile(r"^<!-- readme: (.+?) -->$", re.MULTILINE)
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
_CODE = re.compile(r"(^ *```.*?^ *```$|`[^`\n]+`(?!\]))", re.MULTILINE | re.DOTALL)


class Readme:
    """The README, in sections.

    Args:
        text: The whole of it.
        places: The pages that have a section, by the section's anchor in the README.
    """

    def __init__(self, text: str, places: Mapping[str, str]) -> None:
        self._sections = find_sections(text)
        self._places = places

    def fill(self, markdown: str) -> str:
        """Put sections in the place of the markers `<!-- readme: Heading -->`.

        A marker may also name a paragraph by the bold words that it begins with.

        Raises:
            KeyError: The README has no such section.
        """
        return _MARKER.sub(lambda match: self._adapt(self._find(match[1])), markdown)

    def _find(self, name: str) -> str:
        if name in self._sections:
            return self._sections[name]
        for section in self._sections.values():
            for paragraph in re.split(r"\n{2,}", section):
                if paragraph.startswith(f"**{name}**"):
                    return paragraph.removeprefix(f"**{name}**").strip()
        raise KeyError(name)

    def _adapt(self, text: str) -> str:
        """Let links lead to pages of the documentation; other files are only named."""
        parts = _CODE.split(text)
        parts[::2] = [_LINK.sub(self._adapt_link, part) for part in parts[::2]]
        return "".join(parts)

    def _adapt_link(self, match: re.Match[str]) -> str:
        image, text, target = match.groups()
        if target.startswith(("http:", "https:")):
            return match[0]
        if target[1:] in self._places:
            return f"[{text}]({self._places[target[1:]]})"
        if target.startswith("docs/"):
            return f"{image}[{text}]({target.removeprefix('docs/')})"
        return text


def find_sections(text: str) -> dict[str, str]:
    """Return the README's sections, by heading; what is above the first is the introduction."""
    head, *rest = re.split(r"^## ", text, flags=re.MULTILINE)
    sections = {INTRODUCTION: head.partition("\n")[2].strip()}
    for each in rest:
        heading, _, body = each.partition("\n")
        sections[heading] = body.strip()
    return sections


def find_places(pages: Mapping[str, str]) -> dict[str, str]:
    """Return which page has which section of the README, by the section's anchor."""
    return {
        slugify(heading.replace("`", ""), "-"): uri
        for uri, markdown in pages.items()
        for heading in _MARKER.findall(markdown)
    }
