"""ZIP archives that attack whoever reads them, and what is to be said of each."""

from __future__ import annotations

import io
import stat
import struct
import warnings
import zipfile

LONG_NAME = "n" * 296 + ".png"
Item = tuple[str | zipfile.ZipInfo, bytes]


def make_zip(*items: Item, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Make an archive of a page and these files; a name may be there twice."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", compression) as archive:
        warnings.simplefilter("ignore")  # `zipfile` complains of duplicates
        for name, content in [("page.md", b"# Page\n"), *items]:
            archive.writestr(name, content)
    return buffer.getvalue()


def make_link(name: str, target: str) -> Item:
    """Make a symbolic link."""
    info = zipfile.ZipInfo(name)
    info.create_system = 3  # Unix
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info, target.encode()


def rename(archive: bytes, old: str, new: str) -> bytes:
    """Write a name into an archive that `zipfile` would not write; both are equally long."""
    assert len(old.encode()) == len(new.encode())
    return archive.replace(old.encode(), new.encode())


def lie_about_size(archive: bytes, true_size: int, told_size: int) -> bytes:
    """Let an archive say that a file is smaller than it is."""
    return archive.replace(struct.pack("<L", true_size), struct.pack("<L", told_size))


SAFE: Item = ("safe.png", b"a picture")
UNSAFE = "The export of “Deploy” (page 101) has attachments that are unsafe: "
ATTACKS: dict[str, tuple[bytes, str]] = {
    "parent": (
        make_zip(SAFE, ("../../../evil.png", b"x")),
        "the name leads out of its folder (../../../evil.png).",
    ),
    "parent in the middle": (
        make_zip(SAFE, ("a/../../evil.png", b"x")),
        "the name leads out of its folder (a/../../evil.png).",
    ),
    "backslashes": (
        make_zip(SAFE, ("..\\..\\evil.png", b"x")),
        "the name leads out of its folder (..\\..\\evil.png).",
    ),
    "absolute": (
        make_zip(SAFE, ("/etc/evil.png", b"x")),
        "the name leads out of its folder (/etc/evil.png).",
    ),
    "drive": (
        make_zip(SAFE, ("C:\\evil.png", b"x")),
        "the name leads out of its folder (C:\\evil.png).",
    ),
    "symbolic link": (
        make_zip(SAFE, make_link("evil.png", "/etc/passwd")),
        "it is a link or a device, not a file (evil.png).",
    ),
    "10,000 entries": (
        make_zip(*((f"{number}.png", b"") for number in range(10_000))),
        "it has too many entries.",
    ),
    "bomb": (
        make_zip(SAFE, ("evil.png", bytes(20_000_000))),
        "it may be a zip bomb (compression ratio) (evil.png).",
    ),
    "duplicate names": (
        make_zip(("evil.png", b"one"), SAFE, ("evil.png", b"two")),
        "there is another file of that name, which is taken (evil.png).",
    ),
    "a name of 300 bytes": (
        make_zip(SAFE, (LONG_NAME, b"x")),
        f"the name is too long, and is cut ({'n' * 80}…).",
    ),
    "NUL": (
        rename(make_zip(SAFE, ("evil.png?.txt", b"x")), "evil.png?.txt", "evil.png\0.txt"),
        "the name has a NUL character in it (evil.png\\u0000.txt).",
    ),
    "right to left": (
        make_zip(SAFE, ("evil\u202egnp.html", b"x")),
        "the name has invisible characters in it, which are left out (evil\\u202egnp.html).",
    ),
}  # fmt: skip
