"""Archives of a tree of pages, as two public exporters lay them out.

Both write `Parent.md` and the folder `Parent/` with its children, under names that are slugs.

- `shared`: slugs have no letters but those of ASCII; a title without any becomes a random name,
  another one each time that it is written; the files of all pages are in one folder, and each page
  refers to them as if that folder was beside it. Links to pages go through the parent's folder.
- `own`: slugs keep letters, and much of the punctuation; each page has its files in its own folder.
"""

from __future__ import annotations

import io
import re
import uuid
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from standin import PageRecord

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Style = Literal["shared", "own"]
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Doc:
    """A page. In its text, `<Title>` is a link to a page, and `<name.png>` a picture."""

    title: str
    text: str = ""
    children: tuple[Doc, ...] = ()
    files: tuple[str, ...] = ()

    def walk(self) -> Iterator[Doc]:
        """Yield the page and all below it, each before its children."""
        yield self
        for child in self.children:
            yield from child.walk()


GUIDE = Doc(
    "Team guide",
    "Start with <01 Roll out>, then read <Nachtschicht: Übersicht & Dienste>.",
    (
        Doc(
            "01 Roll out",
            "![the plan](<plan.png>)\n\n| Step |\n| --- |\n| ![one](<step one.png>) |"
            '\n\nSee <Where is what / who knows, "why" and ?>.',
            files=("plan.png", "step one.png"),
        ),
        Doc(
            "Nachtschicht: Übersicht & Dienste",
            "{children}\n\n![the map](<Karte-für-alle.png>)",
            (
                Doc("当番の手引き", "Up: <Team guide>.", (Doc("Alarme", "Up: <当番の手引き>."),)),
                Doc("連絡先", "Not <当番の手引き>."),
                Doc("🚀", "Fly."),
                Doc("年報 2030", "See <年報 2031>."),
                Doc("年報 2031"),
            ),
            ("Karte-für-alle.png",),
        ),
        Doc('Where is what / who knows, "why" and ?', "![it](<deep.png>)", files=("deep.png",)),
        Doc(
            "02 Depth (first)",
            "",
            (
                Doc(
                    "Depth (second)",
                    "",
                    (Doc("Depth (third)", "![d](<bottom.png>) <02 Depth (first)>",
                         files=("bottom.png",)),),
                ),
            ),
        ),
    ),
)  # fmt: skip


@dataclass
class Export:
    """An archive in the making."""

    root: Doc
    style: Style
    shared_folder: str = "attachments"
    """Where the files of all pages are, in the style `shared`."""
    paths: dict[str, str] = field(default_factory=dict)
    """Of each page without `.md`, by title."""

    def pack(self, more: Mapping[str, str] | None = None) -> bytes:
        """Return the archive, with more texts in front by their names."""
        self._name(self.root, "")
        texts = {f"{self.paths[doc.title]}.md": self._write(doc) for doc in self.root.walk()}
        entries = {name: text.encode() for name, text in {**(more or {}), **texts}.items()}
        for doc in self.root.walk():
            for file in doc.files:
                folder = f"{self.paths[doc.title]}/attachments"
                shared = self.style == "shared"
                name = f"{self.shared_folder if shared else folder}/{self._name_file(file)}"
                entries[name] = PNG + file.encode()
        return pack(entries)

    def records(self, root_id: str) -> list[PageRecord]:
        """Return pages for the stand-in's Confluence, so that it counts as many."""
        _, *below = self.root.walk()
        rest = [PageRecord(str(number), title=doc.title, parent=root_id)
                for number, doc in enumerate(below, 5_000)]  # fmt: skip
        return [PageRecord(root_id, title=self.root.title), *rest]

    def _name(self, doc: Doc, folder: str) -> None:
        path = self.paths[doc.title] = f"{folder}{self._slug(doc.title)}"
        for child in doc.children:
            self._name(child, f"{path}/")

    def _slug(self, title: str) -> str:
        if self.style == "own":
            return re.sub(r"[\s/\\:?\"]+", "-", title).strip("-").lower()
        slug = re.sub(r"[^a-z0-9]+", "-", re.sub(r"[^\w\s-]", "", title.lower(), flags=re.ASCII))
        return slug.strip("-") or f"page-{uuid.uuid4()}"

    def _name_file(self, name: str) -> str:
        return name if self.style == "own" else name.replace(" ", "-")

    def _write(self, doc: Doc) -> str:
        items = "\n".join(f"- <{child.title}>" for child in doc.children)
        text = doc.text.replace("{children}", items)
        text = re.sub(r"<([^>]+)>", lambda match: self._refer(doc, match[1]), text)
        return f"# {doc.title}\n\n{self._anchor('about')}## About\n\n{text}\n"

    def _anchor(self, name: str) -> str:
        return f'<a id="{name}"></a>\n\n' if self.style == "shared" else ""

    def _refer(self, doc: Doc, name: str) -> str:
        here = self.paths[doc.title].split("/")
        if name.endswith(".png"):
            folder = "" if self.style == "shared" else f"{here[-1]}/"
            return f"./{_quote(folder)}attachments/{_quote(self._name_file(name))}"
        return f"[{name}]({self._link(here, self._path_of(name))})"

    def _path_of(self, title: str) -> str:
        """Return the path of a page as a link has it: a lost name is made up anew."""
        path = self.paths[title].split("/")
        return "/".join(f"page-{uuid.uuid4()}" if part.startswith("page-") else part for part in path)  # fmt: skip  # noqa: E501  one line to read

    def _link(self, here: list[str], path: str) -> str:
        ups = len(here) - 1
        return f"{'../' * ups or './'}{_quote(path)}.md"


def pack(entries: Mapping[str, bytes]) -> bytes:
    """Return an archive of files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _quote(path: str) -> str:
    return quote(path, safe="/&,'()-_.")
