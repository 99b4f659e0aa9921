"""How long pages take that are written to take long.

`make pathological` builds sites with Material in which each text of `TEXTS` is a page from
Confluence, from the stand-in, at a length, at twice and at four times that length; once with HTML
as it is, and once with `raw_html: strip`. It prints the processor time that each page took to
render, and by which factor it grew. A page whose time more than grows with its length is marked.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from itertools import pairwise
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.fidelity import run_build
from benchmarks.forms import write_site
from mkdocs_confluence_md.confluence.attachments import find_references

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = (25_000, 50_000, 100_000)
"""Characters."""
MOST_GROWTH = 2.6
MOST_SECONDS = 5.0
MOST_PAGES = 30
"""Of one build: with more, threads that fetch wait for those that are busy."""
LEAST_SECONDS = 0.2
"""Of what takes less, the factor says nothing."""

ICONS = "https://acme.atlassian.net/wiki/images/icons"

# How a page of about so many characters is written.
PIECES = {
    # The forms of exporters
    "lists: two blanks below an ordered item": "1. a\n  - b\n",
    "lists: deeper and deeper": None,
    "lists: markers on one line": "1. ",
    "lists: code below items": "1. a\n```\nb\n```\n",
    "lists: code never closed": "1. a\n```\n",
    "lists: tables below items": "- a\n| b | c |\n|---|---|\n| d | e |\n",
    "lists: quotations below items": "- a\n> b\n",
    "linked pictures: begun": "[![a](b)\n\n",
    "linked pictures: ended": "\n\n](c)\n",
    "linked pictures: torn": "[![a](b)\n\n](c)\n\n",
    "picture sizes: behind addresses": "![a](b =3x4)",
    "picture sizes: not closed": "![a](b =3x4",
    "picture sizes: braces": "![a](b){width=3}",
    "picture sizes: bars": "![a|3](b)",
    "storage XML: tags": '<ac:link><ri:page ri:content-title="a" /></ac:link>',
    "storage XML: begun": "<ac:link ",
    "storage XML: parameters": "<ac:parameter ac:name=x>",
    "storage XML: character data": "<ac:plain-text-body><![CDATA[",
    "code in cells": "| ```<br>a<br>``` |\n",
    "formulas: short": "$a_1$ ",
    "formulas: never closed": "$a ",
    "formulas: escaped": "$\\$",
    "formulas: blocks": "$$\na\n$$\n\n",
    "formulas: blocks never closed": "$$ a\n",
    "emphasis: blanks inside": "**Note: **text ",
    "emphasis: blanks at the beginning": "** x** ",
    "emphasis: all marks": "**a **b *c *d ~~e ~~f ",
    "emphasis: code never closed": "`a `` b ``` ",
    "emoji: names": ":rocket: ",
    "emoji: one behind another": ":a::b:",
    "emoji: colons": "::",
    "statuses: begun": "{status:",
    "statuses: directives": ":status[a]{x ",
    "dates: numbers": "date: 1798675200000 ",
    "dates: tags": '<time datetime="2026-12-31"/> ',
    "tildes": "~a~b ",
    "panels: fences": "~~~panel type=info\n",
    "panels: fences within fences": "~~~panel type=info\na\n~~~\n",
    "panels: blanks": None,
    "panels: containers": ":::panel{type=info}\na\n:::\n",
    "panels: titles": "> [!INFO: a *b c]\n> d\n\n",
    "panels: labels": "> **[INFO]**\n> a\n\n",
    "panels: HTML": '<div data-panel-type="info">\n\n',
    "expands: arrows": f"![]({ICONS}/grey_arrow_down.png)\n\n",
    "icons: in links": f"[![]({ICONS}/a.png)",
    "icons: HTML": "<div><img src src",
    "contents: markers": "[TOC]\n\n",
    "contents: lists": "Contents\n\n- [a](#a)\n\n",
    "anchors: before headings": '<a id="x"></a>\n\n# a\n\n',
    "anchors: before nothing": '<a id="x"></a>\n\n',
    # From the tests of cmark and of markdown-it
    "emphasis: nested strong": None,
    "emphasis: many closers": "a_ ",
    "emphasis: many openers": "_a ",
    "emphasis: many link closers with no openers": "a]",
    "emphasis: many link openers with no closers": "[a",
    "emphasis: mismatched openers and closers": "*a_ ",
    "emphasis: openers and closers, multiple of three": "a**b" + "c* ",
    "emphasis: links and emphasis": "[ a_",
    "emphasis: hard link and emphasis": "**x [a*b**c*](d)",
    "emphasis: nested brackets": None,
    "emphasis: pattern [ (](": "[ (](",
    "emphasis: alternating": "*_",
    "emphasis: in deep quotations": None,
    "emphasis: long runs": "*",
    "emphasis: long runs of tildes": "~",
    "emphasis: many": "*a* ",
    "emphasis: many strong": "**a** ",
    "emphasis: deleted": "~~a~~ ",
    "quotations: nested": None,
    "quotations: deep, then shallow": None,
    "quotations: headings, and text behind them": "> # a\nb\n",
    "quotations: rules, and text behind them": "> ---\nb\n",
    "quotations: definitions, and text behind them": "> [a]: b\nc\n",
    "quotations: code, and text behind it": ">     a\nb\n",
    "quotations: within each other, and text behind them": "> > # a\nb\n",
    "lists: nested": None,
    "lists: nested ordered": None,
    "lists: many items": "- a\n",
    "lists: many loose items": "- a\n\n",
    "lists: empty items": "-\n",
    "lists: tasks": "- [x] a\n",
    "lists: not closed quotations": "- > ",
    "backslashes: in lines": "\\",
    "backslashes: hard breaks": "a\\\n",
    "code: unclosed spans": None,
    "code: backticks and letters": "e`",
    "code: many spans": "`a` ",
    "code: in cells": "| `a` | `b` |\n",
    "code: long fence never closed": "```\n",
    "code: many fences": "```\na\n```\n",
    "code: many languages": None,
    "code: a lexer's text that never ends, YAML": None,
    "code: a lexer's text that never ends, INI": None,
    "code: a lexer's text that never ends, JavaScript": None,
    "code: a lexer's text that never ends, gnuplot": None,
    "code: a lexer's text that never ends, many blocks": None,
    "code: behind many texts": None,
    "code: indented": "    a\n\n",
    "HTML: unclosed links <": "[a](<b",
    "HTML: unclosed links": "[a](b",
    "HTML: unclosed comments": "<!-- a\n\n",
    "HTML: unclosed comments in a paragraph": "a <!-- ",
    "HTML: unclosed declarations": "a <!A ",
    "HTML: unclosed processing": "a <? ",
    "HTML: unclosed character data": "a <![CDATA[ ",
    "HTML: unclosed tags": "<div <div ",
    "HTML: unclosed tags in a block": "<a<a",
    "HTML: unclosed comment in a block": None,
    "HTML: tags never closed": "<div>\n\n",
    "HTML: tags that close nothing": "</div>\n\n",
    "HTML: nested": None,
    "HTML: formatting never closed": None,
    "HTML: before a table": None,
    "HTML: many signs": None,
    "HTML: many attributes": None,
    "HTML: items in definitions": "<li><dd>\n\n",
    "HTML: inline tags": "<b>a</b> ",
    "HTML: attributes": None,
    "HTML: entities": "&amp;",
    "HTML: entities that are none": "&a",
    "HTML: long entities": "&#" + "1" * 20,
    "HTML: breaks": "a<br>",
    "HTML: details": "<details>\n<summary>a</summary>\n\nb\n\n</details>\n\n",
    "HTML: links": '<a href="b">c</a> ',
    "HTML: angle brackets": "<",
    "HTML: angle brackets and letters": "<a ",
    "links: many": "[a](b) ",
    "links: to pages": "[a](confluence:1001) ",
    "links: to Confluence": "[a](https://acme.atlassian.net/wiki/spaces/E/pages/1001/T) ",
    "links: to anchors": "[a](#b) ",
    "links: to files": "[a](b.md) ",
    "links: addresses with blanks": None,
    "links: blanks behind brackets": None,
    "links: titles never closed": '[a](b "',
    "links: titles with parentheses": "[a](b (",
    "links: nested parentheses": None,
    "links: of references": "[a][b] ",
    "links: empty": "[](",
    "images: many": "![a](b.png) ",
    "images: nested": None,
    "images: attachments": "![a](attachments/b.png) ",
    "definitions: many": None,
    "definitions: the same": "[a]: b\n",
    "definitions: many, many times referred to": None,
    "definitions: blanks": None,
    "definitions: unclosed": "[a]: <b\n",
    "definitions: titles never closed": "[a]: b '\n",
    "definitions: long labels": None,
    "definitions: one label in many lines": "[a\n",
    "footnotes: many": None,
    "footnotes: one, many times referred to": None,
    "footnotes: unclosed": "[^",
    "footnotes: not defined": "[^a] ",
    "footnotes: nested definitions": "[^a]: ",
    "footnotes: definitions within each other": None,
    "footnotes: the same many times": "[^a]: b\n\n",
    "footnotes: inline": "^[a",
    "bare addresses: www": "www.",
    "bare addresses: underscores": "_www._www.",
    "bare addresses: parentheses": None,
    "bare addresses: entities": None,
    "bare addresses: many": "https://a.example/b ",
    "bare addresses: schemes": "://",
    "bare addresses: scheme behind scheme": "http://",
    "bare addresses: dots": None,
    "bare addresses: mail": "a@b.example ",
    "bare addresses: mail without end": "a@",
    "bare addresses: mail with dots": "a.",
    "bare addresses: mail of hyphens": "a@b-",
    "autolinks: unclosed": "<https://a",
    "breaks: many": "a\n",
    "breaks: hard": "a  \n",
    "breaks: blanks": None,
    "breaks: tabs": "\t",
    "headings: many": "# a\n\n",
    "headings: the same": "## Heading\n\ntext\n\n",
    "headings: one that is long": None,
    "headings: one with many words": None,
    "headings: with marks": None,
    "headings: underlined": "a\n-\n\n",
    "headings: closed": None,
    "tables: many rows": "| a | b |\n",
    "tables: many": "| a |\n|---|\n| b |\n\n",
    "tables: many columns": None,
    "tables: many bars": "|",
    "tables: rows with too few cells": None,
    "tables: delimiters": "|-",
    "tables: escaped bars": "\\|",
    "panels: with an emoji and many words": None,
    "panels: with a bold label and many words": None,
    "panels: nested": None,
    "panels: many": "> [!NOTE]\n> a\n\n",
    "panels: colons": ":::",
    "panels: never closed": ":::note\n",
    "paragraphs: many": "a\n\n",
    "paragraphs: one that is long": "a ",
    "paragraphs: one word": "a",
    "paragraphs: signs": "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
    "paragraphs: braces": "{{",
    "paragraphs: attribute lists": "a {: .b }\n\n",
    "paragraphs: abbreviations": "*[a]: b\n",
    "paragraphs: null bytes": "a\0",
    "rules: many": "***\n",
    "rules: of blanks": None,
    "Mermaid: many": "```mermaid\ngraph\n```\n",
}


def _deepen(size: int) -> str:
    lines, length = [], 0
    while length < size:
        lines += [f"{'  ' * depth}1. a" for depth in range(20)]
        length += sum(len(line) + 1 for line in lines[-20:])
    return "\n".join(lines)


def _half(before: str, after: str, middle: str = "a") -> Callable[[int], str]:
    """Return what writes as many times one thing as, behind it, another."""

    def write(size: int) -> str:
        number = size // (len(before) + len(after))
        return before * number + middle + after * number

    return write


def _number(*pieces: str) -> Callable[[int], str]:
    """Return what writes each piece as often as there is room for, numbered."""

    def write(size: int) -> str:
        number = size // (sum(map(len, pieces)) + 4 * len(pieces))
        return "".join(piece.replace("N", str(each)) for piece in pieces for each in range(number))

    return write


def _once(before: str, piece: str, after: str = "") -> Callable[[int], str]:
    """Return what writes a piece many times between two others."""
    return lambda size: before + piece * (size // len(piece)) + after


def _nest(opening: str, closing: str) -> Callable[[int], str]:
    """Return what opens and closes as many lines."""
    return _half(f"{opening}\n\n", f"{closing}\n\n", "a\n\n")


def _deepen_quotations(size: int) -> str:
    lines = [f"{'>' * (depth % 100 + 1)} *a* **b**\n" for depth in range(size // 60)]
    return "".join(lines)


WRITERS: dict[str, Callable[[int], str]] = {
    "emphasis: nested strong": _half("*a **a ", "b** b*"),
    "emphasis: nested brackets": _half("[", "]"),
    "emphasis: in deep quotations": _deepen_quotations,
    "quotations: nested": _once("", "> ", "a"),
    "quotations: deep, then shallow": lambda size: (
        "> " * (size // 4) + "a\n" + "> a\n" * (size // 8)
    ),
    "lists: nested": _once("", "- ", "a"),
    "lists: nested ordered": _once("", "1. ", "a"),
    "code: unclosed spans": lambda size: "".join(
        f"e{'`' * number}" for number in range(int((2 * size) ** 0.5))
    ),
    "code: many languages": _number("```aN\nb\n```\n"),
    "code: a lexer's text that never ends, YAML": _once("```yaml\n", "*", "\n```\n"),
    "code: a lexer's text that never ends, INI": _once("```ini\n", ":", "\n```\n"),
    "code: a lexer's text that never ends, JavaScript": _once("```js\n", '\\"', "\n```\n"),
    "code: a lexer's text that never ends, gnuplot": _once("```gnuplot\n", "_", "\n```\n"),
    "code: a lexer's text that never ends, many blocks": _once(
        "", f"```gnuplot\n{'_' * 2_000}\n```\n\n"
    ),
    "code: behind many texts": _half("*a* ", "`a` "),
    "HTML: unclosed comment in a block": _once("<div>\n<!-- ", "a <!-- b\n"),
    "HTML: nested": _nest("<div>", "</div>"),
    "HTML: formatting never closed": _number('<b title="N">\n\n'),
    "HTML: before a table": _once("<table>", "x<br>"),
    "HTML: many signs": _once("<div>", "&"),
    "HTML: many attributes": lambda size: f"<a {_number(' aN')(size)}>b</a>",
    "HTML: attributes": _once("<a", ' b="c"', ">d</a>"),
    "links: addresses with blanks": _once("[a](", " ", "b)"),
    "links: blanks behind brackets": _once("", "](" + " " * 50),
    "links: nested parentheses": _once("[a](", "("),
    "images: nested": _half("![", "](b)"),
    "definitions: many": _number("[aN]: bN\n"),
    "definitions: many, many times referred to": _number("[aN]: bN\n", "[aN] "),
    "definitions: blanks": _once("[a]:", " "),
    "definitions: long labels": _once("[", "a ", "]: b\n\n[a]"),
    "footnotes: many": _number("[^aN] ", "\n\n[^aN]: b\n\n"),
    "footnotes: one, many times referred to": _once("[^a]: b\n\n", "[^a] "),
    "footnotes: definitions within each other": lambda size: "".join(
        f"{'    ' * (number % 50)}[^a{number}]: b\n\n" for number in range(size // 120)
    ),
    "bare addresses: parentheses": _once("https://a.example/", ")"),
    "bare addresses: entities": _once("https://a.example/", "&a;"),
    "bare addresses: dots": _once("https://a", ".b"),
    "breaks: blanks": _once("a", " ", "\nb"),
    "headings: one that is long": _once("# ", "a "),
    "headings: one with many words": _once("# ", "*a* `b` "),
    "headings: with marks": _once("# ", "# "),
    "headings: closed": _once("# a", " ", "#"),
    "tables: many columns": lambda size: (
        "|".join("a" * (size // 6))
        + "\n"
        + "|".join("-" * (size // 6))
        + "\n"
        + "|".join("b" * (size // 6))
    ),
    "tables: rows with too few cells": lambda size: (
        "|" + "a|" * 500 + "\n|" + "-|" * 500 + "\n" + "| b\n" * (size // 20)
    ),
    "panels: with an emoji and many words": _once("> ⚠️ ", "*a* b "),
    "panels: with a bold label and many words": _once("> **Note:** ", "`a` b "),
    "panels: nested": _once("", "> [!NOTE]\n> ", "a"),
    "rules: of blanks": _once("*", " *"),
    "lists: deeper and deeper": _deepen,
    "panels: blanks": lambda size: "~~~panel" + " " * size + "x type=",
}


def write_text(name: str, size: int) -> str:
    """Return a text of about so many characters."""
    piece = PIECES[name]
    if piece is None:
        return WRITERS[name](size)
    return f"# Page\n\n{piece * (size // len(piece))}\n"


# Adds up what each page takes: reading, rendering, and what comes after it.
HOOK = """
import json, time
from mkdocs.plugins import event_priority

times = {}
started = {}

@event_priority(100)
def on_page_markdown(markdown, page, **_):
    started[page.file.src_uri] = time.thread_time()

@event_priority(-100)
def on_page_content(html, page, **_):
    times[page.file.src_uri] = time.thread_time() - started[page.file.src_uri]

@event_priority(100)
def on_page_context(context, page, **_):
    started[page.file.src_uri] = time.thread_time()

@event_priority(-100)
def on_post_page(output, page, **_):
    times[page.file.src_uri] += time.thread_time() - started[page.file.src_uri]

def on_post_build(config):
    with open(config.config_file_path + ".json", "w") as file:
        json.dump(times, file)
"""


def main() -> int:
    """Build, measure and print; return 1 if a page takes too long."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--only", default="", help="texts whose names have this in them")
    parser.add_argument("--raw-html", choices=("keep", "strip"), help="one of both only")
    arguments = parser.parse_args()
    names = [name for name in PIECES if arguments.only in name]
    modes = [arguments.raw_html] if arguments.raw_html else ["keep", "strip"]
    slow = 0
    for mode in modes:
        print(f"raw_html: {mode}{'':32} {'seconds':>24} {'growth':>12}")
        seconds = [measure(names, size, mode) for size in SIZES]
        for place, name in enumerate(names):
            times = [each[place] for each in seconds]
            growth = [later / max(before, 0.001) for before, later in pairwise(times)]
            is_slow = times[-1] > MOST_SECONDS or (
                times[-1] > LEAST_SECONDS and max(growth) > MOST_GROWTH
            )
            slow += is_slow
            shown = " ".join(f"{each:7.2f}" for each in times)
            grown = " ".join(f"{each:5.1f}" for each in growth)
            print(f"  {name[:50]:50} {shown} {grown} {'SLOW' if is_slow else ''}", flush=True)
    print(f"\n{len(names)} texts, {slow} of {len(names) * len(modes)} too slow")
    return bool(slow)


def measure(names: list[str], size: int, raw_html: str) -> list[float]:
    """Build sites with all texts at a length; return the processor time that each took."""
    seconds: list[float] = []
    for first in range(0, len(names), MOST_PAGES):
        texts = [write_text(name, size) for name in names[first : first + MOST_PAGES]]
        rendering = build_pages(texts, raw_html)
        seconds += map(add, map(_measure_references, texts), rendering)
    return seconds


def build_pages(texts: list[str], raw_html: str) -> list[float]:
    """Build a site; return the processor time of its main thread for each page."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        options = {"raw_html": raw_html}
        write_site(root, texts, theme="material", hook=HOOK, options=options, plugins=["search"])
        run_build(root, quietly=True)
        times = json.loads((root / "mkdocs.yml.json").read_text())
        return [times[f"texts/page-{number}.md"] for number in range(len(texts))]


def _measure_references(text: str) -> float:
    """Return how long other threads of a build look for attachments, while pages are rendered."""
    begin = time.thread_time()
    find_references(text, "1")
    return time.thread_time() - begin


if __name__ == "__main__":
    sys.exit(main())
