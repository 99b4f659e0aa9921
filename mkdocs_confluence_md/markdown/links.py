"""Rewrite links to Confluence, in any page of the site.

A link to a page of the site becomes a relative path to a `.md` file, which MkDocs checks and turns
into a URL as it does with any other link. Raw HTML gets the URL at once: MkDocs leaves that alone.

Which heading of another page an anchor means is known for sure only when that page has been
rendered, and some are rendered later. So such a link gets a guess, and a number in an attribute,
by which it is found when all pages are there. Other plugins keep HTML from before that (excerpts of
blogs, a page with all others to print): there, the link works as it is.

The same is done with links that name the file of an exported page: which page has such a title is
known when all have been rendered. If none has it, only the text of the link remains.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import quote

from markdown.extensions.toc import TocTreeprocessor
from markdown.treeprocessors import Treeprocessor
from markdown.util import AtomicString
from mkdocs.utils import get_relative_url

from mkdocs_confluence_md.confluence.refs import Complaint, may_be_ours
from mkdocs_confluence_md.markdown.anchors import Anchors, Finisher, LateLink
from mkdocs_confluence_md.markdown.context import (
    LINK_PRIORITY,
    LINK_PROCESSOR,
    SOURCE_CLASS,
    Destination,
    Place,
    Trail,
    find_place,
    read_text,
    shows_address,
)
from mkdocs_confluence_md.markdown.html import LATE_ATTRIBUTE, Dropped, LinkChanger, read_number
from mkdocs_confluence_md.markdown.link_targets import (
    Inside,
    LinkMap,
    Named,
    Nowhere,
    Outside,
    find_place_of,
    may_lead,
)
from mkdocs_confluence_md.site.messages import describe_placed, report_dropped_links

if TYPE_CHECKING:
    from collections.abc import Iterable
    from xml.etree.ElementTree import Element

    from markdown import Markdown
    from mkdocs.structure.files import File

    from mkdocs_confluence_md.markdown.context import RenderedSite
    from mkdocs_confluence_md.markdown.html import NewLink
    from mkdocs_confluence_md.markdown.link_targets import Trees
    from mkdocs_confluence_md.site.paths import PlacedPage

LINK_CLASS = "confluence-link"
"""The class of links that leave the site for Confluence."""

# Behind MkDocs, which would complain of guesses.
_LAST = -1

# Links in raw HTML. What extensions make, like line numbers of code, begins with __.
_LINK = re.compile(r"""href\s*=\s*(?!["']?#__)""", re.IGNORECASE)


class SiteLinks:
    """The links of all pages of a build.

    Args:
        pages: Those from Confluence.
        site: The origin of the Confluence site; empty where it is not known.
        trees: The pages of exported trees, by tree and path.
    """

    def __init__(
        self, pages: Iterable[PlacedPage] = (), site: str = "", trees: Trees | None = None
    ) -> None:
        pages = tuple(pages)
        self.link_map = LinkMap(pages, site, trees)
        self.pages = {page.src_uri: page for page in pages}
        self.trail = Trail()
        self.late_links: list[LateLink] = []
        """Those that wait until all pages have been rendered."""
        self._problems: list[str] = []
        self._told: set[str] = set()
        self._dropped: Counter[str] = Counter()

    def take_problems(self) -> list[str]:
        """Return what is wrong with links and has not been told yet."""
        news = [problem for problem in dict.fromkeys(self._problems) if problem not in self._told]
        self._told.update(news)
        self._problems = []
        return news

    def complain(self, place: Place | None, complaint: Complaint) -> None:
        """Keep a complaint, to be told with the page where the link stands."""
        self._problems.append(_write_line(f"{self._describe(place)} links to {complaint}"))

    def add_late_link(self, link: LateLink) -> int:
        """Keep a link that is finished when all pages are there; return its number."""
        self.late_links.append(link)
        return len(self.late_links) - 1

    def finish(self) -> list[str]:
        """Finish the links that had to wait until all pages were rendered.

        Returns:
            A message for each anchor that means no heading: its link leads to the top of the page.
        """
        finisher = Finisher(self.late_links, self.pages)
        for file in dict.fromkeys(link.place.file for link in self.late_links):
            if file.page and file.page.content:
                file.page.content = finisher.finish(file.page.content)
        for number, destination in finisher.destinations.items():
            link = self.late_links[number]
            self.note(link.place, link.address, destination, raw=link.raw)
        messages = (
            f"{self._describe(link.place)} links to '#{target.anchor}' in "
            f"{describe_placed(target.page)}, which has no such heading. The link leads to "
            "the top of the page."
            for link, target in finisher.unmatched
        )
        return list(dict.fromkeys(map(_write_line, messages)))

    def report_dropped(self) -> str:
        """Say which pages have links of which only the text is left; empty if none has."""
        return report_dropped_links(
            {_write_line(describe_placed(self.pages[uri])): n for uri, n in self._dropped.items()}
        )

    def note(
        self, place: Place | None, address: str, destination: Destination, *, raw: bool
    ) -> None:
        """Note where a link led; links of other texts than pages are not noted."""
        if place and destination.is_dropped:
            self._dropped[place.file.src_uri] += 1
        if place:
            self.trail.note(place.file.src_uri, address, destination, raw=raw)

    def _describe(self, place: Place | None) -> str:
        if place is None:
            return "A text"
        page = self.pages.get(place.file.src_uri)
        return describe_placed(page) if page else place.file.src_uri


class LinkProcessor(Treeprocessor):
    """Looks at the links of a page.

    Args:
        md: Renders it.
        site: Has the links of all pages.
    """

    def __init__(self, md: Markdown, site: RenderedSite) -> None:
        super().__init__(md)
        self._site = site

    def register(self) -> None:
        """Take part in rendering."""
        self.md.treeprocessors.register(self, LINK_PROCESSOR, LINK_PRIORITY)
        guesses = _GuessProcessor(self.md, self._site)
        self.md.treeprocessors.register(guesses, "confluence-link-guesses", _LAST)

    def run(self, root: Element) -> None:
        """Rewrite links."""
        _LinkWriter(self._site, self.md, root).write()


class _GuessProcessor(Treeprocessor):
    """Adds to late links the anchors that they probably mean."""

    def __init__(self, md: Markdown, site: RenderedSite) -> None:
        super().__init__(md)
        self._site = site

    def run(self, root: Element) -> None:
        late_links = self._site.links.late_links
        for element in root.iter("a") if late_links else ():
            number = read_number(element.get(LATE_ATTRIBUTE, ""))
            if 0 <= number < len(late_links):
                href = element.get("href", "").removesuffix("#")
                element.set("href", f"{href}{late_links[number].fragment}" or "#")


class _LinkWriter:
    """Rewrites the links of one text."""

    def __init__(self, site: RenderedSite, md: Markdown, root: Element) -> None:
        self._site, self._links, self._md, self._root = site, site.links, md, root
        self._place = find_place(md)
        self._page = self._links.pages.get(self._place.file.src_uri) if self._place else None
        self._ids: frozenset[str] | None = None
        self._own_anchors: Anchors | None = None

    def write(self) -> None:
        for element in self._root.iter("a"):
            is_source = element.get("class") == SOURCE_CLASS
            if not is_source and self._may_be_ours(element.get("href") or ""):
                self._write_element(element)
        blocks = self._md.htmlStash.rawHtmlBlocks
        changer = LinkChanger(self._change_raw_link)
        for number, block in enumerate(blocks):
            # An extension may keep an element there, which is in the tree as well.
            if isinstance(block, str) and (changer.is_open or self._may_have_links(block)):
                blocks[number] = changer.run(block)

    def _may_be_ours(self, address: str) -> bool:
        is_lead = self._page is not None and may_lead(address)
        return is_lead or may_be_ours(address)

    def _may_have_links(self, block: str) -> bool:
        if self._page is None:
            return may_be_ours(block)
        return _LINK.search(block) is not None

    def _write_element(self, element: Element) -> None:
        address = read_text(element.get("href"))
        target = self._find_target(address, read_text("".join(element.itertext())))
        text = "" if len(element) else read_text(element.text)
        bare = text if shows_address(text, address) else ""
        if isinstance(target, Inside | Named):
            href, number = self._link(target, address, text=bare)
            element.set("href", href)
            if number is not None:
                element.set(LATE_ATTRIBUTE, str(number))
                if bare:
                    element.text = AtomicString(
                        html.escape(self._links.late_links[number].text, quote=False)
                    )
        elif isinstance(target, Nowhere):
            self._drop(element, address, target.title if bare else "")
        elif target:
            if target.url != address:
                element.set("href", target.url)
                self._links.note(self._place, address, Destination(target.url), raw=False)
            element.set("class", f"{element.get('class', '')} {LINK_CLASS}".strip())

    def _drop(self, element: Element, address: str, title: str) -> None:
        """Leave only the text of a link."""
        element.tag = "span"
        element.attrib.clear()
        if title:
            element.text = AtomicString(html.escape(title, quote=False))
        self._links.note(
            self._place, address, Destination("", title=title, is_dropped=True), raw=False
        )

    def _change_raw_link(self, address: str) -> NewLink:
        target = self._find_target(address)
        if isinstance(target, Inside | Named):
            href, number = self._link(target, address, raw=True)
            fragment = "" if number is None else self._links.late_links[number].fragment
            return f"{href.removesuffix('#')}{fragment}" or "#", number
        if isinstance(target, Nowhere):
            self._links.note(self._place, address, Destination("", is_dropped=True), raw=True)
            return Dropped()
        # Most links that leave the site are right as they are, and stay as the author wrote them.
        if target is None or target.url == address:
            return None
        self._links.note(self._place, address, Destination(target.url), raw=True)
        return target.url

    def _find_target(
        self, address: str, text: str = ""
    ) -> Inside | Outside | Named | Nowhere | None:
        if address.startswith("#") and address[1:] in self._find_ids():
            return None
        target = self._links.link_map.find_target(address, self._page, text)
        if isinstance(target, Named):
            return self._find_beside(target, address)
        if isinstance(target, Inside) and self._find_file(target) is None:
            target = target.otherwise
        if isinstance(target, Complaint):
            self._links.complain(self._place, target)
            return None
        return target

    def _find_beside(self, named: Named, address: str) -> Inside | Named | None:
        """Find the page of the site to which a relative address leads, as MkDocs reads it."""
        assert self._place  # noqa: S101  for the type checker: without a place there is no page
        src_uri = find_place_of(address, self._place.file.src_uri)
        if page := self._links.pages.get(src_uri):
            return Inside(page, named.anchor, "", Nowhere())
        return None if src_uri in self._place.files.src_uris else named

    def _find_ids(self) -> frozenset[str]:
        """Return the IDs of the tree: links to them are made by the site's own extensions."""
        if self._ids is None:
            self._ids = frozenset(element.get("id", "") for element in self._root.iter())
        return self._ids

    def _find_file(self, target: Inside) -> File | None:
        """Find the file of a page, which another plugin may have taken out of the site."""
        return self._place.files.src_uris.get(target.page.src_uri) if self._place else None

    def _link(
        self, target: Inside | Named, address: str, *, text: str = "", raw: bool = False
    ) -> tuple[str, int | None]:
        """Return the address for a link, and its number if it is to be finished later."""
        place = self._place
        assert place  # noqa: S101  for the type checker: without a place there is no file
        inside = target if isinstance(target, Inside) else self._guess(target)
        file = self._find_file(inside) if inside else None
        path = quote(get_relative_url(file.src_uri, place.file.src_uri)) if file else ""
        url = file.url_relative_to(place.file) if file and raw else ""
        if isinstance(target, Inside):
            self._links.note(place, address, Destination(path, url), raw=raw)
            if not target.anchor and not text:
                return url or path, None
        if file == place.file:
            path = url = ""
        anchors = self._predict(inside) if inside else None
        shown = (text and inside and self._guess_title(inside, anchors)) or text
        fragment = self._guess_fragment(inside, anchors) if inside and anchors else ""
        known_path = path if isinstance(target, Inside) else ""
        link = LateLink(place, target, shown, address, known_path, raw, fragment)
        return url or path or "#", self._links.add_late_link(link)

    def _guess(self, named: Named) -> Inside | None:
        page = self._site.guess_named(named.name, self._page) if self._page else None
        return Inside(page, named.anchor, "", Nowhere()) if page else None

    def _guess_title(self, target: Inside, anchors: Anchors | None) -> str:
        title = html.unescape(target.page.title) or target.page.own_title
        return title or (anchors.title if anchors else "")

    def _guess_fragment(self, target: Inside, anchors: Anchors) -> str:
        titles = (target.title, target.page.known_title)
        found = anchors.find(target.anchor, titles) if target.anchor else None
        return f"#{found}" if found else ""

    def _predict(self, target: Inside) -> Anchors | None:
        """Find out what can be linked to in a page: this one is there, others may be."""
        if target.page == self._page:
            if self._own_anchors is None:
                self._own_anchors = _read_tree(self._root)
            return self._own_anchors
        toc = next(
            (each for each in self._md.treeprocessors if isinstance(each, TocTreeprocessor)), None
        )
        if toc is None:
            return None
        return self._site.predict_anchors(target.page, lambda text: toc.slugify(text, toc.sep))


_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}


def _read_tree(root: Element) -> Anchors:
    """Find the IDs and the headings in the elements of a page."""
    ids = [element.get("id", "") for element in root.iter()]
    headings = [element for element in root.iter() if element.tag in _HEADINGS]
    named = [(each.get("id", ""), _read_heading(each)) for each in headings]
    title = next((_read_heading(each) for each in headings if each.tag == "h1"), "")
    return Anchors(ids, [(name, text) for name, text in named if name], title)


def _read_heading(heading: Element) -> str:
    """Return the text of a heading, without that of its permalink."""
    permalink = f"#{heading.get('id', '')}"
    parts = [heading.text or ""]
    for child in heading:
        is_permalink = child.tag == "a" and child.get("href") == permalink
        parts += [*(() if is_permalink else child.itertext()), child.tail or ""]
    # A heading may also be a link to itself as a whole.
    return read_text("".join(parts).strip() or "".join(heading.itertext()).strip())


def _write_line(text: str) -> str:
    """Keep what somebody wrote in Confluence from looking like more than one line of a log."""
    return "".join(char if char.isprintable() else " " for char in text)
