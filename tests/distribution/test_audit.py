"""The search for packages with a known vulnerability: what fails a build, and what is only said."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from places import SUPPORT

if TYPE_CHECKING:
    from pathlib import Path

SOUND = {"name": "httpx", "version": "0.28.1", "vulns": []}
VULNERABLE = {"name": "jinja2", "version": "3.1.2", "vulns": [{"id": "CVE-2024-22195"}]}
SKIPPED = {"name": "ours", "skip_reason": "not found on PyPI"}


@pytest.mark.parametrize(
    ("stdout", "code", "said"),
    [
        (json.dumps({"dependencies": [SOUND, SKIPPED]}), 0, ""),
        (
            json.dumps({"dependencies": [SOUND, VULNERABLE]}),
            1,
            "jinja2 3.1.2 has known vulnerabilities: CVE-2024-22195\n",
        ),
        (
            json.dumps({"dependencies": [SKIPPED]}),
            0,
            "pip-audit could not look anything up: PyPI knows none of the packages\n",
        ),
        ("", 0, "pip-audit could not look anything up: ConnectionError: no route\n"),
    ],
)
def test_only_a_known_vulnerability_is_an_error(
    tmp_path: Path, stdout: str, code: int, said: str
) -> None:
    pip_audit = tmp_path / "pip-audit"
    pip_audit.write_text(
        f"#!{sys.executable}\nimport sys\nprint({stdout!r})\n"
        "sys.stderr.write('Traceback:\\nConnectionError: no route\\n')\n"
    )
    pip_audit.chmod(0o755)
    command = [
        sys.executable,
        str(SUPPORT / "audit.py"),
        str(pip_audit),
        sys.executable,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (code, said, "")
