"""The GitHub workflows that the documentation gives, as files, for those who check workflows."""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path

from places import DOCS

_BLOCK = re.compile(
    r"^( *)```yaml[^\n]*\n( *name: .*?\n *jobs:\n.*?)^\1```$", re.DOTALL | re.MULTILINE
)


def find_workflows() -> dict[str, str]:
    """Return each workflow of the documentation, by a file name that tells where it is from."""
    return {
        f"{page.stem}-{number}.yml": textwrap.dedent(block)
        for page in sorted(DOCS.glob("*.md"))
        for number, (_, block) in enumerate(_BLOCK.findall(page.read_text(encoding="utf-8")), 1)
    }


def main() -> None:
    """Write all of them into a directory."""
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    for name, workflow in find_workflows().items():
        (directory / name).write_text(workflow, encoding="utf-8")


if __name__ == "__main__":
    main()
