"""The ways to bring pages of Confluence into a site, one class each."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from benchmarks import peers
from benchmarks.sites import id_of, title_of, write_config

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.confluence import Confluence
    from benchmarks.sites import Content

Copies = Literal["fresh", "checked", "expired"]
"""What becomes of the copies that an earlier build left.

- `fresh`: they may be used as they are.
- `checked`: a change in Confluence must be noticed at once.
- `expired`: they are too old to be used without asking.
"""

SURROUNDINGS = {
    "NO_MKDOCS_2_WARNING": "1",  # Material's advertisement
    "NO_COLOR": "1",
    "NO_PROXY": "127.0.0.1",
    "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",  # nobody's real keyring
}
"""The variables of all builds."""


@dataclass(frozen=True)
class Job:
    """A site to build, and from where."""

    root: Path
    content: Content
    confluence: Confluence
    theme: str
    copies: Copies = "fresh"
    asks_for_versions: bool = False
    """Whether there are credentials for Confluence's own REST API, which tells what has changed."""

    @property
    def page_ids(self) -> list[str]:
        """The IDs of all pages."""
        return [id_of(number) for number in range(self.content.count)]

    def write_pages(self, template: str) -> None:
        """Write a file for each page, with its `title` and its plain address `url`."""
        folder = self.root / "docs" / "pages"
        folder.mkdir(parents=True)
        for number, page_id in enumerate(self.page_ids):
            url = f"{self.confluence.url}/pages/{page_id}.md"
            text = template.format(title=title_of(number), url=url)
            (folder / f"{page_id}.md").write_text(text, encoding="utf-8")

    def write_config(self, plugins: list[Any] | None = None, *, reference: str = "") -> None:
        """Write `mkdocs.yml`; in `nav`, each page is `reference` with its `id`."""
        pattern = reference or "pages/{id}.md"
        references = [pattern.format(id=page_id) for page_id in self.page_ids]
        write_config(self.root, references, theme=self.theme, plugins=plugins or [])


class Contestant:
    """A way to such a site: files to write once, commands to run for each build."""

    name: str
    """As in `--contestant`."""
    title: ClassVar[str]
    """As in the table."""
    route: ClassVar[str] = "none"
    """The stand-in's route to the text of a page."""
    peer: ClassVar[str] = ""
    """The tool to install for it."""
    serves: ClassVar[bool] = True
    """Whether it takes part in a rebuild under `mkdocs serve`."""

    def __init__(self) -> None:
        """Install what it needs."""
        self.bin_dir = peers.install(self.peer) if self.peer else peers.OWN_BIN

    def write(self, job: Job) -> None:
        """Write the project into an empty directory."""
        raise NotImplementedError

    def take_change(self, job: Job, number: int) -> None:
        """Do by hand, and unmeasured, what a tool does when a page has changed."""

    def commands(self, _job: Job) -> list[list[str]]:
        """Return the commands of a build; the next one runs only when one has succeeded."""
        return [self.mkdocs("build")]

    def variables(self, _job: Job) -> dict[str, str]:
        """Return what the environment of the commands has, besides the usual."""
        return {}

    def mkdocs(self, *arguments: str) -> list[str]:
        """Return a command of the MkDocs that this contestant runs in."""
        return [str(self.bin_dir / "mkdocs"), *arguments]

    def environment(self, job: Job) -> dict[str, str]:
        """Return the whole environment of the commands."""
        usual = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return {**usual, **SURROUNDINGS, **self.variables(job)}


class LocalFiles(Contestant):
    """The same Markdown as local files: what rendering costs, and so the floor."""

    name = "local"
    title = "local files"

    def write(self, job: Job) -> None:
        """Write the pages themselves."""
        job.write_config()
        job.content.write(job.root / "docs" / "pages")

    def take_change(self, job: Job, number: int) -> None:
        """Write the page anew."""
        job.content.write_page(job.root / "docs" / "pages", number)


class Plugin(Contestant):
    """This project."""

    name = "confluence-md"
    title = "confluence-md"
    route = "export"

    def __init__(self, *, concurrency: int | str = "auto", name: str = "") -> None:
        """Build with that many exports in flight; `auto` is the option's default."""
        super().__init__()
        self.concurrency = concurrency
        self.name = name or type(self).name

    def write(self, job: Job) -> None:
        """Write a configuration: there are no files."""
        options = {
            "site": job.confluence.url if job.asks_for_versions else "acme.atlassian.net",
            "cloud_id": "11111111-2222-3333-4444-555555555555",
            "page_path": "pages/{id}",
            "max_age": "forever" if job.copies == "fresh" else "0",
            "concurrency": self.concurrency,
        }
        job.write_config([{"confluence-md": options}], reference="confluence:{id}")

    def variables(self, job: Job) -> dict[str, str]:
        """Return where Confluence is, and how to sign in there."""
        # Beside the project, which each cold build begins anew: a refresh token is good for one
        # use; a second one, after the ten minutes in which it is forgiven, ends the sign-in.
        token_file = str(job.root.with_name(f"{job.root.name}-tokens.json"))
        rest = job.confluence.rest_variables if job.asks_for_versions else {}
        return {**job.confluence.variables, **rest, "CONFLUENCE_MD_TOKEN_FILE": token_file}


class ExporterOfSpace(Contestant):
    """An exporter that writes a space into `docs/`, and then MkDocs."""

    name = "exporter-space"
    title = "markdown-exporter, space"
    route = "content"
    peer = "confluence-markdown-exporter"
    serves = False  # its files are local by then

    def write(self, job: Job) -> None:
        """Write its configuration, with credentials that are not looked at."""
        job.write_config()
        account = {"username": "somebody@example.com", "api_token": "secret"}
        config = {"auth": {"confluence": {job.confluence.url: account}}}
        (job.root / "exporter.json").write_text(json.dumps(config), encoding="utf-8")

    def commands(self, job: Job) -> list[list[str]]:
        """Export, then build with the same MkDocs as the floor."""
        return [
            [str(self.bin_dir / "cme"), *self._what(job)],
            [str(peers.OWN_BIN / "mkdocs"), "build"],
        ]

    def variables(self, job: Job) -> dict[str, str]:
        """Return its settings: all are its defaults, but for where files go and what they add."""
        return {
            "CI": "1",
            "CME_CONFIG_PATH": str(job.root / "exporter.json"),
            "CME_EXPORT__OUTPUT_PATH": str(job.root / "docs" / "pages"),
            "CME_EXPORT__PAGE_PATH": "{page_id}.md",
            "CME_EXPORT__PAGE_BREADCRUMBS": "false",
            "CME_EXPORT__ENABLE_JIRA_ENRICHMENT": "false",
            "CME_EXPORT__LOG_LEVEL": "WARNING",
        }

    def _what(self, job: Job) -> list[str]:
        return ["spaces", f"{job.confluence.url}/spaces/DOCS"]


class ExporterOfPages(ExporterOfSpace):
    """The same exporter with an explicit list of pages."""

    name = "exporter-pages"
    title = "markdown-exporter, pages"

    def _what(self, job: Job) -> list[str]:
        space = f"{job.confluence.url}/spaces/DOCS"
        return ["pages", *(f"{space}/pages/{page_id}" for page_id in job.page_ids)]


class EmbedExternalMarkdown(Contestant):
    """A plugin that puts the Markdown at a URL into a page; it keeps no copies."""

    name = "embed"
    title = "embed-external-markdown"
    route = "markdown"
    peer = "mkdocs-embed-external-markdown"

    def write(self, job: Job) -> None:
        """Write pages that embed; the plugin drops the first line of what it reads."""
        job.write_config(["external-markdown"])
        job.write_pages("# {title}\n\n{{{{ external_markdown('{url}') }}}}\n")


class IncludeMarkdown(Contestant):
    """A plugin that puts the Markdown at a URL into a page; it can keep copies for a time."""

    name = "include"
    title = "include-markdown"
    route = "markdown"
    peer = "mkdocs-include-markdown-plugin"

    def write(self, job: Job) -> None:
        """Write pages that include, and for how many seconds a copy is kept."""
        seconds = {"fresh": 86_400, "checked": 0, "expired": 1}[job.copies]
        options = {"cache": seconds, "cache_dir": str(job.root / ".cache" / "include")}
        job.write_config([{"include-markdown": options}])
        job.write_pages('{{% include-markdown "{url}" %}}\n')


CONTESTANTS: dict[str, type[Contestant]] = {
    each.name: each
    for each in (
        LocalFiles,
        Plugin,
        ExporterOfSpace,
        ExporterOfPages,
        EmbedExternalMarkdown,
        IncludeMarkdown,
    )
}
