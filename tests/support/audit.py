"""Ask for known vulnerabilities of what is installed.

Call it as `python tests/support/audit.py PIP_AUDIT PYTHON`.

pip-audit asks PyPI. Where PyPI cannot be asked, that is said in one line and is not an error: a CI
job without a network has no other way. A vulnerability is one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys


def main() -> int:
    """Print each vulnerability; return the exit code."""
    pip_audit, python = sys.argv[1:]
    command = [pip_audit, "--local", "--skip-editable", "--progress-spinner", "off"]
    answer = subprocess.run(
        [*command, "--format", "json", "--timeout", "10"],
        env=os.environ | {"PIPAPI_PYTHON_LOCATION": python},
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        packages = json.loads(answer.stdout)["dependencies"]
    except ValueError:
        last_line = answer.stderr.strip().rpartition("\n")[2]
        print(f"pip-audit could not look anything up: {last_line}")
        return 0
    found = [each for each in packages if each.get("vulns")]
    for each in found:
        names = ", ".join(vulnerability["id"] for vulnerability in each["vulns"])
        print(f"{each['name']} {each['version']} has known vulnerabilities: {names}")
    if all("skip_reason" in each for each in packages):
        print("pip-audit could not look anything up: PyPI knows none of the packages")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
