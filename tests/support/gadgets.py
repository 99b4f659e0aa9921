"""Attacks on the scripts of themes, and on those that sites load: each runs CANARY if it works."""

from __future__ import annotations

HTML = {
    "script": "<script>CANARY</script>",
    "script in a comment": "<!--><script>CANARY</script>-->",
    "script in a template": "<template><script>CANARY</script></template>",
    "handler": "<img src=https://example.com/missing.png onerror=CANARY>",
    "handler of a table": "<table background=x><tr><td onmouseover=CANARY>x</td></tr></table>",
    "handler that opens": "<details open ontoggle=CANARY><summary>x</summary></details>",
    "handler of a field": "<input autofocus onfocus=CANARY>",
    "handler of an animation": "<svg><animate onbegin=CANARY attributeName=x dur=1s></svg>",
    "svg": "<svg onload=CANARY></svg>",
    "link in svg": '<svg><a xlink:href="javascript:CANARY"><text y="9">x</text></a></svg>',
    "link that is animated": '<svg><a><animate attributeName=href values="javascript:CANARY"/>'
    "<text y=9>x</text></a></svg>",
    "math": '<math href="javascript:CANARY"><mtext>x</mtext></math>',
    "math and style": "<math><mtext><table><mglyph><style><img src onerror=CANARY></style></math>",
    "noscript": '<noscript><p title="</noscript><img src onerror=CANARY>"></noscript>',
    "frame": '<iframe srcdoc="<script>parent.CANARY</script>"></iframe>',
    "frame of a script": '<iframe src="javascript:parent.CANARY"></iframe>',
    "object": '<object data="javascript:CANARY"></object>',
    "embed": '<embed src="javascript:CANARY">',
    "base": '<base href="javascript:/x/-CANARY//">',
    "refresh": '<meta http-equiv="refresh" content="0;url=javascript:CANARY">',
    "form": '<form action="javascript:CANARY"><button>x</button></form>',
    "button": '<form id=f></form><button form=f formaction="javascript:CANARY">x</button>',
    "link": '<a href="javascript:CANARY">x</a>',
    "link with a tab": '<a href="java&#9;script:CANARY">x</a>',
    "link with a letter": '<a href="&#1;javascript:CANARY">x</a>',
    "link of an area": '<map><area href="javascript:CANARY" shape=default></map>',
    "tooltip": '<a href="#" title="&lt;img src onerror=CANARY&gt;">x</a>',
    "tooltip twice": '<abbr title="&amp;lt;img src onerror=CANARY&amp;gt;">x</abbr>',
    "settings of Material": '<script id="__config" type="application/json">{}</script>'
    '<div id="__config">{"base": ".", "features": ["content.tooltips"], "search": '
    '"javascript:CANARY", "translations": {"search.result.none": "<img src onerror=CANARY>"}}'
    "</div>",
    "search of Material": '<div data-md-component="search"><form><input name=query></form></div>'
    '<input id="__search" type="checkbox">',
    "palette of Material": '<form data-md-component="palette"><input id="__palette_0" '
    'data-md-color-media="x" data-md-color-scheme="&quot;><img src onerror=CANARY>"></form>',
    "annotation": '<div class="annotate">x (1)</div><ol><li><img src onerror=CANARY></li></ol>',
    "copy button": '<pre id="__code_0"><span></span><code>x</code></pre><button '
    'class="md-clipboard" data-clipboard-target="img[src=x onerror=CANARY]">x</button>',
    "tabs": '<div class="tabbed-set" data-tabs="1:1"><input name="__tabbed_1" id="__tabbed_1_1" '
    'type="radio"><div class="tabbed-labels"><label for="x"><img src onerror=CANARY></label></div>'
    "</div>",
}  # fmt: skip

MARKDOWN = {
    "Markdown link": "[x](javascript:CANARY)",
    "Markdown link, encoded": "[x](java&#x73;cript:CANARY)",
    "Markdown picture": "![x](javascript:CANARY)",
    "address": "<javascript:CANARY>",
    "Markdown tooltip": '[x](https://example.com "&lt;img src onerror=CANARY&gt;")',
    "Markdown tooltip, raw": '[x](https://example.com "<img src onerror=CANARY>")',
    "attributes": "[x](https://example.com){onclick=CANARY}",
    "attributes of a heading": "## x {onmouseover=CANARY}",
    "heading": "## <img src onerror=CANARY> x",
    "heading of entities": "## &lt;img src onerror=CANARY&gt; x",
    "title of code": '```py title="<img src onerror=CANARY>"\nx\n```',
    "footnote": "x[^<img src onerror=CANARY>]\n\n[^<img src onerror=CANARY>]: x",
}

MATH = {
    "link of a formula": r"$\href{javascript:CANARY}{x}$",
    "link of a block": "$$\n\\href{javascript:CANARY}{x}\n$$",
    "link in brackets": r"\\(\href{javascript:CANARY}{x}\\)",
    "link with a blank": r"$\href {javascript:CANARY}{x}$",
    "link over tags": r"$\hr<b></b>ef{javascript:CANARY}{x}$",
    "link over a comment": r"$\hr<!-- -->ef{javascript:CANARY}{x}$",
    "link over a place to break": r"$\\hr<wbr>ef{javascript:CANARY}{x}$",
    "element over a place to break": r"$\\mml<wbr>Token{mi}[href='javascript:CANARY']{x}$",
    "link by a macro": r"$\def\x{\href}\x{javascript:CANARY}{x}$",
    "link by another name": r"$\let\x\href\x{javascript:CANARY}{x}$",
    "link of an element": r"$\mmlToken{mi}[href='javascript:CANARY']{x}$",
    "text": r"$\text{<img src onerror=CANARY>}$",
    "attributes of a formula": r"$\htmlData{x=1, onclick=CANARY}{x}$",
    "style": r"$\style{background:url(javascript:CANARY)}{x}$",
    "extension": r"$\require{html}\href{javascript:CANARY}{x}$",
    "formula of entities": "$&#92;href{javascript:CANARY}{x}$",
    "formula in HTML": r'<span class="arithmatex">\(\href{javascript:CANARY}{x}\)</span>',
    "formula in code": r"<code>\(\href{javascript:CANARY}{x}\)</code>",
    "formula in a class in code": r"""<code><b
class="arithmatex mathjax_process tex2jax_process">\(\href{javascript:CANARY}{x}\)</b></code>""",
    "formula in a class of code": r"""<code
class="arithmatex mathjax_process tex2jax_process">\(\href{javascript:CANARY}{x}\)</code>""",
    "MathML": '<span class="arithmatex"><math><mi href="javascript:CANARY">x</mi></math></span>',
}

DIAGRAMS = {
    "link of a diagram": 'graph LR\n  A-->B\n  click A href "javascript:CANARY"',
    "call of a diagram": 'graph LR\n  A-->B\n  click A call CANARY "x"',
    "settings of a diagram": '%%{init: {"securityLevel": "loose", "htmlLabels": true}}%%\n'
    'graph LR\n  A["<img src onerror=CANARY>"]-->B\n  click A href "javascript:CANARY"',
    "label of a diagram": 'graph LR\n  A["<img src onerror=CANARY>"]-->B',
    "note of a diagram": "sequenceDiagram\n  A->>B: <img src onerror=CANARY>",
}

TITLES = {
    "quotation mark": '" onmouseover="CANARY" x="',
    "quotation mark of HTML": "&quot; onmouseover=&quot;CANARY&quot;",
    "element": "<img src onerror=CANARY>",
    "element of entities": "&lt;img src onerror=CANARY&gt;",
    "closed title": "</title><script>CANARY</script>",
    "formula": r"$\href{javascript:CANARY}{x}$",
    "formula of an element": r"$\mmlToken{mi}[href='javascript:CANARY']{x}$",
}

DIAGRAM_FENCES = {each: f"```mermaid\n{text}\n```" for each, text in DIAGRAMS.items()}
TEXTS = {**MARKDOWN, **MATH, **DIAGRAM_FENCES}
