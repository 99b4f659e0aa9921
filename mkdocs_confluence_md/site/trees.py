"""Resolve the trees of a site, for placing their pages and for their sources."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import partial
from itertools import chain, combinations
from typing import TYPE_CHECKING, TypeAlias

from mkdocs_confluence_md.confluence.attachments import find_enclosed, find_references
from mkdocs_confluence_md.confluence.content import read_title
from mkdocs_confluence_md.confluence.export_tree import KnownRoot, find_twins, read_tree, recognise
from mkdocs_confluence_md.confluence.models import MOST_PAGES, Tree, TreePage
from mkdocs_confluence_md.confluence.refs import TreeRef
from mkdocs_confluence_md.errors import ConfluenceError, TooLargeError
from mkdocs_confluence_md.fetch.results import Assets, FetchedPage, FetchedTree, Origin
from mkdocs_confluence_md.site.messages import (
    report_cut_tree,
    report_stale_listing,
    report_unlabelled,
    report_unnamed,
    report_unsafe_files,
)
from mkdocs_confluence_md.site.nav import name_tree

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from mkdocs_confluence_md.confluence.archive import ArchiveProblem
    from mkdocs_confluence_md.confluence.attachments import Reference
    from mkdocs_confluence_md.confluence.models import PageFacts
    from mkdocs_confluence_md.confluence.refs import SpaceRef
    from mkdocs_confluence_md.fetch.fetcher import Fetcher, Tell
    from mkdocs_confluence_md.fetch.results import TreeExport
    from mkdocs_confluence_md.site.nav import PathInTree
    from mkdocs_confluence_md.site.paths import PlacedPage


KnownTrees: TypeAlias = "dict[TreeRef | SpaceRef, tuple[tuple[str, KnownRoot], Tree]]"
"""The digest of the last export of each tree, what was known of its root, and the tree."""


@dataclass(frozen=True)
class Selection:
    """What of trees becomes part of the site."""

    exclude: tuple[str, ...] = ()
    """IDs, and patterns of titles whatever their case; all below such pages is left out, too."""
    max_depth: int | None = None
    """Levels below the root; None for all."""
    labels: tuple[str, ...] = ()
    """A page has one of these, and none of those that begin with a minus sign; what is below a
    page that does not takes its place."""

    @property
    def ids(self) -> frozenset[str]:
        """What `exclude` has of IDs: numbers, which may be titles as well."""
        return frozenset(filter(str.isdecimal, self.exclude))

    def apply(self, tree: Tree, labels: Mapping[str, Collection[str] | None]) -> Tree:
        """Return a tree without what is left out.

        Args:
            tree: The whole one.
            labels: Of its pages, by ID, as far as they are known: a page whose labels are not
                known is left out where labels decide. None for a page that stays whatever its
                labels are, because it could not be fetched.
        """
        if not self.exclude and self.max_depth is None and not self.labels:
            return tree
        return replace(tree, roots=tuple(self._select(tree.roots, 0, labels)))

    def _select(
        self, pages: Iterable[TreePage], depth: int, labels: Mapping[str, Collection[str] | None]
    ) -> Iterator[TreePage]:
        if self.max_depth is not None and depth > self.max_depth:
            return
        for page in pages:
            if self._excludes(page):
                continue
            children = tuple(self._select(page.children, depth + 1, labels))
            if not page.is_folder and not self._has_label(page, labels):
                yield from children
            elif children or not page.is_folder:
                yield replace(page, children=children)

    def _excludes(self, page: TreePage) -> bool:
        title = page.title.casefold()
        return any(
            each == page.page_id or fnmatchcase(title, each.casefold()) for each in self.exclude
        )

    def _has_label(self, page: TreePage, labels: Mapping[str, Collection[str] | None]) -> bool:
        if not self.labels:
            return True
        if page.page_id not in labels:
            return False
        own = labels[page.page_id]
        if own is None:
            return True
        wanted = {each for each in self.labels if not each.startswith("-")}
        unwanted = {each.removeprefix("-") for each in self.labels} - wanted
        return unwanted.isdisjoint(own) and (not wanted or not wanted.isdisjoint(own))


class SiteTrees:
    """The page trees of a build, as soon as all of them are there.

    Args:
        fetcher: Fetches them.
        declared: The IDs of the pages that `nav` names one by one.
        tell: As the fetcher wants it.
        attachments: The attachments of pages are wanted.
        known: The trees of earlier builds; those of this build are added.
        selection: What of them is wanted.
        pages: The pages that were read for this build already.
    """

    def __init__(  # noqa: PLR0913  what is known of a build
        self,
        fetcher: Fetcher,
        declared: Iterable[str],
        tell: Tell | None,
        *,
        attachments: bool,
        known: KnownTrees,
        selection: Selection,
        pages: dict[str, FetchedPage],
    ) -> None:
        self._fetcher, self._tell, self._attachments = fetcher, tell, attachments
        self._known = known
        self.fetched: dict[TreeRef | SpaceRef, FetchedTree] = {}
        """Those that could be fetched."""
        self.errors: dict[TreeRef | SpaceRef, ConfluenceError] = {}
        """Why others could not."""
        self.pages = pages
        """The pages that were read for this build, by `src_uri`."""
        self.trees: dict[TreeRef | SpaceRef, Tree] = {}
        """Each tree; of one that could not be fetched, a page in its place."""
        page_ids = frozenset(declared)
        for ref, found in fetcher.wait_for_trees(tell).items():
            if isinstance(found, ConfluenceError):
                self.errors[ref] = found
                self.trees[ref] = _stand_in(ref)
            else:
                self.fetched[ref] = found
        for ref, fetched in self.fetched.items():
            self.trees[ref] = fetched.listed or self._read_tree(ref, fetched.export, page_ids)
        self._give_held()
        self._recognise(page_ids)
        # What was pulled was chosen then.
        decides = selection.labels and not fetcher.uses_only_snapshot
        labels = self._find_labels() if decides else {}
        chosen = selection if decides else replace(selection, labels=())
        self._unlabelled: dict[TreeRef | SpaceRef, int] = {}
        self._unnamed: set[TreeRef | SpaceRef] = set()
        for ref in self.fetched:
            pages_of_tree = [page for page in self.trees[ref].walk() if not page.is_folder]
            if decides:
                unknown = [page for page in pages_of_tree if page.page_id not in labels]
                self._unlabelled[ref] = len(unknown)
            if selection.ids and any(not page.page_id for page in pages_of_tree):
                self._unnamed.add(ref)
            self.trees[ref] = chosen.apply(self.trees[ref], labels)
        self.twins = self._find_twins()
        """Which of their pages are in an earlier tree, too."""

    def _find_labels(self) -> dict[str, Collection[str] | None]:
        """Return the labels of listed pages, by ID, as `Selection` wants them."""
        listed = [
            page.page_id
            for tree in self.fetched.values()
            for page in (tree.listed.walk() if tree.listed else ())
            if page.page_id
        ]
        self._add_listed(listed)
        labels: dict[str, Collection[str] | None] = {}
        for page_id in listed:
            page = self._find_page(page_id)
            if page is None:
                labels[page_id] = None
            elif page.facts and page.facts.labels is not None:
                labels[page_id] = page.facts.labels
        return labels

    def begin_pages(self, pages: Iterable[PlacedPage]) -> None:
        """Begin to fetch what trees came without: pages that are listed, and attachments."""
        self._add_listed(
            page.ref.page_id for page in pages if page.tree in self.fetched and not page.path
        )
        wanted: dict[str, dict[str, Reference]] = {}
        stale: set[str] = set()
        for page in pages:
            fetched = self.fetched.get(page.tree) if page.tree and page.path else None
            if fetched and fetched.export and not fetched.export.has_attachments:
                for owner, references in self._find_owners(page, fetched.export).items():
                    wanted.setdefault(owner, {}).update(references)
                    stale |= {owner} if fetched.origin is Origin.STALE else set()
        for owner in wanted.keys() - {""}:
            self._fetcher.add_files(owner, wanted[owner], is_copy=owner in stale)

    def _add_listed(self, page_ids: Iterable[str]) -> None:
        """Begin to fetch listed pages, with what the lists have just said of them."""
        facts: dict[str, PageFacts] = {}
        for tree in self.fetched.values():
            facts |= tree.facts
        self._fetcher.add(page_ids, facts)

    def has(self, page: PlacedPage) -> bool:
        """Return True if a page is in the export of a tree."""
        return bool(page.path) and page.tree in self.fetched

    def read(self, page: PlacedPage) -> FetchedPage:
        """Return a page of an export with its files."""
        if page.src_uri in self.pages:
            return self.pages[page.src_uri]
        assert page.tree  # noqa: S101  for the type checker
        fetched = self.fetched[page.tree]
        export = fetched.export
        assert export  # noqa: S101  the same
        found = self._read_export_page(fetched, export, page.path, page.ref.page_id)
        if not export.has_attachments:
            found = replace(found, assets=self._collect_assets(page, export))
        self.pages[page.src_uri] = found
        return found

    def _read_export_page(
        self, fetched: FetchedTree, export: TreeExport, path: str, page_id: str
    ) -> FetchedPage:
        """Return a page with those of its files that came with it."""
        return FetchedPage(
            export.texts[path],
            fetched.origin,
            fetched.seconds,
            fetched.age,
            fetched.error,
            self._unpack_assets(export, path, page_id) if export.has_attachments else None,
        )

    def report(self, titles: Mapping[TreeRef | SpaceRef, str]) -> Iterator[str]:
        """Say what is wrong with the exports of those trees that have titles, maybe empty ones."""
        for ref, fetched in self.fetched.items():
            if ref not in titles:
                continue
            if ref in self._unnamed:
                yield report_unnamed(ref)
            if count := self._unlabelled.get(ref, 0):
                yield report_unlabelled(ref, count)
            if fetched.listed and fetched.error:
                yield report_stale_listing(ref, fetched.age, fetched.error)
            if export := fetched.export:
                there = len(export.texts)
                title = titles.get(ref, "")
                if cut := report_cut_tree(ref, title, export.page_count, there, MOST_PAGES):
                    yield cut
                problems = filter(_is_problem, export.archive.problems)
                told = dict.fromkeys((each.problem.value, each.name) for each in problems)
                yield from report_unsafe_files(f"the {ref.name}", tuple(told))

    def _read_tree(
        self, ref: TreeRef | SpaceRef, export: TreeExport | None, declared: frozenset[str]
    ) -> Tree:
        assert export  # noqa: S101  what is not listed is exported
        if isinstance(ref, TreeRef) and ref.page_id in self._fetcher.find_held():
            tree = self._read_export(ref, export, KnownRoot())
            if tree.is_root_certain:
                return tree
        root = self._find_root(ref.page_id, declared) if isinstance(ref, TreeRef) else KnownRoot()
        return self._read_export(ref, export, root)

    def _read_export(self, ref: TreeRef | SpaceRef, export: TreeExport, root: KnownRoot) -> Tree:
        key = export.digest, root
        if self._known.get(ref, (None,))[0] != key:
            self._known[ref] = key, read_tree(export.texts, ref, export.page_count, root)
        return self._known[ref][1]

    def _find_root(self, page_id: str, declared: frozenset[str]) -> KnownRoot:
        """Return what else in this build tells of a root, so that no request is made for it."""
        page = self._find_page(page_id) if page_id in declared else None
        text = page.markdown if page else ""
        if page and page.facts and page.facts.title:
            return KnownRoot(page.facts.title, text)
        listed = (found.listed.walk() for found in self.fetched.values() if found.listed)
        titles = (each.title for each in chain.from_iterable(listed) if each.page_id == page_id)
        return KnownRoot(next(titles, "") or read_title(text), text)

    def _give_held(self) -> None:
        """Take pages that wait to be exported from trees, if their IDs prove that they are in."""
        held = self._fetcher.find_held()
        for ref, fetched in self.fetched.items():
            tree, export = self.trees[ref], fetched.export
            if export is None:
                continue
            for page in [each for each in tree.walk() if each.path and each.page_id in held]:
                is_root = isinstance(ref, TreeRef) and page.page_id == ref.page_id
                is_certain = tree.is_root_certain if is_root else tree.tells_ids
                # While Confluence does not answer, a copy of the page's own may be newer.
                is_last = fetched.origin is Origin.STALE and self._fetcher.find_copy(page.page_id)
                if not is_certain or is_last:
                    continue
                found = self._read_export_page(fetched, export, page.path, page.page_id)
                left = {}
                if not export.has_attachments:
                    left = self._find_references(export, page.path, page.page_id)
                self._fetcher.give(page.page_id, found, left)
                held.remove(page.page_id)
        self._fetcher.release()

    def _recognise(self, declared: Iterable[str]) -> None:
        """Find pages of exports, which tell no IDs, among the pages with IDs."""
        exports = {ref: found.export for ref, found in self.fetched.items() if found.export}
        page_ids = list(declared) if any(self._has_unknown(ref) for ref in exports) else []
        found = {page_id: self._find_page(page_id) for page_id in page_ids}
        texts = {page_id: page.markdown for page_id, page in found.items() if page}
        # The root of a tree is known, and may be among the pages of one that stands before it.
        for ref, export in exports.items():
            known = [page for page in self.trees[ref].walk() if page.page_id and page.path]
            texts |= {page.page_id: export.texts[page.path] for page in known}
        for ref, export in exports.items():
            self.trees[ref] = recognise(self.trees[ref], export.texts, texts)

    def _find_twins(self) -> dict[PathInTree, PathInTree]:
        twins: dict[PathInTree, PathInTree] = {}
        texts = {ref: found.export.texts for ref, found in self.fetched.items() if found.export}
        for earlier, later in combinations(texts, 2):
            paths = find_twins(self.trees[earlier], self.trees[later], texts[earlier], texts[later])
            for path, twin in paths.items():
                twins.setdefault((later, path), (earlier, twin))
        return twins

    def _has_unknown(self, ref: TreeRef | SpaceRef) -> bool:
        return any(page.path and not page.page_id for page in self.trees[ref].walk())

    def _find_page(self, page_id: str) -> FetchedPage | None:
        try:
            return self._fetcher.wait_for(page_id, self._tell)
        except ConfluenceError:  # it is told when the page is read
            return None

    def _find_references(self, export: TreeExport, path: str, page_id: str) -> dict[str, Reference]:
        return find_references(export.texts[path], page_id) if self._attachments else {}

    def _find_owners(self, page: PlacedPage, export: TreeExport) -> dict[str, dict[str, Reference]]:
        """Return the references of a page by the page that has the files; empty if unknown."""
        owners: dict[str, dict[str, Reference]] = {}
        for key, reference in self._find_references(export, page.path, page.ref.page_id).items():
            owners.setdefault(reference.owner or page.ref.page_id, {})[key] = reference
        return owners

    def _unpack_assets(self, export: TreeExport, path: str, page_id: str) -> Assets | None:
        references = self._find_references(export, path, page_id)
        if not references:
            return None
        from mkdocs_confluence_md.fetch.attachments import unpack  # noqa: PLC0415  only for trees

        files = [entry for entry in export.archive.entries if entry.path not in export.texts]
        attached = [entry for entry in export.archive.pages if entry.path != path]
        find = partial(find_enclosed, page_path=path, page_id=page_id)
        contents = self._fetcher.contents
        return unpack(export.archive, contents, [*files, *attached], references, find)

    def _collect_assets(self, page: PlacedPage, export: TreeExport) -> Assets | None:
        """Put together the files that were fetched page by page."""
        owners = self._find_owners(page, export)
        assets = Assets()
        for owner in owners:
            if owner:
                found = self._fetcher.wait_for_files(owner, self._tell)
            else:
                assert page.tree  # noqa: S101  for the type checker
                found = Assets(error=_describe_size(page.tree))
            assets = replace(
                assets,
                files={**assets.files, **found.files},
                problems=(*assets.problems, *found.problems),
                error=assets.error or found.error,
                age=max(assets.age, found.age),
            )
        return assets if owners else None


def _stand_in(ref: TreeRef | SpaceRef) -> Tree:
    """Return a tree with one page, which can say why there are no others."""
    title = name_tree(ref)
    return Tree(title, (TreePage(title, getattr(ref, "page_id", ""), "index.md"),))


def _is_problem(finding: ArchiveProblem) -> bool:
    """Return True if it is worth a warning: nothing refers to a page or a folder by its name."""
    from mkdocs_confluence_md.confluence.archive import find_name_problems  # noqa: PLC0415  the same

    name = finding.name.replace("\\", "/").rpartition("/")[2]
    is_page = name.lower().endswith(".md")
    return finding.problem.is_refusal or (
        not is_page and finding.problem in find_name_problems(name)
    )


def _describe_size(ref: TreeRef | SpaceRef) -> TooLargeError:
    return TooLargeError(
        f"The {ref.name} is too large to be exported with its attachments, and the page's own ID "
        "is not known.",
        "Name parts of it in nav instead, each as confluence:ID/.",
    )
