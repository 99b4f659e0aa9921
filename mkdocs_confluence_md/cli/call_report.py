"""Try each call that a build of a site would make, once, and report what the services answer.

The report is for a maintainer who has never seen a real site's answers, and for a user who must be
able to make it public: what it may contain is decided in `shapes.py`.
"""

from __future__ import annotations

import platform
import re
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mkdocs_confluence_md import __version__
from mkdocs_confluence_md.auth.flow import make_auth
from mkdocs_confluence_md.auth.oauth import OFFLINE_SCOPE
from mkdocs_confluence_md.cli.shapes import describe_body, describe_headers
from mkdocs_confluence_md.confluence.answers import SCOPES
from mkdocs_confluence_md.confluence.exporter import APP_ID, ENVIRONMENT_IDS, Exporter
from mkdocs_confluence_md.confluence.listing import list_pages
from mkdocs_confluence_md.confluence.refs import PageRef, SpaceRef, TreeRef
from mkdocs_confluence_md.confluence.rest_base import NoMemory
from mkdocs_confluence_md.errors import ConfluenceError
from mkdocs_confluence_md.fetch.rest_access import make_rest
from mkdocs_confluence_md.network.client import read_json_object
from mkdocs_confluence_md.network.throttling import AT_A_TERMINAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import httpx

    from mkdocs_confluence_md.auth.environment import Environment
    from mkdocs_confluence_md.config import PluginConfig
    from mkdocs_confluence_md.confluence.exporter import ApiAddress
    from mkdocs_confluence_md.confluence.refs import Reference
    from mkdocs_confluence_md.confluence.rest import ConfluenceRest

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
    exporter = Exporter(address, auth, concurrency=1, patience=AT_A_TERMINAL, observe=record)
    with closing(exporter):
        base_urls = _BaseUrls(exporter)
        rest = make_rest(environment, address, base_urls, NoMemory(), AT_A_TERMINAL,
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
