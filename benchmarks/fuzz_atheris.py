"""`python -m benchmarks.fuzz_atheris TARGET`: the targets of the fuzzer, searched by libFuzzer.

It is guided by what of our code an input reaches, and its inputs are bytes: those parts of a target
that are more than bytes stay the same. It needs `pip install atheris`, which has no wheel for each
Python, and ends at the first input that raises a wrong error.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["mkdocs_confluence_md"]):
    from benchmarks.fuzz_targets import TARGETS
    from benchmarks.fuzzing import try_one, write_finding


def main() -> None:
    """Have libFuzzer try inputs; it ends this process."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz_atheris")
    parser.add_argument("target", choices=list(TARGETS))
    parser.add_argument("--minutes", type=float, default=10.0)
    arguments = parser.parse_args()
    logging.disable()
    name, target = arguments.target, TARGETS[arguments.target]
    with tempfile.TemporaryDirectory() as corpus, target.open() as try_input:
        for number, content in enumerate(target.seeds):
            (Path(corpus) / str(number)).write_bytes(content)

        def attempt(data: bytes) -> None:
            if finding := try_one(name, try_input, target.read(data)):
                print(f"{name}: {finding.place}, in {write_finding(finding)}", flush=True)
                raise finding.error

        seconds = f"-max_total_time={int(arguments.minutes * 60)}"
        atheris.Setup([sys.argv[0], seconds, "-artifact_prefix=/dev/null", corpus], attempt)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
