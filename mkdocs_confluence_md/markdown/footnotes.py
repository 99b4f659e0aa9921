"""Footnotes in the markup of Python-Markdown's own extension, which themes have styles for."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from markdown.extensions.footnotes import FootnoteExtension
from markdown.util import HTML_PLACEHOLDER_RE, AtomicString

if TYPE_CHECKING:
    from markdown import Markdown


class Footnotes:
    """The footnotes of one page, numbered in the order in which the text refers to them."""

    def __init__(self, markdown: Markdown) -> None:
        self._markdown = markdown
        self._labels: list[str] = []
        self._links_back: defaultdict[str, list[str]] = defaultdict(list)
        self._notes: list[tuple[str, ET.Element]] = []

    @cached_property
    def _extension(self) -> FootnoteExtension:
        # One of its own, set as the site's is: the site's would look for its own kind of text.
        extension = FootnoteExtension(**_find_settings(self._markdown))
        extension.reset()
        return extension

    def refer_to(self, label: str) -> ET.Element:
        """Make the raised number that leads to a footnote."""
        if label not in self._labels:
            self._labels.append(label)
        number = self._labels.index(label) + 1
        identifier = self._extension.makeFootnoteRefId(label, found=True)
        self._links_back[label].append(identifier)
        raised = ET.Element("sup", {"id": identifier})
        target = f"#{self._extension.makeFootnoteId(label)}"
        link = ET.SubElement(raised, "a", {"class": "footnote-ref", "href": target})
        link.text = AtomicString(self._extension.getConfig("SUPERSCRIPT_TEXT").format(number))
        return raised

    def define(self, label: str) -> ET.Element:
        """Make the list item that a footnote's text goes into."""
        note = ET.Element("li")
        self._notes.append((label, note))
        return note

    def make_section(self) -> ET.Element | None:
        """Make what stands at the page's end; what nothing refers to comes last, but it comes."""
        if not self._notes:
            return None
        section = ET.Element("div", {"class": "footnote"})
        ET.SubElement(section, "hr")
        notes = ET.SubElement(section, "ol")
        defined: set[str] = set()
        for label, note in sorted(self._notes, key=self._find_place):
            # A label that is defined twice leads to its first text.
            copy = "" if label not in defined else f"-{len(notes) + 1}"
            note.set("id", self._extension.makeFootnoteId(label + copy))
            if not copy:
                self._lead_back(label, note)
            defined.add(label)
            notes.append(note)
        return section

    def _find_place(self, note: tuple[str, ET.Element]) -> int:
        label, _ = note
        return self._labels.index(label) if label in self._labels else len(self._labels)

    def _lead_back(self, label: str, note: ET.Element) -> None:
        identifiers = self._links_back[label]
        if not identifiers:
            return
        line = note[-1] if len(note) and _is_text(note[-1]) else ET.SubElement(note, "p")
        number = self._labels.index(label) + 1
        # The older form of this setting is that of the % operator.
        title = self._extension.getConfig("BACKLINK_TITLE").replace("%d", "{}").format(number)
        _append_space(line)
        for identifier in identifiers:
            attributes = {"class": "footnote-backref", "href": f"#{identifier}", "title": title}
            link = ET.SubElement(line, "a", attributes)
            link.text = AtomicString(self._extension.getConfig("BACKLINK_TEXT"))


def _find_settings(markdown: Markdown) -> dict[str, object]:
    for extension in markdown.registeredExtensions:
        if isinstance(extension, FootnoteExtension):
            return dict(extension.getConfigs())
    return {}


def _is_text(element: ET.Element) -> bool:
    """Tell whether this is a paragraph, and not one that only stands for code."""
    return element.tag == "p" and not HTML_PLACEHOLDER_RE.fullmatch(element.text or "")


def _append_space(line: ET.Element) -> None:
    """Keep a link back on the line of the word before it."""
    if len(line):
        line[-1].tail = AtomicString((line[-1].tail or "") + "&#160;")
    elif line.text:
        line.text = AtomicString(line.text + "&#160;")
