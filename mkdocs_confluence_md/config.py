"""The plugin's options: what `mkdocs.yml` may contain, validated and typed.

No option is a secret, so no dump of the configuration can leak one.
"""

from __future__ import annotations

import logging
import re
from contextlib import redirect_stderr, redirect_stdout
from difflib import get_close_matches
from io import StringIO
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from warnings import catch_warnings, simplefilter

from mkdocs.config import config_options as opt
from mkdocs.config.base import BaseConfigOption, Config, ValidationError
from mkdocs.config.defaults import MkDocsConfig

from mkdocs_confluence_md.network.concurrency import MOST_IN_FLIGHT
from mkdocs_confluence_md.network.urls import (
    ENVIRONMENT_IDS,
    ApiAddress,
    is_cloud_id,
    origin_of,
    read_site,
)
from mkdocs_confluence_md.project import (
    DEFAULT_CACHE_DIR,
    PLUGIN_NAME,
    choose_cache_dir,
    read_settings,
    resolve_cache_dir,
)
from mkdocs_confluence_md.site.paths import check_page_path, name_page

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mkdocs.config.base import ConfigErrors, ConfigWarnings

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"([0-9]{1,12})([smhd])")
_LEAST_INTERVAL = 5


_T = TypeVar("_T")


class _Option(BaseConfigOption[_T], Generic[_T]):
    """An option whose default is written as a user would write it."""

    def __init__(self, default: object = None) -> None:
        super().__init__()
        self.default = default


class Site(_Option[str]):
    """A Confluence site: a host or any URL of it, reduced to its origin."""

    def run_validation(self, value: object) -> str:
        """Return the origin, like `https://acme.atlassian.net`."""
        try:
            return read_site(value if isinstance(value, str) else repr(value))
        except ValueError as error:
            raise ValidationError(str(error)) from None


class BaseUrl(_Option[str]):
    """The API base URL as the app's admin page shows it."""

    def run_validation(self, value: object) -> str:
        """Return the URL without a slash, a query or the name of a call at its end."""
        text = value.strip() if isinstance(value, str) else ""
        if not origin_of(text) or re.search(r"[\s?#@]", text):
            # What stands before an @ may be a password.
            shown = "this" if "@" in text else repr(value)
            raise ValidationError(
                f"{shown} is not a base URL. Copy it from the app's settings in Confluence, "
                "under “App REST APIs”; it looks like https://api.atlassian.com/svc/confluence/…"
            )
        return re.sub(r"/(?:singleExport|bulkExport)$", "", text.rstrip("/"))


class CloudId(_Option[str]):
    """A cloud ID, as `https://SITE/_edge/tenant_info` tells it."""

    def run_validation(self, value: object) -> str:
        """Return the ID."""
        if is_cloud_id(value):
            return str(value)
        raise ValidationError(
            f"{value!r} is not a cloud ID. Leave the option out, and it is looked up."
        )


class PagePath(_Option[str]):
    """A path with the fields {section}, {title} and {id}."""

    def run_validation(self, value: object) -> str:
        """Return the path."""
        if not isinstance(value, str):
            raise ValidationError(f"{value!r} is not a path.")
        if complaint := check_page_path(value):
            raise ValidationError(f"{value!r} {complaint}")
        return value


class Duration(_Option[float]):
    """A duration: `0`, `30s`, `15m`, `12h`, `7d`, `forever`."""

    def run_validation(self, value: object) -> float:
        """Return seconds; `inf` for `forever`."""
        text = str(value).strip().lower()
        if text == "forever":
            return float("inf")
        if text == "0" and not isinstance(value, bool):
            return 0.0
        match = _DURATION.fullmatch(text)
        if match is None:
            raise ValidationError(
                f"{value!r} is not a duration. Write 0, forever, or a number with its unit: "
                "30s, 15m, 12h, 7d."
            )
        return float(int(match[1]) * _SECONDS[match[2]])


class Interval(_Option[float]):
    """A duration between two questions: `60s`, `5m`, `1h`; or `off`."""

    def run_validation(self, value: object) -> float:
        """Return seconds; 0 for `off`."""
        text = str(value).strip().lower()
        # YAML reads an `off` without quotes as false.
        if text in ("off", "false"):
            return 0.0
        match = _DURATION.fullmatch(text)
        seconds = int(match[1]) * _SECONDS[match[2]] if match else 0
        if seconds < _LEAST_INTERVAL:
            raise ValidationError(
                f"{value!r} is not an interval. Write off, or at least {_LEAST_INTERVAL}s: "
                "60s, 5m, 1h."
            )
        return float(seconds)


class CacheDir(_Option[str]):
    """A directory, relative to `mkdocs.yml`."""

    def run_validation(self, value: object) -> str:
        """Return the path as it is written."""
        if isinstance(value, str) and value.strip() and value.isprintable():
            return value
        raise ValidationError(f"{value!r} is not the path of a directory.")


class Concurrency(_Option[int]):
    """A number of requests that are in flight at most, or `auto`."""

    def run_validation(self, value: object) -> int:
        """Return the number; of `auto`, the largest one."""
        if value == "auto":
            return MOST_IN_FLIGHT
        # bool is an int in Python, but `concurrency: yes` is a slip.
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_IN_FLIGHT:
            return value
        raise ValidationError(
            f"{value!r} is not auto or a whole number from 1 to {MOST_IN_FLIGHT}."
        )


class Patterns(_Option[tuple[str, ...]]):
    """Pages to leave out: IDs, or patterns of titles such as `Draft*`."""

    def run_validation(self, value: object) -> tuple[str, ...]:
        """Return texts; YAML reads an ID without quotes as a number."""
        if isinstance(value, list) and all(_is_text_or_id(each) for each in value):
            return tuple(str(each).strip() for each in value)
        raise ValidationError(
            f"{value!r} is not a list of page IDs and patterns of titles. Write it like "
            "['123456', 'Draft*']."
        )


class Depth(_Option[int]):
    """A number of levels."""

    def run_validation(self, value: object) -> int:
        """Return the number."""
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        raise ValidationError(f"{value!r} is not a number of levels. Write 0, 1, 2, ….")


class FrontMatter(_Option[dict[str, dict[str, Any]]]):
    """Front matter by page."""

    def run_validation(self, value: object) -> dict[str, dict[str, Any]]:
        """Return it by ID, or by path without slashes at its ends and without `.md`."""
        if isinstance(value, dict) and all(
            _is_text_or_id(name) and isinstance(meta, dict) for name, meta in value.items()
        ):
            return {name_page(str(name)): dict(meta) for name, meta in value.items()}
        raise ValidationError(
            f"{value!r} is not front matter by page. Write a page's ID, or its path in the site, "
            "and below it what to put into its front matter."
        )


class Note(_Option[bool | str]):
    """Whether a page says where it is from: `true`, `false`, or a template."""

    def run_validation(self, value: object) -> bool | str:
        """Return it as it is written."""
        if isinstance(value, bool) or (isinstance(value, str) and value.strip()):
            return value
        raise ValidationError(f"{value!r} is neither true, false nor a template.")


def _is_text_or_id(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and bool(str(value).strip())


class PluginConfig(Config):
    """The options under `plugins: - confluence-md:`."""

    site = opt.Optional(Site())
    """The Confluence site: `acme.atlassian.net`, or a URL."""

    cloud_id = opt.Optional(CloudId())
    """Skips the lookup of the cloud ID."""

    environment = opt.Choice(tuple(ENVIRONMENT_IDS), default="production")
    """The environment of the app: `production`, `staging` or `dev`."""

    gateway = opt.Choice(("api", "site"), default="api")
    """Which URL format: `api` (api.atlassian.com) or `site` (the site's own gateway)."""

    base_url = opt.Optional(BaseUrl())
    """The API base URL pasted from the admin page; replaces the four above."""

    page_path = PagePath(default="{section}/{title}")
    """Where a page lands in the site; also `{id}`."""

    attachments = opt.Choice((True, False, "safe"), default=True)
    """Bring the images and files that pages refer to into the site: `true`, `false`, or `safe`,
    without HTML and SVG, which browsers open as pages of the site."""

    raw_html = opt.Choice(("keep", "strip"), default="keep")
    """What becomes of HTML in pages: `keep` it, or `strip` it of all that a browser would run."""

    repairs = opt.Type(bool, default=True)
    """Whether what exporters write otherwise than Markdown is specified is repaired: `true`, or
    `false` to read each page as it is specified."""

    exclude = Patterns(default=[])
    """What is left out of trees, with all below it: IDs, and patterns of titles: `[Draft*]`."""

    max_depth = opt.Optional(Depth())
    """How many levels below its root a tree has; all of them without it."""

    labels = opt.ListOfItems(opt.Type(str), default=[])
    """Which pages of trees are wanted, by their labels in Confluence: `[public, -draft]`."""

    pages = FrontMatter(default={})
    """Front matter for pages, by ID or path: `{"123456": {search: {exclude: true}}}`."""

    redirects = opt.Type(bool, default=True)
    """Let `/c/ID/` lead to each page, and the paths that pages had before to where they are."""

    source_note = Note(default=False)
    """A line below each page that says where it is from: `true`, or a template of your own."""

    trusted_plugins = opt.ListOfItems(opt.Type(str), default=[])
    """Plugins that see the directives in pages from Confluence, and carry them out: `[macros]`."""

    max_age = Duration(default="15m")
    """How long an export counts as fresh: `0`, `30s`, `15m`, `12h`, `7d`, `forever`."""

    offline = opt.Type(bool, default=False)
    """Never use the network: serve what is cached."""

    watch = Interval(default="off")
    """How often `mkdocs serve` asks whether pages have changed: `60s`, at least `5s`, or `off`."""

    on_error = opt.Choice(("fail", "placeholder"), default="fail")
    """What a page that could not be fetched does: end the build, or say so in its place."""

    concurrency = Concurrency(default="auto")
    """How many exports are in flight: `auto` adapts to the answers; a number, 1 to 64, caps it."""

    cache_dir = CacheDir(default=DEFAULT_CACHE_DIR)
    """Where exports are kept, relative to `mkdocs.yml`."""

    snapshot = opt.Optional(CacheDir())
    """What `pull` wrote, relative to `mkdocs.yml`: for builds offline or without credentials."""


def validate(
    written: Mapping[str, object],
) -> tuple[PluginConfig, ConfigErrors, ConfigWarnings]:
    """Validate all options; MkDocs itself ends at the first that it refuses.

    Returns:
        The options, with defaults for those that are refused; the refusals; the warnings.
    """
    errors: ConfigErrors = []
    # MkDocs takes this one out itself: it is an option of every plugin.
    written = {name: value for name, value in written.items() if name != "enabled"}
    while True:
        options = PluginConfig()
        options.load_dict(dict(written))
        refused, warnings = options.validate()
        errors += refused
        names = {name for name, _ in refused}
        if names.isdisjoint(written):
            return options, errors, warnings
        written = {name: value for name, value in written.items() if name not in names}


def validate_site(config_file: Path) -> list[tuple[str, str]]:
    """Return what MkDocs refuses or warns of in a configuration: the settings, and what it says.

    Nothing that the project brings is run, and the options of this plugin are left out: `validate`
    knows them better.

    Raises:
        SettingError: The configuration cannot be read.
    """
    config = MkDocsConfig(config_file_path=str(config_file.resolve()))
    config.load_dict(read_settings(config_file))
    disabled = logging.root.manager.disable
    logging.disable()
    try:
        # Plugins and extensions may print and warn when they are loaded.
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()), catch_warnings():
            simplefilter("ignore")
            errors, warnings = config.validate()
    finally:
        logging.disable(disabled)
    found = [(name, str(text)) for name, text in (*errors, *warnings)]
    return [(name, text) for name, text in found if f"'{PLUGIN_NAME}' option" not in text]


def explain_option(name: str, error: object) -> str:
    """Return what MkDocs says of an option, with the name that is meant where it knows none."""
    text, name = str(error), str(name)  # YAML may have read a number
    known = [str(key) for key, _ in PluginConfig._schema]  # noqa: SLF001  MkDocs has no other name for it
    if name not in known and (near := get_close_matches(name, known, 1)):
        text = f"{text.rstrip('.')}. Do you mean `{near[0]}`?"
    return text


def make_address(options: PluginConfig) -> ApiAddress:
    """Return where the API is, as far as the options say."""
    return ApiAddress(
        site=options.site or "",
        cloud_id=options.cloud_id or "",
        environment=options.environment,
        gateway=options.gateway,
        base_url=options.base_url or "",
    )


def find_cache_dir(options: PluginConfig, config: MkDocsConfig) -> Path:
    """Return the cache's directory.

    Raises:
        SettingError: It must not be there.
    """
    others = {"docs_dir": config.docs_dir, "site_dir": config.site_dir}
    if custom_dir := config.theme.custom_dir:
        others["custom_dir"] = custom_dir
    return choose_cache_dir(config.config_file_path or "mkdocs.yml", options.cache_dir, others)


def find_snapshot_dir(options: PluginConfig, config_file: str | Path) -> Path | None:
    """Return the snapshot's directory, if the options name one."""
    return resolve_cache_dir(config_file, options.snapshot) if options.snapshot else None
