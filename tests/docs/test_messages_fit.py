"""The messages of the product: short enough to be read at once, and in plain words."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

import mkdocs_confluence_md
from benchmarks.words import BANNED
from catalogue import Message, find_messages, find_whole_messages

PACKAGE = Path(mkdocs_confluence_md.__file__).parent
COLUMNS = 100
MOST_LINES = 3
PREFIX = "ERROR   -  confluence-md: "
"""What MkDocs puts before a message that ends a build."""
KEPT = "There is no such page, or the account "
"""Of Confluence's 404, in the words that people know."""
ALSO_BANNED = re.compile(
    r"\b(?:besides|of no use|anybody|somebody|nothing else|did not arrive whole|wants? spaces)\b",
    re.IGNORECASE,
)


def wrap(message: Message) -> list[str]:
    return textwrap.wrap(PREFIX + message.text, COLUMNS, break_on_hyphens=False)


def test_the_source_is_read() -> None:
    texts = [each.text for each in find_whole_messages(PACKAGE)]

    assert len(texts) > 200
    assert len(texts) >= len(find_messages(PACKAGE))
    assert (
        "api.atlassian.com did not answer within 30 seconds. Try again later; "
        "https://status.atlassian.com says whether it is a known problem."
    ) in texts


def test_every_message_with_its_remedy_fits_into_three_lines() -> None:
    long = [
        f"{each.place}: {each.text}"
        for each in find_whole_messages(PACKAGE)
        if len(wrap(each)) > MOST_LINES
    ]

    assert not long, "shorten these:\n" + "\n".join(long)


def test_no_message_has_a_riddle_or_a_negated_noun() -> None:
    found = [
        f"{each.place}: “{match[0]}” in: {each.text}"
        for each in find_whole_messages(PACKAGE)
        for pattern in (BANNED, ALSO_BANNED)
        for match in pattern.finditer(each.text.replace(KEPT, ""))
    ]

    assert not found, "say these in plain words:\n" + "\n".join(found)


@pytest.mark.parametrize("word", ["is no", "stands in", "whoever", "besides"])
def test_banned_words_are_found(word: str) -> None:
    assert BANNED.search(word) or ALSO_BANNED.search(word)
