"""What tests draw from: navigations, addresses and Markdown."""

from __future__ import annotations

import base64
import unicodedata
from urllib.parse import quote

from hypothesis import strategies as st
from mkdocs.structure.files import File

DEFAULT = "{section}/{title}"


def destination(src_uri: str, *, use_directory_urls: bool) -> str:
    """Return what MkDocs makes of a source, reduced as a careless file system reduces it."""
    file = File(src_uri, None, "site", use_directory_urls)
    return unicodedata.normalize("NFC", file.dest_uri).casefold()


# Few IDs and titles, so that they meet; and any title, because people write anything.
IDS = st.integers(1, 9).map(str) | st.integers(1, 2**63 - 1).map(str)

TITLES = st.sampled_from(
    [
        "A",
        "a",
        "A 1",
        "a-1",
        "A-1-2",
        "Index",
        "index",
        "README",
        "Straße",
        "STRASSE",
        "é",
        "e\u0301",
    ]
) | st.text(max_size=80)

LOCAL_TEXTS = st.text(max_size=10).map("./".__add__)

REFERENCES = IDS.map("confluence:{}".format) | IDS.map(
    "confluence:https://acme.atlassian.net/wiki/spaces/ENG/pages/{}/Title".format
)

ENTRIES = st.one_of(
    REFERENCES,
    LOCAL_TEXTS,
    st.builds(lambda page_id: {"confluence": page_id}, IDS),
    st.builds(lambda title, text: {title: text}, TITLES, REFERENCES),
    st.builds(lambda title, text: {title: text}, TITLES | st.just("confluence"), LOCAL_TEXTS),
)

NAVS = st.lists(
    st.recursive(
        ENTRIES,
        lambda inner: st.builds(
            lambda title, items: {title: items}, TITLES, st.lists(inner, max_size=4)
        ),
        max_leaves=12,
    ),
    max_size=6,
)

LOCAL_SOURCES = st.lists(
    st.sampled_from(
        [
            "index.md",
            "README.md",
            "a.md",
            "A.md",
            "a/index.md",
            "a/README.md",
            "a-1.md",
            "1.md",
            "2/index.md",
            "a.html",
            "a/a.md",
            "strasse.md",
            "img/a.png",
            "é.md",
            "é.md",
        ]
    ),
    unique=True,
)

PAGE_PATHS = st.sampled_from([DEFAULT, "{title}", "{id}", "{section}/{id}", "wiki/{title}/{id}.md"])


def assert_safe(path: str) -> None:
    """Assert that a path stays below its directory and has names that are not too long."""
    assert "\\" not in path
    for segment in path.split("/"):
        assert segment not in ("", ".", "..")
        assert len(segment.encode()) <= 255


def encode_tiny_code(number: int) -> str:
    """Do what Confluence does when it makes a short link."""
    text = base64.b64encode(number.to_bytes(8, "little")).decode().rstrip("=").rstrip("A")
    return text.replace("/", "-").replace("+", "_")


NUMBERS = st.integers(min_value=1, max_value=2**63 - 1)
URL_WORDS = st.text(st.characters(codec="utf-8"), max_size=20)
SPACE_KEYS = st.from_regex(r"~?[A-Za-z0-9]{1,20}", fullmatch=True)
HOSTS = st.sampled_from(["acme.atlassian.net", "ACME.Atlassian.NET", "wiki.acme.example"])


@st.composite
def page_urls(draw: st.DrawFn) -> tuple[str, str, str]:
    """Draw an address that Confluence shows for a page, its host and the page's ID."""
    number, host, key = draw(NUMBERS), draw(HOSTS), draw(SPACE_KEYS)
    title = "/" + quote(draw(URL_WORDS), safe="+")
    extra = (
        f"{draw(st.sampled_from(['atlOrigin', 'focusedCommentId', 'x']))}={quote(draw(URL_WORDS))}"
    )
    path, query = draw(
        st.sampled_from(
            [
                (f"/spaces/{key}/pages/{number}", ""),
                (f"/spaces/{key}/pages/{number}{title}", ""),
                (f"/spaces/{key}/pages/edit/{number}", ""),
                (f"/spaces/{key}/pages/edit-v2/{number}", ""),
                (f"/spaces/{key}/pages/edit-v2/{number}{title}", ""),
                (f"/pages/edit-v2/{number}", ""),
                ("/pages/viewpage.action", f"pageId={number}"),
                ("/pages/resumedraft.action", f"draftId={number}"),
                (f"/spaces/{key}/overview", f"homepageId={number}"),
                (f"/x/{encode_tiny_code(number)}", ""),
            ]
        )
    )
    parts = draw(st.permutations([part for part in (query, extra) if part]))
    anchor = draw(st.sampled_from(["", "#", "#" + quote(draw(URL_WORDS))]))
    return f"https://{host}/wiki{path}?{'&'.join(parts)}{anchor}", host.lower(), str(number)


ALMOST_REFERENCES = st.one_of(
    st.text(),
    st.lists(
        st.sampled_from(
            [
                "confluence:",
                "https://",
                "acme.atlassian.net",
                "/wiki",
                "/x/",
                "/spaces/",
                "/pages/",
                "space/",
                "[",
                "]",
                "@",
                ":",
                "?",
                "pageId=",
                "&",
                "#",
                "%",
                "%2F",
                "%ff",
                "\uff11",
                "12",
                "viewpage.action",
                "/overview",
                "/",
                "-",
                " ",
                "\n",
                "ENG",
                "℀",
                "\x00",
                "LIQHD",
            ]
        ),
        max_size=12,
    ).map("".join),
)


MARKUP = st.text(alphabet="ab \n\t-*_`~[]()!<>#|:+.1&;{}\\/\"'=$@^w\x02\x03", max_size=120)


def indent(text: str, first: str, other: str) -> str:
    head, *tail = text.splitlines() or [""]
    return "\n".join([first + head, *((other + line).rstrip() for line in tail)])


WORDS = st.integers(0, 10_000).map(lambda number: f"word{number}x")

INLINE = st.recursive(
    WORDS,
    lambda inner: st.one_of(
        inner.map("**{}**".format),
        inner.map("*{}*".format),
        # Not at the beginning of a line, where four tildes begin a fence whose name is not shown.
        inner.map("and ~~{}~~".format),
        WORDS.map("`{}`".format),
        st.tuples(inner, WORDS).map(lambda pair: f"[{pair[0]}](/{pair[1]})"),
        WORDS.map("<kbd>{}</kbd>".format),
        st.tuples(inner, inner).map(" ".join),
        st.tuples(inner, inner).map("\n".join),
        inner.map("{}{{.cls}}".format),
    ),
    max_leaves=5,
)

LEAVES = st.one_of(
    INLINE,
    INLINE.map(lambda text: "## " + text.replace("\n", " ")),
    WORDS.map("```python\n{}\n```".format),
    WORDS.map("    {}".format),
    st.tuples(WORDS, INLINE).map(
        lambda pair: f"| {pair[0]} | b |\n|:--|--:|\n| {pair[1]} | c |".replace(
            pair[1], pair[1].replace("\n", " ")
        )
    ),
    INLINE.map(lambda text: f"<details>\n<summary>word0x</summary>\n\n{text}\n\n</details>"),
)

BLOCKS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("\n\n".join),
        inner.map(lambda text: indent(text, "- ", "  ")),
        inner.map(lambda text: indent(text, "- [ ] ", "  ")),
        inner.map(lambda text: indent(text, "1. ", "   ")),
        inner.map(lambda text: indent(text, "> ", "> ")),
        inner.map(lambda text: "> [!NOTE]\n" + indent(text, "> ", "> ")),
        inner.map(lambda text: "> [!TIP]- word2x\n" + indent(text, "> ", "> ")),
        inner.map(lambda text: "> ⚠️ **word3x**\n>\n" + indent(text, "> ", "> ")),
        inner.map(lambda text: f":::info word4x\n{text}\n:::"),
    ),
    max_leaves=8,
)
