"""Other people's tools, each installed from the package index into an environment of its own."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".cache" / "benchmarks" / "peers"
OWN_BIN = Path(sys.executable).parent
VERSIONS = {
    "confluence-markdown-exporter": "5.5.0",
    "mkdocs-embed-external-markdown": "3.0.2",
    "mkdocs-include-markdown-plugin": "7.3.0",
}
# What decides how long rendering takes must be the same everywhere.
RENDERERS = (
    "mkdocs",
    "mkdocs-material",
    "Markdown",
    "pymdown-extensions",
    "Pygments",
    "Jinja2",
    "MarkupSafe",
    "PyYAML",
    "watchdog",
)


def install(name: str) -> Path:
    """Install a tool, unless that is done; return the directory of its commands."""
    bin_dir = FOLDER / name / "bin"
    requirements = [
        f"{name}=={VERSIONS[name]}",
        *(f"{each}=={version(each)}" for each in _with(name)),
    ]
    receipt, wanted = FOLDER / name / "installed.txt", "\n".join(requirements)
    if not receipt.is_file() or receipt.read_text(encoding="utf-8") != wanted:
        print(f"installing {name} {VERSIONS[name]}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", FOLDER / name], check=True)
        pip = [str(bin_dir / "python"), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, "--disable-pip-version-check", *requirements], check=True)
        receipt.write_text(wanted, encoding="utf-8")
    return bin_dir


def _with(name: str) -> tuple[str, ...]:
    """Return what a tool is installed together with: a plugin runs in its own MkDocs."""
    return RENDERERS if name.startswith("mkdocs-") else ()
