"""Examples of what GFM adds to CommonMark, and what GitHub makes of alerts."""

from __future__ import annotations

import re

from cmarkgfm.cmark import Options, markdown_to_html_with_extensions

from structure import read_structure

EXAMPLES = [
    # Tables
    "| foo | bar |\n| --- | --- |\n| baz | bim |\n",
    "| abc | defghi |\n:-: | -----------:\nbar | baz\n",
    "| f\\|oo  |\n| ------ |\n| b `\\|` az |\n| b **\\|** im |\n",
    "| abc | def |\n| --- | --- |\n| bar | baz |\n> bar\n",
    "| abc | def |\n| --- | --- |\n| bar | baz |\nbar\n\nbar\n",
    "| abc | def |\n| --- |\n| bar |\n",
    "| abc | def |\n| --- | --- |\n| bar |\n| bar | baz | boo |\n",
    "| abc | def |\n| --- | --- |\n",
    "text before\n| a | b |\n|:--|--:|\n| *1* | [2](/x) |\n",
    "- item\n\n  | a | b |\n  |---|:-:|\n  | 1 | 2 |\n",
    "> | a |\n> |---|\n> | `x` |\n",
    "a | b\n--|--\n1 | 2\n",
    "| a | b |\n|---|---|\n| 1<br>2 | ![x](y.png) |\n",
    # Strikethrough
    "~~Hi~~ Hello, ~there~ world!\n",
    "This ~~has a\n\nnew paragraph~~.\n",
    "This will ~~~not~~~ strike.\n",
    "~~a **b** c~~ and *~~d~~*\n",
    "from ~5 to ~10\n",
    # Tasks
    "- [ ] foo\n- [x] bar\n",
    "- [x] foo\n  - [ ] bar\n  - [x] baz\n- [ ] bim\n",
    "1. [ ] one\n2. [X] two\n",
    "- [ ] loose\n\n- [x] also\n",
    "- [] none\n- [y] none\n- \\[ ] none\n- [ ]none\n",
    "* [x] **bold** and `code`\n",
    # Bare addresses
    "www.commonmark.org\n",
    "Visit www.commonmark.org/help for more information.\n",
    "Visit www.commonmark.org.\n\nVisit www.commonmark.org/a.b.\n",
    "www.google.com/search?q=Markup+(business)\n\nwww.google.com/search?q=Markup+(business)))\n",
    "(www.google.com/search?q=Markup+(business))\n\n(www.google.com/search?q=(business)\n",
    "www.google.com/search?q=(business))+ok\n",
    "www.google.com/search?q=commonmark&hl=en\n\nwww.google.com/search?q=commonmark&hl;\n",
    "www.commonmark.org/he<lp\n",
    "http://commonmark.org\n\n(Visit https://encrypted.google.com/search?q=Markup+(business))\n",
    "Anonymous FTP is available at ftp://foo.bar.baz.\n",
    "foo@bar.baz\n",
    "hello@mail+xyz.example isn't valid, but hello+xyz@mail.example is.\n",
    "a.b-c_d@a.b\n\na.b-c_d@a.b.\n",
    "a.b-c_d@a.b-\n\na.b-c_d@a.b_\n",
    "README.md, example.com and setup.py are no addresses\n",
    'as in "https://a.example/b", <em>https://c.example</em> and **https://d.example**\n',
    "https://a.example/with_under_scores_ and https://a_b.example/\n",
    "[a link](https://a.example) and `https://a.example` and <https://a.example>\n",
    "localhost: http://localhost:8000/x, https://\n",
    "see https://a.example/日本 and 日本https://a.example\n",
    # Footnotes
    "Text[^1], more[^b].\n\n[^1]: A *note*.\n\n[^b]: One.\n\n    Two.\n",
    # Alerts
    *[
        f"> [!{kind}]\n> Text of the *alert*.\n>\n> - with a list\n"
        for kind in ("NOTE", "TIP", "IMPORTANT", "WARNING", "CAUTION")
    ],
    "> [!note]\n> In small letters.\n",
    "> [!NOTE]\n>\n> In a paragraph of its own.\n",
    "> [!OTHER]\n> None of the five.\n",
    "- item\n\n  > [!TIP]\n  > In a list.\n",
    "> A quotation\n\n> of two\n",
    "> > [!NOTE]\n> > In a quotation.\n",
]
_ALERT = re.compile(r"  \[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\] ?(.*)", re.IGNORECASE)


def read_as_github(text: str) -> list[str]:
    """Return the structure that GitHub's own reader gives a text, and GitHub's alerts."""
    options = Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_FOOTNOTES
    extensions = ["table", "strikethrough", "autolink", "tasklist"]
    html = markdown_to_html_with_extensions(text, options, extensions)
    return mark_alerts(read_structure(_write_footnotes_as_sites_do(html)))


def _write_footnotes_as_sites_do(html: str) -> str:
    html = re.sub(r'href="#(fn|fnref)-', r'href="#\1:', html)
    html = re.sub(r" (<a [^>]*footnote-backref)", "\u00a0\\1", html)
    html = re.sub(r'<section class="footnotes"[^>]*>', "<div><hr>", html)
    return html.replace("</section>", "</div>")


def mark_alerts(lines: list[str]) -> list[str]:
    """Make alerts of the quotations that GitHub takes for alerts, in a structure."""
    marked: list[str] = []
    closing: list[str] = []
    rest = list(lines)
    while rest:
        line = rest.pop(0)
        if line == "<blockquote>":
            alert = _ALERT.fullmatch(rest[1]) if rest[:1] == ["<p>"] else None
            closing.append("</panel>" if alert else "</blockquote>")
            marked.append(closing[-1].replace("/", ""))
            if alert:
                rest = [f"  {alert[2]}", *rest[2:]] if alert[2] else rest[2:]
                rest = rest[1:] if rest[:1] in (["</p>"], ["<br>"]) else rest
                marked += [] if rest[:1] == ["<p>"] else ["<p>"]
        elif line == "</blockquote>":
            marked.append(closing.pop() if closing else line)
        else:
            marked.append(line)
    return marked
