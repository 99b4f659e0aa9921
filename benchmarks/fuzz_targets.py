"""What the fuzzer calls: each target reads an input with the code that a build reads it with.

A `ConfluenceError` is a good answer to any input. `explain_unexpected`, which makes one of all that
is not foreseen, is not in the way: what is called here is below it.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import markdown
import yaml
from hypothesis import strategies as st
from mkdocs.config import config_options
from mkdocs.config.base import ValidationError

from archives import make_zip
from benchmarks.fuzz_inputs import (
    ANSWERS,
    ARCHIVE_INPUTS,
    CONFIGURATIONS,
    PAGE_INPUTS,
    PAGES,
    TEXTS,
    Answer,
    Edit,
    apply_edits,
    damage_json,
)
from mkdocs_confluence_md.auth.environment import read_environment
from mkdocs_confluence_md.auth.oauth import GrantRefusedError, read_grant
from mkdocs_confluence_md.auth.sign_ins import EnvironmentChain, LoginChain
from mkdocs_confluence_md.auth.token_refresh import make_auth
from mkdocs_confluence_md.auth.token_store import SignIn, TokenStore
from mkdocs_confluence_md.cache.controller import write_copy
from mkdocs_confluence_md.cache.files import Redirects, SiteFiles
from mkdocs_confluence_md.cache.policy import ExportCache
from mkdocs_confluence_md.cache.records import (
    AttachmentManifest,
    KeptFile,
    TreeManifest,
    attachments_resource,
    listing_resource,
    page_resource,
    read_listing,
    read_manifest,
    read_tree_manifest,
    tree_resource,
    write_listing,
    write_manifest,
)
from mkdocs_confluence_md.cache.store import DATABASE, Store
from mkdocs_confluence_md.cli.cache import as_table, describe_holdings, find_holdings, remove_pages
from mkdocs_confluence_md.cli.check import inspect_settings
from mkdocs_confluence_md.cli.configuration import Configuration
from mkdocs_confluence_md.cli.status import Status, as_data, as_text
from mkdocs_confluence_md.config import validate
from mkdocs_confluence_md.confluence.archive import Limits, pack, read_archive
from mkdocs_confluence_md.confluence.attachments import (
    Reference,
    find_enclosed,
    find_file,
    find_references,
)
from mkdocs_confluence_md.confluence.content import read_hidden_title, read_ids, redact_tokens
from mkdocs_confluence_md.confluence.export_tree import find_twins, read_tree, recognise
from mkdocs_confluence_md.confluence.exporter import Exporter
from mkdocs_confluence_md.confluence.listing import list_again, list_pages
from mkdocs_confluence_md.confluence.models import (
    PageFacts,
    Tree,
    TreePage,
    read_facts,
    write_facts,
)
from mkdocs_confluence_md.confluence.refs import SpaceRef, TreeRef
from mkdocs_confluence_md.confluence.rest import GivenCloudId, NoMemory
from mkdocs_confluence_md.errors import ConfluenceError, FailureError
from mkdocs_confluence_md.fetch.attachments import AssetFetcher, unpack
from mkdocs_confluence_md.fetch.fetcher import BaseUrlFinder, ConfluenceSource
from mkdocs_confluence_md.fetch.pages import PageExports
from mkdocs_confluence_md.fetch.snapshot import (
    MANIFEST,
    Snapshot,
    SnapshotFile,
    SnapshotManifest,
    SnapshotPage,
    SnapshotTree,
    read_snapshot_manifest,
    write_snapshot_manifest,
)
from mkdocs_confluence_md.fetch.trees import TreeExports, open_export
from mkdocs_confluence_md.fetch.versions import make_rest
from mkdocs_confluence_md.markdown.extension import ConfluenceExtension
from mkdocs_confluence_md.markdown.sanitizing import make_plain_title, sanitize
from mkdocs_confluence_md.network.retries import PatientTransport
from mkdocs_confluence_md.network.spooling import Contents, make_digest
from mkdocs_confluence_md.network.throttling import Patience, Traffic
from mkdocs_confluence_md.network.urls import ApiAddress
from mkdocs_confluence_md.project import (
    find_missing_files,
    find_project_cache_dir,
    locate_entries,
    locate_option,
    read_nav,
    read_settings,
)
from mkdocs_confluence_md.pull.mkdocs_yml import Move, write_config
from mkdocs_confluence_md.pull.puller import PulledSite
from mkdocs_confluence_md.pull.rewrite import Rewriter
from mkdocs_confluence_md.pull.writer import SnapshotWriter
from mkdocs_confluence_md.site.nav import place
from mkdocs_confluence_md.site.paths import list_redirects, make_safe_name, move_pages
from mkdocs_confluence_md.site.source import make_source
from rendering import USUAL, list_extensions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    Try = Callable[[Any], None]


@dataclass(frozen=True)
class Target:
    """A part of the product that reads what others have written."""

    inputs: st.SearchStrategy[Any]
    open: Callable[[], AbstractContextManager[Try]]
    """Gives the function that tries an input."""
    read: Callable[[bytes], Any]
    """Makes an input of bytes."""
    seeds: tuple[bytes, ...] = ()
    """Valid ones."""


SITE = "https://acme.atlassian.net"
TREE, SPACE = TreeRef("101"), SpaceRef("ENG")
_REFS = (TREE, SPACE)
_NOW = 1_800_000_000.0
_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108  others get a random name
"""Where files take no time, if the system has such a place."""


def _ignore(_: object) -> None:
    """Take a warning."""


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _encode_text(text: str) -> bytes:
    return text.encode("utf-8", "replace")


# Pages


@contextmanager
def open_parser() -> Iterator[Try]:
    """Read, render, sanitize and rewrite a page."""
    usual = list_extensions(USUAL)
    rewriters = {repairs: Rewriter(lambda name: name, repairs=repairs) for repairs in (True, False)}

    def read(page: tuple[str, bool, bool]) -> None:
        text, repairs, is_usual = page
        text = text.encode("utf-8", "replace").decode()  # as `read_markdown` returns it
        facts = PageFacts("101", "Deploy", 3, "2026-01-01T00:00:00Z", "a", "Jane", ("public",))
        source = make_source(redact_tokens(text), page_id="101", title="", facts=facts)
        read_ids(source)
        make_plain_title(read_hidden_title(source))
        find_references(source, "101")
        names, configs = usual if is_usual else ([], {})
        extension = ConfluenceExtension(repairs=repairs)
        site = markdown.Markdown(extensions=[*names, extension], extension_configs=configs)
        sanitize(site.convert(text))
        rewriters[repairs].rewrite(text, _find_nothing, _find_nothing)

    yield read


def _find_nothing(_: str) -> None:
    """Leave an address as it is."""


# Archives


@contextmanager
def open_archives() -> Iterator[Try]:
    """Read an archive as that of a tree, and as that of a page."""

    def read(given: tuple[bytes, bool, int]) -> None:
        content, is_space, count = given
        _unpack_page(content)
        ref = _REFS[is_space]
        known = TreeManifest(make_digest(content), count, has_attachments=True)
        export = open_export(ref, content, known, Limits())
        tree = recognise(read_tree(export.texts, ref, count), export.texts, {"101": "# Deploy\n"})
        find_twins(tree, tree, export.texts, export.texts)
        packed = pack(export.archive, export.texts)
        again = open_export(ref, packed, known, Limits())
        _place_tree(ref, read_tree(again.texts, ref, count))
        for path, text in export.texts.items():
            files = [entry for entry in export.archive.entries if entry.path not in export.texts]
            find = partial(find_enclosed, page_path=path, page_id="")
            unpack(export.archive, Contents(), files, find_references(text, ""), find)

    yield read


_REFERENCES = find_references("![a](attachments/a.png) [b](attachments/a%20b.png)", "101")


def _unpack_page(content: bytes) -> None:
    archive = read_archive(content)
    find = partial(find_file, folder="", page_id="101")
    assets = unpack(
        archive, Contents(), archive.assets, _REFERENCES, find, problems=archive.problems
    )
    for asset in assets.files.values():
        make_safe_name(asset.name)
    for entry in archive.entries:
        make_safe_name(entry.path)


def _place_tree(ref: TreeRef | SpaceRef, tree: Tree) -> None:
    nav = [{"Tree": f"confluence:{ref.target}"}]
    for page_path in ("{section}/{title}", "{id}"):
        place(nav, page_path=page_path, local_uris=["index.html"], trees={ref: tree})


# Answers

_HASTE = Patience(first_wait=0.0, longest_wait=0.0, page=0.0, build=0.0)
_CLOUD_ID = "11111111-2222-3333-4444-555555555555"
_ADDRESS = ApiAddress(SITE, cloud_id=_CLOUD_ID)
_TOKEN = {"CONFLUENCE_MD_ACCESS_TOKEN": "access"}
_ACCOUNT = {"CONFLUENCE_MD_EMAIL": "jane@acme.example", "CONFLUENCE_MD_API_TOKEN": "token"}


class _Body(httpx.SyncByteStream):
    """The body of an answer, as it comes from the network: not decoded yet."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        yield self._content


def _encode(headers: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers]


def make_client(answers: list[Answer]) -> httpx.Client:
    """Make a client as the product does, for a network that gives these answers, the last for ever.

    It waits for nothing.
    """
    left = list(answers)

    def answer(_: httpx.Request) -> httpx.Response:
        status, headers, body = left.pop(0) if len(left) > 1 else left[0]
        return httpx.Response(status, headers=_encode(headers), stream=_Body(body))

    sender = httpx.Client(transport=httpx.MockTransport(answer), trust_env=False)
    transport = PatientTransport(sender, Traffic(4, _HASTE))
    return httpx.Client(transport=transport, trust_env=False)


def _make_exporter(variables: dict[str, str], answers: list[Answer]) -> Exporter:
    auth = make_auth(read_environment(variables), site=SITE)
    exporter = Exporter(_ADDRESS, auth, concurrency=4, patience=_HASTE)
    exporter._made_client = make_client(answers)  # noqa: SLF001  it is made when it is needed first
    return exporter


class _Calls:
    """What a build, and a command, ask for. Each is given its answers.

    Args:
        folder: Where a cache and the token file may be.
    """

    def __init__(self, folder: Path) -> None:
        self._tokens = folder / "tokens.json"
        self.cache = ExportCache(folder / "cache", warn=_ignore)

    def page(self, answers: list[Answer]) -> None:
        """Export a page, and compare it with the copy."""
        with closing(_make_exporter(_TOKEN, answers)) as exporter:
            base_urls = BaseUrlFinder(exporter, self.cache, offline=False)
            pages = PageExports(
                exporter, self.cache, base_urls, max_age=0.0, offline=False, assets=None
            )
            for page in list(pages.look_up(["101"])):
                found = pages.fetch(page)
                make_source(found.markdown, page_id="101", title="", facts=found.facts)

    def tree(self, answers: list[Answer]) -> None:
        """Export a tree, and a space."""
        for ref in _REFS:
            with closing(_make_exporter(_TOKEN, answers)) as exporter, suppress(ConfluenceError):
                base_urls = BaseUrlFinder(exporter, self.cache, offline=False)
                trees = TreeExports(
                    exporter, self.cache, base_urls, max_age=0.0, offline=False, attachments=True
                )
                found = trees.fetch(ref).export
                if found:
                    _place_tree(ref, read_tree(found.texts, ref, found.page_count))

    def attachments(self, answers: list[Answer]) -> None:
        """Export the attachments of a page."""
        with closing(_make_exporter(_TOKEN, answers)) as exporter:
            base_url = _ADDRESS.make_base_url()
            AssetFetcher(exporter, self.cache, Contents(), max_age=0.0).fetch(
                base_url, "101", _REFERENCES
            )

    def site(self, answers: list[Answer]) -> None:
        """Look up the cloud ID, and try the sign-in."""
        with closing(_make_exporter(_TOKEN, answers)) as exporter, suppress(ConfluenceError):
            exporter.look_up_cloud_id()
        with closing(_make_exporter(_TOKEN, answers)) as exporter:
            exporter.probe(_ADDRESS.make_base_url())

    def token(self, answers: list[Answer]) -> None:
        """Refresh a token, which an export needs."""
        status, headers, body = answers[0]
        request = httpx.Request("POST", "https://auth.atlassian.com/oauth/token")
        plain = [(name, value) for name, value in _encode(headers) if name != b"content-encoding"]
        response = httpx.Response(status, headers=plain, content=body, request=request)
        with suppress(GrantRefusedError, ConfluenceError):
            read_grant(response, now=_NOW)
        self._tokens.unlink(missing_ok=True)
        client = {"CLIENT_ID": "id", "CLIENT_SECRET": "secret", "REFRESH_TOKEN": "refresh"}
        variables = {f"CONFLUENCE_MD_{name}": value for name, value in client.items()}
        variables["CONFLUENCE_MD_TOKEN_FILE"] = str(self._tokens)
        with closing(_make_exporter(variables, answers)) as exporter:
            exporter.export_page(_ADDRESS.make_base_url(), "101")

    def rest(self, answers: list[Answer]) -> None:
        """Ask Confluence's own REST API what a build asks it."""
        for ask in (_ask_for_pages, _ask_for_tree, _ask_for_space):
            rest = make_rest(
                read_environment(_ACCOUNT), _ADDRESS, GivenCloudId(_CLOUD_ID), NoMemory(), _HASTE
            )
            assert rest
            rest._made_client = make_client(answers)  # noqa: SLF001  the same
            with closing(rest), suppress(ConfluenceError):
                ask(rest)


def _ask_for_pages(rest: Any) -> None:  # noqa: ANN401  the client
    for facts in rest.describe_pages(["101", "102"]).values():
        assert read_facts(write_facts(facts)) == facts
        make_source("# Deploy\n", page_id="101", title="", facts=facts)
    for facts in rest.find_labels(["101"]).values():
        make_source("# Deploy\n", page_id="101", title="", facts=facts)
    rest.find_names(["a"])
    rest.find_parents(["101"])


def _ask_for_tree(rest: Any) -> None:  # noqa: ANN401  the same
    tree = list_pages(rest, TREE).tree
    assert read_listing(write_listing(tree))
    _place_tree(TREE, tree)
    list_again(rest, TREE)


def _ask_for_space(rest: Any) -> None:  # noqa: ANN401  the same
    _place_tree(SPACE, list_pages(rest, SPACE).tree)


_CALLS = ("page", "tree", "attachments", "site", "token", "rest")


@contextmanager
def open_answers() -> Iterator[Try]:
    """Answer the calls of a build."""
    with tempfile.TemporaryDirectory(dir=_MEMORY) as folder:
        calls = _Calls(Path(folder))

        def call(given: tuple[str, list[Answer]]) -> None:
            name, answers = given
            getattr(calls, name)(answers)

        with closing(calls.cache):
            yield call


# The cache, and the token file

_TREE_OF_TWO = Tree(
    "Deploy", (TreePage("Deploy", "101", children=(TreePage("Roll back", "102"),)),)
)
_PICTURE = b"\x89PNG\r\n\x1a\n"
_OFFLINE = ApiAddress(SITE)
_BASE_URL = _OFFLINE.make_base_url(_CLOUD_ID)
_OF_TREE = write_manifest(TreeManifest(make_digest(make_zip()), 1, has_attachments=True))
_OF_FILES = write_manifest(
    AttachmentManifest({"attachments/a.png": KeptFile("a.png", make_digest(_PICTURE), 8)}, ("x",))
)
_COPIES = {
    page_resource(_BASE_URL, "101"): "# Deploy\n\n![a](attachments/a.png)\n",
    attachments_resource(_BASE_URL, "101"): _OF_FILES,
    tree_resource(_BASE_URL, TREE): _OF_TREE,
    tree_resource(_BASE_URL, SPACE): _OF_TREE,
    listing_resource(_BASE_URL, SPACE): write_listing(_TREE_OF_TWO),
}
_KEPT_TEXTS = [json.loads(text) for text in _COPIES.values() if text.startswith("{")]
_LIMITS = {"https://api.atlassian.com": [8, _NOW]}
_SIGN_IN = {"client_id": "id", "refresh_token": "refresh", "access_token": "access",
            "expires_at": _NOW, "refreshed_at": _NOW, "scope": "a b",
            "auth_url": "https://auth.atlassian.com",
            "site": SITE, "cloud_id": _CLOUD_ID, "environment": "production",
            "gateway": "api"}  # fmt: skip
_TOKENS = {
    "version": 1,
    "sign_ins": {
        f"login {SITE}": _SIGN_IN,
        "environment https://auth.atlassian.com id x": _SIGN_IN,
    },
}

_COLUMNS = ["key", "raw", "store_time", "expire_time", "access_time", "access_count", "tag", "size",
            "mode", "filename", "value"]  # fmt: skip
_EDITS = st.lists(
    st.tuples(st.integers(0, 300), st.sampled_from([0, 1, 4]), st.binary(max_size=4)),
    min_size=1,
    max_size=3,
)
_CELLS = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from(["1e999", "-1e999", "x", "", "../../x", "aa/bb/" + "0" * 28 + ".val",
    "latest x"]),
    st.binary(max_size=30),
    st.text(st.characters(codec="utf-8"), max_size=10),
    st.tuples(st.just("edits"), _EDITS),
)  # fmt: skip
_ROW_CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("cell"), st.integers(0, 20), st.tuples(st.sampled_from(_COLUMNS),
        _CELLS)),
        st.tuples(st.just("cell"), st.integers(0, 20), st.tuples(st.just("value"), _CELLS)),
        st.tuples(st.just("text"), st.integers(0, 20),
        damage_json([*_KEPT_TEXTS, _LIMITS]) | TEXTS),
        st.tuples(st.just("raw"), st.integers(0, 20), damage_json([_LIMITS]).map(_encode_text)),
        st.tuples(st.just("file"), st.integers(0, 40_000), st.binary(min_size=1, max_size=8)),
    ),
    min_size=1,
    max_size=4,
)  # fmt: skip


def _fill_cache(directory: Path) -> list[str]:
    """Make a cache that has one of each; return its keys."""
    with closing(ExportCache(directory, warn=_ignore)) as cache:
        cache.keep(_OFFLINE.cloud_id_url(), "", _CLOUD_ID, {})
        for resource, text in _COPIES.items():
            cache.keep(resource, "0a", text, {"etag": '"x"'})
        cache.keep_files(
            {make_digest(each): each for each in (_PICTURE, make_zip(), bytes(40_000))}
        )
        cache.note_limits({"https://api.atlassian.com": 8})
        cache.note_account("0a")
    with closing(sqlite3.connect(directory / DATABASE)) as connection:
        return [key for (key,) in connection.execute("SELECT key FROM Cache ORDER BY key")]


def _change_cache(directory: Path, keys: list[str], changes: list[tuple[str, int, Any]]) -> None:
    for kind, number, given in changes:
        if kind == "file":
            path = directory / DATABASE
            path.write_bytes(apply_edits(path.read_bytes(), [(number, len(given), given)]))
            continue
        column, cell = given if kind == "cell" else ("value", given)
        if kind == "text":
            text = cell.encode("utf-8", "replace").decode()
            [cell] = write_copy("https://a.example/", text, {}, time.time).values()
        # What SQLite refuses to write, it need not read.
        with (
            closing(sqlite3.connect(directory / DATABASE)) as connection,
            suppress(sqlite3.Error, OverflowError, UnicodeError),
        ):
            _change_cell(connection, keys[number % len(keys)], column, cell)


def _change_cell(connection: sqlite3.Connection, key: str, column: str, cell: Any) -> None:  # noqa: ANN401  see `_CELLS`
    edits = cell[1] if isinstance(cell, tuple) else []
    query = f"SELECT {column} FROM Cache WHERE key = ?"  # noqa: S608  a constant
    for (old,) in connection.execute(query, (key,)).fetchall():
        value = _edit_cell(old, edits) if edits else cell
        value = float(value) if value in ("1e999", "-1e999") else value
        change = f"UPDATE Cache SET {column} = ? WHERE key = ?"  # noqa: S608  the same
        connection.execute(change, (value, key))
    connection.commit()


def _edit_cell(old: object, edits: list[Edit]) -> bytes:
    return apply_edits(old if isinstance(old, bytes) else str(old).encode(), edits)


def _read_cache(directory: Path) -> None:
    auth = make_auth(read_environment(_TOKEN), site=SITE)
    exporter = Exporter(_OFFLINE, auth, concurrency=4, patience=_HASTE)
    cache = ExportCache(directory, warn=_ignore, limit=1_000, lock_seconds=1.0)
    with closing(ConfluenceSource(exporter, cache, max_age=900.0, offline=True)) as source:
        cache.find_limits()
        cache.note_limits({"x": 4})
        with suppress(ConfluenceError):
            for page in source.pages.look_up(["101", "102"]):
                with suppress(ConfluenceError):
                    found = source.pages.fetch(page)
                    make_source(found.markdown, page_id="101", title="", facts=found.facts)
        for ref in _REFS:
            with suppress(ConfluenceError):
                tree = source.trees.fetch(ref)
                read = tree.listed or (tree.export and read_tree(tree.export.texts, ref))
                _place_tree(ref, read or Tree(""))
        assets = AssetFetcher(exporter, cache, source.contents, max_age=900.0)
        for account in ("0a", None):
            assets.recall(_BASE_URL, "101", account, _REFERENCES)
    with closing(Store(directory, _ignore, lock_seconds=1.0)) as store:
        holdings = find_holdings(store)
        as_table(holdings, _NOW)
        json.dumps(describe_holdings(holdings, str(directory)))
        remove_pages(store, ["101"])


def _read_token_file(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    store = TokenStore(path, find_vault=lambda: None)
    store.read_secrets()
    environment = read_environment(
        {"CONFLUENCE_MD_CLIENT_ID": "id", "CONFLUENCE_MD_CLIENT_SECRET": "secret",
         "CONFLUENCE_MD_REFRESH_TOKEN": "refresh", "CONFLUENCE_MD_TOKEN_FILE": str(path)}
    )  # fmt: skip
    for key in store.list_keys():
        store.describe_place(key)
        with suppress(ConfluenceError):
            if sign_in := store.load(key):
                _show(sign_in)
    for chain in (
        LoginChain(store, site=SITE), LoginChain(store, site="", cloud_id=_CLOUD_ID),
    ):  # fmt: skip
        with suppress(ConfluenceError):
            chain.load()
    assert environment.credentials
    own = EnvironmentChain(environment.credentials, store, "https://auth.atlassian.com")
    sign_in = own.load()
    with store.locked():
        own.save(sign_in, replaces=sign_in)


def _show(sign_in: SignIn) -> None:
    status = Status(
        "login", sign_in.site, access_token_expires_at=sign_in.expires_at,
        refresh_token_expires_at=sign_in.refreshed_at, scopes=sign_in.scope.split(),
    )  # fmt: skip
    as_text(status)
    json.dumps(as_data([status]))


def _read_paths(directory: Path, content: bytes) -> None:
    files = SiteFiles(directory / "cache", "site")
    files.open()
    files.write_paths({})
    [path] = (directory / "cache/pages").glob("paths-*")
    path.write_bytes(content)
    now = {"101": "deploy/index.html"}
    moved = move_pages(files.read_paths(), now)
    redirects = Redirects(str(directory / "site"), "c")
    redirects.write(list_redirects(moved, now, set()), replace=True)
    files.write_paths(moved)


_PATHS = {"101": ["a/index.html", "../b.html", "c:/d.html"], "102": ["c/101/index.html"]}
CACHE_INPUTS = st.one_of(
    st.tuples(st.just("rows"), _ROW_CHANGES),
    st.tuples(st.just("tokens"), damage_json([_TOKENS])),
    st.tuples(st.just("paths"), damage_json([_PATHS]).map(_encode_text) | st.binary()),
)  # fmt: skip


@contextmanager
def open_cache() -> Iterator[Try]:
    """Read a cache whose rows, or whose other files, were changed."""
    with tempfile.TemporaryDirectory(dir=_MEMORY) as name:
        folder = Path(name)
        keys = _fill_cache(folder / "template")

        def read(given: tuple[str, Any]) -> None:
            kind, content = given
            work = folder / "work"
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir()
            if kind == "tokens":
                _read_token_file(work / "tokens.json", content)
            elif kind == "paths":
                _read_paths(work, content)
            else:
                shutil.copytree(folder / "template", work / "cache")
                _change_cache(work / "cache", keys, content)
                _read_cache(work / "cache")

        yield read


# Manifests

_SNAPSHOT_FILES = {
    "docs/deploy.md": b"# Deploy\n",
    "exports/101.md": b"# Deploy\n",
    "docs/deploy/a.png": _PICTURE,
    "exports/tree.zip": make_zip(),
}


def _make_manifest() -> SnapshotManifest:
    time_of_all = "2026-01-01T00:00:00Z"
    page = SnapshotPage(
        "101", "Deploy", "deploy.md", SITE, '"x"', time_of_all, make_digest(b"# Deploy\n"),
        "exports/101.md", {"attachments/a.png": SnapshotFile("a.png", "docs/deploy/a.png")},
        (("it is damaged", "b.png"),), 3, PageFacts("101", "Deploy", 3),
    )  # fmt: skip
    trees = (
        SnapshotTree("101/", time_of_all, archive="exports/tree.zip", page_count=1,
        problems=(("BOMB", "x"),)),
        SnapshotTree("space/ENG", time_of_all, listed=_TREE_OF_TWO),
    )  # fmt: skip
    files = {path: make_digest(content) for path, content in _SNAPSHOT_FILES.items()}
    return SnapshotManifest(time_of_all, (page,), files, trees)


_VALID_MANIFEST = write_snapshot_manifest(_make_manifest())
MANIFEST_INPUTS = st.one_of(
    st.tuples(st.just("snapshot"), damage_json([json.loads(_VALID_MANIFEST)])),
    st.tuples(st.just("snapshot"), damage_json([json.loads(_VALID_MANIFEST)])),
    st.tuples(st.just("kept"),
    damage_json([*_KEPT_TEXTS, json.loads(write_facts(PageFacts("1")))])),
)  # fmt: skip


@contextmanager
def open_manifests() -> Iterator[Try]:
    """Read the manifest of a snapshot, or what is kept of an export."""
    with tempfile.TemporaryDirectory(dir=_MEMORY) as name:
        folder = Path(name)
        for path, content in _SNAPSHOT_FILES.items():
            (folder / "template" / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / "template" / path).write_bytes(content)

        def read(given: tuple[str, str]) -> None:
            kind, text = given
            if kind == "kept":
                _read_kept(text)
                return
            work = folder / "work"
            shutil.rmtree(work, ignore_errors=True)
            shutil.copytree(folder / "template", work)
            (work / MANIFEST).write_bytes(text.encode("utf-8", "surrogatepass"))
            _read_snapshot(work)

        yield read


def _read_kept(text: str) -> None:
    if manifest := read_manifest(text):
        assert read_manifest(write_manifest(manifest)) == manifest
    read_tree_manifest(text)
    if tree := read_listing(text):
        _place_tree(TREE, tree)
    if facts := read_facts(text):
        make_source("# Deploy\n", page_id="101", title="", facts=facts)


def _read_snapshot(directory: Path) -> None:
    manifest = read_snapshot_manifest(directory)
    snapshot = Snapshot(directory, Contents())
    snapshot.open()
    snapshot.describe(1, "offline")
    for page in manifest.pages:
        with suppress(ConfluenceError):
            snapshot.fetch_page(page.page_id)
        with suppress(ConfluenceError):
            snapshot.replace_page(page.page_id, FailureError("No answer.", "Try again later."))
    for ref in _REFS:
        with suppress(ConfluenceError):
            tree = snapshot.fetch_tree(ref)
            _place_tree(ref, tree.listed or Tree(""))
    references = {**_REFERENCES, "x": Reference("x", owner="101")}
    with suppress(ConfluenceError):
        snapshot.fetch_files("101", references)
    writer = SnapshotWriter(directory)
    writer.open()
    with suppress(ConfluenceError):
        writer.check_changes()
    pulled = _make_manifest()
    writer.write(PulledSite(dict(_SNAPSHOT_FILES), list(pulled.pages), list(pulled.trees)), _NOW)


# Configurations


@contextmanager
def open_configurations() -> Iterator[Try]:
    """Read a `mkdocs.yml` as `check`, a build, `pull` and `init` do."""
    with tempfile.TemporaryDirectory(dir=_MEMORY) as name:
        file = Path(name) / "mkdocs.yml"

        def read(text: str) -> None:
            file.write_bytes(text.encode("utf-8", "surrogatepass"))
            inspect_settings(file, {})
            locate_entries(file)
            locate_option(file, "site")
            with suppress(ConfluenceError):
                find_project_cache_dir(file)
            with suppress(ConfluenceError):
                read_settings(file)
            with suppress(ConfluenceError, yaml.YAMLError, RecursionError):
                _, nav = read_nav(file)
                if nav:
                    list(find_missing_files(file, nav))
            with suppress(ConfluenceError):
                configuration = Configuration.read(file)
                configuration.find("nav")
                configuration.add_setting("extra", {"a": [1]})
            with suppress(ConfluenceError):
                root = file.parent
                write_config(file, Move(root, root / "docs", root / "pulled"), ["index.md"])
            _place_nav(file)

        yield read


def _place_nav(file: Path) -> None:
    try:
        settings = read_settings(file)
        nav = config_options.Nav().validate(settings.get("nav"))
    except (ConfluenceError, ValidationError, RecursionError):
        return  # MkDocs refuses it
    plugins = settings.get("plugins")
    last = plugins[-1] if isinstance(plugins, list) and plugins else None
    options, _, _ = validate(last if isinstance(last, dict) else {})
    for site_host in ("", "acme.atlassian.net"):
        place(
            nav or [], page_path=options.page_path, local_uris=["index.html"], site_host=site_host
        )


_VALID_CONFIGURATION = b"""\
site_name: Fuzzed
plugins:
  - search
  - confluence-md:
      site: acme.atlassian.net
      max_age: 15m
nav:
  - Home: index.md
  - Deploy: confluence:101
  - confluence:102/
  - Space: confluence:space/ENG
"""

TARGETS: dict[str, Target] = {
    "parser": Target(
        PAGE_INPUTS, open_parser, lambda data: (_decode(data), True, False),
        tuple(page.encode() for page in PAGES),
    ),
    "zip": Target(ARCHIVE_INPUTS, open_archives, lambda data: (data, False, 0), (make_zip(),)),
    "answers": Target(
        st.tuples(st.sampled_from(_CALLS), st.lists(ANSWERS, min_size=1, max_size=3)),
        open_answers, lambda data: (_CALLS[len(data) % len(_CALLS)], [(200, [], data)]),
    ),
    "cache": Target(CACHE_INPUTS, open_cache, lambda data: ("rows", [("raw", len(data), data)])),
    "manifest": Target(
        MANIFEST_INPUTS, open_manifests, lambda data: ("snapshot", _decode(data)),
        (_VALID_MANIFEST,),
    ),
    "nav": Target(CONFIGURATIONS, open_configurations, _decode, (_VALID_CONFIGURATION,)),
}  # fmt: skip
