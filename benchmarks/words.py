"""How readable the documentation is: `python -m benchmarks.words`, or `make words`.

It counts what a reader reads: prose, and not code, tables, headings or quoted messages. A sentence
has at most 35 words, and 16 on average; a page has at most 900 words, but for the reference. Words
that hide who does what are named with their lines.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean

ROOT = Path(__file__).resolve().parent.parent
MOST_WORDS_A_PAGE = 900
MOST_WORDS_A_SENTENCE = 35
MOST_ON_AVERAGE = 16
REFERENCE = {
    "compatibility.md", "commands.md", "environment.md", "json.md", "limits.md", "macros.md",
    "options.md", "troubleshooting.md",
}  # fmt: skip
"""Pages that people search, and do not read."""

BANNED = re.compile(
    r"\b(?:whoever|whatever else|nobody|beside|stands? in\b(?! `)|(?:is|are) no\b(?! longer)"
    r"|tells? whether|cannot be had|could not be had|forest|planter|plot|sprout|twins|lending"
    r"|shelf|holdings?|eyes)\b",
    re.IGNORECASE,
)
"""Riddles, negated nouns and metaphors."""

_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_FENCE = re.compile(r"^ *(```+).*?^ *\1 *$", re.DOTALL | re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?-->|<[^>\n]+>", re.DOTALL)
_CODE = re.compile(r"(`+)(.+?)\1", re.DOTALL)
_LINK = re.compile(r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])?(?:\{[^}]*\})?")
_BLOCK_START = re.compile(r"^ *(?:[-*+] |[0-9]+\. |: {3}|> ?|- {3}|!!! \S+|=== )")
_END = re.compile(r"(?<=[.!?])(?=\s|$)")


@dataclass
class Page:
    """A page, as its sentences."""

    name: str
    sentences: list[str]
    banned: list[str] = field(default_factory=list)

    @property
    def lengths(self) -> list[int]:
        """The number of words of each sentence."""
        return [len(each.split()) for each in self.sentences]

    @property
    def words(self) -> int:
        """All of its words."""
        return sum(self.lengths)

    def find_problems(self) -> list[str]:
        """Return what is to be mended, as sentences."""
        problems = [
            f"{self.name}: {length} words: {sentence}"
            for sentence, length in zip(self.sentences, self.lengths, strict=True)
            if length > MOST_WORDS_A_SENTENCE
        ]
        if self.lengths and mean(self.lengths) > MOST_ON_AVERAGE:
            problems.append(f"{self.name}: {mean(self.lengths):.1f} words a sentence")
        if self.words > MOST_WORDS_A_PAGE and self.name not in REFERENCE:
            problems.append(f"{self.name}: {self.words} words")
        return problems + [f"{self.name}: {each}" for each in self.banned]


def read_page(name: str, markdown: str) -> Page:
    """Take a page apart into sentences."""
    text = _FRONT_MATTER.sub("", markdown)
    text = _FENCE.sub("\n\n", text)
    text = _COMMENT.sub("", text)
    # A quoted message is one word: it is as long as it is.
    text = _CODE.sub("code", text)
    text = _LINK.sub(r"\1", text)
    blocks: list[list[str]] = [[]]
    for line in text.splitlines():
        is_apart = not line.strip() or line.lstrip().startswith(("#", "|"))
        if is_apart or _BLOCK_START.match(line):
            blocks.append([])
        if not is_apart:
            blocks[-1].append(_BLOCK_START.sub("", line).strip())
    sentences = [
        sentence.strip()
        for block in blocks
        for sentence in _END.split(" ".join(block))
        if len(sentence.split()) > 1
    ]
    banned = [
        f"“{match[0]}” in: {sentence}"
        for sentence in sentences
        for match in BANNED.finditer(sentence)
    ]
    return Page(name, sentences, banned)


def read_pages() -> list[Page]:
    """Read the README and the documentation."""
    paths = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return [read_page(path.name, path.read_text(encoding="utf-8")) for path in paths]


def main() -> None:
    """Print a table, and what is to be mended."""
    pages = read_pages()
    print("| page | words | words a sentence | longest |\n| --- | --- | --- | --- |")
    for page in pages:
        lengths = page.lengths or [0]
        print(f"| {page.name} | {page.words} | {mean(lengths):.1f} | {max(lengths)} |")
    problems = [problem for page in pages for problem in page.find_problems()]
    everything = [length for page in pages for length in page.lengths]
    print(f"\n{len(problems)} to mend; {mean(everything):.1f} words a sentence in all.")
    if problems:
        print("\n".join(problems))
        sys.exit(1)


if __name__ == "__main__":
    main()
