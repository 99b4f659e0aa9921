"""One build of a site: created when the build begins, dropped when the next one does."""

from __future__ import annotations

import logging
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import TemplateError
from mkdocs.plugins import get_plugin_logger

from mkdocs_confluence_md.cache.files import Redirects, SiteFiles, remove_redirect
from mkdocs_confluence_md.config import find_cache_dir, make_address
from mkdocs_confluence_md.confluence.content import read_front_matter, read_title
from mkdocs_confluence_md.confluence.refs import has_scheme
from mkdocs_confluence_md.errors import MissingPagesError, SettingError
from mkdocs_confluence_md.fetch.results import Origin
from mkdocs_confluence_md.guarded import plugin_errors
from mkdocs_confluence_md.markdown.anchors import NamedPages, predict_anchors
from mkdocs_confluence_md.markdown.attachments import AttachedFiles, make_file
from mkdocs_confluence_md.markdown.cost import takes_long_to_index
from mkdocs_confluence_md.markdown.extension import (
    MERMAID_ADVICE,
    ConfluenceExtension,
    draws_diagrams,
)
from mkdocs_confluence_md.markdown.link_targets import Inside, Outside
from mkdocs_confluence_md.markdown.links import SiteLinks
from mkdocs_confluence_md.markdown.parsed import ParsedPages
from mkdocs_confluence_md.markdown.parser import find_headings
from mkdocs_confluence_md.markdown.sanitizing import sanitize
from mkdocs_confluence_md.network.urls import host_of
from mkdocs_confluence_md.project import locate_entries
from mkdocs_confluence_md.site.messages import (
    describe_placed,
    report_complaints,
    report_conflict,
    report_failures,
    report_origin,
    report_plain_addresses,
    report_stale_assets,
    report_stale_pages,
    report_unexported,
    report_unindexed,
)
from mkdocs_confluence_md.site.nav import Earlier, place
from mkdocs_confluence_md.site.other_plugins import (
    Directives,
    exempt_from_git,
    find_reference_links,
    make_items,
    relink,
    resolve_redirects,
    show_date,
    want_all_early,
)
from mkdocs_confluence_md.site.pages import Reader
from mkdocs_confluence_md.site.paths import SHORT_ADDRESSES, list_redirects, move_pages, name_page
from mkdocs_confluence_md.site.source import (
    NOTE,
    Additions,
    describe_source,
    find_own_facts,
    make_banner,
)
from mkdocs_confluence_md.site.trees import Selection, SiteTrees
from mkdocs_confluence_md.text import break_formulas, describe_age, quote_title

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from jinja2 import Template
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.nav import Navigation
    from mkdocs.structure.pages import Page
    from mkdocs.structure.toc import AnchorLink
    from pathspec.gitignore import GitIgnoreSpec

    from mkdocs_confluence_md.confluence.refs import Reference, SpaceRef, TreeRef
    from mkdocs_confluence_md.errors import RenderingError
    from mkdocs_confluence_md.factory import Session
    from mkdocs_confluence_md.fetch.fetcher import Fetcher
    from mkdocs_confluence_md.fetch.results import FetchedPage
    from mkdocs_confluence_md.guarded import GuardedPlugin
    from mkdocs_confluence_md.markdown.anchors import Anchors
    from mkdocs_confluence_md.markdown.context import Place
    from mkdocs_confluence_md.network.throttling import Patience
    from mkdocs_confluence_md.site.nav import Nav, Placement
    from mkdocs_confluence_md.site.paths import PlacedPage

log = get_plugin_logger("confluence-md")

_NOTHING = object()

# By the name that MkDocs gives to a theme's own plugin.
_MATERIAL_SEARCH = "material/search"

# mkdocs-static-i18n gives each language its own of a file, if that is below `docs_dir`.
_TRANSLATOR = "i18n"


class SiteBuild:
    """The pages from Confluence of one build; its methods are called in the order of MkDocs' hooks.

    Args:
        plugin: Whose build it is.
        config: MkDocs', which gets the Markdown extension.
        session: What is kept from build to build.
        patience: How long is waited for what; None for as long as usual.
        is_dirty: MkDocs renders only pages whose files have changed.
    """

    def __init__(
        self,
        plugin: GuardedPlugin,
        config: MkDocsConfig,
        session: Session,
        patience: Patience | None,
        *,
        is_dirty: bool,
    ) -> None:
        self._options = plugin.config
        self._config = config
        self._session = session
        self._patience = patience
        self._is_dirty = is_dirty
        self._address = make_address(self._options)
        self.pages: dict[str, PlacedPage] = {}
        """The pages from Confluence, by `src_uri`."""
        self.reader: Reader | None = None
        """Reads them; None if there are none."""
        self.links = SiteLinks(site=self._address.find_site())
        self.attached = AttachedFiles(only_safe=self._options.attachments == "safe")
        self._site_files: SiteFiles | None = None
        self._redirects = Redirects(config.site_dir, SHORT_ADDRESSES)
        self._ready: dict[str, str] = {}
        """The sources of pages that were there before MkDocs wanted them, by `src_uri`."""
        self._placed = Earlier()
        self.written_nav: Nav | None = config.nav
        """As it was before other plugins wrote it; set by who knows it."""
        self._placed_nav: object = _NOTHING
        self._seen_nav = ""
        self._titles: dict[TreeRef | SpaceRef, str] = {}
        """Of trees, in `nav`."""
        self._is_begun = False
        self._additions = Additions(())
        self._not_indexed: list[str] = []
        """What those pages are called that the search would take too long for."""
        self._ages: dict[str, str] = {}
        """Of copies that may be out of date, by `src_uri`."""
        self._note: Template | None = None
        self._anchors: dict[str, Anchors] = {}
        """Guesses for pages that have not been rendered yet, by `src_uri`."""
        self._named: NamedPages | None = None
        self._sources: set[str] = set()
        """The texts of the pages, as they are rendered."""
        self._directives = Directives(plugin, config, self._options.trusted_plugins)
        self._extension = ConfluenceExtension(self, repairs=self._options.repairs)
        self._extension.join(config)

    @cached_property
    def _places(self) -> dict[Reference | str, str]:
        """Where the entries of `nav` are written, which only messages say."""
        return locate_entries(Path(self._config.config_file_path or "mkdocs.yml"))

    def begin_fetching(self) -> None:
        """Begin to fetch what `nav` refers to."""
        placement = self._place(self._config.nav or [], [])
        if (placement.pages or placement.trees) and not placement.complaints:
            page_ids = [page.ref.page_id for page in placement.pages]
            self._begin_fetching(page_ids, placement.trees)
        elif self._session.fetcher:  # what the last build wanted is not wanted any more
            self._session.fetcher.start([])

    def add_pages(self, files: Files) -> None:
        """Add the pages that `nav` refers to to the site, each at its path.

        Args:
            files: Of the site.

        Raises:
            SettingError: With all entries of `nav` that name no page.
        """
        self.written_nav = self._config.nav
        if addresses := self._read_nav(files).addresses:
            level = logging.INFO if self.pages else logging.WARNING
            log.log(level, report_plain_addresses(addresses, self._places))

    def add_late_pages(self, files: Files) -> None:
        """Add the pages that `nav` refers to since other plugins wrote it, as `add_pages`."""
        if repr(self._config.nav) != self._seen_nav:
            self._read_nav(files)
        if self.pages:
            self._correct_paths(files)

    def add_linked_pages(self, nav: Navigation, files: Files) -> None:
        """Put pages in the place of links in the navigation that are references, as `add_pages`."""
        if links := list(find_reference_links(nav.items)):
            placement = self._add([link.entry for link in links], files)
            for link, data in zip(links, placement.nav, strict=True):
                link.replace(make_items(data, files, self._config))
            relink(nav)
            self._correct_paths(files)
            self.set_edit_urls(files)
        # Now all pages are known: what is not one of them leads to Confluence.
        exempt_from_git(self._config, self.pages)
        resolve_redirects(self._config, files, self.resolve)

    def report_unknown_pages(self) -> None:
        """Say which entries of the option `pages` are not of a page of the site."""
        known = {page.ref.page_id for page in self.pages.values()}
        known |= {name_page(page.src_uri) for page in self.pages.values()}
        for name in self._options.pages.keys() - known:
            log.warning(
                f"The option `pages` has '{name}', which is not a page from Confluence in this "
                "site. Write its ID, or its path in the site."
            )

    def restore_nav(self) -> None:
        """Leave `nav` as it was written: a site in several languages is built from it again."""
        if self._config.nav is self._placed_nav:
            self._config.nav = self.written_nav

    def set_edit_urls(self, files: Files) -> None:
        """Let the edit button of each page lead to its editor in Confluence."""
        for src_uri, placed in self.pages.items():
            file = files.src_uris.get(src_uri)
            if file and file.page and self.reader:
                file.page.edit_url = self.reader.find_editor(placed)

    def read_source(self, page: Page) -> str | None:
        """Return a page's source, as soon as it is there; None for a page that is not ours."""
        src_uri = page.file.src_uri
        if src_uri not in self.pages or self.reader is None:
            return None
        if src_uri in self._ready:
            return self._ready.pop(src_uri)
        return self._read(self.pages[src_uri], self.reader)

    def _read(self, placed: PlacedPage, reader: Reader) -> str:
        def take(fetched: FetchedPage) -> None:
            if fetched.origin is Origin.STALE:
                self._ages[placed.src_uri] = describe_age(fetched.age)
            self.attached.expect(placed, fetched.assets)
            self._additions.spare(placed.src_uri, find_own_facts(fetched.markdown))
            size = len(fetched.markdown)
            log.debug(f"{describe_placed(placed)} has {size} characters of Markdown")

        site_files = self._open_site_files()
        try:
            placeholder = self._options.on_error == "placeholder"
            source = reader.read(placed, placeholder=placeholder, take=take)
        except MissingPagesError:
            site_files.remove_page(placed.src_uri)
            raise
        site_files.write_page(placed.src_uri, source)
        return source

    def hide_directives(self, markdown: str, page: Page) -> str | None:
        """Return the text of a page that other plugins may see; None if it is not ours."""
        if not self._has(page):
            return None
        show_date(self._config, page.meta)
        # Not in the front matter, which MkDocs reads slowly.
        if self.reader and (url := self.reader.find_url(self.pages[page.file.src_uri])):
            page.meta["confluence_url"] = url
        return self._directives.hide(markdown, page)

    def show_directives(self, markdown: str, page: Page, files: Files) -> str | None:
        """Return the text of a page as it is rendered, and add the files that it refers to."""
        if not self._has(page):
            return None
        self._add_attachments(page.file.src_uri, files)
        self.attached.embed(page.file)
        text = self._directives.show(markdown, page)
        self._sources.add(text)
        return text

    def predict_anchors(self, page: PlacedPage, make_id: Callable[[str], str]) -> Anchors | None:
        """Return what can be linked to in a page from Confluence; None while it is not there."""
        if page.src_uri not in self._anchors and self.reader and self.reader.is_there(page):
            _, text = read_front_matter(self.reader.fetch(page).markdown)
            headings = list(find_headings(self._extension.grammar.parse(text)))
            self._anchors[page.src_uri] = predict_anchors(headings, make_id)
        return self._anchors.get(page.src_uri)

    def guess_named(self, name: str, place: PlacedPage) -> PlacedPage | None:
        """Return the page that the name of a file means, among those that are there already."""
        if self._named is None:
            self._named = NamedPages(
                (page, self._list_titles(page)) for page in self.pages.values()
            )
        return self._named.find(name, place)

    def _list_titles(self, page: PlacedPage) -> set[str]:
        titles = {page.title, page.own_title}
        if self.reader and self.reader.is_there(page):
            titles.add(read_title(self.reader.fetch(page).markdown))
        return titles

    def give_up(self, place: Place, error: RenderingError) -> str:
        """Return what is shown in place of a page that cannot be rendered, or end the build.

        Raises:
            PluginError: The option `on_error` wants no placeholders.
        """
        assert self.reader  # noqa: S101  for the type checker: there is a page
        with plugin_errors():
            placeholder = self._options.on_error == "placeholder"
            page = self.pages[place.file.src_uri]
            source = self.reader.refuse(page, error, placeholder=placeholder)
        return read_front_matter(source)[1]

    def find_source(self, place: Place) -> str:
        """Return where a page is in Confluence, or its tree, as `RenderedSite` says it."""
        page = self.pages.get(place.file.src_uri)
        return self.reader.find_nearest_url(page) if page and self.reader else ""

    def find_macro_source(self, page: PlacedPage) -> str:
        """Return where the macros of a page are that were not exported; empty if it has none."""
        has_macros = page.src_uri in self._extension.macros
        return self.reader.find_nearest_url(page) if has_macros and self.reader else ""

    def is_source(self, text: str, place: Place | None) -> bool:
        """Return True if a text is that of a page from Confluence, as `RenderedSite` says it."""
        page = place.file.page if place else None
        if page and self._has(page) and page.markdown == text:
            return True
        return page is None and text in self._sources

    def is_headed(self, html: str, page: Page) -> bool:
        """Return True if a page has a heading that it was not given here."""
        return "<h1" in html and page.file.src_uri not in self._extension.titled

    def finish_content(self, html: str, page: Page) -> str | None:
        """Return a page's HTML, cleaned if that is wanted, and headed with its title."""
        self._report_links()
        if not self._has(page):
            return None
        # Material undoes the escaping of a title, but not of one that is in the metadata.
        # Of a heading, quotation marks have not been escaped, and themes put titles between them.
        page.meta.setdefault("title", quote_title(str(page.title or "")))
        for problem in self.attached.find_problems(page.file.src_uri):
            log.warning(problem)
        if self._options.raw_html == "strip":
            html = sanitize(html)
            for anchor in _walk(page.toc):
                anchor.title = break_formulas(anchor.title)
        if _MATERIAL_SEARCH in self._config.plugins and takes_long_to_index(html):
            self._leave_out_of_search(page)
        html = html if "<h1" in html else f"<h1>{page.title}</h1>\n{html}"
        return self._add_note(html, page) if self._options.source_note else html

    def _leave_out_of_search(self, page: Page) -> None:
        settings = page.meta.get("search")
        settings = settings if isinstance(settings, dict) else {}
        if not settings.get("exclude"):
            page.meta["search"] = {**settings, "exclude": True}
            self._not_indexed.append(describe_placed(self.pages[page.file.src_uri]))

    def _add_note(self, html: str, page: Page) -> str:
        """Add a line that says where a page is from, and a banner if it may be out of date."""
        age = self._ages.get(page.file.src_uri, "")
        template = self._find_note_template()
        note = template.render(page=page, config=self._config, **describe_source(page.meta, age))
        head, end, rest = html.partition("</h1>")
        return f"{head}{end}\n{make_banner(age)}{rest}\n{note}"

    def _find_note_template(self) -> Template:
        """Return the template of the option `source_note`: text, or the name of a theme's file.

        Raises:
            SettingError: It cannot be read.
        """
        if self._note is None:
            written = self._options.source_note
            environment = self._config.theme.get_env()
            try:
                if written is True or "{" in str(written):
                    self._note = environment.from_string(NOTE if written is True else str(written))
                else:
                    self._note = environment.get_template(str(written))
            except TemplateError as error:
                raise SettingError(
                    f"The template in the option `source_note` cannot be read: {error}.",
                    "Write true, a text with {{ url }} in it, or the name of a file in custom_dir.",
                ) from None
        return self._note

    def keep_redirects(self) -> None:
        """Keep those of an earlier build, most of which will stay the same."""
        # A site in several languages is built several times, into the same folder.
        if not self._is_dirty and _TRANSLATOR not in self._config.plugins:
            self._redirects.put_aside()

    def restore_redirects(self) -> None:
        """Leave them where they were when the build has failed, or was interrupted."""
        self._redirects.put_back()

    def finish_files(self, files: Files) -> None:
        """Let `/c/ID/` lead to each page, and old paths to where pages are; tidy up."""
        if self._site_files and self._options.redirects:
            self._write_redirects(files, self._site_files)
        else:
            self._redirects.remove_aside()
        if self._site_files:
            self._leave_parsed_pages(self._site_files)
            self._site_files.remove_unused()

    def _leave_parsed_pages(self, site_files: SiteFiles) -> None:
        parsed = None if self._is_dirty else self._extension.parsed
        if parsed and (data := parsed.dump()):
            site_files.write_parsed(data)

    def _write_redirects(self, files: Files, site_files: SiteFiles) -> None:
        places = {
            page.ref.page_id: file.dest_uri
            for page in self.pages.values()
            if page.ref.page_id and (file := files.src_uris.get(page.src_uri))
            if file.inclusion.is_included()
        }
        # A site in several languages is built several times, with other paths each time.
        is_translated = _TRANSLATOR in self._config.plugins
        moved = {} if is_translated else move_pages(site_files.read_paths(), places)
        if not is_translated:
            site_files.write_paths(moved)
        taken = {file.dest_uri for file in files}
        redirects = list_redirects(moved, places, taken)
        self._redirects.write(redirects, replace=not is_translated)

    def finish_links(self) -> None:
        """Finish links, when all pages have been rendered."""
        self._report_links()
        for problem in self.links.finish():
            log.log(self._config.validation.links.anchors, problem)
        if dropped := self.links.report_dropped():
            log.info(dropped)
        macros = {
            describe_placed(self.pages[src_uri]): names
            for src_uri, names in self._extension.macros.items()
        }
        warnings = report_unexported(macros), report_unindexed(self._not_indexed)
        for warning in filter(None, warnings):
            log.warning(warning)
        if "mermaid" in self._extension.languages and not draws_diagrams(self._config.mdx_configs):
            log.info(MERMAID_ADVICE)

    def finish_fetching(self) -> None:
        """Say where the pages came from, when all are there."""
        fetcher = self._session.fetcher
        if fetcher is None:
            return
        pages = self.reader.wait_for_pages() if self.reader else []
        if self._session.watching.is_on:
            self._session.watching.follow(fetcher)
        self._session.progress.clear()
        if self.reader is None:
            return
        if pages:
            log.info(report_origin(fetcher, pages, self._extension.repairs))
        for warning in filter(None, (report_stale_pages(pages), report_stale_assets(pages))):
            log.warning(warning)
        if self.reader.failures:
            log.warning(report_failures(self.reader.failures))

    def show_metadata(self, page: Page, pages: Iterable[Page]) -> None:
        """Let a page's template see the whole metadata of that page only."""
        self._additions.show_only(page, pages)

    def hide_metadata(self, page: Page) -> None:
        """Hide what was added to a page's metadata, when its template was rendered."""
        self._additions.hide(page)

    def show_all_metadata(self) -> None:
        """Make the metadata of all pages whole again, when no more templates are rendered."""
        self._additions.show_all()

    def _has(self, page: Page) -> bool:
        return page.file.src_uri in self.pages

    def _report_links(self) -> None:
        for problem in self.links.take_problems():
            log.warning(problem)

    def _read_nav(self, files: Files) -> Placement:
        placement = self._add(self._config.nav or [], files)
        if placement.pages:
            self._config.nav = self._placed_nav = placement.nav
        # Others may change it where it is.
        self._seen_nav = repr(self._config.nav)
        return placement

    def _add(self, nav: Nav, files: Files) -> Placement:
        """Add the pages that a `nav` refers to, unless they are in the site already."""
        before = {page.src_uri for page in self._placed.pages}
        local_uris = [file.dest_uri for file in files if file.src_uri not in before]
        placement = self._place(nav, local_uris)
        is_more = placement.trees or len(placement.pages) > len(before)
        if is_more and not placement.complaints:
            placement = self._fetch(nav, local_uris, placement)
        if placement.complaints:
            what = report_complaints(placement.complaints, self._places)
            raise SettingError(what, "\nCorrect them in mkdocs.yml.")
        for conflict in placement.conflicts:
            log.warning(report_conflict(conflict))
        self._placed = Earlier(placement.pages, placement.by_path)
        self._additions.cover(self.pages)
        self.links = SiteLinks(placement.pages, self._address.find_site(), placement.by_path)
        new = [page for page in placement.pages if page.src_uri not in before]
        if new and self.reader:
            self._add_files(new, files, self.reader)
        return placement

    def _add_files(self, pages: Sequence[PlacedPage], files: Files, reader: Reader) -> None:
        """Add pages to the files of the site, and the attachments of those that are there."""
        site_files = self._open_site_files()
        for page in pages:
            path = self._choose_path(page, site_files)
            is_draft = bool(page.tree) and _matches(self._config.draft_docs, page.src_uri)
            file = make_file(page.src_uri, self._config, path=path, is_draft=is_draft)
            files.append(file)
            if self._is_dirty:
                remove_redirect(Path(self._config.site_dir), file.dest_uri)
        reader.wait_for_copies()
        is_wanted = self._is_dirty or want_all_early(self._config)
        for page in pages:
            if is_wanted or reader.is_there(page):
                self._ready[page.src_uri] = self._read(page, reader)
                self._add_attachments(page.src_uri, files)
            else:
                site_files.write_page(page.src_uri, reader.read_copy(page))

    def _choose_path(self, page: PlacedPage, site_files: SiteFiles) -> Path | None:
        """Choose the path that other plugins are told of for a page."""
        if _TRANSLATOR in self._config.plugins:
            return Path(self._config.docs_dir, page.src_uri)
        return site_files.find_page(page.src_uri) if site_files.is_open else None

    def list_paths(self, ref: TreeRef | SpaceRef) -> set[str]:
        """Return the paths of those pages in the export of a tree that are in the site."""
        return {path for tree, path in self._placed.by_path if tree == ref}

    def resolve(self, text: str) -> str | None:
        """Return where a reference leads, as a path of the site's sources or as a URL."""
        target = self.links.link_map.find_target(text, None) if has_scheme(text) else None
        if isinstance(target, Inside):
            return f"{target.page.src_uri}{target.anchor and f'#{target.anchor}'}"
        return target.url if isinstance(target, Outside) else None

    def _correct_paths(self, files: Files) -> None:
        """Let the files of pages be where their sources are."""
        site_files, src_uris = self._open_site_files(), files.src_uris
        for src_uri in self.pages:
            file, path = src_uris.get(src_uri), site_files.find_written(src_uri)
            if file and path:
                file.abs_src_path = str(path)
            elif file:
                file.content_string = ""

    def _open_site_files(self) -> SiteFiles:
        if self._site_files is None:
            name = Path(self._config.config_file_path or "").name
            self._site_files = SiteFiles(
                find_cache_dir(self._options, self._config), f"{self._config.site_name} {name}"
            )
            self._site_files.open()
            self._extension.parsed = ParsedPages(
                self._site_files.read_parsed(), repairs=self._options.repairs
            )
        return self._site_files

    def _add_attachments(self, src_uri: str, files: Files) -> None:
        self.attached.add_files(
            src_uri, config=self._config, files=files, site_files=self._open_site_files()
        )

    def _place(self, nav: Nav, local_uris: list[str], trees: SiteTrees | None = None) -> Placement:
        return place(
            nav,
            page_path=self._options.page_path,
            local_uris=local_uris,
            site_host=host_of(self._address.find_site()),
            use_directory_urls=self._config.use_directory_urls,
            trees=trees.trees if trees else {},
            twins=trees.twins if trees else {},
            earlier=self._placed,
            is_left_out=self._is_left_out,
        )

    def _is_left_out(self, src_uri: str) -> bool:
        return _matches(self._config.exclude_docs, src_uri)

    def _begin_fetching(
        self, page_ids: Sequence[str], trees: Iterable[TreeRef | SpaceRef]
    ) -> Fetcher:
        """Begin to fetch what is not under way yet."""
        session = self._session
        fetcher = session.open(self._options, self._config, self._address, self._patience)
        if self._is_begun:
            fetcher.add_trees(trees)
            fetcher.add(page_ids)
        else:
            session.progress.begin(visible=log.isEnabledFor(logging.INFO))
            fetcher.start(page_ids, trees)
            self._is_begun = True
        return fetcher

    def _fetch(self, nav: Nav, local_uris: list[str], placement: Placement) -> Placement:
        """Fetch what a `nav` refers to, and place it again as soon as trees are known."""
        declared = [page.ref.page_id for page in placement.pages if not page.tree]
        fetcher = self._begin_fetching(declared, placement.trees)
        progress = self._session.progress
        tell = progress.show if progress.is_visible else None
        trees = SiteTrees(
            fetcher,
            declared,
            tell,
            attachments=bool(self._options.attachments),
            known=self._session.known_trees,
            selection=Selection(
                self._options.exclude, self._options.max_depth, tuple(self._options.labels)
            ),
            pages=self.reader.trees.pages if self.reader else {},
        )
        new = {ref: placement.trees[ref] for ref in placement.trees.keys() - self._titles.keys()}
        self._titles |= new
        if placement.trees:
            placement = self._place(nav, local_uris, trees)
            trees.begin_pages(placement.pages)
        self.pages = {page.src_uri: page for page in placement.pages}
        site = self._address.find_site()
        self.reader = Reader(
            fetcher,
            trees,
            self.pages,
            self._titles,
            site=site,
            tell=tell,
            extra=self._options.pages,
            failures=self.reader.failures if self.reader else [],
            locate=lambda: self._places,
        )
        self.reader.check_trees(placeholder=self._options.on_error == "placeholder")
        for warning in trees.report(new):
            log.warning(warning)
        return placement


def _matches(patterns: GitIgnoreSpec | None, src_uri: str) -> bool:
    return bool(patterns and patterns.match_file(src_uri))


def _walk(anchors: Iterable[AnchorLink]) -> Iterator[AnchorLink]:
    for anchor in anchors:
        yield anchor
        yield from _walk(anchor.children)
