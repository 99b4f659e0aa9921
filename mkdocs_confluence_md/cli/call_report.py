"""`check --report`: try each call of a build once, and describe the answers without their content.

The report is for a maintainer who has never seen a real site's answers, and for a user who must be
able to make it public.
"""

from __future__ import annotations

import base64
import platform
import re
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mkdocs_confluence_md import __version__
from mkdocs_confluence_md.auth.oauth import OFFLINE_SCOPE
from mkdocs_confluence_md.auth.token_refresh import make_auth
from mkdocs_confluence_md.confluence.archive import read_archive
from mkdocs_confluence_md.confluence.attachments import read_address
from mkdocs_confluence_md.confluence.exporter import Exporter
from mkdocs_confluence_md.confluence.listing import list_pages
from mkdocs_confluence_md.confluence.refs import PageRef, SpaceRef, TreeRef
from mkdocs_confluence_md.confluence.responses import SCOPES, is_web_page, parse_json
from mkdocs_confluence_md.confluence.rest import NoMemory
from mkdocs_confluence_md.errors import ConfluenceError
from mkdocs_confluence_md.fetch.versions import make_rest
from mkdocs_confluence_md.markdown.parser import Grammar
from mkdocs_confluence_md.markdown.repairs.kinds import count_repairs
from mkdocs_confluence_md.network.client import read_json_object
from mkdocs_confluence_md.network.throttling import FOR_A_REPORT
from mkdocs_confluence_md.network.urls import APP_ID, ENVIRONMENT_IDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import httpx
    from markdown_it.token import Token

    from mkdocs_confluence_md.auth.environment import Environment
    from mkdocs_confluence_md.config import PluginConfig
    from mkdocs_confluence_md.confluence.refs import Reference
    from mkdocs_confluence_md.confluence.rest import ConfluenceRest
    from mkdocs_confluence_md.network.urls import ApiAddress


FORMAT = 1
_PACKAGES = ("mkdocs", "httpx", "markdown-it-py", "mkdocs-material", "properdocs")
_KNOWN_SCOPES = frozenset({*SCOPES, OFFLINE_SCOPE})
_OPTIONS_SHOWN = ("environment", "gateway", "attachments", "raw_html", "on_error", "offline")
_PATH_WORDS = re.compile(
    r"ex|confluence|wiki|api|v2|rest|content|search|pages|spaces|folders|whiteboards|databases|"
    r"embeds|descendants|direct-children|users-bulk|svc|gateway|apps|singleExport|bulkExport|"
    r"_edge|tenant_info|oauth|token"
)


_QUERY = frozenset({
    "body-format", "cloudId", "cql", "cursor", "depth", "expand", "id", "keys", "limit", "start",
    "status",
})  # fmt: skip
"""Names of query parameters; a list may go on at an address with any others."""


@dataclass
class CallReport:
    """What was tried, and how it went."""

    calls: list[dict[str, Any]] = field(default_factory=list)
    """One for each response, in order."""
    steps: list[tuple[str, str, str]] = field(default_factory=list)
    """What was tried, how it ended in one word, and what to tell the person who tried it."""
    about: dict[str, Any] = field(default_factory=dict)
    """Versions, options and the kind of sign-in."""

    @property
    def is_fine(self) -> bool:
        """Whether everything was answered as a build would need it."""
        return all(state == "ok" for _, state, _ in self.steps)

    def as_data(self) -> dict[str, Any]:
        """Return what is written into the file."""
        steps = [{"step": name, "outcome": state} for name, state, _ in self.steps]
        return {"format": FORMAT, **self.about, "steps": steps, "calls": self.calls}


def try_calls(
    references: Sequence[Reference],
    options: PluginConfig,
    environment: Environment,
    address: ApiAddress,
) -> CallReport:
    """Try each call once.

    Args:
        references: What `nav` refers to: the first of each kind is tried.
        options: The plugin's.
        environment: The variables.
        address: Where the API is.

    Raises:
        ConfluenceError: There is no sign-in, or a host may not receive a token.
    """
    report = CallReport(about=_describe_site(references, options, environment, address))
    auth = make_auth(environment, site=address.find_site(), base_url=address.base_url)
    auth.check_trust(address.make_base_url())
    record = _Recorder(report)
    exporter = Exporter(address, auth, concurrency=1, patience=FOR_A_REPORT, observe=record)
    with closing(exporter):
        base_urls = _BaseUrls(exporter)
        rest = make_rest(environment, address, base_urls, NoMemory(), FOR_A_REPORT,
                         observe=_Recorder(report))  # fmt: skip
        _Steps(report, exporter, base_urls, rest).run(references, options)
    return report


class _BaseUrls:
    """Where the exporter is: looked up, whatever a cache may have."""

    def __init__(self, exporter: Exporter) -> None:
        self._exporter = exporter
        self._cloud_id = exporter.address.find_cloud_id()

    def find(self) -> str:
        """Return the API's base URL."""
        address = self._exporter.address
        return address.make_base_url(self.find_cloud_id() if address.needs_cloud_id() else "")

    def find_cloud_id(self) -> str:
        """Return the site's cloud ID, looked up once."""
        self._cloud_id = self._cloud_id or self._exporter.look_up_cloud_id().markdown
        return self._cloud_id

    def keep(self) -> None:
        """Do nothing: nothing is kept."""


class _Recorder:
    """Describes each response as it arrives."""

    def __init__(self, report: CallReport) -> None:
        self._report = report
        self._since = time.monotonic()

    def __call__(self, response: httpx.Response) -> None:
        """Take note of a response; called by httpx."""
        response.read()
        now = time.monotonic()
        # Calls are made one after another, so that each takes the time since the one before.
        self._report.calls.append(_describe_call(response, now - self._since))
        self._since = now


def _describe_call(response: httpx.Response, seconds: float) -> dict[str, Any]:
    request = response.request
    described = {
        "call": f"{request.method} {_name_path(request.url.path)}",
        "query": sorted(key if key in _QUERY else "*" for key in request.url.params),
        "host": _name_host(request.url.host),
        "status": response.status_code,
        "seconds": round(seconds, 1),
        "headers": describe_headers(response.headers),
        "body": describe_body(response.content),
    }
    scope = read_json_object(response).get("scope")
    if isinstance(scope, str):
        described["scopes"] = sorted(map(_name_scope, scope.split()))
    return described


def _name_path(path: str) -> str:
    """Return a path of which only known words are left."""
    parts = (part if _PATH_WORDS.fullmatch(part) else "*" for part in path.strip("/").split("/"))
    return "/" + "/".join(parts)


def _name_host(host: str) -> str:
    """Name the kind of a host."""
    if host in ("api.atlassian.com", "auth.atlassian.com"):
        return host
    return "*.atlassian.net" if host.endswith(".atlassian.net") else "another host"


def _name_scope(scope: str) -> str:
    """Return a scope of which only known names are left, with what its namespace stands for."""
    namespaces = {f"{APP_ID}.{each}": f"this app, {name}" for name, each in ENVIRONMENT_IDS.items()}
    for known in _KNOWN_SCOPES:
        if scope == known:
            return known
        if scope.endswith(f":{known}"):
            namespace = scope.removesuffix(f":{known}")
            return f"{{{namespaces.get(namespace, 'another app or environment')}}}:{known}"
    return "*"


def _describe_site(
    references: Sequence[Reference],
    options: PluginConfig,
    environment: Environment,
    address: ApiAddress,
) -> dict[str, Any]:
    kinds = {PageRef: "pages", TreeRef: "trees", SpaceRef: "spaces"}
    return {
        "versions": {
            "mkdocs-confluence-md": __version__,
            "python": platform.python_version(),
            "system": sys.platform,
            **{name: found for name in _PACKAGES if (found := _find_version(name))},
        },
        "options": {name: options[name] for name in _OPTIONS_SHOWN},
        "nav": {
            word: sum(isinstance(each, kind) for each in references)
            for kind, word in kinds.items()
        },
        "site": _name_host(urlsplit(address.find_site()).hostname or ""),
        "base_url given": bool(address.base_url),
        "sign-in": "access token" if environment.access_token
        else "refresh token" if environment.credentials else "login",
        "REST credentials": "none" if environment.rest_credentials is None
        else "e-mail and token" if environment.rest_credentials.email else "token alone",
    }  # fmt: skip


def _find_version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


class _Steps:
    """The calls of a build, each tried once."""

    def __init__(
        self,
        report: CallReport,
        exporter: Exporter,
        base_urls: _BaseUrls,
        rest: ConfluenceRest | None,
    ) -> None:
        self._report = report
        self._exporter = exporter
        self._base_urls = base_urls
        self._rest = rest

    def run(self, references: Sequence[Reference], options: PluginConfig) -> None:
        """Try all that a build with these references and options would need."""
        first = {type(reference): reference for reference in reversed(references)}
        page, tree, space = first.get(PageRef), first.get(TreeRef), first.get(SpaceRef)
        trees = [each for each in (tree, space) if isinstance(each, TreeRef | SpaceRef)]
        page_id = next((each.page_id for each in (page, tree)
                        if isinstance(each, PageRef | TreeRef)), "")  # fmt: skip
        base_url = self._try("base URL", self._base_urls.find)
        if self._rest:
            with closing(self._rest):
                page_id = self._try_rest(self._rest, page_id, trees) or page_id
        if base_url and page_id:
            self._try("singleExport", lambda: self._exporter.export_page(base_url, page_id))
            if options.attachments:
                self._try("bulkExport of a page", lambda: self._exporter.export_archive(
                    base_url, page_id, attachments=True))  # fmt: skip
        for each in trees if base_url else ():
            name = "bulkExport of a space" if isinstance(each, SpaceRef) else "bulkExport of a tree"
            self._try(name, lambda each=each: self._exporter.export_tree(  # type: ignore[misc]  # the loop's own
                base_url, each, attachments=bool(options.attachments)))  # fmt: skip

    def _try_rest(
        self, rest: ConfluenceRest, page_id: str, trees: Iterable[TreeRef | SpaceRef]
    ) -> str:
        """Try Confluence's own REST API; return the ID of a page, if it lists any."""
        found = ""
        for each in trees:
            name = "list of a space" if isinstance(each, SpaceRef) else "list of a tree"
            listing = self._try(name, lambda each=each: list_pages(rest, each))  # type: ignore[misc]  # the same
            pages = [page.page_id for page in listing.tree.walk()] if listing else []
            found = found or next(filter(None, pages), "")
        page_id = page_id or found
        if page_id:
            facts = self._try("pages by ID", lambda: rest.describe_pages([page_id]))
            authors = [each.author_id for each in (facts or {}).values() if each.author_id]
            if authors:
                self._try("names of authors", lambda: rest.find_names(authors))
            self._try("labels", lambda: rest.find_labels([page_id]))
        return page_id

    def _try(self, name: str, call: Callable[[], Any]) -> Any:  # noqa: ANN401  whatever it returns
        try:
            found = call()
        except ConfluenceError as error:
            self._report.steps.append((name, type(error).__name__, error.full_text()))
            return None
        self._report.steps.append((name, "ok", ""))
        return found


_DEEPEST = 6
_MOST_ENTRIES = 200
_LEAST_TEXT = 200
"""JSON strings that are longer, or have more than one line, are looked at as Markdown."""

_FIELD = re.compile(r"_?[a-z][A-Za-z_]{0,23}|zipBase64")
"""Names of fields as APIs have them; not IDs, keys of spaces or names of files."""
_NUMBERS_SHOWN = frozenset(
    {"statusCode", "status", "code", "pageCount", "expires_in", "depth", "limit", "size"}
)
"""Fields whose numbers say something of the API and nothing of pages, unless they are large."""
_LARGEST_NUMBERS = {"expires_in": 10**8}
_LARGEST_NUMBER = 999

_HEADERS_SHOWN = {
    "content-type": re.compile(r"[a-z]+/[a-z0-9.+-]+(?:; ?charset=[A-Za-z0-9-]+)?", re.IGNORECASE),
    "content-length": re.compile(r"[0-9]{1,12}"),
    "retry-after": re.compile(r"[0-9]{1,8}"),
    "x-failure-category": re.compile(r"FAILURE(?:_[A-Z]{1,20}){1,5}"),
    "ratelimit-reason": re.compile(r"[a-z]{1,20}(?:-[a-z]{1,20}){1,5}"),
    "x-ratelimit-limit": re.compile(r"[0-9]{1,12}"),
    "x-ratelimit-remaining": re.compile(r"[0-9]{1,12}"),
    "x-ratelimit-reset": re.compile(r"[0-9TZ:.+-]{1,40}"),
    "x-ratelimit-nearlimit": re.compile(r"true|false"),
    "deprecation": re.compile(r"true|@?[0-9]{1,12}"),
    "atl-traceid": re.compile(r"[A-Fa-f0-9-]{1,64}"),
    "atl-request-id": re.compile(r"[A-Fa-f0-9-]{1,64}"),
}
"""Headers whose values are harmless, in these forms."""

_KINDS_OF_TEXT = {
    "empty text": re.compile(r""),
    "digits": re.compile(r"[0-9]+"),
    "ISO 8601 time": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9:]+)"),
    "URL": re.compile(r"https?://\S*"),
    "path": re.compile(r"/\S*"),
}
"""What a JSON string may be, the likeliest first."""

_HEADER_NAME = re.compile(
    r"(?:x-)?ratelimit-[a-z-]{1,30}|atl-[a-z-]{1,30}|x-(?:request-id|trace-id|envoy-[a-z-]{1,40})|"
    r"x-(?:content-type-options|frame-options|xss-protection|cache|amz-cf-[a-z]{1,10})|via|age|"
    r"accept-ranges|allow|alt-svc|cache-control|connection|content-[a-z-]{1,30}|date|etag|expires|"
    r"keep-alive|last-modified|location|nel|pragma|referrer-policy|report-to|server|server-timing|"
    r"set-cookie|strict-transport-security|transfer-encoding|vary|warning|www-authenticate"
)
"""Names that do not tell who has set them."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_HTML_TAGS = _words("""
    a abbr audio b blockquote br caption code col colgroup dd del details div dl dt em figcaption
    figure h1 h2 h3 h4 h5 h6 hr i iframe img input ins kbd li mark ol p pre s script section small
    source span strong style sub summary sup table tbody td tfoot th thead time tr u ul video
    ac:image ac:link ac:parameter ac:structured-macro ri:attachment ri:page ri:user
""")
_EXTENSIONS = _words("""
    bmp csv doc docx drawio gif html htm jpeg jpg json md mp4 pdf png ppt pptx svg tif tiff txt webp
    xls xlsx xml yaml yml zip
""")
_FOLDERS = _words("attachments _attachments attachment assets images media files")
_PAGE_NAMES = _words("index README SUMMARY _index")
_FRONT_MATTER = _words("""
    title id url source link author authors date created updated modified version labels tags space
    space_key spaceKey space_name parent parent_id parentId confluence confluence_id
    confluence_page_id confluence_url page_id pageId page_url content_id webui status
""")
_WORDS_SHOWN = _words("""
    archived basic blogpost Bearer bearer current database draft embed folder global page personal
    team trashed user whiteboard
""")
"""Values of Confluence's own fields."""

_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9:-]{0,30})")
_FORMS = {
    "alert, [!NAME]": r"^ *>\s*\[![^\]\n]{1,60}\]",
    "panel label, > **NAME:**": r"^ *>\s*\*\*[^*\n]{1,40}\*\*",
    "panel with an emoji": r"^ *>\s*(?:\*\*)?[\u2139\u2705\u26a0\u274c\u2757\U0001f300-\U0001faff]",
    "container, :::name": r"^ *:::",
    "expand, arrow picture": r"!\[[^\]\n]{0,300}\]\([^)\n]{0,300}/images/icons/",
    "macro placeholder": r"/placeholder/unknown-macro|\[Extension: ",
    "table of contents marker": r"^ *(?:\[TOC\]|\[\[_?TOC_?\]\]|\{toc[^}\n]*\}) *$",
    "emoji shortcode": r":[a-z0-9_+-]{2,40}:",
    "status macro": r"\{status[:}]|:status\[",
    "image size": r"\{(?:width|height)=| =[0-9]+x[0-9]*\)|\|[0-9]{2,4}\]",
    "bold with a blank inside": r"\*\*[^*\n]{1,200} \*\*\S",
    "list item two blanks deeper": r"^ {2}(?:[-*+]|[0-9]{1,9}[.)]) ",
    "math, $$": r"\$\$",
    "breaks in table cells": r"^ *\|.*<br ?/?>",
    "comment": r"<!--",
    "media address": r"https?://[a-z.]*media\.atlassian\.com/",
    "gateway address": r"https?://api\.atlassian\.com/ex/confluence/",
    "undefined": r"@undefined\b|\bundefined\b",
    "storage XML": r"<(?:ac|ri):",
}
"""Forms in which exporters write what Markdown has no word for, each found by a pattern."""

_ADDRESSES = {
    "anchor": re.compile(r"#"),
    "media address": re.compile(r"https?://[a-z.]*media\.atlassian\.com/"),
    "gateway address": re.compile(r"https?://api\.atlassian\.com/ex/confluence/"),
    "path from the root": re.compile(r"/(?!wiki/)"),
}
_SCHEMES = _words("http: https: mailto: data: attachment: media:")

_PATTERNS = {name: re.compile(pattern, re.MULTILINE) for name, pattern in _FORMS.items()}


def describe_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the names of headers, with those values that are harmless."""
    shown: dict[str, str] = {}
    for name, value in headers.items():
        lower = name.lower()
        form = _HEADERS_SHOWN.get(lower)
        is_known = form is not None or _HEADER_NAME.fullmatch(lower) is not None
        is_shown = form is not None and form.fullmatch(value.strip()) is not None
        shown[lower if is_known else "*"] = value.strip() if is_shown else "…"
    return dict(sorted(shown.items()))


def describe_body(content: bytes) -> dict[str, Any]:
    """Return the kind of a body, its length, and what it consists of."""
    size = {"bytes": len(content)}
    if content.startswith(b"PK\x03\x04"):
        return {"kind": "ZIP archive", **size, "archive": describe_archive(content)}
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return {"kind": "not text", **size}
    if not text.strip():
        return {"kind": "empty", **size}
    if is_web_page(text):
        return {"kind": "web page", **size}
    value = parse_json(text)
    if value is not None:
        return {"kind": "JSON", **size, "shape": describe_json(value)}
    return {"kind": "text", **size, "markdown": describe_markdown(text)}


def describe_json(value: object, name: str = "", depth: int = _DEEPEST) -> Any:  # noqa: ANN401  JSON
    """Return the keys and types of a JSON value; the type of a list is that of its first entry."""
    if isinstance(value, Mapping):
        if depth == 0:
            return "object"
        fields: dict[str, Any] = {}
        for key, each in value.items():
            known = key if isinstance(key, str) and _FIELD.fullmatch(key) else "*"
            fields.setdefault(known, describe_json(each, known, depth - 1))
        return fields
    if isinstance(value, list):
        return [len(value), describe_json(value[0], name, depth - 1)] if value and depth else []
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        largest = _LARGEST_NUMBERS.get(name, _LARGEST_NUMBER)
        return value if name in _NUMBERS_SHOWN and 0 <= value <= largest else "number"
    return _describe_text(str(value), name, depth)


def _describe_text(text: str, name: str, depth: int) -> Any:  # noqa: ANN401  JSON
    if name == "zipBase64":
        return _describe_base64(text)
    inner = parse_json(text)
    if inner is not None:
        return {"JSON text": describe_json(inner, name, depth - 1)} if depth else "JSON text"
    if text in _WORDS_SHOWN:
        return f"text: {text}"
    kind = next((kind for kind, form in _KINDS_OF_TEXT.items() if form.fullmatch(text)), "")
    is_long = "\n" in text or (len(text) >= _LEAST_TEXT and " " in text)
    return kind or ({"text": describe_markdown(text)} if is_long else "text")


def _describe_base64(text: str) -> Any:  # noqa: ANN401  JSON
    try:
        return {"base64": describe_archive(base64.b64decode("".join(text.split()), validate=True))}
    except ValueError:
        return "text that is not base64"


def describe_markdown(text: str) -> dict[str, Any]:
    """Return how many of which constructs a Markdown text has."""
    front, body = _split_front_matter(text)
    env: dict[str, Any] = {}
    tokens = list(_walk(Grammar().parse(body, env)))
    counts = Counter(token.type.removesuffix("_open") for token in tokens if token.nesting >= 0)
    described: dict[str, Any] = {
        "lines": text.count("\n") + 1,
        "constructs": dict(sorted(counts.items())),
        "headings": dict(sorted(Counter(token.tag for token in tokens
                                        if token.type == "heading_open").items())),
        "fences": dict(Counter("with a language" if token.info.strip() else "without a language"
                               for token in tokens if token.type == "fence")),
        "links": dict(sorted(Counter(_name_address(str(token.attrGet("href") or ""))
                                     for token in tokens if token.type == "link_open").items())),
        "images": dict(sorted(Counter(_name_address(str(token.attrGet("src") or ""))
                                      for token in tokens if token.type == "image").items())),
        "html": _count_tags(tokens),
        "forms": {name: number for name, form in _PATTERNS.items()
                  if (number := len(form.findall(text)))},
        "repairs": dict(sorted(count_repairs(env).items())),
        "front matter": front,
    }  # fmt: skip
    return {name: value for name, value in described.items() if value}


def _walk(tokens: Iterable[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _walk(token.children or ())


def _count_tags(tokens: Iterable[Token]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for token in tokens:
        if token.type in ("html_block", "html_inline"):
            for slash, name in _TAG.findall(token.content):
                if not slash:
                    found[name.lower() if name.lower() in _HTML_TAGS else "*"] += 1
    return dict(sorted(found.items()))


def _split_front_matter(text: str) -> tuple[list[str], str]:
    """Return the known names in a text's front matter, and the text behind it."""
    match = re.match(r"---\n(.{0,5000}?\n)---\n", text, re.DOTALL)
    if match is None:
        return [], text
    names = re.findall(r"^([^\s:#][^:\n]{0,60}):", match[1], re.MULTILINE)
    known = sorted({name if name in _FRONT_MATTER else "*" for name in names})
    return known, text[match.end() :]


def _name_address(address: str) -> str:
    """Name the form of an address."""
    if named := next((name for name, form in _ADDRESSES.items() if form.match(address)), ""):
        return named
    if "/wiki/" in address:
        return _name_confluence_path(address)
    if scheme := re.match(r"[a-z][a-z0-9+.-]*:", address, re.IGNORECASE):
        return scheme[0] if scheme[0] in _SCHEMES else "*:"
    path = address.partition("#")[0].partition("?")[0]
    folder = path.rpartition("/")[0].rpartition("/")[2]
    if path.lower().endswith(".md"):
        return "relative .md"
    return f"relative, in {folder}/" if folder in _FOLDERS else "relative"


def _name_confluence_path(address: str) -> str:
    if read_address(address, "") is not None or "/download/" in address:
        return "Confluence attachment"
    for part in ("/pages/", "/x/", "/display/", "/plugins/servlet/", "/images/", "/people/"):
        if part in address:
            return f"Confluence {part}"
    return "Confluence"


def describe_archive(content: bytes) -> dict[str, Any]:
    """Return the layout of an archive with its names replaced, and what its pages consist of."""
    archive = read_archive(content)
    names = _Names()
    pages = [archive.read(entry) for entry in archive.pages]
    texts = [page.decode("utf-8", "replace") for page in pages if isinstance(page, bytes)]
    described = {
        "entries": len(archive.entries),
        "layout": [names.replace(entry.path) for entry in archive.entries[:_MOST_ENTRIES]],
        "problems": sorted({each.problem.name for each in archive.problems}),
        "pages": [describe_markdown(text) for text in texts[:20]],
    }
    return {name: value for name, value in described.items() if value}


class _Names:
    """Replaces names of files and folders, the same name always by the same."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._counts: Counter[str] = Counter()

    def replace(self, path: str) -> str:
        """Return a path of which only known names are left."""
        *folders, name = path.split("/")
        shown = [
            each if each.lower() in _FOLDERS else self._name(each, "folder") for each in folders
        ]
        stem, _, extension = name.rpartition(".")
        extension = extension.lower() if extension.lower() in _EXTENSIONS else "*"
        if extension == "md":
            # A page and the folder of its children have the same name.
            return "/".join(
                [*shown, f"{stem if stem in _PAGE_NAMES else self._name(stem, 'page')}.md"]
            )
        return "/".join([*shown, f"{self._name(name, 'file')}.{extension}"])

    def _name(self, name: str, kind: str) -> str:
        if name not in self._known:
            self._counts[kind] += 1
            form = " (UUID)" if re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", name) else ""
            form = form or (" (with digits)" if re.search(r"[0-9]{5,}", name) else "")
            self._known[name] = f"{kind}-{self._counts[kind]}{form}"
        return self._known[name]
