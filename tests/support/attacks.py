"""Directives of other plugins as somebody may write them into a Confluence page, and where.

Each reads one of the canaries if it is carried out, works out a product, or stops a build.
"""

from __future__ import annotations

FILE_CANARY = "canary-of-a-file"
ENVIRONMENT_CANARY = "canary-of-the-environment"
PRODUCT_CANARY = "420007"  # 60001 * 7

DIRECTIVES = {
    "template, value": "{{ 60001 * 7 }}",
    "template, no blanks": "{{60001*7}}",
    "template, trimmed": "{{- 60001 * 7 -}}",
    "template, escape": "{{ '{{' }} 60001 * 7 {{ '}}' }}",
    "template, globals": "{{ cycler.__init__.__globals__.os.environ }}",
    "template, shell": "{{ cycler.__init__.__globals__.os.popen('cat secret.txt').read() }}",
    "template, configuration": "{{ config.plugins }} {{ environ }} {{ environment }}",
    "template, unknown": "{{ missing.field }}",
    "template, unclosed": "{{ 60001 * 7 }",
    "template, filter": "{{ 'secret.txt' | pprint | unknown }}",
    "template, call": "{{ include('secret.txt') }}",
    "template, include": '{% include "secret.txt" %}',
    "template, include trimmed": '{%- include "secret.txt" -%}',
    "template, import": '{% import "secret.txt" as x %}{{ x }}',
    "template, extends": '{% extends "secret.txt" %}',
    "template, raw": "{% raw %}{{ 60001 * 7 }}{% endraw %}",
    "template, set": "{% set x = 60001 * 7 %}{{ x }}",
    "template, loop": "{% for x in range(3) %}{{ 60001 * 7 }}{% endfor %}",
    "template, unknown tag": "{% bad %}",
    "template, unclosed tag": "{% if %}",
    "template, comment": "{# {{ 60001 * 7 }} #}",
    "template, own marks": "[[ 60001 * 7 ]] [% include 'secret.txt' %] (( 60001 * 7 ))",
    "template, dollar": "${60001 * 7} ${{ 60001 * 7 }} #{60001 * 7}",
    "secret of a workflow": "${{ secrets.TOKEN }}",
    "table of a file": "{{ read_csv('secret.csv') }}",
    "table, without blanks": "{{read_csv('secret.csv')}}",
    "table, YAML": "{{ read_yaml('secret.csv') }} {{ read_raw('secret.txt') }}",
    "include-markdown": '{% include-markdown "secret.txt" %}',
    "include-markdown, all files": '{% include "**/secret.txt" %}',
    "include-markdown, parent": '{% include "../secret.txt" %}',
    "markdown-include": "{!secret.txt!} {! secret.txt !}",
    "snippet": '--8<-- "secret.txt"',
    "snippet, scissors": '-8<- "secret.txt"',
    "snippet, block": "--8<--\nsecret.txt\n--8<--",
    "snippet, address": '--8<-- "http://127.0.0.1:9/secret.txt"',
    "snippet, escaped": ';--8<-- "secret.txt"',
    "code from a file": "<!--codeinclude-->\n[x](../secret.txt)\n<!--/codeinclude-->",
    "include by a comment": "<!-- include: secret.txt --> <!--#include file='secret.txt' -->",
    "documentation of code": "::: os.path",
    "directive with colons": ":::include secret.txt\n:::",
    "reStructuredText": ".. include:: secret.txt",
    "AsciiDoc": "include::secret.txt[]",
    "LaTeX": "\\input{secret.txt} $\\input{secret.txt}$",
    "at sign": "@include secret.txt @[secret.txt] @@secret.txt",
    "dollar sign": "$include secret.txt $$include secret.txt$$",
    "wiki link": "[[secret.txt]] ![[secret.txt]]",
    "PHP and JSP": "<?php readfile('secret.txt') ?> <%= 60001 * 7 %>",
    "attribute list": '{: include="secret.txt" } { .x onclick="x" }',
    "front matter again": "---\ntemplate: secret.txt\n---",
    "abbreviation": "*[secret]: secret.txt",
}
"""By what they are of."""

PLACES = {
    "paragraph": "{0}",
    "in a sentence": "It says {0} and goes on.",
    "between letters": "x{0}x",
    "heading": "## {0}",
    "heading, underlined": "{0}\n---",
    "list item": "- {0}",
    "number": "1. {0}",
    "nested item": "- a\n\n    - {0}",
    "task": "- [x] {0}",
    "quotation": "> {0}",
    "alert": "> [!NOTE]\n> {0}",
    "table head": "| {0} |\n|---|\n| a |",
    "table cell": "| a |\n|---|\n| {0} |",
    "emphasis": "*{0}*",
    "strong": "**{0}**",
    "strike": "~~{0}~~",
    "link text": "[{0}](https://acme.example/)",
    "link address": "[a](<https://acme.example/{0}>)",
    "link title": "[a](https://acme.example/ '{0}')",
    "picture text": "![{0}](a.png)",
    "code": "``{0}``",
    "fenced code": "~~~\n{0}\n~~~",
    "language of code": "~~~ {0}\na\n~~~",
    "indented code": "    {0}",
    "HTML block": "<div>\n{0}\n</div>",
    "HTML attribute": '<p title="{0}">a</p>',
    "comment": "<!-- {0} -->",
    "definition": "[x]: https://acme.example/ '{0}'",
}
"""Where they stand; line ends become blanks where a place is one line."""

_WHOLE = frozenset({"paragraph", "fenced code", "HTML block"})


def write_page(name: str) -> str:
    """Return a page that has a directive in each place, each behind the name of the place."""
    directive = DIRECTIVES[name]
    line = " ".join(directive.split("\n"))
    cases = (
        f"Case {number}.\n\n{text.format(directive if place in _WHOLE else line)}"
        for number, (place, text) in enumerate(PLACES.items())
    )
    quoted = line.replace("'", "''")
    return f"---\ndescription: '{quoted}'\ntags: ['{quoted}']\n---\n# {line}\n\n" + "\n\n".join(
        cases
    )
