"""What was tried against the plugin, how often, and what came of it: the table of docs/security.md.

`python tests/support/attack_table.py` writes it anew. The numbers are those of the cases that
pytest runs.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

from places import DOCS, ROOT, TESTS

PAGE = DOCS / "security.md"
BEGIN, END = "<!-- attacks -->\n", "<!-- end of attacks -->\n"

# Attack, outcome, and the files whose tests show it.
ATTACKS = {
    "An author": [
        ("a directive of another plugin, of 50 kinds in 28 places of a page; generated pages",
         "shown as it is written", ["attack_matrix", "inert"]),
        ("includes, templates and tables of files in any order of plugins; titles that leave their "
         "quotation marks; front matter that stops builds; files that servers run",
         "text; the build goes on; `.txt`", ["hostile_authors"]),
        ("HTML that a browser or a theme's script acts on, with `raw_html: strip`",
         "removed", ["sanitizing"]),
        ("the same in Chromium, 74 attacks a site, with Material, readthedocs, MathJax, KaTeX, "
         "Mermaid and search results", "no script runs", ["browser_canaries"]),
        ("archives with links, bombs, and names that lead out", "refused, with a warning",
         ["archive"]),
    ],
    "A pull request": [
        ("the token file in the site: by links, snippets, `INHERIT`, `docs_dir`, other plugins",
         "the build ends before anything is copied", ["token_file_in_sites"]),
        ("a secret in the configuration: by `!ENV`, plain, encoded, in a part",
         "the build ends, and the value is shown nowhere", ["secrets_in_settings"]),
        ("a token sent to a host of its choice", "not sent", ["trust"]),
        ("links and directories in the way of `pull`", "nothing outside of DIR is touched or read",
         ["pull_links", "swapping"]),
        ("code in a project that is only checked", "not run", ["no_code_runs"]),
    ],
    "A neighbour, an old copy, a strange server": [
        ("a cache or a token file that was prepared, damaged, linked or is another's",
         "refused, or made anew", ["neighbours", "cache_attacks"]),
        ("the token file in CI, and the sign-in on a server: read as a whole, poisoned, moved",
         "no secret is found; it counts as none", ["sealed_token_file", "shared_token_store"]),
        ("copies of pages that the account may not see (any more)", "not shown", ["tombstones"]),
        ("answers and failures that repeat a secret, in any form", "hidden",
         ["redaction", "secrets"]),
    ],
}  # fmt: skip


def count_cases() -> Counter[str]:
    """Return how many cases each file has."""
    files = [name for rows in ATTACKS.values() for *_, names in rows for name in names]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider",
               *(str(next(TESTS.rglob(f"test_{name}.py"))) for name in files)]  # fmt: skip
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return Counter(
        Path(line.partition("::")[0]).stem.removeprefix("test_")
        for line in listed.splitlines()
        if "::" in line
    )


def make_table() -> str:
    """Return the table as Markdown."""
    counts = count_cases()
    total = sum(counts.values())
    lines = [f"{total:,} cases, of which each is a test that anybody can run:", "",
             "| attack | cases | outcome | shown by |", "|---|---:|---|---|"]  # fmt: skip
    for who, rows in ATTACKS.items():
        lines.append(f"| **{who}** | | | |")
        for attack, outcome, names in rows:
            number = sum(counts[name] for name in names)
            tests = ", ".join(f"`test_{name}.py`" for name in names)
            lines.append(f"| {attack} | {number:,} | {outcome} | {tests} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the table into the page."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n{make_table()}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
