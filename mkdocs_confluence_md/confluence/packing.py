"""An archive packed anew, so that the same files make the same bytes. Pure.

Each export of a tree has the time of its making in it, and may be packed in another way. Files are
not compressed: what that makes of them depends on who does it, and Git does it anyway.
"""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

from mkdocs_confluence_md.confluence.archive import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mkdocs_confluence_md.confluence.archive import Archive

_PLAIN_FILE = 0o100644 << 16
_UNIX = 3


def pack(archive: Archive, texts: Mapping[str, str]) -> bytes:
    """Pack the files of an archive that are of use, in their order.

    Args:
        archive: Where they are.
        texts: What is packed instead of the files with these paths.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as target:
        for entry in archive.entries:
            text = texts.get(entry.path)
            content = archive.read(entry) if text is None else text.encode()
            if isinstance(content, Finding):
                continue
            info = zipfile.ZipInfo(entry.path)  # its time is that of the first archives
            info.external_attr, info.create_system = _PLAIN_FILE, _UNIX
            target.writestr(info, content)
    return packed.getvalue()
