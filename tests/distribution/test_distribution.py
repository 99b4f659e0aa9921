"""What is published: a wheel and a source distribution with exactly the right files."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

import mkdocs_confluence_md

ROOT = Path(mkdocs_confluence_md.__file__).parent.parent
VERSION = mkdocs_confluence_md.__version__
BUILD = "import sys; from hatchling import build as b; b.build_wheel(sys.argv[1]); b.build_sdist(sys.argv[1])"  # fmt: skip  # noqa: E501  a script in one line


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with both, made by the build backend itself."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-c", BUILD, str(folder)], cwd=ROOT, check=True)
    return folder


def test_the_wheel_has_the_package_its_licence_and_nothing_else(dist: Path) -> None:
    [wheel] = dist.glob("*.whl")
    assert wheel.name == f"mkdocs_confluence_md-{VERSION}-py3-none-any.whl"
    info = f"mkdocs_confluence_md-{VERSION}.dist-info"
    package = ROOT / "mkdocs_confluence_md"
    modules = {path.relative_to(ROOT).as_posix() for path in package.rglob("*.py")}

    with zipfile.ZipFile(wheel) as archive:
        assert set(archive.namelist()) == {
            *modules,
            "mkdocs_confluence_md/py.typed",
            f"{info}/METADATA",
            f"{info}/RECORD",
            f"{info}/WHEEL",
            f"{info}/entry_points.txt",
            f"{info}/licenses/LICENSE",
        }
        metadata = message_from_bytes(archive.read(f"{info}/METADATA"))

    assert metadata["Name"] == "mkdocs-confluence-md"
    assert metadata["Requires-Python"] == ">=3.11"
    description = metadata.get_payload(decode=True)
    assert isinstance(description, bytes)
    assert description.decode() == (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_source_distribution_has_what_is_needed_to_test_it(dist: Path) -> None:
    [sdist] = dist.glob("*.tar.gz")

    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    wanted = {"pyproject.toml", "PKG-INFO", "README.md", "LICENSE", "CHANGELOG.md", "Makefile",
              "tests/conftest.py", "example-site/standin/server.py", "example-site/mkdocs.yml",
              "mkdocs_confluence_md/py.typed", "docs/index.md", "mkdocs.yml"}  # fmt: skip
    assert wanted <= names
    folders = {name.partition("/")[0] for name in names if "/" in name}
    assert folders == {
        ".ci", "benchmarks", "docs", "example-site", "live", "mkdocs_confluence_md", "tests"
    }  # fmt: skip
    # Nothing that was built, fetched or made by a test run.
    assert not [name for name in names if "__pycache__" in name or "-site/site/" in name]
    assert not [name for name in names if ".cache" in name.split("/")]


def test_the_changelog_begins_with_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    release, _, development = VERSION.partition(".dev")
    heading = f"{release} (unreleased)" if development else release
    assert changelog.partition("\n## ")[2].splitlines()[0] == heading
