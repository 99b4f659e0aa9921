"""The front matter of an exported page, read with care: it was written in Confluence. Pure."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

# Front matter starts right behind its dashes; a blank line there means a horizontal rule.
_FRONT_MATTER = re.compile(
    r"---[ \t]*\n(?P<yaml>[ \t]*[^ \t\n].*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL
)


_LONGEST_FRONT_MATTER = 65_536


def read_front_matter(markdown: str) -> tuple[Mapping[Any, Any], str]:
    """Separate front matter, as what it says, from the text behind it."""
    own, body = split_front_matter(clean(markdown))
    return parse_front_matter(own) or {}, body


def clean(markdown: str) -> str:
    """Return an export without a byte order mark, and with Unix line endings."""
    return markdown.removeprefix("\ufeff").replace("\r\n", "\n")


def split_front_matter(markdown: str) -> tuple[str, str]:
    """Separate front matter (its YAML) from the text behind it; what is no mapping is text."""
    match = _FRONT_MATTER.match(markdown)
    if match is None or parse_front_matter(match["yaml"]) is None:
        return "", markdown
    return match["yaml"], markdown[match.end() :]


# Remembered, as is what is made of it, because `mkdocs serve` asks for each page again after each
# edit of any page. Both are small, and in all there are about as many as pages.
@cache
def parse_front_matter(text: str) -> Mapping[Any, Any] | None:
    """Return what YAML says; None if it is not a mapping, or more than anybody would write."""
    if len(text) > _LONGEST_FRONT_MATTER:
        return None
    try:
        meta = _replace_halves(yaml.load(text, _Loader))  # noqa: S506  a safe loader, and safer
        yaml.safe_dump(meta)
    except Exception:  # noqa: BLE001  a value makes YAML raise whatever its conversion raises
        return None
    return meta if isinstance(meta, dict) else None


def _replace_halves(value: Any) -> Any:  # noqa: ANN401  what YAML can hold
    """Replace the halves of characters that YAML's escapes can write, and no file can hold."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_replace_halves(each) for each in value]
    if isinstance(value, dict):
        return {_replace_halves(name): _replace_halves(each) for name, each in value.items()}
    return value


class _Loader(yaml.SafeLoader):
    """Reads what was written in Confluence: aliases, which can stand for billions, are refused."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("an alias")
        return super().compose_node(parent, index)
