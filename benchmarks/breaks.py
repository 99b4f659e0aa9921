"""`python -m benchmarks.breaks [MODULE ...]`: break code in 30 places, and see tests find each.

Each break is made in a copy of the project, and the tests that are named for it are run there. A
break that no test finds is printed, and makes the exit code 1.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_COPIED = ("mkdocs_confluence_md", "tests", "docs", "example-site", "benchmarks", "live",
           "pyproject.toml", "README.md", "CHANGELOG.md", "Makefile", "mkdocs.yml")  # fmt: skip


@dataclass(frozen=True)
class Break:
    """A place in a module, what is put there instead, and the tests that are to find it."""

    module: str
    old: str
    new: str
    tests: str


BREAKS = [
    Break(
        "auth/trust",
        'return f"{parts.scheme}:// would',
        "return '' and f\"{parts.scheme}:// would",
        "unit/auth/test_trust.py",
    ),
    Break("auth/token_refresh", "and self._clock() < sign_in.expires_at - margin", "", "unit/auth"),
    Break("auth/token_store", "0o600", "0o644", "unit/auth"),
    Break("auth/token_store", "if self._is_sealed or vault:", "if vault:", "unit/auth"),
    Break(
        "auth/shared_token_store", "'compare' and current and", "'x' and current and", "unit/auth"
    ),
    Break("auth/shared_token_store", "#!lua flags=allow-oom", "#!lua", "unit/auth"),
    Break("auth/shared_token_store", "lock.reacquire()", "None", "unit/auth"),
    Break(
        "auth/token_file",
        "return (status.st_dev, status.st_ino) in self._identities",
        "return False",
        "builds/test_token_file_in_sites.py",
    ),
    Break("auth/environment", "if value and not is_token(value):", "if False:", "unit/auth"),
    Break(
        "network/retries",
        "(trouble not in _NOT_ARRIVED and ONLY_ONCE in request.extensions)",
        "False",
        "unit/network unit/auth",
    ),
    Break(
        "network/throttling",
        "return too_much_lost or (nothing_heard and concerns_all)",
        "return False",
        "unit/network",
    ),
    Break(
        "network/redaction",
        "text = text.replace(secret, HIDDEN)",
        "text = text",
        "unit/network/test_redaction.py",
    ),
    Break(
        "network/spooling",
        "if self._in_all + size > self._total_bytes:",
        "if False:",
        "unit/network/test_contents.py",
    ),
    Break(
        "confluence/refs",
        'return PageRef(page_id, url.hostname or "", title_in_url(text).strip())',
        'return PageRef(page_id, "")',
        "unit/confluence/test_references.py",
    ),
    Break(
        "confluence/responses",
        "return failed if failed.error else Body(markdown, (fields,))",
        "return Body(markdown, (fields,))",
        "unit/confluence/test_recorded.py",
    ),
    Break(
        "confluence/archive",
        "return kind in (0, stat.S_IFREG)",
        "return True or kind in (0,)",
        "unit/confluence/test_archive.py",
    ),
    Break(
        "confluence/export_tree",
        "0 < page_count <= len(chosen) < len(paths)",
        "False",
        "unit/confluence/test_bundle.py",
    ),
    Break(
        "confluence/attachments",
        "return found[0] if len(found) == 1 else None",
        "return None",
        "unit/confluence/test_attachments.py",
    ),
    Break(
        "confluence/content",
        "return own or _read_heading(find_heading(body))",
        "return own",
        "unit/site/test_source.py unit/confluence",
    ),
    Break(
        "confluence/rest",
        "return [base for base in others if base not in tried]",
        "return []",
        "unit/confluence/test_rest.py",
    ),
    Break(
        "confluence/listing",
        "if not each.is_page",
        "if False",
        "unit/confluence builds/test_trees.py",
    ),
    Break(
        "cache/policy", "if age < max_age else None", "if True else None", "unit/cache unit/fetch"
    ),
    Break("cache/policy", "if alias.target in going", "if False", "unit/cache"),
    Break("cache/policy", "if not is_plain or ", "if ", "unit/cache/test_fresh.py"),
    Break(
        "cache/store",
        "return str(error) not in _CIRCUMSTANCES",
        "return True",
        "unit/cache faults/test_cache_attacks.py",
    ),
    Break("fetch/fetcher", "if not future.exception()", "", "unit/fetch"),
    Break(
        "fetch/pages",
        "not texts[0].strip()",
        "True",
        "unit/fetch builds/test_trees.py unit/confluence",
    ),
    Break(
        "fetch/trees",
        "self._clock() - manifest.too_large_at < _SECONDS_TOO_LARGE",
        "False",
        "builds/test_trees.py",
    ),
    Break("fetch/attachments", "if make_digest(data) == digest else None", "", "unit/fetch"),
    Break("confluence/models", "and kept.version == now.version", "", "builds/test_versions.py"),
    Break(
        "fetch/snapshot",
        "if page_id and page.page_id == page_id",
        "if page_id",
        "builds/test_snapshot.py",
    ),
    Break(
        "site/nav",
        "return escape_text(title.strip())",
        "return title.strip()",
        "unit/site builds/test_hostile_authors.py",
    ),
    Break("site/paths", "slot not in self._files | self._folders and", "", "unit/site"),
    Break("cache/files", "if _read(path) == data:", "if True:", "builds/test_files.py"),
    Break(
        "site/other_plugins",
        "if parse_nav_entry(item.title, item.url) is not None:",
        "if False:",
        "builds/test_nav_plugins.py",
    ),
    Break("site/trees", "each == page.page_id or", "", "builds/test_choices.py"),
    Break(
        "site/source",
        "isinstance(value, list) and all(isinstance(item, str) for item in value)",
        "True",
        "unit/site",
    ),
    Break(
        "markdown/admonitions",
        "_read_alert(words, _KINDS) or _read_sign(words, _SIGN)",
        "_read_alert(words, _KINDS)",
        "unit/markdown/test_panels.py",
    ),
    Break(
        "markdown/anchors",
        "return candidates[0] if len(candidates) == 1 else None",
        "return None",
        "unit/markdown/test_names.py",
    ),
    Break(
        "markdown/attachments",
        "not (self._only_safe and can_run_scripts(name))",
        "True",
        "builds/test_hostile_authors.py builds/test_attached.py",
    ),
    Break("markdown/html", "if name in _NAMES:", "if False:", "unit/markdown/test_sanitizing.py"),
    Break(
        "markdown/link_targets",
        "return lost[0] if len(lost) == 1 else None",
        "return None",
        "unit/markdown builds/test_named_links.py",
    ),
    Break(
        "markdown/elements",
        "return bool(target) and _HARMFUL.match(str(target)) is not None",
        "return False",
        "unit/markdown builds/test_hostile_authors.py",
    ),
    Break(
        "pull/mkdocs_yml",
        "return bool(path) and (self.root / path).exists()",
        "return False",
        "unit/pull commands/test_pull.py",
    ),
    Break(
        "guarded",
        "protection.check_directory(Path(directory), name)",
        "pass",
        "builds/test_token_file_in_sites.py",
    ),
]


def main() -> None:
    """Make each break, or those in the modules that are named, and say which tests found it."""
    missed, names = [], sys.argv[1:]
    chosen = [each for each in BREAKS if each.module in names or not names]
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        for name in _COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(
                    source, project / name, ignore=shutil.ignore_patterns("__pycache__", ".cache")
                )
            else:
                shutil.copy(source, project / name)
        for each in chosen:
            found = run(each, project)
            print(f"{each.module:24} {found or 'NOT FOUND'}", flush=True)
            missed += [] if found else [each.module]
    if missed:
        sys.exit(f"No test finds what is broken in {', '.join(missed)}.")


def run(each: Break, project: Path) -> str:
    """Break the copy in one place; return the first test that fails, or nothing."""
    path = project / f"mkdocs_confluence_md/{each.module}.py"
    whole = path.read_text(encoding="utf-8")
    if each.old not in whole:
        sys.exit(f"{each.module} has no {each.old!r} any more.")
    path.write_text(whole.replace(each.old, each.new, 1), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "2", "-p", "no:cacheprovider",
               *(f"tests/{name}" for name in each.tests.split())]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(project), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        said = subprocess.run(
            command, cwd=project, env=environment, capture_output=True, text=True, check=False
        ).stdout
    finally:
        path.write_text(whole, encoding="utf-8")
    failures = [line for line in said.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return failures[0].partition(" - ")[0] if failures else ""


if __name__ == "__main__":
    main()
